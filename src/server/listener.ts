import { networkInterfaces } from 'node:os';
import type { Dispatcher } from '../base/dispatcher.js';
import type { ConnectionManagerConfig } from '../http/config.js';
import { ConnectionManager } from '../http/connection-manager.js';
import type { ListenerHttpStats } from '../http/stats.js';
import type { Connection } from '../network/connection.js';
import { ListenSocket } from '../network/listener.js';
import { LogLinearHistogram } from '../observe/histogram.js';
import type { Histogram, StatStore } from '../observe/stats.js';
import { unsupported } from '../xds/decode.js';
import { isType } from '../xds/type-url.js';
import type { HttpConnectionManager, Listener as ListenerProto, RouteConfiguration } from '../xds/types.js';
import { compileHcm, type HcmDeps } from './hcm-config.js';

/** `listener.<address>.` */
export class ListenerStats {
  downstream_cx_destroy = 0;
  downstream_cx_overflow = 0;
  downstream_cx_overload_reject = 0;
  downstream_cx_total = 0;
  downstream_cx_transport_socket_connect_timeout = 0;
  downstream_global_cx_overflow = 0;
  downstream_pre_cx_timeout = 0;
  downstream_listener_filter_error = 0;
  downstream_listener_filter_remote_close = 0;
  no_filter_chain_match = 0;
  downstream_cx_active = 0;
  downstream_pre_cx_active = 0;
  readonly downstream_cx_length_ms: Histogram = new LogLinearHistogram();
  readonly connections_accepted_per_socket_event: Histogram = new LogLinearHistogram();
}

const LISTENER_GAUGES: ReadonlySet<string> = new Set(['downstream_cx_active', 'downstream_pre_cx_active']);

/** `listener.<address>.worker_0.` */
class WorkerStats {
  downstream_cx_total = 0;
  downstream_cx_active = 0;
}

const WORKER_GAUGES: ReadonlySet<string> = new Set(['downstream_cx_active']);
const DEFAULT_BUFFER_LIMIT = 1024 * 1024;

/** One listening address and the connection manager behind it. */
export class Listener {
  readonly stats = new ListenerStats();
  private readonly workerStats = new WorkerStats();
  private readonly socket: ListenSocket;
  private readonly managers = new Set<ConnectionManager>();
  private hcm: ConnectionManagerConfig;
  private readonly bufferLimit: number;
  private readonly httpStats = new Map<string, ListenerHttpStats>();
  private readonly unregister: (() => void)[] = [];
  /** Bound and accepting. */
  accepting = false;

  constructor(
    readonly proto: ListenerProto,
    private readonly dispatcher: Dispatcher,
    store: StatStore,
    private readonly deps: HcmDeps,
  ) {
    this.bufferLimit = proto.per_connection_buffer_limit_bytes ?? DEFAULT_BUFFER_LIMIT;
    this.hcm = this.compile(proto);
    const scope = `listener.${this.statName}.`;
    this.unregister.push(
      store.register(scope, this.stats, LISTENER_GAUGES),
      store.register(`${scope}worker_0.`, this.workerStats, WORKER_GAUGES),
    );
    this.socket = new ListenSocket(dispatcher, (connection) => this.onAccept(connection));
  }

  get name(): string {
    return this.proto.name === '' ? this.addressText : this.proto.name;
  }

  get addressText(): string {
    const address = this.proto.address?.socket_address;
    if (address === undefined) return this.proto.address?.pipe?.path ?? '';
    const port = this.boundPort !== 0 ? this.boundPort : (address.port_value ?? 0);
    return address.address.includes(':') ? `[${address.address}]:${port}` : `${address.address}:${port}`;
  }

  get boundPort(): number {
    return this.accepting ? this.socket.port : 0;
  }

  private get statName(): string {
    return this.proto.stat_prefix !== '' ? this.proto.stat_prefix : this.addressText.replaceAll(':', '_');
  }

