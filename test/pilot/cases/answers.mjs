/**
 * Runs the cases that have probes: the bootstrap that `halfopen envoy` prints is given to a proxy, with a loopback port for each
 * endpoint, and the answers are gathered.
 *
 *     node test/pilot/cases/answers.mjs --envoy BINARY [--record] [--only TEXT]
 *
 * runs real Envoy and compares with answers.json, or records it. `npm test` compares halfopen with the same recording.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readKubeDocuments } from '../../../dist/config/kube-documents.js';
import { Findings } from '../../../dist/pilot/finding.js';
import { generate } from '../../../dist/pilot/translate.js';
import { runnableBootstrap } from '../../../dist/server/load.js';
import { untilListening } from '../../integration/proxy.mjs';
import { CASES } from './cases.mjs';
import { LABELS, textOf } from './configuration.mjs';

const GOLDEN = new URL('answers.json', import.meta.url);
/** Ports of endpoints as the cases write them. */
const ENDPOINTS = { 9001: 'v1', 9002: 'v2', 9003: 'other', 9004: 'rpc' };
/** Headers that differ from run to run, or that say nothing about routing. */
const PASSING = new Set([
  ...['date', 'x-envoy-upstream-service-time', 'connection', 'keep-alive', 'transfer-encoding', 'content-length'],
  ...['x-request-id', 'x-probe', 'x-lab', 'user-agent', 'accept', 'x-forwarded-for'],
]);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const kept = (headers) =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !PASSING.has(name))
      .sort(),
  );

/** Headers of a request as an upstream saw them; what is left of the time for a further try depends on its back-off. */
function seenHeaders(headers) {
  const out = kept(headers);
  if (out['x-envoy-attempt-count'] !== '1') delete out['x-envoy-expected-rq-timeout-ms'];
  return out;
}

