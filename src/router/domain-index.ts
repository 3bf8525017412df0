import type { RouteConfiguration, VirtualHost } from '../xds/types.js';
import { refuse } from './refuse.js';
import { byteString } from './regex.js';
import { asciiLower } from './string-matcher.js';

/** Virtual hosts by the fixed part of a wildcard domain, for one length of it. */
interface WildcardLength {
  length: number;
  hosts: Map<string, number>;
}

/** Finds the virtual host of a host name, as its place in the configuration. It depends on the domains alone. */
export class DomainIndex {
  /** Domains without a wildcard, in lower case. */
  readonly exact = new Map<string, number>();
  private readonly suffixes: WildcardLength[] = [];
  private readonly prefixes: WildcardLength[] = [];
  /** The host of the domain `*`, or -1. */
  fallback = -1;
  /** There is no other domain than `*`. */
  readonly onlyFallback: boolean;

  /** @throws ConfigError for a domain that is repeated */
  constructor(config: RouteConfiguration) {
    config.virtual_hosts.forEach((host, i) => {
      for (const domain of host.domains) this.add(domain, i, host, config.name);
    });
    const longestFirst = (a: WildcardLength, b: WildcardLength) => b.length - a.length;
    this.suffixes.sort(longestFirst);
    this.prefixes.sort(longestFirst);
    this.onlyFallback = this.exact.size === 0 && this.suffixes.length === 0 && this.prefixes.length === 0;
  }

  /** Exact domain, longest `*suffix`, longest `prefix*`, `*`; -1 when there is none. `host` in lower case. */
  find(host: string): number {
    const exact = this.exact.get(host);
    if (exact !== undefined) return exact;
    // The wildcard stands for at least one character.
    for (const { length, hosts } of this.suffixes) {
      if (length >= host.length) continue;
      const found = hosts.get(host.slice(host.length - length));
      if (found !== undefined) return found;
    }
    for (const { length, hosts } of this.prefixes) {
      if (length >= host.length) continue;
      const found = hosts.get(host.slice(0, length));
      if (found !== undefined) return found;
    }
    return this.fallback;
  }

  private add(written: string, place: number, host: VirtualHost, table: string): void {
    const domain = asciiLower(byteString(written));
    if (domain === '*') {
      if (this.fallback >= 0) refuse(host, 'domains', `Only a single wildcard domain is permitted in route ${table}`);
      this.fallback = place;
      return;
    }
    const suffix = domain.startsWith('*');
    const text = suffix ? domain.slice(1) : domain.endsWith('*') ? domain.slice(0, -1) : domain;
    const map = text === domain ? this.exact : mapOf(suffix ? this.suffixes : this.prefixes, text.length);
    if (map.has(text))
      refuse(
        host,
        'domains',
        `Only unique values for domains are permitted. Duplicate entry of domain ${written} in route ${table}`,
      );
    map.set(text, place);
  }
}

function mapOf(lists: WildcardLength[], length: number): Map<string, number> {
  const found = lists.find((one) => one.length === length);
  if (found !== undefined) return found.hosts;
  const hosts = new Map<string, number>();
  lists.push({ length, hosts });
  return hosts;
}

/** Whether two configurations have the same domains in the same places, so that one index serves both. */
export function sameDomains(a: RouteConfiguration, b: RouteConfiguration): boolean {
  const left = a.virtual_hosts;
  const right = b.virtual_hosts;
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) {
    if (left[i] === right[i]) continue;
    const [one, other] = [left[i].domains, right[i].domains];
    if (one.length !== other.length || one.some((domain, at) => domain !== other[at])) return false;
  }
  return true;
}
