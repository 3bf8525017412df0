import { Body, header, headerFacts } from './message.mjs';
import { Wire } from './socket.mjs';
import { now } from './watch.mjs';

/** One HTTP/1 message as it is read. `framing` is `length`, `chunked`, `close` (also of what follows an upgrade) or `none`. */
class Message {
  startLine = '';
  headers = [];
  trailers = [];
  body = new Body();
  framing = '';
  complete = false;
  headAt = 0;
  endAt = 0;
}

/** Reads messages out of a byte stream. `expectsBody(message)` decides whether one without framing runs until close. */
class Reader {
  #buffer = Buffer.alloc(0);
  #message = null;
  #state = 'head';
  #left = 0;

  constructor(sink) {
    this.sink = sink;
  }

  push(chunk) {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    while (this.#step());
  }

  /** End of the byte stream: completes a body that runs until close. */
  finish() {
    if (this.#state === 'close') this.#complete();
  }

  get partial() {
    return this.#message;
  }

  #step() {
    switch (this.#state) {
      case 'head':
        return this.#head();
      case 'length':
        return this.#take(() => this.#complete());
      case 'size':
        return this.#size();
      case 'chunk':
        return this.#take(() => {
          this.#state = 'gap';
        });
      case 'gap':
        if (this.#line() === null) return false;
        this.#state = 'size';
        return true;
      case 'trailers':
        return this.#trailers();
      case 'close':
        if (this.#buffer.length > 0) this.#message.body.add(this.#buffer);
        this.#buffer = Buffer.alloc(0);
        return false;
      default:
        return false;
    }
  }

  #line() {
    const at = this.#buffer.indexOf('\r\n');
    if (at < 0) return null;
    const line = this.#buffer.toString('latin1', 0, at);
    this.#buffer = this.#buffer.subarray(at + 2);
    return line;
  }

  #head() {
    const at = this.#buffer.indexOf('\r\n\r\n');
    if (at < 0) return false;
    const [startLine, ...lines] = this.#buffer.toString('latin1', 0, at).split('\r\n');
    this.#buffer = this.#buffer.subarray(at + 4);
    const message = new Message();
    message.startLine = startLine;
    message.headers = lines.map(split);
    message.headAt = now();
    const kind = this.sink.onHead(message);
    if (kind === 'interim') return true;
    this.#message = message;
    const length = header(message.headers, 'content-length');
    if (kind === 'tunnel') this.#enter('close', 'close');
    else if (kind === 'bodiless') this.#complete('none');
    else if (/chunked/i.test(header(message.headers, 'transfer-encoding') ?? '')) this.#enter('chunked', 'size');
    else if (length !== undefined && Number(length) === 0) this.#complete('length');
    else if (length !== undefined) {
      this.#left = Number(length);
      this.#enter('length', 'length');
    } else if (kind === 'request') this.#complete('none');
    else this.#enter('close', 'close');
    return true;
  }

  #enter(framing, state) {
    this.#message.framing = framing;
    this.#state = state;
  }

  #take(then) {
    if (this.#buffer.length === 0) return false;
    const part = this.#buffer.subarray(0, this.#left);
    this.#message.body.add(part);
    this.#left -= part.length;
    this.#buffer = this.#buffer.subarray(part.length);
    this.sink.onBody(this.#message);
    if (this.#left === 0) then();
    return true;
  }

  #size() {
    const line = this.#line();
    if (line === null) return false;
    this.#left = Number.parseInt(line, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
    return true;
  }

  #trailers() {
    const line = this.#line();
    if (line === null) return false;
    if (line === '') this.#complete();
    else this.#message.trailers.push(split(line));
    return true;
  }

  #complete(framing = this.#message.framing) {
    const message = this.#message;
    message.framing = framing;
    message.complete = true;
    message.endAt = now();
    this.#message = null;
    this.#state = 'head';
    this.sink.onComplete(message);
  }
}

