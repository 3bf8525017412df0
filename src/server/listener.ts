import { networkInterfaces } from 'node:os';
import type { Dispatcher } from '../base/dispatcher.js';
import { Close } from '../codec/codec.js';
import { ConnectionManager } from '../http/connection-manager.js';
import type { ListenerHttpStats } from '../http/stats.js';
import { splitAddress } from '../network/address.js';
import type { ConnectionFacts } from '../network/chain-match.js';
import type { Connection } from '../network/connection.js';
import { ListenSocket } from '../network/listener.js';
import type { AccessLog } from '../observe/access-log.js';
import { ConnectionStreamInfo } from '../observe/connection-stream-info.js';
import { addFlag } from '../observe/flags.js';
import type { StatStore } from '../observe/stats.js';
import type { TcpDeps } from '../tcp/config.js';
import { TcpSession } from '../tcp/session.js';
import type { ClusterManagerImpl } from '../upstream/cluster-manager.js';
import type { Address, Listener as ListenerProto, RouteConfiguration } from '../xds/types.js';
import { FilterChains, type NetworkChain } from './filter-chains.js';
import type { HcmDeps } from './hcm-config.js';
import { listenOptions } from './listen-options.js';
import { compileListenerFilters, type InspectorStats, type ListenerFilter } from './listener-filters.js';
import { LISTENER_GAUGES, ListenerStats, WORKER_GAUGES, WorkerStats } from './listener-stats.js';
import { PreConnection, type PreConnectionOwner } from './pre-connection.js';

const DEFAULT_BUFFER_LIMIT = 1024 * 1024;
const DEFAULT_FILTERS_TIMEOUT = 15_000;

/** What the process gives every listener. */
export interface ListenerDeps extends HcmDeps, TcpDeps {
  store: StatStore;
  clusters: ClusterManagerImpl;
  readonly inspectorStats: InspectorStats;
  /** The listener that stands at an address, or at the same port of every address; for connections that were redirected. */
  listenerAt(ip: string, port: number): Listener | null;
}

/** What serves a connection once its chain is known. */
interface Session {
  terminate(reason: string): void;
}

interface BoundAddress {
  readonly address: Address;
  readonly socket: ListenSocket;
  readonly options: ReturnType<typeof listenOptions>;
}

/** One listener: its sockets, the filters that look at new connections, and the chains that serve them. */
export class Listener implements PreConnectionOwner {
  readonly stats = new ListenerStats();
  private readonly workerStats = new WorkerStats();
  private readonly bound: readonly BoundAddress[];
  private readonly sessions = new Set<Session>();
  private readonly inspected = new Set<PreConnection>();
  private readonly httpStats = new Map<string, ListenerHttpStats>();
  private readonly unregister: (() => void)[] = [];
  private readonly bufferLimit: number;
  private chains: FilterChains;
  private log: AccessLog | null;
  filters: readonly ListenerFilter[];
  filtersTimeout: number;
  continueOnTimeout: boolean;
  private handsOff: boolean;
  /** Bound and accepting, or, when it is not bound (bind_to_port), taking what other listeners hand to it. */
  accepting = false;

  constructor(
    readonly proto: ListenerProto,
    private readonly dispatcher: Dispatcher,
    store: StatStore,
    private readonly deps: ListenerDeps,
  ) {
    this.bufferLimit = proto.per_connection_buffer_limit_bytes ?? DEFAULT_BUFFER_LIMIT;
    const compiled = this.compile(proto);
    this.chains = compiled.chains;
    this.filters = compiled.filters;
    this.log = compiled.log;
    this.filtersTimeout = compiled.filtersTimeout;
    this.continueOnTimeout = proto.continue_on_listener_filters_timeout;
    this.handsOff = proto.use_original_dst === true;
    const scope = `listener.${this.statName}.`;
    this.unregister.push(
      store.register(scope, this.stats, LISTENER_GAUGES),
      store.register(`${scope}worker_0.`, this.workerStats, WORKER_GAUGES),
    );
    this.addresses = addressesOf(proto).map(({ address }) => ({
      ip: address.socket_address?.address ?? '',
      port: address.socket_address?.port_value ?? 0,
    }));
    this.bound = addressesOf(proto).map((wish) => ({
      address: wish.address,
      options: listenOptions(proto, wish),
      socket: new ListenSocket(dispatcher, (connection) => this.onAccept(connection)),
    }));
  }

