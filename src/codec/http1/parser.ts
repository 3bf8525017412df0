import type { Trailers } from '../../base/headers.js';
import { BodyGatherer } from './body-gatherer.js';
import { bodyless } from './bytes.js';
import { CarefulHeadReader } from './careful-head.js';
import { HEX } from './chars.js';
import { HeadBuffer } from './head-buffer.js';
import { Details, MessageHead, type ParserLimits } from './message-head.js';
import { WholeHeadReader } from './whole-head.js';

/**
 * HTTP/1 from bytes to messages, with the verdicts of Envoy's parser (Balsa, as Envoy 1.40 sets it up): what is an error,
 * what is repaired, and at which byte an error is known. Pure: it neither writes nor knows connections.
 */

/** What the owner of a parser wants after a head. */
export const After = {
  /** Go on with the body that the head announces. */
  BODY: 0,
  /** The message ends here, whatever the head announces. */
  NO_BODY: 1,
  /** All further bytes are opaque: `onRaw`. */
  RAW: 2,
  /** An interim response ends here and the next head follows. */
  INTERIM: 3,
  /** Stop: the owner has refused the head, or the connection is going away. */
  STOP: 4,
} as const;

export interface ParserSink {
  /** The first byte of a message is there. False stops the parser. */
  onMessageBegin(): boolean;
  /** `parser.head` is complete. Returns one of `After`. */
  onHead(): number;
  /** Body bytes, in general once per `execute`; valid during the call. */
  onBody(data: Uint8Array): void;
  /** The message is complete. `data` holds body bytes not delivered yet (may be empty), `trailers` null when there are none. */
  onMessageEnd(data: Uint8Array, trailers: Trailers | null): void;
  onRaw(data: Uint8Array): void;
}

/* States. */
/** Nothing of a message has come. */
const START = 0;
/** Line ends before the start line. */
const LEADING = 1;
const HEAD = 2;
const LENGTH = 3;
const UNTIL_CLOSE = 4;
const CHUNK_SIZE = 5;
const CHUNK_EXTENSION = 6;
const CHUNK_DATA = 7;
const CHUNK_END = 8;
const LAST_CHUNK_END = 9;
const TRAILERS = 10;
const RAW = 11;
const STOPPED = 12;

/** A chunk size has at most so many digits, leading zeros not counted: 2^64-1. */
const CHUNK_DIGITS = 16;

export class Http1Parser {
  readonly head: MessageHead;
  private state: number = START;
  private readonly collected = new HeadBuffer();
  private readonly whole: WholeHeadReader;
  private readonly careful: CarefulHeadReader;
  private readonly body = new BodyGatherer();
  private startLineDone = false;
  /** Of a counted body or of a chunk. */
  private remaining = 0;
  private chunkDigits = 0;
  private chunkSeen = false;
  private afterCr = false;
  /** The last three line-end bytes, newest lowest; 0 after any other byte. */
  private ends = 0;

  constructor(
    private readonly isRequest: boolean,
    private readonly sink: ParserSink,
    private readonly limits: ParserLimits,
  ) {
    this.head = new MessageHead(isRequest, limits);
    this.whole = new WholeHeadReader(this.head);
    this.careful = new CarefulHeadReader(this.head, this.collected);
  }

  /** A message has begun and is not complete. */
  get inMessage(): boolean {
    return this.state !== START && this.state !== RAW;
  }

  /** The message has no length of its own: it ends when the peer closes. */
  get endsAtClose(): boolean {
    return this.state === UNTIL_CLOSE;
  }

  /** The peer closed inside a message that `endsAtClose`. */
  finishAtClose(): void {
    this.endMessage(null);
  }

  stop(): void {
    this.state = STOPPED;
  }

