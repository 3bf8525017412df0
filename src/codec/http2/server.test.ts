import assert from 'node:assert/strict';
import { test } from 'node:test';
import { H, headerName } from '../../base/header-names.js';
import { ResponseHeaders, Trailers } from '../../base/headers.js';
import { Reset, type ResetReason } from '../codec.js';
import {
  block,
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
  requestBlock,
  rst,
  ServerSide,
  settings,
  settingsAck,
  windowUpdate,
} from './test-kit.js';

const FAILED = 'The user callback function failed';

function ok(side: ServerSide, at = 0, body = 'hello'): void {
  const { encoder } = side.streams[at];
  encoder.encodeHeaders(new ResponseHeaders(200), body === '');
  if (body !== '') encoder.encodeData(Buffer.from(body), true);
}

test('the first bytes sent are SETTINGS with the limits, the window of the connection, and the acknowledgement', () => {
  const side = new ServerSide({ maxConcurrentStreams: 7, initialConnectionWindowSize: 100_000 });
  assert.equal(side.receive(PREFACE, settings()), '');
  const [first, ack, window] = parseFrames(side.conn.take());
  assert.equal(first.payload.toString('hex'), '000100001000000800000000000300000007000401000000');
  assert.deepEqual([ack.type, ack.flags], [4, 1]);
  assert.deepEqual([window.type, window.payload.readUInt32BE(0)], [8, 100_000 - 65535]);
});

test('a request is delivered with its pseudo-headers as fields, cookies joined and last, host dropped beside the authority', () => {
  const side = new ServerSide().handshake();
  const extra: [string, string][] = [
    ['cookie', 'a=1'],
    ['host', 'b.test'],
    ['x-a', '1'],
    ['cookie', 'b=2'],
    ['via', 'p'],
    ['via', 'q'],
  ];
  side.receive(headers(1, requestBlock(...extra)));
  const [stream] = side.streams;
  const request = stream.request!;
  assert.deepEqual([request.method, request.scheme, request.path, request.authority], ['GET', 'http', '/r', 'a.test']);
  assert.deepEqual(linesOf(request), ['x-a: 1', 'via: p,q', 'cookie: a=1; b=2']);
  assert.equal(request.pseudoOrder, 0o4231);
  assert.deepEqual(stream.events, ['headers end']);
});

test('a host line stands for a missing authority', () => {
  const side = new ServerSide().handshake();
  side.receive(headers(1, block([':method', 'GET'], [':scheme', 'http'], [':path', '/'], ['host', 'h.test'])));
  assert.equal(side.streams[0].request!.authority, 'h.test');
});

test('a response is HEADERS and DATA with END_STREAM, and the stream is done', () => {
  const side = new ServerSide().handshake();
  side.receive(headers(1, requestBlock()));
  const response = new ResponseHeaders(200);
  response.push(headerName('x-a'), 'b');
  side.streams[0].encoder.encodeHeaders(response, false);
  side.streams[0].encoder.encodeData(Buffer.from('body'), true);
  const frames = parseFrames(side.conn.take());
  assert.deepEqual(decodeBlock(new HpackDecoder(), frames[0].payload), [':status: 200', 'x-a: b']);
  assert.deepEqual([frames[1].payload.toString(), frames[1].flags], ['body', 1]);
  assert.deepEqual(side.streams[0].events, ['headers end', 'encoded']);
  assert.equal(side.codec.activeStreams, 0);
  assert.equal(side.stats.streams_active, 0);
});

test('answers given while bytes are worked on go out after the dispatch: answers to PING, heads, then bodies', () => {
  const side = new ServerSide().handshake();
  side.onStream = (stream) => {
    stream.onEvent = (event) => {
      if (event === 'headers end') ok(side, side.streams.indexOf(stream));
    };
  };
  side.receive(headers(1, requestBlock()), ping(), headers(3, requestBlock()));
  assert.deepEqual(side.sent(), ['PING ack', 'HEADERS(1)', 'HEADERS(3)', 'DATA(1) 5 end', 'DATA(3) 5 end']);
});

