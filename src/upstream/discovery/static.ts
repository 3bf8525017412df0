import type { EndpointConfig, EndpointGroup } from '../endpoint-config.js';
import { HealthFlag, HostImpl, type Locality, sameLocality } from '../host.js';
import type { LocalityHosts, PrioritySet } from '../priority-set.js';
import type { Discovery } from './discovery.js';

/** Flags that the endpoints themselves set; the others are what was found out about a host. */
const GIVEN = HealthFlag.FAILED_EDS_HEALTH | HealthFlag.DEGRADED_EDS_HEALTH | HealthFlag.EDS_STATUS_DRAINING;

/**
 * Hosts as they are written (STATIC). Another list of endpoints can take the place of the first, as an EDS update does in Envoy: a host
 * whose address stays keeps its object, so its connections, its counters, and what health checks and outlier detection know of it.
 */
export class StaticDiscovery implements Discovery {
  constructor(
    private groups: readonly EndpointGroup[],
    private readonly prioritySet: PrioritySet,
    /** A host that is no longer named stays while its health checks succeed. */
    private readonly keepsHealthy: boolean,
  ) {}

  start(ready: () => void): void {
    this.publish([]);
    ready();
  }

  update(groups: readonly EndpointGroup[]): void {
    this.groups = groups;
    this.publish(this.prioritySet.sets.flatMap((set) => [...set.hosts]));
  }

  drop(host: HostImpl): void {
    const set = this.prioritySet.at(host.priority);
    const localities = set.localities.map((group) => ({ ...group, hosts: group.hosts.filter((one) => one !== host) }));
    this.prioritySet.update(host.priority, localities);
  }

  private publish(before: readonly HostImpl[]): void {
    const known = new Map(before.map((host) => [host.address, host]));
    const byPriority: LocalityHosts[][] = this.prioritySet.sets.map(() => []);
    for (const group of this.groups) {
      const { priority, locality, weight, endpoints } = group;
      const hosts = endpoints.map((endpoint) => this.host(endpoint, group, known));
      while (byPriority.length <= priority) byPriority.push([]);
      byPriority[priority].push({ locality, weight, hosts });
    }
    if (this.keepsHealthy) for (const host of known.values()) if (stays(host)) keep(host, byPriority[host.priority]);
    byPriority.forEach((localities, priority) => {
      this.prioritySet.update(priority, localities);
    });
  }

  /** The host of an endpoint: the one there was at its address, or a new one. */
  private host(endpoint: EndpointConfig, group: EndpointGroup, known: Map<string, HostImpl>): HostImpl {
    const { address, port, path, ...rest } = endpoint;
    const { locality, priority } = group;
    const made = new HostImpl({ dial: { host: address, port, path }, locality, priority, ...rest });
    const old = known.get(made.address);
    if (old === undefined || !sameKind(old, made, locality)) return made;
    known.delete(made.address);
    old.weight = made.weight;
    old.priority = priority;
    old.setMetadata(made.metadata);
    old.healthFlags = (old.healthFlags & ~(GIVEN | HealthFlag.PENDING_DYNAMIC_REMOVAL)) | made.healthFlags;
    return old;
  }

  stop(): void {}
}

/** What of a host cannot change while it lives. */
function sameKind(old: HostImpl, made: HostImpl, locality: Locality): boolean {
  return (
    old.hostname === made.hostname &&
    sameLocality(old.locality, locality) &&
    JSON.stringify(old.healthCheck) === JSON.stringify(made.healthCheck)
  );
}

function stays(host: HostImpl): boolean {
  return (host.healthFlags & (HealthFlag.FAILED_ACTIVE_HC | HealthFlag.FAILED_EDS_HEALTH)) === 0;
}

/** No longer named, but well: the host stays until a health check fails. */
function keep(host: HostImpl, localities: LocalityHosts[]): void {
  host.healthFlags |= HealthFlag.PENDING_DYNAMIC_REMOVAL;
  const at = localities.findIndex(({ locality }) => sameLocality(locality, host.locality));
  if (at < 0) localities.push({ locality: host.locality, weight: 0, hosts: [host] });
  else localities[at] = { ...localities[at], hosts: [...localities[at].hosts, host] };
}
