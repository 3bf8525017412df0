/** Sources of time; passed in, so that tests move time by hand. */
export interface Clock {
  /** Milliseconds of a monotonic clock, with fractions. */
  monotonic(): number;
  /** Milliseconds since the Unix epoch. */
  wall(): number;
}

export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
};
