import { DestinationRules } from './destination-rules.js';
import type { Findings } from './finding.js';
import { StableList } from './memo.js';
import type { Mesh } from './mesh.js';
import type { Profile } from './profile.js';
import { type Registry, registryOf } from './registry/registry.js';
import type { Service } from './registry/service.js';
import type { Resource } from './resource.js';
import { type Scope, scopeOf, sidecarFor } from './sidecar.js';
import { stringAt, treeAt } from './tree.js';
import { type VirtualService, virtualServicesOf } from './virtual-services.js';

/** The proxy that the configuration is for. */
export interface Proxy {
  type: 'sidecar' | 'router';
  namespace: string;
  labels: Record<string, string>;
  /** Address of its Pod; inbound listeners exist when a Pod or WorkloadEntry has it. Empty: outbound only. */
  ip: string;
}

/** All that the translation reads: the documents in order, and what the proxy sees of them. */
export interface World {
  profile: Profile;
  mesh: Mesh;
  proxy: Proxy;
  resources: readonly Resource[];
  registry: Registry;
  virtualServices: VirtualService[];
  destinationRules: DestinationRules;
  scope: Scope;
  findings: Findings;
  /** Whether hosts that nobody registered are passed on. */
  allowsAny: boolean;
  /**
   * What holds for everything that is made: release, mesh configuration, proxy, Sidecar, PeerAuthentications. The same object as the
   * last time while all of that is the same; null when EnvoyFilters are there, which change what was made.
   */
  basis: object | null;
}

export function worldOf(
  resources: readonly Resource[],
  profile: Profile,
  mesh: Mesh,
  proxy: Proxy,
  findings: Findings,
  generated: readonly VirtualService[],
): World {
  const registry = registryOf(resources, mesh.exportTo('defaultServiceExportTo'));
  const exportTo = mesh.exportTo('defaultVirtualServiceExportTo');
  for (const vs of generated) if (vs.exportTo.length === 0) vs.exportTo = exportTo;
  const virtualServices = [...generated, ...virtualServicesOf(resources, exportTo)];
  const sidecar =
    proxy.type === 'sidecar' ? sidecarFor(resources, proxy.namespace, proxy.labels, mesh.rootNamespace) : null;
  const policy = treeAt(sidecar?.spec, 'outboundTrafficPolicy');
  return {
    profile,
    mesh,
    proxy,
    resources,
    registry,
    virtualServices,
    destinationRules: new DestinationRules(resources, mesh.rootNamespace),
    scope: scopeOf(sidecar, proxy.namespace, registry.services, virtualServices),
    findings,
    allowsAny: policy === undefined ? mesh.allowsAny : stringAt(policy, 'mode') === 'ALLOW_ANY',
    basis: basisOf(resources, profile, mesh, proxy, sidecar),
  };
}

const GENERAL = new Set(['PeerAuthentication', 'ProxyConfig', 'Telemetry', 'ConfigMap']);
const settings = new StableList<unknown>();

function basisOf(
  resources: readonly Resource[],
  profile: Profile,
  mesh: Mesh,
  proxy: Proxy,
  sidecar: Resource | null,
): object | null {
  const of: unknown[] = [JSON.stringify(profile), JSON.stringify(mesh.tree), JSON.stringify(proxy), sidecar];
  for (const resource of resources) {
    if (resource.kind === 'EnvoyFilter') return null;
    if (GENERAL.has(resource.kind)) of.push(resource);
  }
  return settings.of(of);
}

/** The service that the proxy sees under `host`. */
export function serviceNamed(world: World, host: string): Service | undefined {
  return world.scope.byHost.get(host);
}
