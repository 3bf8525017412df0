import { hostname } from 'node:os';
import type { Dispatcher } from '../base/dispatcher.js';
import { Http1CodecStats } from '../codec/http1/options.js';
import { HTTP2_GAUGES, Http2CodecStats } from '../codec/http2/stats.js';
import type { ReplyProfile } from '../http/config.js';
import { type AccessLogConfig, type AccessLogDeps, compileFormat, createAccessLog } from '../observe/access-log.js';
import { LogFiles } from '../observe/log-file.js';
import { type OwnMetric, OwnMetrics } from '../observe/own-metrics.js';
import { FailureRecorder } from '../observe/recorder.js';
import { type DestinationLabels, RequestMetrics, type RouteLabels } from '../observe/request-metrics.js';
import { Store } from '../observe/store.js';
import type { StreamInfo } from '../observe/stream-info.js';
import { TcpMetrics } from '../observe/tcp-metrics.js';
import { compileHeaderMatcher } from '../router/header-matcher.js';
import type { RouteEntry } from '../router/route-entry.js';
import { RouteTable } from '../router/route-table.js';
import { ClusterManagerImpl } from '../upstream/cluster-manager.js';
import { NodeDnsResolver } from '../upstream/discovery/dns.js';
import { LocalCluster } from '../upstream/lb/zone-routing.js';
import { defaultTransport } from '../upstream/pool/default-transport.js';
import { unsupported } from '../xds/decode.js';
import type {
  Bootstrap,
  Cluster,
  HttpConnectionManager,
  Listener as ListenerProto,
  RouteConfiguration,
} from '../xds/types.js';
import { DrainManager, type DrainOptions, type ListenerDrain } from './drain-manager.js';
import { Listener, type ListenerDeps, ownAddress } from './listener.js';
import { HttpInspectorStats, TlsInspectorStats } from './listener-filters.js';
import { refuseUnbuiltBootstrap } from './refuse-bootstrap.js';
import { runtimeFlag } from './runtime.js';
import { LISTENER_MANAGER_GAUGES, ListenerManagerStats, SERVER_GAUGES, ServerStats } from './server-stats.js';
import { connectionMetrics, transportFacts } from './transport-facts.js';

export interface ServerOptions extends DrainOptions {
  profile: ReplyProfile;
  /** `--service-cluster`, `--service-node`, over the bootstrap's node. */
  serviceCluster: string;
  serviceNode: string;
}

export type ServerState = 'INITIALIZING' | 'LIVE' | 'DRAINING';

/** An address cannot be listened on. */
export class BindError extends Error {
  constructor(
    /** `host:port` as configured. */
    readonly address: string,
    reason: string,
  ) {
    super(`cannot listen on ${address}: ${reason}`);
  }
}

/**
 * The running proxy: clusters, listeners, statistics and logs made from a configuration, and what happens to them when it
 * changes or the process ends.
 */
export class Server {
  readonly store: Store;
  readonly files: LogFiles;
  readonly clusters: ClusterManagerImpl;
  readonly stats = new ServerStats();
  readonly listenerStats = new ListenerManagerStats();
  readonly drain: DrainManager;
  readonly startedAt: number;
  /** The last requests that failed, for `/explain`. */
  readonly explained = new FailureRecorder();
  listeners: Listener[] = [];
  private readonly drains = new Map<Listener, ListenerDrain>();
  /** Removed listeners whose connections are being wound up. */
  private readonly retired = new Set<Listener>();
  private readonly own = new OwnMetrics();
  private readonly metrics = new RequestMetrics(this.own);
  /** Requests that no route took. */
  private readonly unrouted = this.metrics.recorder(routeLabels('', ''));
  live = false;
  private readonly listenerDeps: Omit<ListenerDeps, 'drain'>;
  private readonly logDeps: AccessLogDeps;

