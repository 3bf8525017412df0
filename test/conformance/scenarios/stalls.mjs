/**
 * The stalls that the field report is about, with short limits: peers that are unplugged, read nothing, or stop in the middle.
 * An unplugged upstream (`plug`) neither reads nor accepts; TCP still acknowledges what fits its buffers.
 */
import { family, pairs, scenario } from '../harness/scenario.mjs';
import { now, sleep } from '../peers/watch.mjs';

family('stalls');

const MiB = 1024 * 1024;
const ok = (request) => request.respond(200);
const silent = () => {};
const plug = (proto, over = {}) => ({ kind: 'plug', proto, ...over });
/** What depends on when the kernel gave up taking bytes. */
const HOW_MUCH = [/log\[\d+\]\.received$/];

/** Sequential requests, each on a connection of its own. */
async function inTurn(t, count, request = {}) {
  for (let i = 1; i <= count; i += 1) await t.once(`/${i}`, request);
}

scenario('stall-01-pooled-connection-dead-h1', {
  shows:
    'X1: an idle pooled HTTP/1 connection to an unplugged host costs one 504; the next request meets the connect timeout',
  upstream: plug('h1', { cluster: { connect_timeout: '0.4s' } }),
  route: { timeout: '0.7s' },
  async run(t) {
    await t.once('/warm');
    await t.up.unplug();
    await inTurn(t, 2);
  },
});

scenario('stall-02-three-pooled-connections-dead-h1', {
  shows: 'X2: three dead pooled connections cost three 504s before the first connect fails',
  upstream: plug('h1', { cluster: { connect_timeout: '0.3s' } }),
  route: { timeout: '0.5s' },
  async run(t) {
    await t.up.slow(300);
    // One after the other, since the plug's accept queue is short.
    const warm = [];
    for (const path of ['/a', '/b', '/c']) {
      warm.push(t.once(path));
      await sleep(60);
    }
    await Promise.all(warm);
    await t.up.unplug();
    await inTurn(t, 4);
  },
});

scenario('stall-03-one-connection-dead-h2', {
  shows: 'X3: over HTTP/2 every request times out on the same dead connection',
  down: 'h2',
  up: 'h2',
  upstream: plug('h2'),
  route: { timeout: '0.4s' },
  async run(t) {
    await t.once('/warm');
    await t.up.unplug();
    await inTurn(t, 3);
  },
});

scenario('stall-04-keepalive-finds-the-dead-connection', {
  shows: 'X4: connection_keepalive closes the dead connection: 503 UC, and the next request meets the connect timeout',
  down: 'h2',
  up: 'h2',
  upstream: plug('h2', {
    cluster: { connect_timeout: '0.4s' },
    http2: { connection_keepalive: { interval: '0.3s', timeout: '0.4s', interval_jitter: { value: 0 } } },
  }),
  unstable: [/\/1\.(headAt|endAt)/, /log\[0\]\.duration/],
  async run(t) {
    await t.once('/warm');
    await t.up.unplug();
    await inTurn(t, 2);
  },
});

scenario('stall-05-idle-ping-finds-the-dead-connection', {
  shows: 'X5: connection_idle_interval sends a PING before the request: 503 UC after its timeout',
  down: 'h2',
  up: 'h2',
  upstream: plug('h2', {
    http2: { connection_keepalive: { timeout: '0.4s', connection_idle_interval: '0.1s' } },
  }),
  async run(t) {
    await t.once('/warm');
    await t.up.unplug();
    await sleep(200);
    await t.once('/1');
  },
});

scenario('stall-06-max-duration-hides-the-dead-upstream', {
  shows: 'X6: max_stream_duration of the connection manager answers; the upstream is never blamed',
  down: 'h2',
  up: 'h2',
  upstream: plug('h2', { cluster: { outlier_detection: { consecutive_5xx: 1, max_ejection_percent: 100 } } }),
  hcm: { common_http_protocol_options: { max_stream_duration: '0.4s' } },
  async run(t) {
    await t.once('/warm');
    await t.up.unplug();
    await inTurn(t, 2);
  },
});

scenario('stall-07-route-max-duration-and-timeout', {
  shows: 'X7: with max_stream_duration on the route, the shorter route timeout does not fire',
  down: 'h2',
  up: 'h2',
  upstream: plug('h2'),
  route: { timeout: '0.3s', max_stream_duration: { max_stream_duration: '0.8s' } },
  async run(t) {
    await t.once('/warm');
    await t.up.unplug();
    await t.once('/1');
  },
});

