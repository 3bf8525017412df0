import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { Plug } from '../peers/plug.mjs';
import { dial, Wire } from '../peers/socket.mjs';
import { now, sleep, Watch } from '../peers/watch.mjs';
import { cluster, listener, merge } from './boot.mjs';
import { freePort } from './ports.mjs';
import { scenario } from './scenario.mjs';

/**
 * Scenarios below HTTP: listener filters, filter chains, the TCP proxy. `tcpScenario(name, spec)` takes, beside what `scenario` takes:
 *
 * - `upstream`: called with the `TcpConn` of each upstream connection; or {handler, kind, hosts, cluster};
 * - `proxy`: laid over the TcpProxy filter of the default chain;
 * - `chains(filters)`: the filter chains instead of the one; `filters.tcp(over, label)` makes a TCP proxy to `up`,
 *   `filters.http(over)` a connection manager, `filters.cluster(name)` the name of a cluster in the file;
 * - `listener`: laid over the listener, whose `stat_prefix` is the scenario's name; `logListener`: it has an access log too;
 * - `timed`: the durations in the access logs hang on a clock of the configuration, and are compared.
 *
 * The facts are what each side received and how its connection ended, the access log lines, and the statistics of listener,
 * proxy and clusters.
 */
const TYPE = 'type.googleapis.com/envoy.extensions.';
const SETTLE = 1500;

const LOG_FIELDS = {
  from: '%FILTER_CHAIN_NAME%',
  flags: '%RESPONSE_FLAGS%',
  details: '%RESPONSE_CODE_DETAILS%',
  termination: '%CONNECTION_TERMINATION_DETAILS%',
  received: '%BYTES_RECEIVED%',
  sent: '%BYTES_SENT%',
  duration: '%DURATION%',
  attempts: '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  host: '%UPSTREAM_HOST%',
  cluster: '%UPSTREAM_CLUSTER%',
  failure: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  sni: '%REQUESTED_SERVER_NAME%',
  protocol: '%PROTOCOL%',
  code: '%RESPONSE_CODE%',
  up: '%UPSTREAM_WIRE_BYTES_RECEIVED% %UPSTREAM_WIRE_BYTES_SENT%',
  down: '%DOWNSTREAM_WIRE_BYTES_RECEIVED% %DOWNSTREAM_WIRE_BYTES_SENT%',
  type: '%ACCESS_LOG_TYPE%',
};

export function tcpScenario(name, spec) {
  scenario(name, { coarse: /flow_control/, ...spec, makeContext: (made, logFile) => new TcpContext(made, logFile) });
}

/** One end of a TCP connection: all that came in, as text. */
export class TcpConn extends Wire {
  text = '';
  /** Only the number of bytes is a fact. */
  bulk = false;

  onBytes(chunk) {
    if (!this.bulk) this.text += chunk.toString('latin1');
    this.onChunk?.(chunk);
  }

  /** Waits until `text` has come in all. */
  has(text, ms) {
    return this.until(() => this.text.includes(text), ms);
  }

  /** Sends FIN and goes on reading. */
  finish() {
    this.socket.end();
    return this;
  }

  facts() {
    return { received: this.bulk ? this.bytesIn : this.text, end: this.end };
  }
}

class TcpUpstream extends Watch {
  connections = [];

  constructor(handler) {
    super();
    this.handler = handler;
  }

  listen(host, port) {
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const conn = new TcpConn(socket);
      this.connections.push(conn);
      this.handler?.(conn, this.connections.length - 1);
      this.changed();
    });
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, resolve);
    });
  }

  connected(count, ms) {
    return this.until(() => this.connections.length >= count, ms);
  }

  facts() {
    return this.connections.map((conn) => conn.facts());
  }

  close() {
    this.server.close();
    for (const conn of this.connections) conn.destroy();
  }
}

class TcpContext {
  clients = [];
  upstreams = new Map();
  #extra = {};
  #ports = new Map();

  constructor(scenario, logFile) {
    this.scenario = scenario;
    this.logFile = logFile;
  }

