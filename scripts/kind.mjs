#!/usr/bin/env node
/**
 * The demonstration in a cluster: `npm run kind:up`, `kind:demo`, `kind:down`.
 *
 * The cluster is one of kind; or, when HALFOPEN_TEST_CLUSTER names a folder with the programs cluster-up, cluster-down, cluster-image
 * and kubectl, that one. Its images of Prometheus and Grafana come from the network, and what cannot be pulled there is not waited for.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builder, buildImage } from './container.mjs';
import { ROOT } from './ensure.mjs';

const IMAGE = 'localhost/halfopen:0.1.0';
const NAMESPACE = 'halfopen-demo';
const FOLDER = process.env.HALFOPEN_TEST_CLUSTER ?? '';
const STATE = process.env.HALFOPEN_CLUSTER_STATE ?? '/var/tmp/halfopen-cluster';
const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

function run(command, args, options = {}) {
  const done = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
    ...options,
  });
  if (done.error || done.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${done.error?.message ?? `exit status ${done.status}`}`);
  return done.stdout ?? '';
}

const kind = {
  kubectl: ['kubectl', '--context', 'kind-halfopen'],
  up() {
    if (!run('kind', ['get', 'clusters']).split('\n').includes('halfopen'))
      run('kind', ['create', 'cluster', '--config', 'deploy/kind/kind.yaml'], { stdio: 'inherit' });
  },
  load: (archive) => run('kind', ['load', 'image-archive', '--name', 'halfopen', archive], { stdio: 'inherit' }),
  down: () => run('kind', ['delete', 'cluster', '--name', 'halfopen'], { stdio: 'inherit' }),
  inNode: (command) => run('docker', ['exec', 'halfopen-control-plane', ...command]),
  monitoring: true,
};

const folder = {
  kubectl: [join(FOLDER, 'kubectl')],
  up: () => run(join(FOLDER, 'cluster-up'), [], { stdio: 'inherit' }),
  load: (archive) => run(join(FOLDER, 'cluster-image'), [archive], { stdio: 'inherit' }),
  down: () => run(join(FOLDER, 'cluster-down'), ['--delete'], { stdio: 'inherit' }),
  inNode(command) {
    const [pid] = readFileSync(join(STATE, 'pid/node'), 'utf8').split(' ');
    return run('nsenter', ['-t', pid, '-n', ...command]);
  },
  monitoring: false,
};

const cluster = FOLDER === '' ? kind : folder;

function kubectl(...args) {
  const [command, ...before] = cluster.kubectl;
  return run(command, [...before, ...args]);
}

const say = (text) => process.stdout.write(`\n--- ${text}\n`);
const show = (text) => process.stdout.write(text.replace(/^(?=.)/gm, '    '));

function up() {
  const tool = builder();
  if (tool === null) throw new Error('docker, podman or buildah is needed to build the image');
  say('the cluster');
  cluster.up();
  say(`the image, with ${tool}`);
  const work = mkdtempSync(join(tmpdir(), 'halfopen-image-'));
  try {
    buildImage(tool, IMAGE, join(work, 'image.tar'));
    cluster.load(join(work, 'image.tar'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  say('the definitions, the webhook, the chain, Prometheus and Grafana');
  show(kubectl('apply', '--server-side', '-k', 'deploy/kind/crds'));
  show(kubectl('wait', '--for=condition=Established', '--timeout=60s', '-f', 'deploy/kind/crds/istio.yaml'));
  // The webhook comes before the pods that it is to inject.
  show(kubectl('apply', '--server-side', '-k', 'deploy/injection'));
  kubectl('-n', 'halfopen-system', 'rollout', 'status', 'deployment/halfopen-injector', '--timeout=180s');
  show(kubectl('apply', '--server-side', '--force-conflicts', '-k', 'deploy/kind'));
  for (const name of ['server', 'microservice'])
    kubectl('-n', NAMESPACE, 'rollout', 'status', `deployment/${name}`, '--timeout=180s');
  if (cluster.monitoring) {
    for (const name of ['prometheus', 'grafana'])
      kubectl('-n', 'halfopen-monitoring', 'rollout', 'status', `deployment/${name}`, '--timeout=300s');
    say('Prometheus: http://127.0.0.1:9090  Grafana: http://127.0.0.1:3000');
  }
  show(kubectl('-n', NAMESPACE, 'get', 'pods'));
}

/** The address of the server's pod. */
const server = () =>
  kubectl(
    '-n',
    NAMESPACE,
    'get',
    'pods',
    '-l',
    'app=server',
    '--field-selector=status.phase=Running',
    '-o',
    'jsonpath={.items[0].status.podIP}',
  );

