import { Bit, H, headerName } from '../../base/header-names.js';
import type { HeaderMap, RequestHeaders } from '../../base/headers.js';

/** Most headers a request may nominate in `connection`; one more refuses it. */
const NOMINATED_LIMIT = 9;
/** Longest `te` value that may be nominated. */
const TE_LIMIT = 255;

/** Without ASCII blanks at both ends; a byte above 127 is never a blank. */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(c: number): boolean {
  return c === 32 || (c >= 9 && c <= 13);
}

/** True when the comma list holds the token, in any case. `token` is lower case. */
export function hasToken(list: string, token: string): boolean {
  if (list === token) return true;
  if (list.length < token.length) return false;
  if (!list.includes(','))
    return list.length === token.length ? list.toLowerCase() === token : trim(list).toLowerCase() === token;
  for (const part of list.split(',')) if (trim(part).toLowerCase() === token) return true;
  return false;
}

/** Both `upgrade` and `connection: upgrade` are there. */
export function isUpgrade(headers: HeaderMap): boolean {
  if ((headers.bits & Bit.UPGRADE) === 0 || (headers.bits & Bit.CONNECTION) === 0) return false;
  if (headers.get(H.upgrade) === undefined) return false;
  const connection = headers.get(H.connection);
  return connection !== undefined && hasToken(connection, 'upgrade');
}

/** An `upgrade: h2c` is not offered to anyone: removes it with all that belongs to it. */
export function dropH2cUpgrade(headers: HeaderMap): void {
  headers.remove(H.upgrade);
  removeFromConnection(headers, ['upgrade', 'http2-settings']);
  headers.remove(H.http2Settings);
}

function removeFromConnection(headers: HeaderMap, tokens: readonly string[]): void {
  const value = headers.get(H.connection);
  if (value === undefined) return;
  const kept = value
    .split(',')
    .map(trim)
    .filter((part) => part !== '' && !tokens.includes(part.toLowerCase()));
  if (kept.length === 0) headers.remove(H.connection);
  else headers.set(H.connection, kept.join(','));
}

/**
 * Removes the headers that a request's `connection` nominates, and their names from it (RFC 9110 section 7.6.1).
 * @returns false when the request must be refused: too many names, one that hides where the request came from, a pseudo
 * header, or an over-long `te`
 */
export function removeNominatedHeaders(headers: RequestHeaders): boolean {
  const connection = headers.get(H.connection);
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return true;
  const parts = connection.split(',').filter((part) => part !== '');
  if (parts.length > NOMINATED_LIMIT) return false;
  const removed: string[] = [];
  for (const part of parts) {
    const token = trim(part).toLowerCase();
    switch (token) {
      case 'close':
      case 'http2-settings':
      case 'keep-alive':
      case 'upgrade':
        continue;
      case 'connection':
        removed.push(token);
        continue;
      case 'x-forwarded-for':
      case 'x-forwarded-host':
      case 'x-forwarded-proto':
        return false;
      case 'te': {
        const te = headers.get(H.te);
        if (te !== undefined) {
          if (te.length > TE_LIMIT) return false;
          if (hasToken(te, 'trailers')) {
            headers.set(H.te, 'trailers');
            continue;
          }
        }
        headers.remove(H.te);
        removed.push(token);
        continue;
      }
      case 'host':
        headers.authority = undefined;
        removed.push(token);
        continue;
      default:
        if (token.startsWith(':')) return false;
        headers.remove(headerName(token));
        removed.push(token);
    }
  }
  if (removed.length > 0) removeFromConnection(headers, removed);
  return true;
}

/** The message says that its connection ends with it (RFC 9112 section 9.3, `proxy-connection` as Envoy reads it). */
export function closesConnection(headers: HeaderMap, http10: boolean): boolean {
  const bits = headers.bits;
  const connection = (bits & Bit.CONNECTION) === 0 ? undefined : headers.get(H.connection);
  if (http10) {
    if (connection === undefined || !hasToken(connection, 'keep-alive')) return true;
  } else if (connection !== undefined && hasToken(connection, 'close')) return true;
  if ((bits & Bit.HOP) === 0) return false;
  const proxy = headers.get(H.proxyConnection);
  return proxy !== undefined && hasToken(proxy, 'close');
}
