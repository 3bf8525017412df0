import { createHash } from 'node:crypto';

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

/** Header fields as sorted lines; of those that differ from run to run only the name is kept. */
export function headerFacts(headers) {
  return headers
    .map(([name, value]) => {
      const lower = name.toLowerCase();
      return `${lower}: ${MASKED.has(lower) ? '*' : value}`;
    })
    .sort();
}

export function header(headers, name) {
  return headers.find(([key]) => key.toLowerCase() === name)?.[1];
}
