import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestHeaders } from '../../base/headers.js';
import { Close } from '../codec.js';
import { ClientSide, frame, parseFrames, ping, Recorder, ServerSide, settings, settingsAck } from './test-kit.js';

const keepalive = (more: object = {}) => ({
  keepalive: { interval: 1000, timeout: 500, intervalJitterPercent: 0, ...more },
});

function answer(side: ServerSide | ClientSide): Buffer {
  const sent = parseFrames(side.conn.take()).find(({ type }) => type === 6)!;
  return frame(6, 1, 0, sent.payload);
}

test('a PING goes out an interval after the start, and an interval after each answer, without streams too', () => {
  const side = new ServerSide(keepalive()).handshake();
  side.wait(990);
  assert.deepEqual(side.sent(), []);
  side.wait(20);
  const first = answer(side);
  side.wait(300);
  side.receive(first);
  assert.equal(side.codec.lastPingRtt, 300);
  assert.equal(side.codec.pingOutstandingSince, -1);
  side.wait(990);
  assert.deepEqual(side.sent(), []);
  side.wait(20);
  assert.deepEqual(side.sent(), ['PING']);
});

test('without an answer the connection is closed at the timeout, unflushed', () => {
  const side = new ServerSide(keepalive()).handshake();
  side.wait(1010);
  assert.ok(side.codec.pingOutstandingSince >= 0);
  side.wait(490);
  assert.equal(side.conn.closed, null);
  side.wait(20);
  assert.deepEqual(side.conn.closed, { type: Close.NO_FLUSH, reason: 'http2_ping_timeout' });
  assert.equal(side.stats.keepalive_timeout, 1);
});

test('any frame but an answer extends the timeout by its whole length', () => {
  const side = new ServerSide(keepalive()).handshake();
  side.wait(1010);
  for (let i = 0; i < 4; i++) {
    side.wait(400);
    side.receive(settings());
  }
  assert.equal(side.conn.open, true);
  side.wait(510);
  assert.equal(side.conn.closed?.reason, 'http2_ping_timeout');
});

test('an answer to no question stops the timeout as any answer does, but is no round trip', () => {
  const side = new ServerSide(keepalive()).handshake();
  side.wait(1010);
  side.receive(ping('unasked!', true));
  side.wait(800);
  assert.equal(side.conn.closed, null);
  assert.equal(side.codec.lastPingRtt, -1);
});

test('the interval is lengthened by up to the jitter', () => {
  const seen = new Set<number>();
  for (let seed = 1; seed < 30; seed++) {
    const side = new ServerSide(keepalive({ intervalJitterPercent: 50 }), {
      u32: () => seed * 97,
      uuid: () => '',
    }).handshake();
    let ms = 0;
    while (side.sent().length === 0 && ms < 2000) {
      side.wait(20);
      ms += 20;
    }
    assert.ok(ms >= 1000 && ms <= 1520, `${ms}`);
    seen.add(ms);
  }
  assert.ok(seen.size > 5);
});

test('a client pings while it is still connecting', () => {
  const side = new ClientSide(keepalive());
  side.wait(1010);
  assert.deepEqual(side.sent(), ['SETTINGS', 'PING', 'WINDOW 25100289']);
  side.wait(510);
  assert.equal(side.conn.closed?.reason, 'http2_ping_timeout');
});

test('a stream on a connection that was silent for long is preceded by a PING', () => {
  const side = new ClientSide(keepalive({ interval: 0, connectionIdleInterval: 2000 }));
  const open = () => {
    const request = new RequestHeaders();
    request.method = 'GET';
    request.authority = 'a';
    side.codec.newStream(new Recorder()).encodeHeaders(request, true);
  };
  open();
  side.receive(settings(), settingsAck);
  side.sent();
  side.wait(1990);
  side.pass(open);
  assert.deepEqual(side.sent(), ['HEADERS(3) end']);
  side.wait(100);
  side.pass(open);
  assert.deepEqual(side.sent(), ['PING', 'HEADERS(5) end']);
  side.pass(open);
  assert.deepEqual(side.sent(), ['HEADERS(7) end'], 'one is under way');
  side.wait(510);
  assert.equal(side.conn.closed?.reason, 'http2_ping_timeout');
});

test('a probe measures the round trip and threatens nobody', () => {
  const side = new ServerSide().handshake();
  side.pass(() => side.codec.keepalive.probe());
  const reply = answer(side);
  side.wait(70_000);
  assert.equal(side.conn.closed, null);
  side.receive(reply);
  assert.equal(side.codec.lastPingRtt, 70_000);
});

test('a connection that is gone leaves no timer', () => {
  const side = new ServerSide(keepalive()).handshake();
  side.wait(1010);
  side.codec.onConnectionClosed('connection termination', '');
  assert.equal(side.dispatcher.timers.size, 0);
});
