import { H, headerName } from '../base/header-names.js';
import { RequestHeaders } from '../base/headers.js';
import { type FieldRef, fieldRef } from '../config/position.js';
import { PROFILES, type ReplyProfile } from '../http/config.js';
import { compileFormat } from '../observe/format.js';
import { isGrpcRequest } from '../router/grpc.js';
import { RetryOn } from '../router/retry-policy.js';
import type { RouteEntry } from '../router/route-entry.js';
import { compileRouteTable } from '../router/route-table.js';
import { parseGrpcTimeout, RequestTimeouts, resolveTimeouts } from '../router/timeouts.js';
import type { Loaded } from '../server/load.js';
import { isType } from '../xds/type-url.js';
import type { Any, Cluster, HttpConnectionManager, Listener, UpstreamHttpConfig } from '../xds/types.js';

/** The request that is asked about. */
export interface AskedRequest {
  method: string;
  /** Port of the listener that is called. */
  port: number;
  /** Host header. */
  host: string;
  /** Path and query. */
  path: string;
  headers: readonly [string, string][];
}

/** One timer as it would be for the request; 0 ms is off. */
export interface EffectiveTimer {
  name: string;
  ms: number;
  ref: FieldRef;
  /** What starts it; what it answers is the business of `stalls.ts`. */
  starts: string;
}

export const NAMES = {
  connect: 'connect timeout',
  route: 'route timeout',
  duration: 'max stream duration',
  perTry: 'per-try timeout',
  perTryIdle: 'per-try idle timeout',
  idle: 'stream idle timeout',
  request: 'request timeout',
  headers: 'request headers timeout',
  upstreamDuration: 'upstream max stream duration',
  ping: 'HTTP/2 keepalive',
} as const;

export interface Effective {
  listener: string;
  virtualHost: string;
  /** '' when it has no name. */
  route: string;
  /** `none`: no virtual host or route takes the request. */
  action: 'route' | 'redirect' | 'direct_response' | 'none';
  /** Clusters that the route may choose, with their weights. */
  clusters: { name: string; weight: number | null; known: boolean; endpoints: string[] }[];
  /** Where the route was written. */
  routeRef: FieldRef;
  timers: Record<keyof typeof NAMES, EffectiveTimer>;
  retries: number;
  /** Conditions of RetryOn. */
  retryOn: number;
  backOff: number;
  grpc: boolean;
  profile: ReplyProfile;
  notes: string[];
}

const NOWHERE: FieldRef = { path: '(default)', position: null };
const CONNECTION = {
  id: 0,
  localAddress: '127.0.0.1:80',
  remoteAddress: '127.0.0.1:40000',
  requestedServerName: '',
  alpn: '',
  tls: false,
};

/** The listener that stands on a port; undefined when none does. */
export function listenerAt(loaded: Loaded, port: number): Listener | undefined {
  return loaded.bootstrap.static_resources?.listeners.find((l) => l.address?.socket_address?.port_value === port);
}

function managerOf(listener: Listener): HttpConnectionManager | undefined {
  const chains = [...listener.filter_chains, listener.default_filter_chain];
  for (const chain of chains) {
    for (const { typed_config: config } of chain?.filters ?? [])
      if (isType(config, 'HttpConnectionManager')) return config;
  }
  return undefined;
}

/** What a request meets. Null when the port has no listener with a connection manager. */
export function effective(loaded: Loaded, asked: AskedRequest): Effective | null {
  const listener = listenerAt(loaded, asked.port);
  const manager = listener === undefined ? undefined : managerOf(listener);
  if (listener === undefined || manager?.route_config === undefined) return null;
  const profile = PROFILES[loaded.replyProfile];
  const notes: string[] = [];
  const headers = headersOf(asked, manager, notes);
  const table = compileRouteTable(manager.route_config, { compileFormat, clusters: null });
  const virtualHost = table.virtualHostOf(headers)?.name ?? '';
  const entry = table.match(headers, () => 0, CONNECTION);
  const grpc = isGrpcRequest(headers);
  const clusters = loaded.bootstrap.static_resources?.clusters ?? [];
  const targets = entry?.action === 'route' ? targetsOf(entry, headers, clusters) : [];
  const cluster = clusters.find((c) => c.name === targets[0]?.name);
  const policy = entry?.retryPolicy ?? null;
  return {
    listener: listener.name,
    virtualHost,
    route: entry?.name ?? '',
    action: entry?.action ?? 'none',
    clusters: targets,
    routeRef: entry?.config == null ? NOWHERE : fieldRef(entry.config, ''),
    timers: timersOf(entry, manager, cluster, headers, grpc, profile),
    retries: policy?.numRetries ?? 0,
    retryOn: policy?.retryOn ?? 0,
    backOff: policy?.baseInterval ?? 25,
    grpc,
    profile,
    notes,
  };
}

/** Headers by which a trusted caller changes timers. */
const STEERING = ['x-envoy-upstream-rq-timeout-ms', 'x-envoy-upstream-rq-per-try-timeout-ms', 'x-envoy-max-retries'];

function headersOf(asked: AskedRequest, manager: HttpConnectionManager, notes: string[]): RequestHeaders {
  const headers = new RequestHeaders();
  headers.method = asked.method;
  headers.path = asked.path;
  headers.authority = asked.host;
  headers.scheme = 'http';
  headers.push(headerName('x-forwarded-proto'), 'http');
  const trusted = manager.internal_address_config !== undefined;
  for (const [name, value] of asked.headers) {
    const key = name.toLowerCase();
    if (key === 'host' || key === ':authority') headers.authority = value;
    else if (!trusted && STEERING.includes(key))
      notes.push(`${key} is stripped: no caller is trusted without internal_address_config`);
    else headers.add(headerName(key), value);
  }
  return headers;
}

