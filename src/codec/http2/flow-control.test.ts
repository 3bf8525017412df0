import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headerName } from '../../base/header-names.js';
import { ResponseHeaders, Trailers } from '../../base/headers.js';
import { Reset } from '../codec.js';
import {
  data,
  headers,
  PREFACE,
  requestBlock,
  rst,
  ServerSide,
  settings,
  settingsAck,
  windowUpdate,
} from './test-kit.js';

const chunk = (n: number) => Buffer.alloc(n, 120);

function upload(options: object): ServerSide {
  const side = new ServerSide(options).handshake();
  side.receive(headers(1, requestBlock(), false));
  return side;
}

function download(options: object, ...entries: [number, number][]): ServerSide {
  const side = new ServerSide(options).handshake(...entries);
  side.receive(headers(1, requestBlock()));
  side.streams[0].encoder.encodeHeaders(new ResponseHeaders(200), false);
  side.sent();
  return side;
}

test('window is given back in halves, for the stream and for the connection', () => {
  const side = upload({ initialStreamWindowSize: 65535, initialConnectionWindowSize: 131070 });
  side.receive(data(1, chunk(16384)));
  assert.deepEqual(side.sent(), []);
  side.receive(data(1, chunk(16384)));
  assert.deepEqual(side.sent(), ['WINDOW(1) 32768']);
  side.receive(data(1, chunk(16384)), data(1, chunk(16384)));
  assert.deepEqual(side.sent(), ['WINDOW 65536', 'WINDOW(1) 32768']);
});

test('padding is given back at once and counts against the window', () => {
  const side = upload({ initialStreamWindowSize: 1000, initialConnectionWindowSize: 65535 });
  const padded = Buffer.concat([Buffer.from([255]), chunk(10), Buffer.alloc(255)]);
  const frameOf = (body: Buffer) => Buffer.concat([Buffer.from([0, 1, 10, 0, 8, 0, 0, 0, 1]), body]);
  side.receive(frameOf(padded), frameOf(padded));
  assert.deepEqual(side.sent(), ['WINDOW(1) 522'], 'the padding of the second frame before its data');
  assert.deepEqual(side.streams[0].events, ['headers', 'data 10', 'data 10']);
});

test('more than the window resets the stream; more than that of the connection ends it', () => {
  const side = upload({ initialStreamWindowSize: 65535, initialConnectionWindowSize: 200_000 });
  side.streams[0].encoder.readDisable(true);
  side.receive(...Array.from({ length: 5 }, () => data(1, chunk(16384))));
  assert.deepEqual(side.sent(), ['RST(1) 3']);
  assert.deepEqual(side.streams[0].events, ['headers', 'reset remote reset http2.remote_reset']);
  const whole = upload({ initialStreamWindowSize: 200_000, initialConnectionWindowSize: 65535 });
  whole.streams[0].encoder.readDisable(true);
  assert.notEqual(whole.receive(...Array.from({ length: 5 }, () => data(1, chunk(16384)))), '');
  assert.deepEqual(whole.sent(), ['GOAWAY 1 3']);
});

test('before the client acknowledges our SETTINGS its streams have 65535', () => {
  const side = new ServerSide();
  side.receive(PREFACE, settings(), headers(1, requestBlock(), false));
  side.streams[0].encoder.readDisable(true);
  side.sent();
  side.receive(...Array.from({ length: 3 }, () => data(1, chunk(16384))));
  side.receive(settingsAck);
  side.receive(...Array.from({ length: 3 }, () => data(1, chunk(16384))));
  assert.deepEqual(side.sent(), []);
  assert.equal(side.codec.activeStreams, 1);
});

