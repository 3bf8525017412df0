import { type RequestHeaders, ResponseHeaders } from '../base/headers.js';
import type { StreamBytes } from '../base/protocol.js';
import { Close, type RequestEncoder, Reset, type ResponseDecoder } from '../codec/codec.js';
import type { ConnectionInfo } from '../observe/stream-info.js';
import type { TcpCallbacks, TcpClient } from '../upstream/pool/tcp-client.js';
import type {
  Cluster,
  ConnPool,
  Host,
  PoolCallbacks,
  PoolFailure,
  PoolHandle,
  UpstreamConnectionInfo,
} from '../upstream/types.js';

const NO_DATA = new Uint8Array(0);

/**
 * A CONNECT, or a POST, that ends here (connect_config): it stands where pool, codec and stream of an HTTP upstream would, and carries
 * the body to a TCP connection of its own. The 200 is made here, when the connection is there; the end of the request is a FIN, and a
 * FIN the end of the response. Envoy: TcpConnPool and TcpUpstream.
 */
export class TcpTunnel implements ConnPool, PoolHandle, RequestEncoder, TcpCallbacks, UpstreamConnectionInfo {
  readonly bytes: StreamBytes = { wireReceived: 0, wireSent: 0, headerReceived: 0, headerSent: 0 };
  readonly streamId = 0;
  readonly bufferLimit = 0;
  readonly protocol = '';
  readonly streamCount = 1;
  private client: TcpClient | null = null;
  private decoder!: ResponseDecoder;
  private callbacks!: PoolCallbacks;
  /** Neither side has ended the exchange. */
  private open = true;

  constructor(
    private readonly cluster: Cluster,
    private readonly host: Host,
  ) {}

  // --- as the pool

  newStream(decoder: ResponseDecoder, callbacks: PoolCallbacks): PoolHandle | null {
    this.decoder = decoder;
    this.callbacks = callbacks;
    this.client = this.cluster.connectTcp(this.host, this);
    return this.client === null ? null : this;
  }

  cancel(): void {
    this.open = false;
    this.client?.cancel();
  }

  onTcpReady(client: TcpClient): void {
    this.client = client;
    this.callbacks.onPoolReady(this, this.host, this);
  }

  onTcpFailure(failure: PoolFailure, reason: string): void {
    if (!this.open) return;
    this.open = false;
    this.callbacks.onPoolFailure(failure, reason, this.host);
  }

  // --- as the connection

  private get info(): ConnectionInfo {
    return this.client!.connection.info;
  }
  get id(): number {
    return this.info.id;
  }
  get localAddress(): string {
    return this.info.localAddress;
  }
  get remoteAddress(): string {
    return this.info.remoteAddress;
  }
  get requestedServerName(): string {
    return this.info.requestedServerName;
  }
  get alpn(): string {
    return this.info.alpn;
  }
  get tls(): boolean {
    return this.info.tls;
  }
  get connectStart(): number {
    return this.client!.connectStart;
  }
  get connectEnd(): number {
    return this.client!.connectEnd;
  }

  // --- as the codec's stream

  encodeHeaders(_headers: RequestHeaders, _endStream: boolean): void {
    this.decoder.decodeHeaders(new ResponseHeaders(200), false);
  }

  encodeData(data: Uint8Array, endStream: boolean): void {
    if (!this.open) return;
    const { connection } = this.client!;
    if (data.length > 0) {
      this.bytes.wireSent += data.length;
      connection.out.write(data);
      connection.markDirty();
    }
    if (endStream) connection.endWrite();
  }

  encodeTrailers(): void {
    this.encodeData(NO_DATA, true);
  }

  resetStream(): void {
    this.open = false;
    this.client?.connection.close(Close.NO_FLUSH, '');
  }

  readDisable(disable: boolean): void {
    if (this.open) this.client!.connection.readDisable(disable);
  }

  get aboveHighWatermark(): boolean {
    return this.client?.connection.aboveHighWatermark() === true;
  }

  // --- from the connection

  onUpstreamData(data: Buffer): void {
    if (!this.open) return;
    this.bytes.wireReceived += data.length;
    this.decoder.decodeData(data, false);
  }

  onUpstreamEnd(): void {
    if (this.open) this.decoder.decodeData(NO_DATA, true);
  }

  onUpstreamClosed(): void {
    if (!this.open) return;
    this.open = false;
    this.decoder.onReset(Reset.CONNECTION_TERMINATION, '');
  }

  onUpstreamAboveHighWatermark(): void {
    if (this.open) this.decoder.onAboveWriteBufferHighWatermark();
  }

  onUpstreamBelowLowWatermark(): void {
    if (this.open) this.decoder.onBelowWriteBufferLowWatermark();
  }
}
