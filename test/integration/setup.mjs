/** A proxy between a test and the echo server, with one listener for each protocol of the upstream. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cluster, freePort, HALFOPEN, listener, ProxyProcess } from './proxy.mjs';

/** Starts the echo server; resolves to {h1, h2, stop()}. */
async function startEcho() {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./echo-server.mjs', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise((resolve, reject) => {
    child.stdout.once('data', (text) => resolve(String(text)));
    child.once('exit', () => reject(new Error('the echo server ended')));
  });
  return { ...JSON.parse(line), stop: () => child.kill() };
}

/** Resolves to {proxy, ports: {h1, h2}, stop()}; `ports` are listeners by the protocol of the upstream behind them. */
export async function startAll(command = HALFOPEN, options = {}) {
  const echo = await startEcho();
  const ports = { h1: await freePort(), h2: await freePort() };
  try {
    const proxy = await ProxyProcess.start(command, {
      listeners: [listener('to_h1', ports.h1, 'echo_h1', options), listener('to_h2', ports.h2, 'echo_h2', options)],
      clusters: [cluster('echo_h1', echo.h1, 'h1'), cluster('echo_h2', echo.h2, 'h2')],
    });
    const stop = async () => {
      await proxy.stop();
      echo.stop();
    };
    return { proxy, ports, stop };
  } catch (error) {
    echo.stop();
    throw error;
  }
}
