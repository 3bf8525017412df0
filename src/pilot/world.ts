import { DestinationRules } from './destination-rules.js';
import type { Findings } from './finding.js';
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
}

export function worldOf(
  resources: readonly Resource[],
  profile: Profile,
  mesh: Mesh,
  proxy: Proxy,
  findings: Findings,
  generated: readonly VirtualService[],
): World {
  const registry = registryOf(resources);
  for (const service of registry.services) {
    if (service.exportTo.length === 0) service.exportTo = mesh.exportTo('defaultServiceExportTo');
  }
  const virtualServices = [...generated, ...virtualServicesOf(resources)];
  for (const vs of virtualServices) {
    if (vs.exportTo.length === 0) vs.exportTo = mesh.exportTo('defaultVirtualServiceExportTo');
  }
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
  };
}

/** The service that the proxy sees under `host`. */
export function serviceNamed(world: World, host: string): Service | undefined {
  return world.scope.services.find((s) => s.host === host);
}
