import type { Dispatcher } from '../base/dispatcher.js';
import type { Protocol } from '../base/protocol.js';
import type { ClusterConfig } from './cluster-config.js';
import type { ClusterScope, ClusterStats } from './cluster-stats.js';
import type { Discovery } from './discovery/discovery.js';
import type { DnsResolver } from './discovery/dns.js';
import { LogicalDnsDiscovery } from './discovery/logical-dns.js';
import { OriginalDestinations } from './discovery/original-dst.js';
import { StaticDiscovery } from './discovery/static.js';
import { StrictDnsDiscovery } from './discovery/strict-dns.js';
import { HealthChecker, type HealthCheckOwner, type Transition } from './health/health-checker.js';
import { OutlierDetector } from './health/outlier-detector.js';
import { Health, HealthFlag, type HostImpl, poolSlot } from './host.js';
import type { LoadBalancer } from './lb/load-balancer.js';
import { makeLoadBalancer } from './lb/policies.js';
import { SubsetBalancer } from './lb/subset-balancer.js';
import type { LocalCluster } from './lb/zone-routing.js';
import { MergeWindow, type UpdateStats } from './merge-window.js';
import { ConnPoolImpl } from './pool/conn-pool.js';
import { type TcpCallbacks, TcpClient } from './pool/tcp-client.js';
import type { Transport } from './pool/transport.js';
import { PrioritySet } from './priority-set.js';
import { CircuitBreakers } from './resource-manager.js';
import type { BudgetStats, SizeStats } from './tracking.js';
import {
  type Cluster,
  type CodeStats,
  type ConnPool,
  type Host,
  type LbContext,
  Priority,
  type RetryBreaker,
} from './types.js';

/**
 * A cluster as it is configured: its hosts, its balancer, its pools, its breakers. A changed configuration makes a new one with
 * the same scope, and the old one drains.
 */
export class ClusterImpl implements Cluster, HealthCheckOwner {
  readonly name: string;
  readonly observabilityName: string;
  readonly stats: ClusterStats;
  readonly codes: CodeStats;
  readonly maxStreamDuration: number | null;
  /** Only Envoy's runtime turns it on (`upstream.maintenance_mode.<cluster>`), and there is none. */
  readonly maintenanceMode = false;
  readonly metadata: Readonly<Record<string, unknown>>;
  dropOverload: number;
  readonly sizeStats: SizeStats | null;
  readonly budgetStats: BudgetStats | null;
  readonly prioritySet: PrioritySet;
  readonly breakers: CircuitBreakers;
  private readonly lb: LoadBalancer;
  private readonly subsets: SubsetBalancer | null;
  private readonly discovery: Discovery;
  /** Null: none is configured. */
  readonly outlier: OutlierDetector | null;
  readonly healthChecker: HealthChecker | null;
  /** Checks to wait for before requests may come; then `ready` is called. */
  private firstChecks = 0;
  private ready: (() => void) | null = null;
  private active = false;
  private unregister: (() => void) | null = null;
  private readonly unfollow: (() => void) | null;
  private readonly merging: MergeWindow;

