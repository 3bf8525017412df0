/** A proxy under random faults on every path for a while; then everything must add up, and nothing may be left over. */
import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cluster, freePort, HALFOPEN, listener, ProxyProcess, sleep } from '../integration/proxy.mjs';
import { runClient, seeded, startServer } from './peers.mjs';

const PAIRS = ['h1-h1', 'h1-h2', 'h2-h1', 'h2-h2'];
const LANES = 6;
const LOG_FORMAT = '%RESPONSE_CODE%\t%UPSTREAM_REQUEST_ATTEMPT_COUNT%\t%RESPONSE_CODE_DETAILS%\n';

/** Listeners of `names`: short clocks, so that every one of them fires; half of the routes retry. */
function configuration(ports, upstreams, refused, log) {
  const listeners = [];
  const clusters = [];
  for (const [i, name] of PAIRS.entries()) {
    const retry_policy = {
      retry_on: '5xx,reset,connect-failure,refused-stream',
      num_retries: 2,
      per_try_timeout: '0.3s',
    };
    const hcm = {
      stream_idle_timeout: '1.5s',
      request_timeout: '1s',
      common_http_protocol_options: { idle_timeout: '1s' },
      drain_timeout: '0.2s',
      delayed_close_timeout: '0.2s',
      access_log: [
        {
          name: 'envoy.access_loggers.file',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
            path: log(name),
            log_format: { text_format_source: { inline_string: LOG_FORMAT } },
          },
        },
      ],
    };
    const route = { timeout: '0.6s', ...(i % 2 === 0 ? { retry_policy } : {}) };
    listeners.push(listener(name, ports[name], name, { hcm, route }));
    const made = cluster(name, upstreams[name].port, name.slice(3));
    made.load_assignment.endpoints[0].lb_endpoints = [
      { endpoint: { address: address(upstreams[name].port) }, load_balancing_weight: 19 },
      { endpoint: { address: address(refused) }, load_balancing_weight: 1 },
    ];
    made.lb_policy = 'LEAST_REQUEST';
    made.circuit_breakers = { thresholds: [{ max_pending_requests: 8, max_requests: 40 }] };
    made.typed_extension_protocol_options[OPTIONS].common_http_protocol_options = {
      idle_timeout: '1s',
      max_requests_per_connection: 50,
    };
    clusters.push(made);
  }
  return { listeners, clusters };
}

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const address = (port) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

/** Sums over the lines of an access log: by class of status, of attempts, without a status, and of connects that failed. */
async function readLog(path) {
  const log = { lines: 0, classes: [0, 0, 0, 0, 0, 0], attempts: 0, unconnected: 0 };
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const [code, attempts, details] = line.split('\t');
    log.lines += 1;
    log.classes[Math.floor(Number(code) / 100)] += 1;
    log.attempts += Number(attempts);
    if (/connection_failure|connection_timeout/.test(details)) log.unconnected += 1;
  }
  return log;
}

async function statsOf(proxy) {
  const stats = new Map();
  for (const line of (await proxy.admin('/stats')).split('\n')) {
    const at = line.lastIndexOf(': ');
    if (at > 0 && /^-?\d+$/.test(line.slice(at + 2))) stats.set(line.slice(0, at), Number(line.slice(at + 2)));
  }
  return stats;
}

const descriptors = ({ child }) => {
  try {
    return readdirSync(`/proc/${child.pid}/fd`).length;
  } catch {
    return Number.NaN;
  }
};

/** Gauges that must be zero when nothing is under way. */
const GAUGES =
  /^(http\.(?!admin)|cluster\.|listener\.(?!admin)|http[12]\.).*(_active|_open|_buffered|pending_send_bytes)$/;

/**
 * Runs for `seconds`; resolves to {requests, problems, report}. `say` hears of the state every half minute.
 * `wait`: how long after the end connections may take to go, ms.
 */
