import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Random, seededRandom } from '../../base/random.js';
import { ClusterScope } from '../cluster-stats.js';
import { DEFAULT_THRESHOLDS, ResourceManager } from '../resource-manager.js';
import {
  type FakeConnection,
  FakeHistogram,
  FakeRequest,
  FakeStore,
  FakeTransport,
  makeHost,
  POOL_DEFAULTS,
  TestLoop,
} from '../test-kit.js';
import { ConnPoolImpl } from './conn-pool.js';

class Run {
  readonly loop: TestLoop;
  readonly transport: FakeTransport;
  readonly host = makeHost();
  readonly resources: ResourceManager;
  readonly scope = new ClusterScope('up', new FakeStore(), () => new FakeHistogram());
  readonly pool: ConnPoolImpl;
  readonly requests: FakeRequest[] = [];
  readonly cancelled = new Set<FakeRequest>();

  constructor(
    private readonly random: Random,
    readonly multiplexed: boolean,
  ) {
    this.loop = new TestLoop(random.u32());
    this.transport = new FakeTransport(this.loop.dispatcher);
    const pick = (...values: number[]) => values[random.u32() % values.length];
    this.resources = new ResourceManager({
      ...DEFAULT_THRESHOLDS,
      maxConnections: pick(0, 1, 2, 1024),
      maxPendingRequests: pick(0, 1, 3, 1024),
      maxRequests: pick(1, 3, 1024),
      maxConnectionPools: pick(1, Number.POSITIVE_INFINITY),
    });
    const settings = {
      ...POOL_DEFAULTS,
      connectTimeout: pick(20, 400),
      idleTimeout: pick(0, 100, 5000),
      maxConnectionDuration: pick(0, 0, 300),
      maxRequestsPerConnection: pick(0, 1, 3),
      maxConcurrentStreams: pick(1, 2, 100),
      preconnectRatio: pick(1, 1, 1.5),
    };
    this.pool = new ConnPoolImpl(
      this.loop.dispatcher,
      this.host,
      multiplexed,
      settings,
      this.transport,
      this.scope,
      this.resources,
    );
  }

  private one<T>(list: readonly T[]): T | undefined {
    return list.length === 0 ? undefined : list[this.random.u32() % list.length];
  }

  private connections(connected: boolean): FakeConnection[] {
    return this.transport.connections.filter((c) => c.open && c.connected === connected);
  }

  private newRequest(): void {
    const request = new FakeRequest();
    // A few retry from within the failure callback.
    if (this.random.u32() % 8 === 0) {
      const original = request.onPoolFailure.bind(request);
      request.onPoolFailure = (...args) => {
        original(...args);
        this.newRequest();
      };
    }
    this.requests.push(request);
    if (!this.pool.reserve()) {
      request.callbacks++;
      return;
    }
    request.handle = this.pool.newStream(request, request);
    assert.equal(request.handle === null, request.callbacks === 1);
  }

  step(): void {
    const connecting = this.one(this.connections(false));
    const connected = this.one(this.connections(true));
    const codec = connected?.codec;
    const active = this.one(this.requests.filter((r) => r.encoder !== null && r.reset === null));
    switch (this.random.u32() % 13) {
      case 0:
      case 1:
      case 2:
        this.loop.pass(() => this.newRequest());
        break;
      case 3:
        connecting?.succeed();
        break;
      case 4:
        connecting?.fail('ECONNREFUSED');
        break;
      case 5:
        connected?.fin();
        break;
      case 6: {
        const waiting = this.one(this.requests.filter((r) => r.callbacks === 0 && !this.cancelled.has(r)));
        if (waiting === undefined) break;
        this.cancelled.add(waiting);
        this.loop.pass(() => waiting.handle!.cancel());
        break;
      }
      case 7:
      case 8:
        if (codec && codec.activeStreams > 0) codec.answer(!this.multiplexed && this.random.u32() % 4 === 0);
        break;
      case 9:
        if (active !== undefined) this.loop.pass(() => active.encoder!.resetStream('local reset'));
        break;
      case 10:
        if (this.multiplexed && codec) {
          if (this.random.u32() % 2 === 0) codec.settings(this.random.u32() % 4);
          else codec.goAwayFromPeer(this.random.u32() % (codec.activeStreams + 1));
        }
        break;
      case 11:
        codec?.onBytes(() => ({ kind: 'protocol', details: '', message: '' }));
        break;
      default:
        this.loop.advance(this.random.u32() % 120);
    }
    this.check();
  }

  check(): void {
    const { stats } = this.scope;
    const { tracked, actual } = this.pool.auditCapacity();
    assert.equal(tracked, actual);
    const streams = this.transport.connections.reduce((n, c) => n + (c.open ? c.codec!.activeStreams : 0), 0);
    const open = this.transport.connections.filter((c) => c.open).length;
    assert.equal(stats.upstream_rq_active, streams);
    assert.equal(this.host.stats.rq_active, streams);
    assert.equal(this.resources.requests.current, streams);
    assert.equal(stats.upstream_cx_active, open);
    assert.equal(this.host.stats.cx_active, open);
    assert.equal(this.resources.connections.current, open);
    assert.equal(this.scope.clients.size, open);
    assert.equal(stats.upstream_rq_pending_active, this.pool.pendingCount);
    assert.equal(this.host.stats.rq_pending_active, this.pool.pendingCount);
    assert.equal(this.resources.pending.current, this.pool.pendingCount);
    // Somebody who waits has a connection to hope for.
    if (this.pool.pendingCount > 0) assert.ok(open > 0);
    if (this.pool.idle) assert.equal(this.resources.pools.current, 0);
    for (const request of this.requests) assert.ok(request.callbacks <= 1);
    for (const request of this.cancelled) assert.equal(request.callbacks, 0);
  }

  finish(): void {
    for (const connection of this.transport.connections) connection.lost('ECONNRESET');
    // Those that waited were given new connections, and so on.
    for (let i = 0; i < 200 && this.pool.pendingCount > 0; i++)
      for (const connection of this.connections(false)) connection.fail('ECONNREFUSED');
    for (const connection of this.transport.connections) connection.lost('ECONNRESET');
    this.check();
    for (const request of this.requests)
      assert.equal(request.callbacks, this.cancelled.has(request) ? 0 : 1, 'a request was never answered');
    const { stats } = this.scope;
    assert.equal(stats.upstream_cx_active, 0);
    assert.equal(stats.upstream_rq_active, 0);
    assert.equal(stats.upstream_rq_pending_active, 0);
    assert.equal(stats.upstream_cx_destroy, stats.upstream_cx_total);
    assert.equal(stats.upstream_cx_destroy_local + stats.upstream_cx_destroy_remote, stats.upstream_cx_destroy);
    assert.equal(this.loop.dispatcher.timers.size, 0);
  }
}

for (const multiplexed of [false, true])
  it(`${multiplexed ? 'HTTP/2' : 'HTTP/1'}: whatever happens, every request hears back once and all gauges return to zero`, () => {
    for (let seed = 1; seed <= 400; seed++) {
      const random = seededRandom(seed);
      const run = new Run(random, multiplexed);
      try {
        for (let i = 0; i < 80; i++) run.step();
        run.finish();
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).stack}`);
      }
    }
  });
