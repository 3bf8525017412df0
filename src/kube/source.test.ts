import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Dispatcher } from '../base/dispatcher.js';
import { seededRandom } from '../base/random.js';
import type { PlainObject } from '../config/plain.js';
import type { Access } from './access.js';
import { ApiClient } from './client.js';
import { FakeApi } from './fake-api.js';
import { RESOURCES } from './resources.js';
import { KubernetesSource } from './source.js';

const SERVICES = '/api/v1/namespaces/a/services';
const ROUTES = '/apis/networking.istio.io/v1/namespaces/a/virtualservices';
const ALL_ROUTES = '/apis/networking.istio.io/v1/virtualservices';

let api: FakeApi;
let access: Access;
let source: KubernetesSource;
let said: string[];
let changed: () => void;

const resources = RESOURCES.filter((type) =>
  ['services', 'pods', 'virtualservices', 'configmaps'].includes(type.plural),
);

function makeSource(namespaces: string[] | null = null): KubernetesSource {
  const dispatcher = new Dispatcher();
  return new KubernetesSource(dispatcher, new ApiClient(access, dispatcher), {
    namespaces,
    rootNamespace: 'istio-system',
    say: (text) => said.push(text),
    resources,
    backoffMs: 8,
    lookAgainMs: 20,
  });
}

async function begin(namespaces: string[] | null = null): Promise<void> {
  source = makeSource(namespaces);
  source.start();
  await source.ready();
  source.follow(() => changed());
}

/** What is held, as `Kind namespace/name`. */
function names(): string[] {
  return source
    .documents()
    .map((doc) => `${doc.kind} ${doc.metadata.namespace}/${doc.metadata.name}`)
    .sort();
}

/** Resolves when `check` holds; looked at after every change and every request. */
function until(check: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (check()) resolve();
    };
    changed = look;
    api.onRequest = () => queueMicrotask(look);
    look();
  });
}

const untilNames = (...wanted: string[]) => until(() => names().join() === wanted.sort().join());
const watches = (path: string) => api.requests.filter((url) => url.startsWith(`${path}?watch=1`)).length;
const lists = (path: string) => api.requests.filter((url) => url.startsWith(`${path}?limit`)).length;

beforeEach(async () => {
  api = new FakeApi();
  access = await api.start();
  api.groups.set('networking.istio.io/v1beta1', ['virtualservices']);
  api.groups.set('networking.istio.io/v1', ['virtualservices']);
  said = [];
  changed = () => {};
});

afterEach(async () => {
  source.close();
  await api.close();
});

