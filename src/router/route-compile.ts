import { permanentName } from '../base/header-names.js';
import { Priority } from '../upstream/types.js';
import type {
  AllowListedRoutesConfig,
  Any,
  ClusterWeight,
  DirectResponseAction,
  HeaderValueOption,
  InternalRedirectPolicy,
  Metadata,
  RedirectAction,
  RequestMirrorPolicy,
  Route,
  RouteAction,
  RouteConfiguration,
  RouteUpgradeConfig,
  VirtualHost as VirtualHostConfig,
} from '../xds/types.js';
import { compileDirectResponse } from './direct-response.js';
import { HashPolicy } from './hash-policy.js';
import { HeaderReader } from './header-matcher.js';
import { type CompileFormat, compileHeaderRules, compileText, HeaderMutation } from './header-mutation.js';
import { RedirectTarget } from './redirect.js';
import { originOf, refuse, reporting } from './refuse.js';
import { byteString } from './regex.js';
import { compileRetryPolicy } from './retry-policy.js';
import {
  FormattedHost,
  FormattedPathRewrite,
  HeaderHost,
  type HostRewrite,
  LiteralHost,
  PathRegexHost,
  type PathRewrite,
  PrefixRewrite,
  RegexPathRewrite,
} from './rewrite.js';
import {
  type ConnectTermination,
  type InternalRedirect,
  type InternalRedirectPredicate,
  type MirrorPolicy,
  type RequestChange,
  RouteEntry,
  WeightedHost,
} from './route-entry.js';
import { Fraction, RouteCondition } from './route-match.js';
import { UriTemplateRewrite } from './uri-template.js';
import type { CompiledRoute, VirtualHost } from './virtual-host.js';
import { SingleRoute, WeightedRoute } from './weighted.js';

/** What the compilation needs of the rest of the program. */
export interface RouteTableDeps {
  /** observe/access-log.ts */
  compileFormat: CompileFormat;
  /** Names of the clusters there are, for validate_clusters; null when it is not to be checked. */
  clusters: { has(name: string): boolean } | null;
}

/** Messages that carry the four lists of header changes. */
interface Level {
  request_headers_to_add: HeaderValueOption[];
  request_headers_to_remove: string[];
  response_headers_to_add: HeaderValueOption[];
  response_headers_to_remove: string[];
}

/** Header changes of one level, both ways. */
export interface LevelMutations {
  readonly request: HeaderMutation | null;
  readonly response: HeaderMutation | null;
}

export function compileLevel(level: Level, compileFormat: CompileFormat): LevelMutations {
  return {
    request: HeaderMutation.compile(
      {
        add: level.request_headers_to_add,
        remove: level.request_headers_to_remove,
        owner: level,
        removeKey: 'request_headers_to_remove',
      },
      compileFormat,
    ),
    response: HeaderMutation.compile(
      {
        add: level.response_headers_to_add,
        remove: level.response_headers_to_remove,
        owner: level,
        removeKey: 'response_headers_to_remove',
      },
      compileFormat,
    ),
  };
}

/** What all routes of a virtual host share. */
export interface HostScope {
  readonly table: RouteConfiguration;
  readonly config: VirtualHostConfig;
  readonly virtualHost: VirtualHost;
  readonly tableMutations: LevelMutations;
  readonly hostMutations: LevelMutations;
  readonly filterConfigs: ReadonlyMap<string, Any>;
  readonly mirrorPolicies: readonly MirrorPolicy[];
  readonly deps: RouteTableDeps;
}

const NOT_FOUND_CODES: Readonly<Record<RouteAction['cluster_not_found_response_code'], number>> = {
  SERVICE_UNAVAILABLE: 503,
  NOT_FOUND: 404,
  INTERNAL_SERVER_ERROR: 500,
};
const DEFAULT_MAX_DIRECT_BODY = 4096;

/** A RouteEntry while it is being filled in. */
type Draft = { -readonly [K in keyof RouteEntry]: RouteEntry[K] };

/** @throws ConfigError for whatever the route says that cannot be */
export function compileRoute(route: Route, scope: HostScope): CompiledRoute {
  if (route.non_forwarding_action !== undefined)
    refuse(route, 'non_forwarding_action', 'this action is for gRPC servers that route without a proxy');
  const condition = new RouteCondition(route.match);
  const weighted = route.route?.weighted_clusters;
  if (weighted === undefined) return new SingleRoute(compileEntry(route, condition, null, scope));
  const entries = weighted.clusters.map((one) => compileEntry(route, condition, one, scope));
  return new WeightedRoute(condition, weighted, entries);
}

