import { returnSlab, takeSlab } from '../../base/out-buffer.js';
import { FRAME_HEADER, PREFACE } from './frames.js';
import { HeaderBlocks, Mode } from './header-blocks.js';

/**
 * Cuts received octets into frames. What is whole in the buffer is worked on in place; a payload that comes in pieces is collected,
 * except header blocks, which are decoded as they come.
 */
export abstract class FrameFeed extends HeaderBlocks {
  /** Octets of a frame header, prelude or preface that are in. */
  private partial = 0;
  /** A payload that came in pieces. */
  private hold: Buffer | null = null;
  private held = 0;
  /** The nine octets at `buf[at]`: decides how the payload is read. */
  protected abstract onFrameHeader(buf: Buffer, at: number): void;
  protected abstract afterSkip(): void;
  protected abstract onPayload(buf: Buffer, at: number, end: number): void;

  protected receive(buf: Buffer, at: number, end: number): void {
    while (at < end) {
      switch (this.mode) {
        case Mode.HEAD:
          if (this.partial === 0 && end - at >= FRAME_HEADER) {
            this.onFrameHeader(buf, at);
            at += FRAME_HEADER;
          } else {
            at = this.collect(buf, at, end, FRAME_HEADER);
            if (this.partial < FRAME_HEADER) return;
            this.partial = 0;
            this.onFrameHeader(this.head, 0);
          }
          break;
        case Mode.PAYLOAD: {
          const length = this.length;
          if (this.held === 0 && end - at >= length) {
            this.mode = Mode.HEAD;
            this.onPayload(buf, at, at + length);
            at += length;
          } else {
            const n = Math.min(end - at, length - this.held);
            this.hold ??= takeSlab();
            buf.copy(this.hold, this.held, at, at + n);
            this.held += n;
            at += n;
            if (this.held < length) return;
            const hold = this.hold;
            this.hold = null;
            this.held = 0;
            this.mode = Mode.HEAD;
            this.onPayload(hold, 0, length);
            returnSlab(hold);
          }
          break;
        }
        case Mode.BLOCK: {
          const n = Math.min(end - at, this.blockLeft);
          this.blockLeft -= n;
          this.onBlock(buf, at, at + n);
          at += n;
          break;
        }
        case Mode.SKIP: {
          const n = Math.min(end - at, this.length);
          this.length -= n;
          at += n;
          if (this.length === 0) this.afterSkip();
          break;
        }
        case Mode.PRELUDE: {
          const need = this.preludeLength;
          at = this.collect(buf, at, end, need);
          if (this.partial < need) return;
          this.partial = 0;
          this.onPrelude();
          break;
        }
        default:
          at = this.onPreface(buf, at, end);
      }
      if (this.stopped) return;
    }
  }

  private collect(buf: Buffer, at: number, end: number, need: number): number {
    const n = Math.min(end - at, need - this.partial);
    buf.copy(this.head, this.partial, at, at + n);
    this.partial += n;
    return at + n;
  }

  private onPreface(buf: Buffer, at: number, end: number): number {
    for (; at < end && this.partial < PREFACE.length; at++) {
      if (buf[at] !== PREFACE[this.partial]) {
        this.fail('protocol', 'Received bad client magic byte string');
        return end;
      }
      this.partial++;
    }
    if (this.partial === PREFACE.length) {
      this.partial = 0;
      this.mode = Mode.HEAD;
    }
    return at;
  }

  /** The connection is gone: gives the collected octets' buffer back. */
  protected dropHeld(): void {
    if (this.hold !== null) returnSlab(this.hold);
    this.hold = null;
    this.held = 0;
  }
}
