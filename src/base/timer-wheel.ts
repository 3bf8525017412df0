import type { Clock } from './clock.js';
import type { Random } from './random.js';

/**
 * All timers of the process. The only place that calls Node's `setTimeout`.
 *
 * Deadlines are whole ticks of a coarse clock (4 ms, the tick of CLOCK_MONOTONIC_COARSE at HZ 250, which Envoy's event
 * library reads): two timers armed within one tick for the same length have *equal* deadlines, and equal deadlines
 * fire in an order that only `random` decides. Envoy behaves so, and the field report's mixture of answers comes
 * from it. A *scaled* timer (Envoy's overload manager can shorten it: stream idle, connection idle, connection
 * duration) fires after every plain timer of the same deadline.
 *
 * Arming and cancelling are O(1) and allocate nothing: a timer is a node of an intrusive list in a hierarchical wheel
 * of three levels of 256 slots (1.024 s, 262 s, 18.6 h) and an overflow list.
 */
export const TICK_MS = 4;

/** Calls `callback` once, when everything that the current poll of the event loop found has been handed out. */
export function afterPoll(callback: () => void): void {
  setImmediate(callback);
}

/** Receives the expiry; `kind` tells an owner of several timers which one it was. */
export interface TimerOwner {
  onTimer(kind: number): void;
}

const BITS = 8;
const SLOTS = 1 << BITS;
const MASK = SLOTS - 1;

/** Link of a list that closes on itself: a timer, or the head of a list. */
interface Link {
  prev: Link;
  next: Link;
}

class Head implements Link {
  prev: Link = this;
  next: Link = this;
}

export class Timer implements Link {
  prev: Link = this;
  next: Link = this;
  /** Tick at which it fires; -1 while it is not armed. */
  deadline = -1;
  /** Tick of the slot it is filed under: may lie before `deadline` after a lazy `extend`. */
  filed = -1;
  /** Milliseconds it was last armed for, and the clock at that moment; kept after it fired (the ledger reads them). */
  length = 0;
  armedAt = 0;

  constructor(
    readonly owner: TimerOwner,
    readonly kind: number,
    readonly scaled: boolean = false,
  ) {}

  get armed(): boolean {
    return this.deadline >= 0;
  }
}

function unlink(node: Link): void {
  node.prev.next = node.next;
  node.next.prev = node.prev;
  node.prev = node.next = node;
}

function append(list: Link, node: Link): void {
  node.prev = list.prev;
  node.next = list;
  list.prev.next = node;
  list.prev = node;
}

function rethrow(error: unknown): never {
  throw error;
}

export class TimerWheel {
  private readonly levels: Head[][] = [0, 1, 2].map(() => Array.from({ length: SLOTS }, () => new Head()));
  private readonly overflow = new Head();
  /** Last tick whose timers have fired. */
  private current: number;
  private count = 0;
  private wake: ReturnType<typeof setTimeout> | null = null;
  private wakeTick = Number.POSITIVE_INFINITY;
  private readonly onWake = () => {
    this.wake = null;
    this.wakeTick = Number.POSITIVE_INFINITY;
    this.run();
  };

