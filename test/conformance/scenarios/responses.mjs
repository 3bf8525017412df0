/** Responses that stall, break the protocol, or are taken slowly; what a started response can still become. */
import { family, pairs, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('responses');

pairs((down, up, name) => {
  scenario(`response-stalls-route-timeout-${name}`, {
    shows: 'Headers and a part of the body, then silence: the route timeout cuts the response, log 200 UT',
    down,
    up,
    upstream: (request) => {
      request.start(200);
      request.send('part');
    },
    route: { timeout: '0.5s' },
    async run(t) {
      const client = await t.connect();
      const x = client.request({ path: '/x' });
      await x.done(2500);
      if (down === 'h1') await client.ended(2000);
    },
  });

  scenario(`response-stalls-max-duration-${name}`, {
    shows: 'The same under max_stream_duration: log 200, no flag, max_duration_timeout',
    down,
    up,
    upstream: (request) => {
      request.start(200);
      request.send('part');
    },
    hcm: { common_http_protocol_options: { max_stream_duration: '0.5s' } },
    async run(t) {
      const client = await t.connect();
      const x = client.request({ path: '/x' });
      await x.done(2500);
      if (down === 'h1') await client.ended(2000);
    },
  });

  scenario(`trailers-${name}`, {
    shows: 'Trailers of request and response pass through where both sides can carry them',
    down,
    up,
    async upstream(request) {
      await request.received();
      request.start(200);
      request.send('body');
      request.finish([['x-checksum', 'abc']]);
    },
    hcm: { http_protocol_options: { enable_trailers: true } },
    ...(up === 'h1'
      ? {
          upstream: {
            proto: up,
            handler: trailed,
            http: { explicit_http_config: { http_protocol_options: { enable_trailers: true } } },
          },
        }
      : {}),
    run: (t) => t.once('/x', { headers: [['te', 'trailers']] }),
  });
});

async function trailed(request) {
  await request.received();
  request.start(200);
  request.send('body');
  request.finish([['x-checksum', 'abc']]);
}

const raw = (bytes) => (request) => request.conn.raw(bytes);
const garbage = {
  'status-line': 'HELLO\r\n\r\n',
  'status-of-letters': 'HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n',
  'two-lengths': 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx',
  'length-and-chunked': 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  'header-without-colon': 'HTTP/1.1 200 OK\r\nfoo bar\r\n\r\n',
  'bad-chunk': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
};
for (const [name, bytes] of Object.entries(garbage)) {
  scenario(`upstream-garbage-${name}`, {
    shows: 'An HTTP/1 upstream that breaks the protocol: 502 UPE and its connection is closed',
    upstream: raw(bytes),
    async run(t) {
      const client = await t.connect();
      await client.request({ path: '/x' }).done(2000);
    },
  });
}

scenario('upstream-garbage-h2-frame', {
  shows: 'An HTTP/2 upstream that breaks the protocol: 502 UPE',
  down: 'h2',
  up: 'h2',
  upstream: (request) => request.conn.frame(0, 0, 0, Buffer.from('data on stream zero')),
  run: (t) => t.once('/x'),
});

scenario('upstream-h2-without-status', {
  shows: 'Response headers without :status: 502 UPE',
  down: 'h2',
  up: 'h2',
  upstream: (request) => request.sendHeaders([['x-foo', 'bar']], true),
  run: (t) => t.once('/x'),
});

scenario('upstream-partial-head-then-closes', {
  shows: 'A close in the middle of the response head: 502 UPE',
  async upstream(request) {
    request.conn.raw('HTTP/1.1 200 OK\r\nx-half');
    await sleep(100);
    request.conn.fin();
  },
  run: (t) => t.once('/x'),
});

scenario('upstream-body-until-close', {
  shows: 'A response without length ends with the connection',
  async upstream(request) {
    request.conn.raw('HTTP/1.1 200 OK\r\n\r\nsome');
    await sleep(100);
    request.conn.raw(' text');
    request.conn.fin();
  },
  run: (t) => t.once('/x'),
});

scenario('upstream-two-responses', {
  shows: 'Bytes after the response are no second response: the connection leaves the pool',
  upstream: (request) =>
    request.conn.raw('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad'),
  async run(t) {
    const client = await t.connect();
    await client.request({ path: '/1' }).done();
    await sleep(50);
    await client.request({ path: '/2' }).done();
  },
});

scenario('interim-responses-dropped', {
  shows: 'A 100 and a 103 of the upstream are dropped unless proxy_100_continue is on',
  upstream: (request) => {
    request.informational(100);
    request.informational(103, [['link', '</x>']]);
    request.respond(200);
  },
  run: (t) => t.once('/x'),
});

scenario('expect-100-continue', {
  shows: 'Expect: 100-continue is answered by the proxy itself',
  async upstream(request) {
    await request.received();
    request.respond(200);
  },
  async run(t) {
    const client = await t.connect();
    const x = client.request({
      method: 'POST',
      path: '/x',
      headers: [
        ['expect', '100-continue'],
        ['content-length', '4'],
      ],
      end: false,
    });
    await client.until(() => x.interim.length > 0, 1000);
    x.send('data');
    await x.done();
  },
});

scenario('head-response', {
  shows: 'HEAD keeps the content-length and has no body',
  upstream: (request) => request.conn.raw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'),
  run: (t) => t.once('/x', { method: 'HEAD' }),
});

scenario('no-content', {
  shows: '204 has no body and no length',
  upstream: (request) => request.conn.raw('HTTP/1.1 204 No Content\r\n\r\n'),
  run: (t) => t.once('/x'),
});

scenario('canary-by-header', {
  shows: 'x-envoy-upstream-canary: true counts the response as a canary of its cluster',
  upstream: (request) => request.respond(200, { headers: [['x-envoy-upstream-canary', 'true']] }),
  async run(t) {
    await t.once('/x');
    const canary = await t.target.stats('^cluster\\.canary-by-header-up\\.canary\\.upstream_rq_');
    t.fact(
      'canary',
      Object.fromEntries([...canary].map(([name, value]) => [name.split('.').at(-1), value]).filter(([, v]) => v > 0)),
    );
  },
});
