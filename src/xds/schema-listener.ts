/** Listeners, filter chains, listener filters, the TCP proxy. The notation is described in `schema.ts`. */
export const LISTENER = `
enum DrainType envoy.config.listener.v3.Listener.DrainType
  DEFAULT MODIFY_ONLY

enum TrafficDirection envoy.config.core.v3.TrafficDirection
  UNSPECIFIED INBOUND OUTBOUND

enum ConnectionSourceType envoy.config.listener.v3.FilterChainMatch.ConnectionSourceType
  ANY SAME_IP_OR_LOOPBACK EXTERNAL

message Listener envoy.config.listener.v3.Listener
  name string
  address Address
  additional_addresses AdditionalAddress[]
  stat_prefix string
  - stats_matcher: use stats_config.stats_matcher
  filter_chains FilterChain[]
  - fcds_config: dynamic configuration (xDS) is not read; give it in static_resources
  - filter_chain_matcher: matcher trees
  use_original_dst bool?
  default_filter_chain FilterChain
  per_connection_buffer_limit_bytes uint32?
  - per_connection_buffer_high_watermark_timeout: a connection is not closed for staying above its watermark
  metadata Metadata
  deprecated_v1 ListenerDeprecatedV1 deprecated
  drain_type DrainType
  listener_filters ListenerFilter[]
  listener_filters_timeout duration
  continue_on_listener_filters_timeout bool
  transparent bool?
  freebind bool?
  socket_options SocketOption[]
  - tcp_fast_open_queue_length: TCP fast open
  traffic_direction TrafficDirection
  - udp_listener_config: UDP listeners
  - api_listener: API listeners
  connection_balance_config ConnectionBalanceConfig
  - reuse_port: use enable_reuse_port
  enable_reuse_port bool?
  access_log AccessLog[]
  tcp_backlog_size uint32?
  max_connections_to_accept_per_socket_event uint32? >0
  bind_to_port bool?
  - internal_listener: internal listeners
  - enable_mptcp: MPTCP
  ignore_global_conn_limit bool
  - bypass_overload_manager: the overload manager
  tcp_keepalive TcpKeepalive

message AdditionalAddress envoy.config.listener.v3.AdditionalAddress
  address Address
  socket_options SocketOptionsOverride
  tcp_keepalive TcpKeepalive

message FilterChain envoy.config.listener.v3.FilterChain
  filter_chain_match FilterChainMatch
  filters NetworkFilter[]
  - use_proxy_proto: the PROXY protocol
  metadata Metadata
  transport_socket TransportSocket
  transport_socket_connect_timeout duration
  name string

message FilterChainMatch envoy.config.listener.v3.FilterChainMatch
  destination_port uint32? >=1 <=65535
  prefix_ranges CidrRange[]
  - address_suffix: Envoy does not implement it
  - suffix_len: Envoy does not implement it
  direct_source_prefix_ranges CidrRange[]
  source_type ConnectionSourceType
  source_prefix_ranges CidrRange[]
  source_ports uint32[] each:>=1 each:<=65535
  server_names string[]
  transport_protocol string
  application_protocols string[]

message NetworkFilter envoy.config.listener.v3.Filter
  name string min_len=1
  typed_config any(network_filter) required
  - config_discovery: dynamic configuration (xDS) is not read; give it in static_resources

message ListenerFilter envoy.config.listener.v3.ListenerFilter
  name string min_len=1
  typed_config any(listener_filter) required
  - config_discovery: dynamic configuration (xDS) is not read; give it in static_resources
  filter_disabled ListenerFilterChainMatchPredicate

message ListenerFilterChainMatchPredicate envoy.config.listener.v3.ListenerFilterChainMatchPredicate
  oneof rule required
  or_match ListenerFilterMatchSet oneof=rule
  and_match ListenerFilterMatchSet oneof=rule
  not_match ListenerFilterChainMatchPredicate oneof=rule
  any_match bool oneof=rule const=true
  destination_port_range Int32Range oneof=rule

message ListenerFilterMatchSet envoy.config.listener.v3.ListenerFilterChainMatchPredicate.MatchSet
  rules ListenerFilterChainMatchPredicate[] min_items=2

message ConnectionBalanceConfig envoy.config.listener.v3.Listener.ConnectionBalanceConfig
  oneof balance_type required
  exact_balance ExactBalance oneof=balance_type
  - extend_balance: only exact_balance is supported
  - cpu_locality_balance: only exact_balance is supported

message ExactBalance envoy.config.listener.v3.Listener.ConnectionBalanceConfig.ExactBalance

message ListenerDeprecatedV1 envoy.config.listener.v3.Listener.DeprecatedV1
  bind_to_port bool?

message HttpInspector envoy.extensions.filters.listener.http_inspector.v3.HttpInspector

message TlsInspector envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector
  enable_ja3_fingerprinting bool?
  enable_ja4_fingerprinting bool?
  initial_read_buffer_size uint32? >255 <65537
  close_connection_on_client_hello_parsing_errors bool
  max_client_hello_size uint32? >255 <=16384

message OriginalDst envoy.extensions.filters.listener.original_dst.v3.OriginalDst

message TcpProxy envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
  oneof cluster_specifier required
  stat_prefix string min_len=1
  cluster string oneof=cluster_specifier
  weighted_clusters TcpWeightedCluster oneof=cluster_specifier
  - on_demand: clusters are not fetched on demand
  metadata_match Metadata
  idle_timeout duration
  downstream_idle_timeout duration
  upstream_idle_timeout duration
  access_log AccessLog[]
  max_connect_attempts uint32? >=1
  - backoff_options: connect attempts follow each other at once
  hash_policy TcpHashPolicy[] max_items=1
  - tunneling_config: tunnelling over HTTP
  max_downstream_connection_duration duration >=0.001s
  - max_downstream_connection_duration_jitter_percentage: jitter of the connection duration
  - access_log_flush_interval: use access_log_options
  - flush_access_log_on_connected: use access_log_options
  access_log_options TcpAccessLogOptions
  - proxy_protocol_tlvs: the PROXY protocol
  - proxy_protocol_tlv_merge_policy: the PROXY protocol
  - upstream_connect_mode: the upstream is connected at once
  - max_early_data_bytes: the upstream is connected at once
  - check_drain_close: TCP connections are not told of a drain

message TcpWeightedCluster envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster
  clusters TcpClusterWeight[] min_items=1

message TcpClusterWeight envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight
  name string min_len=1
  weight uint32 >=1
  metadata_match Metadata

message TcpAccessLogOptions envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TcpAccessLogOptions
  access_log_flush_interval duration >=0.001s
  flush_access_log_on_connected bool
  flush_access_log_on_start bool

message TcpHashPolicy envoy.type.v3.HashPolicy
  oneof policy_specifier required
  source_ip TcpHashPolicySourceIp oneof=policy_specifier
  filter_state TcpHashPolicyFilterState oneof=policy_specifier

message TcpHashPolicySourceIp envoy.type.v3.HashPolicy.SourceIp

message TcpHashPolicyFilterState envoy.type.v3.HashPolicy.FilterState
  key string min_len=1
`;
