/** Load assignments, endpoints, health checks. The notation is described in `schema.ts`. */
export const ENDPOINT = `
enum CodecClientType envoy.type.v3.CodecClientType
  HTTP1 HTTP2 HTTP3
  - HTTP3: HTTP/3

enum RequestMethod envoy.config.core.v3.RequestMethod
  METHOD_UNSPECIFIED GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH

message ClusterLoadAssignment envoy.config.endpoint.v3.ClusterLoadAssignment
  cluster_name string min_len=1
  endpoints LocalityLbEndpoints[]
  - named_endpoints: write the endpoints in lb_endpoints
  policy LoadAssignmentPolicy

message LoadAssignmentPolicy envoy.config.endpoint.v3.ClusterLoadAssignment.Policy
  drop_overloads DropOverload[]
  overprovisioning_factor uint32? >0
  endpoint_stale_after duration >0s
  weighted_priority_health bool

message DropOverload envoy.config.endpoint.v3.ClusterLoadAssignment.Policy.DropOverload
  category string min_len=1
  drop_percentage FractionalPercent

message LocalityLbEndpoints envoy.config.endpoint.v3.LocalityLbEndpoints
  locality Locality
  metadata Metadata
  lb_endpoints LbEndpoint[]
  - load_balancer_endpoints: write the endpoints in lb_endpoints
  - leds_cluster_locality_config: dynamic configuration (xDS) is not read; give it in static_resources
  load_balancing_weight uint32? >=1
  priority uint32 <=128
  proximity uint32?

message LbEndpoint envoy.config.endpoint.v3.LbEndpoint
  endpoint Endpoint oneof=host_identifier
  - endpoint_name: write the endpoint in place
  health_status HealthStatus
  metadata Metadata
  load_balancing_weight uint32? >=1

message Endpoint envoy.config.endpoint.v3.Endpoint
  address Address
  health_check_config EndpointHealthCheckConfig
  hostname string
  additional_addresses EndpointAdditionalAddress[]
  observability_name string

message EndpointHealthCheckConfig envoy.config.endpoint.v3.Endpoint.HealthCheckConfig
  port_value uint32 <=65535
  hostname string
  address Address
  disable_active_health_check bool

message EndpointAdditionalAddress envoy.config.endpoint.v3.Endpoint.AdditionalAddress
  address Address

message HealthCheck envoy.config.core.v3.HealthCheck
  oneof health_checker required
  name string
  timeout duration required >0s
  interval duration required >0s
  initial_jitter duration
  interval_jitter duration
  interval_jitter_percent uint32
  unhealthy_threshold uint32? required
  healthy_threshold uint32? required
  alt_port uint32?
  reuse_connection bool?
  http_health_check HttpHealthCheck oneof=health_checker
  tcp_health_check TcpHealthCheck oneof=health_checker
  grpc_health_check GrpcHealthCheck oneof=health_checker
  - custom_health_check: only http_health_check, tcp_health_check and grpc_health_check are supported
  no_traffic_interval duration >0s
  no_traffic_healthy_interval duration >0s
  unhealthy_interval duration >0s
  unhealthy_edge_interval duration >0s
  healthy_edge_interval duration >0s
  - event_log_path: loggers of health check events
  - event_logger: loggers of health check events
  - event_service: event services
  always_log_health_check_failures bool
  always_log_health_check_success bool
  tls_options HealthCheckTlsOptions
  transport_socket_match_criteria struct

message HttpHealthCheck envoy.config.core.v3.HealthCheck.HttpHealthCheck
  host string header_value
  path string min_len=1 header_value
  send HealthCheckPayload
  receive HealthCheckPayload[]
  response_buffer_size uint64? >=0
  request_headers_to_add HeaderValueOption[] max_items=1000
  request_headers_to_remove string[] each:header_name_loose
  expected_statuses Int64Range[]
  retriable_statuses Int64Range[]
  codec_client_type CodecClientType
  - use_alpn_protocol: ALPN in health checks
  service_name_matcher StringMatcher
  method RequestMethod not_in=6

message TcpHealthCheck envoy.config.core.v3.HealthCheck.TcpHealthCheck
  send HealthCheckPayload
  receive HealthCheckPayload[]
  proxy_protocol_config ProxyProtocolConfig

message GrpcHealthCheck envoy.config.core.v3.HealthCheck.GrpcHealthCheck
  service_name string
  authority string header_value_loose
  initial_metadata HeaderValueOption[] max_items=1000

message HealthCheckPayload envoy.config.core.v3.HealthCheck.Payload
  oneof payload required
  text string oneof=payload min_len=1
  binary bytes oneof=payload

message HealthCheckTlsOptions envoy.config.core.v3.HealthCheck.TlsOptions
  alpn_protocols string[]
`;
