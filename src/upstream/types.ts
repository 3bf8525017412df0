import type { RequestHeaders } from '../base/headers.js';
import type { Protocol, RequestEncoder, ResponseDecoder } from '../codec/codec.js';
import type { ConnectionInfo } from '../observe/stream-info.js';
import type { PriorityLoad } from './lb/priority-load.js';
import type { TcpCallbacks, TcpClient } from './pool/tcp-client.js';
import type { HostSet } from './priority-set.js';
import type { BudgetStats, SizeStats } from './tracking.js';

/**
 * The seam between router and upstream. The router asks the cluster manager for a cluster by name, the cluster for a host,
 * the host's pool for a stream; the pool answers through callbacks, possibly inside the call.
 */

/** What a load balancer may look at. */
export interface LbContext {
  readonly requestHeaders: RequestHeaders | null;
  /** 32-bit or 64-bit hash by the route's hash policy, null when it has none. */
  readonly hash: bigint | null;
  /** Subset selector from the route's metadata_match (filter `envoy.lb`), null when none. */
  readonly metadataMatch: Readonly<Record<string, unknown>> | null;
  /** Asked for each pick on a retry: true means pick again (retry host predicates). */
  shouldSelectAnotherHost(host: Host): boolean;
  /** How often to pick again at most (host_selection_retry_max_attempts). */
  readonly hostSelectionRetryCount: number;
  /** On a retry with retry_priority: changes which priorities take the load. Absent otherwise. */
  readonly retryPriority?: RetryPriority | null;
  /** Protocol of the downstream stream, for use_downstream_protocol_config. */
  readonly downstreamProtocol: Protocol | '';
  /** The downstream connection, for clusters that go where it wanted to go (ORIGINAL_DST). Absent: none. */
  readonly downstreamConnection?: ConnectionInfo | null;
}

/** retry_priority of one request. */
export interface RetryPriority {
  /** An attempt to this host has failed. */
  onHostAttempted(host: Host): void;
  /** The load of priorities for the next pick, given the balancer's own. */
  load(original: PriorityLoad, sets: readonly HostSet[]): PriorityLoad;
}

export enum Priority {
  DEFAULT = 0,
  HIGH = 1,
}

/** Counters of one host, as `/clusters` prints them. */
export interface HostStats {
  cx_active: number;
  cx_connect_fail: number;
  cx_total: number;
  rq_active: number;
  rq_error: number;
  rq_success: number;
  rq_timeout: number;
  rq_total: number;
  rq_pending_active: number;
}

export interface Host {
  /** `ip:port`. */
  readonly address: string;
  readonly hostname: string;
  readonly stats: HostStats;
  readonly canary: boolean;
  readonly weight: number;
  /** Of its endpoint group; absent: 0. */
  readonly priority?: number;
  readonly metadata: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly zone: string;
  /** Results for outlier detection; no-ops when the cluster has none. */
  readonly outlier: OutlierSink;
  /** Told of `x-envoy-immediate-health-check-fail` in answers; absent while the host is not actively checked. */
  readonly activeHealth?: ActiveHealthSink | null;
}

/** Active health checking, as far as requests can tell it something. */
export interface ActiveHealthSink {
  failImmediately(): void;
}

/** What passive health checking is told about a host. */
export interface OutlierSink {
  /** Status code of an upstream answer or of a synthesised one. */
  putHttpResponseCode(code: number): void;
  /** Something that happened on this side of the wire. `code` is what non-split mode counts (503, 504). */
  putResult(
    result: 'connect-failed' | 'timeout' | 'connect-success' | 'request-failed' | 'request-success',
    code: number | null,
  ): void;
  putResponseTime(ms: number): void;
}

export type PoolFailure = 'overflow' | 'connection-timeout' | 'local-connection-failure' | 'remote-connection-failure';

export interface PoolCallbacks {
  /** A stream is open on a connection: headers may be encoded now, inside this call. */
  onPoolReady(encoder: RequestEncoder, host: Host, connection: UpstreamConnectionInfo): void;
  /** No stream. `transportFailureReason` such as `delayed connect error: Connection refused`, '' when there is none. */
  onPoolFailure(failure: PoolFailure, transportFailureReason: string, host: Host | null): void;
}

