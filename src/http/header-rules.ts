import { Bit, H } from '../base/header-names.js';
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../base/headers.js';
import { withPort } from '../base/ip-address.js';
import type { Random } from '../base/random.js';
import type { ConnectionInfo, StreamInfo } from '../observe/stream-info.js';
import { addressFromXff, type Detected } from './client-address.js';
import type { ConnectionManagerConfig } from './config.js';

/**
 * The header rules of the connection manager: what is taken from a request before it is routed, what is added, and the same for
 * responses. One owner; Envoy: ConnectionManagerUtility. A rule that does not apply costs one bit test.
 */

const HOP_REQUEST = Bit.CONNECTION | Bit.UPGRADE | Bit.TE | Bit.HOP | Bit.REFERER;
const HOP_RESPONSE = Bit.CONNECTION | Bit.UPGRADE | Bit.HOP;

/** `Connection: upgrade` with an `Upgrade` header (HTTP/1), or an extended CONNECT. */
export function isUpgrade(headers: RequestHeaders): boolean {
  if ((headers.bits & Bit.UPGRADE) === 0 || (headers.bits & Bit.CONNECTION) === 0) return false;
  const connection = headers.get(H.connection);
  return headers.has(H.upgrade) && connection !== undefined && hasToken(connection, 'upgrade');
}

/** `token` is one of the comma-separated, case-insensitive tokens of `list`. */
export function hasToken(list: string, token: string): boolean {
  if (list.length === token.length && list.toLowerCase() === token) return true;
  if (list.length < token.length) return false;
  for (const part of list.split(',')) if (part.trim().toLowerCase() === token) return true;
  return false;
}

/** What `mutateRequestHeaders` says of a caller; a larger number is the status with which the request is refused. */
export const EXTERNAL = 0;
export const INTERNAL = 1;

const INTERNAL_ONLY = [
  H.xEnvoyRetriableStatusCodes,
  H.xEnvoyRetriableHeaderNames,
  H.xEnvoyRetryOn,
  H.xEnvoyRetryGrpcOn,
  H.xEnvoyMaxRetries,
  H.xEnvoyUpstreamAltStatName,
  H.xEnvoyUpstreamRqTimeoutMs,
  H.xEnvoyUpstreamRqPerTryTimeoutMs,
  H.xEnvoyUpstreamRqTimeoutAltResponse,
  H.xEnvoyExpectedRqTimeoutMs,
  H.xEnvoyForceTrace,
  H.xEnvoyIpTags,
  H.xEnvoyOriginalUrl,
  H.xEnvoyHedgeOnPerTryTimeout,
  H.xEnvoyUpstreamStreamDurationMs,
];
const EDGE_ONLY = [
  H.xEnvoyDecoratorOperation,
  H.xEnvoyDownstreamServiceCluster,
  H.xEnvoyDownstreamServiceNode,
  H.xEnvoyOriginalPath,
  H.xEnvoyOriginalHost,
];

const detected: Detected = { ip: null, trusted: false, append: false, refusal: 0 };

