import type { Dispatcher } from '../base/dispatcher.js';
import { Bit, H } from '../base/header-names.js';
import { type RequestHeaders, ResponseHeaders, type Trailers } from '../base/headers.js';
import type { TimerOwner } from '../base/timer-wheel.js';
import { type Protocol, type RequestDecoder, Reset, type ResetReason, type ResponseEncoder } from '../codec/codec.js';
import { addFlag } from '../observe/flags.js';
import type { TransportFacts } from '../observe/recorder.js';
import type { StreamInfoImpl } from '../observe/stream-info-impl.js';
import { type LedgerTimer, type LimitRef, TimerKind, TimerLedger } from '../observe/timer-ledger.js';
import { isGrpcRequest } from '../router/grpc.js';
import type { RouteEntry } from '../router/route-entry.js';
import { Router } from '../router/router.js';
import type { ReplyHeaders, RouterCallbacks } from '../router/router-callbacks.js';
import { parseGrpcTimeout } from '../router/timeouts.js';
import type { Cluster, UpstreamConnectionInfo } from '../upstream/types.js';
import type { ConnectionManagerConfig } from './config.js';
import type { FilteredStream, StreamFilters } from './filters/chain.js';
import { hasToken, isUpgrade, mutateRequestHeaders, mutateResponseHeaders } from './header-rules.js';
import { makeLocalReply } from './local-reply.js';
import { checkRequest } from './request-checks.js';
import { chargeCode } from './stats.js';

/** What a stream needs of the connection manager it lives in. */
export interface StreamOwner {
  readonly dispatcher: Dispatcher;
  readonly config: ConnectionManagerConfig;
  readonly protocol: Protocol;
  /** No drain has begun. */
  readonly notDraining: boolean;
  startDrainSequence(): void;
  /** Closes after this response: HTTP/1 by `connection: close`, HTTP/2 by GOAWAY. */
  closeAfterResponse(): void;
  date(): string;
  /** The stream's response is over; it has been reset when `wasReset`. */
  onStreamEnded(stream: ActiveStream, wasReset: boolean): void;
  /** The stream is gone: unlink it and count. */
  onStreamDestroyed(stream: ActiveStream): void;
}

const NO_DATA = new Uint8Array(0);

/**
 * One downstream stream: the receiving end of the codec above, the filters and the router below. It owns the clocks of the connection
 * manager and the one decision that makes a 408 or a 504 of them: was the request complete when the clock ran out.
 */
export class ActiveStream implements RequestDecoder, RouterCallbacks, FilteredStream, TimerOwner {
  /** Intrusive list of the connection manager. */
  prev: ActiveStream | null = null;
  next: ActiveStream | null = null;

  readonly info: StreamInfoImpl;
  readonly ledger: TimerLedger;
  readonly dispatcher: Dispatcher;
  protocol: Protocol;
  readonly config: ConnectionManagerConfig;
  requestHeaders: RequestHeaders | null = null;
  route: RouteEntry | null = null;
  internalRequest = false;
  /** The codec has delivered the end of the request. */
  requestComplete = false;
  /** Final response headers were given to the codec. */
  responseStarted = false;
  /** Closes its connection when its response is over. */
  drainConnection = false;
  private router: Router | null = null;
  /** Null when the router is the only filter that runs. */
  private filters: StreamFilters | null = null;
  /** Cluster of the route, kept while a filter may hold the request. */
  private cluster: Cluster | undefined = undefined;
  private idleMs: number;
  private idle: LedgerTimer | null = null;
  private request: LedgerTimer | null = null;
  private headersTimer: LedgerTimer | null = null;
  private duration: LedgerTimer | null = null;
  /** The codec has let go of the last byte. */
  private codecComplete = false;
  private wasReset = false;
  private destroyed = false;
  private ending = false;
  private tunnel = false;
  /** A 1xx was forwarded. */
  private interim = false;
  private paused = 0;

