import { HeaderName, permanentName } from '../../base/header-names.js';

/** What a field is to the rules of HTTP messages. The first five are the digits of `RequestHeaders.pseudoOrder`. */
export enum Kind {
  REGULAR = 0,
  METHOD = 1,
  PATH = 2,
  SCHEME = 3,
  AUTHORITY = 4,
  PROTOCOL = 5,
  STATUS = 6,
  /** A pseudo-header that does not exist. */
  UNKNOWN_PSEUDO = 7,
  HOST = 8,
  CONTENT_LENGTH = 9,
  /** Belongs to an HTTP/1 connection: malformed in HTTP/2. */
  CONNECTION_SPECIFIC = 10,
  TE = 11,
  COOKIE = 12,
}

/* Pseudo-header names are not in the shared table: no header map holds them as lines. */
const pseudo = (text: string) => new HeaderName(text, 0, false, true);

export const P = {
  method: pseudo(':method'),
  path: pseudo(':path'),
  scheme: pseudo(':scheme'),
  authority: pseudo(':authority'),
  protocol: pseudo(':protocol'),
  status: pseudo(':status'),
} as const;

const KINDS = new Map<string, Kind>([
  [':method', Kind.METHOD],
  [':path', Kind.PATH],
  [':scheme', Kind.SCHEME],
  [':authority', Kind.AUTHORITY],
  [':protocol', Kind.PROTOCOL],
  [':status', Kind.STATUS],
  ['host', Kind.HOST],
  ['content-length', Kind.CONTENT_LENGTH],
  ['connection', Kind.CONNECTION_SPECIFIC],
  ['keep-alive', Kind.CONNECTION_SPECIFIC],
  ['proxy-connection', Kind.CONNECTION_SPECIFIC],
  ['transfer-encoding', Kind.CONNECTION_SPECIFIC],
  ['upgrade', Kind.CONNECTION_SPECIFIC],
  ['te', Kind.TE],
  ['cookie', Kind.COOKIE],
]);

const PSEUDO_NAMES = new Map<string, HeaderName>(Object.values(P).map((name) => [name.text, name]));

function charTable(allowed: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (allowed(octet) ? 1 : 0));
}
function oneOf(text: string): (octet: number) => boolean {
  return (octet) => text.includes(String.fromCharCode(octet));
}
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
const TOKEN = `!#$%&'*+-.^_\`|~${DIGITS}${LOWER}`;
const NAME_CHARS = charTable(oneOf(TOKEN));
const METHOD_CHARS = charTable(oneOf(TOKEN + LOWER.toUpperCase()));
const VALUE_CHARS = charTable((octet) => octet === 9 || (octet >= 32 && octet !== 127));
const PATH_CHARS = charTable((octet) => octet >= 33 && octet !== 127);
const AUTHORITY_CHARS = charTable(oneOf(`!$%&'()*+,-.:;=[]_~${DIGITS}${LOWER}${LOWER.toUpperCase()}`));
const SCHEME_CHARS = charTable(oneOf(`+-.${DIGITS}${LOWER}${LOWER.toUpperCase()}`));

function consistsOf(text: string, table: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (table[text.charCodeAt(i)] === 0) return false;
  return true;
}

/** Only blanks, or nothing. */
function isBlank(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const octet = text.charCodeAt(i);
    if (octet !== 32 && octet !== 9) return false;
  }
  return true;
}

function nameIsValid(text: string): boolean {
  const start = text.charCodeAt(0) === 58 ? 1 : 0;
  return text.length > start && consistsOf(start === 1 ? text.slice(1) : text, NAME_CHARS);
}

const INT64_MAX = 2n ** 63n - 1n;

/** Decimal digits up to 2^63-1, or -1. Above 2^53 the nearest double: such a length is never met by a body. */
export function parseLength(text: string): number {
  const n = text.length;
  if (n === 0) return -1;
  for (let i = 0; i < n; i++) {
    const octet = text.charCodeAt(i);
    if (octet < 48 || octet > 57) return -1;
  }
  if (n <= 15) return Number(text);
  const exact = BigInt(text);
  return exact > INT64_MAX ? -1 : Number(exact);
}

