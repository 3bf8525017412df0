import { H, type HeaderName, headerNameOfBytes } from '../../base/header-names.js';
import { RequestHeaders, ResponseHeaders, Trailers } from '../../base/headers.js';
import { BAD_NAME, FORBIDDEN, HEX, METHODS, TARGET, TOKEN, VALUE } from './chars.js';
import { HeadBuffer } from './head-buffer.js';
import type { UnderscoreAction } from './options.js';
import { targetIsPlausible } from './target.js';

/**
 * HTTP/1 from bytes to messages, with the verdicts of Envoy's parser (Balsa, as Envoy 1.40 sets it up): what is an error,
 * what is repaired, and at which byte an error is known. Pure: it neither writes nor knows connections.
 *
 * A head that lies whole in one buffer and needs no repair is parsed in one pass (`wholeHead`); any other head is collected
 * and goes through `carefulHead`, which holds all of the rules.
 */

/** Why a message is refused. `status` is what a server answers. */
export interface ParseError {
  status: number;
  details: string;
  message: string;
}

export const Details = {
  CODEC_ERROR: 'http1.codec_error',
  INVALID_CHARACTERS: 'http1.invalid_characters',
  HEADERS_TOO_LARGE: 'http1.headers_too_large',
  TOO_MANY_HEADERS: 'http1.too_many_headers',
  UNDERSCORE: 'http1.unexpected_underscore',
} as const;

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
  /** Stop: the owner has called `fail`, or the connection is going away. */
  STOP: 4,
} as const;

export interface ParserSink {
  /** The first byte of a message is there. False stops the parser. */
  onMessageBegin(): boolean;
  /** `parser.request` or `parser.response` is complete and the framing fields of the parser are set. */
  onHead(): number;
  /** Body bytes, once per `execute`, valid during the call. */
  onBody(data: Uint8Array): void;
  /** The message is complete. `data` holds body bytes not delivered yet (may be empty), `trailers` null when there are none. */
  onMessageEnd(data: Uint8Array, trailers: Trailers | null): void;
  onRaw(data: Uint8Array): void;
}

export interface ParserLimits {
  /** Bytes of a head, and of a trailer block. */
  headBytes: number;
  /** Lines in a header map. */
  headerCount: number;
  enableTrailers: boolean;
  underscores: UnderscoreAction;
}

enum State {
  /** Nothing of a message has come. */
  START,
  /** Line ends before the start line. */
  LEADING,
  HEAD,
  LENGTH,
  UNTIL_CLOSE,
  CHUNK_SIZE,
  CHUNK_EXTENSION,
  CHUNK_DATA,
  CHUNK_END,
  LAST_CHUNK_END,
  TRAILERS,
  RAW,
  STOPPED,
}

const NOTHING = new Uint8Array(0);
/** So many names of a head are remembered. */
const EXPECTED_LIMIT = 32;
const latin1Slice = Buffer.prototype.latin1Slice;
export class Http1Parser {
  error: ParseError | null = null;
  request: RequestHeaders = null as unknown as RequestHeaders;
  response: ResponseHeaders = null as unknown as ResponseHeaders;
  method = '';
  /** Request target as received. */
  target = '';
  status = 0;
  http11 = true;
  chunked = false;
  /** A valid content-length, or -1. Above 2^53 it is only near. */
  contentLength = -1;
  hasTransferEncoding = false;
  /** Bytes of header names and values, with `:` and CRLF, of the message so far. */
  headerBytes = 0;
  droppedUnderscores = 0;

  private state: State = State.START;
  private readonly head = new HeadBuffer();
  /** Names of the lines of the last whole head. */
  private readonly expected: (HeaderName | undefined)[] = [];
  /** Body bytes of this `execute` that have not been delivered: `body[bodyStart..bodyEnd)`. */
  private body: Uint8Array = NOTHING;
  private bodyStart = 0;
  private bodyEnd = 0;
  private scratch: Buffer = Buffer.alloc(0);
  private remaining = 0;
  private chunkDigits = 0;
  private chunkSeen = false;
  private afterCr = false;
  /** The last three line-end bytes, newest lowest; 0 after any other byte. */
  private ends = 0;
  private startLineError: string | null = null;
  private startLineDone = false;
  private emptyVersion = false;

  constructor(
    private readonly isRequest: boolean,
    private readonly sink: ParserSink,
    private readonly limits: ParserLimits,
  ) {}

