#!/usr/bin/env node
/**
 * How the cost of a configuration grows with its size: reading, translating, building, matching a request, and changing one object.
 *
 *   node bench/scale.mjs [VIRTUALSERVICES...]      default: 10 100 1000 10000
 *
 * Each VirtualService has a Service of its own with two endpoints, and five routes: two prefixes, an exact path, a header match, a
 * regular expression. Prints one column for each size.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SIZES = process.argv.slice(2).map(Number);
const dist = (path) => import(new URL(`../dist/${path}`, import.meta.url));

/** Runs `work` and notes what it cost: time on the clock, and time of processors, which a busy machine does not lengthen. */
async function timed(row, name, work) {
  const at = performance.now();
  const cpu = process.cpuUsage();
  const result = await work();
  const used = process.cpuUsage(cpu);
  row[name] = { wall: performance.now() - at, cpu: (used.user + used.system) / 1000 };
  return result;
}

function yamlOf(i, version = 0) {
  const name = `svc-${i}`;
  return `apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec:
  clusterIP: 10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}
  ports: [{name: http, port: 8080, targetPort: 9000}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}-1, namespace: shop, labels: {kubernetes.io/service-name: ${name}}}
addressType: IPv4
ports: [{name: http, port: 9000}]
endpoints: [{addresses: [10.${11 + version}.${(i >> 8) & 255}.${i & 255}]}, {addresses: [10.10.${(i >> 8) & 255}.${i & 255}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: shop}
spec:
  hosts: [${name}]
  http:
  - match: [{uri: {prefix: /api/${i}/}}]
    timeout: ${1 + version}s
    route: [{destination: {host: ${name}}}]
  - match: [{uri: {exact: /health}}]
    route: [{destination: {host: ${name}}}]
  - match: [{uri: {prefix: /static}}]
    route: [{destination: {host: ${name}}}]
    retries: {attempts: 1, perTryTimeout: 1s}
  - match: [{uri: {regex: '/users/[0-9]+/.*'}}]
    route: [{destination: {host: ${name}}}]
  - match: [{headers: {x-canary: {exact: 'yes'}}}]
    route: [{destination: {host: ${name}}}]
`;
}

/** Requests that match, spread over the hosts: their cost in ns, the median of rounds. */
function matching(table, RequestHeaders, names, size) {
  const connection = { tls: false };
  const random = () => 0;
  const paths = ['/api/7/orders', '/health', '/static/app.js', '/users/12/orders', '/none'];
  const requests = Array.from({ length: 20000 }, (_, n) => {
    const i = (n * 7919) % size;
    const headers = new RequestHeaders();
    headers.method = 'GET';
    headers.authority = `svc-${i}.shop.svc.cluster.local`;
    headers.path = n % 5 === 0 ? `/api/${i}/orders` : paths[n % 5];
    headers.add(names.H.xForwardedProto, 'http');
    if (n % 5 === 4) headers.add(names.permanentName('x-canary'), 'yes');
    return headers;
  });
  const rounds = [];
  for (let round = 0; round < 15; round++) {
    const cpu = process.cpuUsage();
    for (const headers of requests)
      if (table.match(headers, random, connection) === null)
        throw new Error(`no route for ${headers.authority}${headers.path}`);
    const used = process.cpuUsage(cpu);
    rounds.push(((used.user + used.system) * 1000) / requests.length);
  }
  return rounds.sort((x, y) => x - y)[7];
}

