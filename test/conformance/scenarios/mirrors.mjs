/** Mirrored requests: what the other cluster is sent, and that nothing of its answer, or its silence, reaches the client. */
import { family, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('mirrors');

const ok = (request) => request.respond(200);
const afterBody = async (request) => {
  await request.received();
  request.respond(200);
};

/** A scenario whose requests are mirrored to the upstream `mirror`. */
function mirrored(name, spec) {
  const { policy = {}, mirror = { proto: 'h1', handler: afterBody }, route, ...rest } = spec;
  scenario(name, {
    upstream: afterBody,
    ...rest,
    upstreams: { mirror, ...rest.upstreams },
    route: { request_mirror_policies: [{ cluster: `${name}-mirror`, ...policy }], ...route },
  });
}

/** Waits until the mirror has answered `count` requests in all. */
const answered = (t, count = 1) => t.untilStat('cluster.mirror.upstream_rq_completed', count);

mirrored('mirror-get', {
  shows:
    'A request without a body: the copy has `-shadow` behind its host, x-envoy-internal and x-forwarded-for of the proxy itself',
  async run(t) {
    await t.once('/x');
    await answered(t);
  },
});

mirrored('mirror-host-with-port', {
  shows: 'The suffix goes before the port of the host',
  async run(t) {
    await t.once('/x', { host: 'conf.test:8080' });
    await answered(t);
  },
});

mirrored('mirror-host-forms', {
  shows: 'The suffix and hosts that are addresses, or have two colons',
  client: {},
  async run(t) {
    let n = 0;
    for (const host of ['[::1]', '[::1]:80', '10.0.0.1', '10.0.0.1:80', 'a', 'a:']) {
      n += 1;
      await t.once(`/${n}`, { host });
      await answered(t, n);
    }
  },
});

mirrored('mirror-forwarded-for', {
  shows: 'The copy appends the address of the proxy to x-forwarded-for',
  async run(t) {
    await t.once('/x', { headers: [['x-forwarded-for', '10.9.9.9']] });
    await answered(t);
  },
});

mirrored('mirror-of-an-edge', {
  shows: 'Behind use_remote_address both append',
  hcm: { use_remote_address: true, generate_request_id: true },
  unstable: [/upstream.*headers/],
  async run(t) {
    await t.once('/x', { headers: [['x-forwarded-for', '10.9.9.9']] });
    await answered(t);
  },
});

mirrored('mirror-body', {
  shows: 'The body is sent to both as it comes',
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', body: 'first ', end: false });
    await t.upstreams.get('mirror').arrived(1);
    x.send('second');
    x.finish();
    await x.done();
    await answered(t);
  },
});

mirrored('mirror-body-h2', {
  shows: 'Trailers are mirrored too',
  down: 'h2',
  up: 'h2',
  mirror: { proto: 'h2', handler: afterBody },
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', body: 'first ', end: false });
    await t.upstreams.get('mirror').arrived(1);
    x.send('second');
    x.finish([['x-end', 'here']]);
    await x.done();
    await answered(t);
  },
});

mirrored('mirror-answers-503', {
  shows: 'What the mirror answers is counted for its cluster and goes nowhere',
  mirror: { proto: 'h1', handler: (request) => request.respond(503, { body: 'no' }) },
  route: { retry_policy: { retry_on: '5xx', num_retries: 2 } },
  async run(t) {
    await t.once('/x');
    await answered(t);
  },
});

mirrored('mirror-refused', {
  shows: 'A mirror that nothing listens on',
  mirror: { proto: 'h1', kind: 'refused' },
  async run(t) {
    await t.once('/x');
    await answered(t);
  },
});

mirrored('mirror-without-hosts', {
  shows: 'A mirror without endpoints',
  mirror: { proto: 'h1', kind: 'none' },
  async run(t) {
    await t.once('/x');
    await answered(t);
  },
});

mirrored('mirror-silent', {
  shows: 'A mirror that never answers is given up after the route timeout, the client has its answer long since',
  mirror: { proto: 'h2', handler: () => {} },
  route: { timeout: '0.5s' },
  async run(t) {
    await t.once('/x');
    await answered(t);
  },
});

mirrored('mirror-outlives-the-client', {
  shows: 'The copy goes on when the request it was made of has ended',
  mirror: {
    proto: 'h1',
    handler: async (request) => {
      await sleep(400);
      request.respond(200);
    },
  },
  async run(t) {
    await t.once('/x');
    t.clients[0].destroy();
    await answered(t);
  },
});

mirrored('mirror-ends-with-an-upload', {
  shows: 'A client that leaves in the middle of its upload ends the copy too',
  mirror: { proto: 'h2', handler: () => {} },
  async run(t) {
    const client = await t.connect();
    client.request({ method: 'POST', path: '/x', body: 'first ', end: false });
    await t.upstreams.get('mirror').arrived(1);
    await sleep(100);
    client.destroy();
    await t.untilStat('cluster.mirror.upstream_rq_tx_reset', 1);
  },
});

