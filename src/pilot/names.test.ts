import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullHost, hostCoveredBy, hostsOverlap, mostSpecific, shorterNames } from './names.js';

test('a name without a dot is a Service of the namespace it is written in', () => {
  assert.equal(fullHost('shop', 'prod'), 'shop.prod.svc.cluster.local');
  assert.equal(fullHost('shop.prod', 'default'), 'shop.prod');
  assert.equal(fullHost('*', 'prod'), '*');
  assert.equal(fullHost('10.0.0.1', 'prod'), '10.0.0.1');
});

test('wildcards overlap in both directions and cover in one', () => {
  assert.ok(hostsOverlap('*.com', 'shop.com'));
  assert.ok(hostsOverlap('shop.com', '*.com'));
  assert.ok(hostsOverlap('*.shop.com', '*.com'));
  assert.ok(!hostsOverlap('*.shop.com', 'shop.com'));
  assert.ok(hostCoveredBy('*.shop.com', '*.com'));
  assert.ok(!hostCoveredBy('*.com', '*.shop.com'));
});

test('the longest wildcard that covers a host is its best match, the same name a better one', () => {
  const map = new Map([
    ['*.local', 1],
    ['*.svc.cluster.local', 2],
    ['*', 3],
    ['a.b', 4],
  ]);
  assert.equal(mostSpecific('shop.default.svc.cluster.local', map), 2);
  assert.equal(mostSpecific('x.local', map), 1);
  assert.equal(mostSpecific('x.org', map), 3);
  assert.equal(mostSpecific('a.b', map), 4);
});

test('the bare name is known in the own namespace only', () => {
  const host = 'shop.prod.svc.cluster.local';
  assert.deepEqual(shorterNames(host, 'prod', false), ['shop', 'shop.prod.svc', 'shop.prod']);
  assert.deepEqual(shorterNames(host, 'default', false), ['shop.prod', 'shop.prod.svc']);
  assert.deepEqual(shorterNames('api.example', 'default', true), ['api.example.']);
});
