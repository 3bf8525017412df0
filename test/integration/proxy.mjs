/** Starts a proxy on an Envoy bootstrap for a test, and knows its process. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const HALFOPEN = `${process.execPath} ${join(ROOT, 'bin/halfopen')} run -c {config}`;
const TYPE = 'type.googleapis.com/envoy.extensions.';

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A port that was free a moment ago. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export async function untilListening(port, ms = 15000) {
  for (const begin = Date.now(); Date.now() - begin < ms; await sleep(30)) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('close', () => socket.destroy());
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
  }
  throw new Error(`nothing listens on port ${port} after ${ms} ms`);
}

const address = (port) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

/** A listener on `port` that sends everything to `cluster`; `hcm` and `route` are laid over it. */
export function listener(name, port, cluster, { hcm = {}, route = {} } = {}) {
  return {
    name,
    address: address(port),
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              '@type': `${TYPE}filters.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: name,
              codec_type: 'AUTO',
              http_protocol_options: { enable_trailers: true },
              http_filters: [
                {
                  name: 'envoy.filters.http.router',
                  typed_config: { '@type': `${TYPE}filters.http.router.v3.Router` },
                },
              ],
              route_config: {
                name,
                virtual_hosts: [
                  {
                    name,
                    domains: ['*'],
                    routes: [{ match: { prefix: '/' }, route: { cluster, timeout: '120s', ...route } }],
                  },
                ],
              },
              ...hcm,
            },
          },
        ],
      },
    ],
  };
}

/** A cluster of one host on `port` that speaks `proto` (`h1`, `h2`). */
export function cluster(name, port, proto) {
  const protocol =
    proto === 'h2' ? { http2_protocol_options: {} } : { http_protocol_options: { enable_trailers: true } };
  return {
    name,
    type: 'STATIC',
    connect_timeout: '5s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }] },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${TYPE}upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: protocol,
      },
    },
  };
}

/** A running proxy. `command` has `{config}` in place of the bootstrap's path. */
export class ProxyProcess {
  static async start(command, { listeners, clusters }) {
    const proxy = new ProxyProcess();
    proxy.folder = mkdtempSync(join(tmpdir(), 'halfopen-test-'));
    proxy.adminPort = await freePort();
    const config = join(proxy.folder, 'bootstrap.yaml');
    const bootstrap = {
      node: { id: 'test', cluster: 'test' },
      admin: { address: address(proxy.adminPort) },
      static_resources: { listeners, clusters },
    };
    writeFileSync(config, JSON.stringify(bootstrap, null, 1));
    const [program, ...args] = command.split(' ').map((word) => word.replace('{config}', config));
    proxy.output = '';
    proxy.child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [proxy.child.stdout, proxy.child.stderr]) {
      stream.on('data', (text) => {
        proxy.output = (proxy.output + text).slice(-4000);
      });
    }
    proxy.exited = new Promise((resolve) => {
      proxy.child.once('exit', (code, signal) => resolve({ code, signal }));
      proxy.child.once('error', (error) => resolve({ error }));
    });
    let gone = null;
    proxy.exited.then((how) => {
      gone = how;
    });
    for (const begin = Date.now(); ; await sleep(30)) {
      if (gone !== null) throw new Error(`the proxy ended: ${JSON.stringify(gone)}\n${proxy.output}`);
      if (Date.now() - begin > 15000) {
        proxy.child.kill('SIGKILL');
        throw new Error(`the proxy is not ready\n${proxy.output}`);
      }
      const answer = await fetch(`http://127.0.0.1:${proxy.adminPort}/ready`).catch(() => null);
      if (answer?.status === 200) return proxy;
    }
  }

  async admin(path) {
    return (await fetch(`http://127.0.0.1:${this.adminPort}${path}`)).text();
  }

  /** Resident memory in MiB (Linux), NaN elsewhere. */
  get residentMiB() {
    try {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))[1]) / 1024;
    } catch {
      return Number.NaN;
    }
  }

  /** Runs `work` and resolves to how far resident memory rose above its start while it ran, in MiB. */
  async growthDuring(work) {
    const before = this.residentMiB;
    let most = before;
    const sampling = setInterval(() => {
      most = Math.max(most, this.residentMiB);
    }, 20);
    try {
      await work();
    } finally {
      clearInterval(sampling);
    }
    return most - before;
  }

  async stop() {
    this.child.kill('SIGTERM');
    const stubborn = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    await this.exited;
    clearTimeout(stubborn);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
