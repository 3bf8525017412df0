import type { Random } from '../../base/random.js';
import type { HostImpl } from '../host.js';
import type { HostSet, PrioritySet } from '../priority-set.js';
import type { LbContext } from '../types.js';
import { boundedTable } from './bounded-load.js';
import type { TableShape } from './hash-stats.js';
import { type LbDeps, type LbSettings, type LbStats, type LoadBalancer, pickPriority } from './load-balancer.js';
import { type PriorityLoad, priorityLoad } from './priority-load.js';

export interface HashPolicySettings {
  /** Hosts are known by their hostname instead of their address (use_hostname_for_hashing). */
  readonly useHostname: boolean;
  /** hash_balance_factor; absent or 0: load is not bounded. */
  readonly balanceFactor?: number;
}

/** A host as a table is built from it. */
export interface HashedHost {
  readonly host: HostImpl;
  /** What stands for the host in hashes. */
  readonly key: string;
  /** Share of all weights, more than 0; all shares add up to 1. */
  readonly share: number;
}

/** Gives a host for a 64-bit hash; `attempt` counts from 0 and asks for another one when it is higher. */
export interface HashTable {
  readonly shape: TableShape;
  choose(hash: bigint, attempt: number): HostImpl;
}

/**
 * The same hash finds the same host while the hosts stay (RING_HASH, MAGLEV). The table of a priority holds its healthy hosts, or
 * all of them when it panics; a request without a hash gets any host.
 */
export class HashBalancer implements LoadBalancer {
  private load: PriorityLoad = { healthy: [100], degraded: [0], panic: [false] };
  private healthy: (HashTable | null)[] = [];
  private degraded: (HashTable | null)[] = [];
  private readonly stats: LbStats;
  private readonly random: Random;
  private readonly tables: LbDeps['tables'];

  constructor(
    private readonly prioritySet: PrioritySet,
    private readonly settings: LbSettings,
    { stats, random, tables = null }: LbDeps,
    private readonly policy: HashPolicySettings,
    private readonly build: (hosts: readonly HashedHost[]) => HashTable,
  ) {
    this.stats = stats;
    this.tables = tables;
    this.random = random;
  }

  refresh(): void {
    const { sets } = this.prioritySet;
    this.load = priorityLoad(sets, Math.min(100, this.settings.panicThreshold));
    this.healthy = sets.map((set) => {
      if (this.load.panic[set.priority])
        return this.table(
          set,
          set.hosts,
          set.localities.map((l) => l.hosts),
        );
      return this.table(set, set.healthy, set.healthyByLocality);
    });
    this.degraded = sets.map((set) => this.table(set, set.degraded, set.degradedByLocality));
  }

  private table(
    set: HostSet,
    hosts: readonly HostImpl[],
    byLocality: readonly (readonly HostImpl[])[],
  ): HashTable | null {
    const weighed: [HostImpl, number][] = [];
    if (!this.settings.localityWeighted) for (const host of hosts) weighed.push([host, host.weight]);
    else
      byLocality.forEach((list, i) => {
        const sum = list.reduce((n, host) => n + host.weight, 0);
        for (const host of list) weighed.push([host, (set.localities[i].weight * host.weight) / sum]);
      });
    const some = weighed.filter(([, weight]) => weight > 0);
    if (some.length === 0) return null;
    const total = some.reduce((n, [, weight]) => n + weight, 0);
    const hashed = some.map(([host, weight]) => ({ host, key: this.keyOf(host), share: weight / total }));
    const { balanceFactor = 0 } = this.policy;
    const table = this.build(hashed);
    if (hosts !== set.degraded) this.tables?.note(table.shape);
    return balanceFactor === 0 ? table : boundedTable(table, hashed, balanceFactor, this.stats);
  }

  /** Metadata `envoy.lb` `hash_key`, else the hostname when told so, else the address. */
  private keyOf(host: HostImpl): string {
    const key = host.metadata['envoy.lb']?.['hash_key'];
    if (typeof key === 'string' && key !== '') return key;
    return this.policy.useHostname && host.hostname !== '' ? host.hostname : host.address;
  }

  choose(context: LbContext): HostImpl | null {
    const hash = context.hash ?? (BigInt(this.random.u32()) << 32n) | BigInt(this.random.u32());
    const load = context.retryPriority?.load(this.load, this.prioritySet.sets) ?? this.load;
    const picked = pickPriority(load, Number(hash % 100n) + 1);
    if (picked === null) return null;
    const { priority, degraded } = picked;
    if (this.load.panic[priority]) {
      this.stats.lb_healthy_panic++;
      if (this.settings.failTrafficOnPanic) return null;
    }
    const table = (degraded ? this.degraded : this.healthy)[priority];
    if (table === null || table === undefined) return null;
    let host = table.choose(hash, 0);
    for (let attempt = 1; attempt <= context.hostSelectionRetryCount; attempt++) {
      if (!context.shouldSelectAnotherHost(host)) return host;
      host = table.choose(hash, attempt);
    }
    return host;
  }
}