test('a stream whose reading is off keeps body, end and trailers to itself, and its window; others go on', () => {
  const side = upload({ initialStreamWindowSize: 65535, initialConnectionWindowSize: 1_000_000 });
  const [stream] = side.streams;
  stream.encoder.readDisable(true);
  stream.encoder.readDisable(true);
  side.receive(data(1, chunk(16384)), data(1, chunk(16384)), data(1, chunk(1000)), data(1, 'last'));
  side.receive(
    headers(1, Buffer.concat([Buffer.from([0, 3]), Buffer.from('x-t'), Buffer.from([1]), Buffer.from('1')])),
  );
  side.receive(headers(3, requestBlock(), false), data(3, chunk(10_000), true));
  assert.deepEqual(stream.events, ['headers']);
  assert.deepEqual(side.streams[1].events, ['headers', 'data 10000 end']);
  assert.deepEqual(side.sent(), []);
  side.pass(() => stream.encoder.readDisable(false));
  assert.deepEqual(stream.events, ['headers'], 'disabled twice');
  side.pass(() => {
    stream.encoder.readDisable(false);
    assert.deepEqual(stream.events, ['headers'], 'not inside the call');
  });
  assert.deepEqual(stream.events, ['headers', 'data 33772', 'trailers']);
  assert.deepEqual(side.sent(), ['WINDOW(1) 33772']);
});

test('what was kept is delivered in pieces, a pass apart, and stops when reading is turned off again', () => {
  const side = upload({ initialStreamWindowSize: 1_000_000, bufferLimit: 1000 });
  const [stream] = side.streams;
  stream.encoder.readDisable(true);
  side.receive(data(1, chunk(2500), true));
  stream.onEvent = (event) => {
    if (event === 'data 1000' && stream.events.length === 3) stream.encoder.readDisable(true);
  };
  side.pass(() => stream.encoder.readDisable(false));
  assert.deepEqual(stream.events, ['headers', 'data 1000', 'data 1000']);
  side.pass(() => stream.encoder.readDisable(false));
  assert.deepEqual(stream.events, ['headers', 'data 1000', 'data 1000', 'data 500 end']);
  assert.equal(stream.body.length, 2500);
});

test('a stream that both sides ended lingers until its data is taken, and a reset then sends nothing', () => {
  const side = upload({});
  const [stream] = side.streams;
  stream.encoder.readDisable(true);
  side.receive(data(1, 'abc', true));
  stream.encoder.encodeHeaders(new ResponseHeaders(408), true);
  assert.equal(side.stats.deferred_stream_close, 1);
  assert.equal(side.codec.activeStreams, 1);
  stream.encoder.resetStream(Reset.LOCAL);
  assert.deepEqual(side.sent(), ['HEADERS(1) end']);
  assert.equal(side.stats.deferred_stream_close, 0);
  assert.equal(side.codec.activeStreams, 0);
  assert.deepEqual(stream.events, ['headers', 'encoded']);
});

test('a stream that lingers is over when its data has been taken', () => {
  const side = upload({});
  const [stream] = side.streams;
  stream.encoder.readDisable(true);
  side.receive(data(1, 'abc', true));
  stream.encoder.encodeHeaders(new ResponseHeaders(200), true);
  side.pass(() => stream.encoder.readDisable(false));
  assert.deepEqual(stream.events, ['headers', 'encoded', 'data 3 end']);
  assert.equal(side.codec.activeStreams, 0);
  assert.equal(side.stats.streams_active, 0);
});

test('the window that a dead stream kept back is given to the connection again', () => {
  const side = upload({ initialStreamWindowSize: 100_000, initialConnectionWindowSize: 65535 });
  side.streams[0].encoder.readDisable(true);
  side.receive(...Array.from({ length: 3 }, () => data(1, chunk(16384))));
  assert.deepEqual(side.sent(), []);
  side.receive(rst(1, 8));
  assert.deepEqual(side.sent(), ['WINDOW 49152']);
});

test('DATA waits for both windows, and so does an end without data', () => {
  const side = download({}, [4, 10]);
  const { encoder } = side.streams[0];
  encoder.encodeData(chunk(25), false);
  assert.deepEqual(side.sent(), ['DATA(1) 10']);
  assert.equal(side.stats.pending_send_bytes, 15);
  assert.equal(side.codec.queuedBytes, 15);
  side.receive(windowUpdate(1, 5));
  side.receive(windowUpdate(1, 10));
  assert.deepEqual(side.sent(), ['DATA(1) 5', 'DATA(1) 10']);
  encoder.encodeData(Buffer.alloc(0), true);
  assert.deepEqual(side.sent(), []);
  assert.equal(side.codec.wantsToWrite(), true);
  side.receive(windowUpdate(1, 1));
  assert.deepEqual(side.sent(), ['DATA(1) 0 end']);
  assert.equal(side.codec.wantsToWrite(), false);
});

