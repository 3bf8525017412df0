import type { RequestHeaders, ResponseHeaders, Trailers } from '../../base/headers.js';
import {
  type ClientCodec,
  type ClientCodecCallbacks,
  Close,
  type CodecError,
  Reset,
  type ResponseDecoder,
} from '../../codec/codec.js';
import type { CloseEvent, ConnectionEvents } from '../../network/connection.js';
import type { Dial } from '../host.js';
import type { Http1ClientCodec, Transport, UpstreamConnection } from '../pool/transport.js';

/** A whole answer. */
export interface CheckResponse {
  readonly headers: ResponseHeaders;
  readonly trailers: Trailers | null;
  readonly body: Buffer;
}

export interface CheckListener {
  onResponse(response: CheckResponse, client: CheckClient): void;
  /** The exchange ended without an answer. */
  onNoResponse(client: CheckClient): void;
  onClosed(client: CheckClient): void;
}

/** One connection for health checks, one exchange at a time. */
export class CheckClient implements ConnectionEvents, ClientCodecCallbacks, ResponseDecoder {
  private readonly connection: UpstreamConnection;
  private readonly codec: ClientCodec;
  private readonly http1: Http1ClientCodec | null;
  private connected = false;
  private closed = false;
  /** Its owner has let go of it: it tells nothing any more. */
  private detached = false;
  private waiting: RequestHeaders | null = null;
  private requestBody: Buffer | null = null;
  private inFlight = false;
  private headers: ResponseHeaders | null = null;
  private trailers: Trailers | null = null;
  private chunks: Buffer[] = [];
  private complete = false;
  private failed = false;
  private goneAway = false;

  constructor(
    transport: Transport,
    dial: Dial,
    http2: boolean,
    private readonly listener: CheckListener,
  ) {
    this.connection = transport.connect(dial);
    this.connection.setEvents(this);
    this.http1 = http2 ? null : transport.http1(this.connection, this);
    this.codec = this.http1 ?? transport.http2(this.connection, this);
  }

  /** Whether it can carry one more exchange. */
  get reusable(): boolean {
    return !this.closed && !this.goneAway && (this.http1 === null || this.http1.reusable);
  }

  request(headers: RequestHeaders, body: Buffer | null): void {
    this.inFlight = true;
    this.requestBody = body;
    this.headers = null;
    this.trailers = null;
    this.chunks = [];
    this.complete = this.failed = false;
    if (this.connected) this.send(headers);
    else this.waiting = headers;
  }

  private send(headers: RequestHeaders): void {
    const encoder = this.codec.newStream(this);
    encoder.encodeHeaders(headers, this.requestBody === null);
    if (this.requestBody !== null) encoder.encodeData(this.requestBody, true);
    this.connection.markDirty();
  }

  /** Closes without telling its listener anything. */
  discard(): void {
    this.detached = true;
    if (!this.closed) this.connection.close(Close.NO_FLUSH, '');
  }

  // --- from the connection

  onConnected(): void {
    this.connected = true;
    const headers = this.waiting;
    this.waiting = null;
    if (headers !== null) this.send(headers);
  }

  onData(data: Buffer): void {
    const error: CodecError | null = this.codec.dispatch(data);
    this.settle();
    if (error !== null && !this.closed) this.connection.close(Close.NO_FLUSH, '');
    else if (!this.inFlight && !this.reusable && !this.closed) this.connection.close(Close.NO_FLUSH, '');
  }

  onRemoteEnd(): void {
    this.codec.onRemoteEnd();
    this.settle();
    if (!this.closed) this.connection.close(Close.NO_FLUSH, '');
  }

  onClosed(_event: CloseEvent): void {
    if (this.closed) return;
    this.closed = true;
    this.codec.onConnectionClosed(Reset.CONNECTION_TERMINATION, '');
    if (this.inFlight && !this.complete) this.failed = true;
    this.settle();
    if (!this.detached) this.listener.onClosed(this);
  }

  onAboveHighWatermark(): void {
    this.codec.onConnectionAboveHighWatermark();
  }

  onBelowLowWatermark(): void {
    this.codec.onConnectionBelowLowWatermark();
  }

  // --- from the codec

  onGoAway(errorCode: number): void {
    this.goneAway = true;
    if (errorCode !== 0 && this.inFlight && !this.complete) this.failed = true;
  }

  onMaxConcurrentStreamsChanged(): void {}

  onStreamDone(): void {}

  decode1xx(): void {}

  decodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    this.headers = headers;
    this.complete = endStream;
  }

  decodeData(data: Uint8Array, endStream: boolean): void {
    this.chunks.push(Buffer.from(data));
    this.complete = endStream;
  }

  decodeTrailers(trailers: Trailers): void {
    this.trailers = trailers;
    this.complete = true;
  }

  onReset(): void {
    if (!this.complete) this.failed = true;
  }

  onAboveWriteBufferHighWatermark(): void {}

  onBelowWriteBufferLowWatermark(): void {}

  /** Tells what came of the exchange, when the codec is not on the stack any more. */
  private settle(): void {
    if (!this.inFlight || this.detached) return;
    if (this.complete && this.headers !== null) {
      this.inFlight = false;
      const { headers, trailers } = this;
      this.listener.onResponse({ headers, trailers, body: Buffer.concat(this.chunks) }, this);
    } else if (this.failed) {
      this.inFlight = false;
      this.listener.onNoResponse(this);
    }
  }
}
