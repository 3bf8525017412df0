/**
 * Situations of Envoy's own integration tests that no other family shows: timeout headers, retries of streams that ran into a
 * limit, local replies, limits of connections. `rows.json` tells which scenario stands for which of them.
 */
import { family, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('rows');

const silent = () => {};
const ok = (request) => request.respond(200);
const ATTEMPTS = [/upstream.*headers/];
const TYPE = 'type.googleapis.com/envoy.extensions.';

/** A caller whose x-envoy- headers are believed. */
const INTERNAL = {
  use_remote_address: true,
  internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
};
const asked = (timeout, expected) => [
  ['x-envoy-upstream-rq-timeout-ms', timeout],
  ...(expected ? [['x-envoy-expected-rq-timeout-ms', expected]] : []),
];

scenario('timeout-expected-by-egress', {
  shows: 'respect_expected_rq_timeout: what the Envoy before this one expects is the timeout',
  upstream: silent,
  hcm: INTERNAL,
  router: { respect_expected_rq_timeout: true },
  unstable: ATTEMPTS,
  run: (t) => t.once('/x', { headers: asked('900', '400') }),
});

scenario('timeout-derived-in-ingress', {
  shows: 'respect_expected_rq_timeout without that header: the timeout that the caller asks for',
  upstream: silent,
  hcm: INTERNAL,
  router: { respect_expected_rq_timeout: true },
  unstable: ATTEMPTS,
  run: (t) => t.once('/x', { headers: asked('400') }),
});

scenario('timeout-expected-ignored', {
  shows: 'Without respect_expected_rq_timeout the expected timeout is made anew',
  upstream: silent,
  hcm: INTERNAL,
  unstable: ATTEMPTS,
  run: (t) => t.once('/x', { headers: asked('400', '900') }),
});

scenario('per-try-without-route-timeout', {
  shows: 'No route timeout: the try that times out is retried and the second is served',
  upstream: [silent, ok],
  route: { timeout: '0s', retry_policy: { retry_on: '5xx', num_retries: 1, per_try_timeout: '0.3s' } },
  unstable: ATTEMPTS,
  run: (t) => t.once('/x'),
});

scenario('is-timeout-retry-header', {
  shows: 'include_is_timeout_retry_header: the second try is told that the first one timed out',
  upstream: [silent, ok],
  vhost: { include_is_timeout_retry_header: true },
  route: { timeout: '3s', retry_policy: { retry_on: '5xx', num_retries: 1, per_try_timeout: '0.3s' } },
  run: (t) => t.once('/x'),
  unstable: [/x-envoy-expected-rq-timeout-ms/],
});

scenario('is-timeout-retry-header-not-for-a-503', {
  shows: 'The same after a 503: it is told that it was none',
  upstream: [(request) => request.respond(503), ok],
  vhost: { include_is_timeout_retry_header: true },
  route: { timeout: '3s', retry_policy: { retry_on: '5xx', num_retries: 1 } },
  run: (t) => t.once('/x'),
  unstable: [/x-envoy-expected-rq-timeout-ms/],
});

scenario('hedged-second-wins', {
  shows: 'Hedging with a body: the second try answers, the first one is reset',
  down: 'h2',
  up: 'h2',
  upstream: [
    silent,
    async (request) => {
      await request.received();
      request.respond(200, { body: 'second' });
    },
  ],
  route: {
    timeout: '3s',
    retry_policy: { retry_on: '5xx', num_retries: 1, per_try_timeout: '0.4s' },
    hedge_policy: { hedge_on_per_try_timeout: true },
  },
  unstable: ATTEMPTS,
  run: (t) => t.once('/x', { method: 'POST', body: Buffer.alloc(20_000, 'b') }),
});

scenario('hedged-with-per-try-idle', {
  shows: 'Per-try timeout and per-try idle timeout at the same instant: one hedged retry',
  down: 'h2',
  up: 'h2',
  upstream: [silent, ok],
  route: {
    timeout: '3s',
    retry_policy: { retry_on: '5xx', num_retries: 3, per_try_timeout: '0.4s', per_try_idle_timeout: '0.4s' },
    hedge_policy: { hedge_on_per_try_timeout: true },
  },
  unstable: [...ATTEMPTS, /upstream_rq_per_try_(idle_)?timeout/, /rq_timeout$/],
  run: (t) => t.once('/x'),
});

scenario('stream-idle-after-upstream-headers', {
  shows: 'An incomplete request that was answered with headers: the stream is cut, not answered',
  down: 'h2',
  up: 'h2',
  upstream: (request) => request.start(200),
  hcm: { stream_idle_timeout: '0.4s' },
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', body: 'one', end: false });
    await x.done(1800);
  },
});

