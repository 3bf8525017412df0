import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClusterScope, type ClusterStats } from '../cluster-stats.js';
import { DEFAULT_THRESHOLDS, ResourceManager, type Thresholds } from '../resource-manager.js';
import {
  FakeHistogram,
  FakeRequest,
  FakeStore,
  FakeTransport,
  makeHost,
  POOL_DEFAULTS,
  TestLoop,
} from '../test-kit.js';
import { ConnPoolImpl, type PoolSettings } from './conn-pool.js';

class Bed {
  readonly loop = new TestLoop();
  readonly transport = new FakeTransport(this.loop.dispatcher);
  readonly host = makeHost();
  readonly resources: ResourceManager;
  readonly scope = new ClusterScope('up', new FakeStore(), () => new FakeHistogram());
  readonly pool: ConnPoolImpl;

  constructor(multiplexed: boolean, settings: Partial<PoolSettings> = {}, thresholds: Partial<Thresholds> = {}) {
    this.resources = new ResourceManager({ ...DEFAULT_THRESHOLDS, ...thresholds });
    this.pool = new ConnPoolImpl(
      this.loop.dispatcher,
      this.host,
      multiplexed,
      { ...POOL_DEFAULTS, ...settings },
      this.transport,
      this.scope,
      this.resources,
    );
  }

  get stats(): ClusterStats {
    return this.scope.stats;
  }

  /** The counters that are not zero, but for those of the connection's kind and the gauges that follow from the state. */
  get counted(): Record<string, number> {
    const skip = /^(upstream_cx_(total|active|http\d_total)|upstream_rq_(total|active|pending_active|pending_total))$/;
    const entries = Object.entries(this.stats).filter(
      ([name, v]) => typeof v === 'number' && v !== 0 && !skip.test(name),
    );
    return Object.fromEntries(entries) as Record<string, number>;
  }

  request(): FakeRequest {
    const request = new FakeRequest();
    this.loop.pass(() => {
      request.handle = this.pool.newStream(request, request);
    });
    return request;
  }

  /** A request on a connection that is made for it. */
  served(): FakeRequest {
    const request = this.request();
    if (request.encoder === null) this.transport.last.succeed();
    assert.notEqual(request.encoder, null);
    return request;
  }
}

