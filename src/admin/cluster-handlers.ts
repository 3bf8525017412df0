import { compileQueryRegex, type StringPredicate } from '../observe/string-match.js';
import type { ClusterView, HealthFlag, HostStatsView, HostView, ThresholdsView } from './host.js';
import { type AdminHandler, json, ok, socketAddress, text } from './reply.js';

/** `/clusters` and `/listeners`. */
const HOST_STATS: readonly (keyof HostStatsView)[] = [
  'cx_active',
  'cx_connect_fail',
  'cx_total',
  'rq_active',
  'rq_error',
  'rq_pending_active',
  'rq_success',
  'rq_timeout',
  'rq_total',
];
const COUNTERS = ['cx_connect_fail', 'cx_total', 'rq_error', 'rq_success', 'rq_timeout', 'rq_total'] as const;
const GAUGES = ['cx_active', 'rq_active', 'rq_pending_active'] as const;

function clusterText(cluster: ClusterView): string {
  const { name, outlier } = cluster;
  let out = `${name}::observability_name::${cluster.observabilityName}\n`;
  if (outlier !== null) {
    out += `${name}::outlier::success_rate_average::${g6(outlier.successRateAverage)}\n`;
    out += `${name}::outlier::success_rate_ejection_threshold::${g6(outlier.successRateEjectionThreshold)}\n`;
    out += `${name}::outlier::local_origin_success_rate_average::${g6(outlier.localOriginSuccessRateAverage)}\n`;
    out += `${name}::outlier::local_origin_success_rate_ejection_threshold::${g6(outlier.localOriginSuccessRateEjectionThreshold)}\n`;
  }
  out += thresholdsText(`${name}::default_priority`, cluster.defaultPriority);
  out += thresholdsText(`${name}::high_priority`, cluster.highPriority);
  out += `${name}::added_via_api::${cluster.addedViaApi}\n`;
  if (cluster.edsServiceName !== '') out += `${name}::eds_service_name::${cluster.edsServiceName}\n`;
  for (const host of cluster.hosts) out += hostText(`${name}::${host.address}`, host);
  return out;
}