function split(line) {
  const at = line.indexOf(':');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1).trim()];
}

function headBytes(startLine, headers) {
  return Buffer.from(
    `${startLine}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    'latin1',
  );
}

const chunk = (data) => Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]);
const bytes = (data) => (typeof data === 'string' ? Buffer.from(data, 'latin1') : data);

/** One request of a client and what came back. */
class Exchange {
  interim = [];
  response = null;
  startedAt = now();

  constructor(client, method, path) {
    this.client = client;
    this.method = method;
    this.path = path;
  }

  get ended() {
    return this.response?.complete || this.client.end !== 'open';
  }

  /** Waits for the end of the response, or of the connection. */
  done(ms) {
    return this.client.until(() => this.ended, ms);
  }

  /** Waits for the head of the response. */
  answered(ms) {
    return this.client.until(() => this.response !== null || this.client.end !== 'open', ms);
  }

  /** Waits until so many bytes of the body, or of the tunnel, have come. */
  read(bytes, ms) {
    return this.client.until(() => (this.response?.body.bytes ?? 0) >= bytes || this.client.end !== 'open', ms);
  }

  /** Sends part of a chunked or counted body. */
  send(data) {
    const part = bytes(data);
    this.client.raw(this.chunked ? chunk(part) : part);
    return this;
  }

  finish() {
    if (this.chunked) this.client.raw('0\r\n\r\n');
    return this;
  }

  facts() {
    const { response } = this;
    const facts = {};
    if (this.interim.length > 0) facts.interim = this.interim;
    if (response === null) {
      facts.response = 'none';
      facts.end = this.client.end === 'open' ? 'open' : 'connection closed';
      return facts;
    }
    facts.status = Number(response.startLine.split(' ')[1]);
    facts.line = response.startLine;
    facts.headers = headerFacts(response.headers);
    facts.body = response.body.facts();
    if (response.trailers.length > 0) facts.trailers = headerFacts(response.trailers);
    facts.end = response.complete ? 'complete' : this.client.end === 'open' ? 'open' : 'cut';
    facts.headAt = { ms: response.headAt - this.startedAt };
    if (facts.end !== 'open') {
      facts.endAt = { ms: (response.complete ? response.endAt : this.client.endAt) - this.startedAt };
    }
    return facts;
  }
}

/** A client connection that speaks HTTP/1.1, one request at a time unless told otherwise. */
export class H1Client extends Wire {
  exchanges = [];
  #waiting = [];
  #reader = new Reader(this);

  request({ method = 'GET', path = '/', headers = [], body = null, end = true, host = 'conf.test' }) {
    const exchange = new Exchange(this, method, path);
    const fields = [['host', host], ...headers];
    const data = body === null ? null : bytes(body);
    if (!end) {
      exchange.chunked = header(headers, 'content-length') === undefined;
      if (exchange.chunked) fields.push(['transfer-encoding', 'chunked']);
    } else if (data !== null) fields.push(['content-length', String(data.length)]);
    this.#started(exchange);
    const head = headBytes(`${method} ${path} HTTP/1.1`, fields);
    if (data === null) this.raw(head);
    else if (exchange.chunked) this.raw(Buffer.concat([head, chunk(data)]));
    else this.raw(Buffer.concat([head, data]));
    return exchange;
  }

  /** Any bytes as a request; `path` only names the exchange. */
  rawRequest(path, data, method = 'GET') {
    const exchange = new Exchange(this, method, path);
    this.#started(exchange);
    this.raw(data);
    return exchange;
  }

  #started(exchange) {
    this.exchanges.push(exchange);
    this.#waiting.push(exchange);
  }

  onBytes(data) {
    this.#reader.push(data);
  }

  onEnd(how) {
    if (how === 'fin') this.#reader.finish();
  }

  onHead(message) {
    const exchange = this.#waiting[0];
    const status = Number(message.startLine.split(' ')[1]);
    if (status >= 100 && status < 200 && status !== 101) {
      exchange?.interim.push(status);
      return 'interim';
    }
    if (exchange !== undefined) exchange.response = message;
    if (status === 101 || (exchange?.method === 'CONNECT' && status < 300)) return 'tunnel';
    return exchange?.method === 'HEAD' || status === 204 || status === 304 ? 'bodiless' : 'response';
  }

  onBody() {}

  onComplete() {
    this.#waiting.shift();
  }

  /** How the connection ended, and how long after the last response did. */
  facts() {
    return { end: this.end };
  }

  get lastEnd() {
    return Math.max(
      this.openedAt,
      ...this.exchanges.map((x) => (x.response?.complete ? x.response.endAt : (x.response?.headAt ?? x.startedAt))),
    );
  }
}

/** A request as an upstream sees it, and the means to answer it. */
class UpstreamRequest {
  #chunked = false;

  constructor(conn, message) {
    this.conn = conn;
    this.message = message;
    [this.method, this.path] = message.startLine.split(' ');
    this.headers = message.headers;
  }

  /** Waits for the whole request. */
  received(ms) {
    return this.conn.until(() => this.message.complete || this.conn.end !== 'open', ms);
  }

  gone(ms) {
    return this.conn.ended(ms);
  }

  informational(status, headers = []) {
    this.conn.raw(headBytes(`HTTP/1.1 ${status} Interim`, headers));
  }

  /** The whole answer at once. */
  respond(status = 200, { headers = [], body = 'ok' } = {}) {
    const data = bytes(body);
    const fields = [...headers, ['content-length', String(data.length)]];
    this.conn.raw(Buffer.concat([headBytes(`HTTP/1.1 ${status} Status`, fields), data]));
  }

  /** Agrees to an upgrade; what follows is sent and read as it is. */
  upgrade(
    headers = [
      ['connection', 'Upgrade'],
      ['upgrade', 'websocket'],
    ],
    status = 101,
  ) {
    this.conn.raw(headBytes(`HTTP/1.1 ${status} Status`, headers));
  }

  /** Waits until so many bytes of the body, or of the tunnel, have come. */
  read(bytes, ms) {
    return this.conn.until(() => this.message.body.bytes >= bytes || this.conn.end !== 'open', ms);
  }

  /** The head alone; the body follows by `send`, chunked unless a content-length is given. */
  start(status = 200, headers = []) {
    this.#chunked = header(headers, 'content-length') === undefined;
    this.conn.raw(
      headBytes(`HTTP/1.1 ${status} Status`, this.#chunked ? [...headers, ['transfer-encoding', 'chunked']] : headers),
    );
  }

  send(data) {
    this.conn.raw(this.#chunked ? chunk(bytes(data)) : bytes(data));
  }

  finish(trailers = []) {
    if (this.#chunked) this.conn.raw(`0\r\n${trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  }

  facts() {
    return {
      request: `${this.method} ${this.path}`,
      headers: headerFacts(this.headers),
      body: this.message.body.bytes,
      ...(this.message.trailers.length > 0 ? { trailers: headerFacts(this.message.trailers) } : {}),
      complete: this.message.complete,
    };
  }
}

/** A server connection that speaks HTTP/1.1 and gives each request to `onRequest`. */
export class H1Server extends Wire {
  requests = [];
  #reader = new Reader(this);

  constructor(socket, { onRequest }) {
    super(socket);
    this.onRequest = onRequest;
  }

  onBytes(data) {
    this.#reader.push(data);
  }

  onHead(message) {
    const request = new UpstreamRequest(this, message);
    this.requests.push(request);
    queueMicrotask(() => this.onRequest(request));
    return request.method === 'CONNECT' || header(message.headers, 'upgrade') !== undefined ? 'tunnel' : 'request';
  }

  onBody() {}

  onComplete() {}

  facts() {
    return { requests: this.requests.map((request) => request.facts()), end: this.end };
  }
}
