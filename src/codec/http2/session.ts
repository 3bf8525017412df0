import type { CodecConnection, ResetReason } from '../codec.js';
import { Reset } from '../codec.js';
import { Code, DEFAULT_WINDOW, MAX_STREAM_ID } from './frames.js';
import type { Http2Settings } from './options.js';
import { CALLBACK_FAILED, Http2Sender } from './sender.js';
import type { Http2CodecStats } from './stats.js';
import { type Http2Stream, State } from './stream.js';
import { StreamTable } from './stream-table.js';

/** Why a frame is bad, in the terms of nghttp2. */
export enum Invalid {
  PROTOCOL = 0,
  HTTP_HEADER = 1,
  HTTP_MESSAGING = 2,
  REFUSED = 3,
}

/**
 * The streams of a connection: their beginnings and ends, the windows this side gives, and what becomes of them when a frame is
 * bad or the connection goes.
 */
export abstract class Http2Session extends Http2Sender {
  /** Open streams by id. */
  readonly streams = new StreamTable();
  /** Closed towards the peer, with received data that the layer above has not taken. */
  private readonly lingering = new Set<Http2Stream>();
  /** Largest id of a stream that the peer began, and of those the largest that was taken up. */
  protected lastReceivedId = 0;
  protected lastProcessedId = 0;

  /** Window of the connection: size, used up, and of that what may be given back. */
  private readonly receiveWindow: number;
  private received = 0;
  private consumed = 0;
  private windowUpdateQueued = false;

  constructor(conn: CodecConnection, settings: Http2Settings, stats: Http2CodecStats) {
    super(conn, settings, stats);
    this.receiveWindow = Math.max(settings.initialConnectionWindowSize, DEFAULT_WINDOW);
  }

  protected abstract onStreamGone(stream: Http2Stream): void;

  get activeStreams(): number {
    return this.streams.size + this.lingering.size;
  }

  /** Octets that wait in streams for window. */
  get queuedBytes(): number {
    let n = 0;
    for (const stream of this.streams.values()) n += stream.queued;
    return n;
  }

  /** Octets the peer would take on all streams together. */
  get peerWindow(): number {
    return this.sendWindow;
  }

  wantsToWrite(): boolean {
    if (this.hasPending) return true;
    for (const stream of this.streams.values()) if (stream.localEnd && !stream.localEndSent) return true;
    return false;
  }

  // --- errors

  /** Ends the connection with GOAWAY; the rest of what was received is dropped. */
  protected terminate(code: Code, reason: string): void {
    if (this.terminating) return;
    this.terminating = true;
    this.submitGoAway(this.lastProcessedId, code, reason);
  }

  /**
   * A frame that Envoy's codec is told of. It ends the connection without a word to the peer, except for malformed messages when they are
   * to cost their stream only.
   */
  protected invalid(stream: Http2Stream | null, why: Invalid): void {
    const { stats } = this;
    if (why === Invalid.REFUSED) {
      stats.stream_refused_errors++;
      return;
    }
    const details =
      why === Invalid.HTTP_HEADER
        ? 'http2.invalid.header.field'
        : why === Invalid.HTTP_MESSAGING
          ? 'http2.violation.of.messaging.rule'
          : 'http2.unknown.nghttp2.error';
    stream?.setDetails(details);
    if (why !== Invalid.PROTOCOL) {
      stats.rx_messaging_error++;
      if (this.settings.streamErrorOnInvalidMessage) {
        if (stream !== null) stream.malformed = true;
        return;
      }
    }
    this.fail('protocol', CALLBACK_FAILED);
  }

  // --- windows of this side

  /** Counts octets against the window of the connection; false when the peer sent more than it may. */
  protected receiveOnConnection(n: number): boolean {
    if (n === 0) return true;
    if (this.received > this.receiveWindow - n) {
      this.terminate(Code.FLOW_CONTROL_ERROR, '');
      return false;
    }
    this.received += n;
    return true;
  }

  /** Octets of a stream that the layer above has taken, or that are of no use: both windows get them back, in halves. */
  consume(stream: Http2Stream, n: number): void {
    if (n === 0) return;
    this.consumeOnConnection(n);
    if (stream.state & State.OPEN) {
      stream.consumed += n;
      this.giveBackStream(stream);
    }
  }

  protected consumeOnConnection(n: number): void {
    this.consumed += n;
    if (this.windowUpdateQueued) return;
    const back = Math.min(this.consumed, this.received);
    if (back === 0 || back < this.receiveWindow >> 1) return;
    this.received -= back;
    this.consumed -= back;
    this.windowUpdateQueued = true;
    this.submitWindowUpdate(null, back);
  }

  protected giveBackStream(stream: Http2Stream): void {
    if (stream.windowUpdateQueued) return;
    const back = Math.min(stream.consumed, stream.received);
    if (back === 0 || back < stream.receiveWindow >> 1) return;
    stream.received -= back;
    stream.consumed -= back;
    stream.windowUpdateQueued = true;
    this.submitWindowUpdate(stream, back);
  }

