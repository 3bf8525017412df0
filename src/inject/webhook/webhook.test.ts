import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { test } from 'node:test';
import { DEFAULT_OPTIONS } from '../options.js';
import type { Pod } from '../types.js';
import type { Api } from './api.js';
import { sharedCertificates, trust } from './bootstrap.js';
import { selfSigned } from './certificate.js';
import { review } from './review.js';
import { startWebhook } from './server.js';

const DAY = 86_400_000;
const POD: Pod = { metadata: { generateName: 'shop-5d8-' }, spec: { containers: [{ name: 'app', image: 'a' }] } };

const reviewOf = (object: unknown, over: object = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { uid: 'u1', namespace: 'shop', operation: 'CREATE', kind: { version: 'v1', kind: 'Pod' }, object, ...over },
});

const answer = (object: unknown, over: object = {}) => review(reviewOf(object, over), DEFAULT_OPTIONS).answer.response;

test('a pod is answered with a JSON patch that puts the sidecar in', () => {
  const response = answer(POD);
  assert.deepEqual([response.uid, response.allowed, response.patchType], ['u1', true, 'JSONPatch']);
  const patch = JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString()) as { op: string; path: string }[];
  assert.deepEqual(patch.map(({ op, path }) => `${op} ${path}`).sort(), [
    'add /metadata/annotations',
    'add /metadata/labels',
    'add /spec/initContainers',
    'add /spec/volumes',
  ]);
});

test('what is not to be injected goes through without a patch', () => {
  const { patch, allowed } = answer({ ...POD, spec: { ...POD.spec, hostNetwork: true } });
  assert.deepEqual([allowed, patch], [true, undefined]);
  assert.equal(answer({ spec: {} }, { kind: { kind: 'Deployment' } }).patch, undefined);
  assert.equal(answer(POD, { operation: 'UPDATE' }).patch, undefined);
  assert.equal(answer(POD, { namespace: 'kube-system' }).patch, undefined);
});

test('a pod that asks for what cannot be is refused with the reason, and doubts are warnings', () => {
  const annotated = (annotations: Record<string, string>) => ({ ...POD, metadata: { annotations } });
  const refused = answer(annotated({ 'status.sidecar.istio.io/port': 'x' }));
  assert.equal(refused.allowed, false);
  assert.match(
    refused.status?.message ?? '',
    /cannot be injected: status\.sidecar\.istio\.io\/port: 'x' is not a port/,
  );
  const doubtful = answer(annotated({ 'sidecar.istio.io/proxyCpu': '1' }));
  assert.deepEqual(doubtful.warnings, [
    'sidecar.istio.io/proxyCpu: unknown annotation; did you mean sidecar.istio.io/proxyCPU?',
  ]);
});

