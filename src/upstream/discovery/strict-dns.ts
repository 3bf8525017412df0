import type { Dispatcher } from '../../base/dispatcher.js';
import type { DnsSettings } from '../cluster-config.js';
import type { ClusterStats } from '../cluster-stats.js';
import type { EndpointConfig, EndpointGroup } from '../endpoint-config.js';
import { HealthFlag, HostImpl } from '../host.js';
import type { PrioritySet } from '../priority-set.js';
import type { Discovery } from './discovery.js';
import type { DnsAddress, DnsResolver } from './dns.js';
import { ResolveTarget } from './resolve-target.js';

interface Target {
  readonly endpoint: EndpointConfig;
  readonly group: EndpointGroup;
  readonly resolve: ResolveTarget;
  hosts: HostImpl[];
}

/** Every address of every name is a host (STRICT_DNS). A host that stays keeps its object, so its connections and counters. */
export class StrictDnsDiscovery implements Discovery {
  private readonly targets: Target[] = [];
  private ready: (() => void) | null = null;

  constructor(
    private readonly groups: readonly EndpointGroup[],
    private readonly prioritySet: PrioritySet,
    private readonly stats: ClusterStats,
    settings: DnsSettings,
    dispatcher: Dispatcher,
    resolver: DnsResolver,
    /** A host that is no longer named stays while its health checks succeed. */
    private readonly keepsHealthy: boolean,
  ) {
    for (const group of groups)
      for (const endpoint of group.endpoints) {
        const resolve = new ResolveTarget(
          endpoint.address,
          settings,
          dispatcher,
          resolver,
          stats,
          (addresses) => this.onAddresses(target, addresses),
          () => this.onAnswer(),
        );
        const target: Target = { endpoint, group, resolve, hosts: [] };
        this.targets.push(target);
      }
  }

  start(ready: () => void): void {
    this.ready = ready;
    if (this.targets.length === 0) this.onAnswer();
    for (const { resolve } of this.targets) resolve.start();
  }

  stop(): void {
    for (const { resolve } of this.targets) resolve.stop();
  }

  /** The cluster is ready with the first name that was answered, as in Envoy. */
  private onAnswer(): void {
    const ready = this.ready;
    this.ready = null;
    ready?.();
  }

  private onAddresses(target: Target, addresses: readonly DnsAddress[]): void {
    const { endpoint, group } = target;
    const known = new Map(target.hosts.map((host) => [host.dial.host, host]));
    const hosts: HostImpl[] = [];
    let changed = false;
    for (const address of new Set(addresses.map((a) => a.address))) {
      const host = known.get(address);
      if (host !== undefined) {
        known.delete(address);
        if ((host.healthFlags & HealthFlag.PENDING_DYNAMIC_REMOVAL) !== 0) changed = true;
        host.healthFlags &= ~HealthFlag.PENDING_DYNAMIC_REMOVAL;
        hosts.push(host);
        continue;
      }
      changed = true;
      const { port, weight, metadata, healthFlags, healthCheck } = endpoint;
      hosts.push(
        new HostImpl({
          dial: { host: address, port },
          hostname: endpoint.hostname || endpoint.address,
          weight,
          metadata,
          locality: group.locality,
          priority: group.priority,
          healthFlags,
          healthCheck,
        }),
      );
    }
    if (this.keepsHealthy)
      for (const [address, host] of known) {
        if ((host.healthFlags & (HealthFlag.FAILED_ACTIVE_HC | HealthFlag.FAILED_EDS_HEALTH)) !== 0) continue;
        host.healthFlags |= HealthFlag.PENDING_DYNAMIC_REMOVAL;
        known.delete(address);
        hosts.push(host);
      }
    if (!changed && known.size === 0) {
      this.stats.update_no_rebuild++;
      return;
    }
    target.hosts = hosts;
    this.publish(group.priority);
  }

  private publish(priority: number): void {
    const localities = this.groups
      .filter((group) => group.priority === priority)
      .map((group) => ({
        locality: group.locality,
        weight: group.weight,
        hosts: this.targets.filter((target) => target.group === group).flatMap((target) => target.hosts),
      }));
    this.prioritySet.update(priority, localities);
  }
}
