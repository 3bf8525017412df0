import { permanentName } from '../base/header-names.js';
import { type HeaderMap, RequestHeaders, type ResponseHeaders, type Trailers } from '../base/headers.js';
import { OutBuffer } from '../base/out-buffer.js';
import type {
  CloseType,
  CodecError,
  Protocol,
  RequestDecoder,
  RequestEncoder,
  ResetReason,
  ResponseDecoder,
  ResponseEncoder,
  ServerCodec,
  ServerCodecCallbacks,
  StreamBytes,
} from '../codec/codec.js';
import type { Connection, ConnectionEvents } from '../network/connection.js';
import type { StreamInfo } from '../observe/stream-info.js';
import { type RouterConfig, RouterStats } from '../router/router-callbacks.js';
import { CONNECTION, tableOf, to } from '../router/testing.js';
import { FakeHistogram, makeHost, TestLoop } from '../upstream/test-kit.js';
import type { Cluster, ClusterManager, PoolCallbacks, UpstreamConnectionInfo } from '../upstream/types.js';
import { XffDetection } from './client-address.js';
import { type ConnectionManagerConfig, PROFILES } from './config.js';
import { ConnectionManager } from './connection-manager.js';
import { PathNormalizer } from './path.js';
import { HttpStats, ListenerHttpStats } from './stats.js';

/* A connection manager between a codec and a cluster that only note what they are told. Times are moved by hand. */

const off = { ms: 0, ref: { path: '(off)', position: null } };
export const limit = (ms: number) => ({ ms, ref: { path: '(test)', position: null } });

/** A connection manager as an empty configuration makes it, with one route to the cluster `c`. */
export function managerConfig(changes: object = {}): ConnectionManagerConfig {
  const stats = new HttpStats(new FakeHistogram(), new FakeHistogram());
  const config = {
    statPrefix: 'test',
    stats,
    listenerStats: new ListenerHttpStats(),
    codecType: 'HTTP2',
    routes: tableOf([to('c', { prefix: '/' }, { timeout: '0s' })]),
    profile: PROFILES['envoy-1.40'],
    streamIdle: limit(300_000),
    request: off,
    requestHeaders: off,
    maxStreamDuration: off,
    streamFlush: off,
    connectionIdle: 3_600_000,
    maxConnectionDuration: 0,
    http1SafeMaxConnectionDuration: false,
    drainTimeout: 5000,
    delayedClose: 1000,
    maxRequestsPerConnection: 0,
    serverName: 'envoy',
    serverHeader: 'OVERWRITE',
    useRemoteAddress: false,
    xffTrustedHops: 0,
    skipXffAppend: false,
    appendXForwardedPort: false,
    via: '',
    proxyStatus: null,
    generateRequestId: true,
    preserveExternalRequestId: false,
    alwaysSetRequestIdInResponse: false,
    userAgent: null,
    schemeOverwrite: null,
    proxy100Continue: false,
    path: new PathNormalizer(false, false, 'KEEP_UNCHANGED', true),
    stripMatchingHostPort: false,
    stripAnyHostPort: false,
    stripTrailingHostDot: false,
    isInternal: null,
    detections: [new XffDetection(0, false)],
    forwardProto: null,
    earlyMutations: null,
    upgrades: new Map(),
    upgradePaths: new Map(),
    streamErrorOnInvalidMessage: false,
    isOverTls: false,
    listenerPort: 80,
    accessLog: null,
    logOnNewRequest: false,
    logOnTunnel: false,
    logFlushInterval: 0,
    filters: null,
    drain: { drainClose: () => false, healthcheckFailed: false },
    failures: null,
    transportFacts: () => null,
    recordRequest: () => {},
    filterChainName: '',
    ownAddress: '192.0.2.1',
    ...changes,
  };
  return { ...config, routes: { table: config.routes } } as unknown as ConnectionManagerConfig;
}

export const texts = (map: HeaderMap) => map.names.map((name, i) => `${name.text}: ${map.values[i]}`);

/** A request head as a codec delivers it. */
export function head(method: string, path: string | undefined, lines: Record<string, string> = {}): RequestHeaders {
  const headers = new RequestHeaders();
  headers.method = method;
  headers.path = path;
  headers.authority = 'a.test';
  headers.scheme = 'http';
  for (const [name, value] of Object.entries(lines)) headers.add(permanentName(name), value);
  return headers;
}