  /** A message has begun and is not complete. */
  get inMessage(): boolean {
    return this.state !== State.START && this.state !== State.RAW;
  }

  get raw(): boolean {
    return this.state === State.RAW;
  }

  /** The message has no length of its own: it ends when the peer closes. */
  get endsAtClose(): boolean {
    return this.state === State.UNTIL_CLOSE;
  }

  /** The peer closed inside a message that `endsAtClose`. */
  finishAtClose(): void {
    this.endMessage(null);
  }

  fail(status: number, details: string, message: string): void {
    this.error = { status, details, message };
    this.state = State.STOPPED;
  }

  stop(): void {
    this.state = State.STOPPED;
  }

  /**
   * Reads `buf[pos..end)`. Returns after each complete message, with its position; otherwise everything was taken, or the
   * parser has stopped (`error` says why).
   */
  execute(buf: Uint8Array, pos: number, end: number): number {
    while (pos < end) {
      switch (this.state) {
        case State.START:
          if (!this.begin(buf[pos])) return pos;
          break;
        case State.LEADING:
          while (pos < end && (buf[pos] === 10 || buf[pos] === 13)) pos++;
          if (pos === end) return pos;
          if (buf[pos] <= 32) {
            this.fail(400, Details.CODEC_ERROR, 'http/1.1 protocol error: NO_REQUEST_LINE_IN_REQUEST');
            return pos;
          }
          this.state = State.HEAD;
          break;
        case State.HEAD: {
          const after = this.readHead(buf, pos, end);
          pos = after < 0 ? ~after : after;
          if (after < 0) return pos;
          break;
        }
        case State.LENGTH: {
          const n = Math.min(this.remaining, end - pos);
          this.addBody(buf, pos, pos + n);
          pos += n;
          this.remaining -= n;
          if (this.remaining === 0) {
            this.endMessage(null);
            return pos;
          }
          break;
        }
        case State.UNTIL_CLOSE:
          this.addBody(buf, pos, end);
          pos = end;
          break;
        case State.RAW:
          this.sink.onRaw(pos === 0 && end === buf.length ? buf : buf.subarray(pos, end));
          return end;
        case State.STOPPED:
          return pos;
        default:
          pos = this.readChunks(buf, pos, end);
          if (!this.inChunks) return pos;
      }
    }
    if (this.bodyEnd > this.bodyStart) this.deliverBody();
    return pos;
  }

  // --- messages

  private begin(first: number): boolean {
    this.startLineDone = false;
    this.startLineError = null;
    this.emptyVersion = false;
    this.headerBytes = 0;
    this.http11 = true;
    this.head.length = 0;
    if (!this.isRequest && first !== 72) {
      this.fail(502, Details.CODEC_ERROR, 'http/1.1 protocol error: HPE_INVALID_CONSTANT');
      return false;
    }
    this.state = State.LEADING;
    if (!this.sink.onMessageBegin()) {
      this.state = State.STOPPED;
      return false;
    }
    // The sink may have stopped the parser.
    return (this.state as State) === State.LEADING;
  }

  private endMessage(trailers: Trailers | null): void {
    this.state = State.START;
    const data = this.takeBody();
    this.sink.onMessageEnd(data, trailers);
  }

  /** Hands the head over and enters the body. */
  private headDone(): boolean {
    const after = this.sink.onHead();
    if (this.state === State.STOPPED) return false;
    switch (after) {
      case After.STOP:
        this.state = State.STOPPED;
        return false;
      case After.RAW:
        this.state = State.RAW;
        return true;
      case After.INTERIM:
        this.state = State.START;
        return true;
      case After.NO_BODY:
        this.endMessage(null);
        return false;
      default:
        this.state = this.bodyState;
        if (this.state === State.START) {
          this.endMessage(null);
          return false;
        }
        return true;
    }
  }

  private get bodyState(): State {
    if (!this.isRequest && bodyless(this.status)) return State.START;
    if (this.chunked) {
      this.startChunk();
      return State.CHUNK_SIZE;
    }
    if (this.contentLength > 0) {
      this.remaining = this.contentLength;
      return State.LENGTH;
    }
    return this.contentLength === 0 || this.isRequest ? State.START : State.UNTIL_CLOSE;
  }

  // --- body bytes, gathered so that each `execute` delivers once