  /**
   * Reads `buf[pos..end)`. Returns after each complete message, with its position; otherwise everything was taken, or the
   * parser has stopped (`head.error` says why, if it was for a fault).
   */
  execute(buf: Uint8Array, pos: number, end: number): number {
    while (pos < end) {
      switch (this.state) {
        case START:
          if (!this.begin(buf[pos])) return pos;
          break;
        case LEADING:
          while (pos < end && (buf[pos] === 10 || buf[pos] === 13)) pos++;
          if (pos === end) return pos;
          if (buf[pos] <= 32) {
            this.head.refuse(Details.CODEC_ERROR, 'NO_REQUEST_LINE_IN_REQUEST');
            return this.stopAt(pos);
          }
          this.state = HEAD;
          break;
        case HEAD: {
          const after = this.readHead(buf, pos, end);
          if (after < 0) return ~after;
          pos = after;
          break;
        }
        case LENGTH: {
          const n = Math.min(this.remaining, end - pos);
          this.body.add(buf, pos, pos + n);
          pos += n;
          this.remaining -= n;
          if (this.remaining === 0) {
            this.endMessage(null);
            return pos;
          }
          break;
        }
        case UNTIL_CLOSE:
          this.body.add(buf, pos, end);
          pos = end;
          break;
        case RAW:
          this.sink.onRaw(pos === 0 && end === buf.length ? buf : buf.subarray(pos, end));
          return end;
        case STOPPED:
          return pos;
        default:
          pos = this.readChunks(buf, pos, end);
          if (this.head.error !== null) return this.stopAt(pos);
          if (this.state < CHUNK_SIZE || this.state > TRAILERS) return pos;
      }
    }
    if (!this.body.empty) this.sink.onBody(this.body.take());
    return pos;
  }

  private stopAt(pos: number): number {
    this.state = STOPPED;
    return pos;
  }

  // --- messages

  private begin(first: number): boolean {
    this.startLineDone = false;
    this.careful.begin();
    this.collected.length = this.collected.lineStart = 0;
    this.head.headerBytes = 0;
    this.head.http11 = true;
    if (!this.isRequest && first !== 72) {
      this.head.refuse(Details.CODEC_ERROR, 'HPE_INVALID_CONSTANT');
      this.state = STOPPED;
      return false;
    }
    this.state = LEADING;
    const go = this.sink.onMessageBegin();
    // The sink may have stopped the parser.
    if (!go || (this.state as number) === STOPPED) {
      this.state = STOPPED;
      return false;
    }
    return true;
  }

  private endMessage(trailers: Trailers | null): void {
    this.state = START;
    this.sink.onMessageEnd(this.body.take(), trailers);
    this.body.release();
  }

  /** Hands the head over and enters the body. False when `execute` is to return. */
  private headDone(): boolean {
    const after = this.sink.onHead();
    if (this.state === STOPPED || after === After.STOP || this.head.error !== null) {
      this.state = STOPPED;
      return false;
    }
    if (after === After.RAW) this.state = RAW;
    else if (after === After.INTERIM) this.state = START;
    else this.state = after === After.NO_BODY ? START : this.bodyState();
    if (this.state !== START || after === After.INTERIM) return true;
    this.endMessage(null);
    return false;
  }

  private bodyState(): number {
    const { chunked, contentLength, status } = this.head;
    if (!this.isRequest && bodyless(status)) return START;
    if (chunked) {
      this.startChunk();
      return CHUNK_SIZE;
    }
    if (contentLength > 0) {
      this.remaining = contentLength;
      return LENGTH;
    }
    return contentLength === 0 || this.isRequest ? START : UNTIL_CLOSE;
  }

  // --- heads

  /** Returns the new position; complemented when `execute` is to return. */
  private readHead(buf: Uint8Array, pos: number, end: number): number {
    const { collected, careful } = this;
    if (collected.length === 0) {
      const next = this.isRequest ? this.whole.request(buf, pos, end) : this.whole.response(buf, pos, end);
      if (next > 0) return this.headDone() ? next : ~next;
    }
    const had = collected.length;
    const took = Math.min(this.limits.headBytes - had, end - pos);
    collected.append(buf, pos, pos + took);
    const { bytes } = collected;
    for (let i = had; i < had + took; i++) {
      if (bytes[i] !== 10) continue;
      const next = pos + i + 1 - had;
      if (!this.startLineDone) {
        this.startLineDone = true;
        if (!careful.startLine(bytes, i + 1)) return ~this.stopAt(next);
        if (careful.emptyVersion) return this.finishHead(i + 1, next);
      }
      const lineLength = i + 1 - collected.lineStart;
      collected.lineStart = i + 1;
      if (lineLength === 1 || (lineLength === 2 && bytes[i - 1] === 13)) return this.finishHead(i + 1, next);
    }
    if (collected.length >= this.limits.headBytes) {
      this.head.refuse(Details.HEADERS_TOO_LARGE, 'headers size exceeds limit', 431);
    } else if (careful.startLineError !== null) {
      this.head.refuse(Details.CODEC_ERROR, careful.startLineError);
    } else return pos + took;
    return ~this.stopAt(pos + took);
  }

