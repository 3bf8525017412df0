import { returnSlab, takeSlab } from '../../base/out-buffer.js';
import type { CodecConnection, CodecError, Protocol, ResetReason } from '../codec.js';
import { Reset } from '../codec.js';
import {
  Code,
  DEFAULT_WINDOW,
  Flag,
  FRAME_HEADER,
  Frame,
  MAX_PAYLOAD,
  MAX_STREAM_ID,
  MAX_WINDOW,
  PREFACE,
  u31,
  u32,
} from './frames.js';
import { HpackDecoder, MALFORMED, STOPPED } from './hpack-decoder.js';
import { Keepalive } from './keepalive.js';
import { countBody, MessageReader, mayEnd, Verdict } from './messaging.js';
import type { Http2Settings } from './options.js';
import { CALLBACK_FAILED, Http2Sender } from './sender.js';
import { PeerSettings } from './settings.js';
import type { Http2CodecStats } from './stats.js';
import { type Http2Stream, Seen, State } from './stream.js';

/** What the next received octets are. */
enum Mode {
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

/** Why a frame is bad, in the terms of nghttp2. */
enum Invalid {
  PROTOCOL = 0,
  HTTP_HEADER = 1,
  HTTP_MESSAGING = 2,
  REFUSED = 3,
}

const MAX_CONTINUATIONS = 512;
const MAX_SETTINGS_ENTRIES = 32;
/** RST_STREAM frames a client may send in a burst, and per second after it. */
const RESET_BURST = 1000;
const RESET_RATE = 33;

/** What both sides of HTTP/2 share: receiving. Behaves as nghttp2 under Envoy's codec, down to what ends a connection and how. */
export abstract class Http2Connection extends Http2Sender {
  readonly protocol: Protocol = 'HTTP/2';
  /** Open streams by id. */
  readonly streams = new Map<number, Http2Stream>();
  readonly keepalive: Keepalive;
  /** Monotonic ms of the last bytes received (of the start, before the first). */
  lastReceived: number;
  protected readonly reader: MessageReader;
  protected readonly peer: PeerSettings;
  /** Closed towards the peer, with received data that the layer above has not taken. */
  private readonly lingering = new Set<Http2Stream>();
  private readonly decoder = new HpackDecoder();

  private mode: Mode;
  /** Octets of a frame header, prelude or preface that are in, and where they are collected. */
  private partial = 0;
  private readonly head = Buffer.alloc(PREFACE.length);
  /** A payload that came in pieces. */
  private hold: Buffer | null = null;
  private held = 0;
  private type: Frame = Frame.DATA;
  private flags = 0;
  private id = 0;
  private length = 0;
  private first = true;

  /** The header block under way: octets left of this frame, padding behind them, and whether CONTINUATIONs follow. */
  private blockLeft = 0;
  private blockPad = 0;
  private blockId = 0;
  private blockFlags = 0;
  private blockBytes = 0;
  private blockStream: Http2Stream | null = null;
  private blockTrailers = false;
  private blockFinal = false;
  private inBlock = false;
  private continuations = 0;
  /** Octets of a field that is not complete. */
  private blockRest: Buffer | null = null;

  /** Window of the connection: size, used up, and of that what may be given back. */
  private receiveWindow: number;
  private received = 0;
  private consumed = 0;
  private windowUpdateQueued = false;

  protected lastReceivedId = 0;
  protected lastProcessedId = 0;
  protected goAwayReceived = false;
  private goAwayRaised = false;
  private peerLastId = MAX_STREAM_ID;
  private settingsAcked = false;
  private resetTokens = RESET_BURST;
  private resetSecond = 0;

  constructor(conn: CodecConnection, settings: Http2Settings, stats: Http2CodecStats, server: boolean) {
    super(conn, settings, stats);
    this.mode = server ? Mode.PREFACE : Mode.HEAD;
    this.reader = new MessageReader(settings, stats, server);
    this.peer = new PeerSettings(this);
    this.receiveWindow = Math.max(settings.initialConnectionWindowSize, DEFAULT_WINDOW);
    this.lastReceived = conn.dispatcher.now;
    this.keepalive = new Keepalive(this, settings.keepalive);
  }

