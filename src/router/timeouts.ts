import { Bit, H } from '../base/header-names.js';
import type { RequestHeaders } from '../base/headers.js';
import type { LimitRef } from '../observe/timer-ledger.js';
import type { RouteEntry } from './route-entry.js';

/** Where a limit came from that a request header has set. */
export const FROM_HEADER: LimitRef = { path: '(request header)', position: null };

/**
 * The timeouts of one request as the router will use them: route, then gRPC, then request headers (which the connection
 * manager has stripped from callers it does not trust). Envoy: FilterUtility::finalTimeout.
 */
export interface TimeoutOptions {
  /** Router.respect_expected_rq_timeout. */
  respectExpectedRqTimeout: boolean;
  /** Profile rule; see `ReplyProfile`. */
  durationDisablesRouteTimeout: boolean;
}

export class RequestTimeouts {
  /** Whole request, ms; 0 is off. */
  global = 0;
  /** Each attempt, ms; 0 is off. */
  perTry = 0;
  perTryIdle = 0;
  /** Per-request replacement of the cluster's max_stream_duration; null when the header was absent. */
  upstreamMaxStreamDuration: number | null = null;
  /** `global` came from a request header, not from the route. */
  fromHeader = false;
  /** A per-try timeout starts another attempt beside the first instead of ending it (HedgePolicy.hedge_on_per_try_timeout). */
  hedge = false;
}

/** Fills `out` and removes the headers that were consumed. */
export function resolveTimeouts(
  out: RequestTimeouts,
  route: RouteEntry,
  headers: RequestHeaders,
  isGrpc: boolean,
  options: TimeoutOptions,
): void {
  out.fromHeader = false;
  out.hedge = route.hedgeOnPerTryTimeout;
  out.upstreamMaxStreamDuration = null;
  out.perTry = route.retryPolicy === null ? 0 : route.retryPolicy.perTryTimeout;
  out.perTryIdle = route.retryPolicy === null ? 0 : route.retryPolicy.perTryIdleTimeout;
  if (route.maxStreamDuration !== null && options.durationDisablesRouteTimeout) out.global = 0;
  else if (isGrpc && route.maxGrpcTimeout !== null) out.global = legacyGrpcTimeout(route, headers);
  else out.global = route.timeout;
  const asking = options.respectExpectedRqTimeout ? Bit.X_ENVOY | Bit.X_ENVOY_NOTE : Bit.X_ENVOY;
  if ((headers.bits & asking) !== 0) applyHeaders(out, headers, options);
  if (out.global !== 0 && out.perTry >= out.global) out.perTry = 0;
}

function legacyGrpcTimeout(route: RouteEntry, headers: RequestHeaders): number {
  const max = route.maxGrpcTimeout!;
  let timeout = parseGrpcTimeout(headers.get(H.grpcTimeout)) ?? 0;
  const offset = route.grpcTimeoutOffset ?? 0;
  if (offset > 0 && offset < timeout) timeout -= offset;
  if (max !== 0 && (timeout === 0 || timeout > max)) timeout = max;
  return timeout;
}

function applyHeaders(out: RequestTimeouts, headers: RequestHeaders, options: TimeoutOptions): void {
  const expected = options.respectExpectedRqTimeout ? headers.get(H.xEnvoyExpectedRqTimeoutMs) : undefined;
  if (expected !== undefined) {
    const ms = unsigned(expected);
    if (ms !== null) setGlobal(out, ms);
  } else {
    const given = headers.get(H.xEnvoyUpstreamRqTimeoutMs);
    if (given !== undefined) {
      const ms = unsigned(given);
      if (ms !== null) setGlobal(out, ms);
      headers.remove(H.xEnvoyUpstreamRqTimeoutMs);
    }
  }
  const perTry = headers.get(H.xEnvoyUpstreamRqPerTryTimeoutMs);
  if (perTry !== undefined) {
    const ms = unsigned(perTry);
    if (ms !== null) out.perTry = ms;
    headers.remove(H.xEnvoyUpstreamRqPerTryTimeoutMs);
  }
  const hedge = headers.get(H.xEnvoyHedgeOnPerTryTimeout);
  if (hedge === 'true') out.hedge = true;
  else if (hedge === 'false') out.hedge = false;
  const duration = headers.get(H.xEnvoyUpstreamStreamDurationMs);
  if (duration !== undefined) {
    out.upstreamMaxStreamDuration = unsigned(duration);
    headers.remove(H.xEnvoyUpstreamStreamDurationMs);
  }
}

function setGlobal(out: RequestTimeouts, ms: number): void {
  out.global = ms;
  out.fromHeader = true;
}

/** A non-negative decimal integer, or null. */
export function unsigned(text: string): number | null {
  if (text.length === 0 || text.length > 15) return null;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return null;
    value = value * 10 + digit;
  }
  return value;
}

const UNIT_MS: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** `grpc-timeout`: up to eight digits and a unit, micro- and nanoseconds rounded up to ms; null when absent or malformed. */
export function parseGrpcTimeout(text: string | undefined): number | null {
  if (text === undefined || text.length < 2 || text.length > 9) return null;
  const unit = UNIT_MS[text[text.length - 1]];
  const value = unsigned(text.slice(0, -1));
  return unit === undefined || value === null ? null : Math.ceil(value * unit);
}
