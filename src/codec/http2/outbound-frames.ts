import type { CodecConnection } from '../codec.js';
import type { Http2CodecStats } from './stats.js';

/**
 * Frames of one connection that were written and that the kernel has not taken yet, to find a peer that makes us answer and
 * does not read (max_outbound_frames, max_outbound_control_frames). The connection only says how many bytes it holds, so each frame
 * is remembered by where it ends.
 */
export class OutboundFrames {
  frames = 0;
  /** Of these, answers to PING and SETTINGS, and RST_STREAM. */
  control = 0;
  /** Ring of frame ends, counted in bytes since the connection was last empty; of a control frame the negated end. */
  private ends = new Float64Array(16);
  private first = 0;
  private written = 0;
  private listed = false;

  constructor(
    private readonly connection: CodecConnection,
    private readonly stats: Http2CodecStats,
  ) {}

  /** A frame of `size` bytes, header included, was written. */
  add(size: number, control: boolean): void {
    if (this.frames === this.ends.length) {
      this.release();
      if (this.frames === this.ends.length) this.grow();
    }
    if (!this.listed) {
      this.listed = true;
      this.stats.queues.add(this);
    }
    this.written += size;
    this.ends[(this.first + this.frames) & (this.ends.length - 1)] = control ? -this.written : this.written;
    this.frames++;
    if (control) this.control++;
  }

  /** Forgets the frames that have gone out since. */
  release(): void {
    if (this.frames === 0) return;
    const unsent = this.connection.unsentBytes();
    if (unsent === 0) {
      this.clear();
      return;
    }
    const gone = this.written - unsent;
    const mask = this.ends.length - 1;
    while (this.frames > 0) {
      const end = this.ends[this.first];
      if (Math.abs(end) > gone) break;
      this.first = (this.first + 1) & mask;
      this.frames--;
      if (end < 0) this.control--;
    }
  }

  /** The connection is empty, or gone. */
  clear(): void {
    this.frames = this.control = this.first = this.written = 0;
    if (this.listed) {
      this.listed = false;
      this.stats.queues.delete(this);
    }
  }

  private grow(): void {
    const old = this.ends;
    const ends = new Float64Array(old.length * 2);
    for (let i = 0; i < this.frames; i++) ends[i] = old[(this.first + i) & (old.length - 1)];
    this.ends = ends;
    this.first = 0;
  }
}