  constructor(
    private readonly owner: StreamOwner,
    readonly encoder: ResponseEncoder,
    info: StreamInfoImpl,
  ) {
    const config = (this.config = owner.config);
    this.dispatcher = owner.dispatcher;
    this.protocol = owner.protocol;
    this.info = info;
    const ledger = (this.ledger = new TimerLedger(owner.dispatcher));
    this.idleMs = config.streamIdle.ms;
    if (this.idleMs > 0) this.idle = ledger.arm(this, TimerKind.STREAM_IDLE, this.idleMs, config.streamIdle.ref);
    if (config.request.ms > 0)
      this.request = ledger.arm(this, TimerKind.REQUEST, config.request.ms, config.request.ref);
    if (config.requestHeaders.ms > 0)
      this.headersTimer = ledger.arm(
        this,
        TimerKind.REQUEST_HEADERS,
        config.requestHeaders.ms,
        config.requestHeaders.ref,
      );
    if (config.maxStreamDuration.ms > 0)
      this.duration = ledger.arm(
        this,
        TimerKind.MAX_STREAM_DURATION,
        config.maxStreamDuration.ms,
        config.maxStreamDuration.ref,
      );
    if (config.streamFlush.ms > 0) encoder.setFlushTimeout(config.streamFlush.ms);
  }

  /** The request is an upgrade or CONNECT that is allowed: its body waits for the answer. */
  get isTunnel(): boolean {
    return this.tunnel;
  }

  get bufferLimit(): number {
    return this.encoder.bufferLimit;
  }

  // --- the request, from the codec

  decodeHeaders(headers: RequestHeaders, endStream: boolean): void {
    const { config, info, ledger } = this;
    this.requestHeaders = info.requestHeaders = headers;
    // HTTP/1 knows its version only now.
    this.protocol = info.protocol = this.owner.protocol;
    if (endStream) this.onRequestComplete();
    if (this.headersTimer !== null) ledger.disarm(this.headersTimer);
    if ((headers.bits & Bit.EXPECT) !== 0) this.answerExpect(headers);
    if (!checkRequest(this, headers, config)) return;
    this.internalRequest = mutateRequestHeaders(headers, config, info.connection, info, this.dispatcher.random);
    const route = (this.route = config.routes.table.match(headers, this.dispatcher.random.u32, info.connection));
    let cluster: Cluster | undefined;
    if (route !== null) {
      info.routeName = route.name;
      info.virtualHost = route.virtualHostName;
      if (route.action === 'route') {
        cluster = config.router.clusters.get(route.pickCluster(headers));
        if (cluster !== undefined) {
          info.upstreamCluster = cluster.name;
          info.upstreamClusterAltName = cluster.observabilityName;
        }
      }
      this.applyRouteLimits(route, headers);
    }
    if (!this.acceptUpgrade(headers, route)) return;
    const filters =
      config.filters === null ? null : (this.filters = config.filters.open(this, config.routes.table.config));
    if (filters !== null) {
      this.cluster = cluster;
      filters.decodeHeaders(headers, endStream);
    } else {
      const router = (this.router = new Router(config.router, this));
      router.decodeHeaders(headers, route, cluster, endStream);
      if (endStream) this.onRequestDecoded();
    }
    this.touch();
  }

  // --- the request, past the filters

  passHeaders(headers: RequestHeaders, endStream: boolean): void {
    const router = (this.router = new Router(this.config.router, this));
    router.decodeHeaders(headers, this.route, this.cluster, endStream);
    if (endStream) this.onRequestDecoded();
  }

  passData(data: Uint8Array, endStream: boolean): void {
    this.router?.decodeData(data, endStream);
  }

  passTrailers(trailers: Trailers): void {
    this.router?.decodeTrailers(trailers);
    this.onRequestDecoded();
  }

  onRequestTooLarge(): void {
    this.config.stats.downstream_rq_too_large++;
    this.sendLocalReply(413, 'Payload Too Large', 'request_payload_too_large');
  }

