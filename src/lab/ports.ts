import net from 'node:net';

const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/**
 * Ports that are free on loopback now. Below the range that the kernel gives to outgoing connections (32768 and up): one of the
 * lab's own connections would take a port from there before its listener does.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  const span = LAST_PORT - FIRST_PORT;
  let next = (process.pid * 97) % span;
  for (let tried = 0; ports.length < count && tried < span; tried++) {
    const port = FIRST_PORT + next;
    next = (next + 1) % span;
    if (await isFree(port)) ports.push(port);
  }
  if (ports.length < count) throw new Error(`no ${count} free ports between ${FIRST_PORT} and ${LAST_PORT}`);
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
