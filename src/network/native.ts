import { createRequire } from 'node:module';

/**
 * Kernel calls that Node has none for, through koffi when it is installed (an optional dependency): socket options, the state and
 * queue of a socket. Everything that uses them says what is lost without.
 */
export interface SocketFacts {
  /** tcp(7) state: 1 ESTABLISHED, 2 SYN_SENT, 8 CLOSE_WAIT, ... */
  state: number;
  /** Retransmissions of the oldest unacknowledged segment so far. */
  retransmits: number;
  /** Zero-window or keepalive probes sent. */
  probes: number;
  /** Smoothed round-trip time, microseconds. */
  rttMicros: number;
  /** Retransmission timeout, microseconds. */
  rtoMicros: number;
  /** Segments sent and not acknowledged. */
  unacked: number;
  totalRetransmits: number;
  /** Milliseconds since an ACK was last received. */
  lastAckReceivedMs: number;
}

export interface Native {
  /** Linux only: the peer has sent FIN (or the socket is in error). */
  peerHasClosed(fd: number): boolean;
  /** Bytes in the send queue: written and not acknowledged (SIOCOUTQ). -1 on error. */
  sendQueue(fd: number): number;
  /** null on error. */
  tcpInfo(fd: number): SocketFacts | null;
  /** 0 or an errno. */
  setOption(fd: number, level: number, name: number, value: Buffer): number;
  /** The raw value, or null on error. */
  getOption(fd: number, level: number, name: number, length: number): Buffer | null;
}

const POLLRDHUP = 0x2000;
const POLLERR = 0x8;
const POLLHUP = 0x10;
const SIOCOUTQ = 0x5411;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;

function load(): Native | null {
  if (process.platform !== 'linux' || process.env['HALFOPEN_NO_NATIVE'] !== undefined) return null;
  try {
    const koffi = createRequire(import.meta.url)('koffi');
    const libc = koffi.load('libc.so.6');
    const poll = libc.func('int poll(uint8_t *fds, unsigned long n, int timeout)');
    const ioctl = libc.func('int ioctl(int fd, unsigned long request, uint8_t *out)');
    const setsockopt = libc.func('int setsockopt(int fd, int level, int name, uint8_t *value, uint32_t length)');
    const getsockopt = libc.func('int getsockopt(int fd, int level, int name, uint8_t *value, uint8_t *length)');
    const errno = (): number => koffi.errno();
    const pollfd = Buffer.alloc(8);
    const word = Buffer.alloc(4);
    const info = Buffer.alloc(256);
    return {
      peerHasClosed(fd) {
        if (fd < 0) return false;
        pollfd.writeInt32LE(fd, 0);
        pollfd.writeInt16LE(POLLRDHUP, 4);
        pollfd.writeInt16LE(0, 6);
        if (poll(pollfd, 1, 0) <= 0) return false;
        const got = pollfd.readInt16LE(6);
        // A reset sets POLLERR as well: Envoy does not notice that while it does not read.
        return (got & POLLRDHUP) !== 0 && (got & (POLLERR | POLLHUP)) === 0;
      },
      sendQueue(fd) {
        return fd >= 0 && ioctl(fd, SIOCOUTQ, word) === 0 ? word.readInt32LE(0) : -1;
      },
      tcpInfo(fd) {
        word.writeUInt32LE(info.length, 0);
        if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, word) !== 0) return null;
        return {
          state: info[0],
          retransmits: info[2],
          probes: info[3],
          rtoMicros: info.readUInt32LE(8),
          unacked: info.readUInt32LE(24),
          lastAckReceivedMs: info.readUInt32LE(56),
          rttMicros: info.readUInt32LE(68),
          totalRetransmits: info.readUInt32LE(100),
        };
      },
      setOption(fd, level, name, value) {
        return setsockopt(fd, level, name, value, value.length) === 0 ? 0 : errno();
      },
      getOption(fd, level, name, length) {
        const out = Buffer.alloc(length);
        word.writeUInt32LE(length, 0);
        return getsockopt(fd, level, name, out, word) === 0 ? out.subarray(0, word.readUInt32LE(0)) : null;
      },
    };
  } catch {
    return null;
  }
}

/** null when koffi or the platform does not offer it. */
export const native: Native | null = load();
