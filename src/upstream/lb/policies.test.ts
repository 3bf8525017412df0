import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../base/random.js';
import { ClusterStats } from '../cluster-stats.js';
import { HealthFlag, type HostImpl, NO_LOCALITY } from '../host.js';
import { PrioritySet } from '../priority-set.js';
import { ANY_HOST, FakeHistogram, makeHost } from '../test-kit.js';
import type { LbSettings } from './load-balancer.js';
import { type LbPolicy, makeLoadBalancer } from './policies.js';
import { DEFAULT_ZONE_SETTINGS } from './zone-routing.js';

const PLAIN: LbSettings = {
  panicThreshold: 50,
  failTrafficOnPanic: false,
  localityWeighted: false,
  zone: DEFAULT_ZONE_SETTINGS,
};
const LEAST: LbPolicy = { name: 'LEAST_REQUEST', choiceCount: 2, activeRequestBias: 1 };

function bed(policy: LbPolicy, groups: HostImpl[][], settings: Partial<LbSettings> = {}, weights: number[] = []) {
  const set = new PrioritySet(140);
  const stats = new ClusterStats(() => new FakeHistogram());
  const lb = makeLoadBalancer(
    policy,
    set,
    { ...PLAIN, ...settings },
    {
      stats,
      random: seededRandom(5),
      clock: { now: 0 },
      local: null,
    },
  );
  set.onUpdate(() => lb.refresh());
  set.update(
    0,
    groups.map((hosts, i) => ({ locality: NO_LOCALITY, weight: weights[i] ?? 0, hosts })),
  );
  const count = (picks: number) => {
    const counts = new Map<HostImpl | null, number>();
    for (let i = 0; i < picks; i++) {
      const host = lb.choose(ANY_HOST);
      counts.set(host, (counts.get(host) ?? 0) + 1);
    }
    return groups.flat().map((host) => counts.get(host) ?? 0);
  };
  return { set, stats, lb, count };
}

const hosts = (...weights: number[]) => weights.map((weight, i) => makeHost(`10.0.0.${i}:80`, weight));
const sick = (address: string) => makeHost(address, 1, HealthFlag.FAILED_EDS_HEALTH);

describe('round robin', () => {
  it('uses hosts in turn', () => {
    assert.deepEqual(bed({ name: 'ROUND_ROBIN' }, [hosts(1, 1, 1)]).count(9), [3, 3, 3]);
  });

  it('uses hosts by their weights, evenly spread', () => {
    const { count } = bed({ name: 'ROUND_ROBIN' }, [hosts(1, 3)]);
    for (let i = 0; i < 5; i++) assert.deepEqual(count(4), [1, 3]);
  });

  it('goes on in turn when a host comes', () => {
    const [a, b, c] = hosts(1, 1, 1);
    const { set, lb } = bed({ name: 'ROUND_ROBIN' }, [[a, b]]);
    lb.choose(ANY_HOST);
    set.update(0, [{ locality: NO_LOCALITY, weight: 0, hosts: [a, b, c] }]);
    const seen = new Set([lb.choose(ANY_HOST), lb.choose(ANY_HOST), lb.choose(ANY_HOST)]);
    assert.equal(seen.size, 3);
  });
});

describe('least request', () => {
  it('never picks the busier of the two it drew', () => {
    const list = hosts(1, 1);
    list[0].stats.rq_active = 10;
    const [busy, free] = bed(LEAST, [list]).count(1000);
    // Only when it was drawn twice.
    assert.ok(busy > 150 && busy < 350 && busy + free === 1000, String(busy));
  });

  it('divides weights by load when weights differ', () => {
    const list = hosts(1, 3);
    assert.deepEqual(bed(LEAST, [list]).count(400), [100, 300]);
    list[1].stats.rq_active = 5;
    const [light, heavy] = bed(LEAST, [list]).count(300);
    assert.deepEqual([light, heavy], [200, 100]);
  });

  it('finds the one free host when it looks at all', () => {
    const list = hosts(1, 1, 1, 1);
    for (const host of list) host.stats.rq_active = host === list[2] ? 0 : 1;
    assert.deepEqual(bed({ ...LEAST, fullScan: true }, [list]).count(50), [0, 0, 50, 0]);
    list[0].stats.rq_active = 0;
    const [first, , third] = bed({ ...LEAST, fullScan: true }, [list]).count(1000);
    assert.ok(first > 400 && first + third === 1000, String(first));
  });

  it('draws as many as it is told', () => {
    const list = hosts(1, 1, 1, 1);
    for (const host of list.slice(1)) host.stats.rq_active = 1;
    const [least] = bed({ ...LEAST, choiceCount: 20 }, [list]).count(200);
    assert.ok(least > 190, String(least));
  });
});

