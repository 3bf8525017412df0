import type { CodecConnection } from '../codec.js';
import { Code, Flag, FRAME_HEADER, Frame, PREFACE, u31 } from './frames.js';
import { HpackDecoder, MALFORMED, STOPPED } from './hpack-decoder.js';
import { MessageReader, mayEnd, Verdict } from './messaging.js';
import type { Http2Settings } from './options.js';
import { Http2Session, Invalid } from './session.js';
import type { Http2CodecStats } from './stats.js';
import { type Http2Stream, Seen, State } from './stream.js';

/** What the next received octets are. */
export enum Mode {
  /** A server waits for the client's preface. */
  PREFACE = 0,
  /** A frame header. */
  HEAD = 1,
  /** A payload that is worked on when it is whole. */
  PAYLOAD = 2,
  /** Padding length and priority of HEADERS. */
  PRELUDE = 3,
  /** A header block fragment, decoded as it comes. */
  BLOCK = 4,
  /** Padding after a header block, or the payload of a frame that is of no interest. */
  SKIP = 5,
}

const MAX_CONTINUATIONS = 512;

/** HEADERS, PUSH_PROMISE and CONTINUATION. A block is decoded as it comes, in pieces of any size. */
export abstract class HeaderBlocks extends Http2Session {
  protected readonly reader: MessageReader;
  protected readonly decoder = new HpackDecoder();
  protected mode: Mode;
  /** Where the octets of a frame header, prelude or preface are collected when they come in pieces. */
  protected readonly head = Buffer.alloc(PREFACE.length);
  /** The frame under way. */
  protected type: Frame = Frame.DATA;
  protected flags = 0;
  protected id = 0;
  protected length = 0;
  /** The peer has acknowledged our SETTINGS. */
  protected settingsAcked = false;

  /** The header block under way: octets left of this frame, padding behind them, and whether CONTINUATIONs follow. */
  protected blockLeft = 0;
  private blockPad = 0;
  private blockId = 0;
  private blockFlags = 0;
  private blockBytes = 0;
  private blockStream: Http2Stream | null = null;
  private blockTrailers = false;
  private blockFinal = false;
  protected inBlock = false;
  private continuations = 0;
  /** Octets of a field that is not complete. */
  private blockRest: Buffer | null = null;

  constructor(conn: CodecConnection, settings: Http2Settings, stats: Http2CodecStats, server: boolean) {
    super(conn, settings, stats);
    this.mode = server ? Mode.PREFACE : Mode.HEAD;
    this.reader = new MessageReader(settings, stats, server);
  }

  /** A new stream of the peer. */
  protected abstract openStream(id: number): Http2Stream | null;
  /** The head of a message is complete. */
  protected abstract onHead(stream: Http2Stream): void;
  protected abstract isMine(id: number): boolean;
  /** An id that neither side has used. */
  protected abstract isIdle(id: number): boolean;
  protected abstract onFrameSeen(): void;
  protected abstract onBeginFrame(flags: number): boolean;

  protected get stopped(): boolean {
    return this.error !== null || this.terminating || !this.conn.open;
  }

  protected sized(right: boolean): boolean {
    if (!right) this.terminate(Code.FRAME_SIZE_ERROR, '');
    return right;
  }

  protected get preludeLength(): number {
    return (this.flags & Flag.PADDED ? 1 : 0) + this.fixedLength;
  }

  /** Priority fields of HEADERS, promised stream of PUSH_PROMISE. */
  private get fixedLength(): number {
    if (this.type === Frame.PUSH_PROMISE) return 4;
    return this.flags & Flag.PRIORITY ? 5 : 0;
  }

  protected onHeadersHeader(noRoom: string): void {
    const { length, flags } = this;
    if (flags & Flag.PADDED) {
      if (length === 0) {
        this.terminate(Code.PROTOCOL_ERROR, noRoom);
        return;
      }
    } else if (!this.sized(length >= this.fixedLength)) return;
    if (this.preludeLength > 0) {
      if (!this.onBeginFrame(flags)) return;
      if (this.preludeLength > length) {
        // Padded, and shorter than its fixed fields: the padding length decides which error it is, but both end it.
        this.terminate(
          Code.PROTOCOL_ERROR,
          this.type === Frame.HEADERS ? 'HEADERS: invalid padding' : 'PUSH_PROMISE: invalid padding',
        );
        return;
      }
      this.mode = Mode.PRELUDE;
    } else {
      if (!this.onBeginFrame(flags)) return;
      this.beginBlock(0, 0, 0);
    }
  }

