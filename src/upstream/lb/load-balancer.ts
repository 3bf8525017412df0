import type { Random } from '../../base/random.js';
import type { HostImpl } from '../host.js';
import type { HostSet, PrioritySet } from '../priority-set.js';
import type { LbContext } from '../types.js';
import { EdfScheduler } from './edf.js';
import type { TableShape } from './hash-stats.js';
import { availablePercent, type PriorityLoad, priorityLoad } from './priority-load.js';
import type { SlowStart } from './slow-start.js';
import { type LocalCluster, ZoneMode, ZoneRouting, type ZoneSettings, type ZoneStats } from './zone-routing.js';

/** common_lb_config, and what it counts. */
export interface LbSettings {
  /** Percent of hosts below which a priority panics (healthy_panic_threshold, 50). 0: never. */
  readonly panicThreshold: number;
  /** Panic means failure instead of trying all hosts (fail_traffic_on_panic). */
  readonly failTrafficOnPanic: boolean;
  /** locality_weighted_lb_config: a locality first, by its weight. */
  readonly localityWeighted: boolean;
  readonly zone: ZoneSettings;
}

export interface LbStats extends ZoneStats {
  lb_healthy_panic: number;
  readonly upstream_rq_active: number;
}

/** What a balancer works with beside its own settings. */
export interface LbDeps {
  readonly stats: LbStats;
  readonly random: Random;
  /** Monotonic ms. */
  readonly clock: { readonly now: number };
  /** Null: zones are unknown. */
  readonly local: LocalCluster | null;
  /** Told of the tables of hashing balancers; absent for others. */
  readonly tables?: { note(shape: TableShape): void } | null;
}

/** What a cluster asks. */
export interface LoadBalancer {
  /** A host for one attempt, or null when there is none to be had. */
  choose(context: LbContext): HostImpl | null;
  /** Rebuilds after hosts or health of any priority changed. */
  refresh(): void;
}

/** Picks a priority: `point` is 1 to 100. Degraded hosts come after all healthy ones. */
export function pickPriority(load: PriorityLoad, point: number): { priority: number; degraded: boolean } | null {
  let sum = 0;
  for (let i = 0; i < load.healthy.length; i++) {
    sum += load.healthy[i];
    if (point <= sum) return { priority: i, degraded: false };
  }
  for (let i = 0; i < load.degraded.length; i++) {
    sum += load.degraded[i];
    if (point <= sum) return { priority: i, degraded: true };
  }
  return null;
}

/** A list to pick from, with what a policy remembers of it. */
export class HostSource {
  hosts: readonly HostImpl[] = [];
  /** Set while the hosts' weights differ. */
  edf: EdfScheduler<HostImpl> | null = null;
  /** Round robin: what was handed out so far, from a random start. */
  turn: number;

  constructor(seed: number) {
    this.turn = seed;
  }
}

interface LocalityChoice {
  readonly scheduler: EdfScheduler<number>;
  readonly weights: readonly number[];
}

/** The sources of one priority. */
class PrioritySources {
  readonly all: HostSource;
  readonly healthy: HostSource;
  readonly degraded: HostSource;
  readonly healthyLocalities: HostSource[] = [];
  readonly degradedLocalities: HostSource[] = [];
  healthyChoice: LocalityChoice | null = null;
  degradedChoice: LocalityChoice | null = null;

  constructor(private readonly seed: number) {
    this.all = new HostSource(seed);
    this.healthy = new HostSource(seed);
    this.degraded = new HostSource(seed);
  }

  locality(list: HostSource[], index: number): HostSource {
    while (list.length <= index) list.push(new HostSource(this.seed));
    return list[index];
  }
}

/**
 * Picks a host: first a priority by its load, then (when weighted) a locality, then a host by the policy of the subclass.
 * Everything that depends on membership or health alone is worked out when those change.
 */
export abstract class ListBalancer implements LoadBalancer {
  private load: PriorityLoad = { healthy: [100], degraded: [0], panic: [false] };
  private readonly priorities: PrioritySources[] = [];
  /** The only source there is to pick from, in the common case. */
  private only: HostSource | null = null;
  protected readonly seed: number;
  private readonly stats: LbStats;
  protected readonly random: Random;
  /** Null without a local cluster, and when localities are weighted. */
  private readonly zones: ZoneRouting | null;

  constructor(
    protected readonly prioritySet: PrioritySet,
    private readonly settings: LbSettings,
    { stats, random, local }: LbDeps,
    private readonly slowStart: SlowStart | null,
  ) {
    this.stats = stats;
    this.random = random;
    this.seed = random.u32();
    this.zones = local === null ? null : new ZoneRouting(local, settings.zone, stats, random);
  }

  /** Rebuilds after hosts or health of any priority changed. */
  refresh(): void {
    const sets = this.prioritySet.sets;
    this.load = priorityLoad(sets, Math.min(100, this.settings.panicThreshold));
    for (const set of sets) this.refreshPriority(set);
    this.zones?.refresh(sets[0]);
    const first = this.priorities[0];
    const plain =
      this.load.healthy[0] === 100 &&
      !this.load.panic[0] &&
      first.healthyChoice === null &&
      (this.zones === null || this.zones.mode === ZoneMode.OFF) &&
      sets[0].hosts.length > 0;
    this.only = plain ? first.healthy : null;
  }

