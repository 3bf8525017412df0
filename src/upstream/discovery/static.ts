import type { EndpointGroup } from '../endpoint-config.js';
import { HostImpl } from '../host.js';
import type { LocalityHosts, PrioritySet } from '../priority-set.js';
import type { Discovery } from './discovery.js';

/** Hosts as they are written (STATIC). */
export class StaticDiscovery implements Discovery {
  constructor(
    private readonly groups: readonly EndpointGroup[],
    private readonly prioritySet: PrioritySet,
  ) {}

  start(ready: () => void): void {
    const byPriority: LocalityHosts[][] = [];
    for (const { priority, locality, weight, endpoints } of this.groups) {
      const hosts = endpoints.map((endpoint) => {
        const { address, port, path, ...rest } = endpoint;
        return new HostImpl({ dial: { host: address, port, path }, locality, priority, ...rest });
      });
      while (byPriority.length <= priority) byPriority.push([]);
      byPriority[priority].push({ locality, weight, hosts });
    }
    byPriority.forEach((localities, priority) => {
      this.prioritySet.update(priority, localities);
    });
    ready();
  }

  stop(): void {}
}
