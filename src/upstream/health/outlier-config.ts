import type * as xds from '../../xds/types.js';
import { unsupported } from '../refuse.js';

/** `outlier_detection` with every default filled in. Times in ms, `enforcing…` in percent. */
export interface OutlierSettings {
  /** Between two looks at all hosts. */
  readonly interval: number;
  readonly baseEjectionTime: number;
  readonly maxEjectionTime: number;
  /** Up to this much is added to an ejection at random. */
  readonly maxEjectionTimeJitter: number;
  /** Of the cluster's hosts. */
  readonly maxEjectionPercent: number;
  readonly alwaysEjectOneHost: boolean;
  /** Connect failures and timeouts are counted apart from answers. */
  readonly split: boolean;
  readonly uneject: boolean;
  readonly consecutive5xx: number;
  readonly consecutiveGatewayFailure: number;
  readonly consecutiveLocalOriginFailure: number;
  readonly successRateMinimumHosts: number;
  readonly successRateRequestVolume: number;
  /** Standard deviations below the mean. */
  readonly successRateStdevFactor: number;
  readonly failurePercentageThreshold: number;
  readonly failurePercentageMinimumHosts: number;
  readonly failurePercentageRequestVolume: number;
  readonly enforcing: Readonly<Record<Ejection, number>>;
}

/** What a host can be ejected for; the names are those of the counters. */
export type Ejection =
  | 'consecutive_5xx'
  | 'consecutive_gateway_failure'
  | 'consecutive_local_origin_failure'
  | 'success_rate'
  | 'local_origin_success_rate'
  | 'failure_percentage'
  | 'local_origin_failure_percentage';

/** Null when the cluster has no outlier detection. @throws ConfigError */
export function readOutlierDetection(cluster: xds.Cluster): OutlierSettings | null {
  const given = cluster.outlier_detection;
  if (given === undefined) return null;
  if (given.detect_degraded_hosts)
    unsupported(given, 'detect_degraded_hosts', cluster.name, 'finding degraded hosts by their answers');
  const baseEjectionTime = given.base_ejection_time ?? 30_000;
  return {
    interval: given.interval ?? 10_000,
    baseEjectionTime,
    maxEjectionTime: given.max_ejection_time ?? Math.max(300_000, baseEjectionTime),
    maxEjectionTimeJitter: given.max_ejection_time_jitter ?? 0,
    maxEjectionPercent: Math.min(100, given.max_ejection_percent ?? 10),
    alwaysEjectOneHost: given.always_eject_one_host ?? false,
    split: given.split_external_local_origin_errors,
    uneject: given.successful_active_health_check_uneject_host ?? true,
    consecutive5xx: given.consecutive_5xx ?? 5,
    consecutiveGatewayFailure: given.consecutive_gateway_failure ?? 5,
    consecutiveLocalOriginFailure: given.consecutive_local_origin_failure ?? 5,
    successRateMinimumHosts: given.success_rate_minimum_hosts ?? 5,
    successRateRequestVolume: given.success_rate_request_volume ?? 100,
    successRateStdevFactor: (given.success_rate_stdev_factor ?? 1900) / 1000,
    failurePercentageThreshold: given.failure_percentage_threshold ?? 85,
    failurePercentageMinimumHosts: given.failure_percentage_minimum_hosts ?? 5,
    failurePercentageRequestVolume: given.failure_percentage_request_volume ?? 50,
    enforcing: {
      consecutive_5xx: given.enforcing_consecutive_5xx ?? 100,
      consecutive_gateway_failure: given.enforcing_consecutive_gateway_failure ?? 0,
      consecutive_local_origin_failure: given.enforcing_consecutive_local_origin_failure ?? 100,
      success_rate: given.enforcing_success_rate ?? 100,
      local_origin_success_rate: given.enforcing_local_origin_success_rate ?? 100,
      failure_percentage: given.enforcing_failure_percentage ?? 0,
      local_origin_failure_percentage: given.enforcing_failure_percentage_local_origin ?? 0,
    },
  };
}
