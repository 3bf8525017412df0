import type { Http1CodecStats, Http1ServerOptions } from '../codec/http1/options.js';
import { createHttp1ServerCodec } from '../codec/http1/server.js';
import type { Http2Options } from '../codec/http2/options.js';
import { createHttp2ServerCodec } from '../codec/http2/server.js';
import type { Http2CodecStats } from '../codec/http2/stats.js';
import { type FieldRef, positionOf } from '../config/position.js';
import { compileDetections } from '../http/client-address.js';
import type { ConnectionManagerConfig, DrainDecision, FailureSink, FilterPath, ReplyProfile } from '../http/config.js';
import type { FilterChain } from '../http/filters/chain.js';
import { compileFilters } from '../http/filters/compile.js';
import { ipOf } from '../http/header-rules.js';
import { LocalReplyRewriter } from '../http/local-reply-config.js';
import { type EscapedSlashes, PathNormalizer } from '../http/path.js';
import { ProxyStatus } from '../http/proxy-status.js';
import { HTTP_GAUGES, HttpStats, ListenerHttpStats, TracingStats } from '../http/stats.js';
import type { AccessLog } from '../observe/access-log.js';
import { compileFormat } from '../observe/format.js';
import { systemFormatDeps } from '../observe/format-types.js';
import { LogLinearHistogram } from '../observe/histogram.js';
import type { TransportFacts } from '../observe/recorder.js';
import type { StatStore } from '../observe/stats.js';
import type { StreamInfo } from '../observe/stream-info.js';
import type { Limit } from '../observe/timer-ledger.js';
import { compileHeaderMatcher } from '../router/header-matcher.js';
import { compileHeaderRules, type HeaderChange } from '../router/header-mutation.js';
import type { RouteEntry } from '../router/route-entry.js';
import type { RouteTable } from '../router/route-table.js';
import { type RouterConfig, RouterStats } from '../router/router-callbacks.js';
import { StrictHeader } from '../router/strict-headers.js';
import type { ClusterStats } from '../upstream/cluster-stats.js';
import type { ClusterManager, UpstreamConnectionInfo } from '../upstream/types.js';
import { unsupported } from '../xds/decode.js';
import { isType } from '../xds/type-url.js';
import type {
  AccessLog as AccessLogProto,
  HeaderMatcher,
  HttpConnectionManager,
  HttpFilter,
  Router as RouterProto,
} from '../xds/types.js';
import { cidrMatcher } from './cidr.js';
import { commonHttp2Options } from './http2-options.js';

/** What the process gives every connection manager. */
export interface HcmDeps {
  store: StatStore;
  /** `http1.` and `http2.` of all listeners together, as in Envoy. */
  http1Stats: Http1CodecStats;
  http2Stats: Http2CodecStats;
  clusters: ClusterManager;
  compileRoutes(hcm: HttpConnectionManager): RouteTable;
  accessLog(configs: readonly AccessLogProto[]): AccessLog | null;
  drain: DrainDecision;
  failures: FailureSink | null;
  transportFacts(connection: UpstreamConnectionInfo, waited: number): TransportFacts | null;
  recordRequest(route: RouteEntry | null, info: StreamInfo): void;
  profile: ReplyProfile;
  ownAddress: string;
  /** Runtime flag `envoy.reloadable_features.http_reject_path_with_fragment`. */
  rejectsFragments: boolean;
  node: { cluster: string; id: string };
  /** Shared by connection managers with the same prefix. */
  httpStats: Map<string, HttpScope>;
  /** Of mirrored requests, made with the first connection manager. */
  shadowRouter?: RouterConfig;
}

export interface HttpScope {
  stats: HttpStats;
  router: RouterStats;
}

/** Where the connection manager stands. */
export interface HcmPlace {
  /** `127.0.0.1_10000`, as it stands in `listener.<here>.`. */
  listenerStatName: string;
  listenerPort: number;
  filterChainName: string;
  tls: boolean;
  bufferLimit: number;
  /** By stat_prefix; the listener's, so that a configuration compiled anew goes on counting. */
  listenerHttpStats: Map<string, ListenerHttpStats>;
}

