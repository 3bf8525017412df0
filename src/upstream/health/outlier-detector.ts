import type { Deferred, Dispatcher } from '../../base/dispatcher.js';
import { Timer, type TimerOwner } from '../../base/timer-wheel.js';
import { HealthFlag, type HostImpl, NO_OUTLIER_DETECTION } from '../host.js';
import type { Ejection, OutlierSettings } from './outlier-config.js';
import { HostMonitor, type StreakListener, type SuccessRate } from './outlier-monitor.js';
import type { OutlierStats } from './outlier-stats.js';

/** Mean success rate and the rate below which a host is ejected, in percent; -1 while there are too few hosts. */
export interface RateSummary {
  average: number;
  threshold: number;
}

/**
 * Takes hosts out of the balancing that answer worse than they should (outlier detection). Streaks of failures are looked at at the
 * end of the pass that filled them; success rates, and whose time is over, once in an interval.
 *
 * Clock: *interval* (10 s) from the start, and anew whenever it fires; fires: ejected hosts whose time is over come back, rates of the
 * last interval are compared.
 */
export class OutlierDetector implements StreakListener, Deferred, TimerOwner {
  readonly external: RateSummary = { average: -1, threshold: -1 };
  readonly local: RateSummary = { average: -1, threshold: -1 };
  private readonly monitors = new Map<HostImpl, HostMonitor>();
  private readonly timer = new Timer(this, 0);
  private streaks: { monitor: HostMonitor; ejection: Ejection }[] = [];
  private active = 0;

  constructor(
    private readonly settings: OutlierSettings,
    private readonly stats: OutlierStats,
    private readonly dispatcher: Dispatcher,
    /** The flag of a host has changed; `failed` tells which way. */
    private readonly onChange: (host: HostImpl, failed: boolean) => void,
  ) {}

  start(): void {
    this.arm();
  }

  /** Nobody is ejected by it any more. */
  stop(): void {
    this.dispatcher.timers.cancel(this.timer);
    for (const host of [...this.monitors.keys()]) this.remove(host);
  }

  add(host: HostImpl): void {
    const monitor = new HostMonitor(host, this.settings, this);
    this.monitors.set(host, monitor);
    host.outlier = monitor;
  }

  remove(host: HostImpl): void {
    if (!this.monitors.delete(host)) return;
    if (isEjected(host)) this.countActive(-1);
    host.outlier = NO_OUTLIER_DETECTION;
  }

  monitorOf(host: HostImpl): HostMonitor | undefined {
    return this.monitors.get(host);
  }

  // --- streaks

  onStreak(monitor: HostMonitor, ejection: Ejection): void {
    if (this.streaks.length === 0) this.dispatcher.defer(this);
    this.streaks.push({ monitor, ejection });
  }

  onDeferred(): void {
    const { streaks } = this;
    this.streaks = [];
    for (const { monitor, ejection } of streaks) {
      if (this.monitors.get(monitor.host) !== monitor || isEjected(monitor.host)) continue;
      this.stats[`ejections_detected_${ejection}`]++;
      this.eject(monitor, ejection);
      if (ejection === 'consecutive_5xx') this.stats.ejections_consecutive_5xx++;
      monitor.resetStreak(ejection);
    }
  }

  // --- ejection

  private eject(monitor: HostMonitor, ejection: Ejection): void {
    const { stats, settings } = this;
    const percent = (100 * (this.active + 1)) / this.monitors.size;
    const allowed = percent <= settings.maxEjectionPercent || (settings.alwaysEjectOneHost && this.active === 0);
    if (!allowed) {
      stats.ejections_overflow++;
      return;
    }
    if (ejection === 'consecutive_5xx' || ejection === 'success_rate') stats.ejections_total++;
    const enforcing = settings.enforcing[ejection];
    if (enforcing < 100 && this.dispatcher.random.u32() % 100 >= enforcing) return;
    this.countActive(1);
    stats.ejections_enforced_total++;
    stats[`ejections_enforced_${ejection}`]++;
    const { host } = monitor;
    host.healthFlags |= HealthFlag.FAILED_OUTLIER_CHECK;
    monitor.ejectedAt = this.dispatcher.now;
    if (monitor.backoff * settings.baseEjectionTime < settings.maxEjectionTime + settings.baseEjectionTime)
      monitor.backoff++;
    const jitter = settings.maxEjectionTimeJitter;
    monitor.jitter = jitter === 0 ? 0 : this.dispatcher.random.u32() % (jitter + 1);
    this.onChange(host, true);
  }

