import { formatDuration } from '../../config/duration.js';
import { type DestinationRule, partsOf } from '../destination-rules.js';
import { titleOf } from '../finding.js';
import { namespaceMutualTls } from '../inbound.js';
import { FindingMemo } from '../memo.js';
import { clusterName, mutualTlsServerName } from '../names.js';
import { isHttp2 } from '../protocol.js';
import type { Endpoint, Service, ServicePort } from '../registry/service.js';
import { comesFrom, stringAt, stringMapAt, type Tree } from '../tree.js';
import type { World } from '../world.js';
import {
  completeHttpOptions,
  upgradesToHttp2,
  useDownstreamProtocol,
  useHttp2,
  writeConnectionPool,
  writeOutlierDetection,
} from './connection-pool.js';
import { endpointsOfPort, loadAssignment } from './endpoints.js';
import { localitySetting, writeLoadBalancer } from './load-balancer.js';
import { isPassthrough, type Policy, policyForPort, subsetPolicy } from './policy.js';
import { writeTransport } from './tls.js';

/** A cluster, and for one whose endpoints a control plane would send, these endpoints. */
export interface BuiltCluster {
  cluster: Tree;
  /** ClusterLoadAssignment of an EDS cluster; null for every other type. */
  endpoints: Tree | null;
}

/** Every cluster of the services that the proxy sees, by port and subset. */
export function outboundClusters(world: World): BuiltCluster[] {
  const out: BuiltCluster[] = [];
  for (const service of world.scope.services) {
    if (service.resolution === 'alias') continue;
    const rule = world.destinationRules.find(service, world.proxy.namespace, world.proxy.labels);
    const make = () => clustersOf(world, service, rule);
    const made =
      world.basis === null ? make() : clusters.get(service, [world.basis, ...partsOf(rule)], world.findings, make);
    for (const cluster of made) out.push(cluster);
  }
  return out;
}

const clusters = new FindingMemo<Service, BuiltCluster[]>();

function clustersOf(world: World, service: Service, rule: DestinationRule | undefined): BuiltCluster[] {
  const out: BuiltCluster[] = [];
  for (const port of service.ports) {
    if (port.protocol === 'udp') continue;
    const policy = policyForPort(rule?.trafficPolicy, world.mesh.defaultTrafficPolicy, port.number);
    const whole = outboundCluster(world, service, port, rule, policy, null);
    if (whole === null) continue;
    out.push(whole);
    for (const subset of rule?.subsets ?? []) {
      const own = subsetPolicy(policy, subset, port.number);
      const made = outboundCluster(world, service, port, rule, own, subset);
      if (made !== null) out.push(made);
    }
  }
  return out;
}

function clusterType(world: World, service: Service): string {
  switch (service.resolution) {
    case 'dns':
      return 'STRICT_DNS';
    case 'dns-round-robin':
      return 'LOGICAL_DNS';
    case 'original':
      return world.proxy.type === 'router' ? 'EDS' : 'ORIGINAL_DST';
    default:
      return 'EDS';
  }
}

