import { parseArgs } from 'node:util';
import type { KubeError } from '../config/kube-documents.js';
import { parseDuration } from '../pilot/duration.js';
import { resourceOf } from '../pilot/resource.js';
import { hasSchema } from '../pilot/schema/kinds.js';
import { check } from '../pilot/translate.js';
import { judge } from '../pilot/verdict.js';
import { type Checked, jsonReport, type Report, sarifReport, textReport } from './check-report.js';
import { command, PROXY_FLAGS, PROXY_USAGE, readFiles, translateOptions, UsageError } from './documents.js';

const USAGE = `usage: halfopen check [options] FILE...

  Gives istiod's verdict on every document: accepted, warned or refused, by the schema of its resource definition and by
  the rules of istiod's webhook. Says what halfopen does not carry out, what has no effect, and what the arithmetic of the
  timers shows. Each finding has its position, the reason and a cure.
  FILE is a file (.yaml, .yml, .json), a folder of them, or - for standard input.

      --format FORMAT         text (default), json or sarif (SARIF 2.1.0, for code scanning)
      --fail-on LEVEL         what ends with status 1: refused (default), unsupported, warning or advice; each one includes
                              those before it
      --verdicts              verdicts alone, no advice
      --caller-timeout D      what the callers of this proxy wait, such as 10s, for the rules about who gives up first
${PROXY_USAGE}  -h, --help

exit status: 0 nothing of --fail-on, 1 something of it (a document that cannot be read counts as refused), 2 wrong flags
`;

const FORMATS = { text: textReport, json: jsonReport, sarif: sarifReport };
const LEVELS = ['refused', 'unsupported', 'warning', 'advice'] as const;

export function main(args: string[]): Promise<number> {
  return command('check', USAGE, () => run(args));
}

function run(args: string[]): number {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...PROXY_FLAGS,
      format: { type: 'string' },
      'fail-on': { type: 'string' },
      verdicts: { type: 'boolean' },
      'caller-timeout': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (positionals.length === 0) throw new UsageError('no file is given');
  const format = values.format ?? 'text';
  if (!Object.hasOwn(FORMATS, format)) throw new UsageError(`--format: '${format}' is none of text, json, sarif`);
  const level = LEVELS.indexOf((values['fail-on'] ?? 'refused') as (typeof LEVELS)[number]);
  if (level === -1) throw new UsageError(`--fail-on: '${values['fail-on']}' is none of ${LEVELS.join(', ')}`);
  const wait = values['caller-timeout'];
  const callerTimeout = wait === undefined ? undefined : (parseDuration(wait) ?? undefined);
  if (wait !== undefined && callerTimeout === undefined)
    throw new UsageError(`--caller-timeout: '${wait}' is no duration such as 10s or 250ms`);
  const { docs, errors } = readFiles(positionals);
  const documents: Checked[] = docs.map((doc) => {
    const { resource, verdict, findings } = judge(doc);
    const { kind, namespace, name, apiVersion } = resource;
    return { position: doc.position, apiVersion, kind, namespace, name, verdict, findings };
  });
  for (const error of errors) documents.push(unreadable(error));
  const options = translateOptions(values);
  const others =
    values.verdicts === true ? [] : check(docs, options, { callerTimeout }).filter((f) => !OWN.has(f.rule));
  const report: Report = { documents, others };
  process.stdout.write(FORMATS[format as keyof typeof FORMATS](report));
  const failed = [
    documents.some((d) => d.verdict === 'refused'),
    others.some((f) => f.severity === 'error' || f.rule === 'unsupported'),
    documents.some((d) => d.verdict === 'warned') || others.some((f) => f.severity === 'warning'),
    others.some((f) => f.severity === 'advice'),
  ];
  return failed.slice(0, level + 1).includes(true) ? 1 : 0;
}

/** Rules that the verdicts on single documents have told of already. */
const OWN = new Set(['schema', 'admission']);

/** A document that could not be read. What is of no kind that Istio checks is nothing that istiod would refuse. */
function unreadable(error: KubeError): Checked {
  const { reason, path, position, allowed, apiVersion = '', kind = '' } = error;
  const other = error.kind !== undefined && !hasSchema(resourceOf({ apiVersion, kind }));
  const head = { kind, namespace: '', name: '' };
  const cure = allowed === '' ? {} : { allowed };
  const severity = other ? 'warning' : 'error';
  return {
    ...{ ...head, position, apiVersion, verdict: other ? 'other' : 'refused' },
    findings: [{ ...head, severity, rule: 'yaml', path, message: reason, position, ...cure }],
  };
}
