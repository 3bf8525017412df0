import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { test } from 'node:test';
import { compileFormat } from '../observe/access-log.js';
import { Store } from '../observe/store.js';
import type { StreamInfo } from '../observe/stream-info.js';
import { configDump } from './config-dump.js';
import type { AdminHost, ClusterView, DrainRequest, HostStatsView, HostView, LogLevel, ServerState } from './host.js';
import { Query } from './reply.js';
import { dispatch, HANDLERS, startAdmin } from './server.js';

/** Recorded from Envoy 1.40. */
function golden(name: string): string {
  return readFileSync(new URL(`../../src/admin/goldens/${name}`, import.meta.url), 'utf8');
}

function hostView(over: Partial<HostView> & { stats?: HostStatsView }): HostView {
  return {
    address: '127.0.0.1:19801',
    hostname: '',
    stats: hostStats({}),
    healthFlags: [],
    edsHealth: 'HEALTHY',
    weight: 1,
    region: '',
    zone: '',
    subZone: '',
    canary: false,
    priority: 0,
    successRate: -1,
    localOriginSuccessRate: -1,
    ...over,
  };
}

function hostStats(over: Partial<HostStatsView>): HostStatsView {
  const none = { cx_active: 0, cx_connect_fail: 0, cx_total: 0, rq_active: 0, rq_error: 0 };
  return { ...none, rq_pending_active: 0, rq_success: 0, rq_timeout: 0, rq_total: 0, ...over };
}

const LIMITS = { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 };
const cluster = (name: string, hosts: HostView[], over: Partial<ClusterView> = {}): ClusterView => ({
  name,
  observabilityName: name,
  addedViaApi: false,
  edsServiceName: '',
  outlier: null,
  defaultPriority: LIMITS,
  highPriority: LIMITS,
  hosts,
  ...over,
});

/** The clusters of the recorded proxy. */
const dotted = 'outbound|80||x.default.svc.cluster.local';
const RECORDED: ClusterView[] = [
  cluster(
    dotted,
    [
      hostView({
        address: '[::1]:19801',
        hostname: 'localhost',
        stats: hostStats({ cx_connect_fail: 1, cx_total: 1, rq_error: 1 }),
      }),
    ],
    { observabilityName: `${dotted};` },
  ),
  cluster('a:b', [hostView({ stats: hostStats({ cx_total: 1, rq_error: 1, rq_total: 1 }) })]),
  cluster(
    'up',
    [
      hostView({
        hostname: 'h1',
        stats: hostStats({ cx_total: 1, rq_success: 5, rq_total: 5 }),
        ...{ region: 'r1', zone: 'z1', subZone: 's1', canary: true },
      }),
      hostView({
        address: '127.0.0.1:19802',
        healthFlags: ['failed_eds_health'],
        edsHealth: 'UNHEALTHY',
        ...{ weight: 3, region: 'r1', zone: 'z1', subZone: 's1' },
      }),
    ],
    {
      outlier: {
        successRateAverage: -1,
        successRateEjectionThreshold: -1,
        localOriginSuccessRateAverage: -1,
        localOriginSuccessRateEjectionThreshold: -1,
      },
    },
  ),
];

