import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workloadOf } from './identity.js';
import { DEFAULT_OPTIONS, type InjectOptions } from './options.js';
import { injectPod } from './pod.js';
import type { Container, Pod } from './types.js';

const WORKLOAD = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop', namespace: 'default' };
const app = (over: Partial<Container> = {}): Container => ({ name: 'app', image: 'app:1', ...over });
const podOf = (over: Pod = {}): Pod => ({ spec: { containers: [app()] }, ...over });
const annotated = (annotations: Record<string, string>, spec = {}): Pod => ({
  metadata: { annotations },
  spec: { containers: [app()], ...spec },
});

function inject(pod: Pod, over: Partial<InjectOptions> = {}) {
  const { injected, skipped, warnings } = injectPod(pod, WORKLOAD, { ...DEFAULT_OPTIONS, ...over });
  assert.ok(injected !== null, skipped ?? '');
  const { spec = {}, metadata = {} } = injected;
  const find = (name: string) =>
    [...(spec.initContainers ?? []), ...(spec.containers ?? [])].find((container) => container.name === name);
  const proxy = find('istio-proxy')!;
  const env = Object.fromEntries((proxy.env ?? []).map(({ name, value }) => [name, value]));
  return { injected, spec, metadata, proxy, init: find('istio-init'), env, warnings };
}

const flag = (args: string[] | undefined, name: string) => args?.[args.indexOf(name) + 1];
const order = (containers?: Container[]) => containers?.map(({ name }) => name);

test('the sidecar runs as 1337 without privileges, and may write nothing', () => {
  const { proxy, init } = inject(podOf());
  assert.deepEqual(proxy.securityContext, {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    privileged: false,
    readOnlyRootFilesystem: true,
    runAsGroup: 1337,
    runAsNonRoot: true,
    runAsUser: 1337,
  });
  assert.deepEqual((init as unknown as { securityContext: { capabilities: unknown } }).securityContext.capabilities, {
    add: ['NET_ADMIN', 'NET_RAW'],
    drop: ['ALL'],
  });
});

test('the init container has the flags of istio-iptables', () => {
  assert.deepEqual(inject(podOf()).init?.args, [
    ...['redirect', '--apply', '-p', '15001', '-z', '15006', '-u', '1337', '-g', '1337', '-m', 'REDIRECT'],
    ...['-i', '*', '-x', '', '-b', '*', '-d', '15090,15021,15020'],
  ]);
  const { init } = inject(
    annotated({
      'traffic.sidecar.istio.io/includeInboundPorts': '80,81',
      'traffic.sidecar.istio.io/excludeInboundPorts': '7000, 15020',
      'traffic.sidecar.istio.io/includeOutboundPorts': '443',
      'traffic.sidecar.istio.io/excludeOutboundPorts': '3306',
      'traffic.sidecar.istio.io/includeOutboundIPRanges': '10.0.0.0/8',
      'traffic.sidecar.istio.io/excludeOutboundIPRanges': '10.1.0.0/16,fd00::/8',
      'traffic.sidecar.istio.io/kubevirtInterfaces': 'net1',
      'traffic.sidecar.istio.io/excludeInterfaces': 'eth1',
    }),
  );
  assert.equal(flag(init?.args, '-b'), '80,81');
  assert.equal(flag(init?.args, '-d'), '15090,15021,7000,15020');
  assert.equal(flag(init?.args, '-q'), '443');
  assert.equal(flag(init?.args, '-o'), '3306');
  assert.equal(flag(init?.args, '-i'), '10.0.0.0/8');
  assert.equal(flag(init?.args, '-x'), '10.1.0.0/16,fd00::/8');
  assert.equal(flag(init?.args, '-k'), 'net1');
  assert.equal(flag(init?.args, '-c'), 'eth1');
});