function targetsOf(entry: RouteEntry, headers: RequestHeaders, clusters: readonly Cluster[]): Effective['clusters'] {
  const weighted = entry.config?.route?.weighted_clusters?.clusters ?? [];
  const names = weighted.length > 0 ? weighted.map((w) => w.name) : [entry.pickCluster(headers)];
  return names.map((name, i) => {
    const cluster = clusters.find((c) => c.name === name);
    const endpoints = (cluster?.load_assignment?.endpoints ?? []).flatMap((group) =>
      group.lb_endpoints.map(({ endpoint }) => {
        const socket = endpoint?.address?.socket_address;
        return `${socket?.address ?? '?'}:${socket?.port_value ?? '?'}`;
      }),
    );
    return { name, weight: weighted[i]?.weight ?? null, known: cluster !== undefined, endpoints };
  });
}

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

function timersOf(
  entry: RouteEntry | null,
  manager: HttpConnectionManager,
  cluster: Cluster | undefined,
  headers: RequestHeaders,
  grpc: boolean,
  profile: ReplyProfile,
): Effective['timers'] {
  const timer = (key: keyof typeof NAMES, ms: number, ref: FieldRef, starts: string): EffectiveTimer => ({
    name: NAMES[key],
    ms,
    ref,
    starts,
  });
  const own = <T extends object>(object: T | undefined, field: keyof T & string, otherwise: number) => {
    const value = object?.[field] as number | undefined;
    return { ms: value ?? otherwise, ref: value === undefined ? NOWHERE : fieldRef(object as object, field) };
  };
  const times = new RequestTimeouts();
  if (entry !== null) {
    const { durationDisablesRouteTimeout } = profile;
    resolveTimeouts(times, entry, headers, grpc, { respectExpectedRqTimeout: false, durationDisablesRouteTimeout });
  }
  const policy = entry?.retryPolicy ?? null;
  const common = manager.common_http_protocol_options;
  const duration = own(common, 'max_stream_duration', 0);
  const limits = entry?.maxStreamDuration ?? null;
  if (limits !== null && entry !== null) {
    const asked = limits.grpcHeaderMax === null ? null : parseGrpcTimeout(headers.get(H.grpcTimeout));
    if (asked !== null) {
      const max = limits.grpcHeaderMax as number;
      duration.ms = max !== 0 && asked > max ? max : asked;
      duration.ref = entry.maxStreamDurationRef;
    } else if (limits.max !== null) {
      duration.ms = limits.max;
      duration.ref = entry.maxStreamDurationRef;
    }
  }
  const idle = own(manager, 'stream_idle_timeout', 300_000);
  if (entry !== null && entry.idleTimeout !== null) {
    idle.ms = entry.idleTimeout;
    idle.ref = entry.idleTimeoutRef;
  }
  const options = cluster?.typed_extension_protocol_options[HTTP_OPTIONS] as (Any & UpstreamHttpConfig) | undefined;
  const http2 = options?.explicit_http_config?.http2_protocol_options ?? cluster?.http2_protocol_options;
  const keepalive = http2?.connection_keepalive;
  const interval = own(keepalive, 'interval', 0);
  const ping = interval.ms === 0 ? 0 : Math.round(interval.ms * 1.15) + (keepalive?.timeout ?? 0);
  const request = own(manager, 'request_timeout', 0);
  const head = own(manager, 'request_headers_timeout', 0);
  const connect = own(cluster, 'connect_timeout', 5000);
  const upstream = own(options?.common_http_protocol_options, 'max_stream_duration', 0);
  const complete = 'when the request is complete';
  const attempt = 'when the request is complete and the try has a connection';
  const start = 'with the request';
  return {
    connect: timer('connect', connect.ms, connect.ref, 'with the connection attempt'),
    route: timer('route', times.global, entry?.timeoutRef ?? NOWHERE, complete),
    duration: timer('duration', duration.ms, duration.ref, start),
    perTry: timer('perTry', times.perTry, policy?.perTryTimeoutRef ?? NOWHERE, attempt),
    perTryIdle: timer('perTryIdle', times.perTryIdle, policy?.perTryIdleTimeoutRef ?? NOWHERE, attempt),
    idle: timer('idle', idle.ms, idle.ref, `${start}, anew with every byte either way`),
    request: timer('request', request.ms, request.ref, `${start}; ends when it is complete`),
    headers: timer('headers', head.ms, head.ref, `${start}; ends when its headers are complete`),
    upstreamDuration: timer('upstreamDuration', upstream.ms, upstream.ref, 'when the try has a connection'),
    ping: timer('ping', ping, interval.ref, 'when nothing is read (interval, up to 15 % more, and timeout)'),
  };
}

/** Whether a try that a per-try timeout ended is made again. */
export function retriesTimeouts(found: Effective): boolean {
  return (found.retryOn & (RetryOn.FIVE_XX | RetryOn.GATEWAY_ERROR | RetryOn.RESET)) !== 0 && found.retries > 0;
}

/** Whether a connection that does not come about is tried again. */
export function retriesConnects(found: Effective): boolean {
  const bits = RetryOn.CONNECT_FAILURE | RetryOn.FIVE_XX | RetryOn.GATEWAY_ERROR | RetryOn.RESET;
  return (found.retryOn & bits) !== 0 && found.retries > 0;
}
