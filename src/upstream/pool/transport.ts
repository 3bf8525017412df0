import type { ClientCodec, ClientCodecCallbacks, CodecConnection, CodecError } from '../../codec/codec.js';
import type { ConnectionEvents } from '../../network/connection.js';
import type { ConnectionInfo } from '../../observe/stream-info.js';
import type { Dial } from '../host.js';

/** What a pool needs of a connection below it; `network/connection.ts` has it, tests have their own. */
export interface UpstreamConnection extends CodecConnection {
  readonly info: ConnectionInfo;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** File descriptor for socket statistics, -1 when there is none. */
  readonly fd: number;
  /** A FIN ends one direction only; `endWrite` sends one. */
  halfClose: boolean;
  endWrite(): void;
  setEvents(events: ConnectionEvents): void;
  setBufferLimit(bytes: number): void;
}

/** What a pool needs of an HTTP/1 codec beyond the seam; see `codec/http1/client.ts`. */
export interface Http1ClientCodec extends ClientCodec {
  /** False once no further request may be sent: the owner closes the connection. */
  readonly reusable: boolean;
  /** The peer announced in its response that it closes. */
  readonly closeNotified: boolean;
  onRemoteEnd(): CodecError | null;
}

/** How one cluster connects and speaks: all of its options are bound in. */
export interface Transport {
  /** Begins a connect; its outcome comes as an event. */
  connect(dial: Dial): UpstreamConnection;
  http1(connection: UpstreamConnection, callbacks: ClientCodecCallbacks): Http1ClientCodec;
  http2(connection: UpstreamConnection, callbacks: ClientCodecCallbacks): ClientCodec;
}