  protected onPrelude(): void {
    const prelude = this.preludeLength;
    let pad = 0;
    let at = 0;
    if (this.flags & Flag.PADDED) {
      pad = this.head[0];
      at = 1;
      if (pad + prelude > this.length) {
        this.terminate(
          Code.PROTOCOL_ERROR,
          this.type === Frame.HEADERS ? 'HEADERS: invalid padding' : 'PUSH_PROMISE: invalid padding',
        );
        return;
      }
    }
    this.beginBlock(prelude, pad, this.fixedLength === 5 ? u31(this.head, at) : 0);
  }

  /** The HEADERS frame is known but for its block: decides whom it is for. */
  private beginBlock(prelude: number, pad: number, dependsOn: number): void {
    const { id, length, flags } = this;
    this.inBlock = true;
    this.blockId = id;
    this.blockFlags = flags;
    this.blockFinal = (flags & Flag.END_HEADERS) !== 0;
    this.blockLeft = length - prelude - pad;
    this.blockPad = pad;
    this.blockBytes = length;
    this.blockRest = null;
    this.continuations = 0;
    this.blockStream = null;
    this.decoder.begin();
    if (this.type === Frame.PUSH_PROMISE) {
      // Nobody may push: clients do not, and servers were told not to.
      this.invalid(this.streams.get(id) ?? null, Invalid.PROTOCOL);
      return;
    }
    let stream = this.streams.get(id) ?? null;
    if (stream === null) {
      stream = this.beginStream(id, dependsOn);
      if (this.stopped) return;
    } else if (stream.state & State.SHUT_READ) {
      this.invalid(stream, Invalid.PROTOCOL);
      return;
    } else if (stream.state & State.CLOSING) {
      stream = null;
    } else {
      this.blockTrailers = this.isServer || (stream.began && !(stream.seen & Seen.EXPECT_FINAL));
      stream.began = true;
      if (!this.inbound.payload(length - (flags & Flag.PADDED ? pad + 1 : 0), (flags & Flag.END_STREAM) !== 0)) {
        this.floodOfEmpty(id);
        return;
      }
      if (this.isServer) this.stats.trailers++;
    }
    this.blockStream = stream;
    if (stream !== null) this.reader.begin(stream, this.blockTrailers);
    this.continueBlock();
  }

  private beginStream(id: number, dependsOn: number): Http2Stream | null {
    if (id === 0) {
      this.invalid(null, Invalid.PROTOCOL);
      return null;
    }
    if (!this.isServer) {
      if (this.isIdle(id)) this.invalid(null, Invalid.PROTOCOL);
      return null;
    }
    if (this.isMine(id)) {
      this.invalid(null, Invalid.PROTOCOL);
      return null;
    }
    // A stream that was closed: its peer may not know yet.
    if (id <= this.lastReceivedId) return null;
    this.lastReceivedId = id;
    const { maxConcurrentStreams } = this.settings;
    if (this.settingsAcked && this.streams.size >= maxConcurrentStreams) {
      this.invalid(null, Invalid.PROTOCOL);
      return null;
    }
    if (this.terminating || this.goAwaySent) return null;
    if (dependsOn === id) {
      this.invalid(null, Invalid.PROTOCOL);
      return null;
    }
    if (this.streams.size >= maxConcurrentStreams) {
      this.refuse(id, Code.REFUSED_STREAM);
      this.invalid(null, Invalid.REFUSED);
      return null;
    }
    this.lastProcessedId = id;
    const { length, flags } = this;
    const padding = flags & Flag.PADDED ? this.blockPad + 1 : 0;
    if (!this.inbound.payload(length - padding, (flags & Flag.END_STREAM) !== 0)) {
      this.floodOfEmpty(id);
      return null;
    }
    this.blockTrailers = false;
    return this.openStream(id);
  }

