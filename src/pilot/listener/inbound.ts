import {
  type InboundPort,
  inboundPorts,
  inboundRoutes,
  kindOfPort,
  type MutualTls,
  mutualTlsMode,
} from '../inbound.js';
import { isHttp2 } from '../protocol.js';
import { comesFrom, numberAt, type Tree, treeAt } from '../tree.js';
import type { World } from '../world.js';
import { accessLogs } from './access-log.js';
import { connectionManager } from './connection-manager.js';
import { listenerFilter, managerFilter, socketAddress, tcpProxy } from './stream.js';

const HTTP_ALPN = ['istio-http/1.0', 'istio-http/1.1', 'istio-h2'];
const TCP_ALPN = ['istio-peer-exchange', 'istio'];
const ALL_ALPN = ['istio', 'istio-peer-exchange', ...HTTP_ALPN];
const PLAIN_HTTP = ['http/1.1', 'h2c'];

/** One way in which connections to a port are taken. */
interface Way {
  match: Tree;
  http: boolean;
  /** Whether the proxy ends mutual TLS itself. */
  tls: boolean;
}

const way = (http: boolean, tls: boolean, transport: string, alpn: readonly string[] = []): Way => ({
  match: { ...(alpn.length === 0 ? {} : { application_protocols: alpn }), transport_protocol: transport },
  http,
  tls,
});

/** How connections are taken, by what the port carries and by what is asked of its clients; first match wins. */
const WAYS: Record<'http' | 'tcp' | 'sniffed', Record<MutualTls, Way[]>> = {
  http: {
    PERMISSIVE: [way(true, true, 'tls', ALL_ALPN), way(true, false, 'raw_buffer')],
    STRICT: [way(true, true, 'tls')],
    DISABLE: [way(true, false, 'raw_buffer')],
  },
  tcp: {
    PERMISSIVE: [way(false, true, 'tls', ALL_ALPN), way(false, false, 'tls'), way(false, false, 'raw_buffer')],
    STRICT: [way(false, true, 'tls')],
    DISABLE: [way(false, false, 'raw_buffer')],
  },
  sniffed: {
    PERMISSIVE: [
      way(true, true, 'tls', HTTP_ALPN),
      way(true, false, 'raw_buffer', PLAIN_HTTP),
      way(false, true, 'tls', TCP_ALPN),
      way(false, false, 'raw_buffer'),
      way(false, false, 'tls'),
    ],
    STRICT: [way(true, true, 'tls', HTTP_ALPN), way(false, true, 'tls')],
    DISABLE: [way(true, false, 'raw_buffer', PLAIN_HTTP), way(false, false, 'raw_buffer')],
  },
};

const SERVER_TLS = {
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    require_client_certificate: true,
    common_tls_context: {
      alpn_protocols: ['istio-peer-exchange', 'h2', 'http/1.1'],
      tls_certificate_sds_secret_configs: [{ name: 'default' }],
      combined_validation_context: {
        default_validation_context: { match_subject_alt_names: [{ prefix: 'spiffe://cluster.local/' }] },
        validation_context_sds_secret_config: { name: 'ROOTCA' },
      },
    },
  },
};

/** The listener that all intercepted connections to the workload come to, and its route configurations. */
export function inboundListener(world: World): { listener: Tree; routes: Tree[] } {
  const port = 15006;
  const routes: Tree[] = [inboundRoutes(world, null)];
  const chains: Tree[] = [
    {
      name: 'virtualInbound-blackhole',
      filter_chain_match: { destination_port: port },
      filters: [tcpProxy(world, 'BlackHoleCluster', [{ name: 'BlackHoleCluster', weight: 1 }], null)],
    },
    ...chainsOf(world, null, routes[0]),
  ];
  for (const inbound of inboundPorts(world)) {
    const configuration = inboundRoutes(world, inbound);
    if (kindOfPort(inbound.protocol) !== 'tcp') routes.push(configuration);
    chains.push(...chainsOf(world, inbound, configuration));
  }
  const listener: Tree = {
    name: 'virtualInbound',
    address: socketAddress('0.0.0.0', port),
    traffic_direction: 'INBOUND',
    listener_filters: [
      listenerFilter('original_dst'),
      ...inspector('tls_inspector', chains, (match) => match['transport_protocol'] === 'tls'),
      ...inspector('http_inspector', chains, (match) => {
        const alpn = match['application_protocols'];
        return Array.isArray(alpn) && alpn.includes('h2c');
      }),
    ],
    listener_filters_timeout: '0s',
    continue_on_listener_filters_timeout: true,
    max_connections_to_accept_per_socket_event: 1,
    filter_chains: chains,
  };
  const logs = accessLogs(world, 'SERVER', true);
  if (logs.length > 0) listener['access_log'] = logs;
  return { listener, routes };
}

/** An inspector for the ports that have a chain which needs it; none when no port has one. */
function inspector(
  name: 'tls_inspector' | 'http_inspector',
  chains: readonly Tree[],
  needs: (match: Tree) => boolean,
): Tree[] {
  /** 0 stands for the ports that no chain names. */
  const needed = new Map<number, boolean>();
  for (const chain of chains) {
    const match = treeAt(chain, 'filter_chain_match') ?? {};
    const port = numberAt(match, 'destination_port') ?? 0;
    needed.set(port, needed.get(port) === true || needs(match));
  }
  const byDefault = needed.get(0) === true;
  const ports = [...needed.keys()].filter((port) => port !== 0 && needed.get(port) !== byDefault).sort((a, b) => a - b);
  const filter = listenerFilter(name);
  if (ports.length === 0) return byDefault ? [filter] : [];
  const rules = ports.map((port) => ({ destination_port_range: { start: port, end: port + 1 } }));
  const named = rules.length === 1 ? rules[0] : { or_match: { rules } };
  filter['filter_disabled'] = byDefault ? named : { not_match: named };
  return [filter];
}

function chainsOf(world: World, port: InboundPort | null, routes: Tree): Tree[] {
  const mode = mutualTlsMode(world, port?.port ?? null);
  const name = port === null ? 'virtualInbound' : `${port.bind}_${port.port}`;
  const cluster = String(routes['name']);
  return WAYS[port === null ? 'sniffed' : kindOfPort(port.protocol)][mode].map((w) => {
    const match: Tree = { ...w.match };
    if (port !== null) match['destination_port'] = port.port;
    const chain: Tree = { name: port === null && w.http ? `${name}-catchall-http` : name, filter_chain_match: match };
    const http2 = port !== null && isHttp2(port.protocol);
    const statPrefix = port === null ? `${cluster};` : `inbound_${name};`;
    chain['filters'] = [
      w.http
        ? managerFilter(
            connectionManager(world, { direction: 'inbound', statPrefix, routes, http2 }, accessLogs(world, 'SERVER')),
          )
        : tcpProxy(world, cluster, [{ name: cluster, weight: 1 }], 'SERVER'),
    ];
    if (w.tls) chain['transport_socket'] = SERVER_TLS;
    if (port !== null && port.from !== null) comesFrom(chain, '', port.from, '');
    return chain;
  });
}