scenario('request-timeout-of-a-request-line', {
  shows: 'A request line without its end: 408 request timeout',
  upstream: silent,
  hcm: { request_timeout: '0.4s' },
  async run(t) {
    const client = await t.connect();
    client.rawRequest('/x', 'GET /x HTTP/1.1');
    await client.ended(2200);
  },
});

const durationOf = (proto, handler, max_stream_duration) => ({
  proto,
  handler,
  http: { common_http_protocol_options: { max_stream_duration } },
});

scenario('stream-duration-header', {
  shows: 'x-envoy-upstream-stream-duration-ms bounds the upstream stream: UMSDR',
  upstream: silent,
  hcm: INTERNAL,
  unstable: ATTEMPTS,
  run: (t) => t.once('/x', { headers: [['x-envoy-upstream-stream-duration-ms', '400']] }),
});

scenario('cluster-max-duration-retried', {
  shows: 'An incomplete request whose upstream stream lasted too long is retried and served',
  upstream: durationOf('h1', [silent, ok], '0.4s'),
  route: { timeout: '5s', retry_policy: { retry_on: '5xx', num_retries: 1 } },
  unstable: ATTEMPTS,
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', body: 'one', end: false });
    await t.up.arrived(2);
    await x.done(2500);
  },
});

scenario('cluster-max-duration-retried-in-vain', {
  shows: 'Both tries last too long: 408 URX,UMSDR',
  upstream: durationOf('h1', silent, '0.4s'),
  route: { timeout: '5s', retry_policy: { retry_on: '5xx', num_retries: 1 } },
  unstable: ATTEMPTS,
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', body: 'one', end: false });
    await x.done(2500);
    await client.ended(1500);
  },
});

const GRPC = [
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
];

scenario('grpc-timeout-legacy-mixed', {
  shows: 'grpc_timeout_header_max beside the legacy max_grpc_timeout: the legacy one is ignored',
  down: 'h2',
  up: 'h2',
  upstream: async (request) => {
    await sleep(150);
    request.respond(200, { headers: [['content-type', 'application/grpc']], trailers: [['grpc-status', '0']] });
  },
  route: { max_grpc_timeout: '0.001s', max_stream_duration: { grpc_timeout_header_max: '3600s' } },
  unstable: ATTEMPTS,
  run: (t) => t.once('/p.S/C', { method: 'POST', headers: [...GRPC, ['grpc-timeout', '1S']], body: 'xxxxx' }),
});

scenario('per-try-not-while-the-client-reads-slowly', {
  shows: 'The head of a response comes through although the client takes nothing: its try does not time out',
  down: 'h2',
  up: 'h2',
  upstream: (request) => request.respond(200, { body: Buffer.alloc(300_000, 'r') }),
  client: { settings: { INITIAL_WINDOW_SIZE: 0 } },
  route: { timeout: '0s', retry_policy: { retry_on: '5xx', per_try_timeout: '0.4s' } },
  unstable: [/flow_control/, ...ATTEMPTS, /^log.*(sent|duration|flags|details|code)/, /^stats\.http/],
  leavesActive: 2,
  async run(t) {
    const client = await t.connect();
    const a = client.request({ path: '/a' });
    const b = client.request({ path: '/b' });
    await sleep(900);
    t.fact('heads', [a.facts().status, b.facts().status]);
    t.fact('per try timeouts', await t.stat('cluster.up.upstream_rq_per_try_timeout'));
  },
});

