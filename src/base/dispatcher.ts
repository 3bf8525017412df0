import { type Clock, systemClock } from './clock.js';
import { type Random, systemRandom } from './random.js';
import { afterPoll, TimerWheel } from './timer-wheel.js';

/** Something with bytes to send at the end of the current pass. */
export interface Flushable {
  flush(): void;
}

/** Something to be told after the current pass, when no caller is on the stack any more. */
export interface Deferred {
  onDeferred(): void;
}

/** Items in the order they were added. The array keeps its length: cutting and growing it would cost more than all else here. */
class Batch<T> {
  length = 0;
  private taken = 0;
  private readonly items: (T | null)[] = [];

  add(item: T): void {
    if (this.length === this.items.length) this.items.push(item);
    else this.items[this.length] = item;
    this.length++;
  }

  /** The next item, or null when there is none: then the batch is empty. */
  take(): T | null {
    if (this.taken === this.length) {
      this.taken = this.length = 0;
      return null;
    }
    const item = this.items[this.taken];
    this.items[this.taken++] = null;
    return item;
  }
}

/**
 * One event loop: the clock of the current pass, the timers, and what happens at the end of a pass.
 *
 * Every callback from Node (socket readable, written, closed, connected, timers) runs between `enter` and `leave`. The clock is
 * read once per pass, so that everything in a pass has the same `now`, as in Envoy. When the outermost pass ends,
 * deferred work runs first and then every connection that was written to is flushed, with one write each. After a pass that only read,
 * the flush waits until the loop has handed out the other reads of the same poll, as in Envoy: a write wakes its peer, and
 * several requests that go out together wake it once.
 */
export class Dispatcher {
  /**
   * Whole milliseconds of the monotonic clock at the start of the pass. Whole, because streams keep a dozen of these and V8
   * allocates for every fraction that is stored.
   */
  now: number;
  private wallAt = 0;
  private wallNow = 0;
  readonly timers: TimerWheel;
  private depth = 0;
  private dirty = new Batch<Flushable>();
  private spareDirty = new Batch<Flushable>();
  private deferred = new Batch<Deferred>();
  private spareDeferred = new Batch<Deferred>();
  private flushScheduled = false;
  private readonly onPolled = () => {
    this.flushScheduled = false;
    this.enter();
    this.leave();
  };
  /** Told of an exception that a callback let escape. It ends what it concerned, not the process and not the pass. */
  onError: (error: unknown) => void = reportDefect;

  constructor(
    readonly clock: Clock = systemClock,
    readonly random: Random = systemRandom(),
    private readonly manualTimers = false,
  ) {
    this.now = Math.floor(clock.monotonic());
    this.timers = new TimerWheel(clock, random, this, manualTimers, (error) => this.onError(error));
  }

  enter(): void {
    if (this.depth++ === 0) this.now = Math.floor(this.clock.monotonic());
  }

  /** Milliseconds since the epoch, read once per millisecond of the monotonic clock. */
  get wall(): number {
    if (this.wallAt !== this.now) {
      this.wallAt = this.now;
      this.wallNow = this.clock.wall();
    }
    return this.wallNow;
  }

  leave(): void {
    if (this.depth === 1) {
      try {
        this.settle();
      } finally {
        this.depth = 0;
      }
    } else this.depth--;
  }

  /** As `leave`, at the end of a read: what was written may go out together with what the next reads write. */
  leaveRead(): void {
    if (this.depth !== 1 || this.manualTimers) {
      this.leave();
      return;
    }
    try {
      this.runDeferred();
    } finally {
      this.depth = 0;
    }
    if (this.dirty.length > 0 && !this.flushScheduled) {
      this.flushScheduled = true;
      afterPoll(this.onPolled);
    }
  }

  /** Flush `item` at the end of the pass. The caller keeps it from being listed twice. */
  markDirty(item: Flushable): void {
    this.dirty.add(item);
  }

  /** Call `item.onDeferred()` at the end of the pass. */
  defer(item: Deferred): void {
    this.deferred.add(item);
  }

  private settle(): void {
    while (this.deferred.length > 0 || this.dirty.length > 0) {
      this.runDeferred();
      const batch = this.dirty;
      this.dirty = this.spareDirty;
      for (let item = batch.take(); item !== null; item = batch.take()) {
        try {
          item.flush();
        } catch (error) {
          this.onError(error);
        }
      }
      this.spareDirty = batch;
    }
  }

  private runDeferred(): void {
    while (this.deferred.length > 0) {
      const batch = this.deferred;
      this.deferred = this.spareDeferred;
      for (let item = batch.take(); item !== null; item = batch.take()) {
        try {
          item.onDeferred();
        } catch (error) {
          this.onError(error);
        }
      }
      this.spareDeferred = batch;
    }
  }
}

function reportDefect(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`halfopen: defect: ${text}\n`);
}
