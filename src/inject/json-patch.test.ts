import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.js';
import { difference, type Operation, pointer } from './json-patch.js';

/** RFC 6902, as an API server applies it: every operation to the result of the one before. */
// biome-ignore lint/suspicious/noExplicitAny: any JSON
function apply(document: any, operations: readonly Operation[]): any {
  let result = structuredClone(document);
  for (const operation of operations) {
    if (operation.path.length === 0) {
      assert.ok(operation.op === 'replace', 'only a replacement concerns the whole');
      result = structuredClone(operation.value);
      continue;
    }
    const parent = operation.path.slice(0, -1).reduce((at, part) => at[part], result);
    const key = operation.path.at(-1)!;
    if (operation.op === 'remove') {
      assert.ok(key in parent, 'nothing to remove');
      if (Array.isArray(parent)) parent.splice(key as number, 1);
      else delete parent[key];
    } else if (operation.op === 'add' && Array.isArray(parent)) {
      assert.ok((key as number) <= parent.length);
      parent.splice(key as number, 0, structuredClone(operation.value));
    } else {
      if (operation.op === 'replace') assert.ok(key in parent, 'nothing to replace');
      parent[key] = structuredClone(operation.value);
    }
  }
  return result;
}

test('equal documents differ in nothing', () => {
  assert.deepEqual(difference({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }), []);
});

test('an item of a named list is changed where it stands', () => {
  const before = { containers: [{ name: 'app', image: 'a' }] };
  const after = { containers: [{ name: 'init' }, { name: 'app', image: 'b' }] };
  assert.deepEqual(difference(before, after), [
    { op: 'add', path: ['containers', 0], value: { name: 'init' } },
    { op: 'replace', path: ['containers', 1, 'image'], value: 'b' },
  ]);
});

test('a pointer escapes slashes and tildes', () => {
  assert.equal(pointer(['metadata', 'annotations', 'a.io/b~c', 0]), '/metadata/annotations/a.io~1b~0c/0');
});

test('applied, the difference of any two documents gives the second', () => {
  const random = seededRandom(7);
  const pick = (n: number) => random.u32() % n;
  const value = (depth: number): unknown => {
    const kind = pick(depth > 3 ? 3 : 6);
    if (kind === 0) return pick(4);
    if (kind === 1) return ['x', 'y', ''][pick(3)];
    if (kind === 2) return [true, false, null][pick(3)];
    if (kind === 3) return Array.from({ length: pick(4) }, () => value(depth + 1));
    if (kind === 4) {
      const names = ['a', 'b', 'c', 'd'].filter(() => pick(2) === 0);
      if (pick(4) === 0) names.reverse();
      return names.map((name) => ({ name, more: value(depth + 1) }));
    }
    return Object.fromEntries(['p', 'q/r', 's~'].filter(() => pick(2) === 0).map((name) => [name, value(depth + 1)]));
  };
  for (let i = 0; i < 3000; i++) {
    const before = value(0);
    const after = value(0);
    assert.deepEqual(apply(before, difference(before, after)), after, JSON.stringify([before, after]));
  }
});
