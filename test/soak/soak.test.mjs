/** The soak in short: some seconds of random faults on every path. `node test/soak/run.mjs` is the long form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak } from './soak.mjs';

test('after ten seconds of faults everything adds up, and nothing is left over', async () => {
  const { requests, problems, report } = await soak({ seconds: 10 });
  assert.deepEqual(problems, [], JSON.stringify(report));
  assert.ok(requests > 200, `${requests} requests`);
});