  get name(): string {
    return this.proto.name === '' ? this.addressText : this.proto.name;
  }

  get addressText(): string {
    return this.textOf(this.bound?.[0]);
  }

  get additionalAddresses(): string[] {
    return this.bound.slice(1).map((one) => this.textOf(one));
  }

  /** Where it stands, for connections that are handed to it. */
  readonly addresses: readonly { ip: string; port: number }[];

  private textOf(bound: BoundAddress | undefined): string {
    const proto = bound?.address ?? this.proto.address;
    const address = proto?.socket_address;
    if (address === undefined) return proto?.pipe?.path ?? '';
    const port = (this.accepting ? bound?.socket.port : 0) || (address.port_value ?? 0);
    return address.address.includes(':') ? `[${address.address}]:${port}` : `${address.address}:${port}`;
  }

  /** bind_to_port, in either form; true unless it is set. */
  get bindsPort(): boolean {
    return (this.proto.bind_to_port ?? this.proto.deprecated_v1?.bind_to_port) !== false;
  }

  get boundPort(): number {
    return this.accepting ? this.bound[0].socket.port : 0;
  }

  private get statName(): string {
    return this.proto.stat_prefix !== '' ? this.proto.stat_prefix : this.addressText.replaceAll(':', '_');
  }

  private compile(proto: ListenerProto) {
    const place = { statName: this.statName, bufferLimit: this.bufferLimit, httpStats: this.httpStats };
    return {
      chains: new FilterChains(proto, place, this.deps),
      filters: compileListenerFilters(proto, this.deps.inspectorStats),
      log: this.deps.accessLog(proto.access_log),
      filtersTimeout: proto.listener_filters_timeout ?? DEFAULT_FILTERS_TIMEOUT,
    };
  }

  /** Resolves when every address is bound. */
  async listen(): Promise<void> {
    if (this.bindsPort) {
      const backlog = this.proto.tcp_backlog_size ?? 1024;
      for (const { address, socket, options } of this.bound) {
        if (address.pipe !== undefined) await socket.listen({ path: address.pipe.path });
        else {
          const { address: host, port_value: port = 0 } = address.socket_address!;
          await socket.listen({ host, port, backlog, shared: this.proto.enable_reuse_port !== false, options });
        }
      }
    }
    this.accepting = true;
  }

  /** Compiles a new configuration of the same address; calling the result puts it in force for connections that begin then. */
  prepare(proto: ListenerProto): () => void {
    const compiled = this.compile(proto);
    return () => {
      compiled.chains.inherit(this.chains);
      this.chains = compiled.chains;
      this.filters = compiled.filters;
      this.log = compiled.log;
      this.filtersTimeout = compiled.filtersTimeout;
      this.continueOnTimeout = proto.continue_on_listener_filters_timeout;
      this.handsOff = proto.use_original_dst === true;
      (this as { proto: ListenerProto }).proto = proto;
    };
  }

  // --- accepting

  private onAccept(connection: Connection): void {
    const { only } = this.chains;
    if (this.filters.length === 0 && only !== null) this.serve(connection, only, this.dispatcher.now, null);
    else this.inspect(connection, factsOf(connection), true, this.dispatcher.now, null);
  }

  private inspect(
    connection: Connection,
    facts: ConnectionFacts,
    mayHandOff: boolean,
    acceptedAt: number,
    data: Buffer | null,
  ): void {
    const pre = new PreConnection(this, connection, facts, mayHandOff, acceptedAt, data);
    this.inspected.add(pre);
    pre.start();
  }

  onInspected(pre: PreConnection, data: Buffer | null): void {
    this.inspected.delete(pre);
    const { connection, facts, acceptedAt } = pre;
    if (this.handsOff && pre.mayHandOff && connection.info.localAddressRestored === true) {
      const other = this.deps.listenerAt(facts.localIp, facts.localPort);
      if (other !== null) {
        other.inspect(connection, facts, false, acceptedAt, data);
        return;
      }
    }
    const chain = this.chains.find(facts);
    if (chain === null) {
      this.stats.no_filter_chain_match++;
      pre.close('no_filter_chain_match');
      this.logLost(pre, true);
    } else this.serve(connection, chain, acceptedAt, data);
  }

  onLost(pre: PreConnection): void {
    this.inspected.delete(pre);
    this.logLost(pre, false);
  }

