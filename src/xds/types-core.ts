// Common messages: addresses, header values, data sources, runtime numbers, metadata, socket options.
import type { Any, Struct } from './types-any.js';

/** `envoy.config.core.v3.SocketAddress.Protocol` */
export type SocketProtocol = 'TCP' | 'UDP';

/** `envoy.config.core.v3.HeaderValueOption.HeaderAppendAction` */
export type HeaderAppendAction =
  | 'APPEND_IF_EXISTS_OR_ADD'
  | 'ADD_IF_ABSENT'
  | 'OVERWRITE_IF_EXISTS_OR_ADD'
  | 'OVERWRITE_IF_EXISTS';

/** `envoy.type.v3.FractionalPercent.DenominatorType` */
export type DenominatorType = 'HUNDRED' | 'TEN_THOUSAND' | 'MILLION';

/** `envoy.config.core.v3.SocketOption.SocketState` */
export type SocketState = 'STATE_PREBIND' | 'STATE_BOUND' | 'STATE_LISTENING';

/** `envoy.config.core.v3.SocketOption.SocketIpVersion` */
export type SocketIpVersion = 'SOCKET_IP_VERSION_UNSPECIFIED' | 'SOCKET_IP_VERSION_IPV4' | 'SOCKET_IP_VERSION_IPV6';

/** `envoy.type.v3.StatusCode` */
export type StatusCode =
  | 'Empty'
  | 'Continue'
  | 'OK'
  | 'Created'
  | 'Accepted'
  | 'NonAuthoritativeInformation'
  | 'NoContent'
  | 'ResetContent'
  | 'PartialContent'
  | 'MultiStatus'
  | 'AlreadyReported'
  | 'IMUsed'
  | 'MultipleChoices'
  | 'MovedPermanently'
  | 'Found'
  | 'SeeOther'
  | 'NotModified'
  | 'UseProxy'
  | 'TemporaryRedirect'
  | 'PermanentRedirect'
  | 'BadRequest'
  | 'Unauthorized'
  | 'PaymentRequired'
  | 'Forbidden'
  | 'NotFound'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'ProxyAuthenticationRequired'
  | 'RequestTimeout'
  | 'Conflict'
  | 'Gone'
  | 'LengthRequired'
  | 'PreconditionFailed'
  | 'PayloadTooLarge'
  | 'URITooLong'
  | 'UnsupportedMediaType'
  | 'RangeNotSatisfiable'
  | 'ExpectationFailed'
  | 'MisdirectedRequest'
  | 'UnprocessableEntity'
  | 'Locked'
  | 'FailedDependency'
  | 'UpgradeRequired'
  | 'PreconditionRequired'
  | 'TooManyRequests'
  | 'RequestHeaderFieldsTooLarge'
  | 'InternalServerError'
  | 'NotImplemented'
  | 'BadGateway'
  | 'ServiceUnavailable'
  | 'GatewayTimeout'
  | 'HTTPVersionNotSupported'
  | 'VariantAlsoNegotiates'
  | 'InsufficientStorage'
  | 'LoopDetected'
  | 'NotExtended'
  | 'NetworkAuthenticationRequired';

/** `envoy.config.core.v3.ProxyProtocolConfig.Version` */
export type Version = 'V1' | 'V2';

/** `envoy.config.core.v3.ProxyProtocolPassThroughTLVs.PassTLVsMatchType` */
export type PassTLVsMatchType = 'INCLUDE_ALL' | 'INCLUDE';

/** `envoy.config.core.v3.HealthStatus` */
export type HealthStatus = 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'TIMEOUT' | 'DEGRADED';

/** `envoy.config.core.v3.BuildVersion` */
export interface BuildVersion {
  version?: SemanticVersion;
  metadata?: Struct;
}

/** `envoy.type.v3.SemanticVersion` */
export interface SemanticVersion {
  major_number: number;
  minor_number: number;
  patch: number;
}

/** `envoy.config.core.v3.Address` */
export interface Address {
  socket_address?: SocketAddress;
  pipe?: Pipe;
}

/** `envoy.config.core.v3.SocketAddress` */
export interface SocketAddress {
  protocol: SocketProtocol;
  address: string;
  port_value?: number;
  named_port?: string;
  ipv4_compat: boolean;
}

/** `envoy.config.core.v3.Pipe` */
export interface Pipe {
  path: string;
  mode: number;
}

/** `envoy.config.core.v3.CidrRange` */
export interface CidrRange {
  address_prefix: string;
  prefix_len?: number;
}

/** `envoy.config.core.v3.Locality` */
export interface Locality {
  region: string;
  zone: string;
  sub_zone: string;
}

/** `envoy.config.core.v3.Node` */
export interface Node {
  id: string;
  cluster: string;
  metadata?: Struct;
  locality?: Locality;
  user_agent_name: string;
  user_agent_version?: string;
  user_agent_build_version?: BuildVersion;
  client_features: string[];
}

/** `envoy.config.core.v3.Metadata` */
export interface Metadata {
  filter_metadata: Record<string, Struct>;
  typed_filter_metadata: Record<string, Any>;
}

/** `envoy.config.core.v3.HeaderValue` */
export interface HeaderValue {
  key: string;
  value: string;
  /** Base64. */
  raw_value: string;
}

/** `envoy.config.core.v3.HeaderValueOption` */
export interface HeaderValueOption {
  header: HeaderValue;
  append?: boolean;
  append_action: HeaderAppendAction;
  keep_empty_value: boolean;
}

