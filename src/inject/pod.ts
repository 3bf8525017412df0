import { environmentOf, initContainer, proxyContainer, volumesOf } from './containers.js';
import { canonicalLabels, type Workload } from './identity.js';
import { overContainer, takeOut } from './merge.js';
import { INIT, type InjectOptions, PROXY } from './options.js';
import { rewriteProbes } from './probes.js';
import { mergePrometheus } from './prometheus.js';
import { settingsOf } from './settings.js';
import type { Container, EnvVar, Finding, Pod, PodSpec, Volume } from './types.js';

export type Injection =
  | { injected: Pod; skipped: null; warnings: Finding[] }
  /** The pod stays as it is, for the reason that is told. */
  | { injected: null; skipped: string; warnings: Finding[] };

const STATUS = 'sidecar.istio.io/status';
/** Namespaces of Kubernetes itself, whose pods are never injected. */
const SYSTEM = ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'];

/**
 * Injects the sidecar into a pod, or into the pod template of a workload, as istioctl kube-inject does. The pod that is given stays as it is.
 * Injecting a pod again changes nothing.
 * @throws InjectError when an annotation has a value that it must not have
 */
export function injectPod(pod: Pod, workload: Workload, options: InjectOptions): Injection {
  const reason = reasonToSkip(pod, workload, options);
  if (reason !== null) return { injected: null, skipped: reason, warnings: [] };
  const result = structuredClone(pod);
  const metadata = (result.metadata ??= {});
  const spec = (result.spec ??= {});
  const { settings, warnings } = settingsOf(metadata, options);
  warnings.push(...doubts(spec, metadata.labels, options));

  const said = takeOut(spec.containers) ?? takeOut(spec.initContainers);
  const saidOfInit = takeOut(spec.initContainers, INIT);
  const environment = environmentOf(spec, workload, settings, options);
  if (settings.mergeMetrics) {
    const scrape = mergePrometheus(metadata, settings.statusPort);
    if (scrape !== '') environment.push({ name: 'ISTIO_PROMETHEUS_ANNOTATIONS', value: scrape });
  }
  if (settings.rewriteProbes) {
    const probers = rewriteProbes(spec, settings);
    if (Object.keys(probers).length > 0)
      environment.push({ name: 'ISTIO_KUBE_APP_PROBERS', value: JSON.stringify(probers) });
  }
  const over = (container: Container, by: Container | undefined) =>
    by === undefined ? container : overContainer(container, by);
  const proxy = over(proxyContainer(settings, options, lastWins(environment)), said);
  const init = settings.interception !== 'NONE' ? over(initContainer(settings, options), saidOfInit) : null;
  const volumes = volumesOf(settings, options).filter(
    ({ name }) => !spec.volumes?.some((volume) => volume.name === name),
  );

  place(spec, proxy, init, settings.native, settings.proxy.holdApplicationUntilProxyStarts === true);
  spec.volumes = [...(spec.volumes ?? []), ...volumes];
  metadata.labels = { ...metadata.labels, ...labelsOf(metadata.labels ?? {}, workload) };
  metadata.annotations = {
    ...annotationsOf(spec, metadata.annotations ?? {}),
    ...metadata.annotations,
    'istio.io/rev': revisionOf(metadata.labels, options),
    [STATUS]: status(proxy, init, volumes, settings.native, revisionOf(metadata.labels, options)),
  };
  return { injected: result, skipped: null, warnings };
}

/** Why a pod stays as it is; null when it is to be injected. */
function reasonToSkip(pod: Pod, workload: Workload, options: InjectOptions): string | null {
  const { metadata = {}, spec = {} } = pod;
  const labels = metadata.labels ?? {};
  const annotations = metadata.annotations ?? {};
  if (spec.hostNetwork === true) return 'it has host networking enabled';
  if (SYSTEM.includes(workload.namespace)) return `it is in the namespace ${workload.namespace}`;
  if (spec.os?.name === 'windows') return 'it is for Windows';
  if (annotations[STATUS] !== undefined) return 'it is injected already';
  const wish = labels['sidecar.istio.io/inject'] ?? annotations['sidecar.istio.io/inject'] ?? '';
  if (wish === 'false') return 'it has sidecar injection disabled';
  if (wish !== 'true' && !options.byDefault) return 'nothing asks for its injection';
  const revision = labels['istio.io/rev'];
  if (options.revision !== null && revision !== undefined && revision !== options.revision)
    return `it asks for the revision ${revision}, and this is ${options.revision}`;
  return null;
}

/** What is worth telling about a pod that is injected all the same. */
function doubts(spec: PodSpec, labels: Record<string, string> | undefined, options: InjectOptions): Finding[] {
  const found: Finding[] = [];
  const wish = labels?.['sidecar.istio.io/inject'];
  if (wish !== undefined && wish !== 'true')
    found.push({
      path: ['metadata', 'labels', 'sidecar.istio.io/inject'],
      message: `'${wish}' is neither true nor false, and does not count`,
    });
  const policy = spec.dnsPolicy;
  if (policy !== undefined && policy !== 'ClusterFirst' && options.source.kind === 'kubernetes')
    found.push({ path: ['spec', 'dnsPolicy'], message: `with ${policy} names of the cluster may not be found` });
  return found;
}

/**
 * Native: the redirect rules, the sidecar, then the application's own init containers, which are part of the mesh. Classic: the
 * redirect rules come last, so that init containers reach the network; the sidecar comes last too, unless the application must wait.
 */
function place(spec: PodSpec, proxy: Container, init: Container | null, native: boolean, hold: boolean): void {
  const containers = spec.containers ?? [];
  const before = spec.initContainers ?? [];
  const rules = init === null ? [] : [init];
  if (native) {
    spec.initContainers = [...rules, proxy, ...before];
    return;
  }
  if (before.length + rules.length > 0) spec.initContainers = [...before, ...rules];
  spec.containers = hold ? [proxy, ...containers] : [...containers, proxy];
}

function labelsOf(labels: Record<string, string>, workload: Workload): Record<string, string> {
  // Without a workload certificate the sidecar takes no mutual TLS, and clients of a mesh must know.
  return {
    'security.istio.io/tlsMode': labels['security.istio.io/tlsMode'] ?? 'disabled',
    ...canonicalLabels(labels, workload),
  };
}

/** kubectl logs and exec go to the application, not to the sidecar. */
function annotationsOf(spec: PodSpec, given: Record<string, string>): Record<string, string> {
  const first = spec.containers?.find(({ name }) => name !== PROXY)?.name;
  if (first === undefined) return {};
  const found: Record<string, string> = {};
  for (const name of ['kubectl.kubernetes.io/default-container', 'kubectl.kubernetes.io/default-logs-container'])
    if (given[name] === undefined) found[name] = first;
  return found;
}

function revisionOf(labels: Record<string, string> | undefined, options: InjectOptions): string {
  return options.revision ?? labels?.['istio.io/rev'] ?? 'default';
}

/** What was injected, as Istio's tools read it. */
function status(
  proxy: Container,
  init: Container | null,
  volumes: readonly Volume[],
  native: boolean,
  revision: string,
): string {
  const rules = init === null ? [] : [init.name];
  return JSON.stringify({
    initContainers: native ? [...rules, proxy.name] : rules,
    containers: native ? null : [proxy.name],
    volumes: volumes.map(({ name }) => name),
    imagePullSecrets: null,
    revision,
  });
}

/** Of a variable that is there twice the last counts; proxyMetadata may name one of injection's own. */
function lastWins(environment: readonly EnvVar[]): EnvVar[] {
  return [...new Map(environment.map((variable) => [variable.name, variable])).values()];
}
