import { Bit, H } from '../../base/header-names.js';
import type { RequestHeaders, ResponseHeaders } from '../../base/headers.js';

/*
 * Above the codecs an upgrade looks as in HTTP/1; on HTTP/2 it is an extended CONNECT (RFC 8441). As Envoy's transformations.
 */

function nominatesUpgrade(value: string | undefined): boolean {
  if (value === undefined) return false;
  for (const token of value.split(',')) if (token.trim().toLowerCase() === 'upgrade') return true;
  return false;
}

export function isUpgrade(headers: RequestHeaders | ResponseHeaders): boolean {
  return (headers.bits & Bit.UPGRADE) !== 0 && headers.has(H.upgrade) && nominatesUpgrade(headers.get(H.connection));
}

/** A received extended CONNECT becomes a GET with `upgrade`. */
export function upgradeFromConnect(headers: RequestHeaders): void {
  const protocol = headers.protocol;
  if (headers.method !== 'CONNECT' || protocol === undefined || protocol === '' || protocol === 'bytestream') return;
  headers.method = 'GET';
  headers.set(H.upgrade, protocol);
  headers.set(H.connection, 'upgrade');
  headers.protocol = undefined;
}

/** A request to send: an upgrade becomes an extended CONNECT, a plain CONNECT loses what RFC 9113 section 8.5 forbids. */
export function connectFromUpgrade(headers: RequestHeaders): string {
  if (isUpgrade(headers)) {
    const type = headers.get(H.upgrade)!;
    headers.method = 'CONNECT';
    headers.protocol = type;
    headers.remove(H.upgrade);
    headers.remove(H.connection);
    if (headers.get(H.contentLength) === '0') headers.remove(H.contentLength);
    return type;
  }
  if (headers.method === 'CONNECT') {
    headers.scheme = undefined;
    headers.path = undefined;
    headers.protocol = undefined;
  }
  return '';
}

/** A response to send that accepts an upgrade. */
export function responseToConnect(headers: ResponseHeaders): void {
  if (!isUpgrade(headers)) return;
  if (headers.status === 101) headers.status = 200;
  headers.remove(H.upgrade);
  if (headers.get(H.connection)?.toLowerCase() === 'upgrade') headers.remove(H.connection);
}

/** A received response to an upgrade that was sent as an extended CONNECT. */
export function responseFromConnect(headers: ResponseHeaders, type: string): void {
  if (headers.status !== 200) return;
  headers.status = 101;
  headers.set(H.upgrade, type);
  headers.set(H.connection, 'upgrade');
}
