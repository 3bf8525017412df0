import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { permanentName } from '../../base/header-names.js';
import { ResponseHeaders } from '../../base/headers.js';
import { HealthFlag, type HostImpl } from '../host.js';
import { FakeTransport, makeHost, TestLoop } from '../test-kit.js';
import { servingStatus } from './grpc-session.js';
import { type HealthCheckSettings, type HttpProbe, matchesPayload } from './health-check-config.js';
import { HealthCheckStats } from './health-check-stats.js';
import { HealthChecker, type Transition } from './health-checker.js';

const HTTP: HttpProbe = {
  kind: 'http',
  http2: false,
  method: 'GET',
  host: '',
  path: '/',
  body: null,
  receive: [],
  responseBufferSize: 1024,
  headers: [],
  removedHeaders: [],
  expected: [{ start: 200, end: 201 }],
  retriable: [{ start: 429, end: 430 }],
  serviceName: null,
};

const SETTINGS: HealthCheckSettings = {
  timeout: 200,
  interval: 1000,
  noTrafficInterval: 60_000,
  noTrafficHealthyInterval: 30_000,
  unhealthyInterval: 2000,
  unhealthyEdgeInterval: 300,
  healthyEdgeInterval: 400,
  initialJitter: 0,
  intervalJitter: 0,
  intervalJitterPercent: 0,
  unhealthyThreshold: 2,
  healthyThreshold: 2,
  reuseConnection: true,
  probe: HTTP,
};

function bed(given: Partial<HealthCheckSettings> = {}, traffic = true) {
  const loop = new TestLoop();
  const transport = new FakeTransport(loop.dispatcher);
  const stats = new HealthCheckStats();
  const results: [Transition, boolean][] = [];
  const owner = {
    name: 'up',
    hadTraffic: () => traffic,
    onHealthCheck: (_host: HostImpl, transition: Transition, healthy: boolean) => results.push([transition, healthy]),
  };
  const checker = new HealthChecker({ ...SETTINGS, ...given }, stats, loop.dispatcher, transport, owner);
  const host = makeHost('127.0.0.1:80', 1, HealthFlag.FAILED_ACTIVE_HC);
  loop.pass(() => checker.add(host));
  const answer = (status: number, header?: string) =>
    transport.last.codec!.onBytes(() => {
      const { codec } = transport.last;
      const stream = codec!.streams[0];
      const headers = new ResponseHeaders(status);
      if (header !== undefined) headers.push(permanentName(header), 'true');
      stream.decoder.decodeHeaders(headers, true);
      codec!.end(stream, false);
      return null;
    });
  return { loop, transport, stats, results, checker, host, answer };
}

