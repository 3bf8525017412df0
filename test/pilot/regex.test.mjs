/** Regular expressions of documents take linear time, as RE2's do, whatever the pattern and the input. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readKubeDocuments } from '../../dist/config/kube-documents.js';
import { compileFormat } from '../../dist/observe/format.js';
import { translate } from '../../dist/pilot/translate.js';
import { compileRouteTable } from '../../dist/router/route-table.js';
import { CONNECTION, request } from '../../dist/router/testing.js';

/** Patterns on which a backtracking engine is lost, with the text that is repeated. */
const HOSTILE = [
  ['(a+)+b', 'a'],
  ['(a|a)*b', 'a'],
  ['(a|aa)+b', 'a'],
  ['(.*a){8}b', 'a'],
  ['([a-z]+)*[0-9]', 'x'],
  ['(x+x+)+y', 'x'],
  ['(?:a?){20}a{20}b', 'a'],
];

function tableOf(pattern) {
  const text = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: s, namespace: default}
spec: {hosts: [s.test], resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}], endpoints: [{address: 127.0.0.1}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: s, namespace: default}
spec:
  hosts: [s.test]
  http: [{match: [{uri: {regex: '/${pattern}'}, headers: {x-a: {regex: '${pattern}'}}}], directResponse: {status: 204}}]
`;
  const { routes, errors } = translate(readKubeDocuments('regex.yaml', text).docs, { profile: 'istio-current' });
  assert.deepEqual(errors, []);
  return compileRouteTable(routes[0], { compileFormat, clusters: null });
}

/** Milliseconds of the quickest of several matches, none of which succeeds. */
function timeOf(table, letter, length) {
  let best = Number.POSITIVE_INFINITY;
  const headers = request(`/${letter.repeat(length)}!`, [['x-a', `${letter.repeat(length)}!`]], 's.test');
  for (let i = 0; i < 7; i++) {
    const begin = performance.now();
    assert.equal(
      table.match(headers, () => 0, CONNECTION),
      null,
    );
    best = Math.min(best, performance.now() - begin);
  }
  return best;
}

for (const [pattern, letter] of HOSTILE) {
  test(`twice the input takes about twice the time: ${pattern}`, () => {
    const table = tableOf(pattern);
    timeOf(table, letter, 2000);
    const [one, two] = [timeOf(table, letter, 8000), timeOf(table, letter, 16_000)];
    // A backtracking engine would not end at all; a quadratic one would take four times as long.
    assert.ok(two < 3.2 * one + 1, `${one.toFixed(2)} ms, then ${two.toFixed(2)} ms`);
  });
}

test('patterns that RE2 does not have are refused with their place', () => {
  for (const pattern of ['(?=a)b', '(a)\\1', '(?<!a)b', 'a++']) {
    const text = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: s, namespace: default}
spec: {hosts: [s.test], http: [{match: [{uri: {regex: '${pattern}'}}], directResponse: {status: 204}}]}
`;
    const [error] = translate(readKubeDocuments('regex.yaml', text).docs, { profile: 'istio-current' }).errors;
    assert.equal(error?.path, 'spec.http[0].match[0].uri.regex', pattern);
    assert.equal(error.position?.line, 5);
  }
});
