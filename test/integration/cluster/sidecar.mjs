/**
 * Injection and the agent in a real cluster: by webhook and by command, probes of three kinds, merged metrics, memory, the time to
 * be ready. Needs the image that image.mjs loads. Started by .ci/run; see cluster.mjs.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../proxy.mjs';
import { apply, enterNode, kubectl, missing, until } from './cluster.mjs';
import { APPLICATION, deploy, exec, halfopen, IMAGE, isReady, namespace, page, podsOf, workingSet } from './pods.mjs';

const reason = missing();
const status = reason === '' ? enterNode(fileURLToPath(import.meta.url)) : null;
if (status !== null) process.exit(status);

const NS = 'halfopen-test-sidecar';
const PLAIN = 'halfopen-test-plain';

/** HTTP on 8080 with metrics, gRPC health on 9000; GET /health/off and /health/on say what the probes find. */
const PROGRAM = `
const http = require('node:http'), http2 = require('node:http2');
let healthy = true;
http.createServer((q, s) => {
  if (q.url === '/health/off') healthy = false;
  if (q.url === '/health/on') healthy = true;
  if (q.url === '/metrics') { s.setHeader('content-type', 'text/plain; version=0.0.4'); return s.end('# TYPE app_up gauge\\napp_up 1\\n'); }
  if (q.url === '/healthz') s.statusCode = healthy && q.headers['x-probe'] === 'yes' ? 200 : 500;
  s.end(process.env.HOSTNAME);
}).listen(8080);
http2.createServer().on('stream', (s) => s.resume().on('end', () => {
  s.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  s.on('wantTrailers', () => s.sendTrailers({ 'grpc-status': '0' }));
  s.end(Buffer.from([0, 0, 0, 0, 2, 8, healthy ? 1 : 2]));
})).listen(9000);
process.on('SIGTERM', () => process.exit(0));
`;

const container = (over = {}) => ({
  name: 'app',
  image: IMAGE,
  command: ['node', '-e', PROGRAM],
  ports: [{ name: 'http', containerPort: 8080 }],
  securityContext: APPLICATION,
  ...over,
});

const pod = (name, { annotations = {}, labels = {}, ...spec } = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: NS, labels: { app: name, ...labels }, annotations },
  spec: { automountServiceAccountToken: false, terminationGracePeriodSeconds: 5, containers: [container()], ...spec },
});

const find = (name, namespaceName = NS) => JSON.parse(kubectl(['-n', namespaceName, 'get', 'pod', name, '-o', 'json']));
const waitReady = (name) => kubectl(['-n', NS, 'wait', '--for=condition=Ready', `pod/${name}`, '--timeout=90s']);
const containersOf = ({ spec }) => [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name);

