import type * as xds from '../xds/types.js';
import type { OriginalDstSettings } from './discovery/original-dst.js';
import { type EndpointGroup, endpointGroups } from './endpoint-config.js';
import { type HealthCheckSettings, readHealthCheck } from './health/health-check-config.js';
import { type OutlierSettings, readOutlierDetection } from './health/outlier-config.js';
import type { LbSettings } from './lb/load-balancer.js';
import type { LbPolicy } from './lb/policies.js';
import type { SubsetSettings } from './lb/subset-balancer.js';
import { readLbPolicy, readSubsets } from './lb-config.js';
import type { PoolSettings } from './pool/conn-pool.js';
import { invalid, unsupported } from './refuse.js';
import { DEFAULT_THRESHOLDS, type Thresholds } from './resource-manager.js';
import { type ConnectSettings, readConnectSettings } from './socket-config.js';

/** When names are resolved anew; ms. */
export interface DnsSettings {
  /** dns_refresh_rate (5000); starts when an answer has been dealt with. */
  refreshRate: number;
  /** Up to this much is added at random (dns_jitter, 0). */
  jitter: number;
  /** Back-off after failures; null: the refresh rate. */
  failure: { base: number; max: number } | null;
  /** The answer's smallest TTL is the refresh rate (respect_dns_ttl). */
  respectTtl: boolean;
  family: xds.DnsLookupFamily;
  /** Name servers to ask, `ip:port`; empty: the system's resolver. */
  servers: readonly string[];
}

