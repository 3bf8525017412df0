import type {
  AdminHost,
  ClusterView,
  ConfigDumpMessage,
  DrainRequest,
  ExplainedRequests,
  HealthFlag,
  HostView,
  ListenerView,
  LoggerView,
  LogLevel,
  RuntimeView,
  ServerInfo,
  ServerState,
  ThresholdsView,
} from '../admin/host.js';
import type { Store } from '../observe/store.js';
import type { ClusterImpl } from '../upstream/cluster.js';
import type { HostMonitor } from '../upstream/health/outlier-monitor.js';
import { HealthFlag as Flag, type HostImpl } from '../upstream/host.js';
import type { Thresholds } from '../upstream/resource-manager.js';
import { encode } from '../xds/encode.js';
import { flat } from './runtime.js';
import type { Server } from './server.js';
import { VERSION } from './version.js';

/** What the admin server may see and do, read from the running parts when asked. */
export class ServerAdminHost implements AdminHost {
  readonly store: Store;
  readonly runtime: RuntimeView;
  readonly loggers: LoggerView = new ProcessLogger();

  constructor(
    private readonly server: Server,
    private readonly onQuit: () => void,
  ) {
    this.store = server.store;
    this.runtime = new StaticRuntime(server);
  }

  ownMetrics(): Promise<string> {
    return this.server.ownMetrics();
  }

  get explained(): ExplainedRequests {
    return this.server.explained;
  }

  state(): ServerState {
    return this.server.state;
  }

  serverInfo(): ServerInfo {
    const { server } = this;
    return {
      version: VERSION,
      uptimeSeconds: Math.floor((server.dispatcher.clock.monotonic() - server.startedAt) / 1000),
      hotRestartVersion: 'disabled',
      commandLineOptions: {
        service_cluster: server.options.serviceCluster,
        service_node: server.options.serviceNode,
        drain_time: `${server.options.drainTimeMs / 1000}s`,
        drain_strategy: server.options.strategy === 'immediate' ? 'Immediate' : 'Gradual',
        concurrency: 1,
      },
      node: (server.config.node ?? {}) as Record<string, unknown>,
    };
  }

  *clusters(): Iterable<ClusterView> {
    for (const cluster of this.server.clusters.clusters()) yield clusterView(cluster);
  }

  *listeners(): Iterable<ListenerView> {
    for (const listener of this.server.listeners)
      yield { name: listener.name, address: listener.addressText, additionalAddresses: listener.additionalAddresses };
  }

  configDump(): readonly ConfigDumpMessage[] {
    const { config } = this.server;
    const type = 'type.googleapis.com/envoy.admin.v3.';
    const resource = 'type.googleapis.com/envoy.config.';
    const { clusters = [], listeners = [] } = config.static_resources ?? {};
    return [
      { '@type': `${type}BootstrapConfigDump`, bootstrap: encode('Bootstrap', config) },
      {
        '@type': `${type}ClustersConfigDump`,
        static_clusters: clusters.map((cluster) => ({
          cluster: { '@type': `${resource}cluster.v3.Cluster`, ...encode('Cluster', cluster) },
        })),
      },
      {
        '@type': `${type}ListenersConfigDump`,
        static_listeners: listeners.map((listener) => ({
          listener: { '@type': `${resource}listener.v3.Listener`, ...encode('Listener', listener) },
        })),
      },
      { '@type': `${type}ScopedRoutesConfigDump` },
      {
        '@type': `${type}RoutesConfigDump`,
        static_route_configs: this.server.routeConfigs().map((routes) => ({
          route_config: {
            '@type': `${resource}route.v3.RouteConfiguration`,
            ...encode('RouteConfiguration', routes),
          },
        })),
      },
      { '@type': `${type}SecretsConfigDump` },
    ];
  }

  certificates(): readonly object[] {
    return [];
  }

  unreadyTargets(): ReadonlyMap<string, readonly string[]> {
    return new Map();
  }

  setHealthcheck(failed: boolean): void {
    this.server.drain.healthcheckFailed = failed;
  }

  drainListeners(request: DrainRequest): void {
    this.server.drainListeners(request.inboundOnly, request.graceful, request.skipExit);
  }

