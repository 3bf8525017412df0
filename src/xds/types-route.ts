// Route configuration, virtual hosts, routes and their actions.

import type { Any } from './types-any.js';
import type {
  DataSource,
  HeaderValueOption,
  Metadata,
  RuntimeFractionalPercent,
  SubstitutionFormatString,
  TypedExtensionConfig,
} from './types-core.js';
import type {
  CookieMatcher,
  FilterStateMatcher,
  HeaderMatcher,
  MetadataMatcher,
  QueryParameterMatcher,
  RegexMatchAndSubstitute,
  RegexMatcher,
} from './types-matcher.js';
import type { RateLimit } from './types-ratelimit.js';
import type {
  CorsPolicy,
  HashPolicy,
  HedgePolicy,
  InternalRedirectPolicy,
  MaxStreamDuration,
  RequestMirrorPolicy,
  RetryPolicy,
  RouteUpgradeConfig,
} from './types-route-policy.js';

/** `envoy.config.route.v3.VirtualHost.TlsRequirementType` */
export type TlsRequirementType = 'NONE' | 'EXTERNAL_ONLY' | 'ALL';

/** `envoy.config.route.v3.RouteAction.ClusterNotFoundResponseCode` */
export type ClusterNotFoundResponseCode = 'SERVICE_UNAVAILABLE' | 'NOT_FOUND' | 'INTERNAL_SERVER_ERROR';

/** `envoy.config.core.v3.RoutingPriority` */
export type RoutingPriority = 'DEFAULT' | 'HIGH';

/** `envoy.config.route.v3.RedirectAction.RedirectResponseCode` */
export type RedirectResponseCode =
  | 'MOVED_PERMANENTLY'
  | 'FOUND'
  | 'SEE_OTHER'
  | 'TEMPORARY_REDIRECT'
  | 'PERMANENT_REDIRECT';

/** `envoy.config.route.v3.RouteConfiguration` */
export interface RouteConfiguration {
  name: string;
  virtual_hosts: VirtualHost[];
  internal_only_headers: string[];
  response_headers_to_add: HeaderValueOption[];
  response_headers_to_remove: string[];
  request_headers_to_add: HeaderValueOption[];
  request_headers_to_remove: string[];
  most_specific_header_mutations_wins: boolean;
  /** Default true for the configurations of a bootstrap. */
  validate_clusters?: boolean;
  /** Default 4096. */
  max_direct_response_body_size_bytes?: number;
  request_mirror_policies: RequestMirrorPolicy[];
  ignore_port_in_host_matching: boolean;
  vhost_header: string;
  ignore_path_parameters_in_path_matching: boolean;
  typed_per_filter_config: Record<string, Any>;
  metadata?: Metadata;
}

/** `envoy.config.route.v3.VirtualHost` */
export interface VirtualHost {
  name: string;
  domains: string[];
  routes: Route[];
  require_tls: TlsRequirementType;
  virtual_clusters: VirtualCluster[];
  rate_limits: RateLimit[];
  request_headers_to_add: HeaderValueOption[];
  request_headers_to_remove: string[];
  response_headers_to_add: HeaderValueOption[];
  response_headers_to_remove: string[];
  cors?: CorsPolicy;
  typed_per_filter_config: Record<string, Any>;
  include_request_attempt_count: boolean;
  include_attempt_count_in_response: boolean;
  retry_policy?: RetryPolicy;
  hedge_policy?: HedgePolicy;
  include_is_timeout_retry_header: boolean;
  per_request_buffer_limit_bytes?: number;
  /** Bytes of a request that are kept for retries and mirrors; default is the stream's buffer limit. */
  request_body_buffer_limit?: number;
  request_mirror_policies: RequestMirrorPolicy[];
  metadata?: Metadata;
}

/** `envoy.config.route.v3.Route` */
export interface Route {
  name: string;
  match: RouteMatch;
  route?: RouteAction;
  redirect?: RedirectAction;
  direct_response?: DirectResponseAction;
  non_forwarding_action?: NonForwardingAction;
  metadata?: Metadata;
  decorator?: Decorator;
  typed_per_filter_config: Record<string, Any>;
  request_headers_to_add: HeaderValueOption[];
  request_headers_to_remove: string[];
  response_headers_to_add: HeaderValueOption[];
  response_headers_to_remove: string[];
  per_request_buffer_limit_bytes?: number;
  stat_prefix: string;
  /** Bytes of a request that are kept for retries and mirrors; default is the virtual host's. */
  request_body_buffer_limit?: number;
}

/** `envoy.config.route.v3.RouteMatch` */
export interface RouteMatch {
  prefix?: string;
  path?: string;
  safe_regex?: RegexMatcher;
  connect_matcher?: ConnectMatcher;
  path_separated_prefix?: string;
  path_match_policy?: TypedExtensionConfig;
  /** Default true. */
  case_sensitive?: boolean;
  runtime_fraction?: RuntimeFractionalPercent;
  headers: HeaderMatcher[];
  query_parameters: QueryParameterMatcher[];
  cookies: CookieMatcher[];
  grpc?: GrpcRouteMatchOptions;
  tls_context?: TlsContextMatchOptions;
  dynamic_metadata: MetadataMatcher[];
  filter_state: FilterStateMatcher[];
}

