import type { Histogram } from './stats.js';

/**
 * Log-linear histogram with two significant decimal digits, as Envoy's (circllhist): a bin is `[d.d, d.d + 0.1)` times a
 * power of ten, and zero has a bin of its own. `record` writes into the part collected since the last flush; `flush`
 * (Envoy's `stats_flush_interval`) makes that the *interval* view and adds it to the *cumulative* one. What `/stats`
 * and Prometheus show is the state of the last flush; `count` and `sum` are live.
 */

/** Bins: 0 is the value zero; then 90 per decade, starting at 1. */
const PER_DECADE = 90;
const DIRECT = 1000;
/** Bins of 0 .. 999, the part held in a table of its own. */
const SMALL_BINS = 1 + 3 * PER_DECADE;
/** 10^19 is the last decade of an unsigned 64-bit value. */
const MAX_DECADE = 19;

const BIN_OF_SMALL = new Uint16Array(DIRECT);
for (let v = 1; v < DIRECT; v++) BIN_OF_SMALL[v] = binOf(v);

/** Bin of a whole number >= 0. */
function binOf(value: number): number {
  if (value < 1) return 0;
  let decade = 0;
  let scaled = value;
  while (scaled >= 100) {
    scaled /= 10;
    decade++;
  }
  if (scaled >= 10) decade++;
  else scaled *= 10;
  if (decade > MAX_DECADE) return 1 + MAX_DECADE * PER_DECADE + 89;
  // Divisions by ten may land just below a whole number; the value itself decides.
  let mantissa = Math.floor(scaled);
  if (mantissa < 99 && (mantissa + 1) * 10 ** (decade - 1) <= value) mantissa++;
  return 1 + decade * PER_DECADE + (mantissa - 10);
}

/** Lower bound of a bin. */
export function binLower(bin: number): number {
  if (bin === 0) return 0;
  const decade = Math.floor((bin - 1) / PER_DECADE);
  const mantissa = ((bin - 1) % PER_DECADE) + 10;
  return decade === 0 ? mantissa / 10 : mantissa * 10 ** (decade - 1);
}

/** Width of a bin; 0 for the bin of zero. */
export function binWidth(bin: number): number {
  if (bin === 0) return 0;
  const decade = Math.floor((bin - 1) / PER_DECADE);
  return decade === 0 ? 0.1 : 10 ** (decade - 1);
}

/** Where the samples of a bin are taken to lie when they are summed (the Pareto midpoint of circllhist). */
function binMiddle(bin: number): number {
  if (bin === 0) return 0;
  const lower = binLower(bin);
  const width = binWidth(bin);
  return lower + width * (lower / (lower + (lower + width)));
}

/** Bins in ascending order with their counts: what one view of a histogram holds. */
export interface BinCounts {
  readonly bins: readonly number[];
  readonly counts: readonly number[];
  readonly total: number;
}

const EMPTY: BinCounts = { bins: [], counts: [], total: 0 };

/** The percentages `/stats` prints, as fractions. */
export const QUANTILES: readonly number[] = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1];

/** Envoy's default bucket bounds, and Istio's; milliseconds or bytes. */
export const DEFAULT_BUCKETS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000,
];

/**
 * Nearest-rank quantile; k-th of n samples of a bin is taken to lie at k/(n+1) of its width. NaN when there is no sample.
 * Recorded from Envoy: six samples of 1 give P0 1.0142857…, P25 1.0285714…, P100 1.0857142….
 */
export function quantile(view: BinCounts, q: number): number {
  if (view.total === 0) return Number.NaN;
  let rank = Math.ceil(q * view.total);
  if (rank < 1) rank = 1;
  let before = 0;
  for (let i = 0; i < view.bins.length; i++) {
    const n = view.counts[i];
    if (before + n >= rank) {
      return binLower(view.bins[i]) + (binWidth(view.bins[i]) * (rank - before)) / (n + 1);
    }
    before += n;
  }
  return Number.NaN;
}

/** Samples at or below each bound: a bin counts when its lower bound does not exceed the bucket's. */
export function bucketCounts(view: BinCounts, bounds: readonly number[]): number[] {
  const out: number[] = [];
  let below = 0;
  let i = 0;
  for (const bound of bounds) {
    while (i < view.bins.length && binLower(view.bins[i]) <= bound) below += view.counts[i++];
    out.push(below);
  }
  return out;
}

