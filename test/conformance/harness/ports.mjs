import { createServer } from 'node:net';

/**
 * Ports below the kernel's ephemeral range, so that no outgoing connection takes one between its choice and its use. Each
 * process starts at another place.
 */
const FIRST = 12000;
const LAST = 31000;
let next = FIRST + ((process.pid * 131) % (LAST - FIRST));

function free(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

export async function freePort() {
  for (;;) {
    next = next + 1 > LAST ? FIRST : next + 1;
    const port = next;
    if (await free(port)) return port;
  }
}
