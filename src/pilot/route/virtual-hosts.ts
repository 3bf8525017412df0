import { type DestinationRule, partsOf } from '../destination-rules.js';
import { Memo } from '../memo.js';
import { bracketed, hostsOverlap, isWildcard, shorterNames } from '../names.js';
import { isHttpOrSniffed } from '../protocol.js';
import type { Service, ServicePort } from '../registry/service.js';
import type { Resource } from '../resource.js';
import { destinationHosts, type EgressListener, listenerForPort } from '../sidecar.js';
import { numberAt, type Tree, treeAt } from '../tree.js';
import type { VirtualService } from '../virtual-services.js';
import type { World } from '../world.js';
import { clusterOf } from './action.js';
import type { Place } from './match.js';
import { defaultRoute, routesOf } from './routes.js';
import { writeTimeout } from './timeout.js';

/** Hosts of one VirtualService, or a service of its own, with the routes they share. */
interface Group {
  port: number;
  services: Service[];
  /** Hosts that are no service of the port. */
  hosts: string[];
  routes: Tree[];
}

/** Most bytes of a `directResponse` body; Envoy's own limit would be 4096. */
const MAX_DIRECT_RESPONSE = 1024 * 1024;

/** The RouteConfiguration of a port's listener: every HTTP service on that port, and what to do with other hosts. */
export function routeConfiguration(world: World, port: number): Tree {
  const hosts = virtualHosts(world, port);
  hosts.sort(byName);
  return configuration(world, String(port), [...hosts, otherHosts(world)]);
}

/** The RouteConfiguration of a sniffed port's own listener: that service alone, whatever host is asked for. */
export function sniffedRouteConfiguration(world: World, service: Service, port: number): Tree {
  const name = `${service.host}:${port}`;
  const hosts = virtualHosts(world, port).filter((vh) => {
    const domains = vh['domains'] as string[];
    return domains.includes(name) || domains.includes(service.host);
  });
  const own = hosts.length === 1 ? [{ ...hosts[0], domains: ['*'] }] : hosts.sort(byName);
  return configuration(world, name, own);
}

/** Every virtual host of a listener that serves all ports (`http_proxy`). */
export function proxyRouteConfiguration(world: World, listener: EgressListener, name: string): Tree {
  const groups = groupsOf(world, listener, 0);
  const hosts = build(world, groups, 0).flatMap(({ port, host }) => {
    if (port === 80) return [host];
    const domains = (host['domains'] as string[]).filter((d) => d.includes(':'));
    return domains.length === 0 ? [] : [{ ...host, domains }];
  });
  return configuration(world, name, [...hosts.sort(byName), otherHosts(world)]);
}

function byName(a: Tree, b: Tree): number {
  const x = String(a['name']);
  const y = String(b['name']);
  return x < y ? -1 : x > y ? 1 : 0;
}

function configuration(world: World, name: string, hosts: Tree[]): Tree {
  const out: Tree = { name, virtual_hosts: hosts, validate_clusters: false };
  if (!world.profile.domainsWithPort) out['ignore_port_in_host_matching'] = true;
  out['max_direct_response_body_size_bytes'] = MAX_DIRECT_RESPONSE;
  return out;
}

function virtualHosts(world: World, port: number): Tree[] {
  const listener = listenerForPort(world.scope, port);
  if (listener === undefined) return [];
  return build(world, groupsOf(world, listener, port), port).flatMap((b) => (b.port === port ? [b.host] : []));
}

