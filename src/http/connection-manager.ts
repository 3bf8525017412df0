import type { Dispatcher } from '../base/dispatcher.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';
import {
  Close,
  type CodecError,
  type Protocol,
  type RequestDecoder,
  Reset,
  type ResponseEncoder,
  type ServerCodec,
} from '../codec/codec.js';
import type { CloseEvent, Connection, ConnectionEvents } from '../network/connection.js';
import { StreamInfoImpl } from '../observe/stream-info-impl.js';
import type { ConnectionManagerConfig } from './config.js';
import { DateText } from './date.js';
import { ActiveStream, type StreamOwner } from './stream.js';

enum Drain {
  NONE = 0,
  /** Streams are served; HTTP/1 responses say `connection: close`, HTTP/2 has had its first GOAWAY. */
  DRAINING = 1,
  /** Closes as soon as no stream is left. */
  CLOSING = 2,
}

enum ConnectionTimer {
  IDLE = 0,
  DRAIN = 1,
  MAX_DURATION = 2,
}

/** Premature ends of streams that make a client an attacker (CVE-2023-44487): Envoy's fixed numbers. */
const PREMATURE_TOTAL = 500;
const PREMATURE_LIFETIME_SECONDS = 1;

/** The first half of the HTTP/2 preface decides; the codec checks the rest. */
const PREFACE_START = 'PRI * HTTP/2';
const dates = new WeakMap<Dispatcher, DateText>();

/**
 * The network filter of an HTTP connection: makes the codec at the first bytes, keeps the streams, and ends the connection by
 * the rules of draining. Envoy: ConnectionManagerImpl.
 */
export class ConnectionManager implements ConnectionEvents, StreamOwner, TimerOwner {
  readonly dispatcher: Dispatcher;
  private codec: ServerCodec | null = null;
  private first: ActiveStream | null = null;
  private active = 0;
  private drainState: Drain = Drain.NONE;
  private readonly idleTimer = new Timer(this, ConnectionTimer.IDLE, true);
  private drainTimer: Timer | null = null;
  private durationTimer: Timer | null = null;
  private softDrain = false;
  private requests = 0;
  private closedStreams = 0;
  private prematureStreams = 0;
  private readonly acceptedAt: number;
  private closing = false;
  /** Streams are being reset because of an error of the codec: each counts as a premature end. */
  private failing = false;
  /** The codec is at work on a read. */
  private dispatching = false;
  private readonly dateText: DateText;
  private rxReported = 0;
  private txReported = 0;

  constructor(
    private readonly connection: Connection,
    readonly config: ConnectionManagerConfig,
    /** Told when the connection is gone. */
    private readonly onGone: (manager: ConnectionManager) => void,
  ) {
    const dispatcher = (this.dispatcher = connection.dispatcher);
    this.acceptedAt = dispatcher.now;
    let date = dates.get(dispatcher);
    if (date === undefined) dates.set(dispatcher, (date = new DateText(dispatcher.clock)));
    this.dateText = date;
    const stats = config.stats;
    stats.downstream_cx_total++;
    stats.downstream_cx_active++;
    if (config.isOverTls) {
      stats.downstream_cx_ssl_total++;
      stats.downstream_cx_ssl_active++;
    }
    connection.setDelayedCloseTimeout(config.delayedClose, () => stats.downstream_cx_delayed_close_timeout++);
    if (config.connectionIdle > 0) dispatcher.timers.arm(this.idleTimer, config.connectionIdle, dispatcher.now);
    if (config.maxConnectionDuration > 0) {
      this.durationTimer = new Timer(this, ConnectionTimer.MAX_DURATION, true);
      dispatcher.timers.arm(this.durationTimer, config.maxConnectionDuration, dispatcher.now);
    }
  }

  get protocol(): Protocol {
    return this.codec!.protocol;
  }

  get notDraining(): boolean {
    return this.drainState === Drain.NONE;
  }