/** A cluster with every default filled in; made once per configuration. */
export interface ClusterConfig {
  readonly name: string;
  /** What it was read from; positions of fields are known by it. */
  readonly source: xds.Cluster;
  /** alt_stat_name, or the name. */
  readonly observabilityName: string;
  readonly discovery: 'STATIC' | 'STRICT_DNS' | 'LOGICAL_DNS' | 'ORIGINAL_DST';
  /** Null for every other type than ORIGINAL_DST. */
  readonly originalDst: OriginalDstSettings | null;
  /** `downstream`: what the client speaks (use_downstream_protocol_config). */
  readonly protocol: 'http1' | 'http2' | 'downstream';
  readonly http1: xds.Http1ProtocolOptions | null;
  readonly http2: xds.Http2ProtocolOptions | null;
  readonly common: xds.HttpProtocolOptions | null;
  readonly pool: PoolSettings;
  readonly connect: ConnectSettings;
  /** ms; null when unset. */
  readonly maxStreamDuration: number | null;
  readonly thresholds: readonly [Thresholds, Thresholds];
  readonly lb: LbPolicy;
  readonly lbSettings: LbSettings;
  /** Null: no subsets. */
  readonly subsets: SubsetSettings | null;
  /** Health changes this close together reach the balancer as one; ms, 0: each at once. */
  readonly updateMergeWindow: number;
  readonly overprovisioningFactor: number;
  /** Health of priorities goes by the weights of hosts. */
  readonly weightedPriorityHealth: boolean;
  /** Share of requests that are refused, 0 to 1. */
  readonly dropOverload: number;
  readonly closeConnectionsOnHostSetChange: boolean;
  readonly waitForWarm: boolean;
  readonly groups: readonly EndpointGroup[];
  readonly dns: DnsSettings;
  /** Null: none. */
  readonly outlier: OutlierSettings | null;
  readonly healthCheck: HealthCheckSettings | null;
  /** track_cluster_stats */
  readonly tracksSizes: boolean;
  readonly tracksBudgets: boolean;
  /** Hosts that were never checked are left out of all percentages (ignore_new_hosts_until_first_hc). */
  readonly ignoreNewHosts: boolean;
  /** A host that discovery no longer names goes at once, even while its health checks succeed (ignore_health_on_host_removal). */
  readonly ignoreHealthOnRemoval: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** @throws ConfigError for what cannot be run */
export function readCluster(cluster: xds.Cluster): ClusterConfig {
  const { name } = cluster;
  refuseUnsupported(cluster);
  const http = readHttp(cluster);
  const bufferLimit = cluster.per_connection_buffer_limit_bytes ?? 1024 * 1024;
  const common = http.common;
  const discovery = cluster.type ?? 'STATIC';
  if (discovery === 'EDS') unsupported(cluster, 'type', name, discovery);
  const lb = cluster.common_lb_config;
  const { policy, ...lbSettings } = readLbPolicy(cluster);
  const preconnect = cluster.preconnect_policy?.per_upstream_preconnect_ratio ?? 1;
  return {
    name,
    source: cluster,
    observabilityName: cluster.alt_stat_name || name,
    discovery,
    originalDst: readOriginalDst(cluster),
    protocol: http.protocol,
    http1: http.http1,
    http2: http.http2,
    common,
    pool: {
      connectTimeout: cluster.connect_timeout ?? 5000,
      idleTimeout: common?.idle_timeout ?? 3_600_000,
      maxConnectionDuration: common?.max_connection_duration ?? 0,
      maxRequestsPerConnection: common?.max_requests_per_connection ?? cluster.max_requests_per_connection ?? 0,
      maxConcurrentStreams: http.http2?.max_concurrent_streams ?? 1024,
      bufferLimit,
      preconnectRatio: preconnect,
      maxConnectionsPerHost:
        cluster.circuit_breakers?.per_host_thresholds.find((t) => t.priority === 'DEFAULT')?.max_connections ??
        Number.POSITIVE_INFINITY,
    },
    connect: readConnectSettings(cluster),
    maxStreamDuration: common?.max_stream_duration ?? null,
    thresholds: [readThresholds(cluster, 'DEFAULT'), readThresholds(cluster, 'HIGH')],
    lb: policy,
    lbSettings: {
      panicThreshold: lb?.healthy_panic_threshold?.value ?? 50,
      ...lbSettings,
    },
    subsets: readSubsets(cluster),
    updateMergeWindow: lb?.update_merge_window ?? 1000,
    overprovisioningFactor: cluster.load_assignment?.policy?.overprovisioning_factor ?? 140,
    weightedPriorityHealth: cluster.load_assignment?.policy?.weighted_priority_health ?? false,
    dropOverload: readDropOverload(cluster),
    closeConnectionsOnHostSetChange: lb?.close_connections_on_host_set_change ?? false,
    waitForWarm: cluster.wait_for_warm_on_init ?? true,
    groups: endpointGroups(cluster, discovery),
    dns: readDns(cluster),
    outlier: readOutlierDetection(cluster),
    healthCheck: readHealthCheck(cluster, http.protocol !== 'http1'),
    tracksSizes: cluster.track_cluster_stats?.request_response_sizes ?? false,
    tracksBudgets: cluster.track_timeout_budgets || (cluster.track_cluster_stats?.timeout_budgets ?? false),
    ignoreNewHosts: lb?.ignore_new_hosts_until_first_hc ?? false,
    ignoreHealthOnRemoval: cluster.ignore_health_on_host_removal,
    metadata: cluster.metadata?.filter_metadata ?? {},
  };
}

const ORIGINAL_DST_HEADER = 'x-envoy-original-dst-host';

function readOriginalDst(cluster: xds.Cluster): OriginalDstSettings | null {
  if (cluster.type !== 'ORIGINAL_DST') return null;
  const config = cluster.original_dst_lb_config;
  if (config?.metadata_key !== undefined)
    unsupported(config, 'metadata_key', cluster.name, 'a destination in the metadata of a request');
  const name = config?.http_header_name ?? '';
  return {
    header: config?.use_http_header ? (name === '' ? ORIGINAL_DST_HEADER : name.toLowerCase()) : null,
    port: config?.upstream_port_override ?? null,
    cleanupInterval: cluster.cleanup_interval ?? 5000,
  };
}

function refuseUnsupported(cluster: xds.Cluster): void {
  const { name } = cluster;
  if (name === '') invalid(cluster, 'name', '(unnamed)', 'must not be empty');
  const refuse = (field: keyof xds.Cluster & string, what: string) => unsupported(cluster, field, name, what);
  if (cluster.transport_socket_matches.length > 0) refuse('transport_socket_matches', 'a choice of transport sockets');
  if (cluster.transport_socket !== undefined && !isRawBuffer(cluster.transport_socket))
    refuse('transport_socket', `transport socket ${cluster.transport_socket.name}`);
  if (cluster.track_cluster_stats?.per_endpoint_stats)
    unsupported(cluster.track_cluster_stats, 'per_endpoint_stats', name, 'statistics of each endpoint');
  if (cluster.preconnect_policy?.predictive_preconnect_ratio !== undefined)
    unsupported(cluster.preconnect_policy, 'predictive_preconnect_ratio', name, 'predictive preconnecting');
  if (cluster.preconnect_policy?.preconnect_enabled_metadata !== undefined)
    unsupported(cluster.preconnect_policy, 'preconnect_enabled_metadata', name, 'preconnecting by metadata');
  if (cluster.common_lb_config?.override_host_status !== undefined)
    unsupported(cluster.common_lb_config, 'override_host_status', name, 'an override host');
}

function readDropOverload(cluster: xds.Cluster): number {
  const policy = cluster.load_assignment?.policy;
  const drops = policy?.drop_overloads ?? [];
  if (drops.length === 0) return 0;
  if (drops.length > 1)
    invalid(
      policy!,
      'drop_overloads',
      cluster.name,
      `Cluster drop_overloads config has ${drops.length} categories. Envoy only support one.`,
    );
  const { numerator = 0, denominator = 'HUNDRED' } = drops[0].drop_percentage ?? {};
  const whole = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 }[denominator];
  if (numerator > whole)
    invalid(
      drops[0],
      'drop_percentage',
      cluster.name,
      `Cluster drop_overloads config is invalid. drop_ratio=${numerator / whole}(Numerator ${numerator} / Denominator ${whole}). The valid range is 0~1.`,
    );
  return numerator / whole;
}

