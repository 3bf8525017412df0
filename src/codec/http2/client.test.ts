import assert from 'node:assert/strict';
import { test } from 'node:test';
import { H, headerName } from '../../base/header-names.js';
import { RequestHeaders, Trailers } from '../../base/headers.js';
import { type RequestEncoder, Reset } from '../codec.js';
import {
  block,
  ClientSide,
  data,
  decodeBlock,
  frame,
  goAway,
  HpackDecoder,
  headers,
  linesOf,
  PREFACE,
  parseFrames,
  ping,
  Recorder,
  rst,
  settings,
  settingsAck,
  windowUpdate,
} from './test-kit.js';

const FAILED = 'The user callback function failed';

function get(path = '/r', method = 'GET'): RequestHeaders {
  const request = new RequestHeaders();
  request.method = method;
  request.path = path;
  request.scheme = 'http';
  request.authority = 'a.test';
  return request;
}

function send(side: ClientSide, request = get(), endStream = true): { stream: Recorder; encoder: RequestEncoder } {
  const stream = new Recorder();
  const encoder = side.codec.newStream(stream);
  encoder.encodeHeaders(request, endStream);
  return { stream, encoder };
}

/** A connection on which the server has spoken, and one request is under way. */
function started(options: object = {}, request = get(), endStream = true) {
  const side = new ClientSide(options);
  const sent = send(side, request, endStream);
  side.receive(settings(), settingsAck);
  side.conn.take();
  side.calls.length = 0;
  return { side, ...sent };
}

const status = (code: string, ...extra: [string, string][]) => block([':status', code], ...extra);

test('nothing is written before there is something to send; then preface, SETTINGS without push, window, request', () => {
  const side = new ClientSide();
  assert.equal(side.conn.out.length, 0);
  send(side);
  const bytes = side.conn.take();
  assert.ok(bytes.subarray(0, PREFACE.length).equals(PREFACE));
  const [first, window, head] = parseFrames(bytes.subarray(PREFACE.length));
  assert.equal(first.payload.toString('hex'), '000200000000000100001000000800000000000300000400000401000000');
  assert.deepEqual([window.type, window.payload.readUInt32BE(0)], [8, 24 * 1024 * 1024 - 65535]);
  assert.deepEqual([head.type, head.flags, head.id], [1, 5, 1]);
  assert.deepEqual(decodeBlock(new HpackDecoder(), head.payload), [
    ':authority: a.test',
    ':path: /r',
    ':method: GET',
    ':scheme: http',
  ]);
});

test('a response is delivered, and the stream is done', () => {
  const { side, stream } = started();
  side.receive(headers(1, status('200', ['x-a', '1']), false), data(1, 'ok', true));
  assert.equal(stream.response!.status, 200);
  assert.deepEqual(linesOf(stream.response!), ['x-a: 1']);
  assert.deepEqual(stream.events, ['headers', 'data 2 end']);
  assert.deepEqual(side.calls, ['done']);
  assert.equal(side.stats.streams_active, 0);
});

test('up to 65535 octets go out before the server has spoken, whatever window it is going to give', () => {
  const side = new ClientSide();
  const { encoder } = send(side, get('/r', 'POST'), false);
  encoder.encodeData(Buffer.alloc(100_000), false);
  side.sent();
  side.receive(settings([4, 0]));
  assert.equal(side.codec.queuedBytes, 100_000 - 65535);
  assert.equal(side.codec.peerWindow, 0);
});

test('1xx heads come before the final one; trailers after the body', () => {
  const { side, stream } = started();
  side.receive(headers(1, status('100'), false), headers(1, status('103', ['link', 'x']), false));
  side.receive(headers(1, status('200'), false), data(1, 'x'), headers(1, block(['grpc-status', '0'])));
  assert.deepEqual(stream.events, ['1xx 100', '1xx 103', 'headers', 'data 1', 'trailers']);
});

test('responses that break the rules end the connection, or their stream when that is asked for', () => {
  const bad: [string, Buffer[]][] = [
    ['no status', [headers(1, block(['x-a', '1']))]],
    ['two statuses', [headers(1, status('200', [':status', '404']))]],
    ['101', [headers(1, status('101'))]],
    ['1xx with END_STREAM', [headers(1, status('100'))]],
    ['a request field', [headers(1, status('200', [':path', '/']))]],
    ['connection header', [headers(1, status('200', ['transfer-encoding', 'chunked']))]],
    ['1xx with a length', [headers(1, status('100', ['content-length', '0']), false)]],
    ['204 with a length', [headers(1, status('204', ['content-length', '1']))]],
    ['length without body', [headers(1, status('200', ['content-length', '3']))]],
    ['trailers without END_STREAM', [headers(1, status('200'), false), headers(1, block(['x-t', '1']), false)]],
  ];
  for (const [name, frames] of bad) {
    const whole = started();
    assert.equal(whole.side.receive(...frames), FAILED, name);
    assert.deepEqual(whole.side.sent(), [], name);
    const single = started({ streamErrorOnInvalidMessage: true });
    assert.equal(single.side.receive(...frames), '', name);
    assert.deepEqual(single.side.sent(), ['RST(1) 1'], name);
    assert.match(single.stream.events.at(-1)!, /^reset protocol error http2\./, name);
  }
});