export interface UpstreamConnectionInfo extends ConnectionInfo {
  /** '' of a connection that carries bytes. */
  readonly protocol: Protocol | '';
  /** Monotonic ms: connect began and ended. */
  readonly connectStart: number;
  readonly connectEnd: number;
  /** Streams this connection has carried, this one included. */
  readonly streamCount: number;
}

/** A request waiting for a connection. */
export interface PoolHandle {
  /** Stop waiting. Counted `upstream_rq_cancelled`; the connect goes on. */
  cancel(): void;
}

export interface ConnPool {
  /**
   * Opens a stream or queues for one. Exactly one callback follows unless cancelled. Returns null when a callback has been
   * called already.
   */
  newStream(decoder: ResponseDecoder, callbacks: PoolCallbacks): PoolHandle | null;
}

/** Charges response codes: `upstream_rq_504`, `_5xx`, `_completed`, with `external.`, `internal.`, `canary.`, `retry.`, `zone.` variants. `zone`: of the host. */
export interface CodeStats {
  /** @param quiet only the number of responses is counted, not their codes */
  charge(code: number, internal: boolean, canary: boolean, zone?: string, quiet?: boolean): void;
  chargeRetry(code: number, quiet?: boolean): void;
  /** The same under `cluster.<cluster>.<name>.`; null when there are too many such names. */
  alternative(name: string): CodeStats | null;
  recordTime(ms: number, internal: boolean, canary: boolean, zone?: string): void;
}

/** Counters of `cluster.<name>.` that the router increments; the rest are the pools' own. See envoy-semantics 5.1 for all names. */
export interface ClusterTrafficStats {
  upstream_rq_timeout: number;
  upstream_rq_per_try_timeout: number;
  upstream_rq_per_try_idle_timeout: number;
  upstream_rq_max_duration_reached: number;
  upstream_rq_retry: number;
  upstream_rq_retry_backoff_exponential: number;
  upstream_rq_retry_backoff_ratelimited: number;
  upstream_rq_retry_limit_exceeded: number;
  upstream_rq_retry_overflow: number;
  upstream_rq_retry_success: number;
  upstream_rq_maintenance_mode: number;
  upstream_rq_tx_reset: number;
  upstream_rq_rx_reset: number;
  upstream_rq_rx_reset_no_error: number;
  retry_or_shadow_abandoned: number;
  upstream_internal_redirect_failed_total: number;
  upstream_internal_redirect_succeeded_total: number;
  upstream_flow_control_backed_up_total: number;
  upstream_flow_control_drained_total: number;
  upstream_flow_control_paused_reading_total: number;
  upstream_flow_control_resumed_reading_total: number;
}

/** Outstanding retries against max_retries or the retry budget, per priority. */
export interface RetryBreaker {
  /** False when no retry may start; the caller counts the overflow. */
  tryAcquire(): boolean;
  release(): void;
}

export interface Cluster {
  readonly name: string;
  /** alt_stat_name, or the name. */
  readonly observabilityName: string;
  readonly stats: ClusterTrafficStats;
  readonly codes: CodeStats;
  /** common_http_protocol_options.max_stream_duration, ms; null when unset. */
  readonly maxStreamDuration: number | null;
  readonly maintenanceMode: boolean;
  /** Share of requests that are refused before a host is chosen, 0 to 1 (load_assignment.policy.drop_overloads). */
  readonly dropOverload: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Null: sizes are not tracked (track_cluster_stats.request_response_sizes). */
  readonly sizeStats: SizeStats | null;
  /** Null: timeout budgets are not tracked (track_cluster_stats.timeout_budgets). */
  readonly budgetStats: BudgetStats | null;
  retryBreaker(priority: Priority): RetryBreaker;
  /** null when no host can be chosen: 503 UH. */
  chooseHost(context: LbContext, priority: Priority): Host | null;
  /** Pool of a host for the protocol the cluster speaks to it; null when max_connection_pools is reached. */
  pool(host: Host, priority: Priority, downstreamProtocol: Protocol): ConnPool | null;
  /** Opens a connection that carries bytes; null when a breaker refuses it, and `callbacks` has been told. */
  connectTcp(host: Host, callbacks: TcpCallbacks): TcpClient | null;
}

export interface ClusterManager {
  get(name: string): Cluster | undefined;
}
