import type { Dispatcher } from '../base/dispatcher.js';
import type { HeaderMap, RequestHeaders, ResponseHeaders, Trailers } from '../base/headers.js';
import type { OutBuffer } from '../base/out-buffer.js';
import type { Protocol, StreamBytes } from '../base/protocol.js';

export type { Protocol, StreamBytes };

/**
 * The seam between bytes and messages. HTTP/1 and HTTP/2 look alike from above: callbacks, no Node streams, no promises.
 * A codec knows framing, flow control, limits and floods; it never knows routes or policies.
 *
 * Rules of every call:
 * - `data` is valid only during the call; who keeps it copies it.
 * - Header maps are handed over: the receiver may change and keep them.
 * - `endStream` comes once, on headers, data or trailers. Nothing comes after it but `onReset`.
 * - After `onReset` or `resetStream` neither side calls the other again for that stream.
 * - Writes go to `connection.out` at once and to the socket at the end of the pass.
 */

/** Why a stream ended early. The texts are Envoy's reset reasons where a reply can show them. */
export const Reset = {
  LOCAL: 'local reset',
  LOCAL_REFUSED: 'local refused stream reset',
  REMOTE: 'remote reset',
  REMOTE_REFUSED: 'remote refused stream reset',
  /** RST_STREAM(NO_ERROR) after a complete response. */
  REMOTE_NO_ERROR: 'remote reset no error',
  LOCAL_CONNECTION_FAILURE: 'local connection failure',
  REMOTE_CONNECTION_FAILURE: 'remote connection failure',
  CONNECTION_TIMEOUT: 'connection timeout',
  CONNECTION_TERMINATION: 'connection termination',
  OVERFLOW: 'overflow',
  CONNECT_ERROR: 'remote error with CONNECT request',
  PROTOCOL_ERROR: 'protocol error',
} as const;
export type ResetReason = (typeof Reset)[keyof typeof Reset];

/** How a connection ends. */
export const Close = {
  /** At once; unsent bytes are dropped. */
  NO_FLUSH: 0,
  /** When everything is written. */
  FLUSH: 1,
  /** When everything is written, then wait for the peer to close, at most delayed_close_timeout after the last write progress. */
  FLUSH_AND_DELAY: 2,
  /** At once, with a TCP RST. */
  ABORT: 3,
} as const;
export type CloseType = (typeof Close)[keyof typeof Close];

/** What a codec may ask of the connection below it (implemented in `network/`). */
export interface CodecConnection {
  readonly dispatcher: Dispatcher;
  /** Where the codec writes; after writing it calls `markDirty`. */
  readonly out: OutBuffer;
  markDirty(): void;
  /** Counted: reading is on when every disable has been undone. */
  readDisable(disable: boolean): void;
  /** Bytes accepted from the codec that the kernel has not taken. */
  unsentBytes(): number;
  /** True between the high and the low watermark of the write buffer. */
  aboveHighWatermark(): boolean;
  /** `reason` is the local close reason as the access log shows it in `downstream_local_disconnect(reason)`. */
  close(type: CloseType, reason: string): void;
  readonly open: boolean;
}

/** What both kinds of encoder share: the sending half of a stream, and its controls. */
export interface StreamEncoder {
  encodeData(data: Uint8Array, endStream: boolean): void;
  encodeTrailers(trailers: Trailers): void;
  /** Ends the stream early: HTTP/2 sends RST_STREAM (code chosen from the reason), HTTP/1 closes the connection. No `onReset` follows. */
  resetStream(reason: ResetReason): void;
  /** Counted. HTTP/2 withholds this stream's window; HTTP/1 stops reading the socket. */
  readDisable(disable: boolean): void;
  /** Bytes of buffered data at which `onAboveWriteBufferHighWatermark` is called. */
  readonly bufferLimit: number;
  /** Stream is above its own or its connection's high watermark now. */
  readonly aboveHighWatermark: boolean;
  readonly bytes: StreamBytes;
  /** Identifies the stream in logs of the codec: the HTTP/2 id, 0 for HTTP/1. */
  readonly streamId: number;
}

/** Told about a stream's end and its write buffer. */
export interface StreamCallbacks {
  /**
   * The stream ended early, by the peer, by the codec or with its connection.
   * @param details response code details for the log (`http2.remote_reset`), '' when the codec has none
   */
  onReset(reason: ResetReason, details: string): void;
  onAboveWriteBufferHighWatermark(): void;
  onBelowWriteBufferLowWatermark(): void;
}

// --- server side

