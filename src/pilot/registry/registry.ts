import type { Resource } from '../resource.js';
import { byAge } from '../resource.js';
import { endpointsOfKubernetes, serviceOfKubernetes, workloadOfPod } from './kubernetes.js';
import type { Service, Workload } from './service.js';
import { servicesOfEntry, workloadOfEntry } from './service-entry.js';

/** Everything that can be called, and everything that answers. */
export interface Registry {
  /** Oldest first; a host may appear more than once, then the first of a namespace counts. */
  services: Service[];
  workloads: Workload[];
}

/** Reads the Services, ServiceEntries, Pods, WorkloadEntries, Endpoints and EndpointSlices among the documents. */
export function registryOf(resources: readonly Resource[]): Registry {
  const ofKind = (kind: string) => resources.filter((r) => r.kind === kind);
  const workloads = [...ofKind('Pod').map(workloadOfPod), ...ofKind('WorkloadEntry').map(workloadOfEntry)];
  const slices = ofKind('EndpointSlice');
  const endpoints = ofKind('Endpoints');
  const services: Service[] = [];
  for (const resource of ofKind('Service')) {
    const service = serviceOfKubernetes(resource);
    if (service.resolution !== 'alias') {
      service.endpoints = endpointsOfKubernetes(service, slices, endpoints, workloads);
    }
    services.push(service);
  }
  for (const entry of ofKind('ServiceEntry')) services.push(...servicesOfEntry(entry, workloads));
  services.sort((a, b) => byAge(a.from, b.from) || (a.host < b.host ? -1 : a.host > b.host ? 1 : 0));
  for (const alias of services) {
    if (alias.externalName === '') continue;
    for (const target of services) {
      if (target.host === alias.externalName && target.resolution !== 'alias') target.aliases.push(alias.host);
    }
  }
  return { services, workloads };
}
