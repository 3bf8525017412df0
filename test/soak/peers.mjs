/** Servers and clients of the soak that misbehave at random, on raw sockets. */
import { createServer } from 'node:net';
import { H1Client, H1Server } from '../conformance/peers/h1.mjs';
import { H2Client, H2Server } from '../conformance/peers/h2.mjs';
import { dial } from '../conformance/peers/socket.mjs';
import { sleep } from '../conformance/peers/watch.mjs';

/** Picks one of `[[weight, value], ...]`. */
export function draw(random, choices) {
  let point = random() * choices.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, value] of choices) {
    point -= weight;
    if (point < 0) return value;
  }
  return choices[0][1];
}

/** A generator with a seed (mulberry32), so that a run can be repeated. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const body = (random) => 'x'.repeat(Math.floor(random() ** 4 * 200_000));

/** What a server does with a request. */
const HANDLERS = {
  async good(request, random) {
    await request.received(2000);
    request.respond(200, { body: body(random) });
  },
  async late(request, random) {
    await request.received(2000);
    await sleep(random() * 150);
    request.respond(200, { body: 'late' });
  },
  async slowBody(request, random) {
    request.start(200);
    for (let i = 0; i < 5; i += 1) {
      await sleep(random() * 60);
      request.send('part');
    }
    request.finish();
  },
  error: async (request) => {
    await request.received(2000);
    request.respond(503, { body: 'again' });
  },
  early: async (request) => request.respond(200, { body: 'before the request was complete' }),
  stall: async () => {},
  async stallsInBody(request) {
    request.start(200);
    request.send('part');
  },
  reset: async (request) => request.conn.rst(),
  fin: async (request) => request.conn.fin(),
  async resetInBody(request) {
    request.start(200, [['content-length', '1000']]);
    request.send('part');
    await sleep(10);
    request.conn.rst();
  },
  garbage: async (request) => request.conn.raw('HTTP/1.1 what?\r\n\r\n\0\0\0'),
  async goAway(request, random) {
    if (request.conn.goaway) request.conn.goaway('NO_ERROR', random() < 0.5 ? 0 : 2 ** 31 - 1);
    await request.received(2000);
    request.respond(200, { headers: request.conn.goaway ? [] : [['connection', 'close']], body: 'bye' });
  },
  async rstStream(request, random) {
    const codes = ['CANCEL', 'REFUSED_STREAM', 'INTERNAL_ERROR', 'NO_ERROR', 'PROTOCOL_ERROR'];
    if (request.rst) request.rst(codes[Math.floor(random() * codes.length)]);
    else request.conn.rst();
  },
};

const MIX = [
  [60, 'good'],
  [8, 'late'],
  [5, 'slowBody'],
  [6, 'error'],
  [3, 'early'],
  [2, 'stall'],
  [2, 'stallsInBody'],
  [2, 'reset'],
  [2, 'fin'],
  [2, 'resetInBody'],
  [1, 'garbage'],
  [2, 'goAway'],
  [2, 'rstStream'],
];

/** A server on a port of loopback; resolves to {port, count(), connections, close()}. */
export function startServer(proto, random) {
  const connections = new Set();
  let count = 0;
  const Server = proto === 'h2' ? H2Server : H1Server;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const conn = new Server(socket, {
      onRequest: (request) => {
        count += 1;
        HANDLERS[draw(random, MIX)](request, random).catch(() => {});
      },
    });
    connections.add(conn);
    socket.on('close', () => connections.delete(conn));
    // The other side closes for good: so does this one.
    socket.on('end', () => setTimeout(() => socket.destroy(), 50));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () =>
      resolve({
        port: server.address().port,
        connections,
        count: () => count,
        close() {
          server.close();
          for (const conn of connections) conn.destroy();
        },
      }),
    );
  });
}

const post = (random) => ({ method: 'POST', body: body(random) });

/** What a client does on its connection; false when the connection is of no more use. */
const CLIENTS = {
  async get(client) {
    const exchange = client.request({ path: '/get' });
    await exchange.done(8000);
    return exchange;
  },
  async post(client, random) {
    const exchange = client.request({ path: '/post', ...post(random) });
    await exchange.done(8000);
    return exchange;
  },
  async slowUpload(client, random) {
    const exchange = client.request({ path: '/slow', method: 'POST', end: false });
    for (let i = 0; i < 4 && !exchange.ended; i += 1) {
      await sleep(random() * 60);
      exchange.send('part of a body');
    }
    exchange.finish();
    await exchange.done(8000);
    return exchange;
  },
  async stalledUpload(client) {
    const exchange = client.request({ path: '/stalled', method: 'POST', end: false });
    exchange.send('a part, and no more');
    await exchange.done(8000);
    return exchange;
  },
  async leaves(client, random) {
    client.request({ path: '/leaves' });
    await sleep(random() * 40);
    client.rst();
    return null;
  },
  async closes(client, random) {
    client.request({ path: '/closes', ...post(random) });
    await sleep(random() * 40);
    client.fin();
    await sleep(50);
    return null;
  },
  async cancels(client, random) {
    const exchange = client.request({ path: '/cancels' });
    await sleep(random() * 30);
    if (exchange.rst) exchange.rst('CANCEL');
    else client.destroy();
    return null;
  },
  async nonsense(client) {
    client.raw('GET\0 /nonsense\r\n\r\n');
    await client.ended(3000);
    return null;
  },
  async reads(client, random) {
    const exchange = client.request({ path: '/reads' });
    client.pause();
    await sleep(random() * 200);
    client.resume();
    await exchange.done(8000);
    return exchange;
  },
};

const CLIENT_MIX = [
  [50, 'get'],
  [20, 'post'],
  [6, 'slowUpload'],
  [1, 'stalledUpload'],
  [4, 'leaves'],
  [3, 'closes'],
  [4, 'cancels'],
  [1, 'nonsense'],
  [4, 'reads'],
];

/** One request after the other until `stopped()`; what was answered is counted in `seen` by status, '' for none. */
export async function runClient(proto, port, random, seen, stopped) {
  const Client = proto === 'h2' ? H2Client : H1Client;
  let client = null;
  let left = 0;
  while (!stopped()) {
    if (client === null || client.end !== 'open' || left === 0) {
      client?.destroy();
      client = new Client(await dial(port));
      left = 1 + Math.floor(random() * 30);
    }
    left -= 1;
    const exchange = await CLIENTS[draw(random, CLIENT_MIX)](client, random).catch((error) => {
      throw new Error(`the client of the soak failed: ${error.stack}`);
    });
    if (exchange === null) left = 0;
    else {
      const status = statusOf(exchange);
      seen.set(status, (seen.get(status) ?? 0) + 1);
      if (status === '' || exchange.ended === false) left = 0;
    }
    await sleep(random() * 20);
  }
  client?.destroy();
}

function statusOf({ response, headers }) {
  if (response) return response.startLine.split(' ')[1];
  return headers?.find?.(([name]) => name === ':status')?.[1] ?? '';
}
