/** Extensions of `load_balancing_policy`. The notation is described in `schema.ts`. */
export const LB_POLICY = `
enum SelectionMethod envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest.SelectionMethod
  N_CHOICES FULL_SCAN

enum RingHashHashFunction envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash.HashFunction
  DEFAULT_HASH XX_HASH MURMUR_HASH_2

enum SubsetLbSubsetFallbackPolicy envoy.extensions.load_balancing_policies.subset.v3.Subset.LbSubsetFallbackPolicy
  NO_FALLBACK ANY_ENDPOINT DEFAULT_SUBSET

enum SubsetLbSubsetMetadataFallbackPolicy envoy.extensions.load_balancing_policies.subset.v3.Subset.LbSubsetMetadataFallbackPolicy
  METADATA_NO_FALLBACK FALLBACK_LIST

enum LbSubsetSelectorLbSubsetSelectorFallbackPolicy envoy.extensions.load_balancing_policies.subset.v3.Subset.LbSubsetSelector.LbSubsetSelectorFallbackPolicy
  NOT_DEFINED NO_FALLBACK ANY_ENDPOINT DEFAULT_SUBSET KEYS_SUBSET

enum LocalityBasis envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.ZoneAwareLbConfig.LocalityBasis
  HEALTHY_HOSTS_NUM HEALTHY_HOSTS_WEIGHT

message LoadBalancingPolicy envoy.config.cluster.v3.LoadBalancingPolicy
  policies LoadBalancingPolicyEntry[]

message LoadBalancingPolicyEntry envoy.config.cluster.v3.LoadBalancingPolicy.Policy
  typed_extension_config TypedExtensionConfig(load_balancing_policy)

message RoundRobinPolicy envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin
  slow_start_config PolicySlowStartConfig
  locality_lb_config PolicyLocalityLbConfig

message LeastRequestPolicy envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest
  choice_count uint32? >=2
  active_request_bias RuntimeDouble
  slow_start_config PolicySlowStartConfig
  locality_lb_config PolicyLocalityLbConfig
  enable_full_scan bool? deprecated
  selection_method SelectionMethod

message RandomPolicy envoy.extensions.load_balancing_policies.random.v3.Random
  locality_lb_config PolicyLocalityLbConfig

message RingHashPolicy envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash
  hash_function RingHashHashFunction
  minimum_ring_size uint64? >=1 <=8388608
  maximum_ring_size uint64? <=8388608
  use_hostname_for_hashing bool deprecated
  hash_balance_factor uint32? >=100 deprecated
  consistent_hashing_lb_config PolicyConsistentHashingLbConfig
  locality_weighted_lb_config PolicyLocalityWeightedLbConfig

message MaglevPolicy envoy.extensions.load_balancing_policies.maglev.v3.Maglev
  table_size uint64? <=5000011
  consistent_hashing_lb_config PolicyConsistentHashingLbConfig
  locality_weighted_lb_config PolicyLocalityWeightedLbConfig

message SubsetPolicy envoy.extensions.load_balancing_policies.subset.v3.Subset
  fallback_policy SubsetLbSubsetFallbackPolicy
  default_subset struct
  subset_selectors SubsetPolicySelector[]
  allow_redundant_keys bool
  locality_weight_aware bool
  scale_locality_weight bool
  panic_mode_any bool
  list_as_any bool
  metadata_fallback_policy SubsetLbSubsetMetadataFallbackPolicy
  subset_lb_policy LoadBalancingPolicy required

message SubsetPolicySelector envoy.extensions.load_balancing_policies.subset.v3.Subset.LbSubsetSelector
  keys string[]
  single_host_per_subset bool
  fallback_policy LbSubsetSelectorLbSubsetSelectorFallbackPolicy
  fallback_keys_subset string[]

message WrrLocalityPolicy envoy.extensions.load_balancing_policies.wrr_locality.v3.WrrLocality
  endpoint_picking_policy LoadBalancingPolicy required

message ClusterProvidedPolicy envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided

message PolicyLocalityLbConfig envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig
  oneof locality_config_specifier required
  zone_aware_lb_config PolicyZoneAwareLbConfig oneof=locality_config_specifier
  locality_weighted_lb_config PolicyLocalityWeightedLbConfig oneof=locality_config_specifier

message PolicyZoneAwareLbConfig envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.ZoneAwareLbConfig
  routing_enabled Percent
  min_cluster_size uint64?
  fail_traffic_on_panic bool
  force_locality_direct_routing bool deprecated
  force_local_zone ForceLocalZone
  locality_basis LocalityBasis

message ForceLocalZone envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.ZoneAwareLbConfig.ForceLocalZone
  min_size uint32?

message PolicyLocalityWeightedLbConfig envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.LocalityWeightedLbConfig

message PolicySlowStartConfig envoy.extensions.load_balancing_policies.common.v3.SlowStartConfig
  slow_start_window duration
  aggression RuntimeDouble
  min_weight_percent Percent

message PolicyConsistentHashingLbConfig envoy.extensions.load_balancing_policies.common.v3.ConsistentHashingLbConfig
  use_hostname_for_hashing bool
  hash_balance_factor uint32? >=100
  hash_policy HashPolicy[]
`;
