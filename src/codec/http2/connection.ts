import type { CodecConnection, CodecError, Protocol, ResetReason } from '../codec.js';
import { FrameFeed } from './frame-feed.js';
import { Code, Flag, FRAME_HEADER, Frame, MAX_PAYLOAD, MAX_STREAM_ID, MAX_WINDOW, u31, u32 } from './frames.js';
import { Mode } from './header-blocks.js';
import { Keepalive } from './keepalive.js';
import { countBody, mayEnd } from './messaging.js';
import type { Http2Settings } from './options.js';
import { Invalid } from './session.js';
import { PeerSettings } from './settings.js';
import type { Http2CodecStats } from './stats.js';
import { State } from './stream.js';

const MAX_SETTINGS_ENTRIES = 32;
/** RST_STREAM frames a client may send in a burst, and per second after it. */
const RESET_BURST = 1000;
const RESET_RATE = 33;

/** What both sides of HTTP/2 share: receiving. Behaves as nghttp2 under Envoy's codec, down to what ends a connection and how. */
export abstract class Http2Connection extends FrameFeed {
  readonly protocol: Protocol = 'HTTP/2';
  readonly keepalive: Keepalive;
  /** Monotonic ms of the last bytes received (of the start, before the first). */
  lastReceived: number;
  protected readonly peer: PeerSettings;

  /** No frame has come yet: it must be SETTINGS. */
  private first = true;

  protected goAwayReceived = false;
  private goAwayRaised = false;
  private peerLastId = MAX_STREAM_ID;
  private resetTokens = RESET_BURST;
  private resetSecond = 0;

  constructor(conn: CodecConnection, settings: Http2Settings, stats: Http2CodecStats, server: boolean) {
    super(conn, settings, stats, server);
    this.peer = new PeerSettings(this);
    this.lastReceived = conn.dispatcher.now;
    this.keepalive = new Keepalive(this, settings.keepalive);
  }

  protected abstract onGoAway(code: number): void;
  abstract onPeerStreamLimit(limit: number): void;

  get lastPingRtt(): number {
    return this.keepalive.lastRtt;
  }

  get pingOutstandingSince(): number {
    return this.keepalive.outstandingSince;
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

  // --- frame headers: what can be refused before the payload is here

  protected onFrameHeader(buf: Buffer, at: number): void {
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

  protected afterSkip(): void {
    this.mode = Mode.HEAD;
    if (this.inBlock) this.endBlockFrame();
  }

  /** Any frame but an answered PING shows that the peer lives; some kinds are counted. */
  protected onBeginFrame(flags: number): boolean {
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

  protected onPayload(buf: Buffer, at: number, end: number): void {
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
      else this.sendWindow += increment;
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

  protected onFrameSeen(): void {
    this.keepalive.onFrame();
  }

  override onConnectionClosed(reason: ResetReason, details: string): void {
    this.keepalive.stop();
    this.dropHeld();
    super.onConnectionClosed(reason, details);
  }
}
