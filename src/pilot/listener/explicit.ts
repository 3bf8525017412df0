import { isHttpOrSniffed } from '../protocol.js';
import { routeConfiguration } from '../route/virtual-hosts.js';
import { comesFrom, type Tree } from '../tree.js';
import type { World } from '../world.js';
import { connectionManager } from './connection-manager.js';

/** Where the listeners of a proxy without interception stand. */
export interface Binding {
  /** Address of every listener. */
  address: string;
  /** Port of the listener for a service's port; the same number where it says nothing. */
  port(servicePort: number): number;
}

/** A listener and the port of the services that it serves. */
export interface ExplicitListener {
  servicePort: number;
  listener: Tree;
  routes: Tree;
}

/** Ports on which some visible service speaks HTTP, or may. */
export function outboundHttpPorts(world: World): number[] {
  const ports = new Set<number>();
  for (const service of world.scope.services) {
    if (service.resolution === 'alias') continue;
    for (const port of service.ports) if (isHttpOrSniffed(port.protocol)) ports.add(port.number);
  }
  return [...ports].sort((a, b) => a - b);
}

/**
 * One listener for every port on which services speak HTTP. Without interception nothing tells for which address a
 * connection was meant, so services that share a port share its listener and are told apart by the Host header, as
 * istiod does for ports that are named as HTTP. HTTP/1.1 and HTTP/2 are told apart by the first bytes.
 */
export function explicitListeners(world: World, binding: Binding, accessLogs: Tree[]): ExplicitListener[] {
  return outboundHttpPorts(world).map((servicePort) => {
    const name = `0.0.0.0_${servicePort}`;
    const routes = routeConfiguration(world, servicePort);
    const manager = connectionManager(
      world,
      { direction: 'outbound', statPrefix: `outbound_${name};`, routes },
      accessLogs,
    );
    const listener: Tree = {
      name,
      address: { socket_address: { address: binding.address, port_value: binding.port(servicePort) } },
      traffic_direction: 'OUTBOUND',
      filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }],
    };
    const first = world.scope.services.find((s) => s.ports.some((p) => p.number === servicePort));
    if (first !== undefined) comesFrom(listener, 'address', first.from.body, 'spec');
    return { servicePort, listener, routes };
  });
}