test('trailers wait behind the body', () => {
  const side = download({}, [4, 3]);
  const { encoder } = side.streams[0];
  encoder.encodeData(chunk(5), false);
  const trailers = new Trailers();
  trailers.push(headerName('x-t'), '1');
  encoder.encodeTrailers(trailers);
  assert.deepEqual(side.sent(), ['DATA(1) 3']);
  side.receive(windowUpdate(1, 9));
  assert.deepEqual(side.sent(), ['DATA(1) 2', 'HEADERS(1) end']);
  assert.deepEqual(side.streams[0].events, ['headers end', 'encoded']);
});

test('SETTINGS move the windows of open streams, below zero too', () => {
  const side = download({}, [4, 10]);
  const { encoder } = side.streams[0];
  encoder.encodeData(chunk(30), true);
  side.receive(settings([4, 4]));
  side.receive(windowUpdate(1, 8));
  assert.deepEqual(side.sent(), ['DATA(1) 10', 'SETTINGS ack', 'DATA(1) 2'], '10 sent of 4, and 8 more: 2');
  side.receive(settings([4, 100]));
  assert.deepEqual(side.sent(), ['SETTINGS ack', 'DATA(1) 18 end']);
});

test('streams that wait for the connection share its window frame by frame', () => {
  const side = new ServerSide().handshake([4, 1_000_000]);
  side.receive(headers(1, requestBlock()), headers(3, requestBlock()), headers(5, requestBlock()));
  side.streams.forEach(({ encoder }, i) => {
    encoder.encodeHeaders(new ResponseHeaders(200), false);
    encoder.encodeData(chunk(i === 0 ? 65535 : 40_000), true);
  });
  side.sent();
  side.receive(windowUpdate(0, 100_000));
  assert.deepEqual(side.sent(), [
    'DATA(3) 16384',
    'DATA(5) 16384',
    'DATA(3) 16384',
    'DATA(5) 16384',
    'DATA(3) 7232 end',
    'DATA(5) 7232 end',
  ]);
});

test('a stream above its limit says so, and again when half of it is gone', () => {
  const side = download({ initialStreamWindowSize: 65535 }, [4, 0]);
  const [stream] = side.streams;
  assert.equal(stream.encoder.bufferLimit, 65535);
  stream.encoder.encodeData(chunk(65535), false);
  assert.equal(stream.encoder.aboveHighWatermark, false);
  stream.encoder.encodeData(chunk(1), false);
  assert.equal(stream.encoder.aboveHighWatermark, true);
  side.receive(windowUpdate(1, 32768));
  assert.deepEqual(stream.events, ['headers end', 'above']);
  side.receive(windowUpdate(1, 1));
  assert.deepEqual(stream.events, ['headers end', 'above', 'below']);
  assert.equal(stream.encoder.aboveHighWatermark, false);
});

test('an end that is not flushed in time resets the stream', () => {
  const side = new ServerSide().handshake([4, 3]);
  side.receive(headers(1, requestBlock()));
  const { encoder } = side.streams[0];
  encoder.setFlushTimeout(1000);
  encoder.encodeHeaders(new ResponseHeaders(200), false);
  encoder.encodeData(chunk(5), false);
  side.wait(5000);
  side.pass(() => encoder.encodeData(chunk(5), true));
  side.sent();
  side.wait(990);
  assert.deepEqual(side.sent(), []);
  side.wait(20);
  assert.deepEqual(side.sent(), ['RST(1) 2']);
  assert.equal(side.stats.tx_flush_timeout, 1);
  assert.deepEqual(side.streams[0].events, ['headers end', 'reset local reset']);
});

test('a flush timeout that is not needed does not fire', () => {
  const side = new ServerSide().handshake([4, 3]);
  side.receive(headers(1, requestBlock()));
  const { encoder } = side.streams[0];
  encoder.setFlushTimeout(1000);
  encoder.encodeHeaders(new ResponseHeaders(200), false);
  encoder.encodeData(chunk(5), true);
  side.receive(windowUpdate(1, 2));
  side.wait(5000);
  assert.equal(side.stats.tx_flush_timeout, 0);
  assert.equal(side.dispatcher.timers.size, 0);
});
