import type { Clock } from '../base/clock.js';
import { Bit, H, type HeaderName, headerName } from '../base/header-names.js';
import type { RequestHeaders, ResponseHeaders } from '../base/headers.js';
import type { Random } from '../base/random.js';
import { Reset, type ResetReason } from '../codec/codec.js';
import { PreviousPriorities } from '../upstream/lb/previous-priorities.js';
import type { ClusterTrafficStats, Host, RetryBreaker, RetryPriority } from '../upstream/types.js';
import { anyMatches } from './header-matcher.js';
import { type CompiledRetryPolicy, NO_RETRY_POLICY, parseRetryGrpcOn, parseRetryOn, RetryOn } from './retry-policy.js';
import { unsigned } from './timeouts.js';

/** The counters that a retry state keeps; the router counts `upstream_rq_retry` when an attempt starts. */
export type RetryStats = Pick<
  ClusterTrafficStats,
  | 'upstream_rq_retry_success'
  | 'upstream_rq_retry_limit_exceeded'
  | 'upstream_rq_retry_overflow'
  | 'upstream_rq_retry_backoff_exponential'
  | 'upstream_rq_retry_backoff_ratelimited'
>;

/** Sources of chance and time; a dispatcher is one. */
export interface RetrySources {
  readonly random: Pick<Random, 'u32'>;
  readonly clock: Pick<Clock, 'wall'>;
}

/** `limit`: flag URX. `overflow`: the breaker or budget is full, flag UO. */
export type RetryVerdict = 'no' | 'retry' | 'limit' | 'overflow';

const GRPC_CONDITIONS =
  RetryOn.GRPC_CANCELLED |
  RetryOn.GRPC_DEADLINE_EXCEEDED |
  RetryOn.GRPC_INTERNAL |
  RetryOn.GRPC_RESOURCE_EXHAUSTED |
  RetryOn.GRPC_UNAVAILABLE;

/** grpc-status to the condition that retries it. */
const GRPC_STATUS: Readonly<Record<string, number>> = {
  '1': RetryOn.GRPC_CANCELLED,
  '4': RetryOn.GRPC_DEADLINE_EXCEEDED,
  '8': RetryOn.GRPC_RESOURCE_EXHAUSTED,
  '13': RetryOn.GRPC_INTERNAL,
  '14': RetryOn.GRPC_UNAVAILABLE,
};

const CONFLICT = 409;
const TOO_EARLY = 425;

/**
 * Decides about the retries of one request. Envoy: RetryStateImpl; the order of its questions is kept. The router asks after
 * each attempt that failed or answered, waits `backoff` ms, and starts the next attempt; this object waits for nothing.
 */
export class RetryState {
  /** False when no outcome can lead to a retry (retriable_request_headers did not match). */
  readonly enabled: boolean;
  readonly hostSelectionMaxAttempts: number;
  private readonly retryOn: number;
  private remaining: number;
  private readonly statusCodes: readonly number[];
  /** From x-envoy-retriable-header-names: presence is enough. */
  private readonly headerNames: readonly HeaderName[];
  private readonly attempted: Host[] = [];
  /** retry_priority; null when it is not configured. */
  readonly priority: RetryPriority | null;
  private nextInterval: number;
  /** Wait that the response asked for, ms; 0 when it asked for none. */
  private rateLimited = 0;
  private immediate = false;
  /** A place in the breaker is held for a retry that is waiting or under way. */
  private holds = false;

  private constructor(
    private readonly policy: CompiledRetryPolicy,
    headers: RequestHeaders,
    private readonly stats: RetryStats,
    private readonly breaker: RetryBreaker,
    private readonly sources: RetrySources,
  ) {
    const asked = headers.get(H.xEnvoyRetryOn);
    const askedGrpc = headers.get(H.xEnvoyRetryGrpcOn);
    let retryOn = policy.retryOn;
    if (asked !== undefined) retryOn |= parseRetryOn(asked).bits;
    if (askedGrpc !== undefined) retryOn |= parseRetryGrpcOn(askedGrpc).bits;
    if (policy.retriableRequestHeaders.length > 0 && !anyMatches(policy.retriableRequestHeaders, headers)) retryOn = 0;
    this.retryOn = retryOn;
    this.enabled = retryOn !== 0;
    this.remaining = policy.numRetries;
    const most = retryOn === 0 ? undefined : headers.get(H.xEnvoyMaxRetries);
    if (most !== undefined) this.remaining = unsigned(most.trim()) ?? this.remaining;
    this.statusCodes = withCodes(policy.retriableStatusCodes, headers.get(H.xEnvoyRetriableStatusCodes));
    this.headerNames = namesIn(headers.get(H.xEnvoyRetriableHeaderNames));
    this.nextInterval = policy.baseInterval;
    const frequency = policy.previousPrioritiesUpdateFrequency;
    this.priority = frequency === null ? null : new PreviousPriorities(frequency);
    this.hostSelectionMaxAttempts = policy.hostSelectionMaxAttempts;
  }

