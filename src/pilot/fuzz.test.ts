import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Random, seededRandom } from '../base/random.js';
import { readKubeDocuments } from '../config/kube-documents.js';
import { resourceOf } from './resource.js';
import { knownKinds, schemaOf } from './schema/kinds.js';
import type { Schema } from './schema/notation.js';
import { check, translate } from './translate.js';

const KINDS = knownKinds().map(([group, kind]): [string, string, Schema] => {
  for (const version of ['v1', 'v1beta1', 'v1alpha3', 'v1alpha1']) {
    const apiVersion = `${group}/${version}`;
    const schema = schemaOf(resourceOf({ apiVersion, kind, metadata: { name: 'a' } }));
    if (schema !== undefined) return [apiVersion, kind, schema.fields.get('spec') as Schema];
  }
  throw new Error(kind);
});

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
  value(schema: Schema, depth: number): unknown {
    if (this.chance(4)) return this.pick<unknown>([null, true, 3, 'text', [], {}, [null], { '': 1 }]);
    if (schema.choices !== null) return this.chance(90) ? this.pick(schema.choices) : 'NONE_SUCH';
    switch (schema.type) {
      case 'string':
        if (schema.rules.length > 0) return this.pick(this.chance(70) ? ['5s', '250ms', '1h'] : DURATIONS);
        return this.chance(70) ? this.pick(WORDS) : this.pick(ODD);
      case 'boolean':
        return this.chance(50);
      case 'integer':
      case 'number':
      case 'int-or-string':
        return this.chance(70) ? this.pick([1, 80, 443]) : this.pick(NUMBERS);
      case 'array':
        return Array.from({ length: this.random.u32() % 3 }, () => this.value(schema.items as Schema, depth + 1));
      case 'object': {
        const out: Record<string, unknown> = {};
        for (let i = this.random.u32() % 3; schema.values !== null && i > 0; i--)
          out[this.pick([...WORDS, ...ODD])] = this.value(schema.values, depth + 1);
        const share = depth < 3 ? 45 : 25;
        for (const [name, child] of schema.fields) {
          if (this.chance(share) && depth < 9) out[name] = this.value(child, depth + 1);
        }
        if (this.chance(3)) out['noSuchField'] = 1;
        return out;
      }
      default:
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
