import type { Deferred, Flushable } from '../../base/dispatcher.js';
import type { HeaderMap, Trailers } from '../../base/headers.js';
import { Timer, type TimerOwner } from '../../base/timer-wheel.js';
import {
  type RequestDecoder,
  Reset,
  type ResetReason,
  type ResponseDecoder,
  type StreamBytes,
  type StreamEncoder,
} from '../codec.js';
import { ChunkQueue } from './chunk-queue.js';
import type { Http2Connection } from './connection.js';
import { Code } from './frames.js';

/** State of a stream in the sense of RFC 9113, as bits. */
export enum State {
  /** The peer has ended its side, or reset the stream. */
  SHUT_READ = 1,
  /** END_STREAM is written. */
  SHUT_WRITE = 2,
  /** RST_STREAM waits to be written: whatever comes for the stream is dropped, and nothing else is sent. */
  CLOSING = 4,
  /** Known to the peer and not closed. */
  OPEN = 8,
}

/** What of a message has been seen, as bits; see `messaging.ts`. */
export enum Seen {
  AUTHORITY = 1,
  METHOD = 2,
  PATH = 4,
  SCHEME = 8,
  PROTOCOL = 16,
  HOST = 32,
  STATUS = 64,
  /** A line that is no pseudo-header: no pseudo-header may follow. */
  LINE = 128,
  IS_HEAD = 256,
  IS_CONNECT = 512,
  IS_OPTIONS = 1024,
  PATH_SLASH = 2048,
  PATH_ASTERISK = 4096,
  SCHEME_HTTP = 8192,
  /** A 1xx came: the final head is still due. */
  EXPECT_FINAL = 16384,
  METHODS = IS_HEAD | IS_CONNECT | IS_OPTIONS,
}

const EMPTY = Buffer.alloc(0);

/**
 * One stream of either side: flow control both ways, what waits to be sent, and what was received while reading was off.
 *
 * Two lives are kept apart, as in Envoy. The peer's stream closes when both sides have ended or one has reset it; the stream of the
 * layer above may outlive it while received data waits for reading to be enabled (`lingering`).
 */
export abstract class Http2Stream implements StreamEncoder, TimerOwner, Deferred, Flushable {
  streamId = 0;
  /** The next in its chain of the connection's table of streams. */
  chained: Http2Stream | null = null;
  readonly bytes: StreamBytes = { wireReceived: 0, wireSent: 0, headerReceived: 0, headerSent: 0 };
  state = 0;
  seen = 0;
  /** Of the message being received; -1 when it announced none. */
  contentLength = -1;
  bodyReceived = 0;
  status = -1;

  /** Octets that may be sent. Negative after the peer shrank its initial window. */
  sendWindow: number;
  /** Window given to the peer, octets of it used up, and of these the ones that may be given back. */
  receiveWindow: number;
  received = 0;
  consumed = 0;
  windowUpdateQueued = false;
  /** Received while reading was off: withheld from `consumed`. */
  unconsumed = 0;

  /** END_STREAM was received; END_STREAM was asked for by the layer above; it is written. */
  remoteEnd = false;
  localEnd = false;
  localEndSent = false;
  remoteReset = false;
  /** The codec resets it for a malformed message. */
  malformed = false;
  /** What the codec found, for the log; the first finding stays. '' when there is none. */
  codecDetails = '';
  /** No callbacks any more: reset by the layer above, or told of a reset. */
  detached = false;
  /** Client side: HEADERS came, of a 1xx or of the response. */
  began = false;
  /** Closed towards the peer, with received data still to deliver. */
  lingering = false;
  /** Taken out of every list of the connection. */
  gone = false;
  /** Reset by the layer above, to be written after what ends the stream normally. */
  resetPending = false;
  private resetReason: ResetReason = Reset.LOCAL;

  /** Received, and not delivered. */
  private kept: ChunkQueue | null = null;
  private keptAbove = false;
  private bodyKept = false;
  private trailersKept: Trailers | null = null;
  private readDisables = 0;

  /** Waits to be sent. */
  private queue: ChunkQueue | null = null;
  private above = false;
  /** Trailers that wait for the body before them; trailers that were handed to the connection. */
  private trailersQueued: Trailers | null = null;
  private trailersSubmitted = false;
  /** HEADERS are written: DATA may follow. */
  headersSent = false;

  protected flushMs = 0;
  private flushTimer: Timer | null = null;

  constructor(readonly connection: Http2Connection) {
    this.sendWindow = connection.peerInitialWindow;
    this.receiveWindow = connection.localInitialWindow;
  }

  protected abstract get decoder(): RequestDecoder | ResponseDecoder;
  /** END_STREAM was written. */
  protected abstract onEndSent(): void;
  /** The error code for a reset asked for by the layer above. */
  protected abstract resetCode(reason: ResetReason): Code;

