/** HTTP protocol options of connection managers and clusters. The notation is described in `schema.ts`. */
export const PROTOCOL = `
enum HeadersWithUnderscoresAction envoy.config.core.v3.HttpProtocolOptions.HeadersWithUnderscoresAction
  ALLOW REJECT_REQUEST DROP_HEADER

enum FormatterTypeOnEnvoyHeaders envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig.FormatterTypeOnEnvoyHeaders
  DEFAULT PROPER_CASE

message HttpProtocolOptions envoy.config.core.v3.HttpProtocolOptions
  idle_timeout duration
  max_connection_duration duration
  max_connection_duration_jitter Percent
  max_headers_count uint32? >=1
  max_response_headers_kb uint32? >0 <=8192
  max_stream_duration duration
  headers_with_underscores_action HeadersWithUnderscoresAction
  max_requests_per_connection uint32?

message Http1ProtocolOptions envoy.config.core.v3.Http1ProtocolOptions
  allow_absolute_url bool?
  accept_http_10 bool
  default_host_for_http_10 string
  header_key_format HeaderKeyFormat
  enable_trailers bool
  allow_chunked_length bool
  override_stream_error_on_invalid_http_message bool?
  send_fully_qualified_url bool
  use_balsa_parser bool? deprecated
  allow_custom_methods bool
  ignore_http_11_upgrade StringMatcher[]

message HeaderKeyFormat envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat
  oneof header_format required
  proper_case_words ProperCaseWords oneof=header_format
  stateful_formatter TypedExtensionConfig(header_formatter) oneof=header_format

message ProperCaseWords envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat.ProperCaseWords

message PreserveCaseFormatterConfig envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig
  forward_reason_phrase bool
  formatter_type_on_envoy_headers FormatterTypeOnEnvoyHeaders

message Http2ProtocolOptions envoy.config.core.v3.Http2ProtocolOptions
  hpack_table_size uint32?
  max_concurrent_streams uint32? >=1 <=2147483647
  initial_stream_window_size uint32? >=65535 <=2147483647
  initial_connection_window_size uint32? >=65535 <=2147483647
  allow_connect bool
  - allow_metadata: METADATA frames
  max_outbound_frames uint32? >=1
  max_outbound_control_frames uint32? >=1
  max_consecutive_inbound_frames_with_empty_payload uint32?
  max_inbound_priority_frames_per_stream uint32?
  max_inbound_window_update_frames_per_data_frame_sent uint32? >=1
  stream_error_on_invalid_http_messaging bool deprecated
  override_stream_error_on_invalid_http_message bool?
  custom_settings_parameters Http2SettingsParameter[]
  connection_keepalive KeepaliveSettings
  use_oghttp2_codec bool?
  - max_metadata_size: METADATA frames
  enable_huffman_encoding bool?
  max_header_field_size_kb uint32? >=64 <=256
  disallow_obs_text bool?
  stream_reset_burst uint64?
  stream_reset_rate uint64?

message Http2SettingsParameter envoy.config.core.v3.Http2ProtocolOptions.SettingsParameter
  identifier uint32? required >=0 <=65535
  value uint32? required

message KeepaliveSettings envoy.config.core.v3.KeepaliveSettings
  interval duration >=0.001s
  timeout duration required >=0.001s
  interval_jitter Percent
  connection_idle_interval duration >=0.001s

message UpstreamHttpProtocolOptions envoy.config.core.v3.UpstreamHttpProtocolOptions
  auto_sni bool
  auto_san_validation bool
  override_auto_sni_header string header_name ignore_empty

message SchemeHeaderTransformation envoy.config.core.v3.SchemeHeaderTransformation
  scheme_to_overwrite string oneof=transformation in=http,https
  match_upstream bool

message UpstreamHttpConfig envoy.extensions.upstreams.http.v3.HttpProtocolOptions
  oneof upstream_protocol_options required
  common_http_protocol_options HttpProtocolOptions
  upstream_http_protocol_options UpstreamHttpProtocolOptions
  explicit_http_config ExplicitHttpConfig oneof=upstream_protocol_options
  use_downstream_protocol_config UseDownstreamHttpConfig oneof=upstream_protocol_options
  auto_config AutoHttpConfig oneof=upstream_protocol_options
  http_filters HttpFilter[]
  - header_validation_config: header validation is built in
  - outlier_detection: matcher trees
  request_mirror_policies RequestMirrorPolicy[]
  hash_policy HashPolicy[]
  retry_policy RetryPolicy

message ExplicitHttpConfig envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig
  oneof protocol_config required
  http_protocol_options Http1ProtocolOptions oneof=protocol_config
  http2_protocol_options Http2ProtocolOptions oneof=protocol_config
  - http3_protocol_options: HTTP/3

message UseDownstreamHttpConfig envoy.extensions.upstreams.http.v3.HttpProtocolOptions.UseDownstreamHttpConfig
  http_protocol_options Http1ProtocolOptions
  http2_protocol_options Http2ProtocolOptions
  - http3_protocol_options: HTTP/3

message AutoHttpConfig envoy.extensions.upstreams.http.v3.HttpProtocolOptions.AutoHttpConfig
  http_protocol_options Http1ProtocolOptions
  http2_protocol_options Http2ProtocolOptions
  - http3_protocol_options: HTTP/3
  - alternate_protocols_cache_options: HTTP/3
`;
