import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Trailers } from '../base/headers.js';
import { Reset } from '../codec/codec.js';
import { response, tableOf, to } from '../router/testing.js';
import { PROFILES } from './config.js';
import { HttpBench, head, limit, texts } from './test-kit.js';

const BODY = Buffer.from('body');

/** A clock of 1 s, and what the log says when it fires on a request that is, or is not, complete. */
const CLOCKS: [name: string, config: object, complete: string | null, incomplete: string | null][] = [
  ['stream idle', { streamIdle: limit(1000) }, '504 SI stream_idle_timeout', '408 SI stream_idle_timeout'],
  [
    'max stream duration',
    { maxStreamDuration: limit(1000) },
    '504 - max_duration_timeout',
    '408 - max_duration_timeout',
  ],
  ['request', { request: limit(1000) }, null, '408 - request_overall_timeout'],
  [
    'route timeout',
    { routes: tableOf([to('c', { prefix: '/' }, { timeout: '1s' })]) },
    '504 UT response_timeout',
    null,
  ],
  [
    'per-try timeout',
    {
      routes: tableOf([to('c', { prefix: '/' }, { timeout: '0s', retry_policy: { per_try_timeout: '1s' } })]),
    },
    '504 UT upstream_per_try_timeout',
    null,
  ],
];

describe('408 or 504', () => {
  for (const [name, config, complete, incomplete] of CLOCKS) {
    it(`${name}: ${complete ?? 'nothing'} when the request is complete`, () => {
      const bench = new HttpBench(config);
      const { response: sent } = bench.send(head('GET', '/'));
      bench.loop.advance(996);
      assert.equal(bench.lastLog, '');
      bench.loop.advance(8);
      assert.equal(bench.lastLog, complete ?? '');
      assert.equal(sent.ended, complete !== null);
    });

    it(`${name}: ${incomplete ?? 'nothing'} when the end of the body is missing`, () => {
      const bench = new HttpBench(config);
      const { request } = bench.send(head('POST', '/'), false);
      bench.loop.pass(() => request.decodeData(BODY, false));
      bench.loop.advance(1010);
      assert.equal(bench.lastLog, incomplete ?? '');
    });
  }

  it('counts trailers as the end of a request', () => {
    const bench = new HttpBench({ maxStreamDuration: limit(1000) });
    const { request } = bench.send(head('POST', '/'), false);
    bench.loop.pass(() => request.decodeTrailers(new Trailers()));
    bench.loop.advance(1004);
    assert.equal(bench.lastLog, '504 - max_duration_timeout');
  });

  it('is decided at the instant the clock fires: an end that comes a moment before makes it 504', () => {
    const bench = new HttpBench({ maxStreamDuration: limit(1000) });
    const { request } = bench.send(head('POST', '/'), false);
    bench.loop.advance(992);
    bench.loop.pass(() => request.decodeData(BODY, true));
    bench.loop.advance(12);
    assert.equal(bench.lastLog, '504 - max_duration_timeout');
  });

  it('is 408 for the clock of the request headers, before there are any', () => {
    const bench = new HttpBench({ requestHeaders: limit(1000) });
    const { response: sent } = bench.open();
    bench.loop.advance(1004);
    assert.equal(bench.lastLog, '408 - request_header_timeout');
    assert.equal(sent.body, 'request header timeout');
  });

  for (const profile of ['envoy-1.16', 'envoy-1.17', 'envoy-1.18'])
    it(`is always 408 by the rules of ${profile}`, () => {
      const bench = new HttpBench({ maxStreamDuration: limit(1000), profile: PROFILES[profile] });
      bench.send(head('GET', '/'));
      bench.loop.advance(1004);
      assert.equal(bench.lastLog, '408 - max_duration_timeout');
    });

  it('is decided with the reply written as HTTP: status, length, type and body', () => {
    const bench = new HttpBench({ maxStreamDuration: limit(1000) });
    const { response: sent } = bench.send(head('GET', '/'));
    bench.loop.advance(1004);
    assert.equal(sent.body, 'downstream duration timeout');
    assert.deepEqual(
      texts(sent.headers!).filter((line) => !line.startsWith('date')),
      ['content-length: 27', 'content-type: text/plain', 'server: envoy'],
    );
  });

  it('is 200 with grpc-status 4 for a gRPC request that lasts too long', () => {
    const bench = new HttpBench({ maxStreamDuration: limit(1000) });
    const { response: sent } = bench.send(head('POST', '/', { 'content-type': 'application/grpc' }));
    bench.loop.advance(1004);
    assert.equal(sent.status, 200);
    assert.ok(texts(sent.headers!).includes('grpc-status: 4'));
    assert.ok(texts(sent.headers!).includes('grpc-message: downstream duration timeout'));
    assert.equal(bench.lastLog, '200 - max_duration_timeout');
  });

  it('is a reset once the response has begun', () => {
    const bench = new HttpBench({ maxStreamDuration: limit(1000) });
    const { response: sent } = bench.send(head('GET', '/'));
    bench.loop.pass(() => bench.cluster.attempts[0].decoder.decodeHeaders(response(200), false));
    bench.loop.advance(1004);
    assert.equal(sent.reset, Reset.LOCAL);
    assert.equal(sent.ended, false);
    assert.equal(bench.lastLog, '200 - max_duration_timeout');
    assert.equal(bench.config.stats.downstream_rq_tx_reset, 1);
  });
});