  protected onWindowUpdateSent(stream: Http2Stream | null): void {
    if (stream === null) {
      this.windowUpdateQueued = false;
      this.consumeOnConnection(0);
    } else {
      stream.windowUpdateQueued = false;
      if (!(stream.state & State.SHUT_READ)) this.giveBackStream(stream);
    }
  }

  // --- ends of streams

  protected admit(stream: Http2Stream, id: number): void {
    stream.streamId = id;
    stream.state |= State.OPEN;
    this.streams.add(stream);
  }

  /** The peer has ended its side. */
  protected shutRead(stream: Http2Stream): void {
    stream.state |= State.SHUT_READ;
    this.closeIfDone(stream);
  }

  closeIfDone(stream: Http2Stream): void {
    const both = State.SHUT_READ | State.SHUT_WRITE;
    if ((stream.state & both) === both) this.closeStream(stream, Code.NO_ERROR);
  }

  protected closeStream(stream: Http2Stream, code: number): void {
    if (!(stream.state & State.OPEN)) return;
    stream.state &= ~State.OPEN;
    this.streams.delete(stream.streamId);
    this.forgetSend(stream);
    if (!stream.remoteEnd || !stream.localEnd || (this.isServer && stream.remoteReset)) this.reset(stream, code);
    else if (!stream.detached && stream.hasKept) {
      stream.lingering = true;
      this.lingering.add(stream);
      this.stats.deferred_stream_close++;
      return;
    }
    this.forget(stream);
  }

  private reset(stream: Http2Stream, code: number): void {
    let reason: ResetReason = Reset.REMOTE;
    if (stream.malformed) reason = this.isServer ? Reset.LOCAL : Reset.PROTOCOL_ERROR;
    else if (code === Code.NO_ERROR && stream.remoteEnd) reason = Reset.REMOTE_NO_ERROR;
    else if (code === Code.REFUSED_STREAM) {
      reason = Reset.REMOTE_REFUSED;
      stream.setDetails('http2.remote_refuse');
    } else {
      if (code === Code.CONNECT_ERROR) reason = Reset.CONNECT_ERROR;
      else if (code === Code.PROTOCOL_ERROR) reason = Reset.PROTOCOL_ERROR;
      stream.setDetails('http2.remote_reset');
    }
    stream.notifyReset(reason, stream.codecDetails);
  }

  stopLingering(stream: Http2Stream): void {
    if (!stream.lingering) return;
    stream.lingering = false;
    this.lingering.delete(stream);
    this.stats.deferred_stream_close--;
    this.forget(stream);
  }

  private forget(stream: Http2Stream): void {
    if (stream.gone) return;
    const withheld = stream.unconsumed;
    stream.unconsumed = 0;
    stream.release();
    this.stats.streams_active--;
    this.inbound.streamClosed();
    // What the stream kept back of the connection's window is free again.
    if (withheld > 0) {
      this.consumeOnConnection(withheld);
      this.send();
    }
    this.onStreamGone(stream);
  }

  // --- the connection below

  onRemoteEnd(): void {
    // A message never ends with the connection in HTTP/2: the owner closes.
  }

  onConnectionClosed(reason: ResetReason, details: string): void {
    this.outbound.clear();
    // One at a time: a callback may end others, or call this again with a better reason.
    for (const stream of this.streams.values()) {
      stream.state &= ~State.OPEN;
      this.streams.delete(stream.streamId);
      this.forgetSend(stream);
      this.endWithConnection(stream, reason, details);
    }
    for (const stream of this.lingering) {
      stream.lingering = false;
      this.lingering.delete(stream);
      this.stats.deferred_stream_close--;
      this.endWithConnection(stream, reason, details);
    }
  }

  protected endWithConnection(stream: Http2Stream, reason: ResetReason, details: string): void {
    stream.notifyReset(reason, stream.codecDetails !== '' ? stream.codecDetails : details);
    if (stream.gone) return;
    stream.release();
    this.stats.streams_active--;
    this.inbound.streamClosed();
  }

  onConnectionAboveHighWatermark(): void {
    for (const stream of this.streams.values()) stream.notifyAbove();
    for (const stream of this.lingering) stream.notifyAbove();
  }

  onConnectionBelowLowWatermark(): void {
    for (const stream of this.streams.values()) stream.notifyBelow();
    for (const stream of this.lingering) stream.notifyBelow();
  }

  /** Says goodbye: streams up to the last one served go on, later ones are ignored. */
  goAway(): void {
    this.submitGoAway(this.lastProcessedId, Code.NO_ERROR, '');
    this.stats.goaway_sent++;
    this.send();
  }

  protected onGoAwaySent(lastId: number): void {
    if (lastId !== MAX_STREAM_ID) this.goAwaySent = true;
  }
}
