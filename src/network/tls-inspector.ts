/** What the first bytes of a connection say about TLS. */
export type TlsFinding =
  | { readonly kind: 'more' }
  /** Not a ClientHello. */
  | { readonly kind: 'no' }
  | { readonly kind: 'tls'; readonly serverName: string; readonly alpn: readonly string[] };

const MORE: TlsFinding = { kind: 'more' };
const NO: TlsFinding = { kind: 'no' };

const RECORD_HEADER = 5;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const MAX_RECORD = 16384 + 320;
const MAX_MESSAGE = 16384;
const EXTENSION_SERVER_NAME = 0;
const EXTENSION_ALPN = 16;
const NAME_HOST = 0;

/** A read position in bytes whose lengths are not to be trusted: reading beyond the end fails for good. */
class Reader {
  at = 0;
  failed = false;

  constructor(
    private readonly data: Uint8Array,
    private readonly end = data.length,
  ) {}

  get left(): number {
    return this.end - this.at;
  }

  uint(bytes: number): number {
    if (this.left < bytes) {
      this.failed = true;
      return 0;
    }
    let value = 0;
    for (let i = 0; i < bytes; i++) value = value * 256 + this.data[this.at++];
    return value;
  }

  /** The bytes that a length of `lengthBytes` announces. */
  vector(lengthBytes: number): Reader {
    const length = this.uint(lengthBytes);
    if (this.failed || this.left < length) {
      this.failed = true;
      return new Reader(this.data, 0);
    }
    const inner = new Reader(this.data.subarray(this.at, this.at + length));
    this.at += length;
    return inner;
  }

  skip(bytes: number): void {
    if (this.left < bytes) this.failed = true;
    else this.at += bytes;
  }

  rest(): Uint8Array {
    return this.data.subarray(this.at, this.end);
  }
}

/**
 * Looks for a ClientHello (RFC 8446 section 4.1.2) at the start of a connection, as Envoy's tls_inspector does with a TLS library:
 * nothing is decided before the five bytes of a record header are there, and a record is waited for to its end.
 */
export function inspectTls(data: Uint8Array): TlsFinding {
  if (data.length < RECORD_HEADER) return MORE;
  if (looksLikeHttp(data)) return NO;
  if ((data[0] & 0x80) !== 0 && data[2] === CLIENT_HELLO && data[3] === 3) return inspectV2(data);
  const message: Uint8Array[] = [];
  let have = 0;
  for (let at = 0; ; ) {
    if (data.length - at < RECORD_HEADER) return MORE;
    const length = (data[at + 3] << 8) | data[at + 4];
    if (data[at + 1] !== 3 || length > MAX_RECORD) return NO;
    const end = at + RECORD_HEADER + length;
    if (data.length < end) return MORE;
    if (data[at] !== HANDSHAKE) return NO;
    message.push(data.subarray(at + RECORD_HEADER, end));
    have += length;
    at = end;
    if (have < 4) continue;
    const whole = message.length === 1 ? message[0] : Buffer.concat(message);
    const size = (whole[1] << 16) | (whole[2] << 8) | whole[3];
    if (size > MAX_MESSAGE || whole[0] !== CLIENT_HELLO) return NO;
    if (have >= 4 + size) return readHello(new Reader(whole.subarray(4, 4 + size)));
  }
}

/** What a TLS library takes for HTTP on the wrong port. */
function looksLikeHttp(data: Uint8Array): boolean {
  const start = String.fromCharCode(data[0], data[1], data[2], data[3], data[4]);
  return start.startsWith('GET ') || start.startsWith('PUT ') || ['POST ', 'HEAD ', 'CONNE'].includes(start);
}

/** The hello of SSL 2 that old clients began with; it carries no names. */
function inspectV2(data: Uint8Array): TlsFinding {
  const length = ((data[0] & 0x7f) << 8) | data[1];
  if (length < 9) return NO;
  if (data.length < 2 + length) return MORE;
  const r = new Reader(data.subarray(5, 2 + length));
  const ciphers = r.uint(2);
  const session = r.uint(2);
  const challenge = r.uint(2);
  if (r.failed || ciphers % 3 !== 0 || r.left !== ciphers + session + challenge) return NO;
  return { kind: 'tls', serverName: '', alpn: [] };
}

function readHello(r: Reader): TlsFinding {
  r.skip(2 + 32);
  const session = r.vector(1);
  const ciphers = r.vector(2);
  const compressions = r.vector(1);
  if (r.failed || session.left > 32 || ciphers.left < 2 || ciphers.left % 2 !== 0 || compressions.left < 1) return NO;
  let serverName = '';
  let alpn: string[] = [];
  if (r.left > 0) {
    const extensions = r.vector(2);
    if (r.failed || r.left !== 0) return NO;
    const seen = new Set<number>();
    while (extensions.left > 0) {
      const type = extensions.uint(2);
      const body = extensions.vector(2);
      if (extensions.failed || seen.has(type)) return NO;
      seen.add(type);
      if (type === EXTENSION_SERVER_NAME) {
        const name = readServerName(body);
        if (name === null) return NO;
        serverName = name;
      } else if (type === EXTENSION_ALPN) {
        const list = readAlpn(body);
        if (list === null) return NO;
        alpn = list;
      }
    }
  }
  return { kind: 'tls', serverName, alpn };
}

function readServerName(body: Reader): string | null {
  const list = body.vector(2);
  const kind = list.uint(1);
  const name = list.vector(2);
  if (body.failed || list.failed || body.left !== 0 || list.left !== 0 || kind !== NAME_HOST) return null;
  const bytes = name.rest();
  if (bytes.length === 0 || bytes.length > 255 || bytes.includes(0)) return null;
  return Buffer.from(bytes).toString('latin1').toLowerCase();
}

function readAlpn(body: Reader): string[] | null {
  const list = body.vector(2);
  if (body.failed || body.left !== 0 || list.left < 2) return null;
  const out: string[] = [];
  while (list.left > 0) {
    const one = list.vector(1).rest();
    if (list.failed || one.length === 0) return null;
    out.push(Buffer.from(one).toString('latin1'));
  }
  return out;
}
