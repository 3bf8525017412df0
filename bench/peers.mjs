/** The proxies side by side: their configuration, their command, and which lanes each of them can run. */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const PORTS = { up1: 9111, up2: 9112, admin: 9113 };

/** Which protocols a lane needs on either side; each proxy listens once per pair. */
export const LANES = {
  h1: { pair: 'h1-h1', tool: 'wrk', connections: 64 },
  'h1-headers': { pair: 'h1-h1', tool: 'wrk', connections: 64, headers: true },
  h2: { pair: 'h2-h2', tool: 'h2load', connections: 8, streams: 32 },
  'h2-narrow': { pair: 'h2-h2', tool: 'h2load', connections: 1, streams: 10 },
  'h2-h1': { pair: 'h2-h1', tool: 'h2load', connections: 8, streams: 32 },
};
const OFFSET = { 'h1-h1': 1, 'h2-h2': 2, 'h2-h1': 3 };

export function inPath(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null;
}

const TYPE = 'type.googleapis.com/envoy.extensions.';
const address = (port) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

function listener(pair, port) {
  const manager = {
    '@type': `${TYPE}filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: pair,
    codec_type: 'AUTO',
    use_remote_address: true,
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPE}filters.http.router.v3.Router` } },
    ],
    route_config: {
      name: pair,
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: pair.endsWith('h2') ? 'up2' : 'up1', timeout: '15s' } }],
        },
      ],
    },
  };
  const filter = { name: 'envoy.filters.network.http_connection_manager', typed_config: manager };
  return { name: pair, address: address(port), filter_chains: [{ filters: [filter] }] };
}

function cluster(name, port, protocol) {
  const many = { max_connections: 100000, max_pending_requests: 100000, max_requests: 100000 };
  return {
    name,
    type: 'STATIC',
    connect_timeout: '5s',
    circuit_breakers: { thresholds: [many] },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }] },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${TYPE}upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { [protocol]: {} },
      },
    },
  };
}

/** Envoy and halfopen get the same file: statistics on, no access log, the router alone. */
function bootstrap(base) {
  return {
    node: { id: 'bench', cluster: 'bench' },
    admin: { address: address(PORTS.admin) },
    static_resources: {
      listeners: Object.entries(OFFSET).map(([pair, offset]) => listener(pair, base + offset)),
      clusters: [
        cluster('up1', PORTS.up1, 'http_protocol_options'),
        cluster('up2', PORTS.up2, 'http2_protocol_options'),
      ],
    },
  };
}

const haproxyConfig = (base) => `global
  nbthread 1
  maxconn 4096
  tune.h2.max-concurrent-streams 1024
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
  option forwardfor
frontend h1_h1
  bind 127.0.0.1:${base + 1}
  default_backend up1
frontend h2_h2
  bind 127.0.0.1:${base + 2} proto h2
  default_backend up2
frontend h2_h1
  bind 127.0.0.1:${base + 3} proto h2
  default_backend up1
backend up1
  server s 127.0.0.1:${PORTS.up1} pool-max-conn 1024
backend up2
  server s 127.0.0.1:${PORTS.up2} proto h2 pool-max-conn 1024
`;

const nginxConfig = (base, folder) => `worker_processes 1;
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx.err warn;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  http2_max_concurrent_streams 1024;
  client_body_temp_path ${folder}/t1;
  proxy_temp_path ${folder}/t2;
  fastcgi_temp_path ${folder}/t3;
  uwsgi_temp_path ${folder}/t4;
  scgi_temp_path ${folder}/t5;
  upstream up { server 127.0.0.1:${PORTS.up1}; keepalive 512; keepalive_requests 1000000000; }
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $remote_addr;
  server { listen 127.0.0.1:${base + 1} backlog=4096; location / { proxy_pass http://up; } }
  server { listen 127.0.0.1:${base + 3} http2 backlog=4096; location / { proxy_pass http://up; } }
}
`;

/**
 * The proxies of a lane that are here: [{name, command, port}], and those that are not: [{name, reason}]. `target` is the
 * command of halfopen, with `{config}` for the bootstrap.
 */
export function contenders(lane, folder, target) {
  const { pair } = LANES[lane];
  const offset = OFFSET[pair];
  const found = [];
  const absent = [];
  const file = (name, text) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  const own = file('halfopen.yaml', JSON.stringify(bootstrap(9200), null, 1));
  found.push({
    name: 'halfopen',
    command: target.split(' ').map((word) => word.replace('{config}', own)),
    port: 9200 + offset,
  });

  const envoy = process.env.ENVOY;
  if (envoy) {
    const config = file('envoy.yaml', JSON.stringify(bootstrap(9220), null, 1));
    const command = [envoy, '-c', config, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'];
    found.push({ name: 'envoy', command, port: 9220 + offset });
  } else absent.push({ name: 'envoy', reason: 'ENVOY does not name a binary' });

  const haproxy = inPath('haproxy');
  if (haproxy) {
    found.push({
      name: 'haproxy',
      command: [haproxy, '-db', '-f', file('haproxy.cfg', haproxyConfig(9240))],
      port: 9240 + offset,
    });
  } else absent.push({ name: 'haproxy', reason: 'not installed' });

  const nginx = inPath('nginx');
  if (pair === 'h2-h2') absent.push({ name: 'nginx', reason: 'does not speak HTTP/2 to an upstream' });
  else if (nginx) {
    found.push({
      name: 'nginx',
      command: [nginx, '-c', file('nginx.conf', nginxConfig(9260, folder))],
      port: 9260 + offset,
    });
  } else absent.push({ name: 'nginx', reason: 'not installed' });

  const nghttpx = inPath('nghttpx');
  if (pair === 'h1-h1') absent.push({ name: 'nghttpx', reason: 'is measured on HTTP/2 lanes only' });
  else if (nghttpx) {
    const backend = pair === 'h2-h2' ? `127.0.0.1,${PORTS.up2};;proto=h2` : `127.0.0.1,${PORTS.up1};;proto=http/1.1`;
    const port = 9280 + offset;
    const command = [
      nghttpx, '--conf=/dev/null', `-f127.0.0.1,${port};no-tls`, `-b${backend}`, '--workers=1', '--single-thread',
      '--frontend-http2-max-concurrent-streams=1024', '--backend-connections-per-host=256', '--errorlog-file=/dev/null',
      '--no-ocsp',
    ]; // biome-ignore format: one command
    found.push({ name: 'nghttpx', command, port });
  } else absent.push({ name: 'nghttpx', reason: 'not installed' });

  return { found, absent };
}

/** What a lane cannot do without: the reason it cannot run, or null. */
export function unrunnable(lane) {
  for (const tool of [LANES[lane].tool, 'taskset']) if (!inPath(tool)) return `${tool} is not installed`;
  const { stdout } = spawnSync('taskset', ['-pc', String(process.pid)], { encoding: 'utf8' });
  const cores = /list: (.*)/.exec(stdout ?? '')?.[1] ?? '';
  if (!/^0[,-]/.test(cores)) return `two cores are needed, the first of them core 0; here are: ${cores || 'unknown'}`;
  return null;
}
