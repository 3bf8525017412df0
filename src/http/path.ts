import type { RequestHeaders } from '../base/headers.js';

/** HttpConnectionManager.path_with_escaped_slashes_action, without IMPLEMENTATION_SPECIFIC_DEFAULT (KEEP_UNCHANGED). */
export type EscapedSlashes = 'KEEP_UNCHANGED' | 'REJECT_REQUEST' | 'UNESCAPE_AND_REDIRECT' | 'UNESCAPE_AND_FORWARD';

/** What becomes of a request after its path was looked at. */
export const PathAction = {
  /** Go on with `headers.path` as it is now. */
  CONTINUE: 0,
  /** 400 `path_normalization_failed`. */
  REJECT: 1,
  /** 307 to `headers.path` (400 for gRPC), `path_normalization_failed`. */
  REDIRECT: 2,
} as const;
export type PathAction = (typeof PathAction)[keyof typeof PathAction];

const PERCENT = 37;
const DOT = 46;
const SLASH = 47;
const QUESTION = 63;
const BACKSLASH = 92;

/* What canonicalisation does with a byte of a path (measured for every printable byte and every %XX). */
const KEEP = 0;
/** Written as %XX. */
const ESCAPE = 1;
/** Needs a look at what stands around it: `%`, `.`, `/`, `\`, bytes above 127. */
const LOOK = 2;
const CLASS = new Uint8Array(256);
/** 1 for bytes whose %XX is written as the byte itself: the unreserved characters of RFC 3986. */
const UNRESERVED = new Uint8Array(256);
const ESCAPED: string[] = [];
for (let i = 0; i < 256; i++) {
  ESCAPED.push(`%${(i < 16 ? '0' : '') + i.toString(16).toUpperCase()}`);
  if (i < 33 || i === 127 || '"#<>^`{|}'.includes(String.fromCharCode(i))) CLASS[i] = ESCAPE;
  if (i === PERCENT || i === DOT || i === SLASH || i === BACKSLASH || i > 127) CLASS[i] = LOOK;
  if (/[A-Za-z0-9._~-]/.test(String.fromCharCode(i))) UNRESERVED[i] = 1;
}

/**
 * The rules by which a connection manager cleans `:path` before anything looks at it (normalize_path, merge_slashes,
 * path_with_escaped_slashes_action). Only the part before `?` is changed, save that a fragment (`#` and what follows) is refused, or cut
 * off where `rejectsFragments` is false.
 */
export class PathNormalizer {
  constructor(
    readonly normalize: boolean,
    readonly mergeSlashes: boolean,
    readonly escapedSlashes: EscapedSlashes,
    readonly rejectsFragments: boolean,
  ) {}

  /** Changes `headers.path` by the rules; a request without a path (CONNECT) is left alone. */
  apply(headers: RequestHeaders): PathAction {
    let path = headers.path;
    if (path === undefined) return PathAction.CONTINUE;
    const fragment = path.indexOf('#');
    if (fragment >= 0) {
      if (this.rejectsFragments) return PathAction.REJECT;
      headers.path = path = path.slice(0, fragment);
    }
    let action: PathAction = PathAction.CONTINUE;
    if (this.escapedSlashes !== 'KEEP_UNCHANGED' && path.indexOf('%') >= 0) {
      const unescaped = unescapeSlashes(path);
      if (unescaped !== path) {
        headers.path = path = unescaped;
        if (this.escapedSlashes === 'REJECT_REQUEST') return PathAction.REJECT;
        if (this.escapedSlashes === 'UNESCAPE_AND_REDIRECT') action = PathAction.REDIRECT;
      }
    }
    if (this.normalize) {
      const canonical = canonicalPath(path);
      if (canonical === null) return PathAction.REJECT;
      headers.path = path = canonical;
    }
    if (this.mergeSlashes && path.indexOf('//') >= 0) headers.path = mergeSlashes(path);
    return action;
  }
}

/** `%2f` and `%5c` of either case become `/` and `\`. */
export function unescapeSlashes(path: string): string {
  const query = path.indexOf('?');
  const end = query < 0 ? path.length : query;
  let out = '';
  let from = 0;
  for (let at = path.indexOf('%'); at >= 0 && at + 2 < end; at = path.indexOf('%', at + 1)) {
    const code = hexByte(path, at + 1);
    if (code !== SLASH && code !== BACKSLASH) continue;
    out += path.slice(from, at) + (code === SLASH ? '/' : '\\');
    from = at + 3;
  }
  return from === 0 ? path : out + path.slice(from);
}

/**
 * Runs of slashes become one. A path of nothing but slashes becomes `//`, as Envoy has it.
 */
