/**
 * The field report's chain in a real cluster: caller, microservice and HTTP/2 server of deploy/kind/demo, each with a sidecar
 * that redirect rules send everything through. The link of the server is cut, cures are applied, pods are replaced under load, and
 * Debian's Prometheus reads it all. Needs the image that image.mjs loads. Started by .ci/run; see cluster.mjs.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { ROOT, sleep } from '../proxy.mjs';
import { apply, enterNode, kubectl, missing, until } from './cluster.mjs';
import { APPLICATION, deploy, exec, IMAGE, page, podsOf } from './pods.mjs';

const reason = missing();
const status = reason === '' ? enterNode(fileURLToPath(import.meta.url)) : null;
if (status !== null) process.exit(status);

const NS = 'halfopen-demo';
const SERVER = `outbound|80||server.${NS}.svc.cluster.local`;
const ISTIO = 'networking.istio.io/v1';
const KIND = join(ROOT, 'deploy/kind');
const CURES = ['keepalive', 'idle-timeout'].map((name) => join(KIND, `cures/${name}.yaml`));

/** In the caller's pod: METHOD URL BYTES; prints what came back. */
const CALL = `
const [method, url, bytes] = process.argv.slice(1);
const began = Date.now();
const tell = (status, body) => { console.log(JSON.stringify({ status, body, ms: Date.now() - began })); process.exit(0); };
const request = require('node:http').request(url, { method, agent: false }, (response) => {
  let body = '';
  response.setEncoding('utf8').on('data', (text) => { body += text; }).on('end', () => tell(response.statusCode, body));
});
request.on('error', (error) => tell(0, error.message));
request.end(Buffer.alloc(Number(bytes)));
`;

const call = (url, method = 'GET', bytes = 0) =>
  JSON.parse(exec(NS, 'tester', 'app', ['node', '-e', CALL, method, url, String(bytes)]));

/** As \`call\`, without waiting for it here. */
function callLater(url, method, bytes) {
  const [command, ...args] = [join(process.env.HALFOPEN_TEST_CLUSTER, 'kubectl'), '--server=https://10.250.0.1:6443'];
  const program = ['node', '-e', CALL, method, url, String(bytes)];
  const child = spawn(command, [...args, '-n', NS, 'exec', 'tester', '-c', 'app', '--', ...program]);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  return new Promise((resolve) => child.once('exit', () => resolve(JSON.parse(text || '{"status":-1}'))));
}

const podOf = (app) => podsOf(NS, `app=${app}`).find(({ status: { phase } }) => phase === 'Running');
const restarts = () =>
  podsOf(NS, 'app in (server,microservice,tester)')
    .flatMap(({ status: { containerStatuses, initContainerStatuses = [] } }) => [
      ...containerStatuses,
      ...initContainerStatuses,
    ])
    .map(({ name, restartCount }) => `${name} ${restartCount}`);

const virtualService = (name, http) => ({
  apiVersion: ISTIO,
  kind: 'VirtualService',
  metadata: { name, namespace: NS },
  spec: { hosts: [name], http },
});
const timeout = (seconds) =>
  virtualService('server', [{ timeout: `${seconds}s`, route: [{ destination: { host: 'server' } }] }]);

/** Pods whose link is cut, by address. */
const cut = new Set();

/** Nothing comes and nothing goes between this pod and others, and nobody is told, as when the cable of its node is unplugged. */
function unplug(ip) {
  for (const side of ['-s', '-d']) spawnSync('iptables', ['-I', 'FORWARD', side, ip, '-j', 'DROP']);
  cut.add(ip);
}

function plug(ip) {
  for (const side of ['-s', '-d']) spawnSync('iptables', ['-D', 'FORWARD', side, ip, '-j', 'DROP']);
  cut.delete(ip);
}

/** Sum of the values of the series of a page whose line matches. */
const sum = (text, pattern) =>
  text
    .split('\n')
    .filter((line) => pattern.test(line))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);

const requestsOf = (app, pattern) => sum(page(NS, podOf(app).metadata.name, '/stats/prometheus'), pattern);

