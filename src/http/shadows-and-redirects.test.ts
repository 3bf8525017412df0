import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { response, tableOf, to } from '../router/testing.js';
import { HttpBench, head, limit, texts } from './test-kit.js';

const mirrored = (more: object = {}) => ({
  routes: tableOf([to('c', { prefix: '/' }, { timeout: '1s', request_mirror_policies: [{ cluster: 'c' }], ...more })]),
});
const PART = Buffer.from('part');

describe('a mirrored request', () => {
  it('is sent beside the request, with its own host', () => {
    const bench = new HttpBench(mirrored());
    bench.send(head('GET', '/'));
    const [own, copy] = bench.cluster.attempts;
    assert.equal(own.headers?.authority, 'a.test');
    assert.equal(copy.headers?.authority, 'a.test-shadow');
    assert.equal(copy.ended, true);
  });

  it('says nothing to the client, whatever is answered', () => {
    const bench = new HttpBench(mirrored());
    const { response: sent } = bench.send(head('GET', '/'));
    const [own, copy] = bench.cluster.attempts;
    bench.loop.pass(() => copy.decoder.decodeHeaders(response(500), true));
    assert.equal(sent.headers, null);
    bench.loop.pass(() => own.decoder.decodeHeaders(response(200), true));
    assert.equal(sent.status, 200);
  });

  it('gets the body as it comes, and holds its reading up', () => {
    const bench = new HttpBench(mirrored());
    const { request, response: sent } = bench.send(head('POST', '/'), false);
    const [own, copy] = bench.cluster.attempts;
    bench.loop.pass(() => request.decodeData(PART, false));
    assert.equal(copy.body, 'part');
    bench.loop.pass(() => copy.decoder.onAboveWriteBufferHighWatermark());
    assert.equal(sent.readDisables, 1);
    bench.loop.pass(() => request.decodeData(PART, true));
    assert.equal(copy.body, 'partpart');
    assert.equal(own.ended, true);
    // Nothing is left to hold up.
    assert.equal(sent.readDisables, 0);
  });

  it('ends with a request whose upload is cut', () => {
    const bench = new HttpBench(mirrored());
    const { request } = bench.send(head('POST', '/'), false);
    bench.loop.pass(() => request.onReset('remote reset', 'http2.remote_reset'));
    assert.deepEqual(
      bench.cluster.attempts.map((attempt) => attempt.reset),
      ['local reset', 'local reset'],
    );
  });

  it('has the route timeout to itself: it fires after the request has been answered', () => {
    const bench = new HttpBench(mirrored());
    bench.send(head('GET', '/'));
    const [own, copy] = bench.cluster.attempts;
    bench.loop.pass(() => own.decoder.decodeHeaders(response(200), true));
    bench.loop.advance(990);
    assert.equal(copy.reset, null);
    bench.loop.advance(20);
    assert.equal(copy.reset, 'local reset');
    assert.equal(bench.cluster.stats.upstream_rq_timeout, 1);
    assert.equal(bench.logged.length, 1);
  });
});

const redirecting = (policy: object = {}, more: object = {}) => ({
  routes: tableOf([to('c', { prefix: '/' }, { timeout: '1s', internal_redirect_policy: policy })]),
  ...more,
});
const moved = (status = 302) => response(status, [['location', 'http://b.test/next']]);

describe('an internal redirect', () => {
  it('serves the request in a new stream on the same encoder', () => {
    const bench = new HttpBench(redirecting());
    const { request, response: sent } = bench.send(head('GET', '/first'));
    bench.loop.pass(() => bench.cluster.attempts[0].decoder.decodeHeaders(moved(), true));
    assert.equal(bench.lastLog, '302 - internal_redirect');
    assert.notEqual(sent.decoder, request);
    const next = bench.cluster.attempts[1];
    assert.equal(next.headers?.authority, 'b.test');
    assert.equal(next.headers?.path, '/next');
    bench.loop.pass(() => next.decoder.decodeHeaders(response(200), true));
    assert.equal(sent.status, 200);
    assert.equal(bench.logged.length, 2);
  });

  it('arms the clocks anew and leaves none of the old ones', () => {
    const bench = new HttpBench(redirecting({}, { streamIdle: limit(1000) }));
    const { response: sent } = bench.send(head('GET', '/first'));
    bench.loop.advance(900);
    bench.loop.pass(() => bench.cluster.attempts[0].decoder.decodeHeaders(moved(), true));
    bench.loop.advance(900);
    assert.equal(sent.headers, null);
    bench.loop.advance(150);
    assert.equal(bench.lastLog, '504 UT response_timeout');
    assert.equal(bench.logged.length, 2);
    bench.loop.advance(5000);
    assert.equal(bench.logged.length, 2);
  });

  it('is passed on while the request is incomplete', () => {
    const bench = new HttpBench(redirecting());
    const { response: sent } = bench.send(head('POST', '/first'), false);
    bench.loop.pass(() => bench.cluster.attempts[0].decoder.decodeHeaders(moved(), true));
    assert.equal(sent.status, 302);
    assert.equal(bench.cluster.stats.upstream_internal_redirect_failed_total, 1);
  });

  it('leaves the request as it was when it is not followed', () => {
    const bench = new HttpBench({
      routes: tableOf([to('c', { prefix: '/first' }, { internal_redirect_policy: {} })]),
    });
    bench.send(head('GET', '/first', { 'x-kept': '1' }));
    const before = texts(bench.cluster.attempts[0].headers!);
    bench.loop.pass(() => bench.cluster.attempts[0].decoder.decodeHeaders(moved(), true));
    assert.equal(bench.logged[0].requestHeaders?.path, '/first');
    assert.deepEqual(texts(bench.logged[0].requestHeaders!), before);
  });

  it('tells the new stream when the client leaves', () => {
    const bench = new HttpBench(redirecting());
    const { response: sent } = bench.send(head('GET', '/first'));
    bench.loop.pass(() => bench.cluster.attempts[0].decoder.decodeHeaders(moved(), true));
    bench.loop.pass(() => sent.decoder.onReset('remote reset', 'http2.remote_reset'));
    assert.equal(bench.cluster.attempts[1].reset, 'local reset');
    assert.equal(bench.lastLog, '0 DR http2.remote_reset');
  });
});
