import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { H, permanentName } from '../../base/header-names.js';
import { ResponseHeaders, Trailers } from '../../base/headers.js';
import { Reset } from '../codec.js';
import type { Http1ServerOptions } from './options.js';
import { TestServer } from './test-kit.js';

const HOST = 'Host: a.test\r\n';
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`;
const CHUNKED = `POST /p HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;

function get(lines: string, options: Http1ServerOptions = {}): TestServer {
  return new TestServer(options).receive(`GET / HTTP/1.1\r\n${lines}\r\n`);
}

/** Status and details of the refusal, or the summary of what was accepted. */
function verdict(bytes: string, options: Http1ServerOptions = {}): string {
  const server = new TestServer(options).receive(bytes);
  const { last } = server;
  if (server.error === null) return last.summary;
  assert.equal(server.error.kind, 'protocol');
  const [status] = last.reply.split(' ');
  assert.ok(last.reply.endsWith(server.error.details), last.reply);
  return `${status} ${server.error.details}`;
}

function answer(status: number, ...lines: string[]): ResponseHeaders {
  const headers = new ResponseHeaders(status);
  for (const line of lines) {
    const colon = line.indexOf(': ');
    headers.add(permanentName(line.slice(0, colon)), line.slice(colon + 2));
  }
  return headers;
}

