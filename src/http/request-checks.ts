import { Bit, H } from '../base/header-names.js';
import type { RequestHeaders } from '../base/headers.js';
import { isGrpcRequest } from '../router/grpc.js';
import type { ConnectionManagerConfig } from './config.js';
import { hasToken } from './header-rules.js';
import { PathAction } from './path.js';
import type { ActiveStream } from './stream.js';

/**
 * What a request must be before it is routed, in Envoy's order (ConnectionManagerImpl::ActiveStream::decodeHeaders).
 * Answers the stream and returns false when it is not.
 */
export function checkRequest(stream: ActiveStream, headers: RequestHeaders, config: ConnectionManagerConfig): boolean {
  if (stream.protocol !== 'HTTP/2') noteConnectionClose(stream, headers);
  if (headers.authority === undefined) {
    stream.sendLocalReply(400, '', 'missing_host_header');
    return false;
  }
  const path = headers.path;
  if (headers.method !== 'CONNECT' || headers.protocol !== undefined) {
    if (path === undefined || path === '') {
      stream.sendLocalReply(404, '', 'missing_path_rejected');
      return false;
    }
    if (path.charCodeAt(0) !== 47) {
      config.stats.downstream_rq_non_relative_path++;
      stream.sendLocalReply(404, '', 'absolute_path_rejected');
      return false;
    }
    if (!checkPath(stream, headers, config)) return false;
  }
  if (headers.method === 'QUERY' && !headers.has(H.contentType)) {
    stream.sendLocalReply(400, '', 'query_missing_content_type');
    return false;
  }
  if (config.stripMatchingHostPort || config.stripAnyHostPort || config.stripTrailingHostDot)
    normalizeHost(headers, config);
  return true;
}

function checkPath(stream: ActiveStream, headers: RequestHeaders, config: ConnectionManagerConfig): boolean {
  const action = config.path.apply(headers);
  if (action === PathAction.CONTINUE) return true;
  if (action === PathAction.REJECT || isGrpcRequest(headers)) {
    config.stats.downstream_rq_failed_path_normalization++;
    stream.sendLocalReply(400, '', 'path_normalization_failed');
    return false;
  }
  config.stats.downstream_rq_redirected_with_normalized_path++;
  const location = headers.path!;
  stream.sendLocalReply(307, '', 'path_normalization_failed', {
    overloaded: false,
    addReplyHeaders(reply) {
      reply.set(H.location, location);
    },
  });
  return false;
}

/** HTTP/1: the client wants the connection closed after this exchange, or can do no better. */
function noteConnectionClose(stream: ActiveStream, headers: RequestHeaders): void {
  const old = stream.protocol === 'HTTP/1.0';
  if (!old && (headers.bits & (Bit.CONNECTION | Bit.HOP)) === 0) return;
  const connection = headers.get(H.connection) ?? '';
  const proxy = headers.get(H.proxyConnection) ?? '';
  if (old) {
    if (!hasToken(connection, 'keep-alive') && !hasToken(proxy, 'keep-alive')) stream.drainConnection = true;
  } else if (hasToken(connection, 'close') || hasToken(proxy, 'close')) stream.drainConnection = true;
}

function normalizeHost(headers: RequestHeaders, config: ConnectionManagerConfig): void {
  let host = headers.authority!;
  const colon = host.lastIndexOf(':');
  if (colon > host.lastIndexOf(']') && headers.method !== 'CONNECT') {
    const port = host.slice(colon + 1);
    const matches = port === String(config.listenerPort);
    if (config.stripAnyHostPort || (config.stripMatchingHostPort && matches)) host = host.slice(0, colon);
  }
  if (config.stripTrailingHostDot) {
    const end = host.lastIndexOf(':') > host.lastIndexOf(']') ? host.lastIndexOf(':') : host.length;
    if (host.charCodeAt(end - 1) === 46) host = host.slice(0, end - 1) + host.slice(end);
  }
  headers.authority = host;
}
