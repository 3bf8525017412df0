/**
 * `halfopen run --kubernetes` in a real cluster: objects that are made, changed and deleted are followed while requests are under
 * way, and nothing of them is dropped; nor is it when the API server goes away. Started by .ci/run; see cluster.mjs.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ROOT, sleep } from '../proxy.mjs';
import { get, startLoad } from '../steady-load.mjs';
import { addAddress, apply, enterNode, kubectl, missing, restartApiServer, startInPod, until } from './cluster.mjs';

const reason = missing();
const status = reason === '' ? enterNode(fileURLToPath(import.meta.url)) : null;
if (status !== null) process.exit(status);

const HOST = 'orders.shop.svc.cluster.local';
const PORT = 18080;
const OTHER_PORT = 18081;
const SERVER_PORT = 9000;
const ADDRESSES = ['10.250.7.1', '10.250.7.2'];
const GROUP = 'networking.istio.io';

/** A definition as Istio's, but without a schema, so that wrong objects can be stored. */
const definition = (plural, kind) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${GROUP}` },
  spec: {
    group: GROUP,
    names: { plural, kind, singular: kind.toLowerCase() },
    scope: 'Namespaced',
    versions: ['v1', 'v1beta1'].map((name) => ({
      name,
      served: true,
      storage: name === 'v1',
      schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    })),
  },
});

const namespace = (name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
const meta = (name, more = {}) => ({ name, namespace: 'shop', ...more });
const service = (name, port) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: meta(name),
  spec: { ports: [{ name: 'http', port, targetPort: SERVER_PORT }] },
});

/** `servers`: index of the address and conditions. */
const slice = (name, servers) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: meta(`${name}-1`, { labels: { 'kubernetes.io/service-name': name } }),
  addressType: 'IPv4',
  ports: [{ name: 'http', port: SERVER_PORT, protocol: 'TCP' }],
  endpoints: servers.map(({ at, ...conditions }) => ({
    addresses: [ADDRESSES[at]],
    conditions: { ready: true, ...conditions },
    targetRef: { kind: 'Pod', namespace: 'shop', name: `orders-${at}` },
  })),
});

const virtualService = (version, http = {}) => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'VirtualService',
  metadata: meta('orders'),
  spec: {
    hosts: ['orders'],
    http: [
      {
        timeout: '20s',
        headers: { response: { set: { 'x-version': version } } },
        route: [{ destination: { host: 'orders' } }],
        ...http,
      },
    ],
  },
});

const toSubset = (version, subset) => virtualService(version, { route: [{ destination: { host: 'orders', subset } }] });

const servers = [];
let proxy;

async function ready(port = 15000) {
  return (await fetch(`http://127.0.0.1:${port}/ready`)).status === 200;
}

const metrics = async (port = 15000) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
const answer = () => get(PORT, HOST);
const version = (wanted) => until(`version ${wanted}`, async () => (await answer()).version === wanted, 30000);

/** Every answer of a while comes from these servers. */
async function onlyFrom(...indexes) {
  const wanted = indexes.map((at) => ADDRESSES[at]).join();
  await until(`answers from ${wanted} alone`, async () => {
    const seen = new Set();
    for (let i = 0; i < 12; i++) seen.add((await answer()).body);
    return [...seen].sort().join() === wanted;
  });
}

function cleanUp() {
  for (const args of [
    ['delete', 'namespace', 'shop', 'poor', '--ignore-not-found', '--wait=true'],
    ['delete', 'crd', `virtualservices.${GROUP}`, `destinationrules.${GROUP}`, '--ignore-not-found'],
  ])
    kubectl(args);
}

