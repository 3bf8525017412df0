import assert from 'node:assert/strict';
import { test } from 'node:test';
import { permanentName } from '../../base/header-names.js';
import { RequestHeaders, ResponseHeaders, Trailers } from '../../base/headers.js';
import { type Random, seededRandom } from '../../base/random.js';
import type { Http1ServerOptions } from './options.js';
import { TestClient, TestServer } from './test-kit.js';

const below = (random: Random, n: number) => random.u32() % n;
const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)];

/** Cuts into pieces of random sizes, mostly small. */
function* pieces(random: Random, bytes: string): Generator<string> {
  for (let at = 0; at < bytes.length; ) {
    const n = 1 + below(random, pick(random, [1, 3, 10, 100, 1000]));
    yield bytes.slice(at, at + n);
    at += n;
  }
}

const NAMES = ['Host', 'X-A', 'x-a', 'Accept', 'Cookie', 'Via', 'X_U', 'Connection', 'TE', 'Content-Type', '!#$%', 'a'];
const VALUES = ['a.test', 'b', '', 'a, b', 'x-a', '\xe9', 'a\r\n b', ' a ', 'a\tb', 'close', 'keep-alive', 'trailers'];
const END = ['\r\n', '\r\n', '\r\n', '\n'];

function head(random: Random, start: string, framing: string): string {
  let out = start + pick(random, END);
  for (let i = below(random, 8); i > 0; i--) {
    out += `${pick(random, NAMES)}:${pick(random, [' ', '', '\t'])}${pick(random, VALUES)}${pick(random, END)}`;
  }
  return `${out}${framing}${pick(random, END)}`;
}

function chunkedBody(random: Random): string {
  let out = '';
  for (let i = below(random, 4); i > 0; i--) {
    const data = 'd'.repeat(1 + below(random, 300));
    out += `${data.length.toString(16)}${pick(random, ['', ';x', ' ', ';a="b"'])}\r\n${data}${pick(random, ['', '??'])}\r\n`;
  }
  return `${out}0\r\n${pick(random, ['', 'X-T: 1\r\n', 'A: b\nC: d\r\n e\r\n'])}\r\n`;
}

function message(random: Random, start: string): string {
  switch (below(random, 3)) {
    case 0:
      return `${head(random, start, 'Content-Length: 7\r\n')}1234567`;
    case 1:
      return head(random, start, 'Transfer-Encoding: chunked\r\n') + chunkedBody(random);
    default:
      return head(random, start, 'Content-Length: 0\r\n');
  }
}

/** Replaces, inserts or removes a few bytes where they hurt. */
function damage(random: Random, bytes: string): string {
  let out = bytes;
  for (let i = below(random, 4); i > 0; i--) {
    const at = below(random, out.length + 1);
    const with_ = pick(random, ['\r', '\n', '\r\n', ' ', '\0', '\x7f', '\xff', ':', ';', '0', 'f', ',', '/', '']);
    out = out.slice(0, at) + with_ + out.slice(at + below(random, 3));
  }
  return out;
}

function requests(server: TestServer): string {
  return server.requests
    .filter((request) => request.headers !== null)
    .map((request) => `${request.summary} [${request.body}] ${request.trailers} ${request.complete}`)
    .join('\n');
}

/** Feeds the pieces, answering each complete request and reading on. */
function serve(parts: Iterable<string>, options: Http1ServerOptions): TestServer {
  const server = new TestServer(options);
  const ok = new ResponseHeaders(204);
  for (const part of parts) {
    server.receive(part);
    for (let guard = 0; server.error === null && server.last?.complete && !server.last.encoded; guard++) {
      assert.ok(guard < 1000);
      server.last.encoder.encodeHeaders(ok, true);
      server.conn.sent();
      server.receive('');
    }
    if (server.error !== null) break;
  }
  return server;
}

const TARGETS = ['/', '/a?b', 'http://c.test/x', '*', '/\xff'];