  constructor(
    public config: ClusterConfig,
    private readonly dispatcher: Dispatcher,
    private readonly scope: ClusterScope,
    private readonly transport: Transport,
    resolver: DnsResolver,
    /** Added by an API rather than by the bootstrap file; only shown. */
    readonly addedViaApi: boolean,
    /** Null: this proxy is in no cluster. */
    private readonly local: LocalCluster | null,
    updates: UpdateStats,
  ) {
    this.name = config.name;
    this.observabilityName = config.observabilityName;
    this.stats = scope.stats;
    this.codes = scope.codes;
    this.maxStreamDuration = config.maxStreamDuration;
    this.metadata = config.metadata;
    this.prioritySet = new PrioritySet(config.overprovisioningFactor, config.weightedPriorityHealth);
    this.dropOverload = config.dropOverload;
    this.sizeStats = config.tracksSizes ? scope.sizeStats() : null;
    this.budgetStats = config.tracksBudgets ? scope.budgetStats() : null;
    this.merging = new MergeWindow(dispatcher, config.updateMergeWindow, updates, (priority) =>
      this.prioritySet.refreshHealth(priority),
    );
    this.breakers = new CircuitBreakers(scope.prefix, config.thresholds);
    const destinations =
      config.originalDst === null
        ? null
        : new OriginalDestinations(config.originalDst, this.prioritySet, scope.stats, dispatcher);
    const others = local === null || local.name === config.name ? null : local;
    const lbDeps = {
      stats: scope.stats,
      random: dispatcher.random,
      clock: dispatcher,
      local: others,
      tables: scope.hashStats(config.lb.name),
    };
    const makeLb = (set: PrioritySet) => makeLoadBalancer(config.lb, set, config.lbSettings, lbDeps);
    this.subsets =
      config.subsets === null ? null : new SubsetBalancer(config.subsets, this.prioritySet, scope.stats, makeLb);
    this.lb = destinations ?? this.subsets ?? makeLb(this.prioritySet);
    this.discovery = destinations ?? this.makeDiscovery(resolver);
    this.outlier =
      config.outlier === null
        ? null
        : new OutlierDetector(config.outlier, scope.outlierStats(), dispatcher, (host, failed) => {
            if (failed) drainHost(host, false);
            this.onHealthChanged(host);
          });
    this.healthChecker =
      config.healthCheck === null
        ? null
        : new HealthChecker(config.healthCheck, scope.healthCheckStats(), dispatcher, transport, this);
    if (this.healthChecker !== null) this.prioritySet.onAdmit = (host) => this.admitUnchecked(host);
    this.lb.refresh();
    this.unfollow = others?.onChange(() => this.lb.refresh()) ?? null;
    this.prioritySet.onUpdate((priority, added, removed) => this.onMembership(priority, added, removed));
  }

  private makeDiscovery(resolver: DnsResolver): Discovery {
    const { discovery, groups, dns } = this.config;
    const keepsHealthy = this.config.healthCheck !== null && !this.config.ignoreHealthOnRemoval;
    if (discovery === 'STATIC') return new StaticDiscovery(groups, this.prioritySet, keepsHealthy);
    if (discovery === 'STRICT_DNS')
      return new StrictDnsDiscovery(groups, this.prioritySet, this.stats, dns, this.dispatcher, resolver, keepsHealthy);
    return new LogicalDnsDiscovery(groups[0], this.prioritySet, this.stats, dns, this.dispatcher, resolver);
  }

  /**
   * Takes another list of endpoints and its policy; all else of `config` must be what it was. Hosts that stay keep their connections,
   * counters and health, those that go drain. False when the endpoints are names: the cluster has to be replaced then.
   */
  updateEndpoints(config: ClusterConfig): boolean {
    if (this.discovery.update === undefined || config.discovery !== this.config.discovery) return false;
    this.config = config;
    this.dropOverload = config.dropOverload;
    this.prioritySet.setPolicy(config.overprovisioningFactor, config.weightedPriorityHealth);
    this.stats.update_attempt++;
    this.stats.update_success++;
    this.discovery.update(config.groups);
    return true;
  }

  /** Finds its hosts; `ready` is called when the first are known, or are known not to be had. */
  start(ready: () => void): void {
    this.outlier?.start();
    this.discovery.start(() => {
      if (this.healthChecker !== null)
        for (const host of this.hosts()) if (!host.healthCheck?.disabled) this.firstChecks++;
      if (this.firstChecks === 0) ready();
      else this.ready = ready;
    });
  }

  // --- health

  /** A host is taken for unhealthy until its first check. */
  private admitUnchecked(host: HostImpl): void {
    if (host.healthCheck?.disabled) return;
    host.healthFlags |= HealthFlag.FAILED_ACTIVE_HC;
    if (this.config.ignoreNewHosts) host.healthFlags |= HealthFlag.PENDING_ACTIVE_HC;
  }

  hadTraffic(): boolean {
    return this.stats.upstream_cx_total > 0;
  }

  onHealthCheck(host: HostImpl, transition: Transition, healthy: boolean): void {
    if (transition === 'changed') {
      const failed = (host.healthFlags & HealthFlag.FAILED_ACTIVE_HC) !== 0;
      if (failed) drainHost(host, false);
      if (failed && (host.healthFlags & HealthFlag.PENDING_DYNAMIC_REMOVAL) !== 0) this.discovery.drop?.(host);
      else this.onHealthChanged(host);
    }
    if (healthy) this.outlier?.onHealthCheckSuccess(host);
    if (this.firstChecks === 0 || --this.firstChecks > 0) return;
    const { ready } = this;
    this.ready = null;
    ready?.();
  }