for (const multiplexed of [false, true]) {
  const name = multiplexed ? 'an HTTP/2 pool' : 'an HTTP/1 pool';
  describe(name, () => {
    it('connects for the first request, which counts as pending until then', () => {
      const bed = new Bed(multiplexed);
      const request = bed.request();
      assert.equal(bed.transport.connections.length, 1);
      assert.equal(request.callbacks, 0);
      assert.equal(bed.stats.upstream_rq_pending_total, 1);
      assert.equal(bed.stats.upstream_rq_pending_active, 1);
      assert.equal(bed.host.stats.rq_pending_active, 1);
      bed.loop.advance(40);
      bed.transport.last.succeed();
      assert.equal(request.callbacks, 1);
      assert.equal(request.host, bed.host);
      assert.equal(request.connection!.protocol, multiplexed ? 'HTTP/2' : 'HTTP/1.1');
      assert.equal(request.connection!.streamCount, 1);
      assert.equal(request.connection!.connectEnd - request.connection!.connectStart, 40);
      assert.equal(bed.stats.upstream_rq_pending_active, 0);
      assert.equal(bed.stats.upstream_rq_active, 1);
      assert.equal(bed.stats.upstream_rq_total, 1);
      assert.equal(bed.stats.upstream_cx_connect_ms.sum, 40);
      assert.deepEqual(bed.counted, {});
      bed.transport.last.codec!.answer();
      assert.equal(bed.stats.upstream_rq_active, 0);
      assert.equal(bed.host.stats.rq_active, 0);
    });

    it('uses a ready connection inside the call', () => {
      const bed = new Bed(multiplexed);
      bed.served();
      bed.transport.last.codec!.answer();
      const second = bed.request();
      assert.equal(second.handle, null);
      assert.equal(second.connection!.streamCount, 2);
      assert.equal(bed.transport.connections.length, 1);
      assert.equal(bed.stats.upstream_rq_pending_total, 1);
    });

    it('reports a refused connect to all that wait, youngest first', () => {
      const bed = new Bed(multiplexed);
      const order: string[] = [];
      const requests = [bed.request(), bed.request()];
      requests.forEach((request, i) => {
        const original = request.onPoolFailure.bind(request);
        request.onPoolFailure = (...args) => {
          order.push(String(i));
          original(...args);
        };
      });
      bed.transport.connections[0].fail('ECONNREFUSED');
      assert.deepEqual(order, ['1', '0']);
      for (const request of requests) {
        assert.equal(request.failure, 'remote-connection-failure');
        assert.equal(request.reason, 'delayed connect error: Connection refused');
        assert.equal(request.host, bed.host);
      }
      assert.deepEqual(bed.counted, {
        upstream_cx_connect_fail: 1,
        upstream_cx_destroy: 1,
        upstream_cx_destroy_remote: 1,
        upstream_rq_pending_failure_eject: 2,
      });
      assert.equal(bed.host.stats.cx_connect_fail, 1);
    });

    it('gives a connect up after connect_timeout', () => {
      const bed = new Bed(multiplexed, { connectTimeout: 400 });
      const request = bed.request();
      bed.loop.advance(396);
      assert.equal(request.callbacks, 0);
      bed.loop.advance(8);
      assert.equal(request.failure, 'connection-timeout');
      assert.equal(request.reason, '');
      assert.deepEqual(bed.counted, {
        upstream_cx_connect_fail: 1,
        upstream_cx_connect_timeout: 1,
        upstream_cx_destroy: 1,
        upstream_cx_destroy_local: 1,
        upstream_rq_pending_failure_eject: 1,
      });
    });

    it('calls a connect that is closed from this side a local failure', () => {
      const bed = new Bed(multiplexed);
      const request = bed.request();
      bed.loop.pass(() => bed.transport.last.close(0, 'http2_ping_timeout'));
      assert.equal(request.failure, 'local-connection-failure');
      assert.equal(bed.stats.upstream_cx_destroy_local, 1);
    });

    it('lets the connect go on when the request that caused it is cancelled', () => {
      const bed = new Bed(multiplexed);
      const request = bed.request();
      bed.loop.pass(() => request.handle!.cancel());
      assert.deepEqual(bed.counted, { upstream_rq_cancelled: 1 });
      assert.equal(bed.transport.last.open, true);
      bed.transport.last.succeed();
      const second = bed.request();
      assert.equal(second.callbacks, 1);
      assert.equal(request.callbacks, 0);
      assert.equal(bed.transport.connections.length, 1);
    });

    it('queues what a failure callback asks for anew, and does not fail it with the rest', () => {
      const bed = new Bed(multiplexed);
      const first = bed.request();
      const again = new FakeRequest();
      first.onPoolFailure = () => {
        again.handle = bed.pool.newStream(again, again);
      };
      bed.transport.last.fail('ECONNREFUSED');
      assert.equal(again.callbacks, 0);
      assert.equal(bed.transport.connections.length, 2);
      bed.transport.last.succeed();
      assert.equal(again.callbacks, 1);
    });

    it('cancels another waiting request from within a failure callback', () => {
      const bed = new Bed(multiplexed);
      const first = bed.request();
      const second = bed.request();
      second.onPoolFailure = () => first.handle!.cancel();
      bed.transport.connections[0].fail('ECONNREFUSED');
      assert.equal(first.callbacks, 0);
      assert.equal(bed.stats.upstream_rq_cancelled, 1);
      assert.equal(bed.stats.upstream_rq_pending_active, 0);
      assert.equal(bed.resources.pending.current, 0);
    });

    it('ends open streams with connection termination when the peer closes', () => {
      const bed = new Bed(multiplexed);
      const request = bed.served();
      bed.transport.last.fin();
      assert.equal(request.reset, 'connection termination');
      assert.deepEqual(bed.counted, {
        upstream_cx_destroy: 1,
        upstream_cx_destroy_remote: 1,
        upstream_cx_destroy_remote_with_active_rq: 1,
        upstream_cx_destroy_with_active_rq: 1,
        ...(multiplexed ? { upstream_rq_pending_failure_eject: 1 } : {}),
      });
      assert.equal(bed.stats.upstream_rq_active, 0);
    });

    it('ends open streams with protocol error when the codec gives up', () => {
      const bed = new Bed(multiplexed);
      const request = bed.served();
      bed.transport.last.codec!.onBytes(() => ({ kind: 'protocol', details: 'http1.codec_error', message: '' }));
      assert.equal(request.reset, 'protocol error');
      assert.deepEqual(bed.counted, {
        upstream_cx_destroy: 1,
        upstream_cx_destroy_local: 1,
        upstream_cx_protocol_error: 1,
        ...(multiplexed ? {} : { upstream_cx_destroy_local_with_active_rq: 1, upstream_cx_destroy_with_active_rq: 1 }),
      });
    });

    it('drains a connection at max_requests_per_connection', () => {
      const bed = new Bed(multiplexed, { maxRequestsPerConnection: 2 });
      bed.served();
      bed.transport.last.codec!.answer();
      bed.request();
      assert.equal(bed.stats.upstream_cx_max_requests, 1);
      bed.request();
      assert.equal(bed.transport.connections.length, 2);
      bed.transport.connections[0].codec!.answer();
      assert.equal(bed.transport.connections[0].open, false);
      assert.equal(bed.stats.upstream_cx_destroy_local, 1);
      assert.equal(bed.stats.upstream_cx_destroy_with_active_rq, 0);
      // Measured: Envoy's HTTP/2 codec calls it a protocol error when its connection is closed while it reads.
      assert.equal(bed.stats.upstream_cx_protocol_error, multiplexed ? 1 : 0);
    });

    it('closes a connection that has been without streams for idle_timeout', () => {
      const bed = new Bed(multiplexed, { idleTimeout: 1000 });
      bed.served();
      bed.loop.advance(1500);
      assert.equal(bed.transport.last.open, true);
      bed.transport.last.codec!.answer();
      bed.loop.advance(600);
      bed.request();
      bed.transport.last.codec!.answer();
      bed.loop.advance(990);
      assert.equal(bed.transport.last.open, true);
      bed.loop.advance(20);
      assert.equal(bed.transport.last.open, false);
      assert.deepEqual(bed.counted, {
        upstream_cx_destroy: 1,
        upstream_cx_destroy_local: 1,
        upstream_cx_idle_timeout: 1,
      });
    });

    it('drains a connection at max_connection_duration', () => {
      const bed = new Bed(multiplexed, { maxConnectionDuration: 500 });
      bed.served();
      bed.loop.advance(600);
      assert.equal(bed.stats.upstream_cx_max_duration_reached, 1);
      assert.equal(bed.transport.last.open, true);
      const second = bed.request();
      assert.equal(second.callbacks, 0);
      bed.transport.connections[0].codec!.answer();
      assert.equal(bed.transport.connections[0].open, false);
    });

    it('closes an idle connection at max_connection_duration at once', () => {
      const bed = new Bed(multiplexed, { maxConnectionDuration: 500 });
      bed.served();
      bed.transport.last.codec!.answer();
      bed.loop.advance(504);
      assert.equal(bed.transport.last.open, false);
      assert.equal(bed.stats.upstream_cx_protocol_error, 0);
    });

    it('fails a request at once when too many wait', () => {
      const bed = new Bed(multiplexed, {}, { maxPendingRequests: 1 });
      bed.request();
      const second = bed.request();
      assert.equal(second.failure, 'overflow');
      assert.equal(second.host, null);
      assert.equal(second.handle, null);
      assert.deepEqual(bed.counted, { upstream_rq_pending_overflow: 1 });
    });

    it('fails a request that finds a connection but no place among max_requests', () => {
      const bed = new Bed(multiplexed, {}, { maxRequests: 0 });
      const first = bed.request();
      bed.transport.last.succeed();
      assert.equal(first.failure, 'overflow');
      assert.equal(first.host, bed.host);
      const second = bed.request();
      assert.equal(second.failure, 'overflow');
      assert.deepEqual(bed.counted, { upstream_rq_active_overflow: 2 });
      assert.equal(bed.stats.upstream_rq_total, 0);
    });

    it('opens one connection in spite of max_connections 0', () => {
      const bed = new Bed(multiplexed, {}, { maxConnections: 0 });
      bed.served();
      assert.equal(bed.stats.upstream_cx_overflow, 1);
      assert.equal(bed.resources.connections.open, true);
    });

    it('closes what is idle and lets the rest finish when its host is gone', () => {
      const bed = new Bed(multiplexed);
      const request = bed.served();
      bed.loop.pass(() => bed.pool.drainAndRemove());
      assert.equal(bed.transport.last.open, true);
      assert.equal(request.reset, null);
      bed.transport.last.codec!.answer();
      assert.equal(bed.transport.last.open, false);
      assert.equal(bed.pool.idle, true);
    });

    it('gives busy connections no more streams after a health failure', () => {
      const bed = new Bed(multiplexed);
      bed.served();
      bed.loop.pass(() => bed.pool.drainConnections());
      const second = bed.request();
      assert.equal(second.callbacks, 0);
      assert.equal(bed.transport.connections.length, 2);
      bed.transport.connections[0].codec!.answer();
      assert.equal(bed.transport.connections[0].open, false);
    });

    it('holds a place of max_connection_pools while it has connections', () => {
      const bed = new Bed(multiplexed, {}, { maxConnectionPools: 1 });
      assert.equal(bed.pool.reserve(), true);
      bed.served();
      assert.equal(bed.resources.pools.current, 1);
      bed.transport.last.fin();
      assert.equal(bed.resources.pools.current, 0);
    });
  });
}

