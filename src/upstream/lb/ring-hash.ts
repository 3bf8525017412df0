import { xxHash64 } from '../../base/xxhash64.js';
import type { HostImpl } from '../host.js';
import type { HashedHost, HashTable } from './hash-balancer.js';
import { tableShape } from './hash-stats.js';
import { murmurHash64 } from './murmur.js';

export interface RingSettings {
  readonly minimumRingSize: number;
  readonly maximumRingSize: number;
  readonly murmur: boolean;
}

/**
 * A ketama ring: every host stands on it at as many points as its share asks for, at the hashes of `key_0`, `key_1`, …. A hash
 * belongs to the first point at or after it. Sizes are worked out as in Envoy: the lightest host gets a whole number of points.
 */
export function hashRing(hosts: readonly HashedHost[], settings: RingSettings): HashTable {
  const least = hosts.reduce((min, host) => Math.min(min, host.share), 1);
  const scale = Math.min(Math.ceil(least * settings.minimumRingSize) / least, settings.maximumRingSize);
  const hashOf = settings.murmur ? murmurHash64 : xxHash64;
  const points: { hash: bigint; host: HostImpl }[] = [];
  const counts: number[] = [];
  let target = 0;
  for (const { host, key, share } of hosts) {
    target += scale * share;
    const before = points.length;
    for (let i = 0; points.length < target; i++) points.push({ hash: hashOf(`${key}_${i}`), host });
    counts.push(points.length - before);
  }
  points.sort((a, b) => (a.hash < b.hash ? -1 : Number(a.hash > b.hash)));
  const hashes = BigUint64Array.from(points, (point) => point.hash);
  return {
    shape: tableShape(counts),
    choose(hash, attempt) {
      let low = 0;
      let high = hashes.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (hashes[middle] < hash) low = middle + 1;
        else high = middle;
      }
      return points[(low + attempt) % points.length].host;
    },
  };
}
