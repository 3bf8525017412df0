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
  /** Default 1. */
  num_retries?: number;
  /**
   * ms; default off, 0 is off. Starts when the request is complete and the attempt has a connection; the first
   * response headers stop it. Fires: the attempt is reset, and retried when retry_on says so; else 504, flag UT.
   */
  per_try_timeout?: number;
  /**
   * ms; default off, 0 is off. Starts as per_try_timeout, anew with each part of the response; the end of the
   * attempt stops it. Fires: as per_try_timeout.
   */
  per_try_idle_timeout?: number;
  retry_priority?: RetryPriority;
  retry_host_predicate: RetryHostPredicate[];
  /** How often another host is picked when a predicate refuses one; default 1. */
  host_selection_retry_max_attempts: number;
  retriable_status_codes: number[];
  retry_back_off?: RetryBackOff;
  rate_limited_retry_back_off?: RateLimitedRetryBackOff;
  retriable_headers: HeaderMatcher[];
  retriable_request_headers: HeaderMatcher[];
}

/** `envoy.config.route.v3.RetryPolicy.RetryBackOff` */
export interface RetryBackOff {
  /**
   * ms; default 25 when there is no retry_back_off. The wait before the n-th retry is random, below base, 2·base,
   * 4·base, …
   */
  base_interval: number;
  /** ms; default ten times base_interval. */
  max_interval?: number;
}

/** `envoy.config.route.v3.RetryPolicy.RateLimitedRetryBackOff` */
export interface RateLimitedRetryBackOff {
  reset_headers: ResetHeader[];
  /** ms; default 300 000. A longer wait that the response asks for is not heeded. */
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
  /** ms since the stream began; replaces the connection manager's, 0 turns it off. Fires: 408 or 504. */
  max_stream_duration?: number;
  /** ms; when given, the grpc-timeout header is the limit, at most this; 0: no bound. */
  grpc_timeout_header_max?: number;
  /** ms taken off the grpc-timeout header. */
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
  /** ms. When given, a cookie is made for clients that send none; 0: for the session. */
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
  /** Default 1. */
  max_internal_redirects?: number;
  /** Default 302. */
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
  /** Seconds, as text. */
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
