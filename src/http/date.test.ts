import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DateText } from './date.js';

describe('the date header', () => {
  function bench(start: number) {
    const clock = { time: 500, reads: 0 };
    const offset = start - clock.time;
    const date = new DateText({
      monotonic: () => clock.time,
      wall: () => {
        clock.reads++;
        return clock.time + offset;
      },
    });
    return { clock, at: () => date.at(clock.time) };
  }

  it('is an IMF-fixdate', () => {
    assert.equal(bench(Date.UTC(2026, 10, 2, 8, 9, 5)).at(), 'Mon, 02 Nov 2026 08:09:05 GMT');
  });

  it('changes with the second of the wall clock, not a second after it was made', () => {
    const { clock, at } = bench(Date.UTC(2026, 0, 1, 0, 0, 0, 900));
    assert.equal(at(), 'Thu, 01 Jan 2026 00:00:00 GMT');
    clock.time += 99;
    assert.equal(at(), 'Thu, 01 Jan 2026 00:00:00 GMT');
    clock.time += 1;
    assert.equal(at(), 'Thu, 01 Jan 2026 00:00:01 GMT');
  });

  it('is read from the clock once a second', () => {
    const { clock, at } = bench(Date.UTC(2026, 0, 1));
    for (let i = 0; i < 100; i++, clock.time += 5) at();
    assert.equal(clock.reads, 1);
  });
});
