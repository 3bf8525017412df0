import type { CodecConnection, ServerCodec, ServerCodecCallbacks } from '../codec/codec.js';
import type { AccessLogType } from '../observe/access-log.js';
import type { ExplainedStream, TransportFacts } from '../observe/recorder.js';
import type { ConnectionInfo, StreamInfo } from '../observe/stream-info.js';
import type { Limit } from '../observe/timer-ledger.js';
import type { HeaderChange } from '../router/header-mutation.js';
import type { RouteEntry } from '../router/route-entry.js';
import type { RouteTable } from '../router/route-table.js';
import type { RouterConfig } from '../router/router-callbacks.js';
import type { UpstreamConnectionInfo } from '../upstream/types.js';
import type { AddressDetection } from './client-address.js';
import type { FilterChain } from './filters/chain.js';
import type { LocalReplyRewriter } from './local-reply-config.js';
import type { PathNormalizer } from './path.js';
import type { ProxyStatus } from './proxy-status.js';
import type { HttpStats, ListenerHttpStats } from './stats.js';

/** Per-version rules by which replies differ; data, so that a profile is one line. */
export interface ReplyProfile {
  name: string;
  /** Envoy >= 1.22: a connection-manager timer answers 504 when the request is complete. Before: always 408. */
  gatewayTimeoutWhenComplete: boolean;
  /** Envoy >= 1.18: a max_stream_duration message on the route switches the route timeout off. */
  durationDisablesRouteTimeout: boolean;
}

export const PROFILES: Readonly<Record<string, ReplyProfile>> = {
  'envoy-1.40': { name: 'envoy-1.40', gatewayTimeoutWhenComplete: true, durationDisablesRouteTimeout: true },
  'envoy-1.22': { name: 'envoy-1.22', gatewayTimeoutWhenComplete: true, durationDisablesRouteTimeout: true },
  'envoy-1.18': { name: 'envoy-1.18', gatewayTimeoutWhenComplete: false, durationDisablesRouteTimeout: true },
  'envoy-1.17': { name: 'envoy-1.17', gatewayTimeoutWhenComplete: false, durationDisablesRouteTimeout: false },
  'envoy-1.16': { name: 'envoy-1.16', gatewayTimeoutWhenComplete: false, durationDisablesRouteTimeout: false },
};

/** Writes lines about streams. */
export interface StreamLog {
  log(info: StreamInfo, type: AccessLogType): void;
}

/** Tells whether a response should start the drain of its connection (Envoy: DrainDecision). */
export interface DrainDecision {
  drainClose(): boolean;
  /** `/healthcheck/fail` is in force. */
  readonly healthcheckFailed: boolean;
}

/** Told about streams that ended badly, for `explain`. */
export interface FailureSink {
  onStreamEnd(stream: ExplainedStream): void;
}

/** What a request runs through. */
export interface FilterPath {
  readonly router: RouterConfig;
  /** Filters before the router; null when there is none. */
  readonly filters: FilterChain | null;
}

/**
 * One HTTP connection manager, compiled from `HttpConnectionManager`. Everything that does not depend on a request is worked
 * out here, once.
 */
