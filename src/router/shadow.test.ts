import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withSuffix } from './shadow.js';

describe('the host of a mirrored request', () => {
  it('gets its suffix before the port', () => {
    assert.equal(withSuffix('a.test'), 'a.test-shadow');
    assert.equal(withSuffix('a.test:80'), 'a.test-shadow:80');
    assert.equal(withSuffix('a:'), 'a-shadow:');
  });

  it('keeps the brackets of an address together', () => {
    assert.equal(withSuffix('[::1]'), '[::1]-shadow');
    assert.equal(withSuffix('[::1]:80'), '[::1]-shadow:80');
  });
});
