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

/**
 * The endpoints of a Kubernetes Service: those of its EndpointSlices, else of its Endpoints, else its selected Pods, as
 * the cluster's own controllers would fill them in.
 */
export function endpointsOfKubernetes(
  service: Service,
  slices: readonly Resource[],
  endpoints: readonly Resource[],
  workloads: readonly Workload[],
): Endpoint[] {
  const own = slices.filter((s) => s.namespace === service.namespace && s.labels[SLICE_SERVICE] === service.name);
  const byAddress = new Map(workloads.filter((w) => w.kind === 'Pod').map((w) => [w.address, w]));
  if (own.length > 0) return own.flatMap((slice) => endpointsOfSlice(service, slice, byAddress));
  const object = endpoints.find((e) => e.namespace === service.namespace && e.name === service.name);
  if (object !== undefined) return endpointsOfEndpoints(service, object, byAddress);
  const selector = stringMapAt(service.from.spec, 'selector');
  if (Object.keys(selector).length === 0) return [];
  return workloads
    .filter((w) => w.namespace === service.namespace && w.address !== '' && selects(selector, w.labels))
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

function endpointsOfSlice(service: Service, slice: Resource, pods: Map<string, Workload>): Endpoint[] {
  const out: Endpoint[] = [];
  for (const item of treesAt(slice.body, 'endpoints')) {
    // istiod sends no servers that are not ready.
    if (booleanAt(treeAt(item, 'conditions'), 'ready') === false) continue;
    for (const address of stringsAt(item, 'addresses')) {
      for (const port of treesAt(slice.body, 'ports')) {
        const number = numberAt(port, 'port');
        const known = service.ports.find((p) => p.name === stringAt(port, 'name'));
        if (number === undefined || known === undefined) continue;
        out.push(endpoint(pods.get(address), address, number, known.number));
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
