import { formatDuration } from '../../config/duration.js';
import { parseDuration } from '../duration.js';
import type { Mesh } from '../mesh.js';
import { isHttp, type Protocol } from '../protocol.js';
import { allFrom, booleanAt, comesFrom, isTree, numberAt, stringAt, type Tree, treeAt } from '../tree.js';
import type { World } from '../world.js';
import type { Policy } from './policy.js';

const UNLIMITED = 4294967295;

export const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** HttpProtocolOptions of a cluster, made when the first field is written. */
export function httpOptions(cluster: Tree): Tree {
  const all = (cluster['typed_extension_protocol_options'] ??= {}) as Tree;
  return (all[HTTP_OPTIONS] ??= {
    '@type': `type.googleapis.com/${HTTP_OPTIONS}`,
  }) as Tree;
}

/** The HTTP/2 options of a cluster that always speaks HTTP/2; undefined for others. */
export function explicitHttp2(cluster: Tree): Tree | undefined {
  const options = treeAt(treeAt(cluster, 'typed_extension_protocol_options'), HTTP_OPTIONS);
  return treeAt(treeAt(options, 'explicit_http_config'), 'http2_protocol_options');
}

export function useHttp2(cluster: Tree): void {
  const options = httpOptions(cluster);
  if (options['explicit_http_config'] !== undefined || options['use_downstream_protocol_config'] !== undefined) return;
  options['explicit_http_config'] = { http2_protocol_options: {} };
}

export function useDownstreamProtocol(cluster: Tree): void {
  const options = httpOptions(cluster);
  const http1 = treeAt(treeAt(options, 'explicit_http_config'), 'http_protocol_options');
  delete options['explicit_http_config'];
  options['use_downstream_protocol_config'] = { http_protocol_options: http1 ?? {}, http2_protocol_options: {} };
}

/** HttpProtocolOptions must name a protocol: HTTP/1.1 unless something else was said. */
export function completeHttpOptions(cluster: Tree): void {
  const options = treeAt(treeAt(cluster, 'typed_extension_protocol_options'), HTTP_OPTIONS);
  if (options === undefined) return;
  if (options['explicit_http_config'] !== undefined || options['use_downstream_protocol_config'] !== undefined) return;
  options['explicit_http_config'] = { http_protocol_options: {} };
}

/** Whether HTTP/2 is used for a port that would speak HTTP/1.1. */
export function upgradesToHttp2(mesh: Mesh, protocol: Protocol, pool: Tree | undefined): boolean {
  const http = treeAt(pool, 'http');
  if (http !== undefined) {
    if (http['useClientProtocol'] === true) return false;
    const policy = stringAt(http, 'h2UpgradePolicy');
    if (policy === 'UPGRADE') return true;
    if (policy === 'DO_NOT_UPGRADE') return false;
  }
  return isHttp(protocol) && mesh.upgradesToHttp2;
}

/** What a connection pool cannot do for its cluster, to be said to whoever wrote it. */
export type Unheeded = (field: string, tree: Tree, reason: string) => void;

/** Writes connectTimeout, limits, keepalives and lifetimes of connections. */
export function writeConnectionPool(
  cluster: Tree,
  { mesh, profile }: Pick<World, 'mesh' | 'profile'>,
  policy: Policy,
  unheeded: Unheeded,
): void {
  const pool = policy.connectionPool;
  const http = treeAt(pool, 'http');
  const tcp = treeAt(pool, 'tcp');
  const threshold: Tree = {
    max_connections: UNLIMITED,
    max_pending_requests: UNLIMITED,
    max_requests: UNLIMITED,
    max_retries: UNLIMITED,
  };
  const limit = (name: string, source: Tree | undefined, field: string) => {
    const value = numberAt(source, field) ?? 0;
    if (source === undefined || value <= 0) return;
    threshold[name] = value;
    comesFrom(threshold, name, source, field);
  };
  limit('max_requests', http, 'http2MaxRequests');
  limit('max_pending_requests', http, 'http1MaxPendingRequests');
  limit('max_retries', http, 'maxRetries');
  limit('max_connections', tcp, 'maxConnections');
  writeRetryBudget(threshold, policy.retryBudget);
  cluster['circuit_breakers'] = { thresholds: [threshold] };

  cluster['connect_timeout'] = formatDuration(mesh.connectTimeout);
  if (mesh.tree['connectTimeout'] !== undefined) comesFrom(cluster, 'connect_timeout', mesh.tree, 'connectTimeout');
  duration(cluster, 'connect_timeout', tcp, 'connectTimeout');
  writeTcpKeepalive(cluster, mesh.tcpKeepalive);
  writeTcpKeepalive(cluster, treeAt(tcp, 'tcpKeepalive'));

  const common: Tree = {};
  if (!duration(common, 'idle_timeout', http, 'idleTimeout')) duration(common, 'idle_timeout', tcp, 'idleTimeout');
  duration(common, 'max_connection_duration', tcp, 'maxConnectionDuration');
  const perConnection = numberAt(http, 'maxRequestsPerConnection') ?? 0;
  if (http !== undefined && perConnection > 0) {
    common['max_requests_per_connection'] = perConnection;
    comesFrom(common, 'max_requests_per_connection', http, 'maxRequestsPerConnection');
  }
  const streams = numberAt(http, 'maxConcurrentStreams') ?? 0;
  const keepAlive = profile.http2KeepAlive ? treeAt(http, 'http2KeepAlive') : undefined;
  if (Object.keys(common).length > 0 || streams > 0 || keepAlive !== undefined) {
    const options = httpOptions(cluster);
    const before = options['common_http_protocol_options'];
    options['common_http_protocol_options'] = isTree(before) ? Object.assign(before, common) : common;
    writeHttp2(explicitHttp2(cluster), http, streams, keepAlive, unheeded);
  }
  if (http?.['useClientProtocol'] === true) useDownstreamProtocol(cluster);
}

