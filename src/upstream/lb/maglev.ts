import { xxHash64 } from '../../base/xxhash64.js';
import type { HashedHost, HashTable } from './hash-balancer.js';
import { tableShape } from './hash-stats.js';

/** A host that fills the table: its own permutation of the slots, and how far it has come. */
interface Entry {
  readonly index: number;
  readonly offset: number;
  readonly skip: number;
  readonly share: number;
  next: number;
  due: number;
}

/**
 * Maglev's table (Google's paper, listing 1) as Envoy builds it: hosts in the order of their keys take turns to claim the next free
 * slot of their permutation; a host lighter than the heaviest sits out turns.
 */
export function maglevTable(hosts: readonly HashedHost[], size: number): HashTable {
  const sorted = [...hosts].sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
  const heaviest = sorted.reduce((max, host) => Math.max(max, host.share), 0);
  const entries = sorted.map(({ key, share }, index): Entry => {
    const offset = Number(xxHash64(key) % BigInt(size));
    const skip = Number(xxHash64(key, 1n) % BigInt(size - 1)) + 1;
    return { index, offset, skip, share, next: 0, due: 0 };
  });
  const table = new Int32Array(size).fill(-1);
  let filled = 0;
  for (let turn = 1; filled < size; turn++)
    for (const entry of entries) {
      if (filled === size) break;
      if (turn * entry.share < entry.due) continue;
      entry.due += heaviest;
      let slot = (entry.offset + entry.skip * entry.next) % size;
      while (table[slot] >= 0) slot = (entry.offset + entry.skip * ++entry.next) % size;
      table[slot] = entry.index;
      entry.next++;
      filled++;
    }
  const modulus = BigInt(size);
  const counts: number[] = new Array(sorted.length).fill(0);
  for (const index of table) counts[index]++;
  return {
    shape: tableShape(counts),
    choose(hash, attempt) {
      // Another attempt changes most bits, so that it lands anywhere.
      const point = attempt > 0 ? hash ^ (2n ** 64n - BigInt(attempt)) : hash;
      return sorted[table[Number(point % modulus)]].host;
    },
  };
}