  /** A HEADERS frame for a stream that is not open. Sets `lastProcessedId` and returns the stream it opens, or null to drop the block. */
  protected abstract openStream(id: number): Http2Stream | null;
  /** A complete head, or a message that has broken off: see `Http2Stream`. */
  protected abstract onHead(stream: Http2Stream): void;
  protected abstract isMine(id: number): boolean;
  /** An id that neither side has used. */
  protected abstract isIdle(id: number): boolean;
  protected abstract onGoAway(code: number): void;
  abstract onPeerStreamLimit(limit: number): void;
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

  get lastPingRtt(): number {
    return this.keepalive.lastRtt;
  }

  get pingOutstandingSince(): number {
    return this.keepalive.outstandingSince;
  }

  wantsToWrite(): boolean {
    if (this.hasPending) return true;
    for (const stream of this.streams.values()) if (stream.localEnd && !stream.localEndSent) return true;
    return false;
  }

  // --- the feed

  dispatch(data: Uint8Array): CodecError | null {
    if (this.error === null) this.checkOutbound();
    if (this.error !== null) return this.error;
    this.lastReceived = this.conn.dispatcher.now;
    if (data.length > 0 && this.wantsToRead) {
      const buf = data instanceof Buffer ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      this.dispatching = true;
      try {
        this.receive(buf, 0, buf.length);
      } finally {
        this.dispatching = false;
      }
      if (this.error !== null) return this.error;
    }
    this.inDispatchEnd = true;
    this.send();
    this.inDispatchEnd = false;
    return this.error;
  }

  /** After a GOAWAY of either side, and once no stream is open, nothing that comes counts. */
  private get wantsToRead(): boolean {
    if (this.terminating) return false;
    return this.streams.size > 0 || !(this.goAwaySent || this.goAwayReceived);
  }

  private get stopped(): boolean {
    return this.error !== null || this.terminating || !this.conn.open;
  }

  private receive(buf: Buffer, at: number, end: number): void {
    while (at < end) {
      switch (this.mode) {
        case Mode.HEAD:
          if (this.partial === 0 && end - at >= FRAME_HEADER) {
            this.onFrameHeader(buf, at);
            at += FRAME_HEADER;
          } else {
            at = this.collect(buf, at, end, FRAME_HEADER);
            if (this.partial < FRAME_HEADER) return;
            this.partial = 0;
            this.onFrameHeader(this.head, 0);
          }
          break;
        case Mode.PAYLOAD: {
          const length = this.length;
          if (this.held === 0 && end - at >= length) {
            this.mode = Mode.HEAD;
            this.onPayload(buf, at, at + length);
            at += length;
          } else {
            const n = Math.min(end - at, length - this.held);
            this.hold ??= takeSlab();
            buf.copy(this.hold, this.held, at, at + n);
            this.held += n;
            at += n;
            if (this.held < length) return;
            const hold = this.hold;
            this.hold = null;
            this.held = 0;
            this.mode = Mode.HEAD;
            this.onPayload(hold, 0, length);
            returnSlab(hold);
          }
          break;
        }
        case Mode.BLOCK: {
          const n = Math.min(end - at, this.blockLeft);
          this.blockLeft -= n;
          this.onBlock(buf, at, at + n);
          at += n;
          break;
        }
        case Mode.SKIP: {
          const n = Math.min(end - at, this.length);
          this.length -= n;
          at += n;
          if (this.length === 0) this.afterSkip();
          break;
        }
        case Mode.PRELUDE: {
          const need = this.preludeLength;
          at = this.collect(buf, at, end, need);
          if (this.partial < need) return;
          this.partial = 0;
          this.onPrelude();
          break;
        }
        default:
          at = this.onPreface(buf, at, end);
      }
      if (this.stopped) return;
    }
  }

  private collect(buf: Buffer, at: number, end: number, need: number): number {
    const n = Math.min(end - at, need - this.partial);
    buf.copy(this.head, this.partial, at, at + n);
    this.partial += n;
    return at + n;
  }

  private onPreface(buf: Buffer, at: number, end: number): number {
    for (; at < end && this.partial < PREFACE.length; at++) {
      if (buf[at] !== PREFACE[this.partial]) {
        this.fail('protocol', 'Received bad client magic byte string');
        return end;
      }
      this.partial++;
    }
    if (this.partial === PREFACE.length) {
      this.partial = 0;
      this.mode = Mode.HEAD;
    }
    return at;
  }

  // --- frame headers: what can be refused before the payload is here

