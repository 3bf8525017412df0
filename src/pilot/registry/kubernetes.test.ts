import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readKubeDocuments } from '../../config/kube-documents.js';
import { translate } from '../translate.js';

const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: s, namespace: a}
spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80, targetPort: web}, {name: http-admin, port: 81}]}
`;
const slice = (name: string, endpoints: string, more = 'addressType: IPv4') => `
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}, namespace: a, labels: {kubernetes.io/service-name: s}}
${more}
ports: [{name: http, port: 9000}, {name: http-admin, port: 9001}, {name: other, port: 9002}]
endpoints: [${endpoints}]
`;
const pod = (name: string, ip: string, version: string) => `
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: a, labels: {version: ${version}}}
status: {podIP: ${ip}}
`;

/** Endpoints of a cluster as `address:port`. */
function endpointsOf(text: string, cluster: string): string[] {
  const { docs } = readKubeDocuments('test.yaml', text);
  const { clusters, errors } = translate(docs, { profile: 'istio-current', proxyNamespace: 'a' });
  assert.deepEqual(errors, []);
  const found = clusters.find((one) => one.name === cluster);
  return (found?.load_assignment?.endpoints ?? []).flatMap((locality) =>
    locality.lb_endpoints.map((one) => {
      const socket = one.endpoint!.address!.socket_address!;
      return `${socket.address}:${socket.port_value}`;
    }),
  );
}

describe('the endpoints of a Kubernetes Service', () => {
  const WHOLE = 'outbound|80||s.a.svc.cluster.local';

  it('are the servers of its slices that are ready, on the ports of their names', () => {
    const text = `${SERVICE}${slice(
      's-1',
      `{addresses: [10.1.0.1]},
      {addresses: [10.1.0.2], conditions: {ready: true, terminating: true}},
      {addresses: [10.1.0.3], conditions: {ready: false, serving: true, terminating: true}},
      {addresses: [10.1.0.4], conditions: {ready: false}},
      {addresses: [10.1.0.5], conditions: {ready: null}}`,
    )}`;
    assert.deepEqual(endpointsOf(text, WHOLE), ['10.1.0.1:9000', '10.1.0.2:9000', '10.1.0.5:9000']);
    assert.deepEqual(endpointsOf(text, 'outbound|81||s.a.svc.cluster.local'), [
      '10.1.0.1:9001',
      '10.1.0.2:9001',
      '10.1.0.5:9001',
    ]);
  });

  it('count once while they are moved between slices, and slices of names do not count', () => {
    const text = `${SERVICE}${slice('s-1', '{addresses: [10.1.0.1]}')}${slice(
      's-2',
      '{addresses: [10.1.0.1]}, {addresses: [10.1.0.2]}',
    )}${slice('s-3', '{addresses: [other.test]}', 'addressType: FQDN')}`;
    assert.deepEqual(endpointsOf(text, WHOLE), ['10.1.0.1:9000', '10.1.0.2:9000']);
  });

  it('belong to the subsets whose labels their Pods have', () => {
    const text = `${SERVICE}${slice('s-1', '{addresses: [10.1.0.1]}, {addresses: [10.1.0.2]}')}
${pod('p1', '10.1.0.1', 'v1')}${pod('p2', '10.1.0.2', 'v2')}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: s, namespace: a}
spec: {host: s, subsets: [{name: two, labels: {version: v2}}]}
`;
    assert.deepEqual(endpointsOf(text, 'outbound|80|two|s.a.svc.cluster.local'), ['10.1.0.2:9000']);
  });
});
