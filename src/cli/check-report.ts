import { formatPosition, type Position } from '../config/position.js';
import { cureOf } from '../pilot/cure.js';
import { type Finding, titleOf } from '../pilot/finding.js';
import type { Verdict } from '../pilot/verdict.js';
import { VERSION } from '../server/version.js';

/** A document and istiod's verdict on it. */
export interface Checked {
  position: Position | null;
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  verdict: Verdict;
  findings: Finding[];
}

export interface Report {
  documents: Checked[];
  /** What is to be said beyond the verdicts: what is not supported, what has no effect, advice. */
  others: Finding[];
}

function byPosition(a: Finding, b: Finding): number {
  const [p, q] = [a.position, b.position];
  if (p === null || q === null) return p === q ? 0 : p === null ? 1 : -1;
  if (p.file !== q.file) return p.file < q.file ? -1 : 1;
  return p.line - q.line || p.col - q.col;
}

function allFindings(report: Report): Finding[] {
  return [...report.documents.flatMap((d) => d.findings), ...report.others].sort(byPosition);
}

const VERDICTS: readonly Verdict[] = ['accepted', 'warned', 'refused', 'other'];

function count(report: Report): Record<Verdict, number> {
  const of = (verdict: Verdict) => report.documents.filter((d) => d.verdict === verdict).length;
  return { accepted: of('accepted'), warned: of('warned'), refused: of('refused'), other: of('other') };
}

/** What a finding is called: istiod's own words, then this program's. */
function label(finding: Finding): string {
  if (finding.severity === 'advice') return 'advice';
  if (finding.rule === 'unsupported') return 'unsupported';
  const verdict = finding.rule === 'schema' || finding.rule === 'admission' || finding.rule === 'yaml';
  if (finding.severity === 'error') return verdict ? 'refused' : 'unsupported';
  return verdict ? 'warned' : 'warning';
}

/** One finding in two or three lines, `file:line:col` first, and a summary at the end. */
export function textReport(report: Report): string {
  const lines: string[] = [];
  for (const finding of allFindings(report)) {
    const subject = finding.kind === '' ? '' : `${titleOf(finding)}: `;
    const path = finding.path === '' ? '' : `${finding.path}: `;
    lines.push(
      `${formatPosition(finding.position)}: ${label(finding)}: ${subject}${path}${finding.message} [${finding.rule}]`,
    );
    const cure = cureOf(finding);
    if (cure !== '') lines.push(`    cure: ${cure}`);
  }
  const counts = count(report);
  const words = VERDICTS.filter((v) => counts[v] > 0).map(
    (v) => `${counts[v]} ${v === 'other' ? 'not checked by Istio' : v}`,
  );
  const { length } = report.documents;
  lines.push(`${length} document${length === 1 ? '' : 's'}${words.length === 0 ? '' : `: ${words.join(', ')}`}`);
  return `${lines.join('\n')}\n`;
}

function place(position: Position | null): { file: string | null; line: number | null; column: number | null } {
  return { file: position?.file ?? null, line: position?.line ?? null, column: position?.col ?? null };
}

/** `{summary, documents: [{file, line, column, apiVersion, kind, namespace, name, verdict}], findings: [...]}`. */
export function jsonReport(report: Report): string {
  const documents = report.documents.map(({ position, findings: _, ...head }) => ({ ...place(position), ...head }));
  const findings = allFindings(report).map((finding) => {
    const { position, allowed, ...rest } = finding;
    return { ...place(position), label: label(finding), ...rest, cure: cureOf(finding) };
  });
  return `${JSON.stringify({ summary: count(report), documents, findings }, null, 1)}\n`;
}

const SARIF_LEVELS = { error: 'error', warning: 'warning', advice: 'note' } as const;

/** Static Analysis Results Interchange Format 2.1.0 (OASIS). */
export function sarifReport(report: Report): string {
  const findings = allFindings(report);
  const rules = [...new Set(findings.map((f) => f.rule))].sort();
  const results = findings.map((finding) => {
    const { position } = finding;
    const cure = cureOf(finding);
    const text = cure === '' ? finding.message : `${finding.message}. Cure: ${cure}`;
    const logical = `${titleOf(finding)} ${finding.path}`.trim();
    const physical =
      position === null
        ? {}
        : {
            physicalLocation: {
              artifactLocation: { uri: position.file },
              region: { startLine: position.line, startColumn: position.col },
            },
          };
    return {
      ruleId: finding.rule,
      ruleIndex: rules.indexOf(finding.rule),
      level: SARIF_LEVELS[finding.severity],
      message: { text },
      locations: [{ ...physical, ...(logical === '' ? {} : { logicalLocations: [{ fullyQualifiedName: logical }] }) }],
    };
  });
  const driver = {
    name: 'halfopen',
    version: VERSION,
    rules: rules.map((id) => ({ id, shortDescription: { text: RULES[id] ?? id } })),
  };
  const sarif = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver }, columnKind: 'utf16CodeUnits', results }],
  };
  return `${JSON.stringify(sarif, null, 1)}\n`;
}

const RULES: Readonly<Record<string, string>> = {
  schema: 'The schema of the resource definition',
  admission: "istiod's admission webhook",
  yaml: 'YAML as Kubernetes reads it',
  unsupported: 'What halfopen does not carry out',
  envoy: 'What Envoy would refuse of the generated configuration',
  'no-effect': 'A field that changes nothing',
};