function g6(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function thresholdsText(lead: string, { maxConnections, maxPendingRequests, maxRequests, maxRetries }: ThresholdsView) {
  return (
    `${lead}::max_connections::${maxConnections}\n${lead}::max_pending_requests::${maxPendingRequests}\n` +
    `${lead}::max_requests::${maxRequests}\n${lead}::max_retries::${maxRetries}\n`
  );
}

function hostText(lead: string, host: HostView): string {
  let out = '';
  for (const stat of HOST_STATS) out += `${lead}::${stat}::${host.stats[stat]}\n`;
  const flags = host.healthFlags.length === 0 ? 'healthy' : host.healthFlags.map((flag) => `/${flag}`).join('');
  return (
    `${out}${lead}::hostname::${host.hostname}\n${lead}::health_flags::${flags}\n${lead}::weight::${host.weight}\n` +
    `${lead}::region::${host.region}\n${lead}::zone::${host.zone}\n${lead}::sub_zone::${host.subZone}\n` +
    `${lead}::canary::${host.canary}\n${lead}::priority::${host.priority}\n` +
    `${lead}::success_rate::${g6(host.successRate)}\n${lead}::local_origin_success_rate::${g6(host.localOriginSuccessRate)}\n`
  );
}

/** Fields of default value are left out, 64-bit numbers are texts: proto3 JSON. */
function clusterJson(cluster: ClusterView): object {
  const { outlier } = cluster;
  return {
    name: cluster.name,
    ...(cluster.addedViaApi ? { added_via_api: true } : {}),
    ...percent('success_rate_ejection_threshold', outlier?.successRateEjectionThreshold ?? -1),
    ...some('host_statuses', [...cluster.hosts].map(hostJson)),
    ...percent('local_origin_success_rate_ejection_threshold', outlier?.localOriginSuccessRateEjectionThreshold ?? -1),
    circuit_breakers: {
      thresholds: [
        thresholdsJson(cluster.defaultPriority),
        { priority: 'HIGH', ...thresholdsJson(cluster.highPriority) },
      ],
    },
    observability_name: cluster.observabilityName,
    ...(cluster.edsServiceName === '' ? {} : { eds_service_name: cluster.edsServiceName }),
  };
}

function percent(name: string, value: number): object {
  return value < 0 ? {} : { [name]: value === 0 ? {} : { value } };
}

function some(name: string, list: readonly object[]): object {
  return list.length === 0 ? {} : { [name]: list };
}

function thresholdsJson({ maxConnections, maxPendingRequests, maxRequests, maxRetries }: ThresholdsView): object {
  return {
    max_connections: maxConnections,
    max_pending_requests: maxPendingRequests,
    max_requests: maxRequests,
    max_retries: maxRetries,
  };
}

const HEALTH_FIELDS: readonly [HealthFlag, string][] = [
  ['failed_active_hc', 'failed_active_health_check'],
  ['failed_outlier_check', 'failed_outlier_check'],
  ['degraded_active_hc', 'failed_active_degraded_check'],
  ['pending_dynamic_removal', 'pending_dynamic_removal'],
  ['pending_active_hc', 'pending_active_hc'],
  ['excluded_via_immediate_hc_fail', 'excluded_via_immediate_hc_fail'],
  ['active_hc_timeout', 'active_hc_timeout'],
];

function hostJson(host: HostView): object {
  const health: Record<string, unknown> = {};
  for (const [flag, field] of HEALTH_FIELDS) {
    if (field === 'failed_active_degraded_check') health.eds_health_status = host.edsHealth;
    if (host.healthFlags.includes(flag)) health[field] = true;
  }
  const value = (stat: keyof HostStatsView) => (host.stats[stat] === 0 ? {} : { value: String(host.stats[stat]) });
  return {
    address: socketAddress(host.address),
    stats: [
      ...COUNTERS.map((name) => ({ ...value(name), name })),
      ...GAUGES.map((name) => ({ type: 'GAUGE', ...value(name), name })),
    ],
    health_status: health,
    ...percent('success_rate', host.successRate),
    weight: host.weight,
    ...(host.hostname === '' ? {} : { hostname: host.hostname }),
    ...(host.priority === 0 ? {} : { priority: host.priority }),
    ...percent('local_origin_success_rate', host.localOriginSuccessRate),
    locality: {
      ...(host.region === '' ? {} : { region: host.region }),
      ...(host.zone === '' ? {} : { zone: host.zone }),
      ...(host.subZone === '' ? {} : { sub_zone: host.subZone }),
    },
  };
}

export const clusterHandlers: readonly AdminHandler[] = [
  {
    path: '/clusters',
    help: 'upstream cluster status',
    mutates: false,
    params: [{ id: 'filter', description: 'Regular expression (Google re2) for filtering clusters by name' }],
    run({ query }, host) {
      let filter: StringPredicate = () => true;
      const source = query.get('filter');
      if (source !== undefined) {
        const compiled = compileQueryRegex(source);
        if (typeof compiled !== 'function') return text(400, 'Invalid re2 regex');
        filter = compiled;
      }
      const clusters = [...host.clusters()].filter((cluster) => filter(cluster.name));
      if (query.get('format') === 'json') return json(some('cluster_statuses', clusters.map(clusterJson)));
      return ok(clusters.map(clusterText).join(''));
    },
  },
  {
    path: '/listeners',
    help: 'print listener info',
    mutates: false,
    params: [{ id: 'format', description: 'File format to use; One of (text, json)' }],
    run({ query }, host) {
      const listeners = [...host.listeners()];
      if (query.get('format') === 'json') {
        const statuses = listeners.map(({ name, address, additionalAddresses }) => ({
          name,
          local_address: socketAddress(address),
          ...some('additional_local_addresses', additionalAddresses.map(socketAddress)),
        }));
        return json(some('listener_statuses', statuses));
      }
      return ok(
        listeners
          .flatMap(({ name, address, additionalAddresses }) =>
            [address, ...additionalAddresses].map((at) => `${name}::${at}\n`),
          )
          .join(''),
      );
    },
  },
];
