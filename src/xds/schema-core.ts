/** Common messages: addresses, header values, data sources, runtime numbers, metadata, socket options. The notation is described in `schema.ts`. */
export const CORE = `
enum SocketProtocol envoy.config.core.v3.SocketAddress.Protocol
  TCP UDP
  - UDP: UDP sockets

enum HeaderAppendAction envoy.config.core.v3.HeaderValueOption.HeaderAppendAction
  APPEND_IF_EXISTS_OR_ADD ADD_IF_ABSENT OVERWRITE_IF_EXISTS_OR_ADD OVERWRITE_IF_EXISTS

enum DenominatorType envoy.type.v3.FractionalPercent.DenominatorType
  HUNDRED TEN_THOUSAND MILLION

enum SocketState envoy.config.core.v3.SocketOption.SocketState
  STATE_PREBIND STATE_BOUND STATE_LISTENING

enum SocketIpVersion envoy.config.core.v3.SocketOption.SocketIpVersion
  SOCKET_IP_VERSION_UNSPECIFIED SOCKET_IP_VERSION_IPV4 SOCKET_IP_VERSION_IPV6

enum StatusCode envoy.type.v3.StatusCode
  Empty Continue=100 OK=200 Created Accepted NonAuthoritativeInformation NoContent ResetContent PartialContent
  MultiStatus AlreadyReported IMUsed=226 MultipleChoices=300 MovedPermanently Found SeeOther NotModified UseProxy
  TemporaryRedirect=307 PermanentRedirect BadRequest=400 Unauthorized PaymentRequired Forbidden NotFound
  MethodNotAllowed NotAcceptable ProxyAuthenticationRequired RequestTimeout Conflict Gone LengthRequired
  PreconditionFailed PayloadTooLarge URITooLong UnsupportedMediaType RangeNotSatisfiable ExpectationFailed
  MisdirectedRequest=421 UnprocessableEntity Locked FailedDependency UpgradeRequired=426 PreconditionRequired=428
  TooManyRequests RequestHeaderFieldsTooLarge=431 InternalServerError=500 NotImplemented BadGateway
  ServiceUnavailable GatewayTimeout HTTPVersionNotSupported VariantAlsoNegotiates InsufficientStorage LoopDetected
  NotExtended=510 NetworkAuthenticationRequired

enum Version envoy.config.core.v3.ProxyProtocolConfig.Version
  V1 V2

enum PassTLVsMatchType envoy.config.core.v3.ProxyProtocolPassThroughTLVs.PassTLVsMatchType
  INCLUDE_ALL INCLUDE

enum HealthStatus envoy.config.core.v3.HealthStatus
  UNKNOWN HEALTHY UNHEALTHY DRAINING TIMEOUT DEGRADED

message BuildVersion envoy.config.core.v3.BuildVersion
  version SemanticVersion
  metadata struct

message SemanticVersion envoy.type.v3.SemanticVersion
  major_number uint32
  minor_number uint32
  patch uint32

message Address envoy.config.core.v3.Address
  oneof address required
  socket_address SocketAddress oneof=address
  pipe Pipe oneof=address
  - envoy_internal_address: internal listeners

message SocketAddress envoy.config.core.v3.SocketAddress
  oneof port_specifier required
  protocol SocketProtocol
  address string min_len=1
  port_value uint32 oneof=port_specifier <=65535
  named_port string oneof=port_specifier
  - resolver_name: address resolvers
  ipv4_compat bool
  - network_namespace_filepath: network namespaces of listeners

message Pipe envoy.config.core.v3.Pipe
  path string min_len=1
  mode uint32 <=511

message CidrRange envoy.config.core.v3.CidrRange
  address_prefix string min_len=1
  prefix_len uint32? <=128

message Locality envoy.config.core.v3.Locality
  region string
  zone string
  sub_zone string

message Node envoy.config.core.v3.Node
  id string
  cluster string
  metadata struct
  - dynamic_parameters: dynamic configuration (xDS) is not read; give it in static_resources
  locality Locality
  user_agent_name string
  user_agent_version string oneof=user_agent_version_type
  user_agent_build_version BuildVersion oneof=user_agent_version_type
  - extensions: dynamic configuration (xDS) is not read; give it in static_resources
  client_features string[]
  - listening_addresses: dynamic configuration (xDS) is not read; give it in static_resources

message Metadata envoy.config.core.v3.Metadata
  filter_metadata struct{} key:min_len=1
  typed_filter_metadata any(metadata){} key:min_len=1

message HeaderValue envoy.config.core.v3.HeaderValue
  key string min_len=1 max_bytes=16384 header_name_loose
  value string max_bytes=16384 header_value_loose
  raw_value bytes max_len=16384

message HeaderValueOption envoy.config.core.v3.HeaderValueOption
  header HeaderValue required
  append bool? deprecated
  append_action HeaderAppendAction
  keep_empty_value bool

message DataSource envoy.config.core.v3.DataSource
  oneof specifier required
  filename string oneof=specifier min_len=1
  inline_bytes bytes oneof=specifier
  inline_string string oneof=specifier
  environment_variable string oneof=specifier min_len=1
  - watched_directory: files are read when the configuration is read; it is not watched by itself

message RuntimeUInt32 envoy.config.core.v3.RuntimeUInt32
  default_value uint32
  runtime_key string

message RuntimeDouble envoy.config.core.v3.RuntimeDouble
  default_value double
  runtime_key string

message RuntimeFractionalPercent envoy.config.core.v3.RuntimeFractionalPercent
  default_value FractionalPercent required
  runtime_key string

message RuntimeFeatureFlag envoy.config.core.v3.RuntimeFeatureFlag
  default_value bool? required
  runtime_key string

message FractionalPercent envoy.type.v3.FractionalPercent
  numerator uint32
  denominator DenominatorType

message Percent envoy.type.v3.Percent
  value double >=0 <=100

message Int32Range envoy.type.v3.Int32Range
  start int32
  end int32

message Int64Range envoy.type.v3.Int64Range
  start int64
  end int64

message DoubleRange envoy.type.v3.DoubleRange
  start double
  end double

message TcpKeepalive envoy.config.core.v3.TcpKeepalive
  keepalive_probes uint32?
  keepalive_time uint32?
  keepalive_interval uint32?

message SocketOption envoy.config.core.v3.SocketOption
  oneof value required
  description string
  level int64
  name int64
  int_value int64 oneof=value
  buf_value bytes oneof=value
  state SocketState
  type SocketType
  ip_version SocketIpVersion

message SocketType envoy.config.core.v3.SocketOption.SocketType
  stream SocketTypeStream
  datagram SocketTypeDatagram

message SocketTypeStream envoy.config.core.v3.SocketOption.SocketType.Stream

message SocketTypeDatagram envoy.config.core.v3.SocketOption.SocketType.Datagram

message SocketOptionsOverride envoy.config.core.v3.SocketOptionsOverride
  socket_options SocketOption[]

message SubstitutionFormatString envoy.config.core.v3.SubstitutionFormatString
  oneof format required
  text_format string oneof=format deprecated
  json_format struct oneof=format
  text_format_source DataSource oneof=format
  omit_empty_values bool
  content_type string header_value_loose
  - formatters: formatter extensions
  json_format_options JsonFormatOptions

message JsonFormatOptions envoy.config.core.v3.JsonFormatOptions
  sort_properties bool deprecated

message TypedExtensionConfig envoy.config.core.v3.TypedExtensionConfig
  name string min_len=1
  typed_config any required

message TransportSocket envoy.config.core.v3.TransportSocket
  name string min_len=1
  typed_config any(transport_socket) required

message TokenBucket envoy.type.v3.TokenBucket
  max_tokens uint32 >=0
  tokens_per_fill uint32? >0
  fill_interval duration required >0s

message HttpStatus envoy.type.v3.HttpStatus
  code StatusCode not_in=0

message BackoffStrategy envoy.config.core.v3.BackoffStrategy
  base_interval duration required >=0.001s
  max_interval duration >0s

message BindConfig envoy.config.core.v3.BindConfig
  source_address SocketAddress
  freebind bool?
  socket_options SocketOption[]
  extra_source_addresses ExtraSourceAddress[]
  - additional_source_addresses: use extra_source_addresses
  - local_address_selector: the local address is the first that fits
  - validate_network_namespaces: network namespaces

message ExtraSourceAddress envoy.config.core.v3.ExtraSourceAddress
  address SocketAddress required
  socket_options SocketOptionsOverride

message DnsResolverOptions envoy.config.core.v3.DnsResolverOptions
  use_tcp_for_dns_lookups bool
  no_default_search_domain bool

message DnsResolutionConfig envoy.config.core.v3.DnsResolutionConfig
  resolvers Address[] min_items=1
  dns_resolver_options DnsResolverOptions

message ProxyProtocolConfig envoy.config.core.v3.ProxyProtocolConfig
  version Version
  pass_through_tlvs ProxyProtocolPassThroughTLVs
  added_tlvs TlvEntry[]

message ProxyProtocolPassThroughTLVs envoy.config.core.v3.ProxyProtocolPassThroughTLVs
  match_type PassTLVsMatchType
  tlv_type uint32[] each:<256

message TlvEntry envoy.config.core.v3.TlvEntry
  type uint32 <256
  value bytes
  format_string SubstitutionFormatString

message HealthStatusSet envoy.config.core.v3.HealthStatusSet
  statuses HealthStatus[]
`;
