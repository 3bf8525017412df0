import type { Dispatcher } from '../../base/dispatcher.js';
import { Timer, type TimerOwner } from '../../base/timer-wheel.js';
import { Close } from '../../codec/codec.js';
import type { CloseEvent, ConnectionEvents } from '../../network/connection.js';
import type { ClusterScope, TrackedClient } from '../cluster-stats.js';
import type { HostImpl } from '../host.js';
import type { ResourceManager } from '../resource-manager.js';
import type { PoolFailure } from '../types.js';
import type { PoolSettings } from './conn-pool.js';
import type { Transport, UpstreamConnection } from './transport.js';
import { isBindError, transportFailureReason } from './transport-failure.js';

/** Who uses an upstream connection that carries bytes. */
export interface TcpCallbacks {
  /** Connected; called once, or `onTcpFailure` is. */
  onTcpReady(client: TcpClient): void;
  /** No connection. `reason` such as `delayed connect error: Connection refused`, '' for a timeout. */
  onTcpFailure(failure: PoolFailure, reason: string): void;
  /** `data` is valid during the call. */
  onUpstreamData(data: Buffer): void;
  /** The peer sent FIN; the other direction stays open. */
  onUpstreamEnd(): void;
  /** A connection that was ready is gone. */
  onUpstreamClosed(event: CloseEvent): void;
  onUpstreamAboveHighWatermark(): void;
  onUpstreamBelowLowWatermark(): void;
}

export interface TcpPlace {
  readonly dispatcher: Dispatcher;
  readonly host: HostImpl;
  readonly settings: PoolSettings;
  readonly transport: Transport;
  readonly scope: ClusterScope;
  readonly resources: ResourceManager;
}

/**
 * One upstream connection for one downstream connection, never used a second time. It counts as a pool of Envoy's with one
 * stream per connection does: pending while it connects, one request while it is open.
 *
 * Clock: *connect* (connect_timeout, 5 s) from the start of the connect until it succeeded; fires: failure `connection-timeout`.
 */
export class TcpClient implements ConnectionEvents, TimerOwner, TrackedClient {
  readonly host: HostImpl;
  readonly clusterName: string;
  readonly codec = null;
  lastRead: number;
  connectEnd = -1;
  readonly connectStart: number;
  readonly connection: UpstreamConnection;
  private readonly timer = new Timer(this, 0);
  private pending = true;
  private timedOut = false;
  private cancelled = false;
  private remoteClosed = false;

  private constructor(
    private readonly place: TcpPlace,
    /** Whom it tells; changed when the client has gone and what it sent is still to be written. */
    public callbacks: TcpCallbacks,
  ) {
    const { dispatcher, host, settings, transport, scope, resources } = place;
    const { stats } = scope;
    this.host = host;
    this.clusterName = scope.name;
    this.connectStart = this.lastRead = dispatcher.now;
    stats.upstream_rq_pending_total++;
    stats.upstream_rq_pending_active++;
    host.stats.rq_pending_active++;
    resources.pending.inc();
    host.stats.cx_total++;
    host.stats.cx_active++;
    stats.upstream_cx_total++;
    stats.upstream_cx_active++;
    resources.connections.inc();
    scope.clients.add(this);
    dispatcher.timers.arm(this.timer, settings.connectTimeout, dispatcher.now);
    this.connection = transport.connect(this.host.dial);
    this.connection.halfClose = true;
    this.connection.setEvents(this);
    this.connection.setBufferLimit(settings.bufferLimit);
  }

  /** Begins a connect. Null when a breaker refuses it; `onTcpFailure` has been called then. */
  static connect(place: TcpPlace, callbacks: TcpCallbacks): TcpClient | null {
    const { host, settings, scope, resources } = place;
    if (!resources.pending.canCreate()) {
      scope.stats.upstream_rq_pending_overflow++;
      callbacks.onTcpFailure('overflow', '');
      return null;
    }
    if (host.stats.cx_active >= settings.maxConnectionsPerHost) {
      scope.stats.upstream_cx_overflow++;
      callbacks.onTcpFailure('overflow', '');
      return null;
    }
    return new TcpClient(place, callbacks);
  }

  get id(): number {
    return this.connection.info.id;
  }

