import type { Protocol } from '../base/protocol.js';
import { Reset, type ResetReason } from '../codec/codec.js';
import type { Histogram, StatSource, StatStore, StatVisitor } from '../observe/stats.js';
import { sanitizeStatName } from '../observe/store.js';
import { CodeStatsImpl } from './code-stats.js';
import { HEALTH_CHECK_GAUGES, HealthCheckStats } from './health/health-check-stats.js';
import { OUTLIER_GAUGES, OutlierStats } from './health/outlier-stats.js';
import { HASH_GAUGES, MaglevStats, RingHashStats } from './lb/hash-stats.js';
import type { UpstreamConnection } from './pool/transport.js';
import { BudgetStats, SizeStats } from './tracking.js';
import type { ClusterTrafficStats } from './types.js';

/**
 * Counters and gauges of `cluster.<name>.`; field names are Envoy's. Bytes read, written and buffered are not here: the
 * cluster adds up its connections when asked.
 */
export class ClusterStats implements ClusterTrafficStats {
  // --- membership and configuration
  membership_change = 0;
  membership_degraded = 0;
  membership_excluded = 0;
  membership_healthy = 0;
  membership_total = 0;
  max_host_weight = 0;
  update_attempt = 0;
  update_empty = 0;
  update_failure = 0;
  update_no_rebuild = 0;
  update_success = 0;
  assignment_stale = 0;
  assignment_timeout_received = 0;
  assignment_use_cached = 0;
  version = 0;
  warming_state = 0;
  bind_errors = 0;
  original_dst_host_invalid = 0;

  // --- load balancing
  lb_healthy_panic = 0;
  lb_local_cluster_not_ok = 0;
  lb_recalculate_zone_structures = 0;
  lb_subsets_active = 0;
  lb_subsets_created = 0;
  lb_subsets_fallback = 0;
  lb_subsets_fallback_panic = 0;
  lb_subsets_removed = 0;
  lb_subsets_selected = 0;
  lb_zone_cluster_too_small = 0;
  lb_zone_no_capacity_left = 0;
  lb_zone_number_differs = 0;
  lb_zone_routing_all_directly = 0;
  lb_zone_routing_cross_zone = 0;
  lb_zone_routing_sampled = 0;

  // --- connections
  upstream_cx_active = 0;
  upstream_cx_close_notify = 0;
  upstream_cx_connect_attempts_exceeded = 0;
  upstream_cx_connect_fail = 0;
  upstream_cx_connect_timeout = 0;
  upstream_cx_connect_with_0_rtt = 0;
  upstream_cx_destroy = 0;
  upstream_cx_destroy_local = 0;
  upstream_cx_destroy_local_with_active_rq = 0;
  upstream_cx_destroy_remote = 0;
  upstream_cx_destroy_remote_with_active_rq = 0;
  upstream_cx_destroy_with_active_rq = 0;
  upstream_cx_http1_total = 0;
  upstream_cx_http2_total = 0;
  upstream_cx_http3_total = 0;
  upstream_cx_idle_timeout = 0;
  upstream_cx_max_duration_reached = 0;
  upstream_cx_max_requests = 0;
  upstream_cx_none_healthy = 0;
  upstream_cx_overflow = 0;
  upstream_cx_pool_overflow = 0;
  upstream_cx_protocol_error = 0;
  upstream_cx_total = 0;
  upstream_http3_broken = 0;

