import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { H } from '../base/header-names.js';
import { Close, Reset } from '../codec/codec.js';
import { response } from '../router/testing.js';
import { HttpBench, head } from './test-kit.js';

const answer = (bench: HttpBench, status = 200) =>
  bench.loop.pass(() => bench.cluster.attempts.at(-1)!.decoder.decodeHeaders(response(status), true));

describe('an idle connection', () => {
  it('is closed at once when it never sent a byte', () => {
    const bench = new HttpBench({ connectionIdle: 1000 });
    bench.loop.advance(1004);
    assert.deepEqual(bench.connection.closed, { type: Close.FLUSH, reason: 'on_idle_timeout' });
    assert.equal(bench.config.stats.downstream_cx_idle_timeout, 1);
  });

  it('of HTTP/2 gets a first GOAWAY, the last one after the drain timeout, and is closed', () => {
    const bench = new HttpBench({ connectionIdle: 1000, drainTimeout: 500 });
    bench.begin();
    bench.loop.advance(1004);
    assert.deepEqual([bench.codec.goAways, bench.connection.closed], [['notice'], null]);
    bench.loop.advance(504);
    assert.deepEqual(bench.codec.goAways, ['notice', 'last']);
    assert.equal(bench.connection.closed?.type, Close.FLUSH_AND_DELAY);
  });

  it('is not idle while a stream is open, and is again from its end', () => {
    const bench = new HttpBench({ connectionIdle: 1000 });
    bench.send(head('GET', '/'));
    bench.loop.advance(5000);
    answer(bench);
    bench.loop.advance(996);
    assert.deepEqual(bench.codec.goAways, []);
    bench.loop.advance(8);
    assert.deepEqual(bench.codec.goAways, ['notice']);
  });
});

describe('a draining connection', () => {
  it('serves its open stream to the end and closes then', () => {
    const bench = new HttpBench({ maxConnectionDuration: 1000, drainTimeout: 500 });
    const { response: sent } = bench.send(head('GET', '/'));
    bench.loop.advance(1600);
    assert.deepEqual([bench.codec.goAways, bench.connection.closed], [['notice', 'last'], null]);
    answer(bench);
    assert.equal(sent.status, 200);
    assert.equal(bench.connection.closed?.reason, 'deferred_close_on_drained_connection');
    assert.equal(bench.gone, true);
  });

  it('of HTTP/1 says connection: close on its response', () => {
    const bench = new HttpBench({ drain: { drainClose: () => true, healthcheckFailed: false } }, 'HTTP/1.1');
    const { response: sent } = bench.send(head('GET', '/'));
    answer(bench);
    assert.equal(sent.headers!.get(H.connection), 'close');
    assert.equal(bench.config.stats.downstream_cx_drain_close, 1);
  });
});

describe('an HTTP/1 connection', () => {
  it('is kept after a response', () => {
    const bench = new HttpBench({}, 'HTTP/1.1');
    const { response: sent } = bench.send(head('GET', '/'));
    answer(bench);
    assert.equal(sent.headers!.has(H.connection), false);
    assert.equal(bench.connection.closed, null);
    assert.equal(bench.codec.dispatched, 2, 'the codec is asked for a request that may lie in it already');
  });

  it('closes without delay when the client asked for it, and with one when the request is not complete', () => {
    const asked = new HttpBench({}, 'HTTP/1.1');
    asked.send(head('GET', '/', { connection: 'close' }));
    answer(asked);
    assert.equal(asked.connection.closed?.reason, 'deferred_close_on_drained_connection');
    assert.equal(asked.connection.closed?.type, Close.FLUSH);
    const incomplete = new HttpBench({}, 'HTTP/1.1');
    const { response: sent } = incomplete.send(head('POST', '/'), false);
    answer(incomplete, 413);
    assert.equal(sent.headers!.get(H.connection), 'close');
    assert.equal(incomplete.connection.closed?.type, Close.FLUSH_AND_DELAY);
    assert.equal(incomplete.config.stats.downstream_rq_response_before_rq_complete, 1);
  });

  it('closes after the last of max_requests_per_connection', () => {
    const bench = new HttpBench({ maxRequestsPerConnection: 2 }, 'HTTP/1.1');
    bench.send(head('GET', '/'));
    answer(bench);
    assert.equal(bench.connection.open, true);
    const { response: sent } = bench.send(head('GET', '/'));
    answer(bench);
    assert.equal(sent.headers!.get(H.connection), 'close');
    assert.equal(bench.connection.closed?.type, Close.FLUSH);
    assert.equal(bench.config.stats.downstream_cx_max_requests_reached, 1);
  });
});