  private finishHead(length: number, next: number): number {
    const { bytes } = this.collected;
    this.collected.length = this.collected.lineStart = 0;
    if (!this.careful.finish(bytes, length)) return ~this.stopAt(next);
    this.collected.release();
    return this.headDone() ? next : ~next;
  }

  // --- chunks

  private startChunk(): void {
    this.remaining = 0;
    this.chunkDigits = 0;
    this.chunkSeen = false;
  }

  private readChunks(buf: Uint8Array, pos: number, end: number): number {
    while (pos < end) {
      switch (this.state) {
        case CHUNK_SIZE:
          if (HEX[buf[pos]] >= 0) {
            if (!this.chunkDigit(HEX[buf[pos]])) return pos;
            pos++;
            break;
          }
          if (!this.chunkSeen || HEX[buf[pos]] === -2) {
            this.head.refuse(Details.CODEC_ERROR, 'HPE_INVALID_CHUNK_SIZE');
            return pos;
          }
          this.state = CHUNK_EXTENSION;
          this.afterCr = false;
          // The body is complete: it is delivered even when what follows is an error.
          if (this.remaining === 0 && !this.body.empty && !endsPlainly(buf, pos, end)) {
            this.sink.onBody(this.body.take());
            if (this.state !== CHUNK_EXTENSION) return pos;
          }
          break;
        case CHUNK_EXTENSION: {
          const c = buf[pos];
          if (c === 10 ? !this.afterCr : this.afterCr) {
            this.head.refuse(Details.CODEC_ERROR, 'INVALID_CHUNK_EXTENSION');
            return pos;
          }
          this.afterCr = c === 13;
          pos++;
          if (c !== 10) break;
          this.ends = 10;
          this.state = this.remaining > 0 ? CHUNK_DATA : LAST_CHUNK_END;
          break;
        }
        case CHUNK_DATA: {
          const n = Math.min(this.remaining, end - pos);
          this.body.add(buf, pos, pos + n);
          pos += n;
          this.remaining -= n;
          if (this.remaining === 0) this.state = CHUNK_END;
          break;
        }
        case CHUNK_END:
          // Whatever stands between the data and the next line end is skipped.
          while (pos < end && buf[pos] !== 10) pos++;
          if (pos < end) {
            pos++;
            this.startChunk();
            this.state = CHUNK_SIZE;
          }
          break;
        case LAST_CHUNK_END: {
          const c = buf[pos];
          if (c !== 10 && c !== 13) {
            this.state = TRAILERS;
            this.collected.length = 0;
            break;
          }
          pos++;
          if (!this.blankLine(c)) break;
          this.endMessage(null);
          return pos;
        }
        default:
          return this.readTrailers(buf, pos, end);
      }
    }
    return pos;
  }

  private chunkDigit(value: number): boolean {
    this.chunkSeen = true;
    if (this.chunkDigits > 0 || value > 0) this.chunkDigits++;
    if (this.chunkDigits > CHUNK_DIGITS) return this.head.refuse(Details.CODEC_ERROR, 'CHUNK_LENGTH_OVERFLOW');
    this.remaining = this.remaining * 16 + value;
    return true;
  }

  /** True when the byte ends a blank line, by the bytes seen since the last other one. */
  private blankLine(c: number): boolean {
    if (c !== 10 && c !== 13) {
      this.ends = 0;
      return false;
    }
    this.ends = ((this.ends << 8) | c) & 0xffffff;
    return this.ends === 0x0a0d0a || (this.ends & 0xffff) === 0x0a0a;
  }

  private readTrailers(buf: Uint8Array, pos: number, end: number): number {
    const { collected } = this;
    const from = pos;
    while (pos < end) {
      if (collected.length + pos - from === this.limits.headBytes) {
        this.head.refuse(Details.HEADERS_TOO_LARGE, 'trailers size exceeds limit', 431);
        return pos;
      }
      if (!this.blankLine(buf[pos++])) continue;
      collected.append(buf, from, pos);
      const { bytes, length } = collected;
      collected.length = collected.lineStart = 0;
      const trailers = this.careful.trailers(bytes, length);
      if (trailers === null) return pos;
      collected.release();
      this.endMessage(this.limits.enableTrailers ? trailers : null);
      return pos;
    }
    collected.append(buf, from, pos);
    return pos;
  }
}

/** The last chunk and the message end here, without extension and trailers. */
function endsPlainly(buf: Uint8Array, pos: number, end: number): boolean {
  return pos + 4 <= end && buf[pos] === 13 && buf[pos + 1] === 10 && buf[pos + 2] === 13 && buf[pos + 3] === 10;
}
