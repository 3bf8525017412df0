import { connect } from 'node:net';
import { now, Watch } from './watch.mjs';

/**
 * A TCP connection of a test peer. Knows how the other side ended it: `open`, `fin`, `rst`, or `self` when this side
 * closed first.
 */
export class Wire extends Watch {
  end = 'open';
  endAt = 0;
  openedAt = now();
  bytesIn = 0;

  constructor(socket) {
    super();
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.bytesIn += chunk.length;
      this.onBytes(chunk);
      this.changed();
    });
    socket.on('end', () => this.#ended('fin'));
    socket.on('error', (error) =>
      this.#ended(error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'rst' : error.code),
    );
    socket.on('close', () => this.#ended('fin'));
    socket.on('drain', () => this.changed());
  }

  #ended(how) {
    if (this.end !== 'open') return;
    this.end = how;
    this.endAt = now();
    this.onEnd(how);
    this.changed();
  }

  /** Bytes of the other side; overridden by the protocol. */
  onBytes(_chunk) {}

  /** The other side has ended the connection; overridden by the protocol. */
  onEnd(_how) {}

  raw(bytes) {
    if (!this.socket.destroyed) this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /** Waits until the other side has ended the connection. */
  ended(ms) {
    return this.until(() => this.end !== 'open', ms);
  }

  /** Resolves when everything written so far was handed to the kernel; false when that took longer than `ms`. */
  flushed(ms = 5000) {
    return this.until(() => this.socket.writableLength === 0 || this.socket.destroyed, ms);
  }

  pause() {
    this.socket.pause();
  }

  resume() {
    this.socket.resume();
  }

  /** Closes in the orderly way: FIN. */
  fin() {
    this.#self();
    this.socket.end();
  }

  /** Ends with RST. */
  rst() {
    this.#self();
    this.socket.resetAndDestroy();
  }

  #self() {
    if (this.end === 'open') {
      this.end = 'self';
      this.endAt = now();
      this.changed();
    }
  }

  destroy() {
    this.#self();
    this.socket.destroy();
  }
}

/** Connects to a port of the loopback address; the socket stays half open after a FIN of the other side. */
export function dial(port, host = '127.0.0.1', localAddress = undefined) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, localAddress, allowHalfOpen: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      resolve(socket);
    });
  });
}
