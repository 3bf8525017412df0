import type { ObjectMeta, Pod } from './types.js';

/** The workload to which a pod belongs. */
export interface Workload {
  apiVersion: string;
  kind: string;
  name: string;
  namespace: string;
}

const RANDOM_SUFFIX = /-[0-9]{8,11}$/;

/**
 * The workload behind a pod, found by its controller: the Deployment of a ReplicaSet (by the pod-template-hash), the CronJob of a
 * Job (by the time in its name), else the controller, else the pod itself.
 */
export function workloadOf(pod: Pod, namespace: string): Workload {
  const metadata: ObjectMeta = pod.metadata ?? {};
  const own = metadata.namespace ?? namespace;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) {
    const name = metadata.name ?? (metadata.generateName ?? '').replace(/-$/, '');
    return { apiVersion: 'v1', kind: 'Pod', name, namespace: own };
  }
  const hash = metadata.labels?.['pod-template-hash'];
  if (owner.kind === 'ReplicaSet' && hash !== undefined && owner.name.endsWith(`-${hash}`))
    return { apiVersion: 'apps/v1', kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1), namespace: own };
  if (owner.kind === 'Job' && RANDOM_SUFFIX.test(owner.name))
    return { apiVersion: 'batch/v1', kind: 'CronJob', name: owner.name.replace(RANDOM_SUFFIX, ''), namespace: own };
  return { apiVersion: owner.apiVersion ?? 'v1', kind: owner.kind, name: owner.name, namespace: own };
}

/** Labels that tell which canonical service a pod is of; what the pod says itself counts. */
export function canonicalLabels(labels: Record<string, string>, workload: Workload): Record<string, string> {
  const name =
    labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels.app ?? workload.name;
  const revision =
    labels['service.istio.io/canonical-revision'] ?? labels['app.kubernetes.io/version'] ?? labels.version ?? 'latest';
  return {
    'service.istio.io/canonical-name': name.slice(0, 63).replace(/^[-_.]+|[-_.]+$/g, ''),
    'service.istio.io/canonical-revision': revision,
  };
}
