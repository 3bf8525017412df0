import { createSocket } from 'node:dgram';

const TYPE = { A: 1, AAAA: 28 };
const NXDOMAIN = 3;
const SERVFAIL = 2;

/**
 * A name server on UDP. `answer(name)` says what is known: a list of IPv4 addresses, 'nxdomain' or 'servfail'; AAAA is always
 * empty. `options.ttl` in seconds.
 */
export class NameServer {
  queries = 0;
  #socket = createSocket('udp4');

  constructor(answer, { ttl = 1 } = {}) {
    this.answer = answer;
    this.ttl = ttl;
    this.#socket.on('message', (message, from) => this.#reply(message, from));
  }

  listen(host, port) {
    return new Promise((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.bind(port, host, resolve);
    });
  }

  #reply(message, from) {
    const labels = [];
    let at = 12;
    for (let length = message[at]; length > 0; length = message[at]) {
      labels.push(message.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const question = message.subarray(12, at + 5);
    const type = message.readUInt16BE(at + 1);
    if (type === TYPE.A) this.queries += 1;
    const known = this.answer(labels.join('.'));
    const addresses = Array.isArray(known) && type === TYPE.A ? known : [];
    const head = Buffer.alloc(12);
    head.writeUInt16BE(message.readUInt16BE(0), 0);
    head.writeUInt16BE(0x8180 | (known === 'nxdomain' ? NXDOMAIN : known === 'servfail' ? SERVFAIL : 0), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(addresses.length, 6);
    const records = addresses.map((address) => {
      const record = Buffer.from([
        0xc0,
        12,
        0,
        TYPE.A,
        0,
        1,
        0,
        0,
        0,
        this.ttl,
        0,
        4,
        ...address.split('.').map(Number),
      ]);
      return record;
    });
    this.#socket?.send(Buffer.concat([head, question, ...records]), from.port, from.address);
  }

  facts() {
    return null;
  }

  close() {
    this.#socket?.close();
    this.#socket = null;
  }
}
