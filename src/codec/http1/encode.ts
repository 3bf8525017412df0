import { H, type HeaderName } from '../../base/header-names.js';
import type { HeaderMap } from '../../base/headers.js';
import { type OutBuffer, putLatin1, SLAB } from '../../base/out-buffer.js';

/** Writes heads, chunks and trailers straight into the connection's buffer. */

const TRANSFER_ENCODING_CHUNKED = 'chunked';
/** Room for the start line's fixed parts, a framing header and the blank line. */
const FIXED = 128;

/** Which framing header a head gets beside its own lines. */
export const Framing = {
  NONE: 0,
  LENGTH_ZERO: 1,
  CHUNKED: 2,
} as const;

function lowerBytes(name: HeaderName): Uint8Array {
  name.http1 = Buffer.from(`${name.text}: `, 'latin1');
  return name.http1;
}

const proper = new WeakMap<HeaderName, Uint8Array>();

/** `Content-Type: `: the first letter is upper case, and each that follows neither a letter nor a digit. */
function properBytes(name: HeaderName): Uint8Array {
  const known = proper.get(name);
  if (known !== undefined) return known;
  let out = '';
  let upper = true;
  for (const ch of name.text) {
    out += upper ? ch.toUpperCase() : ch;
    const c = ch.charCodeAt(0);
    upper = !((c >= 48 && c <= 57) || (c >= 97 && c <= 122));
  }
  const bytes = Buffer.from(`${out}: `, 'latin1');
  proper.set(name, bytes);
  return bytes;
}

/** Writes header lines and an optional framing header, then the blank line. Returns the bytes of the lines. */
export function writeHead(
  out: OutBuffer,
  startLine: Uint8Array | null,
  headers: HeaderMap,
  framing: number,
  properCase: boolean,
  host: string | undefined,
): number {
  const names = headers.names;
  const values = headers.values;
  const count = names.length;
  let need = FIXED + (startLine === null ? 0 : startLine.length) + (host === undefined ? 0 : host.length);
  for (let i = 0; i < count; i++) need += names[i].text.length + values[i].length + 4;
  const before = out.length;
  if (need > SLAB) {
    if (startLine !== null) out.write(startLine);
    const lines = out.length;
    if (host !== undefined) writeLine(out, H.host, host, properCase);
    for (let i = 0; i < count; i++) writeLine(out, names[i], values[i], properCase);
    if (framing === Framing.LENGTH_ZERO) writeLine(out, H.contentLength, '0', properCase);
    else if (framing === Framing.CHUNKED) writeLine(out, H.transferEncoding, TRANSFER_ENCODING_CHUNKED, properCase);
    const written = out.length - lines;
    out.writeLatin1('\r\n');
    return written;
  }
  out.reserve(need);
  const buf = out.buf;
  let at = out.pos;
  let startBytes = 0;
  if (startLine !== null) {
    startBytes = startLine.length;
    for (let i = 0; i < startBytes; i++) buf[at++] = startLine[i];
  }
  if (host !== undefined) at = putLine(buf, at, H.host, host, properCase);
  for (let i = 0; i < count; i++) at = putLine(buf, at, names[i], values[i], properCase);
  if (framing === Framing.LENGTH_ZERO) at = putLine(buf, at, H.contentLength, '0', properCase);
  else if (framing === Framing.CHUNKED)
    at = putLine(buf, at, H.transferEncoding, TRANSFER_ENCODING_CHUNKED, properCase);
  buf[at++] = 13;
  buf[at++] = 10;
  out.pos = at;
  return out.length - before - startBytes - 2;
}

/** Longest value whose line is kept. */
const KEPT = 256;
/** Of so many values in a row that are other ones, a name's first quarter is looked at: what keeps changing is left alone. */
const ROUND = 64;

/** `name: value` as it was written before, which most lines were. */
function keptLine(name: HeaderName, value: string): Uint8Array | null {
  if (value === name.http1Value) {
    name.http1Misses = 0;
    return (name.http1Line ??= Buffer.from(`${name.text}: ${value}\r\n`, 'latin1'));
  }
  const misses = (name.http1Misses = (name.http1Misses + 1) & (ROUND - 1));
  if (misses <= ROUND >> 2 && value.length <= KEPT) {
    name.http1Value = value;
    name.http1Line = null;
  }
  return null;
}

function putLine(buf: Buffer, at: number, name: HeaderName, value: string, properCase: boolean): number {
  if (!properCase) {
    const line = keptLine(name, value);
    if (line !== null) {
      buf.set(line, at);
      return at + line.length;
    }
  }
  const bytes = properCase ? properBytes(name) : (name.http1 ?? lowerBytes(name));
  const n = bytes.length;
  if (n < 20) for (let i = 0; i < n; i++) buf[at + i] = bytes[i];
  else buf.set(bytes, at);
  at = putLatin1(buf, at + n, value);
  buf[at] = 13;
  buf[at + 1] = 10;
  return at + 2;
}

function writeLine(out: OutBuffer, name: HeaderName, value: string, properCase: boolean): void {
  out.write(properCase ? properBytes(name) : (name.http1 ?? lowerBytes(name)));
  out.writeLatin1(value);
  out.writeLatin1('\r\n');
}

/** One chunk. `data` is not empty. */
export function writeChunk(out: OutBuffer, data: Uint8Array): void {
  out.writeLatin1(data.length.toString(16));
  out.writeLatin1('\r\n');
  out.write(data);
  out.writeLatin1('\r\n');
}

/** The last chunk, with trailers when there are some. Names of trailers are never re-cased. */
export function writeLastChunk(out: OutBuffer, trailers: HeaderMap | null): number {
  out.writeLatin1('0\r\n');
  const before = out.length;
  if (trailers !== null) {
    for (let i = 0; i < trailers.size; i++) writeLine(out, trailers.names[i], trailers.values[i], false);
  }
  const lines = out.length - before;
  out.writeLatin1('\r\n');
  return lines;
}
