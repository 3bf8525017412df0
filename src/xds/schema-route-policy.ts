/** Policies of routes: retry, hedge, mirror, hash, upgrade, internal redirect, CORS. The notation is described in `schema.ts`. */
export const ROUTE_POLICY = `
enum ResetHeaderFormat envoy.config.route.v3.RetryPolicy.ResetHeaderFormat
  SECONDS UNIX_TIMESTAMP

message RetryPolicy envoy.config.route.v3.RetryPolicy
  retry_on string
  num_retries uint32?
  per_try_timeout duration
  per_try_idle_timeout duration
  retry_priority RetryPriority
  retry_host_predicate RetryHostPredicate[]
  - retry_options_predicates: retry option predicates
  host_selection_retry_max_attempts int64
  retriable_status_codes uint32[]
  retry_back_off RetryBackOff
  rate_limited_retry_back_off RateLimitedRetryBackOff
  retriable_headers HeaderMatcher[]
  retriable_request_headers HeaderMatcher[]
  - refresh_cluster_on_retry: the cluster of a request is chosen once

message RetryBackOff envoy.config.route.v3.RetryPolicy.RetryBackOff
  base_interval duration required >0s
  max_interval duration >0s

message RateLimitedRetryBackOff envoy.config.route.v3.RetryPolicy.RateLimitedRetryBackOff
  reset_headers ResetHeader[] min_items=1
  max_interval duration >0s

message ResetHeader envoy.config.route.v3.RetryPolicy.ResetHeader
  name string min_len=1 header_name_loose
  format ResetHeaderFormat

message RetryHostPredicate envoy.config.route.v3.RetryPolicy.RetryHostPredicate
  name string min_len=1
  typed_config any(retry_host_predicate) required

message RetryPriority envoy.config.route.v3.RetryPolicy.RetryPriority
  name string min_len=1
  typed_config any(retry_priority) required

message HedgePolicy envoy.config.route.v3.HedgePolicy
  initial_requests uint32? >=1
  additional_request_chance FractionalPercent
  hedge_on_per_try_timeout bool

message MaxStreamDuration envoy.config.route.v3.RouteAction.MaxStreamDuration
  max_stream_duration duration
  grpc_timeout_header_max duration
  grpc_timeout_header_offset duration

message RequestMirrorPolicy envoy.config.route.v3.RouteAction.RequestMirrorPolicy
  cluster string
  cluster_header string header_name_loose
  runtime_fraction RuntimeFractionalPercent
  trace_sampled bool?
  disable_shadow_host_suffix_append bool
  request_headers_mutations HeaderMutationRule[] max_items=1000
  host_rewrite_literal string header_value_loose

message HashPolicy envoy.config.route.v3.RouteAction.HashPolicy
  oneof policy_specifier required
  header HashPolicyHeader oneof=policy_specifier
  cookie HashPolicyCookie oneof=policy_specifier
  connection_properties HashPolicyConnectionProperties oneof=policy_specifier
  query_parameter HashPolicyQueryParameter oneof=policy_specifier
  filter_state HashPolicyFilterState oneof=policy_specifier
  terminal bool

message HashPolicyHeader envoy.config.route.v3.RouteAction.HashPolicy.Header
  header_name string min_len=1 header_name_loose
  regex_rewrite RegexMatchAndSubstitute

message HashPolicyCookie envoy.config.route.v3.RouteAction.HashPolicy.Cookie
  name string min_len=1
  ttl duration
  path string
  attributes HashPolicyCookieAttribute[]

message HashPolicyCookieAttribute envoy.config.route.v3.RouteAction.HashPolicy.CookieAttribute
  name string min_len=1 max_bytes=16384 header_name_loose
  value string max_bytes=16384 header_value_loose

message HashPolicyConnectionProperties envoy.config.route.v3.RouteAction.HashPolicy.ConnectionProperties
  source_ip bool

message HashPolicyQueryParameter envoy.config.route.v3.RouteAction.HashPolicy.QueryParameter
  name string min_len=1

message HashPolicyFilterState envoy.config.route.v3.RouteAction.HashPolicy.FilterState
  key string min_len=1

message RouteUpgradeConfig envoy.config.route.v3.RouteAction.UpgradeConfig
  upgrade_type string min_len=1 header_value_loose
  enabled bool?
  connect_config ConnectConfig

message ConnectConfig envoy.config.route.v3.RouteAction.UpgradeConfig.ConnectConfig
  proxy_protocol_config ProxyProtocolConfig
  allow_post bool

message InternalRedirectPolicy envoy.config.route.v3.InternalRedirectPolicy
  max_internal_redirects uint32?
  redirect_response_codes uint32[] max_items=5
  predicates TypedExtensionConfig(internal_redirect_predicate)[]
  allow_cross_scheme_redirect bool
  response_headers_to_copy string[] unique each:header_name_loose

message CorsPolicy envoy.config.route.v3.CorsPolicy
  allow_origin_string_match StringMatcher[]
  allow_methods string
  allow_headers string
  expose_headers string
  max_age string
  allow_credentials bool?
  filter_enabled RuntimeFractionalPercent oneof=enabled_specifier
  shadow_enabled RuntimeFractionalPercent
  allow_private_network_access bool?
  forward_not_matching_preflights bool?

message PreviousHostsPredicate envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate

message OmitCanaryHostsPredicate envoy.extensions.retry.host.omit_canary_hosts.v3.OmitCanaryHostsPredicate

message OmitHostMetadataConfig envoy.extensions.retry.host.omit_host_metadata.v3.OmitHostMetadataConfig
  metadata_match Metadata

message PreviousPrioritiesConfig envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig
  update_frequency int32 >0

message AllowListedRoutesConfig envoy.extensions.internal_redirect.allow_listed_routes.v3.AllowListedRoutesConfig
  allowed_route_names string[] each:min_len=1

message PreviousRoutesConfig envoy.extensions.internal_redirect.previous_routes.v3.PreviousRoutesConfig

message SafeCrossSchemeConfig envoy.extensions.internal_redirect.safe_cross_scheme.v3.SafeCrossSchemeConfig
`;
