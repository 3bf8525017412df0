import type { Deferred } from '../../base/dispatcher.js';
import type { HeaderMap } from '../../base/headers.js';
import { Close } from '../codec.js';
import { FrameWriter } from './frame-writer.js';
import {
  Code,
  DEFAULT_WINDOW,
  FRAME_HEADER,
  Frame,
  MAX_PAYLOAD,
  writeGoAway,
  writeNumberFrame,
  writePing,
  writeSettingsAck,
} from './frames.js';
import { type Http2Stream, State } from './stream.js';

/** A frame that waits for the end of the dispatch, or for frames before it. */
interface Pending {
  type: Frame;
  stream: Http2Stream | null;
  id: number;
  /** Error code, window increment, or last stream id of a GOAWAY. */
  value: number;
  /** Error code of a GOAWAY. */
  code: number;
  text: string;
  headers: HeaderMap | null;
  endStream: boolean;
}

/** Text of the error with which Envoy ends a connection that broke the protocol. */
export const CALLBACK_FAILED = 'The user callback function failed';

/**
 * The sending half of a connection. While received bytes are being worked on, frames wait; then answers go first (PING, SETTINGS), then
 * frames in the order they were asked for, then DATA, which windows hold back. A connection error drops what waits, so that the peer sees
 * nothing of the pass in which it broke the protocol but a GOAWAY, if there is one.
 */
export abstract class Http2Sender extends FrameWriter implements Deferred {
  /** SETTINGS_INITIAL_WINDOW_SIZE of the peer. */
  peerInitialWindow = DEFAULT_WINDOW;
  /** What this side has announced and the peer acknowledged. */
  localInitialWindow = DEFAULT_WINDOW;
  /** A GOAWAY with an error is on its way: only it is still sent, and nothing is received. */
  terminating = false;
  goAwaySent = false;
  protected dispatching = false;
  private sending = false;
  private started = false;
  private answers: Pending[] = [];
  private pending: Pending[] = [];
  /** Streams with DATA to send that only the window of the connection, or their turn, holds back. */
  private readonly ready = new Set<Http2Stream>();
  private readonly resets = new Set<Http2Stream>();
  private closeScheduled = false;

  abstract closeIfDone(stream: Http2Stream): void;
  /** Closes a stream towards the peer; `code` is that of the RST_STREAM sent or received, NO_ERROR for a normal end. */
  protected abstract closeStream(stream: Http2Stream, code: number): void;
  /** The frame that announced the use of window has gone out. */
  protected abstract onWindowUpdateSent(stream: Http2Stream | null): void;
  protected abstract onGoAwaySent(lastId: number): void;

  // --- asking for frames

  submitHeaders(stream: Http2Stream, headers: HeaderMap, endStream: boolean): void {
    if ((stream.state & (State.OPEN | State.CLOSING)) !== State.OPEN) return;
    if (this.idle && this.started) {
      this.writeHeaders(stream, headers, endStream);
      this.afterWrite();
    } else this.queue(Frame.HEADERS, stream, stream.streamId, 0, headers, endStream);
  }

  /** Nothing that was asked for earlier waits: a frame may be written at once. */
  private get idle(): boolean {
    return !this.dispatching && !this.sending && this.pending.length === 0 && this.answers.length === 0;
  }

  /** RST_STREAM by the codec. What else waits for the stream is dropped. */
  submitReset(stream: Http2Stream, code: Code): void {
    if (stream.state & State.CLOSING) return;
    stream.state |= State.CLOSING;
    this.queue(Frame.RST_STREAM, stream, stream.streamId, code, null, false);
  }

  /** RST_STREAM for a stream that was never opened here. */
  protected refuse(id: number, code: Code): void {
    this.queue(Frame.RST_STREAM, null, id, code, null, false);
  }

