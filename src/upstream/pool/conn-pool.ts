import type { Deferred, Dispatcher } from '../../base/dispatcher.js';
import type { ResponseDecoder } from '../../codec/codec.js';
import type { ClusterScope, ClusterStats } from '../cluster-stats.js';
import type { HostImpl } from '../host.js';
import type { ResourceManager } from '../resource-manager.js';
import type { ConnPool, PoolCallbacks, PoolFailure, PoolHandle } from '../types.js';
import { type ActiveClient, ClientState } from './active-client.js';
import { Http1ActiveClient } from './http1-client.js';
import { Http2ActiveClient } from './http2-client.js';
import { type PendingOwner, PendingQueue, PendingStream } from './pending-queue.js';
import { ReadyList } from './ready-list.js';
import type { Transport } from './transport.js';
import { isBindError, transportFailureReason } from './transport-failure.js';

/** Settings of a cluster's connections; durations in ms, 0 for none. */
export interface PoolSettings {
  readonly connectTimeout: number;
  readonly idleTimeout: number;
  readonly maxConnectionDuration: number;
  /** 0: no limit. */
  readonly maxRequestsPerConnection: number;
  /** Streams at once on an HTTP/2 connection, before the peer's SETTINGS lower it. */
  readonly maxConcurrentStreams: number;
  /** per_connection_buffer_limit_bytes; 0: no watermark. */
  readonly bufferLimit: number;
  /** Connections are opened for this many streams per waiting or active one (per_upstream_preconnect_ratio, 1). */
  readonly preconnectRatio: number;
  /** per_host_thresholds max_connections; Infinity when unset. */
  readonly maxConnectionsPerHost: number;
}

/** Connects begun by one event; Envoy's limit. */
const CONNECTS_PER_EVENT = 3;

enum Connect {
  NOT_NEEDED = 0,
  BEGUN = 1,
  /** Begun in spite of a full breaker, since the pool had no connection at all. */
  BEGUN_OVER_LIMIT = 2,
  REFUSED = 3,
}

/**
 * Connections to one host for one priority and protocol, and the requests that wait for them. The mechanics are those of
 * Envoy's ConnPoolImplBase: what is ready is used at once, youngest first; otherwise the request waits and connections are
 * begun until those connecting can carry all that wait; a failed connect fails everything that waits.
 */
export class ConnPoolImpl implements ConnPool, PendingOwner, Deferred {
  readonly stats: ClusterStats;
  private readonly ready = new ReadyList();
  readonly clients = new Set<ActiveClient>();
  private readonly pending = new PendingQueue();
  /** Streams that connections which are connecting or connected could still take. */
  private capacity = 0;
  private active = 0;
  private attachScheduled = false;
  private draining = false;
  /** Holds a place of max_connection_pools while it has connections or waiting requests. */
  private counted = false;

  constructor(
    readonly dispatcher: Dispatcher,
    readonly host: HostImpl,
    readonly multiplexed: boolean,
    readonly settings: PoolSettings,
    readonly transport: Transport,
    private readonly scope: ClusterScope,
    private readonly resources: ResourceManager,
  ) {
    this.stats = scope.stats;
  }

  /** Name of the cluster, for labels. */
  get clusterName(): string {
    return this.scope.name;
  }

  // --- asking

  /** Takes one of max_connection_pools when it holds none; false when there is none left. */
  reserve(): boolean {
    if (this.counted) return true;
    const { pools } = this.resources;
    if (!pools.canCreate()) {
      this.stats.upstream_cx_pool_overflow++;
      return false;
    }
    pools.inc();
    this.counted = true;
    return true;
  }

  newStream(decoder: ResponseDecoder, callbacks: PoolCallbacks): PoolHandle | null {
    const client = this.ready.first;
    if (client !== null) {
      this.attach(client, decoder, callbacks);
      if (this.settings.preconnectRatio !== 1) this.connectMore();
      return null;
    }
    if (!this.resources.pending.canCreate()) {
      this.stats.upstream_rq_pending_overflow++;
      this.releaseWhenIdle();
      callbacks.onPoolFailure('overflow', '', null);
      return null;
    }
    const stream = new PendingStream(this, decoder, callbacks);
    this.pending.push(stream);
    this.stats.upstream_rq_pending_total++;
    this.stats.upstream_rq_pending_active++;
    this.host.stats.rq_pending_active++;
    this.resources.pending.inc();
    this.connectMore();
    // A fake or local transport may have answered already.
    return stream.queue === null ? null : stream;
  }

  onPendingCancelled(stream: PendingStream): void {
    stream.queue!.remove(stream);
    this.releasePending();
    this.stats.upstream_rq_cancelled++;
    this.closeWhenDraining();
    this.releaseWhenIdle();
  }

