/** Listener filters and filter chains: which chain takes a connection, and what happens while that is found out. */
import { family } from '../harness/scenario.mjs';
import { tcpScenario } from '../harness/tcp.mjs';
import { clientHello } from '../peers/client-hello.mjs';
import { now, sleep } from '../peers/watch.mjs';

family('listener');

const TYPE = 'type.googleapis.com/envoy.extensions.filters.listener.';
const TLS = {
  name: 'envoy.filters.listener.tls_inspector',
  typed_config: { '@type': `${TYPE}tls_inspector.v3.TlsInspector` },
};
const HTTP = {
  name: 'envoy.filters.listener.http_inspector',
  typed_config: { '@type': `${TYPE}http_inspector.v3.HttpInspector` },
};
const ORIGINAL = {
  name: 'envoy.filters.listener.original_dst',
  typed_config: { '@type': `${TYPE}original_dst.v3.OriginalDst` },
};

/** Says which upstream it is. */
const sayer = (name) => ({
  handler: (conn) => {
    conn.raw(name).finish();
    conn.bulk = true;
  },
});
const names = (...list) => Object.fromEntries(list.map((name) => [name, sayer(name)]));

/** Connects, sends, and waits for the answer: which chain it was. */
async function ask(t, bytes, options = {}) {
  const client = await t.connect(options);
  if (bytes !== '') client.raw(bytes);
  await client.ended(options.wait ?? 2500);
  client.finish();
  return client.end === 'open' ? 'nothing' : client.text;
}

tcpScenario('chain-by-server-name', {
  shows: 'tls_inspector reads the server name: exact before wildcard before none; bytes pass untouched',
  upstream: sayer('none'),
  upstreams: names('exact', 'wild', 'wilder', 'plain'),
  listener: { listener_filters: [TLS] },
  logListener: true,
  chains: ({ tcp }) => [
    { name: 'none', filter_chain_match: { transport_protocol: 'tls' }, filters: [tcp()] },
    { name: 'wilder', filter_chain_match: { server_names: ['*.com'] }, filters: [tcp({}, 'wilder')] },
    { name: 'wild', filter_chain_match: { server_names: ['*.Example.com'] }, filters: [tcp({}, 'wild')] },
    { name: 'exact', filter_chain_match: { server_names: ['www.example.com'] }, filters: [tcp({}, 'exact')] },
    { name: 'plain', filter_chain_match: { transport_protocol: 'raw_buffer' }, filters: [tcp({}, 'plain')] },
  ],
  unstable: [
    /listener\[\d\]\.(received|sent|up|down)/,
    /log\[\d\]\.(received|up|down)/,
    /bytes/,
    /client\[\d\]/,
    /destroy/,
    // The size of a ClientHello is the TLS library's choice.
    /upstream\..*received/,
  ],
  async run(t) {
    const arrived = () =>
      [...t.upstreams.values()].flatMap((each) => each.connections).reduce((n, c) => n + c.bytesIn, 0);
    for (const name of [
      'www.example.com',
      'WWW.Example.com',
      'a.example.com',
      'a.b.example.com',
      'example.com',
      'other.org',
      '',
    ]) {
      const [hello, before] = [await clientHello(name), arrived()];
      t.fact(`sni ${name}`, await ask(t, hello));
      t.fact(`whole ${name}`, arrived() - before === hello.length);
    }
    t.fact('plain', await ask(t, 'GET / HTTP/1.1\r\n\r\n'));
  },
});

tcpScenario('chain-by-alpn', {
  shows: 'application_protocols match what the ClientHello offers, in its order',
  upstream: sayer('none'),
  upstreams: names('h2', 'h1', 'istio'),
  listener: { listener_filters: [TLS] },
  chains: ({ tcp }) => [
    { name: 'none', filters: [tcp()] },
    { name: 'h2', filter_chain_match: { application_protocols: ['h2'] }, filters: [tcp({}, 'h2')] },
    { name: 'h1', filter_chain_match: { application_protocols: ['http/1.1'] }, filters: [tcp({}, 'h1')] },
    {
      name: 'istio',
      filter_chain_match: { transport_protocol: 'tls', application_protocols: ['istio'] },
      filters: [tcp({}, 'istio')],
    },
  ],
  unstable: [/^upstream/, /log\[\d\]\.(received|up|down)/, /bytes/, /destroy/],
  async run(t) {
    for (const alpn of [['h2', 'http/1.1'], ['http/1.1', 'h2'], ['istio'], ['x', 'istio', 'h2'], []]) {
      t.fact(`alpn ${alpn}`, await ask(t, await clientHello('a.b', alpn)));
    }
  },
});

