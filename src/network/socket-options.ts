import type net from 'node:net';
import type { SocketOptions } from './connection.js';
import { native } from './native.js';

const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;

/** Whether every option of `options` can be set here; otherwise the name of the first that cannot. */
export function missingSocketOption(options: SocketOptions): string | null {
  if (native !== null) return null;
  if (options.raw !== undefined && options.raw.length > 0) return 'socket_options (needs the optional package koffi)';
  if (options.keepalive?.intervalSeconds !== undefined)
    return 'tcp_keepalive.keepalive_interval (needs the optional package koffi)';
  if (options.keepalive?.probes !== undefined)
    return 'tcp_keepalive.keepalive_probes (needs the optional package koffi)';
  return null;
}

function int(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeInt32LE(value);
  return out;
}

/** Sets the options of a connected socket. An option that the kernel refuses is left out; the connection is still good. */
export function applySocketOptions(socket: net.Socket, options: SocketOptions): void {
  const fd = (socket as unknown as { _handle: { fd?: number } | null })._handle?.fd ?? -1;
  const keepalive = options.keepalive;
  if (keepalive !== undefined) {
    if (native === null) socket.setKeepAlive(true, (keepalive.idleSeconds ?? 0) * 1000);
    else {
      native.setOption(fd, SOL_SOCKET, SO_KEEPALIVE, int(1));
      if (keepalive.idleSeconds !== undefined)
        native.setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, int(keepalive.idleSeconds));
      if (keepalive.intervalSeconds !== undefined)
        native.setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, int(keepalive.intervalSeconds));
      if (keepalive.probes !== undefined) native.setOption(fd, IPPROTO_TCP, TCP_KEEPCNT, int(keepalive.probes));
    }
  }
  if (options.raw !== undefined && native !== null)
    for (const option of options.raw) native.setOption(fd, option.level, option.name, option.value);
}
