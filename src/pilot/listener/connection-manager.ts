import type { Mesh } from '../mesh.js';
import { comesFrom, type Tree, treeAt } from '../tree.js';
import type { World } from '../world.js';
import { writeConnectionSettings } from './connection-settings.js';

export const HTTP_CONNECTION_MANAGER =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** What differs between the connection managers of a proxy. */
export interface ManagerKind {
  direction: 'outbound' | 'inbound' | 'gateway';
  /** Such as `outbound_0.0.0.0_80;`. */
  statPrefix: string;
  /** Name of a route configuration that is found elsewhere, or one written in. */
  routes: string | Tree;
  /** Whether the port is named for HTTP/2, which istiod notes on the inbound side. */
  http2?: boolean;
}

const FAULT = 'envoy.filters.http.fault';
const CORS = 'envoy.filters.http.cors';
const ROUTER = 'envoy.filters.http.router';

function filter(name: string, type: string, fields: Tree = {}): Tree {
  return { name, typed_config: { '@type': `type.googleapis.com/${type}`, ...fields } };
}

/**
 * The HTTP filters that change what a request meets: fault, cors, router. istiod's own (metadata exchange, statistics,
 * ALPN override) only watch or choose mutual TLS, and are no part of Envoy.
 */
function httpFilters(): Tree[] {
  return [
    filter(FAULT, 'envoy.extensions.filters.http.fault.v3.HTTPFault'),
    filter(CORS, 'envoy.extensions.filters.http.cors.v3.Cors'),
    filter(ROUTER, 'envoy.extensions.filters.http.router.v3.Router'),
  ];
}

/** Envoy's HttpConnectionManager as istiod writes it, access logs included. */
export function connectionManager(world: World, kind: ManagerKind, accessLogs: Tree[]): Tree {
  const out: Tree = { '@type': HTTP_CONNECTION_MANAGER, stat_prefix: kind.statPrefix };
  if (typeof kind.routes === 'string') {
    out['rds'] = {
      route_config_name: kind.routes,
      config_source: { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' },
    };
  } else out['route_config'] = kind.routes;
  out['http_filters'] = httpFilters();
  out['use_remote_address'] = kind.direction === 'gateway';
  out['stream_idle_timeout'] = '0s';
  out['proxy_100_continue'] = true;
  out['upgrade_configs'] = [{ upgrade_type: 'websocket' }];
  if (kind.direction !== 'outbound') {
    out['server_name'] = 'istio-envoy';
    out['forward_client_cert_details'] = kind.direction === 'gateway' ? 'SANITIZE_SET' : 'APPEND_FORWARD';
    const details: Tree = { subject: true, dns: true, uri: true };
    if (kind.direction === 'gateway') details['cert'] = true;
    out['set_current_client_cert_details'] = details;
  }
  if (kind.direction === 'gateway') out['http_protocol_options'] = {};
  if (kind.http2 === true) out['http2_protocol_options'] = {};
  writePathNormalization(out, world.mesh);
  const settings = treeAt(world.mesh.defaultConfig, 'connectionSettings');
  if (settings !== undefined) writeConnectionSettings(out, settings, kind.direction === 'gateway');
  if (accessLogs.length > 0) out['access_log'] = accessLogs;
  return out;
}

function writePathNormalization(out: Tree, mesh: Mesh): void {
  out['path_with_escaped_slashes_action'] = 'KEEP_UNCHANGED';
  switch (mesh.pathNormalization) {
    case 'NONE':
      out['normalize_path'] = false;
      return;
    case 'MERGE_SLASHES':
      out['merge_slashes'] = true;
      break;
    case 'DECODE_AND_MERGE_SLASHES':
      out['merge_slashes'] = true;
      out['path_with_escaped_slashes_action'] = 'UNESCAPE_AND_FORWARD';
      break;
  }
  out['normalize_path'] = true;
  comesFrom(out, 'normalize_path', mesh.tree, 'pathNormalization');
}
