import { isIP } from 'node:net';

/** The DNS domain of the cluster, as the standard installation has it. */
export const CLUSTER_DOMAIN = 'cluster.local';

/**
 * The full name of a host written in a document of `namespace`: a name without a dot is a Service of that namespace.
 * Addresses, `*` and names with dots stay.
 */
export function fullHost(host: string, namespace: string): string {
  if (host === '' || host === '*' || host.includes('.') || isIP(host) !== 0) return host;
  return `${host}.${namespace}.svc.${CLUSTER_DOMAIN}`;
}

export function isWildcard(host: string): boolean {
  return host.startsWith('*');
}

/** Whether two hosts, either of them perhaps a wildcard, have a name in common. */
export function hostsOverlap(a: string, b: string): boolean {
  if (isWildcard(a)) {
    if (!isWildcard(b)) return b.endsWith(a.slice(1));
    return a.length < b.length ? b.slice(1).endsWith(a.slice(1)) : a.slice(1).endsWith(b.slice(1));
  }
  return isWildcard(b) ? a.endsWith(b.slice(1)) : a === b;
}

/** Whether every name that `host` stands for is covered by `by`. */
export function hostCoveredBy(host: string, by: string): boolean {
  if (isWildcard(host)) {
    return isWildcard(by) && host.length >= by.length && host.slice(1).endsWith(by.slice(1));
  }
  return isWildcard(by) ? host.endsWith(by.slice(1)) : host === by;
}

/** Names before wildcards, longer before shorter, then in the order of the alphabet. */
export function moreSpecific(a: string, b: string): boolean {
  if (isWildcard(a) !== isWildcard(b)) return !isWildcard(a);
  return a.length === b.length ? a < b : a.length > b.length;
}

/** The entry of `map` for `host`: the same name, else the most specific wildcard that covers it. */
export function mostSpecific<V>(host: string, map: ReadonlyMap<string, V>): V | undefined {
  const exact = map.get(host);
  if (exact !== undefined) return exact;
  const needle = isWildcard(host) ? host.slice(1) : host;
  let best: string | null = null;
  for (const candidate of wildcardsOf(map)) {
    if (!needle.endsWith(candidate.slice(1))) continue;
    if (best === null || moreSpecific(candidate, best)) best = candidate;
  }
  return best === null ? undefined : map.get(best);
}

const wildcards = new WeakMap<object, { size: number; names: string[] }>();

/** The wildcards among the names of a map, which only grows. */
function wildcardsOf(map: ReadonlyMap<string, unknown>): readonly string[] {
  const known = wildcards.get(map);
  if (known !== undefined && known.size === map.size) return known.names;
  const names = [...map.keys()].filter(isWildcard);
  wildcards.set(map, { size: map.size, names });
  return names;
}

/** The name of a cluster: `outbound|<port>|<subset>|<host>`. */
export function clusterName(direction: 'outbound' | 'inbound', port: number, subset: string, host: string): string {
  return `${direction}|${port}|${subset}|${host}`;
}

/** The server name under which a sidecar of the same mesh knows a cluster. */
export function mutualTlsServerName(port: number, subset: string, host: string): string {
  return `outbound_.${port}_.${subset}_.${host}`;
}

/** An IPv6 address in brackets, anything else as it is. */
export function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

/**
 * The names under which a host can be called from `namespace`: the name with a trailing dot and, for a Service of the
 * cluster, the shorter forms. The bare name only from the Service's own namespace.
 */
export function shorterNames(host: string, namespace: string, withTrailingDot: boolean): string[] {
  const out = withTrailingDot && isIP(host) === 0 ? [`${host}.`] : [];
  const suffix = `.svc.${CLUSTER_DOMAIN}`;
  if (!host.endsWith(suffix)) return out;
  const qualified = host.slice(0, host.indexOf('.svc.'));
  const dot = host.indexOf('.');
  if (dot > qualified.length) return out;
  if (host.slice(dot + 1, qualified.length) === namespace) out.push(host.slice(0, dot), `${qualified}.svc`, qualified);
  else out.push(qualified, `${qualified}.svc`);
  return out;
}
