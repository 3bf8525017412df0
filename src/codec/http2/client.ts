import { copyRequestHeaders, type HeaderMap, RequestHeaders } from '../../base/headers.js';
import {
  type ClientCodec,
  type ClientCodecCallbacks,
  type CodecConnection,
  type RequestEncoder,
  Reset,
  type ResetReason,
  type ResponseDecoder,
} from '../codec.js';
import { Http2Connection } from './connection.js';
import { Code } from './frames.js';
import { type Http2Options, type Http2Settings, http2Settings } from './options.js';
import type { Http2CodecStats } from './stats.js';
import { Http2Stream, Seen } from './stream.js';
import { connectFromUpgrade, isUpgrade, responseFromConnect } from './upgrade.js';

/** The codec of an upstream connection; it may write before the connection is established. Defaults are Envoy's. */
export function createHttp2ClientCodec(
  conn: CodecConnection,
  callbacks: ClientCodecCallbacks,
  options: Http2Options,
  stats: Http2CodecStats,
): Http2ClientCodec {
  return new Http2ClientCodec(conn, callbacks, http2Settings(options), stats);
}

class ClientStream extends Http2Stream implements RequestEncoder {
  /** Type of the upgrade that was sent as an extended CONNECT, '' for none. */
  upgrade = '';
  client: Http2ClientCodec;
  /** Neighbours in the list of streams that are made and not opened, and whether it is in there. */
  earlier: ClientStream | null = null;
  later: ClientStream | null = null;
  unopened = false;

  constructor(
    connection: Http2ClientCodec,
    readonly decoder: ResponseDecoder,
  ) {
    super(connection);
    this.client = connection;
  }

  encodeHeaders(headers: RequestHeaders, endStream: boolean): void {
    if (this.gone) return;
    if (headers.method === 'CONNECT' || isUpgrade(headers)) {
      // The caller keeps the request as it was: for the next attempt, and the log.
      headers = copyRequestHeaders(headers);
      this.upgrade = connectFromUpgrade(headers);
    }
    if (headers.method === 'HEAD') this.seen |= Seen.IS_HEAD;
    else if (headers.method === 'CONNECT') this.seen |= Seen.IS_CONNECT;
    this.localEnd = endStream;
    if (this.client.open(this, headers, endStream)) this.submitHead(headers, endStream);
  }

  protected onEndSent(): void {}

  protected resetCode(reason: ResetReason): Code {
    switch (reason) {
      case Reset.LOCAL_REFUSED:
        return Code.REFUSED_STREAM;
      case Reset.CONNECT_ERROR:
        return Code.CONNECT_ERROR;
      case Reset.PROTOCOL_ERROR:
        return Code.PROTOCOL_ERROR;
      default:
        return Code.INTERNAL_ERROR;
    }
  }
}

export class Http2ClientCodec extends Http2Connection implements ClientCodec {
  readonly isServer = false;
  private nextId = 1;
  /** Made and not opened: without headers, or waiting for the peer's stream limit. */
  private oldest: ClientStream | null = null;
  private newest: ClientStream | null = null;
  private unopened = 0;
  private waiting: { stream: ClientStream; headers: RequestHeaders; endStream: boolean }[] = [];

  constructor(
    conn: CodecConnection,
    private readonly callbacks: ClientCodecCallbacks,
    settings: Http2Settings,
    stats: Http2CodecStats,
  ) {
    super(conn, settings, stats, false);
  }

  get maxConcurrentStreams(): number {
    return Math.min(this.peer.maxConcurrentStreams, this.settings.maxConcurrentStreams);
  }

  override get activeStreams(): number {
    return super.activeStreams + this.unopened;
  }

  newStream(decoder: ResponseDecoder): RequestEncoder {
    this.keepalive.beforeStream(this.lastReceived);
    const stream = new ClientStream(this, decoder);
    this.list(stream);
    this.inbound.streamOpened();
    this.stats.streams_active++;
    if (this.conn.aboveHighWatermark()) stream.notifyAbove();
    return stream;
  }

