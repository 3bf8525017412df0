import { permanentName } from '../base/header-names.js';
import { RequestHeaders, ResponseHeaders } from '../base/headers.js';
import { compileFormat } from '../observe/format.js';
import type { ConnectionInfo, StreamInfo } from '../observe/stream-info.js';
import { decode } from '../xds/decode.js';
import { compileRouteTable, type RouteTable } from './route-table.js';

/* Short ways for the tests of this folder. */

export const CONNECTION: ConnectionInfo = {
  id: 1,
  localAddress: '10.0.0.2:80',
  remoteAddress: '10.0.0.1:1234',
  requestedServerName: '',
  alpn: '',
  tls: false,
};

/** A request as the connection manager hands it on: with scheme and x-forwarded-proto. */
export function request(path: string | undefined, lines: [string, string][] = [], host = 'a.test'): RequestHeaders {
  const headers = new RequestHeaders();
  headers.method = 'GET';
  headers.path = path;
  headers.authority = host;
  headers.scheme = 'http';
  headers.push(permanentName('x-forwarded-proto'), 'http');
  for (const [name, value] of lines) {
    if (name === ':method') headers.method = value;
    else if (name === 'x-forwarded-proto') headers.set(permanentName(name), value);
    else headers.push(permanentName(name), value);
  }
  return headers;
}

export function response(status: number, lines: [string, string][] = []): ResponseHeaders {
  const headers = new ResponseHeaders(status);
  for (const [name, value] of lines) headers.push(permanentName(name), value);
  return headers;
}

/** `name: value` for every line, x-forwarded-proto left out. */
export function lines(headers: RequestHeaders | ResponseHeaders): string[] {
  return headers.names
    .map((name, i) => `${name.text}: ${headers.values[i]}`)
    .filter((line) => !line.startsWith('x-forwarded-proto'));
}

/** A stream that knows its request and response and nothing else. */
export function streamInfo(requestHeaders: RequestHeaders, responseHeaders: ResponseHeaders | null = null): StreamInfo {
  return {
    connection: CONNECTION,
    protocol: 'HTTP/1.1',
    downstreamRemoteAddress: '203.0.113.7:55',
    requestHeaders,
    responseHeaders,
    flags: [],
  } as unknown as StreamInfo;
}

/** Compiles a RouteConfiguration in proto3-JSON shape. */
export function table(config: object, clusters: string[] | null = null): RouteTable {
  return compileRouteTable(decode('RouteConfiguration', config), {
    compileFormat,
    clusters: clusters === null ? null : new Set(clusters),
  });
}

/** A table of one virtual host for every domain. */
export function tableOf(routes: object[], host: object = {}, config: object = {}): RouteTable {
  return table({ name: 'rc', virtual_hosts: [{ name: 'v', domains: ['*'], routes, ...host }], ...config });
}

/** A route to a cluster that has the route's name, unless the action names another kind. */
export function to(name: string, match: object, action: object = {}, more: object = {}): object {
  const cluster = 'weighted_clusters' in action || 'cluster_header' in action ? {} : { cluster: name };
  return { name, match, route: { ...cluster, ...action }, ...more };
}

export const zero = () => 0;
