import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { seededRandom } from '../base/random.js';
import { injectDocuments } from './documents.js';
import { DEFAULT_OPTIONS, type InjectOptions } from './options.js';
import type { Container, Pod } from './types.js';

const inject = (text: string, over: Partial<InjectOptions> = {}) =>
  injectDocuments('a.yaml', text, 'default', { ...DEFAULT_OPTIONS, ...over });

// biome-ignore lint/suspicious/noExplicitAny: any document
const read = (text: string): any[] => parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS());

const POD_SPEC = 'spec: {containers: [{name: app, image: "app:1", ports: [{containerPort: 8080}]}]}';
const workload = (kind: string, apiVersion = 'apps/v1') =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: w}\nspec: {template: {${POD_SPEC}}}\n`;

const names = (containers?: Container[]) => containers?.map(({ name }) => name);

test('every kind that has a pod template is injected there', () => {
  for (const kind of ['Deployment', 'DaemonSet', 'StatefulSet', 'ReplicaSet', 'ReplicationController', 'Job']) {
    const [{ spec }] = read(inject(workload(kind)).text);
    assert.deepEqual(names(spec.template.spec.initContainers), ['istio-init', 'istio-proxy'], kind);
    assert.ok(spec.template.metadata.annotations['sidecar.istio.io/status'], kind);
  }
  const cron = `apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec: {jobTemplate: {spec: {template: {${POD_SPEC}}}}}\n`;
  const [{ spec }] = read(inject(cron).text);
  assert.deepEqual(names(spec.jobTemplate.spec.template.spec.initContainers), ['istio-init', 'istio-proxy']);
  const [pod] = read(inject(`apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n${POD_SPEC}\n`).text);
  assert.deepEqual(names(pod.spec.initContainers), ['istio-init', 'istio-proxy']);
});

test('the items of a List are injected, and other kinds pass through letter by letter', () => {
  const service = '# a service\napiVersion: v1\nkind: Service\nmetadata: {name:   s}\n---\n';
  const list = `apiVersion: v1\nkind: List\nitems:\n- ${workload('Deployment').replaceAll('\n', '\n  ')}\n- {apiVersion: v1, kind: Secret}\n`;
  const { text } = inject(service + list);
  assert.ok(text.startsWith(service.slice(0, -4)));
  const [, { items }] = read(text);
  assert.deepEqual(names(items[0].spec.template.spec.initContainers), ['istio-init', 'istio-proxy']);
  assert.deepEqual(items[1], { apiVersion: 'v1', kind: 'Secret' });
});

test('comments, order and the style of lists stay', () => {
  const text = `# the shop
kind: Deployment
apiVersion: apps/v1
metadata:
  name: shop # its name
spec:
  template:
    spec:
      containers:
      # the application
      - name: app
        image: app:1 # pinned
        env:
        - {name: A, value: "1"}
`;
  const { text: injected } = inject(text);
  for (const line of text.split('\n')) if (line !== '') assert.ok(injected.split('\n').includes(line), line);
  assert.ok(injected.indexOf('kind:') < injected.indexOf('apiVersion:'));
});

test('JSON stays JSON', () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'a', image: 'b' }] },
  };
  const { text } = inject(JSON.stringify(pod));
  const injected = JSON.parse(text) as Pod;
  assert.deepEqual(names(injected.spec?.initContainers), ['istio-init', 'istio-proxy']);
});

test('values that YAML would take for something else are quoted', () => {
  const { text } = inject(workload('Deployment'), { image: 'yes' });
  const [{ spec }] = read(text);
  assert.equal(spec.template.spec.initContainers[1].image, 'yes');
  assert.equal(spec.template.metadata.annotations['prometheus.io/scrape'], 'true');
  assert.equal(spec.template.metadata.annotations['prometheus.io/port'], '15020');
});

test('a change under an anchor does not show at its aliases', () => {
  const text = `apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: a, annotations: {sidecar.istio.io/inject: "false"}}
  spec: &spec
    containers: &containers [{name: app, image: b}]
