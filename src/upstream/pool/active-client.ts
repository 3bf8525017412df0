import type { Protocol } from '../../base/protocol.js';
import { Timer, type TimerOwner } from '../../base/timer-wheel.js';
import { type ClientCodec, type ClientCodecCallbacks, Close, Reset } from '../../codec/codec.js';
import type { CloseEvent, ConnectionEvents } from '../../network/connection.js';
import type { TrackedClient } from '../cluster-stats.js';
import type { HostImpl } from '../host.js';
import type { UpstreamConnectionInfo } from '../types.js';
import type { ConnPoolImpl } from './conn-pool.js';
import type { UpstreamConnection } from './transport.js';
import { isBindError } from './transport-failure.js';

export enum ClientState {
  CONNECTING = 0,
  /** Takes streams; in the ready list. */
  READY = 1,
  /** All its streams are in use. */
  BUSY = 2,
  /** Takes no more streams and closes when it has none. */
  DRAINING = 3,
  CLOSED = 4,
}

const CONNECT = 0;
const IDLE = 1;
const DURATION = 2;

/**
 * One upstream connection of a pool: its codec, its clocks, and how many streams it can still take.
 *
 * Clocks: *connect* (connect_timeout, 5 s) from the start of the connect until it succeeded; fires: connect failure
 * `connection timeout`. *Idle* (idle_timeout, 1 h) from the start, and anew from the end of the last stream; nothing but a stream stops it;
 * fires: closed. *Duration* (max_connection_duration, none) from the connect; fires: drained.
 */
