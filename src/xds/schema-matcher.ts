/** Matchers of strings, headers, query parameters, metadata, paths. The notation is described in `schema.ts`. */
export const MATCHER = `
message StringMatcher envoy.type.matcher.v3.StringMatcher
  oneof match_pattern required
  exact string oneof=match_pattern
  prefix string oneof=match_pattern min_len=1
  suffix string oneof=match_pattern min_len=1
  safe_regex RegexMatcher oneof=match_pattern
  contains string oneof=match_pattern min_len=1
  - custom: custom string matchers
  ignore_case bool

message RegexMatcher envoy.type.matcher.v3.RegexMatcher
  google_re2 GoogleRE2 oneof=engine_type deprecated
  regex string min_len=1

message GoogleRE2 envoy.type.matcher.v3.RegexMatcher.GoogleRE2
  max_program_size uint32? deprecated

message RegexMatchAndSubstitute envoy.type.matcher.v3.RegexMatchAndSubstitute
  pattern RegexMatcher required
  substitution string header_value_loose

message ListStringMatcher envoy.type.matcher.v3.ListStringMatcher
  patterns StringMatcher[] min_items=1

message MetadataMatcher envoy.type.matcher.v3.MetadataMatcher
  filter string min_len=1
  path MetadataMatcherPathSegment[] min_items=1
  value ValueMatcher required
  invert bool

message MetadataMatcherPathSegment envoy.type.matcher.v3.MetadataMatcher.PathSegment
  oneof segment required
  key string oneof=segment min_len=1

message ValueMatcher envoy.type.matcher.v3.ValueMatcher
  oneof match_pattern required
  null_match NullMatch oneof=match_pattern
  double_match DoubleMatcher oneof=match_pattern
  string_match StringMatcher oneof=match_pattern
  bool_match bool oneof=match_pattern
  present_match bool oneof=match_pattern
  list_match ListMatcher oneof=match_pattern
  or_match OrMatcher oneof=match_pattern

message NullMatch envoy.type.matcher.v3.ValueMatcher.NullMatch

message DoubleMatcher envoy.type.matcher.v3.DoubleMatcher
  oneof match_pattern required
  range DoubleRange oneof=match_pattern
  exact double oneof=match_pattern

message ListMatcher envoy.type.matcher.v3.ListMatcher
  oneof match_pattern required
  one_of ValueMatcher oneof=match_pattern

message OrMatcher envoy.type.matcher.v3.OrMatcher
  value_matchers ValueMatcher[] min_items=2

message PathMatcher envoy.type.matcher.v3.PathMatcher
  oneof rule required
  path StringMatcher oneof=rule

message FilterStateMatcher envoy.type.matcher.v3.FilterStateMatcher
  oneof matcher required
  key string min_len=1
  string_match StringMatcher oneof=matcher
  address_match AddressMatcher oneof=matcher

message AddressMatcher envoy.type.matcher.v3.AddressMatcher
  ranges CidrRange[]
  invert_match bool

message MetadataKey envoy.type.metadata.v3.MetadataKey
  key string min_len=1
  path MetadataKeyPathSegment[] min_items=1

message MetadataKeyPathSegment envoy.type.metadata.v3.MetadataKey.PathSegment
  oneof segment required
  key string oneof=segment min_len=1
  index uint32 oneof=segment

message HeaderMatcher envoy.config.route.v3.HeaderMatcher
  name string min_len=1 header_name_loose
  exact_match string oneof=header_match_specifier deprecated
  safe_regex_match RegexMatcher oneof=header_match_specifier deprecated
  range_match Int64Range oneof=header_match_specifier
  present_match bool oneof=header_match_specifier
  prefix_match string oneof=header_match_specifier min_len=1 deprecated
  suffix_match string oneof=header_match_specifier min_len=1 deprecated
  contains_match string oneof=header_match_specifier min_len=1 deprecated
  string_match StringMatcher oneof=header_match_specifier
  invert_match bool
  treat_missing_header_as_empty bool

message QueryParameterMatcher envoy.config.route.v3.QueryParameterMatcher
  name string min_len=1 max_bytes=1024
  string_match StringMatcher oneof=query_parameter_match_specifier
  present_match bool oneof=query_parameter_match_specifier

message CookieMatcher envoy.config.route.v3.CookieMatcher
  name string min_len=1 max_bytes=1024
  string_match StringMatcher required
  invert_match bool
`;