  private addBody(buf: Uint8Array, start: number, end: number): void {
    if (this.bodyEnd === this.bodyStart) {
      this.body = buf;
      this.bodyStart = start;
      this.bodyEnd = end;
      return;
    }
    const held = this.bodyEnd - this.bodyStart;
    const need = held + end - start;
    if (this.body !== this.scratch) {
      if (this.scratch.length < need) this.scratch = Buffer.allocUnsafeSlow(Math.max(need, 65536));
      this.scratch.set(this.body.subarray(this.bodyStart, this.bodyEnd), 0);
      this.body = this.scratch;
      this.bodyStart = 0;
      this.bodyEnd = held;
    } else if (this.scratch.length < need) {
      const larger = Buffer.allocUnsafeSlow(need * 2);
      larger.set(this.scratch.subarray(0, held), 0);
      this.body = this.scratch = larger;
    }
    this.scratch.set(buf.subarray(start, end), held);
    this.bodyEnd = need;
  }

  private takeBody(): Uint8Array {
    const { body, bodyStart, bodyEnd } = this;
    if (bodyEnd === bodyStart) return NOTHING;
    this.body = NOTHING;
    this.bodyStart = this.bodyEnd = 0;
    return bodyStart === 0 && bodyEnd === body.length ? body : body.subarray(bodyStart, bodyEnd);
  }

  private deliverBody(): void {
    this.sink.onBody(this.takeBody());
  }

  // --- heads

  /** Returns the new position; complemented when `execute` is to return. */
  private readHead(buf: Uint8Array, pos: number, end: number): number {
    if (this.head.length === 0) {
      const next = this.isRequest ? this.wholeRequestHead(buf, pos, end) : this.wholeResponseHead(buf, pos, end);
      if (next > 0) return this.headDone() ? next : ~next;
    }
    const head = this.head;
    const room = this.limits.headBytes - head.length;
    const had = head.length;
    const took = Math.min(room, end - pos);
    head.append(buf, pos, pos + took);
    let lineStart = head.lineStart;
    for (let i = had; i < head.length; i++) {
      if (head.bytes[i] !== 10) continue;
      if (!this.startLineDone) {
        this.startLineDone = true;
        if (!this.startLine(head.bytes, i + 1)) return ~(pos + i + 1 - had);
        if (this.emptyVersion) {
          head.length = i + 1;
          return this.finishHead(pos + i + 1 - had);
        }
      }
      const lineLength = i + 1 - lineStart;
      lineStart = i + 1;
      if (lineLength === 1 || (lineLength === 2 && head.bytes[i - 1] === 13)) {
        head.length = i + 1;
        return this.finishHead(pos + i + 1 - had);
      }
    }
    head.lineStart = lineStart;
    if (head.length >= this.limits.headBytes) {
      this.fail(431, Details.HEADERS_TOO_LARGE, 'http/1.1 protocol error: headers size exceeds limit');
    } else if (this.startLineError !== null) {
      this.fail(400, Details.CODEC_ERROR, this.startLineError);
    } else return pos + took;
    return ~(pos + took);
  }

  private finishHead(pos: number): number {
    const length = this.head.length;
    const bytes = this.head.bytes;
    this.head.length = this.head.lineStart = 0;
    if (!this.carefulHead(bytes, length)) return ~pos;
    this.head.release();
    return this.headDone() ? pos : ~pos;
  }

  /** Takes the start line apart. False when nothing after it can change the verdict. */
  private startLine(buf: Uint8Array, end: number): boolean {
    let last = end;
    while (last > 0 && (buf[last - 1] === 10 || buf[last - 1] === 13)) last--;
    const lineEnd = last;
    let at = 0;
    while (at < last && buf[at] > 32) at++;
    const first = at;
    while (at < last && buf[at] <= 32) at++;
    const secondStart = at;
    while (at < last && buf[at] > 32) at++;
    const second = at;
    while (at < last && buf[at] <= 32) at++;
    const thirdStart = at;
    while (last > thirdStart && buf[last - 1] <= 32) last--;
    if (this.isRequest) return this.requestLine(buf, first, secondStart, second, thirdStart, last, lineEnd);
    return this.statusLine(buf, first, secondStart, second, thirdStart);
  }