suite('the sidecar in a cluster', { skip: reason || false }, () => {
  before(async () => {
    await deploy();
    namespace(NS, { 'istio-injection': 'enabled' });
    namespace(PLAIN);
  });
  after(() => kubectl(['delete', 'namespace', NS, PLAIN, '--wait=false', '--ignore-not-found']));

  test('every manifest of deploy/kind is accepted by the API server', () => {
    // Namespaces must be there for what is in them to be looked at.
    for (const name of ['halfopen-demo', 'halfopen-monitoring']) {
      const found = kubectl(['get', 'namespace', name, '--ignore-not-found', '-o', 'name']);
      if (found === '') kubectl(['create', 'namespace', name]);
    }
    const rendered = kubectl(['kustomize', join(ROOT, 'deploy/kind')]);
    assert.ok(rendered.match(/^kind: /gm).length > 30);
    kubectl(['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-f', '-'], rendered);
    for (const cure of ['keepalive', 'idle-timeout'])
      kubectl(['apply', '--server-side', '--dry-run=server', '-f', join(ROOT, `deploy/kind/cures/${cure}.yaml`)]);
  });

  test('the webhook may read one Secret and change one configuration, and nothing else', () => {
    const account = '--as=system:serviceaccount:halfopen-system:halfopen-injector';
    const can = (...args) => kubectl(['auth', 'can-i', '--list', account, ...args]);
    const allowed = can('-n', 'halfopen-system')
      .split('\n')
      .filter((line) => /^(secrets|mutatingwebhook)/.test(line))
      .map((line) => line.replace(/\s+/g, ' ').trim());
    assert.deepEqual(allowed.sort(), [
      'mutatingwebhookconfigurations.admissionregistration.k8s.io [] [halfopen-injector] [get patch]',
      'secrets [] [] [create]',
      'secrets [] [halfopen-injector-certs] [get update]',
    ]);
    assert.doesNotMatch(can('-n', 'default'), /^(secrets|pods)\b/m);
  });

  test('by the webhook a pod of a labelled namespace gets the sidecar', () => {
    apply(pod('hooked'));
    waitReady('hooked');
    assert.deepEqual(containersOf(find('hooked')), ['istio-init', 'istio-proxy', 'app']);
    assert.equal(find('hooked').metadata.annotations['istio.io/rev'], 'halfopen');
  });

  test('a pod that refuses, and one of a namespace without label, stay as they are', () => {
    apply(pod('refusing', { labels: { 'sidecar.istio.io/inject': 'false' } }));
    assert.deepEqual(containersOf(find('refusing')), ['app']);
    const elsewhere = pod('elsewhere');
    elsewhere.metadata.namespace = PLAIN;
    apply(elsewhere);
    assert.deepEqual(containersOf(find('elsewhere', PLAIN)), ['app']);
  });

  test('a pod with a wrong annotation is refused with the reason', () => {
    assert.throws(
      () => apply(pod('wrong', { annotations: { 'traffic.sidecar.istio.io/excludeOutboundPorts': 'mysql' } })),
      /the sidecar cannot be injected: traffic\.sidecar\.istio\.io\/excludeOutboundPorts: 'mysql' is not a port/,
    );
  });

  test('by the command a Deployment gets it where no webhook looks, and the webhook leaves injected pods alone', () => {
    const text = JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'commanded', namespace: PLAIN },
      spec: {
        selector: { matchLabels: { app: 'commanded' } },
        template: { metadata: { labels: { app: 'commanded' } }, spec: pod('x').spec },
      },
    });
    const injected = halfopen(['inject', '-f', '-', '--image', IMAGE], text);
    assert.equal(injected.status, 0, injected.stderr);
    for (const where of [PLAIN, NS]) {
      kubectl(['apply', '-f', '-'], injected.stdout.replaceAll(`"${PLAIN}"`, `"${where}"`));
      kubectl(['-n', where, 'rollout', 'status', 'deployment/commanded', '--timeout=90s']);
      const [{ spec }] = podsOf(where, 'app=commanded');
      assert.deepEqual(containersOf({ spec }), ['istio-init', 'istio-proxy', 'app']);
    }
  });

  test('in the classic form it is a container among the others, and the application waits for it', () => {
    const annotations = {
      'sidecar.istio.io/nativeSidecar': 'false',
      'proxy.istio.io/config': 'holdApplicationUntilProxyStarts: true',
    };
    apply(pod('classic', { annotations }));
    waitReady('classic');
    assert.deepEqual(containersOf(find('classic')), ['istio-init', 'istio-proxy', 'app']);
    assert.deepEqual(
      find('classic').spec.containers.map(({ name }) => name),
      ['istio-proxy', 'app'],
    );
  });

  const PROBES = {
    http: {
      readinessProbe: {
        httpGet: { path: '/healthz', port: 'http', httpHeaders: [{ name: 'x-probe', value: 'yes' }] },
        periodSeconds: 1,
        failureThreshold: 1,
      },
    },
    grpc: { readinessProbe: { grpc: { port: 9000 }, periodSeconds: 1, failureThreshold: 1 } },
  };

  for (const [kind, probe] of Object.entries(PROBES)) {
    test(`a probe by ${kind} goes through the agent and shows what the application says`, async () => {
      const name = `probed-${kind}`;
      apply(pod(name, { containers: [container(probe)] }));
      waitReady(name);
      const { readinessProbe } = find(name).spec.containers[0];
      assert.deepEqual([readinessProbe.httpGet.path, readinessProbe.httpGet.port], ['/app-health/app/readyz', 15020]);
      const say = (what) =>
        exec(NS, name, 'app', ['node', '-e', `require('http').get('http://127.0.0.1:8080/health/${what}')`]);
      say('off');
      await until('the pod is not ready', () => !isReady(find(name)));
      say('on');
      await until('the pod is ready again', () => isReady(find(name)));
    });
  }

  test('a probe by TCP fails where nothing listens', async () => {
    const probe = (port) => ({ readinessProbe: { tcpSocket: { port }, periodSeconds: 1 } });
    apply(
      pod('tcp-good', { containers: [container(probe(8080))] }),
      pod('tcp-bad', { containers: [container(probe(8099))] }),
    );
    waitReady('tcp-good');
    await until(
      'the probe has failed',
      () =>
        page(NS, 'tcp-bad', '/metrics') &&
        kubectl(['-n', NS, 'logs', 'tcp-bad', '-c', 'istio-proxy']).includes('readyz: no connection'),
    );
    assert.equal(isReady(find('tcp-bad')), false);
  });

  test('the metrics of the application are on the page of the sidecar', () => {
    apply(pod('measured', { annotations: { 'prometheus.io/port': '8080' } }));
    waitReady('measured');
    assert.equal(find('measured').metadata.annotations['prometheus.io/port'], '15020');
    const text = page(NS, 'measured', '/stats/prometheus');
    assert.match(text, /^app_up 1$/m);
    assert.match(text, /^envoy_server_live\{\} 1$/m);
    assert.match(text, /^istio_agent_scrape_failures_total\{type="application"\} 0$/m);
  });

  test('an idle sidecar takes less than 80 MiB, and starts in less than a second', async () => {
    apply(pod('idle'));
    waitReady('idle');
    const bytes = await until('the kubelet has measured it', () => workingSet(NS, 'idle', 'istio-proxy'), 60_000);
    const log = kubectl(['-n', NS, 'logs', 'idle', '-c', 'istio-proxy']);
    const ready = Number(/ready after (\d+) ms/.exec(log)?.[1]);
    // Time in which the process could have run and another one did: a busy machine is not the sidecar's fault.
    const schedule = exec(NS, 'idle', 'istio-proxy', [
      'node',
      '-p',
      `require('fs').readFileSync('/proc/1/schedstat', 'utf8')`,
    ]);
    const waited = Number(schedule.split(' ')[1]) / 1e6;
    const took = ready - waited;
    console.log(
      `idle sidecar: ${(bytes / 2 ** 20).toFixed(1)} MiB, ready after ${ready} ms, ${waited.toFixed(0)} of them without a processor`,
    );
    assert.ok(bytes < 80 * 2 ** 20, `${bytes} bytes`);
    assert.ok(took < 1000, `${took} ms: ${log}`);
  });

  test('a Job ends when its application does', async () => {
    const spec = {
      restartPolicy: 'Never',
      containers: [container({ command: ['node', '-e', 'setTimeout(() => {}, 500)'] })],
    };
    const template = { metadata: { labels: { app: 'job' } }, spec: { ...pod('x').spec, ...spec } };
    apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'job', namespace: NS }, spec: { template } });
    kubectl(['-n', NS, 'wait', '--for=condition=Complete', 'job/job', '--timeout=90s']);
  });
});
