import { isIP } from 'node:net';
import { formatDuration } from '../../config/duration.js';
import { parseDuration } from '../duration.js';
import { clusterName, hostsOverlap } from '../names.js';
import { isHttp, isTls } from '../protocol.js';
import type { Service, ServicePort } from '../registry/service.js';
import { clusterOf } from '../route/action.js';
import { matchApplies, type Place } from '../route/match.js';
import { routeConfiguration, sniffedRouteConfiguration } from '../route/virtual-hosts.js';
import { comesFrom, numberAt, stringAt, stringsAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { World } from '../world.js';
import { serviceNamed } from '../world.js';
import { accessLogs } from './access-log.js';
import { connectionManager } from './connection-manager.js';
import { HANDSHAKE_TIMEOUT, listenerFilter, managerFilter, socketAddress, tcpProxy } from './stream.js';

const HTTP_MATCH = { application_protocols: ['http/1.1', 'h2c'], transport_protocol: 'raw_buffer' };
const WILDCARD = '0.0.0.0';

interface Draft {
  address: string;
  port: number;
  chains: Tree[];
  /** The chain for what no other takes; null for passing it on. */
  last: Tree | null;
  passesOn: boolean;
  from: Service;
}

/** The listeners of outbound connections as interception needs them, and their route configurations. */
export function outboundListeners(world: World): { listeners: Tree[]; routes: Tree[] } {
  const drafts = new Map<string, Draft>();
  const routes = new Map<string, Tree>();
  const services = world.scope.services.filter((s) => s.resolution !== 'alias');
  for (const service of services) {
    for (const port of service.ports) {
      if (isHttp(port.protocol)) addHttp(world, drafts, routes, service, port);
    }
  }
  for (const service of services) {
    for (const port of service.ports) {
      if (port.protocol === 'udp' || isHttp(port.protocol)) continue;
      for (const address of addressesOf(world, service, port)) addStream(world, drafts, routes, service, port, address);
    }
  }
  return { listeners: [...drafts.values()].map((d) => finish(world, d)), routes: [...routes.values()] };
}

/** Where connections to a port arrive: at the service's addresses, at its servers when it is headless, anywhere else. */
function addressesOf(world: World, service: Service, port: ServicePort): string[] {
  if (service.addresses.length > 0) return service.addresses;
  if (service.resolution === 'original' && service.registry === 'kubernetes') {
    const servers = service.endpoints.filter((e) => e.servicePort === port.number).map((e) => e.address);
    // The workload's own address is reached without its proxy.
    return [...new Set(servers)].filter((address) => address !== world.proxy.ip);
  }
  return [WILDCARD];
}

function draftAt(drafts: Map<string, Draft>, address: string, port: number, from: Service): Draft {
  const key = `${address}_${port}`;
  let draft = drafts.get(key);
  if (draft === undefined) {
    draft = { address, port, chains: [], last: null, passesOn: false, from };
    drafts.set(key, draft);
  }
  return draft;
}

function addHttp(
  world: World,
  drafts: Map<string, Draft>,
  routes: Map<string, Tree>,
  service: Service,
  port: ServicePort,
): void {
  const name = String(port.number);
  if (routes.has(name)) return;
  routes.set(name, routeConfiguration(world, port.number));
  const draft = draftAt(drafts, WILDCARD, port.number, service);
  draft.passesOn = true;
  draft.chains.push(httpChain(world, `outbound_${WILDCARD}_${name};`, name));
}

function httpChain(world: World, statPrefix: string, routes: string): Tree {
  const logs = accessLogs(world, 'CLIENT');
  const manager = connectionManager(world, { direction: 'outbound', statPrefix, routes }, logs);
  return {
    filter_chain_match: HTTP_MATCH,
    filters: [managerFilter(manager)],
    transport_socket_connect_timeout: HANDSHAKE_TIMEOUT,
  };
}

function addStream(
  world: World,
  drafts: Map<string, Draft>,
  routes: Map<string, Tree>,
  service: Service,
  port: ServicePort,
  address: string,
): void {
  const slash = address.indexOf('/');
  const prefix =
    slash === -1 ? null : { address_prefix: address.slice(0, slash), prefix_len: Number(address.slice(slash + 1)) };
  const draft = draftAt(drafts, prefix === null ? address : WILDCARD, port.number, service);
  const shared = draft.address === WILDCARD;
  if (port.protocol === 'sniffed') {
    if (draft.chains.length > 0) return;
    const key = shared ? String(port.number) : `${service.host}:${port.number}`;
    routes.set(
      key,
      shared ? routeConfiguration(world, port.number) : sniffedRouteConfiguration(world, service, port.number),
    );
    draft.chains.push(httpChain(world, `outbound_${draft.address}_${port.number};`, key));
    draft.passesOn = shared;
    if (!shared) draft.last = streamChains(world, service, port, null, false)[0];
    return;
  }
  const chains = streamChains(world, service, port, prefix, shared);
  const named = chains.some((c) => Object.keys(treeAt(c, 'filter_chain_match') ?? {}).length > 0);
  // Of services at the same address the first one has what they would both match.
  const taken = new Set(draft.chains.map((c) => JSON.stringify(c['filter_chain_match'])));
  draft.chains.push(...chains.filter((c) => !taken.has(JSON.stringify(c['filter_chain_match']))));
  if (shared || named) draft.passesOn = true;
}

/** Filter chains of a port that carries bytes: those of VirtualServices with TLS or TCP routes, else the service itself. */
function streamChains(world: World, service: Service, port: ServicePort, prefix: Tree | null, shared: boolean): Tree[] {
  const place: Place = {
    port: port.number,
    gateways: new Set(['mesh']),
    labels: world.proxy.labels,
    namespace: world.proxy.namespace,
    tls: false,
  };
  const base: Tree = prefix === null ? {} : { prefix_ranges: [prefix] };
  const out: Tree[] = [];
  const listener = world.scope.egress.find((e) => e.port === 0 || e.port === port.number);
  for (const vs of listener?.virtualServices ?? []) {
    const title = `${vs.from.name}.${vs.from.namespace}`;
    if (isTls(port.protocol)) {
      for (const route of vs.tls) {
        for (const match of treesAt(route, 'match')) {
          const names = stringsAt(match, 'sniHosts').filter((n) => hostsOverlap(n, service.host));
          if (names.length === 0 || !matchApplies(match, place)) continue;
          out.push(
            chain(
              world,
              { ...base, ...ranges(match), server_names: stringsAt(match, 'sniHosts') },
              route,
              place,
              title,
            ),
          );
        }
      }
    }
    if (!vs.hosts.some((h) => hostsOverlap(h, service.host)) || out.length > 0) continue;
    for (const route of vs.tcp) {
      const matches = treesAt(route, 'match');
      if (matches.length > 0 && !matches.some((m) => matchApplies(m, place))) continue;
      const applying = matches.find((m) => matchApplies(m, place));
      out.push(chain(world, { ...base, ...ranges(applying) }, route, place, title));
      break;
    }
  }
  if (out.length > 0) return out;
  const match: Tree = { ...base };
  if (isTls(port.protocol) && shared) match['server_names'] = [service.host];
  const cluster = clusterName('outbound', port.number, '', service.host);
  const made: Tree = {
    filter_chain_match: match,
    filters: [tcpProxy(world, cluster, [{ name: cluster, weight: 1 }], 'CLIENT', streamSettings(world, service, ''))],
    transport_socket_connect_timeout: HANDSHAKE_TIMEOUT,
  };
  return [made];
}

/** What a DestinationRule's trafficPolicy says about connections that carry bytes. */
function streamSettings(world: World, service: Service | undefined, subset: string): Tree {
  if (service === undefined) return {};
  const rule = world.destinationRules.find(service, world.proxy.namespace, world.proxy.labels);
  const tcp = treeAt(treeAt(rule?.trafficPolicy, 'connectionPool'), 'tcp');
  const out: Tree = {};
  for (const [field, name] of [
    ['idleTimeout', 'idle_timeout'],
    ['maxConnectionDuration', 'max_downstream_connection_duration'],
  ]) {
    const ms = parseDuration(stringAt(tcp, field));
    if (ms === null || tcp === undefined) continue;
    out[name] = formatDuration(ms);
    comesFrom(out, name, tcp, field);
  }
  const own = rule?.subsets.find((s) => stringAt(s, 'name') === subset);
  const balancer = treeAt(treeAt(own, 'trafficPolicy'), 'loadBalancer') ?? treeAt(rule?.trafficPolicy, 'loadBalancer');
  if (treeAt(balancer, 'consistentHash')?.['useSourceIp'] === true) out['hash_policy'] = [{ source_ip: {} }];
  return out;
}

function ranges(match: Tree | undefined): Tree {
  const subnets = stringsAt(match, 'destinationSubnets');
  if (subnets.length === 0) return {};
  return {
    prefix_ranges: subnets.map((s) => {
      const [address_prefix, bits] = s.split('/');
      return {
        address_prefix,
        prefix_len: bits === undefined ? (isIP(address_prefix) === 4 ? 32 : 128) : Number(bits),
      };
    }),
  };
}

function chain(world: World, match: Tree, route: Tree, place: Place, title: string): Tree {
  const destinations = treesAt(route, 'route');
  const find = clusterOf((host) => serviceNamed(world, host));
  const name = (one: Tree) => find(treeAt(one, 'destination') ?? {}, place.port);
  const weighted = destinations.filter((d) => destinations.length === 1 || (numberAt(d, 'weight') ?? 0) > 0);
  const clusters = weighted.map((d) => ({ name: name(d), weight: numberAt(d, 'weight') ?? 0 }));
  const single = clusters.length === 1;
  const host = stringAt(treeAt(destinations[0], 'destination'), 'host');
  const service = serviceNamed(world, host);
  const subset = single ? stringAt(treeAt(weighted[0], 'destination'), 'subset') : '';
  const settings = streamSettings(world, service, subset);
  const out: Tree = {
    filter_chain_match: match,
    filters: [tcpProxy(world, single ? clusters[0].name : title, clusters, 'CLIENT', settings)],
    transport_socket_connect_timeout: HANDSHAKE_TIMEOUT,
  };
  comesFrom(out, '', route, '');
  return out;
}

function finish(world: World, draft: Draft): Tree {
  const inspects = (field: string) => draft.chains.some((c) => treeAt(c, 'filter_chain_match')?.[field] !== undefined);
  const filters = [
    ...(inspects('server_names') ? [listenerFilter('tls_inspector')] : []),
    ...(inspects('application_protocols') ? [listenerFilter('http_inspector')] : []),
  ];
  const listener: Tree = {
    name: `${draft.address}_${draft.port}`,
    address: socketAddress(draft.address, draft.port),
    traffic_direction: 'OUTBOUND',
    bind_to_port: false,
    listener_filters: filters,
    listener_filters_timeout: '0s',
    continue_on_listener_filters_timeout: true,
    filter_chains: draft.chains,
  };
  comesFrom(listener, '', draft.from.from.body, 'spec');
  if (draft.last !== null) listener['default_filter_chain'] = draft.last;
  else if (draft.passesOn)
    listener['default_filter_chain'] = { name: 'PassthroughFilterChain', filters: [passOn(world)] };
  return listener;
}

function passOn(world: World): Tree {
  const cluster = world.allowsAny ? 'PassthroughCluster' : 'BlackHoleCluster';
  return tcpProxy(world, cluster, [{ name: cluster, weight: 1 }], 'CLIENT');
}

/** The listener that all intercepted connections of the workload come to first. */
export function virtualOutbound(world: World): Tree {
  const port = 15001;
  const listener: Tree = {
    name: 'virtualOutbound',
    address: socketAddress(WILDCARD, port),
    traffic_direction: 'OUTBOUND',
    use_original_dst: true,
    max_connections_to_accept_per_socket_event: 1,
    filter_chains: [
      {
        name: 'virtualOutbound-blackhole',
        filter_chain_match: { destination_port: port },
        filters: [tcpProxy(world, 'BlackHoleCluster', [{ name: 'BlackHoleCluster', weight: 1 }], null)],
      },
      { name: 'virtualOutbound-catchall-tcp', filters: [passOn(world)] },
    ],
  };
  const logs = accessLogs(world, 'CLIENT', true);
  if (logs.length > 0) listener['access_log'] = logs;
  return listener;
}
