#!/usr/bin/env node
/**
 * CPU time per proxied request, side by side.
 *
 *   npm run bench -- [LANE...] [--rounds 3] [--seconds 4] [--only halfopen,envoy] [--target 'COMMAND {config}'] [--json FILE]
 *
 * LANE: h1, h1-headers, h2, h2-narrow, h2-h1 (all). ENVOY names the Envoy binary. See README.md for what is measured.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { drive, residentMiB, runTime } from './load.mjs';
import { contenders, LANES, PORTS, ROOT, unrunnable } from './peers.mjs';

const WARM_UP = 2;
const SATURATED = 0.9;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    only: { type: 'string' },
    target: { type: 'string', default: `${process.execPath} ${join(ROOT, 'bin/halfopen')} run -c {config}` },
    json: { type: 'string' },
  },
});
const lanes = positionals.length === 0 ? Object.keys(LANES) : positionals;
for (const lane of lanes)
  if (!(lane in LANES)) throw new Error(`${lane} is no lane; there are ${Object.keys(LANES).join(', ')}`);
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function start(core, [program, ...args]) {
  const child = spawn('taskset', ['-c', String(core), program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  child.said = '';
  child.stderr.on('data', (text) => {
    child.said = (child.said + text).slice(-400);
  });
  child.ended = new Promise((resolve) => child.once('exit', resolve));
  return child;
}

async function stop(child) {
  child.kill('SIGTERM');
  const stubborn = setTimeout(() => child.kill('SIGKILL'), 4000);
  await child.ended;
  clearTimeout(stubborn);
}

async function listening(port, ms = 15000) {
  for (const begin = Date.now(); Date.now() - begin < ms; await sleep(50)) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return true;
  }
  return false;
}

/** One proxy, once: started on core 0, warmed up, measured. */
async function measure(lane, { name, command, port }) {
  const child = start(0, command);
  try {
    if (!(await listening(port))) return { name, failed: `does not listen: ${child.said.trim().split('\n').pop()}` };
    await sleep(500);
    await drive(lane, port, WARM_UP);
    const before = runTime(child.pid);
    const begin = performance.now();
    const { requests, bad, p50, p99 } = await drive(lane, port, seconds);
    const busy = runTime(child.pid) - before;
    const wall = (performance.now() - begin) / 1000;
    if (requests === 0) return { name, failed: 'answers nothing' };
    return {
      name,
      micros: busy / 1000 / requests,
      rate: requests / wall,
      used: busy / 1e9 / wall,
      resident: residentMiB(child.pid),
      bad,
      p50,
      p99,
    };
  } finally {
    await stop(child);
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function report(lane, rows, absent) {
  process.stdout.write(
    `\n${lane.padEnd(12)}  us/request      min   requests/s  core used   p50 ms   p99 ms   MiB   bad\n`,
  );
  const medians = new Map();
  for (const name of new Set(rows.map((row) => row.name))) {
    const good = rows.filter((row) => row.name === name && row.failed === undefined);
    if (good.length === 0) {
      process.stdout.write(`${name.padEnd(12)}  ${rows.find((row) => row.name === name).failed}\n`);
      continue;
    }
    const of = (field) => median(good.map((row) => row[field]));
    medians.set(name, of('micros'));
    const columns = [
      of('micros').toFixed(1).padStart(10),
      Math.min(...good.map((row) => row.micros))
        .toFixed(1)
        .padStart(8),
      of('rate').toFixed(0).padStart(12),
      `${of('used').toFixed(2)}${of('used') < SATURATED ? '*' : ' '}`.padStart(10),
      of('p50').toFixed(2).padStart(8),
      of('p99').toFixed(2).padStart(8),
      of('resident').toFixed(0).padStart(5),
      String(good.reduce((sum, row) => sum + row.bad, 0)).padStart(5),
    ];
    process.stdout.write(`${name.padEnd(12)}  ${columns.join(' ')}\n`);
  }
  const own = medians.get('halfopen');
  if (own !== undefined) {
    const ratios = [...medians]
      .filter(([name]) => name !== 'halfopen')
      .map(([name, other]) => `${(own / other).toFixed(2)} of ${name}`);
    if (ratios.length > 0) process.stdout.write(`halfopen takes ${ratios.join(', ')}\n`);
  }
  for (const { name, reason } of absent) process.stdout.write(`missing: ${name}: ${reason}\n`);
}

const folder = mkdtempSync(join(tmpdir(), 'bench-'));
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const upstreams = [
  start(1, [process.execPath, here('upstream-h1.mjs'), String(PORTS.up1)]),
  start(1, [process.execPath, here('upstream-h2.mjs'), String(PORTS.up2)]),
];
const results = {};
try {
  for (const port of [PORTS.up1, PORTS.up2])
    if (!(await listening(port))) throw new Error(`no upstream on port ${port}`);
  for (const lane of lanes) {
    const reason = unrunnable(lane);
    if (reason !== null) {
      process.stdout.write(`\n${lane}: not measured: ${reason}\n`);
      process.exitCode = 1;
      continue;
    }
    const { found, absent } = contenders(lane, folder, options.target);
    const wanted = found.filter(({ name }) => options.only === undefined || options.only.split(',').includes(name));
    const rows = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const each of wanted) rows.push(await measure(lane, each));
    }
    results[lane] = rows;
    report(lane, rows, absent);
  }
  process.stdout.write(
    `\nMedians of ${rounds} interleaved rounds of ${seconds} s. * the proxy was not saturated: the rate says nothing.\n`,
  );
} finally {
  await Promise.all(upstreams.map(stop));
  rmSync(folder, { recursive: true, force: true });
  if (options.json) writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`);
}
