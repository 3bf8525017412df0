import { readDocuments } from '../config/documents.js';
import type { KubeDocument } from '../config/kube-documents.js';
import { isObject } from '../config/plain.js';
import { positionOf } from '../config/position.js';
import { isType } from '../xds/type-url.js';
import type { Cluster, Listener, RouteConfiguration } from '../xds/types.js';
import { checkAdmission } from './admission/check.js';
import { type MeshCertificates, runnableCluster, runnableListener } from './bind.js';
import { checkCarried, checkCarriedMesh, type Setting } from './carried/check.js';
import type { BuiltCluster } from './cluster/clusters.js';
import { type Binding, explicitResources } from './explicit.js';
import { type Finding, Findings } from './finding.js';
import { httpRoutesOf } from './http-route.js';
import { sidecarResources } from './istiod.js';
import { isKnown } from './kinds.js';
import { type LintOptions, lint } from './lint.js';
import { FindingMemo } from './memo.js';
import { Mesh, ROOT_NAMESPACE } from './mesh.js';
import { readMessages } from './model.js';
import { PROFILE_NAMES, type Profile, profileNamed } from './profile.js';
import { registryOf } from './registry/registry.js';
import { type Resource, resourceOf } from './resource.js';
import { checkSchema } from './schema/check.js';
import { notePaths, stringAt, type Tree, treeAt } from './tree.js';
import { type World, worldOf } from './world.js';

export interface TranslateOptions {
  /** The Istio release, such as `istio-1.8`; see `profileNamed`. */
  profile: string;
  /** Namespace of the proxy's workload; `default`. It decides which short names are known and which documents are seen. */
  proxyNamespace?: string;
  /** Labels of the proxy's workload, for `sourceLabels` and workload selectors. */
  proxyLabels?: Record<string, string>;
  /**
   * Address of the workload's Pod or WorkloadEntry: the proxy then has its inbound side too. Its namespace and labels are
   * those of the workload unless they are given.
   */
  proxyIp?: string;
  /** MeshConfig; goes before the ConfigMap `istio` of the root namespace among the documents. */
  meshConfig?: Tree;
  /**
   * True for a sidecar whose connections are redirected to it (ports 15001 and 15006): listeners as istiod makes them, the
   * inbound side when `proxyIp` is given. False, the default: listeners that clients call (see `explicitResources`).
   */
  interception?: boolean;
  /** `router` makes the listeners of the Gateways that select `proxyLabels`; `sidecar` is the default. */
  proxyType?: 'sidecar' | 'router';
  /** Address that listeners stand on; `127.0.0.1`. */
  listenAddress?: string;
  /** Listener ports for service ports; a service port that is not named keeps its number. */
  portMap?: Record<number, number>;
  /** Files with the workload's certificate, for mutual TLS of the mesh; without them servers are called in plain text. */
  meshCertificates?: MeshCertificates;
  /** Translate documents that admission refuses all the same, as if they had been stored before it looked. */
  keepRefused?: boolean;
}

/**
 * Envoy's configuration. `positionOf(message, field)` is where the Istio field behind it was written, and the position's
 * `source` is that field: `VirtualService default/server spec.http[0].timeout`.
 */
export interface Translation {
  listeners: Listener[];
  clusters: Cluster[];
  /** The route configurations; each stands in its listener too. */
  routes: RouteConfiguration[];
  warnings: Finding[];
  errors: Finding[];
}

/** The same in proto3 JSON shape, before it is read as Envoy reads it: what `halfopen envoy` prints. */
export interface GeneratedResources {
  listeners: Tree[];
  clusters: Tree[];
  routes: Tree[];
}

/**
 * Translates Istio and Kubernetes documents into the configuration of a proxy that is called directly, without
 * interception. Listeners: one for every port on which a visible service speaks HTTP, on `listenAddress`; the virtual host
 * is chosen by the Host header (see `explicitResources`). Never throws for what the documents hold: mistakes are in
 * `errors`, and documents with mistakes are left out.
 */
export function translate(docs: readonly KubeDocument[], options: TranslateOptions): Translation {
  const findings = new Findings();
  const generated = generate(docs, options, findings);
  const { warnings, errors } = sorted(findings);
  const listeners = readMessages('Listener', generated.listeners, errors, warnings);
  const clusters = readMessages('Cluster', generated.clusters, errors, warnings);
  return { listeners, clusters, routes: listeners.flatMap(routesOf), warnings, errors };
}

/** As `translate`, in proto3 JSON shape and without the checks of Envoy; what is found goes to `findings`. */
export function generate(
  docs: readonly KubeDocument[],
  options: TranslateOptions,
  findings: Findings,
): GeneratedResources {
  const profile = profileNamed(options.profile);
  if (profile === null) {
    findings.list.push(unknownProfile(options.profile));
    return { listeners: [], clusters: [], routes: [] };
  }
  const world = readWorld(docs, profile, options, findings);
  const certificates = options.meshCertificates ?? null;
  const made = resourcesOf(world, options);
  return {
    listeners: runnableListeners(made, certificates, findings),
    clusters: made.clusters.map((c) => runnableCluster(c, certificates, findings)),
    routes: made.routes,
  };
}

function runnableListeners(made: Resources, certificates: MeshCertificates | null, findings: Findings): Tree[] {
  const out: Tree[] = [];
  for (const source of made.listeners) {
    const listener = runnableListener(source, made.routes, certificates, findings);
    if (listener !== null) out.push(listener);
  }
  return out;
}

