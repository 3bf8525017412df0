import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readKubeDocuments } from '../../config/kube-documents.js';
import { profileNamed } from '../profile.js';
import { resourceOf } from '../resource.js';
import { schemaOf } from '../schema/kinds.js';
import type { Schema } from '../schema/notation.js';
import { type TranslateOptions, type Translation, translate } from '../translate.js';
import type { Carried, Setting } from './check.js';
import { KINDS } from './kinds.js';

const NETWORKING = 'networking.istio.io/v1';

function run(text: string, options: Partial<TranslateOptions> = {}): Translation {
  const { docs, errors } = readKubeDocuments('mesh.yaml', text);
  assert.deepEqual(errors, []);
  return translate(docs, { profile: 'istio-current', ...options });
}

function document(kind: string, spec: string, api = NETWORKING): string {
  return `apiVersion: ${api}\nkind: ${kind}\nmetadata: {name: shop, namespace: default}\nspec: ${spec}\n`;
}

/** Paths of what is told not to be carried out, in the order of the document. */
function told(text: string, options: Partial<TranslateOptions> = {}): string[] {
  const { warnings, errors } = run(text, options);
  assert.deepEqual(errors, []);
  return warnings.filter((w) => w.rule === 'unsupported').map((w) => w.path);
}

/** A proxy to which every field means something. */
const EVERYTHING: Setting = {
  profile: profileNamed('istio-current')!,
  proxyType: 'router',
  captures: true,
  certificates: true,
};

const policy = (text: string) => document('DestinationRule', `{host: shop, trafficPolicy: {${text}}}`);

test('every field of the resource definitions is named as read or not read, and no other', () => {
  const versions: Record<string, string> = {
    EnvoyFilter: 'networking.istio.io/v1alpha3',
    HTTPRoute: 'gateway.networking.k8s.io/v1',
    PeerAuthentication: 'security.istio.io/v1',
    ProxyConfig: 'networking.istio.io/v1beta1',
    Telemetry: 'telemetry.istio.io/v1',
  };
  const compare = (carried: Carried, schema: Schema | null | undefined, path: string) => {
    const known = typeof carried === 'function' ? carried('', EVERYTHING) : carried;
    if (typeof known !== 'object') return;
    assert.ok(schema, path);
    if (schema.type === 'array') return compare(known, schema.items, `${path}[]`);
    if (schema.values !== null) return compare(known['*'], schema.values, `${path}.*`);
    assert.deepEqual(Object.keys(known).sort(), [...schema.fields.keys()].sort(), path);
    for (const [field, child] of schema.fields) compare(known[field], child, `${path}.${field}`);
  };
  for (const [kind, carried] of Object.entries(KINDS)) {
    if (kind === 'Service') continue;
    const schema = schemaOf(resourceOf({ apiVersion: versions[kind] ?? NETWORKING, kind }));
    compare(carried, schema?.fields.get('spec'), kind);
  }
});

test('a field that is not carried out is told with document, path, line and reason, and the rest of the document holds', () => {
  const { warnings, errors } = run(`${document('DestinationRule', '')}
  host: shop
  trafficPolicy:
    connectionPool: {tcp: {connectTimeout: 1s}}
    tunnel: {targetHost: proxy.test, targetPort: 3128}
`);
  assert.deepEqual(errors, []);
  assert.equal(warnings.length, 1);
  const { severity, rule, kind, name, path, message, position } = warnings[0];
  assert.deepEqual([severity, rule, kind, name], ['warning', 'unsupported', 'DestinationRule', 'shop']);
  assert.equal(path, 'spec.trafficPolicy.tunnel');
  assert.match(message, /^tunnel is not carried out: .*CONNECT/);
  assert.deepEqual([position?.file, position?.line], ['mesh.yaml', 9]);
});

test('what a DestinationRule says of PROXY headers, secrets and localities is told wherever it stands', () => {
  assert.deepEqual(told(policy('proxyProtocol: {version: V2}')), ['spec.trafficPolicy.proxyProtocol']);
  assert.deepEqual(told(policy('tls: {mode: SIMPLE, credentialName: theirs}')), [
    'spec.trafficPolicy.tls.credentialName',
  ]);
  assert.deepEqual(
    told(policy('loadBalancer: {simple: RANDOM, localityLbSetting: {failoverPriority: [a], enabled: true}}')),
    ['spec.trafficPolicy.loadBalancer.localityLbSetting.failoverPriority'],
  );
  assert.deepEqual(
    told(
      policy('portLevelSettings: [{port: {number: 80}, outlierDetection: {outlierDetectionHttpErrorCodes: [500]}}]'),
    ),
    ['spec.trafficPolicy.portLevelSettings[0].outlierDetection.outlierDetectionHttpErrorCodes'],
  );
  assert.deepEqual(
    told(
      document(
        'DestinationRule',
        '{host: shop, subsets: [{name: a}, {name: b, trafficPolicy: {loadBalancer: {localityLbSetting: {failover: [{from: x, to: z}]}}, outlierDetection: {}}}]}',
      ),
    ),
    ['spec.subsets[1].trafficPolicy.loadBalancer.localityLbSetting.failover'],
  );
});

