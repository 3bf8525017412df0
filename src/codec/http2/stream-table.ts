import type { Http2Stream } from './stream.js';

const FIRST_SIZE = 16;

/**
 * The open streams of a connection by id. Not a `Map`: one that streams come to and leave all the time is copied all the time, and the
 * copies that are left behind keep streams long gone from being collected.
 */
export class StreamTable {
  size = 0;
  /** Heads of chains through `Http2Stream.chained`; ids of one side are two apart. */
  private heads: (Http2Stream | null)[] = new Array(FIRST_SIZE).fill(null);

  get(id: number): Http2Stream | undefined {
    const heads = this.heads;
    for (let stream = heads[(id >>> 1) & (heads.length - 1)]; stream !== null; stream = stream.chained)
      if (stream.streamId === id) return stream;
    return undefined;
  }

  /** Adds a stream, under its `streamId`. */
  add(stream: Http2Stream): void {
    if (this.size >= this.heads.length) this.grow();
    this.file(stream);
    this.size++;
  }

  private file(stream: Http2Stream): void {
    const heads = this.heads;
    const at = (stream.streamId >>> 1) & (heads.length - 1);
    stream.chained = heads[at];
    heads[at] = stream;
  }

  delete(id: number): void {
    const heads = this.heads;
    const at = (id >>> 1) & (heads.length - 1);
    let before: Http2Stream | null = null;
    for (let stream = heads[at]; stream !== null; before = stream, stream = stream.chained) {
      if (stream.streamId !== id) continue;
      if (before === null) heads[at] = stream.chained;
      else before.chained = stream.chained;
      stream.chained = null;
      this.size--;
      return;
    }
  }

  private grow(): void {
    const old = this.heads;
    this.heads = new Array(old.length * 2).fill(null);
    for (const head of old) {
      for (let stream = head; stream !== null; ) {
        const next = stream.chained;
        this.file(stream);
        stream = next;
      }
    }
  }

  /** By ascending id. Streams that are deleted meanwhile are left out, streams that are added come last. */
  *values(): Generator<Http2Stream> {
    let last = 0;
    while (this.size > 0) {
      const batch = this.above(last);
      if (batch.length === 0) return;
      for (const stream of batch) {
        last = stream.streamId;
        if (this.get(last) === stream) yield stream;
      }
    }
  }

  private above(id: number): Http2Stream[] {
    const found: Http2Stream[] = [];
    for (const head of this.heads)
      for (let stream = head; stream !== null; stream = stream.chained) if (stream.streamId > id) found.push(stream);
    return found.sort((a, b) => a.streamId - b.streamId);
  }
}
