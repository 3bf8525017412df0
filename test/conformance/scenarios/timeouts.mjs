/** Each timer of a stream: what arms it, what it answers, and what it is called in the log. */
import { faultDelay } from '../harness/boot.mjs';
import { family, pairs, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('timeouts');

const silent = () => {};
const SAME = [
  ['h1', 'h1'],
  ['h2', 'h2'],
];

pairs((down, up, name) => {
  scenario(`route-timeout-${name}`, {
    shows: 'A complete request to a silent upstream: 504 UT when the route timeout passes',
    down,
    up,
    upstream: silent,
    route: { timeout: '0.4s' },
    run: (t) => t.once('/x'),
  });

  scenario(`route-timeout-waits-for-the-body-${name}`, {
    shows: 'The route timeout counts from the end of the request, however long the upload took',
    down,
    up,
    upstream: silent,
    route: { timeout: '0.4s' },
    async run(t) {
      const client = await t.connect();
      const x = client.request({ method: 'POST', path: '/x', body: 'one', end: false });
      await sleep(600);
      x.send('two').finish();
      await x.done();
    },
  });

  scenario(`stream-idle-incomplete-${name}`, {
    shows: 'An upload that stands still: 408 SI counted from its last byte, and the stream is closed',
    down,
    up,
    upstream: silent,
    hcm: { stream_idle_timeout: '0.4s' },
    async run(t) {
      const client = await t.connect();
      const x = client.request({ method: 'POST', path: '/x', body: 'one', end: false });
      await sleep(250);
      x.send('two');
      await x.done();
      await client.ended(1400);
    },
  });

  scenario(`stream-idle-complete-${name}`, {
    shows: 'A complete request that nobody answers: stream idle gives 504 SI',
    down,
    up,
    upstream: silent,
    hcm: { stream_idle_timeout: '0.4s' },
    run: (t) => t.once('/x', { method: 'POST', body: 'data' }),
  });

  scenario(`max-duration-incomplete-${name}`, {
    shows: 'max_stream_duration over an upload that is still moving: 408, no flag',
    down,
    up,
    upstream: silent,
    hcm: { common_http_protocol_options: { max_stream_duration: '0.5s' } },
    async run(t) {
      const client = await t.connect();
      const x = client.request({ method: 'POST', path: '/x', body: 'one', end: false });
      for (let i = 0; i < 4; i += 1) {
        await sleep(90);
        x.send('more');
      }
      await x.done();
      await client.ended(1400);
    },
  });

  scenario(`max-duration-complete-${name}`, {
    shows: 'max_stream_duration over a complete request: 504 with the same body, no flag',
    down,
    up,
    upstream: silent,
    hcm: { common_http_protocol_options: { max_stream_duration: '0.5s' } },
    run: (t) => t.once('/x'),
  });

  scenario(`cluster-max-duration-${name}`, {
    shows: "The cluster's max_stream_duration: UMSDR, 504 for a complete request",
    down,
    up,
    upstream: silent,
    run: (t) => t.once('/x'),
    ...clusterDuration(up, '0.4s'),
  });

  scenario(`cluster-max-duration-incomplete-${name}`, {
    shows: "The cluster's max_stream_duration: UMSDR, 408 while the upload is not complete",
    down,
    up,
    async run(t) {
      const client = await t.connect();
      const x = client.request({ method: 'POST', path: '/x', body: 'one', end: false });
      await x.done();
      await client.ended(1400);
    },
    ...clusterDuration(up, '0.4s'),
  });
});

function clusterDuration(up, max_stream_duration) {
  return {
    upstream: { proto: up, handler: silent, http: { common_http_protocol_options: { max_stream_duration } } },
  };
}

for (const [down, up] of SAME) {
  const name = `${down}-${up}`;

  scenario(`request-timeout-${name}`, {
    shows: 'request_timeout bounds receiving the request: 408, no flag',
    down,
    up,
    upstream: silent,
    hcm: { request_timeout: '0.4s' },
    async run(t) {
      const client = await t.connect();
      const x = client.request({ method: 'POST', path: '/x', body: 'one', end: false });
      await x.done();
      await client.ended(1400);
    },
  });

  scenario(`request-timeout-disarmed-${name}`, {
    shows: 'request_timeout stops at the end of the request; the route timeout answers',
    down,
    up,
    upstream: silent,
    hcm: { request_timeout: '0.3s' },
    route: { timeout: '0.7s' },
    run: (t) => t.once('/x', { method: 'POST', body: 'data' }),
  });

  scenario(`request-timeout-ends-with-early-response-${name}`, {
    shows: 'An early response head disarms request_timeout; the stream idles out later',
    down,
    up,
    upstream: (request) => request.start(200),
    hcm: { request_timeout: '0.3s', stream_idle_timeout: '0.7s' },
    async run(t) {
      const client = await t.connect();
      const x = client.request({ method: 'POST', path: '/x', body: 'one', end: false });
      await x.done();
      await client.ended(1400);
    },
  });

  scenario(`per-try-timeout-${name}`, {
    shows: 'per_try_timeout without retries: 504 UT upstream_per_try_timeout',
    down,
    up,
    upstream: silent,
    route: { timeout: '2s', retry_policy: { retry_on: 'connect-failure', per_try_timeout: '0.3s' } },
    run: (t) => t.once('/x'),
  });

  scenario(`per-try-then-served-${name}`, {
    shows: 'A try that times out is retried, and the second one is served',
    down,
    up,
    upstream: [silent, (request) => request.respond(200)],
    route: { timeout: '2s', retry_policy: { retry_on: '5xx', num_retries: 1, per_try_timeout: '0.3s' } },
    unstable: [/upstream.*headers/],
    run: (t) => t.once('/x'),
  });

  scenario(`per-try-cut-by-route-timeout-${name}`, {
    shows: 'The route timeout ends the second try: 504 UT response_timeout',
    down,
    up,
    upstream: silent,
    route: { timeout: '0.7s', retry_policy: { retry_on: '5xx', num_retries: 3, per_try_timeout: '0.45s' } },
    unstable: [/upstream.*headers/],
    run: (t) => t.once('/x'),
  });

  scenario(`per-try-idle-after-headers-${name}`, {
    shows: 'per_try_idle_timeout also ends a response that has started and stands still',
    down,
    up,
    upstream: (request) => {
      request.start(200);
      request.send('part');
    },
    route: { timeout: '3s', retry_policy: { retry_on: '5xx', per_try_idle_timeout: '0.4s' } },
    async run(t) {
      const x = await t.once('/x');
      await x.done(1800);
    },
  });

  scenario(`route-max-duration-overrides-timeout-${name}`, {
    shows: 'With max_stream_duration on the route its timeout is ignored',
    down,
    up,
    upstream: silent,
    route: { timeout: '0.2s', max_stream_duration: { max_stream_duration: '0.7s' } },
    run: (t) => t.once('/x'),
  });

  scenario(`route-idle-overrides-${name}`, {
    shows: "The route's idle_timeout replaces the connection manager's",
    down,
    up,
    upstream: silent,
    hcm: { stream_idle_timeout: '0.2s' },
    route: { idle_timeout: '0.6s' },
    run: (t) => t.once('/x'),
  });

  scenario(`stream-idle-head-request-${name}`, {
    shows: 'HEAD: the headers of the 408 without its body',
    down,
    up,
    upstream: silent,
    hcm: { stream_idle_timeout: '0.4s' },
    async run(t) {
      const client = await t.connect();
      const x = client.request({ method: 'HEAD', path: '/x', end: false });
      await x.done();
      await client.ended(1400);
    },
  });

  scenario(`stream-idle-restarted-by-response-${name}`, {
    shows: 'Each part of the response starts the idle timer anew; it ends the stream that then stands still',
    down,
    up,
    async upstream(request) {
      request.start(200);
      for (let i = 0; i < 3; i += 1) {
        await sleep(250);
        request.send('a');
      }
    },
    hcm: { stream_idle_timeout: '0.4s' },
    async run(t) {
      const x = await t.once('/x');
      await x.done(1800);
    },
  });

  scenario(`held-by-filter-${name}`, {
    shows: 'A filter holds the complete request: idle gives 504 with DI,SI',
    down,
    up,
    upstream: silent,
    filters: [faultDelay('2s')],
    hcm: { stream_idle_timeout: '0.4s' },
    run: (t) => t.once('/x'),
  });

  scenario(`equal-max-duration-and-route-timeout-${name}`, {
    shows: 'max_stream_duration equal to the route timeout: either answer, request by request',
    down,
    up,
    upstream: silent,
    hcm: { common_http_protocol_options: { max_stream_duration: '0.4s' } },
    route: { timeout: '0.4s' },
    alone: true,
    unstable: [/^(client|upstream|log|stats)/],
    run: (t) => tossed(t, 24),
  });

  scenario(`equal-idle-and-route-timeout-${name}`, {
    shows: 'Stream idle equal to the route timeout: the route timeout always wins',
    down,
    up,
    upstream: silent,
    hcm: { stream_idle_timeout: '0.4s' },
    route: { timeout: '0.4s' },
    alone: true,
    unstable: [/^(client|upstream|log)/],
    run: (t) => tossed(t, 24),
  });
}

/** Many requests at once; the set of their answers is the fact. */
async function tossed(t, count) {
  const exchanges = await Promise.all(Array.from({ length: count }, (_, i) => t.once(`/${i}`)));
  await t.settle();
  t.toss(
    'answers',
    exchanges.map((x) => `${x.facts().status} ${x.facts().body}`),
  );
  t.toss(
    'logged',
    (await t.facts()).log.map((row) => `${row.code} ${row.flags} ${row.details}`),
  );
}

scenario('request-headers-timeout', {
  shows: 'A request head that never ends: 408 request header timeout, connection closed',
  upstream: silent,
  hcm: { request_headers_timeout: '0.4s' },
  async run(t) {
    const client = await t.connect();
    client.rawRequest('/x', 'GET /x HTTP/1.1\r\nhost: conf.test\r\n');
    await client.ended(2200);
  },
});

scenario('stream-idle-partial-headers', {
  shows: 'Bytes of an unfinished request head do not restart stream idle: 408 SI',
  upstream: silent,
  hcm: { stream_idle_timeout: '0.5s' },
  async run(t) {
    const client = await t.connect();
    client.rawRequest('/x', 'GET /x HTTP/1.1\r\n');
    await sleep(250);
    client.raw('host: conf.test\r\n');
    await client.ended(2200);
  },
});

scenario('first-byte-starts-the-stream', {
  shows: 'One byte of a request line starts the timers; a connection without a byte has none of them',
  upstream: silent,
  hcm: { request_timeout: '0.4s' },
  async run(t) {
    const quiet = await t.connect();
    const client = await t.connect();
    client.rawRequest('/x', 'G');
    await client.ended(2200);
    t.fact('quiet connection', quiet.end);
  },
});

scenario('request-timeout-not-ended-by-100', {
  shows: 'A forwarded 100 Continue does not disarm request_timeout',
  upstream: (request) => request.informational(100),
  hcm: { request_timeout: '0.4s', proxy_100_continue: true },
  async run(t) {
    const client = await t.connect();
    client.request({ method: 'POST', path: '/x', headers: [['expect', '100-continue']], end: false });
    await client.ended(2200);
  },
});

for (const [header, name] of [
  ['400m', 'milliseconds'],
  ['1S', 'capped'],
]) {
  scenario(`grpc-timeout-${name}`, {
    shows: 'grpc-timeout, capped by grpc_timeout_header_max 0.5 s: trailers-only answer with grpc-status 4',
    down: 'h2',
    up: 'h2',
    upstream: silent,
    route: { max_stream_duration: { grpc_timeout_header_max: '0.5s' } },
    run: (t) =>
      t.once('/pkg.Service/Call', {
        method: 'POST',
        headers: [
          ['content-type', 'application/grpc'],
          ['te', 'trailers'],
          ['grpc-timeout', header],
        ],
        body: Buffer.from([0, 0, 0, 0, 0]),
      }),
  });
}

scenario('grpc-timeout-ignored-without-max', {
  shows: 'Without grpc_timeout_header_max the header is only forwarded; the route timeout answers',
  down: 'h2',
  up: 'h2',
  upstream: silent,
  route: { timeout: '0.5s' },
  run: (t) =>
    t.once('/pkg.Service/Call', {
      method: 'POST',
      headers: [
        ['content-type', 'application/grpc'],
        ['grpc-timeout', '100m'],
      ],
      body: Buffer.from([0, 0, 0, 0, 0]),
    }),
});

scenario('grpc-route-timeout', {
  shows: 'The route timeout of a gRPC request: 200 with grpc-status 14 UNAVAILABLE',
  down: 'h2',
  up: 'h2',
  upstream: silent,
  route: { timeout: '0.4s' },
  run: (t) =>
    t.once('/pkg.Service/Call', { method: 'POST', headers: [['content-type', 'application/grpc']], body: 'xxxxx' }),
});

scenario('timeout-header-external', {
  shows: 'x-envoy-upstream-rq-timeout-ms of an external client is removed',
  upstream: silent,
  route: { timeout: '0.5s' },
  run: (t) => t.once('/x', { headers: [['x-envoy-upstream-rq-timeout-ms', '100']] }),
});

scenario('timeout-header-internal', {
  shows: 'The same header of an internal client replaces the route timeout',
  upstream: silent,
  hcm: {
    use_remote_address: true,
    internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
  },
  route: { timeout: '2s' },
  run: (t) => t.once('/x', { headers: [['x-envoy-upstream-rq-timeout-ms', '400']] }),
});

scenario('timeout-alt-response', {
  shows: 'x-envoy-upstream-rq-timeout-alt-response: 204 instead of 504',
  upstream: silent,
  hcm: {
    use_remote_address: true,
    internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
  },
  route: { timeout: '0.4s' },
  run: (t) => t.once('/x', { headers: [['x-envoy-upstream-rq-timeout-alt-response', '1']] }),
});

scenario('max-duration-on-last-request', {
  shows: 'The last request of a connection by max_requests_per_connection: the 504 says connection: close',
  upstream: silent,
  hcm: { common_http_protocol_options: { max_stream_duration: '0.4s', max_requests_per_connection: 1 } },
  async run(t) {
    const client = await t.connect();
    await client.request({ path: '/x' }).done();
    await client.ended(600);
  },
});

scenario('hedged-per-try', {
  shows: 'Hedging: the slow first try goes on beside the second, and its answer counts',
  down: 'h2',
  up: 'h2',
  upstream: [
    async (request) => {
      await sleep(500);
      request.respond(200, { body: 'first' });
    },
    silent,
  ],
  route: {
    timeout: '3s',
    hedge_policy: { hedge_on_per_try_timeout: true },
    retry_policy: { retry_on: '5xx', num_retries: 2, per_try_timeout: '0.3s' },
  },
  run: (t) => t.once('/x'),
});