test('a warmup, a hash, TLS with files and every limit of a pool are carried out, and nothing is told', () => {
  const balancer = 'loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 5s}}';
  const tls = 'tls: {mode: SIMPLE, caCertificates: /ca.pem, sni: a}';
  const pool = 'connectionPool: {tcp: {maxConnections: 1}, http: {maxRetries: 1, idleTimeout: 5s}}';
  assert.deepEqual(told(policy(`${balancer}, ${tls}, ${pool}, outlierDetection: {consecutive5xxErrors: 3}`)), []);
});

test('HTTP/2 keepalive is a field of 1.31: for releases before it is told, and is not written', () => {
  const service = `apiVersion: v1
kind: Service
metadata: {name: shop, namespace: default}
spec: {clusterIP: 10.0.0.1, ports: [{name: grpc, port: 80}]}
---
`;
  const text = service + policy('connectionPool: {http: {http2KeepAlive: {interval: 5s, timeout: 2s}}}');
  assert.deepEqual(told(text), []);
  assert.deepEqual(told(text, { profile: 'istio-1.30' }), ['spec.trafficPolicy.connectionPool.http.http2KeepAlive']);
  const keepalive = (profile: string) =>
    JSON.stringify(run(text, { profile }).clusters).includes('connection_keepalive":{"interval');
  assert.deepEqual([keepalive('istio-current'), keepalive('istio-1.30')], [true, false]);
});

test('where the listeners of a Sidecar stand, and TLS at them, is told', () => {
  assert.deepEqual(
    told(
      document(
        'Sidecar',
        `{egress: [{bind: 127.0.0.7, captureMode: NONE, port: {number: 80, protocol: HTTP, name: a}, hosts: ["*/*"]}],
  workloadSelector: {labels: {a: b}}, ingress: [{port: {number: 81, protocol: HTTP, name: b}, captureMode: DEFAULT, defaultEndpoint: "unix:///a"}]}`,
      ),
    ),
    ['spec.egress[0].bind', 'spec.egress[0].captureMode', 'spec.ingress[0].defaultEndpoint'],
  );
});

test('a ServiceEntry whose names are to be looked up for each request is told, one with other resolutions is not', () => {
  const entry = (resolution: string) =>
    document(
      'ServiceEntry',
      `{hosts: ["*.a.test"], location: MESH_EXTERNAL, resolution: ${resolution}, ports: [{number: 80, name: http, protocol: HTTP}]}`,
    );
  assert.deepEqual(told(entry('DYNAMIC_DNS')), ['spec.resolution']);
  assert.deepEqual(told(entry('NONE')), []);
});

const FILTER = 'networking.istio.io/v1alpha3';
const SERVICE = `apiVersion: v1
kind: Service
metadata: {name: shop, namespace: default}
spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}
---
`;

test('a patch of the bootstrap, or one that chooses by metadata, is told once', () => {
  const patch = (text: string) => document('EnvoyFilter', `{configPatches: [{${text}}]}`, FILTER);
  const merge = 'patch: {operation: MERGE, value: {stats_flush_interval: 1s}}';
  const { warnings } = run(patch(`applyTo: BOOTSTRAP, ${merge}`));
  const own = warnings.filter((w) => w.rule !== 'admission');
  assert.deepEqual(
    own.map((w) => [w.rule, w.path]),
    [['unsupported', 'spec.configPatches[0].applyTo']],
  );
  assert.deepEqual(told(patch(`applyTo: CLUSTER, match: {proxy: {metadata: {a: b}}}, ${merge}`)), [
    'spec.configPatches[0].match.proxy.metadata',
  ]);
});

test('an EnvoyFilter or a Telemetry for a gateway of the Gateway API is left out, and told', () => {
  const refs = 'targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: a}]';
  const filter = `${SERVICE}${document('EnvoyFilter', `{${refs}, configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE, value: {connect_timeout: 3s}}}]}`, FILTER)}`;
  assert.deepEqual(told(filter), ['spec.targetRefs']);
  assert.deepEqual(
    run(filter).clusters.map((c) => c.connect_timeout),
    run(SERVICE).clusters.map((c) => c.connect_timeout),
  );
  const logs = `${SERVICE}${document('Telemetry', `{${refs}, accessLogging: [{providers: [{name: envoy}]}]}`, 'telemetry.istio.io/v1')}`;
  assert.deepEqual(told(logs), ['spec.targetRefs']);
  assert.ok(!JSON.stringify(run(logs).listeners).includes('/dev/stdout'));
});

