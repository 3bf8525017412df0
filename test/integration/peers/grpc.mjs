import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cluster, freePort, listener, ProxyProcess } from '../proxy.mjs';
import { run } from './tools.mjs';

const FOLDER = fileURLToPath(new URL('./grpc', import.meta.url));

/** grpc-js, installed in a folder of its own when it is not there yet. */
export function grpc({ command }) {
  suite('grpc-js', () => {
    test('unary calls, all kinds of streaming, errors, deadlines and cancellation pass', async (t) => {
      if (!existsSync(`${FOLDER}/node_modules/@grpc/grpc-js`)) {
        const { status, stderr } = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
          cwd: FOLDER,
        });
        if (status !== 0) return t.skip(`@grpc/grpc-js could not be installed: ${stderr.trim().split('\n')[0]}`);
      }
      const server = spawn(process.execPath, ['peer.mjs', 'server'], {
        cwd: FOLDER,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const upstream = Number(
        await new Promise((resolve) => server.stdout.once('data', (text) => resolve(String(text)))),
      );
      let proxy = null;
      try {
        const port = await freePort();
        const stalling = await freePort();
        proxy = await ProxyProcess.start(command, {
          listeners: [
            listener('grpc', port, 'grpc', { route: { timeout: '60s' } }),
            listener('grpc_short', stalling, 'grpc', { route: { timeout: '0.4s' } }),
          ],
          clusters: [cluster('grpc', upstream, 'h2')],
        });
        const arguments_ = ['peer.mjs', 'client', port, stalling];
        const { status, stdout, stderr } = await run(process.execPath, arguments_, { cwd: FOLDER });
        assert.equal(status, 0, `${stdout}${stderr}`);
        t.diagnostic(stdout.toString().trim().replaceAll('\n', '; '));
      } finally {
        await proxy?.stop();
        server.kill();
      }
    });
  });
}
