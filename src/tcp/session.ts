import type { Dispatcher } from '../base/dispatcher.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';
import { xxHash64 } from '../base/xxhash64.js';
import { Close } from '../codec/codec.js';
import type { CloseEvent, Connection, ConnectionEvents } from '../network/connection.js';
import type { AccessLogType } from '../observe/access-log.js';
import type { ConnectionStreamInfo } from '../observe/connection-stream-info.js';
import { addFlag } from '../observe/flags.js';
import { type ConnectionInfo, newUpstreamInfo } from '../observe/stream-info.js';
import type { TcpFlow } from '../observe/tcp-metrics.js';
import type { ClusterImpl } from '../upstream/cluster.js';
import type { TcpCallbacks, TcpClient } from '../upstream/pool/tcp-client.js';
import type { Host, LbContext, PoolFailure } from '../upstream/types.js';
import type { TcpCluster, TcpProxyConfig } from './config.js';
import { UpstreamDrainer } from './drainer.js';

enum Clock {
  IDLE = 0,
  DURATION = 1,
  LOG = 2,
}

/**
 * One downstream connection whose bytes go to an upstream connection and back (Envoy: TcpProxy::Filter). Nothing is read from the
 * client before the upstream is connected; a FIN ends one direction only; a reset of one side resets the other.
 *
 * Clocks: *idle* (idle_timeout, 1 h) from the upstream's connect, anew with every byte of either side; fires: both sides are closed.
 * *Duration* (max_downstream_connection_duration, off) from the accept; fires: both sides are closed, flag DT. *Log*
 * (access_log_flush_interval, off) from the accept, again and again; fires: a line in the log.
 */
export class TcpSession implements ConnectionEvents, TcpCallbacks, TimerOwner, LbContext, TcpFlow {
  private readonly dispatcher: Dispatcher;
  private readonly idleTimer = new Timer(this, Clock.IDLE, true);
  private durationTimer: Timer | null = null;
  private logTimer: Timer | null = null;
  private route: TcpCluster;
  private target: ClusterImpl | null = null;
  private client: TcpClient | null = null;
  private host: Host | null = null;
  private ready = false;
  private attempts = 0;
  private gone = false;
  private upstreamPaused = false;
  /** The downstream is paused because the upstream is slow. */
  private downstreamPaused = false;
  private metered = false;

  readonly requestHeaders = null;
  readonly hash: bigint | null;
  readonly hostSelectionRetryCount = 1;
  readonly downstreamProtocol = '';

  constructor(
    private readonly connection: Connection,
    private readonly config: TcpProxyConfig,
    private readonly info: ConnectionStreamInfo,
    /** Told when the connection is gone. */
    private readonly onGone: (session: TcpSession) => void,
  ) {
    const dispatcher = (this.dispatcher = connection.dispatcher);
    this.hash = config.hashSourceIp ? xxHash64(connection.info.remoteIp ?? '') : null;
    this.route = config.clusters[0];
    config.stats.downstream_cx_total++;
    connection.halfClose = true;
    connection.setEvents(this);
    connection.readDisable(true);
    if (config.maxDuration > 0) {
      this.durationTimer = new Timer(this, Clock.DURATION);
      dispatcher.timers.arm(this.durationTimer, config.maxDuration, dispatcher.now);
    }
    if (config.logInterval > 0) {
      this.logTimer = new Timer(this, Clock.LOG);
      dispatcher.timers.arm(this.logTimer, config.logInterval, dispatcher.now);
    }
  }

  /** Begins to connect. */
  start(): void {
    if (this.config.logOnStart) this.log('TcpConnectionStart');
    this.connect();
  }

  // --- for the balancer

  get metadataMatch(): Readonly<Record<string, unknown>> | null {
    return this.route.metadataMatch;
  }

  get downstreamConnection(): ConnectionInfo {
    return this.connection.info;
  }

  shouldSelectAnotherHost(): boolean {
    return false;
  }

  // --- for metrics

  get cluster(): string {
    return this.info.upstreamCluster;
  }

  get sent(): number {
    return this.info.bytesSent;
  }

  get received(): number {
    return this.info.bytesReceived;
  }

  // --- connecting

  private pickRoute(): TcpCluster {
    const { clusters, totalWeight } = this.config;
    if (clusters.length === 1) return clusters[0];
    let point = this.dispatcher.random.u32() % totalWeight;
    for (const cluster of clusters) {
      if (point < cluster.weight) return cluster;
      point -= cluster.weight;
    }
    return clusters[clusters.length - 1];
  }

