/** The load generators and the scheduler's account of a proxy's processor time. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { LANES } from './peers.mjs';

const HEADERS = [
  'user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'accept-language: en-GB,en;q=0.5',
  'accept-encoding: gzip, deflate, br, zstd',
  'cookie: session=3f8a9c0d7be14c22a1d9f04f5e6b7788; theme=dark',
  'x-request-id: 0d7f4c3a-5ad1-4e57-9f8e-2b1f3f6f9a10',
  'cache-control: no-cache',
  'referer: http://shop.example/cart',
];

/** Runs a program on core 1 and resolves to what it printed. */
function onCoreOne(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn('taskset', ['-c', '1', program, ...args]);
    let text = '';
    child.stdout.on('data', (part) => {
      text += part;
    });
    child.stderr.on('data', (part) => {
      text += part;
    });
    child.once('error', reject);
    child.once('close', () => resolve(text));
  });
}

/** Drives `lane` against `port`: {requests, bad, p50, p99} with latencies in milliseconds (0 where the tool tells none). */
export async function drive(lane, port, seconds) {
  const { tool, connections, streams, headers } = LANES[lane];
  const url = `http://127.0.0.1:${port}/`;
  if (tool === 'wrk') {
    const extra = headers ? HEADERS.flatMap((header) => ['-H', header]) : [];
    const text = await onCoreOne('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', ...extra, url]);
    const bad = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
    const errors = [...(/Socket errors: (.*)/.exec(text)?.[1] ?? '').matchAll(/\d+/g)].reduce(
      (sum, [n]) => sum + Number(n),
      0,
    );
    const latency = (percent) => {
      const [, value, unit] = new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s)`, 'm').exec(text) ?? [];
      return value === undefined ? 0 : Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit];
    };
    const requests = Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
    return { requests, bad: bad + errors, p50: latency(50), p99: latency(99) };
  }
  const args = ['-t1', `-c${connections}`, `-m${streams}`, '-D', String(seconds), '--warm-up-time', '0', url];
  const text = await onCoreOne('h2load', args);
  const [, good = '0', ...others] = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(text) ?? [];
  const errored = Number(/(\d+) errored/.exec(text)?.[1] ?? 0);
  // Requests that are under way when the time is over count as failed, not as errored.
  return { requests: Number(good), bad: errored + others.reduce((sum, n) => sum + Number(n), 0), p50: 0, p99: 0 };
}

function tree(pid) {
  const pids = [pid];
  try {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      const children = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim();
      if (children !== '') for (const child of children.split(' ')) pids.push(...tree(Number(child)));
    }
  } catch {
    // It has ended meanwhile.
  }
  return pids;
}

/**
 * Nanoseconds that all threads of a process and its children have run, by the scheduler's own account. It is exact, unlike
 * the ticks of /proc/PID/stat.
 */
export function runTime(pid) {
  let total = 0;
  for (const each of tree(pid)) {
    try {
      for (const task of readdirSync(`/proc/${each}/task`)) {
        total += Number(readFileSync(`/proc/${each}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
      }
    } catch {
      // It has ended meanwhile.
    }
  }
  return total;
}

export function residentMiB(pid) {
  let kib = 0;
  for (const each of tree(pid)) {
    try {
      kib += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${each}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It has ended meanwhile.
    }
  }
  return kib / 1024;
}