  date(): string {
    return this.dateText.at(this.dispatcher.now);
  }

  // --- bytes

  onConnected(): void {}

  onData(data: Buffer): void {
    const codec = this.codec ?? this.createCodec(data);
    this.dispatch(codec, data);
    this.reportBytes();
  }

  private dispatch(codec: ServerCodec, data: Buffer): void {
    this.dispatching = true;
    const error = codec.dispatch(data);
    this.dispatching = false;
    if (error !== null) this.onCodecError(error);
    else this.checkForDeferredClose(false);
  }

  private createCodec(data: Buffer): ServerCodec {
    const { config, connection } = this;
    const stats = config.stats;
    const kind = config.codecType;
    if (kind === 'HTTP2' || (kind === 'AUTO' && isPreface(data))) {
      this.codec = config.createHttp2(connection, this);
      stats.downstream_cx_http2_total++;
      stats.downstream_cx_http2_active++;
    } else {
      this.codec = config.createHttp1(connection, this);
      stats.downstream_cx_http1_total++;
      stats.downstream_cx_http1_active++;
    }
    return this.codec;
  }

  /** Counts what the socket has carried; at the end of reads and of the connection, not per write. */
  private reportBytes(): void {
    const { connection, config } = this;
    config.stats.downstream_cx_rx_bytes_total += connection.rxBytes - this.rxReported;
    config.stats.downstream_cx_tx_bytes_total += connection.txBytes - this.txReported;
    this.rxReported = connection.rxBytes;
    this.txReported = connection.txBytes;
  }

  private onCodecError(error: CodecError): void {
    const stats = this.config.stats;
    if (error.kind === 'protocol') stats.downstream_cx_protocol_error++;
    if (this.closing) return;
    this.closing = true;
    this.ownClose = true;
    if (this.active > 0) {
      stats.downstream_cx_destroy_active_rq++;
      stats.downstream_cx_destroy_local_active_rq++;
    }
    // Streams that got a reply of their own have ended; the codec tells the others, each with what it knows of it.
    this.failing = true;
    this.codec!.onConnectionClosed(Reset.PROTOCOL_ERROR, error.details);
    this.resetAllStreams('DPE', error.details);
    this.failing = false;
    this.connection.close(Close.FLUSH_AND_DELAY, error.message);
  }

  onRemoteEnd(): void {
    // Half-closed clients are gone clients.
    this.closeByPeer();
  }

  private closeByPeer(): void {
    this.remoteClosed = true;
    this.connection.close(Close.NO_FLUSH, '');
  }

  private remoteClosed = false;

  onAboveHighWatermark(): void {
    this.codec?.onConnectionAboveHighWatermark();
  }

  onBelowLowWatermark(): void {
    this.codec?.onConnectionBelowLowWatermark();
  }

  onClosed(event: CloseEvent): void {
    const { config, dispatcher } = this;
    const stats = config.stats;
    const local = event.local && !this.remoteClosed;
    this.reportBytes();
    this.closing = true;
    dispatcher.timers.cancel(this.idleTimer);
    if (this.drainTimer !== null) dispatcher.timers.cancel(this.drainTimer);
    if (this.durationTimer !== null) dispatcher.timers.cancel(this.durationTimer);
    stats.downstream_cx_destroy++;
    if (local) stats.downstream_cx_destroy_local++;
    else stats.downstream_cx_destroy_remote++;
    if (this.active > 0) {
      stats.downstream_cx_destroy_active_rq++;
      if (local && this.ownClose) stats.downstream_cx_destroy_local_active_rq++;
      else stats.downstream_cx_destroy_remote_active_rq++;
      const details = local
        ? `downstream_local_disconnect(${event.reason.replaceAll(/\s/g, '_')})`
        : 'downstream_remote_disconnect';
      this.resetAllStreams('DC', details);
    }
    if (this.softDrain) stats.downstream_cx_http1_soft_drain--;
    stats.downstream_cx_active--;
    if (this.codec !== null) {
      if (this.codec.protocol === 'HTTP/2') stats.downstream_cx_http2_active--;
      else stats.downstream_cx_http1_active--;
      this.codec.onConnectionClosed(Reset.CONNECTION_TERMINATION, '');
    }
    if (config.isOverTls) stats.downstream_cx_ssl_active--;
    stats.downstream_cx_length_ms.record(Math.floor(dispatcher.now - this.acceptedAt));
    this.onGone(this);
  }

