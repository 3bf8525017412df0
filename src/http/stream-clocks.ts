import type { Dispatcher } from '../base/dispatcher.js';
import { H } from '../base/header-names.js';
import type { RequestHeaders } from '../base/headers.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';
import type { ResponseEncoder } from '../codec/codec.js';
import { addFlag } from '../observe/flags.js';
import type { StreamInfoImpl } from '../observe/stream-info-impl.js';
import { type LedgerTimer, type LimitRef, TimerKind, TimerLedger } from '../observe/timer-ledger.js';
import { isGrpcRequest } from '../router/grpc.js';
import type { RouteEntry } from '../router/route-entry.js';
import { parseGrpcTimeout } from '../router/timeouts.js';
import type { ConnectionManagerConfig } from './config.js';

/** Kind of the timer that writes periodic lines of the access log; no limit, so that the ledger does not know it. */
const LOG_FLUSH = -1;

/**
 * The clocks of the connection manager on one stream, and the one decision that makes a 408 or a 504 of them: was the request
 * complete when the clock ran out.
 */
export abstract class StreamClocks implements TimerOwner {
  readonly ledger: TimerLedger;
  /** The codec has delivered the end of the request. */
  requestComplete = false;
  private idleMs: number;
  private idle: LedgerTimer | null = null;
  private request: LedgerTimer | null = null;
  private headersTimer: LedgerTimer | null = null;
  private duration: LedgerTimer | null = null;
  /** access_log_flush_interval: from the creation of the stream to its end, again and again. */
  private logFlush: Timer | null = null;

  constructor(
    readonly dispatcher: Dispatcher,
    readonly config: ConnectionManagerConfig,
    readonly encoder: ResponseEncoder,
    readonly info: StreamInfoImpl,
  ) {
    const ledger = (this.ledger = new TimerLedger(dispatcher));
    const { streamIdle, request, requestHeaders, maxStreamDuration } = config;
    this.idleMs = streamIdle.ms;
    if (this.idleMs > 0) this.idle = ledger.arm(this, TimerKind.STREAM_IDLE, this.idleMs, streamIdle.ref);
    if (request.ms > 0) this.request = ledger.arm(this, TimerKind.REQUEST, request.ms, request.ref);
    if (requestHeaders.ms > 0)
      this.headersTimer = ledger.arm(this, TimerKind.REQUEST_HEADERS, requestHeaders.ms, requestHeaders.ref);
    if (maxStreamDuration.ms > 0)
      this.duration = ledger.arm(this, TimerKind.MAX_STREAM_DURATION, maxStreamDuration.ms, maxStreamDuration.ref);
    if (config.streamFlush.ms > 0) encoder.setFlushTimeout(config.streamFlush.ms);
    if (config.logFlushInterval > 0) {
      this.logFlush = new Timer(this, LOG_FLUSH);
      dispatcher.timers.arm(this.logFlush, config.logFlushInterval, dispatcher.now);
    }
  }

  abstract sendLocalReply(status: number, body: string, details: string, modify?: null, grpcStatus?: number): void;

  /** The head of the request is complete. */
  protected onHead(): void {
    if (this.headersTimer !== null) this.ledger.disarm(this.headersTimer);
  }

  protected applyRouteLimits(route: RouteEntry, headers: RequestHeaders): void {
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

  protected onRequestComplete(): void {
    this.requestComplete = true;
    this.info.requestEnd = this.dispatcher.now;
  }

  /** The end of the request has passed every filter, or the response has begun. */
  protected onRequestDecoded(): void {
    if (this.request !== null) this.ledger.disarm(this.request);
  }

  /** Something moved: the idle clock starts anew. */
  protected touch(): void {
    const idle = this.idle;
    if (idle !== null && idle.deadline >= 0) {
      idle.rearmed++;
      this.dispatcher.timers.arm(idle, this.idleMs, this.dispatcher.now);
    }
  }

  protected stopLogFlush(): void {
    if (this.logFlush !== null) this.dispatcher.timers.cancel(this.logFlush);
  }

  onTimer(kind: number): void {
    const { config, ledger, dispatcher } = this;
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
      case LOG_FLUSH:
        config.accessLog?.log(this.info, 'DownstreamPeriodic');
        dispatcher.timers.arm(this.logFlush!, config.logFlushInterval, dispatcher.now);
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
}
