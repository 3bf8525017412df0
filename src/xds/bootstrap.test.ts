import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../config/error.js';
import { type BootstrapSource, loadBootstrap } from './bootstrap.js';

const BAD = fileURLToPath(new URL('../../test/bad-config/', import.meta.url));

function refusal(sources: BootstrapSource[]): string {
  try {
    loadBootstrap(sources);
  } catch (error) {
    assert.ok(error instanceof ConfigError, (error as Error).stack);
    return error.message;
  }
  return 'accepted';
}

describe('loading a bootstrap', () => {
  it('reads YAML and JSON files alike', () => {
    const folder = mkdtempSync(join(tmpdir(), 'halfopen-bootstrap-'));
    try {
      const document = { static_resources: { clusters: [{ name: 'a', connect_timeout: '0.5s' }] } };
      writeFileSync(join(folder, 'a.json'), JSON.stringify(document));
      writeFileSync(join(folder, 'a.yaml'), 'static_resources:\n  clusters:\n  - {name: a, connect_timeout: 0.5s}\n');
      const bootstrap = loadBootstrap([{ path: join(folder, 'a.json') }]);
      assert.equal(bootstrap.static_resources!.clusters[0].connect_timeout, 500);
      assert.deepEqual(loadBootstrap([{ path: join(folder, 'a.yaml') }]), bootstrap);
      assert.match(refusal([{ path: join(folder, 'none.yaml') }]), /none\.yaml:1:1: the file cannot be read: ENOENT/);
      assert.match(
        refusal([{ path: join(folder, 'a.toml') }]),
        /a\.toml:1:1: the kind of file \.toml is not known; allowed: \.yaml, \.yml, \.json/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('merges a document over the file, and names the document in errors', () => {
    const file = { path: 'f.yaml', text: 'node: {id: a, cluster: b}\n' };
    assert.deepEqual(loadBootstrap([{ ...file, merge: 'node: {id: c}' }]).node?.id, 'c');
    assert.deepEqual(loadBootstrap([file, { text: 'node: {id: d}' }]).node?.cluster, 'b');
    assert.match(refusal([{ ...file, merge: 'node: {id: 5}' }]), /^--config-yaml:1:8: node\.id: the number 5/);
    assert.match(refusal([]), /no configuration is given/);
  });

  it('takes a document that is only merged', () => {
    assert.equal(loadBootstrap([{ merge: 'node: {id: c}' }]).node?.id, 'c');
  });
});

describe('a broken bootstrap', () => {
  const files = readdirSync(BAD).filter((name) => name.endsWith('.yaml') || name.endsWith('.json'));
  for (const name of files) {
    it(`is refused with position, path and what is allowed: ${name}`, () => {
      const text = readFileSync(join(BAD, name), 'utf8');
      const expected = readFileSync(join(BAD, name.replace(/\.\w+$/, '.expected')), 'utf8');
      assert.equal(`${refusal([{ path: name, text }])}\n`, expected);
    });
  }

  it('comes in ten kinds', () => assert.ok(files.length >= 10));
});
