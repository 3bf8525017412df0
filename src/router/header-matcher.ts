import { type HeaderName, permanentName } from '../base/header-names.js';
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../base/headers.js';
import type { HeaderMatcher as HeaderMatcherConfig, StringMatcher } from '../xds/types.js';
import { FullMatchRegex } from './regex.js';
import { compileStringMatcher, type ValueMatcher } from './string-matcher.js';

/** A compiled `envoy.config.route.v3.HeaderMatcher`. */
export interface HeaderMatcher {
  matches(headers: HeaderMap): boolean;
}

/** Reads one pseudo-header (or Host, which is `:authority`) of a request or response; undefined when it is absent. */
export function pseudoHeader(headers: HeaderMap, name: string): string | undefined {
  const request = headers as Partial<RequestHeaders>;
  switch (name) {
    case ':method':
      return request.method === '' ? undefined : request.method;
    case ':path':
      return request.path;
    case ':authority':
    case 'host':
      return request.authority;
    case ':scheme':
      return request.scheme;
    case ':protocol':
      return request.protocol;
    case ':status': {
      const status = (headers as Partial<ResponseHeaders>).status;
      return status === undefined ? undefined : String(status);
    }
    default:
      return undefined;
  }
}

/** True for names that are fields of the header maps, not lines. */
export function isPseudo(name: string): boolean {
  return name.startsWith(':') || name === 'host';
}

/** The first value of a header named by configuration, pseudo-headers included. */
export class HeaderReader {
  private readonly pseudo: string | null;
  private readonly name: HeaderName;

  constructor(name: string) {
    const lower = name.toLowerCase();
    this.pseudo = isPseudo(lower) ? lower : null;
    this.name = permanentName(lower);
  }

  get(headers: HeaderMap): string | undefined {
    return this.pseudo === null ? headers.get(this.name) : pseudoHeader(headers, this.pseudo);
  }

  /** Calls nothing, allocates nothing: position of the next line at or after `from`, -1 when there is none. */
  next(headers: HeaderMap, from: number): number {
    return headers.indexOf(this.name, from);
  }

  get isPseudo(): boolean {
    return this.pseudo !== null;
  }
}

/** present_match, or a matcher with a name alone. */
class Present implements HeaderMatcher {
  constructor(
    private readonly reader: HeaderReader,
    private readonly wanted: boolean,
    private readonly missingCounts: boolean,
  ) {}
  matches(headers: HeaderMap): boolean {
    return (this.missingCounts || this.reader.get(headers) !== undefined) === this.wanted;
  }
}

/** Matches when one of the values of a repeated header does; an inverted one when none does. */
class Valued implements HeaderMatcher {
  constructor(
    private readonly reader: HeaderReader,
    private readonly value: ValueMatcher,
    private readonly invert: boolean,
    private readonly missingAsEmpty: boolean,
  ) {}
  matches(headers: HeaderMap): boolean {
    const first = this.reader.get(headers);
    if (first === undefined) return this.missingAsEmpty && this.value.matches('') !== this.invert;
    let found = this.value.matches(first);
    if (!found && !this.reader.isPseudo) {
      let at = this.reader.next(headers, 0);
      while (!found && (at = this.reader.next(headers, at + 1)) >= 0) found = this.value.matches(headers.values[at]);
    }
    return found !== this.invert;
  }
}

/** Half open range of 64-bit integers. */
class Range implements ValueMatcher {
  private readonly start: bigint;
  private readonly end: bigint;
  constructor(start: number, end: number) {
    this.start = BigInt(start);
    this.end = BigInt(end);
  }
  matches(value: string): boolean {
    const number = parseInteger(value);
    return number !== null && number >= this.start && number < this.end;
  }
}

class RegexValue implements ValueMatcher {
  private readonly regex: FullMatchRegex;
  constructor(source: string) {
    this.regex = new FullMatchRegex(source);
  }
  matches(value: string): boolean {
    return this.regex.test(value);
  }
}

const INT64_MAX = (1n << 63n) - 1n;

/** A decimal 64-bit integer with an optional sign, blanks around it allowed (absl::SimpleAtoi); null when it is none. */
export function parseInteger(value: string): bigint | null {
  const text = value.trim();
  const from = text[0] === '+' || text[0] === '-' ? 1 : 0;
  if (text.length === from) return null;
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 48 || code > 57) return null;
  }
  const number = BigInt(text[0] === '+' ? text.slice(1) : text);
  return number > INT64_MAX || number < -INT64_MAX - 1n ? null : number;
}

/** @throws Error when a regex is not RE2 syntax */
export function compileHeaderMatcher(config: HeaderMatcherConfig): HeaderMatcher {
  const reader = new HeaderReader(config.name);
  const value = valueMatcher(config);
  if (value === null)
    return new Present(
      reader,
      (config.present_match ?? true) !== config.invert_match,
      config.treat_missing_header_as_empty,
    );
  return new Valued(reader, value, config.invert_match, config.treat_missing_header_as_empty);
}

function valueMatcher(config: HeaderMatcherConfig): ValueMatcher | null {
  if (config.string_match !== undefined) return compileStringMatcher(config.string_match);
  if (config.range_match !== undefined) return new Range(config.range_match.start, config.range_match.end);
  if (config.safe_regex_match !== undefined) return new RegexValue(config.safe_regex_match.regex);
  const old = oldForm(config);
  return old === null ? null : compileStringMatcher(old);
}

/** exact_match and its kin, deprecated, say what string_match says. */
function oldForm(config: HeaderMatcherConfig): StringMatcher | null {
  const { exact_match: exact, prefix_match: prefix, suffix_match: suffix, contains_match: contains } = config;
  if (exact === undefined && prefix === undefined && suffix === undefined && contains === undefined) return null;
  return { exact, prefix, suffix, contains, ignore_case: false } as StringMatcher;
}

/** True when every matcher matches. */
export function allMatch(matchers: readonly HeaderMatcher[], headers: HeaderMap): boolean {
  for (let i = 0; i < matchers.length; i++) if (!matchers[i].matches(headers)) return false;
  return true;
}

/** True when at least one matcher matches. */
export function anyMatches(matchers: readonly HeaderMatcher[], headers: HeaderMap): boolean {
  for (let i = 0; i < matchers.length; i++) if (matchers[i].matches(headers)) return true;
  return false;
}
