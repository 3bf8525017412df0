#!/usr/bin/env node
/**
 * The scenarios of the lab with real packet loss; each ends with status 0 when its expectations and the predictions of the timers
 * held. Needs root and `ip`; the two with Go programs need Go. `MINUTES=10` makes the outage of go-2021 that long.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const LIMIT_MS = 1_200_000;

function lab(scenario, ...flags) {
  const args = [join(ROOT, 'bin/halfopen'), 'lab', scenario, '--topology', 'namespaces', ...flags];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: LIMIT_MS });
  process.stdout.write(stdout.slice(stdout.indexOf('What happened')));
  assert.equal(status, 0, stderr);
}

/** Times are measured on a machine that does other things too: a second run decides. */
function twice(scenario, ...flags) {
  try {
    lab(scenario, ...flags);
  } catch (error) {
    process.stdout.write(`${error.message}\nonce more:\n`);
    lab(scenario, ...flags);
  }
}

suite('the lab in network namespaces', () => {
  test('five faults, four cures: times as the timers predict', () => twice('unplugged'));
  test('the same over HTTP/1.1', () => twice('http1'));
  test('uploads that do not fit are 408', () => twice('uploads'));
  test('one of three hosts', () => twice('many-hosts'));
  test('profiles against cures', () => twice('profiles'));

  const noGo = spawnSync('go', ['version']).status !== 0 && 'there is no Go here to build the programs with';
  test('a service of 2021 gets stuck behind its proxy', { skip: noGo }, () => twice('stuck-service'));
  test('a client of 2021 hangs direct and does not through the proxy', { skip: noGo }, () => {
    const minutes = Number(process.env['MINUTES'] ?? 0);
    if (minutes === 0) return twice('go-2021');
    const folder = mkdtempSync(join(tmpdir(), 'go-2021-'));
    try {
      const text = readFileSync(join(ROOT, 'lab/scenarios/go-2021.yaml'), 'utf8');
      const file = join(folder, 'go-2021.yaml');
      writeFileSync(file, text.replace(/^unplugged: .*$/m, `unplugged: ${minutes * 60}s`));
      lab(file);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
