import { createServer } from 'node:net';
import { H1Server } from './h1.mjs';
import { H2Server } from './h2.mjs';
import { TcpServer } from './tcp.mjs';
import { Watch } from './watch.mjs';

/**
 * An upstream of a scenario: a listening socket whose connections speak `proto` (`h1`, `h2`), or `mute`, which accepts and
 * never reads. The n-th request of all connections goes to the n-th handler, the last handler takes the rest.
 */
export class Upstream extends Watch {
  connections = [];
  requests = [];
  #handlers;
  #server;

  constructor(proto, handlers, options) {
    super();
    this.proto = proto;
    this.options = options;
    this.#handlers = Array.isArray(handlers) ? handlers : [handlers];
  }

  listen(host, port) {
    const mute = this.proto === 'mute';
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: mute }, (socket) => {
      if (mute) {
        socket.on('error', () => {});
        this.connections.push({ socket, facts: () => ({}), destroy: () => socket.destroy() });
        this.changed();
        return;
      }
      const Server = this.proto === 'h2' ? H2Server : this.proto === 'tcp' ? TcpServer : H1Server;
      const conn = new Server(socket, { ...this.options, onRequest: (request) => this.#request(request) });
      this.connections.push(conn);
      this.options.onConnection?.(conn, this.connections.length - 1);
      this.changed();
    });
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.port = port;
        resolve();
      });
    });
  }

  #request(request) {
    const handler = this.#handlers[Math.min(this.requests.length, this.#handlers.length - 1)];
    this.requests.push(request);
    this.changed();
    handler(request, this);
  }

  /** Waits until `count` requests came in all. */
  arrived(count, ms) {
    return this.until(() => this.requests.length >= count, ms);
  }

  connected(count, ms) {
    return this.until(() => this.connections.length >= count, ms);
  }

  /** No longer accepts: connects are refused. Connections that are open stay. */
  refuse() {
    return new Promise((resolve) => {
      this.#server.close();
      // close() calls back only after the last connection; the socket itself is closed at once.
      setImmediate(resolve);
    });
  }

  facts() {
    if (this.proto === 'mute') return { connections: this.connections.length };
    return { connections: this.connections.map((conn) => conn.facts()) };
  }

  close() {
    this.#server.close();
    for (const conn of this.connections) conn.destroy();
  }
}
