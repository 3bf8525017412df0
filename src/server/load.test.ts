import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ConfigError, Unreadable } from '../config/error.js';
import { type LoadOptions, loadConfiguration } from './load.js';

const folder = mkdtempSync(join(tmpdir(), 'halfopen-load-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function load(options: Partial<LoadOptions>) {
  const { warnings, ...loaded } = loadConfiguration({
    bootstrapPath: null,
    bootstrapYaml: null,
    paths: [],
    profile: 'envoy-1.40',
    listen: '127.0.0.1',
    admin: '127.0.0.1:15000',
    ...options,
  });
  return { ...loaded, warnings };
}

const refused = (options: Partial<LoadOptions>, text: RegExp) =>
  assert.throws(
    () => load(options),
    (error) => error instanceof ConfigError && text.test(error.message),
  );

const BOOTSTRAP = file(
  'bootstrap.yaml',
  'admin: {address: {socket_address: {address: 127.0.0.1, port_value: 9901}}}\n',
);

const SERVICE = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: s, namespace: shop}
spec:
  hosts: [s.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 8080, name: http, protocol: HTTP}]
  endpoints: [{address: 127.0.0.1, ports: {http: 9000}}]
`;
const ROUTE = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: s, namespace: shop}
spec:
  hosts: [s.test]
  http:
  - timeout: 2s
    route: [{destination: {host: s.test}}]
`;

describe('loading a bootstrap', () => {
  it('reads the file of -c and merges --config-yaml over it', () => {
    const text = 'admin: {address: {socket_address: {port_value: 9902}}}';
    const { bootstrap } = load({ bootstrapPath: BOOTSTRAP, bootstrapYaml: text });
    assert.deepEqual(bootstrap.admin?.address?.socket_address?.port_value, 9902);
    assert.deepEqual(bootstrap.admin?.address?.socket_address?.address, '127.0.0.1');
  });

  it('takes a bootstrap given with --config for what it is', () => {
    const { bootstrap } = load({ paths: [BOOTSTRAP] });
    assert.equal(bootstrap.admin?.address?.socket_address?.port_value, 9901);
  });

  it('is refused with file, line, column and path of the field', () => {
    const path = file('wrong.yaml', 'admin:\n  adress: {}\n');
    refused({ bootstrapPath: path }, /wrong\.yaml:2:\d+: admin\.adress/);
  });
});

describe('loading Istio documents', () => {
  it('makes listeners on --listen, clusters, and an admin server on --admin', () => {
    const paths = [file('service.yaml', SERVICE), file('route.yaml', ROUTE)];
    const { bootstrap } = load({ paths, listen: '127.0.0.9', admin: '127.0.0.1:15999' });
    const resources = bootstrap.static_resources!;
    assert.deepEqual(
      resources.listeners.map((listener) => listener.address?.socket_address?.address),
      ['127.0.0.9'],
    );
    assert.ok(resources.clusters.some((cluster) => cluster.name === 'outbound|8080||s.test'));
    assert.equal(bootstrap.admin?.address?.socket_address?.port_value, 15999);
  });

  it('reads the YAML and JSON files of a folder in the order of their names, and no others', () => {
    const inner = join(folder, 'documents');
    mkdirSync(inner);
    writeFileSync(join(inner, '1.yaml'), SERVICE);
    writeFileSync(join(inner, '2.yml'), ROUTE);
    writeFileSync(join(inner, 'notes.txt'), 'kind: Nonsense\n');
    writeFileSync(join(inner, '.hidden.yaml'), 'apiVersion: v1\nkind: {');
    assert.equal(load({ paths: [inner] }).bootstrap.static_resources?.listeners.length, 1);
  });

  it('are not run together with a bootstrap', () => {
    refused({ paths: [file('a.yaml', SERVICE)], bootstrapPath: BOOTSTRAP }, /cannot be run together/);
    refused({ paths: [file('a.yaml', SERVICE), BOOTSTRAP] }, /cannot be run together/);
  });

  it('are refused with every mistake that is in them', () => {
    const text = ROUTE.replace('timeout: 2s', 'timeout: soon').replace('hosts: [s.test]', 'hosts: 5');
    refused({ paths: [file('b.yaml', text)] }, /hosts[\s\S]*timeout|timeout[\s\S]*hosts/);
  });

  it('are refused when --admin is no address', () => {
    for (const admin of ['15000', 'a:b', '127.0.0.1:99999'])
      refused({ paths: [file('c.yaml', SERVICE)], admin }, /--admin/);
  });

  it('that cannot be read at this moment are told apart from those with mistakes', () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    for (const path of [empty, join(folder, 'missing.yaml')])
      assert.throws(
        () => load({ paths: [path] }),
        (error) => error instanceof Unreadable && error.message.includes(path),
      );
    const broken = file('broken.yaml', 'a: [');
    assert.throws(
      () => load({ paths: [broken] }),
      (error) => error instanceof ConfigError && !(error instanceof Unreadable),
    );
  });

  it('are the same configuration that the samples in config/ hold', () => {
    const sample = (name: string) => fileURLToPath(new URL(`../../config/${name}`, import.meta.url));
    assert.ok(load({ paths: [sample('istio.yaml')], profile: 'istio-1.31' }).bootstrap.static_resources);
    assert.ok(load({ bootstrapPath: sample('envoy.yaml') }).bootstrap.static_resources);
  });
});

describe('a profile', () => {
  const istio = [file('d.yaml', SERVICE)];

  for (const [profile, rules] of [
    ['envoy-1.40', 'envoy-1.40'],
    ['envoy-1.17', 'envoy-1.17'],
    ['istio-1.8', 'envoy-1.16'],
    ['istio-1.9.0', 'envoy-1.17'],
    ['istio-1.10+', 'envoy-1.40'],
    ['istio-1.13', 'envoy-1.18'],
    ['istio-1.14', 'envoy-1.22'],
    ['istio-1.31', 'envoy-1.22'],
    ['istio-current', 'envoy-1.22'],
  ])
    it(`${profile} answers by the rules of ${rules} or of a release since that answers alike`, () => {
      const { replyProfile } = load({ paths: istio, profile });
      const alike = ['envoy-1.22', 'envoy-1.40'];
      if (alike.includes(rules)) assert.ok(alike.includes(replyProfile), replyProfile);
      else assert.equal(replyProfile, rules);
    });

  for (const profile of ['envoy-1.30', 'istio-1.4', 'istio-1.99', 'nginx', ''])
    it(`'${profile}' is refused, with those that are known`, () => {
      refused({ paths: istio, profile }, /envoy-1\.40.*istio-1\.5 to istio-1\.31/s);
    });
});
