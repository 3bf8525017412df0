import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import type * as Yaml from 'yaml';
import { gather } from '../config/error.js';
import { Findings } from '../pilot/finding.js';
import { generate } from '../pilot/translate.js';
import { adminAddress, errorOf, runnableBootstrap } from '../server/load.js';
import { command, PROXY_FLAGS, PROXY_USAGE, readFiles, translateOptions, UsageError } from './documents.js';

const USAGE = `usage: halfopen envoy [options] FILE...

  Prints the Envoy v3 bootstrap that Istio and Kubernetes documents come to, for real Envoy 1.40 as well as for
  \`halfopen run -c\`: one listener per port of the services, endpoints in their clusters, no control plane.
  FILE is a file (.yaml, .yml, .json), a folder of them, or - for standard input.

${PROXY_USAGE}      --listen ADDRESS        address of the listeners (127.0.0.1)
      --port-map 80:8080,...  listener ports for service ports; others keep their number
      --admin HOST:PORT       admin address (127.0.0.1:15000); off writes none
      --format FORMAT         yaml (default) or json
      --keep-refused          translate documents that istiod would refuse all the same
  -h, --help

exit status: 0, 1 when a document has a mistake or asks for what is not supported (nothing is printed), 2 for wrong flags
`;

export function main(args: string[]): Promise<number> {
  return command('envoy', USAGE, () => run(args));
}

function run(args: string[]): number {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...PROXY_FLAGS,
      admin: { type: 'string' },
      format: { type: 'string' },
      'keep-refused': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (positionals.length === 0) throw new UsageError('no file is given');
  const format = values.format ?? 'yaml';
  if (format !== 'yaml' && format !== 'json') throw new UsageError(`--format: '${format}' is neither yaml nor json`);
  const admin = values.admin === 'off' ? null : adminAddress(values.admin ?? '127.0.0.1:15000');
  const options = { ...translateOptions(values), keepRefused: values['keep-refused'] === true };
  const { docs, errors } = readFiles(positionals);
  const findings = new Findings();
  const generated = generate(docs, options, findings);
  for (const finding of findings.list) {
    const kept = options.keepRefused && (finding.rule === 'schema' || finding.rule === 'admission');
    if (finding.severity === 'error' && !kept) errors.push(errorOf(finding));
    else process.stderr.write(`warning: ${errorOf(finding).message}\n`);
  }
  if (errors.length > 0) throw gather(errors);
  process.stdout.write(print(runnableBootstrap(generated, admin), format));
  return 0;
}

function print(document: object, format: 'yaml' | 'json'): string {
  if (format === 'json') return `${JSON.stringify(document, null, 2)}\n`;
  const yaml = createRequire(import.meta.url)('yaml') as typeof Yaml;
  return yaml.stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 });
}
