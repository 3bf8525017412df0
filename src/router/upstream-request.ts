import type { RequestHeaders, ResponseHeaders, Trailers } from '../base/headers.js';
import type { TimerOwner } from '../base/timer-wheel.js';
import { type RequestEncoder, Reset, type ResetReason, type ResponseDecoder } from '../codec/codec.js';
import type { UpstreamInfo } from '../observe/stream-info.js';
import { type LedgerTimer, type LimitRef, TimerKind } from '../observe/timer-ledger.js';
import { countStreamReset } from '../upstream/cluster-stats.js';
import { AttemptSizes } from '../upstream/tracking.js';
import type {
  ConnPool,
  Host,
  PoolCallbacks,
  PoolFailure,
  PoolHandle,
  UpstreamConnectionInfo,
} from '../upstream/types.js';
import { AttemptLog } from './attempt-log.js';
import {
  onPerTryIdleTimeout,
  onPerTryTimeout,
  onUpstreamMaxDuration,
  onUpstreamReset,
  RESET_FLAG,
} from './failures.js';
import { onUpstreamHeaders } from './responses.js';
import type { Router } from './router.js';
import { TcpTunnel } from './tcp-tunnel.js';
import { FROM_HEADER } from './timeouts.js';

const CLUSTER_DURATION: LimitRef = { path: 'common_http_protocol_options.max_stream_duration', position: null };

const FAILURE_RESET: Record<PoolFailure, ResetReason> = {
  overflow: Reset.OVERFLOW,
  'connection-timeout': Reset.CONNECTION_TIMEOUT,
  'local-connection-failure': Reset.LOCAL_CONNECTION_FAILURE,
  'remote-connection-failure': Reset.REMOTE_CONNECTION_FAILURE,
};

/**
 * One attempt to get an answer from one host: waits for the pool, sends the request as it comes, hands the response to the
 * router. It owns the clocks that belong to an attempt.
 */
export class UpstreamRequest implements ResponseDecoder, PoolCallbacks, TimerOwner {
  encoder: RequestEncoder | null = null;
  /** Host the attempt was attached to or failed on. */
  host: Host | null = null;
  private connection: UpstreamConnectionInfo | null = null;
  private handle: PoolHandle | null = null;
  private headersEnded = false;
  /** Body that arrived before a stream was open. */
  private waiting: Buffer[] | null = null;
  private waitingBytes = 0;
  private waitingTrailers: Trailers | null = null;
  private endSeen = false;
  /** The whole request has been given to the upstream codec. */
  encodeComplete = false;
  /** No response headers yet. */
  awaitingHeaders = true;
  private informed = false;
  /** Already counted as retried (hedging). */
  retried = false;
  /** The attempt is over: nothing may come from it any more. */
  done = false;
  private pausedDownstream = 0;
  private readDisables = 0;
  private deferredReadDisables = 0;
  private perTry: LedgerTimer | null = null;
  private perTryIdle: LedgerTimer | null = null;
  private maxDuration: LedgerTimer | null = null;
  private perTryWanted = false;
  /** Null unless the cluster tracks sizes. */
  private readonly sizes: AttemptSizes | null;
  /** The route timeout ends it: no budget of the attempt is recorded. */
  cutByRoute = false;
  /** null: no log of attempts is kept. */
  private log: AttemptLog | null = null;

  constructor(
    private readonly router: Router,
    readonly info: UpstreamInfo,
    /** The LB's choice; becomes `host` when attached. */
    readonly chosen: Host,
  ) {
    this.sizes = router.cluster.sizeStats === null ? null : new AttemptSizes();
  }

  /** Asks the pool. `endStream`: the request is headers only. */
  start(endStream: boolean): void {
    this.endSeen = endStream;
    const info = this.info;
    info.poolStart = this.router.callbacks.dispatcher.now;
    info.host = this.chosen.address;
    info.hostname = this.chosen.hostname;
    const { upstreamLog } = this.router.config;
    if (upstreamLog !== null) this.log = new AttemptLog(upstreamLog, this.router, info);
    const pool = this.poolFor();
    if (pool === null) {
      this.log = null;
      this.router.onNoPool(this);
      return;
    }
    const handle = pool.newStream(this, this);
    if (this.encoder === null && !this.done) this.handle = handle;
  }

  // --- from the pool

