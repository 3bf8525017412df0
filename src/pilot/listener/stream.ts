import type { Tree } from '../tree.js';
import type { World } from '../world.js';
import { accessLogs, type LogSide } from './access-log.js';

export const TCP_PROXY = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';

/** A filter that passes bytes on to one cluster, or to several by weight; `settings` are further fields of TcpProxy. */
export function tcpProxy(
  world: World,
  statPrefix: string,
  clusters: { name: string; weight: number }[],
  side: LogSide | null,
  settings: Tree = {},
): Tree {
  const config: Tree = { '@type': TCP_PROXY, stat_prefix: statPrefix };
  if (clusters.length === 1) config['cluster'] = clusters[0].name;
  else config['weighted_clusters'] = { clusters };
  Object.assign(config, settings);
  const logs = side === null ? [] : accessLogs(world, side);
  if (logs.length > 0) config['access_log'] = logs;
  return { name: 'envoy.filters.network.tcp_proxy', typed_config: config };
}

/** A filter that speaks HTTP by the given connection manager. */
export function managerFilter(manager: Tree): Tree {
  return { name: 'envoy.filters.network.http_connection_manager', typed_config: manager };
}

export function listenerFilter(name: 'original_dst' | 'tls_inspector' | 'http_inspector'): Tree {
  const types = { original_dst: 'OriginalDst', tls_inspector: 'TlsInspector', http_inspector: 'HttpInspector' };
  return {
    name: `envoy.filters.listener.${name}`,
    typed_config: {
      '@type': `type.googleapis.com/envoy.extensions.filters.listener.${name}.v3.${types[name]}`,
    },
  };
}

export function socketAddress(address: string, port: number): Tree {
  return { socket_address: { address, port_value: port } };
}

/** How long a TLS handshake of a client may take. */
export const HANDSHAKE_TIMEOUT = '15s';