test('nothing of a pass in which the client breaks the protocol is sent', () => {
  const side = new ServerSide().handshake();
  side.onStream = () => {};
  side.receive(headers(1, requestBlock()));
  side.streams[0].onEvent = () => {};
  side.onStream = (stream) => {
    stream.onEvent = (event) => {
      if (event === 'headers end') ok(side, 1);
    };
  };
  assert.equal(side.receive(headers(3, requestBlock()), ping(), settings([2, 5])), FAILED);
  assert.deepEqual(side.sent(), []);
});

test('trailers end the stream after the body, and a request with trailers is complete with them', () => {
  const side = new ServerSide().handshake();
  side.receive(headers(1, requestBlock(), false), data(1, 'abc'), headers(1, block(['x-t', '1'])));
  const [stream] = side.streams;
  assert.deepEqual(stream.events, ['headers', 'data 3', 'trailers']);
  assert.deepEqual(linesOf(stream.trailers!), ['x-t: 1']);
  stream.encoder.encodeHeaders(new ResponseHeaders(200), false);
  stream.encoder.encodeData(Buffer.from('x'), false);
  const trailers = new Trailers();
  trailers.push(headerName('grpc-status'), '0');
  stream.encoder.encodeTrailers(trailers);
  assert.deepEqual(side.sent(), ['HEADERS(1)', 'DATA(1) 1', 'HEADERS(1) end']);
});

test('empty trailers are an empty DATA frame', () => {
  const side = new ServerSide().handshake();
  side.receive(headers(1, requestBlock()));
  side.streams[0].encoder.encodeHeaders(new ResponseHeaders(200), false);
  side.streams[0].encoder.encodeTrailers(new Trailers());
  assert.deepEqual(side.sent(), ['HEADERS(1)', 'DATA(1) 0 end']);
});

test('malformed messages close the connection without a word, and the stream has the finding', () => {
  const bad: [string, Buffer, string][] = [
    ['upper case', requestBlock(['X-Up', '1']), 'http2.invalid.header.field'],
    ['connection header', requestBlock(['connection', 'close']), 'http2.invalid.header.field'],
    ['line feed', requestBlock(['x-a', 'a\nb']), 'http2.invalid.header.field'],
    ['te', requestBlock(['te', 'gzip']), 'http2.invalid.header.field'],
    ['repeated length', requestBlock(['content-length', '0'], ['content-length', '0']), 'http2.invalid.header.field'],
    ['pseudo-header after a line', requestBlock(['x-a', '1'], [':path', '/']), 'http2.invalid.header.field'],
    ['protocol not enabled', requestBlock([':protocol', 'websocket']), 'http2.invalid.header.field'],
    [
      'no path',
      block([':method', 'GET'], [':scheme', 'http'], [':authority', 'a']),
      'http2.violation.of.messaging.rule',
    ],
    ['length without body', requestBlock(['content-length', '5']), 'http2.violation.of.messaging.rule'],
  ];
  for (const [name, fields, details] of bad) {
    const side = new ServerSide().handshake();
    assert.equal(side.receive(headers(1, fields)), FAILED, name);
    assert.deepEqual(side.sent(), [], name);
    assert.equal(side.streams[0].encoder.codecDetails, details, name);
    assert.equal(side.stats.rx_messaging_error, 1, name);
    side.codec.onConnectionClosed(Reset.CONNECTION_TERMINATION, 'codec_error:x');
    assert.deepEqual(side.streams[0].events, [`reset connection termination ${details}`], name);
  }
});

test('with the stream-error option a malformed message costs its stream, and the table stays in step', () => {
  const side = new ServerSide({ streamErrorOnInvalidMessage: true }).handshake();
  const indexed = Buffer.concat([requestBlock(['te', 'gzip']), Buffer.from('4003782d610162', 'hex')]);
  assert.equal(side.receive(headers(1, indexed)), '');
  assert.deepEqual(side.sent(), ['RST(1) 1']);
  assert.deepEqual(side.streams[0].events, ['reset local reset http2.invalid.header.field']);
  side.receive(headers(3, Buffer.concat([requestBlock(), Buffer.from([0xbe])])));
  assert.deepEqual(linesOf(side.streams[1].request!), ['x-a: b']);
});

