import { ConfigError } from './error.js';
import { type Plain, putPositioned } from './plain.js';
import { type Position, setPosition } from './position.js';

/** Deepest nesting of a document. Envoy's protobuf parser stops at 100 messages. */
export const MAX_DEPTH = 200;

/**
 * Reads JSON (RFC 8259) into positioned plain values; throws ConfigError at the first mistake. Repeated names are refused.
 * Integers that a double cannot hold stay strings, as proto3 JSON writes 64-bit integers.
 */
export function readJson(file: string, text: string): Plain {
  return new JsonReader(file, text).document();
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class JsonReader {
  private at = 0;
  private line = 1;
  private lineStart = 0;
  private depth = 0;

  constructor(
    private readonly file: string,
    private readonly text: string,
  ) {
    if (text.charCodeAt(0) === 0xfeff) this.at = this.lineStart = 1;
  }

  document(): Plain {
    this.skip();
    const value = this.value();
    this.skip();
    if (this.at < this.text.length) throw this.fault('something follows the document');
    return value;
  }

  private position(): Position {
    return { file: this.file, line: this.line, col: this.at - this.lineStart + 1 };
  }

  private fault(reason: string): ConfigError {
    return new ConfigError(reason, '', this.position(), 'well-formed JSON');
  }

  private skip(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.at);
      if (c === 10) {
        this.line++;
        this.lineStart = this.at + 1;
      } else if (c !== 32 && c !== 9 && c !== 13) return;
      this.at++;
    }
  }

  private value(): Plain {
    switch (this.text[this.at]) {
      case '{':
        return this.object();
      case '[':
        return this.array();
      case '"':
        return this.string();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
      case undefined:
        throw this.fault('the document ends where a value is due');
      default:
        return this.number();
    }
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.fault(`unexpected character ${this.seen()}`);
    this.at += word.length;
    return value;
  }

  private seen(): string {
    return this.at < this.text.length ? JSON.stringify(this.text[this.at]) : 'end of document';
  }

  private number(): number | string {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) throw this.fault(`unexpected character ${this.seen()}`);
    this.at += match[0].length;
    const value = Number(match[0]);
    if (!Number.isFinite(value)) throw this.fault('the number is too large');
    return Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(match[0]) ? match[0] : value;
  }

  private object(): Plain {
    const object = {};
    setPosition(object, '', this.position());
    this.enter();
    this.at++;
    this.skip();
    if (this.text[this.at] === '}') this.at++;
    else {
      for (;;) {
        if (this.text[this.at] !== '"') throw this.fault(`a name in double quotes is due, not ${this.seen()}`);
        const position = this.position();
        const key = this.string();
        this.skip();
        if (this.text[this.at] !== ':') throw this.fault(`':' is due, not ${this.seen()}`);
        this.at++;
        this.skip();
        if (Object.hasOwn(object, key))
          throw new ConfigError(`the key ${JSON.stringify(key)} is repeated`, '', position, 'every key once');
        putPositioned(object, key, this.value(), position);
        if (this.next('}')) break;
      }
    }
    this.depth--;
    return object;
  }

  private array(): Plain {
    const array: Plain[] = [];
    setPosition(array, '', this.position());
    this.enter();
    this.at++;
    this.skip();
    if (this.text[this.at] === ']') this.at++;
    else {
      for (;;) {
        setPosition(array, String(array.length), this.position());
        array.push(this.value());
        if (this.next(']')) break;
      }
    }
    this.depth--;
    return array;
  }

  /** After a member: true when the container ends, false when another member follows. */
  private next(close: string): boolean {
    this.skip();
    const c = this.text[this.at];
    if (c !== ',' && c !== close) throw this.fault(`',' or '${close}' is due, not ${this.seen()}`);
    this.at++;
    if (c === close) return true;
    this.skip();
    return false;
  }

  private enter(): void {
    if (++this.depth > MAX_DEPTH) throw this.fault(`the document is nested deeper than ${MAX_DEPTH} levels`);
  }

  private string(): string {
    let from = ++this.at;
    let out = '';
    for (;;) {
      const c = this.text.charCodeAt(this.at);
      if (c === 34) {
        out += this.text.slice(from, this.at++);
        return out;
      }
      if (c === 92) {
        out += this.text.slice(from, this.at) + this.escape();
        from = this.at;
      } else if (c >= 32) this.at++;
      else
        throw this.fault(Number.isNaN(c) ? 'the document ends inside a string' : 'a control character inside a string');
    }
  }

  private escape(): string {
    const c = this.text[this.at + 1];
    if (c === 'u') {
      const hex = this.text.slice(this.at + 2, this.at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw this.fault('\\u needs four hexadecimal digits');
      this.at += 6;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    if (c === undefined || !Object.hasOwn(ESCAPES, c)) throw this.fault('unknown escape in a string');
    this.at += 2;
    return ESCAPES[c];
  }
}