/** `envoy.config.route.v3.RouteMatch.ConnectMatcher` */
export type ConnectMatcher = Record<string, never>;

/** `envoy.config.route.v3.RouteMatch.GrpcRouteMatchOptions` */
export type GrpcRouteMatchOptions = Record<string, never>;

/** `envoy.config.route.v3.RouteMatch.TlsContextMatchOptions` */
export interface TlsContextMatchOptions {
  presented?: boolean;
  validated?: boolean;
}

/** `envoy.config.route.v3.RouteAction` */
export interface RouteAction {
  cluster?: string;
  cluster_header?: string;
  weighted_clusters?: WeightedCluster;
  cluster_not_found_response_code: ClusterNotFoundResponseCode;
  metadata_match?: Metadata;
  prefix_rewrite: string;
  regex_rewrite?: RegexMatchAndSubstitute;
  path_rewrite_policy?: TypedExtensionConfig;
  path_rewrite: string;
  host_rewrite_literal?: string;
  auto_host_rewrite?: boolean;
  host_rewrite_header?: string;
  host_rewrite_path_regex?: RegexMatchAndSubstitute;
  host_rewrite?: string;
  append_x_forwarded_host: boolean;
  /**
   * ms; default 15 000, 0 is off. Starts when the router has the whole request and an attempt exists; stops when the
   * response is complete. Fires: 504, flag UT, or a reset once the response began. Without effect when
   * max_stream_duration is given.
   */
  timeout?: number;
  /** ms; replaces the connection manager's stream_idle_timeout for streams of the route, 0 turns it off. */
  idle_timeout?: number;
  /** ms; replaces the connection manager's stream_flush_timeout for streams of the route. */
  flush_timeout?: number;
  retry_policy?: RetryPolicy;
  request_mirror_policies: RequestMirrorPolicy[];
  priority: RoutingPriority;
  rate_limits: RateLimit[];
  include_vh_rate_limits?: boolean;
  hash_policy: HashPolicy[];
  cors?: CorsPolicy;
  /** ms; the grpc-timeout header limits the route timeout, at most to this; 0: no bound. */
  max_grpc_timeout?: number;
  /** ms taken off the grpc-timeout header. */
  grpc_timeout_offset?: number;
  upgrade_configs: RouteUpgradeConfig[];
  internal_redirect_policy?: InternalRedirectPolicy;
  hedge_policy?: HedgePolicy;
  max_stream_duration?: MaxStreamDuration;
}

/** `envoy.config.route.v3.RedirectAction` */
export interface RedirectAction {
  https_redirect?: boolean;
  scheme_redirect?: string;
  host_redirect: string;
  port_redirect: number;
  path_redirect?: string;
  prefix_rewrite?: string;
  regex_rewrite?: RegexMatchAndSubstitute;
  path_rewrite?: string;
  response_code: RedirectResponseCode;
  strip_query: boolean;
}

/** `envoy.config.route.v3.DirectResponseAction` */
export interface DirectResponseAction {
  status: number;
  body?: DataSource;
  body_format?: SubstitutionFormatString;
}

/** `envoy.config.route.v3.NonForwardingAction` */
export type NonForwardingAction = Record<string, never>;

/** `envoy.config.route.v3.WeightedCluster` */
export interface WeightedCluster {
  clusters: ClusterWeight[];
  total_weight?: number;
  runtime_key_prefix: string;
  header_name?: string;
  use_hash_policy?: boolean;
}

/** `envoy.config.route.v3.WeightedCluster.ClusterWeight` */
export interface ClusterWeight {
  name: string;
  cluster_header: string;
  weight?: number;
  metadata_match?: Metadata;
  request_headers_to_add: HeaderValueOption[];
  request_headers_to_remove: string[];
  response_headers_to_add: HeaderValueOption[];
  response_headers_to_remove: string[];
  typed_per_filter_config: Record<string, Any>;
  host_rewrite_literal?: string;
}

/** `envoy.config.route.v3.VirtualCluster` */
export interface VirtualCluster {
  headers: HeaderMatcher[];
  name: string;
}

/** `envoy.config.route.v3.Decorator` */
export interface Decorator {
  operation: string;
  propagate?: boolean;
}

/** `envoy.config.route.v3.FilterConfig` */
export interface FilterConfig {
  config?: Any;
  is_optional: boolean;
  disabled: boolean;
}

/** `envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig` */
export interface UriTemplateMatchConfig {
  path_template: string;
}

/** `envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig` */
export interface UriTemplateRewriteConfig {
  path_template_rewrite: string;
}
