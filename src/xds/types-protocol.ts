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
  idle_timeout?: number;
  max_connection_duration?: number;
  max_connection_duration_jitter?: Percent;
  max_headers_count?: number;
  max_response_headers_kb?: number;
  max_stream_duration?: number;
  headers_with_underscores_action: HeadersWithUnderscoresAction;
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
  hpack_table_size?: number;
  max_concurrent_streams?: number;
  initial_stream_window_size?: number;
  initial_connection_window_size?: number;
  allow_connect: boolean;
  max_outbound_frames?: number;
  max_outbound_control_frames?: number;
  max_consecutive_inbound_frames_with_empty_payload?: number;
  max_inbound_priority_frames_per_stream?: number;
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
  interval?: number;
  timeout: number;
  interval_jitter?: Percent;
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
