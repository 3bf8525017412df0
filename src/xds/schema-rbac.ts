/** Role based access control. The notation is described in `schema.ts`. */
export const RBAC = `
enum EnforcementType envoy.extensions.filters.network.rbac.v3.RBAC.EnforcementType
  ONE_TIME_ON_FIRST_BYTE CONTINUOUS

enum Action envoy.config.rbac.v3.RBAC.Action
  ALLOW DENY LOG

enum MetadataSource envoy.config.rbac.v3.MetadataSource
  DYNAMIC ROUTE

message RbacFilter envoy.extensions.filters.http.rbac.v3.RBAC
  rules RbacRules
  rules_stat_prefix string
  - matcher: matcher trees
  shadow_rules RbacRules
  - shadow_matcher: matcher trees
  shadow_rules_stat_prefix string
  track_per_rule_stats bool

message RbacPerRoute envoy.extensions.filters.http.rbac.v3.RBACPerRoute
  rbac RbacFilter

message NetworkRbacFilter envoy.extensions.filters.network.rbac.v3.RBAC
  rules RbacRules
  - matcher: matcher trees
  shadow_rules RbacRules
  - shadow_matcher: matcher trees
  shadow_rules_stat_prefix string
  stat_prefix string min_len=1
  enforcement_type EnforcementType
  delay_deny duration

message RbacRules envoy.config.rbac.v3.RBAC
  action Action
  policies RbacPolicy{}
  - audit_logging_options: audit loggers

message RbacPolicy envoy.config.rbac.v3.Policy
  permissions RbacPermission[] min_items=1
  principals RbacPrincipal[] min_items=1
  - condition: CEL conditions
  - checked_condition: CEL conditions
  - cel_config: CEL options

message RbacPermission envoy.config.rbac.v3.Permission
  oneof rule required
  and_rules RbacPermissionSet oneof=rule
  or_rules RbacPermissionSet oneof=rule
  any bool oneof=rule const=true
  header HeaderMatcher oneof=rule
  url_path PathMatcher oneof=rule
  destination_ip CidrRange oneof=rule
  destination_port uint32 oneof=rule <=65535
  destination_port_range Int32Range oneof=rule
  metadata MetadataMatcher oneof=rule deprecated
  not_rule RbacPermission oneof=rule
  requested_server_name StringMatcher oneof=rule
  - matcher: permission extensions
  - uri_template: URI templates in permissions
  sourced_metadata SourcedMetadata oneof=rule

message RbacPermissionSet envoy.config.rbac.v3.Permission.Set
  rules RbacPermission[] min_items=1

message RbacPrincipal envoy.config.rbac.v3.Principal
  oneof identifier required
  and_ids RbacPrincipalSet oneof=identifier
  or_ids RbacPrincipalSet oneof=identifier
  any bool oneof=identifier const=true
  authenticated RbacAuthenticated oneof=identifier
  source_ip CidrRange oneof=identifier deprecated
  direct_remote_ip CidrRange oneof=identifier
  remote_ip CidrRange oneof=identifier
  header HeaderMatcher oneof=identifier
  url_path PathMatcher oneof=identifier
  metadata MetadataMatcher oneof=identifier deprecated
  - filter_state: filter state matching
  not_id RbacPrincipal oneof=identifier
  sourced_metadata SourcedMetadata oneof=identifier
  - custom: principal extensions

message RbacPrincipalSet envoy.config.rbac.v3.Principal.Set
  ids RbacPrincipal[] min_items=1

message RbacAuthenticated envoy.config.rbac.v3.Principal.Authenticated
  principal_name StringMatcher

message SourcedMetadata envoy.config.rbac.v3.SourcedMetadata
  metadata_matcher MetadataMatcher required
  metadata_source MetadataSource
`;
