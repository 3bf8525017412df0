/**
 * Node's `spec` reporter with one addition: before the summary, every skipped test with the reason it gave.
 */
import { Transform } from 'node:stream';
import { spec as Spec } from 'node:test/reporters';

export default class Reporter extends Transform {
  #spec = new Spec();
  #skipped = [];
  #listed = false;

  constructor() {
    super({ writableObjectMode: true });
    this.#spec.on('data', (text) => this.push(text));
  }

  _transform(event, _encoding, done) {
    const { type, data } = event;
    if ((type === 'test:pass' || type === 'test:fail') && data.skip !== undefined) {
      this.#skipped.push(`${data.name}: ${data.skip === true ? 'no reason given' : data.skip}`);
    }
    if (type === 'test:diagnostic' && data.nesting === 0 && /^tests \d+$/.test(data.message)) this.#listSkipped();
    this.#spec.write(event, done);
  }

  _flush(done) {
    this.#spec.once('end', () => done());
    this.#spec.end();
  }

  #listSkipped() {
    if (this.#listed || this.#skipped.length === 0) return;
    this.#listed = true;
    this.push(`\nskipped (${this.#skipped.length}):\n${this.#skipped.map((line) => `  - ${line}\n`).join('')}\n`);
  }
}
