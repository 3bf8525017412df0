import type { StatSource, StatVisitor } from '../observe/stats.js';
import { Priority, type RetryBreaker } from './types.js';

/** Limits of one priority; Envoy's defaults where a field is unset. */
export interface Thresholds {
  maxConnections: number;
  maxPendingRequests: number;
  maxRequests: number;
  maxRetries: number;
  /** Infinity when unset. */
  maxConnectionPools: number;
  /** Retries may be this percentage of active and pending requests, but always `minConcurrency`; replaces maxRetries. */
  retryBudget: { percent: number; minConcurrency: number } | null;
  trackRemaining: boolean;
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
  maxConnectionPools: Number.POSITIVE_INFINITY,
  retryBudget: null,
  trackRemaining: false,
};

/** A counted resource with a limit. `tryAcquire` is not offered: Envoy checks and counts at different moments. */
export class Resource {
  current = 0;
  /** The `*_open` gauge is only ever written when the count changes, so a limit of 0 shows 0 until then. */
  private touched = false;

  constructor(readonly max: number) {}

  canCreate(): boolean {
    return this.current < this.max;
  }

  inc(): void {
    this.current++;
    this.touched = true;
  }

  dec(): void {
    this.current--;
  }

  get open(): boolean {
    return this.touched && this.current >= this.max;
  }

  get remaining(): number {
    return this.max > this.current ? this.max - this.current : 0;
  }
}

/** The circuit breakers of one cluster and priority (`circuit_breakers.thresholds`). */
export class ResourceManager implements RetryBreaker {
  readonly connections: Resource;
  readonly pending: Resource;
  readonly requests: Resource;
  readonly retries: Resource;
  readonly pools: Resource;

  constructor(readonly thresholds: Thresholds) {
    this.connections = new Resource(thresholds.maxConnections);
    this.pending = new Resource(thresholds.maxPendingRequests);
    this.requests = new Resource(thresholds.maxRequests);
    this.retries = new Resource(thresholds.maxRetries);
    this.pools = new Resource(thresholds.maxConnectionPools);
  }

  private maxRetries(): number {
    const budget = this.thresholds.retryBudget;
    if (budget === null) return this.retries.max;
    const load = this.requests.current + this.pending.current;
    return Math.max(Math.floor((budget.percent / 100) * load), budget.minConcurrency);
  }

  tryAcquire(): boolean {
    if (this.retries.current >= this.maxRetries()) return false;
    this.retries.inc();
    return true;
  }

  release(): void {
    this.retries.dec();
  }
}

const PRIORITY_NAMES = ['default', 'high'] as const;
/** Both priorities of a cluster, and their gauges `circuit_breakers.{default,high}.*`. */
export class CircuitBreakers implements StatSource {
  readonly managers: readonly [ResourceManager, ResourceManager];

  constructor(
    private readonly prefix: string,
    thresholds: readonly [Thresholds, Thresholds],
  ) {
    this.managers = [new ResourceManager(thresholds[0]), new ResourceManager(thresholds[1])];
  }

  of(priority: Priority): ResourceManager {
    return this.managers[priority];
  }

  visit(visitor: StatVisitor): void {
    for (const priority of [Priority.DEFAULT, Priority.HIGH]) {
      const m = this.managers[priority];
      const prefix = `${this.prefix}circuit_breakers.${PRIORITY_NAMES[priority]}.`;
      visitor.gauge(`${prefix}cx_open`, Number(m.connections.open));
      visitor.gauge(`${prefix}cx_pool_open`, Number(m.pools.open));
      visitor.gauge(`${prefix}rq_open`, Number(m.requests.open));
      visitor.gauge(`${prefix}rq_pending_open`, Number(m.pending.open));
      visitor.gauge(`${prefix}rq_retry_open`, Number(m.retries.open));
      if (!m.thresholds.trackRemaining) continue;
      visitor.gauge(`${prefix}remaining_cx`, m.connections.remaining);
      visitor.gauge(`${prefix}remaining_cx_pools`, remainingPools(m.pools));
      visitor.gauge(`${prefix}remaining_pending`, m.pending.remaining);
      visitor.gauge(`${prefix}remaining_retries`, m.thresholds.retryBudget === null ? m.retries.remaining : 0);
      visitor.gauge(`${prefix}remaining_rq`, m.requests.remaining);
    }
  }
}

/** An unset max_connection_pools is 2^64-1, of which a negative number is the wrapped rest. */
function remainingPools(pools: Resource): number {
  return Number.isFinite(pools.max) ? pools.remaining : -1 - pools.current;
}
