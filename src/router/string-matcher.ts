import type { StringMatcher } from '../xds/types.js';
import { byteString, FullMatchRegex } from './regex.js';

/** A compiled condition on one value (a byte string). */
export interface ValueMatcher {
  matches(value: string): boolean;
}

class Exact implements ValueMatcher {
  constructor(private readonly text: string) {}
  matches(value: string): boolean {
    return value === this.text;
  }
}

class Prefix implements ValueMatcher {
  constructor(private readonly text: string) {}
  matches(value: string): boolean {
    return value.startsWith(this.text);
  }
}

class Suffix implements ValueMatcher {
  constructor(private readonly text: string) {}
  matches(value: string): boolean {
    return value.endsWith(this.text);
  }
}

class Contains implements ValueMatcher {
  constructor(private readonly text: string) {}
  matches(value: string): boolean {
    return value.includes(this.text);
  }
}

class Regex implements ValueMatcher {
  constructor(private readonly regex: FullMatchRegex) {}
  matches(value: string): boolean {
    return this.regex.test(value);
  }
}

/** Compares after ASCII letters were made lower case; the inner text is lower case. */
class IgnoreCase implements ValueMatcher {
  constructor(private readonly inner: ValueMatcher) {}
  matches(value: string): boolean {
    return this.inner.matches(asciiLower(value));
  }
}

/** ASCII lower case; bytes above 127 stay as they are. */
export function asciiLower(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  }
  return text.toLowerCase();
}

/**
 * `envoy.type.matcher.v3.StringMatcher`.
 * @throws Error when no kind is set, the regex is not RE2 syntax, or ignore_case stands beside a regex
 */
export function compileStringMatcher(config: StringMatcher): ValueMatcher {
  const prepare = (text: string) => (config.ignore_case ? asciiLower(byteString(text)) : byteString(text));
  let inner: ValueMatcher;
  if (config.exact !== undefined) inner = new Exact(prepare(config.exact));
  else if (config.prefix !== undefined) inner = new Prefix(prepare(config.prefix));
  else if (config.suffix !== undefined) inner = new Suffix(prepare(config.suffix));
  else if (config.contains !== undefined) inner = new Contains(prepare(config.contains));
  else if (config.safe_regex !== undefined) {
    if (config.ignore_case) throw new Error('ignore_case has no effect for safe_regex');
    return new Regex(new FullMatchRegex(config.safe_regex.regex));
  } else throw new Error('one of exact, prefix, suffix, contains, safe_regex must be set');
  return config.ignore_case ? new IgnoreCase(inner) : inner;
}
