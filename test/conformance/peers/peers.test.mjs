/** The test peers against Node's own HTTP/1.1 and HTTP/2: what measures others must itself be right. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createH1, request as requestH1 } from 'node:http';
import { connect, createServer as createH2 } from 'node:http2';
import { test } from 'node:test';
import { freePort } from '../harness/ports.mjs';
import { H1Client } from './h1.mjs';
import { H2Client } from './h2.mjs';
import { Decoder, encode } from './hpack.mjs';
import { header } from './message.mjs';
import { dial } from './socket.mjs';
import { Upstream } from './upstream.mjs';

/** Every octet that a header value may have, so that all their Huffman codes occur. */
const OCTETS = String.fromCharCode(
  ...Array.from({ length: 256 }, (_, i) => i).filter((i) => (i > 32 && i < 127) || i > 160),
);

test('the HPACK decoder reads what Node writes, Huffman codes and dynamic table included', async () => {
  const upstream = new Upstream('h2', (request) => request.respond(200), {});
  await upstream.listen('127.0.0.1', await freePort());
  const session = connect(`http://127.0.0.1:${upstream.port}`);
  for (let i = 0; i < 3; i += 1) {
    const stream = session.request({
      ':path': `/${i}`,
      'x-all': Buffer.from(OCTETS, 'latin1').toString('latin1'),
      'x-same': 'value',
    });
    stream.resume();
    await once(stream, 'close');
  }
  session.close();
  for (const [i, { headers }] of upstream.requests.entries()) {
    assert.equal(header(headers, ':path'), `/${i}`);
    assert.equal(header(headers, 'x-same'), 'value');
    assert.equal(header(headers, 'x-all'), OCTETS);
  }
  upstream.close();
});

test('the HPACK encoder writes what the decoder reads', () => {
  const fields = [
    [':status', '200'],
    ['x-long', 'v'.repeat(5000)],
    ['x-empty', ''],
  ];
  assert.deepEqual(new Decoder().decode(encode(fields)), fields);
});

test('the HTTP/2 client talks with Node: body, windows, trailers, reset', async () => {
  const server = createH2((request, response) => {
    if (request.url === '/reset') return response.stream.close(8);
    let bytes = 0;
    request.on('data', (part) => {
      bytes += part.length;
    });
    request.on('end', () => {
      response.writeHead(200);
      response.write(`${bytes} ${'x'.repeat(100_000)}`);
      response.addTrailers({ 'x-end': 'yes' });
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new H2Client(await dial(server.address().port));
  const x = client.request({ method: 'POST', path: '/x', body: Buffer.alloc(300_000) });
  await x.done();
  assert.ok(x.body.text.startsWith('300000 '));
  assert.equal(x.body.bytes, 100_007);
  assert.deepEqual(x.trailers, [['x-end', 'yes']]);
  const reset = client.request({ path: '/reset' });
  await reset.done();
  assert.equal(reset.reset, 'CANCEL');
  client.destroy();
  server.close();
});

test('the HTTP/1 client reads lengths, chunks, trailers and interim responses', async () => {
  const server = createH1((request, response) => {
    if (request.url === '/length') return response.end('four');
    response.writeProcessing();
    response.writeHead(200, { trailer: 'x-end' });
    response.write('one');
    response.write('two');
    response.addTrailers({ 'x-end': 'yes' });
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new H1Client(await dial(server.address().port));
  const length = client.request({ path: '/length' });
  await length.done();
  assert.equal(length.response.body.text, 'four');
  const chunked = client.request({ path: '/chunked' });
  await chunked.done();
  assert.deepEqual(chunked.interim, [102]);
  assert.equal(chunked.response.body.text, 'onetwo');
  assert.deepEqual(chunked.response.trailers, [['x-end', 'yes']]);
  client.destroy();
  server.close();
});

test('the HTTP/1 upstream reads a chunked request with trailers that Node writes', async () => {
  const upstream = new Upstream(
    'h1',
    async (request) => {
      await request.received();
      request.respond(200);
    },
    {},
  );
  await upstream.listen('127.0.0.1', await freePort());
  const request = requestH1({ port: upstream.port, method: 'POST', path: '/x', headers: { trailer: 'x-end' } });
  request.write('one');
  request.addTrailers({ 'x-end': 'yes' });
  request.end('two');
  const [response] = await once(request, 'response');
  response.resume();
  const [seen] = upstream.requests;
  assert.equal(seen.message.body.text, 'onetwo');
  assert.deepEqual(seen.message.trailers, [['x-end', 'yes']]);
  upstream.close();
});
