/**
 * The upstream of the integration tests, for HTTP/1.1 and HTTP/2 (cleartext, prior knowledge), in a process of its own.
 * Prints one line of JSON, {h1, h2}: the two ports.
 *
 * - `POST /echo` gives the body back, with the trailer `x-sha256` and, as `x-echo-*`, the trailers of the request
 * - `POST /sink` takes the body and answers {bytes, sha256, trailers}
 * - `GET /bytes/N` gives N bytes, with the trailer `x-sha256`
 * - `GET /silent` never answers; `GET /delay/MS` answers later; `GET /status/N` answers N
 */
import { createHash } from 'node:crypto';
import { createServer as createH1 } from 'node:http';
import { createServer as createH2 } from 'node:http2';

const BLOCK = Buffer.alloc(256 * 1024);
for (let i = 0; i < BLOCK.length; i += 1) BLOCK[i] = (i * 31 + (i >> 8)) & 0xff;

async function handle(request, response, url) {
  const hash = createHash('sha256');
  const h2 = request.httpVersionMajor === 2;
  const announce = h2 ? {} : { trailer: 'x-sha256' };
  const [, what, number] = url.split('/');
  if (what === 'echo') {
    response.writeHead(200, announce);
    for await (const chunk of request) {
      hash.update(chunk);
      if (!response.write(chunk)) await drained(response);
    }
    const trailers = { 'x-sha256': hash.digest('hex') };
    for (const [name, value] of Object.entries(request.trailers)) trailers[`x-echo-${name}`] = value;
    response.addTrailers(trailers);
    response.end();
  } else if (what === 'sink') {
    let bytes = 0;
    for await (const chunk of request) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    response.end(JSON.stringify({ bytes, sha256: hash.digest('hex'), trailers: request.trailers }));
  } else if (what === 'bytes') {
    response.writeHead(200, announce);
    for (let left = Number(number); left > 0; left -= BLOCK.length) {
      const part = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
      hash.update(part);
      if (!response.write(part)) await drained(response);
    }
    response.addTrailers({ 'x-sha256': hash.digest('hex') });
    response.end();
  } else if (what === 'status') {
    response.writeHead(Number(number));
    response.end(`status ${number}`);
  } else if (what === 'delay') {
    setTimeout(() => response.end('later'), Number(number));
  } else if (what !== 'silent') response.end('ok');
}

function drained(response) {
  return new Promise((resolve, reject) => {
    const settle = (then) => () => {
      response.removeListener('drain', onDrain);
      response.removeListener('close', onClose);
      then();
    };
    const onDrain = settle(resolve);
    const onClose = settle(() => reject(new Error('closed')));
    response.once('drain', onDrain);
    response.once('close', onClose);
  });
}

const onRequest = (request, response) => {
  handle(request, response, request.url).catch(() => response.destroy?.());
};
const h1 = createH1({ requestTimeout: 0, headersTimeout: 0 }, onRequest);
const h2 = createH2({ settings: { initialWindowSize: 4 * 1024 * 1024, maxConcurrentStreams: 1024 } }, onRequest);
h2.on('session', (session) => {
  session.setLocalWindowSize(16 * 1024 * 1024);
  session.on('error', () => {});
});
await Promise.all([h1, h2].map((server) => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))));
process.stdout.write(`${JSON.stringify({ h1: h1.address().port, h2: h2.address().port })}\n`);
