import { formatDuration } from '../config/duration.js';
import { addressFault } from './address.js';
import type { Checks, Report } from './check.js';
import { HEALTH_CHECKS } from './check-health.js';
import { isType } from './type-url.js';
import type { Cluster, SocketAddress } from './types.js';

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 };

export const CLUSTER_CHECKS: Checks = {
  Cluster(cluster, report) {
    checkDiscovery(cluster, report);
    for (const key of Object.keys(cluster.typed_extension_protocol_options)) {
      if (key !== HTTP_OPTIONS) {
        report(cluster.typed_extension_protocol_options, key, `no protocol options are named ${key}`, HTTP_OPTIONS);
      }
    }
    const socket = cluster.transport_socket;
    if (socket !== undefined && isType(socket.typed_config, 'DownstreamTlsContext')) {
      report(socket, 'typed_config', 'DownstreamTlsContext is for filter chains', 'UpstreamTlsContext or RawBuffer');
    }
    const http = cluster.typed_extension_protocol_options[HTTP_OPTIONS];
    const options = isType(http, 'UpstreamHttpConfig') ? http : undefined;
    const tls = isType(socket?.typed_config, 'UpstreamTlsContext') || cluster.transport_socket_matches.length > 0;
    if (options?.auto_config !== undefined && !tls) {
      report(
        options,
        'auto_config',
        'auto_config chooses by ALPN and needs a TLS transport socket',
        'explicit_http_config',
      );
    }
    const explicit = options === undefined ? cluster : options.explicit_http_config;
    const http2 = explicit?.http2_protocol_options ?? options?.use_downstream_protocol_config?.http2_protocol_options;
    for (const check of cluster.health_checks) {
      if (check.grpc_health_check !== undefined && http2 === undefined && options?.auto_config === undefined) {
        report(
          check,
          'grpc_health_check',
          'a cluster with gRPC health checks must speak HTTP/2',
          'http2_protocol_options',
        );
      }
    }
    checkBalancer(cluster, report);
    const refresh = cluster.dns_failure_refresh_rate;
    if (refresh?.max_interval !== undefined && refresh.max_interval < refresh.base_interval) {
      report(refresh, 'max_interval', 'max_interval is less than base_interval', 'at least base_interval');
    }
  },

  CircuitBreakers(breakers, report) {
    const priorities = new Set<string>();
    for (const threshold of breakers.thresholds) {
      // Envoy takes the first of a priority and passes over the others.
      if (priorities.has(threshold.priority)) {
        report(
          threshold,
          'priority',
          `thresholds of priority ${threshold.priority} are repeated`,
          'one entry a priority',
        );
      }
      priorities.add(threshold.priority);
    }
    const others = [
      'max_pending_requests',
      'max_requests',
      'max_retries',
      'retry_budget',
      'max_connection_pools',
    ] as const;
    for (const threshold of breakers.per_host_thresholds) {
      for (const field of others) {
        if (threshold[field] !== undefined) report(threshold, field, `${field} is not for hosts`, 'max_connections');
      }
    }
  },

  OutlierDetection(detection, report) {
    const { base_ejection_time = 30_000, max_ejection_time } = detection;
    if (max_ejection_time !== undefined && max_ejection_time < base_ejection_time) {
      const least = formatDuration(base_ejection_time);
      report(detection, 'max_ejection_time', 'max_ejection_time is less than base_ejection_time', `at least ${least}`);
    }
  },

  LoadAssignmentPolicy(policy, report) {
    if (policy.drop_overloads.length > 1)
      report(policy, 'drop_overloads', 'there are several categories', 'one category');
    for (const { drop_percentage: percentage } of policy.drop_overloads) {
      if (percentage !== undefined && percentage.numerator > DENOMINATORS[percentage.denominator]) {
        report(percentage, 'numerator', 'more than all is dropped', `at most ${DENOMINATORS[percentage.denominator]}`);
      }
    }
  },

  LbSubsetSelector(selector, report) {
    if (selector.fallback_policy !== 'KEYS_SUBSET') return;
    const { keys, fallback_keys_subset: subset } = selector;
    const inside = subset.every((key) => keys.includes(key));
    if (subset.length === 0 || !inside || new Set(subset).size === new Set(keys).size) {
      report(selector, 'fallback_keys_subset', 'KEYS_SUBSET needs some, but not all of the keys', keys.join(', '));
    }
  },

  BindConfig(bind, report) {
    if (bind.source_address !== undefined) checkIpAddress(bind.source_address, report);
  },

  ExtraSourceAddress(extra, report) {
    checkIpAddress(extra.address, report);
  },

  ...HEALTH_CHECKS,

  MaglevLbConfig(config, report) {
    checkTableSize(config, report);
  },

  MaglevPolicy(config, report) {
    checkTableSize(config, report);
  },

  RingHashLbConfig(config, report) {
    checkRing(config, report);
  },

  RingHashPolicy(config, report) {
    checkRing(config, report);
  },
};