  private onFrameHeader(buf: Buffer, at: number): void {
    const length = (buf[at] << 16) | (buf[at + 1] << 8) | buf[at + 2];
    const type = buf[at + 3];
    const flags = buf[at + 4];
    const id = u31(buf, at + 5);
    this.length = length;
    if (this.inBlock) {
      this.onContinuation(type, flags, id);
      return;
    }
    this.type = type;
    this.flags = flags;
    this.id = id;
    if (this.first) {
      if (type !== Frame.SETTINGS || flags & Flag.ACK) {
        this.terminate(Code.PROTOCOL_ERROR, 'SETTINGS expected');
        return;
      }
      this.first = false;
    }
    if (length > MAX_PAYLOAD) {
      this.terminate(Code.FRAME_SIZE_ERROR, 'too large frame size');
      return;
    }
    switch (type) {
      case Frame.DATA:
        this.onDataHeader();
        return;
      case Frame.HEADERS:
        this.onHeadersHeader('HEADERS: insufficient padding space');
        return;
      case Frame.PUSH_PROMISE:
        this.onHeadersHeader('PUSH_PROMISE: insufficient padding space');
        return;
      case Frame.PRIORITY:
        if (!this.sized(length === 5) || !this.onBeginFrame(flags)) return;
        break;
      case Frame.RST_STREAM:
      case Frame.WINDOW_UPDATE:
        if (!this.sized(length === 4) || !this.onBeginFrame(flags)) return;
        break;
      case Frame.PING:
        if (!this.sized(length === 8) || !this.onBeginFrame(flags)) return;
        break;
      case Frame.GOAWAY:
        if (!this.sized(length >= 8) || !this.onBeginFrame(flags)) return;
        break;
      case Frame.SETTINGS:
        if (!this.sized(length % 6 === 0 && (length === 0 || !(flags & Flag.ACK)))) return;
        if (length / 6 > MAX_SETTINGS_ENTRIES) {
          this.terminate(Code.ENHANCE_YOUR_CALM, 'SETTINGS: too many setting entries');
          return;
        }
        if (!this.onBeginFrame(flags)) return;
        break;
      case Frame.CONTINUATION:
        this.terminate(Code.PROTOCOL_ERROR, 'CONTINUATION: unexpected');
        return;
      default:
        this.skip();
        return;
    }
    this.whole();
  }

  /** Works on the payload when all of it is here; at once when there is none. */
  private whole(): void {
    if (this.length === 0) this.onPayload(this.head, 0, 0);
    else this.mode = Mode.PAYLOAD;
  }

  /** Drops the payload. */
  private skip(): void {
    if (this.length === 0) this.afterSkip();
    else this.mode = Mode.SKIP;
  }

  private afterSkip(): void {
    this.mode = Mode.HEAD;
    if (this.inBlock) this.endBlockFrame();
  }

  private sized(right: boolean): boolean {
    if (!right) this.terminate(Code.FRAME_SIZE_ERROR, '');
    return right;
  }

  /** Any frame but an answered PING shows that the peer lives; some kinds are counted. */
  private onBeginFrame(flags: number): boolean {
    const type = this.type;
    if (type === Frame.PING && flags & Flag.ACK) return true;
    this.keepalive.onFrame();
    if (type === Frame.PRIORITY && !this.inbound.onPriority()) {
      this.fail('flood', 'Too many PRIORITY frames');
      return false;
    }
    if (type === Frame.WINDOW_UPDATE && !this.inbound.onWindowUpdate()) {
      this.fail('flood', 'Too many WINDOW_UPDATE frames');
      return false;
    }
    return true;
  }

  /** HEADERS, CONTINUATION or DATA without payload, too many in a row. */
  private floodOfEmpty(id: number): void {
    this.streams.get(id)?.setDetails('http2.inbound_empty_frames_flood');
    this.fail('flood', 'Too many consecutive frames with an empty payload');
  }

  private onDataHeader(): void {
    const { id } = this;
    if (id === 0) {
      this.terminate(Code.PROTOCOL_ERROR, 'DATA: stream_id == 0');
      return;
    }
    if (this.isIdle(id)) {
      this.terminate(Code.PROTOCOL_ERROR, 'DATA: stream in idle');
      return;
    }
    const stream = this.streams.get(id);
    if (stream !== undefined) {
      if (stream.state & State.SHUT_READ) {
        this.terminate(Code.STREAM_CLOSED, 'DATA: stream in half-closed(remote)');
        return;
      }
      if (!(stream.state & State.CLOSING)) {
        if (!this.isServer && !stream.began) {
          this.terminate(Code.PROTOCOL_ERROR, 'DATA: stream not opened');
          return;
        }
        if (this.flags & Flag.PADDED && this.length === 0) {
          this.terminate(Code.PROTOCOL_ERROR, 'DATA: insufficient padding space');
          return;
        }
        this.keepalive.onFrame();
      }
    }
    this.whole();
  }

