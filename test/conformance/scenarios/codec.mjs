/** Clients that break the protocol: which are answered, which are cut off, and what the log calls it. */
import { family, scenario } from '../harness/scenario.mjs';
import { FLAG, FRAME, u32 } from '../peers/h2.mjs';
import { encode } from '../peers/hpack.mjs';
import { sleep } from '../peers/watch.mjs';

family('codec');

const ok = (request) => request.respond(200);

const h1 = {
  'first-line': ['GARBAGE\r\n\r\n', '400: a line that is no request'],
  'bad-version': ['GET / HTTP/1.10\r\nhost: a\r\n\r\n', '400: a malformed version'],
  'http-1-0': ['GET / HTTP/1.0\r\nhost: a\r\n\r\n', '426: HTTP/1.0 is not enabled'],
  'missing-colon': ['GET / HTTP/1.1\r\nhost: a\r\nfoo bar\r\n\r\n', '400: a header line without a colon'],
  'missing-host': ['GET / HTTP/1.1\r\n\r\n', '400 missing_host_header'],
  'length-and-chunked': [
    'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    '400: content-length and chunked together',
  ],
  'other-transfer-encoding': [
    'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n',
    '501: an unknown transfer encoding',
  ],
  'negative-length': ['POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n', '400: a length that is no number'],
  'two-lengths': [
    'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx',
    '400: the length twice',
  ],
  'bad-chunk': [
    'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    '400: a chunk size that is no number',
  ],
  'unknown-scheme': ['GET foo://bar/ HTTP/1.1\r\nhost: a\r\n\r\n', '400: an unknown scheme'],
  'unknown-method': ['FOO / HTTP/1.1\r\nhost: a\r\n\r\n', '400: an unknown method'],
  'nul-in-value': ['GET / HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n', '400: a NUL in a value'],
  'upgrade-not-enabled': [
    'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    '403: an upgrade that is not enabled',
  ],
  'connect-without-route': ['CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n', '404: CONNECT without a route for it'],
  'large-headers': [
    `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(62 * 1024)}\r\n\r\n`,
    '431: more than 60 KiB of headers',
  ],
  'many-headers': [
    `GET / HTTP/1.1\r\nhost: a\r\n${Array.from({ length: 101 }, (_, i) => `x-${i}: 1\r\n`).join('')}\r\n`,
    '431: more than 100 headers',
  ],
};
for (const [name, [bytes, shows]] of Object.entries(h1)) {
  scenario(`codec-h1-${name}`, {
    shows,
    upstream: ok,
    async run(t) {
      const client = await t.connect();
      client.rawRequest('/', bytes);
      await client.ended(1700);
    },
  });
}

scenario('codec-h1-bad-chunk-later', {
  shows: 'A bad chunk after good ones: the upstream has the head already and is closed, the client gets 400',
  upstream: () => {},
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', body: 'good', end: false });
    await t.up.arrived(1);
    client.raw('zz\r\n');
    await x.done();
    await client.ended(1700);
  },
});

scenario('codec-h1-pipelined', {
  shows: 'Pipelined requests are answered one after the other',
  upstream: ok,
  async run(t) {
    const client = await t.connect();
    client.rawRequest('/1', 'GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n');
    const second = client.rawRequest('/2', '');
    await second.done();
  },
});

scenario('codec-h1-connection-close', {
  shows: 'Connection: close of the client is honoured at once',
  upstream: ok,
  async run(t) {
    const client = await t.connect();
    client.request({ path: '/x', headers: [['connection', 'close']] });
    await client.ended(1500);
  },
});