class FakeHost implements AdminHost {
  readonly store = new Store();
  status: ServerState = 'LIVE';
  drained: DrainRequest[] = [];
  quits = 0;
  reopened = 0;
  readonly overrides = new Map<string, string>();
  adminLayer = true;
  readonly levels = new Map<string, LogLevel>([
    ['http', 'info'],
    ['router', 'info'],
  ]);
  ownMetrics = () => Promise.resolve('istio_requests_total{} 1\n');
  readonly explained = {
    list: () => [
      {
        id: 'id-1',
        ...{ at: 0, method: 'GET', path: '/', responseCode: 504, flags: 'UT', details: 'response_timeout' },
        ...{ durationMs: 5, upstream: '10.0.0.1:80', verdict: 'dead-peer' },
      },
    ],
    find: (id: string) => (id === 'id/1' ? { toJson: () => ({ id }), toText: () => 'timeline\n' } : undefined),
  };
  state = () => this.status;
  serverInfo = () => ({
    version: 'v/1.40.0/Clean/RELEASE/x',
    uptimeSeconds: 12.7,
    hotRestartVersion: '11.104',
    commandLineOptions: { concurrency: 1 },
    node: { id: 'n' },
  });
  clusters = () => RECORDED;
  listeners = () => [{ name: 'ingress', address: '127.0.0.1:19800', additionalAddresses: [] }];
  configDump = () => DUMP;
  certificates = () => [];
  readonly runtime = {
    layers: () => ['static_layer', 'admin'],
    entries: (): [string, string, string[]][] => [...this.overrides].map(([key, value]) => [key, value, ['', value]]),
    modify: (values: ReadonlyMap<string, string>) => {
      if (!this.adminLayer) return false;
      for (const [key, value] of values) {
        if (value === '') this.overrides.delete(key);
        else this.overrides.set(key, value);
      }
      return true;
    },
  };
  readonly loggers = {
    levels: () => this.levels,
    set: (name: string | null, level: LogLevel) => {
      if (name !== null && !this.levels.has(name)) return false;
      for (const key of this.levels.keys()) if (name === null || name === key) this.levels.set(key, level);
      return true;
    },
  };
  unreadyTargets = () => new Map([['listener', ['init ingress']]]);
  setHealthcheck = (failed: boolean) => {
    this.status = failed ? 'DRAINING' : 'LIVE';
  };
  drainListeners = (options: DrainRequest) => {
    this.drained.push(options);
  };
  quit = () => {
    this.quits++;
  };
  reopenLogs = () => {
    this.reopened++;
  };
}

const DUMP = [
  { '@type': 'type.googleapis.com/envoy.admin.v3.BootstrapConfigDump', bootstrap: { node: {} }, last_updated: 't' },
  {
    '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump',
    static_clusters: [
      { cluster: { '@type': 'C', name: 'a:b', type: 'STATIC' }, last_updated: 't1' },
      { cluster: { '@type': 'C', name: 'up', type: 'STATIC' }, last_updated: 't2' },
    ],
  },
  { '@type': 'type.googleapis.com/envoy.admin.v3.SecretsConfigDump' },
];

/** Asks without a socket. */
async function ask(host: AdminHost, target: string, method = 'GET', body = '') {
  const [path, query = ''] = target.split('?');
  return dispatch(path, { method, target, query: new Query(query), body: new Query(body) }, host);
}

test('/clusters is written as Envoy writes it, as text and as JSON', async () => {
  const host = new FakeHost();
  assert.deepEqual((await ask(host, '/clusters')).body.split('\n'), golden('clusters.txt').split('\n'));
  const json = await ask(host, '/clusters?format=json');
  assert.deepEqual(json.body.split('\n'), golden('clusters.json').split('\n'));
  assert.equal(json.contentType, 'application/json');
});

test('/clusters takes a filter, and refuses one that is no regular expression', async () => {
  const host = new FakeHost();
  const { body } = await ask(host, '/clusters?filter=^up$');
  assert.ok(body.startsWith('up::observability_name::up\n') && !body.includes('a:b::'));
  assert.deepEqual(await ask(host, '/clusters?filter=('), { status: 400, body: 'Invalid re2 regex' });
});

test('/listeners is written as Envoy writes it', async () => {
  const host = new FakeHost();
  assert.equal((await ask(host, '/listeners')).body, 'ingress::127.0.0.1:19800\n');
  assert.equal((await ask(host, '/listeners?format=json')).body, golden('listeners.json'));
});

test('/ready says LIVE or why not, /healthcheck changes it', async () => {
  const host = new FakeHost();
  assert.deepEqual(await ask(host, '/ready'), { status: 200, body: 'LIVE\n' });
  assert.equal((await ask(host, '/healthcheck/fail', 'POST')).body, 'OK\n');
  assert.deepEqual(await ask(host, '/ready'), { status: 503, body: 'DRAINING\n' });
  await ask(host, '/healthcheck/ok', 'POST');
  assert.equal((await ask(host, '/ready')).status, 200);
  host.status = 'PRE_INITIALIZING';
  assert.deepEqual(await ask(host, '/ready'), { status: 503, body: 'PRE_INITIALIZING\n' });
});

test('paths that change something want POST', async () => {
  const host = new FakeHost();
  for (const path of ['/quitquitquit', '/healthcheck/fail', '/logging', '/reset_counters', '/drain_listeners']) {
    assert.deepEqual(await ask(host, path), { status: 405, body: 'Method GET not allowed, POST required.' });
    assert.equal((await ask(host, path, 'DELETE')).body, 'Method DELETE not allowed, POST required.');
  }
  assert.equal(host.quits, 0);
});

