import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { permanentName } from '../base/header-names.js';
import { RequestHeaders, ResponseHeaders, Trailers } from '../base/headers.js';
import { type Random, seededRandom } from '../base/random.js';
import { Reset } from '../codec/codec.js';
import { compileFormat } from '../observe/format.js';
import { Store } from '../observe/store.js';
import type { StreamInfo } from '../observe/stream-info.js';
import { tableOf, to } from '../router/testing.js';
import { ClusterManagerImpl } from '../upstream/cluster-manager.js';
import { type FakeConnection, FakeHistogram, FakeTransport } from '../upstream/test-kit.js';
import { decode } from '../xds/decode.js';
import { compileFilters } from './filters/compile.js';
import { HTTP_GAUGES } from './stats.js';
import type { ActiveStream } from './stream.js';
import { HttpBench, limit, type OpenStream, routerConfig } from './test-kit.js';

/*
 * Random configurations and random orders of what clients, upstreams and time do. The connection manager, the filters, the router, the
 * clusters and the pools are the real ones; codecs and sockets are played. Whatever happens, every stream ends once and leaves nothing.
 */

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.';

/** Without the fields that are undefined. */
const plain = (config: object) => JSON.parse(JSON.stringify(config)) as object;

interface Client extends OpenStream {
  stream: ActiveStream;
  head: boolean;
  complete: boolean;
  left: boolean;
}

class Run {
  readonly store = new Store();
  readonly bench: HttpBench;
  readonly transport: FakeTransport;
  readonly clients: Client[] = [];
  readonly attemptsLogged: StreamInfo[] = [];
  private readonly clusters: ClusterManagerImpl;

  constructor(private readonly random: Random) {
    const protocol = this.chance(2) ? 'HTTP/2' : 'HTTP/1.1';
    const clusters = routerConfig({ get: (name: string) => this.clusters.get(name) } as never);
    const upstreamLog = {
      log: {
        log: (info: StreamInfo, type: string) => {
          if (type === 'UpstreamEnd') this.attemptsLogged.push(info);
        },
      },
      onStream: this.chance(2),
      flushInterval: this.pick(0, 70),
    };
    const router = { ...clusters, upstreamLog: this.chance(2) ? upstreamLog : null };
    this.bench = new HttpBench({ ...this.manager(), router }, protocol);
    const { dispatcher } = this.bench.loop;
    this.transport = new FakeTransport(dispatcher);
    this.clusters = new ClusterManagerImpl(dispatcher, {
      statStore: this.store,
      dns: { resolve() {} } as never,
      transport: () => this.transport,
      histogram: () => new FakeHistogram(),
    });
    this.clusters.add(decode('Cluster', plain(this.cluster())));
  }

  chance(n: number): boolean {
    return this.random.u32() % n === 0;
  }

  pick<T>(...values: T[]): T {
    return values[this.random.u32() % values.length];
  }

  private seconds(...ms: number[]): string {
    return `${this.pick(...ms) / 1000}s`;
  }

