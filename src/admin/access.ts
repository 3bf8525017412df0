import type { IncomingMessage } from 'node:http';
import { H, headerName } from '../base/header-names.js';
import { RequestHeaders, ResponseHeaders } from '../base/headers.js';
import type { AccessLog } from '../observe/access-log.js';
import type { StreamInfo } from '../observe/stream-info.js';

/** `admin.access_log`: a line per admin request, from what node:http knows of it. */
let lastConnection = 0;
const ids = new WeakMap<object, number>();

export function logAdminRequest(
  log: AccessLog,
  request: IncomingMessage,
  status: number,
  sent: number,
  began: number,
): void {
  const { socket } = request;
  let id = ids.get(socket);
  if (id === undefined) ids.set(socket, (id = ++lastConnection));
  const headers = new RequestHeaders();
  headers.method = request.method ?? '';
  headers.path = request.url ?? '';
  headers.authority = request.headers.host;
  headers.scheme = 'http';
  for (const [name, value] of Object.entries(request.headers)) {
    if (name !== 'host' && value !== undefined) headers.add(headerName(name), String(value));
  }
  const responseHeaders = new ResponseHeaders(status);
  responseHeaders.add(H.server, 'envoy');
  const remote = address(socket.remoteAddress, socket.remotePort);
  const now = performance.now();
  const info: StreamInfo = {
    connection: {
      id,
      localAddress: address(socket.localAddress, socket.localPort),
      remoteAddress: remote,
      requestedServerName: '',
      alpn: '',
      tls: false,
    },
    protocol: 'HTTP/1.1',
    startWall: Date.now() - (now - began),
    start: began,
    requestEnd: began,
    firstDownstreamTx: now,
    lastDownstreamTx: now,
    end: now,
    responseCode: status,
    details: 'admin_filter_response',
    flags: [],
    bytesReceived: Number(request.headers['content-length'] ?? 0),
    bytesSent: sent,
    downstreamBytes: null,
    routeName: '',
    virtualHost: '',
    virtualCluster: '',
    upstreamCluster: '',
    attemptCount: 0,
    upstream: null,
    filterChainName: '',
    downstreamRemoteAddress: remote,
    streamId: '',
    localReplyBody: '',
    requestHeaders: headers,
    responseHeaders,
    responseTrailers: null,
  };
  log.log(info, 'DownstreamEnd');
}

function address(ip: string | undefined, port: number | undefined): string {
  if (ip === undefined) return '';
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}