function isRawBuffer(socket: xds.TransportSocket): boolean {
  return (
    socket.name === 'envoy.transport_sockets.raw_buffer' ||
    (socket.typed_config?.['@type'] ?? '').endsWith('.RawBuffer')
  );
}

interface HttpSettings {
  protocol: ClusterConfig['protocol'];
  http1: xds.Http1ProtocolOptions | null;
  http2: xds.Http2ProtocolOptions | null;
  common: xds.HttpProtocolOptions | null;
}

function readHttp(cluster: xds.Cluster): HttpSettings {
  const typed = cluster.typed_extension_protocol_options;
  for (const key of Object.keys(typed))
    if (key !== HTTP_OPTIONS) unsupported(typed, key, cluster.name, `protocol option ${key}`);
  const options = typed[HTTP_OPTIONS] as (xds.Any & xds.UpstreamHttpConfig) | undefined;
  if (options === undefined) {
    return {
      protocol: cluster.http2_protocol_options !== undefined ? 'http2' : 'http1',
      http1: cluster.http_protocol_options ?? null,
      http2: cluster.http2_protocol_options ?? null,
      common: cluster.common_http_protocol_options ?? null,
    };
  }
  refuseHttpOptions(options, cluster.name);
  const common = options.common_http_protocol_options ?? null;
  const explicit = options.explicit_http_config;
  const downstream = options.use_downstream_protocol_config;
  const chosen = explicit ?? downstream;
  return {
    protocol:
      downstream !== undefined ? 'downstream' : explicit?.http2_protocol_options !== undefined ? 'http2' : 'http1',
    http1: chosen?.http_protocol_options ?? null,
    http2: chosen?.http2_protocol_options ?? null,
    common,
  };
}