  /** The layer above gives a stream up. A server that has the end of the response queued sends it first, if windows allow. */
  resetFromAbove(stream: Http2Stream): void {
    if (stream.lingering) {
      this.stopLingering(stream);
      return;
    }
    if (this.isServer && stream.localEnd && !stream.localEndSent) {
      stream.resetPending = true;
      this.resets.add(stream);
    } else stream.submitResetFromAbove();
    this.send();
  }

  abstract stopLingering(stream: Http2Stream): void;

  protected submitWindowUpdate(stream: Http2Stream | null, increment: number): void {
    this.queue(Frame.WINDOW_UPDATE, stream, stream === null ? 0 : stream.streamId, increment, null, false);
  }

  submitPing(high: number, low: number): void {
    this.answers.push({
      type: Frame.PING,
      stream: null,
      id: 0,
      value: high,
      code: low,
      text: '',
      headers: null,
      endStream: false,
    });
    this.send();
  }

  protected submitPingAck(high: number, low: number): void {
    this.answers.push({
      type: Frame.PING,
      stream: null,
      id: 0,
      value: high,
      code: low,
      text: '',
      headers: null,
      endStream: true,
    });
  }

  protected submitSettingsAck(): void {
    this.answers.push({
      type: Frame.SETTINGS,
      stream: null,
      id: 0,
      value: 0,
      code: 0,
      text: '',
      headers: null,
      endStream: true,
    });
  }

  protected submitGoAway(lastId: number, code: Code, text: string): void {
    const entry: Pending = {
      type: Frame.GOAWAY,
      stream: null,
      id: 0,
      value: lastId,
      code,
      text,
      headers: null,
      endStream: false,
    };
    this.pending.push(entry);
  }

  private queue(
    type: Frame,
    stream: Http2Stream | null,
    id: number,
    value: number,
    headers: HeaderMap | null,
    end: boolean,
  ): void {
    this.pending.push({ type, stream, id, value, code: 0, text: '', headers, endStream: end });
  }

  /** DATA may be written at once: no other stream waits for its turn. */
  mayWriteData(stream: Http2Stream): boolean {
    return (
      this.idle &&
      this.ready.size === 0 &&
      (stream.state & (State.OPEN | State.CLOSING | State.SHUT_WRITE)) === State.OPEN
    );
  }

  /** Lists a stream that has DATA to send, unless its own window is shut. */
  wantSend(stream: Http2Stream): void {
    if (stream.sendWindow > 0 && stream.wantsToSend && (stream.state & (State.OPEN | State.CLOSING)) === State.OPEN)
      this.ready.add(stream);
  }

  protected forgetSend(stream: Http2Stream): void {
    if (this.ready.size > 0) this.ready.delete(stream);
    if (this.resets.size > 0) this.resets.delete(stream);
  }

  // --- sending

  /** Writes all that may go out. Inside a dispatch it does nothing: the end of the dispatch sends. */
  send(): void {
    if (this.dispatching || this.sending || !this.conn.open) return;
    this.sending = true;
    this.start();
    for (;;) {
      this.writeAll();
      if (this.resets.size === 0) break;
      // What ends the streams normally has had its chance.
      for (const stream of this.resets) {
        this.resets.delete(stream);
        stream.submitResetFromAbove();
      }
    }
    this.sending = false;
    this.afterWrite();
  }

  private writeAll(): void {
    for (;;) {
      if (this.terminating) this.keepGoAway();
      if (this.error !== null) {
        this.answers = [];
        this.pending = [];
        return;
      }
      if (this.answers.length > 0) {
        const batch = this.answers;
        this.answers = [];
        for (const entry of batch) this.writeAnswer(entry);
      } else if (this.pending.length > 0) {
        const batch = this.pending;
        this.pending = [];
        for (let i = 0; i < batch.length && this.error === null; i++) this.writePending(batch[i]);
      } else if (!this.writeRound()) return;
    }
  }

  /** Ending for an error: nothing but the GOAWAY goes out. */
  private keepGoAway(): void {
    this.answers = [];
    this.pending = this.pending.filter((entry) => entry.type === Frame.GOAWAY);
    this.ready.clear();
  }