  /** `Expect: 100-continue` is answered here unless it is to be passed on; other expectations are the upstream's affair. */
  private answerExpect(headers: RequestHeaders): void {
    if (this.config.proxy100Continue || headers.get(H.expect)?.toLowerCase() !== '100-continue') return;
    const answer = new ResponseHeaders(100);
    chargeCode(this.config.stats, 100);
    chargeCode(this.config.listenerStats, 100);
    this.info.responseCode = 100;
    this.encoder.encode1xx(answer);
    headers.remove(H.expect);
  }

  private applyRouteLimits(route: RouteEntry, headers: RequestHeaders): void {
    if (route.idleTimeout !== null) this.setIdleTimeout(route.idleTimeout, route.idleTimeoutRef);
    const flush = route.flushTimeout;
    if (flush !== null) this.encoder.setFlushTimeout(flush);
    if (route.maxStreamDuration !== null || this.duration !== null) this.refreshDuration(route, headers);
  }

  private setIdleTimeout(ms: number, ref: LimitRef): void {
    this.idleMs = ms;
    if (ms === 0) {
      if (this.idle !== null) this.ledger.disarm(this.idle);
      this.idle = null;
    } else if (this.idle === null) {
      this.idle = this.ledger.arm(this, TimerKind.STREAM_IDLE, ms, ref);
    } else {
      this.idle.ref = ref;
      this.ledger.rearm(this.idle, ms);
    }
  }

  /** Effective max stream duration of the route chosen; counted from the stream's creation. */
  private refreshDuration(route: RouteEntry, headers: RequestHeaders): void {
    const limits = route.maxStreamDuration;
    let ms: number | null = null;
    let ref: LimitRef = this.config.maxStreamDuration.ref;
    const header =
      limits !== null && limits.grpcHeaderMax !== null ? parseGrpcTimeout(headers.get(H.grpcTimeout)) : null;
    if (header !== null) {
      ms = header;
      if (limits!.grpcHeaderMax !== 0 && ms > limits!.grpcHeaderMax!) ms = limits!.grpcHeaderMax!;
      const offset = limits!.grpcHeaderOffset;
      if (ms !== 0 && offset !== null) ms = Math.max(0, ms! - offset);
      ref = route.maxStreamDurationRef;
    } else if (limits !== null && limits.max !== null) {
      ms = limits.max === 0 ? null : limits.max;
      ref = route.maxStreamDurationRef;
    } else if (this.config.maxStreamDuration.ms > 0) ms = this.config.maxStreamDuration.ms;
    if (ms === null) {
      if (this.duration !== null) {
        this.ledger.disarm(this.duration);
        this.duration = null;
        if (limits !== null && isGrpcRequest(headers)) headers.remove(H.grpcTimeout);
      }
      return;
    }
    if (limits !== null && isGrpcRequest(headers)) headers.set(H.grpcTimeout, `${ms}m`);
    const left = Math.max(0, ms - Math.floor(this.dispatcher.now - this.info.start));
    if (this.duration === null) this.duration = this.ledger.arm(this, TimerKind.MAX_STREAM_DURATION, left, ref);
    else {
      this.duration.ref = ref;
      this.ledger.rearm(this.duration, left);
    }
  }

  /** CONNECT and Upgrade need leave; false when the stream has been answered. */
  private acceptUpgrade(headers: RequestHeaders, route: RouteEntry | null): boolean {
    const connect = headers.method === 'CONNECT';
    if (!connect && ((headers.bits & Bit.UPGRADE) === 0 || !isUpgrade(headers))) return true;
    const type = connect ? (headers.protocol ?? 'connect') : headers.get(H.upgrade)!;
    const allowed = route?.upgradeEnabled(type.toLowerCase()) ?? this.config.upgrades.get(type.toLowerCase());
    if (allowed === true || (connect && route === null)) {
      this.tunnel = allowed === true;
      return true;
    }
    this.config.stats.downstream_rq_ws_on_non_ws_route++;
    this.drainConnection = true;
    this.sendLocalReply(403, '', 'upgrade_failed');
    return false;
  }

