import { isIP } from 'node:net';
import type { Dispatcher } from '../../base/dispatcher.js';
import { type HeaderName, headerName } from '../../base/header-names.js';
import { Timer, type TimerOwner } from '../../base/timer-wheel.js';
import type { ConnectionInfo } from '../../observe/stream-info.js';
import type { ClusterStats } from '../cluster-stats.js';
import { HostImpl, NO_LOCALITY } from '../host.js';
import type { LoadBalancer } from '../lb/load-balancer.js';
import type { PrioritySet } from '../priority-set.js';
import type { LbContext } from '../types.js';
import type { Discovery } from './discovery.js';

/** original_dst_lb_config and cleanup_interval. */
export interface OriginalDstSettings {
  /** Lower-case name of the header that names the destination (use_http_header); null: none is looked at. */
  readonly header: string | null;
  /** Takes the place of the destination's port (upstream_port_override); null: none. */
  readonly port: number | null;
  /** ms, 5000: how often hosts that nobody used since are dropped. */
  readonly cleanupInterval: number;
}

/**
 * Type ORIGINAL_DST: the hosts are where clients wanted to go, each made when the first connection asks for it. The destination is that of
 * a header when the cluster looks at one, else the address a redirected connection was made for.
 *
 * Clock: *cleanup* from the start, again and again; fires: hosts without use since the last time and without connections go.
 */
export class OriginalDestinations implements Discovery, LoadBalancer, TimerOwner {
  private readonly hosts = new Map<string, HostImpl>();
  private readonly used = new Set<HostImpl>();
  private readonly timer = new Timer(this, 0);
  private readonly header: HeaderName | null;
  private fresh = false;
  private readonly deferred = { onDeferred: () => this.publish() };

  constructor(
    private readonly settings: OriginalDstSettings,
    private readonly prioritySet: PrioritySet,
    private readonly stats: ClusterStats,
    private readonly dispatcher: Dispatcher,
  ) {
    this.header = settings.header === null ? null : headerName(settings.header);
  }

  start(ready: () => void): void {
    this.arm();
    ready();
  }

  stop(): void {
    this.dispatcher.timers.cancel(this.timer);
  }

  private arm(): void {
    this.dispatcher.timers.arm(this.timer, this.settings.cleanupInterval, this.dispatcher.now);
  }

  choose(context: LbContext): HostImpl | null {
    const destination = this.fromHeader(context) ?? restored(context.downstreamConnection);
    if (destination === null) return null;
    const { ip } = destination;
    const port = this.settings.port ?? destination.port;
    const key = ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
    let host = this.hosts.get(key);
    if (host === undefined) {
      host = new HostImpl({
        dial: { host: ip, port },
        hostname: '',
        weight: 1,
        metadata: {},
        locality: NO_LOCALITY,
        priority: 0,
        healthFlags: 0,
      });
      this.hosts.set(key, host);
      // The choice is under way: the host set, and who is told of it, learn of the host afterwards.
      if (!this.fresh) this.dispatcher.defer(this.deferred);
      this.fresh = true;
    }
    this.used.add(host);
    return host;
  }

  private fromHeader(context: LbContext): Destination | null {
    if (this.header === null || context.requestHeaders === null) return null;
    const text = context.requestHeaders.get(this.header);
    if (text === undefined || text === '') return null;
    const found = parseDestination(text);
    if (found === null) this.stats.original_dst_host_invalid++;
    return found;
  }

  refresh(): void {}

  private publish(): void {
    this.fresh = false;
    this.prioritySet.update(0, [{ locality: NO_LOCALITY, weight: 0, hosts: [...this.hosts.values()] }]);
  }

  onTimer(): void {
    let dropped = false;
    for (const [key, host] of this.hosts) {
      if (this.used.has(host) || host.stats.cx_active > 0 || host.stats.rq_pending_active > 0) continue;
      this.hosts.delete(key);
      dropped = true;
    }
    this.used.clear();
    if (dropped) this.publish();
    this.arm();
  }
}

interface Destination {
  readonly ip: string;
  readonly port: number;
}

function restored(connection: ConnectionInfo | null | undefined): Destination | null {
  if (connection?.localAddressRestored !== true) return null;
  return parseDestination(connection.localAddress);
}

/** `1.2.3.4:80` or `[::1]:80`; null for anything else. */
export function parseDestination(text: string): Destination | null {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return null;
  const bracketed = text.startsWith('[');
  const ip = bracketed ? text.slice(1, colon - 1) : text.slice(0, colon);
  if (isIP(ip) !== (bracketed ? 6 : 4) || (bracketed && text[colon - 1] !== ']')) return null;
  const digits = text.slice(colon + 1);
  if (digits === '' || digits.length > 5) return null;
  for (let i = 0; i < digits.length; i++) if (digits.charCodeAt(i) < 48 || digits.charCodeAt(i) > 57) return null;
  const port = Number(digits);
  return port > 65535 ? null : { ip, port };
}