describe('HTTP/1 requests', () => {
  test('a plain request is delivered with lower-case names, and ends with its head', () => {
    const server = get(`${HOST}X-A: b\r\nX-A: c\r\n`);
    assert.equal(server.last.summary, 'GET a.test /|x-a: b|x-a: c');
    assert.equal(server.last.complete, true);
    assert.equal(server.codec.protocol, 'HTTP/1.1');
  });

  test('a stream begins with the first byte, be it the line end before a request', () => {
    const server = new TestServer().receive('\r');
    assert.equal(server.requests.length, 1);
    server.receive(`\n\r\n${GET}`);
    assert.equal(server.requests.length, 1);
    assert.equal(server.last.complete, true);
  });

  test('a request split byte by byte is the same request', () => {
    const server = new TestServer();
    for (const byte of `${CHUNKED}5;x\r\nhello\r\n0\r\n\r\n`) server.receive(byte);
    assert.equal(server.last.summary, 'POST a.test /p|transfer-encoding: chunked');
    assert.equal(server.last.body, 'hello');
    assert.equal(server.last.complete, true);
  });

  test('the start line may have tabs, several blanks and a trailing blank', () => {
    assert.equal(verdict(`GET  /x \tHTTP/1.1 \r\n${HOST}\r\n`), 'GET a.test /x');
  });

  test('bare line feeds end lines', () => {
    assert.equal(verdict('GET / HTTP/1.1\nHost: a.test\nX: y\n\n'), 'GET a.test /|x: y');
  });

  test('well formed versions other than 1.1, and none at all, are asked to upgrade', () => {
    for (const version of [' HTTP/1.0', ' HTTP/1.2', ' HTTP/2.0', ' HTTP/0.9', '']) {
      assert.equal(verdict(`GET /${version}\r\n${HOST}\r\n`), '426 low_version', version);
    }
    for (const version of ['HTTP/1', 'HTTP/1.10', 'http/1.1', 'HTTPS/1.1', 'HTTP/1.1x', 'HTTP/1.1 x']) {
      assert.equal(verdict(`GET / ${version}\r\n${HOST}\r\n`), '400 http1.codec_error', version);
    }
  });

  test('HTTP/1.0 is served when accepted, with the default host', () => {
    const options = { acceptHttp10: true, defaultHostForHttp10: 'd.test' };
    const server = new TestServer(options).receive('GET / HTTP/1.0\r\n\r\n');
    assert.equal(server.last.summary, 'GET d.test /');
    assert.equal(server.codec.protocol, 'HTTP/1.0');
    assert.equal(verdict('GET /\r\n', options), 'GET d.test /');
  });

  test('only known methods pass', () => {
    for (const method of ['PATCH', 'PURGE', 'QUERY', 'MSEARCH']) {
      assert.equal(verdict(`${method} / HTTP/1.1\r\n${HOST}\r\n`), `${method} a.test /`);
    }
    for (const method of ['FOO', 'get', 'M-SEARCH', 'PRI', 'G@T']) {
      assert.equal(verdict(`${method} / HTTP/1.1\r\n${HOST}\r\n`), '400 http1.codec_error', method);
    }
  });

  test('a bad start line is refused as soon as it is there', () => {
    assert.equal(verdict('FOO / HTTP/1.1\r\nHo'), '400 http1.codec_error');
  });

  test('a forbidden byte later in the head outranks a bad start line', () => {
    assert.equal(verdict(`FOO / HTTP/1.1\r\n${HOST}X: \x01\r\n\r\n`), '400 http1.invalid_characters');
    assert.equal(verdict(`GET /a\x00b HTTP/1.1\r\n${HOST}\r\n`), '400 http1.invalid_characters');
    assert.equal(verdict(`GET /a\x7fHTTP/1.1\r\n${HOST}\r\n`), '400 http1.invalid_characters');
  });

  test('a target must be a path, absolute, or * of OPTIONS', () => {
    for (const target of ['x', '?x=1', 'a.test:80', 'http:/a/b', '/a\xa0b', '']) {
      assert.equal(verdict(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`), '400 http1.codec_error', target);
    }
    assert.equal(verdict(`GET * HTTP/1.1\r\n${HOST}\r\n`), '400 http1.invalid_url');
    assert.equal(verdict(`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`), 'OPTIONS a.test *');
  });

  test('an absolute target replaces every Host and is cut to its path', () => {
    const cases: [string, string][] = [
      ['http://b.test:81/x?y', 'GET b.test:81 /x?y'],
      ['HTTP://b.test', 'GET b.test /'],
      ['http://u:p@b.test/x', 'GET b.test /x'],
      ['http://b.test?x', 'GET b.test ?x'],
      ['http://[::1]:80/x', 'GET [::1]:80 /x'],
    ];
    for (const [target, want] of cases) {
      assert.equal(verdict(`GET ${target} HTTP/1.1\r\n${HOST}${HOST}\r\n`), want);
    }
    for (const target of ['http:///x', 'http://b.test:/', 'http://b.test:65536/', 'http://[::g]/', 'http://a_b/']) {
      assert.equal(verdict(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`), '400 http1.invalid_url', target);
    }
    assert.equal(verdict(`GET ftp://b.test/ HTTP/1.1\r\n${HOST}\r\n`), '400 http1.invalid_scheme');
    const raw = verdict(`GET http://b.test/x HTTP/1.1\r\n${HOST}\r\n`, { allowAbsoluteUrl: false });
    assert.equal(raw, 'GET a.test http://b.test/x');
  });

  test('an https target on a plain connection is forbidden at the edge only', () => {
    const bytes = `GET https://b.test/ HTTP/1.1\r\n${HOST}\r\n`;
    assert.equal(verdict(bytes), 'GET b.test /');
    assert.equal(verdict(bytes, { validateScheme: true }), '403 http1.https_url_on_plaintext_connection');
    assert.equal(verdict(bytes, { validateScheme: true, tls: true }), 'GET b.test /');
  });

  test('repeated Host lines are joined, and checked as one', () => {
    assert.equal(get('Host: a\r\nHost: b\r\n').last.summary, 'GET a,b /');
    assert.equal(get('Host:\r\nHost: b\r\n').last.summary, 'GET b /');
    assert.equal(get('Host:\r\n').last.headers?.authority, '');
    assert.equal(get('').last.headers?.authority, undefined);
    for (const host of ['a/b', 'a b', 'a?b', 'a\\b', 'a#b']) {
      assert.equal(verdict(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), '400 http.invalid_authority', host);
    }
  });

  test('names must be tokens followed by a colon', () => {
    for (const line of ['X A: b', 'X : b', ': b', 'X@: b', 'X"A: b', 'X\xe9: b', 'X', ' X: b\r\nY: c']) {
      assert.equal(verdict(`GET / HTTP/1.1\r\n${line}\r\n${HOST}\r\n`), '400 http1.codec_error', line);
    }
  });

  test('folded lines are joined, carriage returns inside values vanish', () => {
    assert.equal(get(`${HOST}X: a\r\n  b\r\n\tc\r\n`).last.summary, 'GET a.test /|x: a  b\tc');
    assert.equal(get(`${HOST}X: a\rb\r\r\n`).last.summary, 'GET a.test /|x: ab');
  });

  test('a byte above 127 may stand in a value', () => {
    assert.equal(get(`${HOST}X: \xe9\xff\r\n`).last.summary, 'GET a.test /|x: \xe9\xff');
  });

  test('names with underscores are kept, dropped or refused', () => {
    const bytes = `GET / HTTP/1.1\r\n${HOST}X_A: b\r\n\r\n`;
    assert.equal(verdict(bytes), 'GET a.test /|x_a: b');
    assert.equal(verdict(bytes, { headersWithUnderscores: 'DROP_HEADER' }), 'GET a.test /');
    assert.equal(verdict(bytes, { headersWithUnderscores: 'REJECT_REQUEST' }), '400 http1.unexpected_underscore');
    const server = new TestServer({ headersWithUnderscores: 'DROP_HEADER' }).receive(bytes);
    assert.equal(server.stats.dropped_headers_with_underscores, 1);
  });

  test('a head may have as many bytes as the limit, line ends before it not counted', () => {
    const head = (n: number) => `GET / HTTP/1.1\r\n${HOST}X: ${'a'.repeat(n - 37)}\r\n\r\n`;
    assert.equal(head(1024).length, 1024);
    assert.match(verdict(head(1024), { maxHeadersKb: 1 }), /^GET a.test/);
    assert.match(verdict(`\r\n\r\n${head(1024)}`, { maxHeadersKb: 1 }), /^GET a.test/);
    assert.equal(verdict(head(1025), { maxHeadersKb: 1 }), '431 http1.headers_too_large');
    assert.equal(verdict(`GET /${'a'.repeat(2000)}`, { maxHeadersKb: 1 }), '431 http1.headers_too_large');
  });

  test('a head may have as many headers as the limit, joined ones counted once', () => {
    const many = (n: number) => Array.from({ length: n }, (_, i) => `X-${i}: y\r\n`).join('');
    assert.match(verdict(`GET / HTTP/1.1\r\n${HOST}${many(99)}\r\n`), /^GET/);
    assert.equal(verdict(`GET / HTTP/1.1\r\n${HOST}${many(100)}\r\n`), '431 http1.too_many_headers');
    assert.match(verdict(`GET / HTTP/1.1\r\n${HOST}${'Via: x\r\n'.repeat(150)}\r\n`), /^GET/);
    assert.equal(verdict(`GET / HTTP/1.1\r\n${HOST}${'Cookie: x\r\n'.repeat(100)}\r\n`), '431 http1.too_many_headers');
  });
});