/** What left towards the client on one stream. */
export class FakeResponseEncoder implements ResponseEncoder {
  readonly bufferLimit = 1024;
  readonly aboveHighWatermark = false;
  readonly bytes: StreamBytes = { wireReceived: 0, wireSent: 0, headerReceived: 0, headerSent: 0 };
  readonly streamId = 1;
  readonly streamErrorOnInvalidMessage = false;
  decoder!: RequestDecoder;
  interim: number[] = [];
  headers: ResponseHeaders | null = null;
  body = '';
  trailers: Trailers | null = null;
  ended = false;
  reset: ResetReason | null = null;
  readDisables = 0;
  flushTimeout = 0;

  get status(): number {
    return this.headers?.status ?? 0;
  }

  setDecoder(decoder: RequestDecoder): void {
    this.decoder = decoder;
  }
  encode1xx(headers: ResponseHeaders): void {
    this.interim.push(headers.status);
  }
  encodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    this.headers = headers;
    this.end(endStream);
  }
  encodeData(data: Uint8Array, endStream: boolean): void {
    this.body += Buffer.from(data).toString('latin1');
    this.end(endStream);
  }
  encodeTrailers(trailers: Trailers): void {
    this.trailers = trailers;
    this.end(true);
  }
  private end(endStream: boolean): void {
    if (!endStream) return;
    this.ended = true;
    this.decoder.onCodecEncodeComplete();
  }
  resetStream(reason: ResetReason): void {
    this.reset = reason;
  }
  readDisable(disable: boolean): void {
    this.readDisables += disable ? 1 : -1;
  }
  setFlushTimeout(ms: number): void {
    this.flushTimeout = ms;
  }
}

/** The codec of a downstream connection: the test opens streams and says what is wrong. */
export class FakeServerCodec implements ServerCodec {
  readonly goAways: string[] = [];
  error: CodecError | null = null;
  closedWith: [ResetReason, string] | null = null;
  dispatched = 0;
  activeStreams = 0;

  constructor(
    readonly protocol: Protocol,
    readonly callbacks: ServerCodecCallbacks,
  ) {}

  dispatch(): CodecError | null {
    this.dispatched++;
    return this.error;
  }
  onRemoteEnd(): void {}
  onConnectionClosed(reason: ResetReason, details: string): void {
    this.closedWith ??= [reason, details];
  }
  onConnectionAboveHighWatermark(): void {}
  onConnectionBelowLowWatermark(): void {}
  wantsToWrite(): boolean {
    return false;
  }
  shutdownNotice(): void {
    this.goAways.push('notice');
  }
  goAway(): void {
    this.goAways.push('last');
  }
}

/** The socket of a downstream connection. */
class FakeDownstream {
  readonly out = new OutBuffer();
  readonly info = { ...CONNECTION, remoteIp: '10.0.0.1' };
  rxBytes = 0;
  txBytes = 0;
  closed: { type: CloseType; reason: string } | null = null;
  events!: ConnectionEvents;

  constructor(readonly dispatcher: TestLoop['dispatcher']) {}
  setDelayedCloseTimeout(): void {}
  get open(): boolean {
    return this.closed === null;
  }
  close(type: CloseType, reason: string): void {
    if (this.closed !== null) return;
    this.closed = { type, reason };
    this.events.onClosed({ local: true, reason, error: null, connected: true });
  }
}

/** What went to the upstream on one attempt, and the way back. */
export class FakeUpstreamStream implements RequestEncoder {
  readonly bufferLimit = 1024;
  readonly aboveHighWatermark = false;
  readonly bytes: StreamBytes = { wireReceived: 0, wireSent: 0, headerReceived: 0, headerSent: 0 };
  readonly streamId = 1;
  headers: RequestHeaders | null = null;
  body = '';
  ended = false;
  reset: ResetReason | null = null;
  readDisables = 0;

  constructor(readonly decoder: ResponseDecoder) {}

  encodeHeaders(headers: RequestHeaders, endStream: boolean): void {
    this.headers = headers;
    this.ended = endStream;
  }
  encodeData(data: Uint8Array, endStream: boolean): void {
    this.body += Buffer.from(data).toString('latin1');
    this.ended = endStream;
  }
  encodeTrailers(): void {
    this.ended = true;
  }
  resetStream(reason: ResetReason): void {
    this.reset = reason;
  }
  readDisable(disable: boolean): void {
    this.readDisables += disable ? 1 : -1;
  }
}