async function measure(size) {
  const [{ readKubeDocuments }, { loadDocuments }, { Dispatcher }, { Server }, { PROFILES }, { RequestHeaders }] =
    await Promise.all(
      [
        'config/kube-documents.js',
        'server/load.js',
        'base/dispatcher.js',
        'server/server.js',
        'http/config.js',
        'base/headers.js',
      ].map(dist),
    );
  const options = {
    bootstrapPath: null,
    bootstrapYaml: null,
    paths: [],
    profile: 'istio-current',
    listen: '127.0.0.1',
    admin: '127.0.0.1:0',
  };
  const text = Array.from({ length: size }, (_, i) => yamlOf(i)).join('---\n');
  const row = { routes: size * 5, mib: text.length / 2 ** 20 };
  const { docs } = await timed(row, 'read YAML', () => readKubeDocuments('scale.yaml', text));
  const load = (list) => {
    const { bootstrap, mistakes } = loadDocuments(list, {
      ...options,
      translate: { proxyNamespace: 'client', portMap: { 8080: PORT } },
    });
    if (mistakes.length > 0) throw new Error(mistakes[0]);
    return bootstrap;
  };
  const bootstrap = await timed(row, 'translate', () => load(docs));
  const { server } = await timed(row, 'build', async () => {
    const made = new Server(new Dispatcher(), bootstrap, {
      profile: PROFILES['envoy-1.40'],
      serviceCluster: '',
      serviceNode: '',
      drainTimeMs: 0,
      strategy: 'gradual',
    });
    await made.start();
    return { server: made };
  });
  row.rss = process.memoryUsage.rss() / 2 ** 20;
  const [{ RouteTable }, { compileFormat }, names] = await Promise.all(
    ['router/route-table.js', 'observe/access-log.js', 'base/header-names.js'].map(dist),
  );
  const table = new RouteTable(server.routeConfigs()[0], { compileFormat, clusters: null });
  row.match = matching(table, RequestHeaders, names, size);
  row.change = { route: await changing(2), slice: await changing(1) };
  return row;

  /** Medians of changing one object: a VirtualService gets another timeout, an EndpointSlice another address. */
  async function changing(place) {
    const changes = [];
    for (let round = 0; round < 15; round++) {
      const i = (round * 131) % size;
      const change = {};
      const list = docs.slice();
      list[i * 3 + place] = readKubeDocuments('scale.yaml', yamlOf(i, round + 1)).docs[place];
      const next = await timed(change, 'translate', () => load(list));
      await timed(change, 'update', () => server.update(next));
      changes.push(change);
    }
    const middle = (list) => list.sort((x, y) => x - y)[list.length >> 1];
    const median = (name) => ({
      wall: middle(changes.map((one) => one[name].wall)),
      cpu: middle(changes.map((one) => one[name].cpu)),
    });
    return { translate: median('translate'), update: median('update') };
  }
}

const PORT = 18480;
if (process.env.SCALE_SIZE !== undefined) {
  process.stdout.write(JSON.stringify(await measure(Number(process.env.SCALE_SIZE))));
  process.exit(0);
}
const rows = [];
for (const size of SIZES.length === 0 ? [10, 100, 1000, 10000] : SIZES) {
  const run = spawnSync(process.execPath, [fileURLToPath(import.meta.url)], {
    env: { ...process.env, SCALE_SIZE: String(size) },
    stdio: ['ignore', 'pipe', 2],
    encoding: 'utf8',
  });
  if (run.status !== 0) process.exit(1);
  rows.push({ size, ...JSON.parse(run.stdout) });
}
const both = ({ wall, cpu }) => `${wall.toFixed(0)} / ${cpu.toFixed(0)}`;
const lines = [
  ['VirtualServices', (row) => row.size],
  ['routes', (row) => row.routes],
  ['YAML, MiB', (row) => row.mib.toFixed(1)],
  ['read YAML, ms (clock / processor)', (row) => both(row['read YAML'])],
  ['translate and decode, ms', (row) => both(row.translate)],
  ['build and listen, ms', (row) => both(row.build)],
  ['resident memory, MiB', (row) => row.rss.toFixed(0)],
  ['match one request, ns', (row) => row.match.toFixed(0)],
  ['one VirtualService changed: translate, ms', (row) => both(row.change.route.translate)],
  ['... put in force, ms', (row) => both(row.change.route.update)],
  ['one EndpointSlice changed: translate, ms', (row) => both(row.change.slice.translate)],
  ['... put in force, ms', (row) => both(row.change.slice.update)],
];
for (const [title, cell] of lines)
  console.log(`${title.padEnd(44)}${rows.map((row) => String(cell(row)).padStart(16)).join('')}`);
