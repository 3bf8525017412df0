/** The HTTP connection manager and the router filter. The notation is described in `schema.ts`. */
export const HCM = `
enum CodecType envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.CodecType
  AUTO HTTP1 HTTP2 HTTP3
  - HTTP3: HTTP/3

enum ServerHeaderTransformation envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.ServerHeaderTransformation
  OVERWRITE APPEND_IF_ABSENT PASS_THROUGH

enum ForwardClientCertDetails envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.ForwardClientCertDetails
  SANITIZE FORWARD_ONLY APPEND_FORWARD SANITIZE_SET ALWAYS_FORWARD_ONLY

enum PathWithEscapedSlashesAction envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.PathWithEscapedSlashesAction
  IMPLEMENTATION_SPECIFIC_DEFAULT KEEP_UNCHANGED REJECT_REQUEST UNESCAPE_AND_REDIRECT UNESCAPE_AND_FORWARD

enum ForwardClientCertFormat envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.ForwardClientCertFormat
  TEXT JSON

message HttpConnectionManager envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
  oneof route_specifier required
  codec_type CodecType
  stat_prefix string min_len=1
  - rds: dynamic configuration (xDS) is not read; give it in static_resources
  route_config RouteConfiguration oneof=route_specifier
  - scoped_routes: dynamic configuration (xDS) is not read; give it in static_resources
  http_filters HttpFilter[]
  add_user_agent bool?
  - tracing: tracing
  common_http_protocol_options HttpProtocolOptions
  http1_safe_max_connection_duration bool
  http_protocol_options Http1ProtocolOptions
  http2_protocol_options Http2ProtocolOptions
  - http3_protocol_options: HTTP/3
  server_name string header_value_loose
  server_header_transformation ServerHeaderTransformation
  scheme_header_transformation SchemeHeaderTransformation
  max_request_headers_kb uint32? >0 <=8192
  stream_idle_timeout duration
  stream_flush_timeout duration
  request_timeout duration
  request_headers_timeout duration >=0s
  drain_timeout duration
  drain_timeout_jitter Percent
  delayed_close_timeout duration
  access_log AccessLog[]
  - access_log_flush_interval: use access_log_options
  - flush_access_log_on_new_request: use access_log_options
  access_log_options HcmAccessLogOptions
  use_remote_address bool?
  xff_num_trusted_hops uint32
  original_ip_detection_extensions TypedExtensionConfig(original_ip_detection)[]
  early_header_mutation_extensions TypedExtensionConfig(early_header_mutation)[]
  internal_address_config InternalAddressConfig
  skip_xff_append bool
  via string header_value_loose
  generate_request_id bool?
  preserve_external_request_id bool
  always_set_request_id_in_response bool
  forward_client_cert_details ForwardClientCertDetails
  set_current_client_cert_details SetCurrentClientCertDetails
  - forward_client_cert_matcher: matcher trees
  proxy_100_continue bool
  represent_ipv4_remote_address_as_ipv4_mapped_ipv6 bool
  upgrade_configs HcmUpgradeConfig[]
  normalize_path bool?
  merge_slashes bool
  path_with_escaped_slashes_action PathWithEscapedSlashesAction
  request_id_extension RequestIDExtension
  local_reply_config LocalReplyConfig
  strip_matching_host_port bool
  strip_any_host_port bool oneof=strip_port_mode
  stream_error_on_invalid_http_message bool?
  path_normalization_options PathNormalizationOptions
  strip_trailing_host_dot bool
  proxy_status_config ProxyStatusConfig
  - typed_header_validation_config: header validation is built in
  append_x_forwarded_port bool
  append_local_overload bool
  - add_proxy_protocol_connection_state: the PROXY protocol
  forward_proto_config ForwardProtoConfig
  - record_route_resolution_stats: statistics of route resolution

message HttpFilter envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter
  name string min_len=1
  typed_config any(http_filter) oneof=config_type
  - config_discovery: dynamic configuration (xDS) is not read; give it in static_resources
  is_optional bool
  disabled bool

message HcmUpgradeConfig envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.UpgradeConfig
  upgrade_type string
  filters HttpFilter[]
  enabled bool?

message InternalAddressConfig envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.InternalAddressConfig
  unix_sockets bool
  cidr_ranges CidrRange[]

message SetCurrentClientCertDetails envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.SetCurrentClientCertDetails
  subject bool?
  cert bool
  chain bool
  dns bool
  uri bool
  issuer bool
  format ForwardClientCertFormat

message PathNormalizationOptions envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.PathNormalizationOptions
  - forwarding_transformation: use normalize_path and merge_slashes
  - http_filter_transformation: use normalize_path and merge_slashes

message ProxyStatusConfig envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.ProxyStatusConfig
  remove_details bool
  remove_connection_termination_details bool
  remove_response_flags bool
  set_recommended_response_code bool
  use_node_id bool oneof=proxy_name
  literal_proxy_name string oneof=proxy_name

message HcmAccessLogOptions envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.HcmAccessLogOptions
  access_log_flush_interval duration >=0.001s
  flush_access_log_on_new_request bool
  flush_log_on_tunnel_successfully_established bool

message LocalReplyConfig envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig
  mappers ResponseMapper[]
  body_format SubstitutionFormatString

message ResponseMapper envoy.extensions.filters.network.http_connection_manager.v3.ResponseMapper
  filter AccessLogFilter required
  status_code uint32? >=200 <600
  body DataSource
  body_format_override SubstitutionFormatString
  headers_to_add HeaderValueOption[] max_items=1000

message RequestIDExtension envoy.extensions.filters.network.http_connection_manager.v3.RequestIDExtension
  typed_config any(request_id)

message ForwardProtoConfig envoy.extensions.filters.network.http_connection_manager.v3.ForwardProtoConfig
  https_destination_ports uint32[]
  http_destination_ports uint32[]

message UuidRequestIdConfig envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig
  pack_trace_reason bool?
  use_request_id_for_trace_sampling bool?

message XffConfig envoy.extensions.http.original_ip_detection.xff.v3.XffConfig
  xff_num_trusted_hops uint32
  xff_trusted_cidrs XffTrustedCidrs
  skip_xff_append bool?

message XffTrustedCidrs envoy.extensions.http.original_ip_detection.xff.v3.XffTrustedCidrs
  cidrs CidrRange[]

message CustomHeaderConfig envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig
  header_name string min_len=1 header_name
  allow_extension_to_set_address_as_trusted bool
  reject_with_status HttpStatus

message EarlyHeaderMutation envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation
  mutations HeaderMutationRule[] min_items=1

message HeaderMutationRule envoy.config.common.mutation_rules.v3.HeaderMutation
  oneof action required
  remove string oneof=action header_value_loose
  append HeaderValueOption oneof=action
  remove_on_match RemoveOnMatch oneof=action

message RemoveOnMatch envoy.config.common.mutation_rules.v3.HeaderMutation.RemoveOnMatch
  key_matcher StringMatcher required

message Router envoy.extensions.filters.http.router.v3.Router
  dynamic_stats bool?
  - start_child_span: tracing
  upstream_log AccessLog[]
  upstream_log_options UpstreamAccessLogOptions
  suppress_envoy_headers bool
  strict_check_headers string[] each:in=x-envoy-upstream-rq-timeout-ms,x-envoy-upstream-rq-per-try-timeout-ms,x-envoy-max-retries,x-envoy-retry-grpc-on,x-envoy-retry-on
  respect_expected_rq_timeout bool
  suppress_grpc_request_failure_code_stats bool
  upstream_http_filters HttpFilter[]
  reject_connect_request_early_data bool?

message UpstreamAccessLogOptions envoy.extensions.filters.http.router.v3.Router.UpstreamAccessLogOptions
  flush_upstream_log_on_upstream_stream bool
  upstream_log_flush_interval duration >=0.001s
`;