  private cluster(): object {
    const address = (port: number) => ({ address: { socket_address: { address: '10.0.0.1', port_value: port } } });
    const hosts = this.pick(0, 1, 2, 3);
    const endpoints = Array.from({ length: hosts }, (_, i) => ({ endpoint: address(80 + i) }));
    const options = {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: this.chance(2) ? { http2_protocol_options: {} } : { http_protocol_options: {} },
      common_http_protocol_options: this.pick<object>({}, { max_stream_duration: '0.2s' }, { idle_timeout: '0.1s' }),
    };
    const few = () => ({ max_connections: 1, max_pending_requests: 1, max_requests: 2, max_retries: 1 });
    return {
      name: 'c',
      connect_timeout: this.seconds(50, 400),
      load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: endpoints }] },
      typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options },
      circuit_breakers: this.chance(2) ? { thresholds: [few()] } : undefined,
      track_cluster_stats: this.chance(4) ? { timeout_budgets: true, request_response_sizes: true } : undefined,
    };
  }

  private route(): object {
    const retry = {
      retry_on: this.pick('5xx', 'connect-failure', '5xx,reset', 'gateway-error', 'refused-stream'),
      num_retries: this.pick(0, 1, 3),
      per_try_timeout: this.chance(2) ? this.seconds(40, 150) : undefined,
      per_try_idle_timeout: this.chance(3) ? this.seconds(60) : undefined,
      retry_back_off: { base_interval: this.seconds(10, 60) },
    };
    return {
      timeout: this.seconds(0, 100, 300),
      idle_timeout: this.chance(3) ? this.seconds(0, 90) : undefined,
      max_stream_duration: this.chance(4) ? { max_stream_duration: this.seconds(0, 150) } : undefined,
      retry_policy: this.chance(3) ? undefined : retry,
      hedge_policy: this.chance(4) ? { hedge_on_per_try_timeout: true } : undefined,
      hash_policy: this.chance(4) ? [{ cookie: { name: 'k', ttl: '9s' } }] : undefined,
    };
  }

  private manager(): object {
    const routes = tableOf([to('c', { prefix: '/' }, plain(this.route()))], {}, { name: 'rc' });
    const of = (...ms: number[]) => limit(this.pick(...ms));
    return {
      routes,
      filters: this.chance(2) ? null : this.filters(routes),
      streamIdle: of(0, 80, 5000),
      request: of(0, 0, 120),
      requestHeaders: of(0, 0, 60),
      maxStreamDuration: of(0, 0, 200),
      connectionIdle: this.pick(0, 300),
      maxConnectionDuration: this.pick(0, 0, 400),
      drainTimeout: this.pick(20, 200),
      maxRequestsPerConnection: this.pick(0, 0, 3),
      logFlushInterval: this.pick(0, 0, 50),
      accessLog: {
        log: (info: StreamInfo, type: string) => {
          if (type === 'DownstreamEnd') this.bench.logged.push(info);
        },
      },
      upgrades: new Map([['websocket', true]]),
    };
  }

  private filters(routes: ReturnType<typeof tableOf>) {
    const filter = (name: string, type: string, config: object) =>
      decode(
        'HttpFilter',
        plain({ name: `envoy.filters.http.${name}`, typed_config: { '@type': `${TYPE}${type}`, ...config } }),
      );
    const percentage = { numerator: 50 };
    const fault = filter('fault', 'fault.v3.HTTPFault', {
      delay: { fixed_delay: this.seconds(30, 200), percentage },
      abort: this.chance(2) ? { http_status: 503, percentage: { numerator: 20 } } : undefined,
      max_active_faults: this.pick(1, 100),
    });
    const buffer = filter('buffer', 'buffer.v3.Buffer', { max_request_bytes: this.pick(4, 1000) });
    const deps = {
      store: this.store,
      statPrefix: 'http.test.',
      compileFormat,
      cidr: () => () => false,
      healthcheckFailed: () => false,
      membership: () => null,
    };
    return compileFilters(this.chance(2) ? [fault, buffer] : [fault], routes.config, deps, 'me');
  }

  // --- what clients do

  private get live(): Client[] {
    return this.clients.filter(({ left, response }) => !left && !response.ended && response.reset === null);
  }

  private get closed(): boolean {
    return this.bench.connection.closed !== null;
  }

  private open(): void {
    const { bench } = this;
    if (this.closed || this.clients.length > 25) return;
    if (bench.codec === undefined) bench.begin();
    if (bench.codec.protocol !== 'HTTP/2' && this.live.length > 0) return;
    const one = bench.open();
    this.clients.push({ ...one, stream: one.request as ActiveStream, head: false, complete: false, left: false });
  }

  private headOf(): RequestHeaders {
    const headers = new RequestHeaders();
    headers.method = this.pick('GET', 'POST');
    headers.path = this.chance(12) ? '*' : '/';
    headers.authority = this.chance(15) ? undefined : 'a.test';
    headers.scheme = 'http';
    if (this.chance(8)) headers.add(permanentName('content-type'), 'application/grpc');
    if (this.chance(10)) headers.add(permanentName('expect'), '100-continue');
    return headers;
  }

  private client(): void {
    const { loop } = this.bench;
    const live = this.live;
    if (live.length === 0 || this.closed || this.chance(4)) {
      this.open();
      return;
    }
    const one = live[this.random.u32() % live.length];
    const { request } = one;
    if (this.chance(9)) {
      one.left = true;
      loop.pass(() => request.onReset(Reset.REMOTE, 'http2.remote_reset'));
    } else if (!one.head) {
      one.head = true;
      one.complete = this.chance(2);
      loop.pass(() => request.decodeHeaders(this.headOf(), one.complete));
    } else if (!one.complete) {
      const trailers = this.chance(6);
      one.complete = trailers || this.chance(2);
      loop.pass(() =>
        trailers ? request.decodeTrailers(new Trailers()) : request.decodeData(Buffer.from('12345'), one.complete),
      );
    } else if (this.chance(2))
      loop.pass(() => {
        request.onAboveWriteBufferHighWatermark();
        if (this.chance(2)) request.onBelowWriteBufferLowWatermark();
      });
  }

  // --- what upstreams do

  private upstream(): void {
    const open = this.transport.connections.filter((connection) => connection.open);
    if (open.length === 0) return;
    const connection = open[this.random.u32() % open.length];
    if (!connection.connected) {
      if (this.chance(4)) connection.fail(this.pick('ECONNREFUSED', 'ETIMEDOUT'));
      else if (this.chance(2)) connection.succeed();
      return;
    }
    if (this.chance(15)) connection.lost('ECONNRESET');
    else if (this.chance(20)) connection.fin();
    else if (this.chance(25)) connection.codec!.goAwayFromPeer(0);
    else this.answer(connection);
  }

  private readonly begun = new WeakSet<object>();

  private answer(connection: FakeConnection): void {
    const codec = connection.codec!;
    if (codec.streams.length === 0) return;
    const stream = codec.streams[this.random.u32() % codec.streams.length];
    const { decoder } = stream;
    const end = this.chance(2);
    codec.onBytes(() => {
      if (this.chance(10)) {
        codec.end(stream, true);
        decoder.onReset(this.pick(Reset.REMOTE, Reset.REMOTE_REFUSED, Reset.PROTOCOL_ERROR), '');
        return null;
      }
      if (this.begun.has(stream)) {
        if (this.chance(5)) {
          decoder.decodeTrailers(new Trailers());
          codec.end(stream, false);
          return null;
        }
        decoder.decodeData(Buffer.from('data'), end);
      } else if (this.chance(8)) {
        decoder.decode1xx(new ResponseHeaders(100));
        return null;
      } else {
        this.begun.add(stream);
        decoder.decodeHeaders(new ResponseHeaders(this.pick(200, 200, 404, 500, 503, 504)), end);
      }
      if (end) codec.end(stream, false);
      return null;
    });
  }

  // --- the play

  play(steps: number): void {
    const { loop } = this.bench;
    for (let i = 0; i < steps; i++) {
      switch (this.random.u32() % 5) {
        case 0:
        case 1:
          this.client();
          break;
        case 2:
        case 3:
          this.upstream();
          break;
        default:
          loop.advance(this.pick(4, 20, 60, 250));
      }
    }
    // Either time ends the streams, or the client goes, or the upstreams do.
    const how = this.random.u32() % 3;
    if (how === 0) loop.advance(600);
    else if (how === 1) for (const connection of [...this.transport.connections]) connection.lost('ECONNRESET');
    loop.pass(() => this.bench.manager.onRemoteEnd());
    loop.advance(700);
    for (const connection of [...this.transport.connections]) connection.lost('ECONNRESET');
    loop.advance(1500);
  }

  check(): void {
    const { logged, config } = this.bench;
    for (const { stream, response: encoder } of this.clients) {
      const lines = logged.filter((info) => info === stream.info).length;
      assert.equal(lines, 1, 'one line in the access log');
      assert.ok(!(encoder.ended && encoder.reset !== null && stream.requestComplete), 'answered and reset');
      for (const timer of stream.ledger.entries) {
        assert.equal(timer.armed, false, `timer ${timer.kind} outlives its stream`);
        assert.ok(timer.firedAt <= stream.info.end, `timer ${timer.kind} fired after the end`);
      }
    }
    assert.equal(logged.length, this.clients.length);
    assert.equal(new Set(this.attemptsLogged).size, this.attemptsLogged.length, 'one line for each attempt');
    for (const gauge of HTTP_GAUGES)
      assert.equal((config.stats as unknown as Record<string, number>)[gauge], 0, `http gauge ${gauge}`);
    for (const { name, value } of this.store.collect().numbers)
      if (/(_active|_open|active_faults|_buffered)$/.test(name)) assert.equal(value, 0, name);
  }
}

describe('streams, whatever happens', () => {
  for (let block = 0; block < 4; block++)
    it(`end once, with one line, and leave no timer and no gauge behind (seeds ${block * 150} to ${block * 150 + 149})`, () => {
      for (let seed = block * 150; seed < (block + 1) * 150; seed++) {
        const random = seededRandom(seed + 1);
        const run = new Run(random);
        try {
          run.play(40 + (random.u32() % 160));
          run.check();
        } catch (error) {
          throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
        }
      }
    });
});
