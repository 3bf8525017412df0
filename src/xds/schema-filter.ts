/** HTTP filters: fault, CORS, health check, buffer, local rate limit, header mutation, gRPC statistics. The notation is described in `schema.ts`. */
export const FILTER = `
enum XRateLimitHeadersRFCVersion envoy.extensions.common.ratelimit.v3.XRateLimitHeadersRFCVersion
  OFF DRAFT_VERSION_03

enum VhRateLimitsOptions envoy.extensions.common.ratelimit.v3.VhRateLimitsOptions
  OVERRIDE INCLUDE IGNORE

enum KeyValueAppendAction envoy.config.core.v3.KeyValueAppend.KeyValueAppendAction
  APPEND_IF_EXISTS_OR_ADD ADD_IF_ABSENT OVERWRITE_IF_EXISTS_OR_ADD OVERWRITE_IF_EXISTS

message HTTPFault envoy.extensions.filters.http.fault.v3.HTTPFault
  delay FaultDelay
  abort FaultAbort
  upstream_cluster string
  headers HeaderMatcher[]
  downstream_nodes string[]
  max_active_faults uint32?
  response_rate_limit FaultRateLimit
  delay_percent_runtime string
  abort_percent_runtime string
  delay_duration_runtime string
  abort_http_status_runtime string
  max_active_faults_runtime string
  response_rate_limit_percent_runtime string
  abort_grpc_status_runtime string
  disable_downstream_cluster_stats bool
  filter_metadata struct

message FaultAbort envoy.extensions.filters.http.fault.v3.FaultAbort
  oneof error_type required
  http_status uint32 oneof=error_type >=200 <600
  grpc_status uint32 oneof=error_type
  header_abort HeaderAbort oneof=error_type
  percentage FractionalPercent
  response_body string

message HeaderAbort envoy.extensions.filters.http.fault.v3.FaultAbort.HeaderAbort

message FaultDelay envoy.extensions.filters.common.fault.v3.FaultDelay
  oneof fault_delay_secifier required
  fixed_delay duration oneof=fault_delay_secifier >0s
  header_delay HeaderDelay oneof=fault_delay_secifier
  percentage FractionalPercent

message HeaderDelay envoy.extensions.filters.common.fault.v3.FaultDelay.HeaderDelay

message FaultRateLimit envoy.extensions.filters.common.fault.v3.FaultRateLimit
  oneof limit_type required
  fixed_limit FaultFixedLimit oneof=limit_type
  header_limit FaultHeaderLimit oneof=limit_type
  percentage FractionalPercent

message FaultFixedLimit envoy.extensions.filters.common.fault.v3.FaultRateLimit.FixedLimit
  limit_kbps uint64 >=1

message FaultHeaderLimit envoy.extensions.filters.common.fault.v3.FaultRateLimit.HeaderLimit

message Cors envoy.extensions.filters.http.cors.v3.Cors

message FilterCorsPolicy envoy.extensions.filters.http.cors.v3.CorsPolicy
  allow_origin_string_match StringMatcher[]
  allow_methods string
  allow_headers string
  expose_headers string
  max_age string
  allow_credentials bool?
  filter_enabled RuntimeFractionalPercent
  shadow_enabled RuntimeFractionalPercent
  allow_private_network_access bool?
  forward_not_matching_preflights bool?

message HealthCheckFilter envoy.extensions.filters.http.health_check.v3.HealthCheck
  pass_through_mode bool? required
  cache_time duration
  cluster_min_healthy_percentages Percent{}
  headers HeaderMatcher[]

message BufferFilter envoy.extensions.filters.http.buffer.v3.Buffer
  max_request_bytes uint32? required >0

message BufferPerRoute envoy.extensions.filters.http.buffer.v3.BufferPerRoute
  oneof override required
  disabled bool oneof=override const=true
  buffer BufferFilter oneof=override

message LocalRateLimit envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
  stat_prefix string min_len=1
  status HttpStatus
  token_bucket TokenBucket
  filter_enabled RuntimeFractionalPercent
  filter_enforced RuntimeFractionalPercent
  request_headers_to_add_when_not_enforced HeaderValueOption[] max_items=10
  response_headers_to_add HeaderValueOption[] max_items=10
  descriptors LocalRateLimitDescriptor[]
  stage uint32 <=10
  local_rate_limit_per_downstream_connection bool
  local_cluster_rate_limit LocalClusterRateLimit
  enable_x_ratelimit_headers XRateLimitHeadersRFCVersion
  vh_rate_limits VhRateLimitsOptions
  always_consume_default_token_bucket bool?
  rate_limited_as_resource_exhausted bool
  rate_limits RateLimit[]
  max_dynamic_descriptors uint32? >=1
  enable_retry_after_header bool

message LocalRateLimitDescriptor envoy.extensions.common.ratelimit.v3.LocalRateLimitDescriptor
  entries RateLimitDescriptorEntry[] min_items=1
  token_bucket TokenBucket required
  shadow_mode bool

message RateLimitDescriptorEntry envoy.extensions.common.ratelimit.v3.RateLimitDescriptor.Entry
  key string min_len=1
  value string

message LocalClusterRateLimit envoy.extensions.common.ratelimit.v3.LocalClusterRateLimit

message HeaderMutationFilter envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
  mutations Mutations
  most_specific_header_mutations_wins bool

message HeaderMutationPerRoute envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute
  mutations Mutations

message Mutations envoy.extensions.filters.http.header_mutation.v3.Mutations
  request_mutations HeaderMutationRule[]
  query_parameter_mutations KeyValueMutation[]
  response_mutations HeaderMutationRule[]
  response_trailers_mutations HeaderMutationRule[]
  request_trailers_mutations HeaderMutationRule[]
  - formatters: formatter extensions

message KeyValueMutation envoy.config.core.v3.KeyValueMutation
  append KeyValueAppend
  remove string max_bytes=16384

message KeyValueAppend envoy.config.core.v3.KeyValueAppend
  record KeyValuePair
  - entry: use record
  action KeyValueAppendAction

message KeyValuePair envoy.config.core.v3.KeyValuePair
  key string min_len=1 max_bytes=16384
  value value

message GrpcStatsFilter envoy.extensions.filters.http.grpc_stats.v3.FilterConfig
  emit_filter_state bool
  individual_method_stats_allowlist GrpcMethodList oneof=per_method_stat_specifier
  stats_for_all_methods bool? oneof=per_method_stat_specifier
  enable_upstream_stats bool
  replace_dots_in_grpc_service_name bool

message GrpcMethodList envoy.config.core.v3.GrpcMethodList
  services GrpcMethodListService[]

message GrpcMethodListService envoy.config.core.v3.GrpcMethodList.Service
  name string min_len=1
  method_names string[] min_items=1
`;
