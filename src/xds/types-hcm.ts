// The HTTP connection manager and the router filter.
import type { AccessLog, AccessLogFilter } from './types-accesslog.js';
import type { Any } from './types-any.js';
import type {
  CidrRange,
  DataSource,
  HeaderValueOption,
  HttpStatus,
  Percent,
  SubstitutionFormatString,
  TypedExtensionConfig,
} from './types-core.js';
import type { StringMatcher } from './types-matcher.js';
import type {
  Http1ProtocolOptions,
  Http2ProtocolOptions,
  HttpProtocolOptions,
  SchemeHeaderTransformation,
} from './types-protocol.js';
import type { RouteConfiguration } from './types-route.js';

/** `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.CodecType` */
export type CodecType = 'AUTO' | 'HTTP1' | 'HTTP2' | 'HTTP3';

/** `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.ServerHeaderTransformation` */
export type ServerHeaderTransformation = 'OVERWRITE' | 'APPEND_IF_ABSENT' | 'PASS_THROUGH';

/** `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.ForwardClientCertDetails` */
export type ForwardClientCertDetails =
  | 'SANITIZE'
  | 'FORWARD_ONLY'
  | 'APPEND_FORWARD'
  | 'SANITIZE_SET'
  | 'ALWAYS_FORWARD_ONLY';

/** `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.PathWithEscapedSlashesAction` */
export type PathWithEscapedSlashesAction =
  | 'IMPLEMENTATION_SPECIFIC_DEFAULT'
  | 'KEEP_UNCHANGED'
  | 'REJECT_REQUEST'
  | 'UNESCAPE_AND_REDIRECT'
  | 'UNESCAPE_AND_FORWARD';

/** `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.ForwardClientCertFormat` */
export type ForwardClientCertFormat = 'TEXT' | 'JSON';

/** `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager` */
export interface HttpConnectionManager {
  /** AUTO decides by the first bytes of a connection. */
  codec_type: CodecType;
  stat_prefix: string;
  route_config?: RouteConfiguration;
  http_filters: HttpFilter[];
  add_user_agent?: boolean;
  common_http_protocol_options?: HttpProtocolOptions;
  /** An HTTP/1 connection past its duration ends with the next response instead of draining. */
  http1_safe_max_connection_duration: boolean;
  http_protocol_options?: Http1ProtocolOptions;
  http2_protocol_options?: Http2ProtocolOptions;
  /** Value of the server header; default envoy. */
  server_name: string;
  server_header_transformation: ServerHeaderTransformation;
  scheme_header_transformation?: SchemeHeaderTransformation;
  /** KiB of a request's header block; default 60. More: 431. */
  max_request_headers_kb?: number;
  /**
   * ms; default 300 000, 0 is off. Starts with the stream, anew with each part of request or response that passes; a
   * stream that ends stops it. Fires: 408 while the request is incomplete, else 504, flag SI. A route's idle_timeout
   * replaces it.
   */
  stream_idle_timeout?: number;
  /**
   * ms; default is stream_idle_timeout, 0 is off. Starts when the end of the response is encoded and bytes are left
   * to send (HTTP/2); stops when they are sent. Fires: RST_STREAM INTERNAL_ERROR.
   */
  stream_flush_timeout?: number;
  /**
   * ms; default off, 0 is off. Starts with the stream; stops when the whole request has passed the filters or the
   * response begins. Fires: 408, or 504 when the request is complete.
   */
  request_timeout?: number;
  /** ms; default off, 0 is off. Starts with the stream; stops when the request headers are complete. Fires: 408. */
  request_headers_timeout?: number;
  /**
   * ms; default 5000. Starts when a connection begins to drain; stops when it closes. Fires: final GOAWAY, and the
   * connection closes once no stream is left.
   */
  drain_timeout?: number;
  /** Percent by which drain_timeout is lengthened at most; default none. */
  drain_timeout_jitter?: Percent;
  /**
   * ms; default 1000, 0 closes at once. Starts when a connection is to be closed after its last bytes, anew with
   * progress of writing; the peer's close stops it. Fires: the socket is closed.
   */
  delayed_close_timeout?: number;
  access_log: AccessLog[];
  access_log_options?: HcmAccessLogOptions;
  /** Default false: the address of the client is taken from x-forwarded-for. */
  use_remote_address?: boolean;
  xff_num_trusted_hops: number;
  original_ip_detection_extensions: TypedExtensionConfig[];
  early_header_mutation_extensions: TypedExtensionConfig[];
  /** Default: no address is internal. */
  internal_address_config?: InternalAddressConfig;
  skip_xff_append: boolean;
  via: string;
  /** Default true. */
  generate_request_id?: boolean;
  preserve_external_request_id: boolean;
  always_set_request_id_in_response: boolean;
  forward_client_cert_details: ForwardClientCertDetails;
  set_current_client_cert_details?: SetCurrentClientCertDetails;
  proxy_100_continue: boolean;
  represent_ipv4_remote_address_as_ipv4_mapped_ipv6: boolean;
  upgrade_configs: HcmUpgradeConfig[];
  /** Default false. */
  normalize_path?: boolean;
  merge_slashes: boolean;
  path_with_escaped_slashes_action: PathWithEscapedSlashesAction;
  request_id_extension?: RequestIDExtension;
  local_reply_config?: LocalReplyConfig;
  strip_matching_host_port: boolean;
  strip_any_host_port?: boolean;
  stream_error_on_invalid_http_message?: boolean;
  path_normalization_options?: PathNormalizationOptions;
  strip_trailing_host_dot: boolean;
  proxy_status_config?: ProxyStatusConfig;
  append_x_forwarded_port: boolean;
  append_local_overload: boolean;
  forward_proto_config?: ForwardProtoConfig;
}