export abstract class ActiveClient
  implements ConnectionEvents, ClientCodecCallbacks, TimerOwner, UpstreamConnectionInfo, TrackedClient
{
  /** Neighbours in the ready list. */
  readyPrev: ActiveClient | null = null;
  readyNext: ActiveClient | null = null;
  state = ClientState.CONNECTING;
  activeStreams = 0;
  streamCount = 0;
  /** Streams it may still be given in its life (max_requests_per_connection). */
  remainingStreams: number;
  /** Streams at once, now: the configured number, or less when the peer says so. */
  concurrencyLimit: number;
  readonly host: HostImpl;
  readonly connection: UpstreamConnection;
  abstract readonly codec: ClientCodec;
  readonly connectStart: number;
  connectEnd = -1;
  /** Monotonic ms of the last byte read; the connect counts as one. */
  lastRead: number;
  private readonly connectTimer = new Timer(this, CONNECT);
  private readonly idleTimer = new Timer(this, IDLE);
  private durationTimer: Timer | null = null;
  private idleSince: number;
  private timedOut = false;
  /** The peer closed, or sent its last byte. */
  protected remoteClosed = false;
  protected protocolError = false;
  /** The codec is reading now. */
  protected dispatching = false;

  /** The codec is made by the subclass at once: its preface goes out first, and its keepalive runs while connecting, as Envoy's do. */
  constructor(
    readonly pool: ConnPoolImpl,
    concurrencyLimit: number,
  ) {
    const { dispatcher, settings } = pool;
    this.host = pool.host;
    this.remainingStreams = settings.maxRequestsPerConnection || Number.POSITIVE_INFINITY;
    this.concurrencyLimit = concurrencyLimit;
    this.connectStart = this.lastRead = this.idleSince = dispatcher.now;
    dispatcher.timers.arm(this.connectTimer, settings.connectTimeout, dispatcher.now);
    if (settings.idleTimeout > 0) dispatcher.timers.arm(this.idleTimer, settings.idleTimeout, dispatcher.now);
    this.connection = pool.transport.connect(this.host.dial);
    this.connection.setEvents(this);
    this.connection.setBufferLimit(settings.bufferLimit);
  }

  // --- facts for the router (UpstreamConnectionInfo)

  get id(): number {
    return this.connection.info.id;
  }
  get clusterName(): string {
    return this.pool.clusterName;
  }
  get localAddress(): string {
    return this.connection.info.localAddress;
  }
  get remoteAddress(): string {
    return this.connection.info.remoteAddress;
  }
  get requestedServerName(): string {
    return this.connection.info.requestedServerName;
  }
  get alpn(): string {
    return this.connection.info.alpn;
  }
  get tls(): boolean {
    return this.connection.info.tls;
  }
  get protocol(): Protocol {
    return this.codec.protocol;
  }

  /** Streams it could take now, by both limits; negative when the peer lowered its limit below what is open. */
  get unusedCapacity(): number {
    const concurrent = this.concurrencyLimit - this.activeStreams;
    return Math.min(this.remainingStreams, concurrent);
  }

  // --- from the connection

  onConnected(): void {
    const { dispatcher, settings } = this.pool;
    dispatcher.timers.cancel(this.connectTimer);
    this.connectEnd = this.lastRead = dispatcher.now;
    if (settings.maxConnectionDuration > 0) {
      this.durationTimer = new Timer(this, DURATION);
      dispatcher.timers.arm(this.durationTimer, settings.maxConnectionDuration, dispatcher.now);
    }
    this.pool.onClientConnected(this);
  }

  abstract onData(data: Buffer): void;

  protected failProtocol(): void {
    this.pool.stats.upstream_cx_protocol_error++;
    this.protocolError = true;
  }

  onRemoteEnd(): void {
    if (this.state === ClientState.CLOSED) return;
    this.remoteClosed = true;
    this.onEndOfInput();
    // Without half-open connections a FIN is the peer's close.
    this.connection.close(Close.NO_FLUSH, '');
  }

  /** The peer will send no more; its close follows. */
  protected abstract onEndOfInput(): void;

  onClosed(event: CloseEvent): void {
    if (this.state === ClientState.CLOSED) return;
    if (!event.local && !this.remoteClosed && !isBindError(event.error)) {
      this.remoteClosed = true;
      if (this.connectEnd >= 0) this.onEndOfInput();
    }
    this.stopTimers();
    this.pool.onClientClosed(this, !this.remoteClosed, this.timedOut, event.error);
  }

  onAboveHighWatermark(): void {
    this.codec.onConnectionAboveHighWatermark();
  }

  onBelowLowWatermark(): void {
    this.codec.onConnectionBelowLowWatermark();
  }

  // --- from the codec

  abstract onGoAway(errorCode: number): void;
  abstract onMaxConcurrentStreamsChanged(limit: number): void;
  abstract onStreamDone(): void;

  /** A stream has begun; the idle clock finds out by itself when it fires. */
  onStreamOpened(): void {
    this.activeStreams++;
    this.streamCount++;
  }

  /** The last stream has ended. */
  onIdle(): void {
    const { dispatcher, settings } = this.pool;
    this.idleSince = dispatcher.now;
    if (settings.idleTimeout > 0 && !this.idleTimer.armed)
      dispatcher.timers.arm(this.idleTimer, settings.idleTimeout, dispatcher.now);
  }

  // --- clocks

  onTimer(kind: number): void {
    const { dispatcher, settings, stats } = this.pool;
    if (kind === CONNECT) {
      stats.upstream_cx_connect_timeout++;
      this.timedOut = true;
      this.close('connect_timeout');
    } else if (kind === IDLE) {
      if (this.activeStreams > 0) return;
      const left = this.idleSince + settings.idleTimeout - dispatcher.now;
      if (left > 0) dispatcher.timers.arm(this.idleTimer, left, dispatcher.now);
      else {
        stats.upstream_cx_idle_timeout++;
        this.close('on_idle_timeout');
      }
    } else {
      if (this.state === ClientState.DRAINING) return;
      stats.upstream_cx_max_duration_reached++;
      this.pool.drainClient(this);
      if (this.activeStreams === 0) this.close('max_connection_duration');
    }
  }

  private stopTimers(): void {
    const { timers } = this.pool.dispatcher;
    timers.cancel(this.connectTimer);
    timers.cancel(this.idleTimer);
    if (this.durationTimer !== null) timers.cancel(this.durationTimer);
  }

  /** Closes from this side; streams that are open end with `connection termination`. */
  close(reason: string): void {
    if (this.state !== ClientState.CLOSED) this.connection.close(Close.NO_FLUSH, reason);
  }

  /** `cut` streams were open when the connection went: whether that counts as `…_with_active_rq`. */
  abstract countCutStreams(cut: number): boolean;

  /** Tells the codec's streams that their connection is gone. */
  resetStreams(): void {
    this.codec.onConnectionClosed(this.protocolError ? Reset.PROTOCOL_ERROR : Reset.CONNECTION_TERMINATION, '');
  }
}
