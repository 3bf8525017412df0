import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StrictHeader, strictFault } from './strict-headers.js';
import { request } from './testing.js';

const faultOf = (name: string, value: string) => new StrictHeader(name).fault(request('/', [[name, value]]));

test('a number is digits alone', () => {
  for (const good of ['0', '15', '007']) assert.equal(faultOf('x-envoy-max-retries', good), null);
  for (const bad of ['', '-1', '5s', '1.5', 'x']) assert.equal(faultOf('x-envoy-upstream-rq-timeout-ms', bad), bad);
});

test('every word of retry-on must be known', () => {
  assert.equal(faultOf('x-envoy-retry-on', '5xx, reset'), null);
  assert.equal(faultOf('x-envoy-retry-on', '5xx,bogus'), '5xx,bogus');
  assert.equal(faultOf('x-envoy-retry-grpc-on', 'cancelled'), null);
  assert.equal(faultOf('x-envoy-retry-grpc-on', '5xx'), '5xx');
});

test('the first header that does not parse is reported, absent ones are not', () => {
  const checks = [new StrictHeader('x-envoy-max-retries'), new StrictHeader('x-envoy-retry-on')];
  assert.equal(strictFault(checks, request('/')), null);
  assert.equal(strictFault(checks, request('/', [['x-envoy-retry-on', 'bogus']])), checks[1]);
});
