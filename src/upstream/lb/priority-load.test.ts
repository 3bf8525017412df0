import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../base/random.js';
import { HealthFlag, NO_LOCALITY } from '../host.js';
import { PrioritySet } from '../priority-set.js';
import { makeHost } from '../test-kit.js';
import { priorityLoad } from './priority-load.js';

/** Priorities given as [healthy, degraded, unhealthy] host counts. */
function sets(...counts: [number, number, number][]) {
  const set = new PrioritySet(140);
  counts.forEach(([healthy, degraded, unhealthy], priority) => {
    const flags = [
      ...new Array(healthy).fill(0),
      ...new Array(degraded).fill(HealthFlag.DEGRADED_EDS_HEALTH),
      ...new Array(unhealthy).fill(HealthFlag.FAILED_EDS_HEALTH),
    ];
    const hosts = flags.map((flag, i) => makeHost(`10.0.${priority}.${i}:80`, 1, flag));
    set.update(priority, [{ locality: NO_LOCALITY, weight: 0, hosts }]);
  });
  return set.sets;
}

describe('the load of priorities', () => {
  it('is all on the first while it is healthy enough', () => {
    assert.deepEqual(priorityLoad(sets([8, 0, 2], [5, 0, 0]), 50), {
      healthy: [100, 0],
      degraded: [0, 0],
      panic: [false, false],
    });
  });

  it('spills over in proportion once healthy hosts no longer cover the overprovisioning factor', () => {
    assert.deepEqual(priorityLoad(sets([5, 0, 5], [5, 0, 0]), 50).healthy, [70, 30]);
  });

  it('goes to degraded hosts for what healthy ones cannot take', () => {
    const load = priorityLoad(sets([5, 2, 3]), 0);
    assert.deepEqual([load.healthy, load.degraded], [[72], [28]]);
  });

  it('is scaled up when all priorities together are short, without panic above the threshold', () => {
    // 28 % each.
    const load = priorityLoad(sets([2, 0, 8], [2, 0, 8]), 10);
    assert.deepEqual(
      [load.healthy, load.panic],
      [
        [50, 50],
        [false, false],
      ],
    );
  });

  it('follows the number of hosts when all priorities panic', () => {
    const load = priorityLoad(sets([0, 0, 3], [0, 0, 1]), 50);
    assert.deepEqual(
      [load.healthy, load.panic],
      [
        [75, 25],
        [true, true],
      ],
    );
  });

  it('stays with the first when nothing is healthy and panic is switched off', () => {
    const load = priorityLoad(sets([0, 0, 3], [0, 0, 1]), 0);
    assert.deepEqual(
      [load.healthy, load.panic],
      [
        [100, 0],
        [false, false],
      ],
    );
  });

  it('passes an empty priority by', () => {
    assert.deepEqual(priorityLoad(sets([0, 0, 0], [1, 0, 0], [1, 0, 0]), 50).healthy, [0, 100, 0]);
  });

  it('does not panic at exactly the threshold', () => {
    assert.deepEqual(priorityLoad(sets([1, 0, 1]), 50).panic, [false]);
  });

  it('adds up to 100 whatever the hosts', () => {
    const random = seededRandom(7);
    for (let i = 0; i < 2000; i++) {
      const counts = Array.from({ length: 1 + (random.u32() % 4) }, (): [number, number, number] => [
        random.u32() % 4,
        random.u32() % 3,
        random.u32() % 4,
      ]);
      const { healthy, degraded } = priorityLoad(sets(...counts), [0, 50, 100][random.u32() % 3]);
      const total = [...healthy, ...degraded].reduce((a, b) => a + b, 0);
      assert.equal(total, 100, JSON.stringify(counts));
    }
  });
});
