import type { Clock } from '../../base/clock.js';
import { Dispatcher } from '../../base/dispatcher.js';
import type { HeaderMap, RequestHeaders, ResponseHeaders, Trailers } from '../../base/headers.js';
import { OutBuffer, returnSlab } from '../../base/out-buffer.js';
import { type Random, seededRandom } from '../../base/random.js';
import type {
  CloseType,
  CodecConnection,
  RequestDecoder,
  ResetReason,
  ResponseDecoder,
  ResponseEncoder,
  ServerCodecCallbacks,
} from '../codec.js';
import { createHttp2ClientCodec, type Http2ClientCodec } from './client.js';
import { HpackDecoder } from './hpack-decoder.js';
import type { Http2Options } from './options.js';
import { createHttp2ServerCodec, type Http2ServerCodec } from './server.js';
import { Http2CodecStats } from './stats.js';

/** For the tests of this folder: connections without sockets, frames by hand, and time by hand. */

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export class TestClock implements Clock {
  ms = 1000;
  monotonic(): number {
    return this.ms;
  }
  wall(): number {
    return 1_700_000_000_000 + this.ms;
  }
}

export class TestConnection implements CodecConnection {
  readonly out = new OutBuffer();
  open = true;
  closed: { type: CloseType; reason: string } | null = null;
  above = false;
  /** The kernel takes nothing: what is taken out counts as unsent. */
  stuck = 0;

  constructor(readonly dispatcher: Dispatcher) {}

  markDirty(): void {}
  readDisable(): void {}
  unsentBytes(): number {
    return this.out.length + this.stuck;
  }
  aboveHighWatermark(): boolean {
    return this.above;
  }
  close(type: CloseType, reason: string): void {
    this.open = false;
    this.closed = { type, reason };
  }

  /** What was written since the last call. */
  take(): Buffer {
    const parts: Buffer[] = [];
    for (let slice = this.out.shift(); slice !== null; slice = this.out.shift()) {
      parts.push(Buffer.from(slice.buf.subarray(slice.start, slice.end)));
      returnSlab(slice.buf);
    }
    return Buffer.concat(parts);
  }
}

export interface ParsedFrame {
  type: number;
  flags: number;
  id: number;
  payload: Buffer;
}

export function parseFrames(bytes: Buffer): ParsedFrame[] {
  const frames: ParsedFrame[] = [];
  for (let at = 0; at + 9 <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    frames.push({
      type: bytes[at + 3],
      flags: bytes[at + 4],
      id: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, at + 9 + length),
    });
    at += 9 + length;
  }
  return frames;
}

const NAMES = ['DATA', 'HEADERS', 'PRIORITY', 'RST', 'SETTINGS', 'PUSH', 'PING', 'GOAWAY', 'WINDOW', 'CONT'];

/** `RST(1) 2`, `GOAWAY 0 1 text`, `DATA(1) 5 end`: what a test compares. */
export function describeFrames(bytes: Buffer): string[] {
  return parseFrames(bytes).map(({ type, flags, id, payload }) => {
    const head = id === 0 ? NAMES[type] : `${NAMES[type]}(${id})`;
    if (type === 3 || type === 8) return `${head} ${payload.readUInt32BE(0)}`;
    if (type === 7)
      return `${head} ${payload.readUInt32BE(0)} ${payload.readUInt32BE(4)} ${payload.toString('latin1', 8)}`.trim();
    if (type === 4 || type === 6) return flags & 1 ? `${head} ack` : head;
    const end = type <= 1 && flags & 1 ? ' end' : '';
    return type === 0 ? `${head} ${payload.length}${end}` : `${head}${end}`;
  });
}

export function frame(type: number, flags: number, id: number, payload: Buffer | string = ''): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, body]);
}

export const data = (id: number, body: Buffer | string, end = false) => frame(0, end ? 1 : 0, id, body);
export const rst = (id: number, code: number) => frame(3, 0, id, u32(code));
export const windowUpdate = (id: number, n: number) => frame(8, 0, id, u32(n));
export const ping = (text = '12345678', ack = false) => frame(6, ack ? 1 : 0, 0, text);
export const goAway = (last: number, code = 0) => frame(7, 0, 0, Buffer.concat([u32(last), u32(code)]));
export const settingsAck = frame(4, 1, 0);

export function settings(...entries: [number, number][]): Buffer {
  const body = Buffer.alloc(entries.length * 6);
  entries.forEach(([id, value], i) => {
    body.writeUInt16BE(id, i * 6);
    body.writeUInt32BE(value, i * 6 + 2);
  });
  return frame(4, 0, 0, body);
}

export function u32(value: number): Buffer {
  const buf = Buffer.alloc(4);
  buf.writeUInt32BE(value >>> 0);
  return buf;
}

/** Literal fields without indexing and without Huffman coding; names and values under 127 octets. */
export function block(...fields: [string, string][]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [
      Buffer.from([0, name.length]),
      Buffer.from(name, 'latin1'),
      Buffer.from([value.length]),
      Buffer.from(value, 'latin1'),
    ]),
  );
}

export function requestBlock(...extra: [string, string][]): Buffer {
  return block([':method', 'GET'], [':scheme', 'http'], [':path', '/r'], [':authority', 'a.test'], ...extra);
}

export function headers(id: number, body: Buffer, end = true, flags = 4): Buffer {
  return frame(1, flags | (end ? 1 : 0), id, body);
}

export function linesOf(map: HeaderMap): string[] {
  return map.names.map((name, i) => `${name.text}: ${map.values[i]}`);
}

