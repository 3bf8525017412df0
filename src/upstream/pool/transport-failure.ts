/** strerror texts of glibc, as Envoy's transport failure reasons show them. */
const STRERROR: Record<string, string> = {
  E2BIG: 'Argument list too long',
  EACCES: 'Permission denied',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EAFNOSUPPORT: 'Address family not supported by protocol',
  EAGAIN: 'Resource temporarily unavailable',
  EALREADY: 'Operation already in progress',
  EBADF: 'Bad file descriptor',
  ECONNABORTED: 'Software caused connection abort',
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EHOSTDOWN: 'Host is down',
  EHOSTUNREACH: 'No route to host',
  EINVAL: 'Invalid argument',
  EIO: 'Input/output error',
  EMFILE: 'Too many open files',
  ENETDOWN: 'Network is down',
  ENETUNREACH: 'Network is unreachable',
  ENFILE: 'Too many open files in system',
  ENOBUFS: 'No buffer space available',
  ENOENT: 'No such file or directory',
  ENOMEM: 'Cannot allocate memory',
  ENOTCONN: 'Transport endpoint is not connected',
  ENOTSOCK: 'Socket operation on non-socket',
  EPERM: 'Operation not permitted',
  EPIPE: 'Broken pipe',
  EPROTO: 'Protocol error',
  EPROTONOSUPPORT: 'Protocol not supported',
  EPROTOTYPE: 'Protocol wrong type for socket',
  ETIMEDOUT: 'Connection timed out',
};

/** Errors that connect(2) gives at once, without a packet having been sent. A Unix socket has no other kind. */
const IMMEDIATE: ReadonlySet<string> = new Set([
  'EACCES',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EINVAL',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOENT',
  'EPERM',
  'EPROTOTYPE',
]);

/** The system's text for an error code such as `ECONNREFUSED`; the code itself when it is not known. */
export function strerror(code: string): string {
  return STRERROR[code] ?? code;
}

/** What Node tells of an address that could not be bound. */
interface BindError extends NodeJS.ErrnoException {
  address?: string;
  port?: number;
}

/**
 * `%UPSTREAM_TRANSPORT_FAILURE_REASON%` of a connect that failed: `delayed connect error: Connection refused`.
 * '' without an error (a timeout, or closed from this side).
 */
export function transportFailureReason(error: NodeJS.ErrnoException | null, overPipe: boolean): string {
  const code = error?.code;
  if (code === undefined) return '';
  if (isBindError(error)) {
    const { address = '', port = 0 } = error as BindError;
    return `failed to bind to ${address.includes(':') ? `[${address}]` : address}:${port}: ${strerror(code)}`;
  }
  const immediate = overPipe || IMMEDIATE.has(code);
  return `${immediate ? 'immediate' : 'delayed'} connect error: ${strerror(code)}`;
}

/** The local address could not be bound (counted `bind_errors`): the failure is on this side. */
export function isBindError(error: NodeJS.ErrnoException | null): boolean {
  return error?.syscall === 'bind';
}
