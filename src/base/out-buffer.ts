/**
 * Bytes on their way to a socket: a chain of slabs from a shared pool. A codec reserves room and writes in place, so a
 * message is framed and copied once. An empty buffer holds no slab.
 */
export const SLAB = 64 * 1024;
const POOL_LIMIT = 64;
const pool: Buffer[] = [];

export function takeSlab(): Buffer {
  return pool.pop() ?? Buffer.allocUnsafeSlow(SLAB);
}

export function returnSlab(slab: Buffer): void {
  if (slab.length === SLAB && pool.length < POOL_LIMIT) pool.push(slab);
}

const NONE = Buffer.alloc(0);

export interface Slice {
  buf: Buffer;
  start: number;
  end: number;
}

export class OutBuffer {
  /** The slab being written; `NONE` while empty. Valid after `reserve`. */
  buf: Buffer = NONE;
  /** Where the next byte goes in `buf`; a writer that used reserved room moves it. */
  pos = 0;
  private start = 0;
  /** Full slabs before the current one, oldest first. */
  private full: Slice[] = [];
  private fullBytes = 0;

  /** Bytes held. */
  get length(): number {
    return this.fullBytes + this.pos - this.start;
  }

  /** Makes sure that `n` (at most SLAB) bytes fit at `buf[pos]`. */
  reserve(n: number): void {
    if (this.buf.length - this.pos >= n) return;
    if (this.pos > this.start) {
      this.full.push({ buf: this.buf, start: this.start, end: this.pos });
      this.fullBytes += this.pos - this.start;
    } else if (this.buf !== NONE) returnSlab(this.buf);
    this.buf = takeSlab();
    this.pos = this.start = 0;
  }

  /** Copies `bytes[start..end)`. */
  write(bytes: Uint8Array, start = 0, end = bytes.length): void {
    while (start < end) {
      if (this.buf.length === this.pos) this.reserve(1);
      const n = Math.min(end - start, this.buf.length - this.pos);
      if (n < 64) for (let i = 0; i < n; i++) this.buf[this.pos + i] = bytes[start + i];
      else this.buf.set(start === 0 && n === bytes.length ? bytes : bytes.subarray(start, start + n), this.pos);
      this.pos += n;
      start += n;
    }
  }

  /** Writes a byte string (Latin-1). */
  writeLatin1(text: string): void {
    const n = text.length;
    if (n > SLAB) {
      this.write(Buffer.from(text, 'latin1'));
      return;
    }
    this.reserve(n);
    this.pos = putLatin1(this.buf, this.pos, text);
  }

  /** Takes the oldest run of bytes out of the buffer; the caller owns the slab and must give it back. */
  shift(): Slice | null {
    if (this.full.length > 0) {
      const first = this.full.shift()!;
      this.fullBytes -= first.end - first.start;
      return first;
    }
    if (this.pos === this.start) return null;
    const slice = { buf: this.buf, start: this.start, end: this.pos };
    this.buf = NONE;
    this.pos = this.start = 0;
    return slice;
  }

  /** Drops everything. */
  clear(): void {
    for (let slice = this.shift(); slice !== null; slice = this.shift()) returnSlab(slice.buf);
    if (this.buf !== NONE) returnSlab(this.buf);
    this.buf = NONE;
    this.pos = this.start = 0;
  }
}

/** Writes a byte string at `buf[at]`; the caller has made room. Returns the position after it. */
export function putLatin1(buf: Buffer, at: number, text: string): number {
  const n = text.length;
  if (n > 40) {
    buf.write(text, at, 'latin1');
    return at + n;
  }
  for (let i = 0; i < n; i++) buf[at + i] = text.charCodeAt(i);
  return at + n;
}
