import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';
import { OwnMetrics } from '../../observe/own-metrics.js';
import { type AdminReply, Query } from '../reply.js';
import { dispatch } from '../server.js';
import { grpcProbe, tcpProbe } from './grpc-probe.js';
import type { AgentHost } from './host.js';
import { httpProbe } from './http-probe.js';
import { mergedMetrics } from './metrics.js';
import type { AgentSettings } from './settings.js';
import { Termination } from './termination.js';

export interface Agent {
  /** What SIGTERM does in place of an immediate end. */
  readonly termination: Termination;
  /** Ports as bound (they differ from the settings where those say 0). */
  readonly ports: { status: number; ready: number; stats: number };
  close(): Promise<void>;
}

/** No route has a schema; without factories of our own fastify loads two schema compilers. */
const NO_SCHEMAS = {
  compilersFactory: { buildValidator: () => () => () => true, buildSerializer: () => () => JSON.stringify },
} as unknown as FastifyServerOptions['schemaController'];

/**
 * The agent: what Istio's pilot-agent serves beside the proxy, on the ports that Kubernetes, Prometheus and Istio's tools expect.
 * Resolves when they are bound.
 * @throws Error of the operating system when one cannot be bound
 */
export async function startAgent(settings: AgentSettings, host: AgentHost): Promise<Agent> {
  const { fastify } = await import('fastify');
  const app = fastify({
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    logger: false,
    schemaController: NO_SCHEMAS,
  });
  const termination = new Termination(host, settings);
  new StatusPort(settings, host, termination).register(app);
  await app.listen({ host: settings.bindAddress, port: settings.statusPort });
  const ready = behind(app, ['/healthz/ready', '/ready']);
  const stats = behind(app, ['/stats/prometheus', '/metrics'], '/proxy');
  const servers = [ready, stats];
  try {
    await listen(ready, settings.readyPort, settings.bindAddress);
    await listen(stats, settings.statsPort, settings.bindAddress);
  } catch (error) {
    await closeAll(app, servers);
    throw error;
  }
  const ports = { status: portOf(app.server), ready: portOf(ready), stats: portOf(stats) };
  return { termination, ports, close: () => closeAll(app, servers) };
}

class StatusPort {
  private scrapes = 0;
  private applicationFailures = 0;
  /** Seconds from the start of the process to the first answer that it is ready; NaN until then. */
  private startup = Number.NaN;
  private readonly own = new OwnMetrics();

  constructor(
    private readonly settings: AgentSettings,
    private readonly host: AgentHost,
    private readonly termination: Termination,
  ) {
    const sample = (value: number, labels = {}) => [{ suffix: '', labels, value }];
    this.own.register({
      name: 'istio_agent_scrapes_total',
      help: 'Scrapes of the merged metrics.',
      type: 'counter',
      collect: () => sample(this.scrapes),
    });
    this.own.register({
      name: 'istio_agent_scrape_failures_total',
      help: 'Scrapes whose page lacks a part.',
      type: 'counter',
      collect: () => sample(this.applicationFailures, { type: 'application' }),
    });
    this.own.register({
      name: 'istio_agent_startup_duration_seconds',
      help: 'Seconds from the start of the process until it was seen ready.',
      type: 'gauge',
      collect: () => (Number.isNaN(this.startup) ? [] : sample(this.startup)),
    });
  }

