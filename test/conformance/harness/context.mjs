import { readFileSync } from 'node:fs';
import { NameServer } from '../peers/dns.mjs';
import { H1Client } from '../peers/h1.mjs';
import { H2Client } from '../peers/h2.mjs';
import { Plug } from '../peers/plug.mjs';
import { dial } from '../peers/socket.mjs';
import { Upstream } from '../peers/upstream.mjs';
import { now, sleep } from '../peers/watch.mjs';
import { cluster, LOG_FIELDS, listener } from './boot.mjs';
import { freePort } from './ports.mjs';

/** How long after the script the facts may still settle: streams end, log lines are flushed. */
const SETTLE = 1500;

function makeUpstream({ kind, proto, peer, handler }) {
  if (kind === 'plug') return new Plug(proto, peer);
  if (kind === 'names') return new NameServer(handler, peer);
  return new Upstream(kind ?? proto, handler, peer ?? {});
}

/** What a scenario works with while it runs, and what it leaves behind as facts. */
export class Context {
  clients = [];
  upstreams = new Map();
  #extra = {};
  #ports = new Map();

  constructor(scenario, logFile) {
    this.scenario = scenario;
    this.logFile = logFile;
  }

  /** Opens the upstreams and returns this scenario's share of the bootstrap. */
  async prepare() {
    const { scenario } = this;
    this.port = await freePort();
    this.#ports.set(this.port, 'listener');
    const clusters = [];
    const all = {};
    for (const [name, spec] of Object.entries(scenario.upstreams)) {
      const endpoints = [];
      for (const host of spec.hosts ?? ['127.0.0.1']) {
        const port = spec.samePort && endpoints.length > 0 ? endpoints[0].port : await freePort();
        endpoints.push({ host, port });
      }
      for (const { port } of endpoints) this.#ports.set(port, name);
      all[name] = endpoints;
    }
    const ports = Object.fromEntries(Object.entries(all).map(([name, [{ port }]]) => [name, port]));
    for (const [name, given] of Object.entries(scenario.upstreams)) {
      const endpoints = all[name];
      const spec = typeof given.cluster === 'function' ? { ...given, cluster: given.cluster(ports) } : given;
      if (spec.kind !== 'refused') {
        const { host, port } = endpoints[0];
        const upstream = makeUpstream(spec);
        await upstream.listen(spec.samePort ? '0.0.0.0' : host, port);
        this.upstreams.set(name, upstream);
      }
      clusters.push(cluster(`${scenario.name}-${name}`, spec.kind === 'none' ? [] : endpoints, spec.proto, spec));
    }
    const clusterName = `${scenario.name}-up`;
    return { listener: listener(scenario.name, this.port, this.logFile, { ...scenario, clusterName }), clusters };
  }

  start(target) {
    this.target = target;
    this.startedAt = now();
  }

  get up() {
    return this.upstreams.get('up');
  }

  /** A client connection of the scenario's downstream protocol. */
  async connect(options = {}) {
    const socket = await dial(this.port, '127.0.0.1', options.from);
    const Client = (options.proto ?? this.scenario.down) === 'h2' ? H2Client : H1Client;
    const client = new Client(socket, { ...this.scenario.client, ...options });
    this.clients.push(client);
    return client;
  }

  /** One request on a connection of its own, to its end. */
  async once(path, request = {}) {
    const client = await this.connect();
    const exchange = client.request({ path, ...request });
    await exchange.done();
    return exchange;
  }

  /** A fact beside those that are collected anyway. Times are given as {ms}. */
  fact(name, value) {
    this.#extra[name] = value;
  }

  /** The outcome of a race: any of the values that Envoy ever gave is right. */
  toss(name, values) {
    this.#extra[name] = { any_of: [...new Set(values)].sort() };
  }

  /** Milliseconds since `since`, as a fact. */
  time(name, since) {
    this.fact(name, { ms: now() - since });
  }

