import { Bit, H, type HeaderName } from '../base/header-names.js';
import type { RequestHeaders, ResponseHeaders, Trailers } from '../base/headers.js';
import type { TimerOwner } from '../base/timer-wheel.js';
import type { Protocol } from '../codec/codec.js';
import { addFlag } from '../observe/flags.js';
import { type ConnectionInfo, newUpstreamInfo } from '../observe/stream-info.js';
import { type LedgerTimer, TimerKind, type TimerLedger } from '../observe/timer-ledger.js';
import type { Cluster, CodeStats, Host, LbContext, Priority, RetryPriority } from '../upstream/types.js';
import { dropsOverload } from './drop-overload.js';
import { onRouteTimeout } from './failures.js';
import { isGrpcRequest } from './grpc.js';
import { KeptBody } from './kept-body.js';
import { doRetry } from './retries.js';
import type { RetryState } from './retry-state.js';
import { rewriteAuthority } from './rewrite.js';
import type { RouteEntry } from './route-entry.js';
import type { ReplyHeaders, RouterCallbacks, RouterConfig } from './router-callbacks.js';
import { type PreparedShadow, Shadows } from './shadow.js';
import { passesStrictly } from './strict-headers.js';
import { FROM_HEADER, RequestTimeouts, resolveTimeouts } from './timeouts.js';
import { UpstreamRequest } from './upstream-request.js';

/**
 * The last filter of a stream: takes the request, finds cluster and host, starts attempts, and turns what becomes of
 * them into the response. Envoy: Router::Filter; the order of its decisions is kept. This file follows the request and owns the state;
 * what follows a response is in responses.ts, a failure or a clock in failures.ts, a retry in retries.ts.
 */
export class Router implements LbContext, TimerOwner, ReplyHeaders {
  requestHeaders!: RequestHeaders;
  route!: RouteEntry;
  cluster!: Cluster;
  readonly timeouts = new RequestTimeouts();
  priority: Priority = 0;
  requestComplete = false;
  /** Monotonic ms; -1 before. */
  requestCompleteAt = -1;
  /** Headers of this request went out to an upstream, in any attempt. */
  requestHeadersSent = false;
  readonly reportsConnectSuccess = true;
  hash: bigint | null = null;
  overloaded = false;
  /** Of a reply that says that load was dropped. */
  dropHeader: HeaderName | null = null;
  attempts: UpstreamRequest[] = [];
  /** Something of a response has come that the client was given, or could have been: no retry any more. */
  responseStarted = false;
  retryTimer: LedgerTimer | null = null;
  retryState: RetryState | null = null;
  /** Attempts that wait for their back-off. */
  pendingRetries = 0;
  /** Some attempt was not the first. */
  isRetry = false;
  /** The retry to come follows a per-try timeout. */
  timeoutRetry = false;
  grpc = false;
  /** The response said x-envoy-upstream-canary: true. */
  canaryAnswer = false;
  /** The host's success is decided by trailers that have not come yet. */
  grpcOutcomeDue = false;
  /** x-envoy-upstream-rq-timeout-alt-response: 204 instead of 504. */
  alternateTimeoutReply = false;
  /** x-envoy-upstream-alt-stat-name: codes and times are counted under that name as well. */
  private alternateCodes: CodeStats | null = null;
  /** Request body kept to be sent again; null when none is kept. */
  body: KeptBody | null = null;
  /** Copies of the request, while it is uploaded. */
  private shadows: Shadows | null = null;
  /** More of the body came than may be kept. */
  bodyAbandoned = false;
  private routeTimer: LedgerTimer | null = null;
  private pausedResponse = 0;
  private ended = false;
  private directLocation: string | null = null;
  private cookies: string[] | null = null;

