import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadBootstrap } from '../xds/bootstrap.js';
import { runtimeFlag } from './runtime.js';

const FLAG = 'envoy.reloadable_features.http_reject_path_with_fragment';

function flag(layers: object[]): boolean {
  return runtimeFlag(loadBootstrap([{ text: JSON.stringify({ layered_runtime: { layers } }) }]), FLAG, true);
}

test('a runtime flag is what the last layer that names it says, by its full name or in parts', () => {
  const nested = { envoy: { reloadable_features: { http_reject_path_with_fragment: false } } };
  assert.equal(flag([]), true);
  assert.equal(flag([{ name: 'a', static_layer: { [FLAG]: false } }]), false);
  assert.equal(flag([{ name: 'a', static_layer: nested }]), false);
  assert.equal(
    flag([
      { name: 'a', static_layer: nested },
      { name: 'b', static_layer: { [FLAG]: true } },
    ]),
    true,
  );
  assert.equal(flag([{ name: 'a', static_layer: { [FLAG]: 'neither' } }]), true);
});
