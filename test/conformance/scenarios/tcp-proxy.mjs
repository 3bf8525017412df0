/** The TCP proxy: how connections end on either side, connects that fail, clocks, limits, back-pressure. */
import { family } from '../harness/scenario.mjs';
import { tcpScenario } from '../harness/tcp.mjs';
import { now, sleep } from '../peers/watch.mjs';

family('tcp');

/** Echoes, and ends when the peer has. */
const echo = (conn) => {
  conn.onChunk = (chunk) => conn.raw(chunk);
  conn.onEnd = () => conn.finish();
};
const silent = () => {};

tcpScenario('tcp-echo', {
  shows: 'Bytes pass both ways; a FIN of the client passes too, and the FIN of the answer ends the connection',
  upstream: echo,
  async run(t) {
    const client = await t.connect();
    client.raw('ping');
    await client.has('ping');
    client.finish();
    await client.ended(2000);
  },
});

tcpScenario('tcp-half-closed-by-client', {
  shows: 'A client that has sent its FIN still gets the answer',
  upstream: (conn) => {
    conn.onEnd = async () => {
      await sleep(200);
      conn.raw('late').finish();
    };
  },
  async run(t) {
    const client = await t.connect();
    client.raw('question').finish();
    await client.ended(2000);
  },
});

tcpScenario('tcp-half-closed-by-upstream', {
  shows: 'An upstream that has sent its FIN still gets what the client sends',
  upstream: (conn) => {
    conn.raw('bye').finish();
  },
  async run(t) {
    const client = await t.connect();
    await client.ended(2000);
    client.raw('one more');
    await t.up.connections[0].has('one more');
    client.finish();
    await t.up.connections[0].ended(2000);
  },
});

tcpScenario('tcp-server-first', {
  shows: 'A server that speaks first is heard by a client that says nothing',
  upstream: (conn) => {
    conn.raw('220 hello\r\n');
    conn.onEnd = () => conn.finish();
  },
  async run(t) {
    const client = await t.connect();
    await client.has('hello');
    client.finish();
    await client.ended(2000);
  },
});

tcpScenario('tcp-upstream-reset', {
  shows: 'A reset by the upstream ends the client connection',
  upstream: (conn) => {
    conn.onChunk = () => conn.rst();
  },
  async run(t) {
    const client = await t.connect();
    client.raw('x');
    await client.ended(2000);
  },
});

tcpScenario('tcp-upstream-closes-after-answer', {
  shows: 'Bytes written just before the upstream closes arrive',
  upstream: (conn) => {
    conn.onChunk = () => {
      conn.raw('answer');
      conn.socket.end(() => conn.socket.destroy());
    };
  },
  async run(t) {
    const client = await t.connect();
    client.raw('x');
    await client.ended(2000);
    await sleep(100);
    client.finish();
  },
});

tcpScenario('tcp-client-reset', {
  shows: 'A reset by the client ends the upstream connection',
  upstream: echo,
  async run(t) {
    const client = await t.connect();
    client.raw('ping');
    await client.has('ping');
    client.rst();
    await t.up.connections[0].ended(2000);
  },
});

for (const attempts of [1, 3]) {
  tcpScenario(`tcp-refused-${attempts}`, {
    shows: `A refused connect is tried ${attempts} time(s), then the client is closed`,
    upstream: { kind: 'refused' },
    proxy: attempts === 1 ? {} : { max_connect_attempts: attempts },
    async run(t) {
      const client = await t.connect();
      client.raw('x');
      await client.ended(2000);
    },
  });

  tcpScenario(`tcp-connect-timeout-${attempts}`, {
    timed: true,
    shows: `A connect that hangs is given up after connect_timeout, ${attempts} time(s)`,
    upstream: { kind: 'plug', cluster: { connect_timeout: '0.3s' } },
    proxy: attempts === 1 ? {} : { max_connect_attempts: attempts },
    async run(t) {
      await t.up.unplug();
      const client = await t.connect();
      const since = now();
      client.raw('x');
      await client.ended(3000);
      t.time('closed after', since);
    },
  });
}

