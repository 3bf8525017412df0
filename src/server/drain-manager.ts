import type { Dispatcher } from '../base/dispatcher.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';
import type { DrainDecision } from '../http/config.js';

export interface DrainOptions {
  /** `--drain-time-s`, default 600. */
  drainTimeMs: number;
  /** `--drain-strategy`: with `gradual` the chance that a response ends its connection grows from 0 to 1 over the drain time. */
  strategy: 'gradual' | 'immediate';
}

/** Decides, response by response, whether a connection should be wound up. Envoy: DrainManagerImpl. */
export class DrainManager implements DrainDecision, TimerOwner {
  /** `/healthcheck/fail`. */
  healthcheckFailed = false;
  private startedAt = -1;
  private readonly timer = new Timer(this, 0);
  private onDone: (() => void) | null = null;

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly options: DrainOptions,
  ) {}

  get draining(): boolean {
    return this.startedAt >= 0;
  }

  /** Begins a drain; `done` is called when the drain time has passed. A second call changes nothing. */
  start(done: (() => void) | null): void {
    if (this.draining) return;
    this.startedAt = this.dispatcher.now;
    this.onDone = done;
    this.dispatcher.timers.arm(this.timer, this.options.drainTimeMs, this.dispatcher.now);
  }

  onTimer(): void {
    this.onDone?.();
  }

  drainClose(): boolean {
    if (this.healthcheckFailed) return true;
    if (this.startedAt < 0) return false;
    const { strategy, drainTimeMs } = this.options;
    if (strategy === 'immediate' || drainTimeMs === 0) return true;
    const elapsed = this.dispatcher.now - this.startedAt;
    if (elapsed >= drainTimeMs) return true;
    const seconds = Math.max(1, Math.floor(drainTimeMs / 1000));
    return Math.floor(elapsed / 1000) > this.dispatcher.random.u32() % seconds;
  }
}
