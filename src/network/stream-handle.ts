import type net from 'node:net';
import { getSystemErrorName } from 'node:util';

/**
 * Reads and writes of a socket's stream handle, below the machinery of `node:stream`: what a write costs there, with its request
 * object, its callback and the tick it schedules, is as much as the parsing of a request. Node's `net` talks to the handle in the
 * same words. None of it is documented (docs/adr/0014): where something is missing or looks different, `net.Socket` is used as it is.
 */

/** Node's request object of a write that had to wait. */
interface WriteRequest {
  oncomplete: ((status: number) => void) | undefined;
  /** Keeps the memory alive until then. */
  buffer: Uint8Array | undefined;
}

interface StreamHandle {
  /** Called with the length, or a negative errno, in `streamBaseState[kReadBytesOrError]`. */
  onread: (this: StreamHandle, buffer: unknown) => unknown;
  /** Tries at once; what the kernel does not take waits. Returns 0 or a negative errno. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  readonly writeQueueSize: number;
}

interface StreamBinding {
  WriteWrap: new () => WriteRequest;
  streamBaseState: Int32Array;
  kReadBytesOrError: number;
  kLastWriteWasAsync: number;
}

function load(): StreamBinding | null {
  if (process.env['HALFOPEN_NO_STREAM_HANDLES'] !== undefined) return null;
  try {
    const { binding } = process as unknown as { binding(name: string): StreamBinding };
    const wrap = binding('stream_wrap');
    const { streamBaseState: state, kReadBytesOrError: read, kLastWriteWasAsync: last } = wrap;
    const usable =
      typeof wrap.WriteWrap === 'function' && ArrayBuffer.isView(state) && state[read] >= 0 && state[last] >= 0;
    return usable ? wrap : null;
  } catch {
    return null;
  }
}

const binding = load();

/** Reads and writes go through handles in this process. */
export const usesStreamHandles = binding !== null;

function handleOf(socket: net.Socket): StreamHandle | null {
  return (socket as unknown as { _handle: StreamHandle | null })._handle;
}

/**
 * What is read into the socket's `onread` buffer is told to `onBytes` without the steps between. Ends and errors go the socket's
 * way. The handle must be the one the socket will read from: call it when connected.
 */
export function readFromHandle(socket: net.Socket, onBytes: (length: number) => void): void {
  const handle = handleOf(socket);
  if (binding === null || handle === null || typeof handle.onread !== 'function') return;
  const { streamBaseState: state, kReadBytesOrError: at } = binding;
  const otherwise = handle.onread;
  handle.onread = function (buffer) {
    const length = state[at];
    if (length <= 0) return otherwise.call(this, buffer);
    onBytes(length);
    return undefined;
  };
}

/** Writes of one connection: one at a time, each tried at once. */
export interface SocketWriter {
  /**
   * Hands bytes to the kernel.
   * @returns true when none of them wait (or the socket is gone); else the memory is in use until `onWritten` is called
   */
  write(buf: Buffer, start: number, end: number): boolean;
}

/** @param onWritten the bytes that had to wait are gone */
export function writerOf(socket: net.Socket, onWritten: () => void): SocketWriter {
  const handle = handleOf(socket);
  if (binding === null || handle === null || typeof handle.writeBuffer !== 'function')
    return new PlainWriter(socket, onWritten);
  return new HandleWriter(socket, binding, onWritten);
}

class HandleWriter implements SocketWriter {
  /** Node touches it only when a write has to wait: until then it serves all writes. */
  private request: WriteRequest | null = null;
  private readonly onComplete: (status: number) => void;

  constructor(
    private readonly socket: net.Socket,
    private readonly binding: StreamBinding,
    onWritten: () => void,
  ) {
    this.onComplete = (status) => {
      if (status === 0) onWritten();
      else if (!socket.destroyed) socket.destroy(writeError(status));
    };
  }

  write(buf: Buffer, start: number, end: number): boolean {
    const handle = handleOf(this.socket);
    if (handle === null) return true;
    const { binding } = this;
    const request = (this.request ??= new binding.WriteWrap());
    const bytes =
      start === 0 && end === buf.length ? buf : new Uint8Array(buf.buffer, buf.byteOffset + start, end - start);
    const error = handle.writeBuffer(request, bytes);
    if (error !== 0) {
      this.socket.destroy(writeError(error));
      return true;
    }
    if (binding.streamBaseState[binding.kLastWriteWasAsync] === 0) return true;
    request.oncomplete = this.onComplete;
    request.buffer = bytes;
    this.request = null;
    return false;
  }
}

/** The same by way of `net.Socket`. */
class PlainWriter implements SocketWriter {
  private waiting = false;

  constructor(
    private readonly socket: net.Socket,
    private readonly onWritten: () => void,
  ) {}

  write(buf: Buffer, start: number, end: number): boolean {
    const { socket } = this;
    socket.write(start === 0 && end === buf.length ? buf : buf.subarray(start, end), this.onTick);
    this.waiting = socket.writableLength > 0 && !socket.destroyed;
    return !this.waiting;
  }

  /** Runs a tick after every write; only one that had to wait is of interest. */
  private readonly onTick = (): void => {
    if (!this.waiting || this.socket.writableLength > 0) return;
    this.waiting = false;
    this.onWritten();
  };
}

function writeError(errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`write ${code}`), { errno, code, syscall: 'write' });
}
