import { type LookupAddress, lookup, Resolver } from 'node:dns';
import { isIP } from 'node:net';
import type { Dispatcher } from '../../base/dispatcher.js';
import type { DnsLookupFamily } from '../../xds/types.js';

export interface DnsAddress {
  readonly address: string;
  /** Milliseconds; null when the resolver does not say. */
  readonly ttl: number | null;
}

/** An empty list: the name has no addresses. null: no answer could be had. */
export type DnsAnswer = readonly DnsAddress[] | null;

export interface DnsQuery {
  readonly name: string;
  readonly family: DnsLookupFamily;
  /** Whether TTLs are wanted. */
  readonly ttl: boolean;
  /** Servers to ask, `ip:port`; empty: as the system does, /etc/hosts and search domains included. */
  readonly servers: readonly string[];
}

/** The answer comes later, in a pass of its own. */
export interface DnsResolver {
  resolve(query: DnsQuery, answer: (addresses: DnsAnswer) => void): void;
}

/** Families to ask for, in turn until one has addresses; the inner list is asked for together. */
function families(family: DnsLookupFamily): readonly (readonly (4 | 6)[])[] {
  switch (family) {
    case 'V4_ONLY':
      return [[4]];
    case 'V6_ONLY':
      return [[6]];
    case 'V4_PREFERRED':
      return [[4], [6]];
    case 'ALL':
      return [[6, 4]];
    default:
      return [[6], [4]];
  }
}

const NO_RECORDS: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NODATA', 'EAI_NONAME']);

/**
 * Resolves with Node's resolvers: getaddrinfo for the system's answer, c-ares when name servers are given. TTLs come from
 * c-ares: for the system's answer it is asked beside, and silence there means that there is no TTL.
 */
export class NodeDnsResolver implements DnsResolver {
  private readonly resolvers = new Map<string, Resolver>();

  constructor(private readonly dispatcher: Dispatcher) {}

  resolve(query: DnsQuery, answer: (addresses: DnsAnswer) => void): void {
    const done = (addresses: DnsAnswer) => {
      this.dispatcher.enter();
      try {
        answer(addresses);
      } finally {
        this.dispatcher.leave();
      }
    };
    if (isIP(query.name) !== 0) {
      process.nextTick(done, [{ address: query.name, ttl: null }]);
      return;
    }
    this.inTurn(query, families(query.family), 0, done);
  }

  private inTurn(
    query: DnsQuery,
    rounds: readonly (readonly (4 | 6)[])[],
    round: number,
    done: (addresses: DnsAnswer) => void,
  ): void {
    const found: DnsAddress[] = [];
    let failed = false;
    let waiting = rounds[round].length;
    for (const family of rounds[round])
      this.one(query, family, (addresses) => {
        if (addresses === null) failed = true;
        else found.push(...addresses);
        if (--waiting > 0) return;
        if (found.length > 0) done(found);
        else if (round + 1 < rounds.length) this.inTurn(query, rounds, round + 1, done);
        else done(failed ? null : []);
      });
  }

  private one(query: DnsQuery, family: 4 | 6, done: (addresses: DnsAnswer) => void): void {
    if (query.servers.length > 0) {
      this.ask(query.servers, query.name, family, done);
      return;
    }
    lookup(query.name, { family, all: true, verbatim: true }, (error, addresses: LookupAddress[]) => {
      if (error !== null) {
        done(NO_RECORDS.has(error.code ?? '') ? [] : null);
        return;
      }
      const unique = [...new Set(addresses.map((a) => a.address))];
      const plain = unique.map((address) => ({ address, ttl: null }));
      if (!query.ttl) {
        done(plain);
        return;
      }
      this.ask([], query.name, family, (withTtl) => {
        const ttls = (withTtl ?? []).map((a) => a.ttl!);
        const ttl = ttls.length > 0 ? Math.min(...ttls) : null;
        done(plain.map(({ address }) => ({ address, ttl })));
      });
    });
  }

  private ask(servers: readonly string[], name: string, family: 4 | 6, done: (addresses: DnsAnswer) => void): void {
    const resolver = this.resolver(servers);
    const answer = (error: NodeJS.ErrnoException | null, records: { address: string; ttl: number }[]) => {
      if (error !== null) done(NO_RECORDS.has(error.code ?? '') ? [] : null);
      else done(records.map(({ address, ttl }) => ({ address, ttl: ttl * 1000 })));
    };
    if (family === 4) resolver.resolve4(name, { ttl: true }, answer);
    else resolver.resolve6(name, { ttl: true }, answer);
  }

  private resolver(servers: readonly string[]): Resolver {
    const key = servers.join(' ');
    let resolver = this.resolvers.get(key);
    if (resolver === undefined) {
      resolver = new Resolver();
      if (servers.length > 0) resolver.setServers([...servers]);
      this.resolvers.set(key, resolver);
    }
    return resolver;
  }
}
