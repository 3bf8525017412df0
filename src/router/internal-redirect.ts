import { H } from '../base/header-names.js';
import { copyRequestHeaders, type RequestHeaders, type ResponseHeaders } from '../base/headers.js';
import { parseAbsoluteTarget } from '../codec/http1/target.js';
import type { InternalRedirect, RouteEntry } from './route-entry.js';
import type { Router } from './router.js';
import type { RouterStats } from './router-callbacks.js';
import type { UpstreamRequest } from './upstream-request.js';

/** What the streams that serve one request, one for each hop, know of each other. */
export class RedirectHistory {
  count = 0;
  /** By the name of a route with the previous_routes predicate: the routes it has led to. */
  private readonly visited = new Map<string, Set<string>>();

  /** False when the route has been gone to from there before. */
  firstVisit(from: string, to: string): boolean {
    let names = this.visited.get(from);
    if (names === undefined) this.visited.set(from, (names = new Set()));
    if (names.has(to)) return false;
    names.add(to);
    return true;
  }
}

/** What following a redirect asks of the stream above the router. */
export interface RedirectingStream {
  /** Null until the first redirect is looked at. */
  redirects: RedirectHistory | null;
  /** The route of the next hop. From here on the log shows its names, followed or not. */
  routeRedirect(headers: RequestHeaders): RouteEntry | null;
  /** Ends this stream without an answer, and serves the request, changed, in a new one. */
  recreate(response: ResponseHeaders, body: Buffer | null): void;
}

/**
 * Follows the location of a response, when the route wants that and everything fits; the response is passed on otherwise. Envoy:
 * Router::Filter::setupRedirect.
 * @returns true when the stream is over
 */
export function redirectInternally(
  router: Router,
  policy: InternalRedirect,
  response: ResponseHeaders,
  endStream: boolean,
  attempt: UpstreamRequest,
): boolean {
  if (!policy.responseCodes.includes(response.status)) return false;
  const stream = router.callbacks.redirector;
  const location = response.get(H.location);
  const { stats } = router.cluster;
  const { method } = router.requestHeaders;
  if (
    stream === null ||
    !router.requestComplete ||
    router.bodyAbandoned ||
    location === undefined ||
    !convert(router, policy, stream, response, location)
  ) {
    stats.upstream_internal_redirect_failed_total++;
    return false;
  }
  stats.upstream_internal_redirect_succeeded_total++;
  const chunks = router.body?.chunks ?? [];
  if (endStream && attempt.encodeComplete) attempt.complete();
  else attempt.reset();
  router.forget(attempt);
  stream.recreate(
    response,
    chunks.length === 0 || router.requestHeaders.method !== method ? null : Buffer.concat(chunks),
  );
  return true;
}

const SEE_OTHER = 303;

/** Makes the request of the next hop out of that of this one. False when it may not be made; nothing has changed then. */
function convert(
  router: Router,
  policy: InternalRedirect,
  stream: RedirectingStream,
  response: ResponseHeaders,
  location: string,
): boolean {
  const { requestHeaders: headers } = router;
  const { stats } = router.config;
  if (headers.path === undefined) return false;
  const target = parseAbsoluteTarget(location);
  if (target === null) {
    stats.passthrough_internal_redirect_bad_location++;
    return false;
  }
  const fromHttp = headers.scheme === 'http' || !router.callbacks.info.connection.tls;
  const toHttp = target.scheme.toLowerCase() === 'http';
  if (!policy.allowCrossScheme && fromHttp !== toHttp) {
    stats.passthrough_internal_redirect_unsafe_scheme++;
    return false;
  }
  const history = (stream.redirects ??= new RedirectHistory());
  if (history.count >= policy.maxRedirects) {
    stats.passthrough_internal_redirect_too_many_redirects++;
    return false;
  }
  const saved = copyRequestHeaders(headers);
  copyFromResponse(policy, headers, response);
  headers.scheme = target.scheme;
  headers.authority = target.authority;
  const fragment = target.path.indexOf('#');
  headers.path = fragment < 0 ? target.path : target.path.slice(0, fragment);
  const route = stream.routeRedirect(headers);
  if (route === null || !agrees(policy, router.route.name, route.name, history, fromHttp, toHttp)) {
    countRefusal(stats, route);
    restore(headers, saved);
    return false;
  }
  if (response.status === SEE_OTHER && headers.method !== 'GET' && headers.method !== 'HEAD') {
    headers.method = 'GET';
    headers.remove(H.contentLength);
  }
  history.count++;
  headers.set(H.xEnvoyOriginalUrl, `${fromHttp ? 'http' : 'https'}://${saved.authority ?? ''}${saved.path ?? ''}`);
  return true;
}

function countRefusal(stats: RouterStats, route: RouteEntry | null): void {
  if (route === null) stats.passthrough_internal_redirect_no_route++;
  else stats.passthrough_internal_redirect_predicate++;
}

/** response_headers_to_copy: a header that the response lacks is taken from the request. */
function copyFromResponse(policy: InternalRedirect, headers: RequestHeaders, response: ResponseHeaders): void {
  for (const name of policy.headersToCopy) {
    headers.remove(name);
    for (let at = response.indexOf(name); at >= 0; at = response.indexOf(name, at + 1))
      headers.add(name, response.values[at]);
  }
}

function agrees(
  policy: InternalRedirect,
  from: string,
  to: string,
  history: RedirectHistory,
  fromHttp: boolean,
  toHttp: boolean,
): boolean {
  for (const predicate of policy.predicates) {
    switch (predicate.kind) {
      case 'allow_listed_routes':
        if (!predicate.names.has(to)) return false;
        break;
      case 'previous_routes':
        if (!history.firstVisit(from, to)) return false;
        break;
      default:
        if (fromHttp && !toHttp) return false;
    }
  }
  return true;
}

function restore(headers: RequestHeaders, saved: RequestHeaders): void {
  headers.scheme = saved.scheme;
  headers.authority = saved.authority;
  headers.path = saved.path;
  headers.names.length = headers.values.length = 0;
  for (let i = 0; i < saved.names.length; i++) headers.push(saved.names[i], saved.values[i]);
}