  private uneject(monitor: HostMonitor): void {
    this.countActive(-1);
    monitor.host.healthFlags &= ~HealthFlag.FAILED_OUTLIER_CHECK;
    monitor.resetStreaks();
    this.onChange(monitor.host, false);
  }

  private countActive(change: number): void {
    this.active += change;
    this.stats.ejections_active += change;
  }

  /** An active health check has succeeded: the host need not wait for the end of its ejection. */
  onHealthCheckSuccess(host: HostImpl): void {
    if (!this.settings.uneject || (host.healthFlags & HealthFlag.FAILED_ACTIVE_HC) !== 0 || !isEjected(host)) return;
    const monitor = this.monitors.get(host);
    if (monitor !== undefined) this.uneject(monitor);
  }

  // --- intervals

  private arm(): void {
    this.dispatcher.timers.arm(this.timer, this.settings.interval, this.dispatcher.now);
  }

  onTimer(): void {
    const { settings } = this;
    const { now } = this.dispatcher;
    for (const monitor of this.monitors.values()) {
      const time = Math.min(settings.baseEjectionTime * monitor.backoff, settings.maxEjectionTime) + monitor.jitter;
      if (isEjected(monitor.host) && time <= now - monitor.ejectedAt) this.uneject(monitor);
      monitor.external.nextInterval();
      monitor.local.nextInterval();
    }
    this.compare(this.external, external, 'success_rate', 'failure_percentage');
    this.compare(this.local, local, 'local_origin_success_rate', 'local_origin_failure_percentage');
    for (const monitor of this.monitors.values())
      if (monitor.backoff > 0 && !isEjected(monitor.host)) monitor.backoff--;
    this.arm();
  }

  private compare(
    summary: RateSummary,
    rateOf: (monitor: HostMonitor) => SuccessRate,
    byRate: Ejection,
    byPercentage: Ejection,
  ): void {
    const { settings, stats } = this;
    summary.average = summary.threshold = -1;
    const size = this.monitors.size;
    if (size < settings.successRateMinimumHosts && size < settings.failurePercentageMinimumHosts) return;
    const forRate: HostMonitor[] = [];
    const forPercentage: HostMonitor[] = [];
    const { successRateRequestVolume, failurePercentageRequestVolume } = settings;
    for (const monitor of this.monitors.values()) {
      const rate = rateOf(monitor);
      if (isEjected(monitor.host) || rate.volume === 0) continue;
      if (rate.volume >= Math.min(successRateRequestVolume, failurePercentageRequestVolume)) rate.shown = rate.rate;
      if (rate.volume >= successRateRequestVolume) forRate.push(monitor);
      if (rate.volume >= failurePercentageRequestVolume) forPercentage.push(monitor);
    }
    if (forRate.length > 0 && forRate.length >= settings.successRateMinimumHosts) {
      const rates = forRate.map((monitor) => rateOf(monitor).rate);
      const average = rates.reduce((a, b) => a + b, 0) / rates.length;
      const variance = rates.reduce((sum, rate) => sum + (rate - average) ** 2, 0) / rates.length;
      summary.average = average;
      summary.threshold = average - settings.successRateStdevFactor * Math.sqrt(variance);
      for (const monitor of forRate) {
        if (rateOf(monitor).rate >= summary.threshold) continue;
        stats.ejections_success_rate++;
        this.detected(monitor, byRate);
      }
    }
    if (forPercentage.length === 0 || forPercentage.length < settings.failurePercentageMinimumHosts) return;
    for (const monitor of forPercentage)
      if (100 - rateOf(monitor).rate >= settings.failurePercentageThreshold) this.detected(monitor, byPercentage);
  }

  private detected(monitor: HostMonitor, ejection: Ejection): void {
    this.stats[`ejections_detected_${ejection}`]++;
    if (!isEjected(monitor.host)) this.eject(monitor, ejection);
  }
}

const external = (monitor: HostMonitor) => monitor.external;
const local = (monitor: HostMonitor) => monitor.local;

function isEjected(host: HostImpl): boolean {
  return (host.healthFlags & HealthFlag.FAILED_OUTLIER_CHECK) !== 0;
}
