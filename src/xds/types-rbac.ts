// Role based access control.
import type { CidrRange, Int32Range } from './types-core.js';
import type { HeaderMatcher, MetadataMatcher, PathMatcher, StringMatcher } from './types-matcher.js';

/** `envoy.extensions.filters.network.rbac.v3.RBAC.EnforcementType` */
export type EnforcementType = 'ONE_TIME_ON_FIRST_BYTE' | 'CONTINUOUS';

/** `envoy.config.rbac.v3.RBAC.Action` */
export type Action = 'ALLOW' | 'DENY' | 'LOG';

/** `envoy.config.rbac.v3.MetadataSource` */
export type MetadataSource = 'DYNAMIC' | 'ROUTE';

/** `envoy.extensions.filters.http.rbac.v3.RBAC` */
export interface RbacFilter {
  rules?: RbacRules;
  rules_stat_prefix: string;
  shadow_rules?: RbacRules;
  shadow_rules_stat_prefix: string;
  track_per_rule_stats: boolean;
}

/** `envoy.extensions.filters.http.rbac.v3.RBACPerRoute` */
export interface RbacPerRoute {
  rbac?: RbacFilter;
}

/** `envoy.extensions.filters.network.rbac.v3.RBAC` */
export interface NetworkRbacFilter {
  rules?: RbacRules;
  shadow_rules?: RbacRules;
  shadow_rules_stat_prefix: string;
  stat_prefix: string;
  enforcement_type: EnforcementType;
  delay_deny?: number;
}

/** `envoy.config.rbac.v3.RBAC` */
export interface RbacRules {
  action: Action;
  policies: Record<string, RbacPolicy>;
}

/** `envoy.config.rbac.v3.Policy` */
export interface RbacPolicy {
  permissions: RbacPermission[];
  principals: RbacPrincipal[];
}

/** `envoy.config.rbac.v3.Permission` */
export interface RbacPermission {
  and_rules?: RbacPermissionSet;
  or_rules?: RbacPermissionSet;
  any?: boolean;
  header?: HeaderMatcher;
  url_path?: PathMatcher;
  destination_ip?: CidrRange;
  destination_port?: number;
  destination_port_range?: Int32Range;
  metadata?: MetadataMatcher;
  not_rule?: RbacPermission;
  requested_server_name?: StringMatcher;
  sourced_metadata?: SourcedMetadata;
}

/** `envoy.config.rbac.v3.Permission.Set` */
export interface RbacPermissionSet {
  rules: RbacPermission[];
}

/** `envoy.config.rbac.v3.Principal` */
export interface RbacPrincipal {
  and_ids?: RbacPrincipalSet;
  or_ids?: RbacPrincipalSet;
  any?: boolean;
  authenticated?: RbacAuthenticated;
  source_ip?: CidrRange;
  direct_remote_ip?: CidrRange;
  remote_ip?: CidrRange;
  header?: HeaderMatcher;
  url_path?: PathMatcher;
  metadata?: MetadataMatcher;
  not_id?: RbacPrincipal;
  sourced_metadata?: SourcedMetadata;
}

/** `envoy.config.rbac.v3.Principal.Set` */
export interface RbacPrincipalSet {
  ids: RbacPrincipal[];
}

/** `envoy.config.rbac.v3.Principal.Authenticated` */
export interface RbacAuthenticated {
  principal_name?: StringMatcher;
}

/** `envoy.config.rbac.v3.SourcedMetadata` */
export interface SourcedMetadata {
  metadata_matcher: MetadataMatcher;
  metadata_source: MetadataSource;
}
