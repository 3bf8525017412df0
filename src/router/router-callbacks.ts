import type { Dispatcher } from '../base/dispatcher.js';
import type { ResponseHeaders, Trailers } from '../base/headers.js';
import type { Protocol } from '../codec/codec.js';
import type { StreamInfo } from '../observe/stream-info.js';
import type { TimerLedger } from '../observe/timer-ledger.js';
import type { ClusterManager, UpstreamConnectionInfo } from '../upstream/types.js';
import type { UpstreamLogConfig } from './attempt-log.js';
import type { RedirectingStream } from './internal-redirect.js';
import type { StrictHeader } from './strict-headers.js';

/** What the router asks of the downstream stream above it. */
export interface RouterCallbacks {
  readonly dispatcher: Dispatcher;
  readonly info: StreamInfo;
  readonly ledger: TimerLedger;
  readonly protocol: Protocol;
  /** Bytes of body that may wait for a connection, and be kept for a retry. */
  readonly bufferLimit: number;
  /** Final response headers have been given to the downstream codec. */
  readonly responseStarted: boolean;
  /** Whole request received by the codec. */
  readonly requestComplete: boolean;
  /** The caller is trusted (x-envoy-internal was set). */
  readonly internalRequest: boolean;
  /** Upgrade or CONNECT: the body is held until the upstream has agreed. */
  readonly isTunnel: boolean;
  /** Follows internal redirects; null when they are not to be. */
  readonly redirector: RedirectingStream | null;
  /** `modify` adds the router's own headers to the reply. Resets the stream when the response has started. */
  sendLocalReply(
    status: number,
    body: string,
    details: string,
    modify?: ReplyHeaders | null,
    grpcStatus?: number,
  ): void;
  encode1xx(headers: ResponseHeaders): void;
  encodeHeaders(headers: ResponseHeaders, endStream: boolean): void;
  encodeData(data: Uint8Array, endStream: boolean): void;
  encodeTrailers(trailers: Trailers): void;
  /** Upstream cannot take more of the request; counted. */
  pauseRequest(): void;
  /** An attempt is about to be given up: the last moment at which its connection can be looked at. `waited`: ms since it was attached. */
  noteStalled(connection: UpstreamConnectionInfo, waited: number): void;
  resumeRequest(): void;
}

/** Adds headers to a local reply. */
export interface ReplyHeaders {
  addReplyHeaders(headers: ResponseHeaders, overloaded: boolean): void;
  readonly overloaded: boolean;
}

/** `http.<stat_prefix>.` counters of the router filter. */
export class RouterStats {
  no_cluster = 0;
  no_route = 0;
  passthrough_internal_redirect_bad_location = 0;
  passthrough_internal_redirect_no_route = 0;
  passthrough_internal_redirect_predicate = 0;
  passthrough_internal_redirect_too_many_redirects = 0;
  passthrough_internal_redirect_unsafe_scheme = 0;
  rq_direct_response = 0;
  rq_overload_local_reply = 0;
  rq_redirect = 0;
  rq_reset_after_downstream_response_started = 0;
  rq_total = 0;
}

/** How mirrored requests are sent. */
export interface ShadowConfig {
  /** Of the routers of mirrored requests: all of a process count together, as `http.async-client.`. */
  readonly router: RouterConfig;
  /** What they append to x-forwarded-for. */
  readonly ownAddress: string;
}

/** Configuration of the router filter, compiled once. */
export interface RouterConfig {
  readonly stats: RouterStats;
  readonly clusters: ClusterManager;
  readonly suppressEnvoyHeaders: boolean;
  readonly respectExpectedRqTimeout: boolean;
  /** Request headers whose values must parse; absent when none are checked. */
  readonly strictHeaders?: readonly StrictHeader[];
  /** What mirrored requests need. */
  readonly shadows: ShadowConfig;
  /** A max_stream_duration message on the route switches its timeout off (Envoy >= 1.18). */
  readonly durationDisablesRouteTimeout: boolean;
  /** dynamic_stats: codes and times are counted for the cluster. */
  readonly dynamicStats: boolean;
  /** suppress_grpc_request_failure_code_stats: of gRPC requests only the number is counted. */
  readonly quietGrpcCodes: boolean;
  /** Log of attempts; null: none. */
  readonly upstreamLog: UpstreamLogConfig | null;
  /** scheme_header_transformation.match_upstream: `:scheme` is that of the connection that takes the request. */
  readonly schemeOfUpstream: boolean;
}
