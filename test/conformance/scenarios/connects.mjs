/** CONNECT that ends here: its bytes go to a TCP connection. */
import { family, pairs, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('connects');

/** Routes of CONNECT requests. */
const connects = (config, more = {}) => ({
  entry: { match: { prefix: null, connect_matcher: {} } },
  route: { upgrade_configs: [{ upgrade_type: 'CONNECT', ...config }], ...more },
  hcm: { http2_protocol_options: { allow_connect: true } },
});
const connect = (client, more = {}) =>
  client.request({
    method: 'CONNECT',
    path: 'far.test:443',
    host: 'far.test:443',
    end: client.http2 ? false : undefined,
    ...more,
  });

/** Talks bytes: says hello, answers what it hears. */
async function plain(conn) {
  conn.raw('hello');
  await conn.read(4);
  conn.raw('pong');
}

pairs(
  (down, _up, suffix) => {
    const name = `connect-terminated-${suffix.split('-')[0]}`;
    scenario(name, {
      shows: 'connect_config: the tunnel ends here, its bytes go to a TCP connection',
      down,
      upstream: { proto: 'tcp', handler: plain },
      ...connects({ connect_config: {} }),
      async run(t) {
        const client = await t.connect();
        const x = connect(client, down === 'h2' ? { end: false } : {});
        await x.read(5);
        x.send('ping');
        await x.read(9);
        client.fin();
        await sleep(80);
      },
    });
  },
  [
    ['h1', 'h1'],
    ['h2', 'h1'],
  ],
);

pairs(
  (down, _up, suffix) => {
    scenario(`connect-terminated-upstream-ends-${suffix.split('-')[0]}`, {
      shows: 'The TCP upstream closes',
      down,
      upstream: {
        proto: 'tcp',
        handler: async (conn) => {
          conn.raw('hello');
          await conn.read(4);
          conn.fin();
        },
      },
      ...connects({ connect_config: {} }),
      async run(t) {
        const client = await t.connect();
        const x = connect(client, down === 'h2' ? { end: false } : {});
        await x.read(5);
        x.send('ping');
        if (down === 'h2') await x.done(2500);
        else await client.ended(2500);
        await sleep(50);
      },
    });
  },
  [
    ['h1', 'h1'],
    ['h2', 'h1'],
  ],
);

pairs(
  (down, _up, suffix) => {
    scenario(`connect-terminated-upstream-resets-${suffix.split('-')[0]}`, {
      shows: 'The TCP upstream resets its connection',
      down,
      upstream: {
        proto: 'tcp',
        handler: async (conn) => {
          conn.raw('hello');
          await conn.read(4);
          conn.rst();
        },
      },
      ...connects({ connect_config: {} }),
      async run(t) {
        const client = await t.connect();
        const x = connect(client, down === 'h2' ? { end: false } : {});
        await x.read(5);
        x.send('ping');
        if (down === 'h2') await x.done(2500);
        else await client.ended(2500);
        await sleep(50);
      },
    });
  },
  [
    ['h1', 'h1'],
    ['h2', 'h1'],
  ],
);

scenario('connect-terminated-refused', {
  shows: 'Nothing listens: 503 UF',
  down: 'h2',
  upstream: { proto: 'tcp', kind: 'refused' },
  ...connects({ connect_config: {} }),
  async run(t) {
    const client = await t.connect();
    await connect(client, { end: false }).done();
  },
});

scenario('connect-terminated-client-ends', {
  shows: 'The client ends its half over HTTP/2',
  down: 'h2',
  upstream: {
    proto: 'tcp',
    handler: async (conn) => {
      conn.raw('hello');
      await conn.ended(2000);
    },
  },
  ...connects({ connect_config: {} }),
  async run(t) {
    const client = await t.connect();
    const x = connect(client, { end: false });
    await x.read(5);
    x.send('last', true);
    await x.done(1500);
    await sleep(50);
  },
});

scenario('connect-terminated-and-route-timeout', {
  shows: 'The route timeout does not hold for a tunnel',
  down: 'h2',
  upstream: { proto: 'tcp', handler: plain },
  ...connects({ connect_config: {} }, { timeout: '0.4s' }),
  async run(t) {
    const client = await t.connect();
    const x = connect(client, { end: false });
    await x.read(5);
    await sleep(700);
    x.send('ping');
    await x.read(9);
    client.fin();
    await sleep(80);
  },
});

scenario('connect-terminated-retried', {
  shows: 'A connect that fails is tried again under connect-failure',
  down: 'h2',
  upstream: { proto: 'tcp', kind: 'refused' },
  ...connects({ connect_config: {} }, { retry_policy: { retry_on: 'connect-failure' } }),
  async run(t) {
    const client = await t.connect();
    await connect(client, { end: false }).done();
  },
});

scenario('connect-post', {
  shows: 'allow_post: the body of a POST goes to the TCP connection',
  down: 'h2',
  upstream: { proto: 'tcp', handler: plain },
  route: { upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: { allow_post: true } }] },
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', end: false });
    await x.read(5);
    x.send('ping');
    await x.read(9);
    x.finish();
    await x.done(1000);
    client.fin();
    await sleep(80);
  },
});
