// Policies of routes: retry, hedge, mirror, hash, upgrade, internal redirect, CORS.

import type { Any } from './types-any.js';
import type {
  FractionalPercent,
  Metadata,
  ProxyProtocolConfig,
  RuntimeFractionalPercent,
  TypedExtensionConfig,
} from './types-core.js';
import type { HeaderMutationRule } from './types-hcm.js';
import type { HeaderMatcher, RegexMatchAndSubstitute, StringMatcher } from './types-matcher.js';

/** `envoy.config.route.v3.RetryPolicy.ResetHeaderFormat` */
export type ResetHeaderFormat = 'SECONDS' | 'UNIX_TIMESTAMP';

/** `envoy.config.route.v3.RetryPolicy` */
export interface RetryPolicy {
  retry_on: string;
  num_retries?: number;
  per_try_timeout?: number;
  per_try_idle_timeout?: number;
  retry_priority?: RetryPriority;
  retry_host_predicate: RetryHostPredicate[];
  host_selection_retry_max_attempts: number;
  retriable_status_codes: number[];
  retry_back_off?: RetryBackOff;
  rate_limited_retry_back_off?: RateLimitedRetryBackOff;
  retriable_headers: HeaderMatcher[];
  retriable_request_headers: HeaderMatcher[];
}

/** `envoy.config.route.v3.RetryPolicy.RetryBackOff` */
export interface RetryBackOff {
  base_interval: number;
  max_interval?: number;
}

/** `envoy.config.route.v3.RetryPolicy.RateLimitedRetryBackOff` */
export interface RateLimitedRetryBackOff {
  reset_headers: ResetHeader[];
  max_interval?: number;
}

/** `envoy.config.route.v3.RetryPolicy.ResetHeader` */
export interface ResetHeader {
  name: string;
  format: ResetHeaderFormat;
}

/** `envoy.config.route.v3.RetryPolicy.RetryHostPredicate` */
export interface RetryHostPredicate {
  name: string;
  typed_config: Any;
}

/** `envoy.config.route.v3.RetryPolicy.RetryPriority` */
export interface RetryPriority {
  name: string;
  typed_config: Any;
}

/** `envoy.config.route.v3.HedgePolicy` */
export interface HedgePolicy {
  initial_requests?: number;
  additional_request_chance?: FractionalPercent;
  hedge_on_per_try_timeout: boolean;
}

/** `envoy.config.route.v3.RouteAction.MaxStreamDuration` */
export interface MaxStreamDuration {
  max_stream_duration?: number;
  grpc_timeout_header_max?: number;
  grpc_timeout_header_offset?: number;
}

/** `envoy.config.route.v3.RouteAction.RequestMirrorPolicy` */
export interface RequestMirrorPolicy {
  cluster: string;
  cluster_header: string;
  runtime_fraction?: RuntimeFractionalPercent;
  trace_sampled?: boolean;
  disable_shadow_host_suffix_append: boolean;
  request_headers_mutations: HeaderMutationRule[];
  host_rewrite_literal: string;
}

/** `envoy.config.route.v3.RouteAction.HashPolicy` */
export interface HashPolicy {
  header?: HashPolicyHeader;
  cookie?: HashPolicyCookie;
  connection_properties?: HashPolicyConnectionProperties;
  query_parameter?: HashPolicyQueryParameter;
  filter_state?: HashPolicyFilterState;
  terminal: boolean;
}

/** `envoy.config.route.v3.RouteAction.HashPolicy.Header` */
export interface HashPolicyHeader {
  header_name: string;
  regex_rewrite?: RegexMatchAndSubstitute;
}

/** `envoy.config.route.v3.RouteAction.HashPolicy.Cookie` */
export interface HashPolicyCookie {
  name: string;
  ttl?: number;
  path: string;
  attributes: HashPolicyCookieAttribute[];
}

/** `envoy.config.route.v3.RouteAction.HashPolicy.CookieAttribute` */
export interface HashPolicyCookieAttribute {
  name: string;
  value: string;
}

/** `envoy.config.route.v3.RouteAction.HashPolicy.ConnectionProperties` */
export interface HashPolicyConnectionProperties {
  source_ip: boolean;
}

/** `envoy.config.route.v3.RouteAction.HashPolicy.QueryParameter` */
export interface HashPolicyQueryParameter {
  name: string;
}

/** `envoy.config.route.v3.RouteAction.HashPolicy.FilterState` */
export interface HashPolicyFilterState {
  key: string;
}

/** `envoy.config.route.v3.RouteAction.UpgradeConfig` */
export interface RouteUpgradeConfig {
  upgrade_type: string;
  enabled?: boolean;
  connect_config?: ConnectConfig;
}

/** `envoy.config.route.v3.RouteAction.UpgradeConfig.ConnectConfig` */
export interface ConnectConfig {
  proxy_protocol_config?: ProxyProtocolConfig;
  allow_post: boolean;
}

/** `envoy.config.route.v3.InternalRedirectPolicy` */
export interface InternalRedirectPolicy {
  max_internal_redirects?: number;
  redirect_response_codes: number[];
  predicates: TypedExtensionConfig[];
  allow_cross_scheme_redirect: boolean;
  response_headers_to_copy: string[];
}

/** `envoy.config.route.v3.CorsPolicy` */
export interface CorsPolicy {
  allow_origin_string_match: StringMatcher[];
  allow_methods: string;
  allow_headers: string;
  expose_headers: string;
  max_age: string;
  allow_credentials?: boolean;
  filter_enabled?: RuntimeFractionalPercent;
  shadow_enabled?: RuntimeFractionalPercent;
  allow_private_network_access?: boolean;
  forward_not_matching_preflights?: boolean;
}

/** `envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate` */
export type PreviousHostsPredicate = Record<string, never>;

/** `envoy.extensions.retry.host.omit_canary_hosts.v3.OmitCanaryHostsPredicate` */
export type OmitCanaryHostsPredicate = Record<string, never>;

/** `envoy.extensions.retry.host.omit_host_metadata.v3.OmitHostMetadataConfig` */
export interface OmitHostMetadataConfig {
  metadata_match?: Metadata;
}

/** `envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig` */
export interface PreviousPrioritiesConfig {
  update_frequency: number;
}

/** `envoy.extensions.internal_redirect.allow_listed_routes.v3.AllowListedRoutesConfig` */
export interface AllowListedRoutesConfig {
  allowed_route_names: string[];
}

/** `envoy.extensions.internal_redirect.previous_routes.v3.PreviousRoutesConfig` */
export type PreviousRoutesConfig = Record<string, never>;

/** `envoy.extensions.internal_redirect.safe_cross_scheme.v3.SafeCrossSchemeConfig` */
export type SafeCrossSchemeConfig = Record<string, never>;
