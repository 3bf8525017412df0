import type { RequestHeaders } from '../base/headers.js';
import type { WeightedCluster } from '../xds/types.js';
import { HeaderReader } from './header-matcher.js';
import { refuse } from './refuse.js';
import type { RouteEntry } from './route-entry.js';
import type { RouteCondition, StreamRandom } from './route-match.js';
import type { CompiledRoute } from './virtual-host.js';

/** A route with one outcome. */
export class SingleRoute implements CompiledRoute {
  readonly condition: RouteCondition;
  constructor(private readonly entry: RouteEntry) {
    this.condition = entry.condition;
  }
  pick(): RouteEntry {
    return this.entry;
  }
}

/** A route that leads to one of several clusters by weight. */
export class WeightedRoute implements CompiledRoute {
  private readonly total: number;
  /** Running sums of the weights. */
  private readonly ends: readonly number[];
  private readonly header: HeaderReader | null;

  /** @throws ConfigError for a sum of 0 and for use_hash_policy */
  constructor(
    readonly condition: RouteCondition,
    config: WeightedCluster,
    private readonly entries: readonly RouteEntry[],
  ) {
    if (config.use_hash_policy === true)
      refuse(config, 'use_hash_policy', 'choosing a weighted cluster by hash policy is not supported');
    let sum = 0;
    this.ends = config.clusters.map((one) => {
      sum += one.weight ?? 0;
      return sum;
    });
    if (sum === 0) refuse(config, 'clusters', 'Sum of weights in the weighted_cluster must be greater than 0.');
    this.total = sum;
    this.header = config.header_name === undefined ? null : new HeaderReader(config.header_name);
  }

  pick(headers: RequestHeaders, random: StreamRandom): RouteEntry {
    const chosen = this.fromHeader(headers) ?? random.value() % this.total;
    const { ends, entries } = this;
    let i = 0;
    while (chosen >= ends[i]) i++;
    return entries[i];
  }

  /** A decimal number in the header stands for the random number. */
  private fromHeader(headers: RequestHeaders): number | null {
    const text = this.header?.get(headers)?.trim();
    if (text === undefined || text === '') return null;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < 48 || code > 57) return null;
    }
    if (text.length < 16) return Number(text) % this.total;
    const value = BigInt(text);
    return value > 0xffffffffffffffffn ? null : Number(value % BigInt(this.total));
  }
}
