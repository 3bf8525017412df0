import { Decoder, encode } from './hpack.mjs';
import { Body, header, headerFacts } from './message.mjs';
import { Wire } from './socket.mjs';
import { now } from './watch.mjs';

export const FRAME = {
  DATA: 0, HEADERS: 1, PRIORITY: 2, RST_STREAM: 3, SETTINGS: 4, PUSH_PROMISE: 5, PING: 6, GOAWAY: 7, WINDOW_UPDATE: 8,
  CONTINUATION: 9,
}; // biome-ignore format: a table
export const FLAG = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 0x20 };
export const SETTING = {
  HEADER_TABLE_SIZE: 1, ENABLE_PUSH: 2, MAX_CONCURRENT_STREAMS: 3, INITIAL_WINDOW_SIZE: 4, MAX_FRAME_SIZE: 5,
  ENABLE_CONNECT_PROTOCOL: 8,
}; // biome-ignore format: a table
const CODES = [
  'NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR', 'SETTINGS_TIMEOUT', 'STREAM_CLOSED',
  'FRAME_SIZE_ERROR', 'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR', 'CONNECT_ERROR', 'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY', 'HTTP_1_1_REQUIRED',
]; // biome-ignore format: a table
export const ERROR = Object.fromEntries(CODES.map((name, code) => [name, code]));

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const DEFAULT_WINDOW = 65535;
const WIDE = 2 ** 31 - 1 - DEFAULT_WINDOW;