/** The redirect of require_tls: 301 to https. */
export function tlsRedirectEntry(virtualHost: VirtualHost): RouteEntry {
  const draft: Draft = new RouteEntry(virtualHost, RouteCondition.NEVER, null);
  draft.action = 'redirect';
  draft.directResponse = { status: 301, body: Buffer.alloc(0), text: '', bodyFormat: null, contentType: '' };
  return draft as RouteEntry;
}

/** @param weighted the cluster of a weighted route that the entry is for */
function compileEntry(
  route: Route,
  condition: RouteCondition,
  weighted: ClusterWeight | null,
  scope: HostScope,
): RouteEntry {
  const draft: Draft = new RouteEntry(scope.virtualHost, condition, route);
  const { config } = scope;
  draft.requestBodyBufferLimit =
    route.request_body_buffer_limit ??
    route.per_request_buffer_limit_bytes ??
    config.request_body_buffer_limit ??
    config.per_request_buffer_limit_bytes ??
    null;
  draft.statPrefix = route.stat_prefix;
  const { decorator } = route;
  if (decorator !== undefined)
    draft.decorator = { operation: decorator.operation, propagate: decorator.propagate ?? true };
  draft.filterConfigs = merged(scope.filterConfigs, route.typed_per_filter_config);
  addMutations(draft, route, scope);
  if (route.direct_response !== undefined) addDirectResponse(draft, route.direct_response, scope);
  else if (route.redirect !== undefined) addRedirect(draft, route.redirect, scope);
  else addAction(draft, route.route!, scope);
  if (weighted !== null) addWeighted(draft, weighted, scope);
  draft.hasRequestMutations =
    draft.requestChanges.length > 0 || draft.hostRewrite !== null || draft.pathRewrite !== null;
  draft.hasResponseMutations = draft.responseChanges.length > 0;
  return draft as RouteEntry;
}

function addMutations(draft: Draft, route: Route, scope: HostScope): void {
  const levels = [compileLevel(route, scope.deps.compileFormat), scope.hostMutations, scope.tableMutations];
  if (scope.table.most_specific_header_mutations_wins) levels.reverse();
  draft.requestChanges = present(levels.map((level) => level.request));
  draft.responseChanges = present(levels.map((level) => level.response));
}

function addDirectResponse(draft: Draft, config: DirectResponseAction, scope: HostScope): void {
  const limit = scope.table.max_direct_response_body_size_bytes ?? DEFAULT_MAX_DIRECT_BODY;
  draft.action = 'direct_response';
  draft.redirect = new RedirectTarget(null, scope.deps.compileFormat);
  draft.directResponse = compileDirectResponse(config, limit, scope.deps.compileFormat);
}

function addRedirect(draft: Draft, config: RedirectAction, scope: HostScope): void {
  const redirect = new RedirectTarget(config, scope.deps.compileFormat);
  draft.action = 'redirect';
  draft.redirect = redirect;
  draft.pathRewrite = compilePathRewrite(config, draft.condition);
  draft.directResponse = {
    status: redirect.status,
    body: Buffer.alloc(0),
    text: '',
    bodyFormat: null,
    contentType: '',
  };
}

