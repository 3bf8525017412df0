/** Clusters, circuit breakers, outlier detection, balancer settings. The notation is described in `schema.ts`. */
export const CLUSTER = `
enum DiscoveryType envoy.config.cluster.v3.Cluster.DiscoveryType
  STATIC STRICT_DNS LOGICAL_DNS EDS ORIGINAL_DST
  - EDS: dynamic configuration (xDS) is not read; give it in static_resources

enum LbPolicy envoy.config.cluster.v3.Cluster.LbPolicy
  ROUND_ROBIN LEAST_REQUEST RING_HASH RANDOM MAGLEV=5 CLUSTER_PROVIDED LOAD_BALANCING_POLICY_CONFIG

enum DnsLookupFamily envoy.config.cluster.v3.Cluster.DnsLookupFamily
  AUTO V4_ONLY V6_ONLY V4_PREFERRED ALL

enum LbSubsetFallbackPolicy envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetFallbackPolicy
  NO_FALLBACK ANY_ENDPOINT DEFAULT_SUBSET

enum LbSubsetMetadataFallbackPolicy envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetMetadataFallbackPolicy
  METADATA_NO_FALLBACK FALLBACK_LIST

enum LbSubsetSelectorFallbackPolicy envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetSelector.LbSubsetSelectorFallbackPolicy
  NOT_DEFINED NO_FALLBACK ANY_ENDPOINT DEFAULT_SUBSET KEYS_SUBSET

enum HashFunction envoy.config.cluster.v3.Cluster.RingHashLbConfig.HashFunction
  XX_HASH MURMUR_HASH_2

enum FirstAddressFamilyVersion envoy.config.cluster.v3.UpstreamConnectionOptions.FirstAddressFamilyVersion
  DEFAULT V4 V6 PIPE INTERNAL

message Cluster envoy.config.cluster.v3.Cluster
  transport_socket_matches TransportSocketMatch[]
  - transport_socket_matcher: matcher trees
  name string min_len=1
  alt_stat_name string
  - stats_matcher: use stats_config.stats_matcher
  type DiscoveryType oneof=cluster_discovery_type
  - cluster_type: only the discovery types of \`type\` are supported
  - eds_cluster_config: dynamic configuration (xDS) is not read; give it in static_resources
  connect_timeout duration >0s
  per_connection_buffer_limit_bytes uint32?
  - per_connection_buffer_high_watermark_timeout: a connection is not closed for staying above its watermark
  lb_policy LbPolicy
  load_assignment ClusterLoadAssignment
  health_checks HealthCheck[] max_items=8
  max_requests_per_connection uint32? deprecated
  circuit_breakers CircuitBreakers
  upstream_http_protocol_options UpstreamHttpProtocolOptions deprecated
  common_http_protocol_options HttpProtocolOptions deprecated
  http_protocol_options Http1ProtocolOptions deprecated
  http2_protocol_options Http2ProtocolOptions deprecated
  typed_extension_protocol_options any(protocol_options){}
  dns_refresh_rate duration >0.001s deprecated
  dns_jitter duration >=0s deprecated
  dns_failure_refresh_rate RefreshRate deprecated
  respect_dns_ttl bool deprecated
  dns_lookup_family DnsLookupFamily
  - dns_resolvers: use typed_dns_resolver_config
  - use_tcp_for_dns_lookups: use typed_dns_resolver_config
  - dns_resolution_config: use typed_dns_resolver_config
  typed_dns_resolver_config TypedExtensionConfig(dns_resolver)
  wait_for_warm_on_init bool?
  outlier_detection OutlierDetection
  cleanup_interval duration >0s
  upstream_bind_config BindConfig
  lb_subset_config LbSubsetConfig
  ring_hash_lb_config RingHashLbConfig oneof=lb_config
  maglev_lb_config MaglevLbConfig oneof=lb_config
  original_dst_lb_config OriginalDstLbConfig oneof=lb_config
  least_request_lb_config LeastRequestLbConfig oneof=lb_config
  round_robin_lb_config RoundRobinLbConfig oneof=lb_config
  common_lb_config CommonLbConfig
  transport_socket TransportSocket
  metadata Metadata
  - protocol_selection: use typed_extension_protocol_options
  upstream_connection_options UpstreamConnectionOptions
  close_connections_on_host_health_failure bool
  ignore_health_on_host_removal bool
  - filters: upstream network filters
  load_balancing_policy LoadBalancingPolicy
  - lrs_server: dynamic configuration (xDS) is not read; give it in static_resources
  - lrs_report_endpoint_metrics: dynamic configuration (xDS) is not read; give it in static_resources
  track_timeout_budgets bool deprecated
  - upstream_config: the upstream is chosen by the protocol
  track_cluster_stats TrackClusterStats
  preconnect_policy PreconnectPolicy
  - connection_pool_per_downstream_connection: connections are shared by all downstream connections
  - queuing_policies: queuing policies

message CircuitBreakers envoy.config.cluster.v3.CircuitBreakers
  thresholds Thresholds[]
  per_host_thresholds Thresholds[]

message Thresholds envoy.config.cluster.v3.CircuitBreakers.Thresholds
  priority RoutingPriority
  max_connections uint32?
  max_pending_requests uint32?
  max_requests uint32?
  max_retries uint32?
  retry_budget RetryBudget
  track_remaining bool
  max_connection_pools uint32?

message RetryBudget envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget
  budget_percent Percent
  budget_interval duration
  min_retry_concurrency uint32?

message OutlierDetection envoy.config.cluster.v3.OutlierDetection
  consecutive_5xx uint32?
  interval duration >0s
  base_ejection_time duration >0s
  max_ejection_percent uint32? <=100
  enforcing_consecutive_5xx uint32? <=100
  enforcing_success_rate uint32? <=100
  success_rate_minimum_hosts uint32?
  success_rate_request_volume uint32?
  success_rate_stdev_factor uint32?
  consecutive_gateway_failure uint32?
  enforcing_consecutive_gateway_failure uint32? <=100
  split_external_local_origin_errors bool
  consecutive_local_origin_failure uint32?
  enforcing_consecutive_local_origin_failure uint32? <=100
  enforcing_local_origin_success_rate uint32? <=100
  failure_percentage_threshold uint32? <=100
  enforcing_failure_percentage uint32? <=100
  enforcing_failure_percentage_local_origin uint32? <=100
  failure_percentage_minimum_hosts uint32?
  failure_percentage_request_volume uint32?
  max_ejection_time duration >0s
  max_ejection_time_jitter duration
  successful_active_health_check_uneject_host bool?
  - monitors: outlier monitors
  always_eject_one_host bool?
  detect_degraded_hosts bool?

message RefreshRate envoy.config.cluster.v3.Cluster.RefreshRate
  base_interval duration required >0.001s
  max_interval duration >0.001s

message LbSubsetConfig envoy.config.cluster.v3.Cluster.LbSubsetConfig
  fallback_policy LbSubsetFallbackPolicy
  default_subset struct
  subset_selectors LbSubsetSelector[]
  locality_weight_aware bool
  scale_locality_weight bool
  panic_mode_any bool
  list_as_any bool
  metadata_fallback_policy LbSubsetMetadataFallbackPolicy

message LbSubsetSelector envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetSelector
  keys string[]
  single_host_per_subset bool
  fallback_policy LbSubsetSelectorFallbackPolicy
  fallback_keys_subset string[]

message RingHashLbConfig envoy.config.cluster.v3.Cluster.RingHashLbConfig
  minimum_ring_size uint64? <=8388608
  hash_function HashFunction
  maximum_ring_size uint64? <=8388608

message MaglevLbConfig envoy.config.cluster.v3.Cluster.MaglevLbConfig
  table_size uint64? <=5000011

message LeastRequestLbConfig envoy.config.cluster.v3.Cluster.LeastRequestLbConfig
  choice_count uint32? >=2
  active_request_bias RuntimeDouble
  slow_start_config SlowStartConfig

message RoundRobinLbConfig envoy.config.cluster.v3.Cluster.RoundRobinLbConfig
  slow_start_config SlowStartConfig

message SlowStartConfig envoy.config.cluster.v3.Cluster.SlowStartConfig
  slow_start_window duration
  aggression RuntimeDouble
  min_weight_percent Percent

message OriginalDstLbConfig envoy.config.cluster.v3.Cluster.OriginalDstLbConfig
  use_http_header bool
  http_header_name string
  upstream_port_override uint32? <=65535
  metadata_key MetadataKey

message CommonLbConfig envoy.config.cluster.v3.Cluster.CommonLbConfig
  healthy_panic_threshold Percent
  zone_aware_lb_config ZoneAwareLbConfig oneof=locality_config_specifier
  locality_weighted_lb_config LocalityWeightedLbConfig oneof=locality_config_specifier
  update_merge_window duration
  ignore_new_hosts_until_first_hc bool
  close_connections_on_host_set_change bool
  consistent_hashing_lb_config ConsistentHashingLbConfig
  override_host_status HealthStatusSet

message ZoneAwareLbConfig envoy.config.cluster.v3.Cluster.CommonLbConfig.ZoneAwareLbConfig
  routing_enabled Percent
  min_cluster_size uint64?
  fail_traffic_on_panic bool

message LocalityWeightedLbConfig envoy.config.cluster.v3.Cluster.CommonLbConfig.LocalityWeightedLbConfig

message ConsistentHashingLbConfig envoy.config.cluster.v3.Cluster.CommonLbConfig.ConsistentHashingLbConfig
  use_hostname_for_hashing bool
  hash_balance_factor uint32? >=100

message UpstreamConnectionOptions envoy.config.cluster.v3.UpstreamConnectionOptions
  tcp_keepalive TcpKeepalive
  - set_local_interface_name_on_upstream_connections: the interface name is not looked up
  happy_eyeballs_config HappyEyeballsConfig

message HappyEyeballsConfig envoy.config.cluster.v3.UpstreamConnectionOptions.HappyEyeballsConfig
  first_address_family_version FirstAddressFamilyVersion
  first_address_family_count uint32? >=1

message TrackClusterStats envoy.config.cluster.v3.TrackClusterStats
  timeout_budgets bool
  request_response_sizes bool
  per_endpoint_stats bool

message PreconnectPolicy envoy.config.cluster.v3.Cluster.PreconnectPolicy
  per_upstream_preconnect_ratio double? >=1 <=3
  predictive_preconnect_ratio double? >=1 <=3
  preconnect_enabled_metadata MetadataMatcher

message TransportSocketMatch envoy.config.cluster.v3.Cluster.TransportSocketMatch
  name string min_len=1
  match struct
  transport_socket TransportSocket

message CaresDnsResolverConfig envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig
  resolvers Address[]
  use_resolvers_as_fallback bool
  filter_unroutable_families bool
  dns_resolver_options DnsResolverOptions
  udp_max_queries uint32?
  query_timeout_seconds uint64? >=1
  query_tries uint32? >=1
  rotate_nameservers bool
  edns0_max_payload_size uint32? >=512 <=4096
  max_udp_channel_duration duration >=0s
  reinit_channel_on_timeout bool
  qcache_max_ttl uint32? >=0

message GetAddrInfoDnsResolverConfig envoy.extensions.network.dns_resolver.getaddrinfo.v3.GetAddrInfoDnsResolverConfig
  num_retries uint32?
  num_resolver_threads uint32?
`;
