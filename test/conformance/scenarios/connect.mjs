/** Upstreams that cannot be reached, and what stands before them: routes, clusters, breakers, retries. */
import { family, pairs, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('connect');

const ok = (request) => request.respond(200);
const silent = () => {};

pairs((down, up, name) => {
  scenario(`connect-refused-${name}`, {
    shows: 'Nothing listens: 503 UF remote connection failure',
    down,
    up,
    upstream: { kind: 'refused', proto: up },
    run: (t) => t.once('/x'),
  });
});

scenario('connect-refused-retried', {
  shows: 'Retries exhausted on a refused connect: URX,UF and the body says so',
  upstream: { kind: 'refused' },
  route: { retry_policy: { retry_on: 'connect-failure', num_retries: 2 } },
  run: (t) => t.once('/x'),
});

scenario('connect-refused-grpc', {
  shows: 'The same for gRPC: 200, grpc-status 14, the text as grpc-message',
  down: 'h2',
  up: 'h2',
  upstream: { kind: 'refused', proto: 'h2' },
  run: (t) => t.once('/s/m', { method: 'POST', headers: [['content-type', 'application/grpc']], body: 'xxxxx' }),
});

for (const up of ['h1', 'h2']) {
  scenario(`connect-timeout-${up}`, {
    shows: 'SYNs are dropped: 503 UF connection timeout after connect_timeout',
    down: up,
    up,
    upstream: { kind: 'plug', proto: up, cluster: { connect_timeout: '0.4s' } },
    async run(t) {
      await t.up.unplug();
      await t.once('/x');
    },
  });
}

scenario('connect-hangs-past-route-timeout', {
  shows: 'The route timeout passes while connecting: 504 UT without a host, and the connect goes on',
  upstream: { kind: 'plug', cluster: { connect_timeout: '0.9s' } },
  route: { timeout: '0.4s' },
  async run(t) {
    await t.up.unplug();
    await t.once('/x');
    await t.untilStat('cluster.up.upstream_cx_connect_timeout', 1);
  },
});

scenario('connect-timeout-retried', {
  shows: 'Two connects that time out, one after the other: URX,UF connection timeout',
  upstream: { kind: 'plug', cluster: { connect_timeout: '0.3s' } },
  route: { retry_policy: { retry_on: 'connect-failure', num_retries: 1 } },
  async run(t) {
    await t.up.unplug();
    await t.once('/x');
  },
});

scenario('no-route', {
  shows: 'No route matches: 404 NR',
  upstream: ok,
  entry: { match: { prefix: '/only' } },
  run: (t) => t.once('/x'),
});

scenario('no-cluster', {
  shows: 'The route names a cluster that is chosen by a header and does not exist: 503 NC',
  upstream: ok,
  route: { cluster: null, cluster_header: 'x-cluster' },
  run: (t) => t.once('/x', { headers: [['x-cluster', 'nowhere']] }),
});

scenario('no-host', {
  shows: 'A cluster without endpoints: 503 UH no healthy upstream',
  upstream: { kind: 'none' },
  run: (t) => t.once('/x'),
});

scenario('direct-response', {
  shows: 'A direct response never sees an upstream',
  upstream: ok,
  entry: { route: null, direct_response: { status: 418, body: { inline_string: 'short and stout' } } },
  run: (t) => t.once('/x'),
});

scenario('pending-overflow', {
  shows: 'max_pending_requests reached: 503 UO with x-envoy-overloaded, the others are served in turn',
  upstream: async (request) => {
    await sleep(300);
    request.respond(200);
  },
  cluster: { circuit_breakers: { thresholds: [{ max_connections: 1, max_pending_requests: 1 }] } },
  async run(t) {
    const first = t.once('/1');
    await t.up.arrived(1);
    const second = t.once('/2');
    await t.untilStat('cluster.up.upstream_rq_pending_active', 1);
    await t.once('/3');
    await Promise.all([first, second]);
  },
});

scenario('max-requests-overflow', {
  shows: 'max_requests reached on HTTP/2: 503 UO counted as upstream_rq_active_overflow',
  down: 'h2',
  up: 'h2',
  upstream: async (request) => {
    await sleep(300);
    request.respond(200);
  },
  cluster: { circuit_breakers: { thresholds: [{ max_requests: 1 }] } },
  async run(t) {
    const first = t.once('/1');
    await t.up.arrived(1);
    await t.once('/2');
    await first;
  },
});

scenario('pending-request-times-out', {
  shows: 'A request that waits for a connection is bounded by the route timeout: 504 UT, no host',
  upstream: silent,
  cluster: { circuit_breakers: { thresholds: [{ max_connections: 1 }] } },
  route: { timeout: '0.7s' },
  async run(t) {
    const first = t.once('/1');
    await t.up.arrived(1);
    await sleep(250);
    await Promise.all([first, t.once('/2')]);
  },
});

scenario('retry-on-503', {
  shows: 'retry_on 5xx: a 503 is retried and the 200 of the second try is given',
  upstream: [(request) => request.respond(503, { body: 'no' }), ok],
  route: { retry_policy: { retry_on: '5xx', num_retries: 1 } },
  vhost: { include_request_attempt_count: true, include_attempt_count_in_response: true },
  unstable: [/upstream.*headers/],
  run: (t) => t.once('/x', { method: 'POST', body: 'body' }),
});

scenario('retries-exhausted', {
  shows: 'The last 503 is given to the client, flag URX',
  upstream: (request) => request.respond(503, { body: 'no' }),
  route: { retry_policy: { retry_on: '5xx', num_retries: 2 } },
  unstable: [/upstream.*headers/],
  run: (t) => t.once('/x'),
});

scenario('fault-abort', {
  shows: 'An injected abort: FI, before any upstream',
  upstream: ok,
  filters: [
    {
      name: 'envoy.filters.http.fault',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault',
        abort: { http_status: 503, percentage: { numerator: 100 } },
      },
    },
  ],
  run: (t) => t.once('/x'),
});

scenario('outlier-ejection', {
  shows: 'The fifth 5xx in a row ejects the host when one may be ejected; then 503 UH',
  upstream: (request) => request.respond(500, { body: 'no' }),
  cluster: {
    outlier_detection: { consecutive_5xx: 5, base_ejection_time: '30s', max_ejection_percent: 100 },
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
  },
  async run(t) {
    for (let i = 1; i <= 5; i += 1) await t.once(`/${i}`);
    // Envoy's workers learn of the ejection a moment later.
    await sleep(50);
    await t.once('/6');
  },
});
