/** Upgrades and CONNECT: what is let through, how it is carried from one protocol to the other, and which clocks still run. */
import { family, PAIRS, pairs, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('upgrades');

const WEBSOCKET = [
  ['connection', 'Upgrade'],
  ['upgrade', 'websocket'],
];
const EXTENDED = { http2: { allow_connect: true } };
const PEER = { settings: { ENABLE_CONNECT_PROTOCOL: 1 } };
const enabled = (...types) => ({
  upgrade_configs: types.map((upgrade_type) => ({ upgrade_type })),
  http2_protocol_options: { allow_connect: true },
});

/** Agrees, says hello, and answers what it hears. */
async function agree(request) {
  if (request.upgrade !== undefined) request.upgrade();
  else request.start(200);
  request.send('hello');
  await request.read(4);
  request.send('pong');
}

/** A websocket handshake of either protocol. */
const websocket = (t, client, more = {}) =>
  t.scenario.down === 'h2'
    ? client.request({ method: 'CONNECT', protocol: 'websocket', path: '/x', end: false, ...more })
    : client.request({ path: '/x', headers: WEBSOCKET, ...more });

/** Handshake and one exchange of bytes both ways. */
async function talk(t) {
  const client = await t.connect();
  const x = websocket(t, client);
  await x.read(5);
  x.send('ping');
  await x.read(9);
  return { client, x };
}

const upOf = (proto, handler = agree) => ({ proto, handler, ...EXTENDED, ...(proto === 'h2' ? { peer: PEER } : {}) });

pairs((down, up, suffix) => {
  scenario(`upgrade-websocket-${suffix}`, {
    shows: 'A WebSocket: the handshake in the form of each side, bytes both ways, then the client leaves',
    down,
    up,
    upstream: upOf(up),
    hcm: enabled('websocket'),
    async run(t) {
      const { client } = await talk(t);
      client.fin();
      await t.untilStat('cluster.up.upstream_cx_destroy', up === 'h1' ? 1 : 0);
      await sleep(50);
    },
  });
}, PAIRS);

pairs((down, up, suffix) => {
  scenario(`upgrade-upstream-ends-${suffix}`, {
    shows: 'The upstream ends the tunnel',
    down,
    up,
    upstream: upOf(up, async (request) => {
      await agree(request);
      if (up === 'h2') request.finish();
      else request.conn.fin();
    }),
    hcm: enabled('websocket'),
    async run(t) {
      const { client, x } = await talk(t);
      if (down === 'h2') await x.done();
      else await client.ended();
    },
  });
}, PAIRS);

pairs((down, up, suffix) => {
  scenario(`upgrade-refused-by-upstream-${suffix}`, {
    shows: 'The upstream answers 403 to the handshake',
    down,
    up,
    upstream: upOf(up, (request) => request.respond(403, { body: 'no' })),
    hcm: enabled('websocket'),
    async run(t) {
      const client = await t.connect();
      const x = websocket(t, client);
      await x.done();
      await client.ended(1500);
    },
  });
}, PAIRS);

scenario('upgrade-not-enabled-h2', {
  shows: 'An extended CONNECT of a type that is not enabled: 403 upgrade_failed',
  down: 'h2',
  upstream: upOf('h1'),
  hcm: { http2_protocol_options: { allow_connect: true } },
  async run(t) {
    const client = await t.connect();
    await websocket(t, client).done();
  },
});

scenario('upgrade-disabled-by-the-route', {
  shows: 'A route switches off what the connection manager allows',
  upstream: upOf('h1'),
  hcm: enabled('websocket'),
  route: { upgrade_configs: [{ upgrade_type: 'websocket', enabled: false }] },
  async run(t) {
    const client = await t.connect();
    await websocket(t, client).done();
    await client.ended(1500);
  },
});

scenario('upgrade-enabled-by-the-route', {
  shows: 'A route switches on what the connection manager lists as off',
  upstream: upOf('h1'),
  hcm: { upgrade_configs: [{ upgrade_type: 'websocket', enabled: false }] },
  route: { upgrade_configs: [{ upgrade_type: 'WebSocket' }] },
  async run(t) {
    const { client } = await talk(t);
    client.fin();
    await sleep(100);
  },
});

scenario('upgrade-of-the-route-alone', {
  shows: 'A type that only the route names',
  upstream: upOf('h1'),
  route: { upgrade_configs: [{ upgrade_type: 'websocket' }] },
  async run(t) {
    const { client } = await talk(t);
    client.fin();
    await sleep(100);
  },
});

scenario('upgrade-without-the-route-timeout', {
  shows: 'The route timeout ends with the handshake; the tunnel lives on',
  upstream: upOf('h1'),
  hcm: enabled('websocket'),
  route: { timeout: '0.4s' },
  async run(t) {
    const { client, x } = await talk(t);
    await sleep(700);
    t.fact('open after the route timeout', client.end);
    x.send('more');
    await sleep(50);
    client.fin();
    await sleep(50);
  },
});

scenario('upgrade-handshake-times-out', {
  shows: 'A handshake that is not answered: 504 by the route timeout, armed with the request headers',
  upstream: upOf('h1', () => {}),
  hcm: enabled('websocket'),
  route: { timeout: '0.4s' },
  async run(t) {
    const client = await t.connect();
    await websocket(t, client).done();
    await client.ended(1500);
  },
});

scenario('upgrade-handshake-times-out-h2', {
  shows: 'The same by extended CONNECT',
  down: 'h2',
  up: 'h2',
  upstream: upOf('h2', () => {}),
  hcm: enabled('websocket'),
  route: { timeout: '0.4s' },
  async run(t) {
    const client = await t.connect();
    await websocket(t, client).done(1500);
  },
});

scenario('upgrade-and-stream-idle', {
  shows: 'The stream idle timeout holds in the tunnel',
  upstream: upOf('h1'),
  hcm: { ...enabled('websocket'), stream_idle_timeout: '0.5s' },
  async run(t) {
    const { client } = await talk(t);
    await client.ended(2500);
  },
});

scenario('upgrade-and-max-stream-duration', {
  shows: 'max_stream_duration cuts the tunnel',
  upstream: upOf('h1'),
  hcm: { ...enabled('websocket'), common_http_protocol_options: { max_stream_duration: '0.6s' } },
  async run(t) {
    const { client } = await talk(t);
    await client.ended(2500);
  },
});

scenario('upgrade-early-data', {
  shows: 'Bytes behind the handshake wait for the answer of the upstream',
  upstream: upOf('h1', async (request) => {
    await sleep(200);
    request.upgrade();
    await request.read(4);
    request.send('pong');
  }),
  hcm: enabled('websocket'),
  async run(t) {
    const client = await t.connect();
    const x = websocket(t, client);
    x.send('ping');
    await x.read(4);
    client.fin();
    await sleep(50);
  },
});

scenario('upgrade-retried', {
  shows: 'A handshake that is answered with 503 is tried again',
  upstream: upOf('h1', [(request) => request.respond(503), agree]),
  hcm: enabled('websocket'),
  route: { retry_policy: { retry_on: '5xx' }, timeout: '0s' },
  async run(t) {
    const { client } = await talk(t);
    client.fin();
    await sleep(50);
  },
});

const HEADER_FILTER = {
  name: 'envoy.filters.http.header_mutation',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation',
    mutations: { request_mutations: [{ append: { header: { key: 'x-filter', value: 'of the upgrade' } } }] },
  },
};
const ROUTER = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
};

