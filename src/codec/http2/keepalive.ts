import { Timer, type TimerOwner } from '../../base/timer-wheel.js';
import { Close } from '../codec.js';
import type { Http2Connection } from './connection.js';
import { u32 } from './frames.js';
import type { KeepaliveOptions } from './options.js';

enum Kind {
  INTERVAL = 0,
  TIMEOUT = 1,
}

/**
 * PINGs of one connection: those of connection_keepalive, and single ones to measure the round trip.
 *
 * The interval starts with the connection and at every answer; when it is over a PING goes out. The timeout starts with the
 * PING and anew with every frame that comes; an answer stops it. When it is over the connection is closed without flushing.
 */
export class Keepalive implements TimerOwner {
  /** Milliseconds between the last answered PING and its answer, -1 before the first. */
  lastRtt = -1;
  /** Monotonic ms at which the PING in flight was sent, -1 when none is. */
  outstandingSince = -1;
  private readonly interval: Timer | null;
  private readonly timeout: Timer | null;
  private payloadHigh = 0;
  private payloadLow = 0;

  constructor(
    private readonly connection: Http2Connection,
    private readonly options: Required<KeepaliveOptions> | null,
  ) {
    this.interval = options !== null && options.interval > 0 ? new Timer(this, Kind.INTERVAL) : null;
    this.timeout = options !== null ? new Timer(this, Kind.TIMEOUT) : null;
    this.armInterval();
  }

  private armInterval(): void {
    if (this.interval === null) return;
    const { timers, now, random } = this.connection.conn.dispatcher;
    let ms = this.options!.interval;
    const spread = Math.floor((this.options!.intervalJitterPercent * ms) / 100);
    if (spread > 0) ms += random.u32() % spread;
    timers.arm(this.interval, ms, now);
  }

  /** A frame that is no answer to a PING came: the peer lives, the answer may stand behind it. */
  onFrame(): void {
    const timeout = this.timeout;
    if (timeout === null || timeout.deadline < 0) return;
    const { timers, now } = this.connection.conn.dispatcher;
    timers.arm(timeout, this.options!.timeout, now);
  }

  onAnswer(buf: Uint8Array, at: number): void {
    const { timers, now } = this.connection.conn.dispatcher;
    if (this.outstandingSince >= 0 && u32(buf, at) === this.payloadHigh && u32(buf, at + 4) === this.payloadLow) {
      this.lastRtt = now - this.outstandingSince;
      this.outstandingSince = -1;
    }
    // As in Envoy any answer counts, also one to no question.
    if (this.timeout !== null) timers.cancel(this.timeout);
    this.armInterval();
  }

  /** A stream is about to be opened: is the connection still there, if it was silent for long? */
  beforeStream(idleSince: number): void {
    const idle = this.options?.connectionIdleInterval ?? 0;
    if (idle > 0 && this.connection.conn.dispatcher.now - idleSince > idle) this.ping();
  }

  /** Sends a PING that keeps the timeout, unless one is under way. */
  private ping(): void {
    if (this.timeout!.armed) return;
    this.probe();
    const { timers, now } = this.connection.conn.dispatcher;
    timers.arm(this.timeout!, this.options!.timeout, now);
  }

  /** Sends a PING to measure the round trip; without consequences when no answer comes. */
  probe(): void {
    const { clock, now } = this.connection.conn.dispatcher;
    const wall = Math.floor(clock.wall());
    this.payloadHigh = Math.floor(wall / 2 ** 32) >>> 0;
    this.payloadLow = wall >>> 0;
    this.outstandingSince = now;
    this.connection.submitPing(this.payloadHigh, this.payloadLow);
  }

  onTimer(kind: number): void {
    if (!this.connection.conn.open) return;
    if (kind === Kind.INTERVAL) {
      this.ping();
      return;
    }
    this.connection.stats.keepalive_timeout++;
    this.connection.conn.close(Close.NO_FLUSH, 'http2_ping_timeout');
  }

  stop(): void {
    const { timers } = this.connection.conn.dispatcher;
    if (this.interval !== null) timers.cancel(this.interval);
    if (this.timeout !== null) timers.cancel(this.timeout);
  }
}