const DEFAULT_STREAM_IDLE = 300_000;
const DEFAULT_CONNECTION_IDLE = 3_600_000;
const DEFAULT_DRAIN = 5000;
const DEFAULT_DELAYED_CLOSE = 1000;

/** Where a field was read from, for timers that it sets. */
export function fieldRef(object: object | undefined, field: string, path: string): FieldRef {
  return { path, position: object === undefined ? null : positionOf(object, field) };
}

function limit(object: object, field: string, value: number | undefined, otherwise: number): Limit {
  return {
    ms: value ?? otherwise,
    ref: value === undefined ? { path: `${field} (default)`, position: null } : fieldRef(object, field, field),
  };
}

/**
 * Compiles a connection manager. Fields whose behaviour is not built yet are refused by name, with their position.
 * @throws ConfigError
 */
export function compileHcm(hcm: HttpConnectionManager, place: HcmPlace, deps: HcmDeps): ConnectionManagerConfig {
  refuseUnbuilt(hcm);
  const scope = httpScope(hcm.stat_prefix, deps);
  const listenerStats = listenerHttpStats(hcm.stat_prefix, place, deps);
  const common = hcm.common_http_protocol_options;
  const streamIdle = limit(hcm, 'stream_idle_timeout', hcm.stream_idle_timeout, DEFAULT_STREAM_IDLE);
  const http1 = http1Options(hcm, place);
  const http2 = http2Options(hcm, place);
  const router = routerConfig(hcm, scope.router, deps);
  const upgrades = new Map(hcm.upgrade_configs.map((u) => [u.upgrade_type.toLowerCase(), u.enabled ?? true]));
  const serverName = hcm.server_name === '' ? 'envoy' : hcm.server_name;
  const streamError = hcm.stream_error_on_invalid_http_message ?? false;
  return {
    statPrefix: hcm.stat_prefix,
    stats: scope.stats,
    listenerStats,
    codecType: hcm.codec_type === 'HTTP3' ? unsupported(hcm, 'codec_type', 'HTTP/3 is not supported') : hcm.codec_type,
    createHttp1: (connection, callbacks) => createHttp1ServerCodec(connection, callbacks, http1, deps.http1Stats),
    createHttp2: (connection, callbacks) => createHttp2ServerCodec(connection, callbacks, http2, deps.http2Stats),
    routes: { table: deps.compileRoutes(hcm) },
    router,
    filters: httpFilters(hcm, deps),
    localReplies:
      hcm.local_reply_config === undefined ? undefined : new LocalReplyRewriter(hcm.local_reply_config, REPLY_DEPS),
    profile: deps.profile,
    streamIdle,
    request: limit(hcm, 'request_timeout', hcm.request_timeout, 0),
    requestHeaders: limit(hcm, 'request_headers_timeout', hcm.request_headers_timeout, 0),
    maxStreamDuration: limit(common ?? hcm, 'max_stream_duration', common?.max_stream_duration, 0),
    streamFlush:
      hcm.stream_flush_timeout === undefined
        ? streamIdle
        : limit(hcm, 'stream_flush_timeout', hcm.stream_flush_timeout, 0),
    connectionIdle: common?.idle_timeout ?? DEFAULT_CONNECTION_IDLE,
    maxConnectionDuration: common?.max_connection_duration ?? 0,
    http1SafeMaxConnectionDuration: hcm.http1_safe_max_connection_duration,
    drainTimeout: hcm.drain_timeout ?? DEFAULT_DRAIN,
    delayedClose: hcm.delayed_close_timeout ?? DEFAULT_DELAYED_CLOSE,
    maxRequestsPerConnection: common?.max_requests_per_connection ?? 0,
    serverName,
    serverHeader: hcm.server_header_transformation,
    useRemoteAddress: hcm.use_remote_address ?? false,
    xffTrustedHops: hcm.xff_num_trusted_hops,
    skipXffAppend: hcm.skip_xff_append,
    appendXForwardedPort: hcm.append_x_forwarded_port,
    via: hcm.via,
    proxyStatus:
      hcm.proxy_status_config === undefined ? null : new ProxyStatus(hcm.proxy_status_config, serverName, deps.node.id),
    forwardClientCert: hcm.forward_client_cert_details === 'ALWAYS_FORWARD_ONLY',
    generateRequestId: hcm.generate_request_id ?? true,
    preserveExternalRequestId: hcm.preserve_external_request_id,
    alwaysSetRequestIdInResponse: hcm.always_set_request_id_in_response,
    userAgent: hcm.add_user_agent ? { serviceCluster: deps.node.cluster, serviceNode: deps.node.id } : null,
    schemeOverwrite: (hcm.scheme_header_transformation?.scheme_to_overwrite as 'http' | 'https' | undefined) ?? null,
    proxy100Continue: hcm.proxy_100_continue,
    path: new PathNormalizer(
      hcm.normalize_path ?? false,
      hcm.merge_slashes,
      escapedSlashes(hcm),
      deps.rejectsFragments,
    ),
    stripMatchingHostPort: hcm.strip_matching_host_port,
    stripAnyHostPort: hcm.strip_any_host_port ?? false,
    stripTrailingHostDot: hcm.strip_trailing_host_dot,
    isInternal: internalCallers(hcm),
    detections: compileDetections(hcm, cidrMatcher),
    forwardProto:
      hcm.forward_proto_config === undefined
        ? null
        : {
            https: hcm.forward_proto_config.https_destination_ports,
            http: hcm.forward_proto_config.http_destination_ports,
          },
    earlyMutations: earlyMutations(hcm),
    upgrades,
    upgradePaths: upgradePaths(hcm, scope.router, deps),
    streamErrorOnInvalidMessage:
      hcm.http_protocol_options?.override_stream_error_on_invalid_http_message ?? streamError,
    isOverTls: place.tls,
    listenerPort: place.listenerPort,
    accessLog: deps.accessLog(hcm.access_log),
    logOnNewRequest: hcm.access_log_options?.flush_access_log_on_new_request ?? false,
    logOnTunnel: hcm.access_log_options?.flush_log_on_tunnel_successfully_established ?? false,
    logFlushInterval: hcm.access_log_options?.access_log_flush_interval ?? 0,
    drain: deps.drain,
    failures: deps.failures,
    transportFacts: deps.transportFacts,
    recordRequest: deps.recordRequest,
    filterChainName: place.filterChainName,
    ownAddress: deps.ownAddress,
  };
}