scenario('stall-08-retries-on-the-dead-connection-h2', {
  shows: 'X8: three tries on the same dead connection: URX,UT',
  down: 'h2',
  up: 'h2',
  upstream: plug('h2'),
  route: { timeout: '5s', retry_policy: { retry_on: '5xx', num_retries: 2, per_try_timeout: '0.3s' } },
  async run(t) {
    await t.once('/warm');
    await t.up.unplug();
    await t.once('/1');
  },
});

scenario('stall-09-retries-meet-the-connect-timeout-h1', {
  shows:
    'X9: the first try times out on the pooled connection, the others while connecting, which per_try does not bound',
  upstream: plug('h1', { cluster: { connect_timeout: '0.6s' } }),
  route: { timeout: '5s', retry_policy: { retry_on: '5xx', num_retries: 2, per_try_timeout: '0.3s' } },
  async run(t) {
    await t.once('/warm');
    await t.up.unplug();
    await t.once('/1');
  },
});

const HOSTS = Array.from({ length: 10 }, (_, i) => `127.0.0.${i + 1}`);
/** Requests for one of ten hosts, the one on 127.0.0.1, are never answered. */
const oneDead = (request) => {
  if (request.conn.socket.localAddress.replace('::ffff:', '') !== '127.0.0.1') request.respond(200);
};
for (const [name, split] of [
  ['stall-10-outlier-ejects-the-dead-host', false],
  ['stall-11-split-errors-never-eject', true],
]) {
  scenario(name, {
    shows: split
      ? 'X11: with split_external_local_origin_errors the consecutive counter never sees the timeouts'
      : 'X10: the fifth 504 in a row ejects one host of ten, and the rest are served',
    down: 'h2',
    up: 'h2',
    upstream: {
      proto: 'h2',
      handler: oneDead,
      hosts: HOSTS,
      samePort: true,
      cluster: {
        outlier_detection: {
          enforcing_success_rate: 0,
          enforcing_failure_percentage: 0,
          ...(split ? { split_external_local_origin_errors: true, enforcing_local_origin_success_rate: 0 } : {}),
        },
      },
    },
    route: { timeout: '0.2s' },
    unstable: [/^(client|upstream|log)/],
    async run(t) {
      const counts = { 200: 0, 504: 0 };
      const client = await t.connect();
      for (let i = 0; i < 70; i += 1) {
        const x = client.request({ path: `/${i}` });
        await x.done();
        counts[x.facts().status] += 1;
      }
      t.fact('answers', counts);
    },
  });
}

for (const proto of ['h1', 'h2']) {
  scenario(`stall-12-small-upload-${proto}`, {
    shows: 'X12: 100 KiB fit the buffers, so the request is complete: 504 UT',
    down: proto,
    up: proto,
    upstream: plug(proto),
    route: { timeout: '0.5s' },
    async run(t) {
      await t.once('/warm');
      await t.up.unplug();
      await t.once('/1', { method: 'POST', body: Buffer.alloc(100 * 1024, 'x') });
    },
  });
}

/** An upload that cannot be taken whole: the proxy stops reading. Resolves once nothing moves any more. */
async function upload(t, size) {
  const client = await t.connect();
  const x = client.request({
    method: 'POST',
    path: '/1',
    headers: [['content-length', String(size)]],
    end: false,
  });
  x.send(Buffer.alloc(size, 'x'), true);
  return { client, x };
}

