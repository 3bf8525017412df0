import { H, type HeaderName, headerNameOfBytes } from '../../base/header-names.js';
import { RequestHeaders, ResponseHeaders } from '../../base/headers.js';
import { isHttp11, isNameAt, plainLength, text } from './bytes.js';
import { METHODS, TARGET, TOKEN, VALUE } from './chars.js';
import { addHost, type MessageHead } from './message-head.js';

/** So many names of a head are remembered. */
const EXPECTED_LIMIT = 32;

/**
 * Reads the heads that lie whole in one buffer and have nothing to repair, in one pass. It decides nothing: a head that is
 * not such a one is left to `CarefulHeadReader`, which holds the rules.
 */
export class WholeHeadReader {
  /** Names of the lines of the last head. */
  private readonly expected: (HeaderName | undefined)[] = [];

  constructor(private readonly head: MessageHead) {}

  /**
   * Parses a request head that lies whole in the buffer and needs no repair: `METHOD /path HTTP/1.1`, tokens for names,
   * values without control characters, no folding, at most one plain content-length and transfer-encoding.
   * @returns the position after it, or 0: not such a head
   */
  request(buf: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && buf[at] > 32) at++;
    if (at === end || buf[at] !== 32 || buf[at + 1] !== 47) return 0;
    const methodEnd = at;
    const targetStart = ++at;
    while (at < end && TARGET[buf[at]] !== 0) at++;
    const targetEnd = at;
    if (at + 10 >= end || buf[at] !== 32 || !isHttp11(buf, at)) return 0;
    at += 9;
    if (buf[at] === 13) at++;
    if (buf[at++] !== 10) return 0;
    const method = METHODS.get(text(buf, start, methodEnd));
    if (method === undefined) return 0;
    const headers = new RequestHeaders();
    const next = this.lines(buf, start, at, end, headers);
    if (next === 0) return 0;
    this.head.method = method;
    this.head.target = text(buf, targetStart, targetEnd);
    this.head.request = headers;
    return next;
  }

  /** As `request`, for `HTTP/1.1 ddd ...` with three digits, the first not 0. */
  response(buf: Uint8Array, start: number, end: number): number {
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
    const next = this.lines(buf, start, at, end, headers);
    if (next === 0) return 0;
    this.head.status = headers.status;
    this.head.response = headers;
    return next;
  }

  private lines(
    buf: Uint8Array,
    headStart: number,
    start: number,
    end: number,
    headers: RequestHeaders | ResponseHeaders,
  ): number {
    const isRequest = this.head.isRequest;
    const limit = Math.min(end, headStart + this.head.limits.headBytes);
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
      if (++lines > this.head.limits.headerCount) return 0;
      const value = text(buf, valueStart, valueEnd);
      bytes += valueEnd - valueStart;
      if (isRequest && this.head.limits.underscores !== 'ALLOW' && name.text.includes('_')) return 0;
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
    this.head.contentLength = length;
    this.head.chunked = this.head.hasTransferEncoding = chunked;
    this.head.headerBytes = bytes;
    return at + 1;
  }
}
