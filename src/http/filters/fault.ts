import { H, type HeaderName, permanentName } from '../../base/header-names.js';
import type { RequestHeaders, Trailers } from '../../base/headers.js';
import type { Random } from '../../base/random.js';
import { type FieldRef, fieldRef } from '../../config/position.js';
import { addFlag } from '../../observe/flags.js';
import type { StatSource, StatVisitor } from '../../observe/stats.js';
import { TimerKind } from '../../observe/timer-ledger.js';
import { allMatch, compileHeaderMatcher, type HeaderMatcher } from '../../router/header-matcher.js';
import type { RouteEntry } from '../../router/route-entry.js';
import { unsupported } from '../../xds/decode.js';
import type { Any, FaultAbort, FaultDelay, FaultRateLimit, HTTPFault } from '../../xds/types.js';
import { type HttpFilterConfig, Step, StreamFilter, type StreamFilterFactory, type StreamFilters } from './chain.js';
import { type FilterDeps, Share, sharedStats } from './deps.js';
import { ResponseLimit } from './response-limit.js';
import type { RouteSettings } from './route-settings.js';

const DELAY = permanentName('x-envoy-fault-delay-request');
const DELAY_PERCENTAGE = permanentName('x-envoy-fault-delay-request-percentage');
const ABORT = permanentName('x-envoy-fault-abort-request');
const ABORT_GRPC = permanentName('x-envoy-fault-abort-grpc-request');
const THROUGHPUT = permanentName('x-envoy-fault-throughput-response');
const THROUGHPUT_PERCENTAGE = permanentName('x-envoy-fault-throughput-response-percentage');
const ABORT_PERCENTAGE = permanentName('x-envoy-fault-abort-request-percentage');

/** `http.<stat_prefix>.fault.` */
export class FaultStats {
  aborts_injected = 0;
  delays_injected = 0;
  faults_overflow = 0;
  response_rl_injected = 0;
  active_faults = 0;
}

const GAUGES: ReadonlySet<string> = new Set(['active_faults']);
/** Names of downstream clusters come with traffic: more than this many are not counted apart. */
const CLUSTER_LIMIT = 1000;

/** `http.<stat_prefix>.fault.<downstream cluster>.` */
class DownstreamClusters implements StatSource {
  private readonly counts = new Map<string, { aborts: number; delays: number }>();

  constructor(private readonly prefix: string) {}

  of(cluster: string): { aborts: number; delays: number } | null {
    let counts = this.counts.get(cluster);
    if (counts === undefined) {
      if (this.counts.size >= CLUSTER_LIMIT) return null;
      counts = { aborts: 0, delays: 0 };
      this.counts.set(cluster, counts);
    }
    return counts;
  }

  visit(visitor: StatVisitor): void {
    for (const [cluster, counts] of this.counts) {
      if (counts.aborts > 0) visitor.counter(`${this.prefix}${cluster}.aborts_injected`, counts.aborts);
      if (counts.delays > 0) visitor.counter(`${this.prefix}${cluster}.delays_injected`, counts.delays);
    }
  }

  reset(): void {
    this.counts.clear();
  }
}

