/** Access logs: when lines are written, and what they count. */
import { family, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('logs');

const ok = (request) => request.respond(200);
const late = (ms) => async (request) => {
  await sleep(ms);
  request.respond(200);
};
const BYTES =
  '%REQ(:PATH)% %RESPONSE_CODE% wire %DOWNSTREAM_WIRE_BYTES_RECEIVED% %DOWNSTREAM_WIRE_BYTES_SENT% head %DOWNSTREAM_HEADER_BYTES_RECEIVED% body %BYTES_RECEIVED% %BYTES_SENT% up %UPSTREAM_WIRE_BYTES_SENT% %UPSTREAM_HEADER_BYTES_SENT% %UPSTREAM_WIRE_BYTES_RECEIVED% %UPSTREAM_HEADER_BYTES_RECEIVED%';
/** Bytes of a response hold the name of the server: they are compared where the upstream's time header is not in them. */
const answers = { hcm: { server_name: 'envoy' }, router: { suppress_envoy_headers: true } };

const raw = {
  'reply-within-the-read': ['GET /none HTTP/1.1\r\nhost: a\r\n\r\n'],
  pipelined: ['GET /none HTTP/1.1\r\nhost: a\r\n\r\nGET /none2 HTTP/1.1\r\nhost: a\r\n\r\n'],
  'pipelined-upstream': ['GET /up1 HTTP/1.1\r\nhost: a\r\n\r\nGET /up2 HTTP/1.1\r\nhost: a\r\n\r\n'],
  'empty-lines-first': ['\r\n\r\nGET /none HTTP/1.1\r\nhost: a\r\n\r\n'],
  'in-pieces': ['GE', 'T /none HT', 'TP/1.1\r\nhost: a\r\n', '\r\n'],
  'body-answered-early': ['POST /none HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello'],
  'body-in-pieces': ['POST /up HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n', 'he', 'llo'],
  'body-chunked': ['POST /up HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n', '5\r\nhello\r\n', '0\r\n\r\n'],
};
for (const [name, pieces] of Object.entries(raw)) {
  scenario(`log-bytes-h1-${name}`, {
    shows: 'Wire bytes are those that were read when the line is written',
    upstream: async (request) => {
      await request.received();
      request.respond(200);
    },
    lines: BYTES,
    ...answers,
    entry: { match: { prefix: '/up' } },
    async run(t) {
      const client = await t.connect();
      const all = pieces.join('');
      const paths = [...all.matchAll(/(?:GET|POST) (\S+) HTTP/g)].map((match) => match[1]);
      const exchanges = paths.map((path) => client.rawRequest(path, ''));
      for (const piece of pieces) {
        client.raw(piece);
        await sleep(30);
      }
      for (const exchange of exchanges) await exchange.done(1500);
    },
  });
}
for (const down of ['h1', 'h2']) {
  scenario(`log-bytes-direct-${down}`, {
    shows: 'Bytes of a direct response with a body',
    down,
    upstream: ok,
    lines: BYTES,
    entry: { route: null, direct_response: { status: 200, body: { inline_string: 'hello' } } },
    run: (t) => t.once('/x', { method: 'POST', body: 'abc' }),
  });
}

const TYPES =
  '%ACCESS_LOG_TYPE% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% %UPSTREAM_HOST% %UPSTREAM_CLUSTER% %ROUTE_NAME% %REQ(:PATH)% %BYTES_SENT% %UPSTREAM_REQUEST_ATTEMPT_COUNT% %STREAM_ID(x)%'.replace(
    ' %STREAM_ID(x)%',
    '',
  );
const options = (access_log_options) => ({ hcm: { access_log_options } });
const early = options({ flush_access_log_on_new_request: true });
scenario('log-on-new-request', {
  shows: 'A line when the request begins and one when it ends',
  upstream: ok,
  lines: TYPES,
  ...early,
  run: (t) => t.once('/x'),
});
scenario('log-on-new-request-not-routed', {
  shows: 'The first line comes before routing',
  upstream: ok,
  lines: TYPES,
  ...early,
  entry: { match: { prefix: '/only' } },
  run: (t) => t.once('/x'),
});
scenario('log-on-new-request-refused', {
  shows: 'A request that is refused by its form has a first line as well, or not',
  upstream: ok,
  lines: TYPES,
  ...early,
  async run(t) {
    const client = await t.connect();
    client.rawRequest('/x', 'GET /x HTTP/1.1\r\n\r\n');
    await client.ended(1700);
    const again = await t.connect();
    again.rawRequest('/y', 'GARBAGE\r\n\r\n');
    await again.ended(1700);
  },
});
scenario('log-on-new-request-h2', {
  shows: 'The same over HTTP/2, with a body',
  down: 'h2',
  upstream: ok,
  lines: TYPES,
  ...early,
  run: (t) => t.once('/x', { method: 'POST', body: 'abc' }),
});
scenario('log-on-new-request-held', {
  shows: 'The same while a filter holds the request',
  upstream: ok,
  lines: TYPES,
  ...early,
  filters: [
    {
      name: 'envoy.filters.http.fault',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault',
        delay: { fixed_delay: '0.3s', percentage: { numerator: 100 } },
      },
    },
  ],
  run: (t) => t.once('/x'),
});