const STALLED = {
  'stall-13-upload-stream-idle': [
    'X13: an upload too large for the buffers is not read to its end: the route timeout never starts, 408 SI',
    { hcm: { stream_idle_timeout: '0.7s' }, route: { timeout: '0.3s' } },
  ],
  'stall-14-upload-request-timeout': [
    'X14: request_timeout ends the stalled upload: 408, no flag',
    { hcm: { request_timeout: '0.7s' }, route: { timeout: '0.3s' } },
  ],
  'stall-15-upload-max-duration': [
    'X15: max_stream_duration ends the stalled upload: 408, no flag',
    { hcm: { common_http_protocol_options: { max_stream_duration: '0.7s' } }, route: { timeout: '0.3s' } },
  ],
};
for (const [name, [shows, over]] of Object.entries(STALLED)) {
  for (const down of ['h1', 'h2']) {
    scenario(`${name}-${down}`, {
      shows,
      down,
      up: 'h1',
      alone: true,
      upstream: { kind: 'mute', proto: 'h1', cluster: { per_connection_buffer_limit_bytes: 65536 } },
      listener: { per_connection_buffer_limit_bytes: 65536 },
      ...over,
      hcm: {
        ...over.hcm,
        http2_protocol_options: { initial_stream_window_size: 65535, initial_connection_window_size: 65535 },
      },
      unstable: [...HOW_MUCH, /http2\.(?!.*reset)/, /connection\.after/, ...(down === 'h1' ? [/connection\.end/] : [])],
      async run(t) {
        const { client, x } = await upload(t, 24 * MiB);
        await x.done(3000);
        if (down === 'h1') {
          await client.ended(2500);
          t.fact('connection', client.end === 'open' ? 'open' : 'closed');
        } else await sleep(100);
      },
    });
  }
}

scenario('stall-13-upload-zero-window-h2-h2', {
  shows: 'X13 over HTTP/2 windows: the upstream grants nothing, the stream is not read to its end: 408 SI',
  down: 'h2',
  up: 'h2',
  upstream: {
    proto: 'h2',
    handler: silent,
    peer: { settings: { INITIAL_WINDOW_SIZE: 0 }, window: 'none' },
    http2: { initial_stream_window_size: 65535 },
  },
  hcm: {
    stream_idle_timeout: '0.6s',
    http2_protocol_options: { initial_stream_window_size: 65535, initial_connection_window_size: 65535 },
  },
  route: { timeout: '0.3s' },
  unstable: [...HOW_MUCH, /upstream.*body$/],
  async run(t) {
    await t.once('/warm', {}).catch(() => {});
    const { x } = await upload(t, 2 * MiB);
    await x.done(3000);
    await sleep(100);
  },
});

scenario('stall-13-neighbour-is-served-h2', {
  shows: 'A stalled upload does not hold up another stream of the same client connection',
  down: 'h2',
  up: 'h1',
  upstream: { kind: 'mute', proto: 'h1', cluster: { per_connection_buffer_limit_bytes: 65536 } },
  upstreams: { other: { proto: 'h1', handler: ok } },
  hcm: {
    stream_idle_timeout: '0.7s',
    http2_protocol_options: { initial_stream_window_size: 65535, initial_connection_window_size: 1048576 },
    route_config: {
      virtual_hosts: [
        {
          name: 'v',
          domains: ['*'],
          routes: [
            { match: { prefix: '/other' }, route: { cluster: 'stall-13-neighbour-is-served-h2-other' } },
            { match: { prefix: '/' }, route: { cluster: 'stall-13-neighbour-is-served-h2-up', timeout: '0.3s' } },
          ],
        },
      ],
    },
  },
  alone: true,
  unstable: [...HOW_MUCH, /http2\./],
  async run(t) {
    const { client, x } = await upload(t, 24 * MiB);
    await sleep(250);
    await client.request({ path: '/other' }).done();
    await x.done(3000);
    await sleep(100);
  },
});

pairs((down, up, name) => {
  scenario(`stall-16-response-stops-route-timeout-${name}`, {
    shows: 'X16: headers, a part of the body, then nothing: cut at the route timeout, log 200 UT',
    down,
    up,
    upstream: (request) => {
      request.start(200, [['content-length', '1000']]);
      request.send('part');
    },
    route: { timeout: '0.6s' },
    async run(t) {
      const client = await t.connect();
      await client.request({ path: '/x' }).done(2500);
    },
  });

  scenario(`stall-17-response-stops-stream-idle-${name}`, {
    shows: 'X17: the same with route timeout 0: cut by stream idle, log 200 SI',
    down,
    up,
    upstream: async (request) => {
      request.start(200, [['content-length', '1000']]);
      await sleep(200);
      request.send('part');
    },
    route: { timeout: '0s' },
    hcm: { stream_idle_timeout: '0.5s' },
    async run(t) {
      const client = await t.connect();
      await client.request({ path: '/x' }).done(2500);
    },
  });
});

