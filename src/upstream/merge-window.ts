import type { Dispatcher } from '../base/dispatcher.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';

/** `cluster_manager.`: how changes of hosts reached the balancers. */
export interface UpdateStats {
  cluster_updated: number;
  cluster_updated_via_merge: number;
  update_merge_cancelled: number;
  update_out_of_merge_window: number;
}

interface Window {
  /** Monotonic ms of the last change that was let through. */
  last: number;
  /** Armed by the first change that has to wait, for the whole window; fires: all changes since reach the balancer. */
  readonly timer: Timer;
}

/**
 * Health changes of a priority that come within update_merge_window of the last change are held back, and let through together. A
 * change of membership is never held back, and takes what waits with it. Envoy: ClusterManagerImpl::scheduleUpdate.
 */
export class MergeWindow implements TimerOwner {
  private readonly windows: Window[] = [];

  constructor(
    private readonly dispatcher: Dispatcher,
    /** ms; 0: nothing is held back. */
    private readonly length: number,
    private readonly stats: UpdateStats,
    private readonly apply: (priority: number) => void,
  ) {}

  private window(priority: number): Window {
    while (this.windows.length <= priority)
      this.windows.push({ last: Number.NEGATIVE_INFINITY, timer: new Timer(this, this.windows.length) });
    return this.windows[priority];
  }

  /** Hosts came or went; the caller tells the balancer. */
  onMembership(priority: number): void {
    this.stats.cluster_updated++;
    if (this.length > 0) this.letThrough(this.window(priority));
  }

  /** Only the health of hosts changed. */
  onHealth(priority: number): void {
    const { dispatcher, stats, length } = this;
    if (length > 0) {
      const window = this.window(priority);
      if (dispatcher.now - window.last <= length) {
        if (!window.timer.armed) dispatcher.timers.arm(window.timer, length, dispatcher.now);
        return;
      }
      stats.update_out_of_merge_window++;
      this.letThrough(window);
    }
    stats.cluster_updated++;
    this.apply(priority);
  }

  private letThrough(window: Window): void {
    const { now, timers } = this.dispatcher;
    window.last = now;
    if (!window.timer.armed) return;
    this.stats.update_merge_cancelled++;
    timers.cancel(window.timer);
  }

  onTimer(priority: number): void {
    this.windows[priority].last = this.dispatcher.now;
    this.stats.cluster_updated_via_merge++;
    this.apply(priority);
  }

  stop(): void {
    for (const { timer } of this.windows) this.dispatcher.timers.cancel(timer);
  }
}