  private ownClose = false;

  private resetAllStreams(flag: 'DC' | 'DPE' | null, details: string): void {
    while (this.first !== null) {
      const stream = this.first;
      stream.onConnectionGone(flag, details);
      if (this.first === stream) this.unlink(stream);
    }
  }

  // --- streams

  newStream(encoder: ResponseEncoder): RequestDecoder {
    const { dispatcher } = this;
    return this.openStream(encoder, dispatcher.now, dispatcher.wall);
  }

  recreateStream(from: ActiveStream, body: Buffer | null): void {
    const { encoder, info } = from;
    const stream = this.openStream(encoder, info.start, info.startWall);
    encoder.setDecoder(stream);
    stream.resume(from, body);
  }

  private openStream(encoder: ResponseEncoder, start: number, startWall: number): ActiveStream {
    const { config, connection, dispatcher } = this;
    const stats = config.stats;
    const protocol = this.codec!.protocol;
    stats.downstream_rq_total++;
    stats.downstream_rq_active++;
    if (protocol === 'HTTP/2') stats.downstream_rq_http2_total++;
    else stats.downstream_rq_http1_total++;
    dispatcher.timers.cancel(this.idleTimer);
    const info = new StreamInfoImpl(connection.info, protocol, start, startWall, encoder.bytes, config.filterChainName);
    const stream = new ActiveStream(this, encoder, info);
    stream.next = this.first;
    if (this.first !== null) this.first.prev = stream;
    this.first = stream;
    this.active++;
    this.requests++;
    if (config.maxRequestsPerConnection > 0 && this.requests >= config.maxRequestsPerConnection) {
      if (this.requests === config.maxRequestsPerConnection) stats.downstream_cx_max_requests_reached++;
      stream.drainConnection = true;
    }
    if (this.softDrain) stream.drainConnection = true;
    return stream;
  }

  private unlink(stream: ActiveStream): void {
    if (stream.prev !== null) stream.prev.next = stream.next;
    else if (this.first === stream) this.first = stream.next;
    else return;
    if (stream.next !== null) stream.next.prev = stream.prev;
    stream.prev = stream.next = null;
    this.active--;
  }

  onStreamDestroyed(stream: ActiveStream): void {
    const { config, dispatcher } = this;
    this.unlink(stream);
    config.stats.downstream_rq_active--;
    this.countPremature(stream);
    if (this.active === 0 && !this.closing && config.connectionIdle > 0 && this.drainState === Drain.NONE)
      dispatcher.timers.arm(this.idleTimer, config.connectionIdle, dispatcher.now);
  }

  private countPremature(stream: ActiveStream): void {
    const info = stream.info;
    this.closedStreams++;
    if (info.responseCode === 0 && Math.floor((info.end - info.start) / 1000) <= PREMATURE_LIFETIME_SECONDS) {
      this.prematureStreams++;
      if (this.closing && !this.failing) return;
      const total = this.closedStreams;
      const twice = this.prematureStreams * 2;
      if (total < PREMATURE_TOTAL ? twice < PREMATURE_TOTAL : twice < total) return;
      this.config.stats.downstream_rq_too_many_premature_resets++;
      // The codec finds its connection closed under it.
      if (this.dispatching) this.config.stats.downstream_cx_protocol_error++;
      this.failing = false;
      this.closing = true;
      this.ownClose = true;
      this.resetAllStreams(null, 'too_many_premature_resets');
      this.connection.close(Close.NO_FLUSH, 'too_many_premature_resets');
    }
  }