  get activeStreams(): number {
    return this.connectEnd >= 0 ? 1 : 0;
  }

  // --- from the connection

  onConnected(): void {
    const { dispatcher, scope, resources, settings } = this.place;
    const { stats } = scope;
    dispatcher.timers.cancel(this.timer);
    this.connectEnd = this.lastRead = dispatcher.now;
    stats.upstream_cx_connect_ms.record(this.connectEnd - this.connectStart);
    this.releasePending();
    if (!resources.requests.canCreate()) {
      stats.upstream_rq_active_overflow++;
      this.cancelled = true;
      this.connection.close(Close.NO_FLUSH, '');
      this.callbacks.onTcpFailure('overflow', '');
      return;
    }
    const hostStats = this.place.host.stats;
    hostStats.rq_total++;
    hostStats.rq_active++;
    stats.upstream_rq_total++;
    stats.upstream_rq_active++;
    resources.requests.inc();
    if (settings.maxRequestsPerConnection === 1) stats.upstream_cx_max_requests++;
    this.callbacks.onTcpReady(this);
  }

  onData(data: Buffer): void {
    this.lastRead = this.place.dispatcher.now;
    this.callbacks.onUpstreamData(data);
  }

  onRemoteEnd(): void {
    this.callbacks.onUpstreamEnd();
  }

  onAboveHighWatermark(): void {
    this.callbacks.onUpstreamAboveHighWatermark();
  }

  onBelowLowWatermark(): void {
    this.callbacks.onUpstreamBelowLowWatermark();
  }

  onClosed(event: CloseEvent): void {
    const { dispatcher, host, scope, resources } = this.place;
    const { stats } = scope;
    const connected = this.connectEnd >= 0;
    const local = event.local && !this.remoteClosed;
    dispatcher.timers.cancel(this.timer);
    const active = connected && !this.cancelled;
    this.countDestroy(local, active);
    if (active) {
      host.stats.rq_active--;
      stats.upstream_rq_active--;
      resources.requests.dec();
    }
    stats.upstream_rq_per_cx.record(active ? 1 : 0);
    stats.upstream_cx_length_ms.record(dispatcher.now - this.connectStart);
    stats.upstream_cx_active--;
    host.stats.cx_active--;
    resources.connections.dec();
    scope.onClientClosed(this);
    if (active) {
      this.callbacks.onUpstreamClosed({ ...event, local });
      return;
    }
    if (connected || this.cancelled) return;
    stats.upstream_cx_connect_fail++;
    host.stats.cx_connect_fail++;
    stats.upstream_rq_pending_failure_eject++;
    if (isBindError(event.error)) stats.bind_errors++;
    this.releasePending();
    const failure = this.timedOut
      ? 'connection-timeout'
      : event.local || isBindError(event.error)
        ? 'local-connection-failure'
        : 'remote-connection-failure';
    const overPipe = this.host.dial.path !== undefined;
    this.callbacks.onTcpFailure(failure, this.timedOut ? '' : transportFailureReason(event.error, overPipe));
  }

  private countDestroy(local: boolean, active: boolean): void {
    const { stats } = this.place.scope;
    stats.upstream_cx_destroy++;
    if (local) stats.upstream_cx_destroy_local++;
    else stats.upstream_cx_destroy_remote++;
    if (!active) return;
    stats.upstream_cx_destroy_with_active_rq++;
    if (local) stats.upstream_cx_destroy_local_with_active_rq++;
    else stats.upstream_cx_destroy_remote_with_active_rq++;
  }

  private releasePending(): void {
    if (!this.pending) return;
    this.pending = false;
    const { host, scope, resources } = this.place;
    scope.stats.upstream_rq_pending_active--;
    host.stats.rq_pending_active--;
    resources.pending.dec();
  }

  onTimer(): void {
    this.place.scope.stats.upstream_cx_connect_timeout++;
    this.timedOut = true;
    this.connection.close(Close.NO_FLUSH, 'connect_timeout');
  }

  /** Gives up while it connects; no callback follows. */
  cancel(): void {
    this.cancelled = true;
    this.place.scope.stats.upstream_rq_cancelled++;
    this.releasePending();
    this.connection.close(Close.NO_FLUSH, '');
  }
}
