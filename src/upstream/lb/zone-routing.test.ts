import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../base/random.js';
import { ClusterStats } from '../cluster-stats.js';
import type { HostImpl, Locality } from '../host.js';
import { PrioritySet } from '../priority-set.js';
import { ANY_HOST, FakeHistogram, makeHost } from '../test-kit.js';
import { makeLoadBalancer } from './policies.js';
import { DEFAULT_ZONE_SETTINGS, LocalCluster, type ZoneSettings } from './zone-routing.js';

const zone = (name: string): Locality => ({ region: 'r', zone: name, subZone: '' });

function groups(counts: Record<string, number>) {
  return Object.entries(counts).map(([name, count], n) => ({
    locality: zone(name),
    weight: 0,
    hosts: Array.from({ length: count }, (_, i) => makeHost(`10.0.${n}.${i}:80`)),
  }));
}

/** Share of picks that stay in zone `a`, given how many proxies and how many hosts stand in each zone. */
function bed(proxies: Record<string, number>, hosts: Record<string, number>, given: Partial<ZoneSettings> = {}) {
  const localSet = new PrioritySet(140);
  localSet.update(0, groups(proxies));
  const local = new LocalCluster('local', zone('a'));
  const set = new PrioritySet(140);
  const stats = new ClusterStats(() => new FakeHistogram());
  const settings = {
    panicThreshold: 50,
    failTrafficOnPanic: false,
    localityWeighted: false,
    zone: { ...DEFAULT_ZONE_SETTINGS, ...given },
  };
  const deps = { stats, random: seededRandom(9), clock: { now: 0 }, local };
  const lb = makeLoadBalancer({ name: 'ROUND_ROBIN' }, set, settings, deps);
  set.onUpdate(() => lb.refresh());
  local.onChange(() => lb.refresh());
  const made = groups(hosts);
  set.update(0, made);
  const own = new Set<HostImpl | null>(made.filter((group) => group.locality.zone === 'a').flatMap((g) => g.hosts));
  const staying = () => {
    let n = 0;
    for (let i = 0; i < 4000; i++) if (own.has(lb.choose(ANY_HOST))) n++;
    return n / 4000;
  };
  const near = (expected: number) => {
    const share = staying();
    assert.ok(Math.abs(share - expected) < 0.04, `${share} is not ${expected}`);
  };
  return { local, localSet, stats, staying, near };
}

describe('zone aware routing', () => {
  it('plays no part before the local cluster is known, then keeps everything in the zone when its hosts suffice', () => {
    const b = bed({ a: 1, b: 1 }, { b: 4, a: 4 });
    b.near(0.5);
    b.local.follow(b.localSet);
    assert.equal(b.staying(), 1);
    assert.equal(b.stats.lb_zone_routing_all_directly, 4000);
  });

  it('sends on what the hosts of the zone cannot take', () => {
    const b = bed({ a: 2, b: 1 }, { a: 3, b: 3 });
    b.local.follow(b.localSet);
    b.near(0.75);
    assert.ok(b.stats.lb_zone_routing_sampled > 0 && b.stats.lb_zone_routing_cross_zone > 0);
    b.localSet.update(0, groups({ a: 1, b: 1 }));
    assert.equal(b.staying(), 1);
  });

  it('is off for small clusters, and when the zone has no proxy of the local cluster', () => {
    const small = bed({ a: 1, b: 1 }, { a: 2, b: 2 });
    small.local.follow(small.localSet);
    small.near(0.5);
    assert.ok(small.stats.lb_zone_cluster_too_small > 0);
    const absent = bed({ b: 1, c: 1 }, { a: 4, b: 4 });
    absent.local.follow(absent.localSet);
    absent.near(0.5);
    assert.ok(absent.stats.lb_local_cluster_not_ok > 0);
  });

  it('is forced while the zone has enough hosts', () => {
    const b = bed({ a: 5, b: 1 }, { a: 2, b: 6 }, { forceLocalMinSize: 2 });
    b.local.follow(b.localSet);
    assert.equal(b.staying(), 1);
    const fewer = bed({ a: 5, b: 1 }, { a: 1, b: 6 }, { forceLocalMinSize: 2 });
    fewer.local.follow(fewer.localSet);
    assert.ok(fewer.staying() < 0.5);
  });

  it('looks at zones for a part of the picks only', () => {
    const b = bed({ a: 1, b: 1 }, { a: 4, b: 4 }, { routingEnabled: 50 });
    b.local.follow(b.localSet);
    b.near(0.75);
  });
});