tcpScenario('tcp-second-host', {
  shows: 'With several attempts the next host is tried',
  upstream: {
    hosts: ['127.0.0.1', '127.0.0.2'],
    refusedHosts: 1,
    handler: echo,
    cluster: { lb_policy: 'ROUND_ROBIN' },
  },
  proxy: { max_connect_attempts: 2 },
  unstable: [/log\[\d\]\.(attempts|failure|flags|duration)/, /connect|upstream_cx|upstream_rq|destroy/],
  async run(t) {
    for (let i = 0; i < 2; i += 1) {
      const client = await t.connect();
      client.raw('ping');
      t.fact(`answered ${i + 1}`, await client.has('ping'));
      client.finish();
      await client.ended(1000);
    }
  },
});

tcpScenario('tcp-no-cluster', {
  shows: 'A cluster that does not exist: NC',
  upstream: echo,
  proxy: { cluster: 'nowhere' },
  async run(t) {
    const client = await t.connect();
    await client.ended(2000);
  },
});

tcpScenario('tcp-no-host', {
  shows: 'A cluster without a host: UH',
  upstream: { kind: 'none' },
  async run(t) {
    const client = await t.connect();
    await client.ended(2000);
  },
});

tcpScenario('tcp-overflow', {
  shows: 'Beyond max_connections of the cluster: UO',
  upstream: { handler: echo, cluster: { circuit_breakers: { thresholds: [{ max_connections: 1 }] } } },
  async run(t) {
    const first = await t.connect();
    first.raw('ping');
    await first.has('ping');
    const second = await t.connect();
    await second.ended(2000);
    first.finish();
    await first.ended(2000);
  },
});

tcpScenario('tcp-idle', {
  timed: true,
  shows: 'idle_timeout closes both sides; every byte in either direction starts it anew',
  upstream: echo,
  proxy: { idle_timeout: '0.4s' },
  async run(t) {
    const client = await t.connect();
    const since = now();
    client.raw('a');
    await sleep(250);
    client.raw('b');
    await client.ended(3000);
    t.time('closed after', since);
    await t.up.connections[0].ended(1000);
  },
});

tcpScenario('tcp-max-duration', {
  timed: true,
  shows: 'max_downstream_connection_duration closes both sides in spite of traffic',
  upstream: echo,
  proxy: { max_downstream_connection_duration: '0.5s' },
  async run(t) {
    const client = await t.connect();
    client.bulk = true;
    const since = now();
    while (client.end === 'open' && now() - since < 3000) {
      client.raw('x');
      await sleep(50);
    }
    t.time('closed after', since);
    await t.up.connections[0].ended(1000);
    t.up.connections[0].bulk = true;
  },
  unstable: [/bytes/, /received|sent|up$|down$/],
});

tcpScenario('tcp-max-duration-while-connecting', {
  timed: true,
  shows: 'max_downstream_connection_duration runs from the accept, also while the connect hangs',
  upstream: { kind: 'plug', cluster: { connect_timeout: '5s' } },
  proxy: { max_downstream_connection_duration: '0.4s' },
  async run(t) {
    await t.up.unplug();
    const client = await t.connect();
    const since = now();
    await client.ended(3000);
    t.time('closed after', since);
  },
});

tcpScenario('tcp-client-leaves-while-connecting', {
  shows: 'A reset by the client while the connect hangs is not seen: nothing is read until the connect succeeds',
  upstream: { kind: 'plug', cluster: { connect_timeout: '0.5s' } },
  async run(t) {
    await t.up.unplug();
    const client = await t.connect();
    client.raw('x');
    await sleep(100);
    client.rst();
    t.fact('seen at once', await t.untilStat('listener.downstream_cx_destroy', 1, 200));
    await t.untilStat('listener.downstream_cx_destroy', 1, 3000);
  },
  unstable: [/stats\..*destroy/, /log\[0\]\.(failure|flags|termination|attempts|duration)/],
});

tcpScenario('tcp-finish-before-connected', {
  shows: 'What a client sent before its FIN reaches the upstream whole, although it was connected to later',
  upstream: (conn) => {
    conn.onEnd = () => conn.raw(`got ${conn.bytesIn}`).finish();
  },
  async run(t) {
    const client = await t.connect();
    client.raw('x'.repeat(1000)).finish();
    await client.ended(2000);
  },
});

tcpScenario('tcp-weighted', {
  shows: 'weighted_clusters: a weight of all takes all',
  upstream: silent,
  upstreams: { other: { handler: echo } },
  chains: ({ tcp, cluster }) => [
    {
      filters: [
        tcp({
          cluster: null,
          weighted_clusters: {
            clusters: [{ name: cluster('other'), weight: 100 }],
          },
        }),
      ],
    },
  ],
  async run(t) {
    const client = await t.connect();
    client.raw('ping');
    await client.has('ping');
    client.finish();
    await client.ended(2000);
  },
});