tcpScenario('tls-inspector-in-pieces', {
  shows: 'A ClientHello that comes byte by byte is read as one',
  upstream: sayer('none'),
  upstreams: names('sni'),
  listener: { listener_filters: [TLS] },
  chains: ({ tcp }) => [
    { name: 'none', filters: [tcp()] },
    { name: 'sni', filter_chain_match: { server_names: ['in.pieces'] }, filters: [tcp({}, 'sni')] },
  ],
  unstable: [/^upstream/, /log\[\d\]\.(received|up|down)/, /bytes/],
  async run(t) {
    const hello = await clientHello('in.pieces');
    const client = await t.connect();
    for (let i = 0; i < hello.length; i += 40) {
      client.raw(hello.subarray(i, i + 40));
      await sleep(5);
    }
    await client.ended(2000);
    client.finish();
    t.fact('chain', client.text);
  },
});

const HELLO_LIKE = {
  empty: '',
  one: '\x16',
  'record type only': '\x16\x03\x01',
  'record header': '\x16\x03\x01\x00\x05',
  'not a hello': '\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00',
  alert: '\x15\x03\x01\x00\x02\x02\x28',
  'broken hello': '\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03',
  'short text': 'hi\n',
  'five letters': 'hello',
  letter: 'h',
  zero: '\x00',
  get: 'GET / HTTP/1.1\r\n',
  'old hello': '\x80\x2e\x01\x03\x01',
};

tcpScenario('tls-inspector-on-anything', {
  shows: 'What is taken for TLS, what is not, and what is waited for',
  upstream: sayer('raw'),
  upstreams: names('tls'),
  listener: { listener_filters: [TLS], listener_filters_timeout: '0.5s' },
  chains: ({ tcp }) => [
    { name: 'raw', filter_chain_match: { transport_protocol: 'raw_buffer' }, filters: [tcp()] },
    { name: 'tls', filter_chain_match: { transport_protocol: 'tls' }, filters: [tcp({}, 'tls')] },
  ],
  unstable: [/^log/, /^client/, /^upstream/, /bytes/, /destroy/, /stats/],
  async run(t) {
    for (const [label, bytes] of Object.entries(HELLO_LIKE)) {
      const since = now();
      const answer = await ask(t, Buffer.from(bytes, 'latin1'), { wait: 1500 });
      t.fact(label, `${answer || 'closed'} ${now() - since > 300 ? 'after the timeout' : 'at once'}`);
    }
  },
});

tcpScenario('tls-inspector-large-hello', {
  shows: 'A ClientHello beyond max_client_hello_size ends the connection',
  upstream: sayer('up'),
  listener: {
    listener_filters: [{ ...TLS, typed_config: { ...TLS.typed_config, max_client_hello_size: 300 } }],
  },
  logListener: true,
  async run(t) {
    const client = await t.connect();
    const hello = Buffer.concat([Buffer.from([0x16, 3, 1, 0x3f, 0xf0, 1, 0, 0x3f, 0xec, 3, 3]), Buffer.alloc(1000, 7)]);
    client.raw(hello);
    await client.ended(2500);
  },
});

const HTTP_LIKE = {
  'http/1.1': 'GET / HTTP/1.1\r\nhost: a\r\n\r\n',
  'http/1.1 first line': 'GET / HTTP/1.1\r\n',
  'http/1.1 with CR only': 'GET / HTTP/1.1\r',
  'http/1.1 with LF only': 'GET / HTTP/1.1\n',
  'http/1.0': 'GET / HTTP/1.0\r\n',
  'http/0.9': 'GET /\r\n',
  'http/0.9 named': 'GET / HTTP/0.9\r\n',
  'http/1.2': 'GET / HTTP/1.2\r\n',
  'http/2.0 line': 'GET / HTTP/2.0\r\n',
  'no version': 'GET / HTTP/x\r\n',
  preface: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'half a preface': 'PRI * HTTP/2.0\r\n\r\n',
  'broken preface': 'PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n',
  'odd method': 'FOO / HTTP/1.1\r\n',
  'long method': 'PROPFIND / HTTP/1.1\r\n',
  'lower-case method': 'get / HTTP/1.1\r\n',
  'text line': 'hello there\r\n',
  'upper text line': 'HELLO there\r\n',
  'upper words': 'EHLO a.example b\r\n',
  redis: '*1\r\n$4\r\nPING\r\n',
  digits: '220 smtp\r\n',
  'empty line': '\r\n',
  'empty line first': '\r\nGET / HTTP/1.1\r\n',
  zero: '\x00\x00\x00\x00',
  letters: 'GET / HT',
  'lower letters': 'abc',
  'upper letter': 'G',
  'other upper letter': 'Z',
  space: ' GET / HTTP/1.1\r\n',
  options: 'OPTIONS * HTTP/1.1\r\n',
  connect: 'CONNECT a:80 HTTP/1.1\r\n',
  'absolute url': 'GET http://a/b HTTP/1.1\r\n',
  'odd url': 'GET a b c HTTP/1.1\r\n',
  'two spaces': 'GET  / HTTP/1.1\r\n',
  'tab between': 'GET\t/\tHTTP/1.1\r\n',
  'control in url': 'GET /\x01 HTTP/1.1\r\n',
  'url beyond ASCII': 'GET /\xff HTTP/1.1\r\n',
  'space after': 'GET / HTTP/1.1 \r\n',
  'long line': `GET /${'x'.repeat(9000)} HTTP/1.1\r\n`,
  'longer line': `GET /${'x'.repeat(70000)} HTTP/1.1\r\n`,
};

