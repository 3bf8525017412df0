import type { HostImpl } from '../host.js';
import type { PrioritySet } from '../priority-set.js';
import { HashBalancer, type HashPolicySettings } from './hash-balancer.js';
import { type HostSource, type LbDeps, type LbSettings, ListBalancer, type LoadBalancer } from './load-balancer.js';
import { maglevTable } from './maglev.js';
import { hashRing } from './ring-hash.js';
import { SlowStart, type SlowStartSettings } from './slow-start.js';

/** lb_policy with its own settings. */
export type LbPolicy =
  | { readonly name: 'ROUND_ROBIN'; readonly slowStart?: SlowStartSettings | null }
  | {
      readonly name: 'LEAST_REQUEST';
      /** Hosts drawn for each pick, with repetition (choice_count, 2). */
      readonly choiceCount: number;
      /** Every host is looked at (FULL_SCAN) instead of some. */
      readonly fullScan?: boolean;
      readonly slowStart?: SlowStartSettings | null;
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
  protected readonly weightOf: (host: HostImpl) => number;

  constructor(prioritySet: PrioritySet, settings: LbSettings, deps: LbDeps, slowStart: SlowStart | null) {
    super(prioritySet, settings, deps, slowStart);
    this.weightOf = slowStart === null ? (host) => host.weight : (host) => host.weight * slowStart.factor(host);
  }

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
    deps: LbDeps,
    slowStart: SlowStart | null,
    private readonly choiceCount: number,
    bias: number,
    private readonly fullScan: boolean,
  ) {
    super(prioritySet, settings, deps, slowStart);
    const plain: (host: HostImpl) => number =
      bias === 1
        ? (host) => host.weight / (host.stats.rq_active + 1)
        : bias === 0
          ? (host) => host.weight
          : (host) => host.weight / (host.stats.rq_active + 1) ** bias;
    this.weightOf = slowStart === null ? plain : (host) => plain(host) * slowStart.factor(host);
  }

  protected pick(source: HostSource): HostImpl | null {
    const { hosts } = source;
    const size = hosts.length;
    if (size <= 1) return size === 1 ? hosts[0] : null;
    if (this.fullScan) return this.scan(hosts);
    const random = this.random;
    let best = hosts[random.u32() % size];
    for (let i = 1; i < this.choiceCount; i++) {
      const other = hosts[random.u32() % size];
      if (other.stats.rq_active < best.stats.rq_active) best = other;
    }
    return best;
  }

  /** Any of the least busy, each as likely as the others. */
  private scan(hosts: readonly HostImpl[]): HostImpl {
    let best = hosts[0];
    let tied = 1;
    for (let i = 1; i < hosts.length; i++) {
      const host = hosts[i];
      const less = host.stats.rq_active - best.stats.rq_active;
      if (less > 0) continue;
      tied = less < 0 ? 1 : tied + 1;
      if (less < 0 || this.random.u32() % tied === 0) best = host;
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
  deps: LbDeps,
): LoadBalancer {
  const slow = (given: SlowStartSettings | null | undefined) => (given ? new SlowStart(given, deps.clock) : null);
  switch (policy.name) {
    case 'ROUND_ROBIN':
      return new RoundRobin(prioritySet, settings, deps, slow(policy.slowStart));
    case 'LEAST_REQUEST': {
      const { choiceCount, activeRequestBias, fullScan = false } = policy;
      return new LeastRequest(
        prioritySet,
        settings,
        deps,
        slow(policy.slowStart),
        choiceCount,
        activeRequestBias,
        fullScan,
      );
    }
    case 'RANDOM':
      return new RandomChoice(prioritySet, settings, deps, null);
    case 'RING_HASH':
      return new HashBalancer(prioritySet, settings, deps, policy, (hosts) => hashRing(hosts, policy));
    case 'MAGLEV':
      return new HashBalancer(prioritySet, settings, deps, policy, (hosts) => maglevTable(hosts, policy.tableSize));
  }
}