  constructor(
    readonly config: RouterConfig,
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
    if (config.strictHeaders !== undefined && !passesStrictly(config.strictHeaders, headers, callbacks)) return;
    this.grpc = isGrpcRequest(headers);
    if ((headers.bits & Bit.X_ENVOY) !== 0) this.takeStatName(headers);
    if (cluster.dropOverload > 0 && dropsOverload(this, cluster)) return;
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
    resolveTimeouts(this.timeouts, route, headers, this.grpc, config);
    if ((headers.bits & Bit.X_ENVOY) !== 0 && headers.remove(H.xEnvoyUpstreamRqTimeoutAltResponse))
      this.alternateTimeoutReply = true;
    this.setExpectedTimeout();
    if (route.includeAttemptCountInRequest) headers.set(H.xEnvoyAttemptCount, '1');
    if (route.hasRequestMutations) route.finalizeRequest(headers, info, !config.suppressEnvoyHeaders);
    if (route.retryPolicy !== null || (headers.bits & Bit.X_ENVOY) !== 0)
      this.retryState = route.createRetryState(headers, cluster, this.priority, callbacks);
    const shadows = route.requestMirrorPolicies.length === 0 ? null : Shadows.prepare(this);
    const attempt = this.newAttempt(host);
    attempt.start(endStream);
    if (shadows !== null) this.startShadows(shadows, endStream);
    if (endStream && !this.ended) this.onRequestComplete();
    else if (callbacks.isTunnel && !this.ended && isWebSocket(headers)) this.armRouteTimer();
  }