  register(app: FastifyInstance): void {
    app.setNotFoundHandler((_request, reply) => plain(reply, 404, '404 page not found\n'));
    app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
      plain(reply, error.statusCode ?? 500, `${error.message}\n`);
    });
    app.all('/healthz/ready', (_request, reply) => this.ready(reply));
    app.all('/ready', (_request, reply) => this.ready(reply));
    app.get('/metrics', (request, reply) => this.metrics(request, reply));
    app.get('/stats/prometheus', (request, reply) => this.metrics(request, reply));
    app.get('/proxy/metrics', (request, reply) => this.proxyMetrics(request, reply));
    app.get('/proxy/stats/prometheus', (request, reply) => this.proxyMetrics(request, reply));
    app.all('/drain', (request, reply) => local(request, reply, () => this.termination.drain()));
    app.all('/quitquitquit', (request, reply) =>
      local(request, reply, () => {
        this.host.log('/quitquitquit');
        reply.raw.once('close', () => this.termination.quit());
      }),
    );
    app.get('/app-health/*', (request, reply) => this.probe(request, reply));
    app.get('/app-lifecycle/*', (request, reply) => this.probe(request, reply));
  }

  private ready(reply: FastifyReply): FastifyReply {
    const state = this.host.admin.state();
    if (state === 'LIVE' && Number.isNaN(this.startup)) this.startup = process.uptime();
    return plain(reply, state === 'LIVE' ? 200 : 503, `${state}\n`);
  }

  private proxyPage(target: string): Promise<AdminReply> {
    const mark = target.indexOf('?');
    const query = new Query(mark < 0 ? '' : target.slice(mark + 1));
    return dispatch('/metrics', { method: 'GET', target, query, body: new Query('') }, this.host.admin);
  }

  private async proxyMetrics(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const page = await this.proxyPage(request.url);
    return reply
      .code(page.status)
      .header('content-type', page.contentType ?? 'text/plain')
      .send(page.body);
  }

  private async metrics(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    this.scrapes++;
    const proxy = await this.proxyPage(request.url);
    if (proxy.status !== 200) return plain(reply, proxy.status, proxy.body);
    const page = await mergedMetrics(
      (await this.own.text()) + proxy.body,
      this.settings.scrapeTargets,
      request.headers,
      (target, reason) => {
        this.applicationFailures++;
        this.host.log(`metrics of the application at :${target.port}${target.path}: ${reason}`);
      },
    );
    return reply.header('content-type', page.contentType).send(page.body);
  }

  private async probe(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const mark = request.url.indexOf('?');
    const path = mark < 0 ? request.url : request.url.slice(0, mark);
    const prober = this.settings.probers.get(path);
    if (prober === undefined) return plain(reply, 400, `app prober config does not exists for ${path}`);
    const { timeoutMs } = prober;
    if (prober.kind === 'httpGet') {
      reply.hijack();
      try {
        await httpProbe(request.raw, reply.raw, prober.httpGet, timeoutMs, this.settings);
      } catch (error) {
        this.failed(path, (error as Error).message);
        if (!reply.raw.headersSent) reply.raw.statusCode = 500;
        reply.raw.end();
      }
      return reply;
    }
    if (prober.kind === 'tcpSocket') {
      const alive = await tcpProbe(prober.port, timeoutMs, this.settings);
      if (!alive) this.failed(path, 'no connection');
      return plain(reply, alive ? 200 : 500, '');
    }
    const agent = request.headers['user-agent'] ?? '';
    const problem = await grpcProbe(prober.port, prober.service, timeoutMs, agent, this.settings);
    if (problem !== '') this.failed(path, problem);
    return plain(reply, problem === '' ? 200 : 500, '');
  }

  private failed(path: string, reason: string): void {
    this.host.log(`probe ${path}: ${reason}`);
  }
}

function plain(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply.code(status).header('content-type', 'text/plain; charset=utf-8').send(body);
}

/** What ends or drains the process is taken from the pod alone, by POST. */
function local(request: FastifyRequest, reply: FastifyReply, run: () => void): FastifyReply {
  if (!isLoopback(request.socket.remoteAddress ?? ''))
    return plain(reply, 403, 'Only requests from localhost are allowed\n');
  if (request.method !== 'POST') return plain(reply, 405, 'Method Not Allowed\n');
  run();
  return plain(reply, 200, 'OK');
}

export function isLoopback(address: string): boolean {
  const v4 = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  return v4 === '::1' || v4.startsWith('127.');
}

/** A further port with a few of the paths, under `prefix` in the application. */
function behind(app: FastifyInstance, paths: readonly string[], prefix = ''): Server {
  return createServer((request: IncomingMessage, response: ServerResponse) => {
    const { url = '/' } = request;
    const mark = url.indexOf('?');
    if (paths.includes(mark < 0 ? url : url.slice(0, mark))) {
      request.url = prefix + url;
      app.routing(request, response);
      return;
    }
    response.statusCode = 404;
    response.end();
  });
}

function listen(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function portOf(server: Server): number {
  const bound = server.address();
  return bound !== null && typeof bound === 'object' ? bound.port : 0;
}

async function closeAll(app: FastifyInstance, servers: readonly Server[]): Promise<void> {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  await app.close();
}
