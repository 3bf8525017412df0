import type { Dispatcher } from '../base/dispatcher.js';
import { Bit, H } from '../base/header-names.js';
import type { RequestHeaders, ResponseHeaders, Trailers } from '../base/headers.js';
import type { TimerOwner } from '../base/timer-wheel.js';
import { type Protocol, Reset, type ResetReason } from '../codec/codec.js';
import { addFlag, type Flag } from '../observe/flags.js';
import type { StreamInfo } from '../observe/stream-info.js';
import { type LedgerTimer, type LimitRef, TimerKind, type TimerLedger } from '../observe/timer-ledger.js';
import type {
  Cluster,
  ClusterManager,
  Host,
  LbContext,
  Priority,
  RetryPriority,
  UpstreamConnectionInfo,
} from '../upstream/types.js';
import { grpcStatusToHttp, isGrpcRequest } from './grpc.js';
import type { RetryState, RetryVerdict } from './retry-state.js';
import { rewriteAuthority } from './rewrite.js';
import type { RouteEntry } from './route-entry.js';
import { type StrictHeader, strictFault } from './strict-headers.js';
import { RequestTimeouts, resolveTimeouts } from './timeouts.js';
import { UpstreamRequest } from './upstream-request.js';

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

/** Configuration of the router filter, compiled once. */
export interface RouterConfig {
  readonly stats: RouterStats;
  readonly clusters: ClusterManager;
  readonly suppressEnvoyHeaders: boolean;
  readonly respectExpectedRqTimeout: boolean;
  /** Request headers whose values must parse; absent when none are checked. */
  readonly strictHeaders?: readonly StrictHeader[];
  /** A max_stream_duration message on the route switches its timeout off (Envoy >= 1.18). */
  readonly durationDisablesRouteTimeout: boolean;
}

const RESET_FLAG: Record<ResetReason, Flag> = {
  [Reset.LOCAL]: 'LR',
  [Reset.LOCAL_REFUSED]: 'LR',
  [Reset.REMOTE]: 'UR',
  [Reset.REMOTE_REFUSED]: 'UR',
  [Reset.REMOTE_NO_ERROR]: 'UR',
  [Reset.CONNECT_ERROR]: 'UR',
  [Reset.LOCAL_CONNECTION_FAILURE]: 'UF',
  [Reset.REMOTE_CONNECTION_FAILURE]: 'UF',
  [Reset.CONNECTION_TIMEOUT]: 'UF',
  [Reset.CONNECTION_TERMINATION]: 'UC',
  [Reset.OVERFLOW]: 'UO',
  [Reset.PROTOCOL_ERROR]: 'UPE',
};

/**
 * The last filter of a stream: takes the request, finds cluster and host, starts attempts, and turns what becomes of
 * them into the response. Envoy: Router::Filter; the order of its decisions is kept.
 */
export class Router implements LbContext, TimerOwner, ReplyHeaders {
  requestHeaders!: RequestHeaders;
  route!: RouteEntry;
  cluster!: Cluster;
  readonly timeouts = new RequestTimeouts();
  priority: Priority = 0;
  requestComplete = false;
  /** Headers of this request went out to an upstream, in any attempt. */
  requestHeadersSent = false;
  readonly reportsConnectSuccess = true;
  hash: bigint | null = null;
  overloaded = false;

  private attempts: UpstreamRequest[] = [];
  /** The attempt whose response goes downstream. */
  private final: UpstreamRequest | null = null;
  private responseStarted = false;
  private requestCompleteAt = -1;
  private routeTimer: LedgerTimer | null = null;
  private retryTimer: LedgerTimer | null = null;
  private retryState: RetryState | null = null;
  private pendingRetries = 0;
  private isRetry = false;
  private timeoutRetry = false;
  private grpc = false;
  private alternateTimeoutReply = false;
  /** Request body kept for retries; null when none is kept. */
  private kept: Buffer[] | null = null;
  private keptBytes = 0;
  private keptTrailers: Trailers | null = null;
  private pausedResponse = 0;
  private ended = false;

  constructor(
    private readonly config: RouterConfig,
    readonly callbacks: RouterCallbacks,
  ) {}

  get ledger(): TimerLedger {
    return this.callbacks.ledger;
  }

  // --- the request