test('metrics and tracing of a Telemetry are told, its access logs are not', () => {
  const text =
    '{metrics: [{}], tracing: [{randomSamplingPercentage: 1}], accessLogging: [{providers: [{name: envoy}]}]}';
  assert.deepEqual(told(document('Telemetry', text, 'telemetry.istio.io/v1')), ['spec.metrics', 'spec.tracing']);
});

test('every field of a ProxyConfig is told', () => {
  const text = '{concurrency: 2, image: {imageType: debug}, environmentVariables: {A: b}}';
  const paths = told(document('ProxyConfig', text, 'networking.istio.io/v1beta1'));
  assert.deepEqual(paths, ['spec.concurrency', 'spec.image', 'spec.environmentVariables']);
});

test('strict mutual TLS is told where there is no certificate for it', () => {
  const strict = (text: string) => document('PeerAuthentication', text, 'security.istio.io/v1');
  const meshCertificates = { certificateChain: '/a', privateKey: '/b', rootCertificates: '/c' };
  assert.deepEqual(told(strict('{mtls: {mode: STRICT}}')), ['spec.mtls.mode']);
  assert.deepEqual(told(strict('{mtls: {mode: STRICT}}'), { meshCertificates }), []);
  assert.deepEqual(told(strict('{mtls: {mode: PERMISSIVE}}')), []);
  assert.deepEqual(
    told(strict('{selector: {matchLabels: {a: b}}, portLevelMtls: {"80": {mode: STRICT}, "81": {mode: DISABLE}}}')),
    ['spec.portLevelMtls.80.mode'],
  );
});

test('a Gateway is told of by a gateway alone', () => {
  const text = document(
    'Gateway',
    '{selector: {a: b}, servers: [{bind: 127.0.0.2, hosts: ["*"], port: {number: 80, name: http, protocol: HTTP}}]}',
  );
  assert.deepEqual(told(text, { proxyType: 'router' }), ['spec.servers[0].bind']);
  assert.deepEqual(told(text), []);
});

test('filters of one backend and sessions of an HTTPRoute are told', () => {
  const text = `{parentRefs: [{group: "", kind: Service, name: shop}], rules: [{sessionPersistence: {sessionName: a},
  backendRefs: [{name: shop, port: 80, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [a]}}]}]}]}`;
  assert.deepEqual(told(`${SERVICE}${document('HTTPRoute', text, 'gateway.networking.k8s.io/v1')}`), [
    'spec.rules[0].sessionPersistence',
    'spec.rules[0].backendRefs[0].filters',
  ]);
});

test('what MeshConfig says of tracing, headers and client addresses is told', () => {
  const { docs } = readKubeDocuments('mesh.yaml', SERVICE);
  const meshConfig = {
    trustDomain: 'a',
    enableTracing: true,
    defaultConfig: { gatewayTopology: { numTrustedProxies: 1 }, proxyMetadata: {} },
  };
  const { warnings } = translate(docs, { profile: 'istio-current', meshConfig });
  assert.deepEqual(
    warnings.map((w) => [w.rule, w.message.split(' ')[0]]),
    [
      ['unsupported', 'enableTracing'],
      ['unsupported', 'gatewayTopology'],
    ],
  );
});

test('routes of bytes and of TLS are told where no connections are captured', () => {
  const route = 'route: [{destination: {host: shop}}]';
  const text = document(
    'VirtualService',
    `{hosts: [shop], tcp: [{match: [{sourceSubnet: 10.0.0.0/8}], ${route}}], tls: [{match: [{sniHosts: [shop]}], ${route}}]}`,
  );
  assert.deepEqual(told(text), ['spec.tcp', 'spec.tls']);
  assert.deepEqual(told(text, { interception: true }), ['spec.tcp[0].match[0].sourceSubnet']);
});

test('mirror_percent is mirrorPercent', () => {
  const text = `${SERVICE}${document('VirtualService', '{hosts: [shop], http: [{route: [{destination: {host: shop}}], mirror: {host: shop}, mirror_percent: 7}]}')}`;
  const [route] = run(text).routes.flatMap((r) => r.virtual_hosts[0].routes);
  assert.equal(route.route?.request_mirror_policies[0].runtime_fraction?.default_value?.numerator, 7);
});
