import { isVersion, text } from './bytes.js';
import { TOKEN } from './chars.js';
import { targetIsPlausible } from './target.js';

/**
 * Whether bytes begin with a request line, by the parser's rules but with any method: its version, '' when they do not, null while the line
 * is not complete. A line without a version, and every version but 1.1, counts as 1.0.
 */
export function inspectRequestLine(data: Uint8Array): 'http/1.0' | 'http/1.1' | '' | null {
  if (data.length === 0) return null;
  if (TOKEN[data[0]] === 0) return '';
  let last = data.indexOf(10);
  if (last < 0) return null;
  while (last > 0 && data[last - 1] === 13) last--;
  let at = 0;
  while (at < last && data[at] > 32) if (TOKEN[data[at++]] === 0) return '';
  const method = at;
  while (at < last && data[at] <= 32) at++;
  const targetStart = at;
  while (at < last && data[at] > 32) at++;
  const target = text(data, targetStart, at);
  while (at < last && data[at] <= 32) at++;
  while (last > at && data[last - 1] <= 32) last--;
  const version = text(data, at, last);
  if (!targetIsPlausible(target, text(data, 0, method) === 'CONNECT')) return '';
  if (version !== '' && !isVersion(version)) return '';
  return version === 'HTTP/1.1' ? 'http/1.1' : 'http/1.0';
}
