import type { HostImpl } from '../host.js';
import type { PrioritySet } from '../priority-set.js';
import type { LbContext } from '../types.js';
import type { LoadBalancer } from './load-balancer.js';

type Fallback = 'NO_FALLBACK' | 'ANY_ENDPOINT' | 'DEFAULT_SUBSET';

export interface SubsetSelector {
  /** Sorted. */
  readonly keys: readonly string[];
  /** Null: that of the whole configuration. */
  readonly fallback: Fallback | 'KEYS_SUBSET' | null;
  readonly fallbackKeys: readonly string[];
}

/** lb_subset_config */
export interface SubsetSettings {
  readonly fallback: Fallback;
  readonly defaultSubset: Readonly<Record<string, unknown>>;
  readonly selectors: readonly SubsetSelector[];
  /** When there is nothing else, any host will do. */
  readonly panicModeAny: boolean;
  /** A list in a host's metadata stands for each of its values. */
  readonly listAsAny: boolean;
}

export interface SubsetStats {
  lb_subsets_active: number;
  lb_subsets_created: number;
  lb_subsets_removed: number;
  lb_subsets_selected: number;
  lb_subsets_fallback: number;
  lb_subsets_fallback_panic: number;
}

/** Some of a cluster's hosts, with a balancer of their own. */
class Subset {
  readonly set: PrioritySet;
  readonly lb: LoadBalancer;
  size = 0;

  constructor(
    like: PrioritySet,
    make: (set: PrioritySet) => LoadBalancer,
    private readonly has: (host: HostImpl) => boolean,
  ) {
    this.set = like.empty();
    this.lb = make(this.set);
  }

  refresh(whole: PrioritySet): void {
    this.size = 0;
    for (const { priority, localities } of whole.sets) {
      const groups = localities.map((group) => ({ ...group, hosts: group.hosts.filter(this.has) }));
      for (const group of groups) this.size += group.hosts.length;
      this.set.update(priority, groups);
    }
    this.lb.refresh();
  }
}

/** Where a request with given metadata goes; worked out once per set of criteria and membership. */
interface Plan {
  readonly subset: Subset | null;
  readonly fallback: SubsetSelector['fallback'];
  /** For KEYS_SUBSET: what to look for instead. */
  readonly reduced: Plan | null;
}

/**
 * Chooses among the hosts whose metadata (`envoy.lb`) is what the route asks for; when there are none, by the fallback policy of the
 * selector with these keys, or of the cluster.
 */
export class SubsetBalancer implements LoadBalancer {
  private readonly subsets = new Map<string, Subset>();
  private readonly any: Subset;
  private readonly standard: Subset;
  private plans = new WeakMap<object, Plan>();
  private readonly nothing: Plan = { subset: null, fallback: null, reduced: null };

  constructor(
    private readonly settings: SubsetSettings,
    private readonly prioritySet: PrioritySet,
    private readonly stats: SubsetStats,
    private readonly make: (set: PrioritySet) => LoadBalancer,
  ) {
    this.any = new Subset(prioritySet, make, () => true);
    const wanted = keyOf(settings.defaultSubset, Object.keys(settings.defaultSubset).sort());
    const keys = Object.keys(settings.defaultSubset).sort();
    this.standard = new Subset(prioritySet, make, (host) => this.keysOf(host, keys).includes(wanted));
  }

  refresh(): void {
    const { stats } = this;
    this.plans = new WeakMap();
    this.any.refresh(this.prioritySet);
    this.standard.refresh(this.prioritySet);
    for (const { keys } of this.settings.selectors)
      for (const set of this.prioritySet.sets)
        for (const host of set.hosts)
          for (const key of this.keysOf(host, keys)) if (!this.subsets.has(key)) this.addSubset(key, keys);
    for (const [key, subset] of this.subsets) {
      subset.refresh(this.prioritySet);
      if (subset.size > 0) continue;
      this.subsets.delete(key);
      stats.lb_subsets_removed++;
      stats.lb_subsets_active--;
    }
  }

  private addSubset(key: string, keys: readonly string[]): void {
    const has = (host: HostImpl) => this.keysOf(host, keys).includes(key);
    this.subsets.set(key, new Subset(this.prioritySet, this.make, has));
    this.stats.lb_subsets_created++;
    this.stats.lb_subsets_active++;
  }

  /** The cluster goes. */
  stop(): void {
    this.stats.lb_subsets_active -= this.subsets.size;
    this.stats.lb_subsets_removed += this.subsets.size;
    this.subsets.clear();
  }

  /** What a host is filed under for a selector; more than one key when a list stands for each of its values. */
  private keysOf(host: HostImpl, keys: readonly string[]): string[] {
    const metadata = host.metadata['envoy.lb'] ?? {};
    let found = [''];
    for (const name of keys) {
      const value = metadata[name];
      if (value === undefined) return [];
      const values = this.settings.listAsAny && Array.isArray(value) ? value : [value];
      found = found.flatMap((key) => values.map((one) => key + part(name, one)));
    }
    return found;
  }

  choose(context: LbContext): HostImpl | null {
    const criteria = context.metadataMatch;
    return this.follow(criteria === null ? this.nothing : this.planOf(criteria), context);
  }

  private planOf(criteria: Readonly<Record<string, unknown>>): Plan {
    let plan = this.plans.get(criteria);
    if (plan === undefined) this.plans.set(criteria, (plan = this.makePlan(criteria)));
    return plan;
  }

  private makePlan(criteria: Readonly<Record<string, unknown>>): Plan {
    const keys = Object.keys(criteria).sort();
    const selector = this.settings.selectors.find(
      (one) => one.keys.length === keys.length && one.keys.every((key, i) => key === keys[i]),
    );
    if (selector === undefined) return this.nothing;
    const subset = this.subsets.get(keyOf(criteria, keys)) ?? null;
    if (selector.fallback !== 'KEYS_SUBSET') return { subset, fallback: selector.fallback, reduced: null };
    const fewer = Object.fromEntries(selector.fallbackKeys.map((key) => [key, criteria[key]]));
    return { subset, fallback: 'KEYS_SUBSET', reduced: this.makePlan(fewer) };
  }

  private follow(plan: Plan, context: LbContext): HostImpl | null {
    const { stats, settings } = this;
    if (plan.subset !== null) {
      stats.lb_subsets_selected++;
      return plan.subset.lb.choose(context);
    }
    if (plan.reduced !== null) return this.follow(plan.reduced, context);
    if (plan.fallback !== null) return this.fallback(plan.fallback as Fallback, context);
    const host = this.fallback(settings.fallback, context);
    if (host !== null) {
      stats.lb_subsets_fallback++;
      return host;
    }
    if (!settings.panicModeAny) return null;
    const any = this.any.lb.choose(context);
    if (any !== null) stats.lb_subsets_fallback_panic++;
    return any;
  }

  private fallback(policy: Fallback, context: LbContext): HostImpl | null {
    if (policy === 'NO_FALLBACK') return null;
    return (policy === 'ANY_ENDPOINT' ? this.any : this.standard).lb.choose(context);
  }
}

function keyOf(values: Readonly<Record<string, unknown>>, keys: readonly string[]): string {
  return keys.reduce((key, name) => key + part(name, values[name]), '');
}

function part(name: string, value: unknown): string {
  return `${JSON.stringify(name)}:${JSON.stringify(sorted(value))},`;
}

/** Objects with their keys in order, so that equal values have equal texts. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, child]) => [key, sorted(child)]));
}
