import type { BuiltCluster } from './cluster/clusters.js';
import {
  completeHttpOptions,
  useDownstreamProtocol,
  useHttp2,
  writeConnectionPool,
} from './cluster/connection-pool.js';
import { type Policy, policyForPort } from './cluster/policy.js';
import { Memo } from './memo.js';
import { isGrpc, isHttp, isHttp2, type Protocol, protocolNamed } from './protocol.js';
import { targetPort } from './registry/kubernetes.js';
import type { Service, Workload } from './registry/service.js';
import { byAge, type Resource, selects } from './resource.js';
import { retryPolicy } from './route/retry.js';
import { writeInboundTimeout } from './route/timeout.js';
import { comesFrom, numberAt, stringAt, stringMapAt, type Tree, treeAt, treesAt } from './tree.js';
import type { World } from './world.js';

/** A port on which the proxy's own workload serves. */
export interface InboundPort {
  /** Port of the workload that clients reach. */
  port: number;
  /** Port of the service, which names the virtual host. */
  servicePort: number;
  protocol: Protocol;
  /** Where the application is when a Sidecar says so; null for the same port. */
  endpoint: { address: string; port: number } | null;
  /** Address in the names of chains; the wildcard, or the workload's own for ports of a Sidecar. */
  bind: string;
  service: Service | null;
  /** The listener of the Sidecar behind it. */
  ingress: Tree | null;
  from: Tree | null;
}

/** The workload whose proxy this is. */
export function ownWorkload(world: World): Workload | undefined {
  return world.proxy.ip === '' ? undefined : world.registry.workloads.find((w) => w.address === world.proxy.ip);
}

/** The ports of the proxy's workload: those of a Sidecar's ingress, else those of the services that select it. */
export function inboundPorts(world: World): InboundPort[] {
  const ingress = treesAt(world.scope.sidecar?.spec, 'ingress');
  const workload = ownWorkload(world);
  if (ingress.length > 0) return ingress.flatMap((l) => ingressPort(world, l));
  if (workload === undefined) return [];
  const out = new Map<number, InboundPort>();
  for (const service of world.registry.services) {
    if (!selectsWorkload(service, workload)) continue;
    for (const [i, spec] of treesAt(service.from.spec, 'ports').entries()) {
      const known = service.ports[i];
      const port =
        service.registry === 'kubernetes'
          ? targetPort(spec, workload)
          : workload.ports[known.name] || known.targetPort || known.number;
      if (port === 0 || known.protocol === 'udp' || out.has(port)) continue;
      out.set(port, {
        port,
        servicePort: known.number,
        protocol: known.protocol,
        endpoint: null,
        bind: '0.0.0.0',
        service,
        ingress: null,
        from: spec,
      });
    }
  }
  return [...out.values()].sort((a, b) => a.port - b.port);
}

function selectsWorkload(service: Service, workload: Workload): boolean {
  if (service.namespace !== workload.namespace || service.resolution === 'alias') return false;
  if (service.registry === 'kubernetes') {
    const selector = stringMapAt(service.from.spec, 'selector');
    return Object.keys(selector).length > 0 && selects(selector, workload.labels);
  }
  const selector = treeAt(service.from.spec, 'workloadSelector');
  return selector !== undefined && selects(stringMapAt(selector, 'labels'), workload.labels);
}

function ingressPort(world: World, listener: Tree): InboundPort[] {
  const port = treeAt(listener, 'port');
  const number = numberAt(port, 'number') ?? 0;
  const text = stringAt(listener, 'defaultEndpoint');
  const cut = text.lastIndexOf(':');
  const address = text.slice(0, cut).replace(/^\[|\]$/g, '');
  const workload = ownWorkload(world);
  return [
    {
      port: number,
      servicePort: number,
      protocol: protocolNamed(stringAt(port, 'protocol')),
      endpoint:
        cut === -1
          ? null
          : {
              address: address === '0.0.0.0' ? world.proxy.ip || '127.0.0.1' : address,
              port: Number(text.slice(cut + 1)),
            },
      bind: stringAt(listener, 'bind') || world.proxy.ip || '0.0.0.0',
      service: world.registry.services.find((s) => workload !== undefined && selectsWorkload(s, workload)) ?? null,
      ingress: listener,
      from: listener,
    },
  ];
}

/** The route configuration of an inbound port, or, without a port, of connections to ports that no service names. */
export function inboundRoutes(world: World, port: InboundPort | null): Tree {
  const cluster = port === null ? 'InboundPassthroughCluster' : `inbound|${port.port}||`;
  const action: Tree = { cluster };
  writeInboundTimeout(action, world.profile);
  if (world.profile.inboundRetries && !(port !== null && isGrpc(port.protocol))) {
    const mesh = world.mesh.defaultInboundHttpRetryPolicy;
    const own =
      mesh === undefined
        ? undefined
        : retryPolicy(world.profile, mesh, world.mesh.tree, 'defaultInboundHttpRetryPolicy', true);
    if (mesh === undefined) action['retry_policy'] = { num_retries: 2, retry_on: 'reset-before-request' };
    else if (own !== undefined) action['retry_policy'] = own;
  }
  const host = {
    name: `inbound|http|${port?.servicePort ?? 0}`,
    domains: ['*'],
    routes: [{ name: 'default', match: { prefix: '/' }, route: action }],
  };
  return { name: cluster, virtual_hosts: [host], validate_clusters: false };
}