scenario('upgrade-with-filters-of-its-own', {
  shows: 'upgrade_configs.filters replace the filters of the connection manager for streams of that type',
  upstream: upOf('h1'),
  filters: [
    {
      ...HEADER_FILTER,
      typed_config: {
        ...HEADER_FILTER.typed_config,
        mutations: { request_mutations: [{ append: { header: { key: 'x-filter', value: 'of all' } } }] },
      },
    },
  ],
  hcm: { upgrade_configs: [{ upgrade_type: 'websocket', filters: [HEADER_FILTER, ROUTER] }] },
  async run(t) {
    const { client } = await talk(t);
    client.fin();
    await sleep(50);
  },
});

// --- CONNECT

/** Routes of CONNECT requests. */
const connects = (config, more = {}) => ({
  entry: { match: { prefix: null, connect_matcher: {} } },
  route: { upgrade_configs: [{ upgrade_type: 'CONNECT', ...config }], ...more },
  hcm: { http2_protocol_options: { allow_connect: true } },
});
const connect = (client, more = {}) =>
  client.request({
    method: 'CONNECT',
    path: 'far.test:443',
    host: 'far.test:443',
    end: client.http2 ? false : undefined,
    ...more,
  });

pairs((down, up, suffix) => {
  scenario(`connect-forwarded-${suffix}`, {
    shows: 'CONNECT without connect_config is passed on as CONNECT',
    down,
    up,
    upstream: upOf(up, async (request) => {
      if (up === 'h1') request.upgrade([], 200);
      else request.start(200);
      request.send('hello');
      await request.read(4);
      request.send('pong');
    }),
    ...connects({}),
    async run(t) {
      const client = await t.connect();
      const x = connect(client, down === 'h2' ? { end: false } : {});
      await x.read(5);
      x.send('ping');
      await x.read(9);
      client.fin();
      await sleep(80);
    },
  });
}, PAIRS);

scenario('connect-without-leave', {
  shows: 'A CONNECT that matches a route without upgrade_configs: 403',
  down: 'h2',
  ...connects({}, { upgrade_configs: [] }),
  async run(t) {
    const client = await t.connect();
    await connect(client, { end: false }).done();
  },
});