/** Applied once, before routing; the order is Envoy's, because the order of the lines upstream follows from it. */
export function mutateRequestHeaders(
  headers: RequestHeaders,
  config: ConnectionManagerConfig,
  connection: ConnectionInfo,
  info: StreamInfo,
  random: Random,
): number {
  const { earlyMutations } = config;
  if (earlyMutations !== null) for (const mutation of earlyMutations) mutation.apply(headers, info);
  if ((headers.bits & HOP_REQUEST) !== 0) removeHopByHop(headers);
  headers.remove(H.xEnvoyInternal);
  const peer = connection.remoteIp ?? ipOf(connection.remoteAddress);
  if (config.useRemoteAddress) useRemoteAddress(headers, config, connection, peer);
  else if (!detectAddress(headers, config, connection, peer)) return detected.refusal;
  setScheme(headers, config, connection);
  const client = detected.ip;
  const internal = detected.trusted && config.isInternal?.(client ?? '', connection) === true;
  info.downstreamRemoteAddress = client === null ? connection.remoteAddress : withPort(client, 0);
  const edge = config.useRemoteAddress && !internal;
  if (internal) headers.set(H.xEnvoyInternal, 'true');
  else {
    if ((headers.bits & (Bit.X_ENVOY | Bit.X_ENVOY_NOTE)) !== 0) {
      if (edge) for (const name of EDGE_ONLY) headers.remove(name);
      for (const name of INTERNAL_ONLY) headers.remove(name);
    }
    const { internalOnly } = config.routes.table;
    for (let i = 0; i < internalOnly.length; i++) headers.remove(internalOnly[i]);
  }
  if (config.userAgent !== null) addUserAgent(headers, config.userAgent);
  if (config.via !== '') appendVia(headers, config.via);
  if (edge && peer !== '') headers.set(H.xEnvoyExternalAddress, client ?? peer);
  if (config.generateRequestId) {
    const replace = edge && !config.preserveExternalRequestId;
    if (replace || (headers.bits & Bit.X_REQUEST_ID) === 0 || !headers.get(H.xRequestId))
      headers.set(H.xRequestId, random.uuid());
  }
  if ((headers.bits & Bit.X_FORWARDED_CLIENT_CERT) !== 0 && !config.forwardClientCert)
    headers.remove(H.xForwardedClientCert);
  return internal ? INTERNAL : EXTERNAL;
}

/** use_remote_address: the peer is the client, or who a trusted proxy says it is. */
function useRemoteAddress(
  headers: RequestHeaders,
  config: ConnectionManagerConfig,
  connection: ConnectionInfo,
  peer: string,
): void {
  const xff = headers.get(H.xForwardedFor);
  const hops = config.xffTrustedHops;
  detected.trusted = xff === undefined;
  detected.ip = hops > 0 && xff !== undefined ? addressFromXff(xff, hops - 1) : null;
  if (!config.skipXffAppend) appendXff(headers, config, peer);
  if (hops === 0 || !headers.has(H.xForwardedProto)) headers.set(H.xForwardedProto, protoOf(config, connection));
  if (config.appendXForwardedPort && (hops === 0 || !headers.has(H.xForwardedPort)))
    headers.set(H.xForwardedPort, portOf(connection.localAddress));
}

/** Without use_remote_address the client is whom the extensions find; false when the request is refused. */
function detectAddress(
  headers: RequestHeaders,
  config: ConnectionManagerConfig,
  connection: ConnectionInfo,
  peer: string,
): boolean {
  const { detections } = config;
  for (let i = 0; i < detections.length; i++) {
    detected.ip = null;
    detected.trusted = detected.append = false;
    detected.refusal = 0;
    detections[i].detect(headers, peer, detected);
    if (detected.refusal !== 0) return false;
    if (detected.append) appendXff(headers, config, peer);
    if (detected.ip !== null) break;
  }
  if ((headers.bits & Bit.X_FORWARDED_PROTO) === 0 || !headers.has(H.xForwardedProto))
    headers.push(H.xForwardedProto, protoOf(config, connection));
  return true;
}

function appendXff(headers: RequestHeaders, config: ConnectionManagerConfig, peer: string): void {
  if (peer === '') return;
  const own = peer === '127.0.0.1' || peer === '::1' ? config.ownAddress : peer;
  const xff = headers.get(H.xForwardedFor);
  headers.set(H.xForwardedFor, xff === undefined || xff === '' ? own : `${xff},${own}`);
}

/** forward_proto_config: on these ports of ours a load balancer in front is known to speak the protocol. */
function protoOf(config: ConnectionManagerConfig, connection: ConnectionInfo): string {
  const ports = config.forwardProto;
  if (ports !== null) {
    const port = Number(portOf(connection.localAddress));
    if (ports.https.includes(port)) return 'https';
    if (ports.http.includes(port)) return 'http';
  }
  return connection.tls ? 'https' : 'http';
}

function removeHopByHop(headers: RequestHeaders): void {
  if (!isUpgrade(headers)) {
    headers.remove(H.connection);
    headers.remove(H.upgrade);
    const te = headers.get(H.te);
    if (te !== undefined) {
      if (acceptsTrailers(te)) headers.set(H.te, 'trailers');
      else headers.remove(H.te);
    }
  }
  headers.remove(H.keepAlive);
  headers.remove(H.proxyConnection);
  headers.remove(H.transferEncoding);
  const referer = headers.get(H.referer);
  if (referer !== undefined && !isUrl(referer)) headers.remove(H.referer);
}

