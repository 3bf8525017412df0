// Extensions of `load_balancing_policy`.

import type { Struct } from './types-any.js';
import type { Percent, RuntimeDouble, TypedExtensionConfig } from './types-core.js';
import type { HashPolicy } from './types-route-policy.js';

/** `envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest.SelectionMethod` */
export type SelectionMethod = 'N_CHOICES' | 'FULL_SCAN';

/** `envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash.HashFunction` */
export type RingHashHashFunction = 'DEFAULT_HASH' | 'XX_HASH' | 'MURMUR_HASH_2';

/** `envoy.extensions.load_balancing_policies.subset.v3.Subset.LbSubsetFallbackPolicy` */
export type SubsetLbSubsetFallbackPolicy = 'NO_FALLBACK' | 'ANY_ENDPOINT' | 'DEFAULT_SUBSET';

/** `envoy.extensions.load_balancing_policies.subset.v3.Subset.LbSubsetMetadataFallbackPolicy` */
export type SubsetLbSubsetMetadataFallbackPolicy = 'METADATA_NO_FALLBACK' | 'FALLBACK_LIST';

/** `envoy.extensions.load_balancing_policies.subset.v3.Subset.LbSubsetSelector.LbSubsetSelectorFallbackPolicy` */
export type LbSubsetSelectorLbSubsetSelectorFallbackPolicy =
  | 'NOT_DEFINED'
  | 'NO_FALLBACK'
  | 'ANY_ENDPOINT'
  | 'DEFAULT_SUBSET'
  | 'KEYS_SUBSET';

/** `envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.ZoneAwareLbConfig.LocalityBasis` */
export type LocalityBasis = 'HEALTHY_HOSTS_NUM' | 'HEALTHY_HOSTS_WEIGHT';

/** `envoy.config.cluster.v3.LoadBalancingPolicy` */
export interface LoadBalancingPolicy {
  policies: LoadBalancingPolicyEntry[];
}

/** `envoy.config.cluster.v3.LoadBalancingPolicy.Policy` */
export interface LoadBalancingPolicyEntry {
  typed_extension_config?: TypedExtensionConfig;
}

/** `envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin` */
export interface RoundRobinPolicy {
  slow_start_config?: PolicySlowStartConfig;
  locality_lb_config?: PolicyLocalityLbConfig;
}

/** `envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest` */
export interface LeastRequestPolicy {
  choice_count?: number;
  active_request_bias?: RuntimeDouble;
  slow_start_config?: PolicySlowStartConfig;
  locality_lb_config?: PolicyLocalityLbConfig;
  enable_full_scan?: boolean;
  selection_method: SelectionMethod;
}

/** `envoy.extensions.load_balancing_policies.random.v3.Random` */
export interface RandomPolicy {
  locality_lb_config?: PolicyLocalityLbConfig;
}

/** `envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash` */
export interface RingHashPolicy {
  hash_function: RingHashHashFunction;
  minimum_ring_size?: number;
  maximum_ring_size?: number;
  use_hostname_for_hashing: boolean;
  hash_balance_factor?: number;
  consistent_hashing_lb_config?: PolicyConsistentHashingLbConfig;
  locality_weighted_lb_config?: PolicyLocalityWeightedLbConfig;
}

/** `envoy.extensions.load_balancing_policies.maglev.v3.Maglev` */
export interface MaglevPolicy {
  table_size?: number;
  consistent_hashing_lb_config?: PolicyConsistentHashingLbConfig;
  locality_weighted_lb_config?: PolicyLocalityWeightedLbConfig;
}

/** `envoy.extensions.load_balancing_policies.subset.v3.Subset` */
export interface SubsetPolicy {
  fallback_policy: SubsetLbSubsetFallbackPolicy;
  default_subset?: Struct;
  subset_selectors: SubsetPolicySelector[];
  allow_redundant_keys: boolean;
  locality_weight_aware: boolean;
  scale_locality_weight: boolean;
  panic_mode_any: boolean;
  list_as_any: boolean;
  metadata_fallback_policy: SubsetLbSubsetMetadataFallbackPolicy;
  subset_lb_policy: LoadBalancingPolicy;
}

/** `envoy.extensions.load_balancing_policies.subset.v3.Subset.LbSubsetSelector` */
export interface SubsetPolicySelector {
  keys: string[];
  single_host_per_subset: boolean;
  fallback_policy: LbSubsetSelectorLbSubsetSelectorFallbackPolicy;
  fallback_keys_subset: string[];
}

/** `envoy.extensions.load_balancing_policies.wrr_locality.v3.WrrLocality` */
export interface WrrLocalityPolicy {
  endpoint_picking_policy: LoadBalancingPolicy;
}

/** `envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided` */
export type ClusterProvidedPolicy = Record<string, never>;

/** `envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig` */
export interface PolicyLocalityLbConfig {
  zone_aware_lb_config?: PolicyZoneAwareLbConfig;
  locality_weighted_lb_config?: PolicyLocalityWeightedLbConfig;
}

/** `envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.ZoneAwareLbConfig` */
export interface PolicyZoneAwareLbConfig {
  routing_enabled?: Percent;
  min_cluster_size?: number;
  fail_traffic_on_panic: boolean;
  force_locality_direct_routing: boolean;
  force_local_zone?: ForceLocalZone;
  locality_basis: LocalityBasis;
}

/** `envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.ZoneAwareLbConfig.ForceLocalZone` */
export interface ForceLocalZone {
  min_size?: number;
}

/** `envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.LocalityWeightedLbConfig` */
export type PolicyLocalityWeightedLbConfig = Record<string, never>;

/** `envoy.extensions.load_balancing_policies.common.v3.SlowStartConfig` */
export interface PolicySlowStartConfig {
  slow_start_window?: number;
  aggression?: RuntimeDouble;
  min_weight_percent?: Percent;
}

/** `envoy.extensions.load_balancing_policies.common.v3.ConsistentHashingLbConfig` */
export interface PolicyConsistentHashingLbConfig {
  use_hostname_for_hashing: boolean;
  hash_balance_factor?: number;
  hash_policy: HashPolicy[];
}
