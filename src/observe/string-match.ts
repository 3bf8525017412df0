import { RE2JS } from 're2js';

/** The part of `envoy.type.matcher.v3.StringMatcher` that logs and statistics use; unset patterns may be absent or undefined. */
export interface StringMatcherConfig {
  exact?: string;
  prefix?: string;
  suffix?: string;
  contains?: string;
  safe_regex?: { regex: string };
  ignore_case?: boolean;
}

export type StringPredicate = (value: string) => boolean;

/** @throws Error for an invalid regex or when no pattern is set */
export function compileStringMatcher(config: StringMatcherConfig): StringPredicate {
  const fold = config.ignore_case === true;
  const prepared = (text: string) => (fold ? text.toLowerCase() : text);
  if (config.exact !== undefined) {
    const want = prepared(config.exact);
    return fold ? (value) => value.toLowerCase() === want : (value) => value === want;
  }
  if (config.prefix !== undefined) {
    const want = prepared(config.prefix);
    return fold ? (value) => value.toLowerCase().startsWith(want) : (value) => value.startsWith(want);
  }
  if (config.suffix !== undefined) {
    const want = prepared(config.suffix);
    return fold ? (value) => value.toLowerCase().endsWith(want) : (value) => value.endsWith(want);
  }
  if (config.contains !== undefined) {
    const want = prepared(config.contains);
    return fold ? (value) => value.toLowerCase().includes(want) : (value) => value.includes(want);
  }
  if (config.safe_regex !== undefined && config.safe_regex.regex !== '') {
    const regex = RE2JS.compile(config.safe_regex.regex);
    return (value) => regex.matches(value);
  }
  throw new Error('string matcher: one of exact, prefix, suffix, contains, safe_regex is required');
}

/** A partial-match RE2 of a query parameter: the predicate, or the text Envoy answers with status 400. */
export function compileQueryRegex(source: string): StringPredicate | { error: string } {
  try {
    const regex = RE2JS.compile(source);
    return (value) => regex.matcher(value).find();
  } catch (error) {
    return { error: `Invalid re2 regex: ${re2Reason(String((error as Error).message))}` };
  }
}

/** The words of Envoy's RE2 for what re2js reports. */
function re2Reason(message: string): string {
  const text = message.replace(/^error parsing regexp: /, '').replace(/`([^`]*)`$/, '$1');
  return text
    .replace(/^missing closing /, 'missing ')
    .replace(/^missing argument to repetition operator/, 'no argument for repetition operator')
    .replace(/^unexpected \): ?/, 'unexpected ): ')
    .replace(/^trailing backslash at end of expression:? ?/, 'trailing \\');
}
