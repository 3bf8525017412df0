import { parseArgs } from 'node:util';
import { type FieldRef, formatPosition } from '../config/position.js';
import { loadConfiguration } from '../server/load.js';
import { command, PROXY_FLAGS, PROXY_USAGE, translateOptions, UsageError } from './documents.js';
import { type AskedRequest, type Effective, effective } from './effective.js';
import { type Stall, stallsOf, winners } from './stalls.js';

const USAGE = `usage: halfopen explain [options] --url URL FILE...

  Tells which route and cluster a request meets, every timer that holds for it with the line that set it, and which timer
  fires first in each kind of stall. FILE is Istio and Kubernetes documents or an Envoy bootstrap, or a folder of them.

      --url URL               what is requested, such as http://shop.default/cart?id=1; its port is the listener's (80)
  -H, --header 'NAME: VALUE'  a header of the request; may be repeated
  -X, --method METHOD         GET
      --format FORMAT         text (default) or json
      --port-map 80:8080,...  listener ports for service ports, as for halfopen envoy
${PROXY_USAGE}                              --profile may be repeated, or be all, to compare releases
  -h, --help

exit status: 0, 1 when the configuration is refused or the port has no listener, 2 for wrong flags
`;

/** Releases that made something else of a timeout. */
const ALL = ['istio-1.7', 'istio-1.8', 'istio-1.9.0', 'istio-1.9.1', 'istio-1.10', 'istio-1.24', 'istio-current'];

interface Answer {
  profile: string;
  found: Effective;
  stalls: Stall[];
}

export function main(args: string[]): Promise<number> {
  return command('explain', USAGE, () => run(args));
}

function run(args: string[]): number {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...PROXY_FLAGS,
      profile: { type: 'string', multiple: true },
      url: { type: 'string' },
      header: { type: 'string', short: 'H', multiple: true },
      method: { type: 'string', short: 'X' },
      format: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (positionals.length === 0) throw new UsageError('no file is given');
  if (values.url === undefined) throw new UsageError('--url is missing');
  const format = values.format ?? 'text';
  if (format !== 'text' && format !== 'json') throw new UsageError(`--format: '${format}' is neither text nor json`);
  const asked = askedOf(values.url, values.method ?? 'GET', values.header ?? []);
  const named = values.profile ?? ['istio-current'];
  const profiles = named.includes('all') ? ALL : named;
  const answers: Answer[] = [];
  for (const profile of profiles) {
    const options = translateOptions({ ...values, profile });
    const loaded = loadConfiguration({
      bootstrapPath: null,
      bootstrapYaml: null,
      paths: positionals,
      profile,
      listen: values.listen ?? '127.0.0.1',
      admin: '127.0.0.1:15000',
      translate: options,
    });
    const found = effective(loaded, asked);
    if (found === null) {
      const ports = (loaded.bootstrap.static_resources?.listeners ?? []).map(
        (l) => l.address?.socket_address?.port_value,
      );
      process.stderr.write(
        `halfopen explain: no HTTP listener on port ${asked.port}; there are ${ports.join(', ') || 'none'}\n`,
      );
      return 1;
    }
    answers.push({ profile, found, stalls: stallsOf(found) });
  }
  process.stdout.write(format === 'json' ? json(asked, answers) : text(asked, answers));
  return 0;
}

function askedOf(url: string, method: string, lines: readonly string[]): AskedRequest {
  let parsed: URL;
  try {
    parsed = new URL(url.includes('://') ? url : `http://${url}`);
  } catch {
    throw new UsageError(`--url: '${url}' is no URL`);
  }
  const headers = lines.map((line): [string, string] => {
    const at = line.indexOf(':', 1);
    if (at < 1) throw new UsageError(`--header: '${line}' is not of the form NAME: VALUE`);
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  });
  const port = parsed.port === '' ? (parsed.protocol === 'https:' ? 443 : 80) : Number(parsed.port);
  return { method: method.toUpperCase(), port, host: parsed.host, path: parsed.pathname + parsed.search, headers };
}

