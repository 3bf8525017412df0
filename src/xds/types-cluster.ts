// Clusters, circuit breakers, outlier detection, balancer settings.

import type { Any, Struct } from './types-any.js';
import type {
  Address,
  BindConfig,
  DnsResolverOptions,
  HealthStatusSet,
  Metadata,
  Percent,
  RuntimeDouble,
  TcpKeepalive,
  TransportSocket,
  TypedExtensionConfig,
} from './types-core.js';
import type { ClusterLoadAssignment, HealthCheck } from './types-endpoint.js';
import type { LoadBalancingPolicy } from './types-lb-policy.js';
import type { MetadataKey, MetadataMatcher } from './types-matcher.js';
import type {
  Http1ProtocolOptions,
  Http2ProtocolOptions,
  HttpProtocolOptions,
  UpstreamHttpProtocolOptions,
} from './types-protocol.js';
import type { RoutingPriority } from './types-route.js';

/** `envoy.config.cluster.v3.Cluster.DiscoveryType` */
export type DiscoveryType = 'STATIC' | 'STRICT_DNS' | 'LOGICAL_DNS' | 'EDS' | 'ORIGINAL_DST';

/** `envoy.config.cluster.v3.Cluster.LbPolicy` */
export type LbPolicy =
  | 'ROUND_ROBIN'
  | 'LEAST_REQUEST'
  | 'RING_HASH'
  | 'RANDOM'
  | 'MAGLEV'
  | 'CLUSTER_PROVIDED'
  | 'LOAD_BALANCING_POLICY_CONFIG';

/** `envoy.config.cluster.v3.Cluster.DnsLookupFamily` */
export type DnsLookupFamily = 'AUTO' | 'V4_ONLY' | 'V6_ONLY' | 'V4_PREFERRED' | 'ALL';

/** `envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetFallbackPolicy` */
export type LbSubsetFallbackPolicy = 'NO_FALLBACK' | 'ANY_ENDPOINT' | 'DEFAULT_SUBSET';

/** `envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetMetadataFallbackPolicy` */
export type LbSubsetMetadataFallbackPolicy = 'METADATA_NO_FALLBACK' | 'FALLBACK_LIST';

/** `envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetSelector.LbSubsetSelectorFallbackPolicy` */
export type LbSubsetSelectorFallbackPolicy =
  | 'NOT_DEFINED'
  | 'NO_FALLBACK'
  | 'ANY_ENDPOINT'
  | 'DEFAULT_SUBSET'
  | 'KEYS_SUBSET';

/** `envoy.config.cluster.v3.Cluster.RingHashLbConfig.HashFunction` */
export type HashFunction = 'XX_HASH' | 'MURMUR_HASH_2';

/** `envoy.config.cluster.v3.UpstreamConnectionOptions.FirstAddressFamilyVersion` */
export type FirstAddressFamilyVersion = 'DEFAULT' | 'V4' | 'V6' | 'PIPE' | 'INTERNAL';

/** `envoy.config.cluster.v3.Cluster` */
export interface Cluster {
  transport_socket_matches: TransportSocketMatch[];
  name: string;
  alt_stat_name: string;
  /** Default STATIC. */
  type?: DiscoveryType;
  /**
   * ms; default 5000. Starts with the connect; stops when the connection is usable, TLS included. Fires: every
   * request that waits in the pool fails, flag UF.
   */
  connect_timeout?: number;
  /** Bytes; default 1 048 576. Above it the other side is not read. */
  per_connection_buffer_limit_bytes?: number;
  lb_policy: LbPolicy;
  load_assignment?: ClusterLoadAssignment;
  health_checks: HealthCheck[];
  max_requests_per_connection?: number;
  circuit_breakers?: CircuitBreakers;
  upstream_http_protocol_options?: UpstreamHttpProtocolOptions;
  common_http_protocol_options?: HttpProtocolOptions;
  http_protocol_options?: Http1ProtocolOptions;
  http2_protocol_options?: Http2ProtocolOptions;
  typed_extension_protocol_options: Record<string, Any>;
  /** ms between look-ups; default 5000. Starts when an answer has come. Fires: the next look-up. */
  dns_refresh_rate?: number;
  dns_jitter?: number;
  dns_failure_refresh_rate?: RefreshRate;
  respect_dns_ttl: boolean;
  dns_lookup_family: DnsLookupFamily;
  typed_dns_resolver_config?: TypedExtensionConfig;
  wait_for_warm_on_init?: boolean;
  outlier_detection?: OutlierDetection;
  /** ms; default 5000. Hosts of an ORIGINAL_DST cluster that were not used for so long are dropped. */
  cleanup_interval?: number;
  upstream_bind_config?: BindConfig;
  lb_subset_config?: LbSubsetConfig;
  ring_hash_lb_config?: RingHashLbConfig;
  maglev_lb_config?: MaglevLbConfig;
  original_dst_lb_config?: OriginalDstLbConfig;
  least_request_lb_config?: LeastRequestLbConfig;
  round_robin_lb_config?: RoundRobinLbConfig;
  common_lb_config?: CommonLbConfig;
  transport_socket?: TransportSocket;
  metadata?: Metadata;
  upstream_connection_options?: UpstreamConnectionOptions;
  close_connections_on_host_health_failure: boolean;
  ignore_health_on_host_removal: boolean;
  load_balancing_policy?: LoadBalancingPolicy;
  track_timeout_budgets: boolean;
  track_cluster_stats?: TrackClusterStats;
  preconnect_policy?: PreconnectPolicy;
}

