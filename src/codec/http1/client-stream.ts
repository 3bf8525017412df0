import { Bit, H } from '../../base/header-names.js';
import type { RequestHeaders, Trailers } from '../../base/headers.js';
import type { StreamBytes } from '../../base/protocol.js';
import { Close, type CodecConnection, type RequestEncoder, type ResetReason, type ResponseDecoder } from '../codec.js';
import { Framing, writeChunk, writeHead, writeLastChunk } from './encode.js';
import { DEFAULT_BUFFER_LIMIT, type Http1ClientOptions } from './options.js';
import { isUpgrade } from './tokens.js';

/** What a stream needs of its codec. */
export interface ClientStreamOwner {
  readonly conn: CodecConnection;
  readonly options: Http1ClientOptions;
  reusable: boolean;
  wrote(): void;
  /** Both directions are complete. */
  release(stream: ClientStream): void;
  onStreamReset(stream: ClientStream): void;
}

/** One request on an HTTP/1 connection to an upstream: its sending half, and what is known of it. */
export class ClientStream implements RequestEncoder {
  readonly bytes: StreamBytes = { wireReceived: 0, wireSent: 0, headerReceived: 0, headerSent: 0 };
  readonly streamId = 0;
  responseComplete = false;
  requestComplete = false;
  over = false;
  head = false;
  connect = false;
  upgrade = false;
  private chunked = false;
  private reads = 0;

  constructor(
    private readonly codec: ClientStreamOwner,
    readonly decoder: ResponseDecoder,
  ) {}

  get bufferLimit(): number {
    return this.codec.options.bufferLimit ?? DEFAULT_BUFFER_LIMIT;
  }

  get aboveHighWatermark(): boolean {
    return this.codec.conn.aboveHighWatermark();
  }

  encodeHeaders(headers: RequestHeaders, endStream: boolean): void {
    if (this.over) return;
    const { conn, options } = this.codec;
    const method = headers.method;
    this.head = method === 'HEAD';
    this.connect = method === 'CONNECT';
    this.upgrade = (headers.bits & Bit.UPGRADE) !== 0 && isUpgrade(headers);
    let framing: number = Framing.NONE;
    const measured = (headers.bits & Bit.CONTENT_LENGTH) !== 0 && headers.get(H.contentLength) !== undefined;
    if (!measured && !this.connect && !this.upgrade) {
      if (!endStream) framing = Framing.CHUNKED;
      else if (!needsNoLength(method)) framing = Framing.LENGTH_ZERO;
    }
    this.chunked = framing === Framing.CHUNKED;
    const out = conn.out;
    const before = out.length;
    out.writeLatin1(method);
    out.writeLatin1(' ');
    if (this.connect) out.writeLatin1(headers.authority ?? '');
    else {
      if (options.sendFullyQualifiedUrl) {
        out.writeLatin1(headers.scheme ?? 'http');
        out.writeLatin1('://');
        out.writeLatin1(headers.authority ?? '');
      }
      out.writeLatin1(headers.path ?? '');
    }
    out.writeLatin1(' HTTP/1.1\r\n');
    const proper = options.headerKeyFormat === 'proper';
    this.bytes.headerSent += writeHead(out, null, headers, framing, proper, headers.authority);
    this.wrote(out.length - before);
    if (endStream) this.complete();
  }

  encodeData(data: Uint8Array, endStream: boolean): void {
    if (this.over || this.requestComplete) return;
    const out = this.codec.conn.out;
    const before = out.length;
    if (data.length > 0) {
      if (this.chunked) writeChunk(out, data);
      else out.write(data);
    }
    if (endStream && this.chunked) writeLastChunk(out, null);
    this.wrote(out.length - before);
    if (endStream) this.complete();
  }

  encodeTrailers(trailers: Trailers): void {
    if (this.over || this.requestComplete) return;
    if (this.chunked) {
      const out = this.codec.conn.out;
      const before = out.length;
      this.bytes.headerSent += writeLastChunk(out, this.codec.options.enableTrailers === true ? trailers : null);
      this.wrote(out.length - before);
    }
    this.complete();
  }

  private complete(): void {
    this.requestComplete = true;
    // The end of a tunnelled request can only be said by closing.
    if (this.connect) {
      this.codec.reusable = false;
      this.codec.conn.close(Close.FLUSH, 'close_for_connect_request_or_tcp_tunneling');
    } else if (this.responseComplete) this.codec.release(this);
  }

  private wrote(bytes: number): void {
    if (bytes === 0) return;
    this.bytes.wireSent += bytes;
    this.codec.wrote();
  }

  resetStream(_reason: ResetReason): void {
    if (this.over) return;
    this.over = true;
    this.codec.onStreamReset(this);
  }

  readDisable(disable: boolean): void {
    if (disable) this.reads++;
    else if (this.reads === 0) return;
    else this.reads--;
    if (this.codec.conn.open) this.codec.conn.readDisable(disable);
  }

  undoReadDisables(): void {
    while (this.reads > 0) this.readDisable(false);
  }
}

/** A request of these without a body says so by its method alone. */
function needsNoLength(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'DELETE' || method === 'TRACE' || method === 'CONNECT';
}
