import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sleep } from '../peers/watch.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const START_LIMIT = 15000;
const STOP_LIMIT = 5000;

/** The program under test: Envoy (ENVOY) or halfopen (HALFOPEN, by default that of this checkout). */
export function command(kind, config, flags = []) {
  if (kind === 'envoy') {
    const envoy = process.env.ENVOY;
    if (!envoy) throw new Error('ENVOY must name the Envoy binary');
    const args = '--concurrency 1 --disable-hot-restart --file-flush-interval-msec 20 --log-level error';
    return [envoy, ['-c', config, ...args.split(' '), ...flags]];
  }
  return [process.env.HALFOPEN ?? join(ROOT, 'bin/halfopen'), ['run', '-c', config, ...flags]];
}

/** One running proxy. */
export class Target {
  constructor(kind, config, adminPort, logFile, flags) {
    this.adminPort = adminPort;
    const [program, args] = command(kind, config, flags);
    this.child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    this.output = '';
    const keep = createWriteStream(logFile);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (text) => {
        this.output = (this.output + text).slice(-4000);
      });
      stream.pipe(keep, { end: false });
    }
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => resolve({ code, signal }));
      this.child.once('error', (error) => resolve({ error }));
    });
    this.gone = null;
    this.exited.then((how) => {
      this.gone = how;
      keep.end();
    });
  }

  async ready() {
    for (const begin = Date.now(); Date.now() - begin < START_LIMIT; ) {
      if (this.gone !== null) throw new Error(`the proxy ended at once: ${JSON.stringify(this.gone)}\n${this.output}`);
      const status = await this.admin('/ready').then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 200) return;
      await sleep(25);
    }
    throw new Error(`the proxy is not ready after ${START_LIMIT} ms\n${this.output}`);
  }

  /** {status, text} of an admin path. */
  admin(path, method = 'GET') {
    return new Promise((resolve, reject) => {
      const call = request({ port: this.adminPort, host: '127.0.0.1', path, method, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode, text }));
      });
      call.on('error', reject);
      call.end();
    });
  }

  /** Counters and gauges whose name matches `filter`, as a Map. */
  async stats(filter) {
    const { text } = await this.admin(`/stats?filter=${encodeURIComponent(filter)}`);
    const wanted = new RegExp(filter);
    const stats = new Map();
    for (const line of text.split('\n')) {
      const at = line.lastIndexOf(': ');
      const name = line.slice(0, at);
      if (at > 0 && wanted.test(name) && /^\d+$/.test(line.slice(at + 2))) stats.set(name, Number(line.slice(at + 2)));
    }
    return stats;
  }

  async stop() {
    if (this.gone === null) this.child.kill('SIGTERM');
    const stubborn = setTimeout(() => this.child.kill('SIGKILL'), STOP_LIMIT);
    await this.exited;
    clearTimeout(stubborn);
  }
}