describe('HTTP/1 request bodies', () => {
  const post = (lines: string) => `POST /p HTTP/1.1\r\n${HOST}${lines}\r\n`;

  test('a counted body ends with its last byte, and the bytes after it are the next request', () => {
    const server = new TestServer().receive(`${post('Content-Length: 5\r\n')}hello${GET}`);
    assert.equal(server.last.body, 'hello');
    assert.equal(server.requests.length, 1);
    assert.equal(server.codec.hasHeldInput, true);
  });

  test('a length of zero ends the request with its head', () => {
    assert.equal(new TestServer().receive(post('Content-Length: 0\r\n')).last.complete, true);
  });

  test('a length is digits up to 2^64-1, and stands once', () => {
    for (const value of ['005', '18446744073709551615', '9223372036854775808', '\t5\r']) {
      assert.match(verdict(post(`Content-Length: ${value}\r\n`)), /^POST/, value);
    }
    for (const value of ['', '+5', '-5', '5, 5', '0x5', '5.0', '1 2', '18446744073709551616', '5\r\n 6']) {
      assert.equal(verdict(post(`Content-Length: ${value}\r\n`)), '400 http1.codec_error', value);
    }
    assert.equal(verdict(post('Content-Length: 5\r\ncontent-length: 5\r\n')), '400 http1.codec_error');
  });

  test('a length beside a transfer-encoding is refused, unless chunked lengths are allowed', () => {
    const both = post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n');
    assert.equal(verdict(both), '400 http1.content_length_and_chunked_not_allowed');
    assert.equal(verdict(both, { allowChunkedLength: true }), 'POST a.test /p|transfer-encoding: chunked');
    const other = post('Content-Length: 4\r\nTransfer-Encoding: gzip\r\n');
    const options = { allowChunkedLength: true };
    assert.equal(verdict(other, options), '400 http1.content_length_and_chunked_not_allowed');
  });

  test('the only transfer-encoding is chunked', () => {
    for (const value of ['chunked', 'CHUNKED', ' chunked\t', 'chunked\r', '\r\n chunked']) {
      assert.match(verdict(post(`Transfer-Encoding: ${value}\r\n`)), /^POST/, value);
    }
    for (const value of ['gzip', 'chunked, gzip', 'identity', '', 'chunked;q=1', 'xchunked']) {
      assert.equal(verdict(post(`Transfer-Encoding: ${value}\r\n`)), '501 http1.invalid_transfer_encoding', value);
    }
    const twice = post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n');
    assert.equal(verdict(twice), '501 http1.invalid_transfer_encoding');
  });

  test('a carriage return inside the coding hides it from the framing but not from the check', () => {
    const server = new TestServer().receive(post('Transfer-Encoding: chun\rked\r\n'));
    assert.equal(server.error, null);
    assert.equal(server.last.complete, true);
  });

  test('the chunks of one read are delivered as one', () => {
    const server = new TestServer().receive(`${CHUNKED}2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n`);
    assert.deepEqual(server.last.pieces, [5]);
    assert.equal(server.last.body, 'abcde');
    assert.equal(server.last.complete, true);
  });

  test('a size is hex digits, then blanks or an extension up to CRLF', () => {
    for (const size of ['2', '0002', '2 ', '2\t ', '2;', '2;a="b', '2 x', '2;\x00']) {
      assert.equal(new TestServer().receive(`${CHUNKED}${size}\r\nhi\r\n0\r\n\r\n`).last.body, 'hi', size);
    }
    for (const size of ['', ' 2', '0x2', '2g', 'g', '-2', '10000000000000000', '2\n', '2;a\rb', '2;a\n']) {
      const server = new TestServer().receive(`${CHUNKED}${size}\r\nhi\r\n0\r\n\r\n`);
      assert.equal(server.last.reply, '400 Bad Request http1.codec_error', size);
      assert.equal(server.last.body, '');
    }
  });

  test('what stands between chunk data and the line end is skipped', () => {
    const server = new TestServer().receive(`${CHUNKED}2\r\nhiXX\r\n1\r\n!\n0\r\n\r\n`);
    assert.equal(server.last.body, 'hi!');
    assert.equal(server.last.complete, true);
  });

  test('body bytes of the read that ends in an error are not delivered, once the last chunk has begun they are', () => {
    assert.equal(new TestServer().receive(`${CHUNKED}2\r\nhi\r\nz`).last.body, '');
    assert.equal(new TestServer().receive(`${CHUNKED}2\r\nhi\r\n0\r\nX\r\n\r\n`).last.body, 'hi');
  });

  test('trailers are checked always, and delivered when enabled', () => {
    const bytes = `${CHUNKED}0\r\nX-T: 1\r\nHost: b\r\n\r\n`;
    const off = new TestServer().receive(bytes).last;
    assert.deepEqual([off.trailers, off.complete], [null, true]);
    const on = new TestServer({ enableTrailers: true }).receive(bytes).last;
    assert.deepEqual([on.trailers, on.complete], [['x-t: 1', 'host: b'], true]);
    for (const line of ['X', ':p: q', 'X@: 1', ' X: 1']) {
      const server = new TestServer().receive(`${CHUNKED}0\r\n${line}\r\n\r\n`);
      assert.equal(server.last.reply, '400 Bad Request http1.codec_error', line);
    }
    const bad = new TestServer().receive(`${CHUNKED}0\r\nX: \x00\r\n\r\n`);
    assert.equal(bad.last.reply, '400 Bad Request http1.invalid_characters');
  });

  test('trailers count against their own limits', () => {
    const options = { enableTrailers: true, maxHeadersKb: 1, maxHeadersCount: 3 };
    const large = new TestServer(options).receive(`${CHUNKED}0\r\nX: ${'a'.repeat(1100)}`);
    assert.match(large.last.reply, /^431 .*headers_too_large/);
    const many = new TestServer(options).receive(`${CHUNKED}0\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n`);
    assert.match(many.last.reply, /^431 .*too_many_headers/);
  });
});

