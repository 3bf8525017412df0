import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readDifferences } from './goldens.mjs';

export const DOCUMENT = fileURLToPath(new URL('../../../docs/conformance.md', import.meta.url));

const HEAD = `# Conformance

Each scenario is one bootstrap file, a scripted client and a scripted upstream. What Envoy 1.40.0 answers to it was recorded three
times (\`npm run conformance:record\`) and lies in \`test/conformance/goldens\`; \`npm test\` runs the same scenarios against halfopen
and compares: status, headers and body, how stream and connection ended and when, the access log line with flags and
details, every counter of the listener and its clusters, and what the upstream saw. Times agree within 120 ms or a quarter.
Where Envoy itself tosses a coin, either outcome is right. This page is written by \`node test/conformance/run.mjs --doc\`.
`;

const cell = (text) => text.replaceAll('|', '\\|');

/** Writes docs/conformance.md from the results of a comparison of all scenarios. */
export function writeDocument(scenarios, results) {
  const accepted = readDifferences();
  const lines = [HEAD];
  const entries = Object.entries(accepted);
  lines.push('## Listed differences\n');
  if (entries.length === 0) lines.push('None.\n');
  for (const [name, { reason }] of entries) lines.push(`- \`${name}\`: ${reason}`);
  if (entries.length > 0) lines.push('');
  for (const group of new Set(scenarios.map((scenario) => scenario.group))) {
    lines.push(`## ${group[0].toUpperCase()}${group.slice(1)}\n`, '| scenario | shows | result |', '|---|---|---|');
    for (const { name, shows } of scenarios.filter((scenario) => scenario.group === group)) {
      const { differences, listed } = results.get(name);
      const result = differences.length > 0 ? '**differs**' : listed.length > 0 ? 'differs as listed' : 'equal';
      lines.push(`| \`${name}\` | ${cell(shows)} | ${result} |`);
    }
    lines.push('');
  }
  writeFileSync(DOCUMENT, `${lines.join('\n').trimEnd()}\n`);
}
