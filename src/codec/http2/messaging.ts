import { H, type HeaderName } from '../../base/header-names.js';
import { type HeaderMap, RequestHeaders, ResponseHeaders, Trailers } from '../../base/headers.js';
import { type Field, Kind } from './field.js';
import type { FieldSink } from './hpack-decoder.js';
import type { Http2Settings } from './options.js';
import type { Http2CodecStats } from './stats.js';
import { type Http2Stream, Seen } from './stream.js';

/** What came of a header block so far. */
export enum Verdict {
  OK = 0,
  /** A field breaks the rules of HTTP messages: nghttp2's HTTP header error. */
  BAD_FIELD = 1,
  /** The block is too large, or has a name that is not wanted: the stream is reset with INTERNAL_ERROR. */
  REFUSED = 2,
}

const REQUIRED = Seen.METHOD | Seen.PATH | Seen.SCHEME;

/**
 * Builds the head or the trailers of a message from decoded fields, by the rules of RFC 9113 section 8 as nghttp2 and Envoy apply
 * them. One per connection; header blocks do not overlap.
 */
export class MessageReader implements FieldSink {
  verdict: Verdict = Verdict.OK;
  private stream!: Http2Stream;
  private map!: HeaderMap;
  private request: RequestHeaders | null = null;
  private response: ResponseHeaders | null = null;
  private size = 0;
  private pseudoCount = 0;
  private cookies: string | null = null;
  private crumbs = 0;
  private order = 0;
  private orderShift = 0;

  constructor(
    private readonly settings: Http2Settings,
    private readonly stats: Http2CodecStats,
    private readonly server: boolean,
  ) {}

  begin(stream: Http2Stream, trailers: boolean): void {
    this.verdict = Verdict.OK;
    this.stream = stream;
    this.size = 0;
    this.pseudoCount = 0;
    this.cookies = null;
    this.crumbs = 0;
    this.order = this.orderShift = 0;
    this.request = null;
    this.response = null;
    if (trailers) this.map = new Trailers();
    else if (this.server) this.map = this.request = new RequestHeaders();
    else this.map = this.response = new ResponseHeaders(0);
  }

  takeRequest(): RequestHeaders {
    const request = this.request!;
    request.pseudoOrder = this.order;
    this.endCookies();
    return request;
  }

  takeResponse(): ResponseHeaders {
    this.endCookies();
    return this.response!;
  }

  takeTrailers(): Trailers {
    this.endCookies();
    return this.map as Trailers;
  }

  /** Cookie crumbs are one line again (RFC 9113 section 8.2.3), the last of the head. */
  private endCookies(): void {
    if (this.cookies !== null) this.map.push(H.cookie, this.cookies);
  }

  onField(field: Field): boolean {
    if (this.verdict === Verdict.OK)
      this.verdict = this.server ? this.onRequestField(field) : this.onResponseField(field);
    return this.verdict !== Verdict.BAD_FIELD || this.settings.streamErrorOnInvalidMessage;
  }

  // --- requests

  private onRequestField(field: Field): Verdict {
    if (!field.validInRequest) return Verdict.BAD_FIELD;
    const stream = this.stream;
    switch (field.kind) {
      case Kind.REGULAR:
      case Kind.TE:
        stream.seen |= Seen.LINE;
        return this.addLine(field);
      case Kind.COOKIE:
        stream.seen |= Seen.LINE;
        return this.addCookie(field);
      case Kind.CONTENT_LENGTH:
        if (stream.contentLength !== -1) return Verdict.BAD_FIELD;
        stream.contentLength = field.number;
        stream.seen |= Seen.LINE;
        return this.addLine(field);
      case Kind.HOST:
        if (stream.seen & Seen.HOST) return Verdict.BAD_FIELD;
        stream.seen |= Seen.HOST | Seen.LINE;
        return this.addHost(field);
      default:
        return this.onRequestPseudo(field, this.request);
    }
  }

