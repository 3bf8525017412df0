/** The bootstrap, and what belongs to the process. The notation is described in `schema.ts`. */
export const BOOTSTRAP = `
message Bootstrap envoy.config.bootstrap.v3.Bootstrap
  node Node
  - node_context_params: dynamic configuration (xDS) is not read; give it in static_resources
  static_resources StaticResources
  - dynamic_resources: dynamic configuration (xDS) is not read; give it in static_resources
  cluster_manager ClusterManager
  - hds_config: dynamic configuration (xDS) is not read; give it in static_resources
  - flags_path: flag files
  - stats_sinks: statistics sinks; statistics are read from the admin port
  - deferred_stat_options: statistics are always made when first counted
  stats_config StatsConfig
  stats_flush_interval duration >=0.001s <300s
  - stats_flush_on_admin: statistics are flushed by interval
  - stats_eviction_interval: statistics are never evicted
  - watchdog: event loop watchdogs
  - watchdogs: event loop watchdogs
  - tracing: tracing
  layered_runtime LayeredRuntime
  admin Admin
  - overload_manager: the overload manager
  - enable_dispatcher_stats: dispatcher statistics
  - header_prefix: the header prefix is always x-envoy
  - stats_server_version_override: the version statistic cannot be set
  - use_tcp_for_dns_lookups: use typed_dns_resolver_config
  - dns_resolution_config: use typed_dns_resolver_config
  typed_dns_resolver_config TypedExtensionConfig(dns_resolver)
  - bootstrap_extensions: bootstrap extensions
  - fatal_actions: fatal actions
  - config_sources: dynamic configuration (xDS) is not read; give it in static_resources
  - default_config_source: dynamic configuration (xDS) is not read; give it in static_resources
  - default_socket_interface: socket interfaces cannot be chosen
  - certificate_provider_instances: certificate providers
  - inline_headers: inline headers cannot be added
  - perf_tracing_file_path: performance traces
  - default_regex_engine: regular expressions are always RE2
  - xds_delegate_extension: dynamic configuration (xDS) is not read; give it in static_resources
  - xds_config_tracker_extension: dynamic configuration (xDS) is not read; give it in static_resources
  - listener_manager: the listener manager cannot be chosen
  application_log_config ApplicationLogConfig
  - grpc_async_client_manager_config: there is no gRPC client
  - memory_allocator_manager: there is no allocator to tune
  - enable_worker_cpu_affinity: workers are not pinned to processors

message StaticResources envoy.config.bootstrap.v3.Bootstrap.StaticResources
  listeners Listener[]
  clusters Cluster[]
  - secrets: give the certificate in the TLS context that uses it

message Admin envoy.config.bootstrap.v3.Admin
  access_log AccessLog[]
  - access_log_path: use access_log
  - profile_path: profiles are not written
  address Address
  socket_options SocketOption[]
  ignore_global_conn_limit bool
  allow_paths StringMatcher[]

message ClusterManager envoy.config.bootstrap.v3.ClusterManager
  local_cluster_name string
  outlier_detection ClusterManagerOutlierDetection
  upstream_bind_config BindConfig
  - load_stats_config: dynamic configuration (xDS) is not read; give it in static_resources
  - enable_deferred_cluster_creation: clusters are made when the configuration is read

message ClusterManagerOutlierDetection envoy.config.bootstrap.v3.ClusterManager.OutlierDetection
  event_log_path string
  - event_service: event services; use event_log_path

message LayeredRuntime envoy.config.bootstrap.v3.LayeredRuntime
  layers RuntimeLayer[]

message RuntimeLayer envoy.config.bootstrap.v3.RuntimeLayer
  oneof layer_specifier required
  name string min_len=1
  static_layer struct oneof=layer_specifier
  - disk_layer: only static_layer and admin_layer are supported
  admin_layer RuntimeAdminLayer oneof=layer_specifier
  - rtds_layer: dynamic configuration (xDS) is not read; give it in static_resources

message RuntimeAdminLayer envoy.config.bootstrap.v3.RuntimeLayer.AdminLayer

message StatsConfig envoy.config.metrics.v3.StatsConfig
  stats_tags TagSpecifier[]
  use_all_default_tags bool?
  stats_matcher StatsMatcher
  histogram_bucket_settings HistogramBucketSettings[]
  allow_default_tag_overrides bool?

message TagSpecifier envoy.config.metrics.v3.TagSpecifier
  tag_name string
  regex string oneof=tag_value max_bytes=1024
  fixed_value string oneof=tag_value

message StatsMatcher envoy.config.metrics.v3.StatsMatcher
  oneof stats_matcher required
  reject_all bool oneof=stats_matcher
  exclusion_list ListStringMatcher oneof=stats_matcher
  inclusion_list ListStringMatcher oneof=stats_matcher

message HistogramBucketSettings envoy.config.metrics.v3.HistogramBucketSettings
  match StringMatcher required
  buckets double[] unique each:>0
  bins uint32? >0 <=46082

message ApplicationLogConfig envoy.config.bootstrap.v3.Bootstrap.ApplicationLogConfig
  log_format ApplicationLogFormat

message ApplicationLogFormat envoy.config.bootstrap.v3.Bootstrap.ApplicationLogConfig.LogFormat
  oneof log_format required
  json_format struct oneof=log_format
  text_format string oneof=log_format
`;