  private requestLine(
    buf: Uint8Array,
    first: number,
    from: number,
    to: number,
    versionAt: number,
    end: number,
    lineEnd: number,
  ): boolean {
    const method = METHODS.get(text(buf, 0, first));
    const target = text(buf, from, to);
    const version = text(buf, versionAt, end);
    this.method = method ?? '';
    this.target = target;
    // As Envoy asks it: does the line end in this text? A target may, when there is no version.
    this.http11 = version === 'HTTP/1.1' || (version === '' && to === lineEnd && target.endsWith('HTTP/1.1'));
    this.emptyVersion = version === '';
    if (method === undefined) this.startLineError = 'http/1.1 protocol error: HPE_INVALID_METHOD';
    else if (!targetIsPlausible(target, method === 'CONNECT'))
      this.startLineError = 'http/1.1 protocol error: HPE_INVALID_URL';
    else if (version !== '' && !isVersion(version))
      this.startLineError = 'http/1.1 protocol error: HPE_INVALID_VERSION';
    return true;
  }

  private statusLine(buf: Uint8Array, first: number, from: number, to: number, reasonAt: number): boolean {
    const version = text(buf, 0, first);
    const status = from === to ? -1 : parseStatus(text(buf, from, reasonAt));
    if (status < 0) {
      const why = from === to ? 'FAILED_TO_FIND_WS_AFTER_RESPONSE_VERSION' : 'FAILED_CONVERTING_STATUS_CODE_TO_INT';
      this.fail(502, Details.CODEC_ERROR, `http/1.1 protocol error: ${why}`);
      return false;
    }
    this.status = status;
    this.http11 = version === 'HTTP/1.1';
    if (!isVersion(version)) this.startLineError = 'http/1.1 protocol error: HPE_INVALID_VERSION';
    return true;
  }

  /** All the rules for header lines. `buf[0..end)` is a whole head. */
  private carefulHead(buf: Uint8Array, end: number): boolean {
    for (let i = 0; i < end; i++) {
      if (FORBIDDEN[buf[i]] !== 0)
        return this.refuse(Details.INVALID_CHARACTERS, 'header value contains invalid chars');
    }
    const lines = this.head;
    lines.clear();
    let at = 0;
    while (buf[at] !== 10) at++;
    at++;
    if (!this.emptyVersion && !this.splitLines(buf, at, end)) return false;
    this.frame(buf);
    if (this.state === State.STOPPED) return false;
    if (this.startLineError !== null) {
      this.fail(this.isRequest ? 400 : 502, Details.CODEC_ERROR, this.startLineError);
      return false;
    }
    const headers = this.isRequest ? new RequestHeaders() : new ResponseHeaders(this.status);
    if (this.isRequest) this.request = headers as RequestHeaders;
    else this.response = headers as ResponseHeaders;
    return this.fill(buf, headers, false);
  }

  private refuse(details: string, why: string): boolean {
    this.fail(this.isRequest ? 400 : 502, details, `http/1.1 protocol error: ${why}`);
    return false;
  }

  /** Finds names and values of `buf[at..end)`; the last line is the empty one. */
  private splitLines(buf: Uint8Array, at: number, end: number): boolean {
    const lines = this.head;
    while (true) {
      let lineEnd = at;
      while (buf[lineEnd] !== 10) lineEnd++;
      lineEnd++;
      if (lineEnd === end) return true;
      // Lines that begin with a blank continue this one.
      while (true) {
        const c = buf[lineEnd];
        if (c > 32) break;
        let next = lineEnd;
        while (buf[next] !== 10) next++;
        next++;
        if (next === end) break;
        if (c !== 32 && c !== 9) return this.refuse(Details.CODEC_ERROR, 'INVALID_HEADER_FORMAT');
        lineEnd = next;
      }
      let last = lineEnd - 1;
      while (last > at && buf[last] <= 32) last--;
      last++;
      let colon = at;
      while (colon < last && buf[colon] !== 58) {
        if (BAD_NAME[buf[colon]] !== 0) return this.refuse(Details.CODEC_ERROR, 'INVALID_HEADER_NAME_CHARACTER');
        colon++;
      }
      if (colon === last) return this.refuse(Details.CODEC_ERROR, 'HEADER_MISSING_COLON');
      if (colon === at) return this.refuse(Details.CODEC_ERROR, 'INVALID_HEADER_FORMAT');
      let value = colon + 1;
      while (value < last && buf[value] <= 32) value++;
      lines.addLine(at, colon, value, last);
      at = lineEnd;
    }
  }

