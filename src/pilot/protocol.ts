/**
 * What a port carries. `sniffed` is a port that says nothing: HTTP when the first bytes are HTTP, else bytes.
 * `udp` ports are not proxied.
 */
export type Protocol =
  | 'http'
  | 'http2'
  | 'grpc'
  | 'grpc-web'
  | 'http_proxy'
  | 'https'
  | 'tls'
  | 'tcp'
  | 'mongo'
  | 'redis'
  | 'mysql'
  | 'udp'
  | 'sniffed';

const NAMED: Record<string, Protocol> = {
  http: 'http',
  http2: 'http2',
  grpc: 'grpc',
  'grpc-web': 'grpc-web',
  http_proxy: 'http_proxy',
  https: 'https',
  tls: 'tls',
  tcp: 'tcp',
  mongo: 'mongo',
  redis: 'redis',
  mysql: 'mysql',
  udp: 'udp',
};

/** Ports whose servers speak first: looking at the first bytes of the client would wait for ever. */
const SERVER_FIRST = new Set([25, 53, 3306, 27017]);

/** A protocol by its name, in any case; `sniffed` when the name is none. */
export function protocolNamed(name: string): Protocol {
  return NAMED[name.toLowerCase()] ?? 'sniffed';
}

/** The protocol of a Kubernetes Service's port: its `appProtocol`, else the first part of its name, else sniffed. */
export function protocolOfServicePort(port: number, name: string, transport: string, appProtocol: string): Protocol {
  if (transport === 'UDP') return 'udp';
  let word = name;
  if (appProtocol !== '') {
    word = appProtocol;
    if (appProtocol === 'kubernetes.io/h2c') return 'http2';
    if (appProtocol === 'kubernetes.io/ws') return 'http';
    if (appProtocol === 'kubernetes.io/wss') return 'https';
  }
  if (word.toLowerCase().startsWith('grpc-web')) return 'grpc-web';
  const dash = word.indexOf('-');
  const found = protocolNamed(dash === -1 ? word : word.slice(0, dash));
  if (found !== 'sniffed') return found;
  return SERVER_FIRST.has(port) ? 'tcp' : 'sniffed';
}

export function isHttp(p: Protocol): boolean {
  return p === 'http' || p === 'http2' || p === 'grpc' || p === 'grpc-web' || p === 'http_proxy';
}

export function isHttpOrSniffed(p: Protocol): boolean {
  return p === 'sniffed' || isHttp(p);
}

export function isHttp2(p: Protocol): boolean {
  return p === 'http2' || p === 'grpc' || p === 'grpc-web';
}

export function isGrpc(p: Protocol): boolean {
  return p === 'grpc' || p === 'grpc-web';
}

export function isTls(p: Protocol): boolean {
  return p === 'https' || p === 'tls';
}
