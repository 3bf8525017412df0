import { Bit, H } from '../../base/header-names.js';
import type { ResponseHeaders, Trailers } from '../../base/headers.js';
import type { StreamBytes } from '../../base/protocol.js';
import type { CodecConnection, RequestDecoder, ResetReason, ResponseEncoder } from '../codec.js';
import { Framing, writeChunk, writeHead, writeLastChunk } from './encode.js';
import { DEFAULT_BUFFER_LIMIT, type Http1ServerOptions } from './options.js';
import { statusLine } from './status-line.js';
import { closesConnection, isUpgrade } from './tokens.js';

/** What a stream needs of its codec. */
export interface ServerStreamOwner {
  readonly conn: CodecConnection;
  readonly options: Http1ServerOptions;
  onStreamWritten(bytes: number): void;
  onEncodeComplete(stream: ServerStream): void;
  onStreamReset(stream: ServerStream): void;
}

/** One request on an HTTP/1 connection of a client: its answering half, and what is known of it. */
export class ServerStream implements ResponseEncoder {
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

  constructor(private readonly codec: ServerStreamOwner) {}

  get bufferLimit(): number {
    return this.codec.options.bufferLimit ?? DEFAULT_BUFFER_LIMIT;
  }

  get aboveHighWatermark(): boolean {
    return this.codec.conn.aboveHighWatermark();
  }

  get streamErrorOnInvalidMessage(): boolean {
    return this.codec.options.streamErrorOnInvalidMessage ?? false;
  }

  setDecoder(decoder: RequestDecoder): void {
    this.decoder = decoder;
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

  /** The stream is over: the reads that it had stopped go on. */
  undoReadDisables(): void {
    while (this.reads > 0) this.readDisable(false);
  }
}
