import { Bit, H } from '../../base/header-names.js';
import type { ResponseHeaders, Trailers } from '../../base/headers.js';
import type { Protocol } from '../../base/protocol.js';
import {
  type ClientCodec,
  type ClientCodecCallbacks,
  type CodecConnection,
  type CodecError,
  type RequestEncoder,
  Reset,
  type ResetReason,
  type ResponseDecoder,
} from '../codec.js';
import { ClientStream, type ClientStreamOwner } from './client-stream.js';
import { Details } from './message-head.js';
import type { Http1ClientOptions, Http1CodecStats } from './options.js';
import { After, Http1Parser, type ParserSink } from './parser.js';
import { closesConnection, dropH2cUpgrade, isUpgrade } from './tokens.js';

/** The upstream side of HTTP/1: one request at a time. The pool owns the connection and closes it when `reusable` is false. */
export function createHttp1ClientCodec(
  conn: CodecConnection,
  callbacks: ClientCodecCallbacks,
  options: Http1ClientOptions,
  stats: Http1CodecStats,
): Http1ClientCodec {
  return new Http1ClientCodec(conn, callbacks, options, stats);
}

export class Http1ClientCodec implements ClientCodec, ParserSink, ClientStreamOwner {
  protocol: Protocol = 'HTTP/1.1';
  readonly maxConcurrentStreams = 1;
  /**
   * False once no further request may be sent: the peer said `connection: close` or spoke HTTP/1.0 without keep-alive, bytes
   * followed a response, the response was complete before the request, the connection became a tunnel, a stream was reset,
   * or a message was refused.
   */
  reusable = true;
  /** The peer announced in its response that it closes (`upstream_cx_close_notify`). */
  closeNotified = false;
  private readonly parser: Http1Parser;
  private stream: ClientStream | null = null;
  private dead = false;
  private upgrade = false;
  private deferredEnd = false;
  private dispatching = false;
  /** The peer ended inside a message. */
  private cutShort = false;
  /** The stream is over; told to the owner once it is known what follows the response. */
  private doneStream: ClientStream | null = null;

  constructor(
    readonly conn: CodecConnection,
    private readonly callbacks: ClientCodecCallbacks,
    readonly options: Http1ClientOptions,
    readonly stats: Http1CodecStats,
  ) {
    this.parser = new Http1Parser(false, this, {
      headBytes: (options.maxHeadersKb ?? 80) * 1024,
      headerCount: options.maxHeadersCount ?? 100,
      enableTrailers: options.enableTrailers ?? false,
      underscores: 'ALLOW',
    });
  }

  get activeStreams(): number {
    return this.stream === null ? 0 : 1;
  }

  newStream(decoder: ResponseDecoder): RequestEncoder {
    const stream = new ClientStream(this, decoder);
    this.stream = stream;
    if (this.conn.aboveHighWatermark()) decoder.onAboveWriteBufferHighWatermark();
    return stream;
  }

  dispatch(data: Uint8Array): CodecError | null {
    if (this.dead || data.length === 0) return null;
    if (this.stream === null || this.stream.responseComplete) return this.refused(unasked(data, this.stream));
    const end = data.length;
    let pos = 0;
    const stream = this.stream;
    stream.bytes.wireReceived += end;
    this.dispatching = true;
    pos = this.parser.execute(data, pos, end);
    this.dispatching = false;
    const error = this.parser.head.error;
    if (error !== null) return this.refused({ kind: 'protocol', details: error.details, message: error.message });
    if (this.dead) return null;
    let surplus: CodecError | null = null;
    if (pos < end && stream.responseComplete) {
      const message = 'http/1.1 protocol error: extraneous data after response complete';
      surplus = this.refused({ kind: 'protocol', details: Details.CODEC_ERROR, message });
    }
    this.tellDone();
    return surplus;
  }

  private refused(error: CodecError): CodecError {
    this.dead = true;
    this.reusable = false;
    return error;
  }

  /**
   * The peer closed or reset the connection: to be called in both cases, before `onConnectionClosed`. A response without a
   * length ends here, and well.
   * @returns why the connection counts as failed: the peer left inside a message
   */
  onRemoteEnd(): CodecError | null {
    this.reusable = false;
    if (this.dead) return null;
    if (this.parser.endsAtClose) {
      this.dispatching = true;
      this.parser.finishAtClose();
      this.dispatching = false;
      this.tellDone();
      return null;
    }
    if (!this.parser.inMessage) return null;
    this.cutShort = true;
    return this.refused({
      kind: 'protocol',
      details: Details.CODEC_ERROR,
      message: 'http/1.1 protocol error: HPE_INVALID_EOF_STATE',
    });
  }

  onConnectionClosed(reason: ResetReason, details: string): void {
    this.dead = true;
    this.reusable = false;
    this.parser.stop();
    const stream = this.stream;
    this.stream = null;
    if (stream === null || stream.over || stream.responseComplete) return;
    stream.over = true;
    stream.decoder.onReset(
      this.cutShort && reason === Reset.CONNECTION_TERMINATION ? Reset.PROTOCOL_ERROR : reason,
      details,
    );
  }

  onConnectionAboveHighWatermark(): void {
    if (this.stream !== null && !this.stream.responseComplete) this.stream.decoder.onAboveWriteBufferHighWatermark();
  }

  onConnectionBelowLowWatermark(): void {
    if (this.stream !== null && !this.stream.responseComplete) this.stream.decoder.onBelowWriteBufferLowWatermark();
  }

  wantsToWrite(): boolean {
    return false;
  }

  goAway(): void {}

