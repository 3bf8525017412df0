import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConfigError } from '../config/error.js';
import { Store } from '../observe/store.js';
import { decode } from '../xds/decode.js';
import type { Cluster } from '../xds/types.js';
import { ClusterManagerImpl } from './cluster-manager.js';
import type { DnsAnswer, DnsQuery, DnsResolver } from './discovery/dns.js';
import { HealthFlag } from './host.js';
import { ANY_HOST, FakeHistogram, FakeRequest, FakeTransport, TestLoop } from './test-kit.js';
import { Priority } from './types.js';

function endpoint(address: string, port: number, extra: object = {}) {
  return { endpoint: { address: { socket_address: { address, port_value: port } } }, ...extra };
}

function cluster(name: string, endpoints: object[], more: object = {}): Cluster {
  const load_assignment = { cluster_name: name, endpoints: [{ lb_endpoints: endpoints }] };
  return decode('Cluster', { name, load_assignment, ...more });
}

const ONE = [endpoint('10.0.0.1', 80)];

class Bed implements DnsResolver {
  readonly loop = new TestLoop();
  readonly transport = new FakeTransport(this.loop.dispatcher);
  readonly store = new Store();
  readonly queries: { query: DnsQuery; answer: (addresses: DnsAnswer) => void }[] = [];
  readonly manager = new ClusterManagerImpl(this.loop.dispatcher, {
    statStore: this.store,
    dns: this,
    transport: () => this.transport,
    histogram: () => new FakeHistogram(),
  });

  resolve(query: DnsQuery, answer: (addresses: DnsAnswer) => void): void {
    this.queries.push({ query, answer });
  }

  stat(name: string): number {
    const found = this.store.collect().numbers.find((s) => s.name === name);
    assert.ok(found, `no statistic ${name}`);
    return found.value;
  }

  request(name: string, priority = Priority.DEFAULT, protocol: 'HTTP/1.1' | 'HTTP/2' = 'HTTP/1.1'): FakeRequest {
    const request = new FakeRequest();
    this.loop.pass(() => {
      const found = this.manager.get(name)!;
      const host = found.chooseHost(ANY_HOST, priority)!;
      const pool = found.pool(host, priority, protocol)!;
      request.handle = pool.newStream(request, request);
    });
    if (request.callbacks === 0) this.transport.last.succeed();
    assert.notEqual(request.encoder, null);
    return request;
  }
}