test('an unknown path is answered with the list of commands; ours is that of Envoy and a little more', async () => {
  const host = new FakeHost();
  const reply = await ask(host, '/nope');
  assert.equal(reply.status, 404);
  const help = (await ask(host, '/help')).body;
  assert.equal(reply.body, `invalid path. ${help}`);
  const ours = ['/explain', '/console', '/metrics'];
  const blocks = (body: string) => body.split(/\n(?= {2}\/)/).map((block) => block.trimEnd());
  assert.deepEqual(
    blocks(help).filter((block) => !ours.some((path) => block.startsWith(`  ${path}:`))),
    blocks(golden('help.txt')),
  );
  assert.equal((await ask(host, '/ready/')).status, 404);
});

test('/stats: formats, filters and refusals are those of Envoy', async () => {
  const host = new FakeHost();
  host.store.register('server.', { live: 1, uptime: 0 }, new Set(['live']));
  const get = async (query: string) => ask(host, `/stats${query}`);
  assert.equal((await get('')).body, 'server.live: 1\nserver.uptime: 0\n');
  assert.equal((await get('?usedonly')).body, 'server.live: 1\n');
  assert.equal((await get('?filter=^server.l')).body, 'server.live: 1\n');
  assert.equal((await get('?filter=live&invert_filter')).body, 'server.uptime: 0\n');
  assert.equal((await get('?type=Gauges')).body, 'server.live: 1\n');
  assert.equal((await get('?format=json&filter=live')).body, '{"stats":[{"name":"server.live","value":1}]}');
  assert.equal(
    (await get('?format=prometheus&filter=live')).body,
    '# TYPE envoy_server_live gauge\nenvoy_server_live{} 1\n',
  );
  assert.match((await get('?format=html')).contentType!, /text\/html/);
  assert.equal((await get('?hidden=only')).body, '');
  const refused: [string, string][] = [
    ['?format=x', 'usage: /stats?format=(html|active-html|json|prometheus|text)\n\n'],
    ['?type=x', 'invalid &type= param'],
    ['?filter=%5B', 'Invalid re2 regex: missing ]: ['],
    ['?hidden=x', 'usage: /stats?hidden=(include|only|exclude)\n\n'],
    [
      '?histogram_buckets=x',
      'usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary|prometheusnative)\n',
    ],
    ['?histogram_buckets=prometheusnative', 'Invalid histogram_buckets type for non prometheus stats type'],
    ['/prometheus?histogram_buckets=disjoint', 'unsupported prometheus histogram bucket mode'],
  ];
  for (const [query, body] of refused) assert.deepEqual(await get(query), { status: 400, body });
  assert.equal((await get('/prometheus?usedonly')).body, '# TYPE envoy_server_live gauge\nenvoy_server_live{} 1\n');
  assert.match((await ask(host, '/metrics')).body, /envoy_server_live\{\} 1\n[\s\S]*istio_requests_total\{\} 1\n$/);
});

test('POST bodies are parameters of /logging and /runtime_modify, the query comes first, and /stats ignores them', async () => {
  const host = new FakeHost();
  host.store.register('', { a: 1, b: 1 });
  assert.equal((await ask(host, '/stats', 'POST', 'filter=a')).body, 'a: 1\nb: 1\n');
  await ask(host, '/runtime_modify?a=1', 'POST', 'b=2');
  await ask(host, '/runtime_modify', 'POST', 'c=3');
  assert.deepEqual(Object.fromEntries(host.overrides), { a: '1', c: '3' });
  assert.equal(
    (await ask(host, '/logging', 'POST', 'level=debug')).body,
    'active loggers:\n  http: debug\n  router: debug\n\n',
  );
});

test('/runtime prints layers and values, /runtime_modify needs parameters and an admin layer', async () => {
  const host = new FakeHost();
  await ask(host, '/runtime_modify?k=v', 'POST');
  assert.deepEqual(JSON.parse((await ask(host, '/runtime')).body), {
    entries: { k: { final_value: 'v', layer_values: ['', 'v'] } },
    layers: ['static_layer', 'admin'],
  });
  await ask(host, '/runtime_modify?k=', 'POST');
  assert.equal(host.overrides.size, 0);
  const usage = await ask(host, '/runtime_modify', 'POST');
  assert.equal(usage.status, 400);
  assert.match(usage.body, /^usage: \/runtime_modify\?key1=value1&key2=value2&keyN=valueN\n {7}or send/);
  host.adminLayer = false;
  assert.deepEqual(await ask(host, '/runtime_modify?a=b', 'POST'), { status: 503, body: 'No admin layer specified' });
});

