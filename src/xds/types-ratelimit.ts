// Rate limit actions (local rate limiting only).
import type { AddressMatcher, HeaderMatcher, MetadataKey, QueryParameterMatcher } from './types-matcher.js';

/** `envoy.config.route.v3.RateLimit.XRateLimitOption` */
export type XRateLimitOption = 'UNSPECIFIED' | 'OFF' | 'DRAFT_VERSION_03';

/** `envoy.config.route.v3.RateLimit.Action.MetaData.Source` */
export type Source = 'DYNAMIC' | 'ROUTE_ENTRY' | 'CLUSTER_ENTRY' | 'CLUSTER_LOCALITY_ENTRY';

/** `envoy.config.route.v3.RateLimit` */
export interface RateLimit {
  stage?: number;
  disable_key: string;
  actions: RateLimitAction[];
  apply_on_stream_done: boolean;
  x_ratelimit_option: XRateLimitOption;
}

/** `envoy.config.route.v3.RateLimit.Action` */
export interface RateLimitAction {
  source_cluster?: RateLimitSourceCluster;
  destination_cluster?: RateLimitDestinationCluster;
  request_headers?: RateLimitRequestHeaders;
  query_parameters?: RateLimitQueryParameters;
  remote_address?: RateLimitRemoteAddress;
  generic_key?: RateLimitGenericKey;
  header_value_match?: RateLimitHeaderValueMatch;
  metadata?: RateLimitMetaData;
  masked_remote_address?: RateLimitMaskedRemoteAddress;
  query_parameter_value_match?: RateLimitQueryParameterValueMatch;
  remote_address_match?: RateLimitRemoteAddressMatch;
}

/** `envoy.config.route.v3.RateLimit.Action.SourceCluster` */
export type RateLimitSourceCluster = Record<string, never>;

/** `envoy.config.route.v3.RateLimit.Action.DestinationCluster` */
export type RateLimitDestinationCluster = Record<string, never>;

/** `envoy.config.route.v3.RateLimit.Action.RequestHeaders` */
export interface RateLimitRequestHeaders {
  header_name: string;
  descriptor_key: string;
  skip_if_absent: boolean;
}

/** `envoy.config.route.v3.RateLimit.Action.QueryParameters` */
export interface RateLimitQueryParameters {
  query_parameter_name: string;
  descriptor_key: string;
  skip_if_absent: boolean;
}

/** `envoy.config.route.v3.RateLimit.Action.RemoteAddress` */
export type RateLimitRemoteAddress = Record<string, never>;

/** `envoy.config.route.v3.RateLimit.Action.GenericKey` */
export interface RateLimitGenericKey {
  descriptor_value: string;
  default_value: string;
  descriptor_key: string;
}

/** `envoy.config.route.v3.RateLimit.Action.HeaderValueMatch` */
export interface RateLimitHeaderValueMatch {
  descriptor_value: string;
  default_value: string;
  descriptor_key: string;
  expect_match?: boolean;
  headers: HeaderMatcher[];
}

/** `envoy.config.route.v3.RateLimit.Action.MetaData` */
export interface RateLimitMetaData {
  descriptor_key: string;
  metadata_key: MetadataKey;
  default_value: string;
  source: Source;
  skip_if_absent: boolean;
}

/** `envoy.config.route.v3.RateLimit.Action.MaskedRemoteAddress` */
export interface RateLimitMaskedRemoteAddress {
  v4_prefix_mask_len?: number;
  v6_prefix_mask_len?: number;
}

/** `envoy.config.route.v3.RateLimit.Action.QueryParameterValueMatch` */
export interface RateLimitQueryParameterValueMatch {
  descriptor_value: string;
  default_value: string;
  descriptor_key: string;
  expect_match?: boolean;
  query_parameters: QueryParameterMatcher[];
}

/** `envoy.config.route.v3.RateLimit.Action.RemoteAddressMatch` */
export interface RateLimitRemoteAddressMatch {
  descriptor_value: string;
  descriptor_key: string;
  default_value: string;
  address_matcher: AddressMatcher;
}