  private onRequestPseudo(field: Field, request: RequestHeaders | null): Verdict {
    const stream = this.stream;
    if (request === null || stream.seen & Seen.LINE) return Verdict.BAD_FIELD;
    const { kind, value } = field;
    let bit: number;
    switch (kind) {
      case Kind.METHOD:
        bit = Seen.METHOD;
        if (value === 'HEAD') bit |= Seen.IS_HEAD;
        else if (value === 'CONNECT') bit |= Seen.IS_CONNECT;
        else if (value === 'OPTIONS') bit |= Seen.IS_OPTIONS;
        if (stream.seen & Seen.METHOD) return Verdict.BAD_FIELD;
        request.method = value;
        break;
      case Kind.PATH:
        bit = Seen.PATH;
        if (value.charCodeAt(0) === 47) bit |= Seen.PATH_SLASH;
        else if (value === '*') bit |= Seen.PATH_ASTERISK;
        if (stream.seen & Seen.PATH) return Verdict.BAD_FIELD;
        request.path = value;
        break;
      case Kind.SCHEME:
        bit = Seen.SCHEME;
        if (isHttp(value)) bit |= Seen.SCHEME_HTTP;
        if (stream.seen & Seen.SCHEME) return Verdict.BAD_FIELD;
        request.scheme = value;
        break;
      case Kind.AUTHORITY:
        bit = Seen.AUTHORITY;
        if (stream.seen & Seen.AUTHORITY) return Verdict.BAD_FIELD;
        request.authority = value;
        break;
      default:
        bit = Seen.PROTOCOL;
        if (!this.settings.allowConnect || stream.seen & Seen.PROTOCOL) return Verdict.BAD_FIELD;
        request.protocol = value;
    }
    stream.seen |= bit;
    this.order |= kind << this.orderShift;
    this.orderShift += 3;
    this.pseudoCount++;
    return this.count(field.bytes);
  }

  /** A host line is dropped beside `:authority`, and stands for it when there is none. */
  private addHost(field: Field): Verdict {
    const request = this.request;
    if (request === null) return this.addLine(field);
    if (request.authority === undefined) {
      request.authority = field.value;
      this.order |= Kind.AUTHORITY << this.orderShift;
      this.orderShift += 3;
    }
    this.pseudoCount++;
    return this.count(field.bytes);
  }

  /** @returns false when the head is no request: a pseudo-header is missing, or the path is none */
  requestComplete(): boolean {
    const stream = this.stream;
    const seen = stream.seen;
    if ((seen & (Seen.IS_CONNECT | Seen.PROTOCOL)) === Seen.IS_CONNECT) {
      if (seen & (Seen.SCHEME | Seen.PATH) || !(seen & Seen.AUTHORITY)) return false;
      stream.contentLength = -1;
      return true;
    }
    if ((seen & REQUIRED) !== REQUIRED || !(seen & (Seen.AUTHORITY | Seen.HOST))) return false;
    if (seen & Seen.PROTOCOL && (!(seen & Seen.IS_CONNECT) || !(seen & Seen.AUTHORITY))) return false;
    return (
      !(seen & Seen.SCHEME_HTTP) ||
      (seen & Seen.PATH_SLASH) !== 0 ||
      (seen & (Seen.IS_OPTIONS | Seen.PATH_ASTERISK)) === (Seen.IS_OPTIONS | Seen.PATH_ASTERISK)
    );
  }

  // --- responses

  private onResponseField(field: Field): Verdict {
    if (!field.validInResponse) return Verdict.BAD_FIELD;
    const stream = this.stream;
    switch (field.kind) {
      case Kind.STATUS: {
        const response = this.response;
        if (response === null || stream.seen & (Seen.STATUS | Seen.LINE)) return Verdict.BAD_FIELD;
        stream.seen |= Seen.STATUS;
        stream.status = response.status = field.number;
        this.pseudoCount++;
        return this.count(field.bytes);
      }
      case Kind.CONTENT_LENGTH:
        return this.onResponseLength(field);
      case Kind.COOKIE:
        stream.seen |= Seen.LINE;
        return this.addCookie(field);
      default:
        stream.seen |= Seen.LINE;
        return this.addLine(field);
    }
  }