  /** Works out the framing from the raw lines. */
  private frame(buf: Uint8Array): void {
    const lines = this.head;
    let lengthAt = -1;
    let encodingAt = -1;
    let length = 0;
    for (let i = 0; i < lines.count; i++) {
      const size = lines.nameEnd[i] - lines.nameStart[i];
      if (size === 14 && sameText(buf, lines.nameStart[i], 'content-length')) {
        const found = parseLength(buf, lines.valueStart[i], lines.valueEnd[i]);
        if (lengthAt < 0) {
          lengthAt = i;
          length = found;
        } else if (found !== length || found >= 0) {
          this.refuse(Details.CODEC_ERROR, 'HPE_UNEXPECTED_CONTENT_LENGTH');
          return;
        }
      } else if (size === 17 && sameText(buf, lines.nameStart[i], 'transfer-encoding')) encodingAt = i;
    }
    this.hasTransferEncoding = encodingAt >= 0;
    this.chunked =
      encodingAt >= 0 &&
      lines.valueEnd[encodingAt] - lines.valueStart[encodingAt] === 7 &&
      sameText(buf, lines.valueStart[encodingAt], 'chunked');
    this.contentLength = lengthAt >= 0 && length >= 0 ? length : -1;
    const mayHaveBody = this.isRequest || !bodyless(this.status);
    if (mayHaveBody && !this.chunked && lengthAt >= 0 && length < 0) {
      this.refuse(Details.CODEC_ERROR, 'UNPARSABLE_CONTENT_LENGTH');
    }
  }

  /** Moves the lines into the map. */
  private fill(buf: Uint8Array, headers: RequestHeaders | ResponseHeaders | Trailers, trailers: boolean): boolean {
    const lines = this.head;
    const deliver = !trailers || this.limits.enableTrailers;
    let pending: HeaderName | null = null;
    let value = '';
    for (let i = 0; i < lines.count; i++) {
      for (let k = lines.nameStart[i]; k < lines.nameEnd[i]; k++) {
        if (TOKEN[buf[k]] === 0) return this.refuse(Details.CODEC_ERROR, 'HPE_INVALID_HEADER_TOKEN');
      }
      if (!deliver) continue;
      if (pending !== null && !this.addLine(headers, pending, value, trailers)) return false;
      pending = headerNameOfBytes(buf, lines.nameStart[i], lines.nameEnd[i]);
      value = withoutLineEnds(text(buf, lines.valueStart[i], lines.valueEnd[i]));
      this.headerBytes += lines.nameEnd[i] - lines.nameStart[i] + value.length + 3;
    }
    return pending === null || this.addLine(headers, pending, value, trailers);
  }

  private addLine(
    headers: RequestHeaders | ResponseHeaders | Trailers,
    name: HeaderName,
    value: string,
    trailers: boolean,
  ): boolean {
    if (this.isRequest && this.limits.underscores !== 'ALLOW' && name.text.includes('_')) {
      if (this.limits.underscores === 'REJECT_REQUEST') {
        return this.refuse(Details.UNDERSCORE, 'header name contains underscores');
      }
      this.droppedUnderscores++;
    } else this.put(headers, name, value, trailers);
    if (this.countOf(headers) > this.limits.headerCount) {
      const what = trailers ? 'trailers' : 'headers';
      this.fail(431, Details.TOO_MANY_HEADERS, `http/1.1 protocol error: ${what} count exceeds limit`);
      return false;
    }
    return true;
  }

  private put(
    headers: RequestHeaders | ResponseHeaders | Trailers,
    name: HeaderName,
    value: string,
    trailers: boolean,
  ): void {
    if (!this.isRequest) headers.add(name, value);
    else if (trailers || name === H.cookie) headers.push(name, value);
    else if (name === H.host) addHost(headers as RequestHeaders, value);
    else headers.add(name, value);
  }

  private countOf(headers: RequestHeaders | ResponseHeaders | Trailers): number {
    return headers.size + (headers instanceof RequestHeaders && headers.authority !== undefined ? 1 : 0);
  }

  // --- the common heads, in one pass

