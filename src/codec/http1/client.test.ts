import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { permanentName } from '../../base/header-names.js';
import { RequestHeaders, Trailers } from '../../base/headers.js';
import { Reset } from '../codec.js';
import { EARLY_408 } from './client.js';
import type { Http1ClientOptions } from './options.js';
import { TestClient } from './test-kit.js';

function request(method: string, ...lines: string[]): RequestHeaders {
  const headers = new RequestHeaders();
  headers.method = method;
  headers.path = '/r';
  headers.authority = 'a.test';
  headers.scheme = 'http';
  for (const line of lines) {
    const colon = line.indexOf(': ');
    headers.add(permanentName(line.slice(0, colon)), line.slice(colon + 2));
  }
  return headers;
}

function get(bytes: string, options: Http1ClientOptions = {}, method = 'GET'): TestClient {
  const client = new TestClient(options);
  client.send(request(method), true);
  client.conn.sent();
  return client.receive(bytes);
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('HTTP/1 requests to upstreams', () => {
  function written(headers: RequestHeaders, body: string | null, options: Http1ClientOptions = {}): string {
    const client = new TestClient(options);
    const encoder = client.send(headers, body === null);
    if (body !== null) encoder.encodeData(Buffer.from(body), true);
    return client.conn.sent();
  }

  test('the host comes first, then the lines in their order', () => {
    assert.equal(written(request('GET', 'x: y'), null), 'GET /r HTTP/1.1\r\nhost: a.test\r\nx: y\r\n\r\n');
  });

  test('a request without a body has a length only where its method could have one', () => {
    for (const method of ['GET', 'HEAD', 'DELETE', 'TRACE']) {
      assert.equal(written(request(method), null), `${method} /r HTTP/1.1\r\nhost: a.test\r\n\r\n`);
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'OPTIONS', 'PURGE']) {
      assert.equal(
        written(request(method), null),
        `${method} /r HTTP/1.1\r\nhost: a.test\r\ncontent-length: 0\r\n\r\n`,
      );
    }
  });

  test('a body keeps its length or is chunked', () => {
    assert.equal(
      written(request('POST', 'content-length: 2'), 'hi'),
      'POST /r HTTP/1.1\r\nhost: a.test\r\ncontent-length: 2\r\n\r\nhi',
    );
    assert.equal(
      written(request('GET'), 'hi'),
      'GET /r HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    );
  });

  test('upgrades and CONNECT send raw bytes', () => {
    const upgrade = request('GET', 'connection: upgrade', 'upgrade: websocket');
    const client = new TestClient();
    client.send(upgrade, false).encodeData(Buffer.from('raw'), false);
    assert.match(client.conn.sent(), /upgrade: websocket\r\n\r\nraw$/);
    const connect = request('CONNECT');
    connect.path = undefined;
    connect.authority = 'b.test:443';
    const tunnel = new TestClient();
    const encoder = tunnel.send(connect, false);
    encoder.encodeData(Buffer.from('raw'), false);
    assert.equal(tunnel.conn.sent(), 'CONNECT b.test:443 HTTP/1.1\r\nhost: b.test:443\r\n\r\nraw');
    encoder.encodeData(Buffer.alloc(0), true);
    assert.equal(tunnel.conn.open, false);
  });

  test('trailers are written when enabled', () => {
    const trailers = new Trailers();
    trailers.add(permanentName('x-t'), '1');
    for (const [enableTrailers, end] of [
      [false, '0\r\n\r\n'],
      [true, '0\r\nx-t: 1\r\n\r\n'],
    ] as const) {
      const client = new TestClient({ enableTrailers });
      client.send(request('POST'), false).encodeTrailers(trailers);
      assert.ok(client.conn.sent().endsWith(`\r\n\r\n${end}`));
    }
  });

  test('the target can be fully qualified and the names proper', () => {
    assert.equal(
      written(request('GET', 'x-a: y'), null, { sendFullyQualifiedUrl: true, headerKeyFormat: 'proper' }),
      'GET http://a.test/r HTTP/1.1\r\nHost: a.test\r\nX-A: y\r\n\r\n',
    );
  });
});

describe('HTTP/1 responses from upstreams', () => {
  test('a counted response is delivered, and the connection takes another request', () => {
    const client = get(OK);
    assert.equal(client.response.summary, '200|content-length: 2');
    assert.equal(client.response.body, 'ok');
    assert.equal(client.response.complete, true);
    assert.deepEqual([client.done, client.reusableWhenDone, client.codec.activeStreams], [1, true, 0]);
    client.send(request('GET'), true);
    assert.equal(client.receive(OK).response.complete, true);
  });

  test('a chunked response is delivered with its trailers when enabled', () => {
    const bytes = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n';
    assert.equal(get(bytes).response.body, 'ok');
    const { response } = get(bytes, { enableTrailers: true });
    assert.deepEqual([response.trailers, response.complete], [['x-t: 1'], true]);
  });

  test('a response without a length ends well with the connection', () => {
    const client = get('HTTP/1.1 200 OK\r\n\r\nabc').receive('def');
    assert.equal(client.response.complete, false);
    assert.equal(client.codec.onRemoteEnd(), null);
    assert.equal(client.response.body, 'abcdef');
    assert.equal(client.response.complete, true);
    assert.equal(client.codec.reusable, false);
  });

  test('an end inside a message is a protocol error, before its first byte it is not', () => {
    for (const bytes of ['HTTP/1.1 20', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', `${OK.slice(0, 20)}`]) {
      const client = get(bytes);
      assert.notEqual(client.codec.onRemoteEnd(), null, bytes);
      client.codec.onConnectionClosed(Reset.CONNECTION_TERMINATION, '');
      assert.equal(client.response.reset, 'protocol error');
    }
    for (const bytes of ['', 'HTTP/1.1 100 Continue\r\n\r\n']) {
      const client = get(bytes);
      assert.equal(client.codec.onRemoteEnd(), null, bytes);
      client.codec.onConnectionClosed(Reset.CONNECTION_TERMINATION, '');
      assert.equal(client.response.reset, 'connection termination');
    }
  });

  test('responses to HEAD, 204 and 304 end with their heads', () => {
    const head = get('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', {}, 'HEAD');
    assert.deepEqual([head.response.complete, head.codec.reusable], [true, true]);
    assert.equal(get('HTTP/1.1 204 No Content\r\n\r\n').response.complete, true);
    const notModified = get('HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n');
    assert.equal(notModified.response.complete, true);
    assert.equal(notModified.response.summary, '304|content-length: 5');
  });

  test('a 204 or interim response must not announce a body, but may announce its absence', () => {
    for (const status of ['204 No Content', '100 Continue', '101 Switching']) {
      assert.notEqual(get(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\n`).error, null, status);
      assert.notEqual(get(`HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\n\r\n`).error, null, status);
      assert.equal(get(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`).error, null, status);
    }
  });

  test('100, 102, 103 and 104 are delivered as interim, others of their kind dropped', () => {
    const interim = [100, 102, 103, 104, 105, 199]
      .map((status) => `HTTP/1.1 ${status} X\r\nL: ${status}\r\n\r\n`)
      .join('');
    const { response } = get(interim + OK);
    assert.deepEqual(response.interim, ['100|l: 100', '102|l: 102', '103|l: 103', '104|l: 104']);
    assert.equal(response.body, 'ok');
  });

  test('a 101 that was not asked for is final, and what follows it is surplus', () => {
    const bare = get('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    assert.deepEqual([bare.response.headers?.status, bare.response.complete, bare.error], [101, true, null]);
    assert.notEqual(bare.receive(OK).error, null);
  });

  test('an upgrade that was asked for makes the rest opaque, and ends with the connection', () => {
    const client = new TestClient();
    client.send(request('GET', 'connection: upgrade', 'upgrade: websocket'), false);
    client.receive('HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw').receive(OK);
    assert.equal(client.response.body, `raw${OK}`);
    assert.equal(client.codec.reusable, false);
    assert.equal(client.codec.onRemoteEnd(), null);
    client.codec.onConnectionClosed(Reset.CONNECTION_TERMINATION, '');
    assert.equal(client.response.reset, 'connection termination');
  });

  test('a CONNECT that is accepted is a tunnel, one that is refused is not', () => {
    const accepted = get('HTTP/1.1 200 OK\r\n\r\nraw', {}, 'CONNECT');
    assert.deepEqual([accepted.response.body, accepted.response.complete], ['raw', false]);
    const refused = get('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno', {}, 'CONNECT');
    assert.deepEqual([refused.response.body, refused.response.complete], ['no', true]);
  });

  test('statuses are numbers of any size, of which 16 bits are kept', () => {
    for (const [word, status] of [
      ['600', 600],
      ['2000', 2000],
      ['0200', 200],
      ['+200', 200],
      ['65736', 200],
      ['18446744073709551615', 65535],
    ] as const) {
      assert.equal(get(`HTTP/1.1 ${word} X\r\nContent-Length: 0\r\n\r\n`).response.headers?.status, status, word);
    }
    for (const word of ['', 'abc', '20x', '-200', '18446744073709551616', '099', '20']) {
      assert.notEqual(get(`HTTP/1.1 ${word} X\r\nContent-Length: 2\r\n\r\nok`).error, null, word);
    }
  });

  test('any HTTP version passes, another first byte does not', () => {
    for (const version of ['1.1', '1.0', '0.9', '2.0']) {
      assert.equal(get(`HTTP/${version} 200 OK\r\nContent-Length: 2\r\n\r\nok`).response.body, 'ok', version);
    }
    for (const start of ['\r\nHTTP/1.1', 'http/1.1', 'HTTP/1', 'ICY', '<']) {
      assert.notEqual(get(`${start} 200 OK\r\nContent-Length: 2\r\n\r\nok`).error, null, start);
    }
  });

  test('bad framing is refused', () => {
    for (const lines of [
      'Content-Length: 2\r\nContent-Length: 2',
      'Content-Length: 2, 2',
      'Content-Length: x',
      'Content-Length: 2\r\nTransfer-Encoding: chunked',
      'Transfer-Encoding: gzip',
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
      'X : y',
      'X: \x01',
    ]) {
      const client = get(`HTTP/1.1 200 OK\r\n${lines}\r\n\r\nok`);
      assert.equal(client.error?.kind, 'protocol', lines);
      assert.equal(client.response.headers, null);
      client.codec.onConnectionClosed(Reset.PROTOCOL_ERROR, '');
      assert.equal(client.response.reset, 'protocol error');
    }
  });

  test('only what Envoy joins in a response is joined', () => {
    const { response } = get(
      'HTTP/1.1 200 OK\r\nVary: a\r\nVary: b\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nX-Forwarded-For: a\r\nX-Forwarded-For: b\r\nContent-Length: 0\r\n\r\n',
    );
    assert.equal(
      response.summary,
      '200|vary: a,b|set-cookie: a|set-cookie: b|x-forwarded-for: a|x-forwarded-for: b|content-length: 0',
    );
  });
});

describe('HTTP/1 connections to upstreams', () => {
  test('the connection ends with a response that says so', () => {
    const said = (lines: string, version = '1.1') =>
      get(`HTTP/${version} 200 OK\r\n${lines}Content-Length: 2\r\n\r\nok`).reusableWhenDone;
    assert.equal(said('Connection: close\r\n'), false);
    assert.equal(said('Connection: x, Close\r\n'), false);
    assert.equal(said('Proxy-Connection: close\r\n'), false);
    assert.equal(said('', '1.0'), false);
    assert.equal(said('Connection: keep-alive\r\n', '1.0'), true);
    assert.equal(said('Connection: keep-alive\r\n'), true);
    assert.equal(get('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n').codec.closeNotified, true);
  });

  test('bytes after a response are never read, and known of before the stream is reported done', () => {
    for (const surplus of ['EXTRA', '\r\n', OK]) {
      const client = get(OK + surplus);
      assert.equal(client.response.body, 'ok');
      assert.equal(client.response.complete, true);
      assert.deepEqual([client.done, client.reusableWhenDone], [1, false], surplus);
      assert.match(client.error?.message ?? '', /extraneous data/);
    }
  });

  test('bytes on an idle connection end it, a 408 without blame', () => {
    assert.notEqual(get(OK).receive(OK).error, null);
    assert.equal(get(OK).receive('HTTP/1.1 408 Request Timeout\r\n\r\n').error, EARLY_408);
  });

  test('a response before the end of the request is delivered, and costs the connection', () => {
    const client = new TestClient();
    const encoder = client.send(request('POST'), false);
    client.receive(OK);
    assert.equal(client.response.complete, true);
    assert.deepEqual([client.done, client.codec.reusable], [0, false]);
    encoder.resetStream(Reset.LOCAL);
    assert.deepEqual([client.done, client.reusableWhenDone], [1, false]);
    assert.equal(client.response.reset, '');
  });

  test('a reset ends the stream without a callback to it', () => {
    const client = new TestClient();
    const encoder = client.send(request('GET'), true);
    encoder.readDisable(true);
    encoder.resetStream(Reset.LOCAL);
    assert.deepEqual([client.done, client.codec.reusable, client.conn.readsDisabled], [1, false, 0]);
    client.receive(OK);
    client.codec.onConnectionClosed(Reset.CONNECTION_TERMINATION, '');
    assert.equal(client.response.reset, '');
    assert.equal(client.response.complete, false);
  });

  test('limits of the head are those of responses', () => {
    const large = (n: number) => `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(n)}\r\nContent-Length: 0\r\n\r\n`;
    assert.equal(get(large(80_000)).error, null);
    assert.match(get(large(82_000)).error?.details ?? '', /headers_too_large/);
    const many = (n: number) => Array.from({ length: n }, (_, i) => `X-${i}: y\r\n`).join('');
    assert.equal(get(`HTTP/1.1 204 N\r\n${many(100)}\r\n`).error, null);
    assert.match(get(`HTTP/1.1 204 N\r\n${many(101)}\r\n`).error?.details ?? '', /too_many_headers/);
  });
});
