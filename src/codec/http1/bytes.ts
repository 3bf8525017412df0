/** Small readers over received bytes. Ranges are `[start, end)`. */

const latin1Slice = Buffer.prototype.latin1Slice;

export function text(buf: Uint8Array, start: number, end: number): string {
  return start === end ? '' : latin1Slice.call(buf, start, end);
}

/** The range holds just this text. */
export function isText(text: string, buf: Uint8Array, start: number, end: number): boolean {
  const n = text.length;
  if (end - start !== n) return false;
  for (let i = 0; i < n; i++) if (buf[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** ` HTTP/1.1` at `at`, the blank not looked at. */
export function isHttp11(buf: Uint8Array, at: number): boolean {
  return (
    buf[at + 1] === 72 &&
    buf[at + 2] === 84 &&
    buf[at + 3] === 84 &&
    buf[at + 4] === 80 &&
    buf[at + 5] === 47 &&
    buf[at + 6] === 49 &&
    buf[at + 7] === 46 &&
    buf[at + 8] === 49
  );
}

/** `HTTP/d.d`. */
export function isVersion(version: string): boolean {
  const isDigit = (at: number) => version.charCodeAt(at) >= 48 && version.charCodeAt(at) <= 57;
  return version.length === 8 && version.startsWith('HTTP/') && version[6] === '.' && isDigit(5) && isDigit(7);
}

/**
 * The status as Envoy converts it: blanks around it and a plus sign pass, and it may have 64 bits, of which the low 32 are
 * returned. -1 when it is no number.
 */
export function parseStatus(word: string): number {
  let start = 0;
  let end = word.length;
  while (end > start && isBlank(word.charCodeAt(end - 1))) end--;
  if (word[start] === '+') start++;
  if (start === end) return -1;
  let status = 0n;
  for (let i = start; i < end; i++) {
    const digit = word.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10n + BigInt(digit);
    if (status > 0xffff_ffff_ffff_ffffn) return -1;
  }
  return Number(status & 0xffff_ffffn);
}

/** Statuses whose responses have no body, whatever their head says. */
export function bodyless(status: number): boolean {
  return (status >= 100 && status < 200) || status === 204 || status === 304;
}

/** A content-length of at most 15 digits, or -1. */
export function plainLength(value: string): number {
  const n = value.length;
  if (n === 0 || n > 15) return -1;
  let length = 0;
  for (let i = 0; i < n; i++) {
    const digit = value.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

/**
 * A content-length of at most 2^64-1. A bad one is negative: odd when it is no number, even when it is too large, and of a
 * size that tells what had been read when that came out, since two bad lengths must agree in this too.
 */
export function parseLength(buf: Uint8Array, start: number, end: number): number {
  let significant = '';
  for (let i = start; i < end; i++) {
    if (buf[i] < 48 || buf[i] > 57) return -2 * Number(significant) - 1;
    if (significant === '' && buf[i] === 48) continue;
    const more = significant + String.fromCharCode(buf[i]);
    if (more.length > 20 || (more.length === 20 && more > '18446744073709551615')) return -2 * Number(significant) - 2;
    significant = more;
  }
  return start === end ? -1 : Number(significant);
}

export function sameText(buf: Uint8Array, at: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const c = buf[at + i];
    if ((c >= 65 && c <= 90 ? c + 32 : c) !== lower.charCodeAt(i)) return false;
  }
  return true;
}

export function withoutLineEnds(value: string): string {
  if (!value.includes('\r') && !value.includes('\n')) return value;
  return value.replaceAll('\r', '').replaceAll('\n', '');
}

function isBlank(c: number): boolean {
  return c === 32 || (c >= 9 && c <= 13);
}
