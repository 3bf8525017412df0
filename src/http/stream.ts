import type { Dispatcher } from '../base/dispatcher.js';
import { Bit, H } from '../base/header-names.js';
import type { RequestHeaders, ResponseHeaders, Trailers } from '../base/headers.js';
import { type Protocol, type RequestDecoder, Reset, type ResetReason, type ResponseEncoder } from '../codec/codec.js';
import { addFlag } from '../observe/flags.js';
import type { TransportFacts } from '../observe/recorder.js';
import type { StreamInfoImpl } from '../observe/stream-info-impl.js';
import type { RedirectHistory, RedirectingStream } from '../router/internal-redirect.js';
import type { RouteEntry } from '../router/route-entry.js';
import { Router } from '../router/router.js';
import type { ReplyHeaders, RouterCallbacks, RouterConfig } from '../router/router-callbacks.js';
import type { Cluster, UpstreamConnectionInfo } from '../upstream/types.js';
import type { ConnectionManagerConfig } from './config.js';
import type { FilteredStream, StreamFilters } from './filters/chain.js';
import { INTERNAL, mutateRequestHeaders, mutateResponseHeaders } from './header-rules.js';
import { makeLocalReply } from './local-reply.js';
import { checkRequest } from './request-checks.js';
import { chargeCode } from './stats.js';
import { StreamClocks } from './stream-clocks.js';
import { answerExpect, asksForTunnel, isTunnelAnswer, pathOf, Upgrade, upgradeOf } from './upgrade.js';

/** What a stream needs of the connection manager it lives in. */
export interface StreamOwner {
  readonly dispatcher: Dispatcher;
  readonly config: ConnectionManagerConfig;
  readonly protocol: Protocol;
  /** No drain has begun. */
  readonly notDraining: boolean;
  startDrainSequence(): void;
  /** Closes after this response: HTTP/1 by `connection: close`, HTTP/2 by GOAWAY. */
  closeAfterResponse(): void;
  date(): string;
  /** A stream that has just ended without an answer goes on in a new one, on the same encoder. */
  recreateStream(from: ActiveStream, body: Buffer | null): void;
  /** The stream's response is over; it has been reset when `wasReset`. */
  onStreamEnded(stream: ActiveStream, wasReset: boolean): void;
  /** The stream is gone: unlink it and count. */
  onStreamDestroyed(stream: ActiveStream): void;
}

const NO_DATA = new Uint8Array(0);

