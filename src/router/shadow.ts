import type { Dispatcher } from '../base/dispatcher.js';
import { H } from '../base/header-names.js';
import { copyRequestHeaders, type RequestHeaders, type ResponseHeaders, type Trailers } from '../base/headers.js';
import type { Protocol } from '../codec/codec.js';
import { StreamInfoImpl } from '../observe/stream-info-impl.js';
import { TimerLedger } from '../observe/timer-ledger.js';
import type { Cluster } from '../upstream/types.js';
import { portStart } from './rewrite.js';
import { type MirrorPolicy, RouteEntry } from './route-entry.js';
import { RouteCondition } from './route-match.js';
import { Router } from './router.js';
import type { RouterCallbacks } from './router-callbacks.js';
import { VirtualHost } from './virtual-host.js';

/** The virtual host of mirrored requests: it asks for nothing. */
const NO_HOST = new VirtualHost(
  {
    name: '',
    domains: [],
    routes: [],
    require_tls: 'NONE',
    virtual_clusters: [],
    request_headers_to_add: [],
    request_headers_to_remove: [],
    response_headers_to_add: [],
    response_headers_to_remove: [],
    include_request_attempt_count: false,
    include_attempt_count_in_response: false,
    include_is_timeout_retry_header: false,
    typed_per_filter_config: {},
    rate_limits: [],
    request_mirror_policies: [],
  },
  false,
);

/** A mirrored request is routed by its policy: to one cluster, within the time that the request itself has. */
class ShadowRoute extends RouteEntry {
  override readonly timeout: number;

  constructor(timeout: number) {
    super(NO_HOST, RouteCondition.NEVER, null);
    this.timeout = timeout;
  }
}

/**
 * The copy of a request that goes to another cluster (request_mirror_policies). It has a router of its own and the route timeout of the
 * request, counted from the same end of the request; no retries. What comes of it is counted for its cluster and
 * thrown away. While the request is uploaded the copy holds it up as the request's own upstream would, and ends when it ends early;
 * once the request is complete the two have nothing to do with each other. Envoy: AsyncStreamImpl of a streaming shadow.
 */
class Shadow implements RouterCallbacks {
  readonly dispatcher: Dispatcher;
  readonly info: StreamInfoImpl;
  readonly ledger: TimerLedger;
  readonly protocol: Protocol = 'HTTP/1.1';
  readonly internalRequest = true;
  readonly redirector = null;
  readonly isTunnel: boolean;
  readonly bufferLimit: number;
  responseStarted = false;
  requestComplete = false;
  private readonly router: Router;
  private over = false;
  /** The request, while its upload goes on. */
  private source: RouterCallbacks | null;
  private paused = 0;

  constructor(parent: Router) {
    const { callbacks, config } = parent;
    this.dispatcher = callbacks.dispatcher;
    this.source = callbacks;
    this.isTunnel = callbacks.isTunnel;
    this.bufferLimit = Math.max(1, parent.route.retryBufferLimit(callbacks.bufferLimit));
    const { connection, start, startWall } = callbacks.info;
    this.info = new StreamInfoImpl(connection, this.protocol, start, startWall, null, '');
    this.ledger = new TimerLedger(this.dispatcher);
    this.router = new Router(config.shadows.router, this);
  }

  start(headers: RequestHeaders, timeout: number, cluster: Cluster, endStream: boolean): void {
    this.info.requestHeaders = headers;
    if (endStream) this.detach();
    this.router.decodeHeaders(headers, new ShadowRoute(timeout), cluster, endStream);
  }

  data(data: Uint8Array, endStream: boolean): void {
    if (endStream) this.detach();
    if (!this.over) this.router.decodeData(data, endStream);
  }

  trailers(trailers: Trailers): void {
    this.detach();
    if (!this.over) this.router.decodeTrailers(trailers);
  }

  /** The request is complete: from here on the copy is on its own. */
  private detach(): void {
    this.requestComplete = true;
    const source = this.source;
    this.source = null;
    for (; this.paused > 0; this.paused--) source?.resumeRequest();
  }

  /** The request ended before its upload did. */
  cancel(): void {
    this.source = null;
    this.end();
  }

  private end(): void {
    if (this.over) return;
    this.over = true;
    this.router.onDestroy();
    this.ledger.disarmAll();
  }

  sendLocalReply(status: number): void {
    this.info.responseCode = status;
    this.end();
  }

  encode1xx(): void {}

  encodeHeaders(_headers: ResponseHeaders, endStream: boolean): void {
    this.responseStarted = true;
    if (endStream) this.end();
  }

  encodeData(_data: Uint8Array, endStream: boolean): void {
    if (endStream) this.end();
  }

  encodeTrailers(): void {
    this.end();
  }

  pauseRequest(): void {
    if (this.source === null) return;
    this.paused++;
    this.source.pauseRequest();
  }

  resumeRequest(): void {
    if (this.paused === 0) return;
    this.paused--;
    this.source?.resumeRequest();
  }

  noteStalled(): void {}
}

/** The copies of one request, while its upload goes on. */
export class Shadows {
  private readonly list: Shadow[] = [];

  /** @param headers the request as it goes upstream; null when no policy takes it (`prepare`) */
  static prepare(router: Router): PreparedShadow[] | null {
    const { route, requestHeaders: headers, config, callbacks } = router;
    let prepared: PreparedShadow[] | null = null;
    for (const policy of route.requestMirrorPolicies) {
      const name = policy.clusterHeader === null ? policy.cluster : policy.clusterHeader.get(headers);
      if (name === undefined || name === '') continue;
      if (policy.fraction !== null && !policy.fraction.includes(callbacks.dispatcher.random.u32())) continue;
      const cluster = config.clusters.get(name);
      if (cluster === undefined) continue;
      prepared ??= [];
      prepared.push({ cluster, headers: shadowHeaders(router, policy, headers) });
    }
    return prepared;
  }

  constructor(router: Router, prepared: readonly PreparedShadow[], endStream: boolean) {
    for (const { cluster, headers } of prepared) {
      const shadow = new Shadow(router);
      this.list.push(shadow);
      shadow.start(headers, router.timeouts.global, cluster, endStream);
    }
  }

  data(data: Uint8Array, endStream: boolean): void {
    for (const shadow of this.list) shadow.data(data, endStream);
  }

  trailers(trailers: Trailers): void {
    for (const shadow of this.list) shadow.trailers(trailers);
  }

  cancel(): void {
    for (const shadow of this.list) shadow.cancel();
  }
}

/** A copy that is about to be sent. */
export interface PreparedShadow {
  readonly cluster: Cluster;
  readonly headers: RequestHeaders;
}

function shadowHeaders(router: Router, policy: MirrorPolicy, from: RequestHeaders): RequestHeaders {
  const headers = copyRequestHeaders(from);
  for (const change of policy.headerChanges) change.apply(headers, router.callbacks.info);
  if (policy.hostRewrite !== '') headers.authority = policy.hostRewrite;
  else if (policy.appendShadowSuffix && headers.authority !== undefined)
    headers.authority = withSuffix(headers.authority);
  headers.set(H.xEnvoyInternal, 'true');
  const { ownAddress } = router.config.shadows;
  const before = headers.get(H.xForwardedFor);
  headers.set(H.xForwardedFor, before === undefined || before === '' ? ownAddress : `${before},${ownAddress}`);
  return headers;
}

/** `-shadow` goes before the port. */
export function withSuffix(host: string): string {
  const at = portStart(host);
  return `${host.slice(0, at)}-shadow${host.slice(at)}`;
}
