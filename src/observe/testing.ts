import { permanentName } from '../base/header-names.js';
import { RequestHeaders, ResponseHeaders } from '../base/headers.js';
import type { ConnectionInfo, StreamInfo, UpstreamInfo } from './stream-info.js';

/** Facts of streams for the tests of logs and metrics: an answered GET, which a test changes as it needs. */
export function connectionInfo(over: Partial<ConnectionInfo> = {}): ConnectionInfo {
  return {
    id: 7,
    localAddress: '127.0.0.1:10000',
    remoteAddress: '127.0.0.2:40000',
    requestedServerName: '',
    alpn: '',
    tls: false,
    ...over,
  };
}

export function upstreamInfo(over: Partial<UpstreamInfo> = {}): UpstreamInfo {
  return {
    host: '127.0.0.1:9000',
    hostname: '',
    localAddress: '127.0.0.1:50000',
    remoteAddress: '127.0.0.1:9000',
    connectionId: 9,
    protocol: 'HTTP/1.1',
    transportFailureReason: '',
    connectStart: 1001,
    connectEnd: 1002,
    poolStart: 1001,
    poolReady: 1002,
    firstTx: 1002,
    lastTx: 1003,
    firstRx: 1010.5,
    lastRx: 1011,
    bytes: { wireReceived: 54, wireSent: 169, headerReceived: 28, headerSent: 146 },
    ...over,
  };
}

export function requestHeaders(fields: Record<string, string> = {}): RequestHeaders {
  const headers = new RequestHeaders();
  headers.method = 'GET';
  headers.path = '/a?x=1';
  headers.authority = 'oracle.test';
  headers.scheme = 'http';
  for (const [name, value] of Object.entries(fields)) headers.add(permanentName(name), value);
  return headers;
}

export function responseHeaders(status: number, fields: Record<string, string> = {}): ResponseHeaders {
  const headers = new ResponseHeaders(status);
  for (const [name, value] of Object.entries(fields)) headers.add(permanentName(name), value);
  return headers;
}

export function streamInfo(over: Partial<StreamInfo> = {}): StreamInfo {
  return {
    connection: connectionInfo(),
    protocol: 'HTTP/1.1',
    startWall: Date.UTC(2026, 10, 22, 18, 58, 10, 650),
    start: 1000,
    requestEnd: 1000.2,
    firstDownstreamTx: 1011.1,
    lastDownstreamTx: 1012,
    end: 1012.7,
    responseCode: 200,
    details: 'via_upstream',
    flags: [],
    bytesReceived: 0,
    bytesSent: 5,
    downstreamBytes: { wireReceived: 92, wireSent: 106, headerReceived: 66, headerSent: 82 },
    routeName: 'r',
    virtualHost: 'vh',
    virtualCluster: '',
    upstreamCluster: 'up',
    attemptCount: 1,
    upstream: upstreamInfo(),
    filterChainName: '',
    downstreamRemoteAddress: '203.0.113.7:0',
    streamId: '1b4f2326-d46e-454f-b049-64d3951f1899',
    localReplyBody: '',
    requestHeaders: requestHeaders({ 'user-agent': 'oracle' }),
    responseHeaders: responseHeaders(200, { 'x-up': 'upv' }),
    responseTrailers: null,
    ...over,
  };
}