  private logLost({ connection, acceptedAt }: PreConnection, unmatched: boolean): void {
    if (this.log === null) return;
    const info = this.infoOf(connection, acceptedAt);
    if (unmatched) {
      addFlag(info, 'NR');
      info.details = 'filter_chain_not_found';
    }
    info.end = this.dispatcher.now;
    this.log.log(info, 'NotSet');
  }

  private infoOf(connection: Connection, acceptedAt: number): ConnectionStreamInfo {
    const { now, wall } = this.dispatcher;
    return new ConnectionStreamInfo(connection.info, acceptedAt, wall - (now - acceptedAt));
  }

  // --- serving

  private serve(connection: Connection, chain: NetworkChain, acceptedAt: number, data: Buffer | null): void {
    const { stats, workerStats } = this;
    stats.downstream_cx_total++;
    stats.downstream_cx_active++;
    workerStats.downstream_cx_total++;
    workerStats.downstream_cx_active++;
    connection.setBufferLimit(this.bufferLimit);
    let info: ConnectionStreamInfo | null = null;
    if (this.log !== null || chain.tcp !== null) {
      info = this.infoOf(connection, acceptedAt);
      info.filterChainName = chain.name;
    }
    const onGone = (gone: Session) => this.onGone(gone, acceptedAt, info);
    if (chain.http !== null) {
      const manager = new ConnectionManager(connection, chain.http, onGone);
      this.sessions.add(manager);
      connection.setEvents(manager);
      if (data !== null) connection.replay(data);
      connection.start();
    } else if (chain.tcp !== null) {
      const session = new TcpSession(connection, chain.tcp, info!, onGone);
      this.sessions.add(session);
      if (data !== null) connection.replay(data);
      session.start();
    } else {
      connection.close(Close.NO_FLUSH, 'no_filters');
      this.onGone(null, acceptedAt, info);
    }
  }

  private onGone(session: Session | null, acceptedAt: number, info: ConnectionStreamInfo | null): void {
    const { stats, workerStats, dispatcher, log } = this;
    if (session !== null) this.sessions.delete(session);
    stats.downstream_cx_destroy++;
    stats.downstream_cx_active--;
    workerStats.downstream_cx_active--;
    stats.downstream_cx_length_ms.record(Math.floor(dispatcher.now - acceptedAt));
    if (log === null || info === null) return;
    info.end = dispatcher.now;
    log.log(info, 'NotSet');
  }

  // --- ending

  /** Stops accepting; open connections go on. */
  stop(): void {
    for (const { socket } of this.bound) socket.close();
    this.accepting = false;
  }

  /** It never came into force: closes the socket and forgets its statistics. */
  remove(): void {
    this.stop();
    for (const unregister of this.unregister) unregister();
  }

  /** Closes what is open, at once. */
  terminate(reason: string): void {
    for (const pre of [...this.inspected]) pre.connection.close(Close.NO_FLUSH, reason);
    for (const session of [...this.sessions]) session.terminate(reason);
  }

  /** Route configurations in force, one for each HTTP connection manager. */
  get routeConfigs(): RouteConfiguration[] {
    return this.chains.all.flatMap((chain) => (chain.http === null ? [] : [chain.http.routes.table.config]));
  }

  get connectionCount(): number {
    return this.sessions.size;
  }
}

function addressesOf(proto: ListenerProto) {
  const wish = (address: Address, options: ListenerProto['socket_options'], keepalive = proto.tcp_keepalive) => ({
    address,
    host: address.socket_address?.address ?? '',
    options,
    keepalive,
  });
  return [
    wish(proto.address!, proto.socket_options),
    ...proto.additional_addresses.map((more) =>
      wish(more.address!, more.socket_options?.socket_options ?? proto.socket_options, more.tcp_keepalive),
    ),
  ];
}

function factsOf(connection: Connection): ConnectionFacts {
  const local = splitAddress(connection.info.localAddress);
  const remote = splitAddress(connection.info.remoteAddress);
  return {
    localIp: local.ip,
    localPort: local.port,
    directRemoteIp: remote.ip,
    remoteIp: remote.ip,
    remotePort: remote.port,
    serverName: '',
    transportProtocol: 'raw_buffer',
    applicationProtocols: [],
  };
}

/** The first address of this machine that is not loopback: what Envoy shows for itself. */
export function ownAddress(): string {
  for (const list of Object.values(networkInterfaces()))
    for (const entry of list ?? []) if (entry.family === 'IPv4' && !entry.internal) return entry.address;
  return '127.0.0.1';
}