scenario('no-cluster-404', {
  shows: 'cluster_not_found_response_code NOT_FOUND: 404 NC',
  upstream: ok,
  route: { cluster: null, cluster_header: 'x-cluster', cluster_not_found_response_code: 'NOT_FOUND' },
  run: (t) => t.once('/x', { headers: [['x-cluster', 'not-there']] }),
});

scenario('require-tls', {
  shows: 'require_tls ALL: 301 to https',
  upstream: ok,
  vhost: { require_tls: 'ALL' },
  run: (t) => t.once('/x?q=1'),
});

scenario('no-route-grpc', {
  shows: 'A gRPC call without a route: 200 with grpc-status 12',
  down: 'h2',
  upstream: ok,
  entry: { match: { prefix: '/only' } },
  run: (t) => t.once('/p.S/C', { method: 'POST', headers: GRPC, body: 'xxxxx' }),
});

scenario('attempt-counts', {
  shows: 'Both attempt counts: the upstream is told 1 and 2, the client 2',
  upstream: [(request) => request.respond(503), ok],
  vhost: { include_request_attempt_count: true, include_attempt_count_in_response: true },
  route: { retry_policy: { retry_on: '5xx', num_retries: 1 } },
  unstable: [/x-envoy-expected-rq-timeout-ms/],
  run: (t) => t.once('/x'),
});

const buffer = (max_request_bytes) => ({
  name: 'envoy.filters.http.buffer',
  typed_config: { '@type': `${TYPE}filters.http.buffer.v3.Buffer`, max_request_bytes },
});

for (const down of ['h1', 'h2'])
  scenario(`buffered-request-too-large-${down}`, {
    shows: 'A body over the limit of the buffer filter: 413',
    down,
    upstream: ok,
    filters: [buffer(1024)],
    unstable: [/^client.*end$/, /after/, /received/, /^stats\.http\.downstream_cx/, /flow_control/],
    async run(t) {
      const client = await t.connect();
      const x = client.request({ method: 'POST', path: '/x', body: Buffer.alloc(4096, 'b'), end: false });
      await x.done(1500);
    },
  });

scenario('content-length-larger-than-the-body', {
  shows: 'Less DATA than content-length: RST_STREAM PROTOCOL_ERROR',
  down: 'h2',
  upstream: silent,
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', headers: [['content-length', '10']], body: 'four' });
    await x.done(1500);
  },
});

scenario('no-connection-pool', {
  shows: 'max_connection_pools 0: 503 UH and cx_pool_overflow',
  upstream: {
    handler: ok,
    cluster: { circuit_breakers: { thresholds: [{ priority: 'DEFAULT', max_connection_pools: 0 }] } },
  },
  run: (t) => t.once('/x'),
});

scenario('no-request-allowed-with-outlier', {
  shows: 'max_requests 0 and an eager outlier detection: 503 UO, nothing is ejected',
  down: 'h2',
  up: 'h2',
  upstream: {
    proto: 'h2',
    handler: ok,
    cluster: {
      circuit_breakers: {
        thresholds: [{ priority: 'DEFAULT', max_requests: 0, max_retries: 0, max_pending_requests: 0 }],
      },
      outlier_detection: { consecutive_5xx: 1, max_ejection_percent: 100, enforcing_consecutive_5xx: 100 },
    },
  },
  async run(t) {
    await t.once('/1');
    await t.once('/2');
  },
});

scenario('upstream-source-not-ours', {
  shows: 'An upstream connection that cannot be bound: 503 UF',
  upstream: {
    handler: ok,
    cluster: { upstream_bind_config: { source_address: { address: '192.0.2.1', port_value: 0 } } },
  },
  // Envoy connects all the same, and closes that connection.
  unstable: [/^upstream/],
  run: (t) => t.once('/x'),
});

