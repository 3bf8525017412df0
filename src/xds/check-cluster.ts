import type { Checks, Report } from './check.js';
import { addressFault } from './check-route.js';
import type { Cluster } from './types.js';

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

export const CLUSTER_CHECKS: Checks = {
  Cluster(cluster, report) {
    checkDiscovery(cluster, report);
    for (const key of Object.keys(cluster.typed_extension_protocol_options)) {
      if (key !== HTTP_OPTIONS) {
        report(cluster.typed_extension_protocol_options, key, `no protocol options are named ${key}`, HTTP_OPTIONS);
      }
    }
    const priorities = new Set<string>();
    for (const threshold of cluster.circuit_breakers?.thresholds ?? []) {
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
  },

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
    for (const { endpoint } of locality.lb_endpoints) {
      const socket = endpoint?.address?.socket_address;
      if (type === 'STATIC' && socket !== undefined) {
        const fault = addressFault(socket.address);
        if (fault !== null) report(socket, 'address', fault, 'an IP address, or type STRICT_DNS or LOGICAL_DNS');
      }
      if (socket?.named_port !== undefined) report(socket, 'named_port', 'ports cannot be named', 'port_value');
    }
  }
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