suite('the chain in a cluster', { skip: reason || false }, () => {
  before(async () => {
    await deploy();
    kubectl(['delete', 'job', 'caller', '-n', NS, '--ignore-not-found', '--wait']);
    kubectl(['apply', '--server-side', '--force-conflicts', '-k', join(KIND, 'demo')]);
    kubectl(['apply', '--server-side', '--force-conflicts', '-f', join(KIND, 'mesh-rights.yaml')]);
    kubectl(['delete', 'job', 'caller', '-n', NS, '--wait']);
    for (const cure of CURES) kubectl(['delete', '-f', cure, '--ignore-not-found']);
    for (const name of ['server', 'microservice']) {
      // The image may have been loaded anew under its old name.
      kubectl(['-n', NS, 'rollout', 'restart', `deployment/${name}`]);
      kubectl(['-n', NS, 'rollout', 'status', `deployment/${name}`, '--timeout=120s']);
    }
    kubectl(['-n', NS, 'delete', 'pod', 'tester', '--ignore-not-found', '--wait']);
    apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'tester', namespace: NS, labels: { app: 'tester' } },
      spec: {
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 2,
        containers: [
          {
            name: 'app',
            image: IMAGE,
            command: ['node', '-e', 'setInterval(() => {}, 1e9)'],
            securityContext: APPLICATION,
          },
        ],
      },
    });
    kubectl(['-n', NS, 'wait', '--for=condition=Ready', 'pod/tester', '--timeout=90s']);
    await until('the chain answers', () => call('http://microservice/').status === 200, 60_000);
  });
  after(() => {
    for (const ip of cut) plug(ip);
    for (const cure of CURES) kubectl(['delete', '-f', cure, '--ignore-not-found']);
    kubectl(['delete', 'namespace', NS, '--wait=false']);
  });

  test('requests of programs that know nothing of a proxy pass a sidecar on both sides', () => {
    const before = {
      caller: requestsOf('tester', /^halfopen_requests_total\{.*microservice/),
      inbound: requestsOf('microservice', /^halfopen_requests_total\{.*cluster="inbound\|8080\|\|"/),
      outbound: requestsOf('microservice', /^halfopen_requests_total\{.*cluster="outbound\|80\|\|server/),
      server: requestsOf('server', /^halfopen_requests_total\{.*cluster="inbound\|8080\|\|"/),
    };
    const { body } = call('http://microservice/');
    assert.equal(body.trim(), podOf('server').metadata.name);
    const grown = {
      caller: requestsOf('tester', /^halfopen_requests_total\{.*microservice/) - before.caller,
      inbound: requestsOf('microservice', /^halfopen_requests_total\{.*cluster="inbound\|8080\|\|"/) - before.inbound,
      outbound:
        requestsOf('microservice', /^halfopen_requests_total\{.*cluster="outbound\|80\|\|server/) - before.outbound,
      server: requestsOf('server', /^halfopen_requests_total\{.*cluster="inbound\|8080\|\|"/) - before.server,
    };
    assert.deepEqual(grown, { caller: 1, inbound: 1, outbound: 1, server: 1 });
  });

  test('a VirtualService that is applied with kubectl holds for the next requests, and no container is restarted', async () => {
    const counts = restarts();
    apply(
      virtualService('microservice', [
        {
          fault: { abort: { percentage: { value: 100 }, httpStatus: 418 } },
          route: [{ destination: { host: 'microservice' } }],
        },
      ]),
    );
    await until('it is in force', () => call('http://microservice/').status === 418);
    kubectl(['-n', NS, 'delete', 'virtualservice', 'microservice']);
    await until('it is gone', () => call('http://microservice/').status === 200);
    assert.deepEqual(restarts(), counts);
  });

  test('when the link of the server is cut, requests end with the route timeout, 504', async () => {
    apply(timeout(2));
    await until('the timeout is in force', () =>
      page(NS, podOf('microservice').metadata.name, '/config_dump', 15000).includes('"2s"'),
    );
    const ip = podOf('server').status.podIP;
    unplug(ip);
    const { status: code, body, ms } = call('http://microservice/');
    assert.deepEqual([code, body], [504, 'upstream request timeout']);
    assert.ok(ms >= 2000 && ms < 4000, `${ms} ms`);
    const explained = page(NS, podOf('microservice').metadata.name, '/explain', 15000);
    assert.match(explained, /504.*UT.*response_timeout/);
    plug(ip);
    await until('the connection has recovered', () => call('http://microservice/').status === 200, 60_000);
  });

  test('an upload that stalls on the cut link ends with 408', async () => {
    kubectl(['apply', '-f', CURES[1]]);
    apply(timeout(30));
    await until('the idle timeout is in force', () =>
      page(NS, podOf('microservice').metadata.name, '/config_dump', 15000).includes('"idle_timeout": "3s"'),
    );
    const ip = podOf('server').status.podIP;
    unplug(ip);
    const { status: code, ms } = await callLater('http://microservice/', 'POST', 64 << 20);
    plug(ip);
    assert.equal(code, 408);
    assert.ok(ms < 15_000, `${ms} ms`);
    const explained = page(NS, podOf('microservice').metadata.name, '/explain', 15000);
    assert.match(explained, /408.*SI.*stream_idle_timeout/);
    kubectl(['delete', '-f', CURES[1]]);
    apply(timeout(2));
    await until('the connection has recovered', () => call('http://microservice/').status === 200, 60_000);
  });

  test('with keepalive the dead connection is given up, and the first request after the repair succeeds', async () => {
    kubectl(['apply', '-f', CURES[0]]);
    const name = podOf('microservice').metadata.name;
    await until('it is in force', () => page(NS, name, '/config_dump', 15000).includes('connection_keepalive'));
    assert.equal(call('http://microservice/').status, 200);
    const ip = podOf('server').status.podIP;
    unplug(ip);
    const first = call('http://microservice/');
    assert.ok(first.status === 504 || first.status === 503, JSON.stringify(first));
    // Long enough for TCP alone to be late with its next retransmission by several seconds.
    await sleep(20_000);
    const timeouts = sum(
      page(NS, name, '/stats', 15000).replaceAll(': ', ' '),
      new RegExp(`^cluster\\.${SERVER.replaceAll('|', '\\|')};?\\.http2\\.keepalive_timeout `),
    );
    assert.ok(timeouts >= 1, 'no PING timed out');
    plug(ip);
    const repaired = Date.now();
    await until('requests succeed', () => call('http://microservice/').status === 200);
    console.log(`recovered ${Date.now() - repaired} ms after the repair`);
    assert.ok(Date.now() - repaired < 5000, `${Date.now() - repaired} ms`);
    kubectl(['delete', '-f', CURES[0]]);
  });

  test('no request is lost while server and microservice are replaced under load', async () => {
    const program = readFileSync(join(KIND, 'demo/programs/caller.mjs'), 'utf8');
    const env =
      'process.env.SECONDS_OF_LOAD = "25"; process.env.GETS_PER_SECOND = "40"; process.env.UPLOADS_PER_SECOND = "10";';
    const source = `process.argv[2] = 'http://microservice/';\n${env}\n${program}`;
    const load = spawn(join(process.env.HALFOPEN_TEST_CLUSTER, 'kubectl'), [
      ...[
        '--server=https://10.250.0.1:6443',
        '-n',
        NS,
        'exec',
        '-i',
        'tester',
        '-c',
        'app',
        '--',
        'node',
        '--input-type=module',
        '-',
      ],
    ]);
    load.stdin.end(source);
    let said = '';
    for (const stream of [load.stdout, load.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        said += text;
      });
    const over = new Promise((resolve) => load.once('exit', resolve));
    await sleep(2000);
    for (const name of ['server', 'microservice']) kubectl(['-n', NS, 'rollout', 'restart', `deployment/${name}`]);
    for (const name of ['server', 'microservice'])
      kubectl(['-n', NS, 'rollout', 'status', `deployment/${name}`, '--timeout=60s']);
    await over;
    const [, total] = /^total: (.*)$/m.exec(said) ?? [];
    console.log(total);
    assert.match(total ?? said, /^GET 200 x\d+, POST 200 x\d+$/);
  });

  const prometheus = spawnSync('prometheus', ['--version']).status === 0;
  test('Prometheus shows both ways to fail', { skip: prometheus ? false : 'Prometheus is not installed' }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'halfopen-prometheus-'));
    writeConfiguration(folder);
    const port = 19099;
    const flags = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
    const child = spawn('prometheus', [...flags, `--web.listen-address=127.0.0.1:${port}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said = (said + text).slice(-4000);
    });
    const query = async (expression) => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`);
      return (await response.json()).data.result;
    };
    try {
      await until(
        'all pods are scraped',
        async () => (await query('count(up{job="pods"} == 1) >= 3')).length === 1,
        60_000,
      );
      const ip = podOf('server').status.podIP;
      const count = (match) => `sum(halfopen_requests_total{app="microservice",${match}})`;
      unplug(ip);
      assert.equal(call('http://microservice/').status, 504);
      await until(
        'the 504 and its reason are there',
        async () =>
          (
            await query(
              `${count('response_code="504",response_flags="UT",response_code_details="response_timeout"')} > 0`,
            )
          ).length > 0,
        30_000,
      );
      await until(
        'the verdict is there',
        async () => {
          callLater('http://microservice/', 'GET', 0);
          await sleep(1500);
          return (await query('halfopen_upstream_cx_verdict{app="microservice",verdict="dead-peer"} == 1')).length > 0;
        },
        45_000,
      );
      plug(ip);
      kubectl(['apply', '-f', CURES[1]]);
      apply(timeout(30));
      await until('the chain answers', () => call('http://microservice/').status === 200, 60_000);
      await until('the idle timeout is in force', () =>
        page(NS, podOf('microservice').metadata.name, '/config_dump', 15000).includes('"idle_timeout": "3s"'),
      );
      unplug(ip);
      assert.equal((await callLater('http://microservice/', 'POST', 64 << 20)).status, 408);
      plug(ip);
      await until(
        'the 408 is there',
        async () => (await query(`${count('response_code="408"')} > 0`)).length > 0,
        30_000,
      );
      await until(
        'the recorded rule is there',
        async () => (await query('app:halfopen_requests:error_ratio1m{app="microservice"} > 0')).length > 0,
        30_000,
      );
      assert.ok((await query('istio_requests_total{app="server"}')).length > 0);
      assert.ok(
        (await query('demo_answers_total{app="server"}')).length > 0,
        'the application is not on the merged page',
      );
    } catch (error) {
      error.message += `\n${said}`;
      throw error;
    } finally {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** The configuration of deploy/kind; Debian's build cannot ask Kubernetes for pods, so what it would find is given in a file. */
function writeConfiguration(folder) {
  const config = parse(readFileSync(join(KIND, 'monitoring/config/prometheus.yml'), 'utf8'));
  for (const job of config.scrape_configs) {
    delete job.kubernetes_sd_configs;
    job.file_sd_configs = [{ files: [join(folder, 'pods.json')] }];
  }
  config.global = { scrape_interval: '1s', evaluation_interval: '1s' };
  writeFileSync(join(folder, 'prometheus.yml'), stringify(config));
  for (const name of ['rules.yml', 'alerts.yml'])
    writeFileSync(join(folder, name), readFileSync(join(KIND, `monitoring/config/${name}`)));
  const underscore = (name) => name.replace(/\W/g, '_');
  const pods = podsOf(NS, 'app').map(({ metadata, status: { podIP, phase } }) => {
    const labels = {
      __meta_kubernetes_namespace: metadata.namespace,
      __meta_kubernetes_pod_name: metadata.name,
      __meta_kubernetes_pod_ip: podIP,
      __meta_kubernetes_pod_phase: phase,
    };
    for (const [kind, entries] of [
      ['annotation', metadata.annotations],
      ['label', metadata.labels],
    ])
      for (const [name, value] of Object.entries(entries))
        labels[`__meta_kubernetes_pod_${kind}_${underscore(name)}`] = value;
    return { targets: [`${podIP}:0`], labels };
  });
  writeFileSync(join(folder, 'pods.json'), JSON.stringify(pods));
}
