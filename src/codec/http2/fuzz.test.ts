import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headerName } from '../../base/header-names.js';
import { RequestHeaders, ResponseHeaders, Trailers } from '../../base/headers.js';
import { type Random, seededRandom } from '../../base/random.js';
import { Reset } from '../codec.js';
import { createHttp2ClientCodec, type Http2ClientCodec } from './client.js';
import type { Http2Options } from './options.js';
import { createHttp2ServerCodec, type Http2ServerCodec } from './server.js';
import { Http2CodecStats } from './stats.js';
import {
  block,
  ClientSide,
  data,
  describeFrames,
  frame,
  goAway,
  headers,
  PREFACE,
  ping,
  Recorder,
  requestBlock,
  rst,
  ServerSide,
  settings,
  settingsAck,
  TestConnection,
  windowUpdate,
} from './test-kit.js';

const bytesOf = (random: Random, n: number) => Buffer.from(Array.from({ length: n }, () => random.u32() & 255));
const pick = <T>(random: Random, list: readonly T[]): T => list[random.u32() % list.length];

/** Frames of a client, most of them good. @param goAways what follows a GOAWAY counts in the same pass only */
function script(random: Random, goAways: boolean): Buffer[] {
  const frames: Buffer[] = [];
  let next = 1;
  for (let n = 2 + (random.u32() % 12); n > 0; n--) {
    const id = random.u32() % 5 === 0 ? random.u32() % 12 : Math.max(1, next - 2 * (1 + (random.u32() % 2)));
    switch (random.u32() % 14) {
      case 0:
        frames.push(rst(id, random.u32() % 14));
        break;
      case 1:
        frames.push(windowUpdate(pick(random, [0, id]), pick(random, [0, 1, 5000, 0x7fffffff])));
        break;
      case 2:
        frames.push(settings([random.u32() % 10, pick(random, [0, 1, 100, 16384, 0x7fffffff])]));
        break;
      case 3:
        frames.push(frame(random.u32() % 12, random.u32() & 255, id, bytesOf(random, random.u32() % 20)));
        break;
      case 4:
        frames.push(ping());
        break;
      case 5:
        frames.push(goAways && random.u32() % 4 === 0 ? goAway(0) : headers(id, block(['x-t', '1'])));
        break;
      case 6:
      case 7:
      case 8:
        frames.push(data(id, bytesOf(random, random.u32() % 400), random.u32() % 3 === 0));
        break;
      default: {
        let fields = requestBlock(['x-a', 'v'.repeat(random.u32() % 100)]);
        if (random.u32() % 12 === 0) fields = Buffer.concat([fields, bytesOf(random, 3)]);
        const end = random.u32() % 2 === 0;
        if (random.u32() % 3 === 0) {
          const cut = random.u32() % fields.length;
          frames.push(headers(next, fields.subarray(0, cut), end, 0), frame(9, 4, next, fields.subarray(cut)));
        } else frames.push(headers(next, fields, end));
        next += 2;
      }
    }
  }
  return frames;
}

/** Runs a script in the given pieces, each a dispatch. @param answers requests when they are complete */
function run(pieces: Buffer[], options: Http2Options, answers: boolean): string[] {
  const side = new ServerSide(options);
  side.onStream = (stream) => {
    stream.onEvent = (event) => {
      if (answers && event.endsWith('end') && stream.complete) {
        stream.encoder.encodeHeaders(new ResponseHeaders(200), false);
        stream.encoder.encodeData(Buffer.from('answer'), true);
      }
    };
  };
  let error = '';
  for (const piece of pieces) {
    error = side.receive(piece);
    if (error !== '') break;
  }
  const events = side.streams.map((stream) => stream.events.join('|'));
  assert.equal(side.stats.streams_active, side.codec.activeStreams);
  side.codec.onConnectionClosed(Reset.CONNECTION_TERMINATION, 'gone');
  assert.equal(side.stats.streams_active, 0);
  assert.equal(side.stats.pending_send_bytes, 0);
  assert.equal(side.stats.deferred_stream_close, 0);
  return [error, ...events, ...side.streams.map((stream) => stream.body.toString('hex'))];
}

test('any split of the bytes gives the same events and the same error', () => {
  let errors = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const random = seededRandom(seed);
    const bytes = Buffer.concat([PREFACE, settings(), settingsAck, ...script(random, false)]);
    const single: Buffer[] = [];
    for (let i = 0; i < bytes.length; i++) single.push(bytes.subarray(i, i + 1));
    const some: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const n = 1 + (random.u32() % 300);
      some.push(bytes.subarray(at, at + n));
      at += n;
    }
    const byOctet = run(single, {}, false);
    if (byOctet[0] !== '') errors++;
    assert.deepEqual(run(some, {}, false), byOctet, `seed ${seed}`);
    assert.deepEqual(run([bytes], {}, false), byOctet, `seed ${seed}`);
  }
  assert.ok(errors > 100 && errors < 390, `${errors}: scripts of both kinds`);
});