test('a head that is too large, has too many fields or an unwanted underscore resets its stream with INTERNAL_ERROR', () => {
  const many = Array.from({ length: 97 }, (_, i): [string, string] => [`x-${i}`, 'v']);
  const cases: [object, [string, string][], string][] = [
    [{ maxHeadersKb: 0 }, [], 'http2.header_list_size_too_large'],
    [{}, many, 'http2.too_many_headers'],
    [{ headersWithUnderscores: 'REJECT_REQUEST' }, [['x_y', '1']], 'http2.unexpected_underscore'],
  ];
  for (const [options, extra, details] of cases) {
    const side = new ServerSide(options).handshake();
    assert.equal(side.receive(headers(1, requestBlock(...extra))), '');
    assert.deepEqual(side.sent(), ['RST(1) 2'], details);
    assert.deepEqual(side.streams[0].events, [`reset remote reset ${details}`]);
  }
  const fits = new ServerSide().handshake();
  fits.receive(headers(1, requestBlock(...many.slice(1))));
  assert.deepEqual(fits.streams[0].events, ['headers end']);
});

test('underscores can be dropped', () => {
  const side = new ServerSide({ headersWithUnderscores: 'DROP_HEADER' }).handshake();
  side.receive(headers(1, requestBlock(['x_y', '1'], ['x-z', '2'])));
  assert.deepEqual(linesOf(side.streams[0].request!), ['x-z: 2']);
  assert.equal(side.stats.dropped_headers_with_underscores, 1);
});

test('errors that nghttp2 ends itself are told with GOAWAY, its texts, and the last stream', () => {
  const open = headers(1, requestBlock(), false);
  const cases: [string, Buffer[], string][] = [
    ['DATA on 0', [data(0, 'x')], 'GOAWAY 0 1 DATA: stream_id == 0'],
    ['DATA on idle', [data(5, 'x')], 'GOAWAY 0 1 DATA: stream in idle'],
    [
      'DATA after the end',
      [headers(1, requestBlock()), data(1, 'x')],
      'GOAWAY 1 5 DATA: stream in half-closed(remote)',
    ],
    ['DATA padding', [open, frame(0, 8, 1, '\x09abc')], 'GOAWAY 1 1 DATA: invalid padding'],
    ['HEADERS padding', [frame(1, 12, 1, '\xff')], 'GOAWAY 0 1 HEADERS: invalid padding'],
    ['CONTINUATION', [frame(9, 4, 1, '')], 'GOAWAY 0 1 CONTINUATION: unexpected'],
    [
      'PING inside a block',
      [headers(1, requestBlock(), true, 0), ping()],
      'GOAWAY 1 1 unexpected non-CONTINUATION frame or stream_id is invalid',
    ],
    ['PING of 7', [frame(6, 0, 0, '1234567')], 'GOAWAY 0 6'],
    ['WINDOW_UPDATE of 3', [frame(8, 0, 0, '123')], 'GOAWAY 0 6'],
    ['PRIORITY of 4', [frame(2, 0, 3, '1234')], 'GOAWAY 0 6'],
    ['SETTINGS of 5', [frame(4, 0, 0, '12345')], 'GOAWAY 0 6'],
    [
      '33 settings',
      [settings(...Array.from({ length: 33 }, (): [number, number] => [99, 1]))],
      'GOAWAY 0 11 SETTINGS: too many setting entries',
    ],
    ['bad index', [headers(1, Buffer.from([0xff, 0xff, 0xff, 0x0f]))], 'GOAWAY 1 9'],
    ['frame too large', [frame(0, 0, 1, Buffer.alloc(16385))], 'GOAWAY 0 6 too large frame size'],
  ];
  for (const [name, frames, goaway] of cases) {
    const side = new ServerSide().handshake();
    assert.equal(side.receive(...frames, ping()), FAILED, name);
    assert.deepEqual(side.sent(), [goaway], name);
  }
});

