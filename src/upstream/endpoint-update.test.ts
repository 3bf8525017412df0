import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../base/random.js';
import { Store } from '../observe/store.js';
import { decode } from '../xds/decode.js';
import { ClusterManagerImpl } from './cluster-manager.js';
import { HealthFlag } from './host.js';
import { ANY_HOST, FakeHistogram, FakeRequest, FakeTransport, TestLoop } from './test-kit.js';

interface Given {
  weight?: number;
  health?: string;
  metadata?: object;
}

class Bed {
  readonly loop = new TestLoop();
  readonly transport = new FakeTransport(this.loop.dispatcher);
  readonly store = new Store();
  readonly manager = new ClusterManagerImpl(this.loop.dispatcher, {
    statStore: this.store,
    dns: { resolve() {} },
    transport: () => this.transport,
    histogram: () => new FakeHistogram(),
  });

  constructor(private readonly more: object = {}) {}

  /** Endpoints by their last number. */
  set(endpoints: Record<number, Given>, policy?: object): void {
    const lb_endpoints = Object.entries(endpoints).map(([last, { weight, health, metadata }]) => ({
      endpoint: { address: { socket_address: { address: `10.0.0.${last}`, port_value: 80 } } },
      load_balancing_weight: weight,
      health_status: health,
      metadata,
    }));
    const load_assignment = { cluster_name: 'up', endpoints: [{ lb_endpoints }], policy };
    const cluster = decode('Cluster', JSON.parse(JSON.stringify({ name: 'up', load_assignment, ...this.more })));
    this.loop.pass(() => this.manager.update([cluster]));
  }

  get up() {
    return this.manager.get('up')!;
  }

  host(last: number) {
    return [...this.up.hosts()].find((host) => host.address === `10.0.0.${last}:80`);
  }

  request(last: number): FakeRequest {
    const request = new FakeRequest();
    this.loop.pass(() => {
      request.handle = this.up.pool(this.host(last)!, 0, 'HTTP/1.1')!.newStream(request, request);
    });
    if (request.callbacks === 0) this.transport.last.succeed();
    return request;
  }

  stat(name: string): number {
    return this.store.collect().numbers.find((s) => s.name === `cluster.up.${name}`)!.value;
  }
}

