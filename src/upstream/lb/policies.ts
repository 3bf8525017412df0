import type { Random } from '../../base/random.js';
import type { HostImpl } from '../host.js';
import type { PrioritySet } from '../priority-set.js';
import { HashBalancer, type HashPolicySettings } from './hash-balancer.js';
import { type HostSource, type LbSettings, type LbStats, ListBalancer, type LoadBalancer } from './load-balancer.js';
import { maglevTable } from './maglev.js';
import { hashRing } from './ring-hash.js';

/** lb_policy with its own settings. */
export type LbPolicy =
  | { readonly name: 'ROUND_ROBIN' }
  | {
      readonly name: 'LEAST_REQUEST';
      /** Hosts drawn for each pick, with repetition (choice_count, 2). */
      readonly choiceCount: number;
      /** Exponent of active requests when weights differ (active_request_bias, 1). */
      readonly activeRequestBias: number;
    }
  | { readonly name: 'RANDOM' }
  | ({
      readonly name: 'RING_HASH';
      /** Bounds of the number of points (1024 and 8388608). */
      readonly minimumRingSize: number;
      readonly maximumRingSize: number;
      readonly murmur: boolean;
    } & HashPolicySettings)
  | ({
      readonly name: 'MAGLEV';
      /** A prime (65537). */
      readonly tableSize: number;
    } & HashPolicySettings);

/** In turn; by weight when weights differ. */
export class RoundRobin extends ListBalancer {
  protected readonly weighted = true;
  protected readonly weightOf = (host: HostImpl): number => host.weight;

  protected pick(source: HostSource): HostImpl | null {
    const { hosts } = source;
    if (hosts.length === 0) return null;
    const turn = source.turn;
    source.turn = turn + 1 >= 2 ** 32 ? 0 : turn + 1;
    return hosts[turn % hosts.length];
  }
}

/** The least busy of a few drawn at random; when weights differ, in turn by weight over load. */
export class LeastRequest extends ListBalancer {
  protected readonly weighted = true;
  protected readonly weightOf: (host: HostImpl) => number;

  constructor(
    prioritySet: PrioritySet,
    settings: LbSettings,
    stats: LbStats,
    random: Random,
    private readonly choiceCount: number,
    bias: number,
  ) {
    super(prioritySet, settings, stats, random);
    this.weightOf =
      bias === 1
        ? (host) => host.weight / (host.stats.rq_active + 1)
        : bias === 0
          ? (host) => host.weight
          : (host) => host.weight / (host.stats.rq_active + 1) ** bias;
  }

  protected pick(source: HostSource): HostImpl | null {
    const { hosts } = source;
    const size = hosts.length;
    if (size <= 1) return size === 1 ? hosts[0] : null;
    const random = this.random;
    let best = hosts[random.u32() % size];
    for (let i = 1; i < this.choiceCount; i++) {
      const other = hosts[random.u32() % size];
      if (other.stats.rq_active < best.stats.rq_active) best = other;
    }
    return best;
  }
}

/** Any, whatever the weights. */
export class RandomChoice extends ListBalancer {
  protected readonly weighted = false;
  protected readonly weightOf = (host: HostImpl): number => host.weight;

  protected pick(source: HostSource): HostImpl | null {
    const { hosts } = source;
    return hosts.length === 0 ? null : hosts[this.random.u32() % hosts.length];
  }
}

export function makeLoadBalancer(
  policy: LbPolicy,
  prioritySet: PrioritySet,
  settings: LbSettings,
  stats: LbStats,
  random: Random,
): LoadBalancer {
  switch (policy.name) {
    case 'ROUND_ROBIN':
      return new RoundRobin(prioritySet, settings, stats, random);
    case 'LEAST_REQUEST': {
      const { choiceCount, activeRequestBias } = policy;
      return new LeastRequest(prioritySet, settings, stats, random, choiceCount, activeRequestBias);
    }
    case 'RANDOM':
      return new RandomChoice(prioritySet, settings, stats, random);
    case 'RING_HASH':
      return new HashBalancer(prioritySet, settings, stats, random, policy, (hosts) => hashRing(hosts, policy));
    case 'MAGLEV':
      return new HashBalancer(prioritySet, settings, stats, random, policy, (hosts) =>
        maglevTable(hosts, policy.tableSize),
      );
  }
}