describe('the clocks of a stream', () => {
  it('idle starts anew with everything that moves in either direction', () => {
    const bench = new HttpBench({ streamIdle: limit(1000) });
    const { request } = bench.send(head('POST', '/'), false);
    const wait = () => bench.loop.advance(900);
    wait();
    bench.loop.pass(() => request.decodeData(BODY, false));
    wait();
    bench.loop.pass(() => request.decodeData(BODY, true));
    wait();
    const upstream = bench.cluster.attempts[0].decoder;
    bench.loop.pass(() => upstream.decodeHeaders(response(200), false));
    wait();
    bench.loop.pass(() => upstream.decodeData(BODY, false));
    wait();
    assert.equal(bench.lastLog, '');
    bench.loop.advance(104);
    assert.equal(bench.lastLog, '200 SI stream_idle_timeout');
  });

  it('the route timeout starts with the end of the request, not with its beginning', () => {
    const bench = new HttpBench({ routes: tableOf([to('c', { prefix: '/' }, { timeout: '1s' })]) });
    const { request } = bench.send(head('POST', '/'), false);
    bench.loop.advance(5000);
    bench.loop.pass(() => request.decodeData(BODY, true));
    bench.loop.advance(996);
    assert.equal(bench.lastLog, '');
    bench.loop.advance(8);
    assert.equal(bench.lastLog, '504 UT response_timeout');
  });

  it('the route timeout runs until the response is complete', () => {
    const bench = new HttpBench({ routes: tableOf([to('c', { prefix: '/' }, { timeout: '1s' })]) });
    const { response: sent } = bench.send(head('GET', '/'));
    bench.loop.pass(() => bench.cluster.attempts[0].decoder.decodeHeaders(response(200), false));
    bench.loop.advance(1004);
    assert.equal(bench.lastLog, '200 UT response_timeout');
    assert.equal(sent.reset, Reset.LOCAL);
  });

  it('the route timeout also runs while a request waits for a connection', () => {
    const bench = new HttpBench({ routes: tableOf([to('c', { prefix: '/' }, { timeout: '1s' })]) });
    bench.cluster.connected = false;
    bench.send(head('GET', '/'));
    bench.loop.advance(1004);
    assert.equal(bench.lastLog, '504 UT response_timeout');
  });

  it('the per-try timeout waits for a connection and starts with it', () => {
    const routes = tableOf([to('c', { prefix: '/' }, { timeout: '0s', retry_policy: { per_try_timeout: '1s' } })]);
    const bench = new HttpBench({ routes });
    bench.cluster.connected = false;
    bench.send(head('GET', '/'));
    bench.loop.advance(5000);
    assert.equal(bench.lastLog, '');
  });

  it('request and request headers are off once the request is in', () => {
    const bench = new HttpBench({ request: limit(1000), requestHeaders: limit(500) });
    bench.send(head('GET', '/'));
    bench.loop.advance(10_000);
    assert.equal(bench.lastLog, '');
  });

  it('a max stream duration of the route counts from the beginning of the stream', () => {
    const routes = tableOf([
      to('c', { prefix: '/' }, { timeout: '1s', max_stream_duration: { max_stream_duration: '2s' } }),
    ]);
    const bench = new HttpBench({ routes });
    const { request, response: sent } = bench.open();
    bench.loop.advance(1500);
    bench.loop.pass(() => request.decodeHeaders(head('GET', '/'), true));
    bench.loop.advance(496);
    assert.equal(sent.ended, false);
    bench.loop.advance(8);
    assert.equal(bench.lastLog, '504 - max_duration_timeout', 'and the timeout of the route is off beside it');
  });

  it('a max stream duration of 0 on the route switches off the one of the connection manager, and the route timeout', () => {
    const routes = tableOf([
      to('c', { prefix: '/' }, { timeout: '1s', max_stream_duration: { max_stream_duration: '0s' } }),
    ]);
    const bench = new HttpBench({ routes, maxStreamDuration: limit(2000) });
    bench.send(head('GET', '/'));
    bench.loop.advance(10_000);
    assert.equal(bench.lastLog, '');
  });

  it('an idle timeout of the route replaces the one of the connection manager', () => {
    const routes = tableOf([to('c', { prefix: '/' }, { timeout: '0s', idle_timeout: '1s' })]);
    const bench = new HttpBench({ routes });
    bench.send(head('GET', '/'));
    bench.loop.advance(1004);
    assert.equal(bench.lastLog, '504 SI stream_idle_timeout');
  });

  it('none is left armed when a stream is over', () => {
    const routes = tableOf([
      to('c', { prefix: '/' }, { timeout: '1s', retry_policy: { per_try_timeout: '0.5s', retry_on: '5xx' } }),
    ]);
    const clocks = { request: limit(1000), requestHeaders: limit(900), maxStreamDuration: limit(3000) };
    const bench = new HttpBench({ routes, connectionIdle: 0, ...clocks });
    bench.send(head('GET', '/'));
    assert.ok(bench.loop.dispatcher.timers.size >= 4);
    bench.loop.pass(() => bench.cluster.attempts[0].decoder.decodeHeaders(response(200), true));
    assert.equal(bench.lastLog, '200 - via_upstream');
    assert.equal(bench.loop.dispatcher.timers.size, 0);
  });
});

