import type { Dispatcher } from '../base/dispatcher.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';
import { Close } from '../codec/codec.js';
import type { CloseEvent } from '../network/connection.js';
import type { TcpCallbacks, TcpClient } from '../upstream/pool/tcp-client.js';
import type { TcpStats } from './config.js';

/**
 * An upstream connection whose client has gone, while bytes of the client are still to be written. It closes when they are.
 *
 * Clock: *idle* (the proxy's idle_timeout) from the client's departure, anew with every byte the kernel takes; fires: closed.
 */
export class UpstreamDrainer implements TcpCallbacks, TimerOwner {
  private readonly timer = new Timer(this, 0);
  private written: number;

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly client: TcpClient,
    private readonly stats: TcpStats,
    private readonly idleTimeout: number,
  ) {
    stats.upstream_flush_total++;
    stats.upstream_flush_active++;
    this.written = client.connection.txBytes;
    this.arm();
  }

  private arm(): void {
    if (this.idleTimeout > 0) this.dispatcher.timers.arm(this.timer, this.idleTimeout, this.dispatcher.now);
  }

  onTimer(): void {
    const { txBytes } = this.client.connection;
    if (txBytes > this.written) {
      this.written = txBytes;
      this.arm();
      return;
    }
    this.stats.idle_timeout++;
    this.client.connection.close(Close.NO_FLUSH, 'on_idle_timeout');
  }

  onTcpReady(): void {}
  onTcpFailure(): void {}
  onUpstreamData(): void {}
  onUpstreamEnd(): void {}
  onUpstreamAboveHighWatermark(): void {}
  onUpstreamBelowLowWatermark(): void {}

  onUpstreamClosed(_event: CloseEvent): void {
    this.dispatcher.timers.cancel(this.timer);
    this.stats.upstream_flush_active--;
  }
}
