import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const USAGE = `usage: halfopen lab field-report [options]

  Reproduces the field report: a server loses its network behind proxies of several kinds, and shows what each answers,
  what is in their send queues, and what HTTP/2 keepalive changes.

      --topology KIND    namespaces (needs root and ip), user-space, or auto (namespaces when they can be had)
      --report FILE      write an HTML report with plots
      --json FILE        write everything that was recorded
  -h, --help
`;

export async function main(args: string[]): Promise<number> {
  const [scenario, ...rest] = args;
  if (scenario === '--help' || scenario === '-h') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (scenario !== 'field-report') {
    process.stderr.write(
      `halfopen lab: ${scenario === undefined ? 'no scenario is given' : `unknown scenario '${scenario}'`}\n\n${USAGE}`,
    );
    return 2;
  }
  let values: { topology?: string; report?: string; json?: string; help?: boolean };
  try {
    values = parseArgs({
      args: rest,
      options: {
        topology: { type: 'string' },
        report: { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`halfopen lab: ${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const topology = values.topology ?? 'auto';
  if (topology !== 'auto' && topology !== 'namespaces' && topology !== 'user-space') {
    process.stderr.write(`halfopen lab: --topology: '${topology}' is none of auto, namespaces, user-space\n`);
    return 2;
  }
  const { runFieldReport } = await import('../lab/field-report.js');
  const { textSummary } = await import('../lab/summary.js');
  const report = await runFieldReport({ topology, say: (line) => process.stdout.write(`${line}\n`) });
  process.stdout.write(`${textSummary(report)}\n`);
  if (values.report !== undefined) {
    const { htmlReport } = await import('../lab/report.js');
    writeFileSync(values.report, htmlReport(report));
    process.stdout.write(`\nreport with plots: ${values.report}\n`);
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 1)}\n`);
  return 0;
}