export interface ConnectionManagerConfig extends FilterPath {
  readonly statPrefix: string;
  readonly stats: HttpStats;
  readonly listenerStats: ListenerHttpStats;
  /** null: HTTP/1 or HTTP/2 by the first bytes. */
  readonly codecType: 'AUTO' | 'HTTP1' | 'HTTP2';
  createHttp1(connection: CodecConnection, callbacks: ServerCodecCallbacks): ServerCodec;
  createHttp2(connection: CodecConnection, callbacks: ServerCodecCallbacks): ServerCodec;
  /** One holder for the life of the listener: connections of every age see the table that is in force. */
  routes: { table: RouteTable };
  /** local_reply_config; absent when there is none. */
  readonly localReplies?: LocalReplyRewriter;
  readonly profile: ReplyProfile;
  /** stream_idle_timeout, 300 s. */
  readonly streamIdle: Limit;
  /** request_timeout, off. */
  readonly request: Limit;
  /** request_headers_timeout, off. */
  readonly requestHeaders: Limit;
  /** common_http_protocol_options.max_stream_duration, off. */
  readonly maxStreamDuration: Limit;
  /** stream_flush_timeout, defaults to stream_idle_timeout. */
  readonly streamFlush: Limit;
  /** common_http_protocol_options.idle_timeout, 1 h, ms. */
  readonly connectionIdle: number;
  /** common_http_protocol_options.max_connection_duration, off, ms. */
  readonly maxConnectionDuration: number;
  readonly http1SafeMaxConnectionDuration: boolean;
  /** drain_timeout, 5 s, ms. */
  readonly drainTimeout: number;
  /** delayed_close_timeout, 1 s, ms. */
  readonly delayedClose: number;
  /** 0: unlimited. */
  readonly maxRequestsPerConnection: number;
  readonly serverName: string;
  readonly serverHeader: 'OVERWRITE' | 'APPEND_IF_ABSENT' | 'PASS_THROUGH';
  readonly useRemoteAddress: boolean;
  readonly xffTrustedHops: number;
  readonly skipXffAppend: boolean;
  readonly appendXForwardedPort: boolean;
  /** Who the client is when use_remote_address is off. */
  readonly detections: readonly AddressDetection[];
  /** forward_proto_config; null when there is none. */
  readonly forwardProto: { readonly https: readonly number[]; readonly http: readonly number[] } | null;
  /** early_header_mutation_extensions, before every other rule; null when there are none. */
  readonly earlyMutations: readonly HeaderChange[] | null;
  readonly via: string;
  /** null: no proxy-status header is written. */
  readonly proxyStatus: ProxyStatus | null;
  /** forward_client_cert_details ALWAYS_FORWARD_ONLY; without TLS every other choice removes x-forwarded-client-cert. */
  readonly forwardClientCert: boolean;
  readonly generateRequestId: boolean;
  readonly preserveExternalRequestId: boolean;
  readonly alwaysSetRequestIdInResponse: boolean;
  readonly userAgent: { serviceCluster: string; serviceNode: string } | null;
  readonly schemeOverwrite: 'http' | 'https' | null;
  readonly proxy100Continue: boolean;
  readonly path: PathNormalizer;
  readonly stripMatchingHostPort: boolean;
  readonly stripAnyHostPort: boolean;
  readonly stripTrailingHostDot: boolean;
  /** Is this caller, of whom the address `ip` ('': the peer) is trusted, an internal one; null when none is (the default). */
  readonly isInternal: ((ip: string, connection: ConnectionInfo) => boolean) | null;
  /** Lower-case upgrade types that are enabled, such as `websocket` and `connect`. */
  readonly upgrades: ReadonlyMap<string, boolean>;
  /** upgrade_configs with filters of their own, by lower-case type. */
  readonly upgradePaths: ReadonlyMap<string, FilterPath>;
  /** Answers of a 400 keep an HTTP/1 connection. */
  readonly streamErrorOnInvalidMessage: boolean;
  readonly isOverTls: boolean;
  readonly listenerPort: number;
  /** null when there is none. */
  readonly accessLog: StreamLog | null;
  /** access_log_options: a line when a request has been routed. */
  readonly logOnNewRequest: boolean;
  /** A line when a tunnel is there. */
  readonly logOnTunnel: boolean;
  /** Lines while a stream is open, ms; 0: none. */
  readonly logFlushInterval: number;
  readonly drain: DrainDecision;
  readonly failures: FailureSink | null;
  /** What is known of an upstream connection that kept a stream waiting for `waited` ms. */
  transportFacts(connection: UpstreamConnectionInfo, waited: number): TransportFacts | null;
  /** Counts the request under its route; null when metrics are off. */
  recordRequest(route: RouteEntry | null, info: StreamInfo): void;
  readonly filterChainName: string;
  /** Address this proxy shows for itself (x-forwarded-for of loopback peers). */
  readonly ownAddress: string;
}
