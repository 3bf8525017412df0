import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Random, seededRandom } from '../../base/random.js';
import { HealthFlag, type HostImpl } from '../host.js';
import { makeHost, TestLoop } from '../test-kit.js';
import { type OutlierSettings, readOutlierDetection } from './outlier-config.js';
import { OutlierDetector } from './outlier-detector.js';
import { OutlierStats } from './outlier-stats.js';

const DEFAULTS = readOutlierDetection({ outlier_detection: {} } as Parameters<typeof readOutlierDetection>[0])!;

const ejected = (host: HostImpl) => (host.healthFlags & HealthFlag.FAILED_OUTLIER_CHECK) !== 0;

function anySettings(random: Random): OutlierSettings {
  const pick = (...values: number[]) => values[random.u32() % values.length];
  const enforce = () => pick(0, 50, 100);
  return {
    ...DEFAULTS,
    interval: pick(200, 1000),
    baseEjectionTime: pick(500, 3000),
    maxEjectionTime: pick(3000, 10_000),
    maxEjectionTimeJitter: pick(0, 700),
    maxEjectionPercent: pick(0, 10, 34, 50, 100),
    alwaysEjectOneHost: random.u32() % 2 === 0,
    split: random.u32() % 2 === 0,
    consecutive5xx: pick(1, 3, 5),
    consecutiveGatewayFailure: pick(1, 4),
    consecutiveLocalOriginFailure: pick(1, 4),
    successRateMinimumHosts: pick(2, 5),
    successRateRequestVolume: pick(5, 20),
    failurePercentageMinimumHosts: pick(2, 5),
    failurePercentageRequestVolume: pick(5, 20),
    enforcing: {
      consecutive_5xx: enforce(),
      consecutive_gateway_failure: enforce(),
      consecutive_local_origin_failure: enforce(),
      success_rate: enforce(),
      local_origin_success_rate: enforce(),
      failure_percentage: enforce(),
      local_origin_failure_percentage: enforce(),
    },
  };
}

/** A cluster whose hosts answer well and badly at random, come and go; every ejection is looked at when it happens. */
class Bed {
  readonly random: Random;
  readonly loop: TestLoop;
  readonly stats = new OutlierStats();
  readonly settings: OutlierSettings;
  readonly detector: OutlierDetector;
  hosts: HostImpl[] = [];
  private readonly since = new Map<HostImpl, number>();
  private made = 0;

  constructor(readonly seed: number) {
    this.random = seededRandom(seed);
    this.loop = new TestLoop(seed);
    this.settings = anySettings(this.random);
    this.detector = new OutlierDetector(this.settings, this.stats, this.loop.dispatcher, (host, failed) =>
      this.onChange(host, failed),
    );
    this.detector.start();
    for (let i = 1 + (this.random.u32() % 12); i > 0; i--) this.add();
  }

  add(): void {
    const host = makeHost(`10.0.${this.made >> 8}.${this.made++ & 255}:80`);
    this.hosts.push(host);
    this.detector.add(host);
  }

  remove(): void {
    const [host] = this.hosts.splice(this.random.u32() % this.hosts.length, 1);
    this.detector.remove(host);
  }

  private onChange(host: HostImpl, failed: boolean): void {
    const { settings, loop } = this;
    assert.equal(ejected(host), failed, `seed ${this.seed}`);
    const now = loop.dispatcher.now;
    if (failed) {
      const out = this.hosts.filter(ejected).length;
      const share = (100 * out) / this.hosts.length;
      const allowed = share <= settings.maxEjectionPercent || (settings.alwaysEjectOneHost && out === 1);
      assert.ok(
        allowed,
        `seed ${this.seed}: ${out} of ${this.hosts.length} are out, ${settings.maxEjectionPercent} % may be`,
      );
      this.since.set(host, now);
      return;
    }
    const time = now - this.since.get(host)!;
    assert.ok(
      time >= Math.min(settings.baseEjectionTime, settings.maxEjectionTime),
      `seed ${this.seed}: back after ${time}`,
    );
  }

  /** How long a host can be out: a round more than the longest ejection. */
  get longest(): number {
    const { maxEjectionTime, maxEjectionTimeJitter, interval } = this.settings;
    return maxEjectionTime + maxEjectionTimeJitter + 2 * interval + 10;
  }

  event(): void {
    const { random, loop } = this;
    const host = this.hosts[random.u32() % this.hosts.length];
    const bad = host.address.charCodeAt(host.address.length - 4) % 2 === 0 || random.u32() % 5 === 0;
    switch (random.u32() % 12) {
      case 0:
        loop.advance(random.u32() % 1500);
        break;
      case 1:
        if (this.hosts.length < 20) loop.pass(() => this.add());
        break;
      case 2:
        if (this.hosts.length > 1) loop.pass(() => this.remove());
        break;
      case 3:
        loop.pass(() => host.outlier.putResult(bad ? 'connect-failed' : 'connect-success', bad ? 503 : null));
        break;
      case 4:
        loop.pass(() => host.outlier.putResult(bad ? 'timeout' : 'request-success', bad ? 504 : null));
        break;
      default:
        loop.pass(() => {
          for (let i = random.u32() % 6; i >= 0; i--)
            host.outlier.putHttpResponseCode(bad ? [500, 502, 503][random.u32() % 3] : 200);
        });
    }
    for (const [one, at] of this.since)
      if (ejected(one) && this.hosts.includes(one))
        assert.ok(loop.dispatcher.now - at <= this.longest, `seed ${this.seed}: out for ${loop.dispatcher.now - at}`);
    assert.equal(this.stats.ejections_active, this.hosts.filter(ejected).length, `seed ${this.seed}`);
  }
}

describe('outlier detection under random outcomes (property)', () => {
  it('ejects no host beyond the limits, lets each come back in time, and its gauge ends at zero', () => {
    let ejections = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const bed = new Bed(seed);
      for (let i = 0; i < 400; i++) bed.event();
      ejections += bed.stats.ejections_enforced_total;
      const { longest } = bed;
      bed.loop.advance(longest);
      assert.deepEqual(bed.hosts.filter(ejected), [], `seed ${seed}`);
      assert.equal(bed.stats.ejections_active, 0);
      bed.detector.stop();
    }
    assert.ok(ejections > 500, `${ejections} ejections`);
  });
});
