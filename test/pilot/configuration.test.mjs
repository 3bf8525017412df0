/** Clusters and routes of our own cases beside what istiod made of them (cases/record.mjs). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CASES } from './cases/cases.mjs';
import { changes, ours } from './cases/configuration.mjs';

const GOLDEN = JSON.parse(readFileSync(new URL('cases/configuration.json', import.meta.url), 'utf8'));
const [first] = Object.keys(CASES);

test(`case "${first}" has the configuration of istiod`, () => assert.deepEqual(ours(first), GOLDEN[first]));

for (const name of Object.keys(CASES).slice(1)) {
  test(`case "${name}" has the configuration of istiod`, () => {
    assert.deepEqual(changes(GOLDEN[first], ours(name)), GOLDEN[name]);
  });
}

test('there are at least 150 cases, and all were recorded', () => {
  assert.ok(Object.keys(CASES).length >= 150);
  assert.deepEqual(Object.keys(GOLDEN), Object.keys(CASES));
});