  decodeHeaders(
    headers: RequestHeaders,
    route: RouteEntry | null,
    cluster: Cluster | undefined,
    endStream: boolean,
  ): void {
    const { callbacks, config } = this;
    const info = callbacks.info;
    config.stats.rq_total++;
    this.requestHeaders = headers;
    if (route === null) {
      config.stats.no_route++;
      addFlag(info, 'NR');
      callbacks.sendLocalReply(404, '', 'route_not_found');
      return;
    }
    this.route = route;
    if (route.action !== 'route') {
      this.answerDirectly(route);
      return;
    }
    if (cluster === undefined) {
      config.stats.no_cluster++;
      addFlag(info, 'NC');
      callbacks.sendLocalReply(route.clusterNotFoundResponseCode, '', 'cluster_not_found');
      return;
    }
    this.cluster = cluster;
    this.priority = route.priority;
    if (config.strictHeaders !== undefined && !this.checkStrictly(config.strictHeaders, headers)) return;
    info.attemptCount = 1;
    if (cluster.maintenanceMode) {
      cluster.stats.upstream_rq_maintenance_mode++;
      addFlag(info, 'UO');
      this.charge(503, null);
      this.overloaded = true;
      callbacks.sendLocalReply(503, 'maintenance mode', 'maintenance_mode', this);
      return;
    }
    if (route.hashPolicy !== null) this.hash = route.hashPolicy.hash(headers, info, this);
    const host = cluster.chooseHost(this, this.priority);
    if (host === null) {
      this.noHealthyUpstream();
      return;
    }
    this.grpc = isGrpcRequest(headers);
    resolveTimeouts(this.timeouts, route, headers, this.grpc, config);
    if ((headers.bits & Bit.X_ENVOY) !== 0 && headers.remove(H.xEnvoyUpstreamRqTimeoutAltResponse))
      this.alternateTimeoutReply = true;
    this.setExpectedTimeout();
    if (route.includeAttemptCountInRequest) headers.set(H.xEnvoyAttemptCount, '1');
    if (route.hasRequestMutations) route.finalizeRequest(headers, info, !config.suppressEnvoyHeaders);
    if (route.retryPolicy !== null || (headers.bits & Bit.X_ENVOY) !== 0)
      this.retryState = route.createRetryState(headers, cluster, this.priority, callbacks);
    const attempt = this.newAttempt(host);
    attempt.start(endStream);
    if (endStream && !this.ended) this.onRequestComplete();
  }

  /** False when a header does not parse; the request has been answered then. */
  private checkStrictly(checks: readonly StrictHeader[], headers: RequestHeaders): boolean {
    const wrong = strictFault(checks, headers);
    if (wrong === null) return true;
    const { text } = wrong;
    addFlag(this.callbacks.info, 'IH');
    this.callbacks.sendLocalReply(
      400,
      `invalid header '${text}' with value '${wrong.fault(headers)}'`,
      `request_headers_failed_strict_check{${text}}`,
    );
    return false;
  }

  private answerDirectly(route: RouteEntry): void {
    const { callbacks, config } = this;
    config.stats.rq_direct_response++;
    const direct = route.directResponse!;
    const keepOriginal = !config.suppressEnvoyHeaders;
    this.directLocation = route.directLocation(this.requestHeaders, callbacks.info, keepOriginal);
    const body = direct.bodyFormat === null ? direct.text : direct.bodyFormat.format(callbacks.info);
    callbacks.sendLocalReply(direct.status, body, 'direct_response', this);
  }

  private directLocation: string | null = null;

  /** `location` of a redirect, `x-envoy-overloaded`, `x-envoy-attempt-count`. */
  addReplyHeaders(headers: ResponseHeaders, overloaded: boolean): void {
    this.addCookies(headers);
    if (this.directLocation !== null) headers.push(H.location, this.directLocation);
    const contentType = this.route.directResponse?.contentType;
    if (contentType) headers.set(H.contentType, contentType);
    if (overloaded && !this.config.suppressEnvoyHeaders) headers.set(H.xEnvoyOverloaded, 'true');
    if (this.route.includeAttemptCountInResponse && this.callbacks.info.attemptCount > 0)
      headers.set(H.xEnvoyAttemptCount, String(this.callbacks.info.attemptCount));
  }

  /** A hash policy has made a cookie for this client. */
  addSetCookie(value: string): void {
    this.cookies ??= [];
    this.cookies.push(value);
  }

  private cookies: string[] | null = null;

