import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { startAll } from '../setup.mjs';
import { missing, run } from './tools.mjs';

const SIZE = 24 * 1024 * 1024;
const sha256 = (data) => createHash('sha256').update(data).digest('hex');

/** curl over both protocols: downloads, uploads with Expect: 100-continue, trailers, HEAD, timeouts. */
export function curl({ command }) {
  suite('curl', { skip: missing('curl') }, () => {
    let all;
    let folder;
    const data = randomBytes(SIZE);
    before(async () => {
      all = await startAll(command, { route: { timeout: '10s' } });
      folder = mkdtempSync(join(tmpdir(), 'curl-'));
      writeFileSync(join(folder, 'data'), data);
    });
    after(async () => {
      await all?.stop();
      if (folder) rmSync(folder, { recursive: true });
    });

    const call = (version, up, path, ...args) =>
      run('curl', ['-sS', '--max-time', '60', version, ...args, `http://127.0.0.1:${all.ports[up]}${path}`]);

    for (const [down, version] of [
      ['HTTP/1.1', '--http1.1'],
      ['HTTP/2', '--http2-prior-knowledge'],
    ]) {
      for (const up of ['h1', 'h2']) {
        const pair = `${down} to ${up}`;

        test(`an echoed upload is unharmed, ${pair}`, async () => {
          const { status, stdout, stderr } = await call(
            version,
            up,
            '/echo',
            '--data-binary',
            `@${join(folder, 'data')}`,
          );
          assert.equal(status, 0, stderr);
          assert.equal(sha256(stdout), sha256(data));
        });

        test(`a chunked upload from standard input arrives whole, ${pair}`, async () => {
          const { stdout, status, stderr } = await run(
            'curl',
            ['-sS', version, '-X', 'POST', '-T', '-', `http://127.0.0.1:${all.ports[up]}/sink`],
            { input: data },
          );
          assert.equal(status, 0, stderr);
          assert.equal(JSON.parse(stdout).sha256, sha256(data));
        });

        test(`trailers of the response are shown, ${pair}`, async () => {
          const { stdout, status } = await call(
            version,
            up,
            '/bytes/1000',
            '-D',
            '-',
            '-H',
            'te: trailers',
            '-o',
            '/dev/null',
          );
          assert.equal(status, 0);
          assert.match(stdout.toString(), /^x-sha256: [0-9a-f]{64}/im);
        });

        test(`HEAD and an error status pass, ${pair}`, async () => {
          const head = await call(version, up, '/bytes/1000', '-I');
          assert.equal(head.status, 0, head.stderr);
          const error = await call(version, up, '/status/418', '-o', '/dev/null', '-w', '%{http_code}');
          assert.equal(error.stdout.toString(), '418');
        });
      }

      test(`several transfers share a connection, ${down}`, async () => {
        const url = `http://127.0.0.1:${all.ports.h1}/x`;
        const { stdout } = await run('curl', [
          '-sS',
          version,
          '-w',
          '%{num_connects}\\n',
          '-o',
          '/dev/null',
          url,
          '-o',
          '/dev/null',
          url,
        ]);
        assert.deepEqual(stdout.toString().trim().split('\n'), ['1', '0']);
      });
    }
  });
}
