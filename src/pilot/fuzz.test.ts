import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Random, seededRandom } from '../base/random.js';
import { readKubeDocuments } from '../config/kube-documents.js';
import { DESTINATION_RULE_SPEC } from './schema/destination-rule.js';
import { ENVOY_FILTER_SPEC } from './schema/envoy-filter.js';
import { GATEWAY_SPEC } from './schema/gateway.js';
import { PEER_AUTHENTICATION_SPEC } from './schema/peer-authentication.js';
import { SERVICE_ENTRY_SPEC } from './schema/service-entry.js';
import { SIDECAR_SPEC } from './schema/sidecar.js';
import { TELEMETRY_SPEC } from './schema/telemetry.js';
import type { MessageType, Type } from './schema/types.js';
import { VIRTUAL_SERVICE_SPEC } from './schema/virtual-service.js';
import { WORKLOAD_ENTRY_SPEC } from './schema/workload-entry.js';
import { check, translate } from './translate.js';

const KINDS: [string, string, MessageType][] = [
  ['networking.istio.io/v1', 'VirtualService', VIRTUAL_SERVICE_SPEC],
  ['networking.istio.io/v1', 'DestinationRule', DESTINATION_RULE_SPEC],
  ['networking.istio.io/v1', 'ServiceEntry', SERVICE_ENTRY_SPEC],
  ['networking.istio.io/v1', 'WorkloadEntry', WORKLOAD_ENTRY_SPEC],
  ['networking.istio.io/v1', 'Sidecar', SIDECAR_SPEC],
  ['networking.istio.io/v1', 'Gateway', GATEWAY_SPEC],
  ['networking.istio.io/v1alpha3', 'EnvoyFilter', ENVOY_FILTER_SPEC],
  ['security.istio.io/v1', 'PeerAuthentication', PEER_AUTHENTICATION_SPEC],
  ['telemetry.istio.io/v1', 'Telemetry', TELEMETRY_SPEC],
];

const WORDS = [
  'shop',
  'shop.default.svc.cluster.local',
  '*',
  '*.example',
  'mesh',
  '/a',
  'x-a',
  '10.0.0.1',
  '10.1.0.0/16',
];
const ODD = [
  '',
  '(',
  '%',
  '%%',
  '~',
  '.',
  '..',
  'ns/name',
  '__proto__',
  'constructor',
  'a'.repeat(300),
  '503,5xx',
  'é',
];
const DURATIONS = ['5s', '250ms', '0s', '-1s', '1h', '1.0005s', 'x', '99999999h'];
const NUMBERS = [0, 1, 80, 443, -1, 65536, 4294967295, 0.5, 1e308];

class Maker {
  constructor(private readonly random: Random) {}

  pick<T>(list: readonly T[]): T {
    return list[this.random.u32() % list.length];
  }

  chance(percent: number): boolean {
    return this.random.u32() % 100 < percent;
  }

  /** Mostly what the schema allows, now and then something else. */
  value(type: Type, depth: number): unknown {
    if (this.chance(4)) return this.pick<unknown>([null, true, 3, 'text', [], {}, [null], { '': 1 }]);
    switch (type.kind) {
      case 'text':
        return this.chance(70) ? this.pick(WORDS) : this.pick(ODD);
      case 'duration':
        return this.chance(70) ? this.pick(['5s', '250ms', '1h']) : this.pick(DURATIONS);
      case 'flag':
        return this.chance(50);
      case 'integer':
      case 'number':
        return this.chance(70) ? this.pick([1, 80, 443]) : this.pick(NUMBERS);
      case 'choice':
        return this.chance(90) ? this.pick(type.names) : 'NONE_SUCH';
      case 'list':
        return Array.from({ length: this.random.u32() % 3 }, () => this.value(type.items, depth + 1));
      case 'map': {
        const out: Record<string, unknown> = {};
        for (let i = this.random.u32() % 3; i > 0; i--)
          out[this.pick([...WORDS, ...ODD])] = this.value(type.values, depth + 1);
        return out;
      }
      case 'message': {
        const out: Record<string, unknown> = {};
        const share = depth < 3 ? 45 : 25;
        for (const name of Object.keys(type.fields)) {
          if (this.chance(share) && depth < 9) out[name] = this.value(type.fields[name], depth + 1);
        }
        if (this.chance(3)) out['noSuchField'] = 1;
        return out;
      }
      case 'anything':
        return this.pick<unknown>([{}, { name: 'x' }, { route: { timeout: '3s' } }, 5, 'text', [1]]);
    }
  }

