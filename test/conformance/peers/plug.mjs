import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { dial } from './socket.mjs';
import { sleep } from './watch.mjs';

/**
 * An upstream that can be unplugged: it lives in a thread of its own, which answers every request with 200 `ok` until it is
 * told to stop dead. From then on nothing is read, nothing is accepted, and once its short accept queue is filled the
 * kernel drops further SYNs: to a proxy the host looks as if its cable were pulled. It needs no privilege.
 */
export class Plug {
  #worker;
  #fillers = [];
  /** [0]: 1 while unplugged; the thread waits on it. */
  #state = new Int32Array(new SharedArrayBuffer(4));

  constructor(proto, options = {}) {
    this.proto = proto;
    this.options = options;
  }

  async listen(host, port) {
    this.host = host;
    this.port = port;
    this.#worker = new Worker(fileURLToPath(import.meta.url), {
      workerData: { proto: this.proto, options: this.options, host, port, state: this.#state },
    });
    await new Promise((resolve, reject) => {
      this.#worker.once('message', resolve);
      this.#worker.once('error', reject);
    });
  }

  /** From now on each answer waits `ms` milliseconds, so that requests overlap. */
  slow(ms) {
    return this.#tell({ slow: ms });
  }

  #tell(message) {
    const done = new Promise((resolve) => this.#worker.once('message', resolve));
    this.#worker.postMessage(message);
    return done;
  }

  /** Stops the thread and fills the accept queue, so that connects hang. */
  async unplug() {
    Atomics.store(this.#state, 0, 1);
    await this.#tell('unplug');
    // The queue holds backlog + 1 connections; a connect that does not succeed at once shows that it is full.
    for (let i = 0; i < 8; i += 1) {
      const filler = dial(this.port, this.host).catch(() => null);
      const socket = await Promise.race([filler, sleep(60).then(() => 'hangs')]);
      this.#fillers.push(filler);
      if (socket === 'hangs') return;
    }
    throw new Error('the accept queue did not fill');
  }

  /** Goes on where it stopped. */
  plug() {
    Atomics.store(this.#state, 0, 0);
    Atomics.notify(this.#state, 0);
  }

  facts() {
    return null;
  }

  close() {
    this.plug();
    this.#worker.terminate();
    for (const filler of this.#fillers) {
      filler.then((socket) => {
        socket?.on('error', () => {});
        socket?.destroy();
      });
    }
  }
}

if (!isMainThread && workerData?.state) {
  const { parentPort } = await import('node:worker_threads');
  const { H1Server } = await import('./h1.mjs');
  const { H2Server } = await import('./h2.mjs');
  const { proto, options, host, port, state } = workerData;
  const Server = proto === 'h2' ? H2Server : H1Server;
  let slow = 0;
  const onRequest = async (request) => {
    await request.received();
    if (slow > 0) await sleep(slow);
    request.respond(200);
  };
  const server = createServer(
    { allowHalfOpen: true, noDelay: true },
    (socket) => new Server(socket, { ...options, onRequest }),
  );
  server.listen({ host, port, backlog: 1 }, () => parentPort.postMessage('listening'));
  parentPort.on('message', (message) => {
    parentPort.postMessage('done');
    if (message === 'unplug') Atomics.wait(state, 0, 1);
    else slow = message.slow;
  });
}