/** internal_address_config: a unix socket counts by `unix_sockets`, an address by the ranges. */
function internalCallers(hcm: HttpConnectionManager): ConnectionManagerConfig['isInternal'] {
  const config = hcm.internal_address_config;
  if (config === undefined) return null;
  const inRanges = cidrMatcher(config.cidr_ranges);
  const { unix_sockets: unixSockets } = config;
  return (ip, connection) => {
    const client = ip === '' ? (connection.remoteIp ?? ipOf(connection.remoteAddress)) : ip;
    return client === '' ? unixSockets : inRanges(client);
  };
}

function earlyMutations(hcm: HttpConnectionManager): readonly HeaderChange[] | null {
  const changes: HeaderChange[] = [];
  for (const extension of hcm.early_header_mutation_extensions) {
    if (!isType(extension.typed_config, 'EarlyHeaderMutation'))
      return unsupported(extension, 'typed_config', `the mutation ${extension.name}`);
    changes.push(...compileHeaderRules(extension.typed_config.mutations, compileFormat));
  }
  return changes.length === 0 ? null : changes;
}

function escapedSlashes(hcm: HttpConnectionManager): EscapedSlashes {
  const action = hcm.path_with_escaped_slashes_action;
  return action === 'IMPLEMENTATION_SPECIFIC_DEFAULT' ? 'KEEP_UNCHANGED' : action;
}

