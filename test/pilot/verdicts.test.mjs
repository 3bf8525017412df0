/** The verdicts of `halfopen check` beside those that istiod gave (verdicts/record.mjs). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readKubeDocuments } from '../../dist/config/kube-documents.js';
import { judge } from '../../dist/pilot/verdict.js';
import { baseDocuments, mutations } from './verdicts/mutate.mjs';

const RECORDED = JSON.parse(readFileSync(new URL('verdicts/verdicts.json', import.meta.url), 'utf8'));
/** Every how many mutations are looked at; ALL_VERDICTS=1 looks at all of them. */
const STEP = process.env.ALL_VERDICTS === '1' ? 1 : 5;

for (const document of baseDocuments()) {
  const title = `${document.kind} ${document.metadata.name}`;
  test(`istiod's verdicts on ${title} and its mutations`, () => {
    const letters = RECORDED[title];
    let index = 0;
    let compared = 0;
    for (const mutation of [document, ...mutations(document)]) {
      const at = index++;
      if (at > 0 && at % STEP !== 0) continue;
      const text = JSON.stringify(mutation);
      const [doc] = readKubeDocuments('mutation.yaml', text).docs;
      const { verdict, findings } = judge(doc);
      const said = findings.map((f) => `${f.path}: ${f.message}`).join('\n');
      assert.equal(verdict[0], letters[at], `mutation ${at}\n${said}\n${text}`);
      compared++;
    }
    assert.equal(letters.length, index);
    assert.ok(compared > index / 6);
  });
}
