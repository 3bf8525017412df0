import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { seededRandom } from '../base/random.js';
import { ConfigError, Unreadable } from '../config/error.js';
import { fromKubeconfig, inCluster } from './access.js';
import { Lines } from './lines.js';

const folder = mkdtempSync(join(tmpdir(), 'halfopen-access-'));
after(() => rmSync(folder, { recursive: true, force: true }));

describe('the service account of a pod', () => {
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };

  it('is read anew for every request, since the kubelet exchanges it', async () => {
    writeFileSync(join(folder, 'ca.crt'), 'CA');
    writeFileSync(join(folder, 'namespace'), 'shop');
    const access = inCluster(env, folder);
    assert.equal(access.server.href, 'https://[fd00::1]:6443/');
    assert.equal(access.namespace, 'shop');
    for (const token of ['one', 'two']) {
      writeFileSync(join(folder, 'token'), `${token}\n`);
      const options = await access.options();
      assert.equal(options.ca, 'CA');
      assert.deepEqual(options.headers, { authorization: `Bearer ${token}` });
    }
  });

  it('that is not mounted is named', async () => {
    await assert.rejects(inCluster(env, '/nowhere').options(), (error) => error instanceof Unreadable);
    assert.throws(() => inCluster({}), /does not run in a pod/);
  });
});

describe('a kubeconfig', () => {
  const file = join(folder, 'config');
  const write = (server: string) =>
    writeFileSync(
      file,
      `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "${server}", certificate-authority-data: Q0E=}}]
users: [{name: u, user: {token: secret}}]
contexts: [{name: one, context: {cluster: c, user: u}}, {name: two, context: {cluster: c, user: u, namespace: shop}}]
current-context: one
`,
    );

  it('gives address, credentials and the namespace of the context', async (t) => {
    write('https://api.test:6443');
    const access = await fromKubeconfig(file, 'two').catch((error: Error) => error);
    if (access instanceof ConfigError && access.message.includes('npm install')) return t.skip(access.message);
    assert.ok(!(access instanceof Error));
    assert.equal(access.server.host, 'api.test:6443');
    assert.equal(access.namespace, 'shop');
    const options = await access.options();
    assert.equal(String(options.ca), 'CA');
    assert.equal((options.headers as Record<string, string>)['Authorization'], 'Bearer secret');
    assert.equal(options.agent, undefined);
    await assert.rejects(fromKubeconfig(file, 'three'), /no context 'three'.*one, two/);
    await assert.rejects(fromKubeconfig(join(folder, 'none'), ''), /cannot be read/);
  });
});

describe('lines', () => {
  it('are the same wherever the text is cut', () => {
    const random = seededRandom(3);
    for (let round = 0; round < 200; round++) {
      const wanted = Array.from({ length: random.u32() % 6 }, () => 'x'.repeat(1 + (random.u32() % 9)));
      const text = wanted.map((line) => `${line}\n`).join(random.u32() % 4 === 0 ? '\n' : '');
      const lines = new Lines();
      const found: string[] = [];
      for (let at = 0; at < text.length; ) {
        const size = 1 + (random.u32() % 5);
        found.push(...lines.push(text.slice(at, at + size)));
        at += size;
      }
      assert.deepEqual(found, wanted);
    }
  });
});
