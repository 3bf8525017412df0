import type { RequestHeaders, ResponseHeaders } from '../../base/headers.js';
import type { UnderscoreAction } from './options.js';

/** Why a message is refused. `status` is what a server answers. */
export interface ParseError {
  status: number;
  details: string;
  message: string;
}

export const Details = {
  CODEC_ERROR: 'http1.codec_error',
  INVALID_CHARACTERS: 'http1.invalid_characters',
  HEADERS_TOO_LARGE: 'http1.headers_too_large',
  TOO_MANY_HEADERS: 'http1.too_many_headers',
  UNDERSCORE: 'http1.unexpected_underscore',
} as const;

export interface ParserLimits {
  /** Bytes of a head, and of a trailer block. */
  headBytes: number;
  /** Lines in a header map. */
  headerCount: number;
  enableTrailers: boolean;
  underscores: UnderscoreAction;
}

/** What is known of the message at hand, and why it is refused if it is. One per connection. */
export class MessageHead {
  error: ParseError | null = null;
  request: RequestHeaders = null as unknown as RequestHeaders;
  response: ResponseHeaders = null as unknown as ResponseHeaders;
  method = '';
  /** Request target as received. */
  target = '';
  /** Low 32 bits of the response status. */
  status = 0;
  http11 = true;
  chunked = false;
  /** A valid content-length, or -1. Above 2^53 it is only near. */
  contentLength = -1;
  hasTransferEncoding = false;
  /** Bytes of header names and values, with `:` and CRLF, of the message so far. */
  headerBytes = 0;
  droppedUnderscores = 0;

  constructor(
    readonly isRequest: boolean,
    readonly limits: ParserLimits,
  ) {}

  fail(status: number, details: string, message: string): false {
    this.error = { status, details, message };
    return false;
  }

  /** Refuses a message that breaks the protocol. `why` as in Envoy's log. Returns false, for the caller to return. */
  refuse(details: string, why: string, status = this.isRequest ? 400 : 502): false {
    return this.fail(status, details, `http/1.1 protocol error: ${why}`);
  }
}

/** Adds a Host line: repeated ones are joined. */
export function addHost(headers: RequestHeaders, value: string): void {
  const first = headers.authority;
  if (!first) headers.authority = value;
  else if (value !== '') headers.authority = `${first},${value}`;
}