mirrored('mirror-early-answer', {
  shows: 'A response before the upload is over ends the copy, which is incomplete',
  upstream: (request) => request.respond(403, { body: 'no' }),
  mirror: { proto: 'h2', handler: () => {} },
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', body: 'first ', end: false });
    await x.done();
    await sleep(100);
  },
});

mirrored('mirror-with-a-retry', {
  shows: 'A retry is not mirrored',
  upstream: [(request) => request.respond(503), ok],
  route: { retry_policy: { retry_on: '5xx' }, timeout: '0s' },
  vhost: { include_request_attempt_count: true },
  async run(t) {
    await t.once('/x');
    await answered(t);
  },
});

mirrored('mirror-headers', {
  shows: 'The copy has what the route added and rewrote, then the changes of the policy',
  route: { prefix_rewrite: '/y', host_rewrite_literal: 'route.test' },
  entry: {
    request_headers_to_add: [{ header: { key: 'x-route', value: 'r' } }],
    request_headers_to_remove: ['x-gone'],
  },
  policy: {
    request_headers_mutations: [
      { append: { header: { key: 'x-mirror', value: 'm' } } },
      { append: { header: { key: 'x-route', value: 'm' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' } },
      { remove: 'x-too' },
    ],
  },
  async run(t) {
    await t.once('/x', {
      headers: [
        ['x-gone', '1'],
        ['x-too', '1'],
        ['x-stays', '1'],
      ],
    });
    await answered(t);
  },
});

mirrored('mirror-host-rewrite', {
  shows: 'host_rewrite_literal of the policy, without the suffix',
  policy: { host_rewrite_literal: 'mirror.test', disable_shadow_host_suffix_append: true },
  async run(t) {
    await t.once('/x');
    await answered(t);
  },
});

mirrored('mirror-host-rewrite-and-suffix', {
  shows: 'host_rewrite_literal with the suffix',
  policy: { host_rewrite_literal: 'mirror.test' },
  async run(t) {
    await t.once('/x');
    await answered(t);
  },
});

mirrored('mirror-by-header', {
  shows: 'cluster_header: mirrored to the cluster that the request names; nothing when it names none that exists',
  policy: { cluster: '', cluster_header: 'x-mirror-to' },
  async run(t) {
    await t.once('/none');
    await t.once('/unknown', { headers: [['x-mirror-to', 'nobody']] });
    await t.once('/x', { headers: [['x-mirror-to', 'mirror-by-header-mirror']] });
    await answered(t);
  },
});

mirrored('mirror-fraction-0', {
  shows: 'runtime_fraction 0: nothing is mirrored',
  policy: { runtime_fraction: { default_value: { numerator: 0 } } },
  async run(t) {
    await t.once('/x');
    await sleep(100);
  },
});

scenario('mirror-twice', {
  shows: 'Two policies: two copies',
  upstream: afterBody,
  upstreams: { mirror: { proto: 'h1', handler: afterBody }, second: { proto: 'h2', handler: afterBody } },
  route: { request_mirror_policies: [{ cluster: 'mirror-twice-mirror' }, { cluster: 'mirror-twice-second' }] },
  async run(t) {
    await t.once('/x', { method: 'POST', body: 'both' });
    await answered(t);
    await t.untilStat('cluster.second.upstream_rq_completed', 1);
  },
});

scenario('mirror-of-the-virtual-host', {
  shows: 'Policies of the virtual host hold for routes without their own',
  upstream: ok,
  upstreams: { mirror: { proto: 'h1', handler: ok } },
  vhost: { request_mirror_policies: [{ cluster: 'mirror-of-the-virtual-host-mirror' }] },
  async run(t) {
    await t.once('/x');
    await answered(t);
  },
});

mirrored('mirror-does-not-read', {
  shows: 'A mirror that takes nothing holds the upload up, as the upstream itself would',
  alone: true,
  down: 'h2',
  up: 'h2',
  mirror: { proto: 'h2', handler: () => {}, peer: { settings: { INITIAL_WINDOW_SIZE: 0 } } },
  unstable: [/^upstream/, /received/, /flow_control/],
  hcm: { stream_idle_timeout: '1s' },
  cluster: { per_connection_buffer_limit_bytes: 65536 },
  async run(t) {
    await t.once('/x', { method: 'POST', body: Buffer.alloc(24_000_000, 'b') });
  },
});

mirrored('mirror-body-over-the-limit', {
  shows: 'A body over the buffer limit is mirrored whole',
  listener: { per_connection_buffer_limit_bytes: 4096 },
  unstable: [/flow_control/],
  async run(t) {
    await t.once('/x', { method: 'POST', body: Buffer.alloc(60_000, 'b') });
    await answered(t);
  },
});

mirrored('mirror-direct', {
  shows: 'Nothing is mirrored when no host can be chosen for the request itself',
  upstream: { kind: 'none' },
  async run(t) {
    await t.once('/x');
    await sleep(100);
  },
});