  /** Octets that wait to be sent. */
  get queued(): number {
    return this.queue === null ? 0 : this.queue.length;
  }

  get bufferLimit(): number {
    return this.connection.settings.initialStreamWindowSize;
  }

  get aboveHighWatermark(): boolean {
    return this.above || this.connection.conn.aboveHighWatermark();
  }

  get streamErrorOnInvalidMessage(): boolean {
    return this.connection.settings.streamErrorOnInvalidMessage;
  }

  setDetails(details: string): void {
    if (this.codecDetails === '') this.codecDetails = details;
  }

  // --- sending

  encodeData(data: Uint8Array, endStream: boolean): void {
    if (this.gone) return;
    this.localEnd = endStream;
    const n = data.length;
    if (this.state & State.CLOSING || (n === 0 && !endStream)) return;
    const connection = this.connection;
    let start = 0;
    if (this.queued === 0 && n <= this.bufferLimit && this.headersSent && connection.mayWriteData(this)) {
      const room = Math.min(this.sendWindow, connection.sendWindow);
      if (room > 0) {
        start = Math.min(room, n);
        connection.writeData(this, data, 0, start, endStream && start === n);
        if (start === n) {
          connection.afterWrite();
          return;
        }
      }
    }
    if (n > start) {
      this.queue ??= new ChunkQueue();
      this.queue.add(start === 0 ? data : data.subarray(start));
      connection.stats.pending_send_bytes += n - start;
      if (!this.above && this.queued > this.bufferLimit) {
        this.above = true;
        this.notifyAbove();
      }
    }
    connection.wantSend(this);
    connection.send();
    this.armFlush();
  }

  encodeTrailers(trailers: Trailers): void {
    if (this.gone) return;
    this.localEnd = true;
    const empty = trailers.size === 0;
    if (this.queued > 0) {
      if (!empty) this.trailersQueued = trailers;
      this.connection.wantSend(this);
    } else if (empty) {
      this.encodeData(EMPTY, true);
      return;
    } else {
      this.trailersSubmitted = true;
      this.connection.submitHeaders(this, trailers, true);
    }
    this.connection.send();
    this.armFlush();
  }

  protected submitHead(headers: HeaderMap, endStream: boolean): void {
    this.localEnd = endStream;
    this.connection.submitHeaders(this, headers, endStream);
    this.connection.send();
    if (endStream) this.armFlush();
  }

  /** Whether DATA is due: something is queued, or the end alone is missing. */
  get wantsToSend(): boolean {
    return this.headersSent && (this.queued > 0 || (this.localEnd && !this.localEndSent && !this.trailersSubmitted));
  }

  /** Writes one DATA frame of at most `max` octets; the caller has checked that both windows are open. */
  sendFrame(max: number): void {
    const connection = this.connection;
    const n = Math.min(max, this.sendWindow, connection.sendWindow, this.queued);
    const last = n === this.queued && this.localEnd;
    const end = last && this.trailersQueued === null;
    if (n === 0) {
      connection.writeData(this, EMPTY, 0, 0, end);
    } else {
      connection.beginData(this, n, end);
      this.queue!.writeTo(connection.conn.out, n);
      connection.stats.pending_send_bytes -= n;
      if (end) this.endSent();
      if (this.above && this.queued <= this.bufferLimit >> 1) {
        this.above = false;
        this.notifyBelow();
      }
    }
    if (last && this.trailersQueued !== null) {
      const trailers = this.trailersQueued;
      this.trailersQueued = null;
      this.trailersSubmitted = true;
      connection.submitHeaders(this, trailers, true);
    }
  }

  /** END_STREAM went out with the frame just written. */
  endSent(): void {
    this.localEndSent = true;
    if (this.flushTimer !== null) this.connection.conn.dispatcher.timers.cancel(this.flushTimer);
    this.onEndSent();
    this.state |= State.SHUT_WRITE;
    this.connection.closeIfDone(this);
  }

  // --- the flush timer: runs from the end being queued to the end being written; then the stream is reset

  private armFlush(): void {
    if (this.flushMs === 0 || !this.localEnd || this.localEndSent || this.gone || this.state & State.CLOSING) return;
    const { timers, now } = this.connection.conn.dispatcher;
    this.flushTimer ??= new Timer(this, 0);
    timers.arm(this.flushTimer, this.flushMs, now);
  }

  onTimer(): void {
    if (this.gone) return;
    this.connection.stats.tx_flush_timeout++;
    const told = this.detached;
    this.detached = true;
    this.connection.submitReset(this, Code.INTERNAL_ERROR);
    if (!told) this.decoder.onReset(Reset.LOCAL, '');
    this.connection.send();
  }