test('/logging changes one, some or all levels, and explains itself when it cannot', async () => {
  const host = new FakeHost();
  const post = async (query: string) => ask(host, `/logging${query}`, 'POST');
  assert.equal((await post('?http=debug')).body, 'active loggers:\n  http: debug\n  router: info\n\n');
  await post('?paths=http:trace,router:off');
  assert.deepEqual([...host.levels.values()], ['trace', 'off']);
  assert.equal((await post('?nothing')).status, 200);
  const wrong = await post('?level=bogus');
  assert.equal(wrong.status, 400);
  assert.ok(wrong.body.startsWith(golden('logging-error.txt')));
  assert.match((await post('?bogus=info')).body, /^error: unknown logger name\n/);
  assert.match((await post('?http=bogus')).body, /^error: unknown logger level\n/);
  assert.match((await post('?level=info&a=b')).body, /^error: invalid number of parameters\n/);
  assert.match((await post('?paths=http:bogus')).body, /^error: unknown logger level\n/);
  assert.deepEqual([...host.levels.values()], ['trace', 'off']);
});

test('/drain_listeners passes on how to drain', async () => {
  const host = new FakeHost();
  await ask(host, '/drain_listeners?inboundonly&graceful&skip_exit', 'POST');
  assert.equal((await ask(host, '/drain_listeners?skip_exit', 'POST')).body, 'OK\n');
  assert.deepEqual(host.drained, [
    { inboundOnly: true, graceful: true, skipExit: true },
    { inboundOnly: false, graceful: false, skipExit: true },
  ]);
});

test('/server_info, /certs, /memory, /init_dump, /hot_restart_version have the shapes of Envoy', async () => {
  const host = new FakeHost();
  const info = JSON.parse((await ask(host, '/server_info')).body);
  assert.deepEqual(Object.keys(info), [
    ...['version', 'state', 'uptime_current_epoch', 'uptime_all_epochs', 'hot_restart_version'],
    ...['command_line_options', 'node'],
  ]);
  assert.equal(info.uptime_current_epoch, '12s');
  assert.equal((await ask(host, '/certs')).body, '{\n "certificates": []\n}\n');
  const memory = JSON.parse((await ask(host, '/memory')).body);
  assert.ok(Object.values(memory).every((value) => /^\d+$/.test(String(value))));
  assert.equal((await ask(host, '/init_dump?mask=cluster')).body, '{}\n');
  assert.deepEqual(JSON.parse((await ask(host, '/init_dump')).body), {
    unready_targets_dumps: [{ name: 'listener', target_names: ['init ingress'] }],
  });
  assert.equal((await ask(host, '/hot_restart_version')).body, '11.104');
});

test('/config_dump: whole, one resource, by name, and with a mask', () => {
  const dump = (query: string) => configDump(new Query(query), () => DUMP);
  const bodies = (query: string) => JSON.parse(dump(query).body).configs;
  assert.deepEqual(bodies(''), DUMP);
  const type = 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump.StaticCluster';
  assert.deepEqual(bodies('resource=static_clusters&name_regex=^up$&mask=cluster.name,last_updated'), [
    { '@type': type, cluster: { '@type': 'C', name: 'up' }, last_updated: 't2' },
  ]);
  assert.deepEqual(bodies('mask=bootstrap'), [{ '@type': DUMP[0]['@type'], bootstrap: { node: {} } }]);
  assert.equal(bodies('name_regex=nothing')[1].static_clusters, undefined);
  assert.equal(dump('resource=dynamic_active_clusters').body, '{}\n');
});

test('/config_dump refuses in the words of Envoy', () => {
  const dump = (query: string) => configDump(new Query(query), () => DUMP);
  const refused: [string, number, string][] = [
    ['resource=bogus', 404, 'bogus not found in config dump'],
    ['mask=bogus', 400, 'FieldMask bogus could not be successfully applied to any configs.'],
    ['resource=bootstrap', 400, 'bootstrap is not a repeated field. Use ?mask=bootstrap to get only this field'],
    ['name_regex=(', 400, 'INVALID_ARGUMENT: Error while parsing name_regex from (: missing ): ('],
  ];
  for (const [query, status, body] of refused) {
    const reply = dump(query);
    assert.deepEqual([reply.status, reply.body, reply.contentType], [status, body, 'text/plain']);
  }
});