- apiVersion: v1
  kind: Pod
  metadata: {name: b}
  spec: {<<: *spec, restartPolicy: Never}
`;
  const [{ items }] = read(inject(text).text);
  assert.deepEqual(items[0].spec, { containers: [{ name: 'app', image: 'b' }] });
  assert.deepEqual(names(items[1].spec.initContainers), ['istio-init', 'istio-proxy']);
  assert.deepEqual(names(items[1].spec.containers), ['app']);
  assert.equal(items[1].spec.restartPolicy, 'Never');
});

test('mistakes and doubts have the position of the field', () => {
  const pod = (annotation: string) =>
    `apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations:\n    ${annotation}\n${POD_SPEC}\n`;
  const { messages } = inject(pod('sidecar.istio.io/proxyCpu: 1m'));
  assert.deepEqual(messages, [
    'a.yaml:6:32: Pod default/p: sidecar.istio.io/proxyCpu: unknown annotation; did you mean sidecar.istio.io/proxyCPU?',
  ]);
  assert.throws(
    () => inject(pod('status.sidecar.istio.io/port: x')),
    /^ConfigError: a\.yaml:6:35: Pod default\/p: .*'x' is not a port/,
  );
  assert.throws(() => inject(pod('prometheus.io/port: 8080')), /8080 is no text: put it in quotes/);
  assert.throws(() => inject('a: [\n'), /^ConfigError: a\.yaml:2:1/);
  assert.throws(() => inject('kind: Pod\nmetadata: {name: p}\n'), /Pod default\/p has no spec/);
});

test('what is left alone is told with the reason', () => {
  const { messages, text } = inject(
    `apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: ns}\nspec: {hostNetwork: true, containers: []}\n`,
  );
  assert.deepEqual(messages, ['Pod ns/p is left as it is: it has host networking enabled']);
  assert.ok(!text.includes('istio'));
});

test('injecting twice is injecting once, whatever the pod looks like', () => {
  const random = seededRandom(11);
  const some = <T>(...choices: T[]): T => choices[random.u32() % choices.length];
  const probe = () =>
    some<object>(
      { httpGet: { path: '/x', port: some<number | string>(8080, 'http', 'nowhere') }, timeoutSeconds: 2 },
      { tcpSocket: { port: 8080 } },
      { grpc: { port: 9000 } },
      { exec: { command: ['true'] } },
    );
  for (let i = 0; i < 300; i++) {
    const container = (name: string) => ({
      name,
      image: 'x',
      ports: [{ name: 'http', containerPort: 8080 }],
      ...some({}, { livenessProbe: probe() }, { readinessProbe: probe(), startupProbe: probe() }),
      ...some({}, { lifecycle: { preStop: probe(), postStart: probe() } }),
    });
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'p',
        ...some(
          {},
          { labels: { app: 'a' } },
          { labels: { 'sidecar.istio.io/inject': some('true', 'false', 'maybe') } },
        ),
        ...some(
          {},
          { annotations: { 'prometheus.io/port': '8080', 'sidecar.istio.io/nativeSidecar': some('true', 'false') } },
          { annotations: { 'status.sidecar.istio.io/port': some('0', '15020', '16020') } },
          { annotations: { 'proxy.istio.io/config': 'holdApplicationUntilProxyStarts: true' } },
          { annotations: { 'sidecar.istio.io/interceptionMode': some('NONE', 'REDIRECT') } },
        ),
      },
      spec: {
        containers: some(
          [container('a')],
          [container('a'), container('b')],
          [container('a'), { name: 'istio-proxy', image: 'auto' }],
        ),
        ...some({}, { initContainers: [container('i')] }, { volumes: [{ name: 'istio-podinfo', emptyDir: {} }] }),
      },
    };
    const options = some<Partial<InjectOptions>>({}, { native: false }, { source: { kind: 'configmap', name: 'c' } });
    const once = inject(JSON.stringify(pod), options).text;
    const twice = inject(once, options).text;
    assert.equal(twice, once, JSON.stringify(pod));
  }
});
