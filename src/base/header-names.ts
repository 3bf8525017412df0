/**
 * Header names as shared objects.
 *
 * Every header name in the process is one `HeaderName`, so that a codec can attach what it has worked out about the
 * name once (its bit, its HPACK static index, its HTTP/1 bytes) and a comparison is a pointer comparison.
 * Names that code or configuration mentions are *permanent*. Names that only traffic mentions are kept in a bounded
 * table; when it overflows they are forgotten, and a later use makes a new object: such names compare by text.
 */
export class HeaderName {
  /** `text: ` as it stands on an HTTP/1 line; made when first written. */
  http1: Uint8Array | null = null;
  /** Value that HTTP/1 wrote last with this name, and the line of the two; made when it comes again. Used by `codec/http1`. */
  http1Value: string | null = null;
  http1Line: Uint8Array | null = null;
  http1Misses = 0;
  /** Index of the first entry of this name in the HPACK static table, 0 when it has none. Set by `codec/http2`. */
  hpackIndex = 0;
  /** Place of the name in the tables of every HPACK encoder, -1 before its first use. Set by `codec/http2`. */
  hpackSlot = -1;

  /** OR of the `Joins` whose maps keep one value of this header: a repeated line is joined with `,` (cookie: `; `). */
  joins = 0;

  constructor(
    /** Lower-case text of the name. */
    readonly text: string,
    /** One of the `Bit` constants, 0 for a name that no rule of the proxy mentions. */
    readonly bit: number,
    /** Envoy keeps one value of this header in some kind of map: `joins` is not 0. */
    readonly inline: boolean,
    public permanent: boolean,
  ) {}
}

/**
 * Bits that say which headers a map may hold. A header map ORs the bits of all names that were added to it, so a rule
 * that concerns a header costs one AND when the header is absent. A set bit may be stale after a removal.
 */
export const Bit = {
  CONNECTION: 1 << 0,
  UPGRADE: 1 << 1,
  TE: 1 << 2,
  /** keep-alive, proxy-connection, transfer-encoding, http2-settings */
  HOP: 1 << 3,
  CONTENT_LENGTH: 1 << 4,
  EXPECT: 1 << 5,
  HOST: 1 << 6,
  X_FORWARDED_FOR: 1 << 7,
  X_FORWARDED_PROTO: 1 << 8,
  /** x-forwarded-host, x-forwarded-port */
  X_FORWARDED_OTHER: 1 << 9,
  X_REQUEST_ID: 1 << 10,
  /** any name that starts with x-envoy-, but for those of X_ENVOY_NOTE */
  X_ENVOY: 1 << 11,
  REFERER: 1 << 12,
  CONTENT_TYPE: 1 << 13,
  GRPC_TIMEOUT: 1 << 14,
  /** grpc-status, grpc-message */
  GRPC_STATUS: 1 << 15,
  COOKIE: 1 << 16,
  DATE: 1 << 17,
  SERVER: 1 << 18,
  VIA: 1 << 19,
  USER_AGENT: 1 << 20,
  X_FORWARDED_CLIENT_CERT: 1 << 21,
  EARLY_DATA: 1 << 22,
  TRAILER: 1 << 23,
  ORIGIN: 1 << 24,
  LOCATION: 1 << 25,
  /** x-client-trace-id, traceparent, b3 */
  TRACE: 1 << 26,
  PROXY_STATUS: 1 << 27,
  /**
   * x-envoy-internal, x-envoy-external-address, x-envoy-expected-rq-timeout-ms, x-envoy-upstream-service-time: every message has some of
   * them, and they ask for nothing.
   */
  X_ENVOY_NOTE: 1 << 28,
} as const;

