import type { Dispatcher } from '../base/dispatcher.js';
import { LogLinearHistogram } from '../observe/histogram.js';
import type { Histogram, StatStore } from '../observe/stats.js';
import type * as xds from '../xds/types.js';
import { ClusterImpl } from './cluster.js';
import { type ClusterConfig, readCluster } from './cluster-config.js';
import { ClusterScope } from './cluster-stats.js';
import type { DnsResolver } from './discovery/dns.js';
import type { LocalCluster } from './lb/zone-routing.js';
import type { ActiveClient } from './pool/active-client.js';
import type { Transport } from './pool/transport.js';
import type { ClusterManager } from './types.js';

export interface ClusterManagerDeps {
  readonly statStore: StatStore;
  readonly dns: DnsResolver;
  /** Makes the way a cluster connects and speaks. Throws when the platform cannot do what the configuration asks for. */
  readonly transport: (config: ClusterConfig, scope: ClusterScope) => Transport;
  readonly histogram?: () => Histogram;
  /** The cluster that this proxy is one host of; absent when none is named. */
  readonly local?: LocalCluster | null;
  /** node.locality.zone; answers are counted by zone when it and the host's are known. */
  readonly zone?: string;
}

/** Statistics `cluster_manager.*`. */
export class ClusterManagerStats {
  cluster_added = 0;
  cluster_modified = 0;
  cluster_removed = 0;
  cluster_updated = 0;
  cluster_updated_via_merge = 0;
  update_merge_cancelled = 0;
  update_out_of_merge_window = 0;
  active_clusters = 0;
  warming_clusters = 0;
}

const GAUGES: ReadonlySet<string> = new Set(['active_clusters', 'warming_clusters']);

interface Entry {
  readonly source: string;
  readonly scope: ClusterScope;
  /** What requests use; null while the first configuration is warming. */
  active: ClusterImpl | null;
  /** A configuration that waits for its hosts before it replaces `active`. */
  warming: ClusterImpl | null;
}

/** All clusters by name; changes them while traffic flows. */
export class ClusterManagerImpl implements ClusterManager {
  readonly stats = new ClusterManagerStats();
  private readonly entries = new Map<string, Entry>();
  /** What requests see; a cluster that is warming for the first time is not among them. */
  private readonly serving = new Map<string, ClusterImpl>();
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly deps: ClusterManagerDeps,
  ) {
    deps.statStore.register('cluster_manager.', this.stats, GAUGES);
  }

  get(name: string): ClusterImpl | undefined {
    return this.serving.get(name);
  }

  /**
   * Adds a cluster or changes it. The same configuration again changes nothing; a different one replaces the old when its hosts are
   * known, and the old one's connections end with their streams.
   *
   * @returns whether anything changed
   * @throws ConfigError, and nothing has changed
   */
  add(cluster: xds.Cluster, viaApi = false): boolean {
    const source = JSON.stringify(cluster);
    const old = this.entries.get(cluster.name);
    if (old !== undefined && old.source === source) return false;
    const config = readCluster(cluster);
    const histogram = this.deps.histogram ?? (() => new LogLinearHistogram());
    const scope =
      old?.scope ?? new ClusterScope(config.observabilityName, this.deps.statStore, histogram, this.deps.zone);
    let made: ClusterImpl;
    try {
      const transport = this.deps.transport(config, scope);
      made = new ClusterImpl(
        config,
        this.dispatcher,
        scope,
        transport,
        this.deps.dns,
        viaApi,
        this.deps.local ?? null,
        this.stats,
      );
    } catch (error) {
      if (old === undefined) scope.remove();
      throw error;
    }
    if (old === undefined) this.stats.cluster_added++;
    else this.stats.cluster_modified++;
    old?.warming?.shutdown();
    const entry: Entry = { source, scope, active: old?.active ?? null, warming: made };
    this.entries.set(cluster.name, entry);
    this.countClusters();
    made.start(() => this.onReady(entry, made));
    if (!config.waitForWarm && entry.warming === made) this.onReady(entry, made);
    return true;
  }

  private onReady(entry: Entry, made: ClusterImpl): void {
    if (entry.warming !== made) return;
    const old = entry.active;
    entry.warming = null;
    entry.active = made;
    this.serving.set(made.name, made);
    this.countClusters();
    old?.shutdown();
    made.activate();
    this.checkWaiting();
  }

  /** @returns whether there was such a cluster */
  remove(name: string): boolean {
    const entry = this.entries.get(name);
    if (entry === undefined) return false;
    this.entries.delete(name);
    this.serving.delete(name);
    entry.warming?.shutdown();
    entry.active?.shutdown();
    entry.scope.remove();
    this.stats.cluster_removed++;
    this.countClusters();
    this.checkWaiting();
    return true;
  }

  /**
   * Makes the list the whole configuration: adds, changes, removes what is no longer in it. Clusters whose configuration is the same
   * keep their connections.
   *
   * @throws ConfigError when any of them cannot be run; nothing has changed then
   */
  update(clusters: readonly xds.Cluster[], viaApi = false): void {
    for (const cluster of clusters) {
      const old = this.entries.get(cluster.name);
      if (old === undefined || old.source !== JSON.stringify(cluster)) readCluster(cluster);
    }
    const names = new Set(clusters.map((cluster) => cluster.name));
    for (const name of [...this.entries.keys()]) if (!names.has(name)) this.remove(name);
    for (const cluster of clusters) this.add(cluster, viaApi);
  }

  /** Calls back once every cluster knows its hosts, at once when they all do. Listeners wait for it. */
  whenReady(callback: () => void): void {
    this.waiting.push(callback);
    this.checkWaiting();
  }

  private checkWaiting(): void {
    if (this.waiting.length === 0 || this.stats.warming_clusters > 0) return;
    for (const callback of this.waiting.splice(0)) callback();
  }

  private countClusters(): void {
    let warming = 0;
    for (const entry of this.entries.values()) if (entry.warming !== null) warming++;
    this.stats.warming_clusters = warming;
    this.stats.active_clusters = this.serving.size;
  }

  /** Clusters that serve, in the order they were added. */
  clusters(): IterableIterator<ClusterImpl> {
    return this.serving.values();
  }

  /** Every upstream connection, also those of hosts and configurations that drain. */
  *connections(): IterableIterator<ActiveClient> {
    for (const { scope } of this.entries.values()) yield* scope.clients;
  }

  /** Ends discovery and closes what is idle. */
  shutdown(): void {
    for (const name of [...this.entries.keys()]) this.remove(name);
  }
}