function checkDiscovery(cluster: Cluster, report: Report): void {
  const type = cluster.type ?? 'STATIC';
  if (type === 'ORIGINAL_DST') {
    if (cluster.lb_policy !== 'CLUSTER_PROVIDED' && cluster.load_balancing_policy === undefined) {
      report(cluster, 'lb_policy', `lb_policy ${cluster.lb_policy} does not fit type ORIGINAL_DST`, 'CLUSTER_PROVIDED');
    }
    if (cluster.load_assignment !== undefined) {
      report(cluster, 'load_assignment', 'type ORIGINAL_DST takes no load_assignment');
    }
    return;
  }
  if (cluster.lb_policy === 'CLUSTER_PROVIDED') {
    report(cluster, 'lb_policy', `type ${type} provides no balancer`, 'CLUSTER_PROVIDED only with type ORIGINAL_DST');
  }
  const localities = cluster.load_assignment?.endpoints ?? [];
  if (type === 'LOGICAL_DNS' && (localities.length !== 1 || localities[0].lb_endpoints.length !== 1)) {
    report(cluster, 'load_assignment', 'type LOGICAL_DNS needs one endpoint', 'one locality with one endpoint');
  }
  for (const locality of localities) {
    for (const entry of locality.lb_endpoints) {
      const address = entry.endpoint?.address;
      const socket = address?.socket_address;
      if (address === undefined) report(entry, 'endpoint', 'the endpoint has no address', 'socket_address or pipe');
      if (type === 'STATIC' && socket !== undefined) {
        const fault = addressFault(socket.address);
        if (fault !== null) report(socket, 'address', fault, 'an IP address, or type STRICT_DNS or LOGICAL_DNS');
      }
      if (socket?.named_port !== undefined) report(socket, 'named_port', 'ports cannot be named', 'port_value');
    }
  }
}

function checkBalancer(cluster: Cluster, report: Report): void {
  const policy = cluster.load_balancing_policy;
  if (policy !== undefined && policy.policies.length === 0) {
    report(policy, 'policies', 'there is no policy', 'at least one load balancing policy');
  }
  if (policy === undefined && cluster.lb_policy === 'LOAD_BALANCING_POLICY_CONFIG') {
    report(cluster, 'lb_policy', 'load_balancing_policy is missing', 'load_balancing_policy, or another lb_policy');
  }
  const subsets = cluster.lb_subset_config?.subset_selectors ?? [];
  if (cluster.lb_policy === 'CLUSTER_PROVIDED' && subsets.length > 0) {
    report(cluster, 'lb_subset_config', 'lb_policy CLUSTER_PROVIDED cannot be combined with subsets');
  }
}

export function checkIpAddress(socket: SocketAddress, report: Report): void {
  const fault = addressFault(socket.address);
  if (fault !== null) report(socket, 'address', fault, 'an IP address');
  if (socket.named_port !== undefined) report(socket, 'named_port', 'ports cannot be named', 'port_value');
}

function checkTableSize<T extends { table_size?: number }>(config: T, report: Report): void {
  const size = config.table_size;
  if (size !== undefined && !isPrime(size)) report(config, 'table_size', `${size} is not prime`, 'a prime number');
}

function isPrime(n: number): boolean {
  if (n < 2) return false;
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
}

function checkRing<T extends { minimum_ring_size?: number; maximum_ring_size?: number }>(
  config: T,
  report: Report,
): void {
  const min = config.minimum_ring_size ?? 1024;
  const max = config.maximum_ring_size ?? 8388608;
  if (min > max) report(config, 'minimum_ring_size', `minimum_ring_size ${min} is above maximum_ring_size ${max}`);
}
