import { accessLogs } from './listener/access-log.js';
import { connectionManager } from './listener/connection-manager.js';
import { connectionBufferLimit } from './listener/connection-settings.js';
import { HANDSHAKE_TIMEOUT, listenerFilter, managerFilter, socketAddress } from './listener/stream.js';
import { hostCoveredBy, hostsOverlap, moreSpecific } from './names.js';
import { isHttp, protocolNamed } from './protocol.js';
import { byAge, type Resource, selects } from './resource.js';
import { clusterOf } from './route/action.js';
import { isCatchAll, type Place } from './route/match.js';
import { routesOf } from './route/routes.js';
import {
  booleanAt,
  comesFrom,
  numberAt,
  stringAt,
  stringMapAt,
  stringsAt,
  type Tree,
  treeAt,
  treesAt,
} from './tree.js';
import type { VirtualService } from './virtual-services.js';
import { serviceNamed, type World } from './world.js';

/** A server of a Gateway that is for this proxy. */
interface Server {
  gateway: Resource;
  /** `namespace/name` of the gateway. */
  name: string;
  tree: Tree;
  port: number;
  portName: string;
  tls: boolean;
  /** Hosts with the namespaces whose VirtualServices may serve them. */
  hosts: { namespace: string; host: string }[];
}

export interface GatewayResources {
  listeners: { servicePort: number; listener: Tree }[];
  routes: Tree[];
}

/** The listeners of a gateway proxy: one for each port of the Gateways that select it. HTTP, and HTTPS that ends here. */
export function gatewayResources(world: World): GatewayResources {
  const out: GatewayResources = { listeners: [], routes: [] };
  const ports = new Map<number, Server[]>();
  for (const server of serversOf(world)) ports.set(server.port, [...(ports.get(server.port) ?? []), server]);
  for (const [port, servers] of [...ports].sort(([a], [b]) => a - b)) {
    const chains: Tree[] = [];
    const plain = servers.filter((s) => !s.tls);
    if (plain.length > 0) {
      const routes = configuration(world, `http.${port}`, plain);
      out.routes.push(routes);
      chains.push(chainOf(world, port, routes, {}, null));
    }
    for (const server of plain.length > 0 ? [] : servers) {
      const [namespace, name] = server.name.split('/');
      const routes = configuration(world, `https.${port}.${server.portName}.${name}.${namespace}`, [server]);
      out.routes.push(routes);
      const names = server.hosts.map((h) => h.host);
      const match = names.includes('*') ? {} : { server_names: names };
      chains.push(chainOf(world, port, routes, match, serverSocket(server)));
    }
    const listener: Tree = {
      name: `0.0.0.0_${port}`,
      address: socketAddress('0.0.0.0', port),
      traffic_direction: 'OUTBOUND',
      listener_filters: plain.length > 0 ? [] : [listenerFilter('tls_inspector')],
      max_connections_to_accept_per_socket_event: 1,
      filter_chains: chains,
    };
    comesFrom(listener, '', servers[0].tree, 'port');
    const limit = connectionBufferLimit(treeAt(world.mesh.defaultConfig, 'connectionSettings'), true);
    if (limit !== undefined) listener['per_connection_buffer_limit_bytes'] = limit;
    const logs = accessLogs(world, 'CLIENT', true);
    if (logs.length > 0) listener['access_log'] = logs;
    out.listeners.push({ servicePort: port, listener });
  }
  return out;
}

function serversOf(world: World): Server[] {
  const out: Server[] = [];
  for (const gateway of world.resources.filter((r) => r.kind === 'Gateway').sort(byAge)) {
    if (!selects(stringMapAt(gateway.spec, 'selector'), world.proxy.labels)) continue;
    for (const tree of treesAt(gateway.spec, 'servers')) {
      const port = treeAt(tree, 'port');
      const protocol = protocolNamed(stringAt(port, 'protocol'));
      const mode = stringAt(treeAt(tree, 'tls'), 'mode');
      const ends = protocol === 'https' && ['', 'SIMPLE', 'MUTUAL', 'OPTIONAL_MUTUAL'].includes(mode);
      if (!isHttp(protocol) && !ends) {
        const message = `a gateway server for ${stringAt(port, 'protocol')}${mode === '' ? '' : ` with tls.mode ${mode}`} is not supported`;
        world.findings.error(
          'unsupported',
          gateway,
          tree,
          'port',
          message,
          'HTTP, HTTP2, GRPC, or HTTPS with tls.mode SIMPLE or MUTUAL',
        );
        continue;
      }
      out.push({
        gateway,
        name: `${gateway.namespace}/${gateway.name}`,
        tree,
        port: numberAt(port, 'number') ?? 0,
        portName: stringAt(port, 'name'),
        tls: ends,
        hosts: stringsAt(tree, 'hosts').map((text) => {
          const slash = text.indexOf('/');
          const namespace = slash === -1 ? '*' : text.slice(0, slash);
          return {
            namespace: namespace === '.' ? gateway.namespace : namespace,
            host: text.slice(slash + 1).toLowerCase(),
          };
        }),
      });
    }
  }
  return out;
}