for (const up of ['h1', 'h2']) {
  scenario(`stall-18-client-grants-no-window-${up}`, {
    shows: 'X18: a client that grants no window: the upstream is paused, stream idle resets the stream',
    down: 'h2',
    up,
    alone: true,
    upstream: {
      proto: up,
      handler: (request) => {
        request.start(200);
        request.send(Buffer.alloc(24 * MiB, 'x'));
      },
      cluster: { per_connection_buffer_limit_bytes: 65536 },
      ...(up === 'h2' ? { http2: { initial_stream_window_size: 65535, initial_connection_window_size: 65535 } } : {}),
    },
    client: { window: 'none' },
    hcm: { stream_idle_timeout: '0.6s', http2_protocol_options: { initial_stream_window_size: 65535 } },
    unstable: [/log\[\d+\]\.sent$/, /http2\.(?!.*reset)/, /upstream\.up\.connections\[0\]\.end/],
    async run(t) {
      const client = await t.connect();
      await client.request({ path: '/x' }).done(2500);
    },
  });
}

scenario('stall-18-flush-timeout', {
  shows:
    'X18: the response fits the buffers and is over for the upstream: the flush timeout resets the stream, log 200',
  down: 'h2',
  up: 'h2',
  alone: true,
  upstream: (request) => request.respond(200, { body: Buffer.alloc(70000, 'x') }),
  client: { window: 'none' },
  hcm: { stream_idle_timeout: '0.5s' },
  unstable: [/codec\.http2\.(?!tx_flush_timeout|tx_reset)/],
  async run(t) {
    const client = await t.connect();
    await client.request({ path: '/x' }).done(2500);
  },
});

scenario('stall-18-client-stops-reading-h1', {
  shows: 'X18 on HTTP/1: a client that takes nothing off its socket: stream idle ends it, log 200 SI',
  down: 'h1',
  up: 'h1',
  alone: true,
  upstream: {
    proto: 'h1',
    handler: (request) => {
      request.start(200);
      request.send(Buffer.alloc(48 * MiB, 'x'));
    },
    cluster: { per_connection_buffer_limit_bytes: 65536 },
  },
  listener: { per_connection_buffer_limit_bytes: 65536 },
  hcm: { stream_idle_timeout: '0.7s' },
  leavesActive: 0,
  unstable: [
    /log\[\d+\]\.sent$/,
    /^client/,
    /upstream\.up\.connections\[0\]\.end/,
    /^stats\.http\.downstream_cx/,
    /log\[0\]\.duration/,
    // Whether the kernel takes more after the first full buffer.
    /flow_control_(resumed|drained)/,
  ],
  async run(t) {
    const client = await t.connect();
    client.pause();
    client.request({ path: '/x' });
    const begin = now();
    await t.untilStat('http.downstream_rq_idle_timeout', 1, 4000);
    t.fact('ended by stream idle', now() - begin < 3500);
  },
});

scenario('stall-19-client-frozen-while-waiting', {
  shows: 'X19: a client that died silently while waiting is not noticed: the answer is written, log 200',
  down: 'h2',
  up: 'h2',
  upstream: async (request) => {
    await sleep(400);
    request.respond(200);
  },
  unstable: [/^client/],
  async run(t) {
    const client = await t.connect();
    client.request({ path: '/x' });
    await t.up.arrived(1);
    client.freeze();
    await t.untilStat('http.downstream_rq_2xx', 1);
  },
});

scenario('stall-downstream-keepalive', {
  shows: 'A client that does not answer PINGs is closed: DC, downstream_local_disconnect(http2_ping_timeout)',
  down: 'h2',
  up: 'h2',
  alone: true,
  upstream: silent,
  client: { ackPing: false },
  hcm: {
    http2_protocol_options: {
      connection_keepalive: { interval: '0.2s', timeout: '0.3s', interval_jitter: { value: 0 } },
    },
  },
  async run(t) {
    const client = await t.connect();
    client.request({ path: '/x' });
    await client.ended(2500);
  },
});

scenario('stall-keepalive-retry-is-served', {
  shows: 'After an unanswered PING the retry goes to a new connection and is served',
  down: 'h2',
  up: 'h2',
  upstream: {
    proto: 'h2',
    handler: [(request) => request.conn.freeze(), ok],
    http2: { connection_keepalive: { interval: '0.2s', timeout: '0.3s', interval_jitter: { value: 0 } } },
  },
  route: { retry_policy: { retry_on: 'reset', num_retries: 1 } },
  unstable: [/upstream.*headers/],
  run: (t) => t.once('/x'),
});
