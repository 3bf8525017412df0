// Access loggers and their filters.

import type { Any, Struct } from './types-any.js';
import type { FractionalPercent, RuntimeUInt32, SubstitutionFormatString } from './types-core.js';
import type { HeaderMatcher, MetadataMatcher } from './types-matcher.js';

/** `envoy.config.accesslog.v3.ComparisonFilter.Op` */
export type Op = 'EQ' | 'GE' | 'LE' | 'NE';

/** `envoy.config.accesslog.v3.GrpcStatusFilter.Status` */
export type Status =
  | 'OK'
  | 'CANCELED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DATA_LOSS'
  | 'UNAUTHENTICATED';

/** `envoy.data.accesslog.v3.AccessLogType` */
export type AccessLogType =
  | 'NotSet'
  | 'TcpUpstreamConnected'
  | 'TcpPeriodic'
  | 'TcpConnectionStart'
  | 'TcpConnectionEnd'
  | 'DownstreamStart'
  | 'DownstreamPeriodic'
  | 'DownstreamEnd'
  | 'UpstreamPoolReady'
  | 'UpstreamPeriodic'
  | 'UpstreamEnd'
  | 'DownstreamTunnelSuccessfullyEstablished'
  | 'UdpTunnelUpstreamConnected'
  | 'UdpPeriodic'
  | 'UdpSessionEnd';

/** `envoy.config.accesslog.v3.AccessLog` */
export interface AccessLog {
  name: string;
  filter?: AccessLogFilter;
  typed_config: Any;
}

/** `envoy.config.accesslog.v3.AccessLogFilter` */
export interface AccessLogFilter {
  status_code_filter?: StatusCodeFilter;
  duration_filter?: DurationFilter;
  not_health_check_filter?: NotHealthCheckFilter;
  traceable_filter?: TraceableFilter;
  runtime_filter?: RuntimeFilter;
  and_filter?: AndFilter;
  or_filter?: OrFilter;
  header_filter?: HeaderFilter;
  response_flag_filter?: ResponseFlagFilter;
  grpc_status_filter?: GrpcStatusFilter;
  extension_filter?: ExtensionFilter;
  metadata_filter?: MetadataFilter;
  log_type_filter?: LogTypeFilter;
}

/** `envoy.config.accesslog.v3.StatusCodeFilter` */
export interface StatusCodeFilter {
  comparison: ComparisonFilter;
}

/** `envoy.config.accesslog.v3.DurationFilter` */
export interface DurationFilter {
  comparison: ComparisonFilter;
}

/** `envoy.config.accesslog.v3.ComparisonFilter` */
export interface ComparisonFilter {
  op: Op;
  value: RuntimeUInt32;
}

/** `envoy.config.accesslog.v3.NotHealthCheckFilter` */
export type NotHealthCheckFilter = Record<string, never>;

/** `envoy.config.accesslog.v3.TraceableFilter` */
export type TraceableFilter = Record<string, never>;

/** `envoy.config.accesslog.v3.RuntimeFilter` */
export interface RuntimeFilter {
  runtime_key: string;
  percent_sampled?: FractionalPercent;
  use_independent_randomness: boolean;
}

/** `envoy.config.accesslog.v3.AndFilter` */
export interface AndFilter {
  filters: AccessLogFilter[];
}

/** `envoy.config.accesslog.v3.OrFilter` */
export interface OrFilter {
  filters: AccessLogFilter[];
}

/** `envoy.config.accesslog.v3.HeaderFilter` */
export interface HeaderFilter {
  header: HeaderMatcher;
}

/** `envoy.config.accesslog.v3.ResponseFlagFilter` */
export interface ResponseFlagFilter {
  flags: string[];
}

/** `envoy.config.accesslog.v3.GrpcStatusFilter` */
export interface GrpcStatusFilter {
  statuses: Status[];
  exclude: boolean;
}

/** `envoy.config.accesslog.v3.ExtensionFilter` */
export interface ExtensionFilter {
  name: string;
  typed_config: Any;
}

/** `envoy.config.accesslog.v3.MetadataFilter` */
export interface MetadataFilter {
  matcher?: MetadataMatcher;
  match_if_key_not_found?: boolean;
}

/** `envoy.config.accesslog.v3.LogTypeFilter` */
export interface LogTypeFilter {
  types: AccessLogType[];
  exclude: boolean;
}

/** `envoy.extensions.access_loggers.file.v3.FileAccessLog` */
export interface FileAccessLog {
  /** /dev/stdout and /dev/stderr are the process's own. */
  path: string;
  format?: string;
  json_format?: Struct;
  typed_json_format?: Struct;
  log_format?: SubstitutionFormatString;
}

/** `envoy.extensions.access_loggers.stream.v3.StdoutAccessLog` */
export interface StdoutAccessLog {
  log_format?: SubstitutionFormatString;
}

/** `envoy.extensions.access_loggers.stream.v3.StderrAccessLog` */
export interface StderrAccessLog {
  log_format?: SubstitutionFormatString;
}

/** `envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter` */
export interface ExpressionFilter {
  expression: string;
}