  // --- receiving

  readDisable(disable: boolean): void {
    if (disable) {
      this.readDisables++;
      return;
    }
    if (this.readDisables === 0 || --this.readDisables > 0 || this.gone) return;
    if (this.hasKept) this.connection.conn.dispatcher.defer(this);
    if (!this.keptAbove) this.grantWindow();
  }

  /** The peer may have more window as soon as data comes in. */
  get grantsWindow(): boolean {
    return this.readDisables === 0 && !this.keptAbove;
  }

  private grantWindow(): void {
    if (this.unconsumed === 0) return;
    const n = this.unconsumed;
    this.unconsumed = 0;
    this.connection.consume(this, n);
    this.connection.send();
  }

  get hasKept(): boolean {
    return this.bodyKept || this.trailersKept !== null;
  }

  private get keptBytes(): number {
    return this.kept === null ? 0 : this.kept.length;
  }

  private get mayDeliver(): boolean {
    return this.readDisables === 0 && !this.detached;
  }

  /** A whole DATA frame. The end is passed on with it when nothing else waits. */
  onData(buf: Buffer, start: number, end: number): void {
    if (this.readDisables === 0 && this.keptBytes === 0 && end - start <= this.connection.settings.bufferLimit) {
      if (!this.resetPending && !this.detached) this.decoder.decodeData(buf.subarray(start, end), this.remoteEnd);
      return;
    }
    this.kept ??= new ChunkQueue();
    this.kept.add(buf.subarray(start, end));
    if (this.kept.length > this.bufferLimit) this.keptAbove = true;
    this.deliver();
  }

  private deliver(): void {
    if (this.readDisables > 0) {
      this.bodyKept = true;
      return;
    }
    this.bodyKept = false;
    const piece = this.connection.settings.bufferLimit;
    if (this.resetPending || this.detached) {
      this.kept = null;
    } else if (this.kept !== null && piece > 0 && this.kept.length > piece) {
      const data = this.kept.take(piece);
      this.bodyKept = true;
      this.decoder.decodeData(data, false);
      if (this.mayDeliver) this.connection.conn.dispatcher.markDirty(this);
    } else {
      const data = this.kept === null ? EMPTY : this.kept.take(this.kept.length);
      this.decoder.decodeData(data, this.remoteEnd && this.trailersKept === null);
    }
    if (this.keptAbove && this.keptBytes <= this.bufferLimit >> 1) {
      this.keptAbove = false;
      if (this.readDisables === 0 && !this.gone) this.grantWindow();
    }
  }

  onTrailers(trailers: Trailers): void {
    if (this.resetPending || this.detached) return;
    if (this.readDisables > 0 || this.bodyKept) {
      this.trailersKept = trailers;
      return;
    }
    this.decoder.decodeTrailers(trailers);
  }

  /** Reading was enabled: what was kept goes up when no caller is on the stack. */
  onDeferred(): void {
    if (this.gone) return;
    if (this.bodyKept && this.mayDeliver) this.deliver();
    if (this.trailersKept !== null && !this.bodyKept && this.mayDeliver) {
      const trailers = this.trailersKept;
      this.trailersKept = null;
      this.decoder.decodeTrailers(trailers);
    }
    if (this.lingering && !this.gone && !this.hasKept) this.connection.stopLingering(this);
  }

  /** The next piece, a pass later. */
  flush(): void {
    this.onDeferred();
  }

  // --- the end

  resetStream(reason: ResetReason): void {
    if (this.gone) return;
    this.detached = true;
    this.resetReason = reason;
    this.connection.resetFromAbove(this);
  }

  /** Writes the reset that the layer above asked for. */
  submitResetFromAbove(): void {
    this.resetPending = false;
    this.connection.submitReset(this, this.resetCode(this.resetReason));
  }

  /** Tells the layer above, once, that the stream ended early. */
  notifyReset(reason: ResetReason, details: string): void {
    if (this.detached) return;
    this.detached = true;
    this.decoder.onReset(reason, details);
  }

  notifyAbove(): void {
    if (!this.detached) this.decoder.onAboveWriteBufferHighWatermark();
  }

  notifyBelow(): void {
    if (!this.detached) this.decoder.onBelowWriteBufferLowWatermark();
  }

  /** The connection has forgotten the stream. */
  release(): void {
    this.gone = true;
    this.connection.stats.pending_send_bytes -= this.queued;
    this.queue = null;
    this.kept = null;
    this.bodyKept = false;
    this.trailersKept = null;
    if (this.flushTimer !== null) this.connection.conn.dispatcher.timers.cancel(this.flushTimer);
  }
}