function chainOf(world: World, port: number, routes: Tree, match: Tree, socket: Tree | null): Tree {
  const kind = {
    direction: 'gateway',
    statPrefix: `outbound_0.0.0.0_${port};`,
    routes: String(routes['name']),
  } as const;
  const manager = connectionManager(world, kind, accessLogs(world, 'CLIENT'));
  const chain: Tree = {
    filter_chain_match: match,
    filters: [managerFilter(manager)],
    transport_socket_connect_timeout: HANDSHAKE_TIMEOUT,
  };
  if (socket !== null) chain['transport_socket'] = socket;
  return chain;
}

function serverSocket(server: Server): Tree {
  const tls = treeAt(server.tree, 'tls');
  const files = stringAt(tls, 'serverCertificate');
  const name =
    files === ''
      ? `kubernetes://${stringAt(tls, 'credentialName')}`
      : `file-cert:${files}~${stringAt(tls, 'privateKey')}`;
  const common: Tree = { alpn_protocols: ['h2', 'http/1.1'], tls_certificate_sds_secret_configs: [{ name }] };
  const mutual = stringAt(tls, 'mode') === 'MUTUAL';
  if (stringAt(tls, 'caCertificates') !== '') {
    common['combined_validation_context'] = {
      default_validation_context: {},
      validation_context_sds_secret_config: { name: `file-root:${stringAt(tls, 'caCertificates')}` },
    };
  }
  const socket: Tree = {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
      require_client_certificate: mutual,
      common_tls_context: common,
    },
  };
  comesFrom(socket, '', server.tree, 'tls');
  return socket;
}

function configuration(world: World, name: string, servers: readonly Server[]): Tree {
  const hosts = new Map<string, Tree[]>();
  const requireTls = new Set<string>();
  for (const server of servers) {
    const redirects = booleanAt(treeAt(server.tree, 'tls'), 'httpsRedirect') === true;
    const place: Place = {
      port: server.port,
      gateways: new Set([server.name]),
      labels: world.proxy.labels,
      namespace: world.proxy.namespace,
      tls: server.tls,
    };
    for (const vs of world.virtualServices) {
      if (!vs.gateways.includes(server.name)) continue;
      const names = shared(server, vs);
      if (names.length === 0) continue;
      const routes = routesOf(
        world,
        vs,
        place,
        clusterOf((host) => serviceNamed(world, host)),
      );
      for (const host of routes.length === 0 ? [] : names) {
        const before = hosts.get(host);
        hosts.set(host, before === undefined ? routes : catchAllsLast([...before, ...routes]));
        if (redirects) requireTls.add(host);
      }
    }
    for (const host of redirects ? stringsAt(server.tree, 'hosts') : []) {
      requireTls.add(host);
      if (!hosts.has(host)) hosts.set(host, NO_ROUTES);
    }
  }
  return {
    name,
    virtual_hosts: virtualHosts(hosts, requireTls, servers[0].port),
    validate_clusters: false,
    ignore_port_in_host_matching: true,
    max_direct_response_body_size_bytes: 1024 * 1024,
  };
}

/** Of hosts that only redirect to HTTPS. */
const NO_ROUTES: Tree[] = [];

/** The hosts that a server and a VirtualService have in common, each by its more specific name. */
function shared(server: Server, vs: VirtualService): string[] {
  const out = new Set<string>();
  for (const { namespace, host } of server.hosts) {
    if (namespace !== '*' && namespace !== vs.from.namespace) continue;
    for (const own of vs.hosts) {
      const lower = own.toLowerCase();
      if (hostsOverlap(host, lower)) out.add(hostCoveredBy(lower, host) ? lower : host);
    }
  }
  return [...out];
}

function catchAllsLast(routes: Tree[]): Tree[] {
  return [...routes.filter((r) => !isCatchAll(r)), ...routes.filter(isCatchAll)];
}

/** Hosts with the very same routes share a virtual host, which is named after the first. */
function virtualHosts(hosts: Map<string, Tree[]>, requireTls: Set<string>, port: number): Tree[] {
  const out: Tree[] = [];
  for (const host of [...hosts.keys()].sort((a, b) => (moreSpecific(a, b) ? -1 : 1))) {
    const routes = hosts.get(host) as Tree[];
    const same = out.find(
      (vh) => (vh['routes'] ?? NO_ROUTES) === routes && (vh['require_tls'] === 'ALL') === requireTls.has(host),
    );
    if (same !== undefined) {
      (same['domains'] as string[]).push(host);
      continue;
    }
    const made: Tree = { name: `${host}:${port}`, domains: [host], include_request_attempt_count: true };
    if (routes.length > 0) made['routes'] = routes;
    if (requireTls.has(host)) made['require_tls'] = 'ALL';
    out.push(made);
  }
  out.sort((a, b) => (stringAt(a, 'name') < stringAt(b, 'name') ? -1 : 1));
  if (out.length === 0) out.push({ name: `blackhole:${port}`, domains: ['*'] });
  return out;
}
