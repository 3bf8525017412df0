// HTTP filters: fault, CORS, health check, buffer, local rate limit, header mutation, gRPC statistics.

import type { Struct, Value } from './types-any.js';
import type {
  FractionalPercent,
  HeaderValueOption,
  HttpStatus,
  Percent,
  RuntimeFractionalPercent,
  TokenBucket,
} from './types-core.js';
import type { HeaderMutationRule } from './types-hcm.js';
import type { HeaderMatcher, StringMatcher } from './types-matcher.js';
import type { RateLimit } from './types-ratelimit.js';

/** `envoy.extensions.common.ratelimit.v3.XRateLimitHeadersRFCVersion` */
export type XRateLimitHeadersRFCVersion = 'OFF' | 'DRAFT_VERSION_03';

/** `envoy.extensions.common.ratelimit.v3.VhRateLimitsOptions` */
export type VhRateLimitsOptions = 'OVERRIDE' | 'INCLUDE' | 'IGNORE';

/** `envoy.config.core.v3.KeyValueAppend.KeyValueAppendAction` */
export type KeyValueAppendAction =
  | 'APPEND_IF_EXISTS_OR_ADD'
  | 'ADD_IF_ABSENT'
  | 'OVERWRITE_IF_EXISTS_OR_ADD'
  | 'OVERWRITE_IF_EXISTS';

/** `envoy.extensions.filters.http.fault.v3.HTTPFault` */
export interface HTTPFault {
  delay?: FaultDelay;
  abort?: FaultAbort;
  upstream_cluster: string;
  headers: HeaderMatcher[];
  downstream_nodes: string[];
  max_active_faults?: number;
  response_rate_limit?: FaultRateLimit;
  delay_percent_runtime: string;
  abort_percent_runtime: string;
  delay_duration_runtime: string;
  abort_http_status_runtime: string;
  max_active_faults_runtime: string;
  response_rate_limit_percent_runtime: string;
  abort_grpc_status_runtime: string;
  disable_downstream_cluster_stats: boolean;
  filter_metadata?: Struct;
}

/** `envoy.extensions.filters.http.fault.v3.FaultAbort` */
export interface FaultAbort {
  http_status?: number;
  grpc_status?: number;
  header_abort?: HeaderAbort;
  percentage?: FractionalPercent;
  response_body: string;
}

/** `envoy.extensions.filters.http.fault.v3.FaultAbort.HeaderAbort` */
export type HeaderAbort = Record<string, never>;

/** `envoy.extensions.filters.common.fault.v3.FaultDelay` */
export interface FaultDelay {
  /** ms. Starts with the request headers; the end of the stream stops it. Fires: the request goes on. */
  fixed_delay?: number;
  header_delay?: HeaderDelay;
  percentage?: FractionalPercent;
}

/** `envoy.extensions.filters.common.fault.v3.FaultDelay.HeaderDelay` */
export type HeaderDelay = Record<string, never>;

/** `envoy.extensions.filters.common.fault.v3.FaultRateLimit` */
export interface FaultRateLimit {
  fixed_limit?: FaultFixedLimit;
  header_limit?: FaultHeaderLimit;
  percentage?: FractionalPercent;
}

/** `envoy.extensions.filters.common.fault.v3.FaultRateLimit.FixedLimit` */
export interface FaultFixedLimit {
  limit_kbps: number;
}

/** `envoy.extensions.filters.common.fault.v3.FaultRateLimit.HeaderLimit` */
export type FaultHeaderLimit = Record<string, never>;

/** `envoy.extensions.filters.http.cors.v3.Cors` */
export type Cors = Record<string, never>;

/** `envoy.extensions.filters.http.cors.v3.CorsPolicy` */
export interface FilterCorsPolicy {
  allow_origin_string_match: StringMatcher[];
  allow_methods: string;
  allow_headers: string;
  expose_headers: string;
  /** Seconds, as text. */
  max_age: string;
  allow_credentials?: boolean;
  filter_enabled?: RuntimeFractionalPercent;
  shadow_enabled?: RuntimeFractionalPercent;
  allow_private_network_access?: boolean;
  forward_not_matching_preflights?: boolean;
}

