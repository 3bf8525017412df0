import { type ClientCodec, Close } from '../../codec/codec.js';
import { ActiveClient, ClientState } from './active-client.js';
import type { ConnPoolImpl } from './conn-pool.js';

/** An HTTP/2 connection: many streams, and a stream's end is not the connection's. */
export class Http2ActiveClient extends ActiveClient {
  override readonly codec: ClientCodec;
  private goneAway = false;
  /** GOAWAY came with the bytes that are being read now: streams that end meanwhile are those it refused. */
  private goingAway = false;

  constructor(pool: ConnPoolImpl) {
    super(pool, pool.settings.maxConcurrentStreams);
    this.codec = pool.transport.http2(this.connection, this);
  }

  override onData(data: Buffer): void {
    this.lastRead = this.pool.dispatcher.now;
    this.dispatching = true;
    const error = this.codec.dispatch(data);
    this.dispatching = this.goingAway = false;
    if (error === null || this.state === ClientState.CLOSED) return;
    this.failProtocol();
    this.connection.close(Close.NO_FLUSH, `codec_error:${error.details}`);
  }

  protected override onEndOfInput(): void {}

  override onGoAway(): void {
    if (this.goneAway || this.state === ClientState.CLOSED) return;
    this.goneAway = this.goingAway = true;
    this.pool.stats.upstream_cx_close_notify++;
    if (this.state === ClientState.DRAINING) return;
    if (this.activeStreams === 0) this.close('');
    else this.pool.drainClient(this);
  }

  override onMaxConcurrentStreamsChanged(limit: number): void {
    if (this.state !== ClientState.CLOSED) this.pool.onConcurrencyLimit(this, limit);
  }

  override onStreamDone(): void {
    // Envoy's codec takes a connection that is closed under its hands, when its last stream ends, for a protocol error.
    const last = this.state === ClientState.DRAINING && this.activeStreams === 1;
    if (last && this.dispatching && !this.goingAway) this.failProtocol();
    this.pool.onStreamDone(this);
  }

  /** Envoy's pool hears of a reset before the codec writes it. */
  onResettingLast(): boolean {
    if (this.state !== ClientState.DRAINING || this.activeStreams !== 1) return false;
    this.pool.onStreamDone(this);
    return true;
  }

  /** Envoy counts the streams of a lost connection as ejected, but for those that a protocol error ended. */
  override countCutStreams(cut: number): boolean {
    if (this.protocolError) return false;
    this.pool.stats.upstream_rq_pending_failure_eject += cut;
    return cut > 0;
  }
}
