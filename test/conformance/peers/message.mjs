import { createHash } from 'node:crypto';
import { networkInterfaces } from 'node:os';

/** A body as a test keeps it: the first bytes, the length and a digest. */
const KEPT = 256;

export class Body {
  bytes = 0;
  #head = [];
  #kept = 0;
  #hash = createHash('sha256');

  add(chunk) {
    this.bytes += chunk.length;
    if (this.#kept < KEPT) {
      const part = chunk.subarray(0, KEPT - this.#kept);
      this.#head.push(Buffer.from(part));
      this.#kept += part.length;
    }
    this.#hash.update(chunk);
  }

  get text() {
    return Buffer.concat(this.#head).toString('latin1');
  }

  /** The text when it is short, otherwise length and digest. */
  facts() {
    if (this.bytes <= KEPT) return this.text;
    return `${this.bytes} bytes, sha256 ${this.#hash.copy().digest('hex').slice(0, 16)}`;
  }
}

const MASKED = new Set(['date', 'server', 'x-request-id', 'x-envoy-upstream-service-time']);

/** Addresses of this machine, which a proxy writes into x-forwarded-for of what it sends itself. */
const OWN = new Set(
  Object.values(networkInterfaces())
    .flat()
    .filter(({ internal }) => !internal)
    .map(({ address }) => address),
);
const withoutOwn = (list) => list.replace(/[\da-f.:]+/g, (address) => (OWN.has(address) ? 'OWN' : address));

/** Header fields as sorted lines; of those that differ from run to run only the name is kept. */
export function headerFacts(headers) {
  return headers
    .map(([name, value]) => {
      const lower = name.toLowerCase();
      return `${lower}: ${MASKED.has(lower) ? '*' : lower === 'x-forwarded-for' ? withoutOwn(value) : value}`;
    })
    .sort();
}

export function header(headers, name) {
  return headers.find(([key]) => key.toLowerCase() === name)?.[1];
}
