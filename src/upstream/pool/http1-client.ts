import { Close } from '../../codec/codec.js';
import { EARLY_408 } from '../../codec/http1/client.js';
import { ActiveClient, ClientState } from './active-client.js';
import type { ConnPoolImpl } from './conn-pool.js';
import type { Http1ClientCodec } from './transport.js';

/** An HTTP/1 connection: one request at a time, and it ends with a request that was cut. */
export class Http1ActiveClient extends ActiveClient {
  override readonly codec: Http1ClientCodec;
  private closeCounted = false;

  constructor(pool: ConnPoolImpl) {
    super(pool, 1);
    this.codec = pool.transport.http1(this.connection, this);
  }

  override onData(data: Buffer): void {
    const { codec } = this;
    this.lastRead = this.pool.dispatcher.now;
    this.dispatching = true;
    const error = codec.dispatch(data);
    this.dispatching = false;
    if (error === null && codec.reusable) return;
    this.noteCloseAnnounced();
    if (error !== null) {
      if (error !== EARLY_408) this.failProtocol();
      if (this.state !== ClientState.CLOSED) this.connection.close(Close.NO_FLUSH, `codec_error:${error.details}`);
    } else if (codec.activeStreams === 0) this.close('');
  }

  private noteCloseAnnounced(): void {
    if (this.closeCounted || !this.codec.closeNotified) return;
    this.closeCounted = true;
    this.pool.stats.upstream_cx_close_notify++;
  }

  protected override onEndOfInput(): void {
    // A response without a length ends here; one that is cut short is a protocol error.
    if (this.codec.onRemoteEnd() !== null) this.failProtocol();
  }

  override onStreamDone(): void {
    if (this.state === ClientState.CLOSED || this.codec.reusable) {
      this.pool.onStreamDone(this);
      return;
    }
    this.noteCloseAnnounced();
    if (this.dispatching || this.remoteClosed) {
      // The response is complete, and the last on this connection.
      this.pool.drainClient(this);
      this.pool.onStreamDone(this);
    } else {
      // Reset, or answered before the request was complete: the stream dies with the connection and counts as cut.
      this.close('');
    }
  }

  override onGoAway(): void {}

  override onMaxConcurrentStreamsChanged(): void {}

  override countCutStreams(cut: number): boolean {
    return cut > 0;
  }
}