/**
 * Cuts the pod off from the other pods, as when the cable of its node is unplugged: nothing comes, nothing goes, nobody is told. The
 * kubelet still reaches it, as it sits on the same node.
 */
function link(ip, plugged) {
  for (const side of ['-s', '-d'])
    cluster.inNode(['iptables', plugged ? '-D' : '-I', 'FORWARD', side, ip, '-j', 'DROP']);
}

async function demo() {
  kubectl('-n', NAMESPACE, 'delete', 'job', 'caller', '--ignore-not-found', '--wait');
  for (const cure of CURES) kubectl('delete', '-f', cure, '--ignore-not-found');
  kubectl('-n', NAMESPACE, 'apply', '--server-side', '--force-conflicts', '-k', 'deploy/kind/demo');
  kubectl('-n', NAMESPACE, 'wait', '--for=condition=Ready', 'pod', '-l', 'app=caller', '--timeout=60s');
  const [command, ...before] = cluster.kubectl;
  const logs = spawn(command, [...before, '-n', NAMESPACE, 'logs', '-f', 'job/caller', '-c', 'caller'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  logs.stdout.setEncoding('utf8').on('data', show);
  const ip = server();
  let cut = false;
  try {
    say('all is well');
    await sleep(6);
    say(`the link of the server (${ip}) is cut: requests end with the route timeout, 504 after 7 seconds`);
    link(ip, false);
    cut = true;
    await sleep(20);
    say('what the sidecar of the microservice says about it');
    show(
      kubectl(
        '-n',
        NAMESPACE,
        'exec',
        'deploy/microservice',
        '-c',
        'istio-proxy',
        '--',
        'halfopen',
        'request',
        'GET',
        'explain',
      )
        .split('\n')
        .slice(0, 3)
        .join('\n'),
    );
    say('the link is back: TCP waits for its next retransmission, and the old connection with it');
    link(ip, true);
    cut = false;
    await sleep(25);
    say('the cure: PINGs (deploy/kind/cures/keepalive.yaml); no pod is restarted');
    show(kubectl('apply', '-f', CURES[0]));
    await sleep(5);
    say('the link is cut again, for as long as before');
    link(ip, false);
    cut = true;
    await sleep(20);
    say('the link is back: the dead connection is long gone, and the next request opens a new one');
    link(ip, true);
    cut = false;
    await sleep(12);
    say('answers by status and reason, as the sidecar of the microservice counted them');
    const metrics = kubectl(
      '-n',
      NAMESPACE,
      'exec',
      'deploy/microservice',
      '-c',
      'istio-proxy',
      '--',
      'halfopen',
      'request',
      'GET',
      'metrics',
    );
    show(
      `${metrics
        .split('\n')
        .filter((line) => line.startsWith('halfopen_requests_total'))
        .join('\n')}\n`,
    );
  } finally {
    if (cut) link(ip, true);
    logs.kill();
  }
}

const CURES = ['deploy/kind/cures/keepalive.yaml', 'deploy/kind/cures/idle-timeout.yaml'];
const COMMANDS = { up, demo, down: () => cluster.down() };
const [name] = process.argv.slice(2);
if (!Object.hasOwn(COMMANDS, name ?? '')) {
  process.stderr.write('usage: kind.mjs up | demo | down\n');
  process.exit(2);
}
try {
  await COMMANDS[name]();
} catch (error) {
  process.stderr.write(`kind ${name}: ${error.message}\n`);
  process.exitCode = 1;
}
