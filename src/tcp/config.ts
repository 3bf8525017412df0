import type { Dispatcher } from '../base/dispatcher.js';
import type { AccessLog } from '../observe/access-log.js';
import type { StatStore } from '../observe/stats.js';
import type { TcpRecorder } from '../observe/tcp-metrics.js';
import type { ClusterManagerImpl } from '../upstream/cluster-manager.js';
import { unsupported } from '../xds/decode.js';
import type { AccessLog as AccessLogProto, Metadata, TcpProxy as TcpProxyProto } from '../xds/types.js';

/** `tcp.<stat_prefix>.` */
export class TcpStats {
  downstream_cx_no_route = 0;
  downstream_cx_rx_bytes_total = 0;
  downstream_cx_total = 0;
  downstream_cx_tx_bytes_total = 0;
  downstream_flow_control_paused_reading_total = 0;
  downstream_flow_control_resumed_reading_total = 0;
  early_data_received_count_total = 0;
  idle_timeout = 0;
  max_downstream_connection_duration = 0;
  on_demand_cluster_attempt = 0;
  on_demand_cluster_missing = 0;
  on_demand_cluster_success = 0;
  on_demand_cluster_timeout = 0;
  upstream_flush_total = 0;
  downstream_cx_rx_bytes_buffered = 0;
  downstream_cx_tx_bytes_buffered = 0;
  upstream_flush_active = 0;
}

const GAUGES: ReadonlySet<string> = new Set([
  'downstream_cx_rx_bytes_buffered',
  'downstream_cx_tx_bytes_buffered',
  'upstream_flush_active',
]);

const DEFAULT_IDLE = 3_600_000;

export interface TcpCluster {
  readonly name: string;
  readonly weight: number;
  readonly metadataMatch: Readonly<Record<string, unknown>> | null;
}

/** What the process gives every TCP proxy. */
export interface TcpDeps {
  readonly dispatcher: Dispatcher;
  readonly store: StatStore;
  readonly clusters: ClusterManagerImpl;
  accessLog(configs: readonly AccessLogProto[]): AccessLog | null;
  /** Shared by filters with the same prefix. */
  readonly tcpStats: Map<string, TcpStats>;
  readonly tcpMetrics: TcpRecorder;
}

/** A TCP proxy, compiled from `envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy`. Durations in ms, 0 for none. */
export interface TcpProxyConfig {
  readonly deps: TcpDeps;
  readonly stats: TcpStats;
  readonly clusters: readonly TcpCluster[];
  readonly totalWeight: number;
  /** idle_timeout, 1 h: from the connect, anew with every byte. */
  readonly idleTimeout: number;
  /** max_downstream_connection_duration, off: from the accept. */
  readonly maxDuration: number;
  readonly maxConnectAttempts: number;
  readonly hashSourceIp: boolean;
  readonly accessLog: AccessLog | null;
  readonly logOnStart: boolean;
  readonly logOnConnected: boolean;
  /** access_log_flush_interval. */
  readonly logInterval: number;
  /** Of this sidecar's side of the mesh: which istio_tcp_ series count here. */
  readonly reporter: 'source' | 'destination';
}

/** @throws ConfigError for what is not built */
export function compileTcpProxy(
  proto: TcpProxyProto,
  reporter: TcpProxyConfig['reporter'],
  deps: TcpDeps,
): TcpProxyConfig {
  for (const field of ['downstream_idle_timeout', 'upstream_idle_timeout'] as const)
    if (proto[field] !== undefined) unsupported(proto, field, 'an idle timeout of one side alone');
  for (const policy of proto.hash_policy)
    if (policy.source_ip === undefined) unsupported(policy, 'filter_state', 'a hash of filter state');
  const metadata = subset(proto.metadata_match);
  const clusters: TcpCluster[] =
    proto.weighted_clusters === undefined
      ? [{ name: proto.cluster ?? '', weight: 1, metadataMatch: metadata }]
      : proto.weighted_clusters.clusters.map((one) => ({
          name: one.name,
          weight: one.weight,
          metadataMatch: joined(metadata, subset(one.metadata_match)),
        }));
  const log = proto.access_log_options;
  return {
    deps,
    stats: statsOf(proto.stat_prefix, deps),
    clusters,
    totalWeight: clusters.reduce((sum, one) => sum + one.weight, 0),
    idleTimeout: proto.idle_timeout ?? DEFAULT_IDLE,
    maxDuration: proto.max_downstream_connection_duration ?? 0,
    maxConnectAttempts: proto.max_connect_attempts ?? 1,
    hashSourceIp: proto.hash_policy.length > 0,
    accessLog: deps.accessLog(proto.access_log),
    logOnStart: log?.flush_access_log_on_start ?? false,
    logOnConnected: log?.flush_access_log_on_connected ?? false,
    logInterval: log?.access_log_flush_interval ?? 0,
    reporter,
  };
}

function statsOf(prefix: string, deps: TcpDeps): TcpStats {
  let stats = deps.tcpStats.get(prefix);
  if (stats === undefined) {
    stats = new TcpStats();
    deps.tcpStats.set(prefix, stats);
    deps.store.register(`tcp.${prefix}.`, stats, GAUGES);
  }
  return stats;
}

function subset(metadata: Metadata | undefined): Readonly<Record<string, unknown>> | null {
  return (metadata?.filter_metadata['envoy.lb'] as Record<string, unknown> | undefined) ?? null;
}

function joined(
  outer: Readonly<Record<string, unknown>> | null,
  inner: Readonly<Record<string, unknown>> | null,
): Readonly<Record<string, unknown>> | null {
  return inner === null ? outer : outer === null ? inner : { ...outer, ...inner };
}
