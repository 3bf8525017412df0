import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Dispatcher } from '../../base/dispatcher.js';
import { Store } from '../../observe/store.js';
import type { AdminHost, DrainRequest, ServerState } from '../host.js';
import type { AppProber } from './probers.js';
import { type Agent, startAgent } from './server.js';
import { type AgentSettings, agentSettings } from './settings.js';

interface Answer {
  status: number;
  body: string;
  type: string;
}

function ask(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, headers, method, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, type: response.headers['content-type'] ?? '' }),
      );
    });
    asked.on('error', reject).end();
  });
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

function listening<T extends Server | TcpServer | Http2Server>(server: T): Promise<T> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

const portOf = (server: Server | TcpServer | Http2Server) => (server.address() as AddressInfo).port;

/** An agent on free ports, before an application that a test supplies. */
class Bench {
  state: ServerState = 'LIVE';
  quits = 0;
  readonly drains: DrainRequest[] = [];
  readonly logged: string[] = [];
  agent!: Agent;
  application: Handler = (_request, response) => response.end('application');
  private app!: Server;

  async start(make: (port: number) => Partial<AgentSettings>): Promise<void> {
    this.app = await listening(createServer((request, response) => this.application(request, response)));
    const settings = { ...agentSettings({}, 0), readyPort: 0, statsPort: 0, bindAddress: '127.0.0.1' };
    const store = new Store();
    store.register('server.', { live: 1 });
    const admin = {
      store,
      ownMetrics: async () => '# TYPE istio_requests_total counter\nistio_requests_total 3\n',
      state: () => this.state,
      drainListeners: (drain: DrainRequest) => this.drains.push(drain),
    } as unknown as AdminHost;
    this.agent = await startAgent(
      { ...settings, probeDestination: '127.0.0.1', ...make(portOf(this.app)) },
      {
        dispatcher: new Dispatcher(),
        admin,
        activeConnections: () => 0,
        quit: () => this.quits++,
        log: (text) => this.logged.push(text),
      },
    );
  }

  get port(): number {
    return this.agent.ports.status;
  }

  async stop(): Promise<void> {
    await this.agent.close();
    this.app.closeAllConnections();
    this.app.close();
  }
}

const httpGet = (port: number, path: string, timeoutMs = 1000): AppProber => ({
  timeoutMs,
  kind: 'httpGet',
  httpGet: { path, port, https: false },
});

