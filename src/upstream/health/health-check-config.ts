import type * as xds from '../../xds/types.js';
import { invalid, unsupported } from '../refuse.js';

/** `health_checks` with every default filled in; times in ms. */
export interface HealthCheckSettings {
  /** From the start of a check to its answer, the connect included. */
  readonly timeout: number;
  /** From the end of a check to the next, for a host that is healthy and stays so. */
  readonly interval: number;
  /** The same while the cluster has never had a connection. */
  readonly noTrafficInterval: number;
  readonly noTrafficHealthyInterval: number;
  readonly unhealthyInterval: number;
  /** After a result that did not change the host yet. */
  readonly unhealthyEdgeInterval: number;
  readonly healthyEdgeInterval: number;
  /** The first check comes at random within this time. */
  readonly initialJitter: number;
  readonly intervalJitter: number;
  readonly intervalJitterPercent: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  readonly reuseConnection: boolean;
  readonly probe: HttpProbe | TcpProbe | GrpcProbe;
}

export interface HttpProbe {
  readonly kind: 'http';
  readonly http2: boolean;
  readonly method: string;
  /** '' for the name of the cluster. */
  readonly host: string;
  readonly path: string;
  readonly body: Buffer | null;
  /** What must occur in the body, in this order; empty: anything. */
  readonly receive: readonly Buffer[];
  /** Bytes of the body that are looked at; 0: all. */
  readonly responseBufferSize: number;
  readonly headers: readonly HeaderToAdd[];
  readonly removedHeaders: readonly string[];
  readonly expected: readonly xds.Int64Range[];
  readonly retriable: readonly xds.Int64Range[];
  /** Whether `x-envoy-upstream-healthchecked-cluster` of an answer will do; null: it is not looked at. */
  readonly serviceName: ((value: string) => boolean) | null;
}

export interface HeaderToAdd {
  readonly name: string;
  readonly value: string;
  readonly action: xds.HeaderAppendAction;
}

export interface TcpProbe {
  readonly kind: 'tcp';
  /** Null: a connect will do. */
  readonly send: Buffer | null;
  readonly receive: readonly Buffer[];
}

export interface GrpcProbe {
  readonly kind: 'grpc';
  readonly service: string;
  readonly authority: string;
  readonly headers: readonly HeaderToAdd[];
}

/** Null when the cluster has no active health check. @throws ConfigError */
export function readHealthCheck(cluster: xds.Cluster, http2: boolean): HealthCheckSettings | null {
  const { name } = cluster;
  const [given] = cluster.health_checks;
  if (given === undefined) return null;
  if (cluster.health_checks.length > 1) invalid(cluster, 'health_checks', name, 'only one health check is possible');
  if (given.alt_port !== undefined) unsupported(given, 'alt_port', name, 'another port for all checks');
  if (given.tls_options !== undefined) unsupported(given, 'tls_options', name, 'health checks over TLS');
  if (given.transport_socket_match_criteria !== undefined)
    unsupported(given, 'transport_socket_match_criteria', name, 'a choice of transport sockets');
  if (given.always_log_health_check_failures || given.always_log_health_check_success)
    unsupported(given, 'always_log_health_check_failures', name, 'a log of health checks');
  if (given.unhealthy_threshold < 1) invalid(given, 'unhealthy_threshold', name, 'must be at least 1');
  if (given.healthy_threshold < 1) invalid(given, 'healthy_threshold', name, 'must be at least 1');
  const noTraffic = given.no_traffic_interval ?? 60_000;
  const unhealthy = given.unhealthy_interval ?? given.interval;
  return {
    timeout: given.timeout,
    interval: given.interval,
    noTrafficInterval: noTraffic,
    noTrafficHealthyInterval: given.no_traffic_healthy_interval ?? noTraffic,
    unhealthyInterval: unhealthy,
    unhealthyEdgeInterval: given.unhealthy_edge_interval ?? unhealthy,
    healthyEdgeInterval: given.healthy_edge_interval ?? given.interval,
    initialJitter: given.initial_jitter ?? 0,
    intervalJitter: given.interval_jitter ?? 0,
    intervalJitterPercent: given.interval_jitter_percent,
    unhealthyThreshold: given.unhealthy_threshold,
    healthyThreshold: given.healthy_threshold,
    reuseConnection: given.reuse_connection ?? true,
    probe: readProbe(given, name, http2),
  };
}

