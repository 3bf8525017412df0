/** Answers of halfopen to the probes of our own cases beside those of real Envoy with the same bootstrap (cases/answers.mjs). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { ROOT } from '../integration/proxy.mjs';
import { answersOf, difference, probed, startProxy, startUpstreams } from './cases/answers.mjs';

const GOLDEN = JSON.parse(readFileSync(new URL('cases/answers.json', import.meta.url), 'utf8'));
const ARGV = [process.execPath, join(ROOT, 'bin/halfopen'), 'run', '-c', '{config}', '-l', 'off'];

suite('cases with probes', () => {
  let upstreams;
  let proxy;
  before(async () => {
    upstreams = await startUpstreams();
    proxy = await startProxy(probed(), ARGV, upstreams);
  });
  after(async () => {
    await proxy?.stop();
    upstreams.close();
  });

  for (const name of probed()) {
    test(`"${name}" is answered as Envoy answers`, async () => {
      const answers = await answersOf(name, proxy, upstreams);
      assert.equal(answers.length, GOLDEN[name].length);
      for (const [i, answer] of answers.entries())
        assert.deepEqual(difference(GOLDEN[name][i], answer), [], `probe ${i}`);
    });
  }

  test('there are at least 60 of them', () => assert.ok(probed().length >= 60));
});