suite('the objects of a cluster', { skip: reason === '' ? false : reason }, () => {
  before(async () => {
    cleanUp();
    for (const address of ADDRESSES) {
      addAddress(address);
      const server = createServer((request, response) =>
        setTimeout(() => response.end(address), request.url === '/slow' ? 3000 : 2),
      );
      // A server that closes idle connections races with the next request on them; that is not what is tested here.
      server.keepAliveTimeout = 0;
      await new Promise((done) => server.listen(SERVER_PORT, address, done));
      servers.push(server);
    }
    apply(namespace('shop'), namespace('poor'), namespace('istio-system'));
    for (const file of ['rbac.yaml', 'rbac-namespaced.yaml'])
      kubectl(['apply', '-f', '-'], readFileSync(join(ROOT, 'deploy/kubernetes', file), 'utf8'));
    apply(service('orders', PORT), slice('orders', [{ at: 0 }]));
    proxy = startInPod({
      namespace: 'halfopen',
      account: 'halfopen',
      args: ['--workload-namespace', 'shop'],
    });
    await until('the proxy is ready', () => ready());
  });

  after(async () => {
    await proxy?.stop();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    if (proxy !== undefined) cleanUp();
  });

  test('are served without any definition of Istio, in little memory', async () => {
    assert.deepEqual(await answer().then(({ status, body }) => ({ status, body })), {
      status: 200,
      body: ADDRESSES[0],
    });
    const resident = proxy.residentMiB;
    console.log(`resident memory: ${resident.toFixed(1)} MiB`);
    assert.ok(resident < 100, `${resident} MiB`);
  });

  test('are followed while requests are under way', async (t) => {
    const load = startLoad({ port: PORT, host: HOST });
    t.after(() => load.stop());

    await t.test('definitions that appear later, and what is made of them', async () => {
      apply(definition('virtualservices', 'VirtualService'), definition('destinationrules', 'DestinationRule'));
      kubectl(['wait', '--for=condition=Established', 'crd', `virtualservices.${GROUP}`, '--timeout=20s']);
      await until('the definition is served', () => apply(virtualService('1')));
      await version('1');
    });

    await t.test('changes of a VirtualService', async () => {
      for (const wanted of ['2', '3', '4', '5']) {
        apply(virtualService(wanted));
        await version(wanted);
      }
    });

    await t.test('servers that come, and that leave with a request under way', async () => {
      apply(slice('orders', [{ at: 0 }, { at: 1 }]));
      await onlyFrom(0, 1);
      apply(slice('orders', [{ at: 0 }]));
      await onlyFrom(0);
      const slow = get(PORT, HOST, '/slow');
      await sleep(200);
      apply(slice('orders', [{ at: 0, ready: false, terminating: true, serving: true }, { at: 1 }]));
      await onlyFrom(1);
      assert.deepEqual(await slow.then(({ status, body }) => ({ status, body })), { status: 200, body: ADDRESSES[0] });
      apply(slice('orders', [{ at: 0 }, { at: 1 }]));
      await onlyFrom(0, 1);
    });

    await t.test('subsets by the labels of Pods', async () => {
      for (const at of [0, 1]) {
        const name = `orders-${at}`;
        const labels = { app: 'orders', version: `v${at + 1}` };
        apply({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: meta(name, { labels }),
          spec: { schedulerName: 'none', containers: [{ name: 'app', image: 'none:1' }] },
        });
        const state = JSON.stringify({
          status: { phase: 'Running', podIP: ADDRESSES[at], podIPs: [{ ip: ADDRESSES[at] }] },
        });
        kubectl(['-n', 'shop', 'patch', 'pod', name, '--subresource=status', '--type=merge', '-p', state]);
      }
      apply({
        apiVersion: `${GROUP}/v1`,
        kind: 'DestinationRule',
        metadata: meta('orders'),
        spec: {
          host: 'orders',
          subsets: [
            { name: 'one', labels: { version: 'v1' } },
            { name: 'two', labels: { version: 'v2' } },
          ],
        },
      });
      await sleep(300);
      apply(toSubset('6', 'two'));
      await version('6');
      await onlyFrom(1);
      apply(toSubset('7', 'one'));
      await version('7');
      await onlyFrom(0);
      apply(virtualService('8'));
      await version('8');
      kubectl(['-n', 'shop', 'delete', 'destinationrule', 'orders']);
      await onlyFrom(0, 1);
    });

    await t.test('Services that are made and deleted', async () => {
      apply(service('other', OTHER_PORT), slice('other', [{ at: 1 }]));
      const other = () => get(OTHER_PORT, 'other.shop');
      await until('the new service answers', async () => (await other()).body === ADDRESSES[1]);
      kubectl(['-n', 'shop', 'delete', 'service', 'other']);
      await until('its listener is gone', () =>
        other().then(
          () => false,
          (error) => error.code === 'ECONNREFUSED',
        ),
      );
    });

    await t.test('a wrong object, which is named and left out alone', async () => {
      apply(virtualService('9', { timeout: 'soon' }));
      await until('it is named', () => /shop\/VirtualService\/orders: spec\.http\[0\]\.timeout/.test(proxy.output()));
      apply(virtualService('10', { match: [{ uri: { regex: '(a' } }] }));
      await sleep(500);
      assert.equal((await answer()).status, 200);
      apply(virtualService('11'));
      await version('11');
    });

    await t.test('the end of a VirtualService', async () => {
      kubectl(['-n', 'shop', 'delete', 'virtualservice', 'orders']);
      await until('no version is set', async () => (await answer()).version === undefined);
      apply(virtualService('12'));
      await version('12');
    });

    await t.test('the loss of the API server', async () => {
      const away = restartApiServer(5);
      await until('the loss is said', () => proxy.output().includes('what was read stays in force'));
      assert.match(await metrics(), /^halfopen_source_connected\{resource="services"\} 0$/m);
      assert.ok(await ready(), 'it stays ready');
      assert.equal((await answer()).version, '12');
      await away;
      await until('a change can be made', () => apply(virtualService('13')), 60000);
      await version('13');
      await until('all is followed', () => proxy.output().includes('is followed again'), 40000);
      assert.match(await metrics(), /^halfopen_source_connected\{resource="services"\} 1$/m);
      apply(slice('orders', [{ at: 1 }]));
      await onlyFrom(1);
    });

    const { answers, failures } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(answers.get(200) > 1000, `only ${answers.get(200)} requests`);
    console.log(`${answers.get(200)} requests, none failed`);
  });

  test('of one namespace can be read with rights on that namespace alone', async () => {
    const narrow = startInPod({
      namespace: 'shop',
      account: 'default',
      args: ['--namespaces', 'shop', '--admin', '127.0.0.1:15100', '--listen', '127.0.0.2'],
    });
    try {
      await until('it is ready', () => ready(15100));
      assert.doesNotMatch(narrow.output(), /forbidden/);
    } finally {
      await narrow.stop();
    }
  });

  test('that may not be read are named, and the proxy is not ready', async () => {
    const poor = startInPod({
      namespace: 'poor',
      account: 'default',
      args: ['--admin', '127.0.0.1:15200', '--listen', '127.0.0.3'],
    });
    try {
      await until('it is said', () => /virtualservices\.networking\.istio\.io: forbidden: /.test(poor.output()));
      await until('it answers that it is not ready', async () => !(await ready(15200)));
      assert.match(
        await metrics(15200),
        /halfopen_source_errors_total\{resource="services",reason="forbidden"\} [1-9]/,
      );
      assert.match(await metrics(15200), /halfopen_source_synced\{resource="services"\} 0/);
    } finally {
      await poor.stop();
    }
  });
});