  private refreshPriority(set: HostSet): void {
    while (this.priorities.length <= set.priority) this.priorities.push(new PrioritySources(this.seed));
    const sources = this.priorities[set.priority];
    this.fill(sources.all, set.hosts);
    this.fill(sources.healthy, set.healthy);
    this.fill(sources.degraded, set.degraded);
    sources.healthyChoice = sources.degradedChoice = null;
    if (!this.settings.localityWeighted && this.zones === null) return;
    for (let i = 0; i < set.localities.length; i++) {
      this.fill(sources.locality(sources.healthyLocalities, i), set.healthyByLocality[i]);
      this.fill(sources.locality(sources.degradedLocalities, i), set.degradedByLocality[i]);
    }
    if (!this.settings.localityWeighted) return;
    sources.healthyChoice = localityChoice(set, set.healthyByLocality);
    sources.degradedChoice = localityChoice(set, set.degradedByLocality);
  }

  private fill(source: HostSource, hosts: readonly HostImpl[]): void {
    source.hosts = hosts;
    source.edf = null;
    this.slowStart?.note(hosts);
    if (!this.weighted || hosts.length <= 1) return;
    const first = hosts[0].weight;
    if ((this.slowStart?.over ?? true) && hosts.every((host) => host.weight === first)) return;
    const edf = new EdfScheduler<HostImpl>();
    for (const host of hosts) edf.add(this.weightOf(host), host);
    // Several proxies that start together must not walk the hosts in step.
    for (let i = this.seed % hosts.length; i > 0; i--) edf.pickAndAdd(this.weightOf);
    source.edf = edf;
  }

  /** A host for one attempt, or null when there is none to be had. */
  choose(context: LbContext): HostImpl | null {
    let host = this.chooseOnce(context);
    for (let left = context.hostSelectionRetryCount; left > 0 && host !== null; left--) {
      if (!context.shouldSelectAnotherHost(host)) return host;
      host = this.chooseOnce(context);
    }
    return host;
  }

  private chooseOnce(context: LbContext): HostImpl | null {
    const retry = context.retryPriority;
    const source = retry
      ? this.chooseSource(retry.load(this.load, this.prioritySet.sets))
      : (this.only ?? this.chooseSource(this.load));
    if (source === null) return null;
    return source.edf !== null ? source.edf.pickAndAdd(this.weightOf) : this.pick(source);
  }

  private chooseSource(load: PriorityLoad): HostSource | null {
    const picked = pickPriority(load, (this.random.u32() % 100) + 1);
    if (picked === null || picked.priority >= this.priorities.length) return null;
    const { priority, degraded } = picked;
    const sources = this.priorities[priority];
    if (load.panic[priority]) {
      this.stats.lb_healthy_panic++;
      return this.settings.failTrafficOnPanic ? null : sources.all;
    }
    const choice = degraded ? sources.degradedChoice : sources.healthyChoice;
    if (choice !== null) {
      const index = choice.scheduler.pickAndAdd((i) => choice.weights[i])!;
      return degraded ? sources.degradedLocalities[index] : sources.healthyLocalities[index];
    }
    if (priority === 0 && this.zones?.applies()) return this.zoneSource(this.zones, sources, degraded);
    return degraded ? sources.degraded : sources.healthy;
  }

  private zoneSource(zones: ZoneRouting, sources: PrioritySources, degraded: boolean): HostSource | null {
    if (availablePercent(zones.local.hosts!) < this.settings.panicThreshold) {
      this.stats.lb_local_cluster_not_ok++;
      if (this.settings.failTrafficOnPanic) return null;
      return degraded ? sources.degraded : sources.healthy;
    }
    const index = zones.pick();
    return degraded ? sources.degradedLocalities[index] : sources.healthyLocalities[index];
  }

  /** Whether hosts of different weight are scheduled by `weightOf`. */
  protected abstract readonly weighted: boolean;
  protected abstract readonly weightOf: (host: HostImpl) => number;
  /** Picks among hosts of equal weight; null when the list is empty. */
  protected abstract pick(source: HostSource): HostImpl | null;
}

/** A locality's weight counts in full while its healthy share times the overprovisioning factor covers 100 %. */
function localityChoice(set: HostSet, available: readonly (readonly HostImpl[])[]): LocalityChoice | null {
  const scheduler = new EdfScheduler<number>();
  const weights = set.localities.map(({ weight, hosts }, i) => {
    const counted = hosts.reduce((n, host) => n + Number(!host.excluded), 0);
    if (counted === 0 || available[i].length === 0) return 0;
    return weight * Math.min(1, ((set.overprovisioningFactor / 100) * available[i].length) / counted);
  });
  for (let i = 0; i < weights.length; i++) if (weights[i] > 0) scheduler.add(weights[i], i);
  return scheduler.size === 0 ? null : { scheduler, weights };
}