  /**
   * Parses a request head that lies whole in the buffer and needs no repair: `METHOD /path HTTP/1.1`, tokens for names,
   * values without control characters, no folding, at most one plain content-length and transfer-encoding.
   * @returns the position after it, or 0: not such a head
   */
  private wholeRequestHead(buf: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && buf[at] > 32) at++;
    if (at === end || buf[at] !== 32 || buf[at + 1] !== 47) return 0;
    const methodEnd = at;
    const targetStart = ++at;
    while (at < end && TARGET[buf[at]] !== 0) at++;
    const targetEnd = at;
    if (at + 10 >= end || !isHttp11(buf, at)) return 0;
    at += 9;
    if (buf[at] === 13) at++;
    if (buf[at++] !== 10) return 0;
    const method = METHODS.get(text(buf, start, methodEnd));
    if (method === undefined) return 0;
    const headers = new RequestHeaders();
    const next = this.wholeLines(buf, start, at, end, headers);
    if (next === 0) return 0;
    this.method = method;
    this.target = text(buf, targetStart, targetEnd);
    this.request = headers;
    return next;
  }

  /** As `wholeRequestHead`, for `HTTP/1.1 ddd ...` with three digits, the first not 0. */
  private wholeResponseHead(buf: Uint8Array, start: number, end: number): number {
    if (end - start < 15 || !isHttp11(buf, start - 1) || buf[start + 8] !== 32) return 0;
    const a = buf[start + 9] - 48;
    const b = buf[start + 10] - 48;
    const c = buf[start + 11] - 48;
    if (a < 1 || a > 9 || b < 0 || b > 9 || c < 0 || c > 9) return 0;
    let at = start + 12;
    if (buf[at] !== 32 && buf[at] !== 13 && buf[at] !== 10) return 0;
    while (at < end && VALUE[buf[at]] !== 0) at++;
    if (buf[at] === 13) at++;
    if (at >= end || buf[at++] !== 10) return 0;
    const headers = new ResponseHeaders(a * 100 + b * 10 + c);
    const next = this.wholeLines(buf, start, at, end, headers);
    if (next === 0) return 0;
    this.status = headers.status;
    this.response = headers;
    return next;
  }

  private wholeLines(
    buf: Uint8Array,
    headStart: number,
    start: number,
    end: number,
    headers: RequestHeaders | ResponseHeaders,
  ): number {
    const isRequest = this.isRequest;
    const limit = Math.min(end, headStart + this.limits.headBytes);
    const expected = this.expected;
    let at = start;
    let lines = 0;
    let length = -1;
    let chunked = false;
    let bytes = 0;
    while (true) {
      if (at >= limit) return 0;
      const nameStart = at;
      // The messages of a connection tend to have the same names in the same places.
      let name = expected[lines];
      if (name !== undefined && isNameAt(name.text, buf, at)) at += name.text.length;
      else {
        while (at < limit && TOKEN[buf[at]] !== 0) at++;
        if (at === nameStart) {
          if (buf[at] === 13) at++;
          if (at >= limit || buf[at] !== 10) return 0;
          break;
        }
        if (buf[at] !== 58) return 0;
        name = headerNameOfBytes(buf, nameStart, at);
        if (lines < EXPECTED_LIMIT) expected[lines] = name;
      }
      bytes += at - nameStart + 3;
      at++;
      while (at < limit && (buf[at] === 32 || buf[at] === 9)) at++;
      const valueStart = at;
      while (at < limit && VALUE[buf[at]] !== 0) at++;
      let valueEnd = at;
      if (at < limit && buf[at] === 13) at++;
      // The byte after the line end must be there: a blank would continue the line.
      if (at + 1 >= limit || buf[at] !== 10) return 0;
      const next = buf[++at];
      if (next === 32 || next === 9) return 0;
      while (valueEnd > valueStart && buf[valueEnd - 1] <= 32) valueEnd--;
      if (++lines > this.limits.headerCount) return 0;
      const value = text(buf, valueStart, valueEnd);
      bytes += valueEnd - valueStart;
      if (isRequest && this.limits.underscores !== 'ALLOW' && name.text.includes('_')) return 0;
      if (!name.inline) {
        headers.push(name, value);
        continue;
      }
      if (isRequest && (name === H.host || name === H.cookie)) {
        if (name === H.host) addHost(headers as RequestHeaders, value);
        else headers.push(name, value);
        continue;
      }
      if (name === H.contentLength) {
        if (length >= 0) return 0;
        length = plainLength(value);
        if (length < 0) return 0;
      } else if (name === H.transferEncoding) {
        if (chunked || value !== 'chunked') return 0;
        chunked = true;
      }
      headers.add(name, value);
    }
    this.contentLength = length;
    this.chunked = this.hasTransferEncoding = chunked;
    this.headerBytes = bytes;
    return at + 1;
  }

  // --- chunked

  private startChunk(): void {
    this.remaining = 0;
    this.chunkDigits = 0;
    this.chunkSeen = false;
  }

  private get inChunks(): boolean {
    return this.state >= State.CHUNK_SIZE && this.state <= State.TRAILERS;
  }

  private readChunks(buf: Uint8Array, pos: number, end: number): number {
    while (pos < end) {
      switch (this.state) {
        case State.CHUNK_SIZE: {
          const value = HEX[buf[pos]];
          if (value >= 0) {
            this.chunkSeen = true;
            if (this.chunkDigits > 0 || value > 0) this.chunkDigits++;
            if (this.chunkDigits > 16) {
              this.refuse(Details.CODEC_ERROR, 'CHUNK_LENGTH_OVERFLOW');
              return pos;
            }
            this.remaining = this.remaining * 16 + value;
            pos++;
            break;
          }
          if (!this.chunkSeen || value === -2) {
            this.refuse(Details.CODEC_ERROR, 'HPE_INVALID_CHUNK_SIZE');
            return pos;
          }
          this.state = State.CHUNK_EXTENSION;
          this.afterCr = false;
          // The body is complete: it is delivered even when what follows is an error.
          if (this.remaining === 0 && this.bodyEnd > this.bodyStart && !endsPlainly(buf, pos, end)) {
            this.deliverBody();
            if (this.state !== State.CHUNK_EXTENSION) return pos;
          }
          break;
        }
        case State.CHUNK_EXTENSION: {
          const c = buf[pos];
          if (c === 10 ? !this.afterCr : this.afterCr) {
            this.refuse(Details.CODEC_ERROR, 'INVALID_CHUNK_EXTENSION');
            return pos;
          }
          this.afterCr = c === 13;
          pos++;
          if (c !== 10) break;
          if (this.remaining > 0) this.state = State.CHUNK_DATA;
          else {
            this.state = State.LAST_CHUNK_END;
            this.ends = 10;
          }
          break;
        }
        case State.CHUNK_DATA: {
          const n = Math.min(this.remaining, end - pos);
          this.addBody(buf, pos, pos + n);
          pos += n;
          this.remaining -= n;
          if (this.remaining === 0) this.state = State.CHUNK_END;
          break;
        }
        case State.CHUNK_END:
          // Whatever stands between the data and the next line end is skipped.
          while (pos < end && buf[pos] !== 10) pos++;
          if (pos < end) {
            pos++;
            this.startChunk();
            this.state = State.CHUNK_SIZE;
          }
          break;
        case State.LAST_CHUNK_END: {
          const c = buf[pos];
          if (c !== 10 && c !== 13) {
            this.state = State.TRAILERS;
            this.head.length = 0;
            this.ends = 0;
            break;
          }
          pos++;
          if (this.blankLine(c)) {
            this.endMessage(null);
            return pos;
          }
          break;
        }
        case State.TRAILERS:
          return this.readTrailers(buf, pos, end);
        default:
          return pos;
      }
    }
    return pos;
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
    const head = this.head;
    const from = pos;
    while (pos < end) {
      const c = buf[pos++];
      if (head.length + pos - from > this.limits.headBytes) {
        this.fail(431, Details.HEADERS_TOO_LARGE, 'http/1.1 protocol error: trailers size exceeds limit');
        return pos - 1;
      }
      if (!this.blankLine(c)) continue;
      head.append(buf, from, pos);
      const length = head.length;
      head.length = head.lineStart = 0;
      const bytes = head.bytes;
      for (let i = 0; i < length; i++) {
        if (FORBIDDEN[bytes[i]] !== 0) {
          this.refuse(Details.INVALID_CHARACTERS, 'header value contains invalid chars');
          return pos;
        }
      }
      head.clear();
      const trailers = new Trailers();
      if (!this.splitLines(bytes, 0, length) || !this.fill(bytes, trailers, true)) return pos;
      head.release();
      this.endMessage(this.limits.enableTrailers ? trailers : null);
      return pos;
    }
    head.append(buf, from, pos);
    return pos;
  }
}