  #log(suffix) {
    return {
      name: 'envoy.access_loggers.file',
      typed_config: {
        '@type': `${TYPE}access_loggers.file.v3.FileAccessLog`,
        path: `${this.logFile}${suffix}`,
        log_format: { text_format_source: { inline_string: `${Object.values(LOG_FIELDS).join('\t')}\n` } },
      },
    };
  }

  async prepare() {
    const { scenario } = this;
    const { name } = scenario;
    this.port = await freePort();
    this.#ports.set(this.port, 'listener');
    const clusters = [];
    for (const [label, spec] of Object.entries(scenario.upstreams)) {
      const endpoints = [];
      for (const host of spec.hosts ?? ['127.0.0.1']) endpoints.push({ host, port: await freePort() });
      for (const { port } of endpoints) this.#ports.set(port, label);
      const open = endpoints.slice(spec.refusedHosts ?? 0);
      if (spec.kind !== 'refused' && open.length > 0) {
        const upstream = spec.kind === 'plug' ? new Plug('h1') : new TcpUpstream(spec.handler);
        await upstream.listen(open[0].host, open[0].port);
        this.upstreams.set(label, upstream);
      }
      const made = cluster(`${name}-${label}`, spec.kind === 'none' ? [] : endpoints, 'h1', {
        cluster: merge({ typed_extension_protocol_options: null }, spec.cluster),
      });
      clusters.push(made);
    }
    return { listener: this.#listener(), clusters };
  }

  #listener() {
    const { scenario } = this;
    const { name } = scenario;
    const filters = {
      cluster: (label) => `${name}-${label}`,
      tcp: (over = {}, label = 'up') => ({
        name: 'envoy.filters.network.tcp_proxy',
        typed_config: merge(
          {
            '@type': `${TYPE}filters.network.tcp_proxy.v3.TcpProxy`,
            stat_prefix: name,
            cluster: `${name}-${label}`,
            access_log: [this.#log('')],
          },
          over,
        ),
      }),
      http: (over = {}) =>
        listener(name, 0, this.logFile, { clusterName: `${name}-up`, ...over }).filter_chains[0].filters[0],
    };
    return merge(
      {
        name,
        stat_prefix: name,
        address: { socket_address: { address: '127.0.0.1', port_value: this.port } },
        filter_chains: scenario.chains?.(filters, this) ?? [{ filters: [filters.tcp(scenario.proxy)] }],
        ...(scenario.last === undefined ? {} : { default_filter_chain: scenario.last(filters) }),
        ...(scenario.logListener ? { access_log: [this.#log('.listener')] } : {}),
      },
      scenario.listener,
    );
  }

  start(target) {
    this.target = target;
  }

  get up() {
    return this.upstreams.get('up');
  }

  async connect({ from, port = this.port } = {}) {
    const client = new TcpConn(await dial(port, '127.0.0.1', from));
    this.clients.push(client);
    return client;
  }

  fact(name, value) {
    this.#extra[name] = value;
  }

  time(name, since) {
    this.fact(name, { ms: now() - since });
  }

  async #stats() {
    const { name } = this.scenario;
    const own = `^(tcp|http)\\.${name}\\.|^cluster\\.${name}-|^listener\\.${name}\\.`;
    const short = new Map();
    for (const [key, value] of await this.target.stats(own)) {
      short.set(
        key
          .replace(`tcp.${name}.`, 'tcp.')
          .replace(`http.${name}.`, 'http.')
          .replace(`cluster.${name}-`, 'cluster.')
          .replace(`listener.${name}.`, 'listener.'),
        value,
      );
    }
    return short;
  }

  async stat(name) {
    return (await this.#stats()).get(name) ?? 0;
  }

  async untilStat(name, value, ms = 3000) {
    for (const begin = now(); now() - begin < ms; await sleep(20)) if ((await this.stat(name)) >= value) return true;
    return false;
  }

  #lines(suffix) {
    let text = '';
    try {
      text = readFileSync(`${this.logFile}${suffix}`, 'utf8');
    } catch {
      return [];
    }
    const names = Object.keys(LOG_FIELDS);
    return text
      .split('\n')
      .filter((line) => line.split('\t').length === names.length)
      .map((line) => {
        const row = Object.fromEntries(line.split('\t').map((value, i) => [names[i], value]));
        if (this.scenario.timed) row.duration = { ms: Number(row.duration) };
        else delete row.duration;
        row.cluster = row.cluster.replace(`${this.scenario.name}-`, '');
        row.host = row.host.replace(/:(\d+)$/, (all, port) => (this.#ports.has(Number(port)) ? ':PORT' : all));
        return row;
      });
  }

  async settle() {
    const { leavesActive = 0 } = this.scenario;
    for (const begin = now(); now() - begin < SETTLE; await sleep(25)) {
      const stats = await this.#stats();
      if (
        (stats.get('listener.downstream_cx_active') ?? 0) <= leavesActive &&
        (stats.get('listener.downstream_pre_cx_active') ?? 0) <= leavesActive
      )
        break;
    }
    await sleep(90);
  }

  async facts() {
    const client = this.clients.map((each) => each.facts());
    const upstream = {};
    for (const [label, each] of this.upstreams) if (each.facts() !== null) upstream[label] = each.facts();
    const stats = {};
    for (const [name, value] of [...(await this.#stats())].sort()) {
      if (value !== 0 && !UNCOMPARED.test(name)) stats[name] = value;
    }
    return { client, upstream, log: this.#lines(''), listener: this.#lines('.listener'), stats, extra: this.#extra };
  }

  close() {
    for (const client of this.clients) client.destroy();
    for (const upstream of this.upstreams.values()) upstream.close();
  }
}

/** Statistics of the configuration, of time, or of HTTP that other scenarios compare. */
const UNCOMPARED =
  /_ms$|length|membership|\.lb_|update_|version|assignment|remaining|max_host_weight|warming|bytes_processed|per_socket_event|tracing|rq_200$|\.(external|internal|canary)\.|^http\.|listener\.http\.|match_count|bytes_buffered/;
