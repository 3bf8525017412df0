/** What admin drains do to connections and listeners; drain time and strategy are flags of the command line. */
import { family, scenario } from '../harness/scenario.mjs';
import { dial } from '../peers/socket.mjs';
import { sleep } from '../peers/watch.mjs';

family('drains');

const ok = (request) => request.respond(200);
const late = async (request) => {
  await sleep(400);
  request.respond(200);
};
const IMMEDIATE = ['--drain-time-s', '1', '--drain-strategy', 'immediate'];
const GRADUAL = ['--drain-time-s', '60', '--drain-strategy', 'gradual'];

const drain = (t, query) => t.target.admin(`/drain_listeners${query}`, 'POST');

/** Whether a new connection is taken. */
const accepts = (t) =>
  dial(t.port).then(
    (socket) => {
      socket.destroy();
      return true;
    },
    () => false,
  );

for (const down of ['h1', 'h2']) {
  scenario(`drain-graceful-${down}`, {
    shows:
      'drain_listeners?graceful: each connection ends with its next answer, new ones are taken until the drain time is over',
    down,
    alone: true,
    flags: IMMEDIATE,
    upstream: ok,
    hcm: { drain_timeout: '0.3s' },
    async run(t) {
      const client = await t.connect();
      await client.request({ path: '/before' }).done();
      const reply = await drain(t, '?graceful');
      await client.request({ path: '/after' }).done();
      const next = await t.connect();
      await next.request({ path: '/new' }).done();
      await client.ended(2500);
      await next.ended(2500);
      await sleep(600);
      const ready = await t.target.admin('/ready');
      t.fact('reply', `${reply.status} ${reply.text}`);
      t.fact('ready after it', `${ready.status} ${ready.text}`);
      t.fact('accepts after it', await accepts(t));
    },
  });

  scenario(`drain-graceful-request-in-flight-${down}`, {
    shows: 'A request that is under way when the drain begins is finished, and announces the end',
    down,
    alone: true,
    flags: IMMEDIATE,
    upstream: late,
    hcm: { drain_timeout: '0.3s' },
    async run(t) {
      const client = await t.connect();
      const exchange = client.request({ path: '/x' });
      await t.up.arrived(1);
      await drain(t, '?graceful');
      await exchange.done();
      await client.ended(2500);
    },
  });
}

scenario('drain-gradual-begins-slowly', {
  shows: 'drain_strategy gradual: in the first second of a minute no answer ends its connection',
  alone: true,
  flags: GRADUAL,
  upstream: ok,
  async run(t) {
    await drain(t, '?graceful');
    const client = await t.connect();
    for (let i = 0; i < 5; i += 1) await client.request({ path: `/${i}` }).done();
  },
});

scenario('drain-skip-exit', {
  shows: 'skip_exit: the listener is never closed, connections end with their answers',
  alone: true,
  flags: IMMEDIATE,
  upstream: ok,
  hcm: { drain_timeout: '0.2s' },
  async run(t) {
    await drain(t, '?graceful&skip_exit');
    await t.once('/1');
    await sleep(1500);
    t.fact('accepts after it', await accepts(t));
    await t.once('/2');
  },
  unstable: [/downstream_cx_(total|destroy|http1_total|length)/],
});

for (const direction of ['INBOUND', 'OUTBOUND'])
  scenario(`drain-inbound-only-${direction.toLowerCase()}`, {
    shows: `inboundonly with a listener that is ${direction}`,
    alone: true,
    flags: IMMEDIATE,
    upstream: ok,
    listener: { traffic_direction: direction },
    hcm: { drain_timeout: '0.2s' },
    async run(t) {
      await drain(t, '?graceful&inboundonly');
      await t.once('/1');
      await sleep(1500);
      t.fact('accepts after it', await accepts(t));
    },
    unstable: [/downstream_cx_(active|total|destroy|http1)/],
  });

scenario('drain-at-once', {
  shows: 'drain_listeners alone closes the listener; connections go on',
  alone: true,
  flags: IMMEDIATE,
  upstream: ok,
  async run(t) {
    const client = await t.connect();
    await client.request({ path: '/before' }).done();
    await drain(t, '');
    await sleep(100);
    t.fact('accepts after it', await accepts(t));
    await client.request({ path: '/after' }).done();
    await sleep(300);
  },
});

scenario('drain-type-modify-only', {
  shows: 'drain_type MODIFY_ONLY: a failed health check of the server ends no connection',
  alone: true,
  upstream: ok,
  listener: { drain_type: 'MODIFY_ONLY' },
  async run(t) {
    await t.target.admin('/healthcheck/fail', 'POST');
    const client = await t.connect();
    for (let i = 0; i < 3; i += 1) await client.request({ path: `/${i}` }).done();
  },
});

scenario('drain-at-once-gradual', {
  shows: 'drain_listeners alone with the gradual strategy: connections are asked to end as time goes on',
  alone: true,
  flags: ['--drain-time-s', '1', '--drain-strategy', 'gradual'],
  upstream: ok,
  async run(t) {
    const client = await t.connect();
    await client.request({ path: '/before' }).done();
    await drain(t, '');
    await client.request({ path: '/at-once' }).done();
    await sleep(1300);
    await client.request({ path: '/after' }).done();
    await sleep(100);
  },
});

scenario('drain-at-once-inbound-only-outbound', {
  shows: 'drain_listeners?inboundonly leaves a listener that is OUTBOUND, and its connections',
  alone: true,
  flags: IMMEDIATE,
  upstream: ok,
  listener: { traffic_direction: 'OUTBOUND' },
  async run(t) {
    const client = await t.connect();
    await client.request({ path: '/before' }).done();
    await drain(t, '?inboundonly');
    await client.request({ path: '/after' }).done();
    t.fact('accepts after it', await accepts(t));
    await sleep(100);
  },
  unstable: [/downstream_cx_(active|total|destroy|http1)/],
});
