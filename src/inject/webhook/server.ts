import type { Server as HttpsServer } from 'node:https';
import type { FastifyServerOptions } from 'fastify';
import type { InjectOptions } from '../options.js';
import { review } from './review.js';

export interface WebhookServer {
  readonly port: number;
  /** New handshakes get this certificate; open connections keep theirs. @throws Error when key and certificate are no pair */
  use(key: string, certificate: string): void;
  close(): Promise<void>;
}

/** Larger than any object that an API server takes. */
const BODY_LIMIT = 8 << 20;
const NO_SCHEMAS = {
  compilersFactory: { buildValidator: () => () => () => true, buildSerializer: () => () => JSON.stringify },
} as unknown as FastifyServerOptions['schemaController'];

/** Serves `POST /inject` and `GET /healthz/ready` over TLS. */
export async function startWebhook(
  port: number,
  key: string,
  certificate: string,
  options: InjectOptions,
  log: (text: string) => void,
): Promise<WebhookServer> {
  const { fastify } = await import('fastify');
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: true,
    logger: false,
    schemaController: NO_SCHEMAS,
    https: { key, cert: certificate, minVersion: 'TLSv1.2' },
  });
  app.get('/healthz/ready', (_request, reply) => reply.send('ready\n'));
  app.post('/inject', (request, reply) => {
    try {
      const { answer, told } = review(request.body, options);
      log(told);
      return reply.send(answer);
    } catch (error) {
      const { message } = error as Error;
      log(`a review cannot be answered: ${message}`);
      return reply.code(400).type('text/plain; charset=utf-8').send(`${message}\n`);
    }
  });
  await app.listen({ host: '::', port }).catch((error: NodeJS.ErrnoException) => {
    // A machine without IPv6.
    if (error.code !== 'EAFNOSUPPORT' && error.code !== 'EADDRNOTAVAIL') throw error;
    return app.listen({ host: '0.0.0.0', port });
  });
  const bound = app.server.address();
  return {
    port: bound !== null && typeof bound === 'object' ? bound.port : port,
    use: (newKey, newCertificate) =>
      (app.server as unknown as HttpsServer).setSecureContext({
        key: newKey,
        cert: newCertificate,
        minVersion: 'TLSv1.2',
      }),
    close: () => app.close(),
  };
}
