import { Bit, H } from '../base/header-names.js';
import type { ResponseHeaders } from '../base/headers.js';
import type { Host } from '../upstream/types.js';
import { noteRetryVerdict } from './failures.js';
import { grpcStatusToHttp } from './grpc.js';
import { redirectInternally } from './internal-redirect.js';
import { scheduleRetry } from './retries.js';
import type { Router } from './router.js';
import type { UpstreamRequest } from './upstream-request.js';

/** Final response headers of an attempt: tried again, dropped in favour of another attempt, or given to the client. */
export function onUpstreamHeaders(
  router: Router,
  headers: ResponseHeaders,
  endStream: boolean,
  attempt: UpstreamRequest,
): void {
  const { callbacks, config, cluster, route } = router;
  const host = attempt.host!;
  const status = headers.status;
  const grpcStatus = router.grpc && (headers.bits & Bit.GRPC_STATUS) !== 0 ? headers.get(H.grpcStatus) : undefined;
  host.outlier.putHttpResponseCode(grpcStatus === undefined ? status : grpcStatusToHttp(grpcStatus));
  if (host.activeHealth && headers.has(H.xEnvoyImmediateHealthCheckFail)) host.activeHealth.failImmediately();
  let couldNotRetry = false;
  const retry = router.retryState;
  if (retry !== null && !attempt.retried) {
    const verdict = retry.shouldRetryHeaders(headers, router.requestHeaders);
    if (verdict === 'retry') {
      host.stats.rq_error++;
      cluster.codes.chargeRetry(status, router.grpc && config.quietGrpcCodes);
      retry.onHostAttempted(host);
      if (endStream && attempt.encodeComplete) attempt.complete();
      else attempt.reset();
      router.forget(attempt);
      scheduleRetry(router, retry, headers);
      return;
    }
    couldNotRetry = noteRetryVerdict(router, verdict);
  } else if (retry !== null) couldNotRetry = retry.wouldRetryHeaders(headers, router.requestHeaders);
  const redirects = route.internalRedirectPolicy;
  if (redirects !== null && redirectInternally(router, redirects, headers, endStream, attempt)) return;
  if (couldNotRetry && (router.othersAwait(attempt) || router.pendingRetries > 0)) {
    host.stats.rq_error++;
    attempt.reset();
    router.forget(attempt);
    return;
  }
  router.dropRetryState();
  if ((headers.bits & Bit.X_ENVOY) !== 0 && headers.get(H.xEnvoyUpstreamCanary) === 'true') router.canaryAnswer = true;
  if (refusedUpgrade(router, headers, attempt)) return;
  if (router.requestCompleteAt >= 0 && !config.suppressEnvoyHeaders)
    headers.set(H.xEnvoyUpstreamServiceTime, String(Math.floor(callbacks.dispatcher.now - router.requestCompleteAt)));
  router.countCode(status, host);
  if (status >= 500) host.stats.rq_error++;
  else noteSuccess(router, host, grpcStatus, endStream);
  if (route.includeAttemptCountInResponse) headers.set(H.xEnvoyAttemptCount, String(callbacks.info.attemptCount));
  router.addCookies(headers);
  callbacks.info.responseHeaders = headers;
  callbacks.info.responseCode = status;
  callbacks.info.details = 'via_upstream';
  if (route.hasResponseMutations) route.finalizeResponse(headers, callbacks.info);
  router.responseStarted = true;
  if (router.attempts.length > 1) router.resetOthers(attempt);
  if (endStream) router.onResponseComplete(attempt);
  callbacks.encodeHeaders(headers, endStream);
}

/**
 * An upgrade that an HTTP/1 upstream answers with something else below 400: its body could be taken for the tunnel, so the client
 * gets the status and headers alone.
 */
function refusedUpgrade(router: Router, headers: ResponseHeaders, attempt: UpstreamRequest): boolean {
  const { status } = headers;
  if (!router.callbacks.isTunnel || router.requestHeaders.method === 'CONNECT') return false;
  if (status === 101 || status >= 400 || attempt.info.protocol === 'HTTP/2') return false;
  router.charge(status, attempt.host);
  attempt.reset();
  router.forget(attempt);
  router.cleanup();
  headers.remove(H.contentLength);
  headers.remove(H.transferEncoding);
  const addReplyHeaders = (reply: ResponseHeaders) => {
    for (let i = 0; i < headers.names.length; i++) reply.push(headers.names[i], headers.values[i]);
  };
  router.callbacks.sendLocalReply(status, '', 'websocket_handshake_unsuccessful', {
    overloaded: false,
    addReplyHeaders,
  });
  return true;
}

/** Counts a response below 500 for its host; of gRPC the status decides, which may only come with the trailers. */
function noteSuccess(router: Router, host: Host, grpcStatus: string | undefined, endStream: boolean): void {
  if (!router.grpc) {
    host.stats.rq_success++;
    return;
  }
  if (grpcStatus !== undefined) {
    if (grpcStatus === '0') host.stats.rq_success++;
    else host.stats.rq_error++;
  } else if (endStream) host.stats.rq_error++;
  else router.grpcOutcomeDue = true;
}
