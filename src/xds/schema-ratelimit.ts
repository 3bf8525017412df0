/** Rate limit actions (local rate limiting only). The notation is described in `schema.ts`. */
export const RATELIMIT = `
enum XRateLimitOption envoy.config.route.v3.RateLimit.XRateLimitOption
  UNSPECIFIED OFF DRAFT_VERSION_03

enum Source envoy.config.route.v3.RateLimit.Action.MetaData.Source
  DYNAMIC ROUTE_ENTRY CLUSTER_ENTRY CLUSTER_LOCALITY_ENTRY

message RateLimit envoy.config.route.v3.RateLimit
  stage uint32? <=10
  disable_key string
  actions RateLimitAction[] min_items=1
  - limit: a limit override needs a rate limit service
  - hits_addend: every request counts once
  apply_on_stream_done bool
  x_ratelimit_option XRateLimitOption

message RateLimitAction envoy.config.route.v3.RateLimit.Action
  oneof action_specifier required
  source_cluster RateLimitSourceCluster oneof=action_specifier
  destination_cluster RateLimitDestinationCluster oneof=action_specifier
  request_headers RateLimitRequestHeaders oneof=action_specifier
  query_parameters RateLimitQueryParameters oneof=action_specifier
  remote_address RateLimitRemoteAddress oneof=action_specifier
  generic_key RateLimitGenericKey oneof=action_specifier
  header_value_match RateLimitHeaderValueMatch oneof=action_specifier
  - dynamic_metadata: use metadata
  metadata RateLimitMetaData oneof=action_specifier
  - extension: rate limit extensions
  masked_remote_address RateLimitMaskedRemoteAddress oneof=action_specifier
  query_parameter_value_match RateLimitQueryParameterValueMatch oneof=action_specifier
  remote_address_match RateLimitRemoteAddressMatch oneof=action_specifier

message RateLimitSourceCluster envoy.config.route.v3.RateLimit.Action.SourceCluster

message RateLimitDestinationCluster envoy.config.route.v3.RateLimit.Action.DestinationCluster

message RateLimitRequestHeaders envoy.config.route.v3.RateLimit.Action.RequestHeaders
  header_name string min_len=1 header_name_loose
  descriptor_key string min_len=1
  skip_if_absent bool

message RateLimitQueryParameters envoy.config.route.v3.RateLimit.Action.QueryParameters
  query_parameter_name string min_len=1
  descriptor_key string min_len=1
  skip_if_absent bool

message RateLimitRemoteAddress envoy.config.route.v3.RateLimit.Action.RemoteAddress

message RateLimitGenericKey envoy.config.route.v3.RateLimit.Action.GenericKey
  descriptor_value string min_len=1
  default_value string
  descriptor_key string

message RateLimitHeaderValueMatch envoy.config.route.v3.RateLimit.Action.HeaderValueMatch
  descriptor_value string min_len=1
  default_value string
  descriptor_key string
  expect_match bool?
  headers HeaderMatcher[] min_items=1

message RateLimitMetaData envoy.config.route.v3.RateLimit.Action.MetaData
  descriptor_key string min_len=1
  metadata_key MetadataKey required
  default_value string
  source Source
  skip_if_absent bool

message RateLimitMaskedRemoteAddress envoy.config.route.v3.RateLimit.Action.MaskedRemoteAddress
  v4_prefix_mask_len uint32? <=32
  v6_prefix_mask_len uint32? <=128

message RateLimitQueryParameterValueMatch envoy.config.route.v3.RateLimit.Action.QueryParameterValueMatch
  descriptor_value string min_len=1
  default_value string
  descriptor_key string
  expect_match bool?
  query_parameters QueryParameterMatcher[] min_items=1

message RateLimitRemoteAddressMatch envoy.config.route.v3.RateLimit.Action.RemoteAddressMatch
  descriptor_value string min_len=1
  descriptor_key string
  default_value string
  address_matcher AddressMatcher required
`;