function refuseHttpOptions(options: xds.UpstreamHttpConfig, name: string): void {
  if (options.auto_config !== undefined) unsupported(options, 'auto_config', name, 'choosing the protocol by ALPN');
  for (const filter of options.http_filters)
    if (filter.name !== 'envoy.filters.http.upstream_codec')
      unsupported(options, 'http_filters', name, `upstream filter ${filter.name}`);
  if (options.request_mirror_policies.length > 0)
    unsupported(options, 'request_mirror_policies', name, 'mirroring configured on a cluster');
  if (options.hash_policy.length > 0) unsupported(options, 'hash_policy', name, 'a hash policy on a cluster');
  if (options.retry_policy !== undefined) unsupported(options, 'retry_policy', name, 'a retry policy on a cluster');
  const jitter = options.common_http_protocol_options?.max_connection_duration_jitter;
  if (jitter !== undefined)
    unsupported(
      options.common_http_protocol_options!,
      'max_connection_duration_jitter',
      name,
      'jitter of upstream connections',
    );
}

function readThresholds(cluster: xds.Cluster, priority: xds.RoutingPriority): Thresholds {
  const given = cluster.circuit_breakers?.thresholds.find((t) => t.priority === priority);
  if (given === undefined) return DEFAULT_THRESHOLDS;
  const budget = given.retry_budget;
  if (budget?.budget_interval !== undefined)
    unsupported(budget, 'budget_interval', cluster.name, 'a retry budget over an interval');
  return {
    maxConnections: given.max_connections ?? DEFAULT_THRESHOLDS.maxConnections,
    maxPendingRequests: given.max_pending_requests ?? DEFAULT_THRESHOLDS.maxPendingRequests,
    maxRequests: given.max_requests ?? DEFAULT_THRESHOLDS.maxRequests,
    maxRetries: given.max_retries ?? DEFAULT_THRESHOLDS.maxRetries,
    maxConnectionPools: given.max_connection_pools ?? DEFAULT_THRESHOLDS.maxConnectionPools,
    retryBudget:
      budget === undefined
        ? null
        : { percent: budget.budget_percent?.value ?? 20, minConcurrency: budget.min_retry_concurrency ?? 3 },
    trackRemaining: given.track_remaining,
  };
}

function readDns(cluster: xds.Cluster): DnsSettings {
  const refreshRate = cluster.dns_refresh_rate ?? 5000;
  const failure = cluster.dns_failure_refresh_rate;
  return {
    refreshRate,
    jitter: cluster.dns_jitter ?? 0,
    failure:
      failure === undefined
        ? null
        : { base: failure.base_interval, max: failure.max_interval ?? failure.base_interval * 10 },
    respectTtl: cluster.respect_dns_ttl,
    family: cluster.dns_lookup_family,
    servers: readDnsServers(cluster),
  };
}

function readDnsServers(cluster: xds.Cluster): string[] {
  const config = cluster.typed_dns_resolver_config?.typed_config;
  if (config === undefined) return [];
  const type = config['@type'];
  if (type.endsWith('.GetAddrInfoDnsResolverConfig')) return [];
  if (!type.endsWith('.CaresDnsResolverConfig'))
    unsupported(cluster, 'typed_dns_resolver_config', cluster.name, `DNS resolver ${type}`);
  const cares = config as xds.Any & xds.CaresDnsResolverConfig;
  const lookup = cares.dns_resolver_options;
  if (lookup?.use_tcp_for_dns_lookups || lookup?.no_default_search_domain)
    unsupported(cares, 'dns_resolver_options', cluster.name, 'this DNS resolver option');
  return cares.resolvers.map((address) => {
    const socket = address.socket_address;
    if (socket === undefined) invalid(cares, 'resolvers', cluster.name, 'a resolver needs a socket address');
    const host = socket.address.includes(':') ? `[${socket.address}]` : socket.address;
    return `${host}:${socket.port_value || 53}`;
  });
}