const periodic = options({ access_log_flush_interval: '0.4s' });
scenario('log-periodic', {
  shows: 'Lines while the request runs; the time starts with the stream',
  upstream: late(1000),
  lines: TYPES,
  ...periodic,
  run: (t) => t.once('/x'),
});
scenario('log-periodic-response', {
  shows: 'Lines while the response comes',
  upstream: async (request) => {
    request.start(200);
    request.send('one');
    await sleep(1000);
    request.send('two');
    request.finish();
  },
  lines: TYPES,
  ...periodic,
  run: (t) => t.once('/x'),
});
scenario('log-periodic-upload', {
  shows: 'Lines before the request is complete, and before its head is',
  upstream: ok,
  lines: TYPES,
  ...periodic,
  async run(t) {
    const client = await t.connect();
    const x = client.rawRequest('/x', 'POST /x HTTP/1.1\r\n', 'POST');
    await sleep(600);
    client.raw('host: a\r\ncontent-length: 3\r\n\r\nab');
    await sleep(600);
    client.raw('c');
    await x.done(1500);
  },
});
scenario('log-tunnel-established', {
  shows: 'A line when the tunnel is there',
  upstream: async (request) => {
    request.conn.raw('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    await sleep(100);
    request.conn.fin();
  },
  lines: TYPES,
  hcm: {
    access_log_options: { flush_log_on_tunnel_successfully_established: true },
    upgrade_configs: [{ upgrade_type: 'websocket' }],
  },
  async run(t) {
    const client = await t.connect();
    client.rawRequest('/x', 'GET /x HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    await client.ended(1500);
  },
});
scenario('log-tunnel-refused', {
  shows: 'No such line when the upstream refuses',
  upstream: (request) => request.respond(403),
  lines: TYPES,
  hcm: {
    access_log_options: { flush_log_on_tunnel_successfully_established: true },
    upgrade_configs: [{ upgrade_type: 'websocket' }],
  },
  async run(t) {
    const client = await t.connect();
    client.rawRequest('/x', 'GET /x HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    await sleep(200);
    client.fin();
    await client.ended(1500);
  },
});
scenario('log-type-filter', {
  shows: 'log_type_filter chooses among the kinds of lines',
  upstream: late(1000),
  hcm: {
    access_log_options: { access_log_flush_interval: '0.4s', flush_access_log_on_new_request: true },
  },
  lines: '%ACCESS_LOG_TYPE%',
  run: (t) => t.once('/x'),
});

const UPSTREAM =
  '%ACCESS_LOG_TYPE% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% host %UPSTREAM_HOST% %UPSTREAM_CLUSTER% %UPSTREAM_REQUEST_ATTEMPT_COUNT% %PROTOCOL% %UPSTREAM_PROTOCOL% bytes %BYTES_RECEIVED% %BYTES_SENT% route %ROUTE_NAME% %VIRTUAL_CLUSTER_NAME% req %REQ(:METHOD)% %REQ(:PATH)% %REQ(:AUTHORITY)% %REQ(x-envoy-expected-rq-timeout-ms)% resp %RESP(x-up)% %RESP(content-length)% %TRAILER(x-t)% fail %UPSTREAM_TRANSPORT_FAILURE_REASON% remote %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% local %DOWNSTREAM_LOCAL_ADDRESS% uplocal %UPSTREAM_REMOTE_ADDRESS% grpc %GRPC_STATUS% name %FILTER_CHAIN_NAME% id %CONNECTION_ID%'.replace(
    ' id %CONNECTION_ID%',
    '',
  );
const DURATIONS =
  '%DURATION% %REQUEST_DURATION% %REQUEST_TX_DURATION% %RESPONSE_DURATION% %RESPONSE_TX_DURATION% %UPSTREAM_CONNECTION_POOL_READY_DURATION%';
const withHeader =
  (status = 200) =>
  (request) =>
    request.respond(status, { headers: [['x-up', 'v']] });
const attempts = {
  ok: { upstream: withHeader() },
  retried: {
    upstream: [withHeader(503), withHeader()],
    route: { retry_policy: { retry_on: '5xx' } },
  },
  refused: { upstream: { kind: 'refused' } },
  'refused-retried': {
    upstream: { kind: 'refused' },
    route: { retry_policy: { retry_on: 'connect-failure', num_retries: 1 } },
  },
  closed: { upstream: (request) => request.conn.fin() },
  timeout: { upstream: () => {}, route: { timeout: '0.3s' } },
  'per-try': {
    upstream: [() => {}, withHeader()],
    route: { retry_policy: { retry_on: '5xx', per_try_timeout: '0.3s' } },
  },
  'no-host': { upstream: { kind: 'none' } },
  direct: { entry: { route: null, direct_response: { status: 200 } }, upstream: withHeader() },
  garbage: { upstream: (request) => request.conn.raw('HELLO\r\n\r\n') },
  'cut-response': {
    upstream: async (request) => {
      request.start(200, [['x-up', 'v']]);
      request.send('part');
      await sleep(50);
      request.conn.fin();
    },
  },
};
for (const [name, spec] of Object.entries(attempts)) {
  scenario(`log-upstream-${name}`, {
    shows: 'Lines of the router: one for each attempt',
    ...spec,
    upstreamLines: UPSTREAM,
    run: (t) => t.once('/x?y', { method: 'POST', body: 'abc' }),
  });
}
scenario('log-upstream-h2', {
  shows: 'The same over HTTP/2 on both sides, with trailers',
  down: 'h2',
  up: 'h2',
  upstream: async (request) => {
    await request.received();
    request.start(200, [['x-up', 'v']]);
    request.send('body');
    request.finish([['x-t', 'trail']]);
  },
  upstreamLines: UPSTREAM,
  run: (t) => t.once('/x', { method: 'POST', headers: [['te', 'trailers']], body: 'abc' }),
});
scenario('log-upstream-client-leaves', {
  shows: 'The line of an attempt that is given up',
  upstream: () => {},
  upstreamLines: UPSTREAM,
  async run(t) {
    const client = await t.connect();
    client.request({ path: '/x' });
    await t.up.arrived(1);
    client.fin();
    await client.ended(1500);
  },
});
scenario('log-upstream-hedged', {
  shows: 'Both attempts of a hedged request have a line',
  upstream: [late(500), withHeader()],
  route: {
    retry_policy: { retry_on: '5xx', per_try_timeout: '0.2s' },
    hedge_policy: { hedge_on_per_try_timeout: true },
  },
  upstreamLines: UPSTREAM,
  run: (t) => t.once('/x'),
});
scenario('log-upstream-stream-ready', {
  shows: 'A line when the attempt has its stream',
  upstream: withHeader(),
  router: { upstream_log_options: { flush_upstream_log_on_upstream_stream: true } },
  upstreamLines: UPSTREAM,
  run: (t) => t.once('/x'),
});
scenario('log-upstream-stream-ready-refused', {
  shows: 'No such line without a connection',
  upstream: { kind: 'refused' },
  router: { upstream_log_options: { flush_upstream_log_on_upstream_stream: true } },
  upstreamLines: UPSTREAM,
  run: (t) => t.once('/x'),
});
scenario('log-upstream-periodic', {
  shows: 'Lines while an attempt runs',
  upstream: late(1000),
  router: { upstream_log_options: { upstream_log_flush_interval: '0.4s' } },
  upstreamLines: UPSTREAM,
  run: (t) => t.once('/x'),
});
scenario('log-upstream-durations', {
  shows: 'Which durations an attempt has',
  upstream: late(100),
  upstreamLines: DURATIONS,
  unstable: [/^extra/],
  run: (t) => t.once('/x'),
});
scenario('log-pending-connect', {
  shows: 'The host of a request that ends while it waits for its connection',
  upstream: { kind: 'plug', cluster: { connect_timeout: '2s' } },
  route: { timeout: '0.3s' },
  lines:
    'host %UPSTREAM_HOST% local %UPSTREAM_LOCAL_ADDRESS% remote %UPSTREAM_REMOTE_ADDRESS% proto %UPSTREAM_PROTOCOL% fail %UPSTREAM_TRANSPORT_FAILURE_REASON% name %UPSTREAM_HOST_NAME%',
  upstreamLines: UPSTREAM,
  async run(t) {
    await t.up.unplug();
    await t.once('/x');
  },
});
scenario('log-pending-connect-periodic', {
  shows: 'The host in a line that is written while the connect is pending',
  upstream: { kind: 'plug', cluster: { connect_timeout: '0.9s' } },
  hcm: { access_log_options: { access_log_flush_interval: '0.4s' } },
  lines:
    '%ACCESS_LOG_TYPE% host %UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS% %UPSTREAM_CLUSTER% %UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  async run(t) {
    await t.up.unplug();
    await t.once('/x');
  },
});
scenario('log-client-leaves-while-connecting', {
  shows: 'The host of a request whose client leaves while the connect is pending',
  upstream: { kind: 'plug', cluster: { connect_timeout: '0.9s' } },
  lines:
    'host %UPSTREAM_HOST% local %UPSTREAM_LOCAL_ADDRESS% remote %UPSTREAM_REMOTE_ADDRESS% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%',
  upstreamLines: UPSTREAM,
  async run(t) {
    await t.up.unplug();
    const client = await t.connect();
    client.request({ path: '/x' });
    await sleep(200);
    client.fin();
    await client.ended(1500);
  },
});
scenario('log-upstream-periodic-pending', {
  shows: 'Lines of an attempt that waits for its connection',
  upstream: { kind: 'plug', cluster: { connect_timeout: '0.9s' } },
  router: { upstream_log_options: { upstream_log_flush_interval: '0.4s' } },
  upstreamLines: UPSTREAM,
  async run(t) {
    await t.up.unplug();
    await t.once('/x');
  },
});
scenario('log-upstream-max-duration', {
  shows: "The flag of an attempt that the cluster's max_stream_duration ends",
  upstream: { handler: () => {}, http: { common_http_protocol_options: { max_stream_duration: '0.3s' } } },
  upstreamLines: UPSTREAM,
  run: (t) => t.once('/x'),
});
scenario('log-upstream-per-try-idle', {
  shows: 'The flag of an attempt that was idle',
  upstream: () => {},
  route: { retry_policy: { retry_on: 'connect-failure', per_try_idle_timeout: '0.3s' } },
  upstreamLines: UPSTREAM,
  run: (t) => t.once('/x'),
});
scenario('log-upstream-overflow', {
  shows: 'A breaker that is open',
  upstream: { handler: () => {}, cluster: { circuit_breakers: { thresholds: [{ max_pending_requests: 0 }] } } },
  upstreamLines: UPSTREAM,
  run: (t) => t.once('/x'),
});
scenario('log-upstream-route-headers', {
  shows: 'Which headers a line of an attempt sees',
  upstream: withHeader(),
  route: { prefix_rewrite: '/new' },
  entry: {
    request_headers_to_add: [{ header: { key: 'x-a', value: 'b' } }],
    response_headers_to_add: [{ header: { key: 'x-c', value: 'd' } }],
  },
  upstreamLines: '%REQ(:PATH)% %REQ(x-envoy-original-path)% %REQ(x-a)% %RESP(x-c)% %RESP(via)% %PATH(NQ:ORIG)%',
  run: (t) => t.once('/x'),
});