  onPoolReady(encoder: RequestEncoder, host: Host, connection: UpstreamConnectionInfo): void {
    const router = this.router;
    const now = router.callbacks.dispatcher.now;
    this.handle = null;
    this.encoder = encoder;
    this.host = host;
    this.connection = connection;
    const info = this.info;
    info.host = host.address;
    info.hostname = host.hostname;
    info.localAddress = connection.localAddress;
    info.remoteAddress = connection.remoteAddress;
    info.connectionId = connection.id;
    info.protocol = connection.protocol;
    info.connectStart = connection.connectStart;
    info.connectEnd = connection.connectEnd;
    info.poolReady = now;
    info.bytes = encoder.bytes;
    if (router.reportsConnectSuccess) host.outlier.putResult('connect-success', null);
    const route = router.route;
    const headers = router.requestHeaders;
    if (route.autoHostRewrite && host.hostname !== '') router.rewriteHost(headers, host.hostname);
    const max = router.timeouts.upstreamMaxStreamDuration ?? router.cluster.maxStreamDuration;
    if (max !== null && max > 0) {
      const ref = router.timeouts.upstreamMaxStreamDuration !== null ? FROM_HEADER : CLUSTER_DURATION;
      this.maxDuration = router.ledger.arm(this, TimerKind.UPSTREAM_MAX_STREAM_DURATION, max, ref);
    }
    if (router.config.schemeOfUpstream) headers.scheme = connection.tls ? 'https' : 'http';
    if (this.log !== null) this.log.onStream();
    this.encodeHeaders(headers);
    if (this.done) return;
    if (this.perTryWanted || router.requestComplete) this.armPerTry();
  }

  private encodeHeaders(headers: RequestHeaders): void {
    const headersOnly = this.endSeen && this.waiting === null && this.waitingTrailers === null;
    const encoder = this.encoder!;
    const now = this.router.callbacks.dispatcher.now;
    this.info.firstTx = now;
    this.headersEnded = true;
    this.router.requestHeadersSent = true;
    if (headersOnly) this.noteEnd(now);
    else this.held = this.router.callbacks.isTunnel;
    encoder.encodeHeaders(headers, headersOnly);
    if (!this.done && !headersOnly && !this.held) this.sendWaiting();
  }

  private poolFor(): ConnPool | null {
    const { cluster, route, priority, callbacks, requestHeaders } = this.router;
    if (route.connectTermination !== null && route.endsHere(requestHeaders.method))
      return new TcpTunnel(cluster, this.chosen);
    return cluster.pool(this.chosen, priority, callbacks.protocol);
  }

  /** An upgrade that is not answered yet: the body stays here. */
  private held = false;

  private sendWaiting(): void {
    const encoder = this.encoder!;
    const now = this.router.callbacks.dispatcher.now;
    const waiting = this.waiting;
    const trailers = this.waitingTrailers;
    this.waiting = null;
    this.waitingTrailers = null;
    if (waiting !== null) {
      const last = waiting.length - 1;
      for (let i = 0; i <= last && !this.done; i++) {
        const end = i === last && this.endSeen && trailers === null;
        if (end) this.noteEnd(now);
        if (this.log !== null) this.log.view.bytesSent += waiting[i].length;
        encoder.encodeData(waiting[i], end);
      }
      this.waitingBytes = 0;
      this.checkWaiting();
    }
    if (trailers !== null && !this.done) {
      this.noteEnd(now);
      encoder.encodeTrailers(trailers);
    }
  }

  onPoolFailure(failure: PoolFailure, transportFailureReason: string, host: Host | null): void {
    this.handle = null;
    this.host = host;
    this.info.host = host?.address ?? '';
    this.info.hostname = host?.hostname ?? '';
    this.info.transportFailureReason = transportFailureReason;
    if (this.log !== null) this.log.flag(RESET_FLAG[FAILURE_RESET[failure]]);
    this.finish();
    onUpstreamReset(this.router, FAILURE_RESET[failure], transportFailureReason, this);
  }

  // --- the request

  /** Bytes are copied when no stream is open yet. */
  encodeData(data: Uint8Array, endStream: boolean): void {
    this.endSeen = endStream;
    if (this.sizes !== null) this.sizes.sent += data.length;
    const encoder = this.encoder;
    if (encoder === null || !this.headersEnded || this.held) {
      this.waiting ??= [];
      this.waiting.push(Buffer.from(data));
      this.waitingBytes += data.length;
      this.checkWaiting();
      return;
    }
    const now = this.router.callbacks.dispatcher.now;
    this.info.lastTx = now;
    if (endStream) this.noteEnd(now);
    if (this.log !== null) this.log.view.bytesSent += data.length;
    encoder.encodeData(data, endStream);
  }

