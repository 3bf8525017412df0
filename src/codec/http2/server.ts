import type { HeaderMap, ResponseHeaders } from '../../base/headers.js';
import {
  type CodecConnection,
  type RequestDecoder,
  Reset,
  type ResetReason,
  type ResponseEncoder,
  type ServerCodec,
  type ServerCodecCallbacks,
} from '../codec.js';
import { Http2Connection } from './connection.js';
import { Code, MAX_STREAM_ID } from './frames.js';
import { type Http2Options, type Http2Settings, http2Settings } from './options.js';
import type { Http2CodecStats } from './stats.js';
import { Http2Stream } from './stream.js';
import { responseToConnect, upgradeFromConnect } from './upgrade.js';

/** The codec of a downstream connection. Defaults are Envoy's. */
export function createHttp2ServerCodec(
  conn: CodecConnection,
  callbacks: ServerCodecCallbacks,
  options: Http2Options,
  stats: Http2CodecStats,
): Http2ServerCodec {
  return new Http2ServerCodec(conn, callbacks, http2Settings(options), stats);
}

class ServerStream extends Http2Stream implements ResponseEncoder {
  request!: RequestDecoder;

  protected get decoder(): RequestDecoder {
    return this.request;
  }

  setDecoder(decoder: RequestDecoder): void {
    this.request = decoder;
  }

  encode1xx(headers: ResponseHeaders): void {
    if (this.gone) return;
    this.connection.submitHeaders(this, headers, false);
    this.connection.send();
  }

  encodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    if (this.gone) return;
    responseToConnect(headers);
    this.submitHead(headers, endStream);
  }

  setFlushTimeout(ms: number): void {
    this.flushMs = ms;
  }

  protected onEndSent(): void {
    if (!this.detached) this.request.onCodecEncodeComplete();
  }

  protected resetCode(reason: ResetReason): Code {
    switch (reason) {
      case Reset.LOCAL_REFUSED:
        return Code.REFUSED_STREAM;
      case Reset.CONNECT_ERROR:
        return Code.CONNECT_ERROR;
      case Reset.PROTOCOL_ERROR:
        return Code.PROTOCOL_ERROR;
      default:
        // The response is whole: the client may keep it and stop sending (RFC 9113 section 8.1).
        return this.localEndSent ? Code.NO_ERROR : Code.INTERNAL_ERROR;
    }
  }
}

export class Http2ServerCodec extends Http2Connection implements ServerCodec {
  readonly isServer = true;
  private shutdownNoticed = false;

  constructor(
    conn: CodecConnection,
    private readonly callbacks: ServerCodecCallbacks,
    settings: Http2Settings,
    stats: Http2CodecStats,
  ) {
    super(conn, settings, stats, true);
  }

  protected openStream(id: number): Http2Stream {
    const stream = new ServerStream(this);
    this.admit(stream, id);
    this.inbound.streamOpened();
    this.stats.streams_active++;
    stream.request = this.callbacks.newStream(stream);
    if (this.conn.aboveHighWatermark()) stream.notifyAbove();
    return stream;
  }

  protected onHead(stream: Http2Stream): void {
    const headers = this.reader.takeRequest();
    upgradeFromConnect(headers);
    if (!stream.detached) (stream as ServerStream).request.decodeHeaders(headers, stream.remoteEnd);
  }

  protected isMine(id: number): boolean {
    return id !== 0 && (id & 1) === 0;
  }

  protected isIdle(id: number): boolean {
    return (id & 1) === 0 || id > this.lastReceivedId;
  }

  protected onGoAway(code: number): void {
    this.callbacks.onGoAway(code);
  }

  onPeerStreamLimit(): void {
    // A limit on pushed streams; there are none.
  }

  protected onStreamGone(): void {}

  protected encodeHead(_stream: Http2Stream, headers: HeaderMap): void {
    const status = (headers as ResponseHeaders).status;
    if (status !== undefined) this.encoder.status(status);
    this.encoder.fields(headers);
  }

  shutdownNotice(): void {
    if (this.shutdownNoticed || this.goAwaySent || this.terminating) return;
    this.shutdownNoticed = true;
    this.submitGoAway(MAX_STREAM_ID, Code.NO_ERROR, '');
    this.send();
  }
}