  // --- payloads

  private onPayload(buf: Buffer, at: number, end: number): void {
    switch (this.type) {
      case Frame.DATA:
        this.onData(buf, at, end);
        break;
      case Frame.RST_STREAM:
        this.onRstStream(u32(buf, at));
        break;
      case Frame.SETTINGS:
        this.onSettings(buf, at, end);
        break;
      case Frame.PING:
        this.onPing(buf, at);
        break;
      case Frame.GOAWAY:
        this.onGoAwayFrame(u31(buf, at), u32(buf, at + 4));
        break;
      case Frame.WINDOW_UPDATE:
        this.onWindowUpdate(u31(buf, at));
        break;
      default:
        // PRIORITY: counted, and otherwise without effect.
        break;
    }
  }

  private onData(buf: Buffer, at: number, end: number): void {
    const stream = this.streams.get(this.id);
    const total = end - at;
    if (stream === undefined || stream.state & State.CLOSING) {
      // Not for anybody, but it used the window of the connection.
      if (this.receiveOnConnection(total)) this.consumeOnConnection(total);
      return;
    }
    let padding = 0;
    if (this.flags & Flag.PADDED) {
      padding = buf[at] + 1;
      if (padding > total) {
        this.terminate(Code.PROTOCOL_ERROR, 'DATA: invalid padding');
        return;
      }
      at++;
      end -= padding - 1;
    }
    const size = end - at;
    if (total > 0) {
      if (!this.receiveOnConnection(total)) return;
      if (stream.received > stream.receiveWindow - total) this.submitReset(stream, Code.FLOW_CONTROL_ERROR);
      else stream.received += total;
      if (padding > 0) this.consume(stream, padding);
      if (size > 0 && !countBody(stream, size)) {
        this.consumeOnConnection(size);
        this.submitReset(stream, Code.PROTOCOL_ERROR);
        return;
      }
      if (stream.grantsWindow) this.consume(stream, size);
      else stream.unconsumed += size;
    }
    if (stream.state & State.CLOSING) return;
    const endStream = (this.flags & Flag.END_STREAM) !== 0;
    if (endStream && !mayEnd(stream)) {
      this.submitReset(stream, Code.PROTOCOL_ERROR);
      stream.state |= State.SHUT_READ;
      return;
    }
    if (!this.inbound.payload(size, endStream)) {
      this.floodOfEmpty(stream.streamId);
      return;
    }
    stream.bytes.wireReceived += total + FRAME_HEADER;
    stream.remoteEnd = endStream;
    stream.onData(buf, at, end);
    if (endStream) this.shutRead(stream);
  }

  private shutRead(stream: Http2Stream): void {
    stream.state |= State.SHUT_READ;
    this.closeIfDone(stream);
  }

  private onRstStream(code: number): void {
    const { id } = this;
    if (id === 0 || this.isIdle(id)) {
      this.invalid(null, Invalid.PROTOCOL);
      return;
    }
    const stream = this.streams.get(id);
    if (stream !== undefined) {
      stream.state |= State.SHUT_READ;
      stream.bytes.wireReceived += FRAME_HEADER + 4;
      stream.remoteReset = true;
      this.stats.rx_reset++;
      this.closeStream(stream, code);
    }
    if (this.isServer) this.limitResets();
  }

  /** A client that only resets is shown out: a bucket of 1000 that fills with 33 a second. */
  private limitResets(): void {
    const second = Math.floor(this.conn.dispatcher.now / 1000);
    if (second > this.resetSecond) {
      this.resetTokens = Math.min(RESET_BURST, this.resetTokens + (second - this.resetSecond) * RESET_RATE);
      this.resetSecond = second;
    }
    if (this.resetTokens > 0) this.resetTokens--;
    else this.submitGoAway(this.lastReceivedId, Code.INTERNAL_ERROR, '');
  }

  private onSettings(buf: Buffer, at: number, end: number): void {
    if (this.id !== 0) {
      this.invalid(this.streams.get(this.id) ?? null, Invalid.PROTOCOL);
      return;
    }
    if (this.flags & Flag.ACK) {
      if (this.settingsAcked) this.invalid(null, Invalid.PROTOCOL);
      else this.onSettingsAck();
      return;
    }
    if (!this.peer.apply(buf, at, end)) {
      this.invalid(null, Invalid.PROTOCOL);
      return;
    }
    this.submitSettingsAck();
  }