function writeHttp2(
  http2: Tree | undefined,
  http: Tree | undefined,
  streams: number,
  keepAlive: Tree | undefined,
  unheeded: Unheeded,
): void {
  if (http === undefined) return;
  const reason =
    'only a cluster that always speaks HTTP/2 heeds it (port named http2, grpc or grpc-web, appProtocol kubernetes.io/h2c, or h2UpgradePolicy UPGRADE)';
  if (streams > 0) {
    if (http2 === undefined) unheeded('maxConcurrentStreams', http, reason);
    else {
      http2['max_concurrent_streams'] = streams;
      comesFrom(http2, 'max_concurrent_streams', http, 'maxConcurrentStreams');
    }
  }
  if (keepAlive === undefined) return;
  if (http2 === undefined || http['useClientProtocol'] === true) {
    unheeded('http2KeepAlive', http, reason);
    if (http2 === undefined) return;
  }
  const made: Tree = {};
  duration(made, 'interval', keepAlive, 'interval');
  duration(made, 'timeout', keepAlive, 'timeout');
  http2['connection_keepalive'] = made;
  comesFrom(http2, 'connection_keepalive', http, 'http2KeepAlive');
}

function duration(out: Tree, name: string, source: Tree | undefined, field: string): boolean {
  if (source === undefined) return false;
  const ms = parseDuration(stringAt(source, field));
  if (ms === null) return false;
  out[name] = formatDuration(ms);
  comesFrom(out, name, source, field);
  return true;
}

/** Turns on TCP keepalive; what is not said stays with the operating system. Whole seconds. */
function writeTcpKeepalive(cluster: Tree, keepalive: Tree | undefined): void {
  if (keepalive === undefined) return;
  const options = (cluster['upstream_connection_options'] ??= { tcp_keepalive: {} }) as Tree;
  const out = options['tcp_keepalive'] as Tree;
  const probes = numberAt(keepalive, 'probes') ?? 0;
  if (probes > 0) {
    out['keepalive_probes'] = probes;
    comesFrom(out, 'keepalive_probes', keepalive, 'probes');
  }
  for (const [field, name] of [
    ['time', 'keepalive_time'],
    ['interval', 'keepalive_interval'],
  ]) {
    const ms = parseDuration(stringAt(keepalive, field));
    if (ms === null) continue;
    out[name] = Math.trunc(ms / 1000);
    comesFrom(out, name, keepalive, field);
  }
}

function writeRetryBudget(threshold: Tree, budget: Tree | undefined): void {
  if (budget === undefined) return;
  const out: Tree = {
    budget_percent: {
      value: numberAt(treeAt(budget, 'percent') ?? budget, 'value') ?? numberAt(budget, 'percent') ?? 20,
    },
    min_retry_concurrency: numberAt(budget, 'minRetryConcurrency') || 3,
  };
  duration(out, 'budget_interval', budget, 'budgetInterval');
  allFrom(out, budget);
  threshold['retry_budget'] = out;
}

/** Writes outlier detection. `{}` alone turns on Envoy's own defaults. */
export function writeOutlierDetection(cluster: Tree, outlier: Tree | undefined): void {
  if (outlier === undefined) return;
  const out: Tree = { enforcing_success_rate: 0 };
  const enforced = (field: string, name: string) => {
    const value = numberAt(outlier, field);
    if (value === undefined) return;
    out[name] = value;
    out[`enforcing_${name}`] = value > 0 ? 100 : 0;
    comesFrom(out, name, outlier, field);
    comesFrom(out, `enforcing_${name}`, outlier, field);
  };
  enforced('consecutive5xxErrors', 'consecutive_5xx');
  enforced('consecutiveGatewayErrors', 'consecutive_gateway_failure');
  duration(out, 'interval', outlier, 'interval');
  duration(out, 'base_ejection_time', outlier, 'baseEjectionTime');
  const most = numberAt(outlier, 'maxEjectionPercent') ?? 0;
  if (most > 0) {
    out['max_ejection_percent'] = most;
    comesFrom(out, 'max_ejection_percent', outlier, 'maxEjectionPercent');
  }
  if (booleanAt(outlier, 'splitExternalLocalOriginErrors') === true) {
    out['split_external_local_origin_errors'] = true;
    if ((numberAt(outlier, 'consecutiveLocalOriginFailures') ?? 0) > 0) {
      enforced('consecutiveLocalOriginFailures', 'consecutive_local_origin_failure');
    }
    out['enforcing_local_origin_success_rate'] = 0;
  }
  cluster['outlier_detection'] = out;
  allFrom(out, outlier);
  const health = numberAt(outlier, 'minHealthPercent') ?? 0;
  if (health > 0) {
    const panic = { value: health };
    comesFrom(panic, 'value', outlier, 'minHealthPercent');
    (cluster['common_lb_config'] as Tree)['healthy_panic_threshold'] = panic;
  }
}
