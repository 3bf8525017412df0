/**
 * Waiting for a state of a peer. Whoever changes the state calls `changed()`; whoever waits gives a condition and a limit.
 */
export class Watch {
  #waiters = new Set();

  changed() {
    for (const waiter of this.#waiters) {
      if (waiter.condition()) {
        this.#waiters.delete(waiter);
        clearTimeout(waiter.timer);
        waiter.resolve(true);
      }
    }
  }

  /** Resolves to true once `condition()` holds, to false after `ms` milliseconds. */
  until(condition, ms = 5000) {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter = { condition, resolve, timer: null };
      waiter.timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        resolve(false);
      }, ms);
      this.#waiters.add(waiter);
    });
  }
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const now = () => performance.now();
