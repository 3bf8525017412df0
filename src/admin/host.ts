import type { AccessLog } from '../observe/access-log.js';
import type { Store } from '../observe/store.js';
import type { StringMatcherConfig } from '../observe/string-match.js';

/** What the admin server reads and does, implemented by the server. Everything is asked for when a request needs it. */
export interface AdminHost {
  readonly store: Store;
  /** Prometheus text of the series that are not Envoy's (`istio_`, `halfopen_`); '' when there are none. */
  ownMetrics(): Promise<string>;
  readonly explained: ExplainedRequests;
  state(): ServerState;
  serverInfo(): ServerInfo;
  clusters(): Iterable<ClusterView>;
  listeners(): Iterable<ListenerView>;
  /** Messages of `envoy.admin.v3` in proto3 JSON shape, each with its `@type`, in Envoy's order (bootstrap first). */
  configDump(includeEds: boolean): readonly ConfigDumpMessage[];
  certificates(): readonly object[];
  readonly runtime: RuntimeView;
  readonly loggers: LoggerView;
  /** Names of init targets that are not ready, by component (`listener`): what `/init_dump` shows. */
  unreadyTargets(): ReadonlyMap<string, readonly string[]>;
  /** `/healthcheck/fail` and `/healthcheck/ok`. */
  setHealthcheck(failed: boolean): void;
  drainListeners(options: DrainRequest): void;
  /** Ends the process; called after the answer has been handed to the socket. */
  quit(): void;
  reopenLogs(): void;
}

export type ServerState = 'LIVE' | 'DRAINING' | 'PRE_INITIALIZING' | 'INITIALIZING';

export interface DrainRequest {
  /** Only listeners of traffic direction INBOUND. */
  inboundOnly: boolean;
  /** Tell connections to go (drain manager) first; close the listeners when the drain time is over. */
  graceful: boolean;
  /** With `graceful`: never close the listeners. Without it, it changes nothing. */
  skipExit: boolean;
}

/** `envoy.admin.v3.ServerInfo` without what is worked out here (state, uptimes as text). */
export interface ServerInfo {
  version: string;
  /** Seconds since this process started. */
  uptimeSeconds: number;
  hotRestartVersion: string;
  commandLineOptions: Readonly<Record<string, unknown>>;
  node: Readonly<Record<string, unknown>>;
}

export interface ThresholdsView {
  maxConnections: number;
  maxPendingRequests: number;
  maxRequests: number;
  maxRetries: number;
}

export interface ClusterView {
  name: string;
  observabilityName: string;
  addedViaApi: boolean;
  /** '' when the cluster is not of type EDS or has none. */
  edsServiceName: string;
  /** null without an outlier detector; -1 for a value that is not there. */
  outlier: {
    successRateAverage: number;
    successRateEjectionThreshold: number;
    localOriginSuccessRateAverage: number;
    localOriginSuccessRateEjectionThreshold: number;
  } | null;
  defaultPriority: ThresholdsView;
  highPriority: ThresholdsView;
  hosts: Iterable<HostView>;
}

export type HealthFlag =
  | 'failed_active_hc'
  | 'failed_outlier_check'
  | 'failed_eds_health'
  | 'degraded_active_hc'
  | 'degraded_eds_health'
  | 'pending_dynamic_removal'
  | 'pending_active_hc'
  | 'excluded_via_immediate_hc_fail'
  | 'active_hc_timeout'
  | 'eds_status_draining';

export interface HostView {
  /** `ip:port`, IPv6 in brackets. */
  address: string;
  hostname: string;
  stats: HostStatsView;
  /** Empty: healthy. In Envoy's order. */
  healthFlags: readonly HealthFlag[];
  /** `envoy.config.core.v3.HealthStatus` of the endpoint; HEALTHY when it was not given. */
  edsHealth: string;
  weight: number;
  region: string;
  zone: string;
  subZone: string;
  canary: boolean;
  priority: number;
  /** Percent; -1 when not known. */
  successRate: number;
  localOriginSuccessRate: number;
}

export interface HostStatsView {
  cx_active: number;
  cx_connect_fail: number;
  cx_total: number;
  rq_active: number;
  rq_error: number;
  rq_pending_active: number;
  rq_success: number;
  rq_timeout: number;
  rq_total: number;
}

export interface ListenerView {
  name: string;
  /** `ip:port` it is bound to, IPv6 in brackets. */
  address: string;
  /** Further addresses (`additional_addresses`). */
  additionalAddresses: readonly string[];
}

export interface ConfigDumpMessage {
  '@type': string;
  [field: string]: unknown;
}

export interface RuntimeView {
  /** Names of the layers, lowest first. */
  layers(): readonly string[];
  /** Per key the value in each layer ('' where it has none) and the one that counts. */
  entries(): Iterable<[key: string, finalValue: string, layerValues: readonly string[]]>;
  /** Sets overrides in the admin layer; '' removes one. False when there is no admin layer. */
  modify(values: ReadonlyMap<string, string>): boolean;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warning' | 'error' | 'critical' | 'off';

export interface LoggerView {
  /** Names and levels, in the order they are printed. */
  levels(): Iterable<[name: string, level: LogLevel]>;
  /** `name` null: all. False when there is no such logger. */
  set(name: string | null, level: LogLevel): boolean;
}

/** The failed requests that can be explained (observe/recorder.ts). */
export interface ExplainedRequests {
  /** Newest first. */
  list(): Iterable<ExplainedSummary>;
  /** By `x-request-id` or stream id; newest when there are several. undefined when it is not (any more) there. */
  find(id: string): { toJson(): object; toText(): string } | undefined;
}

export interface ExplainedSummary {
  id: string;
  /** Milliseconds since the epoch. */
  at: number;
  method: string;
  path: string;
  responseCode: number;
  flags: string;
  details: string;
  durationMs: number;
  upstream: string;
  verdict: string;
}

export interface AdminOptions {
  /** `admin.address`. */
  host: string;
  port: number;
  /** `admin.allow_paths`; empty: all. */
  allowPaths: readonly StringMatcherConfig[];
  /** `admin.access_log`; absent or null when there is none. */
  accessLog?: AccessLog | null;
}
