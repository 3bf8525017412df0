import { H, type HeaderName, headerNameOfBytes } from '../../base/header-names.js';
import { RequestHeaders, ResponseHeaders } from '../../base/headers.js';
import { isHttp11, isText, plainLength, text } from './bytes.js';
import { METHODS, TARGET, TOKEN, VALUE } from './chars.js';
import { LineMemory } from './line-memory.js';
import { addHost, type MessageHead } from './message-head.js';

/**
 * Reads the heads that lie whole in one buffer and have nothing to repair, in one pass. It decides nothing: a head that is
 * not such a one is left to `CarefulHeadReader`, which holds the rules.
 */
export class WholeHeadReader {
  /** Of the last head. */
  private readonly memory = new LineMemory();
  private method = '';
  private target = '';

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
    if (!isText(this.method, buf, start, methodEnd)) {
      const method = METHODS.get(text(buf, start, methodEnd));
      if (method === undefined) return 0;
      this.method = method;
    }
    if (!isText(this.target, buf, targetStart, targetEnd)) this.target = text(buf, targetStart, targetEnd);
    const headers = new RequestHeaders();
    const next = this.lines(buf, start, at, end, headers);
    if (next === 0) return 0;
    this.head.method = this.method;
    this.head.target = this.target;
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
    const { headBytes, headerCount, underscores } = this.head.limits;
    const limit = Math.min(end, headStart + headBytes);
    const { memory } = this;
    const known = memory.lines;
    let at = start;
    let lines = 0;
    let length = -1;
    let chunked = false;
    let bytes = 0;
    while (true) {
      if (at >= limit) return 0;
      const lineStart = at;
      let name: HeaderName | undefined;
      let value: string | undefined;
      if (lines < known.length) {
        const line = known[lines];
        const nameLength = line.name.text.length;
        const from = memory.bytes;
        const first = line.start;
        const most = Math.min(line.length, limit - at);
        let n = 0;
        while (n < most && from[first + n] === buf[at + n]) n++;
        if (n > nameLength) {
          name = line.name;
          at += nameLength;
          // The byte after the line end must be there: a blank would continue the line.
          const next = lineStart + n;
          if (n === line.length && n > nameLength + 1 && next < limit && buf[next] !== 32 && buf[next] !== 9) {
            value = line.value;
            line.misses = 0;
            at = next;
          }
        }
      }
      if (name === undefined || value === undefined) {
        if (name === undefined) {
          while (at < limit && TOKEN[buf[at]] !== 0) at++;
          if (at === lineStart) {
            if (buf[at] === 13) at++;
            if (at >= limit || buf[at] !== 10) return 0;
            break;
          }
          if (buf[at] !== 58) return 0;
          name = headerNameOfBytes(buf, lineStart, at);
        }
        at++;
        while (at < limit && (buf[at] === 32 || buf[at] === 9)) at++;
        const valueStart = at;
        while (at < limit && VALUE[buf[at]] !== 0) at++;
        let valueEnd = at;
        if (at < limit && buf[at] === 13) at++;
        if (at + 1 >= limit || buf[at] !== 10) return 0;
        const next = buf[++at];
        if (next === 32 || next === 9) return 0;
        while (valueEnd > valueStart && buf[valueEnd - 1] <= 32) valueEnd--;
        value = text(buf, valueStart, valueEnd);
        memory.learn(lines, name, value, buf, lineStart, at);
      }
      if (++lines > headerCount) return 0;
      bytes += name.text.length + value.length + 3;
      if (isRequest && underscores !== 'ALLOW' && name.text.includes('_')) return 0;
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