interface Resources {
  listeners: Tree[];
  clusters: BuiltCluster[];
  routes: Tree[];
}

function resourcesOf(world: World, options: Omit<TranslateOptions, 'profile'>): Resources {
  if (options.interception === true && world.proxy.type === 'sidecar') {
    return sidecarResources(world, { outbound: true, inbound: world.proxy.ip !== '' });
  }
  const binding: Binding = {
    address: options.listenAddress ?? '127.0.0.1',
    port: (servicePort) => options.portMap?.[servicePort] ?? servicePort,
  };
  return explicitResources(world, binding);
}

function routesOf(listener: Listener): RouteConfiguration[] {
  const out: RouteConfiguration[] = [];
  for (const chain of listener.filter_chains) {
    for (const filter of chain.filters) {
      const config = filter.typed_config;
      if (isType(config, 'HttpConnectionManager') && config.route_config !== undefined) out.push(config.route_config);
    }
  }
  return out;
}

function unknownProfile(name: string): Finding {
  return {
    severity: 'error',
    rule: 'profile',
    kind: '',
    namespace: '',
    name: '',
    path: '--profile',
    message: `the profile ${JSON.stringify(name)} is not known`,
    allowed: PROFILE_NAMES,
    position: null,
  };
}

function sorted(findings: Findings): { warnings: Finding[]; errors: Finding[] } {
  return {
    warnings: findings.list.filter((f) => f.severity !== 'error'),
    errors: findings.list.filter((f) => f.severity === 'error'),
  };
}

/**
 * Everything there is to say about documents without running them: what is refused, what is warned of, and, as `advice`, what
 * the arithmetic of the timers shows. Never throws for what the documents hold.
 */
export function check(
  docs: readonly KubeDocument[],
  options: TranslateOptions,
  lintOptions: LintOptions = {},
): Finding[] {
  const findings = new Findings();
  const profile = profileNamed(options.profile);
  if (profile === null) return [unknownProfile(options.profile)];
  const world = readWorld(docs, profile, options, findings);
  const made = resourcesOf(world, options);
  const certificates = options.meshCertificates ?? null;
  const listeners = runnableListeners(made, certificates, findings);
  const clusters = made.clusters.map((c) => runnableCluster(c, certificates, findings));
  readMessages('Listener', listeners, findings.list, findings.list);
  readMessages('Cluster', clusters, findings.list, findings.list);
  lint(world, findings, lintOptions);
  return findings.list;
}

interface Checked {
  /** null for a kind that is not read. */
  resource: Resource | null;
  admitted: boolean;
}

const checked = new FindingMemo<object, Checked>();

const carried = new FindingMemo<object, void>();

function checkDocument(raw: KubeDocument['raw'], findings: Findings): Checked {
  const resource = resourceOf(raw);
  if (!isKnown(resource, findings)) return { resource: null, admitted: false };
  const admitted = checkSchema(resource, findings) && checkAdmission(resource, findings);
  return { resource, admitted };
}

/** Reads and checks the documents, and works out what the proxy sees of them. */
export function readWorld(
  docs: readonly KubeDocument[],
  profile: Profile,
  options: Omit<TranslateOptions, 'profile'>,
  findings: Findings,
): World {
  const resources: Resource[] = [];
  const certificates = (options.meshCertificates ?? null) !== null;
  const captures = options.interception === true;
  const setting: Setting = { profile, proxyType: options.proxyType ?? 'sidecar', captures, certificates };
  const decisive = [profile.name, setting.proxyType, captures, certificates];
  for (const doc of docs) {
    const { resource, admitted } = checked.get(doc.raw, [], findings, () => checkDocument(doc.raw, findings));
    if (resource === null || (options.keepRefused !== true && !admitted)) continue;
    resources.push(resource);
    carried.get(doc.raw, decisive, findings, () => checkCarried(resource, setting, findings));
  }
  const mesh = new Mesh(options.meshConfig ?? meshConfigOf(resources, findings));
  checkCarriedMesh(mesh.tree, setting, findings);
  const ip = options.proxyIp ?? '';
  const own = ip === '' ? undefined : registryOf(resources).workloads.find((w) => w.address === ip);
  return worldOf(
    resources,
    profile,
    mesh,
    {
      type: options.proxyType ?? 'sidecar',
      namespace: options.proxyNamespace ?? own?.namespace ?? 'default',
      labels: options.proxyLabels ?? own?.labels ?? {},
      ip,
    },
    findings,
    httpRoutesOf(resources, findings),
  );
}

/** MeshConfig out of the ConfigMap `istio`: its `data.mesh` is a document of its own. */
export function meshConfigOf(resources: readonly Resource[], findings: Findings): Tree {
  const map = resources.find((r) => r.kind === 'ConfigMap' && r.name === 'istio' && r.namespace === ROOT_NAMESPACE);
  const data = treeAt(map?.body, 'data');
  if (map === undefined || data === undefined) return {};
  const at = positionOf(data, 'mesh');
  // The text begins on the line after its key; as many empty lines before it keep its line numbers true.
  const text = '\n'.repeat(at?.line ?? 0) + stringAt(data, 'mesh');
  const { documents, errors } = readDocuments(at?.file ?? '', text, 'kubernetes');
  for (const error of errors) findings.error('yaml', map, data, 'mesh', error.reason);
  const value = documents.find((d) => d.value !== null)?.value;
  if (!isObject(value)) return {};
  notePaths(value, 'MeshConfig');
  return value;
}
