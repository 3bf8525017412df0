import { Memo } from './memo.js';
import { hostCoveredBy, hostsOverlap, isWildcard, moreSpecific, mostSpecific } from './names.js';
import { protocolNamed } from './protocol.js';
import { isVisible, type Service } from './registry/service.js';
import type { Resource } from './resource.js';
import { byAge, selects } from './resource.js';
import { numberAt, stringAt, stringMapAt, stringsAt, type Tree, treeAt, treesAt } from './tree.js';
import { MESH, type VirtualService } from './virtual-services.js';

/** What one egress listener of a Sidecar lets its workload see. */
export interface EgressListener {
  /** The listener of the Sidecar document; null for the one that imports everything. */
  spec: Tree | null;
  /** Port of the listener; 0 for the one that takes every port. */
  port: number;
  services: Service[];
  virtualServices: VirtualService[];
  /** For every service the VirtualService with the most specific host. */
  best: Map<string, VirtualService>;
}

/** What a workload sees of the mesh. */
export interface Scope {
  sidecar: Resource | null;
  egress: EgressListener[];
  /** Every service of every listener, and those that its routes lead to. */
  services: Service[];
  /** The same by host; of several with one host the first. */
  byHost: ReadonlyMap<string, Service>;
}

interface Hosts {
  names: string[];
  excluded: string[];
}

/** The Sidecar for a workload: one that selects it, else its namespace's, else the root namespace's. */
export function sidecarFor(
  resources: readonly Resource[],
  namespace: string,
  labels: Record<string, string>,
  rootNamespace: string,
): Resource | null {
  const sidecars = resources.filter((r) => r.kind === 'Sidecar').sort(byAge);
  const own = sidecars.filter((s) => s.namespace === namespace);
  for (const s of own) {
    const selector = treeAt(s.spec, 'workloadSelector');
    if (selector !== undefined && selects(stringMapAt(selector, 'labels'), labels)) return s;
  }
  const general = (s: Resource) => treeAt(s.spec, 'workloadSelector') === undefined;
  return own.find(general) ?? sidecars.find((s) => s.namespace === rootNamespace && general(s)) ?? null;
}

/** Everything that `sidecar` lets a workload of `namespace` see; all that is exported to it without one. */
export function scopeOf(
  sidecar: Resource | null,
  namespace: string,
  services: readonly Service[],
  virtualServices: readonly VirtualService[],
): Scope {
  const listed = sidecar === null ? [] : treesAt(sidecar.spec, 'egress');
  const specs: (Tree | null)[] = listed.length === 0 ? [null] : listed;
  const visible = services.filter((s) => isVisible(s.exportTo, s.namespace, namespace));
  const ordered = inOrder(virtualServices, namespace);
  const egress = specs.map((spec) => listener(spec, namespace, visible, ordered));
  const seen = imported(egress, namespace, visible);
  const byHost = new Map<string, Service>();
  for (const service of seen) if (!byHost.has(service.host)) byHost.set(service.host, service);
  return { sidecar, egress, services: seen, byHost };
}

/** The listener that decides about the routes of a port. */
export function listenerForPort(scope: Scope, port: number): EgressListener | undefined {
  return scope.egress.find((e) => e.port === 0 || e.port === port);
}

/** Those of the namespace alone first, then those exported to it by name, then everyone's. */
function inOrder(virtualServices: readonly VirtualService[], namespace: string): VirtualService[] {
  const own: VirtualService[] = [];
  const named: VirtualService[] = [];
  const everyone: VirtualService[] = [];
  for (const vs of virtualServices) {
    if (!vs.gateways.includes(MESH)) continue;
    const owner = vs.from.namespace;
    const to = vs.exportTo.map((e) => (e === '.' ? owner : e));
    if (to.length === 0 || to.includes('*')) everyone.push(vs);
    else if (!to.includes(namespace)) continue;
    else if (owner === namespace) own.push(vs);
    else named.push(vs);
  }
  return [...own, ...named, ...everyone];
}

function listener(
  spec: Tree | null,
  namespace: string,
  services: readonly Service[],
  virtualServices: readonly VirtualService[],
): EgressListener {
  const hosts = new Map<string, Hosts>();
  for (const text of spec === null ? ['*/*'] : stringsAt(spec, 'hosts')) {
    const slash = text.indexOf('/');
    let from = text.slice(0, slash);
    const excluded = from.startsWith('~') && from !== '~';
    if (excluded) from = from.slice(1);
    if (from === '.') from = namespace;
    const known = hosts.get(from) ?? { names: [], excluded: [] };
    hosts.set(from, known);
    (excluded ? known.excluded : known.names).push(text.slice(slash + 1));
  }
  const port = spec === null ? 0 : (numberAt(treeAt(spec, 'port'), 'number') ?? 0);
  const takesPort = port !== 0 && protocolNamed(stringAt(treeAt(spec, 'port'), 'protocol')) !== 'http_proxy';
  const chosen = pickNamespaces(
    services.flatMap((s) => {
      if (!selected(hosts, s.namespace, (h) => serviceMatches(h, s.host), s.host)) return [];
      const one = takesPort ? withPort(s, port) : s;
      return one === null ? [] : [one];
    }),
    namespace,
  );
  const routes = virtualServices.filter((vs) =>
    vs.hosts.some((host) => selected(hosts, vs.from.namespace, (h) => virtualServiceMatches(h, host), host)),
  );
  return { spec, port, services: chosen, virtualServices: routes, best: bestOf(routes, chosen) };
}

function selected(hosts: Map<string, Hosts>, owner: string, matches: (h: Hosts) => boolean, host: string): boolean {
  const scopes = [hosts.get(owner), hosts.get('*')];
  if (scopes.some((h) => h?.excluded.some((e) => hostCoveredBy(host, e)))) return false;
  return scopes.some((h) => h !== undefined && matches(h));
}

