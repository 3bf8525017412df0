import { H, permanentName } from '../../base/header-names.js';
import type { RequestHeaders, ResponseHeaders } from '../../base/headers.js';
import { addFlag } from '../../observe/flags.js';
import { allMatch, compileHeaderMatcher, type HeaderMatcher } from '../../router/header-matcher.js';
import type { ReplyHeaders } from '../../router/router-callbacks.js';
import { unsupported } from '../../xds/decode.js';
import type { HealthCheckFilter as HealthCheckProto } from '../../xds/types.js';
import { type HttpFilterConfig, Step, StreamFilter, type StreamFilterFactory, type StreamFilters } from './chain.js';
import { type FilterDeps, sharedStats } from './deps.js';

const DEGRADED: ReplyHeaders = {
  overloaded: false,
  addReplyHeaders: (headers) => headers.set(H.xEnvoyDegraded, ''),
};
const HEALTHCHECKED_CLUSTER = permanentName('x-envoy-upstream-healthchecked-cluster');

/** `http.<stat_prefix>.health_check.` */
export class HealthCheckFilterStats {
  request_total = 0;
  failed = 0;
  ok = 0;
  cached_response = 0;
  failed_cluster_not_found = 0;
  failed_cluster_empty = 0;
  failed_cluster_unhealthy = 0;
  degraded = 0;
}

/** The upstream's last answer, good until the period of `cache_time` in which it came is over. */
class AnswerCache {
  private since = -1;
  private period = -1;
  status = 0;
  degraded = false;

  constructor(private readonly ms: number) {}

  holds(now: number): boolean {
    return this.period >= 0 && this.periodAt(now) === this.period;
  }

  keep(status: number, degraded: boolean, now: number): void {
    this.period = this.periodAt(now);
    this.status = status;
    this.degraded = degraded;
  }

  private periodAt(now: number): number {
    if (this.since < 0) this.since = now;
    return Math.floor((now - this.since) / this.ms);
  }
}

class HealthCheckSettings implements StreamFilterFactory {
  readonly stats: HealthCheckFilterStats;
  readonly cache: AnswerCache | null;
  readonly passThrough: boolean;
  readonly headers: readonly HeaderMatcher[];
  /** Clusters, each with the percentage of its hosts that must be healthy. */
  readonly clusters: readonly (readonly [string, number])[];

  constructor(
    config: HealthCheckProto,
    readonly deps: FilterDeps,
    /** `--service-cluster`. */
    readonly serviceCluster: string,
  ) {
    const ms = config.cache_time ?? 0;
    if (ms > 0 && !config.pass_through_mode)
      unsupported(config, 'cache_time', 'cache_time_ms must not be set when path_through_mode is disabled');
    this.cache = ms > 0 ? new AnswerCache(ms) : null;
    this.stats = sharedStats(deps.store, `${deps.statPrefix}health_check.`, HealthCheckFilterStats);
    this.passThrough = config.pass_through_mode;
    this.headers = config.headers.map(compileHeaderMatcher);
    this.clusters = Object.entries(config.cluster_min_healthy_percentages).map(([name, { value }]) => [name, value]);
  }

  create(filters: StreamFilters): StreamFilter {
    return new HealthCheckFilter(filters, this);
  }

  /** Details of the answer; those of a good one begin with `health_check_ok`. */
  verdict(): string {
    if (this.deps.healthcheckFailed()) return 'health_check_failed';
    if (this.clusters.length === 0) return 'health_check_ok';
    for (const [name, percent] of this.clusters) {
      const hosts = this.deps.membership(name);
      if (hosts === null) return 'health_check_failed_no_cluster_found';
      if (hosts.total === 0) {
        if (percent === 0) continue;
        return 'health_check_failed_cluster_empty';
      }
      if (100 * (hosts.healthy + hosts.degraded) < hosts.total * percent)
        return 'health_check_failed_cluster_unhealthy';
    }
    return 'health_check_ok_cluster_healthy';
  }
}

/** Answers the health checks of a load balancer in front (HealthCheck), when they are complete. */
class HealthCheckFilter extends StreamFilter {
  private check = false;
  private answering = false;

  constructor(
    filters: StreamFilters,
    private readonly settings: HealthCheckSettings,
  ) {
    super(filters);
  }

  override decodeHeaders(headers: RequestHeaders, endStream: boolean): Step {
    const { settings, stream } = this;
    if (!allMatch(settings.headers, headers)) return Step.CONTINUE;
    this.check = true;
    stream.info.healthCheck = true;
    const cached = settings.cache?.holds(stream.dispatcher.now) === true;
    if (settings.passThrough && !cached && !settings.deps.healthcheckFailed()) return Step.CONTINUE;
    this.answering = true;
    if (endStream) this.answer();
    return Step.STOP_AND_WATERMARK;
  }

  override decodeHeld(_bytes: number, complete: boolean): boolean {
    if (complete && this.answering) this.answer();
    return false;
  }

  private answer(): void {
    this.answering = false;
    const { stream } = this;
    const { settings } = this;
    const { stats, cache } = settings;
    let details = settings.verdict();
    let status = details.startsWith('health_check_ok') ? 200 : 503;
    stats.request_total++;
    let degraded = false;
    if (cache !== null && details !== 'health_check_failed') {
      status = cache.status;
      degraded = cache.degraded;
      details = 'health_check_cached';
      stats.cached_response++;
    } else if (details === 'health_check_failed_no_cluster_found') stats.failed_cluster_not_found++;
    else if (details === 'health_check_failed_cluster_empty') stats.failed_cluster_empty++;
    else if (details === 'health_check_failed_cluster_unhealthy') stats.failed_cluster_unhealthy++;
    if (degraded) stats.degraded++;
    if (status >= 200 && status < 300) stats.ok++;
    else {
      stats.failed++;
      addFlag(stream.info, 'LH');
    }
    stream.sendLocalReply(status, '', details, degraded ? DEGRADED : null);
  }

  override encodeHeaders(headers: ResponseHeaders): void {
    const { settings } = this;
    if (settings.deps.healthcheckFailed()) headers.set(H.xEnvoyImmediateHealthCheckFail, 'true');
    if (!this.check) return;
    settings.cache?.keep(headers.status, headers.has(H.xEnvoyDegraded), this.stream.dispatcher.now);
    headers.set(HEALTHCHECKED_CLUSTER, settings.serviceCluster);
  }
}

/** `envoy.filters.http.health_check`. @throws ConfigError for what is not supported */
export function compileHealthCheck(
  config: HealthCheckProto,
  deps: FilterDeps,
  serviceCluster: string,
): HttpFilterConfig {
  const settings = new HealthCheckSettings(config, deps, serviceCluster);
  return {
    checkRoute: () => undefined,
    forRoute: () => settings,
  };
}
