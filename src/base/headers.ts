import { H, type HeaderName, Joins } from './header-names.js';

/**
 * Header lines in order, as two parallel arrays; repeated names are separate entries unless the name is inline.
 * Values are byte strings (one char per byte, Latin-1). Pseudo-headers are fields of the subclasses.
 */
export class HeaderMap {
  readonly names: HeaderName[] = [];
  readonly values: string[] = [];
  /** OR of the `Bit`s of every name ever added; a set bit may be stale after a removal, a clear one is certain. */
  bits = 0;

  /** Which `HeaderName.joins` apply to this kind of map. */
  protected get joined(): number {
    return 0;
  }

  /** Adds as a codec does: a repeated inline header is joined to the first one; an empty value adds nothing to another. */
  add(name: HeaderName, value: string): void {
    if ((name.joins & this.joined) !== 0) {
      if ((this.bits & name.bit) !== 0 || name.bit === 0) {
        const at = this.indexOf(name);
        if (at >= 0) {
          const first = this.values[at];
          if (first === '') this.values[at] = value;
          else if (value !== '') this.values[at] = first + (name === H.cookie ? '; ' : ',') + value;
          return;
        }
      }
    }
    this.bits |= name.bit;
    this.names.push(name);
    this.values.push(value);
  }

  /** Appends a line without looking for an earlier one of the same name. */
  push(name: HeaderName, value: string): void {
    this.bits |= name.bit;
    this.names.push(name);
    this.values.push(value);
  }

  /** Position of the first line of this name at or after `from`, or -1. */
  indexOf(name: HeaderName, from = 0): number {
    const names = this.names;
    if (name.permanent) {
      for (let i = from; i < names.length; i++) if (names[i] === name) return i;
    } else {
      for (let i = from; i < names.length; i++) if (names[i] === name || names[i].text === name.text) return i;
    }
    return -1;
  }

  has(name: HeaderName): boolean {
    return this.get(name) !== undefined;
  }

  /** The first value, or undefined. */
  get(name: HeaderName): string | undefined {
    if (name.bit !== 0 && (this.bits & name.bit) === 0) return undefined;
    const at = this.indexOf(name);
    return at < 0 ? undefined : this.values[at];
  }

  /** All values joined with `,`, as Envoy's matchers and operators see a repeated header; undefined when absent. */
  getJoined(name: HeaderName): string | undefined {
    let at = this.indexOf(name);
    if (at < 0) return undefined;
    let out = this.values[at];
    while ((at = this.indexOf(name, at + 1)) >= 0) out += `,${this.values[at]}`;
    return out;
  }

  /** Replaces every line of the name by one; it keeps the place of the first. */
  set(name: HeaderName, value: string): void {
    const at = name.bit !== 0 && (this.bits & name.bit) === 0 ? -1 : this.indexOf(name);
    if (at < 0) {
      this.push(name, value);
      return;
    }
    this.values[at] = value;
    let next = at;
    while ((next = this.indexOf(name, next + 1)) >= 0) this.removeAt(next--);
  }

  /** Removes every line of the name; true when there was one. */
  remove(name: HeaderName): boolean {
    if (name.bit !== 0 && (this.bits & name.bit) === 0) return false;
    let at = this.indexOf(name);
    if (at < 0) return false;
    for (; at >= 0; at = this.indexOf(name, at)) this.removeAt(at);
    return true;
  }

  removeAt(at: number): void {
    const { names, values } = this;
    // By hand: `splice` makes an array of what it takes out.
    const last = names.length - 1;
    for (let i = at; i < last; i++) {
      names[i] = names[i + 1];
      values[i] = values[i + 1];
    }
    names.pop();
    values.pop();
  }

  get size(): number {
    return this.names.length;
  }

  /** Sum of the lengths of names and values, as Envoy's `byteSize()` counts them (pseudo-headers left out). */
  byteSize(): number {
    let n = 0;
    for (let i = 0; i < this.names.length; i++) n += this.names[i].text.length + this.values[i].length;
    return n;
  }
}

/** Request head. `undefined` means absent; an empty string means present and empty. */
export class RequestHeaders extends HeaderMap {
  protected override get joined(): number {
    return Joins.REQUEST;
  }

  method = '';
  path: string | undefined = undefined;
  authority: string | undefined = undefined;
  scheme: string | undefined = undefined;
  /** `:protocol` of an extended CONNECT (RFC 8441). */
  protocol: string | undefined = undefined;
  /**
   * Order in which an HTTP/2 client sent the pseudo-headers, kept when the request goes on over HTTP/2: octal digits, first
   * one lowest (1 method, 2 path, 3 scheme, 4 authority, 5 protocol). 0: not known, the order of a request from HTTP/1.
   */
  pseudoOrder = 0;
}

/** A request head of its own with the same fields. */
export function copyRequestHeaders(from: RequestHeaders): RequestHeaders {
  const to = new RequestHeaders();
  to.method = from.method;
  to.path = from.path;
  to.authority = from.authority;
  to.scheme = from.scheme;
  to.protocol = from.protocol;
  to.pseudoOrder = from.pseudoOrder;
  for (let i = 0; i < from.names.length; i++) to.push(from.names[i], from.values[i]);
  return to;
}

/** Response head, also of a 1xx. */
export class ResponseHeaders extends HeaderMap {
  protected override get joined(): number {
    return Joins.RESPONSE;
  }

  constructor(public status: number) {
    super();
  }
}

export class Trailers extends HeaderMap {
  protected override get joined(): number {
    return Joins.TRAILERS;
  }
}
