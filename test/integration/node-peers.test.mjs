/** Node's own HTTP/1.1 and HTTP/2 clients and servers on both sides of the proxy. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request as requestH1 } from 'node:http';
import { connect } from 'node:http2';
import { after, before, suite, test } from 'node:test';
import { startAll } from './setup.mjs';

const MiB = 1024 * 1024;
const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const command = process.env.PROXY || undefined;

async function viaH1(port, { method = 'POST', path, body, trailers }) {
  const agent = new Agent();
  const request = requestH1({
    port,
    host: '127.0.0.1',
    method,
    path,
    agent,
    headers: { te: 'trailers', ...(trailers ? { trailer: Object.keys(trailers).join() } : {}) },
  });
  if (trailers) request.addTrailers(trailers);
  request.end(body);
  const [response] = await once(request, 'response');
  const parts = [];
  for await (const part of response) parts.push(part);
  agent.destroy();
  return { status: response.statusCode, body: Buffer.concat(parts), trailers: response.trailers };
}

async function viaH2(port, { method = 'POST', path, body, trailers }) {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request(
    { ':method': method, ':path': path, te: 'trailers' },
    { waitForTrailers: trailers !== undefined },
  );
  if (trailers) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(body);
  const result = { trailers: {} };
  stream.on('trailers', (fields) => {
    result.trailers = fields;
  });
  const [headers] = await once(stream, 'response');
  const parts = [];
  for await (const part of stream) parts.push(part);
  session.close();
  return { ...result, status: headers[':status'], body: Buffer.concat(parts) };
}

suite('Node peers through the proxy', () => {
  let all;
  before(async () => {
    all = await startAll(command);
  });
  after(() => all?.stop());

  for (const [down, via] of [
    ['h1', viaH1],
    ['h2', viaH2],
  ]) {
    for (const up of ['h1', 'h2']) {
      test(`a body of 8 MiB comes back unharmed with its trailers, ${down} to ${up}`, async () => {
        const body = randomBytes(8 * MiB);
        const answer = await via(all.ports[up], { path: '/echo', body, trailers: { 'x-note': 'end' } });
        assert.equal(answer.status, 200);
        assert.equal(sha256(answer.body), sha256(body));
        assert.equal(answer.trailers['x-sha256'], sha256(body));
        assert.equal(answer.trailers['x-echo-x-note'], 'end');
      });

      test(`forty requests at a time get their own answers, ${down} to ${up}`, async () => {
        const bodies = Array.from({ length: 40 }, (_, i) => Buffer.from(`body ${i} `.repeat(i * 50 + 1)));
        const answers = await Promise.all(bodies.map((body) => via(all.ports[up], { path: '/echo', body })));
        answers.forEach((answer, i) => {
          assert.equal(answer.body.toString(), bodies[i].toString());
        });
      });
    }
  }

  test('a response of 128 MiB passes at flat memory', async () => {
    const growth = await all.proxy.growthDuring(async () => {
      const session = connect(`http://127.0.0.1:${all.ports.h1}`);
      const stream = session.request({ ':path': `/bytes/${128 * MiB}` });
      let bytes = 0;
      for await (const part of stream) bytes += part.length;
      session.close();
      assert.equal(bytes, 128 * MiB);
    });
    assert.ok(growth < 64, `resident memory grew by ${growth.toFixed(0)} MiB`);
  });
});