  constructor(
    readonly dispatcher: Dispatcher,
    private bootstrap: Bootstrap,
    readonly options: ServerOptions,
  ) {
    refuseUnbuiltBootstrap(bootstrap);
    this.startedAt = dispatcher.now;
    this.store = new Store(bootstrap.stats_config);
    this.files = new LogFiles(dispatcher);
    this.files.registerStats(this.store);
    this.store.register('server.', this.stats, SERVER_GAUGES);
    this.store.register('listener_manager.', this.listenerStats, LISTENER_MANAGER_GAUGES);
    const http1Stats = new Http1CodecStats();
    const http2Stats = new Http2CodecStats();
    this.store.register('http1.', http1Stats);
    this.store.register('http2.', http2Stats, HTTP2_GAUGES);
    this.store.onFlush(() => this.updateStats());
    this.drain = new DrainManager(dispatcher, options);
    this.clusters = new ClusterManagerImpl(dispatcher, {
      statStore: this.store,
      dns: new NodeDnsResolver(dispatcher),
      transport: (config, scope) => defaultTransport(dispatcher, config, scope),
      local: localCluster(bootstrap),
      zone: bootstrap.node?.locality?.zone,
    });
    for (const metric of connectionMetrics(this.clusters, dispatcher)) this.own.register(metric);
    this.logDeps = {
      files: this.files,
      clock: dispatcher.clock,
      random: dispatcher.random,
      hostname: hostname(),
      env: process.env,
      runtime: () => undefined,
      headerMatcher: (config) => compileHeaderMatcher(config as Parameters<typeof compileHeaderMatcher>[0]),
    };
    const inspectorStats = { tls: new TlsInspectorStats(), http: new HttpInspectorStats() };
    this.store.register('tls_inspector.', inspectorStats.tls);
    this.store.register('http_inspector.', inspectorStats.http);
    this.listenerDeps = {
      dispatcher,
      inspectorStats,
      listenerAt: (ip, port) => this.listenerAt(ip, port),
      tcpStats: new Map(),
      tcpMetrics: new TcpMetrics(this.own, destinationOf),
      store: this.store,
      http1Stats,
      http2Stats,
      clusters: this.clusters,
      compileRoutes: (hcm) => this.compileRoutes(hcm),
      accessLog: (loggers) => createAccessLog(loggers as AccessLogConfig[], this.logDeps),
      failures: this.explained,
      transportFacts: (connection, waited) => transportFacts(connection, waited, dispatcher),
      recordRequest: (route, info) => this.recordRequest(route, info),
      profile: options.profile,
      ownAddress: ownAddress(),
      rejectsFragments: runtimeFlag(bootstrap, 'envoy.reloadable_features.http_reject_path_with_fragment', true),
      node: {
        cluster: options.serviceCluster || bootstrap.node?.cluster || '',
        id: options.serviceNode || bootstrap.node?.id || '',
      },
      httpStats: new Map(),
    };
  }

  private compileRoutes(hcm: HttpConnectionManager): RouteTable {
    const config = hcm.route_config;
    if (config === undefined) unsupported(hcm, 'route_config', 'a connection manager without route_config');
    const clusters = config.validate_clusters === false ? null : this.clusterNames;
    const table = new RouteTable(config, { compileFormat, clusters }, this.tables.get(config.name) ?? null);
    this.tables.set(config.name, table);
    return table;
  }

  /** The last table of each route configuration. */
  private readonly tables = new Map<string, RouteTable>();

  private clusterNames: Set<string> = new Set();

  /**
   * Builds everything and starts to listen.
   * @param bootstrap what to run when it was not known yet when the server was made
   * @param live whether it is ready then; otherwise `becomeLive` says so
   * @throws ConfigError, or the error of bind
   */
  async start(bootstrap: Bootstrap = this.bootstrap, live = true): Promise<void> {
    this.bootstrap = bootstrap;
    const { listeners, clusters } = this.resources(this.bootstrap);
    this.clusterNames = new Set(clusters.map((cluster) => cluster.name));
    this.dispatcher.enter();
    try {
      this.clusters.update(clusters);
      this.listeners = listeners.map((proto) => this.createListener(proto));
    } finally {
      this.dispatcher.leave();
    }
    this.store.startFlushing(this.dispatcher, this.bootstrap.stats_flush_interval ?? 5000);
    await new Promise<void>((resolve) => this.clusters.whenReady(resolve));
    for (const listener of this.listeners) await this.bind(listener);
    this.listenerStats.workers_started = 1;
    this.live = live;
    this.updateStats();
  }

  /** Ready once every cluster knows its hosts. */
  async becomeLive(): Promise<void> {
    await new Promise<void>((resolve) => this.clusters.whenReady(resolve));
    this.live = true;
    this.updateStats();
  }

  /** Adds a series to what `/metrics` shows. @throws Error when the name is taken */
  registerMetric(metric: OwnMetric): void {
    this.own.register(metric);
  }