function addAction(draft: Draft, action: RouteAction, scope: HostScope): void {
  const { deps, config } = scope;
  checkCluster(action.cluster, action, 'cluster', 'route: unknown cluster', scope);
  draft.clusterName = action.cluster ?? '';
  if (action.cluster_header !== undefined) draft.clusterHeader = new HeaderReader(action.cluster_header);
  if (action.timeout !== undefined) draft.timeout = Math.floor(action.timeout);
  draft.timeoutRef = originOf(action, 'timeout');
  draft.idleTimeout = floored(action.idle_timeout);
  draft.idleTimeoutRef = originOf(action, 'idle_timeout');
  draft.flushTimeout = floored(action.flush_timeout);
  draft.flushTimeoutRef = originOf(action, 'flush_timeout');
  const duration = action.max_stream_duration;
  if (duration !== undefined) {
    draft.maxStreamDuration = {
      max: floored(duration.max_stream_duration),
      grpcHeaderMax: floored(duration.grpc_timeout_header_max),
      grpcHeaderOffset: floored(duration.grpc_timeout_header_offset),
    };
    draft.maxStreamDurationRef = originOf(duration, 'max_stream_duration');
  }
  draft.maxGrpcTimeout = floored(action.max_grpc_timeout);
  draft.grpcTimeoutOffset = floored(action.grpc_timeout_offset);
  const retry = action.retry_policy ?? config.retry_policy;
  if (retry !== undefined) draft.retryPolicy = compileRetryPolicy(retry);
  draft.hedgeOnPerTryTimeout = (action.hedge_policy ?? config.hedge_policy)?.hedge_on_per_try_timeout ?? false;
  if (action.priority === 'HIGH') draft.priority = Priority.HIGH;
  draft.autoHostRewrite = action.auto_host_rewrite ?? false;
  draft.appendForwardedHost = action.append_x_forwarded_host;
  draft.clusterNotFoundResponseCode = NOT_FOUND_CODES[action.cluster_not_found_response_code];
  if (action.upgrade_configs.length > 0) {
    draft.upgradeConfigs = compileUpgrades(action);
    draft.connectTermination = compileConnect(action);
  }
  draft.hashPolicy = HashPolicy.compile(action.hash_policy);
  draft.metadataMatch = subset(action.metadata_match);
  const mirrors = compileMirrors(action.request_mirror_policies, deps, checksClusters(scope));
  draft.requestMirrorPolicies = mirrors.length > 0 ? mirrors : scope.mirrorPolicies;
  draft.internalRedirectPolicy = compileInternalRedirect(action.internal_redirect_policy);
  draft.hostRewrite = compileHostRewrite(action, deps.compileFormat);
  draft.pathRewrite =
    compilePathRewrite(action, draft.condition) ?? compileRouteRewrite(action, draft.condition, deps.compileFormat);
}

function addWeighted(draft: Draft, one: ClusterWeight, scope: HostScope): void {
  if (one.name !== '') checkCluster(one.name, one, 'name', 'route: unknown weighted cluster', scope);
  draft.clusterName = one.name;
  draft.clusterHeader = one.cluster_header === '' ? null : new HeaderReader(one.cluster_header);
  const inner = subset(one.metadata_match);
  if (inner !== null) draft.metadataMatch = { ...draft.metadataMatch, ...inner };
  draft.filterConfigs = merged(draft.filterConfigs, one.typed_per_filter_config);
  const own = compileLevel(one, scope.deps.compileFormat);
  const changes: RequestChange[] = present([own.request]);
  const host = one.host_rewrite_literal;
  if (host !== undefined && host !== '') changes.push(new WeightedHost(byteString(host)));
  draft.requestChanges = [...changes, ...draft.requestChanges];
  draft.responseChanges = [...present([own.response]), ...draft.responseChanges];
}

function checksClusters(scope: HostScope): boolean {
  return scope.table.validate_clusters ?? true;
}

function checkCluster(name: string | undefined, owner: object, key: string, what: string, scope: HostScope): void {
  const { clusters } = scope.deps;
  if (name === undefined || clusters === null || !checksClusters(scope) || clusters.has(name)) return;
  refuse(owner, key, `${what} '${name}'`);
}

/** prefix_rewrite and regex_rewrite, of a route or a redirect. */
function compilePathRewrite(
  config: Pick<RouteAction, 'regex_rewrite'> & { prefix_rewrite?: string },
  condition: RouteCondition,
): PathRewrite | null {
  const { prefix_rewrite: prefix = '', regex_rewrite: regex } = config;
  if (prefix !== '') {
    if (condition.template !== null)
      refuse(config, 'prefix_rewrite', 'a prefix cannot be rewritten where a path template is matched');
    return new PrefixRewrite(byteString(prefix));
  }
  return regex === undefined ? null : reporting(config, 'regex_rewrite', () => new RegexPathRewrite(regex));
}

/** The rewrites that only a route has. */
function compileRouteRewrite(
  action: RouteAction,
  condition: RouteCondition,
  compileFormat: CompileFormat,
): PathRewrite | null {
  const { path_rewrite_policy: policy, path_rewrite: text } = action;
  if (policy !== undefined)
    return reporting(action, 'path_rewrite_policy', () => new UriTemplateRewrite(policy, condition.template));
  if (text === '') return null;
  return reporting(action, 'path_rewrite', () => new FormattedPathRewrite(compileText(text, '', compileFormat)));
}