function serviceMatches(hosts: Hosts, host: string): boolean {
  return hosts.names.some((n) => n === host || ((isWildcard(n) || isWildcard(host)) && hostCoveredBy(host, n)));
}

function virtualServiceMatches(hosts: Hosts, host: string): boolean {
  return hosts.names.some((n) => n === host || ((isWildcard(n) || isWildcard(host)) && hostsOverlap(host, n)));
}

function withPort(service: Service, port: number): Service | null {
  const ports = service.ports.filter((p) => p.number === port);
  if (ports.length === 0) return null;
  return ports.length === service.ports.length ? service : { ...service, ports };
}

/** Of services with the same host in several namespaces: the client's own, then a Kubernetes Service, then the first. */
function pickNamespaces(services: Service[], namespace: string): Service[] {
  const chosen = new Map<string, Service>();
  for (const s of services) {
    const before = chosen.get(s.host);
    if (before === undefined || s.namespace === namespace) chosen.set(s.host, s);
    else if (before.registry !== 'kubernetes' && s.registry === 'kubernetes' && before.namespace !== namespace) {
      chosen.set(s.host, s);
    }
  }
  return services.filter((s) => chosen.get(s.host)?.namespace === s.namespace);
}

function bestOf(virtualServices: readonly VirtualService[], services: readonly Service[]): Map<string, VirtualService> {
  const byHost = new Map<string, VirtualService>();
  for (const vs of virtualServices) for (const h of vs.hosts) if (!byHost.has(h)) byHost.set(h, vs);
  const out = new Map<string, VirtualService>();
  for (const s of services) {
    const vs = mostSpecific(s.host, byHost);
    if (vs !== undefined) out.set(s.host, vs);
  }
  return out;
}

/** All services of the listeners, and the destinations of their routes, each host once. */
function imported(egress: readonly EgressListener[], namespace: string, visible: readonly Service[]): Service[] {
  const out = new Map<string, Service>();
  const byHost = new Map<string, Service[]>();
  for (const s of visible) {
    const known = byHost.get(s.host);
    if (known === undefined) byHost.set(s.host, [s]);
    else known.push(s);
  }
  for (const listener of egress) {
    for (const s of listener.services) append(out, s);
    for (const vs of listener.virtualServices) {
      for (const [host, ports] of destinations.get(vs, [namespace], () => destinationsOf(vs, namespace))) {
        const candidates = byHost.get(host) ?? [];
        const found =
          candidates.find((s) => s.namespace === namespace) ??
          candidates.find((s) => s.registry === 'kubernetes') ??
          candidates[0];
        if (found === undefined) continue;
        if (ports.has(0)) {
          append(out, found);
          continue;
        }
        const some = found.ports.filter((p) => ports.has(p.number));
        if (some.length === found.ports.length) append(out, found);
        else if (some.length > 0) append(out, { ...found, ports: some });
      }
    }
  }
  return [...out.values()];
}

/** Services of the same host: a Kubernetes Service wins; ServiceEntries of one namespace and kind are joined. */
function append(out: Map<string, Service>, s: Service): void {
  const before = out.get(s.host);
  if (before === undefined) {
    out.set(s.host, s);
    return;
  }
  if (before === s || (before.registry === 'kubernetes' && s.registry !== 'kubernetes')) return;
  if (before.registry !== 'kubernetes' && s.registry === 'kubernetes') {
    out.set(s.host, s);
    return;
  }
  if (before.namespace !== s.namespace || before.resolution !== s.resolution) return;
  const fresh = s.ports.filter((p) => !before.ports.some((q) => q.number === p.number));
  if (s.registry === 'external' && before.from !== s.from) {
    out.set(s.host, {
      ...before,
      ports: [...before.ports, ...fresh],
      endpoints: [...before.endpoints, ...s.endpoints],
      addresses: [...new Set([...before.addresses, ...s.addresses])],
    });
  } else if (fresh.length > 0) out.set(s.host, { ...before, ports: [...before.ports, ...fresh] });
}

const destinations = new Memo<VirtualService, Map<string, Set<number>>>();

/** Hosts that the routes of a VirtualService lead to from `namespace`. */
export function destinationHosts(vs: VirtualService, namespace: string): Iterable<string> {
  return destinations.get(vs, [namespace], () => destinationsOf(vs, namespace)).keys();
}

/** Hosts that a VirtualService leads to from `namespace`, with their ports; 0 stands for all. */
function destinationsOf(vs: VirtualService, namespace: string): Map<string, Set<number>> {
  const out = new Map<string, Set<number>>();
  const add = (destination: Tree | undefined) => {
    const host = stringAt(destination, 'host');
    if (host === '') return;
    const ports = out.get(host) ?? new Set<number>();
    ports.add(numberAt(treeAt(destination, 'port'), 'number') ?? 0);
    out.set(host, ports);
  };
  for (const route of [...vs.http, ...vs.tls, ...vs.tcp]) {
    const matches = treesAt(route, 'match');
    const elsewhere = (m: Tree) => {
      const source = stringAt(m, 'sourceNamespace');
      return source !== '' && source !== namespace;
    };
    if (matches.length > 0 && matches.every(elsewhere)) continue;
    for (const weighted of treesAt(route, 'route')) add(treeAt(weighted, 'destination'));
    add(treeAt(route, 'mirror'));
    for (const mirror of treesAt(route, 'mirrors')) add(treeAt(mirror, 'destination'));
  }
  return new Map([...out].sort(([a], [b]) => (moreSpecific(a, b) ? -1 : 1)));
}
