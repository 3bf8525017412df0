import net from 'node:net';
import type { Dispatcher } from '../base/dispatcher.js';
import { Connection } from './connection.js';

/** A listening socket that hands every accepted connection to `onAccept`, inside a dispatcher pass. */
export class ListenSocket {
  private readonly server: net.Server;
  private listening = false;

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly onAccept: (connection: Connection) => void,
  ) {
    this.server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: false }, (socket) => {
      this.dispatcher.enter();
      const connection = new Connection(this.dispatcher, socket, null);
      this.onAccept(connection);
      this.dispatcher.leave();
    });
  }

  /** Resolves when the address is bound; rejects with the errno of bind or listen. */
  listen(address: { host: string; port: number; backlog: number } | { path: string }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      const done = () => {
        this.listening = true;
        this.server.removeListener('error', reject);
        resolve();
      };
      if ('path' in address) this.server.listen(address.path, done);
      else this.server.listen({ host: address.host, port: address.port, backlog: address.backlog }, done);
    });
  }

  /** Port that was bound, for port 0. */
  get port(): number {
    const address = this.server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  /** Stops accepting; connections that exist go on. */
  close(): void {
    if (this.listening) this.server.close();
    this.listening = false;
  }
}
