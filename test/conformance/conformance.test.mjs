/**
 * halfopen against the recorded answers of Envoy. The scenarios run side by side in a few proxy processes; each is reported as
 * a test of its own. `CONFORMANCE=part` selects scenarios by a part of their name.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe as suite, test } from 'node:test';
import { compareAll, describe } from './harness/compare.mjs';
import { DOCUMENT } from './harness/document.mjs';
import { UNSTABLE } from './harness/facts.mjs';
import { readDifferences, readGolden } from './harness/goldens.mjs';
import { loadScenarios } from './harness/scenario.mjs';

const part = process.env.CONFORMANCE ?? '';
const all = await loadScenarios();
const scenarios = all.filter(({ name }) => name.includes(part));

const settled = new Map();
for (const { name } of scenarios) {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  settled.set(name, { promise, resolve });
}
const finished = compareAll('halfopen', scenarios, {
  onResult: (name, result) => settled.get(name).resolve(result),
});

suite('conformance with Envoy 1.40', () => {
  for (const { name, shows } of scenarios) {
    test(`${name}: ${shows}`, async () => {
      const result = await settled.get(name).promise;
      assert.ok(result.differences.length === 0, `\n${describe(result)}`);
    });
  }
});

test('every scenario has a golden, and every listed difference a scenario and a reason', async () => {
  await finished;
  assert.deepEqual(
    all.filter(({ name }) => readGolden(name) === null).map(({ name }) => name),
    [],
  );
  for (const [name, { reason, paths }] of Object.entries(readDifferences())) {
    assert.ok(
      all.some((scenario) => scenario.name === name),
      `${name} is no scenario`,
    );
    assert.ok(reason.length > 20 && paths.length > 0, `${name}: a difference needs a reason and paths`);
  }
});

test('each of the numbered situations has a scenario, or a reason why it has none', () => {
  const rows = JSON.parse(readFileSync(new URL('rows.json', import.meta.url), 'utf8'));
  const names = new Set(all.map(({ name }) => name));
  const numbers = [
    ...Array.from({ length: 90 }, (_, i) => `${i + 1}`),
    ...Array.from({ length: 22 }, (_, i) => `X${i + 1}`),
  ];
  assert.deepEqual(Object.keys(rows).sort(), numbers.sort());
  for (const [number, stands] of Object.entries(rows)) {
    if (Array.isArray(stands)) for (const name of stands) assert.ok(names.has(name), `${number}: there is no ${name}`);
    else assert.ok(stands.length > 20, number);
  }
});

test('every golden says how its requests ended', () => {
  const open = all.filter(({ name }) => {
    const golden = readGolden(name);
    const outcome = golden?.log ?? '';
    const told = Array.isArray(outcome)
      ? outcome.every(({ code, flags, details }) => ![code, flags, details].includes(UNSTABLE))
      : false;
    return !told && Object.keys(golden?.extra ?? {}).length === 0;
  });
  assert.deepEqual(
    open.map(({ name }) => name),
    [],
  );
});

test('docs/conformance.md lists exactly the scenarios that exist', (t) => {
  if (!existsSync(DOCUMENT)) return t.skip('docs/conformance.md is not written');
  const listed = [...readFileSync(DOCUMENT, 'utf8').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name).sort();
  assert.deepEqual(listed, all.map(({ name }) => name).sort());
});
