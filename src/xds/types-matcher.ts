// Matchers of strings, headers, query parameters, metadata, paths.
import type { CidrRange, DoubleRange, Int64Range } from './types-core.js';

/** `envoy.type.matcher.v3.StringMatcher` */
export interface StringMatcher {
  exact?: string;
  prefix?: string;
  suffix?: string;
  safe_regex?: RegexMatcher;
  contains?: string;
  ignore_case: boolean;
}

/** `envoy.type.matcher.v3.RegexMatcher` */
export interface RegexMatcher {
  google_re2?: GoogleRE2;
  regex: string;
}

/** `envoy.type.matcher.v3.RegexMatcher.GoogleRE2` */
export interface GoogleRE2 {
  max_program_size?: number;
}

/** `envoy.type.matcher.v3.RegexMatchAndSubstitute` */
export interface RegexMatchAndSubstitute {
  pattern: RegexMatcher;
  substitution: string;
}

/** `envoy.type.matcher.v3.ListStringMatcher` */
export interface ListStringMatcher {
  patterns: StringMatcher[];
}

/** `envoy.type.matcher.v3.MetadataMatcher` */
export interface MetadataMatcher {
  filter: string;
  path: MetadataMatcherPathSegment[];
  value: ValueMatcher;
  invert: boolean;
}

/** `envoy.type.matcher.v3.MetadataMatcher.PathSegment` */
export interface MetadataMatcherPathSegment {
  key?: string;
}

/** `envoy.type.matcher.v3.ValueMatcher` */
export interface ValueMatcher {
  null_match?: NullMatch;
  double_match?: DoubleMatcher;
  string_match?: StringMatcher;
  bool_match?: boolean;
  present_match?: boolean;
  list_match?: ListMatcher;
  or_match?: OrMatcher;
}

/** `envoy.type.matcher.v3.ValueMatcher.NullMatch` */
export type NullMatch = Record<string, never>;

/** `envoy.type.matcher.v3.DoubleMatcher` */
export interface DoubleMatcher {
  range?: DoubleRange;
  exact?: number;
}

/** `envoy.type.matcher.v3.ListMatcher` */
export interface ListMatcher {
  one_of?: ValueMatcher;
}

/** `envoy.type.matcher.v3.OrMatcher` */
export interface OrMatcher {
  value_matchers: ValueMatcher[];
}

/** `envoy.type.matcher.v3.PathMatcher` */
export interface PathMatcher {
  path?: StringMatcher;
}

/** `envoy.type.matcher.v3.FilterStateMatcher` */
export interface FilterStateMatcher {
  key: string;
  string_match?: StringMatcher;
  address_match?: AddressMatcher;
}

/** `envoy.type.matcher.v3.AddressMatcher` */
export interface AddressMatcher {
  ranges: CidrRange[];
  invert_match: boolean;
}

/** `envoy.type.metadata.v3.MetadataKey` */
export interface MetadataKey {
  key: string;
  path: MetadataKeyPathSegment[];
}

/** `envoy.type.metadata.v3.MetadataKey.PathSegment` */
export interface MetadataKeyPathSegment {
  key?: string;
  index?: number;
}

/** `envoy.config.route.v3.HeaderMatcher` */
export interface HeaderMatcher {
  name: string;
  exact_match?: string;
  safe_regex_match?: RegexMatcher;
  range_match?: Int64Range;
  present_match?: boolean;
  prefix_match?: string;
  suffix_match?: string;
  contains_match?: string;
  string_match?: StringMatcher;
  invert_match: boolean;
  treat_missing_header_as_empty: boolean;
}

/** `envoy.config.route.v3.QueryParameterMatcher` */
export interface QueryParameterMatcher {
  name: string;
  string_match?: StringMatcher;
  present_match?: boolean;
}

/** `envoy.config.route.v3.CookieMatcher` */
export interface CookieMatcher {
  name: string;
  string_match: StringMatcher;
  invert_match: boolean;
}
