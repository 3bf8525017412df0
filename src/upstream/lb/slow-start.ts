import { Health, type HostImpl } from '../host.js';

/** slow_start_config of ROUND_ROBIN and LEAST_REQUEST. */
export interface SlowStartSettings {
  /** How long a host is brought up; ms, from the moment it became healthy (slow_start_window). */
  readonly window: number;
  /** Above 1 the weight grows fast at first, below 1 slowly (aggression, 1). */
  readonly aggression: number;
  /** Share of its weight that a host has at least, 0 to 1 (min_weight_percent, 10 %). */
  readonly minimum: number;
}

/**
 * Brings new hosts up: in the window after it became healthy, a host's weight is its own times `(age / window) ^ (1 / aggression)`. Without health
 * checks the window begins when the balancer first sees the host.
 */
export class SlowStart {
  /** The youngest host became healthy then; no window is open when it lies further back than the window. */
  private latest: number;

  constructor(
    private readonly settings: SlowStartSettings,
    private readonly clock: { readonly now: number },
  ) {
    this.latest = clock.now;
  }

  /** Hosts of a list that is about to be scheduled. */
  note(hosts: readonly HostImpl[]): void {
    const { now } = this.clock;
    for (const host of hosts) {
      if (host.health !== Health.HEALTHY) continue;
      if (host.healthySince < 0) host.healthySince = now;
      const { healthySince } = host;
      if (healthySince > this.latest && now - healthySince <= this.settings.window) this.latest = healthySince;
    }
  }

  get over(): boolean {
    return this.clock.now - this.latest > this.settings.window;
  }

  /** What the weight of a host is multiplied by. */
  factor(host: HostImpl): number {
    if (host.healthySince < 0 || this.over || host.health !== Health.HEALTHY) return 1;
    const { window, aggression, minimum } = this.settings;
    const age = Math.floor(this.clock.now - host.healthySince);
    if (age >= window) return 1;
    const part = Math.max(1, age) / window;
    return Math.max(aggression === 1 ? part : part ** (1 / aggression), minimum);
  }
}
