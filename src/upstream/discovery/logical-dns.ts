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
 * One host with a name (LOGICAL_DNS): new connections go to the first address of the last answer; what is open stays where it
 * is. An empty or failed answer changes nothing.
 */
export class LogicalDnsDiscovery implements Discovery {
  private readonly resolve: ResolveTarget;
  private host: HostImpl | null = null;
  private ready: (() => void) | null = null;

  constructor(
    private readonly group: EndpointGroup,
    private readonly prioritySet: PrioritySet,
    stats: ClusterStats,
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
    if (addresses.length === 0) return;
    const { address } = addresses[0];
    if (this.host === null) {
      this.host = this.makeHost(address, undefined);
      const { locality, weight, priority } = this.group;
      this.prioritySet.update(priority, [{ locality, weight, hosts: [this.host] }]);
    } else if (this.host.real.dial.host !== address) {
      const real = this.makeHost(address, this.host);
      real.outlier = this.host.outlier;
      real.activeHealth = this.host.activeHealth;
      this.host.real = real;
    }
  }

  private makeHost(address: string, like: HostImpl | undefined): HostImpl {
    const [endpoint] = this.group.endpoints;
    const { port, weight, metadata, healthFlags, healthCheck } = endpoint;
    const { locality, priority } = this.group;
    const hostname = endpoint.hostname || endpoint.address;
    const dial = { host: address, port };
    return new HostImpl(
      { dial, hostname, weight, metadata, locality, priority, healthFlags, healthCheck },
      like?.stats,
    );
  }
}
