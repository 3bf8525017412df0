import type { HostSet } from '../priority-set.js';
import type { Host, RetryPriority } from '../types.js';
import { availability, type PriorityLoad } from './priority-load.js';

/**
 * Keeps retries of one request away from priorities that were tried (retry_priority previous_priorities). After every
 * `updateFrequency` attempts what was tried is left out; when nothing healthy would be left everything counts again.
 */
export class PreviousPriorities implements RetryPriority {
  private attempted: number[] = [];
  private excluded: boolean[] = [];
  private current: PriorityLoad | null = null;
  private attempts = 0;

  constructor(private readonly updateFrequency: number) {}

  onHostAttempted(host: Host): void {
    this.attempts++;
    this.attempted.push(host.priority ?? 0);
  }

  /** What takes the place of the balancer's own load. */
  load(original: PriorityLoad, sets: readonly HostSet[]): PriorityLoad {
    if (this.attempts < this.updateFrequency) return original;
    if (this.attempted.length % this.updateFrequency === 0) {
      for (const priority of this.attempted) this.excluded[priority] = true;
      this.current = this.adjusted(original, sets);
    }
    return this.current ?? original;
  }

  private adjusted(original: PriorityLoad, sets: readonly HostSet[]): PriorityLoad | null {
    const all = sets.map((set) => availability(set, set.healthy));
    let health = all.map((one, i) => (this.excluded[i] === true ? 0 : one));
    if (health.every((one) => one === 0)) {
      this.attempted = [];
      this.excluded = [];
      health = all;
    }
    const total = Math.min(
      100,
      health.reduce((a, b) => a + b, 0),
    );
    if (total === 0) return null;
    const healthy: number[] = new Array(sets.length).fill(0);
    let left = 100;
    while (left > 0)
      for (let i = 0; i < healthy.length; i++) {
        const share = Math.min(left, Math.floor((health[i] * 100) / total));
        healthy[i] += share;
        left -= share;
      }
    return { healthy, degraded: new Array(sets.length).fill(0), panic: original.panic };
  }
}
