import { readFileSync } from 'node:fs';
import { request } from 'node:https';

const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
const TIMEOUT_MS = 10_000;

export interface ApiAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: any object of the API
  body: any;
}

/** Asks the API server. Rejects when there is no answer; a status is an answer. */
export type Api = (method: string, path: string, body?: object, contentType?: string) => Promise<ApiAnswer>;

/**
 * By the service account of the pod; token and authority are read anew each time, since the kubelet renews them.
 * @throws Error outside a pod
 */
export function podApi(env: Readonly<Record<string, string | undefined>>): Api {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  if (host === undefined)
    throw new Error('not in a pod (KUBERNETES_SERVICE_HOST is not set): give --tls-cert-file and --tls-key-file');
  return (method, path, body, contentType = 'application/json') =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const asked = request({
        host: host.replace(/^\[|\]$/g, ''),
        port,
        method,
        path,
        ca: readFileSync(`${FOLDER}/ca.crt`),
        agent: false,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: {
          authorization: `Bearer ${readFileSync(`${FOLDER}/token`, 'utf8').trim()}`,
          accept: 'application/json',
          'user-agent': 'halfopen-webhook',
          ...(body !== undefined && { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
        },
      });
      asked.on('error', reject);
      asked.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const raw = Buffer.concat(chunks).toString();
          try {
            resolve({ status: response.statusCode ?? 0, body: raw === '' ? null : JSON.parse(raw) });
          } catch {
            resolve({ status: response.statusCode ?? 0, body: { message: raw } });
          }
        });
      });
      asked.end(text);
    });
}