describe('HTTP/1 hops, upgrades and tunnels', () => {
  test('headers that Connection nominates are removed, and their names from it', () => {
    const server = get(`${HOST}Connection: X, close\r\nX: 1\r\nY: 2\r\n`);
    assert.equal(server.last.summary, 'GET a.test /|connection: close|y: 2');
    assert.equal(get(`${HOST}Connection: Host\r\n`).last.headers?.authority, undefined);
    assert.equal(get(`${HOST}Connection: te\r\nTE: gzip, trailers\r\n`).last.headers?.get(H.te), 'trailers');
    assert.equal(get(`${HOST}Connection: te\r\nTE: gzip\r\n`).last.headers?.get(H.te), undefined);
  });

  test('Connection must not nominate where the request came from, nor too many headers', () => {
    for (const value of ['x-forwarded-for', 'X-Forwarded-Host', 'x-forwarded-proto', ':path', 'a,b,c,d,e,f,g,h,i,j']) {
      const bytes = `GET / HTTP/1.1\r\n${HOST}Connection: ${value}\r\n\r\n`;
      assert.equal(verdict(bytes), '400 http1.connection_header_rejected', value);
    }
    const long = `GET / HTTP/1.1\r\n${HOST}Connection: te\r\nTE: ${'x'.repeat(256)}\r\n\r\n`;
    assert.equal(verdict(long), '400 http1.connection_header_rejected');
  });

  test('an upgrade to h2c is dropped, another makes the rest of the connection opaque', () => {
    const h2c = get(`${HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n`);
    assert.equal(h2c.last.summary, 'GET a.test /');
    assert.equal(h2c.last.complete, true);
    const ws = get(`${HOST}Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n`).receive(GET);
    assert.equal(ws.last.complete, false);
    assert.equal(ws.last.body, GET);
  });

  test('CONNECT takes host and port, and no body', () => {
    const connect = (target: string, lines = '') => `CONNECT ${target} HTTP/1.1\r\n${HOST}${lines}\r\n`;
    const server = new TestServer().receive(`${connect('b.test:443', 'Content-Length: 0\r\n')}hello`);
    assert.equal(server.last.summary, 'CONNECT b.test:443 -');
    assert.equal(verdict(connect('@b.test:443')), 'CONNECT b.test:443 -');
    assert.equal(server.last.body, 'hello');
    for (const target of ['b.test', 'u@b.test:443', 'b.test:x', '*', 'http://b.test/']) {
      assert.equal(verdict(connect(target)), '400 http1.invalid_url', target);
    }
    assert.equal(verdict(connect('b:1', 'Content-Length: 5\r\n')), '400 http1.body_disallowed');
    assert.equal(verdict(connect('b:1', 'Transfer-Encoding: chunked\r\n')), '501 http1.invalid_transfer_encoding');
  });
});

