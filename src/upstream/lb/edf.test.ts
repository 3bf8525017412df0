import assert from 'node:assert/strict';
import { it } from 'node:test';
import { seededRandom } from '../../base/random.js';
import { EdfScheduler } from './edf.js';

it('picks in proportion to weights, never more than one turn off', () => {
  const random = seededRandom(3);
  for (let round = 0; round < 50; round++) {
    const weights = Array.from({ length: 1 + (random.u32() % 8) }, () => 1 + (random.u32() % 20));
    const total = weights.reduce((a, b) => a + b, 0);
    const edf = new EdfScheduler<number>();
    weights.forEach((weight, i) => {
      edf.add(weight, i);
    });
    const seen: number[] = weights.map(() => 0);
    for (let n = 1; n <= 5 * total; n++) {
      seen[edf.pickAndAdd((i) => weights[i])!]++;
      weights.forEach((weight, i) => {
        assert.ok(Math.abs(seen[i] - (n * weight) / total) <= weights.length, `${weights} after ${n}: ${seen}`);
      });
    }
    assert.deepEqual(
      seen,
      weights.map((w) => 5 * w),
    );
  }
});

it('has nothing to pick when it is empty', () => {
  assert.equal(
    new EdfScheduler<number>().pickAndAdd(() => 1),
    null,
  );
});