test('random octets, and good frames with octets changed, never throw', () => {
  for (let seed = 1; seed <= 1500; seed++) {
    const random = seededRandom(seed);
    const bytes = Buffer.concat([PREFACE, settings(), settingsAck, ...script(random, true)]);
    for (let n = random.u32() % 6; n > 0; n--) bytes[random.u32() % bytes.length] = random.u32();
    const options = { streamErrorOnInvalidMessage: seed % 3 === 0 };
    run([bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)], options, true);
  }
});

test('a client codec takes any octets', () => {
  for (let seed = 1; seed <= 1500; seed++) {
    const random = seededRandom(seed);
    const side = new ClientSide({ streamErrorOnInvalidMessage: seed % 2 === 0 });
    for (let i = 0; i < 3; i++) {
      const request = new RequestHeaders();
      request.method = pick(random, ['GET', 'HEAD', 'POST', 'CONNECT']);
      request.authority = 'a';
      const encoder = side.codec.newStream(new Recorder());
      encoder.encodeHeaders(request, random.u32() % 2 === 0);
    }
    const frames = [settings(), settingsAck];
    for (let n = random.u32() % 8; n > 0; n--) {
      const id = 1 + 2 * (random.u32() % 3);
      const status = block([':status', pick(random, ['200', '204', '100', '304', 'x'])]);
      frames.push(
        pick(random, [
          headers(id, status, random.u32() % 2 === 0),
          data(id, bytesOf(random, random.u32() % 50), random.u32() % 3 === 0),
          rst(id, random.u32() % 14),
          goAway(pick(random, [0, 1, 3, 0x7fffffff])),
          settings([random.u32() % 10, random.u32() % 100]),
          frame(random.u32() % 12, random.u32() & 255, random.u32() % 7, bytesOf(random, random.u32() % 20)),
        ]),
      );
    }
    const bytes = Buffer.concat(frames);
    for (let n = random.u32() % 3; n > 0; n--) bytes[random.u32() % bytes.length] = random.u32();
    side.receive(bytes);
    side.codec.onConnectionClosed(Reset.CONNECTION_TERMINATION, '');
    assert.equal(side.stats.streams_active, 0);
    assert.equal(side.stats.pending_send_bytes, 0);
  }
});

/* Both codecs, joined by two pipes. */

class Exchange {
  readonly response = new Recorder();
  request: Recorder | null = null;
  sent = Buffer.alloc(0);
  answer = Buffer.alloc(0);
  reset = false;
}

class Loop {
  readonly sides: { client: TestConnection; server: TestConnection };
  readonly client: Http2ClientCodec;
  readonly server: Http2ServerCodec;
  readonly exchanges = new Map<string, Exchange>();
  readonly clientStats = new Http2CodecStats();
  readonly serverStats = new Http2CodecStats();
  private toServer = Buffer.alloc(0);
  private toClient = Buffer.alloc(0);
  readonly log: string[] = [];

  constructor(
    readonly random: Random,
    options: Http2Options,
  ) {
    const { dispatcher } = new ServerSide({}, random);
    this.sides = { client: new TestConnection(dispatcher), server: new TestConnection(dispatcher) };
    const quiet = { onGoAway() {}, onMaxConcurrentStreamsChanged() {}, onStreamDone() {} };
    this.client = createHttp2ClientCodec(this.sides.client, quiet, options, this.clientStats);
    const newStream = (encoder: Recorder['encoder']) => {
      const stream = new Recorder();
      stream.encoder = encoder;
      stream.onEvent = () => {
        const path = stream.request?.path;
        if (path !== undefined) this.exchanges.get(path)!.request = stream;
      };
      return stream;
    };
    this.server = createHttp2ServerCodec(this.sides.server, { newStream, onGoAway() {} }, options, this.serverStats);
  }

  /** Moves some of what is in the pipes. */
  move(all: boolean): void {
    const { client, server } = this.sides;
    const dispatcher = client.dispatcher;
    this.toServer = Buffer.concat([this.toServer, client.take()]);
    this.toClient = Buffer.concat([this.toClient, server.take()]);
    const cut = (bytes: Buffer) => (all ? bytes.length : Math.min(bytes.length, this.random.u32() % 40_000));
    const up = cut(this.toServer);
    dispatcher.enter();
    assert.equal(this.server.dispatch(this.toServer.subarray(0, up)), null);
    dispatcher.leave();
    this.toServer = this.toServer.subarray(up);
    const down = cut(this.toClient);
    dispatcher.enter();
    assert.equal(this.client.dispatch(this.toClient.subarray(0, down)), null);
    dispatcher.leave();
    this.toClient = this.toClient.subarray(down);
  }

