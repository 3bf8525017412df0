import { Memo } from '../memo.js';
import { CLUSTER_DOMAIN } from '../names.js';
import { protocolOfServicePort } from '../protocol.js';
import { type Resource, selects } from '../resource.js';
import { booleanAt, numberAt, stringAt, stringMapAt, stringsAt, type Tree, treeAt, treesAt } from '../tree.js';
import { type Endpoint, identityOf, LABEL_TLS_MODE, type Service, type Workload } from './service.js';

const EXPORT_TO = 'networking.istio.io/exportTo';
const SLICE_SERVICE = 'kubernetes.io/service-name';

/** The full name of a Kubernetes Service. */
export function serviceHost(name: string, namespace: string): string {
  return `${name}.${namespace}.svc.${CLUSTER_DOMAIN}`;
}

/** A Pod as something that services select. Without `status.podIP` it has no address and is no endpoint. */
export function workloadOfPod(pod: Resource): Workload {
  const ports: Record<string, number> = {};
  for (const container of treesAt(pod.spec, 'containers')) {
    for (const port of treesAt(container, 'ports')) {
      const number = numberAt(port, 'containerPort');
      if (number !== undefined && stringAt(port, 'name') !== '') ports[stringAt(port, 'name')] = number;
    }
  }
  return {
    kind: 'Pod',
    name: pod.name,
    namespace: pod.namespace,
    address: stringAt(treeAt(pod.body, 'status'), 'podIP'),
    labels: pod.labels,
    weight: 1,
    locality: (pod.labels['istio-locality'] ?? '').replaceAll('.', '/'),
    identity: identityOf(pod.namespace, stringAt(pod.spec, 'serviceAccountName')),
    mutualTls: pod.labels[LABEL_TLS_MODE] === 'istio',
    ports,
    from: pod,
  };
}

/** A Kubernetes Service, its endpoints not yet known. */
export function serviceOfKubernetes(resource: Resource): Service {
  const { spec } = resource;
  const externalName = stringAt(spec, 'type') === 'ExternalName' ? stringAt(spec, 'externalName') : '';
  const clusterIp = stringAt(spec, 'clusterIP');
  const headless = clusterIp === 'None';
  const clusterIps = stringsAt(spec, 'clusterIPs');
  return {
    host: serviceHost(resource.name, resource.namespace),
    name: resource.name,
    namespace: resource.namespace,
    registry: 'kubernetes',
    ports: treesAt(spec, 'ports').map((port) => ({
      name: stringAt(port, 'name'),
      number: numberAt(port, 'port') ?? 0,
      protocol: protocolOfServicePort(
        numberAt(port, 'port') ?? 0,
        stringAt(port, 'name'),
        stringAt(port, 'protocol'),
        stringAt(port, 'appProtocol'),
      ),
      targetPort: 0,
    })),
    resolution: externalName !== '' ? 'alias' : headless ? 'original' : 'endpoints',
    addresses: headless || clusterIp === '' ? [] : clusterIps.length > 1 ? clusterIps : [clusterIp],
    external: externalName !== '',
    externalName,
    aliases: [],
    exportTo: (resource.annotations[EXPORT_TO] ?? '')
      .split(',')
      .map((n) => n.trim())
      .filter((n) => n !== ''),
    subjectAltNames: [],
    created: resource.created,
    endpoints: [],
    from: resource,
  };
}

/** Who stands behind services, found by what a service knows of them. */
export class EndpointIndex {
  private readonly slices = new Map<string, Resource[]>();
  private readonly endpoints = new Map<string, Resource>();
  /** Pods by their address. */
  readonly pods = new Map<string, Workload>();
  private readonly byNamespace = new Map<string, Workload[]>();

  constructor(slices: readonly Resource[], endpoints: readonly Resource[], workloads: readonly Workload[]) {
    for (const slice of slices) append(this.slices, `${slice.namespace}/${slice.labels[SLICE_SERVICE]}`, slice);
    for (const one of endpoints) {
      const key = `${one.namespace}/${one.name}`;
      if (!this.endpoints.has(key)) this.endpoints.set(key, one);
    }
    for (const workload of workloads) {
      if (workload.kind === 'Pod') this.pods.set(workload.address, workload);
      append(this.byNamespace, workload.namespace, workload);
    }
  }

  slicesOf(namespace: string, name: string): readonly Resource[] {
    return this.slices.get(`${namespace}/${name}`) ?? [];
  }

  endpointsOf(namespace: string, name: string): Resource | undefined {
    return this.endpoints.get(`${namespace}/${name}`);
  }

  workloadsOf(namespace: string): readonly Workload[] {
    return this.byNamespace.get(namespace) ?? [];
  }

