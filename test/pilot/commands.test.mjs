/** `halfopen check`, `explain` and `envoy`, run as a user runs them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SAMPLE = 'config/istio.yaml';
const folder = mkdtempSync(join(tmpdir(), 'halfopen-commands-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function halfopen(args, input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/halfopen', ...args], {
    cwd: ROOT,
    input,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function file(name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const head = (kind, api = 'networking.istio.io/v1') =>
  `apiVersion: ${api}\nkind: ${kind}\nmetadata: {name: shop, namespace: default}\n`;
const ROUTE = 'route: [{destination: {host: shop}}]';
const GOOD = file('good.yaml', `${head('VirtualService')}spec: {hosts: [shop], http: [{timeout: 5s, ${ROUTE}}]}\n`);
const REFUSED = file(
  'refused.yaml',
  `${head('VirtualService')}spec:\n  hosts: [shop]\n  http:\n  - timeout: 0s\n    ${ROUTE}\n`,
);
const WARNED = file(
  'warned.yaml',
  `${head('VirtualService')}spec: {hosts: [shop], http: [{${ROUTE}}, {name: never, ${ROUTE}}]}\n`,
);

suite('check', () => {
  test('gives the verdict of istiod on every document, and ends with 1 when one is refused', () => {
    const { status, stdout } = halfopen(['check', '--format', 'json', '--verdicts', GOOD, WARNED, REFUSED]);
    const { documents, summary, findings } = JSON.parse(stdout);
    assert.deepEqual(
      documents.map((d) => d.verdict),
      ['accepted', 'warned', 'refused'],
    );
    assert.deepEqual(summary, { accepted: 1, warned: 1, refused: 1, other: 0 });
    const refused = findings.find((f) => f.label === 'refused');
    assert.deepEqual([refused.file, refused.line, refused.path], [REFUSED, 7, 'spec.http[0].timeout']);
    assert.match(refused.cure, /250ms/);
    assert.equal(status, 1);
  });

  test('ends with 0 when nothing is refused, and with --fail-on for less', () => {
    assert.equal(halfopen(['check', GOOD]).status, 0);
    assert.equal(halfopen(['check', WARNED]).status, 0);
    assert.equal(halfopen(['check', '--fail-on', 'warning', WARNED]).status, 1);
    assert.equal(halfopen(['check', '--fail-on', 'warning', GOOD]).status, 0);
    assert.equal(halfopen(['check', '--fail-on', 'advice', GOOD]).status, 1);
  });

  test('text names file, line and column, the reason and a cure', () => {
    const { stdout } = halfopen(['check', SAMPLE, '--profile', 'istio-1.8']);
    assert.match(
      stdout,
      /^config\/istio\.yaml:34:5: advice: VirtualService shop\/orders: spec\.http\[1\]\.timeout: .*408 or 504/m,
    );
    assert.match(stdout, /^ {4}cure: /m);
    assert.match(stdout, /3 documents: 3 accepted\n$/);
  });

  test('SARIF has a rule and a place for every result', () => {
    const { stdout } = halfopen(['check', '--format', 'sarif', REFUSED, SAMPLE]);
    const sarif = JSON.parse(stdout);
    assert.equal(sarif.version, '2.1.0');
    const [{ tool, results }] = sarif.runs;
    assert.ok(results.length > 3);
    for (const result of results) {
      assert.equal(tool.driver.rules[result.ruleIndex].id, result.ruleId);
      const { artifactLocation, region } = result.locations[0].physicalLocation;
      assert.ok(artifactLocation.uri.endsWith('.yaml'));
      assert.ok(region.startLine >= 1 && region.startColumn >= 1);
    }
    assert.ok(results.some((r) => r.level === 'error' && r.ruleId === 'schema'));
  });

  test('reads standard input, and YAML with a mistake is refused at its line', () => {
    const { status, stdout } = halfopen(['check', '-'], `${head('VirtualService')}spec: {hosts: [a]}\nspec: {}\n`);
    assert.match(stdout, /^<stdin>:5:1: refused: .*repeated/m);
    assert.equal(status, 1);
  });

  test('what istiod takes and halfopen does not carry out is told, and is no refusal', () => {
    const policy = file(
      'policy.yaml',
      `${head('EnvoyFilter', 'networking.istio.io/v1alpha3')}spec: {configPatches: [{applyTo: BOOTSTRAP, patch: {operation: MERGE, value: {stats_flush_interval: 1s}}}]}\n`,
    );
    const { status, stdout } = halfopen(['check', policy]);
    assert.equal(status, 0, stdout);
    assert.match(stdout, /1 document: 1 warned/);
  });

  test('a field that halfopen does not carry out is told by check and run with its place; istiod accepts it', () => {
    const rule = file(
      'tunnel.yaml',
      `${head('DestinationRule')}spec:\n  host: shop\n  trafficPolicy:\n    tunnel: {targetHost: a.test, targetPort: 3128}\n`,
    );
    const { status, stdout } = halfopen(['check', rule]);
    assert.match(stdout, /tunnel\.yaml:7:5: unsupported: DestinationRule default\/shop: spec\.trafficPolicy\.tunnel: /);
    assert.match(stdout, /1 document: 1 accepted\n$/);
    assert.equal(status, 0);
    assert.equal(halfopen(['check', '--fail-on', 'unsupported', rule]).status, 1);
    const validated = halfopen(['run', '--mode', 'validate', '--config', rule]);
    assert.equal(validated.status, 0);
    assert.match(validated.stdout + validated.stderr, /tunnel\.yaml:7:5: .*spec\.trafficPolicy\.tunnel/);
  });

  test('a policy that nothing would enforce is accepted by istiod, and halfopen run does not start with it', () => {
    const policy = file('deny.yaml', `${head('AuthorizationPolicy', 'security.istio.io/v1')}spec: {}\n`);
    const { stdout } = halfopen(['check', policy]);
    assert.match(stdout, /unsupported: AuthorizationPolicy default\/shop: .*nothing of it would be enforced/);
    assert.match(stdout, /1 document: 1 accepted\n$/);
    const { status, stderr } = halfopen(['run', '--mode', 'validate', '--config', policy]);
    assert.equal(status, 1);
    assert.match(stderr, /deny\.yaml:2:1: .*AuthorizationPolicy default\/shop/);
  });

  test('wrong flags end with 2 and the usage', () => {
    for (const args of [
      ['check'],
      ['check', '--format', 'xml', GOOD],
      ['check', '--nonsense', GOOD],
      ['check', '--fail-on', 'x', GOOD],
    ]) {
      const { status, stderr } = halfopen(args);
      assert.equal(status, 2, args.join(' '));
      assert.match(stderr, /usage: halfopen check/);
    }
    assert.match(halfopen(['check', '--help']).stdout, /exit status/);
  });
});

suite('explain', () => {
  const ask = (...args) => {
    const { stdout, stderr, status } = halfopen(['explain', '--format', 'json', ...args, SAMPLE]);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout).profiles;
  };
  const URL = 'http://orders.shop.internal:8080/never';

  test('names the route, the cluster and every timer with the line that set it', () => {
    const [found] = ask('--url', URL);
    assert.equal(found.route, 'orders');
    assert.equal(found.clusters[0].name, 'outbound|8080||orders.shop.internal');
    const timer = (name) => found.timers.find((t) => t.name === name);
    assert.equal(timer('route timeout').ms, 2000);
    assert.equal(timer('route timeout').setBy.field, 'VirtualService shop/orders spec.http[1].timeout');
    assert.equal(timer('route timeout').setBy.line, 34);
    assert.equal(timer('connect timeout').setBy.line, 51);
  });

  test('one timeout is two equal timers for istio-1.8, and chance decides; for the current release it is one', () => {
    const [old, now] = ask('--url', URL, '--profile', 'istio-1.8', '--profile', 'istio-current');
    const first = (found) => found.stalls.find((s) => s.what.includes('never answers')).first.map((e) => e.answer);
    assert.deepEqual(first(old), ['504 UT response_timeout', '408 max_duration_timeout']);
    assert.deepEqual(first(now), ['504 UT response_timeout']);
  });

  test('an upload that stalls is bounded by nothing without a stream duration', () => {
    const [old, now] = ask('--url', URL, '--profile', 'istio-1.8', '--profile', 'istio-current');
    const first = (found) => found.stalls.find((s) => s.what.includes('middle of its body')).first;
    assert.equal(first(old)[0].answer, '408 max_duration_timeout');
    assert.deepEqual(first(now), []);
  });

  test('headers and method choose the route', () => {
    const documents = file(
      'match.yaml',
      `${head('ServiceEntry')}spec: {hosts: [a.test], location: MESH_INTERNAL, resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}], endpoints: [{address: 127.0.0.1}]}
---
${head('VirtualService')}spec:
  hosts: [a.test]
  http:
  - {name: canary, match: [{headers: {x-canary: {exact: "1"}}, method: {exact: PUT}}], timeout: 1s, route: [{destination: {host: a.test}}]}
  - {name: rest, route: [{destination: {host: a.test}}]}
`,
    );
    const route = (...args) =>
      JSON.parse(halfopen(['explain', '--format', 'json', '--url', 'http://a.test/', ...args, documents]).stdout)
        .profiles[0].route;
    assert.equal(route(), 'rest');
    assert.equal(route('-H', 'x-canary: 1', '-X', 'put'), 'canary');
    assert.equal(route('-H', 'x-canary: 1'), 'rest');
  });

  test('a port without a listener and a mistake in the documents end with 1 on standard error', () => {
    const missing = halfopen(['explain', '--url', 'http://orders.shop.internal:81/', SAMPLE]);
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /no HTTP listener on port 81; there are 8080/);
    const refused = halfopen(['explain', '--url', 'http://shop/', REFUSED]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /refused\.yaml:7:5: /);
    assert.equal(halfopen(['explain', SAMPLE]).status, 2);
  });
});

suite('envoy', () => {
  test('prints a bootstrap that halfopen runs, in YAML and in JSON', () => {
    for (const format of ['yaml', 'json']) {
      const { stdout, status } = halfopen(['envoy', '--format', format, '--port-map', '8080:18080', SAMPLE]);
      assert.equal(status, 0);
      const bootstrap = file(`bootstrap.${format}`, stdout);
      const validated = halfopen(['run', '--mode', 'validate', '-c', bootstrap]);
      assert.equal(validated.stdout, 'configuration OK\n', validated.stderr);
      assert.match(stdout, /18080/);
    }
  });

  test('documents with mistakes print nothing, and every mistake with its place', () => {
    const { status, stdout, stderr } = halfopen(['envoy', REFUSED]);
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      /refused\.yaml:7:5: VirtualService default\/shop: spec\.http\[0\]\.timeout: must be a valid duration/,
    );
  });

  test('an unknown profile is named without a place in a file', () => {
    const { status, stderr } = halfopen(['envoy', '--profile', 'istio-9.9', SAMPLE]);
    assert.equal(status, 1);
    assert.match(stderr, /^--profile: the profile "istio-9\.9" is not known; allowed: istio-1\.5/);
  });
});
