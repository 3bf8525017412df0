/** The services of Istio's documented tasks, as small servers beside a sidecar that runs the tasks' own YAML. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, ROOT, untilListening } from './proxy.mjs';

/** One GET through the sidecar: {status, body, ms}; status 0 when there is no answer within `timeout` ms. */
export function get(port, host, { path = '/', headers = {}, timeout = 30_000 } = {}) {
  const begin = performance.now();
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path, headers: { host, ...headers }, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text) => {
        body += text;
      });
      response.on('end', () => done(response.statusCode, body));
      response.on('error', () => done(0, ''));
    });
    const limit = setTimeout(() => {
      sent.destroy();
      done(0, '');
    }, timeout);
    const done = (status, body) => {
      clearTimeout(limit);
      resolve({ status, body, ms: performance.now() - begin });
    };
    sent.on('error', () => done(0, ''));
    sent.end();
  });
}

const service = (name, port, targetPort) => `apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: default}
spec:
  clusterIP: 10.96.0.${10 + name.length}
  selector: {app: ${name}}
  ports: [{name: http, port: ${port}, targetPort: ${targetPort}}]
`;

const pod = (name, version, address) => `apiVersion: v1
kind: Pod
metadata: {name: ${name}-${version}, namespace: default, labels: {app: ${name}, version: ${version}}}
spec: {containers: []}
status: {podIP: ${address}, phase: Running}
`;

/**
 * Starts servers and the sidecar. `apps` is {name: {version: handler(request, response, mesh)}}; every version listens on a loopback
 * address of its own. `yaml(mesh)` are the task's documents. `mesh.get(host, options)` asks through the sidecar.
 */
export async function startMesh(apps, yaml) {
  const folder = mkdtempSync(join(tmpdir(), 'halfopen-istio-'));
  const servers = [];
  const mesh = { port: await freePort(), admin: await freePort(), requests: {} };
  mesh.get = (host, options) => get(mesh.port, host, options);
  const target = await freePort();
  let documents = '';
  let last = 10;
  for (const [name, versions] of Object.entries(apps)) {
    documents += `${service(name, mesh.port, target)}---\n`;
    for (const [version, handler] of Object.entries(versions)) {
      const address = `127.0.1.${++last}`;
      const server = createServer((incoming, response) => {
        const label = `${name}-${version}`;
        mesh.requests[label] = (mesh.requests[label] ?? 0) + 1;
        handler(incoming, response, mesh);
      });
      await new Promise((resolve, reject) => server.once('error', reject).listen(target, address, resolve));
      servers.push(server);
      documents += `${pod(name, version, address)}---\n`;
    }
  }
  writeFileSync(join(folder, 'mesh.yaml'), `${documents}${yaml(mesh)}`);
  const args = ['run', '--config', folder, '--admin', `127.0.0.1:${mesh.admin}`];
  const child = spawn(process.execPath, [join(ROOT, 'bin/halfopen'), ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.on('data', (text) => {
    output += text;
  });
  mesh.stop = async () => {
    const exited = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null) {
      child.kill('SIGTERM');
      await exited;
    }
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilListening(mesh.port);
  } catch (error) {
    await mesh.stop();
    throw new Error(`${error.message}\n${output}`);
  }
  return mesh;
}

const answer = (text) => (_request, response) => response.end(text);
const user = ({ headers }) => (headers['end-user'] === undefined ? {} : { 'end-user': headers['end-user'] });

/** `reviews` with stars asks `ratings`, and says so when that fails. */
const withRatings = (stars) => async (incoming, response, mesh) => {
  const ratings = await mesh.get('ratings', { headers: user(incoming), timeout: 10_000 });
  response.end(
    ratings.status === 200
      ? `reviews with ${stars} stars: ${ratings.body}`
      : 'Ratings service is currently unavailable',
  );
};

export const BOOKINFO = {
  reviews: { v1: answer('reviews without stars'), v2: withRatings('black'), v3: withRatings('red') },
  ratings: { v1: answer('5') },
};

/** The page: asks for the reviews with a timeout of 3 s, twice at most. */
export async function productPage(mesh, endUser) {
  const begin = performance.now();
  const headers = endUser === undefined ? {} : { 'end-user': endUser };
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const reviews = await mesh.get('reviews', { headers, timeout: 3000 });
    if (reviews.status === 200) return { text: reviews.body, ms: performance.now() - begin };
  }
  const text = 'Sorry, product reviews are currently unavailable for this book.';
  return { text, ms: performance.now() - begin };
}
