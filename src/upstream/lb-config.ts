import type * as xds from '../xds/types.js';
import type { LbPolicy } from './lb/policies.js';
import type { SlowStartSettings } from './lb/slow-start.js';
import type { SubsetSettings } from './lb/subset-balancer.js';
import { DEFAULT_ZONE_SETTINGS, type ZoneSettings } from './lb/zone-routing.js';
import { invalid, unsupported } from './refuse.js';

export interface LbConfig {
  policy: LbPolicy;
  localityWeighted: boolean;
  failTrafficOnPanic: boolean;
  zone: ZoneSettings;
}

/** The balancer of a cluster: `load_balancing_policy` when given, else `lb_policy` with its own settings. */
export function readLbPolicy(cluster: xds.Cluster): LbConfig {
  const extension = cluster.load_balancing_policy;
  if (extension !== undefined) return readExtension(cluster, extension, false);
  const common = cluster.common_lb_config;
  const flags = {
    localityWeighted: common?.locality_weighted_lb_config !== undefined,
    failTrafficOnPanic: common?.zone_aware_lb_config?.fail_traffic_on_panic ?? false,
    zone: zoneSettings(common?.zone_aware_lb_config),
  };
  switch (cluster.lb_policy) {
    case 'ROUND_ROBIN':
      return { policy: roundRobin(cluster.round_robin_lb_config, cluster.name), ...flags };
    case 'LEAST_REQUEST':
      return { policy: leastRequest(cluster.least_request_lb_config, cluster.name), ...flags };
    case 'RANDOM':
      return { policy: { name: 'RANDOM' }, ...flags };
    case 'RING_HASH':
      return { policy: ringHash(cluster, cluster.ring_hash_lb_config, common?.consistent_hashing_lb_config), ...flags };
    case 'MAGLEV':
      return { policy: maglev(cluster, cluster.maglev_lb_config, common?.consistent_hashing_lb_config), ...flags };
    case 'CLUSTER_PROVIDED':
      // The cluster chooses by itself (ORIGINAL_DST): this policy is never asked.
      return { policy: { name: 'RANDOM' }, ...flags };
    default:
      return unsupported(cluster, 'lb_policy', cluster.name, cluster.lb_policy);
  }
}

/** Null when there are no subsets. @throws ConfigError */
export function readSubsets(cluster: xds.Cluster): SubsetSettings | null {
  const config = cluster.lb_subset_config;
  const { name } = cluster;
  if (config === undefined || config.subset_selectors.length === 0) return null;
  if (cluster.load_balancing_policy !== undefined)
    unsupported(cluster, 'lb_subset_config', name, 'subsets together with load_balancing_policy');
  if (config.locality_weight_aware || config.scale_locality_weight)
    unsupported(config, 'locality_weight_aware', name, 'subsets with locality weights');
  if (config.metadata_fallback_policy === 'FALLBACK_LIST')
    unsupported(config, 'metadata_fallback_policy', name, 'a list of fallbacks in the metadata of routes');
  return {
    fallback: config.fallback_policy,
    defaultSubset: config.default_subset ?? {},
    selectors: config.subset_selectors.map((selector) => {
      if (selector.single_host_per_subset)
        unsupported(selector, 'single_host_per_subset', name, 'subsets of a single host');
      return {
        keys: [...selector.keys].sort(),
        fallback: selector.fallback_policy === 'NOT_DEFINED' ? null : selector.fallback_policy,
        fallbackKeys: selector.fallback_keys_subset,
      };
    }),
    panicModeAny: config.panic_mode_any,
    listAsAny: config.list_as_any,
  };
}

interface LeastRequestSettings {
  choice_count?: number;
  active_request_bias?: xds.RuntimeDouble;
  slow_start_config?: SlowStartConfig;
  selection_method?: xds.SelectionMethod;
  enable_full_scan?: boolean;
}

function leastRequest(config: LeastRequestSettings | undefined, name: string): LbPolicy {
  const choiceCount = config?.choice_count ?? 2;
  if (choiceCount < 2) invalid(config!, 'choice_count', name, 'must be at least 2');
  return {
    name: 'LEAST_REQUEST',
    choiceCount,
    activeRequestBias: config?.active_request_bias?.default_value ?? 1,
    fullScan: config?.selection_method === 'FULL_SCAN' || config?.enable_full_scan === true,
    slowStart: slowStart(config?.slow_start_config, name),
  };
}

interface HashSettings {
  use_hostname_for_hashing: boolean;
  hash_balance_factor?: number;
}

function hashSettings(cluster: xds.Cluster, config: HashSettings | undefined) {
  const balanceFactor = config?.hash_balance_factor ?? 0;
  if (config?.hash_balance_factor !== undefined && balanceFactor < 100)
    invalid(config, 'hash_balance_factor', cluster.name, 'must be at least 100');
  return { useHostname: config?.use_hostname_for_hashing ?? false, balanceFactor };
}

interface RingSettings {
  minimum_ring_size?: number;
  maximum_ring_size?: number;
  hash_function: xds.HashFunction | xds.RingHashHashFunction;
}