  document(): unknown {
    const [apiVersion, kind, spec] = this.pick(KINDS);
    const metadata = {
      name: this.pick(['a', 'b', 'istio']),
      namespace: this.pick(['default', 'prod', 'istio-system']),
    };
    return { apiVersion, kind, metadata, spec: this.value(spec, 0) };
  }
}

const BASE = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'shop', namespace: 'default' },
    spec: {
      clusterIP: '10.0.0.1',
      selector: { app: 'shop' },
      ports: [
        { name: 'http', port: 80 },
        { name: 'db', port: 443 },
      ],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'shop-1', namespace: 'default', labels: { app: 'shop' } },
    spec: {},
    status: { podIP: '10.244.0.1' },
  },
];

/** Documents as one YAML stream; JSON is YAML, and keeps every odd text. */
function stream(documents: readonly unknown[]): string {
  return documents.map((d) => JSON.stringify(d)).join('\n---\n');
}

test('whatever the documents hold, there are findings and never an exception', () => {
  for (let seed = 1; seed <= 400; seed++) {
    const maker = new Maker(seededRandom(seed));
    const documents = [...BASE, ...Array.from({ length: 1 + (seed % 5) }, () => maker.document())];
    const { docs } = readKubeDocuments('fuzz.yaml', `# stream\n${stream(documents)}`);
    const profile = maker.pick(['istio-1.7', 'istio-1.8', 'istio-1.9.0', 'istio-current']);
    const options = {
      profile,
      keepRefused: seed % 2 === 0,
      interception: seed % 3 === 0,
      proxyIp: seed % 4 === 0 ? '10.244.0.1' : '',
      proxyType: seed % 7 === 0 ? ('router' as const) : ('sidecar' as const),
    };
    const where = `seed ${seed}`;
    const out = translate(docs, options);
    for (const finding of [...out.errors, ...out.warnings]) assert.equal(typeof finding.message, 'string', where);
    assert.ok(Array.isArray(check(docs, options)), where);
  }
});

test('a refusal always knows its line', () => {
  let refusals = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const maker = new Maker(seededRandom(seed * 7919));
    const { docs } = readKubeDocuments('fuzz.yaml', stream([maker.document()]));
    for (const error of translate(docs, { profile: 'istio-current' }).errors) {
      refusals++;
      assert.ok(error.position !== null && error.position.line >= 1, `seed ${seed}: ${error.message}`);
      assert.ok(error.kind !== '', `seed ${seed}: ${error.message}`);
    }
  }
  assert.ok(refusals > 50);
});

test('random service and Pod documents never throw either', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const maker = new Maker(seededRandom(seed + 5000));
    const any = (): unknown => maker.pick<unknown>([null, 1, 'x', [], {}, [{}], { a: 1 }, ['a'], true]);
    const fields = ['ports', 'selector', 'clusterIP', 'containers', 'type', 'externalName', 'parentRefs', 'rules'];
    const documents = ['Service', 'Pod', 'Endpoints', 'EndpointSlice', 'ConfigMap', 'HTTPRoute'].map((kind) => ({
      apiVersion:
        kind === 'EndpointSlice' ? 'discovery.k8s.io/v1' : kind === 'HTTPRoute' ? 'gateway.networking.k8s.io/v1' : 'v1',
      kind,
      metadata: {
        name: kind === 'ConfigMap' ? 'istio' : 'a',
        namespace: kind === 'ConfigMap' ? 'istio-system' : 'default',
      },
      spec: Object.fromEntries(fields.map((f) => [f, any()])),
      status: any(),
      subsets: any(),
      endpoints: any(),
      ports: any(),
      data: maker.pick<unknown>([
        any(),
        { mesh: 'a: [' },
        { mesh: 'connectTimeout: 3' },
        { mesh: 'tcpKeepalive: {time: 1s}' },
      ]),
    }));
    const { docs } = readKubeDocuments('fuzz.yaml', stream(documents));
    assert.doesNotThrow(
      () => translate(docs, { profile: 'istio-current', interception: seed % 2 === 0 }),
      `seed ${seed}`,
    );
  }
});