test('natively the sidecar starts before the init containers of the application and drains when the pod begins to end', () => {
  const { spec, proxy } = inject({ spec: { containers: [app()], initContainers: [app({ name: 'migrate' })] } });
  assert.deepEqual(order(spec.initContainers), ['istio-init', 'istio-proxy', 'migrate']);
  assert.deepEqual(order(spec.containers), ['app']);
  assert.equal(proxy.restartPolicy, 'Always');
  assert.deepEqual(proxy.lifecycle?.preStop, {
    exec: { command: ['halfopen', 'request', '--debug-port', '15020', 'POST', 'drain'] },
  });
});

test('in the classic form the rules come last, and the sidecar last or, when the application must wait, first', () => {
  const pod: Pod = { spec: { containers: [app()], initContainers: [app({ name: 'migrate' })] } };
  const classic = inject(pod, { native: false });
  assert.deepEqual(order(classic.spec.initContainers), ['migrate', 'istio-init']);
  assert.deepEqual(order(classic.spec.containers), ['app', 'istio-proxy']);
  assert.equal(classic.proxy.restartPolicy, undefined);
  assert.equal(classic.proxy.lifecycle, undefined);
  const hold = inject(
    { ...pod, metadata: { annotations: { 'proxy.istio.io/config': '{holdApplicationUntilProxyStarts: true}' } } },
    { native: false },
  );
  assert.deepEqual(order(hold.spec.containers), ['istio-proxy', 'app']);
  assert.deepEqual(hold.proxy.lifecycle?.postStart, { exec: { command: ['halfopen', 'wait'] } });
  const asked = inject(annotated({ 'sidecar.istio.io/nativeSidecar': 'true' }), { native: false });
  assert.deepEqual(order(asked.spec.initContainers), ['istio-init', 'istio-proxy']);
});

test('resources are Istio’s defaults, and one annotation displaces them all', () => {
  assert.deepEqual(inject(podOf()).proxy.resources, {
    requests: { cpu: '100m', memory: '128Mi' },
    limits: { cpu: '2000m', memory: '1024Mi' },
  });
  const own = inject(annotated({ 'sidecar.istio.io/proxyCPU': '10m', 'sidecar.istio.io/proxyMemoryLimit': '80Mi' }));
  assert.deepEqual(own.proxy.resources, { requests: { cpu: '10m' }, limits: { memory: '80Mi' } });
});

test('probes of three kinds and hooks go through the agent, which is told what they were', () => {
  const { spec, env } = inject({
    spec: {
      containers: [
        app({
          ports: [{ name: 'web', containerPort: 8080 }],
          livenessProbe: {
            httpGet: { path: '/live', port: 'web', scheme: 'HTTPS', httpHeaders: [{ name: 'A', value: 'b' }] },
            ...{ timeoutSeconds: 3, periodSeconds: 7 },
          },
          readinessProbe: { tcpSocket: { port: 5432 } },
          startupProbe: { grpc: { port: 9000, service: 's' } },
          lifecycle: { preStop: { httpGet: { path: '/bye', port: 8080 } }, postStart: { exec: { command: ['a'] } } },
        }),
      ],
    },
  });
  const [container] = spec.containers ?? [];
  assert.deepEqual(container.livenessProbe, {
    timeoutSeconds: 3,
    periodSeconds: 7,
    httpGet: { path: '/app-health/app/livez', port: 15020, scheme: 'HTTP', httpHeaders: [{ name: 'A', value: 'b' }] },
  });
  assert.deepEqual(container.readinessProbe, { httpGet: { path: '/app-health/app/readyz', port: 15020 } });
  assert.deepEqual(container.startupProbe, { httpGet: { path: '/app-health/app/startupz', port: 15020 } });
  assert.deepEqual(container.lifecycle, {
    preStop: { httpGet: { path: '/app-lifecycle/app/prestopz', port: 15020 } },
    postStart: { exec: { command: ['a'] } },
  });
  assert.deepEqual(JSON.parse(env.ISTIO_KUBE_APP_PROBERS ?? ''), {
    '/app-health/app/livez': {
      httpGet: { path: '/live', port: 8080, scheme: 'HTTPS', httpHeaders: [{ name: 'A', value: 'b' }] },
      timeoutSeconds: 3,
    },
    '/app-health/app/readyz': { tcpSocket: { port: 5432 } },
    '/app-health/app/startupz': { grpc: { port: 9000, service: 's' } },
    '/app-lifecycle/app/prestopz': { httpGet: { path: '/bye', port: 8080 } },
  });
});

