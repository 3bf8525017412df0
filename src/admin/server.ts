import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';
import type { AccessLog } from '../observe/access-log.js';
import { compileStringMatcher, type StringPredicate } from '../observe/string-match.js';
import { logAdminRequest } from './access.js';
import { clusterHandlers } from './cluster-handlers.js';
import { configDumpHandler } from './config-dump.js';
import { explainHandlers, explainOne } from './explain-handlers.js';
import { helpReply, homePage, unknownPath } from './help.js';
import type { AdminHost, AdminOptions } from './host.js';
import { type AdminHandler, type AdminReply, type AdminRequest, Query, TEXT, text } from './reply.js';
import { serverHandlers } from './server-handlers.js';
import { statsHandlers } from './stats-handlers.js';

/** The admin server: Envoy's admin paths on a port of their own. */
export interface Admin {
  /** `ip:port` it listens on. */
  readonly address: string;
  close(): Promise<void>;
}

export const HANDLERS: readonly AdminHandler[] = [
  { path: '/', help: 'Admin home page', mutates: false, params: [], run: () => homePage(HANDLERS) },
  {
    path: '/help',
    help: 'print out list of admin commands',
    mutates: false,
    params: [],
    run: () => helpReply(HANDLERS),
  },
  ...statsHandlers,
  ...clusterHandlers,
  configDumpHandler,
  ...serverHandlers,
  ...explainHandlers,
];

const BY_PATH = new Map(HANDLERS.map((handler) => [handler.path, handler]));
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'] as const;
const BODY_LIMIT = 1 << 20;

/** No route has a schema; without factories of our own fastify loads two schema compilers, a third of its start-up time. */
const NO_SCHEMAS = {
  compilersFactory: { buildValidator: () => () => () => true, buildSerializer: () => () => JSON.stringify },
} as unknown as FastifyServerOptions['schemaController'];

/**
 * Listens; fastify is loaded only now, so that listeners for traffic can be up before. Resolves when the port is bound.
 * @throws Error of the operating system when the address cannot be bound
 */
export async function startAdmin(options: AdminOptions, host: AdminHost): Promise<Admin> {
  const { fastify } = await import('fastify');
  const allowed = options.allowPaths.map(compileStringMatcher);
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    logger: false,
    schemaController: NO_SCHEMAS,
  });
  // Bodies are parameters whatever their type says; they are parsed by hand.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  const route = (request: FastifyRequest, reply: FastifyReply) =>
    answer(request, reply, host, allowed, options.accessLog ?? null);
  app.route({ method: [...METHODS], url: '/*', handler: route });
  app.setNotFoundHandler(route);
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    send(reply, text(error.statusCode ?? 500, `${error.message}\n`), options.accessLog ?? null);
  });
  await app.listen({ host: options.host, port: options.port });
  return { address: boundAddress(app), close: () => app.close() };
}

function boundAddress(app: FastifyInstance): string {
  const bound = app.server.address();
  if (bound === null || typeof bound === 'string') return String(bound);
  return bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  host: AdminHost,
  allowed: readonly StringPredicate[],
  log: AccessLog | null,
): Promise<FastifyReply> {
  const began = performance.now();
  // `//ready` is `/ready`, as in Envoy.
  const target = request.url.replace(/^\/+/, '/');
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const result = await dispatch(
    path,
    {
      method: request.method,
      target,
      query: new Query(mark < 0 ? '' : target.slice(mark + 1)),
      body: new Query(typeof request.body === 'string' ? request.body : ''),
    },
    host,
    allowed,
  );
  return send(reply, result, log, began);
}

/** Finds the handler of a path and runs it; exported for tests, which need no socket. */
export async function dispatch(
  path: string,
  request: AdminRequest,
  host: AdminHost,
  allowed: readonly StringPredicate[] = [],
): Promise<AdminReply> {
  if (allowed.length > 0 && !allowed.some((matches) => matches(path))) {
    return text(403, `request to path ${request.target} not allowed`);
  }
  const handler = BY_PATH.get(path);
  if (handler === undefined) {
    if (path.startsWith('/explain/') && path.length > '/explain/'.length) return explainOne(request, host);
    return unknownPath(HANDLERS);
  }
  if (handler.mutates && request.method !== 'POST') {
    return text(405, `Method ${request.method} not allowed, POST required.`);
  }
  return handler.run(request, host);
}

/** Written past fastify, which would send a content-length: Envoy answers chunked. */
function send(reply: FastifyReply, result: AdminReply, log: AccessLog | null, began = performance.now()): FastifyReply {
  reply.hijack();
  const { raw } = reply;
  raw.sendDate = false;
  raw.setHeader('content-type', result.contentType ?? TEXT);
  raw.setHeader('cache-control', 'no-cache, max-age=0');
  raw.setHeader('x-content-type-options', result.nosniffTwice === true ? ['nosniff', 'nosniff'] : 'nosniff');
  raw.setHeader('date', new Date().toUTCString());
  raw.setHeader('server', 'envoy');
  raw.setHeader('transfer-encoding', 'chunked');
  if (raw.req.headers.connection?.toLowerCase() === 'close') raw.setHeader('connection', 'close');
  else raw.removeHeader('connection');
  if (result.after !== undefined) raw.once('close', result.after);
  raw.statusCode = result.status;
  raw.end(result.body);
  if (log !== null) logAdminRequest(log, raw.req, result.status, Buffer.byteLength(result.body), began);
  return reply;
}
