import { Dispatcher } from '../base/dispatcher.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';

/** Waiting and repeating for the lab's processes, on the one timer wheel that the program has. */
export class Pace {
  readonly dispatcher = new Dispatcher();

  /** Milliseconds of the monotonic clock. */
  now(): number {
    return this.dispatcher.clock.monotonic();
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  /** Calls once; returns what cancels it. */
  after(ms: number, run: () => void): () => void {
    const { timers } = this.dispatcher;
    const timer = new Timer({ onTimer: run }, 0);
    timers.arm(timer, ms, this.now());
    return () => timers.cancel(timer);
  }

  /** Calls every `ms` until the returned function is called. */
  every(ms: number, run: () => void): () => void {
    const { timers } = this.dispatcher;
    let next = this.now() + ms;
    const owner: TimerOwner = {
      onTimer: () => {
        next += ms;
        timers.arm(timer, Math.max(0, next - this.now()), this.now());
        run();
      },
    };
    const timer = new Timer(owner, 0);
    timers.arm(timer, ms, this.now());
    return () => timers.cancel(timer);
  }
}
