import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, systemRandom } from './random.js';

describe('the random source', () => {
  it('repeats from a seed and differs between seeds', () => {
    const take = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 100 }, () => random.u32()).join();
    };
    assert.equal(take(3), take(3));
    assert.notEqual(take(3), take(4));
  });

  it('spreads over 32 bits', () => {
    const random = seededRandom(9);
    const ones = new Array<number>(32).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const n = random.u32();
      assert.ok(Number.isInteger(n) && n >= 0 && n < 2 ** 32);
      for (let bit = 0; bit < 32; bit++) ones[bit] += (n >>> bit) & 1;
    }
    for (const count of ones) assert.ok(count > 4700 && count < 5300, `a bit was set ${count} times in 10000`);
  });

  for (const [name, random] of [
    ['seeded', seededRandom(1)],
    ['system', systemRandom()],
  ] as const)
    it(`makes UUIDs of version 4 that do not repeat (${name})`, () => {
      const seen = new Set<string>();
      for (let i = 0; i < 3000; i++) {
        const uuid = random.uuid();
        assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        seen.add(uuid);
      }
      assert.equal(seen.size, 3000);
    });
});
