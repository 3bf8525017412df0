import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../base/random.js';
import { ClusterStats } from '../cluster-stats.js';
import { HealthFlag, type HostImpl, NO_LOCALITY } from '../host.js';
import { PrioritySet } from '../priority-set.js';
import { ANY_HOST, FakeHistogram, makeHost } from '../test-kit.js';
import { type LbPolicy, makeLoadBalancer } from './policies.js';
import { SlowStart, type SlowStartSettings } from './slow-start.js';
import { DEFAULT_ZONE_SETTINGS } from './zone-routing.js';

const TEN_SECONDS: SlowStartSettings = { window: 10_000, aggression: 1, minimum: 0.1 };

function bed(policy: LbPolicy, hosts: HostImpl[], clock: { now: number }) {
  const set = new PrioritySet(140);
  const settings = {
    panicThreshold: 50,
    failTrafficOnPanic: false,
    localityWeighted: false,
    zone: DEFAULT_ZONE_SETTINGS,
  };
  const lb = makeLoadBalancer(policy, set, settings, {
    stats: new ClusterStats(() => new FakeHistogram()),
    random: seededRandom(3),
    clock,
    local: null,
  });
  set.onUpdate(() => lb.refresh());
  const update = (list: HostImpl[]) => set.update(0, [{ locality: NO_LOCALITY, weight: 0, hosts: list }]);
  update(hosts);
  const count = (picks: number, host: HostImpl) => {
    let n = 0;
    for (let i = 0; i < picks; i++) if (lb.choose(ANY_HOST) === host) n++;
    return n;
  };
  return { count, update };
}

describe('slow start', () => {
  for (const name of ['ROUND_ROBIN', 'LEAST_REQUEST'] as const)
    it(`brings a host that comes later up from a tenth to its whole share (${name})`, () => {
      const clock = { now: 1000 };
      const policy: LbPolicy =
        name === 'ROUND_ROBIN'
          ? { name, slowStart: TEN_SECONDS }
          : { name, choiceCount: 2, activeRequestBias: 1, slowStart: TEN_SECONDS };
      const old = makeHost('10.0.0.1:80');
      const fresh = makeHost('10.0.0.2:80');
      const b = bed(policy, [old], clock);
      clock.now += 20_000;
      b.update([old, fresh]);
      assert.ok(Math.abs(b.count(110, fresh) - 10) <= 1);
      clock.now += 5000;
      b.count(20, fresh);
      assert.ok(Math.abs(b.count(300, fresh) - 100) <= 2);
      clock.now += 6000;
      b.count(20, fresh);
      assert.ok(Math.abs(b.count(300, fresh) - 150) <= 2);
    });

  it('grows fast at first when it is aggressive', () => {
    const clock = { now: 0 };
    const slow = new SlowStart({ window: 1000, aggression: 2, minimum: 0.1 }, clock);
    const host = makeHost('10.0.0.1:80');
    clock.now = 5000;
    slow.note([host]);
    clock.now = 5250;
    assert.equal(slow.factor(host), 0.5);
    clock.now = 6000;
    assert.equal(slow.factor(host), 1);
  });

  it('begins anew when a host is well again, and not while it is ill', () => {
    const clock = { now: 0 };
    const slow = new SlowStart(TEN_SECONDS, clock);
    const host = makeHost('10.0.0.1:80', 1, HealthFlag.FAILED_ACTIVE_HC);
    slow.note([host]);
    assert.equal(host.healthySince, -1);
    clock.now = 50_000;
    host.healthFlags = 0;
    host.healthySince = clock.now;
    slow.note([host]);
    clock.now += 2000;
    assert.equal(slow.factor(host), 0.2);
  });
});