/** One server per endpoint. `x-lab` steers them: `status=N`, `delay=MS`, `reset`. */
export async function startUpstreams() {
  const seen = [];
  const servers = [];
  const ports = {};
  for (const [written, name] of Object.entries(ENDPOINTS)) {
    const server = createServer((req, res) => {
      const { 'x-lab': lab = '', 'x-probe': probe } = req.headers;
      seen.push({
        probe,
        at: name,
        method: req.method,
        url: req.url,
        host: req.headers.host,
        headers: seenHeaders(req.headers),
      });
      if (lab === 'reset') {
        req.socket.resetAndDestroy();
        return;
      }
      const [what, value] = lab.split('=');
      const answer = () => {
        res.writeHead(what === 'status' ? Number(value) : 200, { 'x-endpoint': name });
        res.end(name);
      };
      if (what === 'delay') setTimeout(answer, Number(value)).unref();
      else answer();
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    ports[written] = server.address().port;
  }
  const close = () => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  };
  return { seen, ports, close };
}

/** The bootstrap of a case; 80 and 9090 stand on the ports of `listeners`. */
function bootstrapOf(name, ports, listeners) {
  const { docs } = readKubeDocuments('case.yaml', textOf(name));
  const findings = new Findings();
  const made = generate(docs, { profile: 'istio-current', proxyLabels: LABELS, portMap: listeners }, findings);
  const refused = findings.list.find((f) => f.severity === 'error');
  if (refused !== undefined) throw new Error(`${name}: ${refused.path}: ${refused.message}`);
  const text = JSON.stringify(runnableBootstrap(made, null));
  return text.replace(/"port_value":(900[1-4])\b/g, (_, written) => `"port_value":${ports[written]}`);
}

/** Below the ports that outgoing connections take by themselves, any of which may come between choosing and listening. */
let next = 18_000 + (process.pid % 50) * 200;

/** A free port that was not given before. */
async function another() {
  for (;;) {
    const port = next++;
    const server = createTcpServer();
    const free = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

/** Starts a proxy with all of the cases: each has listeners of its own, and its number before the names of its clusters. */
export async function startProxy(names, argv, upstreams) {
  const folder = mkdtempSync(join(tmpdir(), 'halfopen-answers-'));
  const ports = {};
  let whole = null;
  for (const [i, name] of names.entries()) {
    const listeners = { 80: await another(), 81: await another(), 9090: await another() };
    ports[name] = listeners[80];
    const own = bootstrapOf(name, upstreams.ports, listeners).replaceAll(
      /"(outbound\||BlackHoleCluster|PassthroughCluster)/g,
      `"c${i}.$1`,
    );
    const bootstrap = JSON.parse(own);
    for (const listener of bootstrap.static_resources.listeners) listener.name = `l${i}.${listener.name}`;
    whole ??= { ...bootstrap, static_resources: { listeners: [], clusters: [] } };
    whole.static_resources.listeners.push(...bootstrap.static_resources.listeners);
    whole.static_resources.clusters.push(...bootstrap.static_resources.clusters);
  }
  const config = join(folder, 'bootstrap.json');
  writeFileSync(config, JSON.stringify(whole));
  const [command, ...args] = argv.map((arg) => arg.replace('{config}', config));
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (text) => {
    log += text;
  });
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  const listening = Promise.all(Object.values(ports).map((port) => untilListening(port)));
  await Promise.race([listening, ended.then(() => Promise.reject(new Error(log)))]);
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  };
  return { ports, stop };
}

function ask(port, probe, id) {
  const begin = Date.now();
  return new Promise((resolve) => {
    const { method = 'GET', path, host = 'server.test', headers, body } = probe;
    const req = request({
      port,
      host: '127.0.0.1',
      method,
      path,
      agent: false,
      headers: { ...headers, host, 'x-probe': id },
    });
    const rounded = () => Math.round((Date.now() - begin) / 100) * 100;
    req.on('error', (error) => resolve({ error: error.code, ms: rounded() }));
    req.on('response', async (res) => {
      const parts = [];
      res.on('data', (part) => parts.push(part));
      res.on('error', () => {});
      res.on('close', () => {
        const text = Buffer.concat(parts).toString();
        resolve({ status: res.statusCode, headers: kept(res.headers), body: text.slice(0, 200), ms: rounded() });
      });
    });
    req.end(body);
  });
}

/** Answers of one case by a proxy. */
export async function answersOf(name, proxy, upstreams) {
  const port = proxy.ports[name];
  const out = [];
  for (const [i, probe] of CASES[name].probes.entries()) {
    const id = `${name} ${i}`;
    const answer = await ask(port, probe, id);
    // A mirrored request may come after the answer.
    if (name.includes('mirror')) await sleep(150);
    const seen = upstreams.seen.filter((s) => s.probe === id).map(({ probe: _, ...rest }) => rest);
    seen.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    out.push(JSON.parse(JSON.stringify({ ...answer, seen }).replaceAll(`:${port}`, ':80')));
  }
  return out;
}

/** Where an answer differs from the recorded one; empty when it does not. */
export function difference(want, got) {
  // A busy machine makes any answer late; only where a timer decides must it not be later than the next one would fire.
  const wrong = got.ms < want.ms - 250 || (want.ms >= 200 && got.ms > want.ms + 500);
  const late = wrong ? [`ms: ${want.ms} and ${got.ms}`] : [];
  const plain = ({ ms: _, ...rest }) => JSON.stringify(rest);
  return plain(want) === plain(got) ? late : [`recorded ${plain(want)}`, `got      ${plain(got)}`];
}

export const probed = () => Object.keys(CASES).filter((name) => CASES[name].probes.length > 0);

async function main(args) {
  const value = (flag) => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
  const argv = [value('--envoy'), '-c', '{config}', '--concurrency', '1', '--disable-hot-restart', '-l', 'error'];
  const names = probed().filter((name) => name.includes(value('--only') ?? ''));
  const golden = args.includes('--record') ? null : JSON.parse(readFileSync(GOLDEN, 'utf8'));
  const upstreams = await startUpstreams();
  const proxy = await startProxy(names, argv, upstreams);
  const recorded = {};
  let failed = 0;
  for (const name of names) {
    const answers = await answersOf(name, proxy, upstreams);
    recorded[name] = answers;
    const found = golden === null ? [] : answers.flatMap((answer, i) => difference(golden[name][i], answer));
    if (found.length > 0) {
      failed++;
      process.stdout.write(`${name}\n  ${found.join('\n  ')}\n`);
    }
  }
  await proxy.stop();
  upstreams.close();
  if (golden === null) {
    const lines = Object.entries(recorded).map(
      ([name, answers]) => ` ${JSON.stringify(name)}: ${JSON.stringify(answers)}`,
    );
    writeFileSync(GOLDEN, `{\n${lines.join(',\n')}\n}\n`);
  }
  process.stdout.write(`${names.length - failed} of ${names.length} cases as recorded\n`);
  return failed === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await main(process.argv.slice(2)));