const BITS: Record<string, number> = {
  connection: Bit.CONNECTION,
  upgrade: Bit.UPGRADE,
  te: Bit.TE,
  'keep-alive': Bit.HOP,
  'proxy-connection': Bit.HOP,
  'transfer-encoding': Bit.HOP,
  'http2-settings': Bit.HOP,
  'content-length': Bit.CONTENT_LENGTH,
  expect: Bit.EXPECT,
  host: Bit.HOST,
  'x-forwarded-for': Bit.X_FORWARDED_FOR,
  'x-forwarded-proto': Bit.X_FORWARDED_PROTO,
  'x-forwarded-host': Bit.X_FORWARDED_OTHER,
  'x-forwarded-port': Bit.X_FORWARDED_OTHER,
  'x-request-id': Bit.X_REQUEST_ID,
  referer: Bit.REFERER,
  'content-type': Bit.CONTENT_TYPE,
  'grpc-timeout': Bit.GRPC_TIMEOUT,
  'grpc-status': Bit.GRPC_STATUS,
  'grpc-message': Bit.GRPC_STATUS,
  cookie: Bit.COOKIE,
  date: Bit.DATE,
  server: Bit.SERVER,
  via: Bit.VIA,
  'user-agent': Bit.USER_AGENT,
  'x-forwarded-client-cert': Bit.X_FORWARDED_CLIENT_CERT,
  'early-data': Bit.EARLY_DATA,
  trailer: Bit.TRAILER,
  origin: Bit.ORIGIN,
  location: Bit.LOCATION,
  'x-client-trace-id': Bit.TRACE,
  traceparent: Bit.TRACE,
  b3: Bit.TRACE,
  'proxy-status': Bit.PROXY_STATUS,
  'x-envoy-internal': Bit.X_ENVOY_NOTE,
  'x-envoy-external-address': Bit.X_ENVOY_NOTE,
  'x-envoy-expected-rq-timeout-ms': Bit.X_ENVOY_NOTE,
  'x-envoy-upstream-service-time': Bit.X_ENVOY_NOTE,
};

const words = (text: string) => new Set(text.split(/\s+/));

/** The kinds of map in which a repeated line of a name is joined to the first one: see `HeaderName.joins`. */
export const Joins = { REQUEST: 1, RESPONSE: 2, TRAILERS: 4 } as const;

/* The headers of which Envoy 1.40 keeps one value, those that its filters register included; as measured. */
const JOINED_IN_REQUESTS = words(
  `accept accept-encoding access-control-request-headers access-control-request-method
  access-control-request-private-network authorization cache-control cdn-loop connection content-encoding
  content-length content-type cookie expect grpc-accept-encoding grpc-timeout host if-match if-modified-since
  if-none-match if-range if-unmodified-since keep-alive origin pragma proxy-connection proxy-status referer te
  transfer-encoding upgrade user-agent via x-client-trace-id x-envoy-attempt-count x-envoy-decorator-operation
  x-envoy-downstream-service-cluster x-envoy-downstream-service-node x-envoy-expected-rq-timeout-ms
  x-envoy-external-address x-envoy-force-trace x-envoy-hedge-on-per-try-timeout x-envoy-internal x-envoy-ip-tags
  x-envoy-is-timeout-retry x-envoy-max-retries x-envoy-original-host x-envoy-original-path x-envoy-original-url
  x-envoy-retriable-header-names x-envoy-retriable-status-codes x-envoy-retry-grpc-on x-envoy-retry-on
  x-envoy-upstream-alt-stat-name x-envoy-upstream-rq-per-try-timeout-ms x-envoy-upstream-rq-timeout-alt-response
  x-envoy-upstream-rq-timeout-ms x-envoy-upstream-stream-duration-ms x-forwarded-client-cert x-forwarded-for
  x-forwarded-host x-forwarded-port x-forwarded-proto x-request-id`,
);
const JOINED_IN_RESPONSES = words(
  `access-control-allow-credentials access-control-allow-headers access-control-allow-methods
  access-control-allow-origin access-control-allow-private-network access-control-expose-headers
  access-control-max-age age cache-control connection content-encoding content-length content-type date etag expires
  grpc-message grpc-status keep-alive last-modified location proxy-connection proxy-status server transfer-encoding
  upgrade vary via x-envoy-attempt-count x-envoy-decorator-operation x-envoy-degraded
  x-envoy-immediate-health-check-fail x-envoy-ratelimited x-envoy-upstream-canary
  x-envoy-upstream-healthchecked-cluster x-envoy-upstream-service-time x-request-id`,
);
const JOINED_IN_TRAILERS = words('grpc-message grpc-status');