  /** One DATA frame for each stream that has some; false when there was none to write. */
  private writeRound(): boolean {
    let written = false;
    for (const stream of this.ready) {
      if (this.sendWindow <= 0) break;
      if (stream.sendWindow > 0 && stream.wantsToSend && (stream.state & (State.OPEN | State.CLOSING)) === State.OPEN) {
        stream.sendFrame(MAX_PAYLOAD);
        written = true;
      }
      if (stream.sendWindow <= 0 || !stream.wantsToSend) this.ready.delete(stream);
    }
    return written;
  }

  private writeAnswer(entry: Pending): void {
    if (entry.type === Frame.PING) {
      writePing(this.conn.out, entry.endStream, entry.value, entry.code);
      this.outbound.add(FRAME_HEADER + 8, entry.endStream);
    } else {
      writeSettingsAck(this.conn.out);
      this.outbound.add(FRAME_HEADER, true);
    }
  }

  private writePending(entry: Pending): void {
    const stream = entry.stream;
    switch (entry.type) {
      case Frame.HEADERS:
        if ((stream!.state & (State.OPEN | State.CLOSING)) === State.OPEN)
          this.writeHeaders(stream!, entry.headers!, entry.endStream);
        break;
      case Frame.RST_STREAM:
        writeNumberFrame(this.conn.out, Frame.RST_STREAM, entry.id, entry.value);
        this.outbound.add(FRAME_HEADER + 4, true);
        this.stats.tx_reset++;
        if (stream !== null) {
          stream.bytes.wireSent += FRAME_HEADER + 4;
          this.closeStream(stream, entry.value);
        }
        break;
      case Frame.WINDOW_UPDATE:
        if (stream !== null && (stream.state & (State.OPEN | State.CLOSING)) !== State.OPEN) break;
        writeNumberFrame(this.conn.out, Frame.WINDOW_UPDATE, entry.id, entry.value);
        this.outbound.add(FRAME_HEADER + 4, false);
        if (stream !== null) stream.bytes.wireSent += FRAME_HEADER + 4;
        this.onWindowUpdateSent(stream);
        break;
      default:
        this.writeGoAwayFrame(entry);
    }
  }

  private writeGoAwayFrame(entry: Pending): void {
    writeGoAway(this.conn.out, entry.value, entry.code, entry.text);
    this.outbound.add(FRAME_HEADER + 8 + entry.text.length, false);
    if (entry.code !== Code.NO_ERROR) this.fail('protocol', CALLBACK_FAILED);
    else this.onGoAwaySent(entry.value);
  }

  /** The preface, once. A client's goes out with the first frames it has to send. */
  private start(): void {
    if (this.started) return;
    this.started = true;
    this.writePreface();
    const extra = this.settings.initialConnectionWindowSize - DEFAULT_WINDOW;
    if (extra > 0) {
      this.submitWindowUpdate(null, extra);
      this.pending.unshift(this.pending.pop()!);
    }
  }

  /** Tells the connection that there are bytes, and looks for a peer that does not read them. */
  afterWrite(): void {
    this.conn.markDirty();
    const { settings, outbound } = this;
    if (outbound.frames > settings.maxOutboundFrames || outbound.control > settings.maxOutboundControlFrames)
      this.checkOutbound();
    if (this.error !== null && !this.dispatching && !this.inDispatchEnd && !this.closeScheduled) {
      this.closeScheduled = true;
      this.conn.dispatcher.defer(this);
    }
  }

  /** The error goes back to the caller of `dispatch`, who closes. */
  protected inDispatchEnd = false;

  /** An error outside of a dispatch: the connection is closed from here. */
  onDeferred(): void {
    if (this.conn.open) this.conn.close(Close.NO_FLUSH, 'http2_connection_protocol_violation');
  }

  /** Octets queued in streams and frames that wait. */
  protected get hasPending(): boolean {
    return this.pending.length > 0 || this.answers.length > 0 || this.ready.size > 0;
  }
}