/** `envoy.extensions.filters.http.health_check.v3.HealthCheck` */
export interface HealthCheckFilter {
  pass_through_mode: boolean;
  /** ms; default 0. An upstream's answer is given again for so long. */
  cache_time?: number;
  cluster_min_healthy_percentages: Record<string, Percent>;
  headers: HeaderMatcher[];
}

/** `envoy.extensions.filters.http.buffer.v3.Buffer` */
export interface BufferFilter {
  max_request_bytes: number;
}

/** `envoy.extensions.filters.http.buffer.v3.BufferPerRoute` */
export interface BufferPerRoute {
  disabled?: boolean;
  buffer?: BufferFilter;
}

/** `envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit` */
export interface LocalRateLimit {
  stat_prefix: string;
  status?: HttpStatus;
  token_bucket?: TokenBucket;
  filter_enabled?: RuntimeFractionalPercent;
  filter_enforced?: RuntimeFractionalPercent;
  request_headers_to_add_when_not_enforced: HeaderValueOption[];
  response_headers_to_add: HeaderValueOption[];
  descriptors: LocalRateLimitDescriptor[];
  stage: number;
  local_rate_limit_per_downstream_connection: boolean;
  local_cluster_rate_limit?: LocalClusterRateLimit;
  enable_x_ratelimit_headers: XRateLimitHeadersRFCVersion;
  vh_rate_limits: VhRateLimitsOptions;
  always_consume_default_token_bucket?: boolean;
  rate_limited_as_resource_exhausted: boolean;
  rate_limits: RateLimit[];
  max_dynamic_descriptors?: number;
  enable_retry_after_header: boolean;
}

/** `envoy.extensions.common.ratelimit.v3.LocalRateLimitDescriptor` */
export interface LocalRateLimitDescriptor {
  entries: RateLimitDescriptorEntry[];
  token_bucket: TokenBucket;
  shadow_mode: boolean;
}

/** `envoy.extensions.common.ratelimit.v3.RateLimitDescriptor.Entry` */
export interface RateLimitDescriptorEntry {
  key: string;
  value: string;
}

/** `envoy.extensions.common.ratelimit.v3.LocalClusterRateLimit` */
export type LocalClusterRateLimit = Record<string, never>;

/** `envoy.extensions.filters.http.header_mutation.v3.HeaderMutation` */
export interface HeaderMutationFilter {
  mutations?: Mutations;
  most_specific_header_mutations_wins: boolean;
}

/** `envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute` */
export interface HeaderMutationPerRoute {
  mutations?: Mutations;
}

/** `envoy.extensions.filters.http.header_mutation.v3.Mutations` */
export interface Mutations {
  request_mutations: HeaderMutationRule[];
  query_parameter_mutations: KeyValueMutation[];
  response_mutations: HeaderMutationRule[];
  response_trailers_mutations: HeaderMutationRule[];
  request_trailers_mutations: HeaderMutationRule[];
}

/** `envoy.config.core.v3.KeyValueMutation` */
export interface KeyValueMutation {
  append?: KeyValueAppend;
  remove: string;
}

/** `envoy.config.core.v3.KeyValueAppend` */
export interface KeyValueAppend {
  record?: KeyValuePair;
  action: KeyValueAppendAction;
}

/** `envoy.config.core.v3.KeyValuePair` */
export interface KeyValuePair {
  key: string;
  value?: Value;
}

/** `envoy.extensions.filters.http.grpc_stats.v3.FilterConfig` */
export interface GrpcStatsFilter {
  emit_filter_state: boolean;
  individual_method_stats_allowlist?: GrpcMethodList;
  stats_for_all_methods?: boolean;
  enable_upstream_stats: boolean;
  replace_dots_in_grpc_service_name: boolean;
}

/** `envoy.config.core.v3.GrpcMethodList` */
export interface GrpcMethodList {
  services: GrpcMethodListService[];
}

/** `envoy.config.core.v3.GrpcMethodList.Service` */
export interface GrpcMethodListService {
  name: string;
  method_names: string[];
}