describe('an HTTP/1 pool', () => {
  it('uses the connection that became ready last', () => {
    const bed = new Bed(false);
    bed.request();
    bed.request();
    const [a, b] = bed.transport.connections;
    a.succeed();
    b.succeed();
    b.codec!.answer();
    a.codec!.answer();
    bed.request();
    assert.equal(a.codec!.activeStreams, 1);
    assert.equal(b.codec!.activeStreams, 0);
  });

  it('serves waiting requests in their order', () => {
    const bed = new Bed(false, {}, { maxConnections: 1 });
    bed.served();
    const [second, third] = [bed.request(), bed.request()];
    assert.equal(bed.stats.upstream_cx_overflow, 2);
    bed.transport.last.codec!.answer();
    assert.deepEqual([second.callbacks, third.callbacks], [1, 0]);
    // What is left to wait asks for a connection once more.
    assert.equal(bed.stats.upstream_cx_overflow, 3);
    bed.transport.last.codec!.answer();
    assert.equal(third.callbacks, 1);
  });

  it('waits for the end of the pass before it serves what waits: the close may come with the response', () => {
    const bed = new Bed(false, {}, { maxConnections: 1 });
    bed.served();
    const second = bed.request();
    const connection = bed.transport.last;
    bed.loop.pass(() => {
      connection.codec!.answer();
      assert.equal(second.callbacks, 0);
      connection.fin();
    });
    assert.equal(second.callbacks, 0);
    assert.equal(bed.transport.connections.length, 2);
    bed.transport.last.succeed();
    assert.equal(second.callbacks, 1);
  });

  it('closes a connection whose request was reset, and counts that as cut', () => {
    const bed = new Bed(false);
    const request = bed.served();
    bed.loop.pass(() => request.encoder!.resetStream('local reset'));
    assert.equal(bed.transport.last.open, false);
    assert.deepEqual(bed.counted, {
      upstream_cx_destroy: 1,
      upstream_cx_destroy_local: 1,
      upstream_cx_destroy_local_with_active_rq: 1,
      upstream_cx_destroy_with_active_rq: 1,
    });
    assert.equal(bed.stats.upstream_rq_active, 0);
  });

  it('closes after a response that announces it', () => {
    const bed = new Bed(false);
    bed.served();
    bed.transport.last.codec!.answer(true);
    assert.equal(bed.transport.last.open, false);
    assert.deepEqual(bed.counted, {
      upstream_cx_close_notify: 1,
      upstream_cx_destroy: 1,
      upstream_cx_destroy_local: 1,
    });
  });

  it('fails everything that waits when one of several connects fails', () => {
    const bed = new Bed(false);
    const requests = [bed.request(), bed.request(), bed.request()];
    bed.transport.connections[1].fail('EHOSTUNREACH');
    for (const request of requests) assert.equal(request.reason, 'delayed connect error: No route to host');
    assert.equal(bed.stats.upstream_rq_pending_failure_eject, 3);
    // The other connects go on and are used later.
    bed.transport.connections[0].succeed();
    assert.equal(bed.request().callbacks, 1);
  });

  it('keeps at most one connection per host when told so', () => {
    const bed = new Bed(false, { maxConnectionsPerHost: 1 });
    bed.served();
    bed.request();
    assert.equal(bed.transport.connections.length, 1);
    assert.equal(bed.stats.upstream_cx_overflow, 1);
    assert.equal(bed.resources.connections.open, false);
  });
});