  encodeTrailers(trailers: Trailers): void {
    this.endSeen = true;
    if (this.encoder === null || !this.headersEnded || this.held) {
      this.waitingTrailers = trailers;
      return;
    }
    this.noteEnd(this.router.callbacks.dispatcher.now);
    this.encoder.encodeTrailers(trailers);
  }

  private noteEnd(now: number): void {
    this.encodeComplete = true;
    this.info.lastTx = now;
  }

  /** A body that waits for a connection is bounded as a stream's buffer is. */
  private checkWaiting(): void {
    const limit = this.router.callbacks.bufferLimit;
    if (limit === 0) return;
    if (!this.waitingAbove && this.waitingBytes > limit) {
      this.waitingAbove = true;
      this.pauseDownstream();
    } else if (this.waitingAbove && this.waitingBytes <= limit >> 1) {
      this.waitingAbove = false;
      this.resumeDownstream();
    }
  }

  private waitingAbove = false;

  // --- write side watermarks: the upstream takes the request too slowly

  onAboveWriteBufferHighWatermark(): void {
    if (this.done) return;
    this.router.cluster.stats.upstream_flow_control_backed_up_total++;
    this.pauseDownstream();
  }

  onBelowWriteBufferLowWatermark(): void {
    if (this.done) return;
    this.router.cluster.stats.upstream_flow_control_drained_total++;
    this.resumeDownstream();
  }

  private pauseDownstream(): void {
    this.pausedDownstream++;
    this.router.callbacks.pauseRequest();
  }

  private resumeDownstream(): void {
    if (this.pausedDownstream === 0) return;
    this.pausedDownstream--;
    this.router.callbacks.resumeRequest();
  }

  // --- read side: the client takes the response too slowly

  /** Headers are always read: before they are in, the pause is only noted. */
  pauseResponse(): void {
    if (this.awaitingHeaders || this.encoder === null) {
      this.deferredReadDisables++;
      return;
    }
    this.readDisable();
  }

  private readDisable(): void {
    this.readDisables++;
    this.router.cluster.stats.upstream_flow_control_paused_reading_total++;
    this.encoder!.readDisable(true);
  }

  resumeResponse(): void {
    if (this.deferredReadDisables > 0) {
      this.deferredReadDisables--;
      return;
    }
    if (this.readDisables === 0 || this.encoder === null || this.done) return;
    this.readDisables--;
    this.router.cluster.stats.upstream_flow_control_resumed_reading_total++;
    this.encoder.readDisable(false);
  }

  // --- the response

  /** Only the first counts for the router. */
  decode1xx(headers: ResponseHeaders): void {
    if (this.done) return;
    this.noteReceived();
    if (this.informed) return;
    this.informed = true;
    this.router.onUpstream1xx(headers, this);
  }

  decodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    if (this.done) return;
    if (this.log !== null) this.log.onHeaders(headers);
    this.noteReceived();
    if (this.sizes !== null) this.sizes.noteResponse(headers);
    this.awaitingHeaders = false;
    if (this.perTry !== null) this.router.ledger.disarm(this.perTry);
    if (this.perTryIdle !== null) this.router.ledger.rearm(this.perTryIdle, this.router.timeouts.perTryIdle);
    while (this.deferredReadDisables > 0) {
      this.deferredReadDisables--;
      this.readDisable();
    }
    onUpstreamHeaders(this.router, headers, endStream, this);
    if (this.held && !this.done && (headers.status === 101 || (headers.status >= 200 && headers.status < 300))) {
      this.held = false;
      if (headers.status === 101) this.router.onTunnelOpen();
      this.sendWaiting();
    }
  }

  decodeData(data: Uint8Array, endStream: boolean): void {
    if (this.done) return;
    if (this.log !== null) this.log.view.bytesReceived += data.length;
    this.info.lastRx = this.router.callbacks.dispatcher.now;
    if (this.sizes !== null) this.sizes.received += data.length;
    if (this.perTryIdle !== null) this.router.ledger.rearm(this.perTryIdle, this.router.timeouts.perTryIdle);
    this.router.onUpstreamData(data, endStream, this);
  }

  decodeTrailers(trailers: Trailers): void {
    if (this.done) return;
    if (this.log !== null) this.log.view.responseTrailers = trailers;
    this.info.lastRx = this.router.callbacks.dispatcher.now;
    this.router.onUpstreamTrailers(trailers, this);
  }

  private noteReceived(): void {
    const now = this.router.callbacks.dispatcher.now;
    if (this.info.firstRx < 0) this.info.firstRx = now;
    this.info.lastRx = now;
  }

  onReset(reason: ResetReason, _details: string): void {
    if (this.done) return;
    if (this.log !== null) this.log.flag(RESET_FLAG[reason]);
    this.encoder = null;
    countStreamReset(this.router.cluster.stats, this.info.protocol, reason);
    this.finish();
    onUpstreamReset(this.router, reason, '', this);
  }

  // --- clocks of the attempt

  /** The request is complete: from now on an answer is due. */
  onRequestComplete(): void {
    if (this.encoder !== null && this.headersEnded) this.armPerTry();
    else this.perTryWanted = true;
  }

  private armPerTry(): void {
    const router = this.router;
    const { timeouts, ledger } = router;
    const policy = router.route.retryPolicy;
    if (timeouts.perTry > 0 && this.perTry === null)
      this.perTry = ledger.arm(this, TimerKind.PER_TRY, timeouts.perTry, policy?.perTryTimeoutRef ?? FROM_HEADER);
    if (timeouts.perTryIdle > 0 && this.perTryIdle === null)
      this.perTryIdle = ledger.arm(
        this,
        TimerKind.PER_TRY_IDLE,
        timeouts.perTryIdle,
        policy?.perTryIdleTimeoutRef ?? FROM_HEADER,
      );
  }

  onTimer(kind: number): void {
    const router = this.router;
    switch (kind) {
      case TimerKind.PER_TRY:
        router.ledger.fired(this.perTry!);
        // Once the response has begun only its idleness counts.
        if (router.responseStarted) break;
        if (this.log !== null) this.log.flag('UT');
        onPerTryTimeout(router, this);
        break;
      case TimerKind.PER_TRY_IDLE:
        router.ledger.fired(this.perTryIdle!);
        if (this.log !== null) this.log.flag('SI');
        onPerTryIdleTimeout(router, this);
        break;
      default:
        router.ledger.fired(this.maxDuration!);
        onUpstreamMaxDuration(router, this);
    }
  }

  // --- the end

  /** Gives the attempt up: leaves the queue, or resets the upstream stream. */
  reset(): void {
    if (this.done) return;
    const handle = this.handle;
    const encoder = this.encoder;
    this.finish();
    if (handle !== null) handle.cancel();
    else if (encoder !== null) {
      const { callbacks, cluster } = this.router;
      callbacks.noteStalled(this.connection!, callbacks.dispatcher.now - this.info.poolReady);
      countStreamReset(cluster.stats, this.info.protocol, Reset.LOCAL);
      encoder.resetStream(Reset.LOCAL);
    }
  }

  /** The response is complete and so is the request: the codec lets the stream go by itself. */
  complete(): void {
    this.finish();
  }

  private finish(): void {
    if (this.done) return;
    this.done = true;
    if (this.log !== null) this.log.onEnd();
    this.handle = null;
    const { ledger, cluster } = this.router;
    if (this.sizes !== null) cluster.sizeStats!.record(this.router.requestHeaders, this.sizes);
    if (cluster.budgetStats !== null && !this.cutByRoute) {
      const { callbacks, timeouts } = this.router;
      cluster.budgetStats.recordTry(callbacks.dispatcher.now - this.info.poolStart, timeouts.perTry);
    }
    if (this.perTry !== null) ledger.disarm(this.perTry);
    if (this.perTryIdle !== null) ledger.disarm(this.perTryIdle);
    if (this.maxDuration !== null) ledger.disarm(this.maxDuration);
    // What this attempt had paused goes on: the next attempt, or the reply, decides anew.
    while (this.pausedDownstream > 0) {
      this.pausedDownstream--;
      this.router.cluster.stats.upstream_flow_control_drained_total++;
      this.router.callbacks.resumeRequest();
    }
    // A read-disabled upstream stream must not stay so on a connection that others share.
    if (this.encoder !== null) for (; this.readDisables > 0; this.readDisables--) this.encoder.readDisable(false);
  }
}