  /** Requests come from now on; what it replaces is shut down. */
  activate(): void {
    this.active = true;
    this.unregister = this.scope.registerTemporary(this.breakers);
    if (this.local?.name === this.name) this.local.follow(this.prioritySet);
    this.countMembers();
  }

  // --- from the router

  chooseHost(context: LbContext, _priority: Priority): HostImpl | null {
    const host = this.lb.choose(context);
    if (host === null) this.stats.upstream_cx_none_healthy++;
    return host;
  }

  pool(host: Host, priority: Priority, downstreamProtocol: Protocol): ConnPool | null {
    const { protocol } = this.config;
    const http2 = protocol === 'http2' || (protocol === 'downstream' && downstreamProtocol === 'HTTP/2');
    const { pools } = host as HostImpl;
    const slot = poolSlot(priority, http2);
    const pool = (pools[slot] ??= this.makePool(host as HostImpl, priority, http2));
    return pool.reserve() ? pool : null;
  }

  private makePool(host: HostImpl, priority: Priority, http2: boolean): ConnPoolImpl {
    const { dispatcher, config, transport, scope, breakers } = this;
    return new ConnPoolImpl(dispatcher, host, http2, config.pool, transport, scope, breakers.of(priority));
  }

  /** Opens a connection that carries bytes; null when a breaker refuses it, and `callbacks` has been told. */
  connectTcp(host: Host, callbacks: TcpCallbacks): TcpClient | null {
    const { dispatcher, transport, scope } = this;
    const place = {
      dispatcher,
      host: host as HostImpl,
      settings: this.config.pool,
      transport,
      scope,
      resources: this.breakers.of(Priority.DEFAULT),
    };
    return TcpClient.connect(place, callbacks);
  }

  retryBreaker(priority: Priority): RetryBreaker {
    return this.breakers.of(priority);
  }

  // --- hosts

  private onMembership(priority: number, added: readonly HostImpl[], removed: readonly HostImpl[]): void {
    if (this.active && added.length + removed.length > 0) this.merging.onMembership(priority);
    for (const host of added) this.outlier?.add(host);
    for (const host of removed) this.outlier?.remove(host);
    this.lb.refresh();
    this.countMembers();
    if (this.healthChecker !== null) {
      for (const host of added) this.healthChecker.add(host);
      for (const host of removed) this.healthChecker.remove(host);
    }
    if (added.length === 0 && removed.length === 0) return;
    this.stats.membership_change++;
    for (const host of removed) drainHost(host, true);
    if (!this.config.closeConnectionsOnHostSetChange) return;
    for (const host of this.hosts()) drainHost(host, false);
  }

  private countMembers(): void {
    const { stats } = this;
    stats.membership_total = stats.membership_healthy = stats.membership_degraded = stats.membership_excluded = 0;
    stats.max_host_weight = 0;
    for (const set of this.prioritySet.sets) {
      stats.membership_total += set.hosts.length;
      for (const host of set.hosts) {
        if (host.excluded) stats.membership_excluded++;
        else if (host.health === Health.HEALTHY) stats.membership_healthy++;
        else if (host.health === Health.DEGRADED) stats.membership_degraded++;
        stats.max_host_weight = Math.max(stats.max_host_weight, host.weight);
      }
    }
  }

  *hosts(): IterableIterator<HostImpl> {
    for (const set of this.prioritySet.sets) yield* set.hosts;
  }

  /** A health flag of a host was changed. Gauges show it at once; the balancer learns of it now or at the end of the merge window. */
  onHealthChanged(host: HostImpl): void {
    if (!this.active) {
      this.prioritySet.refreshHealth(host.priority);
      return;
    }
    this.countMembers();
    this.merging.onHealth(host.priority);
  }

  /** No new requests come: discovery ends, and connections close as their streams do. */
  shutdown(): void {
    this.discovery.stop();
    this.ready = null;
    this.subsets?.stop();
    this.outlier?.stop();
    this.healthChecker?.stop();
    this.merging.stop();
    this.unregister?.();
    this.unregister = null;
    this.unfollow?.();
    for (const host of this.hosts()) drainHost(host, true);
  }
}

/** @param gone the host will not come back: also what is idle later is closed */
export function drainHost(host: HostImpl, gone: boolean): void {
  for (const pool of host.pools) {
    if (pool === null) continue;
    if (gone) pool.drainAndRemove();
    else pool.drainConnections();
  }
}