  private releasePending(): void {
    this.stats.upstream_rq_pending_active--;
    this.host.stats.rq_pending_active--;
    this.resources.pending.dec();
  }

  // --- giving

  private attach(client: ActiveClient, decoder: ResponseDecoder, callbacks: PoolCallbacks): void {
    const { stats, resources } = this;
    if (!resources.requests.canCreate()) {
      stats.upstream_rq_active_overflow++;
      callbacks.onPoolFailure('overflow', '', client.host);
      return;
    }
    const unused = client.unusedCapacity;
    if (--client.remainingStreams === 0) {
      stats.upstream_cx_max_requests++;
      this.setState(client, ClientState.DRAINING);
      this.capacity -= unused;
    } else {
      if (unused === 1) this.setState(client, ClientState.BUSY);
      this.capacity--;
    }
    client.onStreamOpened();
    this.active++;
    const hostStats = this.host.stats;
    hostStats.rq_total++;
    hostStats.rq_active++;
    stats.upstream_rq_total++;
    stats.upstream_rq_active++;
    resources.requests.inc();
    callbacks.onPoolReady(client.codec.newStream(decoder), client.host, client);
  }

  /** Serves what waits from what is ready, oldest first. */
  private attachPending(): void {
    for (let client = this.ready.first; client !== null; client = this.ready.first) {
      const stream = this.pending.oldest;
      if (stream === null) return;
      this.pending.remove(stream);
      this.attach(client, stream.decoder, stream.callbacks);
      this.releasePending();
    }
    if (this.pending.size > 0) this.connectMore();
  }

  /** HTTP/1: after the pass, when a close that came with the response is known. */
  onDeferred(): void {
    this.attachScheduled = false;
    this.attachPending();
    this.closeWhenDraining();
  }

  private scheduleAttach(): void {
    if (this.attachScheduled || this.pending.size === 0) return;
    this.attachScheduled = true;
    this.dispatcher.defer(this);
  }

  onStreamDone(client: ActiveClient): void {
    const before = client.unusedCapacity;
    client.activeStreams--;
    this.active--;
    this.host.stats.rq_active--;
    this.stats.upstream_rq_active--;
    this.resources.requests.dec();
    if (client.state === ClientState.CLOSED) return;
    if (client.activeStreams === 0) client.onIdle();
    if (client.state === ClientState.DRAINING) {
      if (client.activeStreams === 0) client.close('');
      return;
    }
    this.capacity += client.unusedCapacity - before;
    if (client.state === ClientState.BUSY && client.unusedCapacity > 0) {
      this.setState(client, ClientState.READY);
      if (this.multiplexed) this.attachPending();
      else this.scheduleAttach();
    }
    if (this.draining) this.closeWhenDraining();
  }

  // --- connecting

  private connectMore(): void {
    for (let i = 0; i < CONNECTS_PER_EVENT; i++) if (this.connectOne() !== Connect.BEGUN) return;
  }

  private connectOne(): Connect {
    const wanted = (this.pending.size + this.active) * this.settings.preconnectRatio;
    if (wanted <= this.capacity + this.active) return Connect.NOT_NEEDED;
    const { stats, resources, host } = this;
    const allowed = host.stats.cx_active < this.settings.maxConnectionsPerHost && resources.connections.canCreate();
    if (!allowed) {
      stats.upstream_cx_overflow++;
      if (this.clients.size > 0) return Connect.REFUSED;
    }
    const client = this.multiplexed ? new Http2ActiveClient(this) : new Http1ActiveClient(this);
    this.clients.add(client);
    this.scope.clients.add(client);
    this.capacity += client.unusedCapacity;
    host.stats.cx_total++;
    host.stats.cx_active++;
    stats.upstream_cx_total++;
    stats.upstream_cx_active++;
    if (this.multiplexed) stats.upstream_cx_http2_total++;
    else stats.upstream_cx_http1_total++;
    resources.connections.inc();
    return allowed ? Connect.BEGUN : Connect.BEGUN_OVER_LIMIT;
  }

  onClientConnected(client: ActiveClient): void {
    this.stats.upstream_cx_connect_ms.record(client.connectEnd - client.connectStart);
    if (client.state === ClientState.CONNECTING)
      this.setState(client, client.unusedCapacity > 0 ? ClientState.READY : ClientState.BUSY);
    this.attachPending();
    this.closeWhenDraining();
  }

  /** The peer changed how many streams it allows. */
  onConcurrencyLimit(client: ActiveClient, limit: number): void {
    const before = client.unusedCapacity;
    client.concurrencyLimit = Math.min(limit, this.settings.maxConcurrentStreams);
    if (client.state === ClientState.DRAINING) return;
    const unused = client.unusedCapacity;
    this.capacity += unused - before;
    if (client.state === ClientState.READY && unused <= 0) this.setState(client, ClientState.BUSY);
    else if (client.state === ClientState.BUSY && unused > 0) {
      this.setState(client, ClientState.READY);
      this.attachPending();
    }
  }

