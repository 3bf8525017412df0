import { Bit, H } from '../../base/header-names.js';
import type { RequestHeaders, ResponseHeaders, Trailers } from '../../base/headers.js';
import type { Protocol, StreamBytes } from '../../base/protocol.js';
import type {
  CodecConnection,
  CodecError,
  RequestDecoder,
  ResetReason,
  ResponseEncoder,
  ServerCodec,
  ServerCodecCallbacks,
} from '../codec.js';
import { AUTHORITY, all } from './chars.js';
import { Framing, writeChunk, writeHead, writeLastChunk } from './encode.js';
import { DEFAULT_BUFFER_LIMIT, type Http1CodecStats, type Http1ServerOptions } from './options.js';
import { After, Details, Http1Parser, type ParserSink } from './parser.js';
import { reasonPhrase, statusLine } from './status-line.js';
import { parseAbsoluteTarget, parseConnectTarget } from './target.js';
import { closesConnection, dropH2cUpgrade, isUpgrade, removeNominatedHeaders } from './tokens.js';

/** The downstream side of HTTP/1: one request at a time. */
export function createHttp1ServerCodec(
  conn: CodecConnection,
  callbacks: ServerCodecCallbacks,
  options: Http1ServerOptions,
  stats: Http1CodecStats,
): Http1ServerCodec {
  return new Http1ServerCodec(conn, callbacks, options, stats);
}

