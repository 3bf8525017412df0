import { Bit, H } from '../../base/header-names.js';
import type { RequestHeaders, Trailers } from '../../base/headers.js';
import type { Protocol } from '../../base/protocol.js';
import type { CodecConnection, CodecError, ResetReason, ServerCodec, ServerCodecCallbacks } from '../codec.js';
import { AUTHORITY, all } from './chars.js';
import { Details } from './message-head.js';
import type { Http1CodecStats, Http1ServerOptions } from './options.js';
import { After, Http1Parser, type ParserSink } from './parser.js';
import { ServerStream, type ServerStreamOwner } from './server-stream.js';
import { reasonPhrase } from './status-line.js';
import { parseAbsoluteTarget, parseConnectTarget } from './target.js';
import { dropH2cUpgrade, isUpgrade, removeNominatedHeaders } from './tokens.js';

/** The downstream side of HTTP/1: one request at a time. */
export function createHttp1ServerCodec(
  conn: CodecConnection,
  callbacks: ServerCodecCallbacks,
  options: Http1ServerOptions,
  stats: Http1CodecStats,
): Http1ServerCodec {
  return new Http1ServerCodec(conn, callbacks, options, stats);
}

export class Http1ServerCodec implements ServerCodec, ParserSink, ServerStreamOwner {
  protocol: Protocol = 'HTTP/1.1';
  private readonly parser: Http1Parser;
  private active: ServerStream | null = null;
  /** Bytes read while no stream was open. */
  private bytesBeforeStream = 0;
  /** Bytes of later requests. */
  private held: Buffer | null = null;
  /** No further byte is read: an error, a reset, or the connection is gone. */
  private dead = false;
  private dispatching = false;
  /** Asked to read on from within a dispatch. */
  private resume = false;
  /** What follows the head at hand is opaque. */
  private upgrade = false;
  /** The head at hand is delivered when the message has ended, with `endStream`. */
  private deferredEnd = false;
  private flooded = false;
  /** Bytes written in all, and the positions at which the last two responses ended: for the flood check. */
  private written = 0;
  private end1 = -1;
  private end2 = -1;

  constructor(
    readonly conn: CodecConnection,
    private readonly callbacks: ServerCodecCallbacks,
    readonly options: Http1ServerOptions,
    private readonly stats: Http1CodecStats,
  ) {
    this.parser = new Http1Parser(true, this, {
      headBytes: (options.maxHeadersKb ?? 60) * 1024,
      headerCount: options.maxHeadersCount ?? 100,
      enableTrailers: options.enableTrailers ?? false,
      underscores: options.headersWithUnderscores ?? 'ALLOW',
    });
  }

  get activeStreams(): number {
    return this.active === null ? 0 : 1;
  }

  /** Bytes of a next request are held; `dispatch` with an empty buffer reads them once no stream is open. */
  get hasHeldInput(): boolean {
    return this.held !== null;
  }

  dispatch(data: Uint8Array): CodecError | null {
    if (this.dead) return null;
    if (this.dispatching) {
      // From within a call to a decoder: the loop below reads on.
      this.resume = true;
      return null;
    }
    if (this.active?.remoteComplete) {
      if (data.length > 0) this.hold(data, 0, data.length);
      return null;
    }
    let buf = data;
    let pos = 0;
    if (this.held !== null) {
      if (data.length > 0) this.hold(data, 0, data.length);
      buf = this.held;
      this.held = null;
    }
    const end = buf.length;
    this.dispatching = true;
    try {
      while (pos < end) {
        // As Envoy does, all that a read brought counts for the stream that is open, or for the next one, before it is looked at.
        if (this.active !== null) this.active.bytes.wireReceived += end - pos;
        else this.bytesBeforeStream += end - pos;
        const next = this.parser.execute(buf, pos, end);
        if (this.parser.head.error !== null) return this.parseFailed();
        if (this.flooded) return this.flood();
        if (this.dead || !this.conn.open) return null;
        pos = next;
        if (pos === end) break;
        if (this.active !== null || !this.resume) {
          this.hold(buf, pos, end);
          break;
        }
        this.resume = false;
      }
      return null;
    } finally {
      this.dispatching = false;
      this.resume = false;
    }
  }

  private hold(buf: Uint8Array, start: number, end: number): void {
    const bytes = buf.subarray(start, end);
    this.held = this.held === null ? Buffer.from(bytes) : Buffer.concat([this.held, bytes]);
    this.active?.pauseForPipelining();
  }

