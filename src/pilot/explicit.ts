import { type BuiltCluster, blackHoleCluster, outboundClusters, passthroughCluster } from './cluster/clusters.js';
import { gatewayResources } from './gateway.js';
import { inboundCluster, inboundPorts, inboundRoutes, kindOfPort } from './inbound.js';
import { patchedClusters } from './istiod.js';
import { accessLogs } from './listener/access-log.js';
import { connectionManager } from './listener/connection-manager.js';
import { managerFilter, socketAddress } from './listener/stream.js';
import { patchListeners } from './patch/listeners.js';
import { type PatchContext, Patches } from './patch/patches.js';
import { patchRoutes } from './patch/routes.js';
import { isHttpOrSniffed } from './protocol.js';
import { routeConfiguration } from './route/virtual-hosts.js';
import { comesFrom, numberAt, type Tree, treeAt, treesAt } from './tree.js';
import type { World } from './world.js';

/** Where the listeners of a proxy without interception stand. */
export interface Binding {
  /** Address of every listener. */
  address: string;
  /** Port of the listener for a service's port; the same number where it says nothing. */
  port(servicePort: number): number;
}

export interface ExplicitResources {
  listeners: Tree[];
  clusters: BuiltCluster[];
  routes: Tree[];
}

/**
 * The resources of a proxy that clients call directly. A sidecar has one listener for every port on which services speak
 * HTTP (or may: unnamed ports). Nothing tells for which address a connection was meant, so services that share a port
 * share its listener and are told apart by the Host header, as istiod does for ports named as HTTP; HTTP/1.1 and HTTP/2 are
 * told apart by the first bytes. Ports that carry other protocols have no listener. The ingress listeners of a Sidecar
 * with a `defaultEndpoint` stand on their own ports. A gateway (`proxy.type` router) has the ports of its Gateways.
 */
export function explicitResources(world: World, binding: Binding): ExplicitResources {
  const patches = new Patches(world);
  const gateway = world.proxy.type === 'router';
  const context: PatchContext = gateway ? 'GATEWAY' : 'SIDECAR_OUTBOUND';
  const drafts = gateway ? gatewayResources(world) : outbound(world);
  for (const configuration of drafts.routes) patchRoutes(patches, context, configuration);
  const listeners = patchListeners(
    patches,
    context,
    drafts.listeners.map((l) => l.listener),
  );
  const built = [...outboundClusters(world), blackHoleCluster(world)];
  if (!gateway) built.push(passthroughCluster(world, false));
  const clusters = patchedClusters(patches, context, built);
  const out: ExplicitResources = { listeners, clusters, routes: drafts.routes };
  if (!gateway) addInbound(world, patches, out);
  for (const listener of out.listeners) bind(listener, binding);
  patches.warnUnused(gateway ? ['GATEWAY'] : ['SIDECAR_OUTBOUND']);
  return out;
}

/** Moves a listener from the port of its services to where it stands. */
function bind(listener: Tree, binding: Binding): void {
  const socket = treeAt(treeAt(listener, 'address'), 'socket_address');
  const port = numberAt(socket, 'port_value');
  if (socket === undefined || port === undefined) return;
  socket['address'] = binding.address;
  socket['port_value'] = binding.port(port);
}

function outboundHttpPorts(world: World): number[] {
  const ports = new Set<number>();
  for (const service of world.scope.services) {
    if (service.resolution === 'alias') continue;
    for (const port of service.ports) if (isHttpOrSniffed(port.protocol)) ports.add(port.number);
  }
  return [...ports].sort((a, b) => a - b);
}

function outbound(world: World): { listeners: { servicePort: number; listener: Tree }[]; routes: Tree[] } {
  const routes: Tree[] = [];
  const listeners = outboundHttpPorts(world).map((servicePort) => {
    const name = `0.0.0.0_${servicePort}`;
    routes.push(routeConfiguration(world, servicePort));
    const kind = { direction: 'outbound', statPrefix: `outbound_${name};`, routes: String(servicePort) } as const;
    const manager = connectionManager(world, kind, accessLogs(world, 'CLIENT'));
    const listener = listenerOf(name, servicePort, 'OUTBOUND', manager);
    const first = world.scope.services.find((s) => s.ports.some((p) => p.number === servicePort));
    if (first !== undefined) comesFrom(listener, 'address', first.from.body, 'spec');
    return { servicePort, listener };
  });
  return { listeners, routes };
}

function listenerOf(name: string, port: number, direction: 'OUTBOUND' | 'INBOUND', manager: Tree): Tree {
  return {
    name,
    address: socketAddress('0.0.0.0', port),
    traffic_direction: direction,
    filter_chains: [{ filters: [managerFilter(manager)] }],
  };
}

/** Listeners for the ingress of a Sidecar: without interception only these know where the application is. */
function addInbound(world: World, patches: Patches, out: ExplicitResources): void {
  if (treesAt(world.scope.sidecar?.spec, 'ingress').length === 0) return;
  const ports = inboundPorts(world).filter((p) => p.endpoint !== null && kindOfPort(p.protocol) !== 'tcp');
  const listeners: Tree[] = [];
  for (const port of ports) {
    const routes = inboundRoutes(world, port);
    patchRoutes(patches, 'SIDECAR_INBOUND', routes);
    out.routes.push(routes);
    const name = `${port.bind}_${port.port}`;
    const kind = { direction: 'inbound', statPrefix: `inbound_${name};`, routes: String(routes['name']) } as const;
    listeners.push(listenerOf(name, port.port, 'INBOUND', connectionManager(world, kind, accessLogs(world, 'SERVER'))));
  }
  out.listeners.push(...patchListeners(patches, 'SIDECAR_INBOUND', listeners));
  out.clusters.push(
    ...patchedClusters(
      patches,
      'SIDECAR_INBOUND',
      ports.map((p) => inboundCluster(world, p)),
    ),
  );
}
