import { type HeaderName, permanentName } from '../../base/header-names.js';
import type { RequestHeaders } from '../../base/headers.js';
import { ipv4Number } from '../../base/ip-address.js';
import { ipOf } from '../../observe/format-operators.js';
import type { StreamInfo } from '../../observe/stream-info.js';
import { allMatch, compileHeaderMatcher } from '../../router/header-matcher.js';
import { QueryMatcher, queryParameter } from '../../router/query.js';
import { unsupported } from '../../xds/decode.js';
import type { RateLimit, RateLimitAction } from '../../xds/types.js';
import type { FilterDeps } from './deps.js';

/** What an action reads of a request. */
interface Request {
  readonly headers: RequestHeaders;
  readonly info: StreamInfo;
  /** `--service-cluster`. */
  readonly ownCluster: string;
}

/** Appends its entry to `entries` (key, value, key, value, ...); false: there is no descriptor. */
type Action = (request: Request, entries: string[]) => boolean;

/** The text by which a descriptor is found. */
export function descriptorKey(entries: readonly string[]): string {
  return JSON.stringify(entries);
}

/** One `envoy.config.route.v3.RateLimit`, compiled. */
export class DescriptorRule {
  readonly stage: number;
  private readonly actions: readonly Action[];

  /** @throws ConfigError for an action that is not supported */
  constructor(config: RateLimit, deps: FilterDeps) {
    if (config.apply_on_stream_done)
      unsupported(config, 'apply_on_stream_done', 'rate limits are asked when a request begins');
    this.stage = config.stage ?? 0;
    this.actions = config.actions.map((action) => compileAction(action, deps));
  }

  /** Key of the request's descriptor; null when an action has nothing to say. */
  keyOf(request: Request): string | null {
    const entries: string[] = [];
    for (const action of this.actions) if (!action(request, entries)) return null;
    return entries.length === 0 ? null : descriptorKey(entries);
  }
}

function compileAction(action: RateLimitAction, deps: FilterDeps): Action {
  if (action.generic_key !== undefined) {
    const { descriptor_key: key, descriptor_value: value } = action.generic_key;
    return constant(key || 'generic_key', value);
  }
  if (action.request_headers !== undefined) {
    const { header_name: header, descriptor_key: key, skip_if_absent: skip } = action.request_headers;
    const name = header.startsWith(':') ? header : permanentName(header);
    return optional(key, skip, ({ headers }) =>
      typeof name === 'string' ? pseudo(headers, name) : joined(headers, name),
    );
  }
  if (action.query_parameters !== undefined) {
    const { query_parameter_name: name, descriptor_key: key, skip_if_absent: skip } = action.query_parameters;
    return optional(key, skip, ({ headers }) => queryParameter(headers.path ?? '', name));
  }
  if (action.remote_address !== undefined) return optional('remote_address', false, remoteIp);
  if (action.masked_remote_address !== undefined) {
    const bits = action.masked_remote_address.v4_prefix_mask_len ?? 32;
    return optional('masked_remote_address', false, (request) => masked(remoteIp(request), bits));
  }
  if (action.remote_address_match !== undefined) {
    const { address_matcher: matcher, descriptor_key: key, descriptor_value: value } = action.remote_address_match;
    const within = deps.cidr(matcher.ranges);
    const add = constant(key || 'remote_address_match', value);
    return (request, entries) => {
      const ip = remoteIp(request);
      return ip !== null && within(ip) !== matcher.invert_match && add(request, entries);
    };
  }
  if (action.source_cluster !== undefined) return optional('source_cluster', false, ({ ownCluster }) => ownCluster);
  if (action.destination_cluster !== undefined)
    return optional('destination_cluster', false, ({ info }) => info.upstreamCluster);
  if (action.header_value_match !== undefined) {
    const { descriptor_key: key, descriptor_value: value, expect_match: expect, headers } = action.header_value_match;
    const matchers = headers.map(compileHeaderMatcher);
    const add = constant(key || 'header_match', value);
    return (request, entries) => allMatch(matchers, request.headers) === (expect ?? true) && add(request, entries);
  }
  if (action.query_parameter_value_match !== undefined) {
    const { descriptor_key: key, descriptor_value: value, ...rest } = action.query_parameter_value_match;
    const matchers = rest.query_parameters.map((parameter) => new QueryMatcher(parameter));
    const add = constant(key || 'query_match', value);
    return (request, entries) =>
      matchers.every((matcher) => matcher.matches(request.headers)) === (rest.expect_match ?? true) &&
      add(request, entries);
  }
  return unsupported(action, 'metadata', 'rate limit descriptors do not read metadata');
}

function constant(key: string, value: string): Action {
  return (_request, entries) => {
    entries.push(key, value);
    return true;
  };
}

/** An entry whose value the request may not have: then it is left out, or there is no descriptor. */
function optional(key: string, skip: boolean, read: (request: Request) => string | null): Action {
  return (request, entries) => {
    const value = read(request);
    if (value === null) return skip;
    entries.push(key, value);
    return true;
  };
}

function remoteIp({ info }: Request): string | null {
  return ipOf(info.downstreamRemoteAddress);
}

function masked(ip: string | null, bits: number): string | null {
  if (ip === null) return null;
  const number = ipv4Number(ip);
  if (number < 0) return null;
  const size = 2 ** (32 - bits);
  const base = number - (number % size);
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256);
  return `${octets.join('.')}/${bits}`;
}

function joined(headers: RequestHeaders, name: HeaderName): string | null {
  return headers.getJoined(name) ?? null;
}

function pseudo(headers: RequestHeaders, name: string): string | null {
  switch (name) {
    case ':method':
      return headers.method;
    case ':path':
      return headers.path ?? null;
    case ':authority':
      return headers.authority ?? null;
    case ':scheme':
      return headers.scheme ?? null;
    default:
      return null;
  }
}