describe('probes', () => {
  const bench = new Bench();
  let tcp: TcpServer;
  let grpc: Http2Server;
  let grpcAnswer: { httpStatus: number; grpcStatus: string; serving: number; silent: boolean };
  const asked: { headers: Record<string, unknown>; body: Buffer }[] = [];

  before(async () => {
    tcp = await listening(createTcpServer((socket) => socket.end()));
    const free = await listening(createTcpServer());
    const closedPort = portOf(free);
    free.close();
    grpc = createHttp2Server();
    grpc.on('stream', (stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        asked.push({ headers, body: Buffer.concat(chunks) });
        if (grpcAnswer.silent) return;
        stream.respond(
          { ':status': grpcAnswer.httpStatus, 'content-type': 'application/grpc' },
          { waitForTrailers: true },
        );
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': grpcAnswer.grpcStatus }));
        stream.end(Buffer.from([0, 0, 0, 0, 2, 8, grpcAnswer.serving]));
      });
    });
    await listening(grpc);
    await bench.start((port) => ({
      probers: new Map<string, AppProber>([
        ['/app-health/app/livez', httpGet(port, '/live?x=1')],
        ['/app-health/app/startupz', httpGet(port, '/slow', 60)],
        ['/app-health/none/livez', httpGet(closedPort, '/')],
        ['/app-health/tcp/readyz', { kind: 'tcpSocket', port: portOf(tcp), timeoutMs: 1000 }],
        ['/app-health/closed/readyz', { kind: 'tcpSocket', port: closedPort, timeoutMs: 1000 }],
        ['/app-health/grpc/readyz', { kind: 'grpc', port: portOf(grpc), service: 'a.b.C', timeoutMs: 1000 }],
        ['/app-health/grpc/livez', { kind: 'grpc', port: portOf(grpc), service: '', timeoutMs: 60 }],
        ['/app-health/grpcless/livez', { kind: 'grpc', port: closedPort, service: '', timeoutMs: 1000 }],
      ]),
    }));
  });
  after(async () => {
    await bench.stop();
    tcp.close();
    grpc.close();
  });

  it('reach the application with the path, the headers and the Host of the kubelet, the port being the application’s', async () => {
    let seen: IncomingMessage | null = null;
    bench.application = (request, response) => {
      seen = request;
      response.writeHead(207, { 'x-app': '1' });
      response.end('fine');
    };
    const headers = { host: `10.1.2.3:${bench.port}`, 'x-probe': 'a', 'user-agent': 'kube-probe/1.34' };
    const answer = await ask(bench.port, '/app-health/app/livez', headers);
    assert.equal(answer.status, 207);
    assert.equal(answer.body, 'fine');
    const got = seen as unknown as IncomingMessage;
    assert.equal(got.url, '/live?x=1');
    assert.equal(got.method, 'GET');
    assert.equal(got.headers['x-probe'], 'a');
    assert.equal(got.headers['user-agent'], 'kube-probe/1.34');
    assert.equal(got.headers.forwarded, undefined);
    assert.match(got.headers.host ?? '', /^10\.1\.2\.3:\d+$/);
  });

  it('keep a Host of their own', async () => {
    let host = '';
    bench.application = (request, response) => {
      host = request.headers.host ?? '';
      response.end();
    };
    await ask(bench.port, '/app-health/app/livez', { host: 'app.example' });
    assert.equal(host, 'app.example');
  });

  it('show the status of a failing application and the beginning of what it says', async () => {
    bench.application = (_request, response) => {
      response.statusCode = 503;
      response.end('x'.repeat(100_000));
    };
    const answer = await ask(bench.port, '/app-health/app/livez');
    assert.equal(answer.status, 503);
    assert.equal(answer.body.length, 10 << 10);
  });

  it('follow a redirect on the same host, and take one that leads elsewhere for success', async () => {
    bench.application = (request, response) => {
      if (request.url === '/live?x=1') response.writeHead(302, { location: '/moved' });
      else response.writeHead(request.url === '/moved' ? 418 : 404);
      response.end('body');
    };
    assert.equal((await ask(bench.port, '/app-health/app/livez')).status, 418);
    bench.application = (_request, response) => {
      response.writeHead(301, { location: 'http://elsewhere.example/' });
      response.end('moved');
    };
    const away = await ask(bench.port, '/app-health/app/livez');
    assert.deepEqual([away.status, away.body], [200, '']);
  });

  it('fail after ten redirects', async () => {
    let hops = 0;
    bench.application = (_request, response) => {
      hops++;
      response.writeHead(302, { location: '/again' });
      response.end();
    };
    assert.equal((await ask(bench.port, '/app-health/app/livez')).status, 500);
    assert.equal(hops, 11);
  });

  it('fail with 500 when the application is late, breaks off, or is not there', async () => {
    bench.application = () => {};
    assert.equal((await ask(bench.port, '/app-health/app/startupz')).status, 500);
    bench.application = (_request, response) => response.socket?.destroy();
    assert.equal((await ask(bench.port, '/app-health/app/livez')).status, 500);
    assert.equal((await ask(bench.port, '/app-health/none/livez')).status, 500);
  });

  it('of a TCP port succeed when it accepts', async () => {
    assert.equal((await ask(bench.port, '/app-health/tcp/readyz')).status, 200);
    assert.equal((await ask(bench.port, '/app-health/closed/readyz')).status, 500);
  });

  it('of gRPC ask the health service and succeed when it is SERVING', async () => {
    grpcAnswer = { httpStatus: 200, grpcStatus: '0', serving: 1, silent: false };
    const answer = await ask(bench.port, '/app-health/grpc/readyz', { 'user-agent': 'kube-probe/1.34' });
    assert.equal(answer.status, 200);
    const call = asked.at(-1)!;
    assert.equal(call.headers[':path'], '/grpc.health.v1.Health/Check');
    assert.equal(call.headers['user-agent'], 'kube-probe/1.34');
    assert.equal(call.headers['grpc-timeout'], '1000m');
    assert.deepEqual([...call.body], [0, 0, 0, 0, 7, 10, 5, ...Buffer.from('a.b.C')]);
  });

  it('of gRPC fail when it is not serving, not implemented, late, or not there', async () => {
    grpcAnswer = { httpStatus: 200, grpcStatus: '0', serving: 2, silent: false };
    assert.equal((await ask(bench.port, '/app-health/grpc/readyz')).status, 500);
    grpcAnswer = { httpStatus: 200, grpcStatus: '12', serving: 1, silent: false };
    assert.equal((await ask(bench.port, '/app-health/grpc/readyz')).status, 500);
    grpcAnswer = { httpStatus: 200, grpcStatus: '0', serving: 1, silent: true };
    assert.equal((await ask(bench.port, '/app-health/grpc/livez')).status, 500);
    assert.equal((await ask(bench.port, '/app-health/grpcless/livez')).status, 500);
    assert.match(bench.logged.join('\n'), /grpc-status 12/);
  });

  it('that nobody configured are answered 400 with the path', async () => {
    const answer = await ask(bench.port, '/app-health/other/livez?x');
    assert.equal(answer.status, 400);
    assert.equal(answer.body, 'app prober config does not exists for /app-health/other/livez');
  });
});

