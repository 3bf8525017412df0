import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startAll } from '../setup.mjs';
import { missing, run } from './tools.mjs';

/**
 * How far the proxy's memory may rise while a large body passes, in MiB: the windows of a stream (16 MiB) and of a connection
 * (24 MiB) on the way up and on the way down, and as much again that the collector has not freed yet.
 */
const FLAT = 160;

/** Go's HTTP/1.1 client and golang.org/x/net/http2: large bodies at flat memory, trailers, many streams. */
export function go({ command, large }) {
  suite('a Go client', { skip: missing('go', ['version']) }, () => {
    let folder;
    let binary;
    let unbuilt = null;
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'goclient-'));
      binary = join(folder, 'goclient');
      const cwd = fileURLToPath(new URL('./go', import.meta.url));
      const { status, stderr } = await run('go', ['build', '-p', '2', '-o', binary, '.'], { cwd });
      if (status !== 0) unbuilt = `the Go client could not be built: ${stderr.trim().split('\n').pop()}`;
    });
    after(() => folder && rmSync(folder, { recursive: true }));

    for (const down of ['h1', 'h2']) {
      for (const up of ['h1', 'h2']) {
        test(`bodies of ${large} bytes pass unharmed at flat memory, ${down} to ${up}`, async (t) => {
          if (unbuilt !== null) return t.skip(unbuilt);
          const all = await startAll(command);
          try {
            const growth = await all.proxy.growthDuring(async () => {
              const url = `http://127.0.0.1:${all.ports[up]}`;
              const { status, stdout, stderr } = await run(binary, [down, url, String(large)]);
              assert.equal(status, 0, `${stdout}${stderr}`);
              t.diagnostic(stdout.toString().trim().replaceAll('\n', '; '));
            });
            t.diagnostic(`resident memory rose by ${growth.toFixed(0)} MiB`);
            assert.ok(!(growth > FLAT), `resident memory rose by ${growth.toFixed(0)} MiB, ${FLAT} are allowed`);
          } finally {
            await all.stop();
          }
        });
      }
    }
  });
}