  private compile(proto: ListenerProto): ConnectionManagerConfig {
    refuseUnbuilt(proto);
    const chain = proto.filter_chains[0] ?? proto.default_filter_chain;
    if (chain === undefined) unsupported(proto, 'filter_chains', 'a listener without a filter chain');
    if (proto.filter_chains.length > 1) unsupported(proto, 'filter_chains', 'more than one filter chain per listener');
    if (chain.transport_socket !== undefined)
      unsupported(chain, 'transport_socket', 'TLS on listeners is not built yet');
    const filter = chain.filters[chain.filters.length - 1];
    if (filter?.typed_config === undefined || !isType(filter.typed_config, 'HttpConnectionManager'))
      unsupported(chain, 'filters', 'a network filter other than the HTTP connection manager');
    if (chain.filters.length > 1) unsupported(chain, 'filters', 'more than one network filter');
    return compileHcm(
      filter.typed_config as unknown as HttpConnectionManager,
      {
        listenerStatName: this.statName,
        listenerPort: proto.address?.socket_address?.port_value ?? 0,
        filterChainName: chain.name,
        tls: false,
        bufferLimit: this.bufferLimit,
        listenerHttpStats: this.httpStats,
      },
      this.deps,
    );
  }

  /** Resolves when bound. */
  async listen(): Promise<void> {
    const address = this.proto.address;
    const backlog = this.proto.tcp_backlog_size ?? 1024;
    if (address?.pipe !== undefined) await this.socket.listen({ path: address.pipe.path });
    else
      await this.socket.listen({
        host: address!.socket_address!.address,
        port: address!.socket_address!.port_value ?? 0,
        backlog,
      });
    this.accepting = true;
  }

  /** Compiles a new configuration of the same address; calling the result puts it in force for connections that begin then. */
  prepare(proto: ListenerProto): () => void {
    const hcm = this.compile(proto);
    return () => {
      // Streams of connections that are open are routed anew as well.
      const holder = this.hcm.routes;
      holder.table = hcm.routes.table;
      hcm.routes = holder;
      this.hcm = hcm;
      (this as { proto: ListenerProto }).proto = proto;
    };
  }

  private onAccept(connection: Connection): void {
    const { stats, workerStats } = this;
    stats.downstream_cx_total++;
    stats.downstream_cx_active++;
    workerStats.downstream_cx_total++;
    workerStats.downstream_cx_active++;
    connection.setBufferLimit(this.bufferLimit);
    const acceptedAt = this.dispatcher.now;
    const manager = new ConnectionManager(connection, this.hcm, (gone) => {
      this.managers.delete(gone);
      stats.downstream_cx_destroy++;
      stats.downstream_cx_active--;
      workerStats.downstream_cx_active--;
      stats.downstream_cx_length_ms.record(Math.floor(this.dispatcher.now - acceptedAt));
    });
    this.managers.add(manager);
    connection.setEvents(manager);
    connection.start();
  }

  /** Stops accepting; open connections go on. */
  stop(): void {
    this.socket.close();
    this.accepting = false;
  }

  /** It never came into force: closes the socket and forgets its statistics. */
  remove(): void {
    this.stop();
    for (const unregister of this.unregister) unregister();
  }

  /** Closes what is open, at once. */
  terminate(reason: string): void {
    for (const manager of [...this.managers]) manager.terminate(reason);
  }

  get routeConfig(): RouteConfiguration {
    return this.hcm.routes.table.config;
  }

  get connectionCount(): number {
    return this.managers.size;
  }
}

/** The first address of this machine that is not loopback: what Envoy shows for itself. */
export function ownAddress(): string {
  for (const list of Object.values(networkInterfaces()))
    for (const entry of list ?? []) if (entry.family === 'IPv4' && !entry.internal) return entry.address;
  return '127.0.0.1';
}

/** Fields that would change what a client sees and are not honoured yet. */
function refuseUnbuilt(proto: ListenerProto): void {
  if (proto.use_original_dst) unsupported(proto, 'use_original_dst', 'connections are not intercepted yet');
  if (proto.bind_to_port === false) unsupported(proto, 'bind_to_port', 'a listener that is not bound');
  if (proto.additional_addresses.length > 0) unsupported(proto, 'additional_addresses', 'more than one address');
  if (proto.socket_options.length > 0) unsupported(proto, 'socket_options', 'options of listening sockets');
  if (proto.freebind) unsupported(proto, 'freebind', 'IP_FREEBIND');
  if (proto.access_log.length > 0) unsupported(proto, 'access_log', 'logs of listeners');
}
