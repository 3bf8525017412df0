/** Requests that never stop while a configuration changes, and what became of each. */
import { Agent, request } from 'node:http';

/**
 * Keeps `lanes` requests under way to `http://127.0.0.1:PORT`, one after the other on each lane's own connection, with
 * `path` (or what `path()` gives) and `host`. `stop()` waits for the last ones and resolves to `{ answers, failures }`:
 * how many there were of each status, and every failed request as text.
 */
export function startLoad({ port, host, path = '/', lanes = 4, accept = (status) => status === 200 }) {
  const answers = new Map();
  const failures = [];
  let stopped = false;
  const one = (agent) =>
    new Promise((resolve) => {
      const at = typeof path === 'function' ? path() : path;
      const sent = request({ host: '127.0.0.1', port, path: at, agent, headers: { host } }, (response) => {
        const status = response.statusCode;
        answers.set(status, (answers.get(status) ?? 0) + 1);
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text) => {
          body += text;
        });
        response.on('error', (error) => failures.push(`${at}: ${error.message} after status ${status}`));
        response.on('close', () => {
          if (!accept(status)) failures.push(`${at}: ${status} ${body.slice(0, 100)}`);
          else if (!response.complete) failures.push(`${at}: cut off`);
          resolve();
        });
      });
      sent.on('error', (error) => {
        failures.push(`${at}: ${error.message}`);
        resolve();
      });
      sent.end();
    });
  const lane = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!stopped) await one(agent);
    agent.destroy();
  };
  const all = Promise.all(Array.from({ length: lanes }, lane));
  return {
    answers,
    failures,
    async stop() {
      stopped = true;
      await all;
      return { answers, failures };
    },
  };
}

/** The status, `x-version` header and body of one GET. */
export function get(port, host, path = '/') {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers: { host, connection: 'close' } }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode, version: response.headers['x-version'], body }));
    })
      .on('error', reject)
      .end();
  });
}