/** Records what a codec tells of one stream. */
export class Recorder implements RequestDecoder, ResponseDecoder {
  readonly events: string[] = [];
  readonly chunks: Buffer[] = [];
  request: RequestHeaders | null = null;
  response: ResponseHeaders | null = null;
  trailers: Trailers | null = null;
  encoder!: ResponseEncoder;
  complete = false;
  /** Called after each event. */
  onEvent: (event: string) => void = () => {};

  get body(): Buffer {
    return Buffer.concat(this.chunks);
  }

  private note(event: string): void {
    this.events.push(event);
    this.onEvent(event);
  }

  decode1xx(map: ResponseHeaders): void {
    this.note(`1xx ${map.status}`);
  }

  decodeHeaders(map: RequestHeaders | ResponseHeaders, endStream: boolean): void {
    if ('method' in map) this.request = map;
    else this.response = map;
    if (endStream) this.complete = true;
    this.note(endStream ? 'headers end' : 'headers');
  }

  decodeData(bytes: Uint8Array, endStream: boolean): void {
    this.chunks.push(Buffer.from(bytes));
    if (endStream) this.complete = true;
    this.note(endStream ? `data ${bytes.length} end` : `data ${bytes.length}`);
  }

  decodeTrailers(trailers: Trailers): void {
    this.trailers = trailers;
    this.complete = true;
    this.note('trailers');
  }

  onReset(reason: ResetReason, details: string): void {
    this.note(`reset ${reason} ${details}`.trim());
  }

  onAboveWriteBufferHighWatermark(): void {
    this.note('above');
  }

  onBelowWriteBufferLowWatermark(): void {
    this.note('below');
  }

  onCodecEncodeComplete(): void {
    this.note('encoded');
  }

  sendCodecReply(): void {
    throw new Error('HTTP/2 has no replies of the codec');
  }
}

/** A server codec with a client made of bytes. */
export class ServerSide implements ServerCodecCallbacks {
  readonly clock = new TestClock();
  readonly dispatcher: Dispatcher;
  readonly conn: TestConnection;
  readonly stats = new Http2CodecStats();
  readonly codec: Http2ServerCodec;
  readonly streams: Recorder[] = [];
  goAways = 0;
  /** Called with each new stream. */
  onStream: (stream: Recorder) => void = () => {};

  constructor(options: Http2Options = {}, random: Random = seededRandom(1)) {
    this.dispatcher = new Dispatcher(this.clock, random, true);
    this.conn = new TestConnection(this.dispatcher);
    this.codec = createHttp2ServerCodec(this.conn, this, options, this.stats);
  }

  newStream(encoder: ResponseEncoder): RequestDecoder {
    const stream = new Recorder();
    stream.encoder = encoder;
    this.streams.push(stream);
    this.onStream(stream);
    return stream;
  }

  onGoAway(): void {
    this.goAways++;
  }

  /** One pass: returns the codec's error text, '' for none. */
  receive(...bytes: Buffer[]): string {
    this.dispatcher.enter();
    const error = this.codec.dispatch(Buffer.concat(bytes));
    this.dispatcher.leave();
    return error === null ? '' : error.message;
  }

  /** The preface, both SETTINGS and both acknowledgements; what was written is forgotten. */
  handshake(...entries: [number, number][]): this {
    this.receive(PREFACE, settings(...entries));
    this.receive(settingsAck);
    this.conn.take();
    return this;
  }

  sent(): string[] {
    return describeFrames(this.conn.take());
  }

  /** Moves time; timers fire. */
  wait(ms: number): void {
    this.clock.ms += ms;
    this.dispatcher.timers.run();
  }

  /** Work that a pass leaves for its end. */
  pass(work: () => void = () => {}): void {
    this.dispatcher.enter();
    work();
    this.dispatcher.leave();
  }
}

/** A client codec with a server made of bytes. */
export class ClientSide {
  readonly clock = new TestClock();
  readonly dispatcher: Dispatcher;
  readonly conn: TestConnection;
  readonly stats = new Http2CodecStats();
  readonly codec: Http2ClientCodec;
  readonly calls: string[] = [];

  constructor(options: Http2Options = {}, random: Random = seededRandom(1)) {
    this.dispatcher = new Dispatcher(this.clock, random, true);
    this.conn = new TestConnection(this.dispatcher);
    const callbacks = {
      onGoAway: (code: number) => this.calls.push(`goaway ${code}`),
      onMaxConcurrentStreamsChanged: (limit: number) => this.calls.push(`limit ${limit}`),
      onStreamDone: () => this.calls.push('done'),
    };
    this.codec = createHttp2ClientCodec(this.conn, callbacks, options, this.stats);
  }

  receive(...bytes: Buffer[]): string {
    this.dispatcher.enter();
    const error = this.codec.dispatch(Buffer.concat(bytes));
    this.dispatcher.leave();
    return error === null ? '' : error.message;
  }

  sent(): string[] {
    let bytes = this.conn.take();
    if (bytes.subarray(0, PREFACE.length).equals(PREFACE)) bytes = bytes.subarray(PREFACE.length);
    return describeFrames(bytes);
  }

  wait(ms: number): void {
    this.clock.ms += ms;
    this.dispatcher.timers.run();
  }

  pass(work: () => void = () => {}): void {
    this.dispatcher.enter();
    work();
    this.dispatcher.leave();
  }
}

/** Fields of a block as `name: value`, or null when it is malformed. */
export function decodeBlock(decoder: HpackDecoder, bytes: Buffer): string[] | null {
  const lines: string[] = [];
  decoder.begin();
  const end = decoder.decode(bytes, 0, bytes.length, true, {
    onField(field) {
      lines.push(`${field.name.text}: ${field.value}`);
      return true;
    },
  });
  return end < 0 ? null : lines;
}

export { HpackDecoder };