/** Frames after the client's preface; `open` first opens a request on stream 1 that the upstream leaves unanswered. */
const request = (fields, flags = FLAG.END_HEADERS | FLAG.END_STREAM) => [FRAME.HEADERS, flags, 1, encode(fields)];
const GET = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'a'],
  [':path', '/raw'],
];
const h2 = {
  'data-on-zero': [[[FRAME.DATA, 0, 0, Buffer.from('x')]], 'DATA on stream 0: GOAWAY PROTOCOL_ERROR'],
  'data-on-idle': [[[FRAME.DATA, 0, 7, Buffer.from('x')]], 'DATA on an idle stream: GOAWAY PROTOCOL_ERROR'],
  'zero-window-update': [[[FRAME.WINDOW_UPDATE, 0, 0, u32(0)]], 'A window increment of zero'],
  'window-overflow': [
    [[FRAME.WINDOW_UPDATE, 0, 0, u32(2 ** 31 - 1)]],
    'A connection window over 2^31-1: FLOW_CONTROL_ERROR',
  ],
  'frame-too-large': [[[FRAME.DATA, 0, 1, Buffer.alloc(20000)]], 'A frame over 16 KiB: FRAME_SIZE_ERROR'],
  'bad-hpack': [
    [[FRAME.HEADERS, 5, 1, Buffer.from([0xff, 0xff, 0xff, 0xff])]],
    'HPACK that cannot be decoded: COMPRESSION_ERROR',
  ],
  'upper-case-header': [[request([...GET, ['X-Foo', 'a']])], 'An upper-case header name: closed without GOAWAY'],
  'connection-header': [[request([...GET, ['connection', 'close']])], 'A connection header: closed without GOAWAY'],
  'missing-path': [[request(GET.slice(0, 3))], 'No :path: closed'],
  'missing-authority': [[request([GET[0], GET[1], GET[3]])], 'No :authority'],
  'even-stream': [[[FRAME.HEADERS, 5, 2, encode(GET)]], 'A client stream with an even number'],
  'unknown-frame': [[[0x42, 0, 0, Buffer.from('x')], request(GET)], 'An unknown frame is ignored'],
  'priority-on-itself': [
    [[FRAME.PRIORITY, 0, 1, Buffer.concat([u32(1), Buffer.from([0])])], request(GET)],
    'A stream that depends on itself',
  ],
};
for (const [name, [frames, shows]] of Object.entries(h2)) {
  scenario(`codec-h2-${name}`, {
    shows,
    down: 'h2',
    upstream: ok,
    alone: false,
    async run(t) {
      const client = await t.connect();
      await client.until(() => client.bytesIn > 0, 1000);
      await sleep(30);
      for (const each of frames) client.frame(...each);
      await client.ended(1700);
      t.fact('answered bytes', client.bytesIn > 0);
    },
  });
}

scenario('codec-h2-first-frame-no-settings', {
  shows: 'A preface without SETTINGS: GOAWAY PROTOCOL_ERROR `SETTINGS expected`',
  down: 'h1',
  upstream: ok,
  async run(t) {
    const client = await t.connect({ proto: 'h1' });
    let seen = Buffer.alloc(0);
    client.onBytes = (data) => {
      seen = Buffer.concat([seen, data]);
    };
    client.raw('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    client.raw(Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]));
    await client.ended(1700);
    t.fact('says', seen.toString('latin1').includes('SETTINGS expected'));
  },
});

scenario('codec-h2-too-many-streams', {
  shows: 'More streams than max_concurrent_streams: the connection ends with all of them',
  down: 'h2',
  upstream: () => {},
  hcm: { http2_protocol_options: { max_concurrent_streams: 2 } },
  async run(t) {
    const client = await t.connect();
    await client.until(() => client.bytesIn > 0, 1000);
    for (let i = 1; i <= 3; i += 1) client.request({ path: `/${i}` });
    await client.ended(1700);
  },
});

scenario('codec-h2-content-length-mismatch', {
  shows: 'More DATA than content-length: RST_STREAM PROTOCOL_ERROR, DPE',
  down: 'h2',
  upstream: () => {},
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', headers: [['content-length', '2']], body: 'abcdef' });
    await x.done(1700);
  },
});

scenario('codec-h2-reset-flood', {
  shows: 'HEADERS and RST_STREAM in turn: the 250th premature reset closes the connection',
  down: 'h2',
  up: 'h2',
  upstream: () => {},
  unstable: [/^(client.*exchanges|upstream|log|stats\.cluster)/, /connection\.(end|after)/],
  alone: true,
  async run(t) {
    const client = await t.connect();
    await client.until(() => client.bytesIn > 0, 1000);
    for (let i = 0; i < 260; i += 1) client.request({ path: '/x' }).rst('CANCEL');
    t.fact('closed', await client.ended(1700));
  },
});
