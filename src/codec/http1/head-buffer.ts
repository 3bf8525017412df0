const SMALL = 4096;

/**
 * Holds a head (or trailer block) that has not come whole, and where its lines are once it has. One per connection, reused
 * from message to message.
 */
export class HeadBuffer {
  bytes: Buffer = Buffer.alloc(0);
  length = 0;
  /** Where the line that is being received begins. */
  lineStart = 0;

  count = 0;
  readonly nameStart: number[] = [];
  readonly nameEnd: number[] = [];
  readonly valueStart: number[] = [];
  readonly valueEnd: number[] = [];

  append(buf: Uint8Array, start: number, end: number): void {
    const need = this.length + end - start;
    if (this.bytes.length < need) {
      const larger = Buffer.allocUnsafeSlow(Math.max(need * 2, SMALL));
      larger.set(this.bytes.subarray(0, this.length), 0);
      this.bytes = larger;
    }
    if (end - start === 1) this.bytes[this.length] = buf[start];
    else this.bytes.set(buf.subarray(start, end), this.length);
    this.length = need;
  }

  clear(): void {
    this.count = 0;
  }

  addLine(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const i = this.count++;
    this.nameStart[i] = nameStart;
    this.nameEnd[i] = nameEnd;
    this.valueStart[i] = valueStart;
    this.valueEnd[i] = valueEnd;
  }

  /** Gives up a large buffer, so that an idle connection holds little. */
  release(): void {
    if (this.bytes.length > SMALL) this.bytes = Buffer.alloc(0);
  }
}
