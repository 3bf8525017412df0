import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readKubeDocuments } from '../config/kube-documents.js';
import { fieldRef, positionOf } from '../config/position.js';
import type { Cluster, Route, RouteAction } from '../xds/types.js';
import { type TranslateOptions, type Translation, translate } from './translate.js';

const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: default}
spec:
  clusterIP: 10.0.0.1
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Endpoints
metadata: {name: shop, namespace: default}
subsets: [{addresses: [{ip: 127.0.0.1}], ports: [{name: http, port: 9001}]}]
`;

function run(text: string, options: Partial<TranslateOptions> = {}): Translation {
  const { docs, errors } = readKubeDocuments('mesh.yaml', text);
  assert.deepEqual(errors, []);
  return translate(docs, { profile: 'istio-current', ...options });
}

function routesOf(translation: Translation, host: string): Route[] {
  for (const routes of translation.routes) {
    for (const vh of routes.virtual_hosts) if (vh.domains.includes(host)) return vh.routes;
  }
  throw new Error(`no virtual host for ${host}`);
}

function actionOf(translation: Translation, host: string): RouteAction {
  const { route } = routesOf(translation, host)[0];
  assert.ok(route);
  return route;
}

function clusterOf(translation: Translation, name: string): Cluster {
  const found = translation.clusters.find((c) => c.name === name);
  assert.ok(found, name);
  return found;
}

const vs = (http: string) => `${SERVICE}---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: default}
spec:
  hosts: [shop]
  http:
  ${http}