  private list(stream: ClientStream): void {
    stream.unopened = true;
    stream.earlier = this.newest;
    if (this.newest !== null) this.newest.later = stream;
    else this.oldest = stream;
    this.newest = stream;
    this.unopened++;
  }

  private unlist(stream: ClientStream): void {
    const { earlier, later } = stream;
    if (earlier !== null) earlier.later = later;
    else this.oldest = later;
    if (later !== null) later.earlier = earlier;
    else this.newest = earlier;
    stream.earlier = stream.later = null;
    stream.unopened = false;
    this.unopened--;
  }

  /** Gives the stream its number. @returns false when it must wait, or may not be opened */
  open(stream: ClientStream, headers: RequestHeaders, endStream: boolean): boolean {
    if (this.goAwayReceived || this.goAwaySent) {
      this.abandon(stream);
      stream.setDetails('http2.remote_refuse');
      stream.notifyReset(Reset.REMOTE_REFUSED, stream.codecDetails);
      return false;
    }
    if (this.streams.size >= this.peer.maxConcurrentStreams) {
      this.waiting.push({ stream, headers, endStream });
      return false;
    }
    this.unlist(stream);
    stream.sendWindow = this.peerInitialWindow;
    stream.receiveWindow = this.localInitialWindow;
    this.admit(stream, this.nextId);
    this.nextId += 2;
    return true;
  }

  private openWaiting(): void {
    while (this.waiting.length > 0 && this.streams.size < this.peer.maxConcurrentStreams) {
      const { stream, headers, endStream } = this.waiting.shift()!;
      if (!stream.gone && this.open(stream, headers, endStream)) this.submitHeaders(stream, headers, endStream);
    }
  }

  /** A stream that was never opened is given up. */
  private abandon(stream: ClientStream): void {
    if (!stream.unopened) return;
    this.unlist(stream);
    stream.release();
    this.stats.streams_active--;
    this.inbound.streamClosed();
    this.callbacks.onStreamDone();
  }

  override resetFromAbove(stream: Http2Stream): void {
    if (stream.streamId === 0) this.abandon(stream as ClientStream);
    else if (this.streams.size === 1 && this.callbacks.onResettingLast?.() === true) return;
    else super.resetFromAbove(stream);
  }

  override onConnectionClosed(reason: ResetReason, details: string): void {
    for (let stream = this.oldest; stream !== null; stream = this.oldest) {
      this.unlist(stream);
      this.endWithConnection(stream, reason, details);
    }
    this.waiting = [];
    super.onConnectionClosed(reason, details);
  }

  protected openStream(): null {
    return null;
  }

  protected onHead(stream: Http2Stream): void {
    const response = this.reader.takeResponse();
    const client = stream as ClientStream;
    if (stream.seen & Seen.EXPECT_FINAL) {
      if (!stream.detached) client.decoder.decode1xx(response);
      return;
    }
    if (client.upgrade !== '') responseFromConnect(response, client.upgrade);
    if (!stream.detached) client.decoder.decodeHeaders(response, stream.remoteEnd);
  }

  protected isMine(id: number): boolean {
    return (id & 1) === 1;
  }

  protected isIdle(id: number): boolean {
    return (id & 1) === 0 || id >= this.nextId;
  }

  protected onGoAway(code: number): void {
    this.callbacks.onGoAway(code);
  }

  onPeerStreamLimit(limit: number): void {
    this.callbacks.onMaxConcurrentStreamsChanged(limit);
    this.openWaiting();
  }

  protected onStreamGone(): void {
    this.openWaiting();
    this.callbacks.onStreamDone();
  }

  protected encodeHead(_stream: Http2Stream, headers: HeaderMap): void {
    if (headers instanceof RequestHeaders) this.encoder.request(headers);
    else this.encoder.fields(headers);
  }
}
