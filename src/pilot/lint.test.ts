import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readKubeDocuments } from '../config/kube-documents.js';
import type { Finding } from './finding.js';
import { check } from './translate.js';

const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: default}
spec: {clusterIP: 10.0.0.1, ports: [{name: grpc, port: 80}]}
`;

function advice(text: string, profile = 'istio-current', callerTimeout?: number): Finding[] {
  const { docs } = readKubeDocuments('mesh.yaml', `${SERVICE}---\n${text}`);
  return check(docs, { profile }, { callerTimeout }).filter((f) => f.severity === 'advice');
}

const route = (fields: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: default}
spec:
  hosts: [shop]
  http:
  - {${fields}, route: [{destination: {host: shop}}]}
`;

const rules = (findings: Finding[]) => findings.map((f) => f.rule);

test('a timeout under Istio 1.8 is said to race with itself, under 1.10 it is not', () => {
  const [tie] = advice(route('timeout: 7s'), 'istio-1.8').filter((f) => f.rule === 'timeout-tie');
  assert.equal(tie.path, 'spec.http[0].timeout');
  assert.match(tie.message, /408 or 504 at random/);
  assert.ok(!rules(advice(route('timeout: 7s'), 'istio-1.10')).includes('timeout-tie'));
});

test('a try as long as the whole request is said to be ignored', () => {
  const found = advice(route('timeout: 2s, retries: {attempts: 2, perTryTimeout: 2s, retryOn: 5xx}'));
  assert.ok(rules(found).includes('per-try-ignored'));
});

test('a per-try timeout that nothing retries is said to end the request', () => {
  const found = advice(route('timeout: 9s, retries: {attempts: 3, perTryTimeout: 2s}'));
  assert.ok(rules(found).includes('per-try-not-retried'));
});

test('retries that do not fit into the timeout are counted', () => {
  const fields = (timeout: string) =>
    route(`timeout: ${timeout}, retries: {attempts: 3, perTryTimeout: 2s, retryOn: reset}`);
  const [late] = advice(fields('5s')).filter((f) => f.rule === 'retries-do-not-fit');
  assert.match(late.message, /in try 3/);
  assert.ok(!rules(advice(fields('9s'))).includes('retries-do-not-fit'));
});

test('a keepalive that is slower than the timeout is said to come too late', () => {
  const rule = (interval: string) => `${route('timeout: 7s')}---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: default}
spec:
  host: shop
  trafficPolicy: {connectionPool: {http: {http2KeepAlive: {interval: ${interval}, timeout: 5s}}}}
`;
  assert.ok(rules(advice(rule('10s'))).includes('keepalive-slower'));
  assert.ok(!rules(advice(rule('1s'))).includes('keepalive-slower'));
});

test('a route without any timeout, and callers that give up first, are said', () => {
  assert.ok(rules(advice(route('name: x'))).includes('no-timeout'));
  assert.ok(rules(advice(route('timeout: 3s'), 'istio-current', 2000)).includes('caller-first'));
  assert.ok(!rules(advice(route('timeout: 1s'), 'istio-current', 2000)).includes('caller-first'));
});

test('a POST that is retried on 5xx is said to be repeated, a GET is not', () => {
  const fields = (method: string) =>
    route(`match: [{method: {exact: ${method}}}], timeout: 9s, retries: {attempts: 1, retryOn: 5xx}`);
  assert.ok(rules(advice(fields('POST'))).includes('retry-repeats'));
  assert.ok(!rules(advice(fields('GET'))).includes('retry-repeats'));
});

test('a stream duration patched into routes is said to switch the timeout off', () => {
  const found = advice(`
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: patch, namespace: default}
spec:
  configPatches:
  - applyTo: HTTP_ROUTE
    match: {context: SIDECAR_OUTBOUND}
    patch: {operation: MERGE, value: {route: {max_stream_duration: {max_stream_duration: 3s}}}}
`);
  assert.ok(rules(found).includes('timeout-off'));
});