test('any split of valid requests gives the same requests', () => {
  const random = seededRandom(11);
  for (let i = 0; i < 600; i++) {
    const options: Http1ServerOptions = { enableTrailers: below(random, 2) === 0 };
    let bytes = '';
    for (let n = 1 + below(random, 3); n > 0; n--) {
      bytes += message(random, `${pick(random, ['GET', 'POST', 'HEAD'])} ${pick(random, TARGETS)} HTTP/1.1`);
    }
    const whole = serve([bytes], options);
    const split = serve(pieces(random, bytes), options);
    assert.equal(requests(split), requests(whole), bytes);
    assert.equal(split.error?.details, whole.error?.details, bytes);
    assert.ok(whole.conn.readsDisabled === 0 || whole.error !== null);
  }
});

test('damaged requests never throw, and are refused however they are split', () => {
  const random = seededRandom(12);
  for (let i = 0; i < 3000; i++) {
    const bytes = damage(
      random,
      message(random, `POST ${pick(random, TARGETS)} HTTP/1.1`) + message(random, 'GET / HTTP/1.1'),
    );
    const whole = serve([bytes], { enableTrailers: true });
    const split = serve(pieces(random, bytes), { enableTrailers: true });
    assert.equal(split.error === null, whole.error === null, JSON.stringify(bytes));
    const complete = (server: TestServer) => server.requests.filter((request) => request.complete).length;
    assert.equal(complete(split), complete(whole), JSON.stringify(bytes));
  }
});

