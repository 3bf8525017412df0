import type { OutBuffer } from '../../base/out-buffer.js';

const TAKEN = new Uint8Array(0);

/** Octets that wait: chunks, taken from the front. */
export class ChunkQueue {
  length = 0;
  private chunks: Uint8Array[] = [];
  private head = 0;
  /** Octets of the first chunk that are taken. */
  private offset = 0;

  /** Keeps a copy. */
  add(data: Uint8Array): void {
    if (data.length === 0) return;
    this.chunks.push(Buffer.from(data));
    this.length += data.length;
  }

  /** Writes the first `n` octets to `out` and drops them. */
  writeTo(out: OutBuffer, n: number): void {
    this.length -= n;
    while (n > 0) {
      const chunk = this.chunks[this.head];
      const take = Math.min(n, chunk.length - this.offset);
      out.write(chunk, this.offset, this.offset + take);
      this.advance(chunk, take);
      n -= take;
    }
  }

  /** Takes the first `n` octets out, in one piece. */
  take(n: number): Uint8Array {
    this.length -= n;
    const first = this.chunks[this.head];
    if (n > 0 && this.offset === 0 && first.length === n) {
      this.advance(first, n);
      return first;
    }
    const out = Buffer.allocUnsafe(n);
    for (let at = 0; at < n; ) {
      const chunk = this.chunks[this.head];
      const part = Math.min(n - at, chunk.length - this.offset);
      out.set(chunk.subarray(this.offset, this.offset + part), at);
      this.advance(chunk, part);
      at += part;
    }
    return out;
  }

  private advance(chunk: Uint8Array, n: number): void {
    this.offset += n;
    if (this.offset < chunk.length) return;
    this.offset = 0;
    // What is taken must not stay alive until the list is cut.
    this.chunks[this.head++] = TAKEN;
    if (this.head === this.chunks.length) {
      this.chunks = [];
      this.head = 0;
    } else if (this.head >= 256 && this.head * 2 >= this.chunks.length) {
      this.chunks.splice(0, this.head);
      this.head = 0;
    }
  }
}
