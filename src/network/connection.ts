import net from 'node:net';
import type { Dispatcher, Flushable } from '../base/dispatcher.js';
import { OutBuffer, returnSlab, type Slice } from '../base/out-buffer.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';
import { Close, type CloseType, type CodecConnection } from '../codec/codec.js';
import type { ConnectionInfo } from '../observe/stream-info.js';
import { type HangupWatched, watchForHangup } from './hangup.js';
import { readFromHandle, type SocketWriter, writerOf } from './stream-handle.js';

/** Told what happens on a connection; implemented by its owner (connection manager, pool, tcp proxy). */
export interface ConnectionEvents {
  /** Client side only: the connect succeeded. */
  onConnected(): void;
  /** `data` is valid during the call. */
  onData(data: Buffer): void;
  /** The peer sent FIN. Half-open connections are not kept alive here: the owner decides. */
  onRemoteEnd(): void;
  /** Once; the socket is gone. */
  onClosed(event: CloseEvent): void;
  onAboveHighWatermark(): void;
  onBelowLowWatermark(): void;
}

export interface CloseEvent {
  /** This side closed it. */
  local: boolean;
  /** Reason given to `close`, '' for a close by the peer. */
  reason: string;
  error: NodeJS.ErrnoException | null;
  /** The connect had succeeded. Always true for accepted connections. */
  connected: boolean;
}

/** What `upstream_connection_options` and `socket_options` ask for; options the platform lacks are refused at load. */
export interface SocketOptions {
  /** SO_KEEPALIVE with idle seconds (TCP_KEEPIDLE); the other two need the platform's setsockopt. */
  keepalive?: { idleSeconds?: number; intervalSeconds?: number; probes?: number };
  /** Raw setsockopt calls, applied when connected. */
  raw?: readonly { level: number; name: number; value: Buffer }[];
}

export interface ConnectOptions {
  host: string;
  port: number;
  /** Unix socket path instead of host and port. */
  path?: string;
  /** Source address (upstream_bind_config). */
  localAddress?: string;
  localPort?: number;
  socketOptions?: SocketOptions;
  /** Applies options that Node has no call for; see `network/socket-options.ts`. */
  applyOptions?: (socket: net.Socket, options: SocketOptions) => void;
}

/**
 * One buffer serves every read of the process: a read is handled to its end before the next begins. As much as Envoy takes in one pass
 * (per_connection_buffer_limit_bytes), so that a burst is one burst for the flood limits too.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(1024 * 1024);
/** Above this much staged output a pass writes early, so that a burst does not pile up. */
const EARLY_FLUSH = 256 * 1024;
/** What comes of a read of this size goes out at once: it is worth a write of its own, and more may follow in the same poll. */
const LARGE_READ = 32 * 1024;
/** Discarded after a close was decided; beyond it reading stops and the kernel pushes back. */
const DISCARD_LIMIT = 64 * 1024;

let nextId = 1;

enum State {
  OPEN = 0,
  /** Closing: flushing what is written, then the close. */
  FLUSHING = 1,
  /** Flushed; waiting for the peer to close, or for the delayed-close timer. */
  DELAYED = 2,
  CLOSED = 3,
}

enum WriteEnd {
  OPEN = 0,
  /** FIN goes out behind what is written. */
  WANTED = 1,
  SENT = 2,
}

/**
 * One TCP connection, accepted or outgoing. Bytes are staged in `out` and written once per pass; what the kernel does
 * not take counts against the write watermarks. Reading can be disabled (counted). Without `halfClose` there is no half-open state:
 * the owner sees FIN and closes.
 */
export class Connection implements CodecConnection, Flushable, TimerOwner, HangupWatched {
  readonly out = new OutBuffer();
  readonly info: ConnectionInfo;
  /** Bytes read from and taken by the socket. */
  rxBytes = 0;
  txBytes = 0;
  /** Monotonic ms of the last read; -1 before the first. */
  lastReadAt = -1;
  connectStart: number;
  connectEnd = -1;
  /** Close when this much time passes without write progress after a FLUSH_AND_DELAY (or while a FLUSH is stuck); 0: do not wait. */
  private delayedCloseMs = 0;
  private onDelayedClose: (() => void) | null = null;
  private delayedTimer: Timer | null = null;
  private events: ConnectionEvents | null = null;
  private state: State = State.OPEN;
  private closeType: CloseType = Close.NO_FLUSH;
  private closeReason = '';
  private dirty = false;
  private inflight: Slice | null = null;
  private highWatermark = 1024 * 1024;
  private isAbove = false;
  private disables = 0;
  private discarded = 0;
  private connecting: boolean;
  private lastError: NodeJS.ErrnoException | null = null;
  private writer: SocketWriter | null = null;
  /**
   * A FIN of the peer ends its direction only: it is heard when reading gets there, and never before bytes that were not read
   * (Envoy: enableHalfClose). The connection closes when both directions have ended.
   */
  halfClose = false;
  private writeEnd = WriteEnd.OPEN;
  private readEnded = false;
  /** Both directions have ended, this one last. */
  private endedLast = false;
  /** Bytes that were looked at before their owner came; delivered when reading is on. */
  private held: Buffer | null = null;
  readonly socket: net.Socket;