function listenerHttpStats(prefix: string, place: HcmPlace, deps: HcmDeps): ListenerHttpStats {
  const found = place.listenerHttpStats.get(prefix);
  if (found !== undefined) return found;
  const stats = new ListenerHttpStats();
  deps.store.register(`listener.${place.listenerStatName}.http.${prefix}.`, stats);
  place.listenerHttpStats.set(prefix, stats);
  return stats;
}

function httpScope(prefix: string, deps: HcmDeps): HttpScope {
  const found = deps.httpStats.get(prefix);
  if (found !== undefined) return found;
  const scope = {
    stats: new HttpStats(new LogLinearHistogram(), new LogLinearHistogram()),
    router: new RouterStats(),
  };
  deps.store.register(`http.${prefix}.`, scope.stats, HTTP_GAUGES);
  deps.store.register(`http.${prefix}.`, scope.router);
  deps.store.register(`http.${prefix}.tracing.`, new TracingStats());
  deps.httpStats.set(prefix, scope);
  return scope;
}

function http1Options(hcm: HttpConnectionManager, place: HcmPlace): Http1ServerOptions {
  const o = hcm.http_protocol_options;
  const common = hcm.common_http_protocol_options;
  return {
    maxHeadersKb: hcm.max_request_headers_kb ?? 60,
    maxHeadersCount: common?.max_headers_count ?? 100,
    enableTrailers: o?.enable_trailers ?? false,
    allowChunkedLength: o?.allow_chunked_length ?? false,
    headerKeyFormat: o?.header_key_format?.proper_case_words !== undefined ? 'proper' : 'lower',
    bufferLimit: place.bufferLimit,
    allowAbsoluteUrl: o?.allow_absolute_url ?? true,
    acceptHttp10: o?.accept_http_10 ?? false,
    defaultHostForHttp10: o?.default_host_for_http_10 === '' ? undefined : o?.default_host_for_http_10,
    streamErrorOnInvalidMessage:
      o?.override_stream_error_on_invalid_http_message ?? hcm.stream_error_on_invalid_http_message ?? false,
    headersWithUnderscores: common?.headers_with_underscores_action ?? 'ALLOW',
    validateScheme: (hcm.use_remote_address ?? false) && hcm.xff_num_trusted_hops === 0,
    tls: place.tls,
  };
}

function http2Options(hcm: HttpConnectionManager, place: HcmPlace): Http2Options {
  const o = hcm.http2_protocol_options;
  const common = hcm.common_http_protocol_options;
  return {
    ...commonHttp2Options(o),
    maxHeadersKb: hcm.max_request_headers_kb ?? 60,
    maxHeadersCount: common?.max_headers_count ?? 100,
    headersWithUnderscores: common?.headers_with_underscores_action ?? 'ALLOW',
    streamErrorOnInvalidMessage:
      o?.override_stream_error_on_invalid_http_message ??
      hcm.stream_error_on_invalid_http_message ??
      o?.stream_error_on_invalid_http_messaging ??
      false,
    bufferLimit: place.bufferLimit,
  };
}

function routerConfig(
  hcm: HttpConnectionManager,
  stats: RouterStats,
  deps: HcmDeps,
  filters: readonly HttpFilter[] = hcm.http_filters,
): RouterConfig {
  const filter = filters[filters.length - 1];
  const config = filter?.typed_config as (RouterProto & { '@type': string }) | undefined;
  const upstreamLog = deps.accessLog(config?.upstream_log ?? []);
  const strict = config?.strict_check_headers ?? [];
  if (config?.reject_connect_request_early_data)
    unsupported(config, 'reject_connect_request_early_data', 'data before the answer to CONNECT is held, not refused');
  return {
    stats,
    clusters: deps.clusters,
    shadows: { router: shadowRouterConfig(deps), ownAddress: deps.ownAddress },
    strictHeaders: strict.length === 0 ? undefined : strict.map((name) => new StrictHeader(name)),
    suppressEnvoyHeaders: config?.suppress_envoy_headers ?? false,
    respectExpectedRqTimeout: config?.respect_expected_rq_timeout ?? false,
    durationDisablesRouteTimeout: deps.profile.durationDisablesRouteTimeout,
    dynamicStats: config?.dynamic_stats ?? true,
    quietGrpcCodes: config?.suppress_grpc_request_failure_code_stats ?? false,
    upstreamLog:
      upstreamLog === null
        ? null
        : {
            log: upstreamLog,
            onStream: config?.upstream_log_options?.flush_upstream_log_on_upstream_stream ?? false,
            flushInterval: config?.upstream_log_options?.upstream_log_flush_interval ?? 0,
          },
    schemeOfUpstream: hcm.scheme_header_transformation?.match_upstream ?? false,
  };
}