  onStreamEnded(stream: ActiveStream, wasReset: boolean): void {
    if (this.closing) return;
    if (wasReset && this.codec!.protocol !== 'HTTP/2') this.drainState = Drain.CLOSING;
    // Nothing is left unread that a close could cut off: no need to wait for the client. A reply given while its request
    // is being read closes at the end of that read, and waits.
    const bare10 = stream.protocol === 'HTTP/1.0' && stream.drainConnection;
    if (!this.dispatching) this.checkForDeferredClose(stream.drainConnection && (stream.requestComplete || bare10));
    if (!this.closing && this.codec!.protocol !== 'HTTP/2') this.resumeReading();
  }

  /** HTTP/1: the next request may already lie in the codec. */
  private resumeReading(): void {
    this.dispatcher.defer(this);
  }

  onDeferred(): void {
    if (this.closing || this.codec === null) return;
    this.dispatch(this.codec, NOTHING);
  }

  closeAfterResponse(): void {
    if (this.codec!.protocol === 'HTTP/2') this.startDrainSequence();
    else this.drainState = Drain.CLOSING;
  }

  onGoAway(_code: number): void {
    // Ours to note only: the open streams are served, and the client decides when it closes.
  }

  // --- draining and closing

  startDrainSequence(): void {
    if (this.drainState !== Drain.NONE) return;
    this.drainState = Drain.DRAINING;
    this.codec!.shutdownNotice();
    this.drainTimer = new Timer(this, ConnectionTimer.DRAIN);
    this.dispatcher.timers.arm(this.drainTimer, this.config.drainTimeout, this.dispatcher.now);
  }

  private checkForDeferredClose(skipDelay: boolean): void {
    if (this.drainState !== Drain.CLOSING || this.active > 0 || this.closing) return;
    if (this.codec?.wantsToWrite()) return;
    this.closing = true;
    this.ownClose = true;
    this.connection.close(skipDelay ? Close.FLUSH : Close.FLUSH_AND_DELAY, 'deferred_close_on_drained_connection');
  }

  onTimer(kind: number): void {
    const { config, dispatcher } = this;
    const stats = config.stats;
    switch (kind) {
      case ConnectionTimer.IDLE:
        stats.downstream_cx_idle_timeout++;
        if (this.codec === null) this.closeNow('on_idle_timeout');
        else this.startDrainSequence();
        break;
      case ConnectionTimer.MAX_DURATION:
        stats.downstream_cx_max_duration_reached++;
        if (this.codec === null) this.closeNow('duration_timeout');
        else if (config.http1SafeMaxConnectionDuration && this.codec.protocol !== 'HTTP/2') {
          this.softDrain = true;
          stats.downstream_cx_http1_soft_drain++;
          for (let s = this.first; s !== null; s = s.next) s.drainConnection = true;
        } else this.startDrainSequence();
        break;
      default:
        this.codec!.goAway();
        this.drainState = Drain.CLOSING;
        dispatcher.timers.cancel(this.idleTimer);
        this.checkForDeferredClose(false);
    }
  }

  private closeNow(reason: string): void {
    this.closing = true;
    this.ownClose = true;
    this.connection.close(Close.FLUSH, reason);
  }

  /** Server shutdown: everything at once. */
  terminate(reason: string): void {
    this.connection.close(Close.NO_FLUSH, reason);
  }
}

const NOTHING = Buffer.alloc(0);

/** HTTP/2 when the first read starts like the preface; one that comes in smaller pieces is taken for HTTP/1, as by Envoy. */
function isPreface(data: Buffer): boolean {
  if (data.length < PREFACE_START.length) return false;
  for (let i = 0; i < PREFACE_START.length; i++) if (data[i] !== PREFACE_START.charCodeAt(i)) return false;
  return true;
}
