import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Dispatcher } from './dispatcher.js';
import { type Random, seededRandom } from './random.js';
import { TICK_MS, Timer, type TimerOwner } from './timer-wheel.js';

/** A dispatcher whose time is moved by hand, and what fired when. */
class Bench implements TimerOwner {
  time = 0;
  readonly fired: { kind: number; at: number }[] = [];
  readonly dispatcher: Dispatcher;
  onFire: (kind: number) => void = () => {};

  constructor(random: Random = seededRandom(1), start = 0) {
    this.time = start;
    this.dispatcher = new Dispatcher({ monotonic: () => this.time, wall: () => 0 }, random, true);
  }

  onTimer(kind: number): void {
    this.fired.push({ kind, at: this.dispatcher.now });
    this.onFire(kind);
  }

  timer(kind: number, scaled = false): Timer {
    return new Timer(this, kind, scaled);
  }

  arm(timer: Timer, ms: number): void {
    this.dispatcher.enter();
    this.dispatcher.timers.arm(timer, ms, this.dispatcher.now);
    this.dispatcher.leave();
  }

  cancel(timer: Timer): void {
    this.dispatcher.timers.cancel(timer);
  }

  /** Moves the clock and lets everything due fire, in one batch. */
  jump(to: number): void {
    this.time = to;
    this.dispatcher.timers.run();
  }

  /** Moves the clock tick by tick. */
  walk(to: number): void {
    while (this.time < to) this.jump(Math.min(to, this.time + TICK_MS));
  }

  get kinds(): number[] {
    return this.fired.map(({ kind }) => kind);
  }
}

