import { Body } from './message.mjs';
import { Wire } from './socket.mjs';

/** A server connection without a protocol: what came, and the means to send. Each connection counts as one request. */
export class TcpServer extends Wire {
  body = new Body();

  constructor(socket, { onRequest }) {
    super(socket);
    queueMicrotask(() => onRequest(this));
  }

  onBytes(data) {
    this.body.add(data);
  }

  /** Waits until so many bytes have come. */
  read(bytes, ms) {
    return this.until(() => this.body.bytes >= bytes || this.end !== 'open', ms);
  }

  facts() {
    return { received: this.body.facts(), end: this.end };
  }
}
