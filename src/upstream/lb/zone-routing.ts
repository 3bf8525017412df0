import type { Random } from '../../base/random.js';
import { type HostImpl, type Locality, sameLocality } from '../host.js';
import type { HostSet, PrioritySet } from '../priority-set.js';

/** zone_aware_lb_config; its defaults hold for every cluster once there is a local cluster. */
export interface ZoneSettings {
  /** Percent of picks that look at zones at all (routing_enabled, 100). */
  readonly routingEnabled: number;
  /** Clusters with fewer healthy hosts are not routed by zone (min_cluster_size, 6). */
  readonly minClusterSize: number;
  /** force_local_zone: everything stays in the zone while it has this many healthy hosts; null: not forced. */
  readonly forceLocalMinSize: number | null;
  /** locality_basis: zones are compared by the weights of their hosts rather than by their number. */
  readonly byWeight: boolean;
}

export const DEFAULT_ZONE_SETTINGS: ZoneSettings = {
  routingEnabled: 100,
  minClusterSize: 6,
  forceLocalMinSize: null,
  byWeight: false,
};

/** The cluster that this proxy is one host of (cluster_manager.local_cluster_name), and where it stands (node.locality). */
export class LocalCluster {
  private set: PrioritySet | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(
    readonly name: string,
    /** Null: the node says none. */
    readonly locality: Locality | null,
  ) {}

  get hosts(): HostSet | null {
    return this.set === null ? null : this.set.at(0);
  }

  /** Its hosts are known now, or come from another configuration. */
  follow(set: PrioritySet): void {
    this.set = set;
    set.onUpdate(() => {
      if (this.set === set) this.tell();
    });
    this.tell();
  }

  /** Called after its hosts changed; returns what ends it. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

export interface ZoneStats {
  lb_local_cluster_not_ok: number;
  lb_recalculate_zone_structures: number;
  lb_zone_cluster_too_small: number;
  lb_zone_no_capacity_left: number;
  lb_zone_routing_all_directly: number;
  lb_zone_routing_cross_zone: number;
  lb_zone_routing_sampled: number;
}

/** Hundredths of a percent. */
const WHOLE = 10000;

export enum ZoneMode {
  /** Zones play no part. */
  OFF = 0,
  /** All picks stay in the zone. */
  DIRECT = 1,
  /** Some picks stay; the others follow the room that other zones have left. */
  RESIDUAL = 2,
}

/**
 * Keeps load in the zone of the proxy as far as that does not load the zone's hosts more than others: the share of proxies in
 * a zone (the local cluster) is compared with the share of upstream hosts there. Envoy: ZoneAwareLoadBalancerBase.
 */
export class ZoneRouting {
  mode = ZoneMode.OFF;
  /** Index in `localities` of the local one, -1 for none. */
  private own = -1;
  /** Picks out of 10000 that stay. */
  private staying = 0;
  /** Room of each locality, added up. */
  private residual: number[] = [];

  constructor(
    readonly local: LocalCluster,
    private readonly settings: ZoneSettings,
    private readonly stats: ZoneStats,
    private readonly random: Random,
  ) {}

  /** Works out where load of priority 0 goes. */
  refresh(set: HostSet): void {
    const { settings, stats } = this;
    const local = this.local.hosts;
    this.mode = ZoneMode.OFF;
    if (local === null) return;
    stats.lb_recalculate_zone_structures++;
    if (set.localities.length < 2) return;
    if (settings.forceLocalMinSize === null && local.localities.length < 2) return;
    const home = this.local.locality;
    const mine = home === null ? undefined : local.localities.find(({ locality }) => sameLocality(locality, home));
    if (mine === undefined || mine.hosts.length === 0) {
      stats.lb_local_cluster_not_ok++;
      return;
    }
    if (set.healthy.length < settings.minClusterSize) {
      stats.lb_zone_cluster_too_small++;
      return;
    }
    this.own = set.localities.findIndex(({ locality }) => sameLocality(locality, home!));
    this.spread(set, local);
  }

  private spread(set: HostSet, local: HostSet): void {
    const { own } = this;
    const upstream = shares(set.healthyByLocality, this.weigh);
    const proxies = shares(local.healthyByLocality, this.weigh);
    const proxyShare = set.localities.map(({ locality }, i) => {
      if (set.healthyByLocality[i].length === 0) return 0;
      const at = local.localities.findIndex((one) => sameLocality(one.locality, locality));
      return at < 0 ? 0 : proxies[at];
    });
    if (own >= 0) {
      const enough = upstream[own] > 0 && upstream[own] >= proxyShare[own];
      const { forceLocalMinSize: forced } = this.settings;
      if (enough || (forced !== null && set.healthyByLocality[own].length >= forced)) {
        this.mode = ZoneMode.DIRECT;
        return;
      }
    }
    this.mode = ZoneMode.RESIDUAL;
    this.staying = own >= 0 && proxyShare[own] > 0 ? Math.floor((upstream[own] * WHOLE) / proxyShare[own]) : 0;
    let sum = 0;
    this.residual = upstream.map((share, i) => (sum += i === own ? 0 : Math.max(0, share - proxyShare[i])));
  }

  private readonly weigh = (hosts: readonly HostImpl[]): number =>
    this.settings.byWeight ? hosts.reduce((n, host) => n + host.weight, 0) : hosts.length;

  /** Whether this pick looks at zones. */
  applies(): boolean {
    return this.mode !== ZoneMode.OFF && this.random.u32() % 100 < this.settings.routingEnabled;
  }

  /** The locality to pick from, an index into those of priority 0. */
  pick(): number {
    const { stats, random, residual } = this;
    if (this.mode === ZoneMode.DIRECT) {
      stats.lb_zone_routing_all_directly++;
      return this.own;
    }
    if (random.u32() % WHOLE < this.staying) {
      stats.lb_zone_routing_sampled++;
      return this.own;
    }
    stats.lb_zone_routing_cross_zone++;
    const room = residual[residual.length - 1];
    if (room === 0) {
      stats.lb_zone_no_capacity_left++;
      return random.u32() % residual.length;
    }
    const point = random.u32() % room;
    return residual.findIndex((sum) => point < sum);
  }
}

function shares(lists: readonly (readonly HostImpl[])[], weigh: (hosts: readonly HostImpl[]) => number): number[] {
  const weights = lists.map(weigh);
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => (total > 0 ? Math.floor((WHOLE * weight) / total) : 0));
}