export async function soak({ seconds, seed = 1, say = () => {}, command = HALFOPEN, wait = 6000 }) {
  const random = seeded(seed);
  const ports = {};
  const upstreams = {};
  for (const name of PAIRS) {
    ports[name] = await freePort();
    upstreams[name] = await startServer(name.slice(3), random);
  }
  const refused = await freePort();
  const logs = {};
  const folder = `/tmp/halfopen-soak-${process.pid}`;
  const { mkdirSync, rmSync } = await import('node:fs');
  mkdirSync(folder, { recursive: true });
  const parts = configuration(ports, upstreams, refused, (name) => (logs[name] = join(folder, `${name}.log`)));
  const proxy = await ProxyProcess.start(command, parts);
  const problems = [];
  try {
    const before = descriptors(proxy);
    const seen = Object.fromEntries(PAIRS.map((name) => [name, new Map()]));
    const end = Date.now() + seconds * 1000;
    const stopped = () => Date.now() > end;
    const heap = [];
    const sampling = setInterval(async () => {
      const stats = await statsOf(proxy).catch(() => null);
      if (stats !== null)
        heap.push({ at: Date.now(), heap: stats.get('server.memory_allocated'), open: descriptors(proxy) });
    }, 1000);
    const telling = setInterval(() => {
      const { heap: bytes = 0, open } = heap.at(-1) ?? {};
      say(
        `${Math.round((end - Date.now()) / 1000)} s left, heap ${(bytes / 2 ** 20).toFixed(1)} MiB, ${open} descriptors`,
      );
    }, 30_000);
    const lanes = PAIRS.flatMap((name) =>
      Array.from({ length: LANES }, () => runClient(name.slice(0, 2), ports[name], random, seen[name], stopped)),
    );
    await Promise.all(lanes);
    clearInterval(sampling);
    clearInterval(telling);
    const gone = await untilQuiet(proxy, before, wait);
    if (!gone) problems.push(`${descriptors(proxy)} descriptors are open, ${before} were at the start`);
    const stats = await statsOf(proxy);
    for (const [name, value] of stats)
      if (GAUGES.test(name) && value !== 0) problems.push(`${name} is ${value} at the end`);
    let requests = 0;
    const report = {};
    for (const name of PAIRS) {
      const log = await readLog(logs[name]);
      requests += log.lines;
      account(name, stats, log, seen[name], upstreams[name].count(), problems);
      report[name] = { ...log, seen: Object.fromEntries([...seen[name]].sort()) };
    }
    const growth = growthOf(heap, seconds);
    if (growth !== null && growth.grown > growth.allowed)
      problems.push(
        `the heap grew by ${growth.grown.toFixed(1)} MiB after the warm-up, ${growth.allowed.toFixed(1)} are allowed`,
      );
    return { requests, problems, report: { ...report, heap: growth, descriptors: [before, descriptors(proxy)] } };
  } finally {
    await proxy.stop();
    for (const one of Object.values(upstreams)) one.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function untilQuiet(proxy, before, wait) {
  for (const begin = Date.now(); Date.now() - begin < wait; await sleep(100)) {
    const stats = await statsOf(proxy);
    const active = [...stats].filter(([name]) => GAUGES.test(name)).reduce((sum, [, value]) => sum + value, 0);
    // The connection of the admin request itself may or may not be there.
    if (active === 0 && !(descriptors(proxy) > before + 2)) return true;
  }
  return false;
}

/** What becomes of an attempt that asks a pool. */
const POOL_ANSWERS = [
  'upstream_rq_total',
  'upstream_rq_pending_failure_eject',
  'upstream_rq_cancelled',
  'upstream_rq_pending_overflow',
  'upstream_rq_active_overflow',
];

/** Every request ends once, in one class or with none; every attempt asked a pool once, and the pool gave one answer. */
function account(name, stats, log, seen, received, problems) {
  const http = (key) => stats.get(`http.${name}.${key}`) ?? 0;
  const up = (key) => stats.get(`cluster.${name}.${key}`) ?? 0;
  const equal = (what, a, b) => {
    if (a !== b) problems.push(`${name}: ${what}: ${a} is not ${b}`);
  };
  equal('lines of the access log and downstream_rq_total', log.lines, http('downstream_rq_total'));
  for (let group = 2; group <= 5; group += 1)
    equal(`lines with ${group}xx and downstream_rq_${group}xx`, log.classes[group], http(`downstream_rq_${group}xx`));
  const answered = log.classes.slice(1).reduce((a, b) => a + b, 0);
  equal('answered and unanswered requests, and all', answered + log.classes[0], http('downstream_rq_total'));
  equal('downstream_rq_completed', answered, http('downstream_rq_completed'));
  // As in Envoy, streams that die with their HTTP/2 connection are counted as ejected too; there the log tells connects that failed.
  const given = POOL_ANSWERS.map((key) =>
    key === 'upstream_rq_pending_failure_eject' && name.endsWith('h2') ? log.unconnected : up(key),
  );
  const pools = given.reduce((a, b) => a + b, 0);
  equal(`attempts in the access log and what pools answered (${given.join(' + ')})`, log.attempts, pools);
  if (received > up('upstream_rq_total'))
    problems.push(`${name}: the server received ${received} of ${up('upstream_rq_total')} requests`);
  equal('connections that were made and that ended', up('upstream_cx_total'), up('upstream_cx_destroy'));
  equal('connections that came and that went', http('downstream_cx_total'), http('downstream_cx_destroy'));
  for (let group = 2; group <= 5; group += 1) {
    const told = [...seen].filter(([status]) => status.startsWith(group)).reduce((sum, [, count]) => sum + count, 0);
    if (told > log.classes[group])
      problems.push(`${name}: clients were given ${told} answers ${group}xx, ${log.classes[group]} are counted`);
  }
}

/** Least heap of the second quarter against that of the last, in MiB; null when the run was too short to tell. */
function growthOf(heap, seconds) {
  if (seconds < 60 || heap.length < 20) return null;
  const quarter = Math.floor(heap.length / 4);
  const least = (samples) => Math.min(...samples.map((sample) => sample.heap)) / 2 ** 20;
  const early = least(heap.slice(quarter, 2 * quarter));
  const late = least(heap.slice(-quarter));
  return { early, late, grown: late - early, allowed: Math.max(4, early * 0.15) };
}
