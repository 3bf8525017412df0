import { inspectRequestLine } from '../codec/http1/inspect.js';

/** `''`: not HTTP. `null`: more bytes are needed. */
export type HttpFinding = 'http/1.0' | 'http/1.1' | 'h2c' | '' | null;

/** Beyond this many bytes without a whole first line a connection is not HTTP. */
export const MAX_HTTP_INSPECT = 64 * 1024;

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Looks for HTTP at the start of a connection, as Envoy's http_inspector does: the HTTP/2 preface, or a request line. */
export function inspectHttp(data: Uint8Array): HttpFinding {
  const n = Math.min(data.length, PREFACE.length);
  if (n > 0 && PREFACE.compare(data, 0, n, 0, n) === 0) return data.length < PREFACE.length ? null : 'h2c';
  return inspectRequestLine(data);
}