  onClientClosed(client: ActiveClient, local: boolean, timedOut: boolean, error: NodeJS.ErrnoException | null): void {
    const { stats, host } = this;
    const connected = client.connectEnd >= 0;
    if (client.state !== ClientState.DRAINING) this.capacity -= client.unusedCapacity;
    this.setState(client, ClientState.CLOSED);
    this.clients.delete(client);
    this.countDestroy(local, client.countCutStreams(client.activeStreams));
    client.resetStreams();
    // Streams of which the codec has not said that they are done are done now.
    while (client.activeStreams > 0) this.onStreamDone(client);
    stats.upstream_rq_per_cx.record(client.streamCount);
    stats.upstream_cx_length_ms.record(this.dispatcher.now - client.connectStart);
    stats.upstream_cx_active--;
    host.stats.cx_active--;
    this.resources.connections.dec();
    this.scope.onClientClosed(client);
    if (!connected) {
      stats.upstream_cx_connect_fail++;
      host.stats.cx_connect_fail++;
      if (isBindError(error)) stats.bind_errors++;
      const failure: PoolFailure = timedOut
        ? 'connection-timeout'
        : local
          ? 'local-connection-failure'
          : 'remote-connection-failure';
      this.purge(
        failure,
        timedOut ? '' : transportFailureReason(error, client.host.dial.path !== undefined),
        client.host,
      );
    }
    this.closeWhenDraining();
    if (this.pending.size > 0) this.connectMore();
    this.releaseWhenIdle();
  }

  private countDestroy(local: boolean, withActive: boolean): void {
    const { stats } = this;
    stats.upstream_cx_destroy++;
    if (local) stats.upstream_cx_destroy_local++;
    else stats.upstream_cx_destroy_remote++;
    if (!withActive) return;
    stats.upstream_cx_destroy_with_active_rq++;
    if (local) stats.upstream_cx_destroy_local_with_active_rq++;
    else stats.upstream_cx_destroy_remote_with_active_rq++;
  }

  /** Fails all that wait. What a callback queues anew is not failed with them. */
  private purge(failure: PoolFailure, reason: string, host: HostImpl): void {
    if (this.pending.size === 0) return;
    const purged = this.pending.takeAll();
    for (let stream = purged.youngest; stream !== null; stream = purged.youngest) {
      purged.remove(stream);
      this.stats.upstream_rq_pending_failure_eject++;
      stream.callbacks.onPoolFailure(failure, reason, host);
      this.releasePending();
    }
  }

  // --- draining

  /** The connection takes no more streams; its owner closes it when it has none. */
  drainClient(client: ActiveClient): void {
    if (client.state === ClientState.DRAINING || client.state === ClientState.CLOSED) return;
    this.capacity -= client.unusedCapacity;
    client.remainingStreams = 0;
    this.setState(client, ClientState.DRAINING);
  }

  /** Every connection is given up when its streams are done; waiting requests get new ones (health failure). */
  drainConnections(): void {
    this.closeIdle();
    for (const client of this.clients) if (client.state !== ClientState.CONNECTING) this.drainClient(client);
  }

  /** The host is gone: as `drainConnections`, and no connection outlives what it serves now. */
  drainAndRemove(): void {
    this.draining = true;
    this.closeWhenDraining();
  }

  private closeWhenDraining(): void {
    if (this.draining) this.closeIdle();
  }

  private closeIdle(): void {
    const closable = [...this.clients].filter(
      (client) =>
        (client.state === ClientState.READY && client.activeStreams === 0) ||
        (client.state === ClientState.CONNECTING && this.pending.size === 0),
    );
    for (const client of closable) client.close('');
  }

  get idle(): boolean {
    return this.clients.size === 0 && this.pending.size === 0;
  }

  private releaseWhenIdle(): void {
    if (!this.counted || !this.idle) return;
    this.counted = false;
    this.resources.pools.dec();
  }

  // --- lists

  private setState(client: ActiveClient, state: ClientState): void {
    if (client.state === ClientState.READY) this.ready.remove(client);
    client.state = state;
    if (state === ClientState.READY) this.ready.push(client);
  }

  get pendingCount(): number {
    return this.pending.size;
  }

  /** For tests: what `capacity` must be. */
  auditCapacity(): { tracked: number; actual: number } {
    let actual = 0;
    for (const client of this.clients) if (client.state !== ClientState.DRAINING) actual += client.unusedCapacity;
    return { tracked: this.capacity, actual };
  }
}
