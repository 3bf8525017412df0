import { Dispatcher } from '../base/dispatcher.js';
import { OutBuffer } from '../base/out-buffer.js';
import type { StreamBytes } from '../base/protocol.js';
import { seededRandom } from '../base/random.js';
import type {
  ClientCodec,
  ClientCodecCallbacks,
  CloseType,
  CodecError,
  RequestEncoder,
  ResetReason,
  ResponseDecoder,
} from '../codec/codec.js';
import type { ConnectionEvents } from '../network/connection.js';
import type { Histogram, StatSource, StatStore } from '../observe/stats.js';
import { type Dial, HostImpl, NO_LOCALITY } from './host.js';
import type { PoolSettings } from './pool/conn-pool.js';
import type { Http1ClientCodec, Transport, UpstreamConnection } from './pool/transport.js';
import type { Host, LbContext, PoolCallbacks, PoolFailure, PoolHandle, UpstreamConnectionInfo } from './types.js';

/** Time that a test moves, and a dispatcher on it. */
export class TestLoop {
  private time = 1000;
  readonly dispatcher: Dispatcher;

  constructor(seed = 1) {
    const clock = { monotonic: () => this.time, wall: () => this.time };
    this.dispatcher = new Dispatcher(clock, seededRandom(seed), true);
  }

  /** Runs `body` as one pass. */
  pass<T>(body: () => T): T {
    this.dispatcher.enter();
    try {
      return body();
    } finally {
      this.dispatcher.leave();
    }
  }

  /** Lets time pass; timers fire on the way, one tick at a time. */
  advance(ms: number): void {
    const end = this.time + ms;
    while (this.time < end) {
      this.time = Math.min(end, this.time + 4);
      this.dispatcher.timers.run();
    }
  }
}

/** A connection without a network: the test says what happens. */
export class FakeConnection implements UpstreamConnection {
  readonly out = new OutBuffer();
  readonly info = {
    id: 0,
    localAddress: '127.0.0.1:40000',
    remoteAddress: '127.0.0.1:80',
    requestedServerName: '',
    alpn: '',
    tls: false,
  };
  rxBytes = 0;
  txBytes = 0;
  readonly fd = -1;
  open = true;
  connected = false;
  events: ConnectionEvents | null = null;
  bufferLimit = -1;
  closeReason = '';
  codec: FakeCodec | null = null;
  halfClose = false;
  ended = false;

  constructor(
    readonly dispatcher: Dispatcher,
    readonly dial: Dial,
  ) {}

  endWrite(): void {
    this.ended = true;
  }

  setEvents(events: ConnectionEvents): void {
    this.events = events;
  }
  setBufferLimit(bytes: number): void {
    this.bufferLimit = bytes;
  }
  markDirty(): void {}
  readDisable(): void {}
  unsentBytes(): number {
    return this.out.length;
  }
  aboveHighWatermark(): boolean {
    return false;
  }
  close(_type: CloseType, reason: string): void {
    if (!this.open) return;
    this.open = false;
    this.closeReason = reason;
    this.events!.onClosed({ local: true, reason, error: null, connected: this.connected });
  }

  // --- what the peer or the network does, each a pass of its own

  succeed(): void {
    this.inPass(() => {
      this.connected = true;
      this.events!.onConnected();
    });
  }
  fail(code: string): void {
    this.lost(code);
  }
  /** A reset, or an error such as ETIMEDOUT. */
  lost(code: string): void {
    this.inPass(() => {
      this.open = false;
      const error = Object.assign(new Error(code), { code });
      this.events!.onClosed({ local: false, reason: '', error, connected: this.connected });
    });
  }
  fin(): void {
    this.inPass(() => this.events!.onRemoteEnd());
  }
  receive(data: Buffer): void {
    this.inPass(() => {
      this.rxBytes += data.length;
      this.events!.onData(data);
    });
  }

  private inPass(body: () => void): void {
    this.dispatcher.enter();
    try {
      if (this.open) body();
    } finally {
      this.dispatcher.leave();
    }
  }
}

class FakeStream implements RequestEncoder {
  readonly bytes: StreamBytes = { wireReceived: 0, wireSent: 0, headerReceived: 0, headerSent: 0 };
  readonly bufferLimit = 0;
  readonly aboveHighWatermark = false;
  over = false;

  constructor(
    private readonly codec: FakeCodec,
    readonly decoder: ResponseDecoder,
    readonly streamId: number,
  ) {}

  encodeHeaders(): void {}
  encodeData(): void {}
  encodeTrailers(): void {}
  readDisable(): void {}
  resetStream(): void {
    this.codec.end(this, true);
  }
}

/** A codec whose messages the test makes. Behaves as the real ones where pools can see it. */
export class FakeCodec implements Http1ClientCodec {
  readonly streams: FakeStream[] = [];
  readonly protocol;
  maxConcurrentStreams = 0;
  reusable = true;
  closeNotified = false;
  private nextId = 1;
  private script: (() => CodecError | null) | null = null;

  constructor(
    private readonly connection: FakeConnection,
    private readonly callbacks: ClientCodecCallbacks,
    private readonly multiplexed: boolean,
  ) {
    this.protocol = multiplexed ? ('HTTP/2' as const) : ('HTTP/1.1' as const);
    connection.codec = this;
  }