export interface ResponseEncoder extends StreamEncoder {
  /** From now on another decoder is told of this stream: the request goes on in a new one (internal redirects). */
  setDecoder(decoder: RequestDecoder): void;
  encode1xx(headers: ResponseHeaders): void;
  encodeHeaders(headers: ResponseHeaders, endStream: boolean): void;
  /** After END_STREAM is queued but not flushed, at most this many ms may pass (HTTP/2; 0: no limit). Counted `tx_flush_timeout`. */
  setFlushTimeout(ms: number): void;
  /** A bad message costs the stream, not the connection (override_stream_error_on_invalid_http_message). */
  readonly streamErrorOnInvalidMessage: boolean;
  /**
   * What the codec found wrong with this stream (`http2.invalid.header.field`), '' for nothing. When the connection ends with a
   * CodecError the stream that caused it logs this, the others `codec_error:` and the message.
   */
  readonly codecDetails?: string;
}

/** The receiving half of a downstream stream (implemented by the connection manager). */
export interface RequestDecoder extends StreamCallbacks {
  decodeHeaders(headers: RequestHeaders, endStream: boolean): void;
  decodeData(data: Uint8Array, endStream: boolean): void;
  decodeTrailers(trailers: Trailers): void;
  /**
   * The request is bad and the codec can still answer (HTTP/1). The connection manager sends the reply, logs it and closes.
   * @param details `http1.codec_error` and so on
   */
  sendCodecReply(status: number, body: string, details: string): void;
  /**
   * The last byte of the response has been given to the connection's buffer by the codec: the encoder side is finished.
   * HTTP/2: also flushed past flow control. The stream may be destroyed.
   */
  onCodecEncodeComplete(): void;
}

export interface ServerCodecCallbacks {
  /** A new stream begins: HTTP/1 at the first byte of a request line, HTTP/2 at the first HEADERS frame. */
  newStream(encoder: ResponseEncoder): RequestDecoder;
  onGoAway(errorCode: number): void;
}

// --- client side

export interface RequestEncoder extends StreamEncoder {
  encodeHeaders(headers: RequestHeaders, endStream: boolean): void;
}

export interface ResponseDecoder extends StreamCallbacks {
  decode1xx(headers: ResponseHeaders): void;
  decodeHeaders(headers: ResponseHeaders, endStream: boolean): void;
  decodeData(data: Uint8Array, endStream: boolean): void;
  decodeTrailers(trailers: Trailers): void;
}

export interface ClientCodecCallbacks {
  /** The peer will take no new streams; those above its last id have been reset with REMOTE_REFUSED already. */
  onGoAway(errorCode: number): void;
  /** The peer's limit of concurrent streams, capped by the configured one, changed. HTTP/2. */
  onMaxConcurrentStreamsChanged(limit: number): void;
  /** A stream is over in both directions and the codec holds nothing of it; capacity may have come free. */
  onStreamDone(): void;
  /**
   * The only open stream is about to be reset from this side. True when the connection was closed instead, as one that was only waiting
   * for this stream is; nothing is written then.
   */
  onResettingLast?(): boolean;
}

// --- connections

/** Why a codec gave up on a connection. */
export interface CodecError {
  /** `protocol`: DPE / UPE. `flood`: closed as a flood. `inbound_flood`. */
  kind: 'protocol' | 'flood';
  /** Details for the log of streams that have none of their own (`codecDetails`), such as `http1.codec_error`. */
  details: string;
  /** Text after `codec_error:` in the details of streams that die with the connection. */
  message: string;
}

interface CodecBase {
  readonly protocol: Protocol;
  /**
   * Feeds received bytes. The codec keeps what it cannot use yet. HTTP/1 leaves bytes of a next request unread until the
   * current response is done; calling with an empty buffer resumes.
   * @returns null, or why the connection must be closed. The codec has already written what is due (GOAWAY).
   */
  dispatch(data: Uint8Array): CodecError | null;
  /** The peer closed its sending side: a close-delimited message ends here. */
  onRemoteEnd(): void;
  /** The connection is gone; open streams get `onReset(reason, details)`. */
  onConnectionClosed(reason: ResetReason, details: string): void;
  /** Write buffer of the connection crossed a mark: tells every open stream. */
  onConnectionAboveHighWatermark(): void;
  onConnectionBelowLowWatermark(): void;
  /** Unsent frames or open flushes remain. */
  wantsToWrite(): boolean;
  readonly activeStreams: number;
}

export interface ServerCodec extends CodecBase {
  /** HTTP/2: GOAWAY(2^31-1). HTTP/1: nothing. */
  shutdownNotice(): void;
  /** HTTP/2: GOAWAY(last stream id). HTTP/1: nothing. */
  goAway(): void;
}

export interface ClientCodec extends CodecBase {
  newStream(decoder: ResponseDecoder): RequestEncoder;
  goAway(): void;
  /** Streams that may be open at once now. HTTP/1: 1. */
  readonly maxConcurrentStreams: number;
}

/** Header sizes for the logs: name, value, `: ` and CRLF are not counted. */
export function headerBlockBytes(headers: HeaderMap): number {
  return headers.byteSize();
}
