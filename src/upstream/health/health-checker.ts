import type { Dispatcher } from '../../base/dispatcher.js';
import type { HostImpl } from '../host.js';
import type { Transport } from '../pool/transport.js';
import type { CheckSession } from './check-session.js';
import { GrpcSession } from './grpc-session.js';
import type { HealthCheckSettings } from './health-check-config.js';
import type { HealthCheckStats } from './health-check-stats.js';
import { HttpSession } from './http-session.js';
import { TcpSession } from './tcp-session.js';

/** What a check did to a host. `pending`: the threshold is not reached yet. */
export type Transition = 'unchanged' | 'pending' | 'changed';

export interface HealthCheckOwner {
  readonly name: string;
  /** The cluster has had a connection for a request. */
  hadTraffic(): boolean;
  onHealthCheck(host: HostImpl, transition: Transition, healthy: boolean): void;
}

/** Active health checking: asks every host of a cluster from time to time how it is. */
export class HealthChecker {
  private readonly sessions = new Map<HostImpl, CheckSession>();

  constructor(
    readonly settings: HealthCheckSettings,
    readonly stats: HealthCheckStats,
    readonly dispatcher: Dispatcher,
    readonly transport: Transport,
    readonly owner: HealthCheckOwner,
  ) {}

  /** Begins to check a host, unless its endpoint says not to. */
  add(host: HostImpl): void {
    if (host.healthCheck?.disabled) return;
    const session = this.makeSession(host);
    this.sessions.set(host, session);
    host.activeHealth = session;
    session.start();
  }

  private makeSession(host: HostImpl): CheckSession {
    const { probe } = this.settings;
    if (probe.kind === 'http') return new HttpSession(this, host, probe);
    if (probe.kind === 'tcp') return new TcpSession(this, host, probe);
    return new GrpcSession(this, host, probe);
  }

  remove(host: HostImpl): void {
    const session = this.sessions.get(host);
    if (session === undefined) return;
    this.sessions.delete(host);
    host.activeHealth = null;
    session.stop();
  }

  stop(): void {
    for (const host of [...this.sessions.keys()]) this.remove(host);
  }

  /** ms until the next check. */
  nextInterval(healthy: boolean, transition: Transition): number {
    const { settings } = this;
    const pending = transition === 'pending';
    if (!this.owner.hadTraffic())
      return this.jittered(healthy && !pending ? settings.noTrafficHealthyInterval : settings.noTrafficInterval);
    if (healthy) return this.jittered(pending ? settings.healthyEdgeInterval : settings.interval);
    return this.jittered(pending ? settings.unhealthyEdgeInterval : settings.unhealthyInterval);
  }

  private jittered(base: number): number {
    const { intervalJitter, intervalJitterPercent } = this.settings;
    const share = Math.floor((intervalJitterPercent * base) / 100);
    let interval = base;
    if (share > 0) interval += this.dispatcher.random.u32() % share;
    if (intervalJitter > 0) interval += this.dispatcher.random.u32() % intervalJitter;
    return interval;
  }
}