function joinsOf(text: string): number {
  return (
    (JOINED_IN_REQUESTS.has(text) ? Joins.REQUEST : 0) |
    (JOINED_IN_RESPONSES.has(text) ? Joins.RESPONSE : 0) |
    (JOINED_IN_TRAILERS.has(text) ? Joins.TRAILERS : 0)
  );
}

const TRANSIENT_LIMIT = 8192;
const table = new Map<string, HeaderName>();
let transients = 0;

function make(text: string, permanent: boolean): HeaderName {
  const bit = BITS[text] ?? (text.startsWith('x-envoy-') ? Bit.X_ENVOY : 0);
  const joins = joinsOf(text);
  const name = new HeaderName(text, bit, joins !== 0, permanent);
  name.joins = joins;
  return name;
}

/** The name object of a lower-case name that traffic brought. */
export function headerName(text: string): HeaderName {
  const found = table.get(text);
  if (found !== undefined) return found;
  if (transients >= TRANSIENT_LIMIT) forgetTransients();
  const made = make(text, false);
  table.set(text, made);
  transients++;
  return made;
}

/** The name object of a name that code or configuration mentions; any case. Permanent: comparisons by identity hold. */
export function permanentName(text: string): HeaderName {
  const lower = text.toLowerCase();
  const found = table.get(lower);
  if (found !== undefined) {
    if (!found.permanent) {
      found.permanent = true;
      transients--;
    }
    return found;
  }
  const made = make(lower, true);
  table.set(lower, made);
  return made;
}

function forgetTransients(): void {
  for (const [text, name] of table) if (!name.permanent) table.delete(text);
  byBytes.fill(null);
  transients = 0;
}

/* A direct-mapped cache from the bytes of a name, as a codec meets them, to its object. */
const byBytes: (HeaderName | null)[] = new Array(2048).fill(null);
const LOWER = new Uint8Array(256);
for (let i = 0; i < 256; i++) LOWER[i] = i >= 65 && i <= 90 ? i + 32 : i;

/** The name object for `buf[start..end)`, of any case. The bytes must have been checked by the codec. */
export function headerNameOfBytes(buf: Uint8Array, start: number, end: number): HeaderName {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + LOWER[buf[i]]) | 0;
  const slot = (hash ^ (hash >>> 11)) & 2047;
  const cached = byBytes[slot];
  if (cached !== null && sameName(cached.text, buf, start, end)) return cached;
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(LOWER[buf[i]]);
  const name = headerName(text);
  byBytes[slot] = name;
  return name;
}

function sameName(text: string, buf: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== LOWER[buf[start + i]]) return false;
  return true;
}

for (const text of Object.keys(BITS)) permanentName(text);
for (const text of [...JOINED_IN_REQUESTS, ...JOINED_IN_RESPONSES]) permanentName(text);

