/**
 * Records istiod's verdicts on all mutations: `node test/pilot/verdicts/record.mjs ISTIO_ORACLE [NAME]`, where ISTIO_ORACLE is a
 * program that prints them (`--validate -f FOLDER`) and NAME one base document. verdicts.json has, for each base document, one letter per mutation: accepted,
 * warned, refused.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { baseDocuments, mutations } from './mutate.mjs';

const LETTERS = { accepted: 'a', warnings: 'w', refused: 'r' };
const HERE = dirname(fileURLToPath(import.meta.url));
const out = process.argv[3] === undefined ? {} : JSON.parse(readFileSync(join(HERE, 'verdicts.json'), 'utf8'));
for (const document of baseDocuments()) {
  if (process.argv[3] !== undefined && document.metadata.name !== process.argv[3]) continue;
  const folder = mkdtempSync(join(tmpdir(), 'halfopen-verdicts-'));
  let count = 0;
  for (const mutation of [document, ...mutations(document)]) {
    writeFileSync(join(folder, `${count++}.yaml`), `${JSON.stringify(mutation)}\n`);
  }
  const text = execFileSync(process.argv[2], ['--validate', '-f', folder], {
    maxBuffer: 1 << 30,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const letters = new Array(count);
  for (const { file, verdict } of JSON.parse(text)) letters[Number(basename(file, '.yaml'))] = LETTERS[verdict] ?? '-';
  const { kind, metadata } = document;
  out[`${kind} ${metadata.name}`] = letters.join('');
  rmSync(folder, { recursive: true });
}
writeFileSync(join(HERE, 'verdicts.json'), `${JSON.stringify(out, null, 1)}\n`);
