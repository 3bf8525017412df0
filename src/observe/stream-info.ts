import type { RequestHeaders, ResponseHeaders, Trailers } from '../base/headers.js';
import type { Protocol, StreamBytes } from '../base/protocol.js';
import type { Flag } from './flags.js';

/** What a TLS handshake established, for logs and metrics. Absent texts are '', absent lists empty, absent times -1. */
export interface TlsInfo {
  /** `TLSv1.3`. */
  readonly version: string;
  readonly cipher: string;
  readonly sessionId: string;
  readonly localSubject: string;
  readonly localUriSans: readonly string[];
  readonly localDnsSans: readonly string[];
  readonly localIpSans: readonly string[];
  /** RFC 2253 text of the peer's certificate. */
  readonly peerSubject: string;
  readonly peerIssuer: string;
  readonly peerSerial: string;
  /** Lower-case hex without separators. */
  readonly peerFingerprint256: string;
  readonly peerFingerprint1: string;
  readonly peerUriSans: readonly string[];
  readonly peerDnsSans: readonly string[];
  readonly peerIpSans: readonly string[];
  /** URL-encoded PEM. */
  readonly peerCert: string;
  /** Milliseconds since the epoch. */
  readonly peerCertFrom: number;
  readonly peerCertTo: number;
}

/** Metadata by filter name, as configuration writes it (`filter_metadata`). */
export type FilterMetadata = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Facts of a connection that every stream on it shares. Addresses are `ip:port`. */
export interface ConnectionInfo {
  readonly id: number;
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** `remoteAddress` without its port. */
  readonly remoteIp?: string;
  /** SNI the client asked for, '' when none. */
  readonly requestedServerName: string;
  /** ALPN result, '' when none. */
  readonly alpn: string;
  readonly tls: boolean;
  /** `localAddress` is where the client wanted to go, before a redirect rule sent it here (original_dst). */
  readonly localAddressRestored?: boolean;
  /** Absent or null without TLS. */
  readonly tlsInfo?: TlsInfo | null;
  /** Why the connection ended, when the network layer knows better than the stream; '' or absent otherwise. */
  readonly terminationDetails?: string;
}

/** The upstream half of a stream as far as the last attempt got. */
export interface UpstreamInfo {
  /** `ip:port` of the host of the last attempt; '' when none was attached or tried. */
  host: string;
  hostname: string;
  /** Local and remote address of the connection of the attempt; '' when it never attached. */
  localAddress: string;
  remoteAddress: string;
  connectionId: number;
  protocol: Protocol | '';
  transportFailureReason: string;
  /** Milliseconds of the monotonic clock; -1 while it has not happened. */
  connectStart: number;
  connectEnd: number;
  /** Attempt handed to the pool; pool answered. */
  poolStart: number;
  poolReady: number;
  firstTx: number;
  lastTx: number;
  firstRx: number;
  lastRx: number;
  bytes: StreamBytes | null;
  tlsInfo?: TlsInfo | null;
  hostMetadata?: FilterMetadata | null;
}

/** Of an attempt that has got nowhere yet. */
export function newUpstreamInfo(): UpstreamInfo {
  return {
    host: '',
    hostname: '',
    localAddress: '',
    remoteAddress: '',
    connectionId: 0,
    protocol: '',
    transportFailureReason: '',
    connectStart: -1,
    connectEnd: -1,
    poolStart: -1,
    poolReady: -1,
    firstTx: -1,
    lastTx: -1,
    firstRx: -1,
    lastRx: -1,
    bytes: null,
  };
}

/** Messages of a gRPC request and its response so far. */
export interface GrpcMessageCounts {
  request: number;
  response: number;
}

/**
 * All that is known of one downstream stream, for logs, metrics and `explain`.
 * Times are milliseconds of the dispatcher's monotonic clock, -1 while the event has not happened.
 */
export interface StreamInfo {
  readonly connection: ConnectionInfo;
  /** '' below HTTP. */
  protocol: Protocol | '';
  /** Wall clock at stream creation, ms since the epoch. */
  startWall: number;
  start: number;
  /** Last byte of the request received. */
  requestEnd: number;
  firstDownstreamTx: number;
  lastDownstreamTx: number;
  /** Stream over (set just before the log line is written). */
  end: number;
  /** Status sent, 0 when none was. */
  responseCode: number;
  details: string;
  flags: Flag[];
  /** Body bytes. */
  bytesReceived: number;
  bytesSent: number;
  downstreamBytes: StreamBytes | null;
  routeName: string;
  virtualHost: string;
  virtualCluster: string;
  /** Cluster the route chose, '' when none. */
  upstreamCluster: string;
  /** `alt_stat_name` of that cluster, or its name; absent or '' when the route chose none. */
  upstreamClusterAltName?: string;
  clusterMetadata?: FilterMetadata | null;
  routeMetadata?: FilterMetadata | null;
  dynamicMetadata?: FilterMetadata | null;
  /** Answered by the health_check filter. */
  healthCheck?: boolean;
  /** Kept by the grpc_stats filter when it is told to (`emit_filter_state`). */
  grpcMessages?: GrpcMessageCounts;
  /** Set by tracing. */
  traceId?: string;
  spanId?: string;
  attemptCount: number;
  /** null until an attempt was made. */
  upstream: UpstreamInfo | null;
  filterChainName: string;
  /** Address after x-forwarded-for rules, `ip:port`. */
  downstreamRemoteAddress: string;
  streamId: string;
  /** Body of a local reply, '' when the response is not one. */
  localReplyBody: string;
  requestHeaders: RequestHeaders | null;
  responseHeaders: ResponseHeaders | null;
  responseTrailers: Trailers | null;
}