describe('another list of endpoints', () => {
  it('keeps the cluster, the hosts that stay, their connections and counters', () => {
    const bed = new Bed();
    bed.set({ 1: {}, 2: {} });
    const { up } = bed;
    const kept = bed.host(1)!;
    bed.request(1);
    bed.transport.last.codec!.answer();
    const [connection] = bed.transport.connections;
    bed.set({ 1: {}, 3: {} });
    assert.equal(bed.up, up);
    assert.equal(bed.host(1), kept);
    assert.equal(connection.open, true);
    bed.request(1);
    assert.equal(bed.transport.connections.length, 1);
    assert.equal(kept.stats.rq_total, 2);
    assert.deepEqual([bed.host(2), bed.stat('membership_total'), bed.stat('membership_change')], [undefined, 2, 2]);
  });

  it('drains a host that goes: its stream is finished, and then the connection closes', () => {
    const bed = new Bed();
    bed.set({ 1: {}, 2: {} });
    const request = bed.request(2);
    const connection = bed.transport.last;
    bed.set({ 1: {} });
    assert.equal(request.reset, null);
    assert.equal(connection.open, true);
    for (let i = 0; i < 20; i++) assert.equal(bed.up.chooseHost(ANY_HOST, 0), bed.host(1));
    connection.codec!.answer();
    assert.equal(connection.open, false);
  });

  it('changes weight, metadata, health and policy of hosts that stay', () => {
    const bed = new Bed();
    bed.set({ 1: {}, 2: {} });
    const kept = bed.host(1)!;
    bed.set({ 1: { weight: 7, health: 'UNHEALTHY' }, 2: {} }, { overprovisioning_factor: 100 });
    assert.equal(bed.host(1), kept);
    assert.deepEqual([kept.weight, kept.healthFlagsText], [7, '/failed_eds_health']);
    assert.equal(bed.up.prioritySet.at(0).overprovisioningFactor, 100);
    assert.equal(bed.stat('membership_healthy'), 1);
    const metadata = { filter_metadata: { 'envoy.lb': { canary: true } } };
    bed.set({ 1: { metadata }, 2: {} });
    assert.deepEqual([kept.weight, kept.healthFlagsText, kept.canary], [1, 'healthy', true]);
  });

  it('leaves an ejected host ejected', () => {
    const bed = new Bed({ outlier_detection: { consecutive_5xx: 1, max_ejection_percent: 100 } });
    bed.set({ 1: {}, 2: {} });
    bed.loop.pass(() => bed.host(1)!.outlier.putHttpResponseCode(500));
    assert.equal(bed.host(1)!.healthFlagsText, '/failed_outlier_check');
    bed.set({ 1: {}, 2: {}, 3: {} });
    assert.equal(bed.host(1)!.healthFlagsText, '/failed_outlier_check');
    assert.equal(bed.stat('outlier_detection.ejections_active'), 1);
    bed.set({ 2: {}, 3: {} });
    assert.equal(bed.stat('outlier_detection.ejections_active'), 0);
  });

  it('keeps a host that is no longer named while its health checks succeed', () => {
    const check = { timeout: '1s', interval: '5s', unhealthy_threshold: 1, healthy_threshold: 1 };
    const bed = new Bed({
      health_checks: [{ ...check, http_health_check: { path: '/hc' } }],
      wait_for_warm_on_init: false,
    });
    bed.set({ 1: {}, 2: {} });
    for (const last of [1, 2]) bed.host(last)!.healthFlags &= ~HealthFlag.FAILED_ACTIVE_HC;
    bed.set({ 1: {} });
    const old = bed.host(2)!;
    assert.equal(old.healthFlagsText, '/pending_dynamic_removal');
    old.healthFlags |= HealthFlag.FAILED_ACTIVE_HC;
    bed.loop.pass(() => bed.up.onHealthCheck(old, 'changed', false));
    assert.equal(bed.host(2), undefined);
  });

  it('is what a fresh cluster of these endpoints would have, after any number of updates (property)', () => {
    const random = seededRandom(77);
    const bed = new Bed();
    for (let round = 0; round < 200; round++) {
      const endpoints: Record<number, Given> = {};
      for (let last = 1; last <= 8; last++)
        if (random.u32() % 2 === 0)
          endpoints[last] = {
            weight: 1 + (random.u32() % 3),
            health: ['HEALTHY', 'UNHEALTHY', 'DRAINING', 'DEGRADED'][random.u32() % 4],
          };
      const before = new Map([...(bed.manager.get('up')?.hosts() ?? [])].map((host) => [host.address, host]));
      bed.set(endpoints);
      const fresh = new Bed();
      fresh.set(endpoints);
      const facts = (one: Bed) => [...one.up.hosts()].map((host) => [host.address, host.weight, host.healthFlagsText]);
      assert.deepEqual(facts(bed), facts(fresh));
      for (const host of bed.up.hosts()) if (before.has(host.address)) assert.equal(host, before.get(host.address));
      for (const name of ['membership_total', 'membership_healthy', 'membership_degraded', 'membership_excluded'])
        assert.equal(bed.stat(name), fresh.stat(name));
      if (random.u32() % 3 === 0 && bed.up.chooseHost(ANY_HOST, 0) !== null) {
        const host = bed.up.chooseHost(ANY_HOST, 0)!;
        const request = bed.request(Number(/\.(\d+):/.exec(host.address)![1]));
        assert.equal(request.host, host);
        if (random.u32() % 2 === 0) bed.transport.last.codec?.answer();
      }
    }
  });
});

describe('a list of clusters of which one cannot be run', () => {
  it('changes nothing, not even the statistics that there are', () => {
    const bed = new Bed();
    bed.set({ 1: {} });
    const names = () => bed.store.collect().numbers.map((s) => s.name);
    const before = names();
    const load_assignment = { cluster_name: 'new', endpoints: [] };
    const good = decode('Cluster', { name: 'new', load_assignment });
    const bad = decode('Cluster', { name: 'bad', load_assignment, track_cluster_stats: { per_endpoint_stats: true } });
    assert.throws(() => bed.manager.update([good, bad]), /per_endpoint_stats|statistics of each endpoint/);
    assert.deepEqual(names(), before);
    assert.deepEqual(
      [...bed.manager.clusters()].map((c) => c.name),
      ['up'],
    );
  });
});
