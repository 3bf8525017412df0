import type { HeaderName } from '../../base/header-names.js';

/** So many lines of a head are remembered, in so many bytes at most. */
const LINES = 32;
const BYTES = 4096;
/** A line that was another one so many times in a row is remembered by its name alone. */
const MISSES = 8;

/** A line of the last head. */
export class KnownLine {
  value = '';
  /** Its bytes in the memory: `name:` alone, or all of it with its line end. 0: nothing. */
  start = 0;
  length = 0;
  /** Bytes that are kept for it from `start` on. */
  room = 0;
  misses = 0;

  constructor(public name: HeaderName) {}
}

/**
 * The lines of the last head of a connection, by their places. Its messages tend to say the same in the same places, and what was read and
 * checked once is then known by its bytes.
 */
export class LineMemory {
  bytes = new Uint8Array(0);
  readonly lines: KnownLine[] = [];
  private used = 0;

  /** Line `i` is `buf[start..end)`, and not the one that was remembered. */
  learn(i: number, name: HeaderName, value: string, buf: Uint8Array, start: number, end: number): void {
    let line: KnownLine;
    if (i < this.lines.length) {
      line = this.lines[i];
      if (line.misses === MISSES && line.name === name) return;
      if (line.misses < MISSES) line.misses++;
    } else {
      if (i >= LINES) return;
      line = new KnownLine(name);
      this.lines.push(line);
    }
    const length = line.misses < MISSES ? end - start : name.text.length + 1;
    line.length = 0;
    line.name = name;
    if (length > line.room && !this.makeRoom(line, length)) return;
    line.value = value;
    line.length = length;
    const { bytes } = this;
    const to = line.start;
    for (let k = 0; k < length; k++) bytes[to + k] = buf[start + k];
  }

  private makeRoom(line: KnownLine, length: number): boolean {
    const room = length + 8;
    if (this.used + room > BYTES) return false;
    line.start = this.used;
    line.room = room;
    this.used += room;
    if (this.used > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.used, 256, Math.min(BYTES, this.bytes.length * 2)));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    return true;
  }
}