test('/explain lists what is kept, and /explain/<id> tells one story or that it is gone', async () => {
  const host = new FakeHost();
  assert.match((await ask(host, '/explain')).body, /id-1 {2}GET \/ {2}504 {2}UT {2}response_timeout {2}5ms/);
  assert.equal(JSON.parse((await ask(host, '/explain?format=json')).body).requests[0].id, 'id-1');
  assert.equal((await ask(host, '/explain/id%2F1')).body, 'timeline\n');
  assert.equal(JSON.parse((await ask(host, '/explain/id%2F1?format=json')).body).id, 'id/1');
  assert.deepEqual(await ask(host, '/explain/x'), { status: 404, body: 'no failed request x is kept\n' });
  assert.match((await ask(host, '/console')).body, /^<!DOCTYPE html>/);
});

test('allow_paths lets nothing else through, and says what it kept back', async () => {
  const host = new FakeHost();
  const allow = [(path: string) => path === '/ready'];
  const request = (target: string) => ({ method: 'GET', target, query: new Query(''), body: new Query('') });
  assert.equal((await dispatch('/ready', request('/ready'), host, allow)).status, 200);
  assert.deepEqual(await dispatch('/help', request('/help?a=b'), host, allow), {
    status: 403,
    body: 'request to path /help?a=b not allowed',
  });
});

/** One raw exchange; resolves with everything received until the peer closes. */
function raw(address: string, text: string): Promise<string> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(Number(port), host, () => socket.write(text));
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => (received += chunk));
    socket.on('end', () => resolve(received));
    socket.on('error', reject);
  });
}

test('on the wire: Envoy’s header lines, chunked, closed at once when the client asks for it', async () => {
  const host = new FakeHost();
  const logged: string[] = [];
  const accessLog = { log: (info: StreamInfo) => logged.push(print.format(info)) };
  const print = compileFormat('%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %BYTES_SENT% %REQ(:AUTHORITY)%');
  const admin = await startAdmin({ host: '127.0.0.1', port: 0, allowPaths: [], accessLog }, host);
  try {
    const answer = await raw(admin.address, 'GET //ready HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n');
    const [head, body] = answer.split('\r\n\r\n', 2);
    const lines = head.split('\r\n').map((line) => line.replace(/^date: .*/i, 'date: *').toLowerCase());
    assert.deepEqual(lines.sort(), [
      ...[
        'cache-control: no-cache, max-age=0',
        'connection: close',
        'content-type: text/plain; charset=utf-8',
        'date: *',
      ],
      ...['http/1.1 200 ok', 'server: envoy', 'transfer-encoding: chunked', 'x-content-type-options: nosniff'],
    ]);
    assert.equal(body, '5\r\nLIVE\n\r\n0');
    const kept = await raw(
      admin.address,
      'GET /ready HTTP/1.1\r\nhost: a\r\n\r\nGET /listeners HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
    );
    assert.match(kept, /LIVE\n[\s\S]*ingress::/);
    assert.equal(kept.match(/^connection: /gim)?.length, 1);
    const post = 'POST /logging HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 11\r\n\r\nlevel=trace';
    assert.match(await raw(admin.address, post), /http: trace/);
    const twice = await raw(
      admin.address,
      'GET /config_dump?resource=x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
    );
    assert.equal(twice.match(/x-content-type-options: nosniff/gi)?.length, 2);
    const head405 = await raw(admin.address, 'HEAD /quitquitquit HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    assert.match(head405, /^HTTP\/1\.1 405 /);
    const quit = 'POST /quitquitquit HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';
    assert.match(await raw(admin.address, quit), /OK\n/);
    assert.equal(host.quits, 1);
    assert.equal(logged[0], 'GET //ready 200 5 admin');
  } finally {
    await admin.close();
  }
});

test('every command has a help text and a path of its own', () => {
  assert.equal(new Set(HANDLERS.map((handler) => handler.path)).size, HANDLERS.length);
  for (const { path, help } of HANDLERS) assert.ok(path.startsWith('/') && help !== '');
});