test('a 204 may say that it is empty, and the line goes no further', () => {
  const { side, stream } = started();
  side.receive(headers(1, status('204', ['content-length', '0'], ['x-a', '1'])));
  assert.deepEqual(linesOf(stream.response!), ['x-a: 1']);
});

test('a body where there can be none resets the stream after its head', () => {
  for (const [code, method] of [
    ['204', 'GET'],
    ['304', 'GET'],
    ['200', 'HEAD'],
  ]) {
    const { side, stream } = started({}, get('/r', method));
    side.receive(
      headers(1, status(code, ...(code === '200' ? [['content-length', '2'] as [string, string]] : [])), false),
    );
    side.receive(data(1, 'ok', true));
    assert.deepEqual(side.sent(), ['RST(1) 1']);
    assert.deepEqual(stream.events, ['headers', 'reset protocol error http2.remote_reset']);
  }
});

test('the length of a HEAD response is that of the body it does not have', () => {
  const { side, stream } = started({}, get('/r', 'HEAD'));
  assert.equal(side.receive(headers(1, status('200', ['content-length', '5']))), '');
  assert.deepEqual(stream.events, ['headers end']);
});

test('DATA before a response ends the connection with GOAWAY', () => {
  const { side } = started();
  assert.equal(side.receive(data(1, 'x')), FAILED);
  assert.deepEqual(side.sent(), ['GOAWAY 0 1 DATA: stream not opened']);
});

test('resets are told with their kind; NO_ERROR is harmless only after a whole response', () => {
  const reasons: [number, string][] = [
    [0, 'reset remote reset http2.remote_reset'],
    [1, 'reset protocol error http2.remote_reset'],
    [2, 'reset remote reset http2.remote_reset'],
    [7, 'reset remote refused stream reset http2.remote_refuse'],
    [10, 'reset remote error with CONNECT request http2.remote_reset'],
  ];
  for (const [code, event] of reasons) {
    const { side, stream } = started();
    side.receive(rst(1, code));
    assert.deepEqual(stream.events, [event]);
    assert.deepEqual(side.calls, ['done']);
  }
  const { side, stream } = started({}, get('/r', 'POST'), false);
  side.receive(headers(1, status('200')), rst(1, 0));
  assert.deepEqual(stream.events, ['headers end', 'reset remote reset no error']);
});

test('a request that is given up is reset with INTERNAL_ERROR, whole or not', () => {
  for (const whole of [true, false]) {
    const { side, stream, encoder } = started({}, get('/r', 'POST'), whole);
    encoder.resetStream(Reset.LOCAL);
    assert.deepEqual(side.sent(), ['RST(1) 2']);
    side.receive(headers(1, status('200')));
    assert.deepEqual(stream.events, []);
    assert.deepEqual(side.calls, ['done']);
  }
});

test('a stream that is given up before its headers leaves nothing', () => {
  const side = new ClientSide();
  const encoder = side.codec.newStream(new Recorder());
  assert.equal(side.codec.activeStreams, 1);
  encoder.resetStream(Reset.LOCAL);
  assert.equal(side.codec.activeStreams, 0);
  assert.equal(side.conn.out.length, 0);
  assert.deepEqual(side.calls, ['done']);
});

test('GOAWAY is told first, then streams above its last are refused, others go on', () => {
  const { side, stream } = started();
  const second = send(side);
  second.stream.onEvent = () => side.calls.push('reset');
  side.receive(goAway(1, 2));
  assert.deepEqual(side.calls, ['goaway 2', 'reset', 'done']);
  assert.deepEqual(second.stream.events, ['reset remote refused stream reset http2.remote_refuse']);
  side.receive(headers(1, status('200')));
  assert.deepEqual(stream.events, ['headers end']);
  const late = send(side);
  assert.deepEqual(late.stream.events, ['reset remote refused stream reset http2.remote_refuse']);
});

test('GOAWAY may not name a stream of the server, nor raise its last stream', () => {
  for (const frames of [[goAway(2)], [goAway(1), goAway(3)]]) {
    const { side } = started();
    assert.equal(side.receive(...frames), FAILED);
  }
});