function ringHash(cluster: xds.Cluster, ring: RingSettings | undefined, config: HashSettings | undefined): LbPolicy {
  return {
    name: 'RING_HASH',
    minimumRingSize: ring?.minimum_ring_size ?? 1024,
    maximumRingSize: ring?.maximum_ring_size ?? 8 * 1024 * 1024,
    murmur: ring?.hash_function === 'MURMUR_HASH_2',
    ...hashSettings(cluster, config),
  };
}

function maglev(
  cluster: xds.Cluster,
  table: { table_size?: number } | undefined,
  config: HashSettings | undefined,
): LbPolicy {
  return { name: 'MAGLEV', tableSize: table?.table_size ?? 65537, ...hashSettings(cluster, config) };
}

interface SlowStartConfig {
  slow_start_window?: number;
  aggression?: xds.RuntimeDouble;
  min_weight_percent?: xds.Percent;
}

function roundRobin(config: { slow_start_config?: SlowStartConfig } | undefined, name: string): LbPolicy {
  return { name: 'ROUND_ROBIN', slowStart: slowStart(config?.slow_start_config, name) };
}

/** Null: hosts get their whole weight at once. */
function slowStart(config: SlowStartConfig | undefined, name: string): SlowStartSettings | null {
  const window = config?.slow_start_window ?? 0;
  if (config === undefined || window === 0) return null;
  const aggression = config.aggression?.default_value ?? 1;
  if (aggression <= 0) invalid(config, 'aggression', name, 'must be above 0');
  return { window, aggression, minimum: (config.min_weight_percent?.value ?? 10) / 100 };
}

function zoneSettings(
  config: (xds.ZoneAwareLbConfig & Partial<xds.PolicyZoneAwareLbConfig>) | undefined,
): ZoneSettings {
  if (config === undefined) return DEFAULT_ZONE_SETTINGS;
  const forced = config.force_local_zone?.min_size ?? 1;
  const isForced = config.force_local_zone !== undefined || config.force_locality_direct_routing === true;
  return {
    routingEnabled: Math.round(config.routing_enabled?.value ?? 100),
    minClusterSize: config.min_cluster_size ?? 6,
    forceLocalMinSize: isForced ? forced : null,
    byWeight: config.locality_basis === 'HEALTHY_HOSTS_WEIGHT',
  };
}

/** The first policy that is known is taken, as Envoy does; none known is an error. */
function readExtension(cluster: xds.Cluster, config: xds.LoadBalancingPolicy, weighted: boolean): LbConfig {
  const names: string[] = [];
  for (const entry of config.policies) {
    const extension = entry.typed_extension_config;
    if (extension === undefined) continue;
    const any = extension.typed_config;
    const type = any['@type'].slice(any['@type'].lastIndexOf('.') + 1);
    names.push(type);
    if (type === 'RoundRobin') {
      const policy = any as xds.Any & xds.RoundRobinPolicy;
      return { policy: roundRobin(policy, cluster.name), ...localityFlags(policy.locality_lb_config, weighted) };
    }
    if (type === 'LeastRequest') {
      const policy = any as xds.Any & xds.LeastRequestPolicy;
      return { policy: leastRequest(policy, cluster.name), ...localityFlags(policy.locality_lb_config, weighted) };
    }
    if (type === 'Random') {
      const policy = any as xds.Any & xds.RandomPolicy;
      return { policy: { name: 'RANDOM' }, ...localityFlags(policy.locality_lb_config, weighted) };
    }
    if (type === 'RingHash' || type === 'Maglev') {
      const policy = any as xds.Any & xds.RingHashPolicy & xds.MaglevPolicy;
      if ((policy.consistent_hashing_lb_config?.hash_policy.length ?? 0) > 0)
        unsupported(policy, 'consistent_hashing_lb_config', cluster.name, 'a hash policy of the balancer');
      const config = policy.consistent_hashing_lb_config ?? (type === 'RingHash' ? policy : undefined);
      return {
        policy: type === 'RingHash' ? ringHash(cluster, policy, config) : maglev(cluster, policy, config),
        localityWeighted: weighted || policy.locality_weighted_lb_config !== undefined,
        failTrafficOnPanic: false,
        zone: DEFAULT_ZONE_SETTINGS,
      };
    }
    if (type === 'ClusterProvided') return { policy: { name: 'RANDOM' }, ...localityFlags(undefined, false) };
    if (type === 'WrrLocality')
      return readExtension(cluster, (any as xds.Any & xds.WrrLocalityPolicy).endpoint_picking_policy, true);
  }
  return unsupported(cluster, 'load_balancing_policy', cluster.name, names.join(', ') || 'an empty list');
}

function localityFlags(config: xds.PolicyLocalityLbConfig | undefined, weighted: boolean) {
  return {
    localityWeighted: weighted || config?.locality_weighted_lb_config !== undefined,
    failTrafficOnPanic: config?.zone_aware_lb_config?.fail_traffic_on_panic ?? false,
    zone: zoneSettings(config?.zone_aware_lb_config),
  };
}
