import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TIMERS } from '../observe/timer-ledger.js';

const document = readFileSync(fileURLToPath(new URL('../../docs/timeouts.md', import.meta.url)), 'utf8');
const rows = document.split('\n').filter((line) => line.startsWith('| **'));

describe('docs/timeouts.md', () => {
  for (const timer of TIMERS)
    it(`has the row of the ${timer.name} clock, word for word`, () => {
      const cells = [
        `**${timer.name}**`,
        timer.field,
        timer.starts,
        timer.restarts,
        timer.stops,
        timer.answer,
        timer.details === '' ? '' : `\`${timer.details}\``,
        timer.flag,
      ];
      const row = rows.find((line) => line.startsWith(`| **${timer.name}** |`));
      assert.deepEqual(
        row
          ?.split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
        cells,
      );
    });

  it('has no row of a clock that does not exist', () => {
    assert.equal(rows.length, TIMERS.length);
  });
});
