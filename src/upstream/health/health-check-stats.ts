/** Counters of `cluster.<name>.health_check.`. */
export class HealthCheckStats {
  attempt = 0;
  /** Hosts that answer, but say that they are degraded. */
  degraded = 0;
  failure = 0;
  /** Hosts that have not failed. */
  healthy = 0;
  network_failure = 0;
  /** Failures that requests brought (`x-envoy-immediate-health-check-fail`). */
  passive_failure = 0;
  success = 0;
  /** Answers whose `x-envoy-upstream-healthchecked-cluster` was looked at. */
  verify_cluster = 0;
}

export const HEALTH_CHECK_GAUGES: ReadonlySet<string> = new Set(['degraded', 'healthy']);
