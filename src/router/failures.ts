import { Reset, type ResetReason } from '../codec/codec.js';
import { addFlag, type Flag } from '../observe/flags.js';
import { scheduleRetry } from './retries.js';
import type { RetryVerdict } from './retry-state.js';
import type { Router } from './router.js';
import type { UpstreamRequest } from './upstream-request.js';

/**
 * What becomes of a request when an attempt fails or a clock fires: outlier detection is told, the code is charged, then the request
 * is tried again, or answered. The order of these steps is Envoy's.
 */

/** The response flag of a reset. */
export const RESET_FLAG: Record<ResetReason, Flag> = {
  [Reset.LOCAL]: 'LR',
  [Reset.LOCAL_REFUSED]: 'LR',
  [Reset.REMOTE]: 'UR',
  [Reset.REMOTE_REFUSED]: 'UR',
  [Reset.REMOTE_NO_ERROR]: 'UR',
  [Reset.CONNECT_ERROR]: 'UR',
  [Reset.LOCAL_CONNECTION_FAILURE]: 'UF',
  [Reset.REMOTE_CONNECTION_FAILURE]: 'UF',
  [Reset.CONNECTION_TIMEOUT]: 'UF',
  [Reset.CONNECTION_TERMINATION]: 'UC',
  [Reset.OVERFLOW]: 'UO',
  [Reset.PROTOCOL_ERROR]: 'UPE',
};

/** The route timeout fired: every attempt is given up. */
export function onRouteTimeout(router: Router): void {
  const { attempts, cluster } = router;
  const code = timeoutCode(router);
  while (attempts.length > 0) {
    const attempt = attempts.pop()!;
    cluster.stats.upstream_rq_timeout++;
    if (attempt.host !== null) attempt.host.stats.rq_timeout++;
    if (attempt.awaitingHeaders) {
      attempt.host?.outlier.putResult('timeout', code);
      chargeAbort(router, code, attempt);
    }
    attempt.cutByRoute = true;
    attempt.reset();
  }
  timeoutAbort(router, 'response_timeout');
}

export function onPerTryTimeout(router: Router, attempt: UpstreamRequest): void {
  if (router.timeouts.hedge) {
    hedge(router, attempt);
    return;
  }
  router.cluster.stats.upstream_rq_per_try_timeout++;
  perTryTimeout(router, attempt, 'upstream_per_try_timeout');
}

/** The attempt may still answer: it goes on, and another one starts beside it while retries are left. */
function hedge(router: Router, attempt: UpstreamRequest): void {
  attempt.host?.outlier.putResult('timeout', timeoutCode(router));
  const retry = router.retryState;
  if (router.responseStarted || retry === null || attempt.retried) return;
  const verdict = retry.shouldHedge();
  if (verdict !== 'retry') {
    noteRetryVerdict(router, verdict);
    return;
  }
  if (attempt.host !== null) retry.onHostAttempted(attempt.host);
  attempt.retried = true;
  router.timeoutRetry = true;
  scheduleRetry(router, retry, null);
}

export function onPerTryIdleTimeout(router: Router, attempt: UpstreamRequest): void {
  if (router.timeouts.hedge) {
    hedge(router, attempt);
    return;
  }
  router.cluster.stats.upstream_rq_per_try_idle_timeout++;
  perTryTimeout(router, attempt, 'upstream_per_try_idle_timeout');
}

function perTryTimeout(router: Router, attempt: UpstreamRequest, details: string): void {
  const code = timeoutCode(router);
  if (attempt.host !== null) attempt.host.stats.rq_timeout++;
  attempt.reset();
  attempt.host?.outlier.putResult('timeout', code);
  if (retryAfterReset(router, Reset.LOCAL, attempt, true)) return;
  chargeAbort(router, code, attempt);
  router.forget(attempt);
  timeoutAbort(router, details);
}

/** The cluster's max_stream_duration, or the header in its place, has passed. */
export function onUpstreamMaxDuration(router: Router, attempt: UpstreamRequest): void {
  router.cluster.stats.upstream_rq_max_duration_reached++;
  attempt.reset();
  if (retryAfterReset(router, Reset.LOCAL, attempt, false)) return;
  router.forget(attempt);
  router.cleanup();
  const { callbacks } = router;
  addFlag(callbacks.info, 'UMSDR');
  callbacks.sendLocalReply(
    callbacks.requestComplete ? 504 : 408,
    'upstream max stream duration reached',
    'upstream_max_stream_duration_reached',
    router,
  );
}