/** Names that the proxy's own rules mention. */
export const H = {
  connection: permanentName('connection'),
  upgrade: permanentName('upgrade'),
  te: permanentName('te'),
  keepAlive: permanentName('keep-alive'),
  proxyConnection: permanentName('proxy-connection'),
  transferEncoding: permanentName('transfer-encoding'),
  http2Settings: permanentName('http2-settings'),
  contentLength: permanentName('content-length'),
  contentType: permanentName('content-type'),
  expect: permanentName('expect'),
  host: permanentName('host'),
  xForwardedFor: permanentName('x-forwarded-for'),
  xForwardedProto: permanentName('x-forwarded-proto'),
  xForwardedHost: permanentName('x-forwarded-host'),
  xForwardedPort: permanentName('x-forwarded-port'),
  xForwardedClientCert: permanentName('x-forwarded-client-cert'),
  xRequestId: permanentName('x-request-id'),
  referer: permanentName('referer'),
  grpcTimeout: permanentName('grpc-timeout'),
  grpcStatus: permanentName('grpc-status'),
  grpcMessage: permanentName('grpc-message'),
  cookie: permanentName('cookie'),
  setCookie: permanentName('set-cookie'),
  date: permanentName('date'),
  server: permanentName('server'),
  via: permanentName('via'),
  userAgent: permanentName('user-agent'),
  earlyData: permanentName('early-data'),
  trailer: permanentName('trailer'),
  origin: permanentName('origin'),
  location: permanentName('location'),
  proxyStatus: permanentName('proxy-status'),
  retryAfter: permanentName('retry-after'),
  xEnvoyAttemptCount: permanentName('x-envoy-attempt-count'),
  xEnvoyExpectedRqTimeoutMs: permanentName('x-envoy-expected-rq-timeout-ms'),
  xEnvoyUpstreamServiceTime: permanentName('x-envoy-upstream-service-time'),
  xEnvoyInternal: permanentName('x-envoy-internal'),
  xEnvoyExternalAddress: permanentName('x-envoy-external-address'),
  xEnvoyOriginalPath: permanentName('x-envoy-original-path'),
  xEnvoyOriginalHost: permanentName('x-envoy-original-host'),
  xEnvoyOriginalUrl: permanentName('x-envoy-original-url'),
  xEnvoyUpstreamCanary: permanentName('x-envoy-upstream-canary'),
  xEnvoyOverloaded: permanentName('x-envoy-overloaded'),
  xEnvoyDropOverload: permanentName('x-envoy-drop-overload'),
  xEnvoyUnconditionalDropOverload: permanentName('x-envoy-unconditional-drop-overload'),
  xEnvoyUpstreamRqTimeoutMs: permanentName('x-envoy-upstream-rq-timeout-ms'),
  xEnvoyUpstreamRqPerTryTimeoutMs: permanentName('x-envoy-upstream-rq-per-try-timeout-ms'),
  xEnvoyUpstreamRqTimeoutAltResponse: permanentName('x-envoy-upstream-rq-timeout-alt-response'),
  xEnvoyUpstreamStreamDurationMs: permanentName('x-envoy-upstream-stream-duration-ms'),
  xEnvoyMaxRetries: permanentName('x-envoy-max-retries'),
  xEnvoyRetryOn: permanentName('x-envoy-retry-on'),
  xEnvoyRetryGrpcOn: permanentName('x-envoy-retry-grpc-on'),
  xEnvoyRetriableStatusCodes: permanentName('x-envoy-retriable-status-codes'),
  xEnvoyRetriableHeaderNames: permanentName('x-envoy-retriable-header-names'),
  xEnvoyHedgeOnPerTryTimeout: permanentName('x-envoy-hedge-on-per-try-timeout'),
  xEnvoyIsTimeoutRetry: permanentName('x-envoy-is-timeout-retry'),
  xEnvoyRatelimited: permanentName('x-envoy-ratelimited'),
  xEnvoyImmediateHealthCheckFail: permanentName('x-envoy-immediate-health-check-fail'),
  xEnvoyDegraded: permanentName('x-envoy-degraded'),
  xEnvoyUpstreamAltStatName: permanentName('x-envoy-upstream-alt-stat-name'),
  xEnvoyForceTrace: permanentName('x-envoy-force-trace'),
  xEnvoyIpTags: permanentName('x-envoy-ip-tags'),
  xEnvoyDecoratorOperation: permanentName('x-envoy-decorator-operation'),
  xEnvoyDownstreamServiceCluster: permanentName('x-envoy-downstream-service-cluster'),
  xEnvoyDownstreamServiceNode: permanentName('x-envoy-downstream-service-node'),
} as const;