/** `envoy.config.cluster.v3.CircuitBreakers` */
export interface CircuitBreakers {
  thresholds: Thresholds[];
  per_host_thresholds: Thresholds[];
}

/** `envoy.config.cluster.v3.CircuitBreakers.Thresholds` */
export interface Thresholds {
  priority: RoutingPriority;
  /** Default 1024. */
  max_connections?: number;
  /** Default 1024. */
  max_pending_requests?: number;
  /** Default 1024. */
  max_requests?: number;
  /** Default 3. */
  max_retries?: number;
  retry_budget?: RetryBudget;
  track_remaining: boolean;
  /** Default: no limit. */
  max_connection_pools?: number;
}

/** `envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget` */
export interface RetryBudget {
  /** Percent of the active and pending requests; default 20. */
  budget_percent?: Percent;
  budget_interval?: number;
  /** Default 3. */
  min_retry_concurrency?: number;
}

/** `envoy.config.cluster.v3.OutlierDetection` */
export interface OutlierDetection {
  /** Default 5. */
  consecutive_5xx?: number;
  /** ms between two looks at the hosts; default 10 000. Fires: hosts come back, success rates are compared. */
  interval?: number;
  /** ms; default 30 000. An ejection lasts so long, times the number of ejections in a row. */
  base_ejection_time?: number;
  /** Default 10. */
  max_ejection_percent?: number;
  /** Default 100. */
  enforcing_consecutive_5xx?: number;
  /** Default 100. */
  enforcing_success_rate?: number;
  /** Default 5. */
  success_rate_minimum_hosts?: number;
  /** Default 100. */
  success_rate_request_volume?: number;
  /** Thousandths; default 1900. */
  success_rate_stdev_factor?: number;
  /** Default 5. */
  consecutive_gateway_failure?: number;
  /** Default 0. */
  enforcing_consecutive_gateway_failure?: number;
  split_external_local_origin_errors: boolean;
  /** Default 5. */
  consecutive_local_origin_failure?: number;
  /** Default 100. */
  enforcing_consecutive_local_origin_failure?: number;
  enforcing_local_origin_success_rate?: number;
  /** Default 85. */
  failure_percentage_threshold?: number;
  /** Default 0. */
  enforcing_failure_percentage?: number;
  enforcing_failure_percentage_local_origin?: number;
  failure_percentage_minimum_hosts?: number;
  failure_percentage_request_volume?: number;
  /** ms; default 300 000, or base_ejection_time when that is longer. */
  max_ejection_time?: number;
  /** ms; default 0. A random part of it is added to every ejection. */
  max_ejection_time_jitter?: number;
  successful_active_health_check_uneject_host?: boolean;
  always_eject_one_host?: boolean;
  detect_degraded_hosts?: boolean;
}

/** `envoy.config.cluster.v3.Cluster.RefreshRate` */
export interface RefreshRate {
  base_interval: number;
  max_interval?: number;
}

/** `envoy.config.cluster.v3.Cluster.LbSubsetConfig` */
export interface LbSubsetConfig {
  fallback_policy: LbSubsetFallbackPolicy;
  default_subset?: Struct;
  subset_selectors: LbSubsetSelector[];
  locality_weight_aware: boolean;
  scale_locality_weight: boolean;
  panic_mode_any: boolean;
  list_as_any: boolean;
  metadata_fallback_policy: LbSubsetMetadataFallbackPolicy;
}

/** `envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetSelector` */
export interface LbSubsetSelector {
  keys: string[];
  single_host_per_subset: boolean;
  fallback_policy: LbSubsetSelectorFallbackPolicy;
  fallback_keys_subset: string[];
}

/** `envoy.config.cluster.v3.Cluster.RingHashLbConfig` */
export interface RingHashLbConfig {
  /** Default 1024. */
  minimum_ring_size?: number;
  hash_function: HashFunction;
  /** Default 8 388 608. */
  maximum_ring_size?: number;
}