  /**
   * Null when neither route nor request wants retries. Removes the request headers that speak of retries; the connection
   * manager has removed them already from callers it does not trust.
   */
  static create(
    policy: CompiledRetryPolicy | null,
    headers: RequestHeaders,
    stats: RetryStats,
    breaker: RetryBreaker,
    sources: RetrySources,
  ): RetryState | null {
    const spoken = (headers.bits & Bit.X_ENVOY) !== 0;
    const asked = spoken && (headers.has(H.xEnvoyRetryOn) || headers.has(H.xEnvoyRetryGrpcOn));
    const wanted = asked || (policy !== null && policy.retryOn !== 0);
    const state = wanted ? new RetryState(policy ?? NO_RETRY_POLICY, headers, stats, breaker, sources) : null;
    if (!spoken) return state;
    headers.remove(H.xEnvoyRetryOn);
    headers.remove(H.xEnvoyRetryGrpcOn);
    headers.remove(H.xEnvoyMaxRetries);
    headers.remove(H.xEnvoyHedgeOnPerTryTimeout);
    headers.remove(H.xEnvoyRetriableHeaderNames);
    headers.remove(H.xEnvoyRetriableStatusCodes);
    headers.remove(H.xEnvoyUpstreamRqPerTryTimeoutMs);
    return state;
  }

  /** Final response headers came from an attempt. */
  shouldRetryHeaders(response: ResponseHeaders, request: RequestHeaders): RetryVerdict {
    this.immediate = false;
    return this.decide(this.wantsHeaders(response, request));
  }

  /** Final response headers came from an attempt that was retried already: would they have been retried? */
  wouldRetryHeaders(response: ResponseHeaders, request: RequestHeaders): boolean {
    return this.wantsHeaders(response, request);
  }

  /** An attempt ended without final response headers. `requestSent`: some attempt has written its headers upstream. */
  shouldRetryReset(reason: ResetReason, requestSent: boolean): RetryVerdict {
    this.immediate = false;
    return this.decide(this.wantsReset(reason, requestSent));
  }

  /** A per try timeout under hedging: another attempt whatever retry_on says, while retries are left. */
  shouldHedge(): RetryVerdict {
    this.immediate = false;
    return this.decide(true);
  }

  /**
   * Milliseconds to wait before the next attempt. Asked once after each verdict `retry`.
   * @param response the headers that the verdict was about; null after a reset
   */
  backoff(response: ResponseHeaders | null): number {
    this.rateLimited = 0;
    if (this.immediate) return 0;
    const { random } = this.sources;
    if (response !== null && this.policy.resetHeaders.length > 0) this.rateLimited = this.resetInterval(response);
    if (this.rateLimited > 0) return this.rateLimited + (random.u32() % (this.rateLimited >> 1));
    const interval = this.nextInterval;
    this.nextInterval = interval < this.policy.maxInterval / 2 ? interval * 2 : this.policy.maxInterval;
    return random.u32() % interval;
  }

  /** The wait is over and the attempt begins: only now is the kind of back-off counted. */
  onRetryStarted(): void {
    if (this.immediate) return;
    if (this.rateLimited > 0) this.stats.upstream_rq_retry_backoff_ratelimited++;
    else this.stats.upstream_rq_retry_backoff_exponential++;
  }

  onHostAttempted(host: Host): void {
    this.attempted.push(host);
    this.priority?.onHostAttempted(host);
  }

