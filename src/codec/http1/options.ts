/** What to do with a header whose name holds an underscore (HttpProtocolOptions.headers_with_underscores_action). */
export type UnderscoreAction = 'ALLOW' | 'REJECT_REQUEST' | 'DROP_HEADER';

/** How names are written (Http1ProtocolOptions.header_key_format): as they are (lower case), or `Proper-Case`. */
export type HeaderKeyFormat = 'lower' | 'proper';

/** Options of both sides. Defaults are Envoy's. */
export interface Http1Options {
  /** Largest head in bytes of 1024, start line and blank line included. Default 60 for requests, 80 for responses. */
  maxHeadersKb?: number;
  /** Most header lines in a head, and in a trailer block (common_http_protocol_options.max_headers_count). Default 100. */
  maxHeadersCount?: number;
  /** Read and write trailers (enable_trailers). Off, they are checked and dropped. Default false. */
  enableTrailers?: boolean;
  /** A message with content-length and chunked is read as chunked and loses the length (allow_chunked_length). Default false. */
  allowChunkedLength?: boolean;
  /** Default `lower`. */
  headerKeyFormat?: HeaderKeyFormat;
  /** per_connection_buffer_limit_bytes: what the streams report as their own. Default 1 MiB. */
  bufferLimit?: number;
}

export interface Http1ServerOptions extends Http1Options {
  /** Absolute targets replace Host and are cut to their path (allow_absolute_url). Default true. */
  allowAbsoluteUrl?: boolean;
  /** Serve HTTP/1.0 and 0.9 (accept_http_10); otherwise they get 426. Default false. */
  acceptHttp10?: boolean;
  /** Host of an HTTP/1.0 request that has none (default_host_for_http_10). Default none. */
  defaultHostForHttp10?: string;
  /** A reply of the connection manager to a bad request keeps the connection (override_stream_error_on_invalid_http_message). */
  streamErrorOnInvalidMessage?: boolean;
  /** Default `ALLOW`. */
  headersWithUnderscores?: UnderscoreAction;
  /** Refuse an `https://` target on a connection without TLS: use_remote_address with no trusted hops. Default false. */
  validateScheme?: boolean;
  /** The connection is TLS. Default false. */
  tls?: boolean;
}

export interface Http1ClientOptions extends Http1Options {
  /** Write `scheme://host/path` as the target (send_fully_qualified_url). Default false. */
  sendFullyQualifiedUrl?: boolean;
}

/** Counters `http1.*` of a listener's codecs or of a cluster (`cluster.<name>.http1.*`). */
export class Http1CodecStats {
  dropped_headers_with_underscores = 0;
  metadata_not_supported_error = 0;
  requests_rejected_with_underscores_in_headers = 0;
  response_flood = 0;
}

export const DEFAULT_BUFFER_LIMIT = 1024 * 1024;