describe('the timer wheel', () => {
  it('fires a timer in the tick of its deadline and not before', () => {
    const bench = new Bench();
    bench.arm(bench.timer(7), 100);
    bench.walk(96);
    assert.deepEqual(bench.kinds, []);
    bench.walk(100);
    assert.deepEqual(bench.fired, [{ kind: 7, at: 100 }]);
  });

  it('rounds a length up to whole ticks, counted from the tick in which it was armed', () => {
    const bench = new Bench(seededRandom(1), 1003);
    bench.arm(bench.timer(1), 5);
    bench.walk(1007);
    assert.deepEqual(bench.kinds, []);
    bench.walk(1008);
    assert.deepEqual(bench.kinds, [1]);
  });

  it('fires a length of zero at the next tick, not within the call', () => {
    const bench = new Bench();
    bench.arm(bench.timer(1), 0);
    assert.deepEqual(bench.kinds, []);
    bench.jump(TICK_MS);
    assert.deepEqual(bench.kinds, [1]);
  });

  it('keeps the length and the moment of arming after it fired', () => {
    const bench = new Bench(seededRandom(1), 40);
    const timer = bench.timer(1);
    bench.arm(timer, 20);
    bench.jump(60);
    assert.deepEqual([timer.armed, timer.length, timer.armedAt], [false, 20, 40]);
  });

  it('fires earlier deadlines first when several are due in one batch', () => {
    const bench = new Bench();
    for (const ms of [500, 20, 3000, 100]) bench.arm(bench.timer(ms), ms);
    bench.jump(5000);
    assert.deepEqual(bench.kinds, [20, 100, 500, 3000]);
  });

  it('tosses for the order of equal deadlines, about evenly', () => {
    let first = 0;
    const random = seededRandom(42);
    for (let i = 0; i < 400; i++) {
      const bench = new Bench(random);
      bench.arm(bench.timer(0), 1000);
      bench.arm(bench.timer(1), 1000);
      bench.jump(1000);
      assert.equal(bench.fired.length, 2);
      if (bench.kinds[0] === 0) first++;
    }
    assert.ok(first > 150 && first < 250, `the timer that was armed first won ${first} of 400`);
  });

  it('repeats the toss from a seed', () => {
    const order = (seed: number) => {
      const bench = new Bench(seededRandom(seed));
      for (let i = 0; i < 8; i++) bench.arm(bench.timer(i), 40);
      bench.jump(40);
      return bench.kinds.join();
    };
    assert.equal(order(5), order(5));
    assert.notEqual(order(5), order(6));
  });

  it('does not toss between timers armed a tick apart', () => {
    for (let seed = 0; seed < 50; seed++) {
      const bench = new Bench(seededRandom(seed));
      bench.arm(bench.timer(0), 1000);
      bench.jump(TICK_MS);
      bench.arm(bench.timer(1), 1000);
      bench.jump(2000);
      assert.deepEqual(bench.kinds, [0, 1]);
    }
  });

  it('fires a scaled timer after every plain one of the same deadline', () => {
    for (let seed = 0; seed < 50; seed++) {
      const bench = new Bench(seededRandom(seed));
      bench.arm(bench.timer(9, true), 1000);
      bench.arm(bench.timer(0), 1000);
      bench.arm(bench.timer(1), 1000);
      bench.jump(1000);
      assert.equal(bench.kinds[2], 9);
    }
  });

  it('does not fire a cancelled timer, and forgives a second cancel', () => {
    const bench = new Bench();
    const timer = bench.timer(1);
    bench.arm(timer, 100);
    bench.cancel(timer);
    bench.cancel(timer);
    assert.equal(bench.dispatcher.timers.size, 0);
    bench.walk(200);
    assert.deepEqual(bench.kinds, []);
  });

  it('moves a deadline away when armed again, over and over', () => {
    const bench = new Bench();
    const timer = bench.timer(1);
    for (let at = 0; at < 2000; at += 40) {
      bench.walk(at);
      bench.arm(timer, 100);
    }
    assert.deepEqual(bench.kinds, []);
    assert.equal(bench.dispatcher.timers.size, 1);
    bench.walk(2060);
    assert.deepEqual(bench.fired, [{ kind: 1, at: 2060 }]);
  });

  it('brings a deadline nearer when armed again', () => {
    const bench = new Bench();
    const timer = bench.timer(1);
    bench.arm(timer, 600_000);
    bench.arm(timer, 20);
    bench.jump(20);
    assert.deepEqual(bench.kinds, [1]);
    bench.jump(700_000);
    assert.deepEqual(bench.kinds, [1]);
  });

  it('lets a callback cancel a timer that is due in the same batch', () => {
    const bench = new Bench();
    const timers = [bench.timer(0), bench.timer(1)];
    for (const timer of timers) bench.arm(timer, 100);
    bench.onFire = (kind) => bench.cancel(timers[1 - kind]);
    bench.jump(100);
    assert.equal(bench.fired.length, 1);
    assert.equal(bench.dispatcher.timers.size, 0);
  });

  it('lets a callback put off a timer that is due in the same batch', () => {
    const bench = new Bench();
    const timers = [bench.timer(0), bench.timer(1)];
    for (const timer of timers) bench.arm(timer, 100);
    bench.onFire = (kind) => {
      if (bench.fired.length === 1) bench.dispatcher.timers.arm(timers[1 - kind], 50, bench.dispatcher.now);
    };
    bench.jump(100);
    assert.equal(bench.fired.length, 1);
    bench.walk(152);
    assert.deepEqual(
      bench.fired.map(({ at }) => at),
      [100, 152],
    );
  });

  it('lets a callback cancel a due timer and arm it anew', () => {
    const bench = new Bench();
    const timers = [bench.timer(0), bench.timer(1)];
    for (const timer of timers) bench.arm(timer, 100);
    bench.onFire = (kind) => {
      if (bench.fired.length > 1) return;
      bench.cancel(timers[1 - kind]);
      bench.dispatcher.timers.arm(timers[1 - kind], 5000, bench.dispatcher.now);
    };
    bench.jump(100);
    assert.deepEqual([bench.fired.length, bench.dispatcher.timers.size], [1, 1]);
    bench.walk(5100);
    assert.equal(bench.fired[1].at, 5100);
  });

  it('lets a timer arm itself from its own callback', () => {
    const bench = new Bench();
    const timer = bench.timer(0);
    bench.arm(timer, 1000);
    bench.onFire = () => bench.dispatcher.timers.arm(timer, 1000, bench.dispatcher.now);
    bench.walk(10_000);
    assert.deepEqual(
      bench.fired.map(({ at }) => at),
      [1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000],
    );
  });

  it('goes on with the batch after a callback that throws, and reports the error', () => {
    const bench = new Bench();
    const errors: unknown[] = [];
    bench.dispatcher.onError = (error) => errors.push(error);
    for (let kind = 0; kind < 4; kind++) bench.arm(bench.timer(kind), 100);
    const defect = new Error('from a callback');
    bench.onFire = () => {
      throw defect;
    };
    bench.jump(100);
    assert.deepEqual(bench.kinds.sort(), [0, 1, 2, 3]);
    assert.deepEqual(errors, [defect, defect, defect, defect]);
    assert.equal(bench.dispatcher.timers.size, 0);
  });

  it('cascades through every level: 1 s, 4 minutes, 18 hours, and beyond', () => {
    const lengths = [1020, 1024, 1028, 262_140, 262_144, 262_148, 67_108_860, 67_108_864, 70_000_000];
    for (const start of [0, 1016, 262_136, 67_108_856]) {
      const bench = new Bench(seededRandom(1), start);
      for (const ms of lengths) bench.arm(bench.timer(ms), ms);
      for (const ms of lengths) {
        bench.jump(start + ms - TICK_MS);
        bench.jump(start + ms);
      }
      assert.deepEqual(
        bench.fired.map(({ kind, at }) => [kind, at]),
        lengths.map((ms) => [ms, start + ms]),
      );
    }
  });

  it('files timers rightly after it stood still with nothing armed', () => {
    const bench = new Bench();
    bench.time = 9_999_996;
    bench.arm(bench.timer(1), 2000);
    bench.walk(10_001_992);
    assert.deepEqual(bench.kinds, []);
    bench.walk(10_001_996);
    assert.deepEqual(bench.kinds, [1]);
  });

  it('agrees with a naive list of deadlines over random operations', () => {
    for (let seed = 1; seed <= 25; seed++) againstModel(seed);
  });
});

