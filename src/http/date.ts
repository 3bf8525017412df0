import type { Clock } from '../base/clock.js';

/** `Date` header text (RFC 9110 IMF-fixdate), made anew at most once a second. */
export class DateText {
  private text = '';
  private until = Number.NEGATIVE_INFINITY;

  constructor(private readonly clock: Clock) {}

  /** @param now monotonic ms of the pass */
  at(now: number): string {
    if (now >= this.until) {
      const wall = this.clock.wall();
      this.text = new Date(wall).toUTCString();
      this.until = now + (1000 - (wall % 1000));
    }
    return this.text;
  }
}