  /** @param accepted handle of an accepted socket, or null to connect */
  constructor(
    readonly dispatcher: Dispatcher,
    accepted: net.Socket | null,
    connect: ConnectOptions | null,
  ) {
    const onread = { buffer: READ_BUFFER, callback: (n: number, buf: Uint8Array) => this.onReadable(n, buf) };
    this.connectStart = dispatcher.now;
    if (accepted !== null) {
      this.connecting = false;
      this.connectEnd = dispatcher.now;
      this.socket = takeOver(accepted, onread);
    } else {
      const c = connect!;
      this.connecting = true;
      const target = c.path !== undefined ? { path: c.path } : { host: c.host, port: c.port };
      this.socket = net.connect({
        ...target,
        localAddress: c.localAddress,
        localPort: c.localPort,
        noDelay: true,
        allowHalfOpen: true,
        autoSelectFamily: false,
        onread,
      } as net.NetConnectOpts);
    }
    const socket = this.socket;
    this.info = {
      id: nextId++,
      localAddress: accepted !== null ? addressText(socket.localAddress, socket.localPort) : '',
      remoteAddress:
        accepted !== null
          ? addressText(socket.remoteAddress, socket.remotePort)
          : (connect!.path ?? addressText(connect!.host, connect!.port)),
      remoteIp: accepted !== null ? plainAddress(socket.remoteAddress) : '',
      requestedServerName: '',
      alpn: '',
      tls: false,
      localAddressRestored: false,
    };
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.lastError = error;
    });
    socket.on('end', () => this.onEnd());
    socket.on('close', () => this.onSocketClose());
    if (this.connecting) {
      socket.on('connect', () => {
        this.connecting = false;
        if (this.state === State.CLOSED) return;
        dispatcher.enter();
        this.connectEnd = dispatcher.now;
        (this.info as { localAddress: string }).localAddress = addressText(socket.localAddress, socket.localPort);
        if (connect!.socketOptions !== undefined && connect!.applyOptions !== undefined)
          connect!.applyOptions(socket, connect!.socketOptions);
        readFromHandle(socket, this.onBytes);
        this.events?.onConnected();
        this.markDirty();
        dispatcher.leave();
      });
    } else {
      socket.setNoDelay(true);
    }
  }

  setEvents(events: ConnectionEvents): void {
    this.events = events;
  }

  /** Starts reading an accepted connection. */
  start(): void {
    readFromHandle(this.socket, this.onBytes);
    if (this.disables > 0) return;
    this.socket.resume();
    this.socket.read(0);
  }

  /** Gives bytes that were read before the owner came to it as if they came now; later, while reading is off. */
  replay(data: Buffer): void {
    if (this.disables > 0) this.held = data;
    else if (this.state === State.OPEN) this.events!.onData(data);
  }

  /** The address that a redirected connection was made for replaces the local one. */
  restoreLocalAddress(ip: string, port: number): void {
    const info = this.info as { localAddress: string; localAddressRestored: boolean };
    info.localAddress = addressText(ip, port);
    info.localAddressRestored = true;
  }

  set requestedServerName(name: string) {
    (this.info as { requestedServerName: string }).requestedServerName = name;
  }

  get open(): boolean {
    return this.state === State.OPEN;
  }

  /** The socket exists and its peer can still be told something. */
  get closed(): boolean {
    return this.state === State.CLOSED;
  }

  get isConnecting(): boolean {
    return this.connecting;
  }

  /** File descriptor for socket statistics; -1 when there is none. */
  get fd(): number {
    const handle = (this.socket as unknown as { _handle: { fd?: number } | null })._handle;
    return handle?.fd ?? -1;
  }

  setBufferLimit(bytes: number): void {
    this.highWatermark = bytes;
  }

  /** @param onFire counts the expiry (downstream_cx_delayed_close_timeout) */
  setDelayedCloseTimeout(ms: number, onFire: (() => void) | null): void {
    this.delayedCloseMs = ms;
    this.onDelayedClose = onFire;
  }

  // --- reading

  private readonly onBytes = (n: number): void => {
    this.onReadable(n, READ_BUFFER);
  };

  private onReadable(n: number, buf: Uint8Array): boolean {
    if (this.state !== State.OPEN) {
      this.discarded += n;
      if (this.discarded > DISCARD_LIMIT && this.state !== State.CLOSED) this.socket.pause();
      return true;
    }
    const dispatcher = this.dispatcher;
    dispatcher.enter();
    this.rxBytes += n;
    this.lastReadAt = dispatcher.now;
    try {
      this.events!.onData(n === buf.length ? (buf as Buffer) : (buf.subarray(0, n) as Buffer));
    } catch (error) {
      // Nothing that a peer sends may end the process: a defect costs the connection it showed itself on.
      dispatcher.onError(error);
      this.close(Close.NO_FLUSH, 'defect');
    }
    if (n < LARGE_READ) dispatcher.leaveRead();
    else dispatcher.leave();
    return true;
  }

  readDisable(disable: boolean): void {
    if (disable) {
      if (this.disables++ === 0 && this.state === State.OPEN) {
        this.socket.pause();
        if (!this.halfClose) watchForHangup(this.dispatcher, this);
      }
    } else if (--this.disables === 0 && this.state === State.OPEN) {
      const { held } = this;
      this.socket.resume();
      if (held === null) return;
      this.held = null;
      this.events?.onData(held);
    }
  }

  get readDisabled(): boolean {
    return this.disables > 0;
  }

  /** Reading is off and the kernel knows of a FIN with nothing unread before it, or has been told so by poll. */
  onHangup(): void {
    if (this.state !== State.OPEN || this.disables === 0) return;
    this.dispatcher.enter();
    this.events?.onRemoteEnd();
    this.dispatcher.leave();
  }

  private onEnd(): void {
    this.dispatcher.enter();
    this.readEnded = true;
    if (this.state === State.OPEN) {
      this.events?.onRemoteEnd();
      // Both directions have ended, the peer's last.
      if (this.halfClose && this.writeEnd === WriteEnd.SENT && !this.endedLast) this.finish(false, false);
    } else if (this.state === State.DELAYED) this.finish(false, false);
    this.dispatcher.leave();
  }

  // --- writing

  markDirty(): void {
    // What was written counts before the kernel has had its chance to take it.
    if (this.out.length > this.highWatermark && !this.isAbove) this.checkWatermarks();
    if (!this.dirty) {
      this.dirty = true;
      this.dispatcher.markDirty(this);
    } else if (this.inflight === null && !this.connecting && this.out.length > EARLY_FLUSH) this.pump();
  }

  flush(): void {
    this.dirty = false;
    this.pump();
  }

  unsentBytes(): number {
    const inflight = this.inflight === null ? 0 : this.queued();
    return this.out.length + inflight;
  }

  /** What the runtime still holds of the slice in flight. */
  private queued(): number {
    const handle = (this.socket as unknown as { _handle: { writeQueueSize?: number } | null })._handle;
    return handle?.writeQueueSize ?? this.socket.writableLength;
  }

  aboveHighWatermark(): boolean {
    return this.isAbove;
  }

  private pump(): void {
    if (this.state === State.CLOSED || this.connecting) return;
    const writer = (this.writer ??= writerOf(this.socket, this.onWritten));
    while (this.inflight === null) {
      const slice = this.out.shift();
      if (slice === null) break;
      this.txBytes += slice.end - slice.start;
      if (writer.write(slice.buf, slice.start, slice.end)) returnSlab(slice.buf);
      else this.inflight = slice;
    }
    this.checkWatermarks();
    if (this.writeEnd === WriteEnd.WANTED && this.inflight === null && this.out.length === 0) this.sendEnd();
    if (this.state === State.FLUSHING && this.inflight === null && this.out.length === 0) this.onFlushed();
  }

  /** What the kernel had not taken at once has gone. */
  private readonly onWritten = (): void => {
    if (this.inflight === null) return;
    returnSlab(this.inflight.buf);
    this.inflight = null;
    if (this.state === State.CLOSED) return;
    this.dispatcher.enter();
    // Progress restarts the delayed-close timer.
    if (this.delayedTimer?.armed)
      this.dispatcher.timers.arm(this.delayedTimer, this.delayedCloseMs, this.dispatcher.now);
    this.pump();
    this.dispatcher.leave();
  };

  private checkWatermarks(): void {
    const limit = this.highWatermark;
    if (limit === 0) return;
    if (!this.isAbove) {
      if (this.out.length + (this.inflight === null ? 0 : this.queued()) > limit) {
        this.isAbove = true;
        this.events?.onAboveHighWatermark();
      }
    } else if (this.out.length + (this.inflight === null ? 0 : this.queued()) <= limit >> 1) {
      this.isAbove = false;
      this.events?.onBelowLowWatermark();
    }
  }

  /** Ends this direction with a FIN when everything is written. */
  endWrite(): void {
    if (this.writeEnd !== WriteEnd.OPEN || this.state !== State.OPEN) return;
    this.writeEnd = WriteEnd.WANTED;
    if (!this.dirty) this.pump();
  }

  private sendEnd(): void {
    this.writeEnd = WriteEnd.SENT;
    this.endedLast = this.readEnded;
    this.socket.end();
  }

  // --- closing

  close(type: CloseType, reason: string): void {
    if (this.state === State.CLOSED) return;
    if (type === Close.NO_FLUSH || type === Close.ABORT || this.connecting) {
      this.closeReason = reason;
      this.finish(type === Close.ABORT);
      return;
    }
    if (this.state === State.OPEN) {
      this.state = State.FLUSHING;
      this.closeReason = reason;
      this.closeType = type;
      this.pump();
      if (this.state === State.FLUSHING && this.delayedCloseMs > 0) this.armDelayed();
    } else if (type === Close.FLUSH) {
      this.closeType = type;
      if (this.state === State.DELAYED) this.finish(false);
    }
  }

  private armDelayed(): void {
    this.delayedTimer ??= new Timer(this, 0);
    this.dispatcher.timers.arm(this.delayedTimer, this.delayedCloseMs, this.dispatcher.now);
  }

  private onFlushed(): void {
    if (this.closeType === Close.FLUSH || this.delayedCloseMs === 0) {
      this.finish(false);
      return;
    }
    this.state = State.DELAYED;
    this.armDelayed();
    watchForHangup(this.dispatcher, this);
  }

  /** The peer is taken to be waiting in `DELAYED`; it has gone. */
  get waitingForPeer(): boolean {
    return this.state === State.DELAYED && this.disables > 0;
  }

  onPeerGone(): void {
    if (this.state === State.DELAYED) this.finish(false, false);
  }

  onTimer(): void {
    this.onDelayedClose?.();
    this.closeReason = 'triggered_delayed_close_timeout';
    this.finish(false);
  }

  /** @param local false when the peer went first while this side was waiting for it */
  private finish(abort: boolean, local = true): void {
    if (this.state === State.CLOSED) return;
    this.state = State.CLOSED;
    if (!abort) this.writeLast();
    this.cleanUp();
    // Bytes that were read and dropped, or never given to anyone, would have been left unread: the kernel then answers with RST, and so do we.
    if ((abort || this.discarded > 0 || this.held !== null) && !this.connecting) this.socket.resetAndDestroy();
    else this.socket.destroy();
    const reason = local ? this.closeReason : '';
    this.events?.onClosed({ local, reason, error: null, connected: !this.connecting });
  }

  /** What was written in this pass goes out as far as the kernel takes it at once: in Envoy it would be there already. */
  private writeLast(): void {
    if (this.connecting || this.inflight !== null || this.lastError !== null || this.socket.destroyed) return;
    const writer = (this.writer ??= writerOf(this.socket, this.onWritten));
    for (let slice = this.out.shift(); slice !== null; slice = this.out.shift()) {
      this.txBytes += slice.end - slice.start;
      if (!writer.write(slice.buf, slice.start, slice.end)) return;
      returnSlab(slice.buf);
    }
  }

  private onSocketClose(): void {
    if (this.state === State.CLOSED) return;
    this.dispatcher.enter();
    this.state = State.CLOSED;
    this.cleanUp();
    this.events?.onClosed({
      local: this.endedLast && this.lastError === null,
      reason: '',
      error: this.lastError,
      connected: !this.connecting,
    });
    this.dispatcher.leave();
  }

  private cleanUp(): void {
    if (this.delayedTimer !== null) this.dispatcher.timers.cancel(this.delayedTimer);
    this.out.clear();
    if (this.inflight !== null) {
      // The runtime may still read from it until the handle is closed: leave it to the collector.
      this.inflight = null;
    }
  }
}

/** Opens a connection; the outcome comes as `onConnected` or `onClosed`. */
export function connectUpstream(dispatcher: Dispatcher, options: ConnectOptions): Connection {
  return new Connection(dispatcher, null, options);
}

/**
 * Node gives a read buffer of one's own only to sockets it constructs; an accepted handle is moved into such a socket. It saves
 * a buffer per read (1.3 times the cost of a request otherwise).
 */
function takeOver(accepted: net.Socket, onread: net.OnReadOpts): net.Socket {
  const inner = accepted as unknown as { _handle: unknown };
  const handle = inner._handle;
  inner._handle = null;
  accepted.destroy();
  return new net.Socket({ handle, allowHalfOpen: true, onread } as unknown as net.SocketConstructorOpts);
}

function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

export function addressText(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return '';
  const plain = plainAddress(address);
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}