export function mergeSlashes(path: string): string {
  const query = path.indexOf('?');
  const end = query < 0 ? path.length : query;
  const first = path.indexOf('//');
  if (first < 0 || first >= end - 1) return path;
  let only = true;
  let out = '';
  let from = 0;
  for (let i = 0; i < end; i++) {
    if (path.charCodeAt(i) !== SLASH) {
      only = false;
      continue;
    }
    if (i > 0 && path.charCodeAt(i - 1) === SLASH) {
      out += path.slice(from, i);
      from = i + 1;
    }
  }
  if (only) return `//${path.slice(end)}`;
  return out + path.slice(from);
}

/**
 * The canonical form of a path: dot segments resolved (also written `%2e`), `\` read as `/`, unreserved octets
 * unescaped, forbidden characters escaped. Null when it holds `%00`, a NUL or bytes that are not UTF-8.
 * A path in canonical form already is returned as it is.
 */
export function canonicalPath(path: string): string | null {
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code === QUESTION) return path;
    const kind = CLASS[code];
    if (kind === KEEP) continue;
    if (kind === LOOK) {
      if (code === DOT && i > 0 && !isSlash(path.charCodeAt(i - 1))) continue;
      if (code === SLASH) continue;
    }
    return rewrite(path);
  }
  return path;
}

/** Parameters of a literal dot segment (`/..;a=b/`) are dropped first, so that the segment counts as one. */
function dropDotParameters(path: string): string {
  let out = '';
  let from = 0;
  for (let at = path.indexOf(';'); at >= 0; at = path.indexOf(';', at + 1)) {
    let start = at;
    while (start > 0 && path.charCodeAt(start - 1) === DOT && at - start < 3) start--;
    const dots = at - start;
    if (dots < 1 || dots > 2 || start === 0 || path.charCodeAt(start - 1) !== SLASH) continue;
    const next = path.indexOf('/', at);
    out += path.slice(from, at);
    from = next < 0 ? path.length : next;
    at = from;
  }
  return from === 0 ? path : out + path.slice(from);
}

function rewrite(path: string): string | null {
  const query = path.indexOf('?');
  const text = dropDotParameters(query < 0 ? path : path.slice(0, query));
  const end = text.length;
  let out = '';
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i);
    const kind = CLASS[code];
    if (kind === KEEP) out += text[i];
    else if (kind === ESCAPE) {
      if (code === 0) return null;
      out += ESCAPED[code];
    } else if (code === SLASH || code === BACKSLASH) {
      out += '/';
      for (let dots = dotSegment(text, i + 1); dots > 0; dots = dotSegment(text, i + 1)) {
        if (dots === 2) out = parent(out);
        i = segmentEnd(text, i + 1);
      }
    } else if (code === DOT) out += '.';
    else if (code === PERCENT) {
      const byte = i + 2 < end ? hexByte(text, i + 1) : -1;
      if (byte === 0) return null;
      if (byte >= 0 && UNRESERVED[byte] === 1) {
        out += String.fromCharCode(byte);
        i += 2;
      } else out += '%';
    } else {
      const length = utf8Length(text, i);
      if (length === 0) return null;
      for (let k = 0; k < length; k++) out += ESCAPED[text.charCodeAt(i + k)];
      i += length - 1;
    }
  }
  return query < 0 ? out : out + path.slice(query);
}

/** 1 or 2 when the segment at `at` is `.` or `..`, escaped or not, else 0. */
function dotSegment(text: string, at: number): number {
  let dots = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (isSlash(code)) break;
    if (code === DOT) at++;
    else if (code === PERCENT && at + 2 < text.length && hexByte(text, at + 1) === DOT) at += 3;
    else return 0;
    if (++dots > 2) return 0;
  }
  return dots;
}

/** Position of the slash that ends the segment at `at`, or the end of the text. */
function segmentEnd(text: string, at: number): number {
  while (at < text.length && !isSlash(text.charCodeAt(at))) at++;
  return at;
}

/** `/a/b/` becomes `/a/`; the root stays. */
function parent(out: string): string {
  const slash = out.lastIndexOf('/', out.length - 2);
  return slash < 0 ? out : out.slice(0, slash + 1);
}

function isSlash(code: number): boolean {
  return code === SLASH || code === BACKSLASH;
}

function hexByte(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 65 && code <= 70) return code - 55;
  if (code >= 97 && code <= 102) return code - 87;
  return -1;
}

/** Length of the UTF-8 sequence at `at` of a byte string, 0 when it is malformed (RFC 3629). */
function utf8Length(text: string, at: number): number {
  const first = text.charCodeAt(at);
  const length =
    first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (length === 0 || at + length > text.length) return 0;
  for (let k = 1; k < length; k++) if ((text.charCodeAt(at + k) & 0xc0) !== 0x80) return 0;
  const second = text.charCodeAt(at + 1);
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second > 0x8f) return 0;
  return length;
}