function readProbe(check: xds.HealthCheck, name: string, http2: boolean): HealthCheckSettings['probe'] {
  if (check.http_health_check !== undefined) return readHttp(check.http_health_check, name);
  if (check.tcp_health_check !== undefined) {
    const tcp = check.tcp_health_check;
    if (tcp.proxy_protocol_config !== undefined)
      unsupported(tcp, 'proxy_protocol_config', name, 'the PROXY protocol in health checks');
    return { kind: 'tcp', send: tcp.send === undefined ? null : payload(tcp.send), receive: tcp.receive.map(payload) };
  }
  const grpc = check.grpc_health_check;
  if (grpc === undefined) return unsupported(check, 'custom_health_check', name, 'a custom health check');
  if (!http2) invalid(check, 'grpc_health_check', name, 'the cluster must speak HTTP/2 for gRPC health checking');
  return {
    kind: 'grpc',
    service: grpc.service_name,
    authority: grpc.authority,
    headers: readHeaders(grpc.initial_metadata, name),
  };
}

function readHttp(http: xds.HttpHealthCheck, name: string): HttpProbe {
  if (http.codec_client_type === 'HTTP3') unsupported(http, 'codec_client_type', name, 'HTTP/3');
  return {
    kind: 'http',
    http2: http.codec_client_type === 'HTTP2',
    method: http.method === 'METHOD_UNSPECIFIED' ? 'GET' : http.method,
    host: http.host,
    path: http.path,
    body: http.send === undefined ? null : payload(http.send),
    receive: http.receive.map(payload),
    responseBufferSize: http.response_buffer_size ?? 1024,
    headers: readHeaders(http.request_headers_to_add, name),
    removedHeaders: http.request_headers_to_remove.map((text) => text.toLowerCase()),
    expected: http.expected_statuses.length > 0 ? http.expected_statuses : [{ start: 200, end: 201 }],
    retriable: http.retriable_statuses,
    serviceName: http.service_name_matcher === undefined ? null : matcher(http.service_name_matcher, name),
  };
}

function readHeaders(options: readonly xds.HeaderValueOption[], cluster: string): HeaderToAdd[] {
  return options.map((option) => {
    const { key, value } = option.header;
    if (value.includes('%')) unsupported(option.header, 'value', cluster, 'command operators in health checks');
    const action = option.append === false ? 'OVERWRITE_IF_EXISTS_OR_ADD' : option.append_action;
    return { name: key.toLowerCase(), value, action };
  });
}

function payload(given: xds.HealthCheckPayload): Buffer {
  return given.text !== undefined ? Buffer.from(given.text, 'hex') : Buffer.from(given.binary ?? '', 'base64');
}

function matcher(config: xds.StringMatcher, name: string): (value: string) => boolean {
  const fold = (text: string) => (config.ignore_case ? text.toLowerCase() : text);
  const { exact, prefix, suffix, contains } = config;
  if (exact !== undefined) return (value) => fold(value) === fold(exact);
  if (prefix !== undefined) return (value) => fold(value).startsWith(fold(prefix));
  if (suffix !== undefined) return (value) => fold(value).endsWith(fold(suffix));
  if (contains !== undefined) return (value) => fold(value).includes(fold(contains));
  return unsupported(config, 'safe_regex', name, 'this matcher in a health check');
}

export function inRanges(ranges: readonly xds.Int64Range[], status: number): boolean {
  return ranges.some((range) => status >= range.start && status < range.end);
}

/** Whether every segment occurs, each after the one before it. */
export function matchesPayload(segments: readonly Buffer[], data: Buffer): boolean {
  let from = 0;
  for (const segment of segments) {
    const at = data.indexOf(segment, from);
    if (at < 0) return false;
    from = at + segment.length;
  }
  return true;
}