tcpScenario('http-inspector-on-anything', {
  shows: 'What is taken for HTTP, of which version, what is not, and what is waited for',
  upstream: sayer('none'),
  upstreams: names('h10', 'h11', 'h2c'),
  listener: { listener_filters: [HTTP], listener_filters_timeout: '0.5s' },
  chains: ({ tcp }) => [
    { name: 'none', filters: [tcp()] },
    { name: 'h10', filter_chain_match: { application_protocols: ['http/1.0'] }, filters: [tcp({}, 'h10')] },
    { name: 'h11', filter_chain_match: { application_protocols: ['http/1.1'] }, filters: [tcp({}, 'h11')] },
    { name: 'h2c', filter_chain_match: { application_protocols: ['h2c'] }, filters: [tcp({}, 'h2c')] },
  ],
  unstable: [/^log/, /^client/, /^upstream/, /bytes/, /destroy/],
  async run(t) {
    const entries = Object.entries(HTTP_LIKE);
    await Promise.all(
      entries.map(async ([label, bytes]) => {
        const since = now();
        const answer = await ask(t, Buffer.from(bytes, 'latin1'), { wait: 1800 });
        t.fact(label, `${answer || 'closed'} ${now() - since > 350 ? 'after the timeout' : 'at once'}`);
      }),
    );
  },
});

for (const go of [false, true]) {
  tcpScenario(`listener-filter-timeout-${go ? 'continues' : 'closes'}`, {
    shows: go
      ? 'continue_on_listener_filters_timeout: a client that says nothing reaches its server all the same'
      : 'A client that says nothing is closed by listener_filters_timeout',
    upstream: (conn) => {
      conn.raw('220 hello');
    },
    listener: {
      listener_filters: [TLS, HTTP],
      listener_filters_timeout: '0.4s',
      continue_on_listener_filters_timeout: go,
    },
    logListener: true,
    async run(t) {
      const since = now();
      const client = await t.connect();
      await client.until(() => client.end !== 'open' || client.text !== '', 3000);
      t.time('after', since);
      client.destroy();
      await sleep(100);
    },
  });
}

for (const [how, leave] of [
  ['fin', (client) => client.destroy()],
  ['rst', (client) => client.rst()],
]) {
  for (const said of ['', '\x16\x03']) {
    tcpScenario(`listener-filter-client-leaves-${how}${said === '' ? '-silent' : ''}`, {
      shows: `A client leaves (${how}) while it is inspected, ${said === '' ? 'not having said anything' : 'having said something'}`,
      upstream: () => {},
      listener: { listener_filters: [TLS], listener_filters_timeout: '1s' },
      logListener: true,
      async run(t) {
        const client = await t.connect();
        if (said !== '') client.raw(said);
        await t.untilStat('listener.downstream_pre_cx_active', 1);
        await sleep(50);
        leave(client);
        await sleep(1300);
      },
    });
  }
}

tcpScenario('chain-none-matches', {
  shows: 'No chain matches: closed, no_filter_chain_match, NR in the log of the listener',
  upstream: () => {},
  logListener: true,
  chains: ({ tcp }) => [{ filter_chain_match: { source_ports: [1] }, filters: [tcp()] }],
  async run(t) {
    const client = await t.connect();
    await client.ended(2000);
  },
});

