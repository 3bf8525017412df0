import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { H } from '../base/header-names.js';
import { RequestHeaders } from '../base/headers.js';
import { type Random, seededRandom } from '../base/random.js';
import { type KubeDocument, readKubeObject } from '../config/kube-documents.js';
import type { PlainObject } from '../config/plain.js';
import { placeTree } from '../config/position.js';
import { compileFormat } from '../observe/access-log.js';
import { type TranslateOptions, type Translation, translate } from '../pilot/translate.js';
import { RouteTable } from '../router/route-table.js';

const GENERAL = ['PeerAuthentication', 'Sidecar', 'EnvoyFilter', 'ConfigMap'];
const OPTIONS: TranslateOptions = { profile: 'istio-current', proxyNamespace: 'a', proxyLabels: { app: 'client' } };

function documentOf(object: PlainObject): KubeDocument {
  const copy = structuredClone(object);
  const { namespace, name } = copy.metadata as PlainObject;
  const position = { file: `${namespace}/${copy.kind}/${name}`, line: 0, col: 0 };
  placeTree(copy, position);
  return readKubeObject(copy, position).docs[0];
}

/** Makes objects of a small mesh, in which most things refer to each other. */
class Objects {
  constructor(private readonly random: Random) {}

  int(n: number): number {
    return this.random.u32() % n;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)];
  }

  chance(part: number): boolean {
    return this.int(100) < part * 100;
  }

  private service(): string {
    return `s${this.int(6)}`;
  }

  private host(): string {
    return this.pick([
      this.service(),
      `${this.service()}.a.svc.cluster.local`,
      `${this.service()}.b`,
      'out.test',
      '*.out.test',
    ]);
  }

  private destination(): PlainObject {
    const out: PlainObject = { host: this.pick([this.service(), `${this.service()}.b.svc.cluster.local`, 'out.test']) };
    if (this.chance(0.3)) out.subset = this.pick(['one', 'two']);
    if (this.chance(0.3)) out.port = { number: this.pick([80, 8080]) };
    return out;
  }

  private http(): PlainObject {
    if (this.chance(0.1)) return { delegate: { name: `v${this.int(6)}`, namespace: this.pick(['a', 'b']) } };
    const out: PlainObject = { name: `r${this.int(100)}` };
    if (this.chance(0.7)) {
      const uri = this.pick<PlainObject>([
        { prefix: `/p${this.int(4)}` },
        { exact: `/e${this.int(4)}` },
        { regex: `/r${this.int(4)}/.*` },
      ]);
      out.match = [this.chance(0.3) ? { uri, headers: { 'x-h': { exact: 'v' } } } : { uri }];
    }
    if (this.chance(0.4)) out.timeout = this.pick(['1s', '2s', '3s', '4s', this.chance(0.2) ? 'soon' : '5s']);
    if (this.chance(0.3)) out.retries = { attempts: this.int(4) };
    const weighted = this.chance(0.3);
    out.route = weighted
      ? [
          { destination: this.destination(), weight: 40 },
          { destination: this.destination(), weight: 60 },
        ]
      : [{ destination: this.destination() }];
    return out;
  }

  private spec(kind: string): PlainObject {
    switch (kind) {
      case 'VirtualService': {
        const http = Array.from({ length: 1 + this.int(4) }, () => this.http());
        const root = !this.chance(0.15);
        return {
          ...(root ? { hosts: Array.from(new Set([this.host(), this.host()])) } : {}),
          ...(this.chance(0.2) ? { exportTo: [this.pick(['.', '*', 'a'])] } : {}),
          http,
        };
      }
      case 'DestinationRule': {
        const hash = { loadBalancer: { consistentHash: { httpHeaderName: `x-${this.int(3)}` } } };
        return {
          host: this.host(),
          trafficPolicy: this.pick<PlainObject>([
            hash,
            { connectionPool: { tcp: { maxConnections: 1 + this.int(9) } } },
          ]),
          subsets: ['one', 'two'].slice(this.int(3)).map((name) => ({ name, labels: { version: `v${this.int(2)}` } })),
        };
      }
      case 'ServiceEntry':
        return {
          hosts: [this.pick(['out.test', 'deep.out.test', '*.out.test'])],
          ports: [{ number: this.pick([80, 8080]), name: 'http', protocol: 'HTTP' }],
          resolution: 'STATIC',
          location: 'MESH_INTERNAL',
          ...(this.chance(0.5)
            ? { endpoints: [{ address: `10.3.0.${this.int(9)}`, labels: { version: 'v1' } }] }
            : { workloadSelector: { labels: { app: 'x' } } }),
        };
      case 'Service':
        if (this.chance(0.25))
          return { type: 'ExternalName', externalName: 's1.a.svc.cluster.local', ports: [{ name: 'http', port: 80 }] };
        return {
          clusterIP: this.chance(0.1) ? 'None' : `10.0.0.${this.int(200)}`,
          ports: [80, 8080].slice(this.int(2)).map((port) => ({ name: `http-${port}`, port, targetPort: 9000 })),
        };
      case 'Pod':
        return { containers: [{ name: 'app', ports: [{ name: 'web', containerPort: 9000 }] }] };
      case 'PeerAuthentication':
        return { mtls: { mode: this.pick(['DISABLE', 'PERMISSIVE', 'STRICT']) } };
      case 'Sidecar':
        return { egress: [{ hosts: [this.pick(['./*', '*/*', 'b/*'])] }] };
      default:
        return {
          configPatches: [
            {
              applyTo: 'HTTP_ROUTE',
              match: { context: 'SIDECAR_OUTBOUND' },
              patch: { operation: 'MERGE', value: { route: { timeout: `${1 + this.int(9)}s` } } },
            },
          ],
        };
    }
  }

  /** An object of random kind, its name one of a few, so that the next one of that name is its change. */
  next(): PlainObject {
    // These change everything that is made; most of the time something else is to change.
    const general = this.chance(0.04);
    const kind = this.pick(
      general
        ? GENERAL
        : [
            ...Array(6).fill('VirtualService'),
            ...Array(4).fill('Service'),
            ...Array(4).fill('EndpointSlice'),
            ...Array(3).fill('DestinationRule'),
            ...Array(3).fill('Pod'),
            'ServiceEntry',
          ],
    ) as string;
    const namespace = kind === 'ConfigMap' ? 'istio-system' : this.pick(['a', 'b']);
    const few = ['PeerAuthentication', 'Sidecar', 'EnvoyFilter'].includes(kind) ? 1 : 6;
    const name = kind === 'ConfigMap' ? 'istio' : `${kind === 'Service' ? 's' : kind[0].toLowerCase()}${this.int(few)}`;
    const metadata: PlainObject = { name, namespace, creationTimestamp: `2026-01-0${1 + this.int(9)}T00:00:00Z` };
    if (kind === 'ConfigMap')
      return { apiVersion: 'v1', kind, metadata, data: { mesh: `connectTimeout: ${1 + this.int(9)}s\n` } };
    if (kind === 'EndpointSlice')
      return {
        apiVersion: 'discovery.k8s.io/v1',
        kind,
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': this.service() } },
        addressType: 'IPv4',
        ports: [{ name: this.pick(['http-80', 'http-8080']), port: 9000 }],
        endpoints: Array.from({ length: this.int(4) }, () => ({
          addresses: [`10.1.0.${this.int(6)}`],
          conditions: { ready: this.chance(0.8) },
        })),
      };
    const group = ['Service', 'Pod'].includes(kind)
      ? 'v1'
      : `${kind === 'PeerAuthentication' ? 'security' : 'networking'}.istio.io/${kind === 'EnvoyFilter' ? 'v1alpha3' : 'v1'}`;
    if (kind === 'Pod') metadata.labels = { app: this.pick(['x', 'y']), version: `v${this.int(2)}` };
    const status: PlainObject = kind === 'Pod' ? { status: { podIP: `10.1.0.${this.int(6)}` } } : {};
    return { apiVersion: group, kind, metadata, spec: this.spec(kind), ...status };
  }
}

