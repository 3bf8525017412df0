/** Route configuration, virtual hosts, routes and their actions. The notation is described in `schema.ts`. */
export const ROUTE = `
enum TlsRequirementType envoy.config.route.v3.VirtualHost.TlsRequirementType
  NONE EXTERNAL_ONLY ALL

enum ClusterNotFoundResponseCode envoy.config.route.v3.RouteAction.ClusterNotFoundResponseCode
  SERVICE_UNAVAILABLE NOT_FOUND INTERNAL_SERVER_ERROR

enum RoutingPriority envoy.config.core.v3.RoutingPriority
  DEFAULT HIGH

enum RedirectResponseCode envoy.config.route.v3.RedirectAction.RedirectResponseCode
  MOVED_PERMANENTLY FOUND SEE_OTHER TEMPORARY_REDIRECT PERMANENT_REDIRECT

message RouteConfiguration envoy.config.route.v3.RouteConfiguration
  name string
  virtual_hosts VirtualHost[]
  - vhds: dynamic configuration (xDS) is not read; give it in static_resources
  internal_only_headers string[] each:header_name_loose
  response_headers_to_add HeaderValueOption[] max_items=1000
  response_headers_to_remove string[] each:header_name_loose
  request_headers_to_add HeaderValueOption[] max_items=1000
  request_headers_to_remove string[] each:header_name_loose
  most_specific_header_mutations_wins bool
  validate_clusters bool?
  max_direct_response_body_size_bytes uint32?
  - cluster_specifier_plugins: cluster specifier plugins
  request_mirror_policies RequestMirrorPolicy[]
  ignore_port_in_host_matching bool
  vhost_header string header_name_loose
  ignore_path_parameters_in_path_matching bool
  typed_per_filter_config any(per_route){}
  metadata Metadata
  - route_specifiers: route specifiers

message VirtualHost envoy.config.route.v3.VirtualHost
  name string min_len=1
  domains string[] min_items=1 each:header_value_loose
  routes Route[]
  - matcher: matcher trees
  require_tls TlsRequirementType
  virtual_clusters VirtualCluster[]
  rate_limits RateLimit[]
  request_headers_to_add HeaderValueOption[] max_items=1000
  request_headers_to_remove string[] each:min_len=1 each:header_name_loose
  response_headers_to_add HeaderValueOption[] max_items=1000
  response_headers_to_remove string[] each:min_len=1 each:header_name_loose
  cors CorsPolicy deprecated
  typed_per_filter_config any(per_route){}
  include_request_attempt_count bool
  include_attempt_count_in_response bool
  retry_policy RetryPolicy
  - retry_policy_typed_config: use retry_policy
  hedge_policy HedgePolicy
  include_is_timeout_retry_header bool
  per_request_buffer_limit_bytes uint32? deprecated
  request_body_buffer_limit uint64?
  request_mirror_policies RequestMirrorPolicy[]
  metadata Metadata
  - route_specifiers: route specifiers

message Route envoy.config.route.v3.Route
  oneof action required
  name string
  match RouteMatch required
  route RouteAction oneof=action
  redirect RedirectAction oneof=action
  direct_response DirectResponseAction oneof=action
  - filter_action: filter actions
  non_forwarding_action NonForwardingAction oneof=action
  metadata Metadata
  decorator Decorator
  typed_per_filter_config any(per_route){}
  request_headers_to_add HeaderValueOption[] max_items=1000
  request_headers_to_remove string[] each:min_len=1 each:header_name_loose
  response_headers_to_add HeaderValueOption[] max_items=1000
  response_headers_to_remove string[] each:min_len=1 each:header_name_loose
  - tracing: tracing
  per_request_buffer_limit_bytes uint32? deprecated
  stat_prefix string
  request_body_buffer_limit uint64?
  - route_specifiers: route specifiers

message RouteMatch envoy.config.route.v3.RouteMatch
  oneof path_specifier required
  prefix string oneof=path_specifier
  path string oneof=path_specifier
  safe_regex RegexMatcher oneof=path_specifier
  connect_matcher ConnectMatcher oneof=path_specifier
  path_separated_prefix string oneof=path_specifier pattern=^[^?#]+[^?#/]$
  path_match_policy TypedExtensionConfig(path_match) oneof=path_specifier
  case_sensitive bool?
  runtime_fraction RuntimeFractionalPercent
  headers HeaderMatcher[]
  query_parameters QueryParameterMatcher[]
  cookies CookieMatcher[]
  grpc GrpcRouteMatchOptions
  tls_context TlsContextMatchOptions
  dynamic_metadata MetadataMatcher[]
  filter_state FilterStateMatcher[]

message ConnectMatcher envoy.config.route.v3.RouteMatch.ConnectMatcher

message GrpcRouteMatchOptions envoy.config.route.v3.RouteMatch.GrpcRouteMatchOptions

message TlsContextMatchOptions envoy.config.route.v3.RouteMatch.TlsContextMatchOptions
  presented bool?
  validated bool?

message RouteAction envoy.config.route.v3.RouteAction
  oneof cluster_specifier required
  cluster string oneof=cluster_specifier min_len=1
  cluster_header string oneof=cluster_specifier min_len=1 header_name_loose
  weighted_clusters WeightedCluster oneof=cluster_specifier
  - cluster_specifier_plugin: cluster specifier plugins
  - inline_cluster_specifier_plugin: cluster specifier plugins
  cluster_not_found_response_code ClusterNotFoundResponseCode
  metadata_match Metadata
  prefix_rewrite string header_value_loose
  regex_rewrite RegexMatchAndSubstitute
  path_rewrite_policy TypedExtensionConfig(path_rewrite)
  path_rewrite string
  host_rewrite_literal string oneof=host_rewrite_specifier header_value_loose
  auto_host_rewrite bool? oneof=host_rewrite_specifier
  host_rewrite_header string oneof=host_rewrite_specifier header_name_loose
  host_rewrite_path_regex RegexMatchAndSubstitute oneof=host_rewrite_specifier
  host_rewrite string oneof=host_rewrite_specifier
  append_x_forwarded_host bool
  timeout duration
  idle_timeout duration
  flush_timeout duration
  - early_data_policy: early data policies
  retry_policy RetryPolicy
  - retry_policy_typed_config: use retry_policy
  request_mirror_policies RequestMirrorPolicy[]
  priority RoutingPriority
  rate_limits RateLimit[]
  include_vh_rate_limits bool? deprecated
  hash_policy HashPolicy[]
  cors CorsPolicy deprecated
  max_grpc_timeout duration deprecated
  grpc_timeout_offset duration deprecated
  upgrade_configs RouteUpgradeConfig[]
  internal_redirect_policy InternalRedirectPolicy
  - internal_redirect_action: use internal_redirect_policy
  - max_internal_redirects: use internal_redirect_policy
  hedge_policy HedgePolicy
  max_stream_duration MaxStreamDuration

message RedirectAction envoy.config.route.v3.RedirectAction
  https_redirect bool oneof=scheme_rewrite_specifier
  scheme_redirect string oneof=scheme_rewrite_specifier
  host_redirect string header_value_loose
  port_redirect uint32
  path_redirect string oneof=path_rewrite_specifier header_value_loose
  prefix_rewrite string oneof=path_rewrite_specifier header_value_loose
  regex_rewrite RegexMatchAndSubstitute oneof=path_rewrite_specifier
  path_rewrite string oneof=path_rewrite_specifier
  response_code RedirectResponseCode
  strip_query bool

message DirectResponseAction envoy.config.route.v3.DirectResponseAction
  status uint32 >=200 <600
  body DataSource
  body_format SubstitutionFormatString

message NonForwardingAction envoy.config.route.v3.NonForwardingAction

message WeightedCluster envoy.config.route.v3.WeightedCluster
  clusters ClusterWeight[] min_items=1
  total_weight uint32? deprecated
  runtime_key_prefix string
  header_name string oneof=random_value_specifier header_name_loose
  use_hash_policy bool? oneof=random_value_specifier

message ClusterWeight envoy.config.route.v3.WeightedCluster.ClusterWeight
  name string
  cluster_header string header_name_loose
  weight uint32?
  metadata_match Metadata
  request_headers_to_add HeaderValueOption[] max_items=1000
  request_headers_to_remove string[] each:header_name_loose
  response_headers_to_add HeaderValueOption[] max_items=1000
  response_headers_to_remove string[] each:header_name_loose
  typed_per_filter_config any(per_route){}
  host_rewrite_literal string oneof=host_rewrite_specifier header_value_loose

message VirtualCluster envoy.config.route.v3.VirtualCluster
  headers HeaderMatcher[]
  name string min_len=1

message Decorator envoy.config.route.v3.Decorator
  operation string min_len=1
  propagate bool?

message FilterConfig envoy.config.route.v3.FilterConfig
  config any(per_route)
  is_optional bool
  disabled bool

message UriTemplateMatchConfig envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig
  path_template string min_len=1 max_len=256

message UriTemplateRewriteConfig envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig
  path_template_rewrite string min_len=1 max_len=256
`;