describe('HTTP/1 responses to clients', () => {
  function respond(request: string, headers: ResponseHeaders, body: string | null, options: Http1ServerOptions = {}) {
    const server = new TestServer(options).receive(request);
    server.last.encoder.encodeHeaders(headers, body === null);
    if (body !== null) server.last.encoder.encodeData(Buffer.from(body), true);
    return server.conn.sent();
  }

  test('a length is kept, without one the body is chunked', () => {
    const measured = answer(200, 'content-length: 2', 'x: y');
    assert.equal(respond(GET, measured, 'ok'), 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: y\r\n\r\nok');
    assert.equal(
      respond(GET, answer(200), 'ok'),
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    );
  });

  test('a response without a body says so, unless its status does', () => {
    assert.equal(respond(GET, answer(404), null), 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
    assert.equal(respond(GET, answer(204), null), 'HTTP/1.1 204 No Content\r\n\r\n');
    assert.equal(respond(GET, answer(304), null), 'HTTP/1.1 304 Not Modified\r\n\r\n');
    assert.equal(respond(GET, answer(2000), null), 'HTTP/1.1 2000 Unknown\r\ncontent-length: 0\r\n\r\n');
  });

  test('a response to HEAD guesses chunked and sends no chunk', () => {
    const head = `HEAD / HTTP/1.1\r\n${HOST}\r\n`;
    assert.equal(respond(head, answer(200), null), 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    assert.equal(respond(head, answer(200, 'content-length: 2'), null), 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n');
  });

  test('to HTTP/1.0 a body without a length ends with the connection', () => {
    const options = { acceptHttp10: true };
    assert.equal(respond(`GET / HTTP/1.0\r\n${HOST}\r\n`, answer(200), 'ok', options), 'HTTP/1.0 200 OK\r\n\r\nok');
  });

  test('an interim response has neither length nor coding, and leaves the final one to come', () => {
    const server = new TestServer().receive(GET);
    server.last.encoder.encode1xx(answer(100));
    server.last.encoder.encode1xx(answer(103, 'link: x'));
    server.last.encoder.encodeHeaders(answer(200), true);
    assert.equal(
      server.conn.sent(),
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Unknown\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
    );
  });

  test('101 and a CONNECT that is accepted carry raw bytes', () => {
    const ws = get(`${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n`);
    ws.last.encoder.encodeHeaders(answer(101, 'connection: upgrade', 'upgrade: websocket'), false);
    ws.last.encoder.encodeData(Buffer.from('raw'), false);
    assert.match(ws.conn.sent(), /^HTTP\/1.1 101 Switching Protocols\r\n.*\r\n.*\r\n\r\nraw$/);
    const tunnel = new TestServer().receive('CONNECT b:1 HTTP/1.1\r\n\r\n');
    tunnel.last.encoder.encodeHeaders(answer(200), false);
    tunnel.last.encoder.encodeData(Buffer.from('raw'), false);
    assert.equal(tunnel.conn.sent(), 'HTTP/1.1 200 OK\r\n\r\nraw');
  });

  test('trailers are written when enabled', () => {
    const write = (options: Http1ServerOptions) => {
      const server = new TestServer(options).receive(GET);
      server.last.encoder.encodeHeaders(answer(200), false);
      const trailers = new Trailers();
      trailers.add(permanentName('x-t'), '1');
      server.last.encoder.encodeTrailers(trailers);
      return server.conn.sent().split('\r\n\r\n').slice(1).join('\r\n\r\n');
    };
    assert.equal(write({}), '0\r\n\r\n');
    assert.equal(write({ enableTrailers: true }), '0\r\nx-t: 1\r\n\r\n');
  });

  test('names can be written in proper case', () => {
    const text = respond(GET, answer(200, 'x-request-id: 1', 'content-length: 2'), 'ok', { headerKeyFormat: 'proper' });
    assert.equal(text, 'HTTP/1.1 200 OK\r\nX-Request-Id: 1\r\nContent-Length: 2\r\n\r\nok');
  });

  test('a head larger than a slab of the buffer is written whole', () => {
    const value = 'v'.repeat(70_000);
    const text = respond(GET, answer(200, `x-large: ${value}`), null);
    assert.equal(text, `HTTP/1.1 200 OK\r\nx-large: ${value}\r\ncontent-length: 0\r\n\r\n`);
  });

  test('bytes of both directions are counted', () => {
    const server = new TestServer().receive(GET);
    server.last.encoder.encodeHeaders(answer(200, 'content-length: 2'), false);
    server.last.encoder.encodeData(Buffer.from('ok'), true);
    const { bytes } = server.last.encoder;
    assert.deepEqual(bytes, { wireReceived: GET.length, wireSent: 40, headerReceived: 13, headerSent: 19 });
    assert.equal(server.conn.sent().length, 40);
  });
});

describe('HTTP/1 connections of clients', () => {
  const ok = answer(200, 'content-length: 0');

  test('pipelined bytes stay unread until the response is done, then an empty dispatch reads on', () => {
    const server = new TestServer().receive(`${GET}GET /2 HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal(server.requests.length, 1);
    assert.equal(server.conn.readsDisabled, 1);
    server.receive('GET /3');
    assert.equal(server.conn.readsDisabled, 1);
    server.last.encoder.encodeHeaders(ok, true);
    assert.equal(server.conn.readsDisabled, 0);
    assert.equal(server.codec.activeStreams, 0);
    server.receive('');
    assert.equal(server.requests.length, 2);
    assert.equal(server.last.headers?.path, '/2');
    server.last.encoder.encodeHeaders(ok, true);
    server.conn.sent();
    server.receive('').receive(` HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal(server.last.headers?.path, '/3');
  });

  test('a dispatch from within a decoder call takes the next request after the current one', () => {
    const server = new TestServer();
    server.onRequest = (request) => {
      request.onComplete = () => {
        request.encoder.encodeHeaders(ok, true);
        server.codec.dispatch(Buffer.alloc(0));
      };
    };
    server.receive(`${GET}${GET}`);
    assert.equal(server.requests.length, 2);
    assert.equal(server.last.complete, true);
  });

  test('a third request while two responses wait to be sent is a flood', () => {
    const server = new TestServer();
    for (let i = 0; i < 2; i++) {
      server.receive(GET);
      server.last.encoder.encodeHeaders(ok, true);
    }
    server.receive(GET);
    assert.equal(server.error?.kind, 'flood');
    assert.equal(server.stats.response_flood, 1);
    const drained = new TestServer();
    for (let i = 0; i < 5; i++) {
      drained.receive(GET);
      drained.last.encoder.encodeHeaders(ok, true);
      if (i > 0) drained.conn.sent();
    }
    assert.equal(drained.error, null);
  });

  test('a response before the end of the request leaves the stream open for what follows', () => {
    const server = new TestServer().receive(`POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhe`);
    server.last.encoder.encodeHeaders(ok, true);
    assert.equal(server.last.encoded, true);
    assert.equal(server.codec.activeStreams, 1);
    server.codec.onConnectionClosed(Reset.CONNECTION_TERMINATION, '');
    assert.equal(server.last.reset, 'connection termination');
  });

  test('nothing is read after the response has said that it closes', () => {
    const server = new TestServer().receive(GET + GET);
    server.last.encoder.encodeHeaders(answer(200, 'content-length: 0', 'connection: close'), true);
    server.receive('');
    assert.equal(server.requests.length, 1);
  });

  test('after a reset nothing reaches the stream, and its read disables are undone', () => {
    const server = new TestServer().receive(`POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhe`);
    server.last.encoder.readDisable(true);
    server.last.encoder.resetStream(Reset.LOCAL);
    assert.equal(server.conn.readsDisabled, 0);
    server.receive('llo');
    assert.equal(server.last.body, 'he');
    server.codec.onConnectionClosed(Reset.CONNECTION_TERMINATION, '');
    assert.equal(server.last.reset, '');
  });

  test('an error after the response has started gets no reply', () => {
    const server = new TestServer().receive(CHUNKED);
    server.last.encoder.encodeHeaders(answer(200), false);
    server.receive('zz\r\n');
    assert.equal(server.error?.details, 'http1.codec_error');
    assert.equal(server.last.reply, '');
  });

  test('the marks of the connection reach its stream', () => {
    const server = new TestServer();
    server.conn.high = true;
    server.receive(GET);
    server.codec.onConnectionBelowLowWatermark();
    server.codec.onConnectionAboveHighWatermark();
    assert.deepEqual(server.last.marks, ['high', 'low', 'high']);
  });
});