describe('the cluster manager', () => {
  it('serves a static cluster at once', () => {
    const bed = new Bed();
    let ready = 0;
    assert.equal(bed.manager.add(cluster('up', ONE)), true);
    bed.manager.whenReady(() => ready++);
    assert.equal(ready, 1);
    assert.equal(bed.request('up').host!.address, '10.0.0.1:80');
    assert.equal(bed.stat('cluster_manager.cluster_added'), 1);
    assert.equal(bed.stat('cluster_manager.active_clusters'), 1);
    assert.equal(bed.stat('cluster.up.upstream_rq_total'), 1);
    assert.equal(bed.stat('cluster.up.membership_total'), 1);
    assert.equal(bed.stat('cluster.up.membership_healthy'), 1);
    assert.equal(bed.stat('cluster.up.circuit_breakers.default.cx_open'), 0);
    assert.equal(bed.manager.get('other'), undefined);
  });

  it('waits for the first DNS answer', () => {
    const bed = new Bed();
    let ready = 0;
    bed.manager.add(cluster('up', [endpoint('a.test', 80)], { type: 'STRICT_DNS' }));
    bed.manager.whenReady(() => ready++);
    assert.equal(ready, 0);
    assert.equal(bed.manager.get('up'), undefined);
    assert.equal(bed.stat('cluster_manager.warming_clusters'), 1);
    bed.queries[0].answer([{ address: '10.0.0.7', ttl: null }]);
    assert.equal(ready, 1);
    assert.equal(bed.request('up').host!.address, '10.0.0.7:80');
  });

  it('does not wait when told not to', () => {
    const bed = new Bed();
    bed.manager.add(cluster('up', [endpoint('a.test', 80)], { type: 'STRICT_DNS', wait_for_warm_on_init: false }));
    assert.equal(bed.manager.get('up')!.chooseHost(ANY_HOST, Priority.DEFAULT), null);
    assert.equal(bed.stat('cluster.up.upstream_cx_none_healthy'), 1);
  });

  it('keeps the connections of a cluster whose configuration is the same', () => {
    const bed = new Bed();
    bed.manager.update([cluster('up', ONE), cluster('gone', ONE)]);
    const before = bed.manager.get('up');
    bed.request('up');
    bed.transport.last.codec!.answer();
    bed.loop.pass(() => bed.manager.update([cluster('up', ONE)]));
    assert.equal(bed.manager.get('up'), before);
    assert.equal(bed.transport.last.open, true);
    assert.equal(bed.manager.get('gone'), undefined);
    assert.equal(bed.stat('cluster_manager.cluster_removed'), 1);
    assert.equal(bed.stat('cluster_manager.cluster_modified'), 0);
  });

  it('replaces a changed cluster, lets its streams finish and goes on counting', () => {
    const bed = new Bed();
    bed.manager.add(cluster('up', ONE));
    const old = bed.request('up');
    const [connection] = bed.transport.connections;
    bed.loop.pass(() => bed.manager.add(cluster('up', [endpoint('10.0.0.2', 80)])));
    assert.equal(old.reset, null);
    assert.equal(connection.open, true);
    assert.equal(bed.request('up').host!.address, '10.0.0.2:80');
    assert.equal([...bed.manager.connections()].length, 2);
    connection.codec!.answer();
    assert.equal(connection.open, false);
    assert.equal(bed.stat('cluster.up.upstream_rq_total'), 2);
    assert.equal(bed.stat('cluster.up.upstream_rq_active'), 1);
    assert.equal(bed.stat('cluster_manager.cluster_modified'), 1);
  });

  it('serves by the old configuration while the new one is resolved', () => {
    const bed = new Bed();
    bed.manager.add(cluster('up', ONE));
    bed.manager.add(cluster('up', [endpoint('a.test', 80)], { type: 'LOGICAL_DNS' }));
    assert.equal(bed.request('up').host!.address, '10.0.0.1:80');
    bed.queries[0].answer([{ address: '10.0.0.7', ttl: null }]);
    assert.equal(bed.request('up').host!.address, '10.0.0.7:80');
    assert.equal(bed.transport.connections.length, 2);
  });

  it('changes nothing when one cluster of a list cannot be run', () => {
    const bed = new Bed();
    bed.manager.add(cluster('up', ONE));
    const bad = cluster('bad', ONE, { track_cluster_stats: { per_endpoint_stats: true } });
    assert.throws(
      () => bed.manager.update([cluster('new', ONE), bad]),
      /bad: not supported: statistics of each endpoint/,
    );
    assert.deepEqual(
      [...bed.manager.clusters()].map((c) => c.name),
      ['up'],
    );
  });

  it('takes the statistics of a removed cluster away', () => {
    const bed = new Bed();
    bed.manager.add(cluster('up', ONE));
    bed.manager.remove('up');
    assert.deepEqual(
      bed.store.collect().numbers.filter((s) => s.name.startsWith('cluster.')),
      [],
    );
    assert.equal(bed.manager.remove('up'), false);
  });

  it('adds up the bytes of connections that live and that are gone', () => {
    const bed = new Bed();
    bed.manager.add(cluster('up', ONE));
    bed.request('up');
    bed.transport.last.receive(Buffer.alloc(10));
    assert.equal(bed.stat('cluster.up.upstream_cx_rx_bytes_total'), 10);
    bed.transport.last.fin();
    assert.equal(bed.stat('cluster.up.upstream_cx_rx_bytes_total'), 10);
  });
});

const H2 = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: { max_concurrent_streams: 7 } },
    },
  },
};
const AS_DOWNSTREAM = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      use_downstream_protocol_config: { http2_protocol_options: {} },
    },
  },
};