tcpScenario('chain-default', {
  shows: 'default_filter_chain takes what no other chain does',
  upstream: sayer('other'),
  upstreams: names('rest'),
  chains: ({ tcp }) => [{ name: 'other', filter_chain_match: { source_ports: [1] }, filters: [tcp()] }],
  last: ({ tcp }) => ({ name: 'rest', filters: [tcp({}, 'rest')] }),
  async run(t) {
    t.fact('chain', await ask(t, 'x'));
  },
});

tcpScenario('chain-by-addresses', {
  shows:
    'The order: destination port, destination prefix, then direct source, source type, source prefix and source port',
  upstream: sayer('bare'),
  upstreams: names('port', 'wide', 'narrow', 'source', 'loopback', 'direct'),
  chains: ({ tcp }, t) => [
    { name: 'bare', filters: [tcp()] },
    {
      name: 'port',
      filter_chain_match: {
        destination_port: t.port,
        prefix_ranges: [{ address_prefix: '127.0.0.2', prefix_len: 32 }],
      },
      filters: [tcp({}, 'port')],
    },
    {
      name: 'wide',
      filter_chain_match: { destination_port: t.port, prefix_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
      filters: [tcp({}, 'wide')],
    },
    {
      name: 'narrow',
      filter_chain_match: {
        destination_port: t.port,
        prefix_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }],
        direct_source_prefix_ranges: [{ address_prefix: '127.0.0.3', prefix_len: 32 }],
        source_prefix_ranges: [{ address_prefix: '127.0.0.9', prefix_len: 32 }],
      },
      filters: [tcp({}, 'narrow')],
    },
    {
      name: 'source',
      filter_chain_match: {
        destination_port: t.port,
        prefix_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }],
        source_prefix_ranges: [{ address_prefix: '127.0.0.4', prefix_len: 30 }],
      },
      filters: [tcp({}, 'source')],
    },
    {
      name: 'loopback',
      filter_chain_match: {
        destination_port: t.port,
        prefix_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }],
        direct_source_prefix_ranges: [{ address_prefix: '127.0.0.8', prefix_len: 32 }],
        source_type: 'SAME_IP_OR_LOOPBACK',
      },
      filters: [tcp({}, 'loopback')],
    },
  ],
  unstable: [/^log/, /^client/, /^upstream/, /bytes/, /destroy/],
  async run(t) {
    for (const from of ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.7', '127.0.0.8'])
      t.fact(from, await ask(t, 'x', { from }));
  },
});

tcpScenario('listener-filter-disabled', {
  shows: 'A listener filter whose filter_disabled matches the port is left out',
  upstream: sayer('none'),
  upstreams: names('h11'),
  listener: { listener_filters_timeout: '0.4s' },
  chains: ({ tcp }, t) => {
    t.scenario.listener.listener_filters = [
      {
        ...HTTP,
        filter_disabled: { destination_port_range: { start: t.port, end: t.port + 1 } },
      },
    ];
    return [
      { name: 'none', filters: [tcp()] },
      { name: 'h11', filter_chain_match: { application_protocols: ['http/1.1'] }, filters: [tcp({}, 'h11')] },
    ];
  },
  async run(t) {
    t.fact('chain', await ask(t, 'GET / HTTP/1.1\r\n\r\n'));
  },
});

tcpScenario('http-behind-inspector', {
  shows: 'An HTTP chain behind the inspector gets the request whole, bytes that were looked at included',
  upstream: {
    handler: (conn) => {
      conn.onChunk = () => conn.raw('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    },
  },
  upstreams: names('tcp'),
  listener: { listener_filters: [TLS, HTTP] },
  chains: ({ tcp, http }) => [
    { name: 'http', filter_chain_match: { application_protocols: ['http/1.1', 'h2c'] }, filters: [http()] },
    { name: 'tcp', filters: [tcp({}, 'tcp')] },
  ],
  unstable: [/^log/, /client\[0\]/, /^upstream/, /bytes/],
  async run(t) {
    const client = await t.connect();
    client.raw('GET /a HTTP/1.1\r\n');
    await sleep(50);
    client.raw('host: a\r\n\r\n');
    await client.has('ok');
    t.fact('status', client.text.split('\r\n')[0]);
    client.finish();
    await client.ended(2000);
    t.fact('not http', await ask(t, 'hello\r\n'));
  },
});

tcpScenario('original-dst-without-redirect', {
  shows: 'use_original_dst on a connection that was not redirected: the listener keeps it',
  upstream: sayer('up'),
  listener: { use_original_dst: true, listener_filters: [ORIGINAL] },
  logListener: true,
  async run(t) {
    t.fact('chain', await ask(t, 'x'));
  },
});
