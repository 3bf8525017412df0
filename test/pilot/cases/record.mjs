/**
 * Records what istiod makes of the cases: `node test/pilot/cases/record.mjs ISTIO_ORACLE`, a program that prints it
 * (`--batch FOLDER OUT`).
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CASES } from './cases.mjs';
import { changes, LABELS, parts, textOf } from './configuration.mjs';

const folder = mkdtempSync(join(tmpdir(), 'halfopen-cases-'));
const [from, to] = [join(folder, 'in'), join(folder, 'out')];
mkdirSync(from);
mkdirSync(to);
const labels = Object.entries(LABELS).map(([key, value]) => `${key}=${value}`);
const names = Object.keys(CASES);
for (const [i, name] of names.entries()) {
  writeFileSync(join(from, `${i}.yaml`), `# oracle: --direction outbound --proxy-labels ${labels}\n${textOf(name)}`);
}
execFileSync(process.argv[2], ['--batch', from, to], { stdio: ['ignore', 'ignore', 'inherit'] });
const golden = {};
let base = null;
for (const [i, name] of names.entries()) {
  const { routes, clusters, endpoints, errors } = JSON.parse(readFileSync(join(to, `${i}.json`), 'utf8'));
  if (errors?.length > 0) process.stderr.write(`${name}: ${JSON.stringify(errors)}\n`);
  const own = parts(routes ?? [], clusters ?? [], endpoints ?? []);
  golden[name] = base === null ? own : changes(base, own);
  base ??= own;
}
const lines = Object.entries(golden).map(([name, value]) => ` ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
writeFileSync(new URL('configuration.json', import.meta.url), `{\n${lines.join(',\n')}\n}\n`);
rmSync(folder, { recursive: true });