describe('a client that goes away', () => {
  it('ends its streams with DC and their attempts with a reset', () => {
    const bench = new HttpBench();
    bench.send(head('GET', '/'));
    bench.send(head('GET', '/'));
    bench.loop.pass(() => bench.manager.onRemoteEnd());
    assert.equal(bench.lastLog, '0 DC downstream_remote_disconnect');
    assert.equal(bench.logged.length, 2);
    assert.deepEqual(
      bench.cluster.attempts.map((attempt) => attempt.reset),
      [Reset.LOCAL, Reset.LOCAL],
    );
    const { stats } = bench.config;
    assert.deepEqual([stats.downstream_rq_active, stats.downstream_cx_active, stats.downstream_rq_rx_reset], [0, 0, 2]);
    assert.equal(bench.loop.dispatcher.timers.size, 0);
  });

  it('by RST_STREAM ends that stream alone, with DR', () => {
    const bench = new HttpBench();
    const { request } = bench.send(head('GET', '/'));
    bench.send(head('GET', '/'));
    bench.loop.pass(() => request.onReset(Reset.REMOTE, 'http2.remote_reset'));
    assert.equal(bench.lastLog, '0 DR http2.remote_reset');
    assert.equal(bench.config.stats.downstream_rq_active, 1);
    assert.equal(bench.connection.closed, null);
  });

  it('after the response lets the log have the status it got', () => {
    const bench = new HttpBench();
    bench.send(head('GET', '/'));
    bench.loop.pass(() => bench.cluster.attempts[0].decoder.decodeHeaders(response(200), false));
    bench.loop.pass(() => bench.manager.onRemoteEnd());
    assert.equal(bench.lastLog, '200 DC downstream_remote_disconnect');
  });
});

describe('a connection whose codec gives up', () => {
  it('is closed with the streams it had, and counted as a protocol error', () => {
    const bench = new HttpBench();
    bench.send(head('GET', '/'));
    bench.codec.error = { kind: 'protocol', details: 'http2.protocol_error', message: 'broken frame' };
    bench.begin();
    assert.deepEqual(bench.codec.closedWith?.[0], Reset.PROTOCOL_ERROR);
    assert.equal(bench.connection.closed?.type, Close.FLUSH_AND_DELAY);
    assert.deepEqual(bench.logged[0].flags, ['DPE']);
    assert.equal(bench.config.stats.downstream_cx_protocol_error, 1);
  });

  it('as a flood is no protocol error', () => {
    const bench = new HttpBench();
    bench.begin();
    bench.codec.error = { kind: 'flood', details: 'http2.outbound_frames_flood', message: 'flood' };
    bench.begin();
    assert.notEqual(bench.connection.closed, null);
    assert.equal(bench.config.stats.downstream_cx_protocol_error, 0);
  });
});

describe('a client that resets requests without waiting', () => {
  const abuse = (bench: HttpBench, times: number) => {
    for (let i = 0; i < times && bench.connection.closed === null; i++) {
      const { request } = bench.send(head('GET', '/'));
      bench.loop.pass(() => request.onReset(Reset.REMOTE, 'http2.remote_reset'));
    }
  };

  it('is cut off at the 250th in a row', () => {
    const bench = new HttpBench();
    abuse(bench, 249);
    assert.equal(bench.connection.open, true);
    abuse(bench, 1);
    assert.deepEqual(bench.connection.closed, { type: Close.NO_FLUSH, reason: 'too_many_premature_resets' });
    assert.equal(bench.config.stats.downstream_rq_too_many_premature_resets, 1);
  });

  it('is not cut off when most of its requests are served', () => {
    const bench = new HttpBench();
    for (let i = 0; i < 600; i++) {
      bench.send(head('GET', '/'));
      answer(bench);
      if (i % 2 === 0) abuse(bench, 1);
    }
    assert.equal(bench.connection.closed, null);
  });
});

describe('back-pressure', () => {
  it('from the upstream disables the reading of the request, and is undone with the attempt', () => {
    const bench = new HttpBench();
    const { response: sent } = bench.send(head('POST', '/'), false);
    const attempt = bench.cluster.attempts[0];
    bench.loop.pass(() => attempt.decoder.onAboveWriteBufferHighWatermark());
    assert.equal(sent.readDisables, 1);
    bench.loop.pass(() => attempt.decoder.onBelowWriteBufferLowWatermark());
    assert.equal(sent.readDisables, 0);
    bench.loop.pass(() => attempt.decoder.onAboveWriteBufferHighWatermark());
    bench.loop.pass(() => attempt.decoder.onReset(Reset.REMOTE, ''));
    assert.equal(sent.readDisables, 0);
    assert.equal(bench.lastLog.split(' ')[0], '503');
  });

  it('from a body that waits for a connection disables the reading at the buffer limit', () => {
    const bench = new HttpBench();
    bench.cluster.connected = false;
    const { request, response: sent } = bench.send(head('POST', '/'), false);
    bench.loop.pass(() => request.decodeData(Buffer.alloc(1024), false));
    assert.equal(sent.readDisables, 0);
    bench.loop.pass(() => request.decodeData(Buffer.alloc(1), false));
    assert.equal(sent.readDisables, 1);
  });

  it('from the client disables the reading of the response, once its headers are in', () => {
    const bench = new HttpBench();
    const { request } = bench.send(head('GET', '/'));
    const attempt = bench.cluster.attempts[0];
    bench.loop.pass(() => request.onAboveWriteBufferHighWatermark());
    assert.equal(attempt.readDisables, 0);
    bench.loop.pass(() => attempt.decoder.decodeHeaders(response(200), false));
    assert.equal(attempt.readDisables, 1);
    bench.loop.pass(() => request.onBelowWriteBufferLowWatermark());
    assert.equal(attempt.readDisables, 0);
  });
});