  /**
   * @param scope runs the callbacks of one batch of expiries (the dispatcher's enter and leave)
   * @param manual never sleep by itself; the test calls `advance`
   */
  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly scope: { enter(): void; leave(): void },
    private readonly manual = false,
    /** Told of an exception that a timer's owner let escape; the other timers still fire. */
    private readonly onError: (error: unknown) => void = rethrow,
  ) {
    this.current = Math.floor(clock.monotonic() / TICK_MS);
  }

  /** Timers now armed. */
  get size(): number {
    return this.count;
  }

  /**
   * Arms (or re-arms) a timer. `now` is the loop's clock, so that timers armed in one pass share it.
   * A length of 0 fires on the next pass.
   */
  arm(timer: Timer, ms: number, now: number): void {
    timer.length = ms;
    timer.armedAt = now;
    let deadline = Math.floor(now / TICK_MS) + Math.ceil(ms / TICK_MS);
    if (deadline <= this.current) deadline = this.current + 1;
    if (timer.deadline >= 0) {
      // A deadline that moves away only is noted; the slot it is filed under finds out when it comes.
      if (deadline >= timer.filed) {
        timer.deadline = deadline;
        return;
      }
      unlink(timer);
    } else {
      this.count++;
    }
    timer.deadline = deadline;
    this.file(timer);
    if (deadline < this.wakeTick) this.schedule();
  }

  cancel(timer: Timer): void {
    if (timer.deadline < 0) return;
    timer.deadline = -1;
    unlink(timer);
    if (--this.count === 0 && this.wake !== null) {
      clearTimeout(this.wake);
      this.wake = null;
      this.wakeTick = Number.POSITIVE_INFINITY;
    }
  }

  private file(timer: Timer): void {
    const at = (timer.filed = timer.deadline);
    const ahead = at - this.current;
    if (ahead < SLOTS) append(this.levels[0][at & MASK], timer);
    else if (ahead < SLOTS << BITS) append(this.levels[1][(at >> BITS) & MASK], timer);
    else if (ahead < SLOTS << (2 * BITS)) append(this.levels[2][(at >> (2 * BITS)) & MASK], timer);
    else append(this.overflow, timer);
  }

  /** The next tick that has timers, or the one at which the next coarse slot must be refiled. */
  private nextTick(): number {
    const fine = this.levels[0];
    // No shift: ticks outgrow 32 bits after 99 days.
    const boundary = this.current - (this.current & MASK) + SLOTS;
    for (let t = this.current + 1; t < boundary; t++) if (fine[t & MASK].next !== fine[t & MASK]) return t;
    return boundary;
  }

  private schedule(): void {
    if (this.manual || this.count === 0) return;
    const tick = this.nextTick();
    if (this.wake !== null) {
      if (this.wakeTick <= tick) return;
      clearTimeout(this.wake);
    }
    this.wakeTick = tick;
    const ms = Math.max(1, Math.ceil(tick * TICK_MS - this.clock.monotonic()));
    this.wake = setTimeout(this.onWake, ms);
  }

  /** Fires everything due by the clock. Called by the wheel's own wake-up, or by a test that has moved its clock. */
  run(): void {
    const target = Math.floor(this.clock.monotonic() / TICK_MS);
    if (this.count === 0) {
      if (target > this.current) this.current = target;
      return;
    }
    const due: Timer[] = [];
    while (this.current < target && this.count > 0) {
      this.current++;
      if ((this.current & MASK) === 0) this.refile();
      this.collect(due);
    }
    if (this.count === 0 && target > this.current) this.current = target;
    if (due.length > 0) this.fire(due);
    this.schedule();
  }

  private refile(): void {
    const middle = (this.current >> BITS) & MASK;
    if (middle === 0) {
      const coarse = (this.current >> (2 * BITS)) & MASK;
      if (coarse === 0) this.refileList(this.overflow);
      this.refileList(this.levels[2][coarse]);
    }
    this.refileList(this.levels[1][middle]);
  }

  private refileList(list: Head): void {
    if (list.next === list) return;
    const moved = new Head();
    moved.next = list.next;
    moved.prev = list.prev;
    moved.next.prev = moved;
    moved.prev.next = moved;
    list.next = list.prev = list;
    while (moved.next !== moved) {
      const timer = moved.next as Timer;
      unlink(timer);
      if (timer.deadline <= this.current) {
        timer.filed = this.current;
        append(this.levels[0][this.current & MASK], timer);
      } else this.file(timer);
    }
  }

  private collect(due: Timer[]): void {
    const list = this.levels[0][this.current & MASK];
    let node = list.next;
    while (node !== list) {
      const timer = node as Timer;
      node = node.next;
      unlink(timer);
      if (timer.deadline > this.current) this.file(timer);
      else due.push(timer);
    }
  }

  /** Equal deadlines: plain before scaled, and in random order among the plain. Earlier deadlines first. */
  private fire(due: Timer[]): void {
    const rank = new Map<Timer, number>();
    if (due.length > 1) {
      for (const timer of due) rank.set(timer, this.random.u32());
      due.sort((a, b) => a.deadline - b.deadline || Number(a.scaled) - Number(b.scaled) || rank.get(a)! - rank.get(b)!);
    }
    this.scope.enter();
    try {
      for (const timer of due) {
        // An earlier callback of the batch may have cancelled or re-armed it.
        if (timer.deadline < 0) continue;
        if (timer.deadline > this.current) {
          if (timer.next === timer) this.file(timer);
          continue;
        }
        timer.deadline = -1;
        unlink(timer);
        this.count--;
        try {
          timer.owner.onTimer(timer.kind);
        } catch (error) {
          this.onError(error);
        }
      }
    } finally {
      this.scope.leave();
    }
  }

  /** Drops the wake-up so that the process can end. */
  stop(): void {
    if (this.wake !== null) clearTimeout(this.wake);
    this.wake = null;
    this.wakeTick = Number.POSITIVE_INFINITY;
  }
}