test("the server's stream limit is told, capped by ours; requests beyond it wait for their turn", () => {
  const side = new ClientSide({ maxConcurrentStreams: 5 });
  assert.equal(side.codec.maxConcurrentStreams, 5);
  const first = send(side);
  side.receive(settings([3, 1]), settingsAck);
  assert.deepEqual(side.calls, ['limit 1']);
  side.sent();
  const second = send(side, get('/b', 'POST'), false);
  second.encoder.encodeData(Buffer.from('body'), true);
  assert.deepEqual(side.sent(), []);
  side.receive(headers(1, status('200')));
  assert.deepEqual(first.stream.events, ['headers end']);
  assert.deepEqual(side.sent(), ['HEADERS(3)', 'DATA(3) 4 end']);
  side.receive(settings([3, 100]));
  assert.equal(side.codec.maxConcurrentStreams, 5);
});

test('a pushed stream ends the connection', () => {
  const { side } = started();
  assert.equal(
    side.receive(frame(5, 4, 1, Buffer.concat([Buffer.from([0, 0, 0, 2]), block([':method', 'GET'])]))),
    FAILED,
  );
  const enabled = new ClientSide();
  send(enabled);
  assert.equal(enabled.receive(settings([2, 1])), FAILED);
});

test('an upgrade goes out as an extended CONNECT, and 200 comes back as 101', () => {
  const request = get('/ws');
  request.push(H.connection, 'keep-alive, Upgrade');
  request.push(H.upgrade, 'websocket');
  const side = new ClientSide();
  const { stream } = send(side, request, false);
  const bytes = side.conn.take();
  const head = parseFrames(bytes.subarray(PREFACE.length))[2];
  assert.deepEqual(decodeBlock(new HpackDecoder(), head.payload)?.sort(), [
    ':authority: a.test',
    ':method: CONNECT',
    ':path: /ws',
    ':protocol: websocket',
    ':scheme: http',
  ]);
  side.receive(settings(), headers(1, status('200'), false));
  assert.equal(stream.response!.status, 101);
  assert.deepEqual(linesOf(stream.response!), ['upgrade: websocket', 'connection: upgrade']);
});

test('a plain CONNECT has neither scheme nor path', () => {
  const side = new ClientSide();
  send(side, get('/x', 'CONNECT'), false);
  const head = parseFrames(side.conn.take().subarray(PREFACE.length))[2];
  assert.deepEqual(decodeBlock(new HpackDecoder(), head.payload), [':authority: a.test', ':method: CONNECT']);
});

test('a smaller header table of the server is obeyed and announced', () => {
  const { side } = started();
  side.receive(settings([1, 0]));
  side.sent();
  const request = get();
  request.push(headerName('x-a'), 'b');
  send(side, request);
  send(side, request);
  const decoder = new HpackDecoder();
  const [first, second] = parseFrames(side.conn.take());
  assert.equal(first.payload[0], 0x20, 'size update to 0');
  assert.equal(decodeBlock(decoder, first.payload)?.at(-1), 'x-a: b');
  assert.equal(decodeBlock(decoder, second.payload)?.at(-1), 'x-a: b');
});

test('a request with trailers ends with them', () => {
  const { side, encoder } = started({}, get('/r', 'POST'), false);
  encoder.encodeData(Buffer.from('a'), false);
  const trailers = new Trailers();
  trailers.push(headerName('x-t'), '1');
  encoder.encodeTrailers(trailers);
  assert.deepEqual(side.sent(), ['DATA(1) 1', 'HEADERS(1) end']);
});

test('PINGs are answered, also without streams', () => {
  const { side } = started();
  side.receive(headers(1, status('200')), ping('abcdefgh'));
  assert.deepEqual(side.sent(), ['PING ack']);
});

test('window the server gives is used at once', () => {
  const { side, encoder } = started({}, get('/r', 'POST'), false);
  encoder.encodeData(Buffer.alloc(70_000), true);
  side.sent();
  side.receive(windowUpdate(0, 10_000), windowUpdate(1, 10_000));
  assert.deepEqual(side.sent(), ['DATA(1) 4465 end']);
});

test('a lost connection tells streams that are open, and those that were never opened', () => {
  const { side, stream } = started();
  const unopened = new Recorder();
  side.codec.newStream(unopened);
  side.codec.onConnectionClosed(Reset.CONNECTION_TERMINATION, '');
  assert.deepEqual(stream.events, ['reset connection termination']);
  assert.deepEqual(unopened.events, ['reset connection termination']);
  assert.equal(side.codec.activeStreams, 0);
  assert.equal(side.stats.streams_active, 0);
});
