import { formatDuration } from '../../config/duration.js';
import { parseDuration } from '../duration.js';
import { booleanAt, comesFrom, numberAt, stringAt, type Tree } from '../tree.js';

/** What the EDGE profile sets on gateways where the settings themselves say nothing. */
const EDGE: Tree = {
  listenerPerConnectionBufferLimitBytes: 32768,
  httpIdleTimeout: '1h',
  httpStreamIdleTimeout: '5m',
  httpRequestTimeout: '5m',
  httpRequestHeadersTimeout: '60s',
  httpMaxConcurrentStreams: 100,
  http2InitialStreamWindowSize: 65536,
  http2InitialConnectionWindowSize: 1048576,
  httpHeadersWithUnderscoresAction: 'HEADERS_WITH_UNDERSCORES_REJECT_REQUEST',
  httpMergeSlashes: true,
  httpPathWithEscapedSlashesAction: 'UNESCAPE_AND_REDIRECT',
};

const UNDERSCORES: Record<string, string> = {
  HEADERS_WITH_UNDERSCORES_ALLOW: 'ALLOW',
  HEADERS_WITH_UNDERSCORES_REJECT_REQUEST: 'REJECT_REQUEST',
  HEADERS_WITH_UNDERSCORES_DROP_HEADER: 'DROP_HEADER',
};

/**
 * Writes ProxyConfig `connectionSettings` into a connection manager: lifetimes of connections and streams, windows of
 * HTTP/2, and how paths are read.
 */
export function writeConnectionSettings(manager: Tree, settings: Tree, gateway: boolean): void {
  const edge = gateway && stringAt(settings, 'profile') === 'EDGE';
  const source = (field: string): Tree => (settings[field] === undefined && edge ? EDGE : settings);
  const common: Tree = {};
  const duration = (into: Tree, name: string, field: string) => {
    const ms = parseDuration(stringAt(source(field), field));
    if (ms === null) return;
    into[name] = formatDuration(ms);
    comesFrom(into, name, settings, field);
  };
  duration(common, 'idle_timeout', 'httpIdleTimeout');
  duration(common, 'max_connection_duration', 'httpMaxConnectionDuration');
  duration(common, 'max_stream_duration', 'httpMaxStreamDuration');
  const underscores =
    UNDERSCORES[stringAt(source('httpHeadersWithUnderscoresAction'), 'httpHeadersWithUnderscoresAction')];
  if (underscores !== undefined && underscores !== 'ALLOW') {
    common['headers_with_underscores_action'] = underscores;
    comesFrom(common, 'headers_with_underscores_action', settings, 'httpHeadersWithUnderscoresAction');
  }
  if (Object.keys(common).length > 0) manager['common_http_protocol_options'] = common;
  duration(manager, 'stream_idle_timeout', 'httpStreamIdleTimeout');
  duration(manager, 'request_timeout', 'httpRequestTimeout');
  duration(manager, 'request_headers_timeout', 'httpRequestHeadersTimeout');
  duration(manager, 'drain_timeout', 'httpDrainTimeout');
  const http2: Tree = {};
  for (const [field, name] of [
    ['httpMaxConcurrentStreams', 'max_concurrent_streams'],
    ['http2InitialStreamWindowSize', 'initial_stream_window_size'],
    ['http2InitialConnectionWindowSize', 'initial_connection_window_size'],
  ]) {
    const value = numberAt(source(field), field);
    if (value === undefined || value < 0) continue;
    http2[name] = value;
    comesFrom(http2, name, settings, field);
  }
  if (Object.keys(http2).length > 0) manager['http2_protocol_options'] = http2;
  const merge = booleanAt(source('httpMergeSlashes'), 'httpMergeSlashes');
  if (merge !== undefined) {
    manager['merge_slashes'] = merge;
    comesFrom(manager, 'merge_slashes', settings, 'httpMergeSlashes');
  }
  const escaped = stringAt(source('httpPathWithEscapedSlashesAction'), 'httpPathWithEscapedSlashesAction');
  if (escaped !== '' && escaped !== 'PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED') {
    manager['path_with_escaped_slashes_action'] = escaped;
    comesFrom(manager, 'path_with_escaped_slashes_action', settings, 'httpPathWithEscapedSlashesAction');
  }
}

/** Most bytes a connection's buffers hold, of the settings or of the EDGE profile; undefined when neither says. */
export function connectionBufferLimit(settings: Tree | undefined, gateway: boolean): number | undefined {
  if (settings === undefined) return undefined;
  const own = numberAt(settings, 'listenerPerConnectionBufferLimitBytes');
  if (own !== undefined) return own < 0 ? undefined : own;
  return gateway && stringAt(settings, 'profile') === 'EDGE' ? 32768 : undefined;
}
