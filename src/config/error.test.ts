import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError, gather, nearest } from './error.js';
import { fieldRef, pathOf, setPath, setPosition } from './position.js';

const AT = { file: 'f.yaml', line: 3, col: 5 };

describe('an error of the configuration', () => {
  it('says where, what, and what is allowed', () => {
    assert.equal(
      new ConfigError('too small', 'a.b', AT, 'at least 1').message,
      'f.yaml:3:5: a.b: too small; allowed: at least 1',
    );
    assert.equal(new ConfigError('the document is empty', '', AT).message, 'f.yaml:3:5: the document is empty');
    assert.equal(new ConfigError('too small', 'a.b', null).message, '(generated): a.b: too small');
  });

  it('gathers several, flat, one to a line', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((reason) => new ConfigError(reason, '', AT));
    const all = gather([gather([a, b]), c]);
    assert.deepEqual(all.all, [a, b, c]);
    assert.equal(all.message, 'f.yaml:3:5: a\nf.yaml:3:5: b\nf.yaml:3:5: c');
    assert.equal(gather([a]), a);
    assert.deepEqual(a.all, [a]);
  });

  it('proposes the nearest known names', () => {
    const known = ['timeout', 'idle_timeout', 'retry_policy', 'cluster', 'per_try_timeout'];
    assert.deepEqual(nearest('timeuot', known), ['timeout']);
    assert.deepEqual(nearest('Timeout', known), ['timeout']);
    assert.deepEqual(nearest('xyzzyxyzzy', known), []);
  });
});

describe('the origin of a field', () => {
  it('is its path and position, or those of the object it is in', () => {
    const object = { a: 1, b: 2 };
    assert.deepEqual(fieldRef(object, 'a'), { path: 'a', position: null });
    setPath(object, 'x.y[0]');
    setPosition(object, '', AT);
    setPosition(object, 'a', { file: 'f.yaml', line: 4, col: 7 });
    assert.deepEqual(fieldRef(object, 'a'), { path: 'x.y[0].a', position: { file: 'f.yaml', line: 4, col: 7 } });
    assert.deepEqual(fieldRef(object, 'b'), { path: 'x.y[0].b', position: AT });
    const list = ['a'];
    setPath(list, 'x.domains');
    assert.equal(pathOf(list, '0'), 'x.domains[0]');
  });
});