/** Approximate sum, from the middles of the bins; what Envoy prints as `_sum`. */
export function approximateSum(view: BinCounts): number {
  let sum = 0;
  for (let i = 0; i < view.bins.length; i++) sum += binMiddle(view.bins[i]) * view.counts[i];
  return sum;
}

export class LogLinearHistogram implements Histogram {
  /** Samples recorded since the start, and their exact sum; not reset by a flush. */
  count = 0;
  sum = 0;
  /** Samples since the last flush; allocated by the first one. */
  private small: Uint32Array | null = null;
  private large: Map<number, number> | null = null;
  private flushedCount = 0;
  private total: Float64Array | null = null;
  private cumulativeView: BinCounts = EMPTY;
  private intervalView: BinCounts = EMPTY;

  /** `value`: whole, >= 0; a fraction is cut off, as Envoy's histograms take integers. */
  record(value: number): void {
    this.count++;
    this.sum += value;
    if (value < DIRECT) {
      const small = this.small ?? (this.small = new Uint32Array(SMALL_BINS));
      small[BIN_OF_SMALL[value > 0 ? value | 0 : 0]]++;
    } else this.recordLarge(value);
  }

  private recordLarge(value: number): void {
    if (Number.isNaN(value)) return;
    const bin = binOf(Math.floor(value));
    const large = this.large ?? (this.large = new Map());
    large.set(bin, (large.get(bin) ?? 0) + 1);
  }

  /** View since the start, as of the last flush. */
  get cumulative(): BinCounts {
    return this.cumulativeView;
  }

  /** View of the last flush interval. */
  get interval(): BinCounts {
    return this.intervalView;
  }

  flush(): void {
    if (this.count === this.flushedCount) {
      this.intervalView = EMPTY;
      return;
    }
    this.intervalView = this.pending();
    this.flushedCount = this.count;
    this.small?.fill(0);
    this.large?.clear();
    this.cumulativeView = this.addToTotal(this.intervalView);
  }

  /** Everything recorded, without waiting for a flush; for our own series. */
  live(): BinCounts {
    return this.count === this.flushedCount ? this.cumulativeView : mergeBins(this.cumulativeView, this.pending());
  }

  private pending(): BinCounts {
    const bins: number[] = [];
    const counts: number[] = [];
    const small = this.small;
    let total = 0;
    if (small !== null) {
      for (let bin = 0; bin < SMALL_BINS; bin++) {
        if (small[bin] === 0) continue;
        bins.push(bin);
        counts.push(small[bin]);
        total += small[bin];
      }
    }
    if (this.large !== null && this.large.size > 0) {
      for (const bin of [...this.large.keys()].sort((a, b) => a - b)) {
        const n = this.large.get(bin)!;
        bins.push(bin);
        counts.push(n);
        total += n;
      }
    }
    return { bins, counts, total };
  }

  private addToTotal(view: BinCounts): BinCounts {
    const last = view.bins[view.bins.length - 1];
    let total = this.total;
    if (total === null || last >= total.length) {
      const grown = new Float64Array(Math.max(SMALL_BINS, last + PER_DECADE));
      if (total !== null) grown.set(total);
      this.total = total = grown;
    }
    for (let i = 0; i < view.bins.length; i++) total[view.bins[i]] += view.counts[i];
    const bins: number[] = [];
    const counts: number[] = [];
    for (let bin = 0; bin < total.length; bin++) {
      if (total[bin] === 0) continue;
      bins.push(bin);
      counts.push(total[bin]);
    }
    return { bins, counts, total: this.cumulativeView.total + view.total };
  }
}

/** Both views together. */
export function mergeBins(a: BinCounts, b: BinCounts): BinCounts {
  const bins: number[] = [];
  const counts: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.bins.length || j < b.bins.length) {
    const left = i < a.bins.length ? a.bins[i] : Number.POSITIVE_INFINITY;
    const right = j < b.bins.length ? b.bins[j] : Number.POSITIVE_INFINITY;
    bins.push(Math.min(left, right));
    counts.push((left <= right ? a.counts[i] : 0) + (right <= left ? b.counts[j] : 0));
    if (left <= right) i++;
    if (right <= left) j++;
  }
  return { bins, counts, total: a.total + b.total };
}
