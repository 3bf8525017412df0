import { createRequire } from 'node:module';
import { native } from './native.js';

/**
 * Two processes on one port (SO_REUSEPORT), so that a new one can take over from an old one: whoever begins to listen last gets
 * every new connection, while the old process finishes what it has. The kernel's own choice would share new connections out between both, and
 * those that the old one has not accepted when it closes its socket would be lost; a filter on the group of sockets sends all
 * to the second of two, and is without effect while there is only one.
 *
 * Needs Linux and koffi, since Node has no way to set an option before it binds. Node >= 22.12 can share a port without koffi, but
 * not direct it; otherwise a second process is refused the port.
 */
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const SO_ATTACH_REUSEPORT_CBPF = 51;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM_CLOEXEC = 0x80001;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
/** BPF_RET | BPF_K */
const RETURN = 0x06;

interface Sockets {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer, length: number): number;
  close(fd: number): number;
  addressOf(buffer: Buffer): bigint;
}

let sockets: Sockets | null | undefined;

function load(): Sockets | null {
  if (native === null) return null;
  try {
    const koffi = createRequire(import.meta.url)('koffi');
    const libc = koffi.load('libc.so.6');
    return {
      socket: libc.func('int socket(int family, int type, int protocol)'),
      bind: libc.func('int bind(int fd, uint8_t *address, uint32_t length)'),
      close: libc.func('int close(int fd)'),
      addressOf: (buffer) => BigInt(koffi.address(buffer)),
    };
  } catch {
    return null;
  }
}

/**
 * A socket that is bound to an IP address and, when `shared`, shares its port with others of its kind; -1 when that cannot be had, for
 * whatever reason: an ordinary bind tells which. `prepare` may set options before the bind; what it throws is thrown.
 */
export function bindShared(host: string, port: number, shared = true, prepare?: (fd: number) => void): number {
  sockets ??= load();
  if (sockets === null) return -1;
  const address = sockaddr(host, port);
  if (address === null) return -1;
  const fd = sockets.socket(address.length === 16 ? AF_INET : AF_INET6, SOCK_STREAM_CLOEXEC, 0);
  if (fd < 0) return -1;
  const on = int(1);
  const options = [
    native!.setOption(fd, SOL_SOCKET, SO_REUSEADDR, on),
    shared ? native!.setOption(fd, SOL_SOCKET, SO_REUSEPORT, on) : 0,
    address.length === 16 ? 0 : native!.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, int(0)),
  ];
  try {
    prepare?.(fd);
  } catch (error) {
    sockets.close(fd);
    throw error;
  }
  if (options.every((errno) => errno === 0) && sockets.bind(fd, address, address.length) === 0) return fd;
  sockets.close(fd);
  return -1;
}

/** From now on new connections go to the second socket of the port, when there are two. False where the kernel cannot do it. */
export function preferNewest(fd: number): boolean {
  if (sockets === null || sockets === undefined || fd < 0) return false;
  const filter = Buffer.alloc(8);
  filter.writeUInt16LE(RETURN, 0);
  filter.writeUInt32LE(1, 4);
  const program = Buffer.alloc(16);
  program.writeUInt16LE(1, 0);
  program.writeBigUInt64LE(sockets.addressOf(filter), 8);
  return native!.setOption(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, program) === 0;
}

function int(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value, 0);
  return buffer;
}

/** struct sockaddr_in or sockaddr_in6; null when the text is no IP address. */
function sockaddr(host: string, port: number): Buffer | null {
  const v4 = ipv4(host);
  if (v4 !== null) {
    const buffer = Buffer.alloc(16);
    buffer.writeUInt16LE(AF_INET, 0);
    buffer.writeUInt16BE(port, 2);
    buffer.set(v4, 4);
    return buffer;
  }
  const v6 = ipv6(host);
  if (v6 === null) return null;
  const buffer = Buffer.alloc(28);
  buffer.writeUInt16LE(AF_INET6, 0);
  buffer.writeUInt16BE(port, 2);
  buffer.set(v6, 8);
  return buffer;
}

function ipv4(text: string): number[] | null {
  const parts = text.split('.').map(Number);
  return parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part < 256) ? parts : null;
}

function ipv6(text: string): Uint8Array | null {
  if (!text.includes(':') || text.includes('.') || text.includes('%')) return null;
  const [head, tail] = text.split('::');
  const words = (part: string | undefined) => (part === undefined || part === '' ? [] : part.split(':'));
  const before = words(head);
  const after = words(tail);
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...new Array<string>(gap).fill('0'), ...after].map((word) => Number.parseInt(word, 16));
  if (all.length !== 8) return null;
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}