// --- small readers

function text(buf: Uint8Array, start: number, end: number): string {
  return start === end ? '' : latin1Slice.call(buf, start, end);
}

/** The name and a colon stand at `at`. A byte beyond the end of the buffer is `undefined` and equals nothing. */
function isNameAt(name: string, buf: Uint8Array, at: number): boolean {
  const n = name.length;
  if (buf[at + n] !== 58) return false;
  for (let i = 0; i < n; i++) {
    const c = buf[at + i];
    if (c !== name.charCodeAt(i) && (c < 65 || c > 90 || c + 32 !== name.charCodeAt(i))) return false;
  }
  return true;
}

function addHost(headers: RequestHeaders, value: string): void {
  const first = headers.authority;
  if (!first) headers.authority = value;
  else if (value !== '') headers.authority = `${first},${value}`;
}

/** ` HTTP/1.1` at `at`, the blank not looked at. */
function isHttp11(buf: Uint8Array, at: number): boolean {
  return (
    buf[at + 1] === 72 &&
    buf[at + 2] === 84 &&
    buf[at + 3] === 84 &&
    buf[at + 4] === 80 &&
    buf[at + 5] === 47 &&
    buf[at + 6] === 49 &&
    buf[at + 7] === 46 &&
    buf[at + 8] === 49
  );
}

