import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { startAll } from '../setup.mjs';
import { missing, run } from './tools.mjs';

/** nghttp and h2load: an HTTP/2 library of another make, trailers from the client, many streams at a time. */
export function nghttp({ command }) {
  suite('nghttp and h2load', { skip: missing('nghttp') || missing('h2load') }, () => {
    let all;
    let folder;
    before(async () => {
      all = await startAll(command);
      folder = mkdtempSync(join(tmpdir(), 'nghttp-'));
      writeFileSync(join(folder, 'data'), 'x'.repeat(300_000));
    });
    after(async () => {
      await all?.stop();
      if (folder) rmSync(folder, { recursive: true });
    });

    for (const up of ['h1', 'h2']) {
      test(`nghttp sends a body with trailers and reads trailers, HTTP/2 to ${up}`, async () => {
        const { status, stdout } = await run('nghttp', [
          '-v', '-n', '--no-dep', '--no-content-length', '-H', 'te: trailers', '--trailer', 'x-note: end', '-d', join(folder, 'data'),
          `http://127.0.0.1:${all.ports[up]}/echo`,
        ]); // biome-ignore format: one command
        const text = stdout.toString();
        assert.equal(status, 0, text);
        assert.match(text, /:status: 200/);
        assert.match(text, /x-sha256: [0-9a-f]{64}/);
        assert.match(text, /x-echo-x-note: end/);
        assert.doesNotMatch(text, /recv GOAWAY.*\n.*error_code=(?!NO_ERROR)/);
      });

      for (const [down, extra] of [
        ['HTTP/2', ['-m', '32']],
        ['HTTP/1.1', ['--h1']],
      ]) {
        test(`h2load: 4000 requests of 8 connections all succeed, ${down} to ${up}`, async () => {
          const url = `http://127.0.0.1:${all.ports[up]}/bytes/2000`;
          const { stdout } = await run('h2load', ['-n', '4000', '-c', '8', ...extra, url]);
          assert.match(stdout.toString(), /4000 succeeded, 0 failed, 0 errored, 0 timeout/);
          assert.match(stdout.toString(), /status codes: 4000 2xx/);
        });
      }
    }
  });
}