function compileHostRewrite(action: RouteAction, compileFormat: CompileFormat): HostRewrite | null {
  const {
    host_rewrite_literal: literal,
    host_rewrite_header: header,
    host_rewrite_path_regex: regex,
    host_rewrite: text,
  } = action;
  if (literal !== undefined && literal !== '') return new LiteralHost(byteString(literal));
  if (header !== undefined && header !== '') return new HeaderHost(header);
  if (regex !== undefined) return reporting(action, 'host_rewrite_path_regex', () => new PathRegexHost(regex));
  if (text === undefined || text === '') return null;
  const compiled = reporting(action, 'host_rewrite', () => compileText(text, '-', compileFormat));
  return typeof compiled === 'string' ? new LiteralHost(compiled) : new FormattedHost(compiled);
}

function compileUpgrades(action: RouteAction): ReadonlyMap<string, RouteUpgradeConfig> {
  return new Map(action.upgrade_configs.map((one) => [one.upgrade_type.toLowerCase(), one]));
}

function compileConnect(action: RouteAction): ConnectTermination | null {
  for (const upgrade of action.upgrade_configs) {
    const config = upgrade.connect_config;
    if (config === undefined) continue;
    if (upgrade.upgrade_type.toLowerCase() !== 'connect')
      refuse(upgrade, 'connect_config', 'only CONNECT ends here, not CONNECT-UDP');
    if (config.proxy_protocol_config !== undefined)
      refuse(config, 'proxy_protocol_config', 'the PROXY protocol is not written');
    return { allowPost: config.allow_post };
  }
  return null;
}

/** @param check whether the clusters must exist */
export function compileMirrors(
  policies: readonly RequestMirrorPolicy[],
  deps: RouteTableDeps,
  check: boolean,
): readonly MirrorPolicy[] {
  return policies.map((policy) => {
    if (check && deps.clusters !== null && policy.cluster !== '' && !deps.clusters.has(policy.cluster))
      refuse(policy, 'cluster', `route: unknown shadow cluster '${policy.cluster}'`);
    const fraction = policy.runtime_fraction === undefined ? null : new Fraction(policy.runtime_fraction);
    return {
      cluster: policy.cluster,
      clusterHeader: policy.cluster_header === '' ? null : new HeaderReader(policy.cluster_header),
      fraction: fraction?.always ? null : fraction,
      appendShadowSuffix: !policy.disable_shadow_host_suffix_append,
      hostRewrite: byteString(policy.host_rewrite_literal),
      headerChanges: compileHeaderRules(policy.request_headers_mutations, deps.compileFormat),
    };
  });
}

const REDIRECT_CODES = [301, 302, 303, 307, 308];

function compileInternalRedirect(policy: InternalRedirectPolicy | undefined): InternalRedirect | null {
  if (policy === undefined) return null;
  const codes = policy.redirect_response_codes.filter((code) => REDIRECT_CODES.includes(code));
  return {
    maxRedirects: policy.max_internal_redirects ?? 1,
    responseCodes: policy.redirect_response_codes.length === 0 ? [302] : codes,
    allowCrossScheme: policy.allow_cross_scheme_redirect,
    predicates: policy.predicates.map((one) => compilePredicate(one.typed_config)),
    headersToCopy: policy.response_headers_to_copy.map((name) => permanentName(name)),
  };
}

function compilePredicate(config: Any): InternalRedirectPredicate {
  const type = config['@type'];
  switch (type.slice(type.lastIndexOf('.') + 1)) {
    case 'AllowListedRoutesConfig': {
      const names = (config as unknown as AllowListedRoutesConfig).allowed_route_names;
      return { kind: 'allow_listed_routes', names: new Set(names) };
    }
    case 'PreviousRoutesConfig':
      return { kind: 'previous_routes' };
    case 'SafeCrossSchemeConfig':
      return { kind: 'safe_cross_scheme' };
    default:
      return refuse(config, '@type', `unknown internal redirect predicate '${type}'`);
  }
}

/** Filter configurations of an inner level over those of the outer one; the outer map itself when nothing is added. */
export function merged(outer: ReadonlyMap<string, Any>, own: Record<string, Any>): ReadonlyMap<string, Any> {
  const names = Object.keys(own);
  if (names.length === 0) return outer;
  const map = new Map(outer);
  for (const name of names) map.set(name, own[name]);
  return map;
}

function subset(metadata: Metadata | undefined): Readonly<Record<string, unknown>> | null {
  return metadata?.filter_metadata['envoy.lb'] ?? null;
}

function floored(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.floor(ms);
}

function present<T>(list: readonly (T | null)[]): T[] {
  return list.filter((one) => one !== null);
}