test('other violations close the connection without GOAWAY', () => {
  const open = headers(1, requestBlock(), false);
  const cases: [string, Buffer[]][] = [
    ['HEADERS on 0', [headers(0, requestBlock())]],
    ['even stream', [headers(2, requestBlock())]],
    ['HEADERS after the end', [headers(1, requestBlock()), headers(1, block(['x-t', '1']))]],
    ['self dependency', [frame(1, 0x25, 1, Buffer.concat([Buffer.from([0, 0, 0, 1, 15]), requestBlock()]))]],
    ['PUSH_PROMISE', [open, frame(5, 4, 1, Buffer.concat([Buffer.from([0, 0, 0, 2]), requestBlock()]))]],
    ['RST on idle', [rst(9, 8)]],
    ['RST on 0', [rst(0, 8)]],
    ['WINDOW_UPDATE of nothing', [windowUpdate(0, 0)]],
    ['WINDOW_UPDATE of nothing on a stream', [open, windowUpdate(1, 0)]],
    ['WINDOW_UPDATE on idle', [windowUpdate(7, 1)]],
    ['window over 2^31-1', [windowUpdate(0, 0x7fffffff)]],
    ['stream window over 2^31-1', [open, windowUpdate(1, 0x7fffffff)]],
    ['SETTINGS on a stream', [frame(4, 0, 1)]],
    ['acknowledgement of nothing', [settingsAck]],
    ['initial window over 2^31-1', [settings([4, 0x80000000])]],
    ['push of 2', [settings([2, 2])]],
    ['frame size under 2^14', [settings([5, 16383])]],
    ['priorities changed', [settings([9, 1])]],
    ['PING on a stream', [frame(6, 0, 1, '12345678')]],
    ['GOAWAY on a stream', [frame(7, 0, 1, Buffer.alloc(8))]],
  ];
  for (const [name, frames] of cases) {
    const side = new ServerSide().handshake();
    assert.equal(side.receive(...frames), FAILED, name);
    assert.deepEqual(side.sent(), [], name);
  }
});

test('a wrong preface closes without a word, a first frame that is not SETTINGS with GOAWAY', () => {
  const wrong = new ServerSide();
  assert.equal(wrong.receive(Buffer.from('GET / HTTP/1.1\r\n')), 'Received bad client magic byte string');
  assert.deepEqual(wrong.sent(), []);
  const early = new ServerSide();
  assert.equal(early.receive(PREFACE, headers(1, requestBlock())), FAILED);
  assert.deepEqual(early.sent(), ['SETTINGS', 'GOAWAY 0 1 SETTINGS expected']);
});

test('frames that mean nothing here are ignored', () => {
  const side = new ServerSide().handshake();
  const priority = (id: number, on: number) => frame(2, 0, id, Buffer.from([0, 0, 0, on, 15]));
  side.receive(frame(10, 0, 0, 'altsvc'), frame(0x55, 255, 3, 'x'), frame(16, 0, 0, '\0\0\0\x01u=1'));
  side.receive(priority(0, 0), priority(3, 3), priority(99, 1), ping('unasked!', true));
  side.receive(headers(1, requestBlock()));
  ok(side);
  side.receive(data(1, 'late'), windowUpdate(1, 5), rst(1, 8), headers(1, requestBlock()));
  assert.equal(side.streams.length, 1);
  assert.deepEqual(side.sent(), ['HEADERS(1)', 'DATA(1) 5 end']);
});

test('body and content-length that differ reset the stream with PROTOCOL_ERROR', () => {
  for (const frames of [[data(1, 'abcdef')], [data(1, 'abc', true)]]) {
    const side = new ServerSide().handshake();
    assert.equal(side.receive(headers(1, requestBlock(['content-length', '5']), false), ...frames), '');
    assert.deepEqual(side.sent(), ['RST(1) 1']);
    assert.deepEqual(side.streams[0].events, ['headers', 'reset protocol error http2.remote_reset']);
  }
});

