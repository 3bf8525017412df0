import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../base/random.js';
import { xxHash64 } from '../../base/xxhash64.js';
import { ClusterStats } from '../cluster-stats.js';
import { HealthFlag, HostImpl, NO_LOCALITY } from '../host.js';
import { PrioritySet } from '../priority-set.js';
import { ANY_HOST, FakeHistogram, makeHost } from '../test-kit.js';
import type { LbSettings } from './load-balancer.js';
import { murmurHash64 } from './murmur.js';
import { type LbPolicy, makeLoadBalancer } from './policies.js';
import { DEFAULT_ZONE_SETTINGS } from './zone-routing.js';

const RING: LbPolicy = {
  name: 'RING_HASH',
  minimumRingSize: 1024,
  maximumRingSize: 8 * 1024 * 1024,
  murmur: false,
  useHostname: false,
};
const MAGLEV: LbPolicy = { name: 'MAGLEV', tableSize: 65537, useHostname: false };
const PLAIN: LbSettings = {
  panicThreshold: 50,
  failTrafficOnPanic: false,
  localityWeighted: false,
  zone: DEFAULT_ZONE_SETTINGS,
};

function keyed(name: string, weight = 1, healthFlags = 0): HostImpl {
  const metadata = { 'envoy.lb': { hash_key: `host-${name}` } };
  const dial = { host: `10.0.0.${name.charCodeAt(0)}`, port: 80 };
  return new HostImpl({ dial, hostname: name, weight, metadata, locality: NO_LOCALITY, priority: 0, healthFlags });
}

function bed(policy: LbPolicy, hosts: HostImpl[], settings: Partial<LbSettings> = {}) {
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
  set.update(0, [{ locality: NO_LOCALITY, weight: 0, hosts }]);
  const of = (text: string) => lb.choose({ ...ANY_HOST, hash: xxHash64(text) });
  /** The hosts of `key-0` to `key-7`. */
  const eight = () => Array.from({ length: 8 }, (_, i) => of(`key-${i}`)?.hostname ?? '-').join('');
  return { set, stats, lb, of, eight };
}

const three = () => [keyed('a'), keyed('b'), keyed('c')];

describe('hashing balancers', () => {
  // Recorded from Envoy 1.40.
  const recorded: [string, LbPolicy, string][] = [
    ['RING_HASH', RING, 'babbaccb'],
    ['RING_HASH with MURMUR_HASH_2', { ...RING, murmur: true }, 'bbcccbab'],
    ['MAGLEV', MAGLEV, 'aabacabb'],
  ];
  for (const [name, policy, hosts] of recorded)
    it(`find the hosts that Envoy finds (${name})`, () => {
      assert.equal(bed(policy, three()).eight(), hosts);
    });

  for (const policy of [RING, MAGLEV]) {
    it(`move few keys when a host goes (${policy.name})`, () => {
      const hosts = Array.from({ length: 10 }, (_, i) => makeHost(`10.0.0.${i}:80`));
      const { set, of } = bed(policy, hosts);
      const keys = Array.from({ length: 2000 }, (_, i) => `some key ${i}`);
      const before = keys.map(of);
      set.update(0, [{ locality: NO_LOCALITY, weight: 0, hosts: hosts.slice(1) }]);
      let moved = 0;
      keys.forEach((key, i) => {
        if (of(key) !== before[i] && before[i] !== hosts[0]) moved++;
      });
      assert.ok(moved < 200, `${moved} of 2000 moved`);
    });

    it(`give hosts their share (${policy.name})`, () => {
      const [light, heavy] = [makeHost('10.0.0.1:80', 1), makeHost('10.0.0.2:80', 3)];
      const { of } = bed(policy, [light, heavy]);
      let n = 0;
      for (let i = 0; i < 4000; i++) if (of(`k${i}`) === heavy) n++;
      assert.ok(n > 2750 && n < 3250, String(n));
    });

    it(`take any host for a request without a hash (${policy.name})`, () => {
      const { lb } = bed(policy, three());
      const seen = new Set(Array.from({ length: 60 }, () => lb.choose(ANY_HOST)));
      assert.equal(seen.size, 3);
    });

    it(`leave unhealthy hosts out, and use all in a panic (${policy.name})`, () => {
      const sick = HealthFlag.FAILED_EDS_HEALTH;
      assert.match(bed(policy, [keyed('a'), keyed('b'), keyed('c', 1, sick)]).eight(), /^[ab]{8}$/);
      const panic = bed(policy, [keyed('a'), keyed('b', 1, sick), keyed('c', 1, sick)]);
      assert.equal(panic.eight(), bed(policy, three()).eight());
      assert.equal(panic.stats.lb_healthy_panic, 8);
      assert.equal(bed(policy, [keyed('a', 1, sick)], { failTrafficOnPanic: true }).of('x'), null);
      assert.equal(bed(policy, [keyed('a', 1, sick)], { panicThreshold: 0 }).of('x'), null);
    });

    it(`find nothing in an empty cluster (${policy.name})`, () => {
      assert.equal(bed(policy, []).of('x'), null);
    });

    it(`go on to another host when a retry asks for one (${policy.name})`, () => {
      const { lb, of } = bed(policy, three());
      const first = of('key-1')!;
      const context = {
        ...ANY_HOST,
        hash: xxHash64('key-1'),
        hostSelectionRetryCount: 50,
        shouldSelectAnotherHost: (host: unknown) => host === first,
      };
      assert.notEqual(lb.choose(context), first);
    });
  }

  it('know hosts by name when told so', () => {
    const named = (address: string, hostname: string) => {
      const dial = { host: address, port: 80 };
      const settings = { dial, hostname, weight: 1, metadata: {}, locality: NO_LOCALITY, priority: 0, healthFlags: 0 };
      return new HostImpl(settings);
    };
    const at = (net: string) => [named(`${net}.1`, 'x'), named(`${net}.2`, 'y'), named(`${net}.3`, 'z')];
    const policy: LbPolicy = { ...RING, useHostname: true };
    assert.equal(bed(policy, at('10.0.0')).eight(), bed(policy, at('10.9.9')).eight());
    assert.notEqual(bed(RING, at('10.0.0')).eight(), bed(RING, at('10.9.9')).eight());
  });

  it('count every byte of a key in murmur hashes', () => {
    const seen = new Set(Array.from({ length: 1000 }, (_, i) => murmurHash64('x'.repeat(i))));
    assert.equal(seen.size, 1000);
  });
});