  decodeData(data: Uint8Array, endStream: boolean): void {
    this.info.bytesReceived += data.length;
    const filters = this.filters;
    if (filters !== null && endStream && data.length > 0 && this.protocol !== 'HTTP/2' && filters.holding) {
      // Envoy's HTTP/1 codec tells the end of a request after its last bytes, and a filter may answer in between.
      this.touch();
      filters.decodeData(data, false);
      if (this.ending || this.destroyed) return;
      data = NO_DATA;
    }
    if (endStream) this.onRequestComplete();
    this.touch();
    if (filters !== null) filters.decodeData(data, endStream);
    else this.router?.decodeData(data, endStream);
    // Also while a filter holds it: as Envoy does, a body disarms the timer, headers alone do not.
    if (endStream) this.onRequestDecoded();
  }

  decodeTrailers(trailers: Trailers): void {
    this.onRequestComplete();
    this.touch();
    if (this.filters !== null) this.filters.decodeTrailers(trailers);
    else this.passTrailers(trailers);
  }

  private onRequestComplete(): void {
    this.requestComplete = true;
    this.info.requestEnd = this.dispatcher.now;
  }

  /** The end of the request has passed every filter. */
  private onRequestDecoded(): void {
    if (this.request !== null) this.ledger.disarm(this.request);
  }

  /** Something moved: the idle clock starts anew. */
  private touch(): void {
    const idle = this.idle;
    if (idle !== null && idle.deadline >= 0) {
      idle.rearmed++;
      this.dispatcher.timers.arm(idle, this.idleMs, this.dispatcher.now);
    }
  }

  // --- back-pressure

  pauseRequest(): void {
    if (this.destroyed) return;
    this.paused++;
    this.config.stats.downstream_flow_control_paused_reading_total++;
    if (!this.wasReset) this.encoder.readDisable(true);
  }

  resumeRequest(): void {
    if (this.paused === 0) return;
    this.paused--;
    this.config.stats.downstream_flow_control_resumed_reading_total++;
    if (!this.wasReset) this.encoder.readDisable(false);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.router?.pauseResponse();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.router?.resumeResponse();
  }

  // --- clocks

  onTimer(kind: number): void {
    const { config, ledger } = this;
    const stats = config.stats;
    switch (kind) {
      case TimerKind.STREAM_IDLE:
        ledger.fired(this.idle!);
        stats.downstream_rq_idle_timeout++;
        addFlag(this.info, 'SI');
        this.sendLocalReply(this.timeoutStatus(), 'stream timeout', 'stream_idle_timeout');
        break;
      case TimerKind.REQUEST:
        ledger.fired(this.request!);
        stats.downstream_rq_timeout++;
        this.sendLocalReply(this.timeoutStatus(), 'request timeout', 'request_overall_timeout');
        break;
      case TimerKind.REQUEST_HEADERS:
        ledger.fired(this.headersTimer!);
        stats.downstream_rq_header_timeout++;
        this.sendLocalReply(this.timeoutStatus(), 'request header timeout', 'request_header_timeout');
        break;
      default:
        ledger.fired(this.duration!);
        stats.downstream_rq_max_duration_reached++;
        this.sendLocalReply(this.timeoutStatus(), 'downstream duration timeout', 'max_duration_timeout', null, 4);
    }
  }

  /** The one rule: 504 when the request was complete at this instant, else 408 (before Envoy 1.22: always 408). */
  private timeoutStatus(): number {
    return this.requestComplete && this.config.profile.gatewayTimeoutWhenComplete ? 504 : 408;
  }

  // --- replies

  sendCodecReply(status: number, body: string, details: string): void {
    addFlag(this.info, 'DPE');
    this.drainConnection = true;
    this.sendLocalReply(status, body, details);
  }

