/**
 * A real cluster for a test: kubectl, addresses that only exist on its node, and processes of ours that run there.
 *
 * `HALFOPEN_TEST_CLUSTER` names a folder with the programs cluster-up, cluster-restart and kubectl; the test runs again inside the
 * node's network namespace, since addresses of EndpointSlices must not be loopback ones.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, sleep } from '../proxy.mjs';

const SCRIPTS = process.env.HALFOPEN_TEST_CLUSTER ?? '';
const STATE = process.env.HALFOPEN_CLUSTER_STATE ?? '/var/tmp/halfopen-cluster';
const INSIDE = 'HALFOPEN_TEST_INSIDE';
const NODE = '10.250.0.1';

/** Why there is no cluster, or ''. */
export function missing() {
  if (SCRIPTS === '') return 'HALFOPEN_TEST_CLUSTER is not set';
  if (!existsSync(join(SCRIPTS, 'cluster-up'))) return `${SCRIPTS} has no cluster-up`;
  if (process.getuid?.() !== 0) return 'needs root';
  return '';
}

/**
 * Outside of the node's network: brings the cluster up, runs this test file inside and returns its exit status. Inside: returns null.
 */
export function enterNode(file) {
  if (process.env[INSIDE] === '1') return null;
  const up = spawnSync(join(SCRIPTS, 'cluster-up'), { stdio: ['ignore', 2, 2] });
  if (up.status !== 0) return 1;
  const [node] = readFileSync(join(STATE, 'pid/node'), 'utf8').split(' ');
  // Children of a test runner must not think that they are part of it.
  const env = { ...process.env, [INSIDE]: '1' };
  delete env.NODE_TEST_CONTEXT;
  const run = spawnSync('nsenter', ['-t', node, '-n', process.execPath, '--test-reporter=spec', file], {
    stdio: 'inherit',
    env,
  });
  return run.status ?? 1;
}

const folder = mkdtempSync(join(tmpdir(), 'halfopen-cluster-'));

/** Runs kubectl and returns its output; `input` goes to its standard input. */
export function kubectl(args, input = '') {
  const run = spawnSync(join(SCRIPTS, 'kubectl'), [`--server=https://${NODE}:6443`, ...args], {
    input,
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${run.stderr}`);
  return run.stdout;
}

export const apply = (...objects) =>
  kubectl(
    ['apply', '--server-side', '--force-conflicts', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  );

export function restartApiServer(seconds) {
  return new Promise((resolve) => {
    spawn(join(SCRIPTS, 'cluster-restart'), ['kube-apiserver', String(seconds)], { stdio: 'ignore' }).once(
      'exit',
      resolve,
    );
  });
}

/** Addresses on the node's loopback for servers of the test. */
export function addAddress(address) {
  spawnSync('ip', ['addr', 'replace', `${address}/32`, 'dev', 'lo']);
}

/**
 * halfopen as in a pod of the account `account` in `namespace`: its service account is mounted, its flags say `--kubernetes`.
 * `output()` is what it has said.
 */
export function startInPod({ namespace, account, args = [], env = {} }) {
  const token = kubectl(['-n', namespace, 'create', 'token', account, '--duration=1h']).trim();
  const secrets = mkdtempSync(join(folder, 'account-'));
  const ca = /certificate-authority-data: ([\w+/=]+)/.exec(readFileSync(join(STATE, 'kubeconfig'), 'utf8'))[1];
  writeFileSync(join(secrets, 'token'), token, { mode: 0o600 });
  writeFileSync(join(secrets, 'ca.crt'), Buffer.from(ca, 'base64'));
  writeFileSync(join(secrets, 'namespace'), namespace);
  const target = '/run/secrets/kubernetes.io/serviceaccount';
  const script = `mount -t tmpfs none /run && mkdir -p ${target} && mount --bind ${secrets} ${target} && exec "$@"`;
  const command = [process.execPath, join(ROOT, 'bin/halfopen'), 'run', '--kubernetes', ...args];
  let said = '';
  const child = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', ...command], {
    env: { ...process.env, KUBERNETES_SERVICE_HOST: NODE, KUBERNETES_SERVICE_PORT: '6443', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      said += text;
    });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  return {
    output: () => said,
    exited,
    get residentMiB() {
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024;
    },
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Waits until `check` gives something true, and returns it. */
export async function until(what, check, ms = 15000) {
  for (const begin = Date.now(); Date.now() - begin < ms; await sleep(25)) {
    const found = await Promise.resolve(check()).catch(() => false);
    if (found) return found;
  }
  throw new Error(`after ${ms} ms still not: ${what}`);
}
