import type { Random } from '../../base/random.js';
import type { StatStore } from '../../observe/stats.js';
import type { CompileFormat } from '../../router/header-mutation.js';
import type { CidrRange, FractionalPercent } from '../../xds/types.js';

/** What compiled filters need of the process. */
export interface FilterDeps {
  readonly store: StatStore;
  /** `http.<stat_prefix>.` */
  readonly statPrefix: string;
  readonly compileFormat: CompileFormat;
  cidr(ranges: readonly CidrRange[]): (ip: string) => boolean;
  /** `/healthcheck/fail` is in force. */
  healthcheckFailed(): boolean;
  /** Hosts of a cluster; null when there is no such cluster. */
  membership(cluster: string): { healthy: number; degraded: number; total: number } | null;
}

type StatsClass<T> = new () => T;

const shared = new WeakMap<StatStore, Map<StatsClass<object>, Map<string, object>>>();

/** Statistics of one class that all filters with the same prefix count into, registered once. */
export function sharedStats<T extends object>(
  store: StatStore,
  prefix: string,
  kind: StatsClass<T>,
  gauges?: ReadonlySet<string>,
): T {
  let kinds = shared.get(store);
  if (kinds === undefined) shared.set(store, (kinds = new Map()));
  let known = kinds.get(kind);
  if (known === undefined) kinds.set(kind, (known = new Map()));
  let stats = known.get(prefix) as T | undefined;
  if (stats === undefined) {
    stats = new kind();
    known.set(prefix, stats);
    store.register(prefix, stats, gauges);
  }
  return stats;
}

const DENOMINATORS: Readonly<Record<FractionalPercent['denominator'], number>> = {
  HUNDRED: 100,
  TEN_THOUSAND: 10_000,
  MILLION: 1_000_000,
};

/** A share of all requests. */
export class Share {
  readonly numerator: number;
  readonly denominator: number;

  /** @param config undefined: none */
  constructor(config: FractionalPercent | undefined) {
    this.numerator = config?.numerator ?? 0;
    this.denominator = DENOMINATORS[config?.denominator ?? 'HUNDRED'];
  }

  /** Draws; `numerator` may be less than the configured one. */
  draw(random: Random, numerator = this.numerator): boolean {
    if (numerator >= this.denominator) return true;
    return numerator > 0 && random.u32() % this.denominator < numerator;
  }
}