  async stat(name) {
    return (await this.#stats()).get(name) ?? 0;
  }

  /** Waits until a counter or gauge (`http.x`, `cluster.up.x`) has reached `value`. */
  async untilStat(name, value, ms = 3000) {
    for (const begin = now(); now() - begin < ms; await sleep(20)) {
      if ((await this.stat(name)) >= value) return true;
    }
    return false;
  }

  /** This scenario's statistics under short names: `http.NAME`, `cluster.UPSTREAM.NAME`, `codec.NAME` when alone. */
  async #stats() {
    const { name, alone, upstreams } = this.scenario;
    const clusters = Object.keys(upstreams).join('|');
    const own = `^(http\\.${name}\\.|cluster\\.${name}-(${clusters})\\.)${alone ? '|^http[12]\\.' : ''}`;
    const short = new Map();
    for (const [key, value] of await this.target.stats(own)) {
      const brief = key
        .replace(`http.${name}.`, 'http.')
        .replace(`cluster.${name}-`, 'cluster.')
        .replace(/^(http[12]\.)/, 'codec.$1');
      short.set(brief, value);
    }
    return short;
  }

  #log() {
    let text = '';
    try {
      text = readFileSync(this.logFile, 'utf8');
    } catch {
      return [];
    }
    const names = Object.keys(LOG_FIELDS);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const row = Object.fromEntries(line.split('\t').map((value, i) => [names[i], value]));
        row.duration = { ms: Number(row.duration) };
        row.cluster = row.cluster.replace(`${this.scenario.name}-`, '');
        row.host = row.host.replace(/:(\d+)$/, (all, port) => (this.#ports.has(Number(port)) ? ':PORT' : all));
        return row;
      })
      .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  }

  /** `text` with the ports of the scenario's own sockets as `:PORT`. */
  #named(text) {
    return text.replaceAll(/(?<=[\w\].]):(\d+)\b/g, (all, port) => (this.#ports.has(Number(port)) ? ':PORT' : all));
  }

  /** Lines of a log of the scenario's own, with the ports of its peers named. */
  #ownLines(suffix) {
    let text = '';
    try {
      text = readFileSync(`${this.logFile}.${suffix}`, 'utf8');
    } catch {
      return [];
    }
    return this.#named(text).replaceAll(`${this.scenario.name}-`, '').split('\n').slice(0, -1);
  }

  /** Waits until every stream that ended is in the log and the numbers stand still. */
  async settle() {
    for (const begin = now(); now() - begin < SETTLE; await sleep(25)) {
      const stats = await this.#stats();
      const ended = (stats.get('http.downstream_rq_total') ?? 0) - (stats.get('http.downstream_rq_active') ?? 0);
      if (
        (stats.get('http.downstream_rq_active') ?? 0) <= (this.scenario.leavesActive ?? 0) &&
        this.#log().length >= ended
      )
        break;
    }
    await sleep(40);
  }

  async facts() {
    const client = {};
    this.clients.forEach((each, i) => {
      const exchanges = {};
      for (const exchange of each.exchanges) {
        let label = exchange.path;
        for (let n = 2; label in exchanges; n += 1) label = `${exchange.path} (${n})`;
        exchanges[label] = exchange.facts();
      }
      const connection = each.facts();
      if (each.end === 'fin' || each.end === 'rst') connection.after = { ms: each.endAt - each.lastEnd };
      client[`connection ${i + 1}`] = { exchanges, connection };
    });
    const upstream = {};
    for (const [name, each] of this.upstreams) {
      const facts = each.facts();
      if (facts !== null) upstream[name] = facts;
    }
    const stats = {};
    for (const [name, value] of [...(await this.#stats())].sort()) {
      if (value !== 0 && !UNCOMPARED.test(name)) stats[name] = value;
    }
    const { lines, upstreamLines } = this.scenario;
    const extra = { ...this.#extra };
    if (lines) extra.lines = this.#ownLines('lines');
    if (upstreamLines) extra.upstreamLines = this.#ownLines('upstream');
    return { ...JSON.parse(this.#named(JSON.stringify({ client, upstream }))), log: this.#log(), stats, extra };
  }

  close() {
    for (const client of this.clients) client.destroy();
    for (const upstream of this.upstreams.values()) upstream.close();
  }
}

/** Statistics that count bytes, time, or the state of the configuration rather than what happened to a request. */
const UNCOMPARED =
  /bytes|_ms$|_time$|length|membership|\.lb_|update_|version|assignment|circuit_breakers\..*remaining|max_host_weight|nghttp2|warming|\.(external|internal|canary)\.|dropped_headers|pending_send|deferred|streams_active|lb_|rq_200$|tunnel|init_fetch|retry_or_shadow|shadow|rds\.|tracing|match_count/;