  private parseFailed(): CodecError {
    const { status, details, message } = this.parser.head.error!;
    if (details === Details.UNDERSCORE) this.stats.requests_rejected_with_underscores_in_headers++;
    this.dead = true;
    const stream = this.active;
    if (stream !== null && !stream.started) stream.decoder.sendCodecReply(status, reasonPhrase(status), details);
    return { kind: 'protocol', details, message };
  }

  private flood(): CodecError {
    this.dead = true;
    this.stats.response_flood++;
    return { kind: 'flood', details: 'codec_error:Too_many_responses_queued.', message: 'Too many responses queued.' };
  }

  onRemoteEnd(): void {}

  onConnectionClosed(reason: ResetReason, details: string): void {
    this.dead = true;
    this.held = null;
    this.parser.stop();
    const stream = this.active;
    if (stream === null) return;
    this.active = null;
    stream.over = true;
    stream.decoder.onReset(reason, details);
  }

  onConnectionAboveHighWatermark(): void {
    this.active?.decoder.onAboveWriteBufferHighWatermark();
  }

  onConnectionBelowLowWatermark(): void {
    this.active?.decoder.onBelowWriteBufferLowWatermark();
  }

  wantsToWrite(): boolean {
    return false;
  }

  shutdownNotice(): void {}

  goAway(): void {}

  // --- requests, as the parser reports them

  onMessageBegin(): boolean {
    this.protocol = 'HTTP/1.1';
    this.upgrade = this.deferredEnd = false;
    const stream = new ServerStream(this);
    this.active = stream;
    stream.bytes.wireReceived = this.bytesBeforeStream;
    this.bytesBeforeStream = 0;
    stream.decoder = this.callbacks.newStream(stream);
    if (this.responsesQueued()) {
      this.flooded = true;
      return false;
    }
    if (this.active === stream && this.conn.aboveHighWatermark()) stream.decoder.onAboveWriteBufferHighWatermark();
    return !this.dead;
  }

  /** Two responses wait to be sent: Envoy takes a further request for a flood. */
  private responsesQueued(): boolean {
    if (this.end1 < 0) return false;
    const sent = this.written - this.conn.unsentBytes();
    return this.end1 > sent;
  }

  onHead(): number {
    const head = this.parser.head;
    const headers = head.request;
    const stream = this.active;
    if (head.droppedUnderscores > 0) {
      this.stats.dropped_headers_with_underscores += head.droppedUnderscores;
      head.droppedUnderscores = 0;
    }
    if (stream === null) return After.STOP;
    stream.bytes.headerReceived = head.headerBytes;
    const connect = head.method === 'CONNECT';
    headers.method = head.method;
    if (!head.http11) this.protocol = 'HTTP/1.0';
    stream.http10 = !head.http11;
    if ((headers.bits & RARE) !== 0 || connect) {
      if (!this.checkFraming(headers, connect)) return After.STOP;
      if (!this.upgrade && (headers.bits & Bit.CONNECTION) !== 0 && !removeNominatedHeaders(headers)) {
        return this.refuse(400, 'http1.connection_header_rejected', 'Invalid nominated headers in Connection.');
      }
    }
    stream.head = head.method === 'HEAD';
    stream.connect = connect;
    if (!connect && head.target.charCodeAt(0) === 47) headers.path = head.target;
    else if (!this.setTarget(headers, connect)) return After.STOP;
    if (!head.http11) {
      if (!this.options.acceptHttp10) {
        return this.refuse(426, 'low_version', 'Upgrade required for HTTP/1.0 or HTTP/0.9');
      }
      const fallback = this.options.defaultHostForHttp10;
      if (headers.authority === undefined && fallback) headers.authority = fallback;
    }
    if (headers.authority !== undefined && !all(headers.authority, AUTHORITY)) {
      const why = 'http/1.1 protocol error: request headers failed spec compliance checks';
      return this.refuse(400, 'http.invalid_authority', why);
    }
    if (!head.chunked && head.contentLength <= 0 && !this.upgrade) {
      this.deferredEnd = true;
      return After.BODY;
    }
    stream.decoder.decodeHeaders(headers, false);
    if (this.dead || !this.conn.open) return After.STOP;
    return this.upgrade ? After.RAW : After.BODY;
  }

