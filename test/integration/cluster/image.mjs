/**
 * Builds the image of the Dockerfile as a user does, looks into it, and loads it into the test cluster. Started by .ci/run before the other
 * tests of this folder, which use the image.
 *
 *   HALFOPEN_TEST_CLUSTER=FOLDER node test/integration/cluster/image.mjs
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { builder, buildImage } from '../../../scripts/container.mjs';
import { ROOT } from '../proxy.mjs';
import { missing } from './cluster.mjs';

export const IMAGE = 'localhost/halfopen:0.1.0';
const SCRIPTS = process.env.HALFOPEN_TEST_CLUSTER ?? '';
const tool = builder();
const reason = missing() || (tool === null ? 'neither docker nor podman nor buildah works here' : '');

function run(command, args) {
  const done = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 });
  assert.equal(done.status, 0, `${command} ${args.join(' ')}: ${done.error?.message ?? done.stderr}`);
  return done.stdout;
}

suite('the image', { skip: reason || false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'halfopen-image-'));
  const archive = join(folder, 'image.tar');
  const root = join(folder, 'root');
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('is built from the Dockerfile', { timeout: 900_000 }, () => {
    if (tool !== 'docker') run('bash', ['test/integration/cluster/base-image.sh']);
    buildImage(tool, IMAGE, archive);
    assert.ok(statSync(archive).size < 200e6, `${statSync(archive).size} bytes`);
    mkdirSync(root);
    run('tar', ['-C', folder, '-xf', archive]);
    const [{ Layers }] = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    for (const layer of Layers) run('tar', ['-C', root, '-xf', join(folder, layer)]);
  });

  test('runs as 1337 and has a health check', () => {
    const [{ Config }] = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    const { config } = JSON.parse(readFileSync(join(folder, Config), 'utf8'));
    assert.equal(config.User, '1337:1337');
    assert.deepEqual(config.Entrypoint, ['halfopen']);
    assert.equal(config.Healthcheck?.Test?.[0], 'CMD');
  });

  test('has no shell and no package manager', () => {
    const programs = run('find', [
      root,
      '-xdev',
      '(',
      '-type',
      'f',
      '-o',
      '-type',
      'l',
      ')',
      '-perm',
      '/111',
      '-path',
      '*bin/*',
    ])
      .split('\n')
      .map((path) => path.slice(root.length))
      .filter((path) => path !== '' && !path.includes('/node_modules/'));
    const allowed =
      /^\/(usr\/local\/bin\/(node|halfopen)|app\/bin\/halfopen|usr\/sbin\/(xtables-\w+-multi|ip6?tables(-save|-restore)?))$/;
    assert.deepEqual(
      programs.filter((path) => !allowed.test(path)),
      [],
    );
    assert.ok(programs.length >= 4);
  });

  test('lists what is in it', () => {
    const { bomFormat, components } = JSON.parse(readFileSync(join(root, 'app/sbom.cdx.json'), 'utf8'));
    assert.equal(bomFormat, 'CycloneDX');
    const names = components.map(({ name }) => name);
    for (const name of ['node', 'libc6', 'iptables', 'fastify', 'http2-proxy', 'prom-client'])
      assert.ok(names.includes(name), `${name} is missing`);
    assert.ok(components.every(({ version }) => version !== ''));
  });

  test('is loaded into the cluster', { timeout: 300_000 }, () => {
    run(join(SCRIPTS, 'cluster-up'), []);
    run(join(SCRIPTS, 'cluster-image'), [archive]);
  });
});