/** One for all connection managers. */
function shadowRouterConfig(deps: HcmDeps): RouterConfig {
  if (deps.shadowRouter !== undefined) return deps.shadowRouter;
  const stats = new RouterStats();
  deps.store.register('http.async-client.', stats);
  const config: { -readonly [K in keyof RouterConfig]: RouterConfig[K] } = {
    stats,
    clusters: deps.clusters,
    suppressEnvoyHeaders: false,
    respectExpectedRqTimeout: false,
    durationDisablesRouteTimeout: true,
    dynamicStats: true,
    quietGrpcCodes: false,
    upstreamLog: null,
    schemeOfUpstream: false,
    shadows: null!,
  };
  config.shadows = { router: config, ownAddress: deps.ownAddress };
  deps.shadowRouter = config;
  return config;
}

const REPLY_DEPS = {
  ...systemFormatDeps(),
  runtime: () => undefined,
  headerMatcher: (config: object) => compileHeaderMatcher(config as HeaderMatcher),
};

/** The filters before the router. */
function httpFilters(
  hcm: HttpConnectionManager,
  deps: HcmDeps,
  filters: readonly HttpFilter[] = hcm.http_filters,
): FilterChain | null {
  if (hcm.route_config === undefined) return null;
  return compileFilters(
    filters.slice(0, -1),
    hcm.route_config,
    {
      store: deps.store,
      statPrefix: `http.${hcm.stat_prefix}.`,
      compileFormat,
      cidr: cidrMatcher,
      healthcheckFailed: () => deps.drain.healthcheckFailed,
      membership: (name) => {
        const stats = deps.clusters.get(name)?.stats as ClusterStats | undefined;
        return stats === undefined
          ? null
          : { healthy: stats.membership_healthy, degraded: stats.membership_degraded, total: stats.membership_total };
      },
    },
    deps.node.cluster,
  );
}

/** upgrade_configs that bring their own filters, the router last. */
function upgradePaths(hcm: HttpConnectionManager, stats: RouterStats, deps: HcmDeps): ReadonlyMap<string, FilterPath> {
  const paths = new Map<string, FilterPath>();
  for (const { upgrade_type: type, filters } of hcm.upgrade_configs)
    if (filters.length > 0)
      paths.set(type.toLowerCase(), {
        router: routerConfig(hcm, stats, deps, filters),
        filters: httpFilters(hcm, deps, filters),
      });
  return paths;
}

function refuseUnbuilt(hcm: HttpConnectionManager): void {
  const http1 = hcm.http_protocol_options;
  if (http1?.allow_custom_methods) unsupported(http1, 'allow_custom_methods', 'methods that are not registered');
  if (http1 !== undefined && http1.ignore_http_11_upgrade.length > 0)
    unsupported(http1, 'ignore_http_11_upgrade', 'upgrades that are taken for plain requests');
  const format = http1?.header_key_format;
  if (format?.stateful_formatter !== undefined)
    unsupported(format, 'stateful_formatter', 'keeping the case of header names');
  const http2 = hcm.http2_protocol_options;
  if (http2?.use_oghttp2_codec) unsupported(http2, 'use_oghttp2_codec', 'oghttp2');
}
