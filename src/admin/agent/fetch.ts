import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** A GET of the agent, to a port of its own pod. */
export interface Fetch extends Pick<RequestOptions, 'host' | 'port' | 'path' | 'headers' | 'localAddress'> {
  https?: boolean;
  /** From the call to the last byte of the body; then it fails. Absent: no bound. */
  signal?: AbortSignal;
  /** Bytes of the body that are kept at most. */
  limit: number;
  /** What becomes of a longer body: `fail` (metrics must be whole) or `cut` (the kubelet shows the beginning). */
  over: 'fail' | 'cut';
}

export interface Fetched {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A new connection each time, as the kubelet's: an idle one that the application has closed would fail the probe. */
export function fetchOnce(options: Fetch): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    const ask = options.https === true ? httpsRequest : httpRequest;
    // The kubelet does not verify certificates either.
    const tls = options.https === true ? { rejectUnauthorized: false } : {};
    const { host, port, path, headers, localAddress, signal } = options;
    const outgoing = ask({ host, port, path, headers, localAddress, signal, agent: false, ...tls });
    outgoing.on('response', (response) => {
      readBody(response, options.limit, options.over).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        reject,
      );
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** Reads a body up to `limit` bytes; a longer one fails or is cut, and the connection is given up. */
export function readBody(response: IncomingMessage, limit: number, over: Fetch['over']): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= limit) return;
      if (over === 'cut') resolve(Buffer.concat(chunks).subarray(0, limit));
      else reject(new Error(`the body is longer than ${limit} bytes`));
      response.destroy();
    });
    response.on('end', () => resolve(Buffer.concat(chunks)));
    response.on('error', reject);
    response.on('close', () => reject(new Error('the connection ended before the body')));
  });
}

/** undefined for no bound. */
export function bound(ms: number): AbortSignal | undefined {
  return ms > 0 ? AbortSignal.timeout(ms) : undefined;
}
