import { H, type HeaderName, headerNameOfBytes } from '../../base/header-names.js';
import { RequestHeaders, ResponseHeaders, Trailers } from '../../base/headers.js';
import { bodyless, isVersion, parseLength, parseStatus, sameText, text, withoutLineEnds } from './bytes.js';
import { BAD_NAME, FORBIDDEN, METHODS, TOKEN } from './chars.js';
import type { HeadBuffer } from './head-buffer.js';
import { addHost, Details, type MessageHead } from './message-head.js';
import { targetIsPlausible } from './target.js';

/** All the rules for start lines, header lines and trailers: what Envoy repairs, and in which order it refuses. */
export class CarefulHeadReader {
  /** Why the start line is refused. A fault that the framer finds later in the same read outranks it. */
  startLineError: string | null = null;
  /** A request line without a version: the head ends with it. */
  emptyVersion = false;

  constructor(
    private readonly head: MessageHead,
    private readonly lines: HeadBuffer,
  ) {}

  begin(): void {
    this.startLineError = null;
    this.emptyVersion = false;
  }

  /** Takes the start line apart. False when nothing after it can change the verdict. */
  startLine(buf: Uint8Array, end: number): boolean {
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
    if (this.head.isRequest) return this.requestLine(buf, first, secondStart, second, thirdStart, last, lineEnd);
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
    this.head.method = method ?? '';
    this.head.target = target;
    // As Envoy asks it: does the line end in this text? A target may, when there is no version.
    this.head.http11 = version === 'HTTP/1.1' || (version === '' && to === lineEnd && target.endsWith('HTTP/1.1'));
    this.emptyVersion = version === '';
    if (method === undefined) this.startLineError = 'HPE_INVALID_METHOD';
    else if (!targetIsPlausible(target, method === 'CONNECT')) this.startLineError = 'HPE_INVALID_URL';
    else if (version !== '' && !isVersion(version)) this.startLineError = 'HPE_INVALID_VERSION';
    return true;
  }

  private statusLine(buf: Uint8Array, first: number, from: number, to: number, reasonAt: number): boolean {
    const version = text(buf, 0, first);
    const status = from === to ? -1 : parseStatus(text(buf, from, reasonAt));
    if (status < 0) {
      const why = from === to ? 'FAILED_TO_FIND_WS_AFTER_RESPONSE_VERSION' : 'FAILED_CONVERTING_STATUS_CODE_TO_INT';
      return this.head.refuse(Details.CODEC_ERROR, why);
    }
    this.head.status = status;
    this.head.http11 = version === 'HTTP/1.1';
    if (!isVersion(version)) this.startLineError = 'HPE_INVALID_VERSION';
    return true;
  }

  /** Reads the lines of `buf[0..end)`, a whole head of which the start line has been read. False when it is refused. */
  finish(buf: Uint8Array, end: number): boolean {
    if (!this.checkBytes(buf, end)) return false;
    const lines = this.lines;
    lines.clear();
    let at = 0;
    while (buf[at] !== 10) at++;
    at++;
    if (!this.emptyVersion && !this.splitLines(buf, at, end)) return false;
    if (!this.frame(buf)) return false;
    if (this.startLineError !== null) return this.head.refuse(Details.CODEC_ERROR, this.startLineError);
    const headers = this.head.isRequest ? new RequestHeaders() : new ResponseHeaders(this.head.status);
    if (this.head.isRequest) this.head.request = headers as RequestHeaders;
    else this.head.response = headers as ResponseHeaders;
    return this.fill(buf, headers, false);
  }

