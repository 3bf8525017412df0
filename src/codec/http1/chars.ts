/** Byte classes of HTTP/1, as tables of 256 entries (1: belongs to the class). */

function table(accept: (c: number) => boolean): Uint8Array {
  const out = new Uint8Array(256);
  for (let c = 0; c < 256; c++) out[c] = accept(c) ? 1 : 0;
  return out;
}

function of(chars: string): (c: number) => boolean {
  const set = new Set(Array.from(chars, (ch) => ch.charCodeAt(0)));
  return (c) => set.has(c);
}

const digit = (c: number) => c >= 48 && c <= 57;
const alpha = (c: number) => (c >= 65 && c <= 90) || (c >= 97 && c <= 122);
const alnum = (c: number) => digit(c) || alpha(c);

const isToken = of("!#$%&'*+-.^_`|~");
/** Token characters, RFC 9110 section 5.6.2. */
export const TOKEN = table((c) => alnum(c) || isToken(c));

/** Control characters that may stand nowhere in a head: all but HTAB, LF and CR. */
export const FORBIDDEN = table((c) => (c < 32 && c !== 9 && c !== 10 && c !== 13) || c === 127);

/**
 * What a header value may hold on a line that needs no repair: no control character but HTAB, so also no CR (Envoy removes
 * it, which is left to the careful path).
 */
export const VALUE = table((c) => c === 9 || (c >= 32 && c !== 127));

/** Characters of a request target in origin form. */
export const TARGET = table((c) => c > 32 && c < 127);

const isName = of('"(),/;<=>?@[\\]{}');
/** Bytes that the first look at a header name refuses. The quote is refused later, with the bytes above 127. */
export const BAD_NAME = table((c) => c <= 32 || c === 127 || (isName(c) && c !== 34));

const isAuthority = of("!$%&'()*+,-.:;=@[]_~");
/** Characters of a Host header or authority. */
export const AUTHORITY = table((c) => alnum(c) || isAuthority(c));

const isUserinfo = of("-_.!~*'()%;:&=+$,");
/** Characters of the userinfo part of an absolute target; with `[` and `]` those of its whole authority. */
export const USERINFO = table((c) => alnum(c) || isUserinfo(c));

/** Characters of a registered name in an absolute target. */
export const HOST = table((c) => alnum(c) || c === 46 || c === 45);

export const ALPHA = table(alpha);

/** Value of a hexadecimal digit, -1 for a delimiter that ends a chunk size, -2 for anything else. */
export const HEX = (() => {
  const out = new Int8Array(256).fill(-2);
  for (let c = 48; c <= 57; c++) out[c] = c - 48;
  for (let c = 0; c < 6; c++) out[65 + c] = out[97 + c] = 10 + c;
  for (const c of [9, 10, 13, 32, 59]) out[c] = -1;
  return out;
})();

/** Methods that HTTP/1 accepts; Envoy's list. Values are the same strings, so that a parsed method is a shared one. */
export const METHODS = new Map<string, string>(
  `ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MOVE MSEARCH NOTIFY OPTIONS
  PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK
  UNSUBSCRIBE`
    .split(/\s+/)
    .map((method) => [method, method]),
);

/** True when every char of the byte string is in the class. */
export function all(text: string, chars: Uint8Array, from = 0, to = text.length): boolean {
  for (let i = from; i < to; i++) if (chars[text.charCodeAt(i) & 255] === 0) return false;
  return true;
}