const counters = () =>
  new Proxy({} as Record<string, number>, { get: (all, name) => (name in all ? all[String(name)] : 0) });

/** A cluster of one host whose pool is ready at once, unless `connected` is false: then requests wait. */
export class FakeCluster {
  readonly name = 'c';
  readonly observabilityName = 'c';
  readonly stats = counters();
  readonly codes = { charge() {}, chargeRetry() {}, recordTime() {}, alternative() {} };
  maxStreamDuration: number | null = null;
  readonly maintenanceMode = false;
  readonly dropOverload = 0;
  readonly sizeStats = null;
  readonly budgetStats = null;
  readonly metadata = {};
  connected = true;
  readonly attempts: FakeUpstreamStream[] = [];
  private readonly host = makeHost();

  retryBreaker() {
    return { tryAcquire: () => true, release() {} };
  }
  chooseHost() {
    return this.host;
  }
  pool() {
    return {
      newStream: (decoder: ResponseDecoder, callbacks: PoolCallbacks) => {
        if (!this.connected) return { cancel() {} };
        const stream = new FakeUpstreamStream(decoder);
        this.attempts.push(stream);
        const connection = { ...CONNECTION, protocol: 'HTTP/2', connectStart: 0, connectEnd: 0, streamCount: 1 };
        callbacks.onPoolReady(stream, this.host, connection as UpstreamConnectionInfo);
        return null;
      },
    };
  }
}

/** One stream of a bench, from the side of the client. */
export interface OpenStream {
  request: RequestDecoder;
  response: FakeResponseEncoder;
}

/** A downstream connection with its connection manager. */
export class HttpBench {
  readonly loop = new TestLoop();
  readonly cluster = new FakeCluster();
  readonly config: ConnectionManagerConfig;
  readonly connection: FakeDownstream;
  readonly manager: ConnectionManager;
  /** What the access log was given. */
  readonly logged: StreamInfo[] = [];
  gone = false;
  codec!: FakeServerCodec;

  constructor(changes: object = {}, protocol: Protocol = 'HTTP/2') {
    const make = (_connection: unknown, callbacks: ServerCodecCallbacks) => {
      this.codec = new FakeServerCodec(protocol, callbacks);
      return this.codec;
    };
    this.config = managerConfig({
      router: routerConfig({
        get: (name: string) => (name === 'c' ? (this.cluster as unknown as Cluster) : undefined),
      }),
      codecType: protocol === 'HTTP/2' ? 'HTTP2' : 'HTTP1',
      createHttp1: make,
      createHttp2: make,
      accessLog: { log: (info: StreamInfo) => void this.logged.push(info) },
      ...changes,
    });
    this.connection = new FakeDownstream(this.loop.dispatcher);
    this.manager = this.loop.pass(
      () =>
        new ConnectionManager(this.connection as unknown as Connection, this.config, () => {
          this.gone = true;
        }),
    );
    this.connection.events = this.manager;
  }

  /** Bytes come in: makes the codec. */
  begin(): void {
    this.loop.pass(() => this.manager.onData(Buffer.from('x')));
  }

  open(): OpenStream {
    if (this.codec === undefined) this.begin();
    return this.loop.pass(() => {
      const response = new FakeResponseEncoder();
      response.decoder = this.codec.callbacks.newStream(response);
      return { request: response.decoder, response };
    });
  }

  /** Opens a stream and sends a request head on it. */
  send(headers: RequestHeaders, endStream = true): OpenStream {
    const stream = this.open();
    this.loop.pass(() => stream.request.decodeHeaders(headers, endStream));
    return stream;
  }

  /** The last line of the log: status, flags and details. */
  get lastLog(): string {
    const info = this.logged.at(-1);
    return info === undefined ? '' : `${info.responseCode} ${info.flags.join(',') || '-'} ${info.details}`;
  }
}

/** A router as an empty configuration makes it. */
export function routerConfig(clusters: ClusterManager): RouterConfig {
  const common = {
    clusters,
    suppressEnvoyHeaders: false,
    respectExpectedRqTimeout: false,
    durationDisablesRouteTimeout: true,
    dynamicStats: true,
    quietGrpcCodes: false,
    upstreamLog: null,
    schemeOfUpstream: false,
  };
  const shadows: { router: RouterConfig; ownAddress: string } = { router: null!, ownAddress: '192.0.2.1' };
  shadows.router = { ...common, stats: new RouterStats(), shadows };
  return { ...common, stats: new RouterStats(), shadows };
}