/** One downstream stream: the receiving end of the codec above, the filters and the router below. */
export class ActiveStream
  extends StreamClocks
  implements RequestDecoder, RouterCallbacks, RedirectingStream, FilteredStream
{
  /** Intrusive list of the connection manager. */
  prev: ActiveStream | null = null;
  next: ActiveStream | null = null;

  protocol: Protocol;
  requestHeaders: RequestHeaders | null = null;
  route: RouteEntry | null = null;
  internalRequest = false;
  /** Final response headers were given to the codec. */
  responseStarted = false;
  /** Closes its connection when its response is over. */
  drainConnection = false;
  private router: Router | null = null;
  private routerConfig: RouterConfig;
  /** Null when the router is the only filter that runs. */
  private filters: StreamFilters | null = null;
  /** Cluster of the route, kept while a filter may hold the request. */
  cluster: Cluster | undefined = undefined;
  /** The codec has let go of the last byte. */
  private codecComplete = false;
  private wasReset = false;
  private destroyed = false;
  private ending = false;
  private tunnel = false;
  /** A 1xx was forwarded. */
  private interim = false;
  private paused = 0;
  /** Internal redirects that led here; null when none was looked at. */
  redirects: RedirectHistory | null = null;
  /** Follows an internal redirect. */
  private recreated = false;

  constructor(
    private readonly owner: StreamOwner,
    encoder: ResponseEncoder,
    info: StreamInfoImpl,
  ) {
    super(owner.dispatcher, owner.config, encoder, info);
    this.protocol = owner.protocol;
    this.routerConfig = owner.config.router;
  }

  /** The request is an upgrade or CONNECT that is allowed: its body waits for the answer. */
  get isTunnel(): boolean {
    return this.tunnel;
  }

  get bufferLimit(): number {
    return this.encoder.bufferLimit;
  }

  // --- the request, from the codec

  decodeHeaders(headers: RequestHeaders, endStream: boolean): void {
    const { config, info } = this;
    this.requestHeaders = info.requestHeaders = headers;
    // HTTP/1 knows its version only now.
    this.protocol = info.protocol = this.owner.protocol;
    if (endStream) this.onRequestComplete();
    this.onHead();
    if ((headers.bits & Bit.EXPECT) !== 0) answerExpect(this, headers);
    if (!checkRequest(this, headers, config)) return;
    if (!this.recreated && !this.acceptCaller(headers)) return;
    const route = (this.route = this.routeFor(headers));
    const cluster = route === null ? undefined : this.noteRoute(route, headers);
    if (route !== null) this.applyRouteLimits(route, headers);
    if (config.logOnNewRequest) config.accessLog?.log(info, 'DownstreamStart');
    const upgrade = upgradeOf(this, headers, route);
    if (upgrade !== Upgrade.NONE && !this.acceptUpgrade(upgrade)) return;
    const path = upgrade === Upgrade.NONE ? config : pathOf(config, headers);
    this.routerConfig = path.router;
    const filters = path.filters === null ? null : (this.filters = path.filters.open(this, config.routes.table.config));
    if (filters !== null) {
      this.cluster = cluster;
      filters.decodeHeaders(headers, endStream);
    } else {
      const router = (this.router = new Router(path.router, this));
      router.decodeHeaders(headers, route, cluster, endStream);
      if (endStream) this.onRequestDecoded();
    }
    this.touch();
  }

  /** The header rules of the connection manager; false when the stream has been answered. */
  private acceptCaller(headers: RequestHeaders): boolean {
    const { config, info } = this;
    const caller = mutateRequestHeaders(headers, config, info.connection, info, this.dispatcher.random);
    if (caller > INTERNAL) {
      config.stats.downstream_rq_rejected_via_ip_detection++;
      this.sendLocalReply(caller, '', 'rejecting_because_detection_failed');
      return false;
    }
    this.internalRequest = caller === INTERNAL;
    return true;
  }

  private noteRoute(route: RouteEntry, headers: RequestHeaders): Cluster | undefined {
    const { config, info } = this;
    info.routeName = route.name;
    info.virtualHost = route.virtualHostName;
    if (route.action !== 'route') return undefined;
    const cluster = config.router.clusters.get(route.pickCluster(headers));
    if (cluster === undefined) return undefined;
    info.upstreamCluster = cluster.name;
    info.upstreamClusterAltName = cluster.observabilityName;
    return cluster;
  }

  // --- internal redirects

  get redirector(): RedirectingStream {
    return this;
  }

  private routeFor(headers: RequestHeaders): RouteEntry | null {
    return this.config.routes.table.match(headers, this.dispatcher.random.u32, this.info.connection);
  }

  routeRedirect(headers: RequestHeaders): RouteEntry | null {
    const { info } = this;
    info.routeName = info.virtualHost = info.upstreamCluster = info.upstreamClusterAltName = '';
    const route = this.routeFor(headers);
    if (route !== null) this.noteRoute(route, headers);
    return route;
  }

  recreate(response: ResponseHeaders, body: Buffer | null): void {
    const { info } = this;
    info.details = 'internal_redirect';
    info.responseHeaders = response;
    info.responseCode = response.status;
    this.destroy();
    this.owner.recreateStream(this, body);
  }

  /** Serves the request of `from` where a redirect has led: its headers have been through the rules of the connection manager. */
  resume(from: ActiveStream, body: Buffer | null): void {
    const { info } = this;
    this.recreated = true;
    this.redirects = from.redirects;
    this.internalRequest = from.internalRequest;
    // A hop that was the last request of its connection closes it, but as one that was not asked to.
    if (this.drainConnection) this.owner.closeAfterResponse();
    this.drainConnection = from.drainConnection;
    info.downstreamRemoteAddress = from.info.downstreamRemoteAddress;
    info.streamId = from.info.streamId;
    info.bytesReceived = from.info.bytesReceived;
    this.decodeHeaders(from.requestHeaders!, body === null);
    if (body !== null) this.decodeData(body, true);
  }

  // --- the request, past the filters

  passHeaders(headers: RequestHeaders, endStream: boolean): void {
    const router = (this.router = new Router(this.routerConfig, this));
    router.decodeHeaders(headers, this.route, this.cluster, endStream);
    if (endStream) this.onRequestDecoded();
  }

  passData(data: Uint8Array, endStream: boolean): void {
    this.router?.decodeData(data, endStream);
  }

  passTrailers(trailers: Trailers): void {
    this.router?.decodeTrailers(trailers);
    this.onRequestDecoded();
  }

  onRequestTooLarge(): void {
    this.config.stats.downstream_rq_too_large++;
    this.sendLocalReply(413, 'Payload Too Large', 'request_payload_too_large');
  }

  private acceptUpgrade(upgrade: Upgrade): boolean {
    const { stats } = this.config;
    if (upgrade === Upgrade.ALLOWED) {
      this.tunnel = true;
      stats.downstream_cx_upgrades_total++;
      stats.downstream_cx_upgrades_active++;
      return true;
    }
    stats.downstream_rq_ws_on_non_ws_route++;
    this.drainConnection = true;
    this.sendLocalReply(403, '', 'upgrade_failed');
    return false;
  }

  decodeData(data: Uint8Array, endStream: boolean): void {
    this.info.bytesReceived += data.length;
    const filters = this.filters;
    if (filters !== null && endStream && data.length > 0 && this.protocol !== 'HTTP/2' && filters.holding) {
      // Envoy's HTTP/1 codec tells the end of a request after its last bytes, and a filter may answer in between.
      this.touch();
      filters.decodeData(data, false);
      if (this.ending || this.destroyed) return;
      data = NO_DATA;
    }
    if (endStream) this.onRequestComplete();
    this.touch();
    if (filters !== null) filters.decodeData(data, endStream);
    else this.router?.decodeData(data, endStream);
    // Also while a filter holds it: as Envoy does, a body disarms the timer, headers alone do not.
    if (endStream) this.onRequestDecoded();
  }

  decodeTrailers(trailers: Trailers): void {
    this.onRequestComplete();
    this.touch();
    if (this.filters !== null) this.filters.decodeTrailers(trailers);
    else this.passTrailers(trailers);
  }

  // --- back-pressure

  pauseRequest(): void {
    if (this.destroyed) return;
    this.paused++;
    this.config.stats.downstream_flow_control_paused_reading_total++;
    if (!this.wasReset) this.encoder.readDisable(true);
  }

  resumeRequest(): void {
    if (this.paused === 0) return;
    this.paused--;
    this.config.stats.downstream_flow_control_resumed_reading_total++;
    if (!this.wasReset) this.encoder.readDisable(false);
  }

  onAboveWriteBufferHighWatermark(): void {
    this.router?.pauseResponse();
  }

  onBelowWriteBufferLowWatermark(): void {
    this.router?.resumeResponse();
  }

  // --- replies

  sendCodecReply(status: number, body: string, details: string): void {
    addFlag(this.info, 'DPE');
    this.drainConnection = true;
    this.sendLocalReply(status, body, details);
  }

  sendLocalReply(
    status: number,
    body: string,
    details: string,
    modify: ReplyHeaders | null = null,
    grpcStatus?: number,
  ): void {
    if (this.destroyed || this.ending) return;
    this.info.details = details;
    if (status === 400 && !this.config.streamErrorOnInvalidMessage && this.protocol !== 'HTTP/2')
      this.drainConnection = true;
    if (this.responseStarted) {
      this.abortResponse();
      return;
    }
    const route = this.route;
    const rewriter = this.config.localReplies;
    const reply = makeLocalReply(
      status,
      body,
      this.requestHeaders,
      (headers) => {
        this.info.responseHeaders = headers;
        // A redirect or direct response puts its own headers before those of the route.
        const direct = route !== null && route.action !== 'route';
        if (direct) modify?.addReplyHeaders(headers, false);
        if (route?.hasResponseMutations) route.finalizeResponse(headers, this.info);
        if (!direct) modify?.addReplyHeaders(headers, modify.overloaded);
      },
      grpcStatus,
      rewriter === undefined ? null : (headers) => rewriter.rewrite(headers, this.info, status, body),
    );
    this.info.localReplyBody = body;
    const router = this.router;
    if (router !== null) router.onDestroy();
    if (this.filters !== null) this.filters.stop();
    this.encodeHeaders(reply.headers, reply.body === null);
    if (reply.body !== null) this.encodeData(reply.body, true);
  }

  /** What an HTTP/2 client is told when its stream is cut: a tunnel whose TCP connection failed has a code of its own (RFC 9113, 8.5). */
  private cutReason(): ResetReason {
    const { flags } = this.info;
    if (flags.length === 0) return Reset.LOCAL;
    const failed = flags.includes('UF') || flags.includes('UC');
    if (failed && this.requestHeaders !== null && asksForTunnel(this.requestHeaders)) return Reset.CONNECT_ERROR;
    return flags.includes('DPE') ? Reset.PROTOCOL_ERROR : Reset.LOCAL;
  }

  /** Too late for a reply: the stream is cut. */
  private abortResponse(): void {
    this.config.stats.downstream_rq_tx_reset++;
    this.resetDownstream(this.cutReason());
  }

  // --- the response, to the codec

  encode1xx(headers: ResponseHeaders): void {
    if (this.destroyed || this.responseStarted) return;
    this.touch();
    // Only the first is forwarded, and only when asked for.
    if (!this.config.proxy100Continue || this.interim) return;
    this.interim = true;
    headers.remove(H.connection);
    chargeCode(this.config.stats, headers.status);
    chargeCode(this.config.listenerStats, headers.status);
    this.encoder.encode1xx(headers);
  }

  encodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    if (this.destroyed || this.ending) return;
    const { config, info, owner, protocol } = this;
    this.touch();
    this.onRequestDecoded();
    if (this.filters !== null) this.filters.encodeHeaders(headers);
    const tunnel = this.tunnel && isTunnelAnswer(headers, this.requestHeaders);
    mutateResponseHeaders(headers, config, this.requestHeaders, tunnel, owner.date());
    if (config.proxyStatus !== null) config.proxyStatus.apply(headers, info);
    info.responseHeaders = headers;
    info.responseCode = headers.status;
    if (owner.notDraining && config.drain.drainClose()) {
      config.stats.downstream_cx_drain_close++;
      owner.startDrainSequence();
    }
    const http1 = protocol !== 'HTTP/2';
    if (protocol === 'HTTP/1.0') this.keepAlive10(headers);
    if (this.drainConnection && owner.notDraining) owner.closeAfterResponse();
    if (!this.requestComplete) {
      if (http1) owner.closeAfterResponse();
      config.stats.downstream_rq_response_before_rq_complete++;
    }
    if (http1 && !owner.notDraining && !tunnel) headers.set(H.connection, 'close');
    this.responseStarted = true;
    if (!info.healthCheck) {
      chargeCode(config.stats, headers.status);
      chargeCode(config.listenerStats, headers.status);
    }
    info.firstDownstreamTx = this.dispatcher.now;
    this.encoder.encodeHeaders(headers, endStream);
    if (tunnel && config.logOnTunnel) config.accessLog?.log(info, 'DownstreamTunnelSuccessfullyEstablished');
    if (endStream) this.endResponse();
  }

  /** HTTP/1.0 cannot chunk: without a length the body ends with the connection. */
  private keepAlive10(headers: ResponseHeaders): void {
    if (!headers.has(H.contentLength)) this.drainConnection = true;
    if (!this.drainConnection) headers.set(H.connection, 'keep-alive');
  }

  encodeData(data: Uint8Array, endStream: boolean): void {
    if (this.destroyed || this.ending) return;
    if (this.filters?.encodeData(data, endStream) === true) this.touch();
    else this.emitData(data, endStream);
  }

  emitData(data: Uint8Array, endStream: boolean): void {
    if (this.destroyed || this.ending) return;
    this.touch();
    this.info.bytesSent += data.length;
    this.encoder.encodeData(data, endStream);
    if (endStream) this.endResponse();
  }

  encodeTrailers(trailers: Trailers): void {
    if (this.destroyed || this.ending) return;
    if (this.filters?.encodeTrailers(trailers) === true) this.touch();
    else this.emitTrailers(trailers);
  }

  emitTrailers(trailers: Trailers): void {
    if (this.destroyed || this.ending) return;
    this.touch();
    this.info.responseTrailers = trailers;
    this.encoder.encodeTrailers(trailers);
    this.endResponse();
  }

  /** The response is over. A request that is not complete is reset with it. */
  private endResponse(): void {
    if (this.destroyed || this.ending) return;
    this.ending = true;
    this.ledger.disarmAll();
    const incomplete = !this.requestComplete;
    if (incomplete) {
      this.resetEncoder(this.cutReason());
    }
    if (incomplete || this.codecComplete) this.destroy();
    this.owner.onStreamEnded(this, incomplete);
  }

  /** Last byte of the response handed to the connection (HTTP/2: past flow control). */
  onCodecEncodeComplete(): void {
    this.codecComplete = true;
    const now = this.dispatcher.now;
    this.info.lastDownstreamTx = now;
    this.config.stats.downstream_rq_time.record(Math.floor(now - this.info.start));
    if (this.ending && !this.destroyed) {
      this.destroy();
      this.owner.onStreamEnded(this, false);
    }
  }

  /** Cuts the stream from this side. */
  private resetDownstream(reason: ResetReason): void {
    if (this.destroyed) return;
    this.ending = true;
    this.resetEncoder(reason);
    this.destroy();
    this.owner.onStreamEnded(this, true);
  }

  private resetEncoder(reason: ResetReason): void {
    this.config.stats.downstream_rq_rx_reset++;
    this.wasReset = true;
    this.encoder.resetStream(reason);
  }

  /** Reset by the peer, the codec, or with the connection. */
  onReset(reason: ResetReason, details: string): void {
    if (this.destroyed) return;
    // A response that was only waiting to be flushed is over as far as the counters go.
    if (!this.ending) this.config.stats.downstream_rq_rx_reset++;
    this.wasReset = true;
    if (details !== '') {
      if (reason === Reset.REMOTE || reason === Reset.REMOTE_REFUSED || reason === Reset.CONNECT_ERROR)
        addFlag(this.info, 'DR');
      else if (reason === Reset.LOCAL || reason === Reset.PROTOCOL_ERROR) addFlag(this.info, 'DPE');
      this.info.details = details;
    }
    this.destroy();
  }

  /** The connection went away under the stream. */
  onConnectionGone(flag: 'DC' | 'DPE' | null, details: string): void {
    if (this.destroyed) return;
    this.config.stats.downstream_rq_rx_reset++;
    this.wasReset = true;
    if (flag !== null) addFlag(this.info, flag);
    if (details !== '') this.info.details = details;
    this.destroy();
  }

  private destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.ending = true;
    const { config, info } = this;
    this.ledger.disarmAll();
    this.stopLogFlush();
    if (this.tunnel) config.stats.downstream_cx_upgrades_active--;
    if (this.router !== null) this.router.onDestroy();
    if (this.filters !== null) this.filters.stop();
    info.end = this.dispatcher.now;
    this.owner.onStreamDestroyed(this);
    config.recordRequest(this.route, info);
    if (config.accessLog !== null) config.accessLog.log(info, 'DownstreamEnd');
    const code = info.responseCode;
    if (config.failures !== null && (info.flags.length > 0 || code >= 500 || code === 408 || code === 0))
      config.failures.onStreamEnd(this);
  }

  noteStalled(connection: UpstreamConnectionInfo, waited: number): void {
    if (this.config.failures !== null) this.stalled = this.config.transportFacts(connection, waited);
  }

  private stalled: TransportFacts | null = null;

  transportFacts(): TransportFacts | null {
    return this.stalled;
  }
}