/** The naive model: a deadline in ticks per armed timer. */
function againstModel(seed: number): void {
  const random = seededRandom(seed);
  const upTo = (n: number) => random.u32() % n;
  const bench = new Bench(seededRandom(seed + 1000), upTo(3_000_000));
  const timers = Array.from({ length: 24 }, (_, kind) => bench.timer(kind, kind % 5 === 0));
  const model = new Map<number, number>();
  const lengths = [0, 1, 4, 30, 1000, 1024, 5000, 262_000, 270_000, 4_000_000, 80_000_000];
  let ran = Math.floor(bench.time / TICK_MS);
  for (let step = 0; step < 400; step++) {
    const kind = upTo(timers.length);
    const choice = upTo(10);
    if (choice < 5) {
      const ms = lengths[upTo(lengths.length)] + upTo(50);
      bench.arm(timers[kind], ms);
      model.set(kind, Math.max(Math.floor(bench.time / TICK_MS) + Math.ceil(ms / TICK_MS), ran + 1));
    } else if (choice < 7) {
      bench.cancel(timers[kind]);
      model.delete(kind);
    } else {
      const steps = [1, 3, 100, 1024, 6000, 262_144, step === 200 ? 140_000_000 : 300_000];
      const to = bench.time + upTo(steps[upTo(steps.length)]) + 1;
      bench.fired.length = 0;
      bench.jump(to);
      ran = Math.max(ran, Math.floor(to / TICK_MS));
      const due = [...model].filter(([, deadline]) => deadline <= ran);
      for (const [dueKind] of due) model.delete(dueKind);
      const deadlines = new Map(due);
      const order = bench.kinds.map((fired) => deadlines.get(fired) ?? Number.NaN);
      assert.deepEqual(
        [...bench.kinds].sort((a, b) => a - b),
        due.map(([dueKind]) => dueKind).sort((a, b) => a - b),
        `seed ${seed}, step ${step}`,
      );
      assert.deepEqual(
        order,
        [...order].sort((a, b) => a - b),
        `seed ${seed}, step ${step}: deadlines out of order`,
      );
    }
    assert.equal(bench.dispatcher.timers.size, model.size, `seed ${seed}, step ${step}`);
    for (const [armed, timer] of timers.entries()) assert.equal(timer.armed, model.has(armed));
  }
}