function outboundCluster(
  world: World,
  service: Service,
  port: ServicePort,
  rule: DestinationRule | undefined,
  policy: Policy,
  subset: Tree | null,
): BuiltCluster | null {
  const subsetName = subset === null ? '' : stringAt(subset, 'name');
  const name = clusterName('outbound', port.number, subsetName, service.host);
  const type = isPassthrough(policy) ? 'ORIGINAL_DST' : clusterType(world, service);
  const endpoints = endpointsOfPort(service, port, subset === null ? {} : stringMapAt(subset, 'labels'));
  const cluster: Tree = { name, type, common_lb_config: { healthy_panic_threshold: {} }, alt_stat_name: `${name};` };
  comesFrom(cluster, '', service.from.body, 'metadata');
  if (type === 'STRICT_DNS' || type === 'LOGICAL_DNS') {
    if (endpoints.length === 0) return null;
    writeDns(world, cluster);
    cluster['load_assignment'] = loadAssignment(name, service, endpoints);
  } else if (type === 'ORIGINAL_DST' && port.targetPort !== 0) {
    cluster['original_dst_lb_config'] = { upstream_port_override: port.targetPort };
  }
  if (isHttp2(port.protocol)) useHttp2(cluster);
  else if (port.protocol === 'sniffed' && world.proxy.type === 'sidecar') useDownstreamProtocol(cluster);
  if (upgradesToHttp2(world.mesh, port.protocol, policy.connectionPool)) useHttp2(cluster);
  writeConnectionPool(cluster, world, policy, (field, tree, reason) => {
    if (rule === undefined) return;
    world.findings.warn(
      'no-effect',
      rule.from,
      tree,
      field,
      `${field} has no effect on ${titleOf(service.from)} port ${port.number}: ${reason}`,
    );
  });
  writeOutlierDetection(cluster, policy.outlierDetection);
  const locality = localitySetting(policy.loadBalancer, world.mesh.localityLbSetting);
  writeLoadBalancer(cluster, policy.loadBalancer, world.profile, locality);
  writeTransport(cluster, {
    tls: policy.tls,
    service,
    serverName: mutualTlsServerName(port.number, subsetName, service.host),
    identities: [...new Set(service.endpoints.map((e) => e.identity).filter((i) => i !== ''))].sort(),
    auto: world.mesh.enableAutoMtls && mayUseMutualTls(world, service, endpoints, isPassthrough(policy)),
  });
  completeHttpOptions(cluster);
  return { cluster, endpoints: cluster['type'] === 'EDS' ? loadAssignment(name, service, endpoints) : null };
}

/**
 * Whether mutual TLS is tried by itself: not where the service's namespace turns it off, and for connections that are only
 * passed on, where nothing can be said about one server, only when every server can.
 */
function mayUseMutualTls(world: World, service: Service, endpoints: readonly Endpoint[], passesOn: boolean): boolean {
  if (service.resolution === 'original' || passesOn) return endpoints.length > 0 && endpoints.every((e) => e.mutualTls);
  return namespaceMutualTls(world, service.namespace) !== 'DISABLE';
}

function writeDns(world: World, cluster: Tree): void {
  cluster['dns_lookup_family'] = 'V4_ONLY';
  cluster['dns_jitter'] = '0.100s';
  cluster['dns_refresh_rate'] = formatDuration(world.mesh.dnsRefreshRate);
  cluster['respect_dns_ttl'] = true;
  cluster['typed_dns_resolver_config'] = {
    name: 'envoy.network.dns_resolver.cares',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
      udp_max_queries: 100,
    },
  };
}

const PASSTHROUGH_OPTIONS = {
  common_http_protocol_options: { idle_timeout: '300s' },
  use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} },
};

/** The cluster of connections that go on to where they were going. */
export function passthroughCluster(world: World, inbound: boolean): BuiltCluster {
  const cluster: Tree = {
    name: inbound ? 'InboundPassthroughCluster' : 'PassthroughCluster',
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    alt_stat_name: 'PassthroughCluster;',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        ...structuredClone(PASSTHROUGH_OPTIONS),
      },
    },
  };
  const pool = policyForPort(undefined, world.mesh.defaultTrafficPolicy, 0).connectionPool;
  writeConnectionPool(cluster, world, pool === undefined ? {} : { connectionPool: pool }, () => {});
  if (inbound) cluster['upstream_bind_config'] = { source_address: { address: '127.0.0.6', port_value: 0 } };
  return { cluster, endpoints: null };
}

/** The cluster without endpoints, where connections end that must not go on. */
export function blackHoleCluster(world: World): BuiltCluster {
  return {
    cluster: {
      name: 'BlackHoleCluster',
      type: 'STATIC',
      connect_timeout: formatDuration(world.mesh.connectTimeout),
      alt_stat_name: 'BlackHoleCluster;',
    },
    endpoints: null,
  };
}