  private connect(): void {
    const { config, info } = this;
    const { stats } = config;
    this.route = this.pickRoute();
    const target = config.deps.clusters.get(this.route.name);
    if (target === undefined) {
      stats.downstream_cx_no_route++;
      addFlag(info, 'NC');
      this.giveUp('no_route');
      return;
    }
    this.target = target;
    info.upstreamCluster = target.name;
    info.upstreamClusterAltName = target.observabilityName === target.name ? '' : target.observabilityName;
    if (this.attempts >= config.maxConnectAttempts) {
      target.stats.upstream_cx_connect_attempts_exceeded++;
      addFlag(info, 'URX');
      this.giveUp('connect_failed');
      return;
    }
    if (!target.breakers.of(0).connections.canCreate()) {
      target.stats.upstream_cx_overflow++;
      addFlag(info, 'UO');
      this.giveUp('resource_limit_exceeded');
      return;
    }
    const host = target.chooseHost(this, 0);
    if (host === null) {
      addFlag(info, 'UH');
      this.giveUp('no_healthy_upstream');
      return;
    }
    this.host = host;
    info.attemptCount = ++this.attempts;
    // A breaker that refuses has told this session already.
    this.client = target.connectTcp(host, this);
  }

  private giveUp(why: string): void {
    this.connection.close(Close.NO_FLUSH, `tcp_proxy_initialization_failure:${why}`);
  }

  onTcpFailure(failure: PoolFailure, reason: string): void {
    const { info, host } = this;
    this.client = null;
    info.upstream = newUpstreamInfo();
    info.upstream.host = host!.address;
    info.upstream.hostname = host!.hostname;
    info.upstream.transportFailureReason = reason;
    if (failure === 'connection-timeout') {
      addFlag(info, 'UF');
      host!.outlier.putResult('timeout', null);
    } else if (failure === 'remote-connection-failure') {
      addFlag(info, 'UF');
      host!.outlier.putResult('connect-failed', null);
    }
    if (!this.gone) this.connect();
  }

  onTcpReady(client: TcpClient): void {
    const { config, connection, dispatcher, info, host } = this;
    this.client = client;
    this.ready = true;
    const upstream = newUpstreamInfo();
    info.upstream = upstream;
    upstream.bytes = { wireReceived: 0, wireSent: 0, headerReceived: 0, headerSent: 0 };
    upstream.host = host!.address;
    upstream.hostname = host!.hostname;
    upstream.localAddress = client.connection.info.localAddress;
    upstream.remoteAddress = client.connection.info.remoteAddress;
    upstream.connectionId = client.id;
    upstream.connectStart = client.connectStart;
    upstream.connectEnd = client.connectEnd;
    host!.outlier.putResult('connect-success', null);
    this.meter();
    if (config.logOnConnected) this.log('TcpUpstreamConnected');
    if (config.idleTimeout > 0) dispatcher.timers.arm(this.idleTimer, config.idleTimeout, dispatcher.now);
    connection.readDisable(false);
  }

  private meter(): void {
    if (this.metered) return;
    this.metered = true;
    this.config.deps.tcpMetrics.opened(this, this.config.reporter, this.info.flags);
  }

  private touch(): void {
    const { config, dispatcher } = this;
    if (config.idleTimeout > 0) dispatcher.timers.arm(this.idleTimer, config.idleTimeout, dispatcher.now);
  }

  // --- from the client

  onConnected(): void {}

  onData(data: Buffer): void {
    const { config, info, client } = this;
    const n = data.length;
    config.stats.downstream_cx_rx_bytes_total += n;
    info.bytesReceived += n;
    info.downstreamBytes.wireReceived += n;
    if (client === null) return;
    info.upstream!.bytes!.wireSent += n;
    client.connection.out.write(data);
    client.connection.markDirty();
    this.touch();
  }

  onRemoteEnd(): void {
    if (this.ready) this.client?.connection.endWrite();
  }

  onAboveHighWatermark(): void {
    if (this.client === null || this.upstreamPaused) return;
    this.upstreamPaused = true;
    this.target!.stats.upstream_flow_control_paused_reading_total++;
    this.client.connection.readDisable(true);
  }

