import type { HostImpl } from '../host.js';
import type { OutlierSink } from '../types.js';
import type { Ejection, OutlierSettings } from './outlier-config.js';

/** Told when a streak is full. */
export interface StreakListener {
  onStreak(monitor: HostMonitor, ejection: Ejection): void;
}

/** Successes of this interval, and of the one before, which is what hosts are compared by. */
export class SuccessRate {
  private total = 0;
  private successes = 0;
  private lastTotal = 0;
  private lastSuccesses = 0;
  /** Percent, as `/clusters` shows it; -1: too few requests. */
  shown = -1;

  add(success: boolean): void {
    this.total++;
    if (success) this.successes++;
  }

  nextInterval(): void {
    this.lastTotal = this.total;
    this.lastSuccesses = this.successes;
    this.total = this.successes = 0;
    this.shown = -1;
  }

  /** Requests in the interval that has ended. */
  get volume(): number {
    return this.lastTotal;
  }

  /** Percent of the interval that has ended. */
  get rate(): number {
    return (100 * this.lastSuccesses) / this.lastTotal;
  }
}

/**
 * Listens to what happens to one host. Without `split` everything is a status code: timeouts are 504, failures 503; a connect
 * that succeeds is nothing. With `split` connect failures, resets and timeouts make a streak of their own, which a successful attach to
 * a connection ends.
 */
export class HostMonitor implements OutlierSink {
  readonly external = new SuccessRate();
  readonly local = new SuccessRate();
  /** Monotonic ms of the last ejection. */
  ejectedAt = 0;
  /** Ejections in a row; an ejection lasts so many times the base time. An interval without ejection takes one off. */
  backoff = 0;
  /** ms added to the current ejection. */
  jitter = 0;
  private run5xx = 0;
  private runGateway = 0;
  private runLocal = 0;

  constructor(
    readonly host: HostImpl,
    private readonly settings: OutlierSettings,
    private readonly listener: StreakListener,
  ) {}

  putHttpResponseCode(code: number): void {
    const { settings } = this;
    const failed = code >= 500 && code < 600;
    this.external.add(!failed);
    if (!failed) {
      this.run5xx = this.runGateway = 0;
      return;
    }
    if (code >= 502 && code <= 504) {
      if (++this.runGateway === settings.consecutiveGatewayFailure)
        this.listener.onStreak(this, 'consecutive_gateway_failure');
    } else this.runGateway = 0;
    if (++this.run5xx === settings.consecutive5xx) this.listener.onStreak(this, 'consecutive_5xx');
  }

  putResult(result: Parameters<OutlierSink['putResult']>[0], code: number | null): void {
    if (!this.settings.split) {
      if (code !== null) this.putHttpResponseCode(code);
      return;
    }
    if (result === 'connect-success' || result === 'request-success') {
      this.local.add(true);
      this.runLocal = 0;
      return;
    }
    this.local.add(false);
    if (++this.runLocal === this.settings.consecutiveLocalOriginFailure)
      this.listener.onStreak(this, 'consecutive_local_origin_failure');
  }

  putResponseTime(): void {}

  /** A streak was dealt with: the next one begins. */
  resetStreak(ejection: Ejection): void {
    if (ejection === 'consecutive_5xx') this.run5xx = 0;
    else if (ejection === 'consecutive_gateway_failure') this.runGateway = 0;
    else this.runLocal = 0;
  }

  resetStreaks(): void {
    this.run5xx = this.runGateway = this.runLocal = 0;
  }
}
