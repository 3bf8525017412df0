import net from 'node:net';
import type { Dispatcher } from '../base/dispatcher.js';
import { Connection } from './connection.js';
import { bindShared, preferNewest } from './hand-over.js';
import { native } from './native.js';

/** Options of a listening socket, in the order they are set: before bind, after it, after listen. */
export interface ListenOptions {
  readonly prebind: readonly RawOption[];
  readonly bound: readonly RawOption[];
  readonly listening: readonly RawOption[];
}

export interface RawOption {
  readonly level: number;
  readonly name: number;
  readonly value: Buffer;
  /** For errors: which field asks for it. */
  readonly field: string;
}

const NO_LISTEN_OPTIONS: ListenOptions = { prebind: [], bound: [], listening: [] };

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly backlog: number;
  /** Another process may listen on the same port, where the platform can do it. */
  readonly shared?: boolean;
  readonly options?: ListenOptions;
}

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

  /** Resolves when the address is bound; rejects with the errno of bind, listen or setsockopt. */
  async listen(address: ListenAddress | { path: string }): Promise<void> {
    if ('path' in address) return this.open({ path: address.path });
    const { host, port, backlog, shared = false, options = NO_LISTEN_OPTIONS } = address;
    const { prebind } = options;
    const fd = shared || prebind.length > 0 ? bindShared(host, port, shared, (made) => setOptions(made, prebind)) : -1;
    if (fd >= 0) await this.open({ fd, backlog });
    else if (prebind.length > 0) throw new Error(`bind ${host}:${port} with ${prebind[0].field} failed`);
    else {
      // Known to Node >= 22.12, ignored before.
      const reusePort = shared && process.platform === 'linux';
      await this.open({ host, port, backlog, reusePort } as net.ListenOptions);
    }
    if (shared) preferNewest(fd);
    const own = (this.server as unknown as { _handle: { fd?: number } | null })._handle?.fd ?? -1;
    setOptions(own, options.bound);
    setOptions(own, options.listening);
  }

  private open(target: net.ListenOptions & { fd?: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(target, () => {
        this.listening = true;
        this.server.removeListener('error', reject);
        resolve();
      });
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

function setOptions(fd: number, options: readonly RawOption[]): void {
  for (const { level, name, value, field } of options) {
    const errno = native === null ? -1 : native.setOption(fd, level, name, value);
    if (errno !== 0) throw new Error(`${field}: setsockopt(${level}, ${name}) failed (errno ${errno})`);
  }
}