function timeoutCode(router: Router): number {
  return router.alternateTimeoutReply ? 204 : 504;
}

function timeoutAbort(router: Router, details: string): void {
  const { cluster, callbacks, timeouts } = router;
  if (cluster.budgetStats !== null)
    cluster.budgetStats.recordWhole(callbacks.dispatcher.now - router.requestCompleteAt, timeouts.global);
  const code = timeoutCode(router);
  abort(router, code, 'UT', code === 504 ? 'upstream request timeout' : '', false, details);
}

/** The pool failed, or the upstream stream ended early. */
export function onUpstreamReset(
  router: Router,
  reason: ResetReason,
  transportFailureReason: string,
  attempt: UpstreamRequest,
): void {
  const dropped = reason === Reset.OVERFLOW;
  if (!dropped) reportReset(reason, attempt);
  if (retryAfterReset(router, reason, attempt, false)) return;
  const code = reason === Reset.PROTOCOL_ERROR ? 502 : 503;
  chargeAbort(router, code, attempt);
  router.forget(attempt);
  if (router.othersAwait(attempt) || router.pendingRetries > 0) return;
  const again = router.isRetry ? 'retried and the latest ' : '';
  const body = `upstream connect error or disconnect/reset before headers. ${again}reset reason: ${reason}`;
  const cause = transportFailureReason === '' ? reason : `${reason}|${transportFailureReason}`;
  const when = router.responseStarted ? 'after' : 'before';
  const details = `upstream_reset_${when}_response_started{${cause}}`.replaceAll(/\s/g, '_');
  abort(router, code, RESET_FLAG[reason], body, dropped, details);
}

function reportReset(reason: ResetReason, attempt: UpstreamRequest): void {
  const outlier = attempt.host?.outlier;
  if (outlier === undefined) return;
  switch (reason) {
    case Reset.LOCAL_CONNECTION_FAILURE:
    case Reset.REMOTE_CONNECTION_FAILURE:
    case Reset.CONNECTION_TIMEOUT:
      outlier.putResult('connect-failed', 503);
      break;
    default:
      outlier.putResult('request-failed', 503);
  }
}

function abort(router: Router, code: number, flag: Flag, body: string, dropped: boolean, details: string): void {
  addFlag(router.callbacks.info, flag);
  router.cleanup();
  router.overloaded = dropped;
  router.callbacks.sendLocalReply(code, body, details, router);
}

function chargeAbort(router: Router, code: number, attempt: UpstreamRequest): void {
  if (router.responseStarted) {
    if (router.grpcOutcomeDue) {
      router.grpcOutcome(false, attempt);
      router.config.stats.rq_reset_after_downstream_response_started++;
    }
    return;
  }
  router.charge(code, attempt.host);
  if (attempt.host !== null && code < 500) attempt.host.stats.rq_error++;
}

/** True when another attempt will be made. */
function retryAfterReset(router: Router, reason: ResetReason, attempt: UpstreamRequest, timeout: boolean): boolean {
  const retry = router.retryState;
  if (router.responseStarted || retry === null || attempt.retried) return false;
  const verdict = retry.shouldRetryReset(reason, router.requestHeadersSent);
  if (verdict === 'retry') {
    if (attempt.host !== null) {
      attempt.host.stats.rq_error++;
      retry.onHostAttempted(attempt.host);
    }
    router.timeoutRetry = timeout;
    router.forget(attempt);
    scheduleRetry(router, retry, null);
    return true;
  }
  noteRetryVerdict(router, verdict);
  return false;
}

/** Sets the flag of a retry that was wanted and not made; true when there was one. */
export function noteRetryVerdict(router: Router, verdict: RetryVerdict): boolean {
  if (verdict === 'overflow') addFlag(router.callbacks.info, 'UO');
  else if (verdict === 'limit') addFlag(router.callbacks.info, 'URX');
  else return false;
  return true;
}