/** `HTTP/d.d`. */
function isVersion(version: string): boolean {
  const isDigit = (at: number) => version.charCodeAt(at) >= 48 && version.charCodeAt(at) <= 57;
  return version.length === 8 && version.startsWith('HTTP/') && version[6] === '.' && isDigit(5) && isDigit(7);
}

/**
 * The status as Envoy converts it: blanks around it and a plus sign pass, and it may have 64 bits, of which the low 32 are
 * returned. -1 when it is no number.
 */
function parseStatus(word: string): number {
  let start = 0;
  let end = word.length;
  while (end > start && isBlank(word.charCodeAt(end - 1))) end--;
  if (word[start] === '+') start++;
  if (start === end) return -1;
  let status = 0n;
  for (let i = start; i < end; i++) {
    const digit = word.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10n + BigInt(digit);
    if (status > 0xffff_ffff_ffff_ffffn) return -1;
  }
  return Number(status & 0xffff_ffffn);
}

function isBlank(c: number): boolean {
  return c === 32 || (c >= 9 && c <= 13);
}

/** Statuses whose responses have no body, whatever their head says. */
function bodyless(status: number): boolean {
  return (status >= 100 && status < 200) || status === 204 || status === 304;
}

/** A content-length of at most 15 digits, or -1. */
function plainLength(value: string): number {
  const n = value.length;
  if (n === 0 || n > 15) return -1;
  let length = 0;
  for (let i = 0; i < n; i++) {
    const digit = value.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

/**
 * A content-length of at most 2^64-1. A bad one is negative: odd when it is no number, even when it is too large, and of a
 * size that tells what had been read when that came out, since two bad lengths must agree in this too.
 */
function parseLength(buf: Uint8Array, start: number, end: number): number {
  let significant = '';
  for (let i = start; i < end; i++) {
    if (buf[i] < 48 || buf[i] > 57) return -2 * Number(significant) - 1;
    if (significant === '' && buf[i] === 48) continue;
    const more = significant + String.fromCharCode(buf[i]);
    if (more.length > 20 || (more.length === 20 && more > '18446744073709551615')) return -2 * Number(significant) - 2;
    significant = more;
  }
  return start === end ? -1 : Number(significant);
}

function sameText(buf: Uint8Array, at: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const c = buf[at + i];
    if ((c >= 65 && c <= 90 ? c + 32 : c) !== lower.charCodeAt(i)) return false;
  }
  return true;
}

function withoutLineEnds(value: string): string {
  if (!value.includes('\r') && !value.includes('\n')) return value;
  return value.replaceAll('\r', '').replaceAll('\n', '');
}

/** The last chunk and the message end here, without extension and trailers. */
function endsPlainly(buf: Uint8Array, pos: number, end: number): boolean {
  return pos + 4 <= end && buf[pos] === 13 && buf[pos + 1] === 10 && buf[pos + 2] === 13 && buf[pos + 3] === 10;
}
