/** Access loggers and their filters. The notation is described in `schema.ts`. */
export const ACCESSLOG = `
enum Op envoy.config.accesslog.v3.ComparisonFilter.Op
  EQ GE LE NE

enum Status envoy.config.accesslog.v3.GrpcStatusFilter.Status
  OK CANCELED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED
  RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS
  UNAUTHENTICATED

enum AccessLogType envoy.data.accesslog.v3.AccessLogType
  NotSet TcpUpstreamConnected TcpPeriodic TcpConnectionStart=14 TcpConnectionEnd=3 DownstreamStart
  DownstreamPeriodic DownstreamEnd UpstreamPoolReady UpstreamPeriodic UpstreamEnd
  DownstreamTunnelSuccessfullyEstablished UdpTunnelUpstreamConnected UdpPeriodic UdpSessionEnd

message AccessLog envoy.config.accesslog.v3.AccessLog
  name string
  filter AccessLogFilter
  typed_config any(access_logger) required

message AccessLogFilter envoy.config.accesslog.v3.AccessLogFilter
  oneof filter_specifier required
  status_code_filter StatusCodeFilter oneof=filter_specifier
  duration_filter DurationFilter oneof=filter_specifier
  not_health_check_filter NotHealthCheckFilter oneof=filter_specifier
  traceable_filter TraceableFilter oneof=filter_specifier
  runtime_filter RuntimeFilter oneof=filter_specifier
  and_filter AndFilter oneof=filter_specifier
  or_filter OrFilter oneof=filter_specifier
  header_filter HeaderFilter oneof=filter_specifier
  response_flag_filter ResponseFlagFilter oneof=filter_specifier
  grpc_status_filter GrpcStatusFilter oneof=filter_specifier
  extension_filter ExtensionFilter oneof=filter_specifier
  metadata_filter MetadataFilter oneof=filter_specifier
  log_type_filter LogTypeFilter oneof=filter_specifier

message StatusCodeFilter envoy.config.accesslog.v3.StatusCodeFilter
  comparison ComparisonFilter required

message DurationFilter envoy.config.accesslog.v3.DurationFilter
  comparison ComparisonFilter required

message ComparisonFilter envoy.config.accesslog.v3.ComparisonFilter
  op Op
  value RuntimeUInt32 required

message NotHealthCheckFilter envoy.config.accesslog.v3.NotHealthCheckFilter

message TraceableFilter envoy.config.accesslog.v3.TraceableFilter

message RuntimeFilter envoy.config.accesslog.v3.RuntimeFilter
  runtime_key string min_len=1
  percent_sampled FractionalPercent
  use_independent_randomness bool

message AndFilter envoy.config.accesslog.v3.AndFilter
  filters AccessLogFilter[] min_items=2

message OrFilter envoy.config.accesslog.v3.OrFilter
  filters AccessLogFilter[] min_items=2

message HeaderFilter envoy.config.accesslog.v3.HeaderFilter
  header HeaderMatcher required

message ResponseFlagFilter envoy.config.accesslog.v3.ResponseFlagFilter
  flags string[] each:in=LH,UH,UT,LR,UR,UF,UC,UO,NR,DI,FI,RL,UAEX,RLSE,DC,URX,SI,IH,DPE,UMSDR,RFCF,NFCF,DT,UPE,NC,OM,DF,DO,DR,UDO

message GrpcStatusFilter envoy.config.accesslog.v3.GrpcStatusFilter
  statuses Status[]
  exclude bool

message ExtensionFilter envoy.config.accesslog.v3.ExtensionFilter
  name string
  typed_config any(access_log_filter) required

message MetadataFilter envoy.config.accesslog.v3.MetadataFilter
  matcher MetadataMatcher
  match_if_key_not_found bool?

message LogTypeFilter envoy.config.accesslog.v3.LogTypeFilter
  types AccessLogType[]
  exclude bool

message FileAccessLog envoy.extensions.access_loggers.file.v3.FileAccessLog
  path string min_len=1
  format string oneof=access_log_format deprecated
  json_format struct oneof=access_log_format deprecated
  typed_json_format struct oneof=access_log_format deprecated
  log_format SubstitutionFormatString oneof=access_log_format

message StdoutAccessLog envoy.extensions.access_loggers.stream.v3.StdoutAccessLog
  log_format SubstitutionFormatString oneof=access_log_format

message StderrAccessLog envoy.extensions.access_loggers.stream.v3.StderrAccessLog
  log_format SubstitutionFormatString oneof=access_log_format

message ExpressionFilter envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter
  expression string
  - cel_config: CEL options
`;
