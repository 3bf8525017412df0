import { formatDuration } from '../../config/duration.js';
import { parseDuration } from '../duration.js';
import { allFrom, comesFrom, numberAt, stringAt, stringsAt, type Tree, treeAt, treesAt } from '../tree.js';
import { stringMatcher } from './match.js';

export const FAULT = 'envoy.filters.http.fault';
export const CORS = 'envoy.filters.http.cors';

/** gRPC status codes by the names that `grpcStatus` takes. */
export const GRPC_STATUS: Record<string, number> = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
};

/** A share of requests from `{value: percent}`: parts of a million. */
export function shareOfMillion(percent: Tree): Tree {
  const parts = Math.trunc((numberAt(percent, 'value') ?? 0) * 10_000);
  return parts === 0 ? { denominator: 'MILLION' } : { numerator: parts, denominator: 'MILLION' };
}

export function shareOfHundred(percent: number): Tree {
  return percent === 0 ? {} : { numerator: percent };
}

/** Envoy's HTTPFault of `fault`; undefined when neither part says anything. */
export function faultOf(fault: Tree): Tree | undefined {
  const out: Tree = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault' };
  const delay = treeAt(fault, 'delay');
  const fixed = delay === undefined ? null : parseDuration(stringAt(delay, 'fixedDelay'));
  if (delay !== undefined && fixed !== null) {
    const percentage = treeAt(delay, 'percentage');
    const made: Tree = {
      fixed_delay: formatDuration(fixed),
      percentage:
        percentage === undefined ? shareOfHundred(numberAt(delay, 'percent') ?? 0) : shareOfMillion(percentage),
    };
    comesFrom(made, 'fixed_delay', delay, 'fixedDelay');
    allFrom(made, fault, 'delay');
    out['delay'] = made;
  }
  const abort = treeAt(fault, 'abort');
  if (abort !== undefined) {
    const made: Tree = {};
    const percentage = treeAt(abort, 'percentage');
    if (percentage !== undefined) made['percentage'] = shareOfMillion(percentage);
    const status = numberAt(abort, 'httpStatus');
    const grpc = stringAt(abort, 'grpcStatus');
    if (status !== undefined) made['http_status'] = status;
    else if (grpc !== '') made['grpc_status'] = GRPC_STATUS[grpc] ?? 0;
    if (status !== undefined || grpc !== '') {
      allFrom(made, fault, 'abort');
      out['abort'] = made;
    }
  }
  return out['delay'] === undefined && out['abort'] === undefined ? undefined : out;
}

/** Envoy's CorsPolicy of `corsPolicy`. */
export function corsOf(cors: Tree): Tree {
  const out: Tree = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy' };
  const origins = Array.isArray(cors['allowOrigins'])
    ? treesAt(cors, 'allowOrigins').flatMap((o) => stringMatcher(o) ?? [])
    : stringsAt(cors, 'allowOrigin').map((o) => ({ exact: o }));
  if (origins.length > 0) out['allow_origin_string_match'] = origins;
  for (const [field, name] of [
    ['allowMethods', 'allow_methods'],
    ['allowHeaders', 'allow_headers'],
    ['exposeHeaders', 'expose_headers'],
  ]) {
    const list = stringsAt(cors, field);
    if (list.length > 0) out[name] = list.join(',');
  }
  const maxAge = parseDuration(stringAt(cors, 'maxAge'));
  if (maxAge !== null) out['max_age'] = String(Math.trunc(maxAge / 1000));
  if (typeof cors['allowCredentials'] === 'boolean') out['allow_credentials'] = cors['allowCredentials'];
  out['filter_enabled'] = { default_value: shareOfHundred(100) };
  out['forward_not_matching_preflights'] = stringAt(cors, 'unmatchedPreflights') !== 'IGNORE';
  return out;
}