  // --- responses, as the parser reports them

  onMessageBegin(): boolean {
    this.protocol = 'HTTP/1.1';
    this.deferredEnd = false;
    return true;
  }

  onHead(): number {
    const head = this.parser.head;
    const headers = head.response;
    const stream = this.stream;
    if (stream === null) return After.STOP;
    stream.bytes.headerReceived += head.headerBytes;
    // Envoy keeps 16 bits of the status.
    const status = (headers.status = head.status & 0xffff);
    if (!head.http11) this.protocol = 'HTTP/1.0';
    if ((headers.bits & RARE) !== 0 && !this.checkFraming(headers, stream, status)) return After.STOP;
    if (stream.connect && status >= 200 && status < 300) this.upgrade = true;
    if (status >= 100 && status < 200 && status !== 101) {
      if (status === 100 || (status >= 102 && status <= 104)) stream.decoder.decode1xx(headers);
      return this.dead ? After.STOP : After.INTERIM;
    }
    if (closesConnection(headers, !head.http11)) {
      this.closeNotified = true;
      this.reusable = false;
    }
    const bodyless =
      stream.head || status === 204 || status === 304 || (status >= 200 && head.contentLength === 0 && !head.chunked);
    if (this.upgrade) {
      this.reusable = false;
      stream.decoder.decodeHeaders(headers, false);
      return this.dead ? After.STOP : After.RAW;
    }
    if (bodyless) {
      this.deferredEnd = true;
      return After.NO_BODY;
    }
    stream.decoder.decodeHeaders(headers, false);
    return this.dead ? After.STOP : After.BODY;
  }

  private checkFraming(headers: ResponseHeaders, stream: ClientStream, status: number): boolean {
    const head = this.parser.head;
    if (stream.upgrade && isUpgrade(headers)) {
      if (headers.get(H.upgrade)!.toLowerCase() === 'h2c') dropH2cUpgrade(headers);
      this.upgrade = isUpgrade(headers);
    }
    const length = headers.get(H.contentLength);
    const encoding = headers.get(H.transferEncoding);
    if (head.hasTransferEncoding && length !== undefined) {
      if (!head.chunked || !this.options.allowChunkedLength) {
        return this.refuse(
          'http1.content_length_and_chunked_not_allowed',
          "both 'Content-Length' and 'Transfer-Encoding' are set.",
        );
      }
      headers.remove(H.contentLength);
    }
    if (encoding !== undefined && encoding.toLowerCase() !== 'chunked') {
      return this.refuse('http1.invalid_transfer_encoding', 'unsupported transfer encoding');
    }
    if (status < 200 || status === 204) {
      if (encoding !== undefined) {
        return this.refuse('http1.transfer_encoding_not_allowed', 'transfer encoding not allowed in 1xx or 204');
      }
      if (length !== undefined) {
        if (length !== '0') {
          return this.refuse('http1.content_length_not_allowed', 'content length not allowed in 1xx or 204');
        }
        headers.remove(H.contentLength);
      }
    }
    return true;
  }

  private refuse(details: string, why: string): boolean {
    return this.parser.head.refuse(details, why);
  }

  onBody(data: Uint8Array): void {
    this.stream?.decoder.decodeData(data, false);
  }

  onRaw(data: Uint8Array): void {
    this.stream?.decoder.decodeData(data, false);
  }

  onMessageEnd(data: Uint8Array, trailers: Trailers | null): void {
    const stream = this.stream;
    if (stream === null) return;
    stream.responseComplete = true;
    if (!stream.requestComplete) this.reusable = false;
    else this.release(stream);
    if (this.deferredEnd) {
      this.deferredEnd = false;
      stream.decoder.decodeHeaders(this.parser.head.response, true);
    } else if (trailers !== null) {
      if (data.length > 0) stream.decoder.decodeData(data, false);
      if (!stream.over) stream.decoder.decodeTrailers(trailers);
    } else stream.decoder.decodeData(data, true);
  }

  // --- called by the stream

  wrote(): void {
    this.conn.markDirty();
  }

  /** Both directions are complete. */
  release(stream: ClientStream): void {
    if (this.stream === stream) this.stream = null;
    this.doneStream = stream;
    stream.undoReadDisables();
    if (!this.dispatching) this.tellDone();
  }

  onStreamReset(stream: ClientStream): void {
    this.reusable = false;
    this.dead = true;
    this.parser.stop();
    this.release(stream);
  }

  private tellDone(): void {
    if (this.doneStream === null) return;
    this.doneStream = null;
    this.callbacks.onStreamDone();
  }
}

/** Bits of response headers that concern framing. */
const RARE = Bit.UPGRADE | Bit.HOP | Bit.CONTENT_LENGTH;

/** Bytes that no request asked for. A 408 is how a server says goodbye to an idle connection. */
function unasked(data: Uint8Array, stream: ClientStream | null): CodecError {
  if (stream !== null) {
    const message = 'http/1.1 protocol error: extraneous data after response complete';
    return { kind: 'protocol', details: Details.CODEC_ERROR, message };
  }
  return Buffer.prototype.latin1Slice.call(data, 0, Math.min(13, data.length)) === 'HTTP/1.1 408 '
    ? EARLY_408
    : { kind: 'protocol', details: Details.CODEC_ERROR, message: 'http/1.1 protocol error: unsolicited response' };
}

/** Returned when an idle connection receives a 408: the connection ends, but it is no protocol error of the peer. */
export const EARLY_408: CodecError = {
  kind: 'protocol',
  details: Details.CODEC_ERROR,
  message: 'Premature response: 408',
};