  /** Builds everything and binds nothing. @throws ConfigError */
  validate(): void {
    const { listeners, clusters } = this.resources(this.bootstrap);
    this.clusterNames = new Set(clusters.map((cluster) => cluster.name));
    this.clusters.update(clusters);
    for (const proto of listeners) this.createListener(proto);
    this.dispatcher.timers.stop();
  }

  private resources(bootstrap: Bootstrap): { listeners: ListenerProto[]; clusters: Cluster[] } {
    return {
      listeners: bootstrap.static_resources?.listeners ?? [],
      clusters: bootstrap.static_resources?.clusters ?? [],
    };
  }

  private makeListener(proto: ListenerProto): Listener {
    const drain = this.drain.forListener(proto.traffic_direction === 'INBOUND', proto.drain_type);
    const listener = new Listener(proto, this.dispatcher, this.store, { ...this.listenerDeps, drain });
    this.drains.set(listener, drain);
    return listener;
  }

  private createListener(proto: ListenerProto): Listener {
    const listener = this.makeListener(proto);
    this.listenerStats.listener_added++;
    this.listenerStats.total_listeners_active++;
    return listener;
  }

  /**
   * Takes a new configuration: clusters that did not change keep their connections, listeners on the same address keep theirs and
   * route new streams by the new rules. Nothing changes when any of it cannot be run.
   * @throws ConfigError
   */
  async update(bootstrap: Bootstrap): Promise<void> {
    refuseUnbuiltBootstrap(bootstrap);
    const { listeners, clusters } = this.resources(bootstrap);
    const oldNames = this.clusterNames;
    this.clusterNames = new Set(clusters.map((cluster) => cluster.name));
    const byAddress = new Map(this.listeners.map((listener) => [addressKey(listener.proto), listener]));
    const kept: [Listener, ListenerProto][] = [];
    const fresh: Listener[] = [];
    let commitClusters: ReturnType<ClusterManagerImpl['prepareUpdate']> | null = null;
    try {
      // What can fail comes first, and nothing that runs is touched by it: compiling, then binding.
      for (const proto of listeners) {
        const old = byAddress.get(addressKey(proto));
        if (old !== undefined) kept.push([old, proto]);
        else fresh.push(this.makeListener(proto));
      }
      commitClusters = this.clusters.prepareUpdate(clusters);
      const commits = kept.map(([listener, proto]) => listener.prepare(proto));
      for (const listener of fresh) await this.bind(listener);
      this.dispatcher.enter();
      try {
        commitClusters();
        for (const commit of commits) commit();
      } finally {
        this.dispatcher.leave();
      }
    } catch (error) {
      this.clusterNames = oldNames;
      commitClusters?.discard();
      for (const listener of fresh) {
        listener.remove();
        this.drains.delete(listener);
      }
      throw error;
    }
    const keep = new Set(kept.map(([listener]) => listener));
    for (const listener of this.listeners) {
      if (keep.has(listener)) continue;
      this.retire(listener);
    }
    this.listenerStats.listener_modified += kept.length;
    this.listenerStats.listener_added += fresh.length;
    this.listenerStats.total_listeners_active += fresh.length;
    this.listeners = [...keep, ...fresh];
    const named = new Set(this.routeConfigs().map((config) => config.name));
    for (const name of this.tables.keys()) if (!named.has(name)) this.tables.delete(name);
    this.bootstrap = bootstrap;
  }

  /** A listener that is no longer configured: takes no connections, winds up those it has, and closes what is left after the drain time. */
  private retire(listener: Listener): void {
    const { listenerStats } = this;
    listener.stop();
    listenerStats.listener_removed++;
    listenerStats.total_listeners_active--;
    listenerStats.total_listeners_draining++;
    this.retired.add(listener);
    this.drains.get(listener)!.start(() => {
      listener.terminate('filter_chain_is_being_removed');
      listener.remove();
      this.retired.delete(listener);
      this.drains.delete(listener);
      listenerStats.total_listeners_draining--;
    });
  }

  /** @throws Error that names the address */
  private async bind(listener: Listener): Promise<void> {
    try {
      await listener.listen();
    } catch (error) {
      this.listenerStats.listener_create_failure++;
      throw new BindError(listener.addressText, (error as Error).message);
    }
    this.listenerStats.listener_create_success++;
  }

  /** Where a redirected connection wanted to go: the listener of the very address, else that of the port on every address. */
  private listenerAt(ip: string, port: number): Listener | null {
    const any = ip.includes(':') ? '::' : '0.0.0.0';
    let wildcard: Listener | null = null;
    for (const listener of this.listeners) {
      if (!listener.accepting) continue;
      for (const address of listener.addresses) {
        if (address.port !== port) continue;
        if (address.ip === ip) return listener;
        if (address.ip === any) wildcard = listener;
      }
    }
    return wildcard;
  }

