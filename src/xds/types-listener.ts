// Listeners, filter chains, listener filters, the TCP proxy.
import type { AccessLog } from './types-accesslog.js';
import type { Any } from './types-any.js';
import type {
  Address,
  CidrRange,
  Int32Range,
  Metadata,
  SocketOption,
  SocketOptionsOverride,
  TcpKeepalive,
  TransportSocket,
} from './types-core.js';

/** `envoy.config.listener.v3.Listener.DrainType` */
export type DrainType = 'DEFAULT' | 'MODIFY_ONLY';

/** `envoy.config.core.v3.TrafficDirection` */
export type TrafficDirection = 'UNSPECIFIED' | 'INBOUND' | 'OUTBOUND';

/** `envoy.config.listener.v3.FilterChainMatch.ConnectionSourceType` */
export type ConnectionSourceType = 'ANY' | 'SAME_IP_OR_LOOPBACK' | 'EXTERNAL';

/** `envoy.config.listener.v3.Listener` */
export interface Listener {
  name: string;
  address?: Address;
  additional_addresses: AdditionalAddress[];
  stat_prefix: string;
  filter_chains: FilterChain[];
  use_original_dst?: boolean;
  default_filter_chain?: FilterChain;
  /** Bytes; default 1 048 576. Above it the other side is not read. */
  per_connection_buffer_limit_bytes?: number;
  metadata?: Metadata;
  deprecated_v1?: ListenerDeprecatedV1;
  drain_type: DrainType;
  listener_filters: ListenerFilter[];
  /**
   * ms; default 15 000, 0 is off. Starts with the connection; stops when the listener filters are done. Fires: the
   * socket is closed, or goes on when continue_on_listener_filters_timeout is set.
   */
  listener_filters_timeout?: number;
  continue_on_listener_filters_timeout: boolean;
  /** IP_TRANSPARENT: the socket accepts connections to any address (TPROXY). */
  transparent?: boolean;
  freebind?: boolean;
  socket_options: SocketOption[];
  traffic_direction: TrafficDirection;
  connection_balance_config?: ConnectionBalanceConfig;
  enable_reuse_port?: boolean;
  access_log: AccessLog[];
  /** Connections that wait to be accepted; default is the system's (somaxconn), or 128. */
  tcp_backlog_size?: number;
  max_connections_to_accept_per_socket_event?: number;
  /** Default true. */
  bind_to_port?: boolean;
  ignore_global_conn_limit: boolean;
  tcp_keepalive?: TcpKeepalive;
}

/** `envoy.config.listener.v3.AdditionalAddress` */
export interface AdditionalAddress {
  address?: Address;
  socket_options?: SocketOptionsOverride;
  tcp_keepalive?: TcpKeepalive;
}

/** `envoy.config.listener.v3.FilterChain` */
export interface FilterChain {
  filter_chain_match?: FilterChainMatch;
  filters: NetworkFilter[];
  metadata?: Metadata;
  transport_socket?: TransportSocket;
  /** ms; default off. Starts with the TLS handshake, which stops it. Fires: the connection is closed. */
  transport_socket_connect_timeout?: number;
  name: string;
}

/** `envoy.config.listener.v3.FilterChainMatch` */
export interface FilterChainMatch {
  destination_port?: number;
  prefix_ranges: CidrRange[];
  direct_source_prefix_ranges: CidrRange[];
  source_type: ConnectionSourceType;
  source_prefix_ranges: CidrRange[];
  source_ports: number[];
  server_names: string[];
  transport_protocol: string;
  application_protocols: string[];
}

/** `envoy.config.listener.v3.Filter` */
export interface NetworkFilter {
  name: string;
  typed_config: Any;
}

/** `envoy.config.listener.v3.ListenerFilter` */
export interface ListenerFilter {
  name: string;
  typed_config: Any;
  filter_disabled?: ListenerFilterChainMatchPredicate;
}

/** `envoy.config.listener.v3.ListenerFilterChainMatchPredicate` */
export interface ListenerFilterChainMatchPredicate {
  or_match?: ListenerFilterMatchSet;
  and_match?: ListenerFilterMatchSet;
  not_match?: ListenerFilterChainMatchPredicate;
  any_match?: boolean;
  destination_port_range?: Int32Range;
}

/** `envoy.config.listener.v3.ListenerFilterChainMatchPredicate.MatchSet` */
export interface ListenerFilterMatchSet {
  rules: ListenerFilterChainMatchPredicate[];
}

/** `envoy.config.listener.v3.Listener.ConnectionBalanceConfig` */
export interface ConnectionBalanceConfig {
  exact_balance?: ExactBalance;
}

/** `envoy.config.listener.v3.Listener.ConnectionBalanceConfig.ExactBalance` */
export type ExactBalance = Record<string, never>;

/** `envoy.config.listener.v3.Listener.DeprecatedV1` */
export interface ListenerDeprecatedV1 {
  bind_to_port?: boolean;
}

/** `envoy.extensions.filters.listener.http_inspector.v3.HttpInspector` */
export type HttpInspector = Record<string, never>;

/** `envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector` */
export interface TlsInspector {
  enable_ja3_fingerprinting?: boolean;
  enable_ja4_fingerprinting?: boolean;
  initial_read_buffer_size?: number;
  close_connection_on_client_hello_parsing_errors: boolean;
  max_client_hello_size?: number;
}

/** `envoy.extensions.filters.listener.original_dst.v3.OriginalDst` */
export type OriginalDst = Record<string, never>;

/** `envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy` */
export interface TcpProxy {
  stat_prefix: string;
  cluster?: string;
  weighted_clusters?: TcpWeightedCluster;
  metadata_match?: Metadata;
  /**
   * ms; default 3 600 000, 0 is off. Starts anew with every byte in either direction. Fires: both connections are
   * closed.
   */
  idle_timeout?: number;
  downstream_idle_timeout?: number;
  upstream_idle_timeout?: number;
  access_log: AccessLog[];
  /** Default 1. */
  max_connect_attempts?: number;
  hash_policy: TcpHashPolicy[];
  /** ms; default off. Starts with the connection. Fires: it is closed. */
  max_downstream_connection_duration?: number;
  access_log_options?: TcpAccessLogOptions;
}

/** `envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster` */
export interface TcpWeightedCluster {
  clusters: TcpClusterWeight[];
}

/** `envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight` */
export interface TcpClusterWeight {
  name: string;
  weight: number;
  metadata_match?: Metadata;
}

/** `envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TcpAccessLogOptions` */
export interface TcpAccessLogOptions {
  /** ms; default off. Starts with the connection, anew each time it fires. Fires: a line in the access log. */
  access_log_flush_interval?: number;
  flush_access_log_on_connected: boolean;
  flush_access_log_on_start: boolean;
}

/** `envoy.type.v3.HashPolicy` */
export interface TcpHashPolicy {
  source_ip?: TcpHashPolicySourceIp;
  filter_state?: TcpHashPolicyFilterState;
}

/** `envoy.type.v3.HashPolicy.SourceIp` */
export type TcpHashPolicySourceIp = Record<string, never>;

/** `envoy.type.v3.HashPolicy.FilterState` */
export interface TcpHashPolicyFilterState {
  key: string;
}
