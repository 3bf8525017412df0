/** A folder of Istio documents that is a mounted ConfigMap, changed as the kubelet does it, while requests are under way. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { freePort, ROOT, sleep, untilListening } from './proxy.mjs';
import { get, startLoad } from './steady-load.mjs';

const HOST = 'orders.shop.test';
let folder;
let port;
let upstreamPort;
let proxy;
let output = '';
let upstream;
let generation = 0;

/** The next version of the mounted ConfigMap: a folder with the files, links to them, one link that is swapped (AtomicWriter). */
function write(files) {
  generation++;
  const name = `..2026_01_01_00_00_00.${generation}`;
  mkdirSync(join(folder, name));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), text);
  symlinkSync(name, join(folder, '..data_tmp'));
  const old = existsSync(join(folder, '..data')) ? readlinkSync(join(folder, '..data')) : null;
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  for (const file of Object.keys(files))
    if (!existsSync(join(folder, file))) symlinkSync(`..data/${file}`, join(folder, file));
  for (const file of readdirSync(folder))
    if (!file.startsWith('..') && !(file in files)) unlinkSync(join(folder, file));
  if (old !== null) rmSync(join(folder, old), { recursive: true });
}

const entry = () => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: orders, namespace: shop}
spec:
  hosts: [${HOST}]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: ${port}, name: http, protocol: HTTP}]
  endpoints: [{address: 127.0.0.1, ports: {http: ${upstreamPort}}}]
`;

const route = (version, timeout = '5s') => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders, namespace: shop}
spec:
  hosts: [${HOST}]
  http:
  - timeout: ${timeout}
    headers: {response: {set: {x-version: "${version}"}}}
    route: [{destination: {host: ${HOST}}}]
`;

async function untilVersion(version) {
  for (const begin = Date.now(); Date.now() - begin < 5000; await sleep(20))
    if ((await get(port, HOST)).version === version) return;
  assert.fail(`version ${version} is not in force after 5 s\n${output}`);
}

async function untilSaid(text) {
  for (const begin = Date.now(); Date.now() - begin < 5000; await sleep(20)) if (output.includes(text)) return;
  assert.fail(`${JSON.stringify(text)} was not said\n${output}`);
}

suite('a mounted ConfigMap', () => {
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'halfopen-configmap-'));
    upstream = createServer((request, response) =>
      setTimeout(() => response.end('ok'), request.url === '/slow' ? 100 : 1),
    );
    await new Promise((done) => upstream.listen(0, '127.0.0.1', done));
    upstreamPort = upstream.address().port;
    port = await freePort();
    write({ 'services.yaml': entry(), 'routes.yaml': route('1') });
    const admin = `127.0.0.1:${await freePort()}`;
    proxy = spawn(process.execPath, [join(ROOT, 'bin/halfopen'), 'run', '--config', folder, '--admin', admin]);
    proxy.stderr.on('data', (text) => {
      output += text;
    });
    await untilListening(port);
  });

  after(async () => {
    proxy?.kill('SIGTERM');
    upstream?.closeAllConnections();
    upstream?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('is followed through swaps, new keys and a moment without files; nothing under way is dropped', async (t) => {
    const load = startLoad({ port, host: HOST, path: () => (Math.random() < 0.2 ? '/slow' : '/') });
    t.after(() => load.stop());
    await untilVersion('1');
    for (const version of ['2', '3']) {
      write({ 'services.yaml': entry(), 'routes.yaml': route(version) });
      await untilVersion(version);
    }
    // The route moves to another key, which is a file of another name.
    write({ 'services.yaml': entry(), 'more-routes.yaml': route('4') });
    await untilVersion('4');
    // Wrong content: the old configuration stays, and the line is named.
    write({ 'services.yaml': entry(), 'more-routes.yaml': route('5', '5 seconds') });
    await untilSaid('the new configuration is refused, the old one stays');
    await untilSaid('more-routes.yaml:7:5');
    assert.equal((await get(port, HOST)).version, '4');
    write({ 'services.yaml': entry(), 'more-routes.yaml': route('6') });
    await untilVersion('6');
    // The link is gone for a moment: nothing can be read, and nothing is given up.
    renameSync(join(folder, '..data'), join(folder, '..gone'));
    await untilSaid('cannot be read');
    assert.equal((await get(port, HOST)).version, '6');
    renameSync(join(folder, '..gone'), join(folder, '..data'));
    write({ 'services.yaml': entry(), 'more-routes.yaml': route('7') });
    await untilVersion('7');
    const { answers, failures } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(answers.get(200) > 20, `only ${answers.get(200)} requests`);
  });
});
