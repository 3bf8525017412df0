/** Streams and connections that end early, from either side. */
import { family, pairs, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('resets');

const silent = () => {};
const ok = (request) => request.respond(200);

for (const code of ['INTERNAL_ERROR', 'REFUSED_STREAM', 'CANCEL', 'PROTOCOL_ERROR', 'NO_ERROR']) {
  for (const down of ['h1', 'h2']) {
    scenario(`upstream-rst-${code.toLowerCase().replaceAll('_', '-')}-${down}`, {
      shows: `RST_STREAM(${code}) instead of an answer`,
      down,
      up: 'h2',
      upstream: (request) => request.rst(code),
      run: (t) => t.once('/x'),
    });
  }
}

scenario('upstream-rst-retried', {
  shows: 'RST_STREAM(REFUSED_STREAM) is retried under refused-stream',
  down: 'h2',
  up: 'h2',
  upstream: [(request) => request.rst('REFUSED_STREAM'), ok],
  route: { retry_policy: { retry_on: 'refused-stream', num_retries: 1 } },
  unstable: [/upstream.*headers/],
  run: (t) => t.once('/x'),
});

pairs((down, up, name) => {
  scenario(`upstream-closes-before-response-${name}`, {
    shows: 'The upstream closes after the request: 503 UC connection termination',
    down,
    up,
    upstream: (request) => request.conn.fin(),
    run: (t) => t.once('/x'),
  });

  scenario(`upstream-aborts-before-response-${name}`, {
    shows: 'The upstream resets the connection after the request: 503 UC',
    down,
    up,
    upstream: (request) => request.conn.rst(),
    run: (t) => t.once('/x'),
  });

  scenario(`upstream-closes-mid-body-${name}`, {
    shows:
      'The upstream closes in the middle of a body: the client sees a cut response; UPE from HTTP/1, UC from HTTP/2',
    down,
    up,
    async upstream(request) {
      request.start(200);
      request.send('part');
      await sleep(150);
      request.conn.fin();
    },
    async run(t) {
      const x = await t.once('/x');
      await x.done(1500);
    },
  });

  scenario(`client-leaves-${name}`, {
    shows: 'The client closes while the upstream is silent: code 0, DC, the upstream request is cancelled',
    down,
    up,
    upstream: silent,
    async run(t) {
      const client = await t.connect();
      client.request({ path: '/x' });
      await t.up.arrived(1);
      await sleep(100);
      client.fin();
      await t.up.requests[0].gone(1000);
    },
  });

  scenario(`client-aborts-upload-${name}`, {
    shows: 'The client resets its connection in the middle of an upload: DC',
    down,
    up,
    upstream: silent,
    async run(t) {
      const client = await t.connect();
      client.request({ method: 'POST', path: '/x', body: 'one', end: false });
      await t.up.arrived(1);
      await sleep(100);
      client.rst();
      await t.up.requests[0].gone(1000);
    },
  });
});

for (const up of ['h1', 'h2']) {
  scenario(`client-rst-stream-${up}`, {
    shows: 'The client sends RST_STREAM(CANCEL): code 0, DR, the connection stays',
    down: 'h2',
    up,
    upstream: [silent, ok],
    async run(t) {
      const client = await t.connect();
      const x = client.request({ path: '/x' });
      await t.up.arrived(1);
      x.rst('CANCEL');
      await t.up.requests[0].gone(1000);
      await client.request({ path: '/y' }).done();
    },
  });
}

scenario('upstream-goaway-refuses', {
  shows: 'GOAWAY with a lower last stream id: the request is failed at once, 503 UR',
  down: 'h2',
  up: 'h2',
  upstream: (request) => request.conn.goaway('NO_ERROR', 0),
  run: (t) => t.once('/x'),
});

scenario('upstream-goaway-drains', {
  shows: 'GOAWAY that covers the request: it is served, and the next one gets a new connection',
  down: 'h2',
  up: 'h2',
  upstream: async (request) => {
    request.conn.goaway('NO_ERROR', request.id);
    await sleep(100);
    request.respond(200);
  },
  async run(t) {
    await t.once('/1');
    await t.once('/2');
  },
});

scenario('upstream-early-response', {
  shows: 'A complete answer before the upload ended: it is given, then the stream is closed',
  down: 'h2',
  up: 'h2',
  upstream: (request) => request.respond(413, { body: 'too much' }),
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', body: 'one', end: false });
    await x.done();
    await sleep(100);
  },
});

scenario('upstream-keep-alive-connection-closed-between', {
  shows: 'The upstream closes an idle pooled connection: the next request takes a new one',
  upstream: ok,
  async run(t) {
    await t.once('/1');
    t.up.connections[0].fin();
    await t.untilStat('cluster.up.upstream_cx_destroy_remote', 1);
    await t.once('/2');
  },
});

scenario('retry-after-reset', {
  shows: 'retry_on reset: a connection that closes before the answer is tried again',
  upstream: [(request) => request.conn.fin(), ok],
  route: { retry_policy: { retry_on: 'reset', num_retries: 1 } },
  unstable: [/upstream.*headers/],
  run: (t) => t.once('/x'),
});