  private addCookies(headers: ResponseHeaders): void {
    if (this.cookies === null) return;
    for (const cookie of this.cookies) headers.push(H.setCookie, cookie);
    this.cookies = null;
  }

  private setExpectedTimeout(): void {
    if (this.config.suppressEnvoyHeaders) return;
    const { global, perTry } = this.timeouts;
    const hedging = this.timeouts.hedge;
    let ms = perTry > 0 && !hedging ? perTry : global;
    if (ms <= 0) return;
    if (global > 0 && this.routeTimer !== null) {
      const left = Math.floor(global - (this.callbacks.dispatcher.now - this.requestCompleteAt));
      ms = left <= 0 ? 1 : Math.min(ms, left);
    }
    this.requestHeaders.set(H.xEnvoyExpectedRqTimeoutMs, String(ms));
    if (this.grpc && this.route.maxGrpcTimeout !== null && this.route.maxStreamDuration === null)
      this.requestHeaders.set(H.grpcTimeout, `${ms}m`);
  }

  private newAttempt(host: Host): UpstreamRequest {
    const upstream = {
      host: '',
      hostname: '',
      localAddress: '',
      remoteAddress: '',
      connectionId: 0,
      protocol: '' as const,
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
    this.callbacks.info.upstream = upstream;
    const attempt = new UpstreamRequest(this, upstream, host);
    if (this.attempts.length === 0) this.attempts = [attempt];
    else this.attempts.push(attempt);
    for (let i = 0; i < this.pausedResponse; i++) attempt.pauseResponse();
    return attempt;
  }

  decodeData(data: Uint8Array, endStream: boolean): void {
    if (this.ended) return;
    let buffering = this.retryState?.enabled === true;
    if (buffering && this.keptBytes + data.length > this.route.retryBufferLimit(this.callbacks.bufferLimit)) {
      this.cluster.stats.retry_or_shadow_abandoned++;
      this.dropRetryState();
      buffering = false;
      if (this.attempts.length === 0) {
        this.cleanup();
        this.callbacks.sendLocalReply(
          507,
          'exceeded request buffer limit while retrying upstream',
          'request_payload_exceeded_retry_buffer_limit',
          this,
        );
        return;
      }
    }
    if (this.attempts.length === 0 && !buffering) {
      this.cleanup();
      this.callbacks.sendLocalReply(
        503,
        'upstream is closed prematurely during decoding data from downstream',
        'upstream_reset_before_response_started',
        this,
      );
      return;
    }
    if (buffering) {
      this.kept ??= [];
      this.kept.push(Buffer.from(data));
      this.keptBytes += data.length;
    }
    if (this.attempts.length > 0) this.attempts[0].encodeData(data, endStream);
    if (endStream && !this.ended) this.onRequestComplete();
  }

  decodeTrailers(trailers: Trailers): void {
    if (this.ended) return;
    if (this.retryState?.enabled === true) this.keptTrailers = trailers;
    if (this.attempts.length > 0) this.attempts[0].encodeTrailers(trailers);
    if (!this.ended) this.onRequestComplete();
  }

  /** The router has seen the end of the request: the route timeout starts, if there is an attempt to be timed. */
  private onRequestComplete(): void {
    this.requestComplete = true;
    this.requestCompleteAt = this.callbacks.dispatcher.now;
    if (this.attempts.length === 0) return;
    if (this.timeouts.global > 0)
      this.routeTimer = this.ledger.arm(
        this,
        TimerKind.ROUTE,
        this.timeouts.global,
        this.timeouts.fromHeader ? HEADER_REF : this.route.timeoutRef,
      );
    for (const attempt of this.attempts) attempt.onRequestComplete();
  }

  // --- clocks

  onTimer(kind: number): void {
    if (kind === TimerKind.ROUTE) {
      this.ledger.fired(this.routeTimer!);
      this.onRouteTimeout();
    } else {
      this.ledger.fired(this.retryTimer!);
      this.doRetry();
    }
  }

  private onRouteTimeout(): void {
    const code = this.timeoutCode;
    while (this.attempts.length > 0) {
      const attempt = this.attempts.pop()!;
      this.cluster.stats.upstream_rq_timeout++;
      if (attempt.host !== null) attempt.host.stats.rq_timeout++;
      if (attempt.awaitingHeaders) {
        attempt.host?.outlier.putResult('timeout', code);
        this.chargeAbort(code, attempt);
      }
      attempt.reset();
    }
    this.timeoutAbort('response_timeout');
  }

  onPerTryTimeout(attempt: UpstreamRequest): void {
    if (this.timeouts.hedge) {
      this.hedge(attempt);
      return;
    }
    this.cluster.stats.upstream_rq_per_try_timeout++;
    this.perTryTimeout(attempt, 'upstream_per_try_timeout');
  }

  /** The attempt may still answer: it goes on, and another one starts beside it while retries are left. */
  private hedge(attempt: UpstreamRequest): void {
    attempt.host?.outlier.putResult('timeout', this.timeoutCode);
    const retry = this.retryState;
    if (this.responseStarted || retry === null || attempt.retried) return;
    const verdict = retry.shouldHedge();
    if (verdict !== 'retry') {
      this.noteRetryVerdict(verdict);
      return;
    }
    if (attempt.host !== null) retry.onHostAttempted(attempt.host);
    attempt.retried = true;
    this.timeoutRetry = true;
    this.scheduleRetry(retry, null);
  }

  onPerTryIdleTimeout(attempt: UpstreamRequest): void {
    this.cluster.stats.upstream_rq_per_try_idle_timeout++;
    this.perTryTimeout(attempt, 'upstream_per_try_idle_timeout');
  }

  private perTryTimeout(attempt: UpstreamRequest, details: string): void {
    if (attempt.host !== null) attempt.host.stats.rq_timeout++;
    attempt.reset();
    attempt.host?.outlier.putResult('timeout', this.timeoutCode);
    if (this.maybeRetryReset(Reset.LOCAL, attempt, true)) return;
    this.chargeAbort(this.timeoutCode, attempt);
    this.forget(attempt);
    this.timeoutAbort(details);
  }

  onUpstreamMaxDuration(attempt: UpstreamRequest): void {
    this.cluster.stats.upstream_rq_max_duration_reached++;
    attempt.reset();
    if (this.maybeRetryReset(Reset.LOCAL, attempt, false)) return;
    this.forget(attempt);
    this.cleanup();
    addFlag(this.callbacks.info, 'UMSDR');
    this.callbacks.sendLocalReply(
      this.callbacks.requestComplete ? 504 : 408,
      'upstream max stream duration reached',
      'upstream_max_stream_duration_reached',
      this,
    );
  }

  private get timeoutCode(): number {
    return this.alternateTimeoutReply ? 204 : 504;
  }

  private timeoutAbort(details: string): void {
    const code = this.timeoutCode;
    this.abort(code, 'UT', code === 504 ? 'upstream request timeout' : '', false, details);
  }

  maxDurationRef(): LimitRef {
    return this.timeouts.upstreamMaxStreamDuration !== null ? HEADER_REF : CLUSTER_DURATION_REF;
  }

  perTryRef(): LimitRef {
    return this.route.retryPolicy?.perTryTimeoutRef ?? HEADER_REF;
  }

  perTryIdleRef(): LimitRef {
    return this.route.retryPolicy?.perTryIdleTimeoutRef ?? HEADER_REF;
  }

  private backOffRef(): LimitRef {
    return this.route.retryPolicy?.backOffRef ?? HEADER_REF;
  }

  // --- the response

  onUpstream1xx(headers: ResponseHeaders, _attempt: UpstreamRequest): void {
    // Any 1xx ends the chance of a retry, forwarded or not.
    this.dropRetryState();
    if (!this.informed) this.cluster.codes.charge(headers.status, this.callbacks.internalRequest, false);
    this.informed = true;
    this.callbacks.encode1xx(headers);
  }

  private informed = false;

  onUpstreamHeaders(headers: ResponseHeaders, endStream: boolean, attempt: UpstreamRequest): void {
    const { callbacks, config, cluster, route } = this;
    const host = attempt.host!;
    const status = headers.status;
    const grpcStatus = (headers.bits & Bit.GRPC_STATUS) !== 0 ? headers.get(H.grpcStatus) : undefined;
    host.outlier.putHttpResponseCode(grpcStatus === undefined ? status : grpcStatusToHttp(grpcStatus));
    if (host.activeHealth && headers.has(H.xEnvoyImmediateHealthCheckFail)) host.activeHealth.failImmediately();
    let couldNotRetry = false;
    const retry = this.retryState;
    if (retry !== null && !attempt.retried) {
      const verdict = retry.shouldRetryHeaders(headers, this.requestHeaders);
      if (verdict === 'retry') {
        host.stats.rq_error++;
        cluster.codes.chargeRetry(status);
        retry.onHostAttempted(host);
        if (endStream && attempt.encodeComplete) attempt.complete();
        else attempt.reset();
        this.forget(attempt);
        this.scheduleRetry(retry, headers);
        return;
      }
      couldNotRetry = this.noteRetryVerdict(verdict);
    } else if (retry !== null) couldNotRetry = retry.wouldRetryHeaders(headers, this.requestHeaders);
    if (couldNotRetry && (this.othersAwait(attempt) || this.pendingRetries > 0)) {
      host.stats.rq_error++;
      attempt.reset();
      this.forget(attempt);
      return;
    }
    this.dropRetryState();
    if (this.refusedUpgrade(headers, attempt)) return;
    if (this.requestCompleteAt >= 0 && !config.suppressEnvoyHeaders)
      headers.set(H.xEnvoyUpstreamServiceTime, String(Math.floor(callbacks.dispatcher.now - this.requestCompleteAt)));
    if (callbacks.info.healthCheck !== true) cluster.codes.charge(status, callbacks.internalRequest, host.canary);
    if (status >= 500) host.stats.rq_error++;
    else this.noteSuccess(host, grpcStatus, endStream);
    if (route.includeAttemptCountInResponse) headers.set(H.xEnvoyAttemptCount, String(callbacks.info.attemptCount));
    this.addCookies(headers);
    callbacks.info.responseHeaders = headers;
    callbacks.info.responseCode = status;
    callbacks.info.details = 'via_upstream';
    if (route.hasResponseMutations) route.finalizeResponse(headers, callbacks.info);
    this.responseStarted = true;
    this.final = attempt;
    if (this.attempts.length > 1) this.resetOthers(attempt);
    if (endStream) this.onResponseComplete(attempt);
    callbacks.encodeHeaders(headers, endStream);
  }

  /**
   * An upgrade that an HTTP/1 upstream answers with something else below 400: its body could be taken for the tunnel, so the client
   * gets the status and headers alone.
   */
  private refusedUpgrade(headers: ResponseHeaders, attempt: UpstreamRequest): boolean {
    const { status } = headers;
    if (!this.callbacks.isTunnel || this.requestHeaders.method === 'CONNECT') return false;
    if (status === 101 || status >= 400 || attempt.info.protocol === 'HTTP/2') return false;
    this.charge(status, attempt.host);
    attempt.reset();
    this.forget(attempt);
    this.cleanup();
    headers.remove(H.contentLength);
    headers.remove(H.transferEncoding);
    const addReplyHeaders = (reply: ResponseHeaders) => {
      for (let i = 0; i < headers.names.length; i++) reply.push(headers.names[i], headers.values[i]);
    };
    this.callbacks.sendLocalReply(status, '', 'websocket_handshake_unsuccessful', {
      overloaded: false,
      addReplyHeaders,
    });
    return true;
  }

  private noteSuccess(host: Host, grpcStatus: string | undefined, endStream: boolean): void {
    if (!this.grpc) {
      host.stats.rq_success++;
      return;
    }
    if (grpcStatus !== undefined) {
      if (grpcStatus === '0') host.stats.rq_success++;
      else host.stats.rq_error++;
    } else if (endStream) host.stats.rq_error++;
    else this.grpcOutcomeDue = true;
  }

  private grpcOutcomeDue = false;

  onUpstreamData(data: Uint8Array, endStream: boolean, attempt: UpstreamRequest): void {
    if (endStream) {
      if (this.grpcOutcomeDue) this.grpcOutcome(false, attempt);
      this.onResponseComplete(attempt);
    }
    this.callbacks.encodeData(data, endStream);
  }

  onUpstreamTrailers(trailers: Trailers, attempt: UpstreamRequest): void {
    if (this.grpcOutcomeDue) this.grpcOutcome(trailers.get(H.grpcStatus) === '0', attempt);
    this.onResponseComplete(attempt);
    this.callbacks.encodeTrailers(trailers);
  }

  private grpcOutcome(success: boolean, attempt: UpstreamRequest): void {
    this.grpcOutcomeDue = false;
    if (attempt.host === null) return;
    if (success) attempt.host.stats.rq_success++;
    else attempt.host.stats.rq_error++;
  }

  private onResponseComplete(attempt: UpstreamRequest): void {
    if (!this.requestComplete) attempt.reset();
    else {
      const ms = Math.floor(this.callbacks.dispatcher.now - this.requestCompleteAt);
      attempt.host!.outlier.putResponseTime(ms);
      this.cluster.codes.recordTime(ms, this.callbacks.internalRequest, attempt.host!.canary);
      attempt.complete();
    }
    this.forget(attempt);
    this.cleanup();
  }

  // --- failures of an attempt

  onNoPool(attempt: UpstreamRequest): void {
    attempt.complete();
    this.forget(attempt);
    this.noHealthyUpstream();
  }

  private noHealthyUpstream(): void {
    this.cleanup();
    addFlag(this.callbacks.info, 'UH');
    this.charge(503, null);
    this.callbacks.sendLocalReply(503, 'no healthy upstream', 'no_healthy_upstream', this);
  }

  onUpstreamReset(reason: ResetReason, transportFailureReason: string, attempt: UpstreamRequest): void {
    const dropped = reason === Reset.OVERFLOW;
    if (!dropped) this.reportReset(reason, attempt);
    if (this.maybeRetryReset(reason, attempt, false)) return;
    const code = reason === Reset.PROTOCOL_ERROR ? 502 : 503;
    this.chargeAbort(code, attempt);
    this.forget(attempt);
    if (this.othersAwait(attempt) || this.pendingRetries > 0) return;
    const again = this.isRetry ? 'retried and the latest ' : '';
    const body = `upstream connect error or disconnect/reset before headers. ${again}reset reason: ${reason}`;
    const cause = transportFailureReason === '' ? reason : `${reason}|${transportFailureReason}`;
    const when = this.responseStarted || this.informed ? 'after' : 'before';
    const details = `upstream_reset_${when}_response_started{${cause}}`.replaceAll(/\s/g, '_');
    this.abort(code, RESET_FLAG[reason], body, dropped, details);
  }

  private reportReset(reason: ResetReason, attempt: UpstreamRequest): void {
    const outlier = attempt.host?.outlier;
    if (outlier === undefined) return;
    switch (reason) {
      case Reset.LOCAL_CONNECTION_FAILURE:
      case Reset.REMOTE_CONNECTION_FAILURE:
      case Reset.CONNECTION_TIMEOUT:
        outlier.putResult('connect-failed', 503);
        break;
      default:
        outlier.putResult('request-failed', 503);
    }
  }

  private abort(code: number, flag: Flag, body: string, dropped: boolean, details: string): void {
    addFlag(this.callbacks.info, flag);
    this.cleanup();
    this.overloaded = dropped;
    this.callbacks.sendLocalReply(code, body, details, this);
  }

  private charge(code: number, host: Host | null): void {
    this.cluster.codes.charge(code, this.callbacks.internalRequest, host?.canary === true);
    if (host !== null && code >= 500) host.stats.rq_error++;
  }

  private chargeAbort(code: number, attempt: UpstreamRequest): void {
    if (this.responseStarted) {
      if (this.grpcOutcomeDue) {
        this.grpcOutcome(false, attempt);
        this.config.stats.rq_reset_after_downstream_response_started++;
      }
      return;
    }
    this.charge(code, attempt.host);
    if (attempt.host !== null && code < 500) attempt.host.stats.rq_error++;
  }

  // --- retries

  private maybeRetryReset(reason: ResetReason, attempt: UpstreamRequest, timeout: boolean): boolean {
    const retry = this.retryState;
    if (this.responseStarted || retry === null || attempt.retried) return false;
    const verdict = retry.shouldRetryReset(reason, this.requestHeadersSent);
    if (verdict === 'retry') {
      if (attempt.host !== null) {
        attempt.host.stats.rq_error++;
        retry.onHostAttempted(attempt.host);
      }
      this.timeoutRetry = timeout;
      this.forget(attempt);
      this.scheduleRetry(retry, null);
      return true;
    }
    this.noteRetryVerdict(verdict);
    return false;
  }

  private noteRetryVerdict(verdict: RetryVerdict): boolean {
    if (verdict === 'overflow') addFlag(this.callbacks.info, 'UO');
    else if (verdict === 'limit') addFlag(this.callbacks.info, 'URX');
    else return false;
    return true;
  }

  private scheduleRetry(retry: RetryState, headers: ResponseHeaders | null): void {
    this.pendingRetries++;
    this.retryTimer = this.ledger.arm(this, TimerKind.RETRY_BACKOFF, retry.backoff(headers), this.backOffRef());
  }

  private doRetry(): void {
    const { callbacks, route, requestHeaders: headers } = this;
    const retry = this.retryState!;
    this.pendingRetries--;
    this.isRetry = true;
    callbacks.info.attemptCount++;
    this.cluster.stats.upstream_rq_retry++;
    retry.onRetryStarted();
    const host = this.cluster.chooseHost(this, this.priority);
    if (host === null) {
      this.noHealthyUpstream();
      return;
    }
    if (route.includeAttemptCountInRequest) headers.set(H.xEnvoyAttemptCount, String(callbacks.info.attemptCount));
    if (this.timeoutRetry && route.includeIsTimeoutRetryHeader) headers.set(H.xEnvoyIsTimeoutRetry, 'true');
    else headers.remove(H.xEnvoyIsTimeoutRetry);
    this.setExpectedTimeout();
    const attempt = this.newAttempt(host);
    const kept = this.kept;
    attempt.start(this.requestComplete && kept === null && this.keptTrailers === null);
    if (kept !== null)
      for (let i = 0; i < kept.length && !attempt.done; i++)
        attempt.encodeData(kept[i], i === kept.length - 1 && this.requestComplete && this.keptTrailers === null);
    if (this.keptTrailers !== null && !attempt.done) attempt.encodeTrailers(this.keptTrailers);
    if (this.requestComplete && !attempt.done) attempt.onRequestComplete();
  }

  private dropRetryState(): void {
    this.retryState?.release();
    this.retryState = null;
    this.kept = null;
    this.keptBytes = 0;
    this.keptTrailers = null;
  }

  shouldSelectAnotherHost(host: Host): boolean {
    return this.isRetry && this.retryState?.shouldSelectAnotherHost(host) === true;
  }

  get hostSelectionRetryCount(): number {
    return this.isRetry && this.retryState !== null ? this.retryState.hostSelectionMaxAttempts : 1;
  }

  get retryPriority(): RetryPriority | null {
    return this.isRetry && this.retryState !== null ? this.retryState.priority : null;
  }

  get metadataMatch(): Readonly<Record<string, unknown>> | null {
    return this.route.metadataMatch;
  }

  get downstreamProtocol(): Protocol {
    return this.callbacks.protocol;
  }

  // --- plumbing

  rewriteHost(headers: RequestHeaders, host: string): void {
    rewriteAuthority(headers, host, this.route.appendForwardedHost, !this.config.suppressEnvoyHeaders);
  }

  private forget(attempt: UpstreamRequest): void {
    const at = this.attempts.indexOf(attempt);
    if (at >= 0) this.attempts.splice(at, 1);
  }

  private othersAwait(attempt: UpstreamRequest): boolean {
    for (const other of this.attempts) if (other !== attempt && other.awaitingHeaders) return true;
    return false;
  }

  private resetOthers(attempt: UpstreamRequest): void {
    for (const other of this.attempts.slice()) {
      if (other === attempt) continue;
      other.reset();
      this.forget(other);
    }
  }

  private cleanup(): void {
    this.ended = true;
    this.dropRetryState();
    if (this.routeTimer !== null) this.ledger.disarm(this.routeTimer);
    if (this.retryTimer !== null) this.ledger.disarm(this.retryTimer);
  }

  // --- from the stream above

  /** The downstream cannot take more of the response. */
  pauseResponse(): void {
    this.pausedResponse++;
    for (const attempt of this.attempts) attempt.pauseResponse();
  }

  resumeResponse(): void {
    if (this.pausedResponse > 0) this.pausedResponse--;
    for (const attempt of this.attempts) attempt.resumeResponse();
  }

  /** The stream is over: whatever is under way upstream is given up. */
  onDestroy(): void {
    for (const attempt of this.attempts) attempt.reset();
    this.attempts.length = 0;
    this.cleanup();
  }

  /** Facts for `explain`: the attempt that matters. */
  get currentAttempt(): UpstreamRequest | null {
    return this.final ?? this.attempts[this.attempts.length - 1] ?? null;
  }
}

const HEADER_REF: LimitRef = { path: '(request header)', position: null };
const CLUSTER_DURATION_REF: LimitRef = {
  path: 'common_http_protocol_options.max_stream_duration',
  position: null,
};
