/** The field report by `halfopen lab field-report`, and what must be in it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Send-Q counts as frozen when it stood still for this long before the end of the outage, ms. */
const FROZEN = 1500;
const KEEPALIVE_RECOVERS = 2000;

/** Runs the lab in a `topology` (`namespaces`, `user-space`) and returns its report, the one that `--json` writes. */
export function runFieldReport(topology) {
  const folder = mkdtempSync(join(tmpdir(), 'field-report-'));
  try {
    const file = join(folder, 'report.json');
    const args = [join(ROOT, 'bin/halfopen'), 'lab', 'field-report', '--topology', topology, '--json', file];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: ROOT,
      encoding: 'utf8',
      timeout: 90000,
    });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    return { ...JSON.parse(readFileSync(file, 'utf8')).runs[0], text: stdout };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const rowOf = (report, name) => report.rows.find(({ row }) => row.name === name);

/** [from, to) of a phase, ms since the start. */
function span(report, name) {
  const i = report.phases.findIndex((phase) => phase.name === name);
  assert.ok(i >= 0, `there is no phase ${name}`);
  return [report.phases[i].at, report.phases[i + 1]?.at ?? report.length];
}

/** What small requests that began in a phase were answered: counts by `STATUS first words of the body`. */
function answers(report, name, phase) {
  const [from, to] = span(report, phase);
  const counts = {};
  for (const { kind, at, status, body } of rowOf(report, name).results) {
    if (kind === 'UPLOAD' || at < from || at >= to) continue;
    const key = status === 0 ? 'no answer' : status === 200 ? '200' : `${status} ${body.split(/[.{]/)[0]}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

const says = (counts, start) => Object.keys(counts).some((answer) => answer.startsWith(start));

/** The dead connection: bytes that nobody acknowledges pile up in the kernel and stay there, and TCP calls it ESTABLISHED. */
export function sendQueueGrowsAndFreezes(report) {
  const [from, to] = span(report, 'unplugged');
  for (const name of ['istio-1.8', 'istio-1.10+', 'envoy-1.40']) {
    const queue = rowOf(report, name).queue.filter(({ at }) => at >= from && at < to);
    assert.ok(queue.length >= 10, `${name}: ${queue.length} samples of Send-Q`);
    const peak = Math.max(...queue.map(({ sendQueue }) => sendQueue));
    assert.ok(peak >= 64 * 1024, `${name}: Send-Q rose to ${peak} only`);
    const late = queue.filter(({ at }) => at >= to - FROZEN);
    const sizes = [...new Set(late.map(({ sendQueue }) => sendQueue))];
    assert.ok(sizes.length === 1 && sizes[0] > 0, `${name}: Send-Q still moves at the end: ${sizes}`);
    for (const { established, connections } of late)
      assert.ok(established.length === connections && connections >= 1, name);
  }
}

/** Two timers of one timeout gave the mixture of the report; the release that writes one gives 504 alone. */
export function oldIstioMixesNewOneDoesNot(report) {
  const old = answers(report, 'istio-1.8', 'unplugged');
  assert.ok(
    says(old, '504 upstream request timeout') && says(old, '408 downstream duration timeout'),
    JSON.stringify(old),
  );
  const now = answers(report, 'istio-1.10+', 'unplugged');
  assert.ok(now['504 upstream request timeout'] > 0, JSON.stringify(now));
  for (const answer of Object.keys(now))
    assert.ok(['504 upstream request timeout', 'no answer', '200'].includes(answer), JSON.stringify(now));
}

/** After the network is back, requests through the proxy with HTTP/2 keepalive succeed within 2 s. */
export function keepaliveRecovers(report) {
  const [from, to] = span(report, 'restored');
  const late = rowOf(report, 'keepalive').results.filter(
    ({ kind, at }) => kind !== 'UPLOAD' && at >= from + KEEPALIVE_RECOVERS && at < to,
  );
  assert.ok(late.length > 0, 'no request after the recovery');
  const failed = late.filter(({ status }) => status !== 200);
  assert.equal(failed.length, 0, JSON.stringify(failed.slice(0, 3)));
}
