/** Pods with sidecars for the tests of this folder; see cluster.mjs. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../proxy.mjs';
import { kubectl, until } from './cluster.mjs';

export const IMAGE = 'localhost/halfopen:0.1.0';
const BIN = join(ROOT, 'bin/halfopen');

/** Applications run as another user than the sidecar, whose connections are not captured. */
export const APPLICATION = { runAsUser: 1000, runAsGroup: 1000 };

/** `halfopen ARGS`: its output, what it said, and its exit status. */
export function halfopen(args, input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], {
    cwd: ROOT,
    input,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** Definitions, rights and the webhook of deploy/, once per cluster. */
export async function deploy() {
  kubectl(['apply', '--server-side', '--force-conflicts', '-k', join(ROOT, 'deploy/kind/crds')]);
  kubectl(['wait', '--for=condition=Established', '--timeout=60s', '-f', join(ROOT, 'deploy/kind/crds/istio.yaml')]);
  kubectl(['apply', '--server-side', '--force-conflicts', '-f', join(ROOT, 'deploy/kind/istio-system.yaml')]);
  kubectl(['apply', '--server-side', '--force-conflicts', '-k', join(ROOT, 'deploy/kubernetes')]);
  kubectl(['apply', '--server-side', '--force-conflicts', '-k', join(ROOT, 'deploy/injection')]);
  // The image may have been loaded anew under its old name.
  kubectl(['-n', 'halfopen-system', 'rollout', 'restart', 'deployment/halfopen-injector']);
  kubectl(['-n', 'halfopen-system', 'rollout', 'status', 'deployment/halfopen-injector', '--timeout=120s']);
  await until('the API server trusts the webhook', () => {
    const found = kubectl([
      'get',
      'mutatingwebhookconfiguration',
      'halfopen-injector',
      '-o',
      'jsonpath={.webhooks[*].clientConfig.caBundle}',
    ]);
    return found.trim().split(' ').length === 3 && found.trim() !== '';
  });
}

/** A namespace whose accounts may read what sidecars read. */
export function namespace(name, labels = {}) {
  kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait']);
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: `system:serviceaccounts:${name}` }];
  const binding = (kind, metadata, role) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: `${kind}Binding`,
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: role },
    subjects,
  });
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
    binding('ClusterRole', { name: `test-${name}` }, 'halfopen'),
    binding('Role', { name: `test-${name}`, namespace: 'istio-system' }, 'halfopen-mesh-config'),
  ];
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], list);
}

/** Runs a command in a container and returns its output. */
export function exec(namespaceName, pod, container, command) {
  return kubectl(['-n', namespaceName, 'exec', pod, '-c', container, '--', ...command]);
}

/** A page of the sidecar's agent. */
export const page = (namespaceName, pod, path, port = 15020) =>
  exec(namespaceName, pod, 'istio-proxy', ['halfopen', 'request', 'GET', path, '--debug-port', String(port)]);

export function podsOf(namespaceName, selector) {
  const { items } = JSON.parse(kubectl(['-n', namespaceName, 'get', 'pods', '-l', selector, '-o', 'json']));
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

export const isReady = (pod) => pod.status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';

/** Bytes that the kubelet counts for a container. */
export function workingSet(namespaceName, pod, container) {
  const { pods } = JSON.parse(kubectl(['get', '--raw', '/api/v1/nodes/node/proxy/stats/summary']));
  const found = pods.find(({ podRef }) => podRef.namespace === namespaceName && podRef.name === pod);
  return found?.containers.find(({ name }) => name === container)?.memory.workingSetBytes;
}