describe('equal clocks', () => {
  const routes = tableOf([to('c', { prefix: '/' }, { timeout: '1s' })]);

  it('of the route and of the stream toss a coin for a request that came at once', () => {
    const bench = new HttpBench({ routes, maxStreamDuration: limit(1000) });
    for (let i = 0; i < 200; i++) {
      bench.send(head('GET', '/'));
      bench.loop.advance(1004);
    }
    const lines = bench.logged.map((info) => `${info.responseCode} ${info.details}`);
    const route = lines.filter((line) => line === '504 response_timeout').length;
    const stream = lines.filter((line) => line === '504 max_duration_timeout').length;
    assert.equal(route + stream, 200);
    assert.ok(route > 60 && stream > 60, `${route} by the route, ${stream} by the stream`);
  });

  it('toss between 408 and 504 by the rules of Istio 1.8, which made both of one timeout', () => {
    const profile = PROFILES['envoy-1.16'];
    const bench = new HttpBench({ routes, maxStreamDuration: limit(1000), profile });
    for (let i = 0; i < 100; i++) {
      bench.send(head('GET', '/'));
      bench.loop.advance(1004);
    }
    assert.deepEqual([...new Set(bench.logged.map((info) => info.responseCode))].sort(), [408, 504]);
  });

  it('are won by the stream when the body ends a tick later', () => {
    const bench = new HttpBench({ routes, maxStreamDuration: limit(1000) });
    for (let i = 0; i < 50; i++) {
      const { request } = bench.send(head('POST', '/'), false);
      bench.loop.advance(8);
      bench.loop.pass(() => request.decodeData(BODY, true));
      bench.loop.advance(1004);
    }
    assert.ok(bench.logged.every((info) => info.details === 'max_duration_timeout'));
  });

  it('are never won by the idle clock, which can be scaled', () => {
    const bench = new HttpBench({ routes, streamIdle: limit(1000) });
    for (let i = 0; i < 50; i++) {
      bench.send(head('GET', '/'));
      bench.loop.advance(1004);
    }
    assert.equal(bench.logged.length, 50);
    assert.ok(bench.logged.every((info) => info.details === 'response_timeout'));
  });
});