test('a reset by the client is told with its kind', () => {
  const reasons: [number, string][] = [
    [0, 'reset remote reset no error'],
    [1, 'reset protocol error http2.remote_reset'],
    [7, 'reset remote refused stream reset http2.remote_refuse'],
    [8, 'reset remote reset http2.remote_reset'],
    [10, 'reset remote error with CONNECT request http2.remote_reset'],
  ];
  for (const [code, event] of reasons) {
    const side = new ServerSide().handshake();
    side.receive(headers(1, requestBlock()), rst(1, code));
    assert.deepEqual(side.streams[0].events, ['headers end', event]);
    assert.equal(side.stats.rx_reset, 1);
  }
  const incomplete = new ServerSide().handshake();
  incomplete.receive(headers(1, requestBlock(), false), rst(1, 0));
  assert.deepEqual(incomplete.streams[0].events, ['headers', 'reset remote reset http2.remote_reset']);
});

test('a reset from above goes out with the code of its reason, and nothing is called after it', () => {
  const codes: [ResetReason, number][] = [
    [Reset.LOCAL, 2],
    [Reset.LOCAL_REFUSED, 7],
    [Reset.PROTOCOL_ERROR, 1],
    [Reset.CONNECT_ERROR, 10],
    [Reset.CONNECTION_TERMINATION, 2],
  ];
  for (const [reason, code] of codes) {
    const side = new ServerSide().handshake();
    side.receive(headers(1, requestBlock(), false));
    side.streams[0].encoder.resetStream(reason);
    assert.deepEqual(side.sent(), [`RST(1) ${code}`]);
    side.receive(data(1, 'x'));
    assert.deepEqual(side.streams[0].events, ['headers']);
    assert.equal(side.stats.tx_reset, 1);
  }
});

test('a response that is whole before the request is followed by RST_STREAM(NO_ERROR), also within a dispatch', () => {
  const side = new ServerSide().handshake();
  side.receive(headers(1, requestBlock(), false));
  ok(side);
  side.streams[0].encoder.resetStream(Reset.LOCAL);
  assert.deepEqual(side.sent(), ['HEADERS(1)', 'DATA(1) 5 end', 'RST(1) 0']);
  side.onStream = (stream) => {
    stream.onEvent = () => {
      ok(side, 1);
      stream.encoder.resetStream(Reset.LOCAL);
    };
  };
  side.receive(headers(3, requestBlock(), false));
  assert.deepEqual(side.sent(), ['HEADERS(3)', 'DATA(3) 5 end', 'RST(3) 0']);
});

test('a response whose end the window holds back is cut with INTERNAL_ERROR when it is reset', () => {
  const side = new ServerSide().handshake([4, 3]);
  side.receive(headers(1, requestBlock(), false));
  ok(side);
  side.streams[0].encoder.resetStream(Reset.LOCAL);
  assert.deepEqual(side.sent(), ['HEADERS(1)', 'DATA(1) 3', 'RST(1) 2']);
  assert.equal(side.stats.pending_send_bytes, 0);
});

test('more streams than announced close the connection; before the client has acknowledged, the stream is refused', () => {
  const side = new ServerSide({ maxConcurrentStreams: 2 }).handshake();
  assert.equal(side.receive(headers(1, requestBlock()), headers(3, requestBlock())), '');
  assert.equal(side.receive(headers(5, requestBlock())), FAILED);
  assert.deepEqual(side.sent(), []);
  const early = new ServerSide({ maxConcurrentStreams: 1 });
  assert.equal(early.receive(PREFACE, settings(), headers(1, requestBlock()), headers(3, requestBlock())), '');
  assert.ok(early.sent().includes('RST(3) 7'));
  assert.equal(early.stats.stream_refused_errors, 1);
});

test('after our GOAWAY new streams are ignored, open ones go on; after theirs, nothing counts once no stream is open', () => {
  const side = new ServerSide().handshake();
  side.receive(headers(1, requestBlock()));
  side.codec.shutdownNotice();
  side.codec.goAway();
  assert.deepEqual(side.sent(), ['GOAWAY 2147483647 0', 'GOAWAY 1 0']);
  side.receive(headers(3, requestBlock()));
  assert.equal(side.streams.length, 1);
  ok(side);
  assert.deepEqual(side.sent(), ['HEADERS(1)', 'DATA(1) 5 end']);
  const theirs = new ServerSide().handshake();
  theirs.receive(goAway(0), headers(1, requestBlock()));
  assert.equal(theirs.goAways, 1);
  ok(theirs);
  theirs.receive(ping(), headers(3, requestBlock()));
  assert.deepEqual(theirs.sent(), ['HEADERS(1)', 'DATA(1) 5 end']);
});

