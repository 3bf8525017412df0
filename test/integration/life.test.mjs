/** Requests never stop, on HTTP/1.1 and HTTP/2, while the configuration changes and while the process is replaced: none is lost. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createH2 } from 'node:http2';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { cluster, freePort, HALFOPEN, listener, ProxyProcess, sleep } from './proxy.mjs';
import { startLoad } from './steady-load.mjs';

/** A server that takes `delay` ms for an answer, and lets its connections live. */
async function server(make, delay) {
  const made = make((request, response) => {
    request.resume();
    setTimeout(() => response.end('ok'), delay);
  });
  made.keepAliveTimeout = 60_000;
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  return { port: made.address().port, close: () => made.close() };
}

/** Requests over HTTP/2, many at a time on one session; a session that ends (GOAWAY) is followed by another. */
function startH2Load({ port, lanes = 4 }) {
  const failures = [];
  let count = 0;
  let stopped = false;
  let session = null;
  const current = () => {
    if (session === null || session.closed || session.destroyed || session.goneAway) {
      const made = connect(`http://127.0.0.1:${port}`);
      made.goneAway = false;
      made.on('goaway', () => {
        made.goneAway = true;
      });
      made.on('error', () => {});
      session = made;
    }
    return session;
  };
  const one = () =>
    new Promise((resolve) => {
      const stream = current().request({ ':path': '/h2' });
      let status = 0;
      stream.on('response', (headers) => {
        status = headers[':status'];
      });
      stream.on('error', (error) => failures.push(`h2: ${error.message}`));
      stream.on('close', () => {
        count += 1;
        if (status !== 200) failures.push(`h2: ${status}, code ${stream.rstCode}`);
        resolve();
      });
      stream.resume();
      stream.end();
    });
  const lane = async () => {
    while (!stopped) await one();
  };
  const all = Promise.all(Array.from({ length: lanes }, lane));
  return {
    failures,
    get count() {
      return count;
    },
    async stop() {
      stopped = true;
      await all;
      session?.close();
    },
  };
}

const total = (load) => [...load.answers.values()].reduce((a, b) => a + b, 0);
const twoHosts = (name, ports, more = {}) => {
  const made = cluster(name, ports[0], 'h1');
  made.load_assignment.endpoints[0].lb_endpoints = ports.map((port) => ({
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
  }));
  return { ...made, ...more };
};

suite('life under load', () => {
  const servers = [];
  let h2;
  before(async () => {
    for (const delay of [0, 20, 40]) servers.push(await server(createServer, delay));
    h2 = await server(createH2, 10);
  });
  after(() => {
    for (const one of [...servers, h2]) one.close();
  });

  test('twenty changes of configuration lose no request', async () => {
    const [a, b, c] = servers.map((one) => one.port);
    const port = await freePort();
    const second = await freePort();
    /** Endpoints alone; other settings of the cluster; the protocol of the upstream; routes; listeners that come and go. */
    const variants = [
      { clusters: [twoHosts('up', [a, b])] },
      { clusters: [twoHosts('up', [b, c])] },
      { clusters: [twoHosts('up', [c], { lb_policy: 'LEAST_REQUEST' })] },
      { clusters: [cluster('up', h2.port, 'h2')] },
      { clusters: [twoHosts('up', [a]), twoHosts('other', [b])], target: 'other' },
      { clusters: [twoHosts('up', [a, b, c])], also: true },
      { clusters: [twoHosts('up', [a, b, c], { connect_timeout: '3s' })], hcm: { server_name: 'changed' } },
    ];
    const parts = ({ clusters, target = 'up', also, hcm }) => ({
      listeners: [
        listener('main', port, target, { hcm }),
        ...(also ? [listener('second', second, target, { hcm })] : []),
      ],
      clusters,
    });
    const proxy = await ProxyProcess.start(HALFOPEN, parts(variants[0]));
    const config = join(proxy.folder, 'bootstrap.yaml');
    const h1Load = startLoad({ port, host: 'life.test', lanes: 8 });
    const h2Load = startH2Load({ port });
    try {
      for (let change = 1; change <= 20; change += 1) {
        const seen = proxy.output.length;
        const next = parts(variants[change % variants.length]);
        const bootstrap = {
          node: { id: 'test', cluster: 'test' },
          admin: { address: { socket_address: { address: '127.0.0.1', port_value: proxy.adminPort } } },
          static_resources: next,
        };
        writeFileSync(`${config}.new`, JSON.stringify(bootstrap));
        renameSync(`${config}.new`, config);
        for (const begin = Date.now(); !proxy.output.slice(seen).includes('configuration updated'); await sleep(20))
          assert.ok(Date.now() - begin < 10_000, `change ${change} was not taken:\n${proxy.output}`);
        await sleep(60);
      }
      await h1Load.stop();
      await h2Load.stop();
      assert.deepEqual([...h1Load.failures, ...h2Load.failures], []);
      assert.ok(total(h1Load) > 200 && h2Load.count > 100, `${total(h1Load)} and ${h2Load.count} requests`);
      const stats = await proxy.admin('/stats?filter=downstream_rq_(5xx|rx_reset|tx_reset|active)');
      for (const line of stats.trim().split('\n'))
        if (!line.startsWith('http.admin')) assert.match(line, /: 0$/, stats);
    } finally {
      await proxy.stop();
    }
  });

  test('three replacements of the process lose no request', async (t) => {
    const { native } = await import('../../dist/network/native.js');
    if (native === null)
      return t.skip('two processes cannot share a port: koffi is not installed, or this is not Linux');
    const port = await freePort();
    const whole = {
      listeners: [listener('main', port, 'up')],
      clusters: [
        twoHosts(
          'up',
          servers.map((one) => one.port),
        ),
      ],
    };
    const command = `${HALFOPEN} --drain-time-s 1 --drain-strategy immediate`;
    let running = await ProxyProcess.start(command, whole);
    const h1Load = startLoad({ port, host: 'life.test', lanes: 8 });
    const h2Load = startH2Load({ port });
    try {
      for (let replacement = 1; replacement <= 3; replacement += 1) {
        await sleep(200);
        const old = running;
        running = await ProxyProcess.start(command, whole);
        await fetch(`http://127.0.0.1:${old.adminPort}/drain_listeners?graceful`, { method: 'POST' });
        const open = async () =>
          /downstream_cx_active: (\d+)/.exec(await old.admin('/stats?filter=http.main.downstream_cx_active'))[1];
        for (const begin = Date.now(); (await open()) !== '0'; await sleep(50))
          assert.ok(Date.now() - begin < 8000, 'the old process keeps connections');
        // Its listener closes when the drain time is over.
        await sleep(1100);
        const requests = await old.admin('/stats?filter=http.main.downstream_rq_(total|completed)');
        const [completed, all] = [...requests.matchAll(/: (\d+)/g)].map(([, n]) => n);
        assert.equal(completed, all, requests);
        await old.stop();
      }
      await sleep(200);
      await h1Load.stop();
      await h2Load.stop();
      assert.deepEqual([...h1Load.failures, ...h2Load.failures], []);
      assert.ok(total(h1Load) > 200 && h2Load.count > 100, `${total(h1Load)} and ${h2Load.count} requests`);
    } finally {
      await running.stop();
    }
  });
});
