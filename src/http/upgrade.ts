import { Bit, H } from '../base/header-names.js';
import { type RequestHeaders, ResponseHeaders } from '../base/headers.js';
import type { RouteEntry } from '../router/route-entry.js';
import type { ConnectionManagerConfig, FilterPath } from './config.js';
import { hasToken, isUpgrade } from './header-rules.js';
import { chargeCode } from './stats.js';
import type { ActiveStream } from './stream.js';

/** What a request may ask of the connection itself. */
export const Upgrade = {
  NONE: 0,
  ALLOWED: 1,
  REFUSED: 2,
} as const;
export type Upgrade = (typeof Upgrade)[keyof typeof Upgrade];

/** CONNECT and Upgrade need leave of the route or the connection manager; a CONNECT without a route is answered by the router. */
export function upgradeOf(stream: ActiveStream, headers: RequestHeaders, route: RouteEntry | null): Upgrade {
  if (!asksForTunnel(headers)) return Upgrade.NONE;
  const type = typeOf(headers);
  const connect = headers.method === 'CONNECT';
  if ((route?.upgradeEnabled(type) ?? stream.config.upgrades.get(type)) === true) return Upgrade.ALLOWED;
  return connect && route === null ? Upgrade.NONE : Upgrade.REFUSED;
}

/** CONNECT, an extended CONNECT or an upgrade, allowed or not. */
export function asksForTunnel(headers: RequestHeaders): boolean {
  return headers.method === 'CONNECT' || ((headers.bits & Bit.UPGRADE) !== 0 && isUpgrade(headers));
}

/** Lower case. */
function typeOf(headers: RequestHeaders): string {
  const type = headers.method === 'CONNECT' ? (headers.protocol ?? 'connect') : headers.get(H.upgrade)!;
  return type.toLowerCase();
}

/** The filters and the router of a request that asks for a tunnel: those of its type, else those of all requests. */
export function pathOf(config: ConnectionManagerConfig, headers: RequestHeaders): FilterPath {
  return config.upgradePaths.get(typeOf(headers)) ?? config;
}

/** The upstream has agreed to the upgrade or CONNECT: from here on the stream is a tunnel. */
export function isTunnelAnswer(headers: ResponseHeaders, request: RequestHeaders | null): boolean {
  const { status } = headers;
  if (request?.method === 'CONNECT') return status >= 200 && status < 300;
  return status === 101 && headers.has(H.upgrade) && hasToken(headers.get(H.connection) ?? '', 'upgrade');
}

/** `Expect: 100-continue` is answered here unless it is to be passed on; other expectations are the upstream's affair. */
export function answerExpect(stream: ActiveStream, headers: RequestHeaders): void {
  const { config } = stream;
  if (config.proxy100Continue || headers.get(H.expect)?.toLowerCase() !== '100-continue') return;
  chargeCode(config.stats, 100);
  chargeCode(config.listenerStats, 100);
  stream.info.responseCode = 100;
  stream.encoder.encode1xx(new ResponseHeaders(100));
  headers.remove(H.expect);
}
