// HTTP protocol options of connection managers and clusters.
import type { Percent, TypedExtensionConfig } from './types-core.js';
import type { HttpFilter } from './types-hcm.js';
import type { StringMatcher } from './types-matcher.js';
import type { HashPolicy, RequestMirrorPolicy, RetryPolicy } from './types-route-policy.js';

/** `envoy.config.core.v3.HttpProtocolOptions.HeadersWithUnderscoresAction` */
export type HeadersWithUnderscoresAction = 'ALLOW' | 'REJECT_REQUEST' | 'DROP_HEADER';

/** `envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig.FormatterTypeOnEnvoyHeaders` */
export type FormatterTypeOnEnvoyHeaders = 'DEFAULT' | 'PROPER_CASE';

/** `envoy.config.core.v3.HttpProtocolOptions` */
export interface HttpProtocolOptions {
  /**
   * ms; default 3 600 000, 0 is off. Starts when a connection has no stream; a new stream stops it. Fires: a
   * downstream connection drains, an upstream connection closes.
   */
  idle_timeout?: number;
  /** ms; default off. Starts with the connection. Fires: the connection drains. */
  max_connection_duration?: number;
  max_connection_duration_jitter?: Percent;
  /** Header fields of a message; default 100. More: 431 downstream, a reset upstream. */
  max_headers_count?: number;
  /** KiB of a response's header block; default 80. Clusters only. */
  max_response_headers_kb?: number;
  /**
   * ms; default off. Downstream: starts with the stream, the end of the stream stops it; fires: 408 or 504. In a
   * cluster: starts when an attempt has a connection; fires: the attempt is reset, flag UMSDR.
   */
  max_stream_duration?: number;
  headers_with_underscores_action: HeadersWithUnderscoresAction;
  /** Streams that a connection carries; default and 0: no limit. */
  max_requests_per_connection?: number;
}

/** `envoy.config.core.v3.Http1ProtocolOptions` */
export interface Http1ProtocolOptions {
  allow_absolute_url?: boolean;
  accept_http_10: boolean;
  default_host_for_http_10: string;
  header_key_format?: HeaderKeyFormat;
  enable_trailers: boolean;
  allow_chunked_length: boolean;
  override_stream_error_on_invalid_http_message?: boolean;
  send_fully_qualified_url: boolean;
  use_balsa_parser?: boolean;
  allow_custom_methods: boolean;
  ignore_http_11_upgrade: StringMatcher[];
}

/** `envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat` */
export interface HeaderKeyFormat {
  proper_case_words?: ProperCaseWords;
  stateful_formatter?: TypedExtensionConfig;
}

/** `envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat.ProperCaseWords` */
export type ProperCaseWords = Record<string, never>;

/** `envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig` */
export interface PreserveCaseFormatterConfig {
  forward_reason_phrase: boolean;
  formatter_type_on_envoy_headers: FormatterTypeOnEnvoyHeaders;
}

/** `envoy.config.core.v3.Http2ProtocolOptions` */
export interface Http2ProtocolOptions {
  /** Bytes; default 4096. */
  hpack_table_size?: number;
  /** Default 1024; advertised downstream, an upper bound upstream. */
  max_concurrent_streams?: number;
  /** Bytes; default 16 777 216. */
  initial_stream_window_size?: number;
  /** Bytes; default 25 165 824. */
  initial_connection_window_size?: number;
  allow_connect: boolean;
  /** Frames waiting to be sent; default 10 000. More: the connection is closed. */
  max_outbound_frames?: number;
  /** PING, SETTINGS and RST_STREAM frames waiting to be sent; default 1000. More: the connection is closed. */
  max_outbound_control_frames?: number;
  /** Default 1. More: the connection is closed. */
  max_consecutive_inbound_frames_with_empty_payload?: number;
  /** Default 100. */
  max_inbound_priority_frames_per_stream?: number;
  /** Default 10. */
  max_inbound_window_update_frames_per_data_frame_sent?: number;
  stream_error_on_invalid_http_messaging: boolean;
  override_stream_error_on_invalid_http_message?: boolean;
  custom_settings_parameters: Http2SettingsParameter[];
  connection_keepalive?: KeepaliveSettings;
  use_oghttp2_codec?: boolean;
  enable_huffman_encoding?: boolean;
  max_header_field_size_kb?: number;
  disallow_obs_text?: boolean;
  stream_reset_burst?: number;
  stream_reset_rate?: number;
}

/** `envoy.config.core.v3.Http2ProtocolOptions.SettingsParameter` */
export interface Http2SettingsParameter {
  identifier: number;
  value: number;
}

/** `envoy.config.core.v3.KeepaliveSettings` */
export interface KeepaliveSettings {
  /**
   * ms between the answer to a PING and the next PING; 0 and absent: none are sent. Starts with the connection and
   * with each answer. Fires: a PING.
   */
  interval?: number;
  /**
   * ms. Starts when a PING is sent, anew with each frame received; the answer stops it. Fires: the connection is
   * closed.
   */
  timeout: number;
  /** Percent by which the interval is lengthened at most; default 15. */
  interval_jitter?: Percent;
  /** ms; default off. When nothing was received for so long, a PING goes before the next stream (upstream only). */
  connection_idle_interval?: number;
}

/** `envoy.config.core.v3.UpstreamHttpProtocolOptions` */
export interface UpstreamHttpProtocolOptions {
  auto_sni: boolean;
  auto_san_validation: boolean;
  override_auto_sni_header: string;
}

/** `envoy.config.core.v3.SchemeHeaderTransformation` */
export interface SchemeHeaderTransformation {
  scheme_to_overwrite?: string;
  match_upstream: boolean;
}

/** `envoy.extensions.upstreams.http.v3.HttpProtocolOptions` */
export interface UpstreamHttpConfig {
  common_http_protocol_options?: HttpProtocolOptions;
  upstream_http_protocol_options?: UpstreamHttpProtocolOptions;
  explicit_http_config?: ExplicitHttpConfig;
  use_downstream_protocol_config?: UseDownstreamHttpConfig;
  auto_config?: AutoHttpConfig;
  http_filters: HttpFilter[];
  request_mirror_policies: RequestMirrorPolicy[];
  hash_policy: HashPolicy[];
  retry_policy?: RetryPolicy;
}

/** `envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig` */
export interface ExplicitHttpConfig {
  http_protocol_options?: Http1ProtocolOptions;
  http2_protocol_options?: Http2ProtocolOptions;
}

/** `envoy.extensions.upstreams.http.v3.HttpProtocolOptions.UseDownstreamHttpConfig` */
export interface UseDownstreamHttpConfig {
  http_protocol_options?: Http1ProtocolOptions;
  http2_protocol_options?: Http2ProtocolOptions;
}

/** `envoy.extensions.upstreams.http.v3.HttpProtocolOptions.AutoHttpConfig` */
export interface AutoHttpConfig {
  http_protocol_options?: Http1ProtocolOptions;
  http2_protocol_options?: Http2ProtocolOptions;
}
