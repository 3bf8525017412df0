import type { Dispatcher } from '../../base/dispatcher.js';
import type { DnsSettings } from '../cluster-config.js';
import type { ClusterStats } from '../cluster-stats.js';
import type { EndpointGroup } from '../endpoint-config.js';
import { HostImpl } from '../host.js';
import type { PrioritySet } from '../priority-set.js';
import type { Discovery } from './discovery.js';
import type { DnsAddress, DnsResolver } from './dns.js';
import { ResolveTarget } from './resolve-target.js';

/**
 * One host with a name (LOGICAL_DNS), at the first address of the last answer. Another list of addresses is another host, and the
 * connections of the old one end with their streams. An answer without addresses is a failed one, and changes nothing.
 */
export class LogicalDnsDiscovery implements Discovery {
  private readonly resolve: ResolveTarget;
  /** Addresses of the last answer. */
  private known = '';
  private ready: (() => void) | null = null;

  constructor(
    private readonly group: EndpointGroup,
    private readonly prioritySet: PrioritySet,
    private readonly stats: ClusterStats,
    settings: DnsSettings,
    dispatcher: Dispatcher,
    resolver: DnsResolver,
  ) {
    this.resolve = new ResolveTarget(
      group.endpoints[0].address,
      settings,
      dispatcher,
      resolver,
      stats,
      (addresses) => this.onAddresses(addresses),
      () => {
        const first = this.ready;
        this.ready = null;
        first?.();
      },
      true,
    );
  }

  start(ready: () => void): void {
    this.ready = ready;
    this.resolve.start();
  }

  stop(): void {
    this.resolve.stop();
  }

  private onAddresses(addresses: readonly DnsAddress[]): void {
    const list = addresses.map(({ address }) => address).join();
    if (list === this.known) {
      this.stats.update_no_rebuild++;
      return;
    }
    this.known = list;
    const [endpoint] = this.group.endpoints;
    const { port, weight, metadata, healthFlags, healthCheck } = endpoint;
    const { locality, priority, weight: localityWeight } = this.group;
    const hostname = endpoint.hostname || endpoint.address;
    const dial = { host: addresses[0].address, port };
    const host = new HostImpl({ dial, hostname, weight, metadata, locality, priority, healthFlags, healthCheck });
    this.prioritySet.update(priority, [{ locality, weight: localityWeight, hosts: [host] }]);
  }
}