export class Http1ServerCodec implements ServerCodec, ParserSink {
  protocol: Protocol = 'HTTP/1.1';
  private readonly parser: Http1Parser;
  private active: ServerStream | null = null;
  /** Bytes of later requests, `held[heldAt..)`. */
  private held: Buffer | null = null;
  private heldAt = 0;
  /** No further byte is read: an error, a reset, or the connection is gone. */
  private dead = false;
  private dispatching = false;
  private resume = false;
  private upgrade = false;
  private deferredEnd = false;
  /** Bytes written in all, and the positions at which the last two responses ended: for the flood check. */
  written = 0;
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
      if (data.length > 0) this.hold(data, 0, data.length);
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
      pos = this.heldAt;
      this.held = null;
    }
    const end = buf.length;
    this.dispatching = true;
    try {
      while (pos < end) {
        const before = this.active;
        const next = this.parser.execute(buf, pos, end);
        const stream = before ?? this.latest;
        if (stream !== null) stream.bytes.wireReceived += next - pos;
        if (this.parser.error !== null) return this.parseFailed();
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
      this.latest = null;
    }
  }

  private latest: ServerStream | null = null;
  private flooded = false;

  private hold(buf: Uint8Array, start: number, end: number): void {
    if (this.held === null) {
      this.held = Buffer.from(buf.subarray(start, end));
      this.heldAt = 0;
    } else this.held = Buffer.concat([this.held.subarray(this.heldAt), buf.subarray(start, end)]);
    this.heldAt = 0;
    if (this.active !== null) this.active.pauseForPipelining();
  }

  private parseFailed(): CodecError {
    const { status, details, message } = this.parser.error!;
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
    this.active = this.latest = stream;
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
    const parser = this.parser;
    const headers = parser.request;
    const stream = this.active;
    if (parser.droppedUnderscores > 0) {
      this.stats.dropped_headers_with_underscores += parser.droppedUnderscores;
      parser.droppedUnderscores = 0;
    }
    if (stream === null) return After.STOP;
    stream.bytes.headerReceived = parser.headerBytes;
    const connect = parser.method === 'CONNECT';
    headers.method = parser.method;
    if (!parser.http11) this.protocol = 'HTTP/1.0';
    stream.http10 = !parser.http11;
    if ((headers.bits & RARE) !== 0 || connect) {
      if (!this.checkFraming(headers, connect)) return After.STOP;
      if (!this.upgrade && (headers.bits & Bit.CONNECTION) !== 0 && !removeNominatedHeaders(headers)) {
        return this.refuse(400, 'http1.connection_header_rejected', 'Invalid nominated headers in Connection.');
      }
    }
    stream.head = parser.method === 'HEAD';
    stream.connect = connect;
    if (!connect && parser.target.charCodeAt(0) === 47) headers.path = parser.target;
    else if (!this.setTarget(headers, connect)) return After.STOP;
    if (!parser.http11) {
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
    if (!parser.chunked && parser.contentLength <= 0 && !this.upgrade) {
      this.deferredEnd = true;
      return After.BODY;
    }
    stream.decoder.decodeHeaders(headers, false);
    if (this.dead || !this.conn.open) return After.STOP;
    return this.upgrade ? After.RAW : After.BODY;
  }

  /** Upgrades, CONNECT, and the rules about two framings. */
  private checkFraming(headers: RequestHeaders, connect: boolean): boolean {
    const parser = this.parser;
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
    if (parser.hasTransferEncoding && length !== undefined) {
      if (!parser.chunked || !this.options.allowChunkedLength) {
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
    const target = this.parser.target;
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
    this.parser.fail(status, details, message);
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
    if (stream.localComplete) this.active = null;
    if (this.deferredEnd) {
      this.deferredEnd = false;
      stream.decoder.decodeHeaders(this.parser.request, true);
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

class ServerStream implements ResponseEncoder {
  decoder: RequestDecoder = null as unknown as RequestDecoder;
  readonly bytes: StreamBytes = { wireReceived: 0, wireSent: 0, headerReceived: 0, headerSent: 0 };
  readonly streamId = 0;
  /** Final headers were encoded. */
  started = false;
  remoteComplete = false;
  localComplete = false;
  /** Reset, or its connection closed. */
  over = false;
  http10 = false;
  head = false;
  connect = false;
  /** The response said that the connection ends with it. */
  closes = false;
  private chunked = false;
  private reads = 0;
  private pausedForPipelining = false;

  constructor(private readonly codec: Http1ServerCodec) {}

  get bufferLimit(): number {
    return this.codec.options.bufferLimit ?? DEFAULT_BUFFER_LIMIT;
  }

  get aboveHighWatermark(): boolean {
    return this.codec.conn.aboveHighWatermark();
  }

  get streamErrorOnInvalidMessage(): boolean {
    return this.codec.options.streamErrorOnInvalidMessage ?? false;
  }

  setFlushTimeout(): void {}

  encode1xx(headers: ResponseHeaders): void {
    if (this.localComplete || this.over) return;
    this.writeHead(headers, Framing.NONE);
  }

  encodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    if (this.localComplete || this.over) return;
    this.started = true;
    const status = headers.status;
    const connect = this.connect && status < 300;
    let framing: number = Framing.NONE;
    this.chunked = false;
    if ((headers.bits & Bit.CONTENT_LENGTH) === 0 || headers.get(H.contentLength) === undefined) {
      if (status < 200 || status === 204 || status === 304) {
        // These have no body, and no header may speak of one.
      } else if (endStream && !this.head) framing = Framing.LENGTH_ZERO;
      else if (!this.http10 && !connect) {
        framing = Framing.CHUNKED;
        this.chunked = !this.head && !isUpgrade(headers);
      }
    }
    this.closes = (headers.bits & Bit.CONNECTION) !== 0 && closesConnection(headers, false);
    this.writeHead(headers, framing);
    if (endStream) this.finish(null);
  }

  private writeHead(headers: ResponseHeaders, framing: number): void {
    const { conn, options } = this.codec;
    const out = conn.out;
    const before = out.length;
    const line = statusLine(headers.status, this.http10 && options.acceptHttp10 === true);
    this.bytes.headerSent += writeHead(out, line, headers, framing, options.headerKeyFormat === 'proper', undefined);
    this.wrote(out.length - before);
  }

  encodeData(data: Uint8Array, endStream: boolean): void {
    if (this.localComplete || this.over) return;
    if (data.length > 0) {
      const out = this.codec.conn.out;
      const before = out.length;
      if (this.chunked) writeChunk(out, data);
      else out.write(data);
      if (endStream && this.chunked) writeLastChunk(out, null);
      this.wrote(out.length - before);
      if (endStream) this.complete();
    } else if (endStream) this.finish(null);
  }

  encodeTrailers(trailers: Trailers): void {
    if (this.localComplete || this.over) return;
    this.finish(this.codec.options.enableTrailers === true ? trailers : null);
  }

  private finish(trailers: Trailers | null): void {
    if (this.chunked) {
      const out = this.codec.conn.out;
      const before = out.length;
      this.bytes.headerSent += writeLastChunk(out, trailers);
      this.wrote(out.length - before);
    }
    this.complete();
  }

  private complete(): void {
    this.localComplete = true;
    this.codec.onEncodeComplete(this);
    if (this.remoteComplete) this.undoReadDisables();
    this.decoder.onCodecEncodeComplete();
  }

  private wrote(bytes: number): void {
    this.bytes.wireSent += bytes;
    this.codec.onStreamWritten(bytes);
  }

  resetStream(_reason: ResetReason): void {
    if (this.over) return;
    this.over = true;
    this.codec.onStreamReset(this);
    this.undoReadDisables();
  }

  readDisable(disable: boolean): void {
    if (disable) this.reads++;
    else if (this.reads === 0) return;
    else this.reads--;
    if (this.codec.conn.open) this.codec.conn.readDisable(disable);
  }

  /** More bytes came while the request is being answered: nothing is read until it has been. */
  pauseForPipelining(): void {
    if (this.pausedForPipelining) return;
    this.pausedForPipelining = true;
    this.readDisable(true);
  }

  private undoReadDisables(): void {
    while (this.reads > 0) this.readDisable(false);
  }
}