  get config(): Bootstrap {
    return this.bootstrap;
  }

  get state(): ServerState {
    if (this.drain.healthcheckFailed) return 'DRAINING';
    return this.live ? 'LIVE' : 'INITIALIZING';
  }

  private updateStats(): void {
    const { stats } = this;
    const memory = process.memoryUsage();
    stats.uptime = Math.floor((this.dispatcher.now - this.startedAt) / 1000);
    stats.memory_allocated = memory.heapUsed + memory.external;
    stats.memory_heap_size = memory.heapTotal;
    stats.memory_physical_size = memory.rss;
    stats.total_connections = [...this.listeners, ...this.retired].reduce(
      (sum, listener) => sum + listener.connectionCount,
      0,
    );
    stats.live = this.live && !this.drain.healthcheckFailed ? 1 : 0;
    stats.state = this.drain.healthcheckFailed ? 1 : this.live ? 0 : 3;
  }

  /** `/drain_listeners` without `graceful`: no new connections from now on. */
  stopListeners(inboundOnly: boolean): void {
    for (const listener of this.listeners) {
      if (!listener.accepting || (inboundOnly && listener.proto.traffic_direction !== 'INBOUND')) continue;
      listener.stop();
      this.listenerStats.listener_stopped++;
    }
  }

  /** `/drain_listeners`: connections are asked to end; the listeners close now, or with `graceful` when the drain time is over. */
  drainListeners(inboundOnly: boolean, graceful: boolean, skipExit: boolean): void {
    if (!graceful) this.stopListeners(inboundOnly);
    this.drain.start(inboundOnly, graceful && !skipExit ? () => this.stopListeners(inboundOnly) : null);
  }

  /** Route configurations in force, for `/config_dump`. */
  routeConfigs(): RouteConfiguration[] {
    return this.listeners.flatMap((listener) => listener.routeConfigs);
  }

  /** Series that are not Envoy's, as Prometheus text. */
  ownMetrics(): Promise<string> {
    return this.own.text();
  }

  private recordRequest(route: RouteEntry | null, info: StreamInfo): void {
    if (route === null) {
      this.unrouted.record(info);
      return;
    }
    route.recorder ??= this.metrics.recorder(routeLabels(route.virtualHostName, route.name));
    route.recorder.record(info);
  }

  /** Ends everything at once, as Envoy does on SIGTERM: open streams are cut and logged. */
  shutdown(): void {
    this.live = false;
    this.dispatcher.enter();
    for (const listener of [...this.listeners, ...this.retired]) {
      listener.stop();
      listener.terminate('purging_socket_that_have_not_progressed_to_connections');
    }
    this.dispatcher.leave();
    this.files.flushSync();
    this.dispatcher.timers.stop();
  }
}

/** Istio's labels as far as a proxy without a mesh knows them: the destination is what the cluster's name says. */
function routeLabels(virtualHost: string, route: string): RouteLabels {
  // istiod names the virtual hosts of a workload's own ports so.
  const reporter = virtualHost.startsWith('inbound|') ? 'destination' : 'source';
  return { virtualHost, route, istio: { reporter, source: {}, destination: destinationOf } };
}

function destinationOf(cluster: string): DestinationLabels {
  const service = cluster.startsWith('outbound|') ? cluster.slice(cluster.lastIndexOf('|') + 1) : cluster;
  return { service, serviceName: service.split('.')[0] };
}

/** The cluster whose hosts are this proxy and its like; zones are compared with it. */
function localCluster(bootstrap: Bootstrap): LocalCluster | null {
  const manager = bootstrap.cluster_manager;
  if (manager?.outlier_detection !== undefined) unsupported(manager, 'outlier_detection', 'a log of outlier detection');
  if (manager?.upstream_bind_config !== undefined)
    unsupported(manager, 'upstream_bind_config', 'an address that all clusters are bound to (each can have its own)');
  const name = manager?.local_cluster_name ?? '';
  const locality = bootstrap.node?.locality;
  const home =
    locality === undefined ? null : { region: locality.region, zone: locality.zone, subZone: locality.sub_zone };
  return name === '' ? null : new LocalCluster(name, home);
}

function addressKey(proto: ListenerProto): string {
  return JSON.stringify(proto.address);
}