  private onResponseLength(field: Field): Verdict {
    const stream = this.stream;
    const status = stream.status;
    if (status === 204) {
      // Servers that say 0 where nothing may be said are forgiven; the line goes no further.
      if (stream.contentLength !== -1 || field.value !== '0') return Verdict.BAD_FIELD;
      stream.contentLength = 0;
      return Verdict.OK;
    }
    if (status >= 100 && status < 200) return Verdict.BAD_FIELD;
    if (status >= 200 && status < 300 && stream.seen & Seen.IS_CONNECT) return Verdict.OK;
    if (stream.contentLength !== -1) return Verdict.BAD_FIELD;
    stream.contentLength = field.number;
    stream.seen |= Seen.LINE;
    return this.addLine(field);
  }

  /** @returns false when the head is no response */
  responseComplete(): boolean {
    const stream = this.stream;
    if (!(stream.seen & Seen.STATUS)) return false;
    const status = stream.status;
    if (status >= 100 && status < 200) {
      stream.seen = (stream.seen & Seen.METHODS) | Seen.EXPECT_FINAL;
      stream.contentLength = -1;
      stream.status = -1;
      return true;
    }
    stream.seen &= ~Seen.EXPECT_FINAL;
    if (stream.seen & Seen.IS_HEAD || status === 304 || status === 204) stream.contentLength = 0;
    else if (stream.seen & Seen.IS_CONNECT) stream.contentLength = -1;
    return true;
  }

  // --- both

  private addLine(field: Field): Verdict {
    if (field.underscore && this.server && this.settings.underscores !== 'ALLOW') return this.onUnderscore();
    this.put(field.name, field.value);
    return this.check();
  }

  private put(name: HeaderName, value: string): void {
    const map = this.map;
    const before = map.names.length;
    map.add(name, value);
    this.size += map.names.length > before ? name.text.length + value.length : value.length + 1;
  }

  private addCookie(field: Field): Verdict {
    // Every crumb counts as a field, but its name costs nothing.
    this.crumbs++;
    if (this.cookies === null) {
      this.cookies = field.value;
      this.size += field.value.length;
    } else {
      this.cookies += `; ${field.value}`;
      this.size += field.value.length + 2;
    }
    return this.check();
  }

  private onUnderscore(): Verdict {
    if (this.settings.underscores === 'DROP_HEADER') {
      this.stats.dropped_headers_with_underscores++;
      return Verdict.OK;
    }
    this.stats.requests_rejected_with_underscores_in_headers++;
    this.stream.setDetails('http2.unexpected_underscore');
    return Verdict.REFUSED;
  }

  private count(bytes: number): Verdict {
    this.size += bytes;
    return this.check();
  }

  private check(): Verdict {
    if (this.size > this.settings.maxHeadersBytes) {
      this.stream.setDetails('http2.header_list_size_too_large');
      this.stats.header_list_size_too_large++;
      return Verdict.REFUSED;
    }
    const count = this.map.names.length + this.pseudoCount + this.crumbs;
    if (count > this.settings.maxHeadersCount) {
      this.stream.setDetails('http2.too_many_headers');
      this.stats.header_overflow++;
      return Verdict.REFUSED;
    }
    return Verdict.OK;
  }
}

function isHttp(scheme: string): boolean {
  if (scheme === 'http' || scheme === 'https') return true;
  const lower = scheme.toLowerCase();
  return lower === 'http' || lower === 'https';
}

/** Whether the body that came may end here, by content-length and by a final head being due. */
export function mayEnd(stream: Http2Stream): boolean {
  return (
    !(stream.seen & Seen.EXPECT_FINAL) && (stream.contentLength === -1 || stream.contentLength === stream.bodyReceived)
  );
}

/** Counts body octets; false when there are too many, or none may come yet. */
export function countBody(stream: Http2Stream, n: number): boolean {
  stream.bodyReceived += n;
  return (
    !(stream.seen & Seen.EXPECT_FINAL) && (stream.contentLength === -1 || stream.bodyReceived <= stream.contentLength)
  );
}