describe('a cluster', () => {
  it('speaks HTTP/1 unless told otherwise', () => {
    const bed = new Bed();
    bed.manager.add(cluster('up', ONE));
    assert.equal(bed.request('up', 0, 'HTTP/2').connection!.protocol, 'HTTP/1.1');
  });

  it('speaks HTTP/2 when told so', () => {
    const bed = new Bed();
    bed.manager.add(cluster('up', ONE, H2));
    assert.equal(bed.request('up').connection!.protocol, 'HTTP/2');
    assert.equal(bed.manager.get('up')!.config.pool.maxConcurrentStreams, 7);
  });

  it('speaks what the client speaks when told so, on separate connections', () => {
    const bed = new Bed();
    bed.manager.add(cluster('up', ONE, AS_DOWNSTREAM));
    assert.equal(bed.request('up', 0, 'HTTP/2').connection!.protocol, 'HTTP/2');
    assert.equal(bed.request('up', 0, 'HTTP/1.1').connection!.protocol, 'HTTP/1.1');
    assert.equal(bed.request('up', 0, 'HTTP/2').connection!.streamCount, 2);
  });

  it('keeps pools of priorities apart, with thresholds of their own', () => {
    const bed = new Bed();
    const circuit_breakers = {
      thresholds: [{ max_requests: 1 }, { priority: 'HIGH', max_requests: 5, track_remaining: true }],
    };
    bed.manager.add(cluster('up', ONE, { circuit_breakers }));
    bed.request('up');
    bed.request('up', Priority.HIGH);
    assert.equal(bed.transport.connections.length, 2);
    assert.equal(bed.stat('cluster.up.circuit_breakers.default.rq_open'), 1);
    assert.equal(bed.stat('cluster.up.circuit_breakers.high.remaining_rq'), 4);
    assert.throws(() => bed.stat('cluster.up.circuit_breakers.default.remaining_rq'));
  });

  it('has no pool to give when max_connection_pools is reached', () => {
    const bed = new Bed();
    bed.manager.add(cluster('up', ONE, { circuit_breakers: { thresholds: [{ max_connection_pools: 0 }] } }));
    const up = bed.manager.get('up')!;
    const host = up.chooseHost(ANY_HOST, 0)!;
    assert.equal(up.pool(host, 0, 'HTTP/1.1'), null);
    assert.equal(bed.stat('cluster.up.upstream_cx_pool_overflow'), 1);
    assert.equal(bed.stat('cluster.up.circuit_breakers.default.cx_pool_open'), 0);
  });

  it('bounds retries by number, or by a budget that never falls below its floor', () => {
    const bed = new Bed();
    bed.manager.add(cluster('n', ONE, { circuit_breakers: { thresholds: [{ max_retries: 1 }] } }));
    const byNumber = bed.manager.get('n')!.retryBreaker(0);
    assert.deepEqual([byNumber.tryAcquire(), byNumber.tryAcquire()], [true, false]);
    assert.equal(bed.stat('cluster.n.circuit_breakers.default.rq_retry_open'), 1);
    byNumber.release();
    assert.equal(byNumber.tryAcquire(), true);
    const budget = { retry_budget: { budget_percent: { value: 50 }, min_retry_concurrency: 1 } };
    bed.manager.add(cluster('b', ONE, { circuit_breakers: { thresholds: [budget] }, ...H2 }));
    const byBudget = bed.manager.get('b')!.retryBreaker(0);
    assert.deepEqual([byBudget.tryAcquire(), byBudget.tryAcquire()], [true, false]);
    for (let i = 0; i < 4; i++) bed.request('b');
    assert.deepEqual([byBudget.tryAcquire(), byBudget.tryAcquire()], [true, false]);
  });

  it('tells the balancer of health changes at most once per merge window', () => {
    const bed = new Bed();
    const two = [endpoint('10.0.0.1', 80), endpoint('10.0.0.2', 80)];
    bed.manager.add(cluster('up', two, { common_lb_config: { healthy_panic_threshold: { value: 0 } } }));
    const up = bed.manager.get('up')!;
    const [a, b] = [...up.hosts()];
    a.healthFlags |= HealthFlag.FAILED_OUTLIER_CHECK;
    up.onHealthChanged(a);
    for (let i = 0; i < 10; i++) assert.equal(up.chooseHost(ANY_HOST, 0), b);
    b.healthFlags |= HealthFlag.FAILED_OUTLIER_CHECK;
    up.onHealthChanged(b);
    assert.equal(up.chooseHost(ANY_HOST, 0), b);
    bed.loop.advance(1004);
    assert.equal(up.chooseHost(ANY_HOST, 0), null);
    a.healthFlags = 0;
    up.onHealthChanged(a);
    assert.equal(up.chooseHost(ANY_HOST, 0), null);
    bed.loop.advance(1004);
    assert.equal(up.chooseHost(ANY_HOST, 0), a);
  });

  it('reads priorities, weights, health and localities of its endpoints', () => {
    const bed = new Bed();
    const load_assignment = {
      cluster_name: 'up',
      endpoints: [
        {
          priority: 1,
          locality: { region: 'r', zone: 'z' },
          lb_endpoints: [endpoint('10.0.0.1', 80, { load_balancing_weight: 5, health_status: 'DRAINING' })],
        },
        { lb_endpoints: [endpoint('::1', 81, { metadata: { filter_metadata: { 'envoy.lb': { canary: true } } } })] },
      ],
    };
    bed.manager.add(decode('Cluster', { name: 'up', load_assignment }));
    const [first, second] = [...bed.manager.get('up')!.hosts()];
    assert.deepEqual([first.address, first.canary, first.healthFlagsText], ['[::1]:81', true, 'healthy']);
    assert.deepEqual(
      [second.weight, second.zone, second.priority, second.healthFlagsText],
      [5, 'z', 1, '/eds_status_draining'],
    );
  });

  const refused: [string, object, RegExp][] = [
    ['per_endpoint_stats', { track_cluster_stats: { per_endpoint_stats: true } }, /per_endpoint_stats/],
    ['a transport socket', { transport_socket: { name: 'envoy.transport_sockets.tls' } }, /transport_socket/],
    [
      'predictive preconnecting',
      { preconnect_policy: { predictive_preconnect_ratio: 1.5 } },
      /predictive_preconnect_ratio/,
    ],
    ['EDS', { type: 'EDS', load_assignment: undefined }, /EDS|load_assignment|eds/],
  ];
  for (const [what, more, message] of refused)
    it(`refuses ${what} by name`, () => {
      const bed = new Bed();
      assert.throws(
        () => bed.manager.add(cluster('up', ONE, more)),
        (error: ConfigError) => error.name === 'ConfigError' && message.test(error.message),
      );
      assert.equal(bed.manager.get('up'), undefined);
    });
});