tcpScenario('tcp-upload-held-back', {
  shows: 'An upstream that does not read stops the reading of the client',
  upstream: {
    handler: (conn) => {
      conn.bulk = true;
      conn.pause();
    },
    cluster: { per_connection_buffer_limit_bytes: 32768 },
  },
  listener: { per_connection_buffer_limit_bytes: 32768 },
  alone: true,
  async run(t) {
    const client = await t.connect();
    const size = 24 * 1024 * 1024;
    client.raw(Buffer.alloc(size, 'x'));
    t.fact('paused', await t.untilStat('tcp.downstream_flow_control_paused_reading_total', 1, 4000));
    t.up.connections[0].resume();
    client.finish();
    await t.up.connections[0].until(() => t.up.connections[0].bytesIn === size, 5000);
    t.fact('all arrived', t.up.connections[0].bytesIn === size);
    t.up.connections[0].finish();
    await client.ended(2000);
  },
});

tcpScenario('tcp-download-held-back', {
  shows: 'A client that does not read stops the reading of the upstream',
  upstream: {
    handler: (conn) => {
      conn.raw(Buffer.alloc(24 * 1024 * 1024, 'x')).finish();
    },
    cluster: { per_connection_buffer_limit_bytes: 32768 },
  },
  listener: { per_connection_buffer_limit_bytes: 32768 },
  alone: true,
  async run(t) {
    const client = await t.connect();
    client.bulk = true;
    client.pause();
    t.fact('paused', await t.untilStat('cluster.up.upstream_flow_control_paused_reading_total', 1, 4000));
    client.resume();
    await client.ended(5000);
    client.finish();
  },
});

tcpScenario('tcp-flush-to-upstream', {
  shows:
    'The client has ended both ways and the upstream does not read: what was taken is still written, then the connection closes',
  upstream: {
    handler: (conn) => {
      conn.bulk = true;
      conn.pause();
      conn.finish();
    },
  },
  alone: true,
  coarse: /flow_control|bytes/,
  // Whether anything was left to flush when the client was gone: the kernel's buffers decide.
  unstable: [/log\[\d\]\.(duration|up)/, /upstream_rq|_cx_|flush_total/],
  async run(t) {
    const client = await t.connect();
    const size = 24 * 1024 * 1024;
    client.raw(Buffer.alloc(size, 'x'));
    client.finish();
    await t.untilStat('tcp.upstream_flush_active', 1, 1500);
    t.fact('flushing', await t.stat('tcp.upstream_flush_active'));
    t.up.connections[0].resume();
    await t.up.connections[0].ended(4000);
    await sleep(100);
    t.fact('flushing afterwards', await t.stat('tcp.upstream_flush_active'));
    t.fact('arrived', t.up.connections[0].bytesIn === size);
  },
});

tcpScenario('tcp-log-on-connected', {
  shows: 'A line of the access log when the upstream is connected, and one at the end',
  upstream: echo,
  proxy: { access_log_options: { flush_access_log_on_connected: true } },
  async run(t) {
    const client = await t.connect();
    client.raw('ping');
    await client.has('ping');
    client.finish();
    await client.ended(2000);
  },
});

tcpScenario('tcp-log-on-start', {
  shows: 'A line of the access log at the start, and one at the end',
  upstream: echo,
  proxy: { access_log_options: { flush_access_log_on_start: true } },
  async run(t) {
    const client = await t.connect();
    client.raw('ping');
    await client.has('ping');
    client.finish();
    await client.ended(2000);
  },
});

tcpScenario('tcp-log-periodically', {
  timed: true,
  shows: 'A line of the access log every access_log_flush_interval',
  upstream: echo,
  proxy: { access_log_options: { access_log_flush_interval: '0.4s' } },
  async run(t) {
    const client = await t.connect();
    client.raw('ping');
    await client.has('ping');
    await sleep(950);
    client.finish();
    await client.ended(2000);
  },
});

tcpScenario('tcp-drop-with-listener-log', {
  shows: 'A listener logs its connections too',
  upstream: echo,
  logListener: true,
  async run(t) {
    const client = await t.connect();
    client.raw('ping');
    await client.has('ping');
    client.finish();
    await client.ended(2000);
  },
});