describe('metrics', () => {
  const bench = new Bench();
  before(() => bench.start((port) => ({ scrapeTargets: [{ port, path: '/app/metrics' }] })));
  after(() => bench.stop());

  it('of the application follow those of the proxy', async () => {
    bench.application = (request, response) => {
      response.setHeader('content-type', 'text/plain; version=0.0.4');
      response.end(request.url === '/app/metrics' ? '# TYPE app_up gauge\napp_up 1' : '');
    };
    for (const path of ['/metrics', '/stats/prometheus']) {
      const page = await ask(bench.port, path);
      assert.equal(page.status, 200);
      assert.equal(page.type, 'text/plain; version=0.0.4; charset=utf-8');
      assert.match(page.body, /^istio_agent_scrapes_total \d+$/m);
      assert.match(page.body, /^envoy_server_live\{\} 1$/m);
      assert.match(page.body, /^istio_requests_total 3$/m);
      assert.match(page.body, /^app_up 1\n$/m);
    }
  });

  it('are OpenMetrics as a whole when the application answers so, with one end and no empty line', async () => {
    let accept = '';
    bench.application = (request, response) => {
      accept = request.headers.accept ?? '';
      response.setHeader('content-type', 'application/openmetrics-text; version=1.0.0; charset=utf-8');
      response.end('# TYPE app_up gauge\napp_up 1 # {a="b"} 1\n# EOF\n');
    };
    const page = await ask(bench.port, '/metrics', { accept: 'application/openmetrics-text;version=1.0.0,text/plain' });
    assert.match(accept, /^application\/openmetrics-text;version=1\.0\.0/);
    assert.equal(page.type, 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    assert.ok(page.body.endsWith('app_up 1 # {a="b"} 1\n# EOF\n'));
    assert.equal(page.body.match(/# EOF/g)?.length, 1);
    assert.ok(!page.body.includes('\n\n'));
  });

  it('are served without the application when it fails, and the failure is counted', async () => {
    bench.application = (_request, response) => {
      response.statusCode = 500;
      response.end('app_up 1\n');
    };
    const page = await ask(bench.port, '/metrics');
    assert.equal(page.status, 200);
    assert.ok(!page.body.includes('app_up'));
    const next = await ask(bench.port, '/metrics');
    assert.match(next.body, /istio_agent_scrape_failures_total\{type="application"\} 1/);
    assert.match(bench.logged.join('\n'), /status 500/);
  });

  it('wait for the application as long as Prometheus says', async () => {
    bench.application = () => {};
    const page = await ask(bench.port, '/metrics', { 'x-prometheus-scrape-timeout-seconds': '0.05' });
    assert.equal(page.status, 200);
    assert.match(page.body, /envoy_server_live/);
  });

  it('of the proxy alone are on the port that Istio has for them, narrowed by the query', async () => {
    bench.application = (_request, response) => response.end('app_up 1\n');
    const page = await ask(bench.agent.ports.stats, '/stats/prometheus');
    assert.equal(page.status, 200);
    assert.match(page.body, /envoy_server_live/);
    assert.match(page.body, /istio_requests_total 3/);
    assert.ok(!page.body.includes('app_up'));
    assert.ok(
      !(await ask(bench.agent.ports.stats, '/stats/prometheus?filter=nothing')).body.includes('envoy_server_live'),
    );
    assert.equal((await ask(bench.agent.ports.stats, '/quitquitquit', {}, 'POST')).status, 404);
    assert.equal(bench.quits, 0);
  });
});

describe('readiness and the end', () => {
  const bench = new Bench();
  before(() => bench.start(() => ({})));
  after(() => bench.stop());

  it('is 200 while the proxy is live, on both ports', async () => {
    for (const port of [bench.port, bench.agent.ports.ready]) {
      bench.state = 'INITIALIZING';
      assert.equal((await ask(port, '/healthz/ready')).status, 503);
      bench.state = 'LIVE';
      assert.equal((await ask(port, '/healthz/ready')).status, 200);
      assert.equal((await ask(port, '/ready')).body, 'LIVE\n');
      bench.state = 'DRAINING';
      assert.equal((await ask(port, '/ready')).status, 503);
      bench.state = 'LIVE';
    }
    assert.equal((await ask(bench.agent.ports.ready, '/metrics')).status, 404);
    assert.match((await ask(bench.port, '/metrics')).body, /^istio_agent_startup_duration_seconds \d/m);
  });

  it('want POST', async () => {
    assert.equal((await ask(bench.port, '/quitquitquit')).status, 405);
    assert.equal((await ask(bench.port, '/drain')).status, 405);
    assert.deepEqual([bench.quits, bench.drains.length], [0, 0]);
  });

  it('begin with a drain by /drain', async () => {
    assert.deepEqual(await ask(bench.port, '/drain', {}, 'POST'), {
      status: 200,
      body: 'OK',
      type: 'text/plain; charset=utf-8',
    });
    assert.deepEqual(bench.drains, [{ inboundOnly: true, graceful: true, skipExit: true }]);
    assert.equal(bench.quits, 0);
  });

  it('come with /quitquitquit, after its answer', async () => {
    const answer = await ask(bench.port, '/quitquitquit', {}, 'POST');
    assert.deepEqual([answer.status, answer.body], [200, 'OK']);
    assert.equal(bench.quits, 1);
  });
});