const keyOf = ({ kind, metadata }: PlainObject) =>
  `${kind}/${(metadata as PlainObject).namespace}/${(metadata as PlainObject).name}`;

function plain({ listeners, clusters, warnings, errors }: Translation): unknown {
  return JSON.parse(JSON.stringify({ listeners, clusters, warnings, errors }));
}

/** What a table answers to requests for every host and some paths. */
function answers(table: RouteTable): string[] {
  const out: string[] = [];
  const hosts = ['out.test', 'deep.out.test', 'nobody.test', '10.0.0.7'];
  for (let i = 0; i < 6; i++) hosts.push(`s${i}`, `s${i}.b`, `s${i}.a.svc.cluster.local`);
  for (const host of hosts)
    for (const path of ['/', '/p1', '/p2/x', '/e0', '/r3/y']) {
      const headers = new RequestHeaders();
      headers.method = 'GET';
      headers.authority = host;
      headers.path = path;
      headers.add(H.xForwardedProto, 'http');
      const route = table.match(headers, () => 7, { tls: false } as never);
      out.push(`${host}${path}: ${route?.virtualHostName} ${route?.name} ${JSON.stringify(route?.config)}`);
    }
  return out;
}

const compile = (config: Translation['routes'][number], previous: RouteTable | null) =>
  new RouteTable(config, { compileFormat, clusters: null }, previous);

