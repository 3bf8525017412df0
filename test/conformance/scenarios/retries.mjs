/** What is retried, with which body, and when a retry is given up. */
import { family, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('retries');

const ok = (request) => request.respond(200);
const status = (code) => (request) => request.respond(code, { body: 'no' });
const ATTEMPTS = [/upstream.*headers/];
const policy = (retry_on, more = {}) => ({ retry_policy: { retry_on, num_retries: 1, ...more } });

scenario('retry-resends-the-body', {
  shows: 'The body of the first try is kept and sent again whole',
  down: 'h2',
  up: 'h2',
  upstream: [
    async (request) => {
      await request.received();
      request.respond(503);
    },
    async (request) => {
      await request.received();
      request.respond(200);
    },
  ],
  route: policy('5xx'),
  unstable: ATTEMPTS,
  run: (t) => t.once('/x', { method: 'POST', body: Buffer.alloc(50_000, 'b') }),
});

scenario('retry-while-uploading', {
  shows: 'A try that fails during the upload is retried; the second try gets what came and what comes',
  down: 'h2',
  up: 'h2',
  upstream: [
    status(503),
    async (request) => {
      await request.received();
      request.respond(200);
    },
  ],
  route: policy('5xx'),
  unstable: ATTEMPTS,
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', body: 'first ', end: false });
    await t.up.arrived(2);
    x.send('second', true);
    await x.done();
  },
});

scenario('retry-given-up-for-the-size-of-the-body', {
  shows: 'A body over the limit is not kept: the 503 is passed on',
  upstream: {
    proto: 'h1',
    handler: async (request) => {
      await request.received();
      request.respond(503);
    },
  },
  listener: { per_connection_buffer_limit_bytes: 4096 },
  route: policy('5xx'),
  unstable: [/flow_control/],
  run: (t) => t.once('/x', { method: 'POST', body: Buffer.alloc(60_000, 'b') }),
});

/** Two seconds at least before the retry: the only back-off whose length is not random from zero. */
const askedToWait = (request) => request.respond(503, { headers: [['retry-after', '2']], body: 'no' });
const waiting = policy('5xx', {
  rate_limited_retry_back_off: { reset_headers: [{ name: 'retry-after', format: 'SECONDS' }], max_interval: '60s' },
});

scenario('retry-given-up-in-backoff', {
  shows: 'A body that outgrows the limit while the retry waits: 507',
  upstream: askedToWait,
  listener: { per_connection_buffer_limit_bytes: 1024 },
  route: waiting,
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', body: 'first', end: false });
    await t.untilStat('cluster.up.retry.upstream_rq_503', 1, 1000);
    x.send(Buffer.alloc(4096, 'b'));
    await x.done(2000);
    await client.ended(1500);
  },
});

scenario('retry-not-after-the-response-started', {
  shows: 'A reset after the response head cannot be retried',
  down: 'h2',
  up: 'h2',
  upstream: async (request) => {
    request.start(200);
    request.send('part');
    await sleep(100);
    request.rst('INTERNAL_ERROR');
  },
  route: policy('5xx,reset'),
  run: (t) => t.once('/x'),
});

scenario('retry-on-gateway-error-not-500', {
  shows: 'gateway-error retries 502, 503 and 504 but not 500',
  upstream: status(500),
  route: policy('gateway-error'),
  run: (t) => t.once('/x'),
});

scenario('retry-on-retriable-status', {
  shows: 'retriable-status-codes retries the codes that are listed',
  upstream: [status(429), ok],
  route: policy('retriable-status-codes', { retriable_status_codes: [429] }),
  unstable: ATTEMPTS,
  run: (t) => t.once('/x'),
});

scenario('retry-on-grpc-unavailable', {
  shows: 'A gRPC status in the headers is retried by its name',
  down: 'h2',
  up: 'h2',
  upstream: [
    (request) =>
      request.sendHeaders(
        [
          [':status', '200'],
          ['content-type', 'application/grpc'],
          ['grpc-status', '14'],
        ],
        true,
      ),
    (request) => request.respond(200, { headers: [['content-type', 'application/grpc']], body: 'xxxxx' }),
  ],
  route: policy('unavailable'),
  unstable: ATTEMPTS,
  run: (t) => t.once('/s/m', { method: 'POST', headers: [['content-type', 'application/grpc']], body: 'xxxxx' }),
});

scenario('retry-breaker', {
  shows: 'max_retries 0: no retry, flag UO beside the 503 of the upstream',
  upstream: status(503),
  cluster: { circuit_breakers: { thresholds: [{ max_retries: 0 }] } },
  route: policy('5xx'),
  run: (t) => t.once('/x'),
});

scenario('retry-in-backoff-meets-the-route-timeout', {
  shows:
    'The route timeout passes while the retry waits: 504 UT, and neither upstream_rq_timeout nor upstream_rq_retry counts',
  upstream: askedToWait,
  route: { timeout: '0.5s', ...waiting },
  run: (t) => t.once('/x'),
});

scenario('retry-in-backoff-at-the-end-of-the-upload', {
  shows: 'When the upload ends while the retry waits, the route timeout is never armed; stream idle answers',
  upstream: askedToWait,
  hcm: { stream_idle_timeout: '0.8s' },
  route: { timeout: '0.3s', ...waiting },
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', body: 'first', end: false });
    await t.untilStat('cluster.up.retry.upstream_rq_503', 1, 1000);
    x.finish();
    await x.done(2000);
  },
});