describe('the objects of a cluster', () => {
  it('are listed in pages and then watched', async () => {
    api.page = 2;
    for (const name of ['p', 'q', 'r', 's', 't']) api.put(SERVICES, name);
    api.put(ROUTES, 'v');
    await begin();
    assert.deepEqual(names(), [
      'Service a/p',
      'Service a/q',
      'Service a/r',
      'Service a/s',
      'Service a/t',
      'VirtualService a/v',
    ]);
    api.put(SERVICES, 'u');
    api.delete(SERVICES, 'p');
    api.delete(ROUTES, 'v');
    await untilNames('Service a/q', 'Service a/r', 'Service a/s', 'Service a/t', 'Service a/u');
    assert.equal(source.documents()[0].apiVersion, 'v1');
    assert.deepEqual(said, []);
  });

  it('keep their identity while they say nothing new', async () => {
    api.put(SERVICES, 'p', { spec: { ports: [] } });
    api.put(SERVICES, 'q');
    await begin();
    const before = source.documents();
    const noise = { metadata: { managedFields: [{ manager: 'x' }], generation: 7 }, status: { loadBalancer: {} } };
    api.put(SERVICES, 'p', { ...noise, spec: { ports: [] } });
    api.put(SERVICES, 'q', { spec: { type: 'ClusterIP' } });
    await until(() => source.documents().some((doc) => doc.spec?.type === 'ClusterIP'));
    const after = source.documents();
    assert.equal(after[0], before[0]);
    assert.notEqual(after[1], before[1]);
  });

  it('have their name as position, and a wrong one is said and left out alone', async () => {
    api.put(SERVICES, 'p', { spec: { ports: [{ port: 80 }] } });
    await begin();
    assert.equal(source.documents()[0].position.file, 'a/Service/p');
    api.put(SERVICES, 'bad', { metadata: { labels: { n: 7 } } as unknown as PlainObject });
    api.put(SERVICES, 'q');
    await untilNames('Service a/p', 'Service a/q');
    assert.match(said.join('\n'), /a\/Service\/bad: metadata\.labels\[n\]: the number 7 is not allowed here/);
  });

  it('go on from the last version when a watch ends, bookmarks included, and are not listed again', async () => {
    api.put(SERVICES, 'p');
    await begin();
    await until(() => watches('/api/v1/services') === 1);
    api.bookmark('/api/v1/services');
    api.put(SERVICES, 'q');
    await untilNames('Service a/p', 'Service a/q');
    api.compact();
    api.endWatches();
    await until(() => watches('/api/v1/services') === 2);
    api.put(SERVICES, 'r');
    await untilNames('Service a/p', 'Service a/q', 'Service a/r');
    assert.equal(lists('/api/v1/services'), 1);
  });

  for (const how of ['status', 'event'])
    it(`are listed anew when the server has forgotten the version (410 as ${how}); what went in between is gone`, async () => {
      api.put(SERVICES, 'p');
      api.put(SERVICES, 'q');
      await begin();
      await until(() => watches('/api/v1/services') === 1);
      const kept = source.documents()[1];
      api.delete(SERVICES, 'p', true);
      api.put(SERVICES, 'hidden-from-nobody');
      if (how === 'status') {
        api.put('/api/v1/namespaces/a/pods', 'x');
        api.compact();
        api.cut();
      } else api.endWatches({ kind: 'Status', code: 410, message: 'too old resource version' });
      await until(() => !names().includes('Service a/p'));
      assert.ok(source.documents().includes(kept), 'what did not change is the same object');
      assert.equal(lists('/api/v1/services'), 2);
    });

  it('stay in force while the server is away, which is said once, and are followed again', async () => {
    api.put(SERVICES, 'p');
    await begin();
    const { port } = api;
    await api.close();
    await new Promise<void>((done) => {
      const look = () => (said.length > 0 ? done() : setImmediate(look));
      look();
    });
    assert.deepEqual(names(), ['Service a/p']);
    const old = api;
    api = new FakeApi();
    for (const [group, plurals] of old.groups) api.groups.set(group, plurals);
    api.put(SERVICES, 'p');
    api.put(SERVICES, 'q');
    api.compact();
    await api.start(port);
    await untilNames('Service a/p', 'Service a/q');
    await until(() => said.some((line) => line.endsWith('is followed again')));
    assert.ok(said.filter((line) => line.includes('ECONNREFUSED')).length <= 1, said.join('\n'));
    assert.match(said[0], /http:\/\/127\.0\.0\.1:\d+: unreachable: .*; what was read stays in force$/);
  });

  it('are not complete without the right to read them, which names the resource', async () => {
    api.failures.set('/api/v1/pods', 403);
    source = makeSource();
    source.start();
    await until(() => said.length > 0 && api.requests.filter((url) => url.startsWith('/api/v1/pods')).length > 2);
    assert.equal(source.synced, false);
    assert.deepEqual(said, ['kubernetes: pods: forbidden: the answer is 403']);
    const pods = source.collections.find((one) => one.name === 'pods')!;
    assert.ok(pods.stats.errors.get('forbidden')! > 1);
    api.failures.clear();
    await source.ready();
    assert.equal(source.synced, true);
  });

  it('are complete without a definition, and are followed when it appears and when it goes', async () => {
    api.groups.clear();
    api.put(SERVICES, 'p');
    await begin();
    assert.deepEqual(names(), ['Service a/p']);
    api.put(ROUTES, 'v');
    api.groups.set('networking.istio.io/v1', ['virtualservices']);
    await untilNames('Service a/p', 'VirtualService a/v');
    api.failures.set(ALL_ROUTES, 404);
    api.groups.clear();
    api.endWatches();
    await untilNames('Service a/p');
    assert.ok(said.some((line) => line.includes('no virtualservices.networking.istio.io any more')));
    api.failures.clear();
    api.groups.set('networking.istio.io/v1', ['virtualservices']);
    await untilNames('Service a/p', 'VirtualService a/v');
  });

  it('are read in the best version that is served', async () => {
    api.groups.delete('networking.istio.io/v1');
    api.put('/apis/networking.istio.io/v1beta1/namespaces/a/virtualservices', 'v');
    await begin();
    assert.equal(source.documents()[0].apiVersion, 'networking.istio.io/v1beta1');
  });

  it('of named namespaces are asked for there and in the root namespace, and of ConfigMaps only the mesh configuration', async () => {
    await begin(['b', 'a']);
    const asked = new Set(api.requests.map((url) => url.split('?')[0]).filter((path) => path.endsWith('services')));
    const places = ['a', 'b', 'istio-system'].flatMap((name) => [
      `/api/v1/namespaces/${name}/services`,
      `/apis/networking.istio.io/v1/namespaces/${name}/virtualservices`,
    ]);
    assert.deepEqual([...asked].sort(), places.sort());
    const maps = api.requests.filter((url) => url.includes('configmaps'));
    for (const url of maps)
      assert.match(url, /^\/api\/v1\/namespaces\/istio-system\/configmaps\?.*fieldSelector=metadata\.name%3Distio$/);
  });

  it('are what the server holds after any sequence of changes and failures', async () => {
    const random = seededRandom(7);
    await begin();
    const held = new Map<string, number>();
    for (let round = 0; round < 12; round++) {
      for (let n = random.u32() % 20; n > 0; n--) {
        const name = `s${random.u32() % 15}`;
        if (held.has(name) && random.u32() % 3 === 0) {
          api.delete(SERVICES, name);
          held.delete(name);
        } else {
          const value = random.u32() % 1000;
          api.put(SERVICES, name, { spec: { value } });
          held.set(name, value);
        }
        const trouble = random.u32() % 12;
        if (trouble === 0) api.cut();
        else if (trouble === 1) api.endWatches();
        else if (trouble === 2) api.compact();
        else if (trouble === 3) api.endWatches({ code: 500, message: 'etcd' });
      }
      const wanted = [...held].map(([name, value]) => `${name}=${value}`).sort();
      const now = () =>
        source
          .documents()
          .map((doc) => `${doc.metadata.name}=${doc.spec?.value}`)
          .sort();
      await until(() => now().join() === wanted.join());
    }
  });
});
