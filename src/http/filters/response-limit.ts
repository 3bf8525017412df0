import type { Trailers } from '../../base/headers.js';
import { Timer, type TimerOwner } from '../../base/timer-wheel.js';
import type { FilteredStream } from './chain.js';

/** The bucket fills twenty times a second. */
const TICK_MS = 50;
const TICKS = 20;

/**
 * Gives a response body out no faster than so many KiB per second (Envoy: StreamRateLimiter). The first bytes are one tick's share; after
 * that up to a second's share may be saved up. Its timer starts with the first bytes, runs while some are kept, and the end of the
 * stream stops it.
 */
export class ResponseLimit implements TimerOwner {
  private readonly perTick: number;
  private readonly timer = new Timer(this, 0);
  private chunks: Buffer[] = [];
  private bytes = 0;
  private tokens = 1;
  private filledAt = -1;
  private ended = false;
  private trailers: Trailers | null = null;
  private above = false;
  private over = false;

  constructor(
    private readonly stream: FilteredStream,
    kbps: number,
  ) {
    this.perTick = Math.floor((kbps * 1024 * TICK_MS) / 1000);
  }

  write(data: Uint8Array, endStream: boolean): void {
    if (data.length > 0) this.chunks.push(Buffer.from(data));
    this.bytes += data.length;
    this.ended ||= endStream;
    this.checkLimit();
    this.arm(0);
  }

  /** @returns false when nothing is kept: the trailers may go at once */
  keep(trailers: Trailers): boolean {
    if (this.bytes === 0) return false;
    this.trailers = trailers;
    return true;
  }

  stop(): void {
    this.over = true;
    this.stream.dispatcher.timers.cancel(this.timer);
  }

  onTimer(): void {
    const { stream } = this;
    const now = stream.dispatcher.now;
    this.fill(now);
    const wanted = Math.ceil(this.bytes / this.perTick);
    const given = Math.min(wanted, Math.floor(this.tokens));
    this.tokens -= given;
    const data = this.take(Math.min(given * this.perTick, this.bytes));
    if (this.bytes > 0) this.arm(TICK_MS);
    this.checkLimit();
    const last = this.bytes === 0;
    const end = this.ended && last && this.trailers === null;
    if (data.length > 0 || end) stream.emitData(data, end);
    if (last && this.trailers !== null && !this.over) stream.emitTrailers(this.trailers);
  }

  private arm(ms: number): void {
    const { timers, now } = this.stream.dispatcher;
    if (!this.timer.armed && !this.over) timers.arm(this.timer, ms, now);
  }

  private fill(now: number): void {
    if (this.filledAt >= 0) this.tokens = Math.min(TICKS, this.tokens + (now - this.filledAt) / TICK_MS);
    this.filledAt = now;
  }

  private take(bytes: number): Buffer {
    this.bytes -= bytes;
    const all = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks);
    this.chunks = bytes < all.length ? [all.subarray(bytes)] : [];
    return all.subarray(0, bytes);
  }

  /** What is kept is bounded as a stream's buffer is: the upstream is paused. */
  private checkLimit(): void {
    const { stream } = this;
    const limit = stream.bufferLimit;
    if (limit === 0) return;
    if (!this.above && this.bytes > limit) {
      this.above = true;
      stream.onAboveWriteBufferHighWatermark();
    } else if (this.above && this.bytes <= limit >> 1) {
      this.above = false;
      stream.onBelowWriteBufferLowWatermark();
    }
  }
}