test('an extended CONNECT is an upgrade above the codec, and its answer 101 is 200', () => {
  const side = new ServerSide({ allowConnect: true }).handshake();
  const fields = block(
    [':method', 'CONNECT'],
    [':protocol', 'websocket'],
    [':scheme', 'http'],
    [':path', '/ws'],
    [':authority', 'a'],
  );
  side.receive(headers(1, fields, false));
  const request = side.streams[0].request!;
  assert.deepEqual([request.method, request.protocol], ['GET', undefined]);
  assert.deepEqual(linesOf(request), ['upgrade: websocket', 'connection: upgrade']);
  const response = new ResponseHeaders(101);
  response.push(H.upgrade, 'websocket');
  response.push(H.connection, 'upgrade');
  side.streams[0].encoder.encodeHeaders(response, false);
  const [head] = parseFrames(side.conn.take());
  assert.deepEqual(decodeBlock(new HpackDecoder(), head.payload), [':status: 200']);
});

test('a block larger than a frame is split, and comes out whole', () => {
  const side = new ServerSide().handshake();
  side.receive(headers(1, requestBlock()));
  const response = new ResponseHeaders(200);
  for (let i = 0; i < 40; i++) response.push(headerName(`x-${i}`), '\x01'.repeat(1000));
  side.streams[0].encoder.encodeHeaders(response, true);
  const frames = parseFrames(side.conn.take());
  assert.deepEqual(
    frames.map(({ type, flags }) => [type, flags]),
    [
      [1, 1],
      [9, 0],
      [9, 4],
    ],
  );
  assert.ok(frames.every(({ payload }) => payload.length <= 16384));
  const lines = decodeBlock(new HpackDecoder(), Buffer.concat(frames.map(({ payload }) => payload)));
  assert.equal(lines?.length, 41);
});

test('bytes on the wire and of header blocks are counted per stream', () => {
  const side = new ServerSide().handshake();
  const head = headers(1, requestBlock(), false);
  side.receive(head, data(1, 'hello', true));
  ok(side);
  const { bytes } = side.streams[0].encoder;
  assert.equal(bytes.headerReceived, head.length);
  assert.equal(bytes.wireReceived, head.length + 14);
  assert.equal(bytes.headerSent, 10);
  assert.equal(bytes.wireSent, 10 + 14);
});

test('streams that are open when the connection goes are told once, with what was found about them', () => {
  const side = new ServerSide().handshake();
  side.receive(headers(1, requestBlock()), headers(3, requestBlock(), false));
  side.codec.onConnectionClosed(Reset.CONNECTION_TERMINATION, 'downstream_remote_disconnect');
  side.codec.onConnectionClosed(Reset.CONNECTION_TERMINATION, 'again');
  for (const stream of side.streams) {
    assert.equal(stream.events[1], 'reset connection termination downstream_remote_disconnect');
    assert.equal(stream.events.length, 2);
  }
  assert.equal(side.stats.streams_active, 0);
});

test('the marks of the connection are passed to every stream, and a stream that begins above is told', () => {
  const side = new ServerSide().handshake();
  side.receive(headers(1, requestBlock(), false));
  side.conn.above = true;
  side.codec.onConnectionAboveHighWatermark();
  side.receive(headers(3, requestBlock(), false));
  assert.equal(side.streams[0].encoder.aboveHighWatermark, true);
  side.conn.above = false;
  side.codec.onConnectionBelowLowWatermark();
  assert.deepEqual(side.streams[0].events, ['headers', 'above', 'below']);
  assert.deepEqual(side.streams[1].events, ['above', 'headers', 'below']);
});