/** One of the tokens is `trailers`, in lower case; parameters do not count. */
function acceptsTrailers(te: string): boolean {
  if (te === 'trailers') return true;
  return te.split(',').some((part) => part.split(';')[0].trim() === 'trailers');
}

/**
 * Whether Envoy keeps a `referer`: an absolute URL without user and fragment, or a relative reference without fragment
 * whose first segment holds no colon.
 */
function isUrl(text: string): boolean {
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]+)/i.exec(text);
  if (absolute !== null) return !absolute[1].includes('@') && !text.includes('#');
  const colon = text.indexOf(':');
  const slash = text.indexOf('/');
  if (colon >= 0 && (slash < 0 || colon < slash)) return false;
  return /^[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*$/.test(text);
}

function setScheme(headers: RequestHeaders, config: ConnectionManagerConfig, connection: ConnectionInfo): void {
  if (config.schemeOverwrite !== null) {
    headers.scheme = config.schemeOverwrite;
    headers.set(H.xForwardedProto, config.schemeOverwrite);
    return;
  }
  if (headers.scheme === undefined) {
    const forwarded = headers.get(H.xForwardedProto);
    const lower = forwarded === 'http' || forwarded === 'https' ? forwarded : forwarded?.toLowerCase();
    headers.scheme = lower === 'http' || lower === 'https' ? lower : connection.tls ? 'https' : 'http';
  } else if (headers.scheme !== 'http' && headers.scheme !== 'https') headers.scheme = headers.scheme.toLowerCase();
}

export function ipOf(address: string): string {
  const at = address.lastIndexOf(':');
  const ip = at < 0 ? address : address.slice(0, at);
  return ip.charCodeAt(0) === 91 ? ip.slice(1, -1) : ip;
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}

function addUserAgent(headers: RequestHeaders, agent: { serviceCluster: string; serviceNode: string }): void {
  headers.set(H.xEnvoyDownstreamServiceCluster, agent.serviceCluster);
  if (!headers.get(H.userAgent)) headers.set(H.userAgent, agent.serviceCluster);
  if (agent.serviceNode !== '') headers.set(H.xEnvoyDownstreamServiceNode, agent.serviceNode);
}

function appendVia(headers: HeaderMap, via: string): void {
  const had = headers.get(H.via);
  headers.set(H.via, had === undefined ? via : `${had}, ${via}`);
}

/** x-envoy-force-trace, which only internal callers may say: the response tells the id to look for. */
function isForced(request: RequestHeaders): boolean {
  return (request.bits & Bit.X_ENVOY) !== 0 && request.has(H.xEnvoyForceTrace);
}

/** Everything a response loses and gains on its way out, framing headers apart. */
export function mutateResponseHeaders(
  headers: ResponseHeaders,
  config: ConnectionManagerConfig,
  request: RequestHeaders | null,
  tunnel: boolean,
  date: string,
): void {
  if ((headers.bits & Bit.DATE) === 0 || !headers.has(H.date)) headers.push(H.date, date);
  const kind = config.serverHeader;
  if (kind === 'OVERWRITE') {
    if ((headers.bits & Bit.SERVER) === 0) headers.push(H.server, config.serverName);
    else headers.set(H.server, config.serverName);
  } else if (kind === 'APPEND_IF_ABSENT' && !headers.has(H.server)) headers.push(H.server, config.serverName);
  if ((headers.bits & HOP_RESPONSE) !== 0) {
    if (!tunnel) {
      headers.remove(H.connection);
      headers.remove(H.upgrade);
    }
    headers.remove(H.transferEncoding);
    headers.remove(H.keepAlive);
    headers.remove(H.proxyConnection);
  }
  if (request !== null && (config.alwaysSetRequestIdInResponse || isForced(request))) {
    const id = request.get(H.xRequestId);
    if (id !== undefined) headers.set(H.xRequestId, id);
  }
  if (config.via !== '') appendVia(headers, config.via);
}
