import { Memo } from '../memo.js';
import type { Resource } from '../resource.js';
import { byAge } from '../resource.js';
import { treeAt } from '../tree.js';
import { EndpointIndex, endpointsOfKubernetes, serviceOfKubernetes, workloadOfPod } from './kubernetes.js';
import type { Service, Workload } from './service.js';
import { servicesOfEntry, workloadOfEntry } from './service-entry.js';

/** Everything that can be called, and everything that answers. */
export interface Registry {
  /** Oldest first; a host may appear more than once, then the first of a namespace counts. */
  services: Service[];
  workloads: Workload[];
}

const pods = new Memo<Resource, Workload>();
const workloadEntries = new Memo<Resource, Workload>();
const kubernetesServices = new Memo<Resource, Service>();
const entryServices = new Memo<Resource, Service[]>();
const aliased = new Memo<Service, Service>();

/**
 * Reads the Services, ServiceEntries, Pods, WorkloadEntries, Endpoints and EndpointSlices among the documents. Services that
 * do not say to whom are exported to `defaultExportTo`. A service of which nothing has changed is the same object as the last time.
 */
export function registryOf(resources: readonly Resource[], defaultExportTo: readonly string[] = []): Registry {
  const byKind = new Map<string, Resource[]>();
  for (const resource of resources) {
    const list = byKind.get(resource.kind);
    if (list === undefined) byKind.set(resource.kind, [resource]);
    else list.push(resource);
  }
  const ofKind = (kind: string) => byKind.get(kind) ?? [];
  const workloads = [
    ...ofKind('Pod').map((pod) => pods.get(pod, [], () => workloadOfPod(pod))),
    ...ofKind('WorkloadEntry').map((entry) => workloadEntries.get(entry, [], () => workloadOfEntry(entry))),
  ];
  const index = new EndpointIndex(ofKind('EndpointSlice'), ofKind('Endpoints'), workloads);
  const visible = defaultExportTo.join();
  const services: Service[] = [];
  for (const resource of ofKind('Service')) {
    const make = () => {
      const service = serviceOfKubernetes(resource);
      if (service.exportTo.length === 0) service.exportTo = [...defaultExportTo];
      if (service.resolution !== 'alias') service.endpoints = endpointsOfKubernetes(service, index);
      return service;
    };
    services.push(kubernetesServices.get(resource, [visible, ...index.behind(resource)], make));
  }
  for (const entry of ofKind('ServiceEntry')) {
    const of = treeAt(entry.spec, 'workloadSelector') === undefined ? [] : index.workloadsOf(entry.namespace);
    const make = () => {
      const made = servicesOfEntry(entry, workloads);
      for (const service of made) if (service.exportTo.length === 0) service.exportTo = [...defaultExportTo];
      return made;
    };
    services.push(...entryServices.get(entry, [visible, ...of], make));
  }
  services.sort((a, b) => byAge(a.from, b.from) || (a.host < b.host ? -1 : a.host > b.host ? 1 : 0));
  return { services: withAliases(services), workloads };
}

/** Services for which ExternalName Services stand know the names of those. */
function withAliases(services: Service[]): Service[] {
  const aliases = new Map<string, string[]>();
  for (const { externalName, host } of services) {
    if (externalName === '') continue;
    const known = aliases.get(externalName);
    if (known === undefined) aliases.set(externalName, [host]);
    else known.push(host);
  }
  if (aliases.size === 0) return services;
  return services.map((service) => {
    const names = service.resolution === 'alias' ? undefined : aliases.get(service.host);
    return names === undefined ? service : aliased.get(service, names, () => ({ ...service, aliases: names }));
  });
}
