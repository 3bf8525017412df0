import { H } from '../base/header-names.js';
import type { RequestHeaders } from '../base/headers.js';
import type { CookieMatcher as CookieConfig, QueryParameterMatcher as QueryConfig } from '../xds/types.js';
import { byteString } from './regex.js';
import { compileStringMatcher, type ValueMatcher } from './string-matcher.js';

/** The first value of a query parameter, undecoded; '' for one without `=`, null when it is absent. */
export function queryParameter(path: string, name: string): string | null {
  let at = path.indexOf('?');
  if (at < 0) return null;
  at++;
  while (at < path.length) {
    let end = path.indexOf('&', at);
    if (end < 0) end = path.length;
    if (path.startsWith(name, at)) {
      const after = at + name.length;
      if (after === end) return '';
      if (after < end && path.charCodeAt(after) === 61) return path.slice(after + 1, end);
    }
    at = end + 1;
  }
  return null;
}

/**
 * The first value of a cookie over all cookie lines, without surrounding quotes; null when it is absent or has no `=`.
 */
export function cookieValue(headers: RequestHeaders, name: string): string | null {
  for (let line = headers.indexOf(H.cookie); line >= 0; line = headers.indexOf(H.cookie, line + 1)) {
    const text = headers.values[line];
    let at = 0;
    while (at < text.length) {
      let end = text.indexOf(';', at);
      if (end < 0) end = text.length;
      while (at < end && isBlank(text.charCodeAt(at))) at++;
      if (text.startsWith(name, at) && text.charCodeAt(at + name.length) === 61 && at + name.length < end)
        return unquote(text.slice(at + name.length + 1, end).trimEnd());
      at = end + 1;
    }
  }
  return null;
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

function unquote(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

export class QueryMatcher {
  private readonly name: string;
  private readonly present: boolean | null;
  private readonly value: ValueMatcher | null;

  /** @throws Error when a regex is not RE2 syntax */
  constructor(config: QueryConfig) {
    this.name = byteString(config.name);
    this.present = config.present_match ?? null;
    this.value = config.string_match === undefined ? null : compileStringMatcher(config.string_match);
  }

  matches(headers: RequestHeaders): boolean {
    const found = queryParameter(headers.path ?? '', this.name);
    if (this.present !== null) return (found !== null) === this.present;
    if (found === null) return false;
    return this.value === null || this.value.matches(found);
  }
}

export class CookieMatcher {
  private readonly name: string;
  private readonly value: ValueMatcher;
  private readonly invert: boolean;

  /** @throws Error when a regex is not RE2 syntax */
  constructor(config: CookieConfig) {
    this.name = byteString(config.name);
    this.value = compileStringMatcher(config.string_match);
    this.invert = config.invert_match;
  }

  matches(headers: RequestHeaders): boolean {
    const found = cookieValue(headers, this.name);
    return (found !== null && this.value.matches(found)) !== this.invert;
  }
}