test('probes stay where nothing is to be rewritten', () => {
  const exec = { exec: { command: ['true'] } };
  const named = { httpGet: { path: '/', port: 'nowhere' } };
  const { spec, env } = inject({ spec: { containers: [app({ livenessProbe: exec, readinessProbe: named })] } });
  assert.deepEqual([spec.containers?.[0].livenessProbe, spec.containers?.[0].readinessProbe], [exec, named]);
  assert.equal(env.ISTIO_KUBE_APP_PROBERS, undefined);
  const tcp = { tcpSocket: { port: 80 } };
  for (const [name, value] of [
    ['sidecar.istio.io/rewriteAppHTTPProbers', 'false'],
    ['status.sidecar.istio.io/port', '0'],
  ]) {
    const pod = annotated({ [name]: value }, { containers: [app({ livenessProbe: tcp })] });
    assert.deepEqual(inject(pod).spec.containers?.[0].livenessProbe, tcp);
  }
});

test('the metrics of the application are merged: Prometheus is sent to the agent', () => {
  const { metadata, env } = inject(annotated({ 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' }));
  assert.equal(metadata.annotations?.['prometheus.io/port'], '15020');
  assert.equal(metadata.annotations?.['prometheus.io/path'], '/stats/prometheus');
  assert.deepEqual(JSON.parse(env.ISTIO_PROMETHEUS_ANNOTATIONS ?? ''), { scrape: 'true', path: '', port: '8080' });
  const none = inject(podOf());
  assert.equal(none.metadata.annotations?.['prometheus.io/scrape'], 'true');
  assert.equal(none.env.ISTIO_PROMETHEUS_ANNOTATIONS, undefined);
  const off = inject(annotated({ 'prometheus.io/scrape': 'false', 'prometheus.io/port': '8080' }));
  assert.equal(off.metadata.annotations?.['prometheus.io/port'], '8080');
  const unmerged = inject(annotated({ 'prometheus.istio.io/merge-metrics': 'false', 'prometheus.io/port': '8080' }));
  assert.equal(unmerged.metadata.annotations?.['prometheus.io/port'], '8080');
  const several = inject(annotated({ 'prometheus.istio.io/scrape-targets': '8080:/a, 8081' }));
  assert.deepEqual(JSON.parse(several.env.ISTIO_PROMETHEUS_ANNOTATIONS ?? '').targets, [
    { port: '8080', path: '/a' },
    { port: '8081', path: '/metrics' },
  ]);
  assert.throws(() => inject(annotated({ 'prometheus.io/port': '15090' })), /the sidecar's/);
});

test('proxy.istio.io/config sets what this proxy has, and names the rest', () => {
  const config = `
terminationDrainDuration: 9s
drainDuration: 20s
statusPort: 16020
proxyMetadata:
  EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "true"
concurrency: 2
`;
  const { proxy, env, warnings, init } = inject(annotated({ 'proxy.istio.io/config': config }));
  assert.equal(env.TERMINATION_DRAIN_DURATION_SECONDS, '9');
  assert.equal(env.EXIT_ON_ZERO_ACTIVE_CONNECTIONS, 'true');
  assert.equal(flag(proxy.args, '--drain-time-s'), '20');
  assert.equal(flag(proxy.args, '--status-port'), '16020');
  assert.equal(flag(init?.args, '-d'), '15090,15021,16020');
  assert.deepEqual(
    warnings.map(({ message }) => message),
    ['concurrency has no effect'],
  );
  for (const [wrong, message] of [
    ['terminationDrainDuration: 9', /not a duration/],
    ['drainDurations: 9s', /unknown field drainDurations; did you mean drainDuration\?/],
    ['interceptionMode: NONE', /is no interception mode/],
    ['- 1', /not a mapping/],
    ['a: [', /Flow sequence/],
  ] as const)
    assert.throws(() => inject(annotated({ 'proxy.istio.io/config': wrong })), message);
});

test('wrong values of annotations are refused, all of them at once', () => {
  const wrong = {
    'status.sidecar.istio.io/port': '70000',
    'sidecar.istio.io/interceptionMode': 'MAGIC',
    'sidecar.istio.io/proxyCPU': '1 core',
    'traffic.sidecar.istio.io/includeInboundPorts': 'a',
    'traffic.sidecar.istio.io/excludeOutboundIPRanges': '10.0.0.0/33',
    'readiness.status.sidecar.istio.io/periodSeconds': '-1',
    'sidecar.istio.io/userVolume': '[]',
  };
  assert.throws(
    () => inject(annotated(wrong)),
    (error: Error & { findings: unknown[] }) => error.findings.length === Object.keys(wrong).length,
  );
});

test('annotations that do nothing here are told, unknown ones too', () => {
  const { warnings } = inject(
    annotated({ 'sidecar.istio.io/componentLogLevel': 'misc:error', 'sidecar.istio.io/nonsense': '1', 'my.io/x': '1' }),
  );
  assert.deepEqual(
    warnings.map(({ message, path }) => [path.at(-1), message.split(/[:;]/)[0]]),
    [
      ['sidecar.istio.io/componentLogLevel', 'has no effect'],
      ['sidecar.istio.io/nonsense', 'unknown annotation'],
    ],
  );
});

test('who is left alone, and why', () => {
  const skip = (pod: Pod, over: Partial<InjectOptions> = {}, namespace = 'default') =>
    injectPod(pod, { ...WORKLOAD, namespace }, { ...DEFAULT_OPTIONS, ...over }).skipped;
  const labelled = (labels: Record<string, string>, annotations = {}): Pod => ({
    ...podOf(),
    metadata: { labels, annotations },
  });
  assert.match(skip({ spec: { hostNetwork: true } }) ?? '', /host networking/);
  assert.match(skip(podOf(), {}, 'kube-system') ?? '', /kube-system/);
  assert.match(skip(annotated({ 'sidecar.istio.io/inject': 'false' })) ?? '', /disabled/);
  assert.match(
    skip(labelled({ 'sidecar.istio.io/inject': 'false' }, { 'sidecar.istio.io/inject': 'true' })) ?? '',
    /disabled/,
  );
  assert.equal(skip(labelled({ 'sidecar.istio.io/inject': 'true' }, { 'sidecar.istio.io/inject': 'false' })), null);
  assert.match(skip(podOf(), { byDefault: false }) ?? '', /nothing asks/);
  assert.equal(skip(labelled({ 'sidecar.istio.io/inject': 'true' }), { byDefault: false }), null);
  assert.match(skip(labelled({ 'istio.io/rev': 'canary' }), { revision: 'default' }) ?? '', /revision canary/);
  assert.equal(skip(labelled({ 'istio.io/rev': 'canary' })), null);
  assert.match(skip(inject(podOf()).injected) ?? '', /already/);
});

test('labels and annotations tell the mesh and kubectl what the pod is', () => {
  const { metadata } = inject({ metadata: { labels: { app: 'shop', version: 'v2' } }, spec: { containers: [app()] } });
  assert.equal(metadata.labels?.['service.istio.io/canonical-name'], 'shop');
  assert.equal(metadata.labels?.['service.istio.io/canonical-revision'], 'v2');
  assert.equal(metadata.labels?.['security.istio.io/tlsMode'], 'disabled');
  assert.equal(metadata.annotations?.['kubectl.kubernetes.io/default-container'], 'app');
  assert.deepEqual(JSON.parse(metadata.annotations?.['sidecar.istio.io/status'] ?? ''), {
    initContainers: ['istio-init', 'istio-proxy'],
    containers: null,
    volumes: ['istio-podinfo', 'halfopen-token'],
    imagePullSecrets: null,
    revision: 'default',
  });
});

test('a container of the sidecar’s name says what to change about it', () => {
  const { proxy, spec } = inject({
    spec: {
      containers: [
        app(),
        app({
          name: 'istio-proxy',
          image: 'auto',
          env: [
            { name: 'POD_NAME', value: 'x' },
            { name: 'B', value: 'c' },
          ],
        }),
      ],
    },
  });
  assert.deepEqual(order(spec.containers), ['app']);
  assert.equal(proxy.image, DEFAULT_OPTIONS.image);
  assert.deepEqual(
    proxy.env?.find(({ name }) => name === 'POD_NAME'),
    { name: 'POD_NAME', value: 'x' },
  );
  assert.deepEqual(proxy.env?.at(-1), { name: 'B', value: 'c' });
});

test('with a ConfigMap the sidecar needs no token', () => {
  const { proxy, spec } = inject(podOf(), { source: { kind: 'configmap', name: 'mesh' } });
  assert.deepEqual(order(spec.volumes as Container[]), ['istio-podinfo', 'halfopen-config']);
  assert.equal(flag(proxy.args, '--config'), '/etc/halfopen/config');
  assert.ok(!proxy.args?.includes('--kubernetes'));
});

test('without interception there is no init container', () => {
  const { spec, proxy, env } = inject(annotated({ 'sidecar.istio.io/interceptionMode': 'NONE' }));
  assert.deepEqual(order(spec.initContainers), ['istio-proxy']);
  assert.ok(!proxy.args?.includes('--capture'));
  assert.equal(env.ISTIO_META_INTERCEPTION_MODE, 'NONE');
});

test('with TPROXY the sidecar is root in its group and may make transparent sockets', () => {
  for (const annotations of [
    { 'sidecar.istio.io/interceptionMode': 'TPROXY' },
    { 'proxy.istio.io/config': 'interceptionMode: TPROXY' },
  ] as Record<string, string>[]) {
    const { proxy, init, env } = inject(annotated(annotations));
    assert.equal(flag(init?.args, '-m'), 'TPROXY');
    assert.equal(env.ISTIO_META_INTERCEPTION_MODE, 'TPROXY');
    assert.deepEqual(proxy.securityContext, {
      allowPrivilegeEscalation: false,
      capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: 1337,
      runAsNonRoot: false,
      runAsUser: 0,
    });
  }
});

test('the pod that is given stays as it is', () => {
  const pod = podOf({
    metadata: { annotations: { 'prometheus.io/port': '80' } },
    spec: { containers: [app({ livenessProbe: { tcpSocket: { port: 1 } } })] },
  });
  const copy = structuredClone(pod);
  inject(pod);
  assert.deepEqual(pod, copy);
});

test('the workload of a pod is found through its controller', () => {
  const owned = (kind: string, name: string, labels = {}): Pod => ({
    metadata: {
      labels,
      generateName: `${name}-`,
      ownerReferences: [{ apiVersion: 'apps/v1', kind, name, controller: true }],
    },
  });
  assert.deepEqual(workloadOf(owned('ReplicaSet', 'shop-5d8', { 'pod-template-hash': '5d8' }), 'n'), {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: 'shop',
    namespace: 'n',
  });
  assert.equal(workloadOf(owned('ReplicaSet', 'shop-5d8'), 'n').kind, 'ReplicaSet');
  assert.equal(workloadOf(owned('Job', 'nightly-28123456'), 'n').name, 'nightly');
  assert.equal(workloadOf(owned('Job', 'once'), 'n').kind, 'Job');
  assert.equal(workloadOf({ metadata: { generateName: 'bare-' } }, 'n').name, 'bare');
});
