import type { Dispatcher } from '../base/dispatcher.js';
import { LogLinearHistogram } from '../observe/histogram.js';
import type { Histogram, StatStore } from '../observe/stats.js';
import type * as xds from '../xds/types.js';
import { ClusterImpl } from './cluster.js';
import { type ClusterConfig, readCluster } from './cluster-config.js';
import { ClusterScope, type TrackedClient } from './cluster-stats.js';
import type { DnsResolver } from './discovery/dns.js';
import type { LocalCluster } from './lb/zone-routing.js';
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

/** Puts in force what was prepared. */
interface Prepared {
  (): void;
  /** It never will be put in force. */
  discard(): void;
}

interface Entry {
  /** The very message that was put in force, and the same as text. */
  message: xds.Cluster;
  source: string;
  /** `source` without its endpoints. */
  readonly rest: string;
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
   * Adds a cluster or changes it. The same configuration again changes nothing. When nothing but endpoints differs, the cluster stays
   * and so do the hosts that are still named; else the new one replaces the old when its hosts are known, and the old one's connections
   * end with their streams.
   *
   * @returns whether anything changed
   * @throws ConfigError, and nothing has changed
   */
  add(cluster: xds.Cluster, viaApi = false): boolean {
    const commit = this.prepare(cluster, viaApi);
    commit?.();
    return commit !== null;
  }

  /** Does what can fail; the result puts the cluster in force, `discard` undoes it. Null when nothing changes. */
  private prepare(cluster: xds.Cluster, viaApi: boolean): Prepared | null {
    const old = this.entries.get(cluster.name);
    if (old?.message === cluster) return null;
    const source = JSON.stringify(cluster);
    if (old !== undefined && old.source === source) return null;
    const config = readCluster(cluster);
    const rest = JSON.stringify({ ...cluster, load_assignment: undefined });
    if (old !== undefined && old.rest === rest && old.warming === null && config.discovery === 'STATIC')
      return this.prepareEndpoints(old, cluster, source, config);
    const histogram = this.deps.histogram ?? (() => new LogLinearHistogram());
    const scope =
      old?.scope ?? new ClusterScope(config.observabilityName, this.deps.statStore, histogram, this.deps.zone);
    const discardScope = () => {
      if (old === undefined) scope.remove();
    };
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
      discardScope();
      throw error;
    }
    const commit = () => this.replace({ message: cluster, source, rest, scope, active: null, warming: made }, made);
    const discard = () => {
      made.shutdown();
      discardScope();
    };
    return Object.assign(commit, { discard });
  }

  private prepareEndpoints(entry: Entry, message: xds.Cluster, source: string, config: ClusterConfig): Prepared {
    const commit = () => {
      entry.message = message;
      entry.source = source;
      this.stats.cluster_modified++;
      entry.active!.updateEndpoints(config);
    };
    return Object.assign(commit, { discard() {} });
  }

  private replace(entry: Entry, made: ClusterImpl): void {
    const { name } = made;
    const old = this.entries.get(name);
    if (old === undefined) this.stats.cluster_added++;
    else this.stats.cluster_modified++;
    old?.warming?.shutdown();
    entry.active = old?.active ?? null;
    this.entries.set(name, entry);
    this.countClusters();
    made.start(() => this.onReady(entry, made));
    if (!made.config.waitForWarm && entry.warming === made) this.onReady(entry, made);
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
    const commit = this.prepareUpdate(clusters, viaApi);
    commit();
  }

  /** The part of `update` that can fail: nothing has changed before the result is called. `discard` when it never will be. */
  prepareUpdate(clusters: readonly xds.Cluster[], viaApi = false): Prepared {
    const prepared: Prepared[] = [];
    const discard = () => {
      for (const one of prepared) one.discard();
    };
    try {
      for (const cluster of clusters) {
        const one = this.prepare(cluster, viaApi);
        if (one !== null) prepared.push(one);
      }
    } catch (error) {
      discard();
      throw error;
    }
    const commit = () => {
      const names = new Set(clusters.map((cluster) => cluster.name));
      this.counting = false;
      for (const name of [...this.entries.keys()]) if (!names.has(name)) this.remove(name);
      for (const one of prepared) one();
      this.counting = true;
      this.countClusters();
      this.checkWaiting();
    };
    return Object.assign(commit, { discard });
  }

  /** Calls back once every cluster knows its hosts, at once when they all do. Listeners wait for it. */
  whenReady(callback: () => void): void {
    this.waiting.push(callback);
    this.checkWaiting();
  }

  private checkWaiting(): void {
    if (!this.counting || this.waiting.length === 0 || this.stats.warming_clusters > 0) return;
    for (const callback of this.waiting.splice(0)) callback();
  }

  /** False while many clusters change: they are counted when it is done. */
  private counting = true;

  private countClusters(): void {
    if (!this.counting) return;
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
  *connections(): IterableIterator<TrackedClient> {
    for (const { scope } of this.entries.values()) yield* scope.clients;
  }

  /** Ends discovery and closes what is idle. */
  shutdown(): void {
    for (const name of [...this.entries.keys()]) this.remove(name);
  }
}
