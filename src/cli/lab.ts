import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ConfigError } from '../config/error.js';
import type { Scenario } from '../lab/scenario.js';

const SCENARIOS = fileURLToPath(new URL('../../lab/scenarios', import.meta.url));

const USAGE = `usage: halfopen lab SCENARIO [options]
       halfopen lab list

  Runs a scenario: servers, proxies and callers as processes, a fault, and what everyone saw. SCENARIO is a name from
  "halfopen lab list" or a file; docs/lab.md tells what is in one.

      --topology KIND    namespaces (needs root and ip), user-space, or auto (namespaces when they can be had)
      --fault NAME       only this fault of the scenario (may be repeated)
      --report FILE      write an HTML report with plots
      --json FILE        write everything that was recorded
  -h, --help

  Exit status: 0 when all was as the scenario expects, 1 when not, 2 for wrong usage.
`;

export async function main(args: string[]): Promise<number> {
  const fail = (message: string) => {
    process.stderr.write(`halfopen lab: ${message}\n\n${USAGE}`);
    return 2;
  };
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return fail((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0)
    return fail(name === undefined ? 'no scenario is given' : `what is '${more[0]}'?`);
  const { readScenario } = await import('../lab/scenario-reader.js');
  if (name === 'list') {
    for (const file of scenarioFiles()) {
      const scenario = readScenario(file, readFileSync(join(SCENARIOS, file), 'utf8'));
      process.stdout.write(`${scenario.name.padEnd(15)} ${scenario.title}\n`);
    }
    return 0;
  }
  const topology = values.topology ?? 'auto';
  if (topology !== 'auto' && topology !== 'namespaces' && topology !== 'user-space')
    return fail(`--topology: '${topology}' is none of auto, namespaces, user-space`);
  const path = existsSync(name) ? name : join(SCENARIOS, `${name}.yaml`);
  if (!existsSync(path)) return fail(`there is no scenario '${name}'`);
  let scenario: Scenario;
  try {
    scenario = readScenario(path, readFileSync(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  for (const fault of values.fault ?? [])
    if (!scenario.faults.some((one) => one === fault))
      return fail(`--fault: '${fault}' is none of this scenario's ${scenario.faults.join(', ')}`);
  if (values.fault !== undefined) scenario.faults = scenario.faults.filter((one) => values.fault!.includes(one));
  const { runScenario } = await import('../lab/run.js');
  const { textSummary } = await import('../lab/summary.js');
  const { disappointments } = await import('../lab/verdict.js');
  process.stdout.write(`${scenario.title}\n`);
  const report = await runScenario(scenario, { topology, say: (line) => process.stdout.write(`${line}\n`) });
  process.stdout.write(`${textSummary(report)}\n`);
  if (values.report !== undefined) {
    const { htmlReport } = await import('../lab/report.js');
    writeFileSync(values.report, htmlReport(report));
    process.stdout.write(`\nreport with plots: ${values.report}\n`);
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 1)}\n`);
  return disappointments(report).length === 0 ? 0 : 1;
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      topology: { type: 'string' },
      fault: { type: 'string', multiple: true },
      report: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}

function scenarioFiles(): string[] {
  return readdirSync(SCENARIOS)
    .filter((file) => file.endsWith('.yaml'))
    .sort();
}