  /** Finds names and values of `buf[at..end)`; the last line is the empty one. */
  private splitLines(buf: Uint8Array, at: number, end: number): boolean {
    const lines = this.lines;
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
        if (c !== 32 && c !== 9) return this.head.refuse(Details.CODEC_ERROR, 'INVALID_HEADER_FORMAT');
        lineEnd = next;
      }
      let last = lineEnd - 1;
      while (last > at && buf[last] <= 32) last--;
      last++;
      let colon = at;
      while (colon < last && buf[colon] !== 58) {
        if (BAD_NAME[buf[colon]] !== 0) return this.head.refuse(Details.CODEC_ERROR, 'INVALID_HEADER_NAME_CHARACTER');
        colon++;
      }
      if (colon === last) return this.head.refuse(Details.CODEC_ERROR, 'HEADER_MISSING_COLON');
      if (colon === at) return this.head.refuse(Details.CODEC_ERROR, 'INVALID_HEADER_FORMAT');
      let value = colon + 1;
      while (value < last && buf[value] <= 32) value++;
      lines.addLine(at, colon, value, last);
      at = lineEnd;
    }
  }

  /** Works out the framing from the raw lines. */
  private frame(buf: Uint8Array): boolean {
    const lines = this.lines;
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
          return this.head.refuse(Details.CODEC_ERROR, 'HPE_UNEXPECTED_CONTENT_LENGTH');
        }
      } else if (size === 17 && sameText(buf, lines.nameStart[i], 'transfer-encoding')) encodingAt = i;
    }
    this.head.hasTransferEncoding = encodingAt >= 0;
    this.head.chunked =
      encodingAt >= 0 &&
      lines.valueEnd[encodingAt] - lines.valueStart[encodingAt] === 7 &&
      sameText(buf, lines.valueStart[encodingAt], 'chunked');
    this.head.contentLength = lengthAt >= 0 && length >= 0 ? length : -1;
    const mayHaveBody = this.head.isRequest || !bodyless(this.head.status);
    if (mayHaveBody && !this.head.chunked && lengthAt >= 0 && length < 0) {
      return this.head.refuse(Details.CODEC_ERROR, 'UNPARSABLE_CONTENT_LENGTH');
    }
    return true;
  }

  /** Moves the lines into the map. */
  private fill(buf: Uint8Array, headers: RequestHeaders | ResponseHeaders | Trailers, trailers: boolean): boolean {
    const lines = this.lines;
    const deliver = !trailers || this.head.limits.enableTrailers;
    let pending: HeaderName | null = null;
    let value = '';
    for (let i = 0; i < lines.count; i++) {
      for (let k = lines.nameStart[i]; k < lines.nameEnd[i]; k++) {
        if (TOKEN[buf[k]] === 0) return this.head.refuse(Details.CODEC_ERROR, 'HPE_INVALID_HEADER_TOKEN');
      }
      if (!deliver) continue;
      if (pending !== null && !this.addLine(headers, pending, value, trailers)) return false;
      pending = headerNameOfBytes(buf, lines.nameStart[i], lines.nameEnd[i]);
      value = withoutLineEnds(text(buf, lines.valueStart[i], lines.valueEnd[i]));
      this.head.headerBytes += lines.nameEnd[i] - lines.nameStart[i] + value.length + 3;
    }
    return pending === null || this.addLine(headers, pending, value, trailers);
  }

  private addLine(
    headers: RequestHeaders | ResponseHeaders | Trailers,
    name: HeaderName,
    value: string,
    trailers: boolean,
  ): boolean {
    if (this.head.isRequest && this.head.limits.underscores !== 'ALLOW' && name.text.includes('_')) {
      if (this.head.limits.underscores === 'REJECT_REQUEST') {
        return this.head.refuse(Details.UNDERSCORE, 'header name contains underscores');
      }
      this.head.droppedUnderscores++;
    } else this.put(headers, name, value, trailers);
    if (this.countOf(headers) > this.head.limits.headerCount) {
      const what = trailers ? 'trailers' : 'headers';
      return this.head.refuse(Details.TOO_MANY_HEADERS, `${what} count exceeds limit`, 431);
    }
    return true;
  }

  private put(
    headers: RequestHeaders | ResponseHeaders | Trailers,
    name: HeaderName,
    value: string,
    trailers: boolean,
  ): void {
    if (!this.head.isRequest) headers.add(name, value);
    else if (trailers || name === H.cookie) headers.push(name, value);
    else if (name === H.host) addHost(headers as RequestHeaders, value);
    else headers.add(name, value);
  }

  private countOf(headers: RequestHeaders | ResponseHeaders | Trailers): number {
    return headers.size + (headers instanceof RequestHeaders && headers.authority !== undefined ? 1 : 0);
  }

  /** Reads `buf[0..end)`, a whole trailer block. Null when it is refused. Trailers are checked also when they are not wanted. */
  trailers(buf: Uint8Array, end: number): Trailers | null {
    this.lines.clear();
    const trailers = new Trailers();
    const good = this.checkBytes(buf, end) && this.splitLines(buf, 0, end) && this.fill(buf, trailers, true);
    return good ? trailers : null;
  }

  private checkBytes(buf: Uint8Array, end: number): boolean {
    for (let i = 0; i < end; i++) {
      if (FORBIDDEN[buf[i]] !== 0) {
        return this.head.refuse(Details.INVALID_CHARACTERS, 'header value contains invalid chars');
      }
    }
    return true;
  }
}