describe('an HTTP/2 pool', () => {
  it('carries many requests on one connection', () => {
    const bed = new Bed(true);
    const requests = [bed.request(), bed.request(), bed.request()];
    assert.equal(bed.transport.connections.length, 1);
    bed.transport.last.succeed();
    for (const request of requests) assert.equal(request.callbacks, 1);
    assert.equal(bed.transport.last.codec!.activeStreams, 3);
  });

  it('keeps a connection whose stream was reset', () => {
    const bed = new Bed(true);
    const request = bed.served();
    bed.loop.pass(() => request.encoder!.resetStream('local reset'));
    assert.equal(bed.transport.last.open, true);
    assert.deepEqual(bed.counted, {});
    assert.equal(bed.request().callbacks, 1);
    assert.equal(bed.transport.connections.length, 1);
  });

  it('opens another connection when the streams of one are used up', () => {
    const bed = new Bed(true, { maxConcurrentStreams: 2 });
    bed.request();
    bed.request();
    bed.request();
    assert.equal(bed.transport.connections.length, 2);
  });

  it("follows the peer's limit of streams down and up, never above its own", () => {
    const bed = new Bed(true, { maxConcurrentStreams: 4 });
    bed.served();
    bed.request();
    bed.transport.last.codec!.settings(1);
    const third = bed.request();
    assert.equal(third.callbacks, 0);
    assert.equal(bed.transport.connections.length, 2);
    const [first] = bed.transport.connections;
    first.codec!.settings(3);
    assert.equal(third.callbacks, 1);
    first.codec!.settings(100);
    bed.request();
    const fifth = bed.request();
    assert.equal(first.codec!.activeStreams, 4);
    assert.equal(fifth.callbacks, 0);
    const { tracked, actual } = bed.pool.auditCapacity();
    assert.equal(tracked, actual);
  });

  it('drains on GOAWAY: what is open goes on, what is new goes elsewhere', () => {
    const bed = new Bed(true);
    const first = bed.served();
    bed.transport.last.codec!.goAwayFromPeer();
    assert.equal(first.reset, null);
    bed.request();
    assert.equal(bed.transport.connections.length, 2);
    bed.transport.connections[0].codec!.answer();
    assert.equal(bed.transport.connections[0].open, false);
    assert.deepEqual(bed.counted, {
      upstream_cx_close_notify: 1,
      upstream_cx_destroy: 1,
      upstream_cx_destroy_local: 1,
      upstream_cx_protocol_error: 1,
    });
  });

  it('closes at once on a GOAWAY that leaves nothing open', () => {
    const bed = new Bed(true);
    const request = bed.served();
    bed.transport.last.codec!.goAwayFromPeer(1);
    assert.equal(request.reset, 'remote refused stream reset');
    assert.deepEqual(bed.counted, {
      upstream_cx_close_notify: 1,
      upstream_cx_destroy: 1,
      upstream_cx_destroy_local: 1,
    });
  });

  it('closes a drained connection when its last stream is given up', () => {
    const bed = new Bed(true);
    const request = bed.served();
    bed.transport.last.codec!.goAwayFromPeer();
    bed.loop.pass(() => request.encoder!.resetStream('local reset'));
    assert.equal(bed.transport.last.open, false);
    assert.equal(bed.stats.upstream_cx_protocol_error, 0);
  });
});