function schemeIsValid(value: string): boolean {
  const first = value.charCodeAt(0) | 32;
  return value.length > 0 && first >= 97 && first <= 122 && consistsOf(value, SCHEME_CHARS);
}

function validInRequest(kind: Kind, value: string): boolean {
  switch (kind) {
    case Kind.METHOD:
      return value.length > 0 && consistsOf(value, METHOD_CHARS);
    case Kind.PATH:
      return value.length > 0 && consistsOf(value, PATH_CHARS);
    case Kind.SCHEME:
      return schemeIsValid(value);
    case Kind.AUTHORITY:
    case Kind.HOST:
      return !isBlank(value) && consistsOf(value, AUTHORITY_CHARS);
    case Kind.PROTOCOL:
      return !isBlank(value) && consistsOf(value, VALUE_CHARS);
    case Kind.STATUS:
    case Kind.UNKNOWN_PSEUDO:
    case Kind.CONNECTION_SPECIFIC:
      return false;
    case Kind.CONTENT_LENGTH:
      return parseLength(value) >= 0;
    case Kind.TE:
      return value.length === 8 && value.toLowerCase() === 'trailers';
    default:
      return consistsOf(value, VALUE_CHARS);
  }
}

function validInResponse(kind: Kind, value: string): boolean {
  switch (kind) {
    case Kind.STATUS:
      return value.length === 3 && parseLength(value) >= 0 && value !== '101';
    case Kind.REGULAR:
    case Kind.HOST:
    case Kind.COOKIE:
      return consistsOf(value, VALUE_CHARS);
    case Kind.TE:
      return value.length === 8 && value.toLowerCase() === 'trailers';
    case Kind.CONTENT_LENGTH:
      return parseLength(value) >= 0;
    default:
      return false;
  }
}

/**
 * A decoded header field, checked once. Table entries are fields, so that a field that comes as an index costs no check.
 * Which names and values are refused follows nghttp2 (RFC 9113 section 8.2, RFC 9110 section 5).
 */
export class Field {
  /** The field may stand in a request (head or trailers, by kind), and in a response. */
  readonly validInRequest: boolean;
  readonly validInResponse: boolean;
  /** Octets of name and value. */
  readonly bytes: number;
  /** Value of `:status` or `content-length`. */
  readonly number: number;

  private constructor(
    readonly name: HeaderName,
    readonly value: string,
    readonly kind: Kind,
    private readonly nameIsValid: boolean,
    readonly underscore: boolean,
  ) {
    this.bytes = name.text.length + value.length;
    this.number = kind === Kind.STATUS || kind === Kind.CONTENT_LENGTH ? parseLength(value) : 0;
    if (kind === Kind.REGULAR)
      this.validInRequest = this.validInResponse = nameIsValid && consistsOf(value, VALUE_CHARS);
    else {
      this.validInRequest = nameIsValid && validInRequest(kind, value);
      this.validInResponse = nameIsValid && validInResponse(kind, value);
    }
  }

  static of(name: HeaderName, value: string): Field {
    const text = name.text;
    const kind = KINDS.get(text) ?? (text.charCodeAt(0) === 58 ? Kind.UNKNOWN_PSEUDO : Kind.REGULAR);
    return new Field(name, value, kind, nameIsValid(text), text.includes('_'));
  }

  /** A field of the same name. */
  withValue(value: string): Field {
    return new Field(this.name, value, this.kind, this.nameIsValid, this.underscore);
  }
}

/** The name object of a pseudo-header, or null when `text` is none that exists. */
export function pseudoName(text: string): HeaderName | null {
  return PSEUDO_NAMES.get(text) ?? null;
}

/* RFC 7541 appendix A. */
const STATIC: readonly (readonly [string, string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

export const STATIC_COUNT = STATIC.length;

/** The static table; index 0 does not exist. */
export const STATIC_FIELDS: readonly (Field | null)[] = [
  null,
  ...STATIC.map(([text, value], at) => {
    const name = pseudoName(text) ?? permanentName(text);
    if (name.hpackIndex === 0) name.hpackIndex = at + 1;
    return Field.of(name, value);
  }),
];
