import { isIP } from 'node:net';
import { protocolNamed } from '../protocol.js';
import { type Resource, selects } from '../resource.js';
import { numberAt, stringAt, stringMapAt, stringsAt, type Tree, treeAt, treesAt } from '../tree.js';
import { type Endpoint, identityOf, LABEL_TLS_MODE, type Resolution, type Service, type Workload } from './service.js';

const RESOLUTIONS: Record<string, Resolution> = {
  STATIC: 'endpoints',
  DNS: 'dns',
  DNS_ROUND_ROBIN: 'dns-round-robin',
  DYNAMIC_DNS: 'dynamic-dns',
};

/** A WorkloadEntry as something that ServiceEntries and Services select. */
export function workloadOfEntry(entry: Resource): Workload {
  return workloadOf(entry.spec, entry.namespace, entry.name, entry, {
    ...entry.labels,
    ...stringMapAt(entry.spec, 'labels'),
  });
}

function workloadOf(
  spec: Tree,
  namespace: string,
  name: string,
  from: Resource,
  labels: Record<string, string>,
): Workload {
  const account = stringAt(spec, 'serviceAccount');
  const ports: Record<string, number> = {};
  for (const [key, value] of Object.entries(treeAt(spec, 'ports') ?? {})) {
    if (typeof value === 'number') ports[key] = value;
  }
  return {
    kind: 'WorkloadEntry',
    name,
    namespace,
    address: stringAt(spec, 'address'),
    labels,
    weight: numberAt(spec, 'weight') || 1,
    locality: stringAt(spec, 'locality') || (labels['istio-locality'] ?? '').replaceAll('.', '/'),
    identity: account === '' ? '' : identityOf(namespace, account),
    mutualTls: (labels[LABEL_TLS_MODE] ?? (account === '' ? '' : 'istio')) === 'istio',
    ports,
    from,
  };
}

/** The services of a ServiceEntry: one for each host, with all of its addresses. */
export function servicesOfEntry(entry: Resource, workloads: readonly Workload[]): Service[] {
  const { spec } = entry;
  const resolution = RESOLUTIONS[stringAt(spec, 'resolution')] ?? 'original';
  const addresses = stringsAt(spec, 'addresses')
    .map((a) => (a.endsWith('/32') && isIP(a.slice(0, -3)) === 4 ? a.slice(0, -3) : a))
    .map((a) => (a.endsWith('/128') && isIP(a.slice(0, -4)) === 6 ? a.slice(0, -4) : a));
  return stringsAt(spec, 'hosts').map((host) => {
    const service: Service = {
      host,
      name: host,
      namespace: entry.namespace,
      registry: 'external',
      ports: treesAt(spec, 'ports').map((port) => ({
        name: stringAt(port, 'name'),
        number: numberAt(port, 'number') ?? 0,
        protocol: protocolNamed(stringAt(port, 'protocol')),
        targetPort: numberAt(port, 'targetPort') ?? 0,
      })),
      resolution,
      addresses,
      external: stringAt(spec, 'location') !== 'MESH_INTERNAL',
      externalName: '',
      aliases: [],
      exportTo: stringsAt(spec, 'exportTo'),
      subjectAltNames: stringsAt(spec, 'subjectAltNames'),
      created: entry.created,
      endpoints: [],
      from: entry,
    };
    service.endpoints = endpointsOfEntry(service, entry, workloads);
    // Every address of a ServiceEntry is a service of its own to istiod, which counts the endpoints once for each.
    for (let i = 1; i < addresses.length; i++) service.endpoints.push(...endpointsOfEntry(service, entry, workloads));
    return service;
  });
}

function endpointsOfEntry(service: Service, entry: Resource, workloads: readonly Workload[]): Endpoint[] {
  const { spec } = entry;
  const isDns = service.resolution === 'dns' || service.resolution === 'dns-round-robin';
  const selector = treeAt(spec, 'workloadSelector');
  const listed = treesAt(spec, 'endpoints');
  if (selector !== undefined) {
    const labels = stringMapAt(selector, 'labels');
    return workloads
      .filter((w) => w.namespace === entry.namespace && w.address !== '' && selects(labels, w.labels))
      .flatMap((w) => endpointsOfWorkload(service, w));
  }
  if (listed.length === 0 && isDns) {
    return service.ports.map((port) => ({
      address: service.host,
      port: port.targetPort || port.number,
      servicePort: port.number,
      labels: {},
      weight: 1,
      locality: '',
      identity: '',
      mutualTls: false,
    }));
  }
  return listed.flatMap((endpoint, i) =>
    endpointsOfWorkload(
      service,
      workloadOf(endpoint, entry.namespace, `${entry.name}-${i}`, entry, stringMapAt(endpoint, 'labels')),
    ),
  );
}

function endpointsOfWorkload(service: Service, workload: Workload): Endpoint[] {
  const unix = workload.address.startsWith('unix://');
  return service.ports.map((port) => ({
    address: unix ? workload.address.slice('unix://'.length) : workload.address,
    port: unix ? 0 : workload.ports[port.name] || port.targetPort || port.number,
    servicePort: port.number,
    labels: workload.labels,
    weight: workload.weight,
    locality: workload.locality,
    identity: workload.identity,
    mutualTls: workload.mutualTls,
  }));
}
