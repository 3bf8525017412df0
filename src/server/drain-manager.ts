import type { Dispatcher } from '../base/dispatcher.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';
import type { DrainDecision } from '../http/config.js';

export interface DrainOptions {
  /** `--drain-time-s`, default 600. */
  drainTimeMs: number;
  /** `--drain-strategy`: with `gradual` the chance that a response ends its connection grows from 0 to 1 over the drain time. */
  strategy: 'gradual' | 'immediate';
}

/** One drain: when it began, and what happens when the drain time, which starts with it, is over. */
class Drain implements TimerOwner {
  private startedAt = -1;
  private readonly timer = new Timer(this, 0);
  private onDone: (() => void) | null = null;

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly options: DrainOptions,
  ) {}

  get begun(): boolean {
    return this.startedAt >= 0;
  }

  start(done: (() => void) | null): void {
    const { now, timers } = this.dispatcher;
    this.startedAt = now;
    this.onDone = done;
    timers.arm(this.timer, this.options.drainTimeMs, now);
  }

  onTimer(): void {
    this.onDone?.();
  }

  /** Whether this response ends its connection. */
  decide(): boolean {
    const { strategy, drainTimeMs } = this.options;
    if (strategy === 'immediate' || drainTimeMs === 0) return true;
    const elapsed = this.dispatcher.now - this.startedAt;
    if (elapsed >= drainTimeMs) return true;
    const seconds = Math.max(1, Math.floor(drainTimeMs / 1000));
    return Math.floor(elapsed / 1000) > this.dispatcher.random.u32() % seconds;
  }
}

/** Decides, response by response, whether a connection should be wound up. Envoy: DrainManagerImpl. */
export class DrainManager {
  /** `/healthcheck/fail`. */
  healthcheckFailed = false;
  private readonly all: Drain;
  private readonly inbound: Drain;

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly options: DrainOptions,
  ) {
    this.all = new Drain(dispatcher, options);
    this.inbound = new Drain(dispatcher, options);
  }

  /** A drain of this direction, or of all, has begun. */
  draining(inboundOnly: boolean): boolean {
    return this.all.begun || (inboundOnly && this.inbound.begun);
  }

  /** Begins a drain; `done` is called when the drain time has passed. What is drained already is not drained again. */
  start(inboundOnly: boolean, done: (() => void) | null): void {
    if (!this.draining(inboundOnly)) (inboundOnly ? this.inbound : this.all).start(done);
  }

  /** For a listener. @param inbound it takes traffic from outside (traffic_direction INBOUND) */
  forListener(inbound: boolean, drainType: 'DEFAULT' | 'MODIFY_ONLY'): ListenerDrain {
    return new ListenerDrain(
      this,
      this.all,
      inbound ? this.inbound : null,
      new Drain(this.dispatcher, this.options),
      drainType,
    );
  }
}

/** The decision of one listener: its own removal, a drain of its direction, and failed health of the server. */
export class ListenerDrain implements DrainDecision {
  constructor(
    private readonly server: DrainManager,
    private readonly all: Drain,
    private readonly direction: Drain | null,
    private readonly own: Drain,
    private readonly drainType: 'DEFAULT' | 'MODIFY_ONLY',
  ) {}

  get healthcheckFailed(): boolean {
    return this.server.healthcheckFailed;
  }

  /** The listener is removed: `done` when the drain time has passed. */
  start(done: () => void): void {
    if (!this.own.begun) this.own.start(done);
  }

  drainClose(): boolean {
    if (this.server.healthcheckFailed && this.drainType === 'DEFAULT') return true;
    if (this.own.begun && this.own.decide()) return true;
    if (this.all.begun && this.all.decide()) return true;
    return this.direction?.begun === true && this.direction.decide();
  }
}