describe('a health check', () => {
  it('makes a host healthy by its first success, and asks again over the same connection after the interval', () => {
    const b = bed();
    b.transport.last.succeed();
    b.answer(200);
    assert.deepEqual(b.results, [['changed', true]]);
    assert.equal(b.host.healthFlagsText, 'healthy');
    assert.equal(b.stats.healthy, 1);
    b.loop.advance(996);
    assert.equal(b.stats.attempt, 1);
    b.loop.advance(8);
    assert.deepEqual([b.stats.attempt, b.transport.connections.length], [2, 1]);
  });

  it('takes a bad status at its word, and a retriable one or silence only when it repeats', () => {
    const b = bed();
    b.transport.last.succeed();
    b.answer(200);
    b.loop.advance(1004);
    b.answer(429);
    assert.equal(b.host.healthFlagsText, 'healthy');
    b.loop.advance(304);
    b.loop.advance(204);
    assert.equal(b.host.healthFlagsText, '/failed_active_hc/active_hc_timeout');
    assert.deepEqual(b.results.slice(1), [
      ['pending', false],
      ['changed', false],
    ]);
    const bad = bed();
    bad.transport.last.succeed();
    bad.answer(200);
    bad.loop.advance(1004);
    bad.answer(503);
    assert.equal(bad.host.healthFlagsText, '/failed_active_hc');
  });

  it('makes a failed host healthy only after enough successes in a row, with the edge interval between them', () => {
    const b = bed();
    b.transport.last.fail('ECONNREFUSED');
    assert.deepEqual([b.stats.failure, b.stats.network_failure], [1, 1]);
    b.loop.advance(2004);
    b.transport.last.succeed();
    b.answer(200);
    assert.equal(b.host.healthFlagsText, '/failed_active_hc');
    b.loop.advance(404);
    b.answer(200);
    assert.equal(b.host.healthFlagsText, 'healthy');
  });

  it('comes rarely while the cluster has no traffic', () => {
    const b = bed({}, false);
    b.transport.last.succeed();
    b.answer(200);
    b.loop.advance(29_990);
    assert.equal(b.stats.attempt, 1);
    b.loop.advance(14);
    assert.equal(b.stats.attempt, 2);
  });

  it('notes a host that is degraded, and one that asks not to be counted', () => {
    const b = bed();
    b.transport.last.succeed();
    b.answer(200, 'x-envoy-degraded');
    assert.deepEqual([b.host.healthFlagsText, b.stats.degraded], ['/degraded_active_hc', 1]);
    b.loop.advance(1004);
    b.answer(503, 'x-envoy-immediate-health-check-fail');
    assert.equal(b.host.healthFlagsText, '/failed_active_hc/degraded_active_hc/excluded_via_immediate_hc_fail');
  });

  it('is not waited for when a request says that the host is not well', () => {
    const b = bed();
    b.transport.last.succeed();
    b.answer(200);
    b.loop.pass(() => b.host.activeHealth!.failImmediately());
    assert.equal(b.stats.passive_failure, 1);
    assert.deepEqual(b.results[1], ['changed', false]);
  });

  it('uses a new connection each time when told to', () => {
    const b = bed({ reuseConnection: false });
    b.transport.last.succeed();
    b.answer(200);
    assert.equal(b.transport.last.open, false);
    b.loop.advance(1004);
    assert.equal(b.transport.connections.length, 2);
  });

  it('by TCP is content with a connect', () => {
    const b = bed({ probe: { kind: 'tcp', send: null, receive: [] } });
    b.transport.last.succeed();
    assert.equal(b.host.healthFlagsText, 'healthy');
    assert.equal(b.transport.last.open, false);
  });

  it('by TCP waits for the bytes it is to receive, however they are cut', () => {
    const b = bed({ probe: { kind: 'tcp', send: Buffer.from('PING'), receive: [Buffer.from('PONG')] } });
    b.transport.last.succeed();
    b.transport.last.receive(Buffer.from('xPO'));
    assert.equal(b.stats.success, 0);
    b.transport.last.receive(Buffer.from('NG'));
    assert.equal(b.stats.success, 1);
  });

  it('leaves nothing behind when the host goes', () => {
    const b = bed();
    b.transport.last.succeed();
    b.answer(200);
    b.loop.advance(1004);
    b.checker.stop();
    assert.deepEqual([b.stats.healthy, b.transport.last.open, b.loop.dispatcher.timers.size], [0, false, 0]);
    assert.equal(b.host.activeHealth, null);
  });
});

describe('what a check receives', () => {
  it('matches when the segments come in order', () => {
    const segments = [Buffer.from('ab'), Buffer.from('bc')];
    assert.equal(matchesPayload(segments, Buffer.from('xabbcx')), true);
    assert.equal(matchesPayload(segments, Buffer.from('abc')), false);
    assert.equal(matchesPayload([], Buffer.alloc(0)), true);
  });

  it('is a gRPC status only in a whole message', () => {
    assert.equal(servingStatus(Buffer.from([0, 0, 0, 0, 2, 8, 1])), 1);
    assert.equal(servingStatus(Buffer.from([0, 0, 0, 0, 3, 8, 1])), -1);
    assert.equal(servingStatus(Buffer.from([0, 0, 0, 0, 0])), -1);
    assert.equal(servingStatus(Buffer.alloc(0)), -1);
  });
});