export function frame(type, flags, stream, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function u32(value) {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}

export function settingsPayload(settings) {
  const parts = Object.entries(settings).map(([name, value]) => {
    const part = Buffer.alloc(6);
    part.writeUInt16BE(SETTING[name] ?? Number(name), 0);
    part.writeUInt32BE(value, 2);
    return part;
  });
  return Buffer.concat(parts);
}

const asBytes = (data) => (typeof data === 'string' ? Buffer.from(data, 'latin1') : data);

/** One stream, from either side: what was received, and the means to send on it. */
class Stream {
  interim = [];
  headers = null;
  trailers = null;
  body = new Body();
  endStream = false;
  reset = null;
  resetAt = 0;
  headAt = 0;
  endAt = 0;
  startedAt = now();
  sent = 0;
  localEnd = false;
  #queue = [];

  constructor(conn, id) {
    this.conn = conn;
    this.id = id;
    this.sendWindow = conn.peerInitialWindow;
  }

  get ended() {
    return this.endStream || this.reset !== null || this.conn.end !== 'open';
  }

  done(ms) {
    return this.conn.until(() => this.ended, ms);
  }

  /** Waits for the head of the message. */
  answered(ms) {
    return this.conn.until(() => this.headers !== null || this.ended, ms);
  }

  /** Waits until so many bytes of the body have come. */
  read(bytes, ms) {
    return this.conn.until(() => this.body.bytes >= bytes || this.ended, ms);
  }

  sendHeaders(fields, end = false) {
    this.conn.frame(FRAME.HEADERS, FLAG.END_HEADERS | (end ? FLAG.END_STREAM : 0), this.id, encode(fields));
    if (end) this.localEnd = true;
  }

  /** Queues DATA, which leaves as the windows allow. */
  send(data, end = false) {
    this.#queue.push({ data: asBytes(data), end });
    this.flush();
    return this;
  }

  finish(trailers = null) {
    if (trailers === null) this.send(Buffer.alloc(0), true);
    else this.#queue.push({ trailers });
    this.flush();
    return this;
  }

  get allSent() {
    return this.#queue.length === 0;
  }

  flush() {
    while (this.#queue.length > 0 && this.reset === null) {
      const item = this.#queue[0];
      if (item.trailers !== undefined) {
        this.#queue.shift();
        this.sendHeaders(item.trailers, true);
        continue;
      }
      const room = Math.min(this.sendWindow, this.conn.sendWindow, 16384);
      const part = item.data.subarray(0, Math.max(0, room));
      if (part.length === 0 && item.data.length > 0) return;
      item.data = item.data.subarray(part.length);
      const last = item.data.length === 0;
      this.sendWindow -= part.length;
      this.conn.sendWindow -= part.length;
      this.sent += part.length;
      if (last) this.#queue.shift();
      const end = last && item.end;
      if (end) this.localEnd = true;
      this.conn.frame(FRAME.DATA, end ? FLAG.END_STREAM : 0, this.id, part);
    }
    this.conn.changed();
  }

  rst(code = 'CANCEL') {
    this.localReset = code;
    this.#queue = [];
    this.conn.frame(FRAME.RST_STREAM, 0, this.id, u32(ERROR[code]));
  }

  /** Grants the peer `bytes` more on this stream and on the connection. */
  grant(bytes) {
    this.conn.frame(FRAME.WINDOW_UPDATE, 0, this.id, u32(bytes));
    this.conn.frame(FRAME.WINDOW_UPDATE, 0, 0, u32(bytes));
  }

  get endFacts() {
    const parts = [];
    if (this.endStream) parts.push('complete');
    if (this.reset !== null) parts.push(`RST_STREAM(${this.reset})`);
    if (parts.length === 0) return this.conn.end === 'open' ? 'open' : 'connection closed';
    return parts.join(', then ');
  }
}

/** The client's view of a stream. */
class Exchange extends Stream {
  facts() {
    const facts = {};
    if (this.interim.length > 0) facts.interim = this.interim;
    if (this.headers === null) facts.response = 'none';
    else {
      facts.status = Number(header(this.headers, ':status'));
      facts.headers = headerFacts(this.headers);
      facts.body = this.body.facts();
      if (this.trailers !== null) facts.trailers = headerFacts(this.trailers);
      facts.headAt = { ms: this.headAt - this.startedAt };
    }
    facts.end = this.endFacts;
    const at = this.endStream ? this.endAt : this.reset !== null ? this.resetAt : this.conn.endAt;
    if (facts.end !== 'open') facts.endAt = { ms: at - this.startedAt };
    return facts;
  }
}

/** The upstream's view of a stream. */
class UpstreamRequest extends Stream {
  get method() {
    return header(this.headers, ':method');
  }

  get path() {
    return header(this.headers, ':path');
  }

  received(ms) {
    return this.done(ms);
  }

  gone(ms) {
    return this.conn.until(() => this.reset !== null || this.conn.end !== 'open', ms);
  }

  #status(status, headers) {
    return [[':status', String(status)], ...headers];
  }

  informational(status, headers = []) {
    this.sendHeaders(this.#status(status, headers));
  }

  respond(status = 200, { headers = [], body = 'ok' } = {}) {
    this.sendHeaders(this.#status(status, headers));
    this.send(body, true);
  }

  start(status = 200, headers = []) {
    this.sendHeaders(this.#status(status, headers));
  }

  facts() {
    return {
      request: `${this.method} ${this.path}`,
      headers: headerFacts(this.headers ?? []),
      body: this.body.bytes,
      ...(this.trailers !== null ? { trailers: headerFacts(this.trailers) } : {}),
      complete: this.endStream,
      ...(this.reset !== null ? { reset: this.reset } : {}),
    };
  }
}

/**
 * An HTTP/2 connection of a test peer.
 *
 * Options: `settings` sent first ({NAME: value}); `window` how received DATA is granted again: `auto` (at once, and the
 * connection's window is opened wide) or `none` (never: the peer runs dry after the initial window); `ackPing` and
 * `ackSettings` whether those are acknowledged (true).
 */
class H2Wire extends Wire {
  streams = new Map();
  sendWindow = DEFAULT_WINDOW;
  peerInitialWindow = DEFAULT_WINDOW;
  goaways = [];
  pings = 0;
  frozen = false;
  #buffer = Buffer.alloc(0);
  #decoder = new Decoder();
  #block = null;

  constructor(socket, { settings = {}, window = 'auto', ackPing = true, ackSettings = true } = {}) {
    super(socket);
    this.window = window;
    this.ackPing = ackPing;
    this.ackSettings = ackSettings;
    this.settings = settings;
  }

  hello() {
    this.frame(FRAME.SETTINGS, 0, 0, settingsPayload(this.settings));
    if (this.window === 'auto') this.frame(FRAME.WINDOW_UPDATE, 0, 0, u32(WIDE));
  }

  frame(type, flags, stream, payload) {
    if (!this.frozen) this.raw(frame(type, flags, stream, payload));
  }

  goaway(code = 'NO_ERROR', last = 2 ** 31 - 1) {
    this.frame(FRAME.GOAWAY, 0, 0, Buffer.concat([u32(last), u32(ERROR[code])]));
  }

  ping() {
    this.frame(FRAME.PING, 0, 0, Buffer.from('12345678'));
  }

  /** From now on this side neither reads nor writes: to the other side it looks dead, though TCP acknowledges. */
  freeze() {
    this.frozen = true;
    this.pause();
  }

  onBytes(data) {
    this.#buffer = this.#buffer.length === 0 ? data : Buffer.concat([this.#buffer, data]);
    if (!this.started(this.#buffer)) return;
    while (this.#buffer.length >= 9) {
      const length = this.#buffer.readUIntBE(0, 3);
      if (this.#buffer.length < 9 + length) return;
      const type = this.#buffer[3];
      const flags = this.#buffer[4];
      const id = this.#buffer.readUInt32BE(5) & 0x7fffffff;
      const payload = this.#buffer.subarray(9, 9 + length);
      this.#buffer = this.#buffer.subarray(9 + length);
      this.#received(type, flags, id, payload);
    }
  }

  /** Gives a server the chance to take off the preface. */
  started() {
    return true;
  }

  skip(bytes) {
    this.#buffer = this.#buffer.subarray(bytes);
  }

  #received(type, flags, id, payload) {
    const stream = this.streams.get(id);
    switch (type) {
      case FRAME.SETTINGS:
        if (flags & FLAG.ACK) return;
        this.#settings(payload);
        if (this.ackSettings) this.frame(FRAME.SETTINGS, FLAG.ACK, 0);
        return;
      case FRAME.PING:
        if (flags & FLAG.ACK) return;
        this.pings += 1;
        if (this.ackPing) this.frame(FRAME.PING, FLAG.ACK, 0, payload);
        return;
      case FRAME.GOAWAY:
        this.goaways.push({
          code: CODES[payload.readUInt32BE(4)],
          last: payload.readUInt32BE(0),
          debug: payload.toString('latin1', 8),
        });
        return;
      case FRAME.WINDOW_UPDATE:
        this.#window(stream, id, payload.readUInt32BE(0));
        return;
      case FRAME.RST_STREAM:
        if (stream !== undefined && stream.reset === null) {
          stream.reset = CODES[payload.readUInt32BE(0)];
          stream.resetAt = now();
        }
        return;
      case FRAME.DATA:
        this.#data(stream, id, flags, payload);
        return;
      case FRAME.HEADERS:
      case FRAME.CONTINUATION:
        this.#headers(type, flags, id, payload);
        return;
      default:
    }
  }

  #settings(payload) {
    for (let at = 0; at < payload.length; at += 6) {
      if (payload.readUInt16BE(at) !== SETTING.INITIAL_WINDOW_SIZE) continue;
      const value = payload.readUInt32BE(at + 2);
      for (const stream of this.streams.values()) stream.sendWindow += value - this.peerInitialWindow;
      this.peerInitialWindow = value;
    }
    for (const stream of this.streams.values()) stream.flush();
  }

  #window(stream, id, increment) {
    if (id === 0) {
      this.sendWindow += increment;
      for (const each of this.streams.values()) each.flush();
    } else if (stream !== undefined) {
      stream.sendWindow += increment;
      stream.flush();
    }
  }

  #data(stream, id, flags, payload) {
    const padding = flags & FLAG.PADDED ? payload[0] + 1 : 0;
    if (this.window === 'auto' && payload.length > 0) {
      this.frame(FRAME.WINDOW_UPDATE, 0, 0, u32(payload.length));
      if (!(flags & FLAG.END_STREAM)) this.frame(FRAME.WINDOW_UPDATE, 0, id, u32(payload.length));
    }
    if (stream === undefined) return;
    stream.body.add(payload.subarray(padding === 0 ? 0 : 1, payload.length - (padding === 0 ? 0 : padding - 1)));
    if (flags & FLAG.END_STREAM) this.#end(stream);
  }

  #headers(type, flags, id, payload) {
    if (type === FRAME.HEADERS) {
      let from = 0;
      let to = payload.length;
      if (flags & FLAG.PADDED) {
        to -= payload[0];
        from += 1;
      }
      if (flags & FLAG.PRIORITY) from += 5;
      this.#block = { flags, parts: [payload.subarray(from, to)] };
    } else this.#block.parts.push(payload);
    if (!(flags & FLAG.END_HEADERS)) return;
    const fields = this.#decoder.decode(Buffer.concat(this.#block.parts));
    const end = (this.#block.flags & FLAG.END_STREAM) !== 0;
    this.#block = null;
    const stream = this.streams.get(id) ?? this.opened(id);
    if (stream === undefined) return;
    const status = Number(header(fields, ':status'));
    if (stream.headers !== null) stream.trailers = fields;
    else if (status >= 100 && status < 200) stream.interim.push(status);
    else {
      stream.headers = fields;
      stream.headAt = now();
      this.arrived(stream);
    }
    if (end) this.#end(stream);
  }

  #end(stream) {
    stream.endStream = true;
    stream.endAt = now();
  }

  /** A stream that the other side opens; undefined when that is not expected. */
  opened() {
    return undefined;
  }

  /** The head of a stream's message is here. */
  arrived() {}
}

export class H2Client extends H2Wire {
  exchanges = [];
  #next = 1;

  constructor(socket, options) {
    super(socket, options);
    this.raw(PREFACE);
    this.hello();
  }

  request({ method = 'GET', path = '/', headers = [], body = null, end = true, host = 'conf.test', protocol = null }) {
    const exchange = new Exchange(this, this.#next);
    this.#next += 2;
    exchange.method = method;
    exchange.path = path;
    this.streams.set(exchange.id, exchange);
    this.exchanges.push(exchange);
    const plain = method === 'CONNECT' && protocol === null;
    const target = plain
      ? []
      : [
          [':scheme', 'http'],
          [':path', path],
        ];
    const extended = protocol === null ? [] : [[':protocol', protocol]];
    const fields = [[':method', method], ...extended, [':authority', host], ...target, ...headers];
    exchange.sendHeaders(fields, end && body === null);
    if (body !== null) exchange.send(body, end);
    return exchange;
  }

  facts() {
    return {
      end: this.end,
      ...(this.goaways.length > 0
        ? { goaways: this.goaways.map(({ code, last, debug }) => `${code} ${last} ${debug}`.trim()) }
        : {}),
    };
  }

  get lastEnd() {
    return Math.max(
      this.openedAt,
      ...this.exchanges.map((x) => (x.endStream ? x.endAt : x.reset !== null ? x.resetAt : x.startedAt)),
    );
  }
}

export class H2Server extends H2Wire {
  requests = [];
  #prefaced = false;

  constructor(socket, { onRequest, ...options }) {
    super(socket, options);
    this.onRequest = onRequest;
    this.hello();
  }

  started(buffer) {
    if (this.#prefaced) return true;
    if (buffer.length < PREFACE.length) return false;
    this.#prefaced = true;
    this.skip(PREFACE.length);
    return true;
  }

  opened(id) {
    const request = new UpstreamRequest(this, id);
    this.streams.set(id, request);
    this.requests.push(request);
    return request;
  }

  arrived(request) {
    queueMicrotask(() => this.onRequest(request));
  }

  facts() {
    return {
      requests: this.requests.map((request) => request.facts()),
      end: this.end,
      ...(this.goaways.length > 0 ? { goaways: this.goaways.map(({ code }) => code) } : {}),
    };
  }
}