  private continueBlock(): void {
    this.mode = Mode.BLOCK;
    if (this.blockLeft === 0) this.onBlock(this.head, 0, 0);
  }

  protected onContinuation(type: number, flags: number, id: number): void {
    if (++this.continuations > MAX_CONTINUATIONS) {
      this.fail('protocol', 'Too many CONTINUATION frames following a HEADER frame');
      return;
    }
    if (type !== Frame.CONTINUATION || id !== this.blockId) {
      this.terminate(Code.PROTOCOL_ERROR, 'unexpected non-CONTINUATION frame or stream_id is invalid');
      return;
    }
    this.blockFinal = (flags & Flag.END_HEADERS) !== 0;
    this.blockLeft = this.length;
    this.blockPad = 0;
    this.blockBytes += this.length;
    if (this.blockStream !== null) {
      this.onFrameSeen();
      if (!this.inbound.payload(this.length, false)) {
        this.floodOfEmpty(id);
        return;
      }
    }
    this.continueBlock();
  }

  /** Octets of a header block; `blockLeft` counts those of its frame that are still to come. */
  protected onBlock(buf: Buffer, at: number, end: number): void {
    const frameDone = this.blockLeft === 0;
    const final = frameDone && this.blockFinal;
    const stream = this.blockStream;
    let from = buf;
    if (this.blockRest !== null) {
      from = Buffer.concat([this.blockRest, buf.subarray(at, end)]);
      at = 0;
      end = from.length;
      this.blockRest = null;
    }
    const sink = stream !== null && this.reader.verdict === Verdict.OK ? this.reader : null;
    const next = this.decoder.decode(from, at, end, final, sink);
    if (next === STOPPED) {
      this.invalid(stream, Invalid.HTTP_HEADER);
      return;
    }
    if (sink !== null && sink.verdict !== Verdict.OK) {
      // The rest is decoded for the sake of the table.
      this.blockStream = null;
      if (sink.verdict === Verdict.BAD_FIELD) {
        this.submitReset(stream!, Code.PROTOCOL_ERROR);
        this.invalid(stream, Invalid.HTTP_HEADER);
      } else this.submitReset(stream!, Code.INTERNAL_ERROR);
    }
    if (next === MALFORMED) {
      this.terminate(Code.COMPRESSION_ERROR, '');
      return;
    }
    if (!frameDone) {
      if (next < end) this.blockRest = Buffer.from(from.subarray(next, end));
      return;
    }
    if (next < end) this.blockRest = Buffer.from(from.subarray(next, end));
    this.mode = Mode.HEAD;
    if (this.blockPad > 0) {
      this.length = this.blockPad;
      this.blockPad = 0;
      this.mode = Mode.SKIP;
    } else this.endBlockFrame();
  }

  protected endBlockFrame(): void {
    if (!this.blockFinal) return;
    this.inBlock = false;
    const stream = this.blockStream;
    this.blockStream = null;
    if (stream === null || (stream.state & (State.OPEN | State.CLOSING)) !== State.OPEN) return;
    const endStream = (this.blockFlags & Flag.END_STREAM) !== 0;
    const right = this.blockTrailers
      ? endStream
      : this.isServer
        ? this.reader.requestComplete()
        : this.reader.responseComplete();
    if (!right || (endStream && !mayEnd(stream))) {
      this.submitReset(stream, Code.PROTOCOL_ERROR);
      this.invalid(stream, Invalid.HTTP_MESSAGING);
      if (endStream) stream.state |= State.SHUT_READ;
      return;
    }
    stream.bytes.wireReceived += this.blockBytes + FRAME_HEADER;
    stream.bytes.headerReceived += this.blockBytes + FRAME_HEADER;
    stream.remoteEnd = endStream;
    if (this.blockTrailers) stream.onTrailers(this.reader.takeTrailers());
    else this.onHead(stream);
    if (endStream) this.shutRead(stream);
  }

  /** HEADERS, CONTINUATION or DATA without payload, too many in a row. */
  protected floodOfEmpty(id: number): void {
    this.streams.get(id)?.setDetails('http2.inbound_empty_frames_flood');
    this.fail('flood', 'Too many consecutive frames with an empty payload');
  }
}