/** `envoy.config.core.v3.DataSource` */
export interface DataSource {
  filename?: string;
  /** Base64. */
  inline_bytes?: string;
  inline_string?: string;
  environment_variable?: string;
}

/** `envoy.config.core.v3.RuntimeUInt32` */
export interface RuntimeUInt32 {
  default_value: number;
  runtime_key: string;
}

/** `envoy.config.core.v3.RuntimeDouble` */
export interface RuntimeDouble {
  default_value: number;
  runtime_key: string;
}

/** `envoy.config.core.v3.RuntimeFractionalPercent` */
export interface RuntimeFractionalPercent {
  default_value: FractionalPercent;
  runtime_key: string;
}

/** `envoy.config.core.v3.RuntimeFeatureFlag` */
export interface RuntimeFeatureFlag {
  default_value: boolean;
  runtime_key: string;
}

/** `envoy.type.v3.FractionalPercent` */
export interface FractionalPercent {
  numerator: number;
  denominator: DenominatorType;
}

/** `envoy.type.v3.Percent` */
export interface Percent {
  value: number;
}

/** `envoy.type.v3.Int32Range` */
export interface Int32Range {
  start: number;
  end: number;
}

/** `envoy.type.v3.Int64Range` */
export interface Int64Range {
  start: number;
  end: number;
}

/** `envoy.type.v3.DoubleRange` */
export interface DoubleRange {
  start: number;
  end: number;
}

/** `envoy.config.core.v3.TcpKeepalive` */
export interface TcpKeepalive {
  /** Default is the system's (9). */
  keepalive_probes?: number;
  /** Seconds of silence before the first probe; default is the system's (7200). */
  keepalive_time?: number;
  /** Seconds between probes; default is the system's (75). */
  keepalive_interval?: number;
}

/** `envoy.config.core.v3.SocketOption` */
export interface SocketOption {
  description: string;
  level: number;
  name: number;
  int_value?: number;
  buf_value?: string;
  state: SocketState;
  type?: SocketType;
  ip_version: SocketIpVersion;
}

/** `envoy.config.core.v3.SocketOption.SocketType` */
export interface SocketType {
  stream?: SocketTypeStream;
  datagram?: SocketTypeDatagram;
}

/** `envoy.config.core.v3.SocketOption.SocketType.Stream` */
export type SocketTypeStream = Record<string, never>;

/** `envoy.config.core.v3.SocketOption.SocketType.Datagram` */
export type SocketTypeDatagram = Record<string, never>;

/** `envoy.config.core.v3.SocketOptionsOverride` */
export interface SocketOptionsOverride {
  socket_options: SocketOption[];
}

/** `envoy.config.core.v3.SubstitutionFormatString` */
export interface SubstitutionFormatString {
  text_format?: string;
  json_format?: Struct;
  text_format_source?: DataSource;
  omit_empty_values: boolean;
  content_type: string;
  json_format_options?: JsonFormatOptions;
}

/** `envoy.config.core.v3.JsonFormatOptions` */
export interface JsonFormatOptions {
  sort_properties: boolean;
}

/** `envoy.config.core.v3.TypedExtensionConfig` */
export interface TypedExtensionConfig {
  name: string;
  typed_config: Any;
}

/** `envoy.config.core.v3.TransportSocket` */
export interface TransportSocket {
  name: string;
  typed_config: Any;
}

/** `envoy.type.v3.TokenBucket` */
export interface TokenBucket {
  max_tokens: number;
  /** Default 1. */
  tokens_per_fill?: number;
  /** ms between two fillings. Fires: tokens_per_fill tokens are added, up to max_tokens. */
  fill_interval: number;
}

/** `envoy.type.v3.HttpStatus` */
export interface HttpStatus {
  code: StatusCode;
}

/** `envoy.config.core.v3.BackoffStrategy` */
export interface BackoffStrategy {
  base_interval: number;
  max_interval?: number;
}

/** `envoy.config.core.v3.BindConfig` */
export interface BindConfig {
  source_address?: SocketAddress;
  freebind?: boolean;
  socket_options: SocketOption[];
  extra_source_addresses: ExtraSourceAddress[];
}

/** `envoy.config.core.v3.ExtraSourceAddress` */
export interface ExtraSourceAddress {
  address: SocketAddress;
  socket_options?: SocketOptionsOverride;
}

/** `envoy.config.core.v3.DnsResolverOptions` */
export interface DnsResolverOptions {
  use_tcp_for_dns_lookups: boolean;
  /** Names are looked up as they are, without the search domains of resolv.conf. */
  no_default_search_domain: boolean;
}

/** `envoy.config.core.v3.DnsResolutionConfig` */
export interface DnsResolutionConfig {
  resolvers: Address[];
  dns_resolver_options?: DnsResolverOptions;
}

/** `envoy.config.core.v3.ProxyProtocolConfig` */
export interface ProxyProtocolConfig {
  version: Version;
  pass_through_tlvs?: ProxyProtocolPassThroughTLVs;
  added_tlvs: TlvEntry[];
}

/** `envoy.config.core.v3.ProxyProtocolPassThroughTLVs` */
export interface ProxyProtocolPassThroughTLVs {
  match_type: PassTLVsMatchType;
  tlv_type: number[];
}

/** `envoy.config.core.v3.TlvEntry` */
export interface TlvEntry {
  type: number;
  value: string;
  format_string?: SubstitutionFormatString;
}

/** `envoy.config.core.v3.HealthStatusSet` */
export interface HealthStatusSet {
  statuses: HealthStatus[];
}