  /** Everything that the endpoints of a Kubernetes Service are made of beside itself. */
  behind({ namespace, name }: Resource): unknown[] {
    const slices = this.slicesOf(namespace, name);
    if (slices.length > 0) {
      const out: unknown[] = [...slices];
      if (this.pods.size === 0) return out;
      for (const slice of slices)
        for (const address of sliceAddresses.get(slice, [], () => addressesOf(slice))) out.push(this.pods.get(address));
      return out;
    }
    const object = this.endpointsOf(namespace, name);
    if (object === undefined) return [...this.workloadsOf(namespace)];
    const out: unknown[] = [object];
    for (const subset of treesAt(object.body, 'subsets'))
      for (const address of treesAt(subset, 'addresses')) out.push(this.pods.get(stringAt(address, 'ip')));
    return out;
  }
}

const sliceAddresses = new Memo<Resource, string[]>();

function addressesOf(slice: Resource): string[] {
  return treesAt(slice.body, 'endpoints').flatMap((item) => stringsAt(item, 'addresses'));
}

function append<T>(map: Map<string, T[]>, key: string, item: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [item]);
  else list.push(item);
}

/**
 * The endpoints of a Kubernetes Service: those of its EndpointSlices, else of its Endpoints, else its selected Pods, as
 * the cluster's own controllers would fill them in.
 */
export function endpointsOfKubernetes(service: Service, index: EndpointIndex): Endpoint[] {
  const { namespace, name } = service;
  const own = index.slicesOf(namespace, name);
  if (own.length > 0) return endpointsOfSlices(service, own, index.pods);
  const object = index.endpointsOf(namespace, name);
  if (object !== undefined) return endpointsOfEndpoints(service, object, index.pods);
  const selector = stringMapAt(service.from.spec, 'selector');
  if (Object.keys(selector).length === 0) return [];
  return index
    .workloadsOf(namespace)
    .filter((w) => w.address !== '' && selects(selector, w.labels))
    .flatMap((w) => endpointsOfWorkload(service, w));
}

function endpointsOfWorkload(service: Service, workload: Workload): Endpoint[] {
  const out: Endpoint[] = [];
  for (const port of treesAt(service.from.spec, 'ports')) {
    const number = targetPort(port, workload);
    if (number === 0) continue;
    out.push(endpoint(workload, workload.address, number, numberAt(port, 'port') ?? 0));
  }
  return out;
}

/** The port of a workload that a Service's port leads to; 0 when it names one that the workload does not have. */
export function targetPort(servicePort: Tree, workload: Workload): number {
  const target = servicePort['targetPort'];
  if (workload.kind === 'WorkloadEntry') {
    const named = workload.ports[stringAt(servicePort, 'name')];
    if (named !== undefined) return named;
  }
  if (typeof target === 'string' && target !== '') return workload.ports[target] ?? 0;
  return typeof target === 'number' && target !== 0 ? target : (numberAt(servicePort, 'port') ?? 0);
}

function endpoint(workload: Workload | undefined, address: string, port: number, servicePort: number): Endpoint {
  return {
    address,
    port,
    servicePort,
    labels: workload?.labels ?? {},
    weight: workload?.weight ?? 1,
    locality: workload?.locality ?? '',
    identity: workload?.identity ?? '',
    mutualTls: workload?.mutualTls ?? false,
  };
}

/**
 * As istiod: servers that are ready (no condition counts as ready; with publishNotReadyAddresses Kubernetes says so of all), none of
 * slices that hold names, and a server once that stands in two slices while it is moved between them.
 */
function endpointsOfSlices(service: Service, slices: readonly Resource[], pods: Map<string, Workload>): Endpoint[] {
  const out: Endpoint[] = [];
  const seen = new Set<string>();
  for (const slice of slices) {
    if (stringAt(slice.body, 'addressType') === 'FQDN') continue;
    for (const item of treesAt(slice.body, 'endpoints')) {
      if (booleanAt(treeAt(item, 'conditions'), 'ready') === false) continue;
      for (const address of stringsAt(item, 'addresses')) {
        for (const port of treesAt(slice.body, 'ports')) {
          const number = numberAt(port, 'port');
          const name = stringAt(port, 'name');
          const known = service.ports.find((p) => p.name === name);
          if (number === undefined || known === undefined || seen.has(`${address} ${name}`)) continue;
          seen.add(`${address} ${name}`);
          out.push(endpoint(pods.get(address), address, number, known.number));
        }
      }
    }
  }
  return out;
}

function endpointsOfEndpoints(service: Service, object: Resource, pods: Map<string, Workload>): Endpoint[] {
  const out: Endpoint[] = [];
  for (const subset of treesAt(object.body, 'subsets')) {
    for (const address of treesAt(subset, 'addresses')) {
      for (const port of treesAt(subset, 'ports')) {
        const number = numberAt(port, 'port');
        const known = service.ports.find((p) => p.name === stringAt(port, 'name'));
        if (number === undefined || known === undefined) continue;
        const ip = stringAt(address, 'ip');
        out.push(endpoint(pods.get(ip), ip, number, known.number));
      }
    }
  }
  return out;
}
