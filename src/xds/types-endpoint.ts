// Load assignments, endpoints, health checks.

import type { Struct } from './types-any.js';
import type {
  Address,
  FractionalPercent,
  HeaderValueOption,
  HealthStatus,
  Int64Range,
  Locality,
  Metadata,
  ProxyProtocolConfig,
} from './types-core.js';
import type { StringMatcher } from './types-matcher.js';

/** `envoy.type.v3.CodecClientType` */
export type CodecClientType = 'HTTP1' | 'HTTP2' | 'HTTP3';

/** `envoy.config.core.v3.RequestMethod` */
export type RequestMethod =
  | 'METHOD_UNSPECIFIED'
  | 'GET'
  | 'HEAD'
  | 'POST'
  | 'PUT'
  | 'DELETE'
  | 'CONNECT'
  | 'OPTIONS'
  | 'TRACE'
  | 'PATCH';

/** `envoy.config.endpoint.v3.ClusterLoadAssignment` */
export interface ClusterLoadAssignment {
  cluster_name: string;
  endpoints: LocalityLbEndpoints[];
  policy?: LoadAssignmentPolicy;
}

/** `envoy.config.endpoint.v3.ClusterLoadAssignment.Policy` */
export interface LoadAssignmentPolicy {
  drop_overloads: DropOverload[];
  /** Percent; default 140. */
  overprovisioning_factor?: number;
  endpoint_stale_after?: number;
  weighted_priority_health: boolean;
}

/** `envoy.config.endpoint.v3.ClusterLoadAssignment.Policy.DropOverload` */
export interface DropOverload {
  category: string;
  drop_percentage?: FractionalPercent;
}

/** `envoy.config.endpoint.v3.LocalityLbEndpoints` */
export interface LocalityLbEndpoints {
  locality?: Locality;
  metadata?: Metadata;
  lb_endpoints: LbEndpoint[];
  /** A locality without weight gets no request from a locality weighted balancer. */
  load_balancing_weight?: number;
  priority: number;
  proximity?: number;
}

/** `envoy.config.endpoint.v3.LbEndpoint` */
export interface LbEndpoint {
  endpoint?: Endpoint;
  health_status: HealthStatus;
  metadata?: Metadata;
  /** Default 1. */
  load_balancing_weight?: number;
}

/** `envoy.config.endpoint.v3.Endpoint` */
export interface Endpoint {
  address?: Address;
  health_check_config?: EndpointHealthCheckConfig;
  hostname: string;
  additional_addresses: EndpointAdditionalAddress[];
  observability_name: string;
}

/** `envoy.config.endpoint.v3.Endpoint.HealthCheckConfig` */
export interface EndpointHealthCheckConfig {
  port_value: number;
  hostname: string;
  address?: Address;
  disable_active_health_check: boolean;
}

/** `envoy.config.endpoint.v3.Endpoint.AdditionalAddress` */
export interface EndpointAdditionalAddress {
  address?: Address;
}

/** `envoy.config.core.v3.HealthCheck` */
export interface HealthCheck {
  name: string;
  /** ms. Starts with a check; its answer stops it. Fires: the check has failed. */
  timeout: number;
  /** ms. Starts when a check is over. Fires: the next check. */
  interval: number;
  initial_jitter?: number;
  interval_jitter?: number;
  interval_jitter_percent: number;
  unhealthy_threshold: number;
  healthy_threshold: number;
  alt_port?: number;
  reuse_connection?: boolean;
  http_health_check?: HttpHealthCheck;
  tcp_health_check?: TcpHealthCheck;
  grpc_health_check?: GrpcHealthCheck;
  /** ms; default 60 000. The interval while the cluster has had no request. */
  no_traffic_interval?: number;
  no_traffic_healthy_interval?: number;
  unhealthy_interval?: number;
  unhealthy_edge_interval?: number;
  healthy_edge_interval?: number;
  always_log_health_check_failures: boolean;
  always_log_health_check_success: boolean;
  tls_options?: HealthCheckTlsOptions;
  transport_socket_match_criteria?: Struct;
}

/** `envoy.config.core.v3.HealthCheck.HttpHealthCheck` */
export interface HttpHealthCheck {
  host: string;
  path: string;
  send?: HealthCheckPayload;
  receive: HealthCheckPayload[];
  response_buffer_size?: number;
  request_headers_to_add: HeaderValueOption[];
  request_headers_to_remove: string[];
  expected_statuses: Int64Range[];
  retriable_statuses: Int64Range[];
  codec_client_type: CodecClientType;
  service_name_matcher?: StringMatcher;
  method: RequestMethod;
}

/** `envoy.config.core.v3.HealthCheck.TcpHealthCheck` */
export interface TcpHealthCheck {
  send?: HealthCheckPayload;
  receive: HealthCheckPayload[];
  proxy_protocol_config?: ProxyProtocolConfig;
}

/** `envoy.config.core.v3.HealthCheck.GrpcHealthCheck` */
export interface GrpcHealthCheck {
  service_name: string;
  authority: string;
  initial_metadata: HeaderValueOption[];
}

/** `envoy.config.core.v3.HealthCheck.Payload` */
export interface HealthCheckPayload {
  text?: string;
  binary?: string;
}

/** `envoy.config.core.v3.HealthCheck.TlsOptions` */
export interface HealthCheckTlsOptions {
  alpn_protocols: string[];
}