  get quiet(): boolean {
    return (
      this.toServer.length + this.toClient.length + this.sides.client.out.length + this.sides.server.out.length === 0
    );
  }
}

test('bodies of any size arrive whole through any windows, with readers that pause and streams that are reset', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const loop = new Loop(random, {
      initialStreamWindowSize: pick(random, [65535, 100_000, 1 << 24]),
      initialConnectionWindowSize: pick(random, [65535, 200_000, 24 << 20]),
      hpackTableSize: pick(random, [4096, 0, 300, 65536]),
      bufferLimit: pick(random, [1000, 1 << 20]),
      // Small frames, given back in halves, may outnumber what a flood is.
      maxInboundWindowUpdateFramesPerDataFrameSent: 1000,
    });
    const paused = new Set<{ readDisable(on: boolean): void }>();
    for (let i = 0; i < 12; i++) {
      const path = `/${i}`;
      const exchange = new Exchange();
      loop.exchanges.set(path, exchange);
      const request = new RequestHeaders();
      request.method = 'POST';
      request.path = path;
      request.scheme = 'http';
      request.authority = 'a.test';
      request.push(headerName('x-common'), 'the same each time');
      request.push(headerName(`x-own-${i % 5}`), 'v'.repeat(random.u32() % 3000));
      const encoder = loop.client.newStream(exchange.response);
      exchange.sent = bytesOf(random, pick(random, [0, 1, 20_000, 90_000]));
      const whole = exchange.sent.length === 0 && random.u32() % 2 === 0;
      encoder.encodeHeaders(request, whole);
      if (!whole) {
        const cut = random.u32() % (exchange.sent.length + 1);
        encoder.encodeData(exchange.sent.subarray(0, cut), false);
        if (random.u32() % 3 === 0) {
          encoder.encodeData(exchange.sent.subarray(cut), false);
          const trailers = new Trailers();
          trailers.push(headerName('x-t'), path);
          encoder.encodeTrailers(trailers);
        } else encoder.encodeData(exchange.sent.subarray(cut), true);
      }
      if (random.u32() % 6 === 0) {
        exchange.reset = true;
        loop.move(false);
        encoder.resetStream(Reset.LOCAL);
      }
      if (random.u32() % 4 === 0) {
        encoder.readDisable(true);
        paused.add(encoder);
      }
      loop.move(false);
    }
    for (let round = 0; round < 4000; round++) {
      loop.move(round > 3000);
      for (const exchange of loop.exchanges.values()) {
        const { request } = exchange;
        if (request?.complete && exchange.answer.length === 0 && !exchange.reset) {
          exchange.answer = bytesOf(random, 1 + (random.u32() % 50_000));
          request.encoder.encodeHeaders(new ResponseHeaders(200), false);
          const cut = random.u32() % exchange.answer.length;
          request.encoder.encodeData(exchange.answer.subarray(0, cut), false);
          request.encoder.encodeData(exchange.answer.subarray(cut), true);
        } else if (request !== null && !request.complete && random.u32() % 50 === 0) {
          if (paused.has(request.encoder)) paused.delete(request.encoder);
          else paused.add(request.encoder);
          request.encoder.readDisable(paused.has(request.encoder));
        }
      }
      if (round > 200 || random.u32() % 10 === 0) {
        loop.sides.client.dispatcher.enter();
        for (const encoder of paused) encoder.readDisable(false);
        paused.clear();
        loop.sides.client.dispatcher.leave();
      }
      if (round > 300 && loop.quiet && paused.size === 0) break;
    }
    for (const [path, exchange] of loop.exchanges) {
      if (exchange.reset) continue;
      const label = `seed ${seed} ${path}: ${exchange.request?.events.join('|')} / ${exchange.response.events.join('|')}`;
      assert.ok(exchange.request!.body.equals(exchange.sent), label);
      assert.ok(exchange.response.complete, label);
      assert.ok(exchange.response.body.equals(exchange.answer), label);
    }
    assert.equal(loop.client.activeStreams, 0, `seed ${seed}`);
    assert.equal(loop.server.activeStreams, 0, `seed ${seed}`);
    assert.equal(loop.serverStats.pending_send_bytes, 0);
    assert.equal(loop.clientStats.pending_send_bytes, 0);
  }
});

test('the test kit reads frames as they are', () => {
  assert.deepEqual(describeFrames(Buffer.concat([data(1, 'ab', true), rst(3, 7), goAway(5, 1)])), [
    'DATA(1) 2 end',
    'RST(3) 7',
    'GOAWAY 5 1',
  ]);
});