describe('a change of one object', () => {
  for (const seed of [1, 2])
    it(`gives what translating everything anew gives, whatever changes (seed ${seed})`, () => {
      const objects = new Objects(seededRandom(seed));
      const held = new Map<string, { object: PlainObject; document: KubeDocument }>();
      const tables = new Map<string, RouteTable>();
      for (let round = 0; round < 40; round++) {
        // The first rounds fill the mesh.
        for (let n = round === 0 ? 40 : 1 + objects.int(2); n > 0; n--) {
          const object = objects.next();
          if (held.has(keyOf(object)) && objects.chance(0.2)) held.delete(keyOf(object));
          else held.set(keyOf(object), { object, document: documentOf(object) });
        }
        for (const key of held.keys()) if (/^(EnvoyFilter|Sidecar)/.test(key) && objects.chance(0.6)) held.delete(key);
        const entries = [...held.keys()].sort().map((key) => held.get(key)!);
        const incremental = translate(
          entries.map((one) => one.document),
          OPTIONS,
        );
        const whole = translate(
          entries.map((one) => documentOf(one.object)),
          OPTIONS,
        );
        assert.deepEqual(plain(incremental), plain(whole));
        whole.routes.forEach((config, i) => {
          const table = compile(incremental.routes[i], tables.get(config.name) ?? null);
          tables.set(config.name, table);
          assert.deepEqual(answers(table), answers(compile(config, null)));
        });
      }
    });

  it('leaves every cluster and virtual host that it does not touch the same object', () => {
    const service = (i: number): PlainObject => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `s${i}`, namespace: 'a' },
      spec: { clusterIP: `10.0.0.${i}`, ports: [{ name: 'http', port: 80 }] },
    });
    const route = (i: number, timeout: string): PlainObject => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: `s${i}`, namespace: 'a' },
      spec: { hosts: [`s${i}`], http: [{ timeout, route: [{ destination: { host: `s${i}` } }] }] },
    });
    const docs = [...Array(20).keys()].flatMap((i) => [documentOf(service(i)), documentOf(route(i, '1s'))]);
    const before = translate(docs, OPTIONS);
    docs[7 * 2 + 1] = documentOf(route(7, '2s'));
    const after = translate(docs, OPTIONS);
    const made = after.clusters.filter((cluster) => !before.clusters.includes(cluster));
    // These two are made of settings alone, and are small.
    assert.deepEqual(
      made.map((cluster) => cluster.name),
      ['BlackHoleCluster', 'PassthroughCluster'],
    );
    const hosts = (translation: Translation) => translation.routes[0].virtual_hosts;
    const other = hosts(after).filter((host) => !hosts(before).includes(host));
    assert.deepEqual(
      other.map((host) => host.name),
      // The host for everyone else is made of settings, and is small.
      ['s7.a.svc.cluster.local:80', 'allow_any'],
    );
    const table = compile(before.routes[0], null);
    const next = compile(after.routes[0], table);
    const kept = next.virtualHosts.filter((host) => table.virtualHosts.includes(host));
    assert.equal(kept.length, table.virtualHosts.length - 2);
  });
});
