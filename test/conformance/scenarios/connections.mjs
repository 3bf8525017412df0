/** The life of connections on both sides: idle, age, number of requests, drain, delayed close. */
import { family, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('connections');

const ok = (request) => request.respond(200);
const silent = () => {};
const common = (common_http_protocol_options, more = {}) => ({ common_http_protocol_options, ...more });

for (const down of ['h1', 'h2']) {
  scenario(`downstream-idle-${down}`, {
    shows: 'idle_timeout of the connection starts the drain; then, after drain_timeout, the connection is closed',
    down,
    upstream: ok,
    hcm: common({ idle_timeout: '0.4s' }, { drain_timeout: '0.4s' }),
    async run(t) {
      const client = await t.connect();
      await client.request({ path: '/x' }).done();
      await client.ended(3000);
    },
  });

  scenario(`downstream-max-duration-${down}`, {
    shows: 'max_connection_duration drains in the same way; the request that is open is finished first',
    down,
    upstream: async (request) => {
      await sleep(700);
      request.respond(200);
    },
    hcm: common({ max_connection_duration: '0.4s' }, { drain_timeout: '0.1s' }),
    async run(t) {
      const client = await t.connect();
      await client.request({ path: '/x' }).done();
      await client.ended(3000);
    },
  });

  scenario(`downstream-max-requests-${down}`, {
    shows: 'max_requests_per_connection: the last answer announces the end (connection: close, GOAWAY)',
    down,
    upstream: ok,
    hcm: common({ max_requests_per_connection: 2 }, { drain_timeout: '0.3s' }),
    async run(t) {
      const client = await t.connect();
      await client.request({ path: '/1' }).done();
      await client.request({ path: '/2' }).done();
      await client.ended(2500);
    },
  });

  scenario(`downstream-drain-on-failed-health-${down}`, {
    shows: 'After POST /healthcheck/fail every answer announces the end of its connection',
    down,
    upstream: ok,
    alone: true,
    hcm: { drain_timeout: '0.3s' },
    async run(t) {
      const client = await t.connect();
      await client.request({ path: '/1' }).done();
      const before = await t.target.admin('/ready');
      await t.target.admin('/healthcheck/fail', 'POST');
      const after = await t.target.admin('/ready');
      await client.request({ path: '/2' }).done();
      await client.ended(2500);
      t.fact('ready', [`${before.status} ${before.text}`, `${after.status} ${after.text}`]);
    },
  });
}

scenario('downstream-idle-without-a-byte', {
  shows: 'A connection that never sent a byte is closed by the idle timeout without a drain',
  upstream: ok,
  hcm: common({ idle_timeout: '0.4s' }),
  async run(t) {
    const client = await t.connect();
    await client.ended(2500);
  },
});

scenario('downstream-idle-not-while-a-stream-is-open', {
  shows: 'A connection with a request that waits is not idle',
  down: 'h2',
  upstream: async (request) => {
    await sleep(900);
    request.respond(200);
  },
  hcm: common({ idle_timeout: '0.3s' }, { drain_timeout: '0.2s' }),
  run: (t) => t.once('/x'),
});

for (const [name, delayed_close_timeout] of [
  ['short', '0.3s'],
  ['off', '0s'],
]) {
  scenario(`delayed-close-${name}`, {
    shows: 'delayed_close_timeout is what a client has left to read the answer after a request that was not read whole',
    upstream: silent,
    hcm: { request_timeout: '0.3s', delayed_close_timeout },
    async run(t) {
      const client = await t.connect();
      client.request({ method: 'POST', path: '/x', body: 'one', end: false });
      await client.ended(2500);
    },
  });
}

scenario('delayed-close-client-goes-first', {
  shows: 'A client that closes before delayed_close_timeout ends the wait',
  upstream: silent,
  hcm: { request_timeout: '0.3s' },
  async run(t) {
    const client = await t.connect();
    await client.request({ method: 'POST', path: '/x', body: 'one', end: false }).done();
    client.fin();
    await t.untilStat('http.downstream_cx_destroy', 1, 900);
  },
});

for (const up of ['h1', 'h2']) {
  const options = (common_http_protocol_options) => ({
    upstream: { proto: up, handler: ok, http: { common_http_protocol_options } },
  });

  scenario(`upstream-idle-${up}`, {
    shows: 'A pooled connection without requests is closed after idle_timeout of the cluster',
    up,
    ...options({ idle_timeout: '0.4s' }),
    async run(t) {
      await t.once('/1');
      await t.up.connections[0].ended(2000);
      await t.once('/2');
    },
  });

  scenario(`upstream-max-duration-${up}`, {
    shows: 'max_connection_duration of the cluster retires a pooled connection',
    up,
    ...options({ max_connection_duration: '0.4s' }),
    async run(t) {
      await t.once('/1');
      await t.up.connections[0].ended(2000);
      await t.once('/2');
    },
  });

  scenario(`upstream-max-requests-${up}`, {
    shows: 'max_requests_per_connection of the cluster: a new connection after two requests',
    up,
    ...options({ max_requests_per_connection: 2 }),
    async run(t) {
      for (const path of ['/1', '/2', '/3']) await t.once(path);
    },
  });
}

scenario('upstream-says-close', {
  shows: 'connection: close of an upstream takes its connection out of the pool and is not passed on',
  upstream: (request) => request.respond(200, { headers: [['connection', 'close']] }),
  async run(t) {
    await t.once('/1');
    await t.once('/2');
  },
});

scenario('upstream-connection-is-reused', {
  shows: 'Sequential requests share one upstream connection',
  upstream: ok,
  async run(t) {
    for (const path of ['/1', '/2', '/3']) await t.once(path);
  },
});

scenario('upstream-h2-concurrency-limit', {
  shows: 'An upstream that allows one stream at a time gets a second connection',
  down: 'h2',
  up: 'h2',
  upstream: {
    proto: 'h2',
    handler: async (request) => {
      await sleep(300);
      request.respond(200);
    },
    peer: { settings: { MAX_CONCURRENT_STREAMS: 1 } },
  },
  async run(t) {
    const warm = await t.once('/warm');
    await warm.done();
    await Promise.all([t.once('/1'), t.once('/2')]);
  },
});
