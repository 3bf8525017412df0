export { HTTP2_GAUGES, Http2CodecStats } from './stats.js';

/** What to do with a header whose name holds an underscore (HttpProtocolOptions.headers_with_underscores_action). */
export type UnderscoreAction = 'ALLOW' | 'REJECT_REQUEST' | 'DROP_HEADER';

/** Http2ProtocolOptions.connection_keepalive; milliseconds. */
export interface KeepaliveOptions {
  /** Between the answer to a PING (or the start of the connection) and the next PING; 0: none are sent by the clock. */
  interval: number;
  /** From a PING, or the last frame received after it, to the end of the connection. */
  timeout: number;
  /** Up to this share of `interval` is added at random. Default 15. */
  intervalJitterPercent?: number;
  /** Client side: a new stream on a connection that received nothing for longer is preceded by a PING; 0: off. */
  connectionIdleInterval?: number;
}

/** Options of both sides, named after Http2ProtocolOptions. Left out or undefined: Envoy's default, given with each. */
export interface Http2Options {
  /** Largest dynamic table, of the decoder and of the encoder. Default 4096. */
  hpackTableSize?: number;
  /** Streams the peer may have open at once; on the client side also the most that a peer's larger limit counts for. Default 1024. */
  maxConcurrentStreams?: number;
  /** Window of a stream, and the limit of what a stream buffers for sending. Octets. Default 16 MiB. */
  initialStreamWindowSize?: number;
  /** Window of the connection, octets. Default 24 MiB. */
  initialConnectionWindowSize?: number;
  /** Extended CONNECT (RFC 8441): announced, and `:protocol` accepted. Default false. */
  allowConnect?: boolean;
  /** Frames written that the kernel has not taken. Default 10000. */
  maxOutboundFrames?: number;
  /** Of these, answers to PING and SETTINGS, and RST_STREAM. Default 1000. */
  maxOutboundControlFrames?: number;
  /** HEADERS, CONTINUATION and DATA in a row without payload and without END_STREAM. Default 1. */
  maxConsecutiveInboundFramesWithEmptyPayload?: number;
  /** Default 100. */
  maxInboundPriorityFramesPerStream?: number;
  /** Default 10. */
  maxInboundWindowUpdateFramesPerDataFrameSent?: number;
  /** A malformed message costs its stream, not the connection (override_stream_error_on_invalid_http_message). Default false. */
  streamErrorOnInvalidMessage?: boolean;
  /** Extra SETTINGS (custom_settings_parameters): identifier and value, sent before the others. */
  customSettings?: readonly (readonly [number, number])[];
  keepalive?: KeepaliveOptions;
  /** Largest sum of names and values of a head or trailer block, in 1024 octets. Default 60. */
  maxHeadersKb?: number;
  /** Most fields in a head or trailer block, pseudo-headers included. Default 100. */
  maxHeadersCount?: number;
  /** Server side. Default `ALLOW`. */
  headersWithUnderscores?: UnderscoreAction;
  /**
   * per_connection_buffer_limit_bytes: what a stream kept back while its reading was off is delivered in pieces of this size, one
   * a pass. Default 1 MiB.
   */
  bufferLimit?: number;
}

/** Every option, with the defaults filled in: what a codec works with. Made once per configuration. */
export interface Http2Settings {
  readonly hpackTableSize: number;
  readonly maxConcurrentStreams: number;
  readonly initialStreamWindowSize: number;
  readonly initialConnectionWindowSize: number;
  readonly allowConnect: boolean;
  readonly maxOutboundFrames: number;
  readonly maxOutboundControlFrames: number;
  readonly maxEmptyFrames: number;
  readonly maxPriorityFrames: number;
  readonly maxWindowUpdateFrames: number;
  readonly streamErrorOnInvalidMessage: boolean;
  readonly customSettings: readonly (readonly [number, number])[];
  readonly keepalive: Required<KeepaliveOptions> | null;
  readonly maxHeadersBytes: number;
  readonly maxHeadersCount: number;
  readonly underscores: UnderscoreAction;
  readonly bufferLimit: number;
}

const compiled = new WeakMap<Http2Options, Http2Settings>();

/** The settings of an options object; the same object gives the same settings. */
export function http2Settings(options: Http2Options): Http2Settings {
  let settings = compiled.get(options);
  if (settings === undefined) compiled.set(options, (settings = compile(options)));
  return settings;
}

function compile(o: Http2Options): Http2Settings {
  const keepalive = o.keepalive;
  return {
    hpackTableSize: o.hpackTableSize ?? 4096,
    maxConcurrentStreams: o.maxConcurrentStreams ?? 1024,
    initialStreamWindowSize: o.initialStreamWindowSize ?? 16 * 1024 * 1024,
    initialConnectionWindowSize: o.initialConnectionWindowSize ?? 24 * 1024 * 1024,
    allowConnect: o.allowConnect ?? false,
    maxOutboundFrames: o.maxOutboundFrames ?? 10000,
    maxOutboundControlFrames: o.maxOutboundControlFrames ?? 1000,
    maxEmptyFrames: o.maxConsecutiveInboundFramesWithEmptyPayload ?? 1,
    maxPriorityFrames: o.maxInboundPriorityFramesPerStream ?? 100,
    maxWindowUpdateFrames: o.maxInboundWindowUpdateFramesPerDataFrameSent ?? 10,
    streamErrorOnInvalidMessage: o.streamErrorOnInvalidMessage ?? false,
    customSettings: o.customSettings ?? [],
    keepalive:
      keepalive === undefined
        ? null
        : {
            interval: keepalive.interval,
            timeout: keepalive.timeout,
            intervalJitterPercent: keepalive.intervalJitterPercent ?? 15,
            connectionIdleInterval: keepalive.connectionIdleInterval ?? 0,
          },
    maxHeadersBytes: (o.maxHeadersKb ?? 60) * 1024,
    maxHeadersCount: o.maxHeadersCount ?? 100,
    underscores: o.headersWithUnderscores ?? 'ALLOW',
    bufferLimit: o.bufferLimit ?? 1024 * 1024,
  };
}