  onBelowLowWatermark(): void {
    if (this.client === null || !this.upstreamPaused) return;
    this.upstreamPaused = false;
    this.target!.stats.upstream_flow_control_resumed_reading_total++;
    this.client.connection.readDisable(false);
  }

  onClosed(event: CloseEvent): void {
    const { dispatcher, config, client } = this;
    this.gone = true;
    dispatcher.timers.cancel(this.idleTimer);
    if (this.durationTimer !== null) dispatcher.timers.cancel(this.durationTimer);
    if (this.logTimer !== null) dispatcher.timers.cancel(this.logTimer);
    this.client = null;
    if (client !== null) {
      if (!this.ready) client.cancel();
      else if (event.local)
        client.connection.close(Close.NO_FLUSH, 'closing_upstream_tcp_connection_due_to_downstream_local_close');
      else if (isReset(event))
        client.connection.close(Close.ABORT, 'closing_upstream_tcp_connection_due_to_downstream_reset_close');
      else this.drain(client);
    }
    this.meter();
    this.info.end = dispatcher.now;
    config.deps.tcpMetrics.closed(this, this.info.flags);
    this.log('TcpConnectionEnd');
    this.onGone(this);
  }

  /** Both directions of the client have ended: what it sent is still written. */
  private drain(client: TcpClient): void {
    const { connection } = client;
    if (connection.unsentBytes() > 0) {
      const { dispatcher, config } = this;
      client.callbacks = new UpstreamDrainer(dispatcher, client, config.stats, config.idleTimeout);
    }
    connection.close(Close.FLUSH, 'closing_upstream_tcp_connection_due_to_downstream_remote_close');
  }

  // --- from the upstream

  onUpstreamData(data: Buffer): void {
    if (this.gone) return;
    const { config, info, connection } = this;
    const n = data.length;
    config.stats.downstream_cx_tx_bytes_total += n;
    info.bytesSent += n;
    info.downstreamBytes.wireSent += n;
    info.upstream!.bytes!.wireReceived += n;
    connection.out.write(data);
    connection.markDirty();
    this.touch();
  }

  onUpstreamEnd(): void {
    if (!this.gone) this.connection.endWrite();
  }

  onUpstreamAboveHighWatermark(): void {
    if (this.gone || this.downstreamPaused) return;
    this.downstreamPaused = true;
    this.config.stats.downstream_flow_control_paused_reading_total++;
    this.connection.readDisable(true);
  }

  onUpstreamBelowLowWatermark(): void {
    if (this.gone || !this.downstreamPaused) return;
    this.downstreamPaused = false;
    this.config.stats.downstream_flow_control_resumed_reading_total++;
    this.connection.readDisable(false);
  }

  onUpstreamClosed(event: CloseEvent): void {
    this.client = null;
    if (this.gone) return;
    this.dispatcher.timers.cancel(this.idleTimer);
    if (isReset(event)) {
      addFlag(this.info, 'UR');
      this.connection.close(Close.ABORT, 'closing_upstream_tcp_connection_due_to_upstream_reset_close');
    } else this.connection.close(Close.FLUSH, 'closing_upstream_tcp_connection_due_to_upstream_close');
  }

  // --- clocks and logs

  onTimer(kind: number): void {
    const { config, connection, dispatcher } = this;
    if (kind === Clock.LOG) {
      this.log('TcpPeriodic');
      dispatcher.timers.arm(this.logTimer!, config.logInterval, dispatcher.now);
    } else if (kind === Clock.IDLE) {
      config.stats.idle_timeout++;
      connection.close(Close.NO_FLUSH, 'tcp_session_idle_timeout');
    } else {
      config.stats.max_downstream_connection_duration++;
      addFlag(this.info, 'DT');
      connection.close(Close.NO_FLUSH, 'max_connection_duration_reached');
    }
  }

  private log(type: AccessLogType): void {
    const { accessLog } = this.config;
    if (accessLog === null) return;
    // A line in between says how long it has been so far.
    if (!this.gone) this.info.end = this.dispatcher.now;
    accessLog.log(this.info, type);
    if (!this.gone) this.info.end = -1;
  }

  /** Server shutdown: at once. */
  terminate(reason: string): void {
    this.connection.close(Close.NO_FLUSH, reason);
  }
}

function isReset(event: CloseEvent): boolean {
  return event.error !== null && (event.error.code === 'ECONNRESET' || event.error.code === 'EPIPE');
}
