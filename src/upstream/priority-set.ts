import { Health, type HostImpl, type Locality } from './host.js';

/** Hosts of one locality of a priority, with its load balancing weight (0: none was given, takes no traffic when weighted). */
export interface LocalityHosts {
  readonly locality: Locality;
  readonly weight: number;
  readonly hosts: readonly HostImpl[];
}

/** The hosts of one priority, sorted by health. Rebuilt as a whole: readers may keep an array for the length of a pick only. */
export class HostSet {
  hosts: readonly HostImpl[] = [];
  healthy: readonly HostImpl[] = [];
  degraded: readonly HostImpl[] = [];
  excluded = 0;
  localities: readonly LocalityHosts[] = [];
  /** Parallel to `localities`. */
  healthyByLocality: readonly (readonly HostImpl[])[] = [];
  degradedByLocality: readonly (readonly HostImpl[])[] = [];

  constructor(
    readonly priority: number,
    /** Percentage; a priority is fully available while healthy hosts times this covers 100 % (140). */
    public overprovisioningFactor: number,
    /** Health of the priority goes by the weights of hosts rather than by their number (weighted_priority_health). */
    public weightedHealth: boolean,
  ) {}

  update(localities: readonly LocalityHosts[]): void {
    this.localities = localities;
    this.hosts = localities.flatMap((group) => group.hosts);
    this.refreshHealth();
  }

  refreshHealth(): void {
    const of = (hosts: readonly HostImpl[], health: Health) =>
      hosts.filter((host) => host.health === health && !host.excluded);
    this.healthy = of(this.hosts, Health.HEALTHY);
    this.degraded = of(this.hosts, Health.DEGRADED);
    this.excluded = this.hosts.reduce((n, host) => n + Number(host.excluded), 0);
    this.healthyByLocality = this.localities.map((group) => of(group.hosts, Health.HEALTHY));
    this.degradedByLocality = this.localities.map((group) => of(group.hosts, Health.DEGRADED));
  }
}

export type MembershipListener = (priority: number, added: readonly HostImpl[], removed: readonly HostImpl[]) => void;

/** All priorities of a cluster. */
export class PrioritySet {
  readonly sets: HostSet[] = [];
  /** Called with a host that is about to be in it for the first time: flags set here count at once. */
  onAdmit: ((host: HostImpl) => void) | null = null;
  private readonly listeners: MembershipListener[] = [];

  constructor(
    private overprovisioningFactor: number,
    private weightedHealth = false,
  ) {
    this.at(0);
  }

  /** Another policy for all priorities; holds from the next update on. */
  setPolicy(overprovisioningFactor: number, weightedHealth: boolean): void {
    this.overprovisioningFactor = overprovisioningFactor;
    this.weightedHealth = weightedHealth;
    for (const set of this.sets) {
      set.overprovisioningFactor = overprovisioningFactor;
      set.weightedHealth = weightedHealth;
    }
  }

  /** One of the same kind for some of the hosts. */
  empty(): PrioritySet {
    return new PrioritySet(this.overprovisioningFactor, this.weightedHealth);
  }

  /** The set of a priority; made, with those below it, when it is the first to be asked for. */
  at(priority: number): HostSet {
    while (this.sets.length <= priority)
      this.sets.push(new HostSet(this.sets.length, this.overprovisioningFactor, this.weightedHealth));
    return this.sets[priority];
  }

  /** Called after the hosts or the health of a priority changed. */
  onUpdate(listener: MembershipListener): void {
    this.listeners.push(listener);
  }

  /** Replaces the hosts of a priority and tells the listeners what came and what went. */
  update(priority: number, localities: readonly LocalityHosts[]): void {
    const set = this.at(priority);
    const before = new Set(set.hosts);
    const added: HostImpl[] = [];
    for (const { hosts } of localities) for (const host of hosts) if (!before.delete(host)) added.push(host);
    if (this.onAdmit !== null) for (const host of added) this.onAdmit(host);
    set.update(localities);
    this.tell(priority, added, [...before]);
  }

  /** Sorts the hosts of a priority anew after health flags changed. */
  refreshHealth(priority: number): void {
    this.at(priority).refreshHealth();
    this.tell(priority, [], []);
  }

  private tell(priority: number, added: readonly HostImpl[], removed: readonly HostImpl[]): void {
    for (const listener of this.listeners) listener(priority, added, removed);
  }
}
