import { H, permanentName } from '../../base/header-names.js';
import type { RequestHeaders, ResponseHeaders } from '../../base/headers.js';
import { addFlag } from '../../observe/flags.js';
import { allMatch, compileHeaderMatcher, type HeaderMatcher } from '../../router/header-matcher.js';
import { unsupported } from '../../xds/decode.js';
import type { HealthCheckFilter as HealthCheckProto } from '../../xds/types.js';
import { type HttpFilterConfig, Step, StreamFilter, type StreamFilterFactory, type StreamFilters } from './chain.js';
import type { FilterDeps } from './deps.js';

const HEALTHCHECKED_CLUSTER = permanentName('x-envoy-upstream-healthchecked-cluster');

class HealthCheckSettings implements StreamFilterFactory {
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
    if (config.cache_time !== undefined && config.cache_time > 0)
      unsupported(config, 'cache_time', 'answers to health checks are not kept');
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
    if (settings.passThrough && !settings.deps.healthcheckFailed()) return Step.CONTINUE;
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
    const details = this.settings.verdict();
    const ok = details.startsWith('health_check_ok');
    if (!ok) addFlag(stream.info, 'LH');
    stream.sendLocalReply(ok ? 200 : 503, '', details);
  }

  override encodeHeaders(headers: ResponseHeaders): void {
    const { settings } = this;
    if (settings.deps.healthcheckFailed()) headers.set(H.xEnvoyImmediateHealthCheckFail, 'true');
    if (this.check) headers.set(HEALTHCHECKED_CLUSTER, settings.serviceCluster);
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
