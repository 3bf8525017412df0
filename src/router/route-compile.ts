import { permanentName } from '../base/header-names.js';
import { Priority } from '../upstream/types.js';
import type {
  AllowListedRoutesConfig,
  Any,
  ClusterWeight,
  HeaderValueOption,
  InternalRedirectPolicy,
  Metadata,
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
import { type CompileFormat, compileText, HeaderMutation } from './header-mutation.js';
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
  type InternalRedirect,
  type InternalRedirectPredicate,
  type MirrorPolicy,
  type RequestChange,
  RouteEntry,
  type RouteFields,
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
const DEFAULT_TIMEOUT = 15_000;
const DEFAULT_MAX_DIRECT_BODY = 4096;
const NO_UPGRADES: ReadonlyMap<string, RouteUpgradeConfig> = new Map();

/** @throws ConfigError for whatever the route says that cannot be */
export function compileRoute(route: Route, scope: HostScope): CompiledRoute {
  if (route.non_forwarding_action !== undefined)
    refuse(route, 'non_forwarding_action', 'this action is for gRPC servers that route without a proxy');
  const condition = new RouteCondition(route.match);
  const fields = commonFields(route, condition, scope);
  const weighted = route.route?.weighted_clusters;
  if (weighted === undefined) return new SingleRoute(new RouteEntry(fields));
  const entries = weighted.clusters.map((one) => new RouteEntry(weightedFields(fields, one, route, scope)));
  return new WeightedRoute(condition, weighted, entries);
}

/** The redirect of require_tls: 301 to https. */
export function tlsRedirectEntry(virtualHost: VirtualHost): RouteEntry {
  const route = { name: '' } as Route;
  const condition = { matchedLength: () => 0 } as unknown as RouteCondition;
  return new RouteEntry({
    ...NO_ACTION,
    name: '',
    virtualHost,
    condition,
    action: 'redirect',
    directResponse: { status: 301, body: Buffer.alloc(0), text: '', bodyFormat: null, contentType: '' },
    config: route,
  });
}

const DEFAULT_REF = { path: '(default)', position: null };

/** Fields of a route that forwards nothing. */
const NO_ACTION = {
  clusterName: '',
  clusterHeader: null,
  timeout: DEFAULT_TIMEOUT,
  timeoutRef: DEFAULT_REF,
  idleTimeout: null,
  idleTimeoutRef: DEFAULT_REF,
  flushTimeout: null,
  flushTimeoutRef: DEFAULT_REF,
  maxStreamDuration: null,
  maxStreamDurationRef: DEFAULT_REF,
  maxGrpcTimeout: null,
  grpcTimeoutOffset: null,
  retryPolicy: null,
  hedgeOnPerTryTimeout: false,
  priority: Priority.DEFAULT,
  requestBodyBufferLimit: null,
  autoHostRewrite: false,
  appendForwardedHost: false,
  clusterNotFoundResponseCode: 503,
  upgradeConfigs: NO_UPGRADES,
  hashPolicy: null,
  metadataMatch: null,
  requestMirrorPolicies: [],
  internalRedirectPolicy: null,
  statPrefix: '',
  decorator: null,
  directResponse: null,
  redirect: null,
  requestChanges: [],
  responseMutations: [],
  hostRewrite: null,
  pathRewrite: null,
  filterConfigs: new Map<string, Any>(),
} as const;

function commonFields(route: Route, condition: RouteCondition, scope: HostScope): RouteFields {
  const { virtualHost, deps, config, table } = scope;
  const own = compileLevel(route, deps.compileFormat);
  const ascending = table.most_specific_header_mutations_wins;
  const levels = [own, scope.hostMutations, scope.tableMutations];
  if (ascending) levels.reverse();
  const base: RouteFields = {
    ...NO_ACTION,
    name: route.name,
    virtualHost,
    condition,
    action: 'route',
    requestBodyBufferLimit:
      route.request_body_buffer_limit ??
      route.per_request_buffer_limit_bytes ??
      config.request_body_buffer_limit ??
      config.per_request_buffer_limit_bytes ??
      null,
    statPrefix: route.stat_prefix,
    decorator:
      route.decorator === undefined
        ? null
        : { operation: route.decorator.operation, propagate: route.decorator.propagate ?? true },
    requestChanges: present(levels.map((level) => level.request)),
    responseMutations: present(levels.map((level) => level.response)),
    filterConfigs: merged(scope.filterConfigs, route.typed_per_filter_config),
    config: route,
  };
  if (route.direct_response !== undefined) {
    const limit = table.max_direct_response_body_size_bytes ?? DEFAULT_MAX_DIRECT_BODY;
    return {
      ...base,
      action: 'direct_response',
      redirect: new RedirectTarget(null),
      directResponse: compileDirectResponse(route.direct_response, limit, deps.compileFormat),
    };
  }
  if (route.redirect !== undefined) {
    const redirect = new RedirectTarget(route.redirect);
    return {
      ...base,
      action: 'redirect',
      redirect,
      pathRewrite: compilePathRewrite(route.redirect, condition, deps.compileFormat),
      directResponse: { status: redirect.status, body: Buffer.alloc(0), text: '', bodyFormat: null, contentType: '' },
    };
  }
  return { ...base, ...actionFields(route.route!, condition, scope) };
}

function actionFields(action: RouteAction, condition: RouteCondition, scope: HostScope) {
  const { deps, config } = scope;
  const retry = action.retry_policy ?? config.retry_policy;
  const duration = action.max_stream_duration;
  const hedge = action.hedge_policy ?? config.hedge_policy;
  checkCluster(action.cluster, action, 'cluster', 'route: unknown cluster', scope);
  const mirrors = compileMirrors(action.request_mirror_policies, scope.deps, checksClusters(scope));
  return {
    clusterName: action.cluster ?? '',
    clusterHeader: action.cluster_header === undefined ? null : new HeaderReader(action.cluster_header),
    timeout: Math.floor(action.timeout ?? DEFAULT_TIMEOUT),
    timeoutRef: originOf(action, 'timeout'),
    idleTimeout: floored(action.idle_timeout),
    idleTimeoutRef: originOf(action, 'idle_timeout'),
    flushTimeout: floored(action.flush_timeout),
    flushTimeoutRef: originOf(action, 'flush_timeout'),
    maxStreamDuration:
      duration === undefined
        ? null
        : {
            max: floored(duration.max_stream_duration),
            grpcHeaderMax: floored(duration.grpc_timeout_header_max),
            grpcHeaderOffset: floored(duration.grpc_timeout_header_offset),
          },
    maxStreamDurationRef: originOf(duration, 'max_stream_duration'),
    maxGrpcTimeout: floored(action.max_grpc_timeout),
    grpcTimeoutOffset: floored(action.grpc_timeout_offset),
    retryPolicy: retry === undefined ? null : compileRetryPolicy(retry),
    hedgeOnPerTryTimeout: hedge?.hedge_on_per_try_timeout ?? false,
    priority: action.priority === 'HIGH' ? Priority.HIGH : Priority.DEFAULT,
    autoHostRewrite: action.auto_host_rewrite ?? false,
    appendForwardedHost: action.append_x_forwarded_host,
    clusterNotFoundResponseCode: NOT_FOUND_CODES[action.cluster_not_found_response_code],
    upgradeConfigs: compileUpgrades(action),
    hashPolicy: HashPolicy.compile(action.hash_policy),
    metadataMatch: subset(action.metadata_match),
    requestMirrorPolicies: mirrors.length > 0 ? mirrors : scope.mirrorPolicies,
    internalRedirectPolicy: compileInternalRedirect(action.internal_redirect_policy),
    hostRewrite: compileHostRewrite(action, deps.compileFormat),
    pathRewrite: compilePathRewrite(action, condition, deps.compileFormat),
  };
}

function weightedFields(fields: RouteFields, one: ClusterWeight, route: Route, scope: HostScope): RouteFields {
  const own = compileLevel(one, scope.deps.compileFormat);
  const changes: RequestChange[] = present([own.request]);
  const host = one.host_rewrite_literal;
  if (host !== undefined && host !== '') changes.push(new WeightedHost(byteString(host)));
  if (one.name !== '') checkCluster(one.name, one, 'name', 'route: unknown weighted cluster', scope);
  const inner = subset(one.metadata_match);
  return {
    ...fields,
    clusterName: one.name,
    clusterHeader: one.cluster_header === '' ? null : new HeaderReader(one.cluster_header),
    metadataMatch: inner === null ? fields.metadataMatch : { ...subset(route.route?.metadata_match), ...inner },
    requestChanges: [...changes, ...fields.requestChanges],
    responseMutations: [...present([own.response]), ...fields.responseMutations],
    filterConfigs: merged(fields.filterConfigs, one.typed_per_filter_config),
  };
}

function checksClusters(scope: HostScope): boolean {
  return scope.table.validate_clusters ?? true;
}

function checkCluster(name: string | undefined, owner: object, key: string, what: string, scope: HostScope): void {
  const { clusters } = scope.deps;
  if (name === undefined || clusters === null || !checksClusters(scope) || clusters.has(name)) return;
  refuse(owner, key, `${what} '${name}'`);
}

interface PathRewriteConfig {
  prefix_rewrite?: string;
  regex_rewrite?: RouteAction['regex_rewrite'];
  path_rewrite_policy?: RouteAction['path_rewrite_policy'];
  path_rewrite?: string;
}

function compilePathRewrite(
  config: PathRewriteConfig,
  condition: RouteCondition,
  compileFormat: CompileFormat,
): PathRewrite | null {
  const {
    prefix_rewrite: prefix = '',
    regex_rewrite: regex,
    path_rewrite_policy: policy,
    path_rewrite: text = '',
  } = config;
  if (prefix !== '') return new PrefixRewrite(byteString(prefix));
  if (regex !== undefined) return reporting(config, 'regex_rewrite', () => new RegexPathRewrite(regex));
  if (policy !== undefined)
    return reporting(config, 'path_rewrite_policy', () => new UriTemplateRewrite(policy, condition.template));
  if (text !== '')
    return reporting(config, 'path_rewrite', () => new FormattedPathRewrite(compileText(text, '', compileFormat)));
  return null;
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
  if (action.upgrade_configs.length === 0) return NO_UPGRADES;
  const map = new Map<string, RouteUpgradeConfig>();
  for (const one of action.upgrade_configs) {
    map.set(one.upgrade_type.toLowerCase(), one);
  }
  return map;
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
    const rules = policy.request_headers_mutations;
    const adds = rules.map((rule) => rule.append).filter((option) => option !== undefined);
    const removes = rules.map((rule) => rule.remove).filter((name) => name !== undefined);
    if (rules.some((rule) => rule.remove_on_match !== undefined))
      refuse(policy, 'request_headers_mutations', 'remove_on_match is not supported for mirrored requests');
    const fraction = policy.runtime_fraction === undefined ? null : new Fraction(policy.runtime_fraction);
    return {
      cluster: policy.cluster,
      clusterHeader: policy.cluster_header === '' ? null : new HeaderReader(policy.cluster_header),
      fraction: fraction?.always ? null : fraction,
      appendShadowSuffix: !policy.disable_shadow_host_suffix_append,
      hostRewrite: byteString(policy.host_rewrite_literal),
      headerMutation: HeaderMutation.compile(
        { add: adds, remove: removes, owner: policy, removeKey: 'request_headers_mutations' },
        deps.compileFormat,
      ),
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
