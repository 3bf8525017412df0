import { H } from '../base/header-names.js';
import type { ResponseHeaders } from '../base/headers.js';
import { TimerKind } from '../observe/timer-ledger.js';
import type { RetryState } from './retry-state.js';
import type { Router } from './router.js';
import { FROM_HEADER } from './timeouts.js';

/** The wait before the next attempt, and that attempt. Whether there is one was decided by `RetryState`. */

/** @param headers the response that is tried again; null after a reset */
export function scheduleRetry(router: Router, retry: RetryState, headers: ResponseHeaders | null): void {
  router.pendingRetries++;
  const ref = router.route.retryPolicy?.backOffRef ?? FROM_HEADER;
  router.retryTimer = router.ledger.arm(router, TimerKind.RETRY_BACKOFF, retry.backoff(headers), ref);
}

/** The back-off is over: a host is chosen anew, and gets the request as far as it has come. */
export function doRetry(router: Router): void {
  const { callbacks, route, requestHeaders: headers } = router;
  const retry = router.retryState!;
  router.pendingRetries--;
  router.isRetry = true;
  callbacks.info.attemptCount++;
  router.cluster.stats.upstream_rq_retry++;
  retry.onRetryStarted();
  const host = router.cluster.chooseHost(router, router.priority);
  if (host === null) {
    router.noHealthyUpstream();
    return;
  }
  if (route.includeAttemptCountInRequest) headers.set(H.xEnvoyAttemptCount, String(callbacks.info.attemptCount));
  if (route.includeIsTimeoutRetryHeader) headers.set(H.xEnvoyIsTimeoutRetry, router.timeoutRetry ? 'true' : 'false');
  router.setExpectedTimeout();
  const attempt = router.newAttempt(host);
  const complete = router.requestComplete;
  const body = router.body;
  if (body === null) attempt.start(complete);
  else {
    const { chunks, trailers } = body;
    attempt.start(complete && chunks.length === 0 && trailers === null);
    const last = chunks.length - 1;
    for (let i = 0; i <= last && !attempt.done; i++)
      attempt.encodeData(chunks[i], i === last && complete && trailers === null);
    if (trailers !== null && !attempt.done) attempt.encodeTrailers(trailers);
  }
  if (complete && !attempt.done) attempt.onRequestComplete();
}