describe('random', () => {
  it('picks every host about as often, whatever the weights', () => {
    for (const n of bed({ name: 'RANDOM' }, [hosts(1, 50, 1)]).count(3000)) assert.ok(n > 850 && n < 1150, String(n));
  });
});

describe('any policy', () => {
  for (const policy of [LEAST, { name: 'ROUND_ROBIN' } as const, { name: 'RANDOM' } as const]) {
    it(`finds nothing in an empty cluster (${policy.name})`, () => {
      assert.equal(bed(policy, [[]]).lb.choose(ANY_HOST), null);
      assert.equal(bed(policy, []).lb.choose(ANY_HOST), null);
    });

    it(`leaves unhealthy hosts out (${policy.name})`, () => {
      const list = [makeHost('10.0.0.1:80'), sick('10.0.0.2:80')];
      assert.deepEqual(bed(policy, [list]).count(50), [50, 0]);
    });

    it(`panics: uses all hosts when too few are healthy (${policy.name})`, () => {
      const list = [makeHost('10.0.0.1:80'), sick('10.0.0.2:80'), sick('10.0.0.3:80')];
      const { count, stats } = bed(policy, [list]);
      for (const n of count(300)) assert.ok(n > 50, String(n));
      assert.equal(stats.lb_healthy_panic, 300);
    });

    it(`fails instead of panicking when told so (${policy.name})`, () => {
      const { lb, stats } = bed(policy, [[sick('10.0.0.2:80')]], { failTrafficOnPanic: true });
      assert.equal(lb.choose(ANY_HOST), null);
      assert.equal(stats.lb_healthy_panic, 1);
    });

    it(`finds nothing among unhealthy hosts when panic is off (${policy.name})`, () => {
      const { lb, stats } = bed(policy, [[sick('10.0.0.2:80')]], { panicThreshold: 0 });
      assert.equal(lb.choose(ANY_HOST), null);
      assert.equal(stats.lb_healthy_panic, 0);
    });

    it(`picks again while the retry asks for another host, and settles for the last (${policy.name})`, () => {
      const { lb } = bed(policy, [hosts(1, 1)]);
      let asked = 0;
      const host = lb.choose({ ...ANY_HOST, hostSelectionRetryCount: 3, shouldSelectAnotherHost: () => ++asked > 0 });
      assert.notEqual(host, null);
      assert.equal(asked, 3);
    });
  }

  it('spreads over localities by their weights, and gives none to one without weight', () => {
    const groups = [hosts(1, 1), hosts(1), hosts(1)];
    const counts = bed({ name: 'ROUND_ROBIN' }, groups, { localityWeighted: true }, [1, 3, 0]).count(400);
    assert.deepEqual(counts, [50, 50, 300, 0]);
  });

  it('counts a locality by the share of it that is healthy', () => {
    const groups = [[makeHost('10.0.0.1:80'), sick('10.0.0.2:80')], hosts(1)];
    const [half, , whole] = bed({ name: 'ROUND_ROBIN' }, groups, { localityWeighted: true }, [10, 10]).count(1700);
    // 0.5 healthy times 1.4.
    assert.deepEqual([half, whole], [700, 1000]);
  });

  it('fails over to the next priority', () => {
    const { set, lb } = bed(LEAST, [[sick('10.0.0.1:80')]], { panicThreshold: 0 });
    const backup = makeHost('10.0.1.1:80');
    set.update(1, [{ locality: NO_LOCALITY, weight: 0, hosts: [backup] }]);
    for (let i = 0; i < 20; i++) assert.equal(lb.choose(ANY_HOST), backup);
  });
});
