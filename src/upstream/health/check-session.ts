import type { Deferred } from '../../base/dispatcher.js';
import { Timer, type TimerOwner } from '../../base/timer-wheel.js';
import { type Dial, HealthFlag, type HostImpl } from '../host.js';
import type { ActiveHealthSink } from '../types.js';
import type { HealthChecker, Transition } from './health-checker.js';

/** How a check failed: the host said so, the network, nothing came in time, or a request brought it up. */
export type CheckFailure = 'active' | 'network' | 'network-timeout' | 'passive';

const INTERVAL = 0;
const TIMEOUT = 1;

/**
 * The checks of one host, one after another.
 *
 * Clocks: *interval* from the end of a check (or within initial_jitter of the start); fires: the next check. *Timeout* from the start
 * of a check until its result; fires: failed, and the connection is closed.
 */
export abstract class CheckSession implements TimerOwner, ActiveHealthSink, Deferred {
  private readonly intervalTimer = new Timer(this, INTERVAL);
  private readonly timeoutTimer = new Timer(this, TIMEOUT);
  private successes = 0;
  private failures = 0;
  private first = true;
  private stopped = false;

  constructor(
    protected readonly checker: HealthChecker,
    protected readonly host: HostImpl,
  ) {
    if (!this.has(HealthFlag.FAILED_ACTIVE_HC)) checker.stats.healthy++;
    if (this.has(HealthFlag.DEGRADED_ACTIVE_HC)) checker.stats.degraded++;
  }

  start(): void {
    const { settings, dispatcher } = this.checker;
    if (settings.initialJitter === 0) this.check();
    else {
      const ms = dispatcher.random.u32() % settings.initialJitter;
      dispatcher.timers.arm(this.intervalTimer, ms, dispatcher.now);
    }
  }

  /** The host is gone. Who waits for its first check waits no longer. */
  stop(): void {
    const { stats, dispatcher, owner } = this.checker;
    this.stopped = true;
    dispatcher.timers.cancel(this.intervalTimer);
    dispatcher.timers.cancel(this.timeoutTimer);
    if (!this.has(HealthFlag.FAILED_ACTIVE_HC)) stats.healthy--;
    if (this.has(HealthFlag.DEGRADED_ACTIVE_HC)) stats.degraded--;
    this.closeConnection();
    if (this.first) owner.onHealthCheck(this.host, 'unchanged', false);
  }

  private check(): void {
    const { settings, stats, dispatcher } = this.checker;
    dispatcher.timers.arm(this.timeoutTimer, settings.timeout, dispatcher.now);
    stats.attempt++;
    this.begin();
  }

  onTimer(kind: number): void {
    if (kind === INTERVAL) this.check();
    else {
      this.closeConnection();
      this.fail('network-timeout', false);
    }
  }

  /** Where checks go: the host, or what health_check_config of its endpoint says. */
  protected get dial(): Dial {
    const { dial } = this.host;
    const other = this.host.healthCheck;
    if (other === null) return dial;
    if (other.address !== '') return { host: other.address, port: other.port };
    return other.port !== 0 ? { ...dial, port: other.port } : dial;
  }

  /** Authority of requests: the endpoint's, else the check's, else the name of the cluster. */
  protected authority(configured: string): string {
    return this.host.healthCheck?.hostname || configured || this.checker.owner.name;
  }

  /** Begins one check, on a new connection or an old one. */
  protected abstract begin(): void;
  /** Closes the connection, and expects nothing from it. */
  protected abstract closeConnection(): void;

  private has(flag: number): boolean {
    return (this.host.healthFlags & flag) !== 0;
  }

  private clear(flags: number): void {
    this.host.healthFlags &= ~flags;
  }

  /** A check has succeeded. The first one counts at once, later ones when there are enough in a row. */
  protected succeed(degraded: boolean): void {
    if (this.stopped) return;
    const { settings, stats } = this.checker;
    this.failures = 0;
    let transition: Transition = 'unchanged';
    if (this.has(HealthFlag.FAILED_ACTIVE_HC)) {
      if (this.first || ++this.successes === settings.healthyThreshold) {
        this.clear(
          HealthFlag.FAILED_ACTIVE_HC | HealthFlag.ACTIVE_HC_TIMEOUT | HealthFlag.EXCLUDED_VIA_IMMEDIATE_HC_FAIL,
        );
        stats.healthy++;
        transition = 'changed';
      } else transition = 'pending';
      this.host.healthySince = this.checker.dispatcher.now;
    }
    transition = this.noLongerPending(transition);
    if (degraded !== this.has(HealthFlag.DEGRADED_ACTIVE_HC)) {
      this.host.healthFlags ^= HealthFlag.DEGRADED_ACTIVE_HC;
      stats.degraded += degraded ? 1 : -1;
      if (transition === 'unchanged') transition = 'changed';
    }
    stats.success++;
    this.finish(transition, true);
  }

  /** @param retriable the threshold counts even though the host itself said that it is not well */
  protected fail(failure: CheckFailure, retriable: boolean): void {
    if (!this.stopped) this.finish(this.noteFailure(failure, retriable), false);
  }

  /** An answer to a request said `x-envoy-immediate-health-check-fail`; dealt with at the end of the pass, when the stream is done. */
  failImmediately(): void {
    this.checker.dispatcher.defer(this);
  }

  onDeferred(): void {
    if (this.stopped || this.has(HealthFlag.EXCLUDED_VIA_IMMEDIATE_HC_FAIL)) return;
    this.host.healthFlags |= HealthFlag.EXCLUDED_VIA_IMMEDIATE_HC_FAIL;
    const transition = this.noteFailure('passive', false);
    this.first = false;
    this.checker.owner.onHealthCheck(this.host, transition, false);
  }

  private noteFailure(failure: CheckFailure, retriable: boolean): Transition {
    const { settings, stats } = this.checker;
    const network = failure === 'network' || failure === 'network-timeout';
    this.successes = 0;
    let transition: Transition = 'unchanged';
    if (!this.has(HealthFlag.FAILED_ACTIVE_HC)) {
      if ((!network && !retriable) || ++this.failures === settings.unhealthyThreshold) {
        this.host.healthFlags |= HealthFlag.FAILED_ACTIVE_HC;
        stats.healthy--;
        transition = 'changed';
      } else transition = 'pending';
    }
    if (this.has(HealthFlag.FAILED_ACTIVE_HC)) {
      if (failure === 'network-timeout') this.host.healthFlags |= HealthFlag.ACTIVE_HC_TIMEOUT;
      else this.clear(HealthFlag.ACTIVE_HC_TIMEOUT);
    }
    transition = this.noLongerPending(transition);
    stats.failure++;
    if (network) stats.network_failure++;
    else if (failure === 'passive') stats.passive_failure++;
    return transition;
  }

  private noLongerPending(transition: Transition): Transition {
    if (!this.has(HealthFlag.PENDING_ACTIVE_HC)) return transition;
    this.clear(HealthFlag.PENDING_ACTIVE_HC);
    return 'changed';
  }

  private finish(transition: Transition, healthy: boolean): void {
    const { checker } = this;
    const { timers } = checker.dispatcher;
    this.first = false;
    checker.owner.onHealthCheck(this.host, transition, healthy);
    if (this.stopped) return;
    timers.cancel(this.timeoutTimer);
    timers.arm(this.intervalTimer, checker.nextInterval(healthy, transition), checker.dispatcher.now);
  }
}