  /** Upgrades, CONNECT, and the rules about two framings. */
  private checkFraming(headers: RequestHeaders, connect: boolean): boolean {
    const head = this.parser.head;
    if (isUpgrade(headers)) {
      if (headers.get(H.upgrade)!.toLowerCase() === 'h2c') dropH2cUpgrade(headers);
      this.upgrade = isUpgrade(headers);
    }
    let length = headers.get(H.contentLength);
    if (connect) {
      if (length === '0') {
        headers.remove(H.contentLength);
        length = undefined;
      } else if (length !== undefined) {
        this.refuse(400, 'http1.body_disallowed', 'http/1.1 protocol error: unsupported content length');
        return false;
      }
      this.upgrade = true;
    }
    if (head.hasTransferEncoding && length !== undefined) {
      if (!head.chunked || !this.options.allowChunkedLength) {
        const why = "http/1.1 protocol error: both 'Content-Length' and 'Transfer-Encoding' are set.";
        this.refuse(400, 'http1.content_length_and_chunked_not_allowed', why);
        return false;
      }
      headers.remove(H.contentLength);
    }
    const encoding = headers.get(H.transferEncoding);
    if (encoding !== undefined && (connect || encoding.toLowerCase() !== 'chunked')) {
      const why = 'http/1.1 protocol error: unsupported transfer encoding';
      this.refuse(501, 'http1.invalid_transfer_encoding', why);
      return false;
    }
    return true;
  }

  /** Every target but a path: `*` of OPTIONS, `host:port` of CONNECT, absolute. */
  private setTarget(headers: RequestHeaders, connect: boolean): boolean {
    const target = this.parser.head.target;
    if (connect) {
      const authority = parseConnectTarget(target);
      if (authority === null) return this.badTarget();
      headers.authority = authority;
      return true;
    }
    const asterisk = target.charCodeAt(0) === 42 && headers.method === 'OPTIONS';
    if (asterisk || this.options.allowAbsoluteUrl === false) {
      headers.path = target;
      return true;
    }
    const absolute = parseAbsoluteTarget(target);
    if (absolute === null) return this.badTarget();
    headers.authority = absolute.authority;
    headers.scheme = absolute.scheme.toLowerCase();
    if (headers.scheme !== 'http' && headers.scheme !== 'https') {
      this.refuse(400, 'http1.invalid_scheme', 'http/1.1 protocol error: invalid scheme');
      return false;
    }
    if (this.options.validateScheme && !this.options.tls && headers.scheme === 'https') {
      this.refuse(403, 'http1.https_url_on_plaintext_connection', 'http/1.1 protocol error: https in the clear');
      return false;
    }
    headers.path = absolute.path;
    return true;
  }

  private badTarget(): boolean {
    this.refuse(400, 'http1.invalid_url', 'http/1.1 protocol error: invalid url in request line');
    return false;
  }

  private refuse(status: number, details: string, message: string): number {
    this.parser.head.fail(status, details, message);
    return After.STOP;
  }

  onBody(data: Uint8Array): void {
    this.active?.decoder.decodeData(data, false);
  }

  onRaw(data: Uint8Array): void {
    this.active?.decoder.decodeData(data, false);
  }

  onMessageEnd(data: Uint8Array, trailers: Trailers | null): void {
    const stream = this.active;
    if (stream === null) return;
    stream.remoteComplete = true;
    if (stream.localComplete) {
      this.active = null;
      stream.undoReadDisables();
    }
    if (this.deferredEnd) {
      this.deferredEnd = false;
      stream.decoder.decodeHeaders(this.parser.head.request, true);
    } else if (trailers !== null) {
      if (data.length > 0) stream.decoder.decodeData(data, false);
      if (!stream.over) stream.decoder.decodeTrailers(trailers);
    } else stream.decoder.decodeData(data, true);
  }

  // --- called by the stream

  onStreamWritten(bytes: number): void {
    this.written += bytes;
    this.conn.markDirty();
  }

  onEncodeComplete(stream: ServerStream): void {
    this.end1 = this.end2;
    this.end2 = this.written;
    if (stream.remoteComplete && this.active === stream) this.active = null;
    if (stream.closes) this.dead = true;
  }

  onStreamReset(stream: ServerStream): void {
    if (this.active === stream) this.active = null;
    this.dead = true;
    this.held = null;
    this.parser.stop();
  }
}

/** Bits of the request headers that concern framing and hops. */
const RARE = Bit.UPGRADE | Bit.CONNECTION | Bit.HOP | Bit.CONTENT_LENGTH;