/** `envoy.config.cluster.v3.Cluster.MaglevLbConfig` */
export interface MaglevLbConfig {
  /** A prime; default 65 537. */
  table_size?: number;
}

/** `envoy.config.cluster.v3.Cluster.LeastRequestLbConfig` */
export interface LeastRequestLbConfig {
  /** Default 2. */
  choice_count?: number;
  active_request_bias?: RuntimeDouble;
  slow_start_config?: SlowStartConfig;
}

/** `envoy.config.cluster.v3.Cluster.RoundRobinLbConfig` */
export interface RoundRobinLbConfig {
  slow_start_config?: SlowStartConfig;
}

/** `envoy.config.cluster.v3.Cluster.SlowStartConfig` */
export interface SlowStartConfig {
  /** ms. Starts when a host comes; its weight grows until it is over. */
  slow_start_window?: number;
  aggression?: RuntimeDouble;
  min_weight_percent?: Percent;
}

/** `envoy.config.cluster.v3.Cluster.OriginalDstLbConfig` */
export interface OriginalDstLbConfig {
  use_http_header: boolean;
  http_header_name: string;
  upstream_port_override?: number;
  metadata_key?: MetadataKey;
}

/** `envoy.config.cluster.v3.Cluster.CommonLbConfig` */
export interface CommonLbConfig {
  /** Percent of healthy hosts below which all are used; default 50. */
  healthy_panic_threshold?: Percent;
  zone_aware_lb_config?: ZoneAwareLbConfig;
  locality_weighted_lb_config?: LocalityWeightedLbConfig;
  /**
   * ms; default 1000, 0 is off. Starts with a change of hosts that comes soon after another. Fires: the changes
   * reach the balancer.
   */
  update_merge_window?: number;
  ignore_new_hosts_until_first_hc: boolean;
  close_connections_on_host_set_change: boolean;
  consistent_hashing_lb_config?: ConsistentHashingLbConfig;
  override_host_status?: HealthStatusSet;
}

/** `envoy.config.cluster.v3.Cluster.CommonLbConfig.ZoneAwareLbConfig` */
export interface ZoneAwareLbConfig {
  routing_enabled?: Percent;
  min_cluster_size?: number;
  fail_traffic_on_panic: boolean;
}

/** `envoy.config.cluster.v3.Cluster.CommonLbConfig.LocalityWeightedLbConfig` */
export type LocalityWeightedLbConfig = Record<string, never>;

/** `envoy.config.cluster.v3.Cluster.CommonLbConfig.ConsistentHashingLbConfig` */
export interface ConsistentHashingLbConfig {
  use_hostname_for_hashing: boolean;
  hash_balance_factor?: number;
}

/** `envoy.config.cluster.v3.UpstreamConnectionOptions` */
export interface UpstreamConnectionOptions {
  tcp_keepalive?: TcpKeepalive;
  happy_eyeballs_config?: HappyEyeballsConfig;
}

/** `envoy.config.cluster.v3.UpstreamConnectionOptions.HappyEyeballsConfig` */
export interface HappyEyeballsConfig {
  first_address_family_version: FirstAddressFamilyVersion;
  first_address_family_count?: number;
}

/** `envoy.config.cluster.v3.TrackClusterStats` */
export interface TrackClusterStats {
  timeout_budgets: boolean;
  request_response_sizes: boolean;
  per_endpoint_stats: boolean;
}

/** `envoy.config.cluster.v3.Cluster.PreconnectPolicy` */
export interface PreconnectPolicy {
  /** Connections per stream that a host is given; default 1. */
  per_upstream_preconnect_ratio?: number;
  predictive_preconnect_ratio?: number;
  preconnect_enabled_metadata?: MetadataMatcher;
}

/** `envoy.config.cluster.v3.Cluster.TransportSocketMatch` */
export interface TransportSocketMatch {
  name: string;
  match?: Struct;
  transport_socket?: TransportSocket;
}

/** `envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig` */
export interface CaresDnsResolverConfig {
  resolvers: Address[];
  use_resolvers_as_fallback: boolean;
  filter_unroutable_families: boolean;
  dns_resolver_options?: DnsResolverOptions;
  udp_max_queries?: number;
  query_timeout_seconds?: number;
  query_tries?: number;
  rotate_nameservers: boolean;
  edns0_max_payload_size?: number;
  max_udp_channel_duration?: number;
  reinit_channel_on_timeout: boolean;
  qcache_max_ttl?: number;
}

/** `envoy.extensions.network.dns_resolver.getaddrinfo.v3.GetAddrInfoDnsResolverConfig` */
export interface GetAddrInfoDnsResolverConfig {
  num_retries?: number;
  num_resolver_threads?: number;
}
