/**
 * The seam of statistics. A thing that counts holds plain integers in an object of its own and registers the object
 * once; the store reads them when asked. Incrementing is `stats.downstream_rq_total++`.
 */
export type StatKind = 'counter' | 'gauge' | 'histogram' | 'text';

/** Receives the current value of one statistic. `name` is the full Envoy name, such as `cluster.up.upstream_rq_504`. */
export interface StatVisitor {
  counter(name: string, value: number): void;
  gauge(name: string, value: number): void;
  histogram(name: string, histogram: Histogram): void;
  text(name: string, value: string): void;
}

/** Something that can enumerate statistics whose names come about as traffic flows (response codes). */
export interface StatSource {
  visit(visitor: StatVisitor): void;
  /** Sets the counters it holds to zero (`/reset_counters`). */
  reset?(): void;
}

/** Fields of a stats object: numbers are counters unless named in `gauges`; Histogram fields are histograms. */
export interface StatStore {
  /**
   * Every own numeric or Histogram field of `object` becomes the statistic `prefix + field`.
   * Returns a function that unregisters it.
   */
  register(prefix: string, object: object, gauges?: ReadonlySet<string>): () => void;
  registerSource(source: StatSource): () => void;
}

/** Log-linear histogram (two significant digits, as Envoy's); see histogram.ts for the implementation. */
export interface Histogram {
  record(value: number): void;
  readonly count: number;
  readonly sum: number;
}