/** `envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter` */
export interface HttpFilter {
  name: string;
  typed_config?: Any;
  is_optional: boolean;
  disabled: boolean;
}

/** `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.UpgradeConfig` */
export interface HcmUpgradeConfig {
  upgrade_type: string;
  filters: HttpFilter[];
  enabled?: boolean;
}

/** `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.InternalAddressConfig` */
export interface InternalAddressConfig {
  unix_sockets: boolean;
  cidr_ranges: CidrRange[];
}

/** `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.SetCurrentClientCertDetails` */
export interface SetCurrentClientCertDetails {
  subject?: boolean;
  cert: boolean;
  chain: boolean;
  dns: boolean;
  uri: boolean;
  issuer: boolean;
  format: ForwardClientCertFormat;
}

/** `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.PathNormalizationOptions` */
export type PathNormalizationOptions = Record<string, never>;

/** `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.ProxyStatusConfig` */
export interface ProxyStatusConfig {
  remove_details: boolean;
  remove_connection_termination_details: boolean;
  remove_response_flags: boolean;
  set_recommended_response_code: boolean;
  use_node_id?: boolean;
  literal_proxy_name?: string;
}

/** `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.HcmAccessLogOptions` */
export interface HcmAccessLogOptions {
  /**
   * ms; default off. Starts with the stream, anew each time it fires; the end of the stream stops it. Fires: a line
   * in the access log.
   */
  access_log_flush_interval?: number;
  flush_access_log_on_new_request: boolean;
  flush_log_on_tunnel_successfully_established: boolean;
}

/** `envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig` */
export interface LocalReplyConfig {
  mappers: ResponseMapper[];
  body_format?: SubstitutionFormatString;
}

/** `envoy.extensions.filters.network.http_connection_manager.v3.ResponseMapper` */
export interface ResponseMapper {
  filter: AccessLogFilter;
  status_code?: number;
  body?: DataSource;
  body_format_override?: SubstitutionFormatString;
  headers_to_add: HeaderValueOption[];
}

/** `envoy.extensions.filters.network.http_connection_manager.v3.RequestIDExtension` */
export interface RequestIDExtension {
  typed_config?: Any;
}

/** `envoy.extensions.filters.network.http_connection_manager.v3.ForwardProtoConfig` */
export interface ForwardProtoConfig {
  https_destination_ports: number[];
  http_destination_ports: number[];
}

/** `envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig` */
export interface UuidRequestIdConfig {
  pack_trace_reason?: boolean;
  use_request_id_for_trace_sampling?: boolean;
}

/** `envoy.extensions.http.original_ip_detection.xff.v3.XffConfig` */
export interface XffConfig {
  xff_num_trusted_hops: number;
  xff_trusted_cidrs?: XffTrustedCidrs;
  skip_xff_append?: boolean;
}

/** `envoy.extensions.http.original_ip_detection.xff.v3.XffTrustedCidrs` */
export interface XffTrustedCidrs {
  cidrs: CidrRange[];
}

/** `envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig` */
export interface CustomHeaderConfig {
  header_name: string;
  allow_extension_to_set_address_as_trusted: boolean;
  reject_with_status?: HttpStatus;
}

/** `envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation` */
export interface EarlyHeaderMutation {
  mutations: HeaderMutationRule[];
}

/** `envoy.config.common.mutation_rules.v3.HeaderMutation` */
export interface HeaderMutationRule {
  remove?: string;
  append?: HeaderValueOption;
  remove_on_match?: RemoveOnMatch;
}

/** `envoy.config.common.mutation_rules.v3.HeaderMutation.RemoveOnMatch` */
export interface RemoveOnMatch {
  key_matcher: StringMatcher;
}

/** `envoy.extensions.filters.http.router.v3.Router` */
export interface Router {
  dynamic_stats?: boolean;
  upstream_log: AccessLog[];
  upstream_log_options?: UpstreamAccessLogOptions;
  suppress_envoy_headers: boolean;
  strict_check_headers: string[];
  respect_expected_rq_timeout: boolean;
  suppress_grpc_request_failure_code_stats: boolean;
  upstream_http_filters: HttpFilter[];
  reject_connect_request_early_data?: boolean;
}

/** `envoy.extensions.filters.http.router.v3.Router.UpstreamAccessLogOptions` */
export interface UpstreamAccessLogOptions {
  flush_upstream_log_on_upstream_stream: boolean;
  /** ms; default off. Starts with an attempt, anew each time it fires. Fires: a line in the upstream log. */
  upstream_log_flush_interval?: number;
}