/** The services of a listener that have the port, reduced to it, by host; with port 0 all of them. */
function servicesOn(listener: EgressListener, port: number): Map<string, Service> {
  const out = new Map<string, Service>();
  for (const service of listener.services) {
    const ports = port === 0 ? service.ports : service.ports.filter((p) => p.number === port).slice(0, 1);
    if (ports.length === 0) continue;
    const host = service.host.toLowerCase();
    out.set(
      host,
      reduced.get(service, [], () => ({ ...service, host, ports }), String(port)),
    );
  }
  return new Map([...out].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const reduced = new Memo<Service, Service>();
const serviceRoutes = new Memo<VirtualService, Tree[]>();
const defaultRoutes = new Memo<Resource, Tree[]>();
const hostTrees = new Memo<Tree[], Tree>();

/** The routes of a VirtualService; made anew when anything that they say has changed. */
function routesFor(world: World, vs: VirtualService, place: Place, services: ReadonlyMap<string, Service>): Tree[] {
  const make = () =>
    routesOf(
      world,
      vs,
      place,
      clusterOf((host) => services.get(host)),
    );
  if (world.basis === null) return make();
  const of: unknown[] = [world.basis];
  for (const host of destinationHosts(vs, world.proxy.namespace)) {
    const seen = services.get(host);
    of.push(seen?.externalName, seen?.ports.length, seen?.ports[0].number);
    const service = world.scope.byHost.get(host);
    if (service !== undefined) of.push(...partsOf(ruleOf(world, service)));
  }
  return serviceRoutes.get(vs, of, make, String(place.port));
}

function ruleOf(world: World, service: Service): DestinationRule | undefined {
  return world.destinationRules.find(service, world.proxy.namespace, world.proxy.labels);
}

function defaultRoutesFor(world: World, service: Service, port: ServicePort): Tree[] {
  const make = () => [defaultRoute(world, service, port)];
  if (world.basis === null) return make();
  const of = [world.basis, ...partsOf(ruleOf(world, service))];
  return defaultRoutes.get(service.from, of, make, `${service.host}:${port.number}`);
}

function groupsOf(world: World, listener: EgressListener, port: number): Group[] {
  const services = servicesOn(listener, port);
  // Only on port 80 a VirtualService may add hosts that nobody registered.
  const wildcards = [...services.keys()].filter(isWildcard);
  const chosen =
    port === 80 ? listener.virtualServices : listener.virtualServices.filter((vs) => concerns(vs, services, wildcards));
  const place: Place = {
    port,
    gateways: new Set(['mesh']),
    labels: world.proxy.labels,
    namespace: world.proxy.namespace,
    tls: false,
  };
  const out: Group[] = [];
  for (const vs of chosen) {
    const routes = routesFor(world, vs, place, services);
    if (routes.length === 0) continue;
    const { hosts, matching } = hostsOf(vs, services, listener);
    const own = vs.gatewayApi
      ? matching.filter((s) => s.namespace === vs.from.namespace || world.proxy.namespace === vs.from.namespace)
      : matching;
    if (vs.gatewayApi && own.length === 0) continue;
    const byPort = new Map<number, Service[]>();
    for (const service of own) {
      for (const p of service.ports) {
        if (isHttpOrSniffed(p.protocol)) byPort.set(p.number, [...(byPort.get(p.number) ?? []), service]);
      }
    }
    if (byPort.size === 0 && port === 80) byPort.set(80, []);
    for (const [number, list] of byPort) out.push({ port: number, services: list, hosts, routes });
  }
  for (const group of out) for (const service of group.services) services.delete(service.host);
  for (const service of services.values()) {
    if (service.resolution === 'alias') continue;
    for (const p of service.ports) {
      if (!isHttpOrSniffed(p.protocol)) continue;
      out.push({ port: p.number, services: [service], hosts: [], routes: defaultRoutesFor(world, service, p) });
    }
  }
  return out;
}

/** @param wildcards those of `services` */
function concerns(vs: VirtualService, services: Map<string, Service>, wildcards: readonly string[]): boolean {
  return vs.hosts.some((host) => {
    const lower = host.toLowerCase();
    if (services.has(lower)) return true;
    for (const name of isWildcard(lower) ? services.keys() : wildcards) if (hostsOverlap(lower, name)) return true;
    return false;
  });
}

/** The hosts of a VirtualService: services of the port, and the rest. */
function hostsOf(
  vs: VirtualService,
  services: Map<string, Service>,
  listener: EgressListener,
): { hosts: string[]; matching: Service[] } {
  const hosts: string[] = [];
  const matching: Service[] = [];
  for (const host of vs.hosts) {
    const lower = host.toLowerCase();
    if (isWildcard(lower)) continue;
    const service = services.get(lower);
    if (service === undefined) hosts.push(host);
    else matching.push(service);
  }
  for (const host of vs.hosts) {
    const lower = host.toLowerCase();
    if (!isWildcard(lower)) continue;
    if (vs.gatewayApi) {
      hosts.push(lower);
      continue;
    }
    let found = false;
    for (const service of services.values()) {
      if (!hostsOverlap(service.host, lower)) continue;
      found = true;
      if (listener.best.get(service.host) === vs) matching.push(service);
    }
    if (!found) hosts.push(lower);
  }
  return { hosts, matching };
}

function build(world: World, groups: readonly Group[], listenerPort: number): { port: number; host: Tree }[] {
  const names = new Set<string>();
  const domains = new Set<string>();
  const known = new Set<string>();
  for (const group of groups) {
    for (const service of group.services) {
      known.add(service.host);
      // In the listener of one port every service has that port.
      if (listenerPort === 0) known.add(`${service.host}:${group.port}`);
    }
  }
  const out: { port: number; host: Tree }[] = [];
  const add = (host: string, group: Group, service: Service | null) => {
    const wanted =
      service === null
        ? namesOfHost(world, host, group.port)
        : namesOfService(world, service, group.port, listenerPort);
    const { name } = wanted;
    if (names.has(name)) return;
    names.add(name);
    const free: string[] = [];
    for (const { text, lower, short } of wanted.domains) {
      if (domains.has(lower) || (short !== null && known.has(listenerPort === 0 ? text : short))) continue;
      domains.add(lower);
      free.push(text);
    }
    if (free.length === 0) return;
    const make = () => ({ name, domains: free, routes: group.routes, include_request_attempt_count: true });
    const made = world.basis === null ? make() : hostTrees.get(group.routes, free, make, name);
    out.push({ port: group.port, host: made });
  };
  for (const group of groups) {
    for (const host of group.hosts) add(host.toLowerCase(), group, null);
    for (const service of group.services) add(service.host, group, service);
  }
  return out;
}

interface Domain {
  text: string;
  lower: string;
  /** The name without its port when another service's full name goes before it, else null. */
  short: string | null;
}

/** The name of a virtual host and the domains it wants. */
interface Names {
  name: string;
  domains: readonly Domain[];
}

const serviceNames = new Memo<Service, Names>();

function namesOfHost(world: World, host: string, port: number): Names {
  const name = `${bracketed(host)}:${port}`;
  const texts = world.profile.domainsWithPort ? [bracketed(host), name] : [bracketed(host)];
  return { name, domains: texts.map((text) => domain(text, null)) };
}

function namesOfService(world: World, service: Service, port: number, listenerPort: number): Names {
  const withPort = listenerPort === 0 || world.profile.domainsWithPort;
  const make = () => ({
    name: `${bracketed(service.host)}:${port}`,
    domains: domainsOf(world, service, withPort ? port : 0),
  });
  return world.basis === null ? make() : serviceNames.get(service, [world.basis, port, withPort], make, String(port));
}

function domain(text: string, short: string | null): Domain {
  return { text, lower: text.toLowerCase(), short };
}

/** The domains of a service, with port 0 without ports. */
function domainsOf(world: World, service: Service, port: number): Domain[] {
  const out: Domain[] = [];
  const push = (name: string, short: string | null) => {
    out.push(domain(bracketed(name), short));
    if (port !== 0) out.push(domain(`${bracketed(name)}:${port}`, short));
  };
  for (const host of [service.host, ...service.aliases]) {
    push(host, null);
    for (const name of shorterNames(host, world.proxy.namespace, world.profile.trailingDotDomains)) push(name, name);
  }
  if (service.resolution === 'original' && service.registry === 'kubernetes') {
    for (const { text } of [...out]) out.push(domain(`*.${text}`, null));
  }
  for (const address of service.addresses) push(address, null);
  return out;
}

/** What becomes of requests for hosts that nobody registered. */
function otherHosts(world: World): Tree {
  const route: Tree = { name: 'block_all', match: { prefix: '/' }, direct_response: { status: 502 } };
  if (world.allowsAny) {
    const proxy = treeAt(treeAt(world.scope.sidecar?.spec, 'outboundTrafficPolicy'), 'egressProxy');
    const cluster =
      proxy === undefined
        ? 'PassthroughCluster'
        : clusterOf(() => undefined)(proxy, numberAt(treeAt(proxy, 'port'), 'number') ?? 0);
    const action: Tree = { cluster };
    writeTimeout(action, world.profile, null, null);
    delete route['direct_response'];
    route['name'] = 'allow_any';
    route['route'] = action;
  }
  return { name: route['name'], domains: ['*'], routes: [route], include_request_attempt_count: true };
}

/** Ports on which the listener of a service may carry HTTP. */
export function httpPorts(service: Service): ServicePort[] {
  return service.ports.filter((p) => isHttpOrSniffed(p.protocol));
}