  // --- requests
  retry_or_shadow_abandoned = 0;
  upstream_flow_control_backed_up_total = 0;
  upstream_flow_control_drained_total = 0;
  upstream_flow_control_paused_reading_total = 0;
  upstream_flow_control_resumed_reading_total = 0;
  upstream_internal_redirect_failed_total = 0;
  upstream_internal_redirect_succeeded_total = 0;
  upstream_rq_0rtt = 0;
  upstream_rq_active = 0;
  upstream_rq_active_overflow = 0;
  upstream_rq_cancelled = 0;
  upstream_rq_maintenance_mode = 0;
  upstream_rq_max_duration_reached = 0;
  upstream_rq_pending_active = 0;
  upstream_rq_pending_failure_eject = 0;
  upstream_rq_pending_overflow = 0;
  upstream_rq_pending_total = 0;
  upstream_rq_per_try_idle_timeout = 0;
  upstream_rq_per_try_timeout = 0;
  upstream_rq_retry = 0;
  upstream_rq_retry_backoff_exponential = 0;
  upstream_rq_retry_backoff_ratelimited = 0;
  upstream_rq_retry_limit_exceeded = 0;
  upstream_rq_retry_overflow = 0;
  upstream_rq_retry_success = 0;
  upstream_rq_rx_reset = 0;
  upstream_rq_rx_reset_no_error = 0;
  upstream_rq_timeout = 0;
  upstream_rq_total = 0;
  upstream_rq_tx_reset = 0;

  readonly upstream_cx_connect_ms: Histogram;
  readonly upstream_cx_length_ms: Histogram;
  readonly upstream_rq_per_cx: Histogram;

  constructor(histogram: () => Histogram) {
    this.upstream_cx_connect_ms = histogram();
    this.upstream_cx_length_ms = histogram();
    this.upstream_rq_per_cx = histogram();
  }
}

/** Fields of `ClusterStats` that are gauges. */
export const CLUSTER_GAUGES: ReadonlySet<string> = new Set([
  'membership_degraded',
  'membership_excluded',
  'membership_healthy',
  'membership_total',
  'max_host_weight',
  'lb_subsets_active',
  'upstream_cx_active',
  'upstream_rq_active',
  'upstream_rq_pending_active',
  'version',
  'warming_state',
]);

/** An upstream connection as statistics see it, whatever it carries. */
export interface TrackedClient {
  readonly id: number;
  readonly clusterName: string;
  readonly host: { readonly address: string };
  readonly connection: UpstreamConnection;
  /** Null for a connection that carries bytes. */
  readonly codec: object | null;
  /** Monotonic ms of the last byte read; the connect counts as one. */
  readonly lastRead: number;
  readonly activeStreams: number;
}

/**
 * What is known and counted of a cluster by its name. It outlives changes of the cluster's configuration: counters go on, and
 * connections that drain are still seen.
 */
export class ClusterScope implements StatSource {
  /** `cluster.<name>.` with the characters that Envoy does not allow in names replaced. */
  readonly prefix: string;
  readonly stats: ClusterStats;
  readonly codes: CodeStatsImpl;
  /** Every connection that is connecting or open. */
  readonly clients = new Set<TrackedClient>();
  /** Bytes of connections that are closed. */
  private rxBytes = 0;
  private txBytes = 0;
  private readonly unregister: (() => void)[] = [];

  constructor(
    readonly name: string,
    private readonly store: StatStore,
    private readonly histogram: () => Histogram,
    /** node.locality.zone, '' for none. */
    ownZone = '',
  ) {
    this.prefix = sanitizeStatName(`cluster.${name}.`);
    this.stats = new ClusterStats(histogram);
    this.codes = new CodeStatsImpl(this.prefix, histogram, ownZone);
    this.register(this.prefix, this.stats, CLUSTER_GAUGES);
    this.registerSource(this.codes);
    this.registerSource(this);
  }

  /** Statistics that live as long as the scope. */
  register(prefix: string, object: object, gauges?: ReadonlySet<string>): void {
    this.unregister.push(this.store.register(prefix, object, gauges));
  }

  registerSource(source: StatSource): void {
    this.unregister.push(this.store.registerSource(source));
  }

  private codec1: object | null = null;
  private codec2: object | null = null;

  /** `http1.*` of the cluster's codecs; there from the first connection. */
  http1Stats<T extends object>(make: () => T): T {
    if (this.codec1 === null) this.register(`${this.prefix}http1.`, (this.codec1 = make()));
    return this.codec1 as T;
  }

  /** `http2.*`, likewise. */
  http2Stats<T extends object>(make: () => T, gauges: ReadonlySet<string>): T {
    if (this.codec2 === null) this.register(`${this.prefix}http2.`, (this.codec2 = make()), gauges);
    return this.codec2 as T;
  }

