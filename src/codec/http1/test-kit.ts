import { Dispatcher } from '../../base/dispatcher.js';
import type { RequestHeaders, ResponseHeaders, Trailers } from '../../base/headers.js';
import { OutBuffer, returnSlab } from '../../base/out-buffer.js';
import { seededRandom } from '../../base/random.js';
import type {
  CodecConnection,
  CodecError,
  RequestDecoder,
  RequestEncoder,
  ResetReason,
  ResponseDecoder,
  ResponseEncoder,
} from '../codec.js';
import { createHttp1ClientCodec, type Http1ClientCodec } from './client.js';
import { type Http1ClientOptions, Http1CodecStats, type Http1ServerOptions } from './options.js';
import { createHttp1ServerCodec, type Http1ServerCodec } from './server.js';

/** For tests: a connection without a network, and both sides of the codec with recorders behind them. */

const DISPATCHER = new Dispatcher({ monotonic: () => 0, wall: () => 0 }, seededRandom(1), true);

export class TestConnection implements CodecConnection {
  readonly dispatcher = DISPATCHER;
  readonly out = new OutBuffer();
  open = true;
  readsDisabled = 0;
  high = false;
  closedWith = '';

  markDirty(): void {}

  readDisable(disable: boolean): void {
    this.readsDisabled += disable ? 1 : -1;
  }

  unsentBytes(): number {
    return this.out.length;
  }

  aboveHighWatermark(): boolean {
    return this.high;
  }

  close(_type: number, reason: string): void {
    this.open = false;
    this.closedWith = reason;
  }

  /** Takes what was written since the last call, as a byte string. */
  sent(): string {
    let text = '';
    for (let slice = this.out.shift(); slice !== null; slice = this.out.shift()) {
      text += slice.buf.toString('latin1', slice.start, slice.end);
      returnSlab(slice.buf);
    }
    return text;
  }
}

const text = (data: Uint8Array) => Buffer.from(data).toString('latin1');
const lines = (headers: RequestHeaders | ResponseHeaders | Trailers) =>
  headers.names.map((name, i) => `${name.text}: ${headers.values[i]}`);

/** A request as the server codec delivered it. */
export class TestRequest implements RequestDecoder {
  headers: RequestHeaders | null = null;
  body = '';
  /** Sizes of the pieces in which the body came. */
  pieces: number[] = [];
  trailers: string[] | null = null;
  complete = false;
  reply = '';
  reset = '';
  marks: string[] = [];
  encoded = false;
  onComplete: (() => void) | null = null;

  constructor(readonly encoder: ResponseEncoder) {}

  decodeHeaders(headers: RequestHeaders, endStream: boolean): void {
    this.headers = headers;
    this.end(endStream);
  }

  decodeData(data: Uint8Array, endStream: boolean): void {
    this.body += text(data);
    this.pieces.push(data.length);
    this.end(endStream);
  }

  decodeTrailers(trailers: Trailers): void {
    this.trailers = lines(trailers);
    this.end(true);
  }

  private end(endStream: boolean): void {
    if (!endStream) return;
    this.complete = true;
    this.onComplete?.();
  }

  sendCodecReply(status: number, body: string, details: string): void {
    this.reply = `${status} ${body} ${details}`;
  }

  onReset(reason: ResetReason): void {
    this.reset = reason;
  }

  onCodecEncodeComplete(): void {
    this.encoded = true;
  }

  onAboveWriteBufferHighWatermark(): void {
    this.marks.push('high');
  }

  onBelowWriteBufferLowWatermark(): void {
    this.marks.push('low');
  }

  /** `GET a.test /path`, then the lines. */
  get summary(): string {
    const h = this.headers;
    if (h === null) return '';
    return [`${h.method} ${h.authority ?? '-'} ${h.path ?? '-'}`, ...lines(h)].join('|');
  }
}

export class TestServer {
  readonly conn = new TestConnection();
  readonly stats = new Http1CodecStats();
  readonly requests: TestRequest[] = [];
  readonly codec: Http1ServerCodec;
  error: CodecError | null = null;
  /** Called with each new stream. */
  onRequest: ((request: TestRequest) => void) | null = null;

  constructor(options: Http1ServerOptions = {}) {
    const newStream = (encoder: ResponseEncoder) => {
      const request = new TestRequest(encoder);
      this.requests.push(request);
      this.onRequest?.(request);
      return request;
    };
    this.codec = createHttp1ServerCodec(this.conn, { newStream, onGoAway: () => {} }, options, this.stats);
  }

  /** Bytes arrive in one read; the buffer is overwritten afterwards, as a shared read buffer is. */
  receive(bytes: string): this {
    const buffer = Buffer.from(bytes, 'latin1');
    this.error = this.codec.dispatch(buffer) ?? this.error;
    buffer.fill(0x7a);
    return this;
  }

  get last(): TestRequest {
    return this.requests[this.requests.length - 1];
  }
}

/** A response as the client codec delivered it. */
export class TestResponse implements ResponseDecoder {
  interim: string[] = [];
  headers: ResponseHeaders | null = null;
  body = '';
  trailers: string[] | null = null;
  complete = false;
  reset = '';
  marks: string[] = [];

  decode1xx(headers: ResponseHeaders): void {
    this.interim.push([headers.status, ...lines(headers)].join('|'));
  }

  decodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    this.headers = headers;
    if (endStream) this.complete = true;
  }

  decodeData(data: Uint8Array, endStream: boolean): void {
    this.body += text(data);
    if (endStream) this.complete = true;
  }

  decodeTrailers(trailers: Trailers): void {
    this.trailers = lines(trailers);
    this.complete = true;
  }

  onReset(reason: ResetReason): void {
    this.reset = reason;
  }

  onAboveWriteBufferHighWatermark(): void {
    this.marks.push('high');
  }

  onBelowWriteBufferLowWatermark(): void {
    this.marks.push('low');
  }

  get summary(): string {
    return this.headers === null ? '' : [this.headers.status, ...lines(this.headers)].join('|');
  }
}

export class TestClient {
  readonly conn = new TestConnection();
  readonly codec: Http1ClientCodec;
  done = 0;
  /** What `reusable` was when the stream was reported done. */
  reusableWhenDone: boolean | null = null;
  error: CodecError | null = null;
  response = new TestResponse();

  constructor(options: Http1ClientOptions = {}) {
    const callbacks = {
      onGoAway: () => {},
      onMaxConcurrentStreamsChanged: () => {},
      onStreamDone: () => {
        this.done++;
        this.reusableWhenDone = this.codec.reusable;
      },
    };
    this.codec = createHttp1ClientCodec(this.conn, callbacks, options, new Http1CodecStats());
  }

  /** Opens a stream and sends a head. */
  send(headers: RequestHeaders, endStream: boolean): RequestEncoder {
    this.response = new TestResponse();
    const encoder = this.codec.newStream(this.response);
    encoder.encodeHeaders(headers, endStream);
    return encoder;
  }

  receive(bytes: string): this {
    const buffer = Buffer.from(bytes, 'latin1');
    this.error = this.codec.dispatch(buffer) ?? this.error;
    buffer.fill(0x7a);
    return this;
  }
}