  quit(): void {
    this.onQuit();
  }

  reopenLogs(): void {
    this.server.files.reopen();
  }
}

function clusterView(cluster: ClusterImpl): ClusterView {
  return {
    name: cluster.name,
    observabilityName: cluster.observabilityName,
    addedViaApi: cluster.addedViaApi,
    edsServiceName: '',
    outlier:
      cluster.outlier === null
        ? null
        : {
            successRateAverage: cluster.outlier.external.average,
            successRateEjectionThreshold: cluster.outlier.external.threshold,
            localOriginSuccessRateAverage: cluster.outlier.local.average,
            localOriginSuccessRateEjectionThreshold: cluster.outlier.local.threshold,
          },
    defaultPriority: thresholds(cluster.config.thresholds[0]),
    highPriority: thresholds(cluster.config.thresholds[1]),
    hosts: hostViews(cluster),
  };
}

function thresholds(t: Thresholds): ThresholdsView {
  return {
    maxConnections: t.maxConnections,
    maxPendingRequests: t.maxPendingRequests,
    maxRequests: t.maxRequests,
    maxRetries: t.maxRetries,
  };
}

function* hostViews(cluster: ClusterImpl): Iterable<HostView> {
  for (const host of cluster.hosts()) yield hostView(host, cluster.outlier?.monitorOf(host));
}

function hostView(host: HostImpl, monitor: HostMonitor | undefined): HostView {
  const flags = host.healthFlagsText;
  return {
    address: host.address,
    hostname: host.hostname,
    stats: host.stats,
    healthFlags: flags === 'healthy' ? [] : (flags.slice(1).split('/') as HealthFlag[]),
    edsHealth: edsHealth(host),
    weight: host.weight,
    region: host.locality.region,
    zone: host.locality.zone,
    subZone: host.locality.subZone,
    canary: host.canary,
    priority: host.priority,
    successRate: monitor?.external.shown ?? -1,
    localOriginSuccessRate: monitor?.local.shown ?? -1,
  };
}

/** health_status of the endpoint; TIMEOUT is kept as UNHEALTHY. */
function edsHealth(host: HostImpl): HostView['edsHealth'] {
  if ((host.healthFlags & Flag.EDS_STATUS_DRAINING) !== 0) return 'DRAINING';
  if ((host.healthFlags & Flag.FAILED_EDS_HEALTH) !== 0) return 'UNHEALTHY';
  return (host.healthFlags & Flag.DEGRADED_EDS_HEALTH) !== 0 ? 'DEGRADED' : 'HEALTHY';
}

/** One logger, the process's own. */
class ProcessLogger implements LoggerView {
  private level: LogLevel = 'info';

  *levels(): Iterable<[name: string, level: LogLevel]> {
    yield ['main', this.level];
  }

  set(name: string | null, level: LogLevel): boolean {
    if (name !== null && name !== 'main') return false;
    this.level = level;
    return true;
  }
}

/** The static layers of the bootstrap (layered_runtime); there is no admin layer unless it is configured. */
class StaticRuntime implements RuntimeView {
  private readonly overrides = new Map<string, string>();

  constructor(private readonly server: Server) {}

  private get configured() {
    return this.server.config.layered_runtime?.layers ?? [];
  }

  layers(): readonly string[] {
    return this.configured.map((layer) => layer.name);
  }

  *entries(): Iterable<[key: string, finalValue: string, layerValues: readonly string[]]> {
    const layers = this.configured;
    const keys = new Set<string>();
    const values = layers.map((layer) => {
      const map = layer.admin_layer !== undefined ? this.overrides : flat(layer.static_layer ?? {});
      for (const key of map.keys()) keys.add(key);
      return map;
    });
    for (const key of [...keys].sort()) {
      const perLayer = values.map((map) => map.get(key) ?? '');
      yield [key, perLayer.findLast((value) => value !== '') ?? '', perLayer];
    }
  }

  modify(changes: ReadonlyMap<string, string>): boolean {
    if (!this.configured.some((layer) => layer.admin_layer !== undefined)) return false;
    for (const [key, value] of changes) {
      if (value === '') this.overrides.delete(key);
      else this.overrides.set(key, value);
    }
    return true;
  }
}
