import { type BuiltCluster, blackHoleCluster, outboundClusters, passthroughCluster } from './cluster/clusters.js';
import { inboundCluster, inboundPorts } from './inbound.js';
import { inboundListener } from './listener/inbound.js';
import { outboundListeners, virtualOutbound } from './listener/outbound.js';
import { addedClusters, patchCluster } from './patch/clusters.js';
import { patchListeners } from './patch/listeners.js';
import { type PatchContext, Patches } from './patch/patches.js';
import { patchRoutes } from './patch/routes.js';
import type { Tree } from './tree.js';
import type { World } from './world.js';

/** What istiod would send to a sidecar that intercepts. Route configurations of inbound listeners stand in them too. */
export interface SidecarResources {
  listeners: Tree[];
  clusters: BuiltCluster[];
  routes: Tree[];
}

export interface Directions {
  outbound: boolean;
  inbound: boolean;
}

/** The resources of an intercepting sidecar, EnvoyFilters applied. */
export function sidecarResources(world: World, directions: Directions): SidecarResources {
  const patches = new Patches(world);
  const out: SidecarResources = { listeners: [], clusters: [], routes: [] };
  if (directions.outbound) {
    const { listeners, routes } = outboundListeners(world);
    for (const configuration of routes) patchRoutes(patches, 'SIDECAR_OUTBOUND', configuration);
    out.routes.push(...routes);
    out.listeners.push(...patchListeners(patches, 'SIDECAR_OUTBOUND', [...listeners, virtualOutbound(world)]));
    const built = [...outboundClusters(world), blackHoleCluster(world), passthroughCluster(world, false)];
    out.clusters.push(...patchedClusters(patches, 'SIDECAR_OUTBOUND', built));
  }
  if (directions.inbound) {
    const { listener, routes } = inboundListener(world);
    for (const configuration of routes) patchRoutes(patches, 'SIDECAR_INBOUND', configuration);
    out.routes.push(...routes);
    out.listeners.push(...patchListeners(patches, 'SIDECAR_INBOUND', [listener]));
    const built = [...inboundPorts(world).map((p) => inboundCluster(world, p)), passthroughCluster(world, true)];
    out.clusters.push(...patchedClusters(patches, 'SIDECAR_INBOUND', built));
  }
  const contexts: PatchContext[] = [];
  if (directions.outbound) contexts.push('SIDECAR_OUTBOUND');
  if (directions.inbound) contexts.push('SIDECAR_INBOUND');
  patches.warnUnused(contexts);
  return out;
}

/** Clusters as the patches leave them, and those that patches add. */
export function patchedClusters(
  patches: Patches,
  context: PatchContext,
  built: readonly BuiltCluster[],
): BuiltCluster[] {
  const out: BuiltCluster[] = [];
  for (const one of built) {
    const cluster = patchCluster(patches, context, one.cluster);
    if (cluster !== null) out.push({ ...one, cluster });
  }
  for (const cluster of addedClusters(patches, context)) out.push({ cluster, endpoints: null });
  return out;
}