scenario('trailer-without-colon', {
  shows: 'A trailer that is no header line: 400 after the request has begun',
  upstream: silent,
  async run(t) {
    const client = await t.connect();
    client.rawRequest(
      '/x',
      'POST /x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nbadtrailer\r\n\r\n',
    );
    await client.ended(1500);
  },
});

scenario('bad-path-and-absolute-https', {
  shows: 'A path without a slash, and an absolute https target over plain text',
  upstream: ok,
  async run(t) {
    const bad = await t.connect();
    bad.rawRequest('/bad', 'GET bad HTTP/1.1\r\nhost: h\r\n\r\n');
    await bad.ended(600);
    const absolute = await t.connect();
    absolute.rawRequest('/https', 'GET https://h/https HTTP/1.1\r\nhost: h\r\n\r\n');
    await absolute.ended(600);
  },
});

scenario('codec-h1-response-flood', {
  shows:
    'Bad requests in a row from a client that reads nothing: the connection ends at the hundredth answer that waits',
  upstream: ok,
  alone: true,
  hcm: { stream_error_on_invalid_http_message: true },
  unstable: [/^client/, /^log/, /downstream_(rq|cx)/, /^stats\.(cluster|codec\.http1\.(?!response_flood))/],
  async run(t) {
    const client = await t.connect();
    client.socket.pause();
    const bad = `GET / HTTP/1.1\r\n${'x-long: '.padEnd(100, 'y')}\r\n\r\n`;
    client.rawRequest('/x', bad.repeat(60_000));
    await sleep(1500);
    client.socket.resume();
    t.fact('closed', await client.ended(2500));
  },
});

scenario('connection-duration-http1-safe', {
  shows: 'http1_safe_max_connection_duration: the connection stays until a response can say close',
  upstream: ok,
  hcm: {
    drain_timeout: '0.3s',
    common_http_protocol_options: { max_connection_duration: '0.4s' },
    http1_safe_max_connection_duration: true,
  },
  async run(t) {
    const client = await t.connect();
    await client.request({ path: '/1' }).done();
    await sleep(1000);
    t.fact('open', client.end);
    await client.request({ path: '/2' }).done();
    await client.ended(1500);
  },
});

scenario('drain-listeners-graceful', {
  shows: 'POST /drain_listeners?graceful: answers announce the end while the listener still accepts',
  upstream: ok,
  alone: true,
  unstable: [/downstream_cx/, /after/],
  async run(t) {
    const client = await t.connect();
    await client.request({ path: '/1' }).done();
    await t.target.admin('/drain_listeners?graceful&skip_exit', 'POST');
    await sleep(200);
    const other = await t.connect();
    const x = other.request({ path: '/2' });
    await x.done(1500);
    t.fact('accepted', x.facts().status);
  },
});

const ejecting = (healthy_panic_threshold) => ({
  proto: 'h2',
  handler: (request) => request.respond(503),
  cluster: {
    outlier_detection: {
      consecutive_5xx: 2,
      enforcing_consecutive_5xx: 100,
      always_eject_one_host: true,
      max_ejection_percent: 0,
      base_ejection_time: '30s',
    },
    common_lb_config: { healthy_panic_threshold: { value: healthy_panic_threshold } },
  },
});

for (const [name, threshold, shows] of [
  ['panic', 50, 'X22: the only host is ejected and used all the same, in a panic'],
  ['no-panic', 0, 'X22: without panic the only host stays away: 503 UH'],
])
  scenario(`stall-22-only-host-ejected-${name}`, {
    shows,
    down: 'h2',
    up: 'h2',
    upstream: ejecting(threshold),
    // Whether frames of the peer still arrive at the connection that the ejection closed.
    unstable: [/cx_protocol_error/],
    async run(t) {
      for (let i = 1; i <= 4; i += 1) await t.once(`/${i}`);
    },
  });