  shouldSelectAnotherHost(host: Host): boolean {
    const predicates = this.policy.hostPredicates;
    for (let i = 0; i < predicates.length; i++) if (predicates[i].rejects(host, this.attempted)) return true;
    return false;
  }

  /** Gives back the place in the breaker, when one is held. */
  release(): void {
    if (!this.holds) return;
    this.holds = false;
    this.breaker.release();
  }

  private decide(wanted: boolean): RetryVerdict {
    const { stats, breaker } = this;
    // An earlier retry led to an outcome that needs none.
    if (this.holds && !wanted) stats.upstream_rq_retry_success++;
    this.release();
    if (!wanted) return 'no';
    if (this.remaining === 0) {
      stats.upstream_rq_retry_limit_exceeded++;
      return 'limit';
    }
    this.remaining--;
    if (!breaker.tryAcquire()) {
      stats.upstream_rq_retry_overflow++;
      return 'overflow';
    }
    this.holds = true;
    return 'retry';
  }

  private wantsHeaders(response: ResponseHeaders, request: RequestHeaders): boolean {
    const { retryOn } = this;
    if (response.has(H.xEnvoyRatelimited)) return (retryOn & RetryOn.ENVOY_RATELIMITED) !== 0;
    const { status } = response;
    if ((retryOn & RetryOn.FIVE_XX) !== 0 && status >= 500 && status < 600) return true;
    if ((retryOn & RetryOn.GATEWAY_ERROR) !== 0 && status >= 502 && status <= 504) return true;
    if ((retryOn & RetryOn.RETRIABLE_4XX) !== 0 && status === CONFLICT) return true;
    if ((retryOn & RetryOn.RETRIABLE_STATUS_CODES) !== 0 && this.statusCodes.includes(status)) {
      if (status !== TOO_EARLY) return true;
      if (!request.has(H.earlyData)) {
        this.immediate = true;
        return true;
      }
    }
    if ((retryOn & RetryOn.RETRIABLE_HEADERS) !== 0 && this.hasRetriableHeader(response)) return true;
    if ((retryOn & GRPC_CONDITIONS) === 0) return false;
    const grpcStatus = response.get(H.grpcStatus);
    return grpcStatus !== undefined && (retryOn & (GRPC_STATUS[grpcStatus] ?? 0)) !== 0;
  }

  private hasRetriableHeader(response: ResponseHeaders): boolean {
    if (anyMatches(this.policy.retriableHeaders, response)) return true;
    for (const name of this.headerNames) if (response.has(name)) return true;
    return false;
  }

  private wantsReset(reason: ResetReason, requestSent: boolean): boolean {
    const { retryOn } = this;
    if (reason === Reset.OVERFLOW) return false;
    if (
      (retryOn & RetryOn.CONNECT_FAILURE) !== 0 &&
      (reason === Reset.LOCAL_CONNECTION_FAILURE ||
        reason === Reset.REMOTE_CONNECTION_FAILURE ||
        reason === Reset.CONNECTION_TIMEOUT)
    )
      return true;
    if ((retryOn & RetryOn.RESET_BEFORE_REQUEST) !== 0 && !requestSent) return true;
    if ((retryOn & (RetryOn.RESET | RetryOn.FIVE_XX | RetryOn.GATEWAY_ERROR)) !== 0) return true;
    return (retryOn & RetryOn.REFUSED_STREAM) !== 0 && reason === Reset.REMOTE_REFUSED;
  }

  /** The first reset header that names a wait of more than a millisecond and within the limit, else 0. */
  private resetInterval(response: ResponseHeaders): number {
    for (const header of this.policy.resetHeaders) {
      const interval = header.interval(response, this.sources.clock.wall());
      if (interval !== null && interval <= this.policy.resetMaxInterval) return interval > 1 ? interval : 0;
    }
    return 0;
  }
}

function withCodes(configured: readonly number[], asked: string | undefined): readonly number[] {
  if (asked === undefined) return configured;
  const codes = [...configured];
  for (const word of asked.split(',')) {
    const code = unsigned(word.trim());
    if (code !== null) codes.push(code);
  }
  return codes;
}

function namesIn(asked: string | undefined): readonly HeaderName[] {
  if (asked === undefined) return [];
  return asked
    .split(',')
    .map((word) => word.trim().toLowerCase())
    .filter((word) => word !== '')
    .map(headerName);
}
