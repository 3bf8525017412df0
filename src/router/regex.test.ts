import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.js';
import { FullMatchRegex, RegexRewrite } from './regex.js';

test('a full match agrees with an anchored regular expression, whatever short cut it takes', () => {
  const random = seededRandom(3);
  const atoms = ['a', 'b', '/', '.', '.*', '[ab]', '(a|b)', 'ab?', 'a+', '\\.', '$', '^', '(?:x)?'];
  const texts = ['a', 'b', '/', '.', 'x', '\n'];
  const pick = (list: string[]) => list[random.u32() % list.length];
  for (let round = 0; round < 3000; round++) {
    const source = Array.from({ length: 1 + (random.u32() % 5) }, () => pick(atoms)).join('');
    let regex: FullMatchRegex;
    try {
      regex = new FullMatchRegex(source);
    } catch {
      continue;
    }
    const anchored = new RegExp(`^(?:${source})$`);
    for (let k = 0; k < 10; k++) {
      const text = Array.from({ length: random.u32() % 6 }, () => pick(texts)).join('');
      assert.equal(regex.test(text), anchored.test(text), `${source} on ${JSON.stringify(text)}`);
    }
  }
});

test('hostile patterns and values take linear time', () => {
  const value = `${'a'.repeat(60_000)}!`;
  for (const source of ['(a+)+', '(a|a)*', '(.*a){12}', '([a-z]+)*b', 'x*.*.*.*.*y']) {
    const regex = new FullMatchRegex(source);
    const began = performance.now();
    assert.equal(regex.test(value), false);
    assert.ok(performance.now() - began < 2000, source);
  }
});

test('a rewrite replaces every match, with groups, and leaves text without a match alone', () => {
  const rows: [string, string, string, string][] = [
    ['^/s/([^/]+)(/.*)$', '\\2/i/\\1', '/s/foo/v1/api', '/v1/api/i/foo'],
    ['one', 'two', '/m/one/one', '/m/two/two'],
    ['one', 'two', '/m/none', '/m/ntwo'],
    ['(x)?y', '[\\1]', '/z/y/xy', '/z/[]/[x]'],
    ['^/e$', '/with?added=1', '/e', '/with?added=1'],
    ['nope', 'x', '/e', '/e'],
    ['a*', '-', 'baac', '-b-c-'],
    ['', '-', 'ab', '-a-b-'],
    ['b', '<\\0>\\\\', 'abc', 'a<b>\\c'],
    ['a', '\\1', 'banana', 'banana'],
    ['a', 'x\\', 'banana', 'bxnxnx'],
    ['a', 'x\\yz', 'banana', 'bxnxnx'],
  ];
  for (const [pattern, substitution, text, wanted] of rows)
    assert.equal(new RegexRewrite(pattern, substitution).replaceAll(text), wanted, `${pattern} on ${text}`);
});