test('what is no review is refused', () => {
  for (const body of [
    null,
    {},
    { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1beta1' },
    { ...reviewOf(POD), request: {} },
  ])
    assert.throws(() => review(body, DEFAULT_OPTIONS), /is wanted|no request/);
});

/** Answers as an API server does about one Secret and one webhook configuration. */
class FakeApi {
  // biome-ignore lint/suspicious/noExplicitAny: objects of the API
  secret: any = null;
  configuration = {
    metadata: { resourceVersion: '7' },
    webhooks: [{ clientConfig: {} }, { clientConfig: {} }] as { clientConfig: { caBundle?: string } }[],
  };
  version = 1;
  /** Runs before a write: what another replica does in between. */
  between: () => void = () => {};
  readonly calls: string[] = [];

  // biome-ignore lint/suspicious/noExplicitAny: objects of the API
  readonly call: Api = async (method, path, body: any) => {
    this.calls.push(`${method} ${path.split('/').at(-1)}`);
    if (method !== 'GET') {
      this.between();
      this.between = () => {};
    }
    if (path.includes('mutatingwebhookconfigurations')) {
      if (method === 'GET') return { status: 200, body: this.configuration };
      for (const { op, path: at, value } of body) {
        if (op === 'test' && value !== this.configuration.metadata.resourceVersion) return { status: 422, body: {} };
        if (op === 'add') this.configuration.webhooks[Number(at.split('/')[2])].clientConfig.caBundle = value;
      }
      return { status: 200, body: {} };
    }
    if (method === 'GET') return this.secret === null ? { status: 404, body: {} } : { status: 200, body: this.secret };
    if (method === 'POST' && this.secret !== null) return { status: 409, body: {} };
    if (method === 'PUT' && body.metadata.resourceVersion !== this.secret.metadata.resourceVersion)
      return { status: 409, body: {} };
    this.secret = { ...body, metadata: { ...body.metadata, resourceVersion: String(this.version++) } };
    return { status: 201, body: this.secret };
  };
}

const OPTIONS = { namespace: 'halfopen-system', service: 'hook', secret: 'certs', configuration: 'hook' };

test('the certificate is made once and shared', async () => {
  const api = new FakeApi();
  const now = Date.now();
  const first = await sharedCertificates(api.call, OPTIONS, now);
  assert.equal(
    new X509Certificate(first.certificate).checkHost('hook.halfopen-system.svc'),
    'hook.halfopen-system.svc',
  );
  const second = await sharedCertificates(api.call, OPTIONS, now);
  assert.deepEqual(second, first);
  assert.deepEqual(api.calls, ['GET certs', 'POST secrets', 'GET certs']);
});

test('of two replicas that begin together the slower takes over what the faster has made', async () => {
  const api = new FakeApi();
  const now = Date.now();
  const other = new FakeApi();
  const theirs = await sharedCertificates(other.call, OPTIONS, now);
  api.between = () => {
    api.secret = other.secret;
  };
  assert.deepEqual(await sharedCertificates(api.call, OPTIONS, now), theirs);
});

test('a certificate is renewed three months before its end, and the old authority is trusted until then', async () => {
  const api = new FakeApi();
  const now = Date.now();
  const first = await sharedCertificates(api.call, OPTIONS, now);
  assert.deepEqual(await sharedCertificates(api.call, OPTIONS, now + 270 * DAY), first);
  const next = await sharedCertificates(api.call, OPTIONS, now + 280 * DAY);
  assert.notEqual(next.certificate, first.certificate);
  assert.ok(next.authority.endsWith(first.authority) && next.authority.length > first.authority.length);
  const last = await sharedCertificates(api.call, OPTIONS, now + 570 * DAY);
  assert.equal(last.authority.match(/BEGIN/g)?.length, 2);
});

test('a certificate of another Service is not used', async () => {
  const api = new FakeApi();
  const first = await sharedCertificates(api.call, OPTIONS, Date.now());
  const renamed = await sharedCertificates(api.call, { ...OPTIONS, service: 'other' }, Date.now());
  assert.notEqual(renamed.certificate, first.certificate);
});

test('every webhook of the configuration trusts the authority, and nothing is written when it does already', async () => {
  const api = new FakeApi();
  assert.equal(await trust(api.call, OPTIONS, 'PEM'), true);
  assert.deepEqual(
    api.configuration.webhooks.map(({ clientConfig }) => clientConfig.caBundle),
    [Buffer.from('PEM').toString('base64'), Buffer.from('PEM').toString('base64')],
  );
  assert.equal(await trust(api.call, OPTIONS, 'PEM'), false);
  assert.deepEqual(api.calls, ['GET hook', 'PATCH hook', 'GET hook']);
});

test('a right that is missing is told with the path', async () => {
  const api: Api = async () => ({ status: 403, body: { message: 'secrets "certs" is forbidden' } });
  await assert.rejects(
    sharedCertificates(api, OPTIONS, 0),
    /cannot read .*secrets\/certs: 403 secrets "certs" is forbidden/,
  );
});

function post(port: number, ca: string, body: string): Promise<{ status: number; body: string; serial: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path: '/inject', method: 'POST', servername: 'hook.svc', ca, agent: false },
      (response) => {
        const serial = (response.socket as import('node:tls').TLSSocket).getPeerCertificate().serialNumber;
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, serial }));
      },
    );
    asked.setHeader('content-type', 'application/json');
    asked.on('error', reject).end(body);
  });
}

test('the server answers reviews over TLS, and takes a new certificate without a restart', async () => {
  const first = selfSigned(['hook.svc'], Date.now(), DAY);
  const second = selfSigned(['hook.svc'], Date.now(), DAY);
  const logged: string[] = [];
  const server = await startWebhook(0, first.key, first.certificate, DEFAULT_OPTIONS, (text) => logged.push(text));
  try {
    const body = JSON.stringify(reviewOf(POD));
    const answered = await post(server.port, first.authority, body);
    assert.equal(answered.status, 200);
    assert.equal(JSON.parse(answered.body).response.patchType, 'JSONPatch');
    assert.deepEqual(logged, ['shop/shop-5d8- is injected']);
    assert.equal((await post(server.port, first.authority, '{}')).status, 400);
    server.use(second.key, second.certificate);
    const renewed = await post(server.port, second.authority, body);
    assert.equal(renewed.status, 200);
    assert.notEqual(renewed.serial, answered.serial);
    await assert.rejects(post(server.port, first.authority, body));
    assert.throws(() => server.use(first.key, second.certificate), /key values mismatch/i);
  } finally {
    await server.close();
  }
});
