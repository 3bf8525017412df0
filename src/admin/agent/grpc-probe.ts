import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { healthCheckMessage, servingStatus } from '../../upstream/health/grpc-session.js';
import { bound } from './fetch.js';
import type { AgentSettings } from './settings.js';

const SERVING = 1;

/** True when a connection comes about within the time. */
export function tcpProbe(port: number, timeoutMs: number, settings: AgentSettings): Promise<boolean> {
  const { promise, resolve } = withResolvers<boolean>();
  const socket = connect({ host: settings.probeDestination, port, localAddress: settings.probeSource });
  const signal = bound(timeoutMs);
  const over = (alive: boolean) => {
    signal?.removeEventListener('abort', late);
    socket.destroy();
    resolve(alive);
  };
  const late = () => over(false);
  socket.once('connect', () => over(true));
  socket.on('error', late);
  signal?.addEventListener('abort', late);
  return promise;
}

/**
 * `grpc.health.v1.Health/Check` in the clear, as the kubelet asks it. '' when the service is SERVING, else what is wrong.
 * The user agent of the kubelet is passed on.
 */
export function grpcProbe(
  port: number,
  service: string,
  timeoutMs: number,
  userAgent: string,
  settings: AgentSettings,
): Promise<string> {
  const { promise, resolve } = withResolvers<string>();
  const host = settings.probeDestination;
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const session = connectHttp2(`http://${authority}`, {
    createConnection: () => connect({ host, port, localAddress: settings.probeSource }),
  });
  const signal = bound(timeoutMs);
  const over = (problem: string) => {
    signal?.removeEventListener('abort', late);
    session.destroy();
    resolve(problem);
  };
  const late = () => over('not finished in time');
  signal?.addEventListener('abort', late);
  session.on('error', (error) => over(error.message));
  session.on('close', () => over('the connection was closed'));
  const stream = session.request({
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    ':scheme': 'http',
    ':authority': authority,
    te: 'trailers',
    'content-type': 'application/grpc',
    'user-agent': userAgent,
    ...(timeoutMs > 0 ? { 'grpc-timeout': `${timeoutMs}m` } : {}),
  });
  const chunks: Buffer[] = [];
  let httpStatus = 0;
  let grpcStatus: string | undefined;
  stream.on('response', (headers) => {
    httpStatus = headers[':status'] ?? 0;
    grpcStatus = text(headers['grpc-status']);
  });
  stream.on('trailers', (trailers) => {
    grpcStatus = text(trailers['grpc-status']) ?? grpcStatus;
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', (error) => over(error.message));
  stream.on('end', () => {
    if (httpStatus !== 200) over(`status ${httpStatus}`);
    else if (grpcStatus !== '0') over(`grpc-status ${grpcStatus ?? 'is missing'}`);
    else over(servingStatus(Buffer.concat(chunks)) === SERVING ? '' : 'not SERVING');
  });
  stream.end(healthCheckMessage(service));
  return promise;
}

function text(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** Promise.withResolvers, which Node 20 lacks. A second resolution changes nothing. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((r) => {
    resolve = r;
  });
  return { promise, resolve };
}
