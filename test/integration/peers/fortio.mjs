import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { startMesh } from '../bookinfo.mjs';
import { CIRCUIT_BREAKER } from '../istio-documents.mjs';
import { missing, run } from './tools.mjs';

/** The last version whose modules all come from the Go module proxy. */
const FORTIO = 'fortio.org/fortio@v1.63.9';

/** Istio's task on circuit breaking with the tool it is documented with. FORTIO names a binary; else Go builds one. */
export function fortio() {
  const prebuilt = process.env.FORTIO;
  suite('fortio', { skip: prebuilt ? missing(prebuilt, ['version']) : missing('go', ['version']) }, () => {
    let folder = null;
    let binary = prebuilt;
    let unbuilt = null;
    before(async () => {
      if (prebuilt) return;
      folder = mkdtempSync(join(tmpdir(), 'fortio-'));
      binary = join(folder, 'bin/fortio');
      const env = { GOPATH: join(folder, 'path'), GOBIN: join(folder, 'bin'), GOFLAGS: '-modcacherw' };
      const { status, stderr } = await run('go', ['install', '-p', '2', FORTIO], { env, timeout: 900_000 });
      if (status !== 0) unbuilt = `fortio could not be built: ${stderr.trim().split('\n').pop()}`;
    });
    after(() => folder && rmSync(folder, { recursive: true, force: true }));

    test('circuit breaking: 200 and 503 both come, and the share of 503 rises with -c', async (t) => {
      if (unbuilt !== null) return t.skip(unbuilt);
      const mesh = await startMesh(
        { httpbin: { v1: (_request, response) => response.end('ok') } },
        () => CIRCUIT_BREAKER,
      );
      try {
        const shareOf503 = async (callers, requests) => {
          const load = `load -c ${callers} -qps 0 -n ${requests} -loglevel Error -quiet -json - -H Host:httpbin`.split(
            ' ',
          );
          const { status, stdout, stderr } = await run(binary, [...load, `http://127.0.0.1:${mesh.port}/get`]);
          assert.equal(status, 0, stderr);
          const codes = JSON.parse(stdout.toString()).RetCodes;
          t.diagnostic(`-c ${callers} -n ${requests}: ${JSON.stringify(codes)}`);
          assert.deepEqual(
            Object.keys(codes).filter((code) => code !== '200' && code !== '503'),
            [],
          );
          return (codes['503'] ?? 0) / requests;
        };
        assert.equal(await shareOf503(1, 20), 0);
        const two = await shareOf503(2, 200);
        const three = await shareOf503(3, 300);
        const eight = await shareOf503(8, 400);
        assert.ok(two < three && three < eight && three > 0 && eight < 1, `${two}, ${three}, ${eight}`);
      } finally {
        await mesh.stop();
      }
    });
  });
}