function duration(ms: number): string {
  return ms === 0 ? 'off' : ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** Where a field was written, and which field of which document it is. */
function source(ref: FieldRef): string {
  return ref.position === null ? ref.path : `${ref.path} at ${formatPosition(ref.position)}`;
}

function text(asked: AskedRequest, answers: readonly Answer[]): string {
  const out: string[] = [`${asked.method} ${asked.host}${asked.path} on port ${asked.port}`];
  for (const { profile, found, stalls } of answers) {
    out.push('', `profile ${profile} (replies as ${found.profile.name})`);
    out.push(
      `  listener ${found.listener}, virtual host ${found.virtualHost === '' ? 'none: 404 NR' : found.virtualHost}`,
    );
    for (const note of found.notes) out.push(`  note: ${note}`);
    if (found.action === 'none') {
      if (found.virtualHost !== '') out.push('  no route takes it: 404 NR');
      continue;
    }
    out.push(`  route ${found.route === '' ? '(unnamed)' : found.route}: ${source(found.routeRef)}`);
    if (found.action !== 'route') {
      out.push(`  answered here: ${found.action === 'redirect' ? 'redirect' : 'direct response'}`);
      continue;
    }
    for (const cluster of found.clusters) {
      const weight = cluster.weight === null ? '' : ` (weight ${cluster.weight})`;
      const state = !cluster.known
        ? 'does not exist: 503 NC'
        : cluster.endpoints.length === 0
          ? 'no endpoints: 503 UH'
          : cluster.endpoints.join(', ');
      out.push(`  cluster ${cluster.name}${weight}: ${state}`);
    }
    out.push(`  retries: ${found.retries}`, '  timers:');
    for (const timer of Object.values(found.timers)) {
      const off = timer.ms === 0 && timer.ref.position === null;
      out.push(
        `    ${timer.name.padEnd(28)} ${duration(timer.ms).padStart(8)}  ${off ? '' : source(timer.ref)}`.trimEnd(),
      );
      if (timer.ms > 0) out.push(`${' '.repeat(43)}starts ${timer.starts}`);
    }
    out.push('  what fires first when');
    for (const stall of stalls) out.push(...stallLines(stall));
  }
  return `${out.join('\n')}\n`;
}

function stallLines(stall: Stall): string[] {
  const first = winners(stall);
  const lines = [`    ${stall.what}:`];
  if (first.length === 0) lines.push('      nothing: it waits until the peer or the kernel gives up');
  for (const { timer, after, answer } of first) lines.push(`      ${timer.name} after ${duration(after)}: ${answer}`);
  if (first.length > 1) lines.push('      equal timers: which of them answers is left to chance');
  return lines;
}

function json(asked: AskedRequest, answers: readonly Answer[]): string {
  const where = (ref: FieldRef) => ({ field: ref.path, ...(ref.position ?? { file: null, line: null, col: null }) });
  const profiles = answers.map(({ profile, found, stalls }) => ({
    profile,
    replies: found.profile.name,
    listener: found.listener,
    virtualHost: found.virtualHost,
    route: found.route,
    action: found.action,
    writtenAt: where(found.routeRef),
    clusters: found.clusters,
    retries: found.retries,
    notes: found.notes,
    timers: Object.values(found.timers).map(({ name, ms, starts, ref }) => ({ name, ms, starts, setBy: where(ref) })),
    stalls: stalls.map((stall) => ({
      what: stall.what,
      first: winners(stall).map((e) => ({ timer: e.timer.name, afterMs: e.after, answer: e.answer })),
      all: stall.ends.map((e) => ({ timer: e.timer.name, afterMs: e.after, answer: e.answer })),
    })),
  }));
  return `${JSON.stringify({ request: asked, profiles }, null, 1)}\n`;
}