  sendLocalReply(
    status: number,
    body: string,
    details: string,
    modify: ReplyHeaders | null = null,
    grpcStatus?: number,
  ): void {
    if (this.destroyed || this.ending) return;
    this.info.details = details;
    if (status === 400 && !this.config.streamErrorOnInvalidMessage && this.protocol !== 'HTTP/2')
      this.drainConnection = true;
    if (this.responseStarted) {
      this.abortResponse();
      return;
    }
    const route = this.route;
    const rewriter = this.config.localReplies;
    const reply = makeLocalReply(
      status,
      body,
      this.requestHeaders,
      (headers) => {
        this.info.responseHeaders = headers;
        this.info.responseCode = headers.status;
        // A redirect or direct response puts its own headers before those of the route.
        const direct = route !== null && route.action !== 'route';
        if (direct) modify?.addReplyHeaders(headers, false);
        if (route?.hasResponseMutations) route.finalizeResponse(headers, this.info);
        if (!direct) modify?.addReplyHeaders(headers, modify.overloaded);
      },
      grpcStatus,
      rewriter === undefined ? null : (headers) => rewriter.rewrite(headers, this.info, status, body),
    );
    this.info.localReplyBody = body;
    const router = this.router;
    if (router !== null) router.onDestroy();
    if (this.filters !== null) this.filters.stop();
    this.encodeHeaders(reply.headers, reply.body === null);
    if (reply.body !== null) this.encodeData(reply.body, true);
  }

  /** Too late for a reply: the stream is cut. */
  private abortResponse(): void {
    this.config.stats.downstream_rq_tx_reset++;
    this.resetDownstream(Reset.LOCAL);
  }

  // --- the response, to the codec

  encode1xx(headers: ResponseHeaders): void {
    if (this.destroyed || this.responseStarted) return;
    this.touch();
    // Only the first is forwarded, and only when asked for.
    if (!this.config.proxy100Continue || this.interim) return;
    this.interim = true;
    headers.remove(H.connection);
    chargeCode(this.config.stats, headers.status);
    chargeCode(this.config.listenerStats, headers.status);
    this.encoder.encode1xx(headers);
  }

  encodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    if (this.destroyed || this.ending) return;
    const { config, info, owner, protocol } = this;
    this.touch();
    if (this.request !== null) this.ledger.disarm(this.request);
    if (this.filters !== null) this.filters.encodeHeaders(headers);
    const tunnel = this.tunnel && isTunnelAnswer(headers, this.requestHeaders);
    mutateResponseHeaders(headers, config, this.requestHeaders, tunnel, owner.date());
    info.responseHeaders = headers;
    info.responseCode = headers.status;
    if (owner.notDraining && config.drain.drainClose()) {
      config.stats.downstream_cx_drain_close++;
      owner.startDrainSequence();
    }
    const http1 = protocol !== 'HTTP/2';
    if (protocol === 'HTTP/1.0') this.keepAlive10(headers);
    if (this.drainConnection && owner.notDraining) owner.closeAfterResponse();
    if (!this.requestComplete) {
      if (http1) owner.closeAfterResponse();
      config.stats.downstream_rq_response_before_rq_complete++;
    }
    if (http1 && !owner.notDraining && !tunnel) headers.set(H.connection, 'close');
    this.responseStarted = true;
    if (!info.healthCheck) {
      chargeCode(config.stats, headers.status);
      chargeCode(config.listenerStats, headers.status);
    }
    info.firstDownstreamTx = this.dispatcher.now;
    this.encoder.encodeHeaders(headers, endStream);
    if (endStream) this.endResponse();
  }

  /** HTTP/1.0 cannot chunk: without a length the body ends with the connection. */
  private keepAlive10(headers: ResponseHeaders): void {
    if (!headers.has(H.contentLength)) this.drainConnection = true;
    if (!this.drainConnection) headers.set(H.connection, 'keep-alive');
  }

  encodeData(data: Uint8Array, endStream: boolean): void {
    if (this.destroyed || this.ending) return;
    this.touch();
    this.info.bytesSent += data.length;
    this.encoder.encodeData(data, endStream);
    if (endStream) this.endResponse();
  }

  encodeTrailers(trailers: Trailers): void {
    if (this.destroyed || this.ending) return;
    this.touch();
    if (this.filters !== null) this.filters.encodeTrailers(trailers);
    this.info.responseTrailers = trailers;
    this.encoder.encodeTrailers(trailers);
    this.endResponse();
  }

  /** The response is over. A request that is not complete is reset with it. */
  private endResponse(): void {
    if (this.destroyed || this.ending) return;
    this.ending = true;
    this.ledger.disarmAll();
    const incomplete = !this.requestComplete;
    if (incomplete) {
      const error = this.info.flags.includes('DPE') ? Reset.PROTOCOL_ERROR : Reset.LOCAL;
      this.resetEncoder(error);
    }
    if (incomplete || this.codecComplete) this.destroy();
    this.owner.onStreamEnded(this, incomplete);
  }

  /** Last byte of the response handed to the connection (HTTP/2: past flow control). */
  onCodecEncodeComplete(): void {
    this.codecComplete = true;
    const now = this.dispatcher.now;
    this.info.lastDownstreamTx = now;
    this.config.stats.downstream_rq_time.record(Math.floor(now - this.info.start));
    if (this.ending && !this.destroyed) {
      this.destroy();
      this.owner.onStreamEnded(this, false);
    }
  }

  /** Cuts the stream from this side. */
  private resetDownstream(reason: ResetReason): void {
    if (this.destroyed) return;
    this.ending = true;
    this.resetEncoder(reason);
    this.destroy();
    this.owner.onStreamEnded(this, true);
  }

  private resetEncoder(reason: ResetReason): void {
    this.config.stats.downstream_rq_rx_reset++;
    this.wasReset = true;
    this.encoder.resetStream(reason);
  }

  /** Reset by the peer, the codec, or with the connection. */
  onReset(reason: ResetReason, details: string): void {
    if (this.destroyed) return;
    // A response that was only waiting to be flushed is over as far as the counters go.
    if (!this.ending) this.config.stats.downstream_rq_rx_reset++;
    this.wasReset = true;
    if (details !== '') {
      if (reason === Reset.REMOTE || reason === Reset.REMOTE_REFUSED || reason === Reset.CONNECT_ERROR)
        addFlag(this.info, 'DR');
      else if (reason === Reset.LOCAL || reason === Reset.PROTOCOL_ERROR) addFlag(this.info, 'DPE');
      this.info.details = details;
    }
    this.destroy();
  }

  /** The connection went away under the stream. */
  onConnectionGone(flag: 'DC' | 'DPE' | null, details: string): void {
    if (this.destroyed) return;
    this.config.stats.downstream_rq_rx_reset++;
    this.wasReset = true;
    if (flag !== null) addFlag(this.info, flag);
    if (details !== '') this.info.details = details;
    this.destroy();
  }

  private destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.ending = true;
    const { config, info } = this;
    this.ledger.disarmAll();
    if (this.router !== null) this.router.onDestroy();
    if (this.filters !== null) this.filters.stop();
    info.end = this.dispatcher.now;
    this.owner.onStreamDestroyed(this);
    config.recordRequest(this.route, info);
    if (config.accessLog !== null) config.accessLog.log(info);
    const code = info.responseCode;
    if (config.failures !== null && (info.flags.length > 0 || code >= 500 || code === 408 || code === 0))
      config.failures.onStreamEnd(this);
  }

  noteStalled(connection: UpstreamConnectionInfo, waited: number): void {
    if (this.config.failures !== null) this.stalled = this.config.transportFacts(connection, waited);
  }

  private stalled: TransportFacts | null = null;

  transportFacts(): TransportFacts | null {
    return this.stalled;
  }
}

/** The upstream has agreed to the upgrade or CONNECT: from here on the stream is a tunnel. */
function isTunnelAnswer(headers: ResponseHeaders, request: RequestHeaders | null): boolean {
  const { status } = headers;
  if (request?.method === 'CONNECT') return status >= 200 && status < 300;
  return status === 101 && headers.has(H.upgrade) && hasToken(headers.get(H.connection) ?? '', 'upgrade');
}