  /** The peer works by our settings from here on. */
  private onSettingsAck(): void {
    this.settingsAcked = true;
    const { settings } = this;
    this.decoder.setLimit(settings.hpackTableSize);
    const change = settings.initialStreamWindowSize - this.localInitialWindow;
    this.localInitialWindow = settings.initialStreamWindowSize;
    for (const stream of this.streams.values()) {
      stream.receiveWindow += change;
      this.giveBackStream(stream);
    }
  }

  private onPing(buf: Buffer, at: number): void {
    if (this.id !== 0) this.invalid(this.streams.get(this.id) ?? null, Invalid.PROTOCOL);
    else if (this.flags & Flag.ACK) this.keepalive.onAnswer(buf, at);
    else this.submitPingAck(u32(buf, at), u32(buf, at + 4));
  }

  private onGoAwayFrame(lastId: number, code: number): void {
    if (this.id !== 0 || (lastId > 0 && !this.isMine(lastId)) || lastId > this.peerLastId) {
      this.invalid(this.streams.get(this.id) ?? null, Invalid.PROTOCOL);
      return;
    }
    this.goAwayReceived = true;
    this.peerLastId = lastId;
    if (!this.goAwayRaised) {
      this.goAwayRaised = true;
      this.onGoAway(code);
    }
    for (const stream of this.streams.values()) {
      if (this.isMine(stream.streamId) && stream.streamId > lastId) this.closeStream(stream, Code.REFUSED_STREAM);
    }
  }

  private onWindowUpdate(increment: number): void {
    const { id } = this;
    if (id === 0) {
      if (increment === 0 || increment > MAX_WINDOW - this.sendWindow) this.invalid(null, Invalid.PROTOCOL);
      else {
        this.sendWindow += increment;
        // Streams that are ready are sent at the end of the dispatch.
      }
      return;
    }
    if (this.isIdle(id)) {
      this.invalid(null, Invalid.PROTOCOL);
      return;
    }
    const stream = this.streams.get(id);
    if (stream === undefined) return;
    if (increment === 0) this.invalid(stream, Invalid.PROTOCOL);
    else if (increment > MAX_WINDOW - stream.sendWindow) {
      this.submitReset(stream, Code.FLOW_CONTROL_ERROR);
      this.invalid(stream, Invalid.PROTOCOL);
    } else {
      stream.sendWindow += increment;
      stream.bytes.wireReceived += FRAME_HEADER + 4;
      this.wantSend(stream);
    }
  }

  // --- header blocks

  private get preludeLength(): number {
    return (this.flags & Flag.PADDED ? 1 : 0) + this.fixedLength;
  }

  /** Priority fields of HEADERS, promised stream of PUSH_PROMISE. */
  private get fixedLength(): number {
    if (this.type === Frame.PUSH_PROMISE) return 4;
    return this.flags & Flag.PRIORITY ? 5 : 0;
  }

  private onHeadersHeader(noRoom: string): void {
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

  private onPrelude(): void {
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

  private onContinuation(type: number, flags: number, id: number): void {
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
      this.keepalive.onFrame();
      if (!this.inbound.payload(this.length, false)) {
        this.floodOfEmpty(id);
        return;
      }
    }
    this.continueBlock();
  }

  /** Octets of a header block; `blockLeft` counts those of its frame that are still to come. */
  private onBlock(buf: Buffer, at: number, end: number): void {
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

  private endBlockFrame(): void {
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
  private invalid(stream: Http2Stream | null, why: Invalid): void {
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
  private receiveOnConnection(n: number): boolean {
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

  private consumeOnConnection(n: number): void {
    this.consumed += n;
    if (this.windowUpdateQueued) return;
    const back = Math.min(this.consumed, this.received);
    if (back === 0 || back < this.receiveWindow >> 1) return;
    this.received -= back;
    this.consumed -= back;
    this.windowUpdateQueued = true;
    this.submitWindowUpdate(null, back);
  }

  private giveBackStream(stream: Http2Stream): void {
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
    this.streams.set(id, stream);
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
    this.keepalive.stop();
    this.outbound.clear();
    if (this.hold !== null) returnSlab(this.hold);
    this.hold = null;
    this.held = 0;
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
