import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResponseHeaders } from '../../base/headers.js';
import { data, frame, headers, ping, requestBlock, rst, ServerSide, settings, windowUpdate } from './test-kit.js';

const times = (n: number, bytes: Buffer): Buffer => Buffer.concat(new Array(n).fill(bytes));
const priority = frame(2, 0, 99, Buffer.from([0, 0, 0, 0, 15]));

test('1000 answers in one pass are written, one more is a flood; what the kernel took does not count', () => {
  for (const asked of [ping(), settings()]) {
    const side = new ServerSide().handshake();
    assert.equal(side.receive(times(1000, asked)), '');
    assert.equal(side.stats.outbound_control_frames_active, 1000);
    side.conn.take();
    assert.equal(side.stats.outbound_control_frames_active, 0);
    assert.equal(side.receive(times(1001, asked)), 'Too many control frames in the outbound queue.');
    assert.equal(side.stats.outbound_control_flood, 1);
  }
});

test('frames are released as their bytes go, in order', () => {
  const side = new ServerSide().handshake();
  side.receive(times(10, ping()));
  side.conn.take();
  side.conn.stuck = 17 * 3 + 5;
  assert.equal(side.stats.outbound_frames_active, 4, 'three whole ones and a part');
  side.conn.stuck = 0;
  assert.equal(side.stats.outbound_frames_active, 0);
});

test('10000 frames may wait; more close the connection from here, outside of a dispatch', () => {
  const side = new ServerSide().handshake();
  side.receive(headers(1, requestBlock(), false));
  side.streams[0].encoder.encodeHeaders(new ResponseHeaders(200), false);
  side.pass(() => {
    for (let i = 0; i < 10000; i++) side.streams[0].encoder.encodeData(Buffer.from('x'), false);
  });
  assert.equal(side.conn.closed?.reason, 'http2_connection_protocol_violation');
  assert.equal(side.stats.outbound_flood, 1);
});

test('a second frame without payload in a row is a flood, padding or not', () => {
  const open = headers(1, requestBlock(), false);
  const padded = frame(0, 8, 1, '\x03\0\0\0');
  for (const frames of [
    [open, data(1, ''), data(1, '')],
    [open, padded, padded],
    [headers(1, requestBlock(), true, 0), frame(9, 0, 1), frame(9, 4, 1)],
  ]) {
    const side = new ServerSide().handshake();
    assert.equal(side.receive(...frames), 'Too many consecutive frames with an empty payload');
    assert.equal(side.streams[0].encoder.codecDetails, 'http2.inbound_empty_frames_flood');
    assert.equal(side.stats.inbound_empty_frames_flood, 1);
  }
  const fine = new ServerSide().handshake();
  assert.equal(fine.receive(open, data(1, ''), data(1, 'x'), data(1, ''), data(1, '', true)), '');
});

test('WINDOW_UPDATEs: 5, two for each open stream and twenty for each DATA frame sent; a stream takes its share with it', () => {
  const none = new ServerSide().handshake();
  assert.equal(none.receive(times(5, windowUpdate(0, 1))), '');
  assert.equal(none.receive(windowUpdate(0, 1)), 'Too many WINDOW_UPDATE frames');
  const open = new ServerSide().handshake();
  assert.equal(open.receive(headers(1, requestBlock(), false), times(7, windowUpdate(0, 1))), '');
  assert.equal(open.receive(rst(1, 8)), '');
  assert.equal(open.receive(windowUpdate(0, 1)), 'Too many WINDOW_UPDATE frames');
  const answered = new ServerSide().handshake();
  answered.receive(headers(1, requestBlock()));
  answered.streams[0].encoder.encodeHeaders(new ResponseHeaders(200), false);
  answered.streams[0].encoder.encodeData(Buffer.from('a'), false);
  answered.streams[0].encoder.encodeData(Buffer.from('b'), true);
  assert.equal(answered.receive(times(45, windowUpdate(1, 1))), '');
  assert.equal(answered.receive(windowUpdate(1, 1)), 'Too many WINDOW_UPDATE frames');
});

test('PRIORITYs: a hundred, and a hundred for each open stream', () => {
  const side = new ServerSide().handshake();
  assert.equal(side.receive(headers(1, requestBlock(), false), times(150, priority)), '');
  assert.equal(side.receive(rst(1, 8), times(50, priority)), '', '150 less the 100 of the stream');
  assert.equal(side.receive(priority), 'Too many PRIORITY frames');
});

test('512 CONTINUATIONs make a block, one more is an error', () => {
  const fields = requestBlock(['x-a', 'v'.repeat(100)]);
  const piece = (i: number, last: boolean) => frame(9, last ? 4 : 0, 1, Buffer.from([fields[i]]));
  const start = headers(1, fields.subarray(0, 1), true, 0);
  const pieces: Buffer[] = [];
  for (let i = 1; i < fields.length; i++) pieces.push(piece(i, i === fields.length - 1));
  const side = new ServerSide().handshake();
  assert.equal(side.receive(start, ...pieces), '');
  assert.deepEqual(side.streams[0].events, ['headers end']);
  const many = new ServerSide({ maxConsecutiveInboundFramesWithEmptyPayload: 2000 }).handshake();
  assert.equal(many.receive(start, times(512, frame(9, 0, 1))), '');
  assert.equal(many.receive(frame(9, 0, 1)), 'Too many CONTINUATION frames following a HEADER frame');
});

test('a client that only resets is shown out after a thousand, less 33 a second', () => {
  const side = new ServerSide().handshake();
  side.receive(headers(1, requestBlock()), rst(1, 8));
  assert.equal(side.receive(times(999, rst(1, 8))), '');
  side.wait(1000);
  assert.equal(side.receive(times(33, rst(1, 8))), '');
  assert.notEqual(side.receive(rst(1, 8)), '');
  assert.deepEqual(side.sent(), ['GOAWAY 1 2']);
});