/** A whole number of a header; null when there is none. */
function headerNumber(headers: RequestHeaders, name: HeaderName): number | null {
  const text = headers.get(name);
  if (text === undefined) return null;
  const number = Number(text);
  return text !== '' && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/** The share in force: a header may lower the configured one. */
function drawShare(share: Share, headers: RequestHeaders, name: HeaderName | null, random: Random): boolean {
  const asked = name === null ? null : headerNumber(headers, name);
  return share.draw(random, asked === null ? share.numerator : Math.min(asked, share.numerator));
}

/** How long requests are held; ms. Starts with the request headers; the end of the stream stops it. */
class Delay {
  private readonly share: Share;
  /** Null: a request header says it. */
  private readonly fixed: number | null;
  readonly ref: FieldRef;

  constructor(config: FaultDelay) {
    this.share = new Share(config.percentage);
    this.fixed = config.fixed_delay ?? null;
    this.ref = fieldRef(config, config.fixed_delay === undefined ? 'header_delay' : 'fixed_delay');
  }

  /** 0: the request is not delayed. */
  of(headers: RequestHeaders, random: Random): number {
    const byHeader = this.fixed === null;
    if (!drawShare(this.share, headers, byHeader ? DELAY_PERCENTAGE : null, random)) return 0;
    return this.fixed ?? headerNumber(headers, DELAY) ?? 0;
  }
}

/** What aborted requests are answered. */
class Abort {
  private readonly share: Share;

  constructor(private readonly config: FaultAbort) {
    this.share = new Share(config.percentage);
  }

  get body(): string {
    return this.config.response_body === '' ? 'fault filter abort' : this.config.response_body;
  }

  /** Whether this request is chosen; `status` and `grpcStatus` tell the answer then. */
  chooses(headers: RequestHeaders, random: Random): boolean {
    const { config } = this;
    const byHeader = config.header_abort !== undefined;
    if (!drawShare(this.share, headers, byHeader ? ABORT_PERCENTAGE : null, random)) return false;
    if (!byHeader) {
      this.status = config.http_status ?? 200;
      this.grpcStatus = config.grpc_status;
      return true;
    }
    const status = headerNumber(headers, ABORT);
    this.grpcStatus = undefined;
    if (status !== null && status >= 200 && status < 600) {
      this.status = status;
      return true;
    }
    const grpc = headerNumber(headers, ABORT_GRPC);
    if (grpc === null) return false;
    this.status = 200;
    this.grpcStatus = grpc;
    return true;
  }

  status = 200;
  grpcStatus: number | undefined = undefined;
}

/** How fast responses are given out. */
class Rate {
  private readonly share: Share;
  /** KiB per second; null: a request header says it. */
  private readonly fixed: number | null;

  constructor(config: FaultRateLimit) {
    this.share = new Share(config.percentage);
    this.fixed = config.fixed_limit?.limit_kbps ?? null;
  }

  /** 0: the response is not slowed down. */
  of(headers: RequestHeaders, random: Random): number {
    const byHeader = this.fixed === null;
    if (!drawShare(this.share, headers, byHeader ? THROUGHPUT_PERCENTAGE : null, random)) return 0;
    return this.fixed ?? headerNumber(headers, THROUGHPUT) ?? 0;
  }
}

const UNSUPPORTED: readonly (keyof HTTPFault)[] = [
  'delay_percent_runtime',
  'abort_percent_runtime',
  'delay_duration_runtime',
  'abort_http_status_runtime',
  'max_active_faults_runtime',
  'response_rate_limit_percent_runtime',
  'abort_grpc_status_runtime',
];

/** One HTTPFault message, compiled. */
class FaultSettings implements StreamFilterFactory {
  readonly delay: Delay | null;
  readonly abort: Abort | null;
  readonly rate: Rate | null;
  readonly maxActive: number;
  private readonly upstreamCluster: string;
  private readonly headers: readonly HeaderMatcher[];
  private readonly nodes: ReadonlySet<string> | null;
  readonly countsClusters: boolean;

  constructor(
    config: HTTPFault,
    readonly stats: FaultStats,
    readonly clusters: DownstreamClusters,
  ) {
    for (const field of UNSUPPORTED)
      if (config[field] !== '') unsupported(config, field, 'faults are not read from runtime keys');
    if (config.filter_metadata !== undefined)
      unsupported(config, 'filter_metadata', 'the fault filter writes no metadata');
    this.delay = config.delay === undefined ? null : new Delay(config.delay);
    this.abort = config.abort === undefined ? null : new Abort(config.abort);
    this.rate = config.response_rate_limit === undefined ? null : new Rate(config.response_rate_limit);
    this.maxActive = config.max_active_faults ?? Number.POSITIVE_INFINITY;
    this.upstreamCluster = config.upstream_cluster;
    this.headers = config.headers.map(compileHeaderMatcher);
    this.nodes = config.downstream_nodes.length === 0 ? null : new Set(config.downstream_nodes);
    this.countsClusters = !config.disable_downstream_cluster_stats;
  }

  get inert(): boolean {
    return this.delay === null && this.abort === null && this.rate === null;
  }

  matches(headers: RequestHeaders, route: RouteEntry | null): boolean {
    if (this.upstreamCluster !== '' && route?.pickCluster(headers) !== this.upstreamCluster) return false;
    if (this.nodes !== null) {
      const node = headers.get(H.xEnvoyDownstreamServiceNode);
      if (node === undefined || !this.nodes.has(node)) return false;
    }
    return allMatch(this.headers, headers);
  }

  create(filters: StreamFilters): StreamFilter {
    return new FaultFilter(filters, this);
  }
}

/** Delays requests and answers them itself (HTTPFault). The connection manager's clocks run on meanwhile. */
class FaultFilter extends StreamFilter {
  private active = false;
  private waiting = false;
  private cluster = '';
  private limit: ResponseLimit | null = null;
  override readonly watchesBodies: boolean;

  constructor(
    filters: StreamFilters,
    private readonly settings: FaultSettings,
  ) {
    super(filters);
    this.watchesBodies = settings.rate !== null;
  }

  override decodeHeaders(headers: RequestHeaders): Step {
    const { settings, stream } = this;
    if (!settings.matches(headers, stream.route)) return Step.CONTINUE;
    this.cluster = headers.get(H.xEnvoyDownstreamServiceCluster) ?? '';
    const { delay, stats, rate } = settings;
    const kbps = rate === null ? 0 : rate.of(headers, stream.dispatcher.random);
    if (kbps > 0 && this.acquire()) {
      stats.response_rl_injected++;
      this.limit = new ResponseLimit(stream, kbps);
    }
    const ms = delay === null ? 0 : delay.of(headers, stream.dispatcher.random);
    if (ms > 0 && this.acquire()) {
      stats.delays_injected++;
      const counts = this.clusterCounts();
      if (counts !== null) counts.delays++;
      addFlag(stream.info, 'DI');
      this.waiting = true;
      stream.ledger.arm(this, TimerKind.FILTER, ms, delay!.ref);
      return Step.STOP_AND_WATERMARK;
    }
    return this.abort(headers) ? Step.STOP_AND_WATERMARK : Step.CONTINUE;
  }

  /** The delay is over. */
  onTimer(): void {
    if (!this.waiting) return;
    this.waiting = false;
    if (!this.abort(this.stream.requestHeaders!)) this.filters.continueDecoding();
  }

  private abort(headers: RequestHeaders): boolean {
    const { settings, stream } = this;
    const { abort } = settings;
    if (abort === null || !abort.chooses(headers, stream.dispatcher.random) || !this.acquire()) return false;
    const { status, grpcStatus } = abort;
    settings.stats.aborts_injected++;
    const counts = this.clusterCounts();
    if (counts !== null) counts.aborts++;
    addFlag(stream.info, 'FI');
    stream.sendLocalReply(status, abort.body, 'fault_filter_abort', null, grpcStatus);
    return true;
  }

  private clusterCounts(): { aborts: number; delays: number } | null {
    const { settings, cluster } = this;
    return cluster === '' || !settings.countsClusters ? null : settings.clusters.of(cluster);
  }

  /** A stream counts once, however many faults it gets. */
  private acquire(): boolean {
    if (this.active) return true;
    const { stats, maxActive } = this.settings;
    if (stats.active_faults >= maxActive) {
      stats.faults_overflow++;
      return false;
    }
    stats.active_faults++;
    return (this.active = true);
  }

  override encodeData(data: Uint8Array, endStream: boolean): boolean {
    if (this.limit === null) return false;
    this.limit.write(data, endStream);
    return true;
  }

  override encodeTrailers(trailers: Trailers): boolean {
    return this.limit?.keep(trailers) === true;
  }

  override onDestroy(): void {
    this.waiting = false;
    this.limit?.stop();
    if (!this.active) return;
    this.active = false;
    this.settings.stats.active_faults--;
  }
}

const sources = new WeakMap<FaultStats, DownstreamClusters>();

/** `envoy.filters.http.fault`. @throws ConfigError for what is not supported */
export function compileFault(config: HTTPFault, deps: FilterDeps): HttpFilterConfig {
  const prefix = `${deps.statPrefix}fault.`;
  const stats = sharedStats(deps.store, prefix, FaultStats, GAUGES);
  let clusters = sources.get(stats);
  if (clusters === undefined) {
    sources.set(stats, (clusters = new DownstreamClusters(prefix)));
    deps.store.registerSource(clusters);
  }
  const source = clusters;
  const make = (message: Any) => new FaultSettings(message as unknown as HTTPFault, stats, source);
  const general = new FaultSettings(config, stats, clusters);
  return {
    checkRoute: make,
    forRoute({ own }: RouteSettings): StreamFilterFactory | null {
      const settings = own === null ? general : make(own);
      return settings.inert ? null : settings;
    },
  };
}
