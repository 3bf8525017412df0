import type { RE2JS } from 're2js';
import { compileRegex } from '../xds/regex.js';

/**
 * Regular expressions as Envoy has them: RE2 syntax, linear time whatever the pattern and the input. Patterns and values
 * are byte strings (one char per byte): `.` is one byte, as in Envoy, whose RE2 is set to Latin-1.
 */

/** The UTF-8 bytes of configured text as a byte string, to be compared with values from the wire. */
export function byteString(text: string): string {
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) > 127) return Buffer.from(text, 'utf8').toString('latin1');
  return text;
}

const META = /[\\^$.|?*+()[\]{}]/;

/** What a match of the whole value comes down to when the pattern is simple. */
const Shape = { GENERAL: 0, LITERAL: 1, PREFIX: 2, SUFFIX: 3, CONTAINS: 4 } as const;
type Shape = (typeof Shape)[keyof typeof Shape];

/** A regex that must match the whole value. */
export class FullMatchRegex {
  private readonly shape: Shape;
  private readonly literal: string;
  private readonly compiled: RE2JS;

  /** @throws Error (RE2's words) when the pattern is not RE2 syntax */
  constructor(readonly source: string) {
    const bytes = byteString(source);
    this.compiled = compileRegex(bytes);
    let body = bytes;
    if (body.startsWith('^')) body = body.slice(1);
    if (body.endsWith('$') && !body.endsWith('\\$')) body = body.slice(0, -1);
    const opens = body.startsWith('.*');
    const closes = body.length >= 2 && body.endsWith('.*') && !body.endsWith('\\.*');
    const middle = body.slice(opens ? 2 : 0, closes && !(opens && body === '.*') ? -2 : undefined);
    if (META.test(middle)) {
      this.shape = Shape.GENERAL;
      this.literal = leadingLiteral(body);
    } else {
      this.literal = middle;
      this.shape = opens && closes ? Shape.CONTAINS : opens ? Shape.SUFFIX : closes ? Shape.PREFIX : Shape.LITERAL;
    }
  }

  test(value: string): boolean {
    switch (this.shape) {
      case Shape.LITERAL:
        return value === this.literal;
      case Shape.PREFIX:
        return value.startsWith(this.literal) && value.indexOf('\n') < 0;
      case Shape.SUFFIX:
        return value.endsWith(this.literal) && value.indexOf('\n') < 0;
      case Shape.CONTAINS:
        return value.includes(this.literal) && value.indexOf('\n') < 0;
      default:
        if (this.literal !== '' && !value.startsWith(this.literal)) return false;
        return this.compiled.matches(value);
    }
  }
}

/** The text every match must begin with, '' when none can be told at a glance. */
function leadingLiteral(body: string): string {
  if (body.includes('|')) return '';
  let end = 0;
  while (end < body.length && !META.test(body[end])) end++;
  if (end < body.length && '?*{'.includes(body[end])) end--;
  return body.slice(0, Math.max(0, end));
}

/** regex_rewrite: every match is replaced; `\1` … `\9` are groups, `\0` the match, `\\` a backslash. */
export class RegexRewrite {
  private readonly compiled: RE2JS;
  /** Literal texts and group numbers, in order; null when a group is named that the pattern lacks: nothing is replaced. */
  private readonly parts: (string | number)[] | null;

  /** @throws Error when the pattern is not RE2 syntax */
  constructor(source: string, substitution: string) {
    this.compiled = compileRegex(byteString(source));
    const parts = parseSubstitution(byteString(substitution));
    const groups = this.compiled.groupCount();
    this.parts = parts.some((part) => typeof part === 'number' && part > groups) ? null : parts;
  }

  replaceAll(value: string): string {
    if (this.parts === null) return value;
    const matcher = this.compiled.matcher(value);
    let out = '';
    let at = 0;
    let lastEnd = -1;
    while (at <= value.length && matcher.find(at)) {
      const start = matcher.start();
      const end = matcher.end();
      out += value.slice(at, start);
      if (start === end && start === lastEnd) {
        // An empty match where the last match ended does not count: one byte is passed over.
        out += value.slice(start, start + 1);
        at = start + 1;
        continue;
      }
      for (const part of this.parts) out += typeof part === 'string' ? part : (matcher.group(part) ?? '');
      at = lastEnd = end;
    }
    return lastEnd < 0 ? value : out + value.slice(at);
  }
}

/** A backslash before anything else ends the substitution there, as in RE2. */
function parseSubstitution(text: string): (string | number)[] {
  const parts: (string | number)[] = [];
  let literal = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\') {
      literal += text[i];
      continue;
    }
    const next = text[++i];
    if (next === '\\') literal += '\\';
    else if (next !== undefined && next >= '0' && next <= '9') {
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push(Number(next));
    } else break;
  }
  if (literal !== '') parts.push(literal);
  return parts;
}
