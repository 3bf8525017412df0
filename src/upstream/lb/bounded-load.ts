import type { HostImpl } from '../host.js';
import type { HashedHost, HashTable } from './hash-balancer.js';
import { MersenneTwister } from './mersenne-twister.js';

/**
 * Consistent hashing with bounded loads (hash_balance_factor, percent): a host takes no more than this part of the average
 * number of requests, by its share. A hash whose host is full walks the other hosts in an order that depends on the hash alone, to the first one
 * with room; when none has room it gets the least overloaded.
 */
export function boundedTable(
  inner: HashTable,
  hosts: readonly HashedHost[],
  factor: number,
  cluster: { readonly upstream_rq_active: number },
): HashTable {
  const shares = new Map(hosts.map(({ host, share }) => [host, share]));
  const overload = (host: HostImpl): number => {
    const slots = Math.floor(((cluster.upstream_rq_active + 1) * factor + 99) / 100);
    return host.stats.rq_active / Math.max(1, Math.ceil(slots * shares.get(host)!));
  };
  return {
    shape: inner.shape,
    choose(hash, attempt) {
      const first = inner.choose(hash, attempt);
      let least = overload(first);
      if (least <= 1) return first;
      let best = first;
      const random = new MersenneTwister(Number(hash & 0xffffffffn));
      const order = hosts.map(({ host }) => host);
      for (let i = 0; i < order.length; i++) {
        const at = i + random.below(order.length - i);
        const host = order[at];
        order[at] = order[i];
        order[i] = host;
        if (host === first) continue;
        const load = overload(host);
        if (load <= 1) return host;
        if (load >= least) continue;
        best = host;
        least = load;
      }
      return best;
    },
  };
}