test('any split of a valid response gives the same response', () => {
  const random = seededRandom(13);
  for (let i = 0; i < 600; i++) {
    const interim = pick(random, ['', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 E\r\nL: x\r\n\r\n']);
    const bytes = interim + message(random, pick(random, ['HTTP/1.1 200 OK', 'HTTP/1.1 404', 'HTTP/1.0  2000 x y']));
    const run = (parts: Iterable<string>) => {
      const client = new TestClient({ enableTrailers: true });
      const get = new RequestHeaders();
      get.method = 'GET';
      get.path = '/';
      client.send(get, true);
      for (const part of parts) client.receive(part);
      const { response } = client;
      assert.equal(client.error, null, bytes);
      assert.equal(response.complete, true, bytes);
      return `${response.interim} ${response.summary} [${response.body}] ${response.trailers} ${client.codec.reusable}`;
    };
    assert.equal(run(pieces(random, bytes)), run([bytes]), bytes);
  }
});

test('random bytes never throw', () => {
  const random = seededRandom(14);
  const alphabet = 'GETPOSHP/1.0 \r\n\r\n:;,0123456789abcdef\0\x7f\xff"\\chunkedlength-ho';
  for (let i = 0; i < 2000; i++) {
    let bytes = pick(random, [
      '',
      'GET / HTTP/1.1\r\n',
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    ]);
    for (let n = below(random, 200); n > 0; n--) bytes += alphabet[below(random, alphabet.length)];
    serve(pieces(random, bytes), { acceptHttp10: true, enableTrailers: true });
    const client = new TestClient({ enableTrailers: true });
    client.send(
      Object.assign(new RequestHeaders(), { method: pick(random, ['GET', 'HEAD', 'CONNECT']), path: '/' }),
      true,
    );
    for (const part of pieces(random, bytes)) {
      client.receive(part);
      if (client.error !== null) break;
    }
    client.codec.onRemoteEnd();
  }
});

function randomHeaders<T extends RequestHeaders | ResponseHeaders>(random: Random, headers: T): T {
  for (let i = below(random, 12); i > 0; i--) {
    const value = String.fromCharCode(...Array.from({ length: below(random, 60) }, () => 33 + below(random, 90)));
    headers.push(permanentName(`x-${below(random, 1000)}-${i}`), value);
  }
  return headers;
}

const listed = (headers: RequestHeaders | ResponseHeaders | Trailers) =>
  headers.names.map((name, i) => `${name.text}: ${headers.values[i]}`).join('|');

test('what the client codec writes the server codec reads, and back', () => {
  const random = seededRandom(15);
  for (let i = 0; i < 800; i++) {
    const client = new TestClient({ enableTrailers: true });
    const server = new TestServer({ enableTrailers: true });
    const request = randomHeaders(random, new RequestHeaders());
    request.method = pick(random, ['GET', 'POST', 'PUT', 'DELETE']);
    request.path = `/${below(random, 1000)}`;
    request.authority = 'a.test';
    const before = listed(request);
    const body = below(random, 2) === 0 ? null : 'b'.repeat(below(random, 3000));
    const encoder = client.send(request, body === null);
    const trailers = new Trailers();
    if (body !== null) {
      for (const part of pieces(random, body)) encoder.encodeData(Buffer.from(part), false);
      if (below(random, 2) === 0) encoder.encodeData(Buffer.alloc(0), true);
      else {
        trailers.push(permanentName('x-end'), 'y');
        encoder.encodeTrailers(trailers);
      }
    }
    for (const part of pieces(random, client.conn.sent())) server.receive(part);
    const got = server.last;
    assert.equal(server.error, null);
    assert.equal(got.complete, true);
    assert.equal(got.body, body ?? '');
    assert.ok(`GET a.test|${before}`.length > 0 && got.summary.startsWith(`${request.method} a.test ${request.path}`));
    assert.ok(got.summary.includes(before));
    assert.equal(got.trailers?.join() ?? '', listed(trailers));

    const response = randomHeaders(random, new ResponseHeaders(pick(random, [200, 204, 404, 500])));
    const answered = listed(response);
    const reply = response.status === 204 || below(random, 3) === 0 ? null : 'r'.repeat(below(random, 3000));
    got.encoder.encodeHeaders(response, reply === null);
    if (reply !== null) {
      for (const part of pieces(random, reply)) got.encoder.encodeData(Buffer.from(part), false);
      got.encoder.encodeData(Buffer.alloc(0), true);
    }
    for (const part of pieces(random, server.conn.sent())) client.receive(part);
    assert.equal(client.error, null);
    assert.equal(client.response.complete, true);
    assert.equal(client.response.body, reply ?? '');
    assert.ok(client.response.summary.startsWith(`${response.status}`));
    assert.ok(client.response.summary.includes(answered));
    assert.deepEqual([client.done, client.codec.reusable, server.codec.activeStreams], [1, true, 0]);
  }
});

/** Every message that differs from this one in one byte, and those in which one byte is doubled or missing. */
function* neighbours(bytes: string): Generator<string> {
  for (let at = 0; at < bytes.length; at++) {
    for (let c = 0; c < 256; c++) yield bytes.slice(0, at) + String.fromCharCode(c) + bytes.slice(at + 1);
    yield bytes.slice(0, at) + bytes.slice(at + 1);
    yield bytes.slice(0, at) + bytes[at] + bytes.slice(at);
  }
}

test('a request that comes whole gets the verdict of one whose first byte came alone, whatever byte is changed', () => {
  for (const bytes of neighbours('POST /a HTTP/1.1\r\nHost: b\r\nX-Y: z\r\nContent-Length: 2\r\n\r\nhi')) {
    const verdict = (server: TestServer) => `${requests(server)} ${server.requests.map((r) => r.reply)}`;
    const whole = new TestServer().receive(bytes);
    const parted = new TestServer().receive(bytes[0]);
    if (parted.error === null) parted.receive(bytes.slice(1));
    assert.equal(verdict(whole), verdict(parted), JSON.stringify(bytes));
  }
});

test('a response that comes whole gets the verdict of one whose first byte came alone, whatever byte is changed', () => {
  const get = Object.assign(new RequestHeaders(), { method: 'GET', path: '/' });
  for (const bytes of neighbours('HTTP/1.1 200 OK\r\nX-Y: z\r\nContent-Length: 2\r\n\r\nhi')) {
    const run = (...parts: string[]) => {
      const client = new TestClient();
      client.send(get, true);
      for (const part of parts) if (client.error === null) client.receive(part);
      const { response } = client;
      const end = client.error === null ? client.codec.onRemoteEnd() : client.error;
      return `${response.summary} [${response.body}] ${response.complete} ${client.reusableWhenDone} ${end?.details}`;
    };
    assert.equal(run(bytes), run(bytes[0], bytes.slice(1)), JSON.stringify(bytes));
  }
});