  private outlier: OutlierStats | null = null;
  private healthCheck: HealthCheckStats | null = null;

  /** `outlier_detection.*`; there from the first configuration that detects outliers. */
  outlierStats(): OutlierStats {
    if (this.outlier === null)
      this.register(`${this.prefix}outlier_detection.`, (this.outlier = new OutlierStats()), OUTLIER_GAUGES);
    return this.outlier;
  }

  private hashTables: RingHashStats | MaglevStats | null = null;

  /** `ring_hash_lb.*` or `maglev_lb.*`: what the table of a hashing balancer looks like. Null for other balancers. */
  hashStats(policy: string): RingHashStats | MaglevStats | null {
    if (this.hashTables?.policy === policy) return this.hashTables;
    if (policy === 'RING_HASH') {
      this.hashTables = new RingHashStats();
      this.register(`${this.prefix}ring_hash_lb.`, this.hashTables, HASH_GAUGES);
    } else if (policy === 'MAGLEV') {
      this.hashTables = new MaglevStats();
      this.register(`${this.prefix}maglev_lb.`, this.hashTables, HASH_GAUGES);
    } else this.hashTables = null;
    return this.hashTables;
  }

  private sizes: SizeStats | null = null;

  /** Histograms of sizes, from the first configuration that tracks them. */
  sizeStats(): SizeStats {
    if (this.sizes === null) this.register(this.prefix, (this.sizes = new SizeStats(this.histogram)));
    return this.sizes;
  }

  private budgets: BudgetStats | null = null;

  /** Histograms of timeout budgets, likewise. */
  budgetStats(): BudgetStats {
    if (this.budgets === null) this.register(this.prefix, (this.budgets = new BudgetStats(this.histogram)));
    return this.budgets;
  }

  /** `health_check.*`, likewise. */
  healthCheckStats(): HealthCheckStats {
    if (this.healthCheck === null)
      this.register(`${this.prefix}health_check.`, (this.healthCheck = new HealthCheckStats()), HEALTH_CHECK_GAUGES);
    return this.healthCheck;
  }

  /** Statistics of one configuration of the cluster; the caller ends them. */
  registerTemporary(source: StatSource): () => void {
    return this.store.registerSource(source);
  }

  remove(): void {
    for (const unregister of this.unregister) unregister();
    this.unregister.length = 0;
  }

  onClientClosed(client: TrackedClient): void {
    this.clients.delete(client);
    this.rxBytes += client.connection.rxBytes;
    this.txBytes += client.connection.txBytes;
  }

  visit(visitor: StatVisitor): void {
    let rx = this.rxBytes;
    let tx = this.txBytes;
    let unsent = 0;
    for (const { connection } of this.clients) {
      rx += connection.rxBytes;
      tx += connection.txBytes;
      unsent += connection.unsentBytes();
    }
    visitor.counter(`${this.prefix}upstream_cx_rx_bytes_total`, rx);
    visitor.counter(`${this.prefix}upstream_cx_tx_bytes_total`, tx);
    // Bytes are handled in the pass that reads them.
    visitor.gauge(`${this.prefix}upstream_cx_rx_bytes_buffered`, 0);
    visitor.gauge(`${this.prefix}upstream_cx_tx_bytes_buffered`, unsent);
  }
}

/**
 * Counts the early end of one upstream stream as Envoy's HTTP/2 pool does; HTTP/1 streams end with their connection and
 * are not counted. Called by whoever owns the stream, once: when it resets it (`Reset.LOCAL`) or is told of its reset.
 * Streams that die with their connection are counted by the pool.
 */
export function countStreamReset(stats: ClusterTrafficStats, protocol: Protocol | '', reason: ResetReason): void {
  if (protocol !== 'HTTP/2') return;
  if (reason === Reset.LOCAL || reason === Reset.PROTOCOL_ERROR) stats.upstream_rq_tx_reset++;
  else if (reason === Reset.REMOTE) stats.upstream_rq_rx_reset++;
  else if (reason === Reset.REMOTE_NO_ERROR) stats.upstream_rq_rx_reset_no_error++;
}
