import type { Dispatcher } from '../../base/dispatcher.js';
import { Timer, type TimerOwner } from '../../base/timer-wheel.js';
import type { DnsSettings } from '../cluster-config.js';
import type { ClusterStats } from '../cluster-stats.js';
import type { DnsAddress, DnsResolver } from './dns.js';

/**
 * One name that is resolved again and again. The clock starts when an answer has been dealt with: after a success it is
 * dns_refresh_rate (or the smallest TTL), after a failure the failure back-off, plus jitter in both cases.
 */
export class ResolveTarget implements TimerOwner {
  private readonly timer = new Timer(this, 0);
  private failures = 0;
  private stopped = false;

  constructor(
    private readonly name: string,
    private readonly settings: DnsSettings,
    private readonly dispatcher: Dispatcher,
    private readonly resolver: DnsResolver,
    private readonly stats: ClusterStats,
    /** An empty list: the name has no addresses now. */
    private readonly onAddresses: (addresses: readonly DnsAddress[]) => void,
    /** Called after every answer, also a failure. */
    private readonly onAnswer: () => void,
    /** An answer without addresses counts as a failure. */
    private readonly needsAddress = false,
  ) {}

  start(): void {
    this.stats.update_attempt++;
    const { family, respectTtl, servers } = this.settings;
    this.resolver.resolve({ name: this.name, family, ttl: respectTtl, servers }, (addresses) => {
      if (this.stopped) return;
      let wait: number;
      if (addresses === null || (this.needsAddress && addresses.length === 0)) {
        this.stats.update_failure++;
        wait = this.afterFailure();
      } else {
        this.stats.update_success++;
        this.failures = 0;
        wait = this.afterSuccess(addresses);
        this.onAddresses(addresses);
      }
      const { jitter } = this.settings;
      if (jitter > 0) wait += this.dispatcher.random.u32() % jitter;
      this.dispatcher.timers.arm(this.timer, wait, this.dispatcher.now);
      this.onAnswer();
    });
  }

  private afterSuccess(addresses: readonly DnsAddress[]): number {
    const { respectTtl, refreshRate } = this.settings;
    if (!respectTtl) return refreshRate;
    const ttls = addresses.map((a) => a.ttl).filter((ttl) => ttl !== null);
    const least = ttls.length > 0 ? Math.min(...ttls) : 0;
    // A TTL of zero would be a loop without pause.
    return least > 0 ? least : refreshRate;
  }

  /** Uniform below an interval that doubles from `base` to `max`. */
  private afterFailure(): number {
    const { failure, refreshRate } = this.settings;
    if (failure === null) return refreshRate;
    const interval = Math.min(failure.max, failure.base * 2 ** Math.min(this.failures++, 30));
    return this.dispatcher.random.u32() % Math.max(1, Math.floor(interval));
  }

  onTimer(): void {
    this.start();
  }

  stop(): void {
    this.stopped = true;
    this.dispatcher.timers.cancel(this.timer);
  }
}
