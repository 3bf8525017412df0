const NOTHING = new Uint8Array(0);

/**
 * Gathers the body bytes of one read, so that they are delivered at once: one run is passed on as it lies in the read
 * buffer, several (chunks) are copied together.
 */
export class BodyGatherer {
  private body: Uint8Array = NOTHING;
  private start = 0;
  private end = 0;
  private scratch: Buffer = Buffer.alloc(0);

  get empty(): boolean {
    return this.end === this.start;
  }

  add(buf: Uint8Array, start: number, end: number): void {
    const held = this.end - this.start;
    if (held === 0) {
      this.body = buf;
      this.start = start;
      this.end = end;
      return;
    }
    const need = held + end - start;
    if (this.body !== this.scratch) {
      if (this.scratch.length < need) this.scratch = Buffer.allocUnsafeSlow(Math.max(need, 16384));
      this.scratch.set(this.body.subarray(this.start, this.end), 0);
      this.body = this.scratch;
      this.start = 0;
    } else if (this.scratch.length < need) {
      const larger = Buffer.allocUnsafeSlow(need * 2);
      larger.set(this.scratch.subarray(0, held), 0);
      this.body = this.scratch = larger;
    }
    this.scratch.set(buf.subarray(start, end), held);
    this.end = need;
  }

  /** What was gathered; valid until the next `add`. */
  take(): Uint8Array {
    const { body, start, end } = this;
    if (end === start) return NOTHING;
    this.body = NOTHING;
    this.start = this.end = 0;
    return start === 0 && end === body.length ? body : body.subarray(start, end);
  }

  /** Gives up a large copy, so that an idle connection holds little. */
  release(): void {
    if (this.scratch.length > 0) this.scratch = Buffer.alloc(0);
  }
}