  private startShadows(prepared: readonly PreparedShadow[], endStream: boolean): void {
    if (this.ended && !endStream) return;
    const shadows = new Shadows(this, prepared, endStream);
    if (!endStream) this.shadows = shadows;
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

  /** `location` of a redirect, `x-envoy-overloaded`, `x-envoy-attempt-count`. */
  addReplyHeaders(headers: ResponseHeaders, overloaded: boolean): void {
    this.addCookies(headers);
    if (this.directLocation !== null) headers.push(H.location, this.directLocation);
    const contentType = this.route.directResponse?.contentType;
    if (contentType) headers.set(H.contentType, contentType);
    if (this.dropHeader !== null) headers.set(this.dropHeader, 'true');
    if (overloaded && !this.config.suppressEnvoyHeaders) headers.set(H.xEnvoyOverloaded, 'true');
    if (this.route.includeAttemptCountInResponse && this.callbacks.info.attemptCount > 0)
      headers.set(H.xEnvoyAttemptCount, String(this.callbacks.info.attemptCount));
  }

  /** A hash policy has made a cookie for this client. */
  addSetCookie(value: string): void {
    this.cookies ??= [];
    this.cookies.push(value);
  }

  addCookies(headers: ResponseHeaders): void {
    if (this.cookies === null) return;
    for (const cookie of this.cookies) headers.push(H.setCookie, cookie);
    this.cookies = null;
  }

  /** x-envoy-expected-rq-timeout-ms, of the attempt that is about to start. */
  setExpectedTimeout(): void {
    if (this.config.suppressEnvoyHeaders) return;
    const { global, perTry } = this.timeouts;
    const hedging = this.timeouts.hedge;
    let ms = perTry > 0 && !hedging ? perTry : global;
    if (ms <= 0) return;
    if (global > 0 && this.routeTimer !== null && this.requestCompleteAt >= 0) {
      const left = Math.floor(global - (this.callbacks.dispatcher.now - this.requestCompleteAt));
      ms = left <= 0 ? 1 : Math.min(ms, left);
    }
    this.requestHeaders.set(H.xEnvoyExpectedRqTimeoutMs, String(ms));
    if (this.grpc && this.route.maxGrpcTimeout !== null && this.route.maxStreamDuration === null)
      this.requestHeaders.set(H.grpcTimeout, `${ms}m`);
  }

  newAttempt(host: Host): UpstreamRequest {
    const upstream = newUpstreamInfo();
    this.callbacks.info.upstream = upstream;
    const attempt = new UpstreamRequest(this, upstream, host);
    if (this.attempts.length === 0) this.attempts = [attempt];
    else this.attempts.push(attempt);
    for (let i = 0; i < this.pausedResponse; i++) attempt.pauseResponse();
    return attempt;
  }

  decodeData(data: Uint8Array, endStream: boolean): void {
    if (this.ended) return;
    if (this.shadows !== null) {
      this.shadows.data(data, endStream);
      if (endStream) this.shadows = null;
    }
    let buffering = this.keepsBody;
    if (buffering) {
      const body = (this.body ??= new KeptBody());
      if (body.bytes + data.length > this.route.retryBufferLimit(this.callbacks.bufferLimit)) {
        this.cluster.stats.retry_or_shadow_abandoned++;
        this.dropRetryState();
        this.body = null;
        this.bodyAbandoned = true;
        buffering = false;
        if (this.attempts.length === 0) {
          this.answerLost(507, 'exceeded request buffer limit while retrying upstream', BUFFER_DETAILS);
          return;
        }
      } else body.add(data);
    }
    if (this.attempts.length === 0 && !buffering) {
      this.answerLost(503, 'upstream is closed prematurely during decoding data from downstream', LOST_DETAILS);
      return;
    }
    if (this.attempts.length > 0) this.attempts[0].encodeData(data, endStream);
    if (endStream && !this.ended) this.onRequestComplete();
  }

  /** What comes of the body may have to be sent again: to the next attempt, or where a redirect leads. */
  private get keepsBody(): boolean {
    return (this.retryState?.enabled === true || this.route.internalRedirectPolicy !== null) && !this.bodyAbandoned;
  }

  /** More of the body has come, and there is neither an attempt to take it nor room to keep it. */
  private answerLost(status: number, body: string, details: string): void {
    this.cleanup();
    this.callbacks.sendLocalReply(status, body, details, this);
  }

  decodeTrailers(trailers: Trailers): void {
    if (this.ended) return;
    if (this.shadows !== null) {
      this.shadows.trailers(trailers);
      this.shadows = null;
    }
    if (this.keepsBody) (this.body ??= new KeptBody()).trailers = trailers;
    if (this.attempts.length > 0) this.attempts[0].encodeTrailers(trailers);
    if (!this.ended) this.onRequestComplete();
  }

  /** The router has seen the end of the request: the route timeout starts, if there is an attempt to be timed. */
  private onRequestComplete(): void {
    this.requestComplete = true;
    this.requestCompleteAt = this.callbacks.dispatcher.now;
    if (this.attempts.length === 0) return;
    if (this.routeTimer === null) this.armRouteTimer();
    for (const attempt of this.attempts) attempt.onRequestComplete();
  }

  private armRouteTimer(): void {
    const { global, fromHeader } = this.timeouts;
    if (global === 0) return;
    this.routeTimer = this.ledger.arm(this, TimerKind.ROUTE, global, fromHeader ? FROM_HEADER : this.route.timeoutRef);
  }

  /** The upstream agreed to an upgrade: the route timeout was for its answer. */
  onTunnelOpen(): void {
    if (this.routeTimer !== null) this.ledger.disarm(this.routeTimer);
  }

  // --- clocks

  onTimer(kind: number): void {
    if (kind === TimerKind.ROUTE) {
      this.ledger.fired(this.routeTimer!);
      onRouteTimeout(this);
    } else {
      this.ledger.fired(this.retryTimer!);
      doRetry(this);
    }
  }

  // --- the response

  /** Any 1xx starts the response as far as retries and codes go, forwarded or not. */
  onUpstream1xx(headers: ResponseHeaders, attempt: UpstreamRequest): void {
    this.countCode(headers.status, attempt.host);
    this.responseStarted = true;
    if (this.attempts.length > 1) this.resetOthers(attempt);
    this.dropRetryState();
    this.callbacks.encode1xx(headers);
  }

  onUpstreamData(data: Uint8Array, endStream: boolean, attempt: UpstreamRequest): void {
    if (endStream) {
      if (this.grpcOutcomeDue) this.grpcOutcome(false, attempt);
      this.onResponseComplete(attempt);
    }
    const { callbacks } = this;
    if (endStream && data.length > 0 && callbacks.protocol === 'HTTP/2' && attempt.info.protocol !== 'HTTP/2') {
      // Envoy's HTTP/1 codec tells the end of a body after its last bytes: a client over HTTP/2 gets it as a DATA frame of its own.
      callbacks.encodeData(data, false);
      callbacks.encodeData(NO_DATA, true);
    } else callbacks.encodeData(data, endStream);
  }

  onUpstreamTrailers(trailers: Trailers, attempt: UpstreamRequest): void {
    if (this.grpcOutcomeDue) this.grpcOutcome(trailers.get(H.grpcStatus) === '0', attempt);
    this.onResponseComplete(attempt);
    this.callbacks.encodeTrailers(trailers);
  }

  grpcOutcome(success: boolean, attempt: UpstreamRequest): void {
    this.grpcOutcomeDue = false;
    if (attempt.host === null) return;
    if (success) attempt.host.stats.rq_success++;
    else attempt.host.stats.rq_error++;
  }

  onResponseComplete(attempt: UpstreamRequest): void {
    if (!this.requestComplete) attempt.reset();
    else {
      const ms = Math.floor(this.callbacks.dispatcher.now - this.requestCompleteAt);
      attempt.host!.outlier.putResponseTime(ms);
      this.countTime(ms, attempt.host!);
      this.cluster.budgetStats?.recordWhole(ms, this.timeouts.global);
      attempt.complete();
    }
    this.forget(attempt);
    this.cleanup();
  }

  // --- failures of an attempt

  onNoPool(attempt: UpstreamRequest): void {
    attempt.complete();
    this.forget(attempt);
    attempt.info.host = '';
    this.noHealthyUpstream();
  }

  noHealthyUpstream(): void {
    this.cleanup();
    addFlag(this.callbacks.info, 'UH');
    this.charge(503, null);
    this.callbacks.sendLocalReply(503, 'no healthy upstream', 'no_healthy_upstream', this);
  }

  charge(code: number, host: Host | null): void {
    this.countCode(code, host);
    if (host !== null && code >= 500) host.stats.rq_error++;
  }

  /** Counts a code for the cluster, and under the name that the caller gave. Health checks are not counted. */
  countCode(code: number, host: Host | null): void {
    const { config, alternateCodes } = this;
    const { internalRequest: internal, info } = this.callbacks;
    if (!config.dynamicStats || info.healthCheck === true) return;
    const canary = host?.canary === true || this.canaryAnswer;
    const quiet = this.grpc && config.quietGrpcCodes;
    this.cluster.codes.charge(code, internal, canary, host?.zone, quiet);
    if (alternateCodes !== null) alternateCodes.charge(code, internal, canary, host?.zone, quiet);
  }

  private countTime(ms: number, host: Host): void {
    const { zone } = host;
    const canary = host.canary || this.canaryAnswer;
    const { alternateCodes } = this;
    const { internalRequest: internal, info } = this.callbacks;
    if (!this.config.dynamicStats || info.healthCheck === true) return;
    this.cluster.codes.recordTime(ms, internal, canary, zone);
    if (alternateCodes !== null) alternateCodes.recordTime(ms, internal, canary, zone);
  }

  private takeStatName(headers: RequestHeaders): void {
    const name = headers.get(H.xEnvoyUpstreamAltStatName);
    if (name === undefined) return;
    this.alternateCodes = this.cluster.codes.alternative(name);
    headers.remove(H.xEnvoyUpstreamAltStatName);
  }

  // --- retries

  dropRetryState(): void {
    this.retryState?.release();
    this.retryState = null;
    if (this.body !== null && !this.keepsBody) this.body = null;
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

  get downstreamConnection(): ConnectionInfo {
    return this.callbacks.info.connection;
  }

  // --- plumbing

  rewriteHost(headers: RequestHeaders, host: string): void {
    rewriteAuthority(headers, host, this.route.appendForwardedHost, !this.config.suppressEnvoyHeaders);
  }

  forget(attempt: UpstreamRequest): void {
    const { attempts } = this;
    const at = attempts.indexOf(attempt);
    if (at >= 0 && at === attempts.length - 1) attempts.pop();
    else if (at >= 0) attempts.splice(at, 1);
  }

  othersAwait(attempt: UpstreamRequest): boolean {
    for (const other of this.attempts) if (other !== attempt && other.awaitingHeaders) return true;
    return false;
  }

  resetOthers(attempt: UpstreamRequest): void {
    for (const other of this.attempts.slice()) {
      if (other === attempt) continue;
      other.reset();
      this.forget(other);
    }
  }

  cleanup(): void {
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
    if (this.attempts.length > 0) this.attempts = [];
    this.shadows?.cancel();
    this.shadows = null;
    this.cleanup();
  }
}

const NO_DATA = new Uint8Array(0);
const BUFFER_DETAILS = 'request_payload_exceeded_retry_buffer_limit';
const LOST_DETAILS = 'upstream_reset_before_response_started';

function isWebSocket(headers: RequestHeaders): boolean {
  return headers.get(H.upgrade)?.toLowerCase() === 'websocket';
}