`;

const SEVEN = vs('- {timeout: 7s, route: [{destination: {host: shop}}]}');

test('a service without a VirtualService has a route without timeout, two retries and its names', () => {
  const out = run(SERVICE);
  assert.deepEqual(out.errors, []);
  const [listener] = out.listeners;
  assert.deepEqual(listener.address?.socket_address?.address, '127.0.0.1');
  assert.equal(listener.address?.socket_address?.port_value, 80);
  const [vh] = out.routes[0].virtual_hosts;
  assert.deepEqual(vh.domains, [
    'shop.default.svc.cluster.local',
    'shop.default.svc.cluster.local.',
    'shop',
    'shop.default.svc',
    'shop.default',
    '10.0.0.1',
  ]);
  const action = actionOf(out, 'shop');
  assert.equal(action.timeout, 0);
  assert.equal(action.retry_policy?.num_retries, 2);
  assert.deepEqual(action.retry_policy?.retriable_status_codes, []);
});

test('a service is called at its endpoints, which stand in the cluster', () => {
  const cluster = clusterOf(run(SERVICE), 'outbound|80||shop.default.svc.cluster.local');
  assert.equal(cluster.type, 'STATIC');
  const [host] = cluster.load_assignment!.endpoints[0].lb_endpoints;
  assert.equal(host.endpoint?.address?.socket_address?.port_value, 9001);
  assert.equal(cluster.connect_timeout, 10_000);
});

test('one timeout becomes the fields that its release wrote', () => {
  const fields = (profile: string) => {
    const { timeout, max_grpc_timeout, max_stream_duration } = actionOf(run(SEVEN, { profile }), 'shop');
    return [
      timeout,
      max_grpc_timeout,
      max_stream_duration?.max_stream_duration,
      max_stream_duration?.grpc_timeout_header_max,
    ];
  };
  assert.deepEqual(fields('istio-1.7'), [7000, 7000, undefined, undefined]);
  assert.deepEqual(fields('istio-1.8'), [7000, undefined, 7000, undefined]);
  assert.deepEqual(fields('istio-1.8.6'), [7000, undefined, 7000, undefined]);
  assert.deepEqual(fields('istio-1.9.0'), [7000, undefined, 7000, 7000]);
  assert.deepEqual(fields('istio-1.9.1'), [7000, undefined, 0, 7000]);
  assert.deepEqual(fields('istio-1.10-alpha0'), [7000, undefined, 7000, 7000]);
  assert.deepEqual(fields('istio-1.10'), [7000, 7000, undefined, undefined]);
  assert.deepEqual(fields('istio-current'), [7000, 7000, undefined, undefined]);
});

test('a route without timeout is never ended by the releases that wrote a stream duration', () => {
  const fields = (profile: string) => {
    const { timeout, max_stream_duration } = actionOf(run(SERVICE, { profile }), 'shop');
    return [timeout, max_stream_duration?.max_stream_duration, max_stream_duration?.grpc_timeout_header_max];
  };
  assert.deepEqual(fields('istio-1.8'), [0, 0, undefined]);
  assert.deepEqual(fields('istio-1.16.0'), [0, 0, 0]);
  assert.deepEqual(fields('istio-1.16.1'), [0, undefined, undefined]);
});

test('a timeout knows the line of the VirtualService that set it', () => {
  const action = actionOf(run(SEVEN, { profile: 'istio-1.8' }), 'shop');
  const ref = fieldRef(action, 'timeout');
  assert.equal(ref.path, 'VirtualService default/shop spec.http[0].timeout');
  assert.equal(ref.position?.line, SEVEN.split('\n').findIndex((l) => l.includes('timeout: 7s')) + 1);
  assert.deepEqual(positionOf(action.max_stream_duration!, 'max_stream_duration'), ref.position);
});

test('releases before 1.24 retry an answer 503 by default', () => {
  assert.deepEqual(
    actionOf(run(SERVICE, { profile: 'istio-1.23' }), 'shop').retry_policy?.retriable_status_codes,
    [503],
  );
  assert.deepEqual(actionOf(run(SERVICE, { profile: 'istio-1.24' }), 'shop').retry_policy?.retriable_status_codes, []);
});

test('releases before 1.14 take turns, later ones choose the host with the fewest requests', () => {
  const policy = (profile: string) =>
    clusterOf(run(SERVICE, { profile }), 'outbound|80||shop.default.svc.cluster.local').lb_policy;
  assert.equal(policy('istio-1.13'), 'ROUND_ROBIN');
  assert.equal(policy('istio-1.14'), 'LEAST_REQUEST');
});

test('nothing follows a route that takes every request', () => {
  const out = run(
    vs("- {match: [{uri: {regex: '.*'}}, {uri: {exact: /never}}], route: [{destination: {host: shop}}]}"),
  );
  assert.equal(routesOf(out, 'shop').length, 1);
});

test('a match for other workloads is no route', () => {
  const text = vs(`- {name: theirs, match: [{sourceLabels: {app: other}}], route: [{destination: {host: shop}}]}
  - {name: ours, route: [{destination: {host: shop}}]}`);
  assert.deepEqual(
    routesOf(run(text, { proxyLabels: { app: 'me' } }), 'shop').map((r) => r.name),
    ['ours'],
  );
});

test('a port map moves listeners and leaves the virtual hosts alone', () => {
  const out = run(SERVICE, { portMap: { 80: 18080 }, listenAddress: '127.0.0.2' });
  assert.equal(out.listeners[0].address?.socket_address?.port_value, 18080);
  assert.equal(out.listeners[0].address?.socket_address?.address, '127.0.0.2');
  assert.equal(out.routes[0].virtual_hosts[0].name, 'shop.default.svc.cluster.local:80');
});

test('HTTP/2 keepalive works on a port that is named for HTTP/2, and is warned of elsewhere', () => {
  const rule = (name: string) => `${SERVICE.replace('name: http, port: 80', `name: ${name}, port: 80`)}---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: default}
spec:
  host: shop
  trafficPolicy: {connectionPool: {http: {http2KeepAlive: {interval: 5s, timeout: 2s}}}}
`;
  const out = run(rule('grpc'));
  const options = clusterOf(out, 'outbound|80||shop.default.svc.cluster.local').typed_extension_protocol_options;
  const [http] = Object.values(options) as unknown as {
    explicit_http_config: { http2_protocol_options: { connection_keepalive: object } };
  }[];
  const keepalive = http.explicit_http_config.http2_protocol_options.connection_keepalive;
  assert.deepEqual({ ...keepalive }, { ...keepalive, interval: 5000, timeout: 2000 });
  assert.deepEqual(out.warnings, []);
  const [warning] = run(rule('http')).warnings;
  assert.equal(warning.path, 'spec.trafficPolicy.connectionPool.http.http2KeepAlive');
  assert.match(warning.message, /no effect/);
});

test('a kind that is not supported is refused by name, one without traffic is passed over', () => {
  const out = run(`
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: deny, namespace: default}
spec: {}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: default}
spec: {}
`);
  assert.equal(out.errors.length, 1);
  assert.match(out.errors[0].message, /AuthorizationPolicy/);
  assert.equal(out.errors[0].position?.line, 3);
});

test('an unknown profile is an error that says which there are', () => {
  const out = translate([], { profile: 'istio-9.9' });
  assert.match(out.errors[0].allowed ?? '', /istio-1\.9\.1/);
});