/** The cluster of an inbound port: the application itself, called from 127.0.0.6 so that it is not intercepted again. */
export function inboundCluster(world: World, port: InboundPort): BuiltCluster {
  const name = `inbound|${port.port}||`;
  const cluster: Tree = { name, type: 'ORIGINAL_DST', common_lb_config: {}, alt_stat_name: `${name};` };
  if (port.from !== null) comesFrom(cluster, '', port.from, '');
  if (port.endpoint !== null) {
    cluster['type'] = 'STATIC';
    const { address, port: number } = port.endpoint;
    const host = { endpoint: { address: { socket_address: { address, port_value: number } } } };
    cluster['load_assignment'] = { cluster_name: name, endpoints: [{ lb_endpoints: [host] }] };
  }
  if (isHttp2(port.protocol)) useHttp2(cluster);
  else if (port.protocol === 'sniffed') useDownstreamProtocol(cluster);
  const rule =
    port.service === null ? undefined : world.destinationRules.find(port.service, world.proxy.namespace, null);
  const policy: Policy = policyForPort(rule?.trafficPolicy, world.mesh.defaultTrafficPolicy, port.servicePort);
  const own = treeAt(port.ingress, 'connectionPool') ?? treeAt(world.scope.sidecar?.spec, 'inboundConnectionPool');
  writeConnectionPool(cluster, world, own === undefined ? policy : { ...policy, connectionPool: own }, () => {});
  if (cluster['type'] === 'ORIGINAL_DST') cluster['lb_policy'] = 'CLUSTER_PROVIDED';
  if (port.endpoint === null || (port.endpoint.address !== '127.0.0.1' && port.endpoint.address !== '::1')) {
    cluster['upstream_bind_config'] = { source_address: { address: '127.0.0.6', port_value: 0 } };
  }
  completeHttpOptions(cluster);
  return { cluster, endpoints: null };
}

export type MutualTls = 'STRICT' | 'PERMISSIVE' | 'DISABLE';

const authentications = new Memo<readonly Resource[], Resource[]>();

/** Oldest first; asked for once per cluster. */
function peerAuthentications({ resources }: World): readonly Resource[] {
  return authentications.get(resources, [], () => resources.filter((r) => r.kind === 'PeerAuthentication').sort(byAge));
}

/** What the PeerAuthentications ask of a port's clients; without a port, of every port that none names. */
export function mutualTlsMode(world: World, port: number | null): MutualTls {
  const { namespace, labels } = world.proxy;
  const all = peerAuthentications(world);
  const selector = (r: Resource) => stringMapAt(treeAt(r.spec, 'selector'), 'matchLabels');
  const general = (r: Resource) => Object.keys(selector(r)).length === 0;
  const own = all.filter((r) => r.namespace === namespace);
  const workload = own.find((r) => !general(r) && selects(selector(r), labels));
  const named = treeAt(treeAt(workload?.spec, 'portLevelMtls'), String(port));
  const levels = [
    named,
    treeAt(workload?.spec, 'mtls'),
    treeAt(own.find(general)?.spec, 'mtls'),
    treeAt(all.find((r) => r.namespace === world.mesh.rootNamespace && general(r))?.spec, 'mtls'),
  ];
  for (const level of levels) {
    const mode = stringAt(level, 'mode');
    if (mode === 'STRICT' || mode === 'PERMISSIVE' || mode === 'DISABLE') return mode;
  }
  return 'PERMISSIVE';
}

/** What a namespace asks of the clients of its services; undefined when neither it nor the mesh says anything. */
export function namespaceMutualTls(world: World, namespace: string): MutualTls | undefined {
  const all = peerAuthentications(world);
  const general = (owner: string) =>
    all.find((r) => r.namespace === owner && treeAt(r.spec, 'selector') === undefined)?.spec;
  for (const owner of [namespace, world.mesh.rootNamespace]) {
    const mode = stringAt(treeAt(general(owner), 'mtls'), 'mode');
    if (mode === 'STRICT' || mode === 'PERMISSIVE' || mode === 'DISABLE') return mode;
  }
  return undefined;
}

/** Whether a port's connections are HTTP, bytes, or either. */
export function kindOfPort(protocol: Protocol): 'http' | 'tcp' | 'sniffed' {
  return protocol === 'sniffed' ? 'sniffed' : isHttp(protocol) ? 'http' : 'tcp';
}