  get activeStreams(): number {
    return this.streams.length;
  }
  newStream(decoder: ResponseDecoder): RequestEncoder {
    const stream = new FakeStream(this, decoder, this.nextId);
    this.nextId += 2;
    this.streams.push(stream);
    return stream;
  }
  dispatch(): CodecError | null {
    const script = this.script;
    this.script = null;
    return script === null ? null : script();
  }
  onRemoteEnd(): CodecError | null {
    this.reusable = false;
    return null;
  }
  onConnectionClosed(reason: ResetReason, details: string): void {
    for (const stream of this.streams.splice(0)) {
      stream.over = true;
      stream.decoder.onReset(reason, details);
    }
  }
  onConnectionAboveHighWatermark(): void {}
  onConnectionBelowLowWatermark(): void {}
  wantsToWrite(): boolean {
    return false;
  }
  goAway(): void {}

  end(stream: FakeStream, reset: boolean): void {
    const at = this.streams.indexOf(stream);
    if (at < 0) return;
    stream.over = true;
    this.streams.splice(at, 1);
    if (reset && !this.multiplexed) this.reusable = false;
    this.callbacks.onStreamDone();
  }

  /** The next bytes that arrive do this inside `dispatch`. */
  onBytes(script: () => CodecError | null): void {
    this.script = script;
    this.connection.receive(Buffer.from('x'));
  }
  /** The oldest stream gets its whole answer. */
  answer(closing = false): void {
    this.onBytes(() => {
      if (closing) {
        this.closeNotified = true;
        this.reusable = false;
      }
      this.end(this.streams[0], false);
      return null;
    });
  }
  goAwayFromPeer(refused = 0): void {
    this.onBytes(() => {
      this.callbacks.onGoAway(0);
      for (const stream of this.streams.slice(this.streams.length - refused)) {
        stream.decoder.onReset('remote refused stream reset', '');
        this.end(stream, true);
      }
      return null;
    });
  }
  settings(limit: number): void {
    this.onBytes(() => {
      this.callbacks.onMaxConcurrentStreamsChanged(limit);
      return null;
    });
  }
}

/** Remembers every connection that was begun. */
export class FakeTransport implements Transport {
  readonly connections: FakeConnection[] = [];

  constructor(readonly dispatcher: Dispatcher) {}

  connect(dial: Dial): FakeConnection {
    const connection = new FakeConnection(this.dispatcher, dial);
    this.connections.push(connection);
    return connection;
  }
  http1(connection: UpstreamConnection, callbacks: ClientCodecCallbacks): Http1ClientCodec {
    return new FakeCodec(connection as FakeConnection, callbacks, false);
  }
  http2(connection: UpstreamConnection, callbacks: ClientCodecCallbacks): ClientCodec {
    return new FakeCodec(connection as FakeConnection, callbacks, true);
  }
  get last(): FakeConnection {
    return this.connections[this.connections.length - 1];
  }
}

/** A request as the router would make it; keeps what it was told. */
export class FakeRequest implements ResponseDecoder, PoolCallbacks {
  encoder: RequestEncoder | null = null;
  host: Host | null = null;
  connection: UpstreamConnectionInfo | null = null;
  failure: PoolFailure | null = null;
  reason = '';
  reset: ResetReason | null = null;
  handle: PoolHandle | null = null;
  callbacks = 0;

  onPoolReady(encoder: RequestEncoder, host: Host, connection: UpstreamConnectionInfo): void {
    this.callbacks++;
    this.encoder = encoder;
    this.host = host;
    this.connection = connection;
  }
  onPoolFailure(failure: PoolFailure, reason: string, host: Host | null): void {
    this.callbacks++;
    this.failure = failure;
    this.reason = reason;
    this.host = host;
  }
  onReset(reason: ResetReason): void {
    this.reset = reason;
  }
  decode1xx(): void {}
  decodeHeaders(): void {}
  decodeData(): void {}
  decodeTrailers(): void {}
  onAboveWriteBufferHighWatermark(): void {}
  onBelowWriteBufferLowWatermark(): void {}
}

export class FakeHistogram implements Histogram {
  count = 0;
  sum = 0;
  record(value: number): void {
    this.count++;
    this.sum += value;
  }
}

export class FakeStore implements StatStore {
  readonly sources = new Set<StatSource>();
  readonly objects = new Map<string, object>();

  register(prefix: string, object: object): () => void {
    this.objects.set(prefix, object);
    return () => {
      this.objects.delete(prefix);
    };
  }
  registerSource(source: StatSource): () => void {
    this.sources.add(source);
    return () => {
      this.sources.delete(source);
    };
  }
  /** Counters and gauges of all sources by name. */
  read(): Record<string, number> {
    const out: Record<string, number> = {};
    const put = (name: string, value: number) => {
      out[name] = value;
    };
    for (const source of this.sources) source.visit({ counter: put, gauge: put, histogram() {}, text() {} });
    return out;
  }
}

export const POOL_DEFAULTS: PoolSettings = {
  connectTimeout: 5000,
  idleTimeout: 3_600_000,
  maxConnectionDuration: 0,
  maxRequestsPerConnection: 0,
  maxConcurrentStreams: 1024,
  bufferLimit: 1024 * 1024,
  preconnectRatio: 1,
  maxConnectionsPerHost: Number.POSITIVE_INFINITY,
};

/** A context that wants nothing in particular. */
export const ANY_HOST: LbContext = {
  requestHeaders: null,
  hash: null,
  metadataMatch: null,
  shouldSelectAnotherHost: () => false,
  hostSelectionRetryCount: 0,
  downstreamProtocol: 'HTTP/1.1',
};

export function makeHost(address = '127.0.0.1:80', weight = 1, healthFlags = 0): HostImpl {
  const colon = address.lastIndexOf(':');
  const dial = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
  return new HostImpl({ dial, hostname: '', weight, metadata: {}, locality: NO_LOCALITY, priority: 0, healthFlags });
}
