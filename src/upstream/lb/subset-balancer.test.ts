import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../base/random.js';
import { ClusterStats } from '../cluster-stats.js';
import { HostImpl, NO_LOCALITY } from '../host.js';
import { PrioritySet } from '../priority-set.js';
import { ANY_HOST, FakeHistogram } from '../test-kit.js';
import { makeLoadBalancer } from './policies.js';
import { SubsetBalancer, type SubsetSettings } from './subset-balancer.js';
import { DEFAULT_ZONE_SETTINGS } from './zone-routing.js';

function host(name: string, metadata: Record<string, unknown>): HostImpl {
  const dial = { host: '10.0.0.1', port: 80 };
  return new HostImpl({
    dial,
    hostname: name,
    weight: 1,
    metadata: { 'envoy.lb': metadata },
    locality: NO_LOCALITY,
    priority: 0,
    healthFlags: 0,
  });
}

const HOSTS = [host('v1', { version: 'v1', stage: 'prod' }), host('v2', { version: 'v2', stage: ['dev', 'test'] })];

function bed(given: Partial<SubsetSettings> = {}, hosts = HOSTS) {
  const set = new PrioritySet(140);
  const stats = new ClusterStats(() => new FakeHistogram());
  const settings: SubsetSettings = {
    fallback: 'NO_FALLBACK',
    defaultSubset: { version: 'v1' },
    selectors: [{ keys: ['version'], fallback: null, fallbackKeys: [] }],
    panicModeAny: false,
    listAsAny: false,
    ...given,
  };
  const lbSettings = {
    panicThreshold: 50,
    failTrafficOnPanic: false,
    localityWeighted: false,
    zone: DEFAULT_ZONE_SETTINGS,
  };
  const lb = new SubsetBalancer(settings, set, stats, (one) =>
    makeLoadBalancer({ name: 'ROUND_ROBIN' }, one, lbSettings, {
      stats,
      random: seededRandom(1),
      clock: { now: 0 },
      local: null,
    }),
  );
  const update = (list: HostImpl[]) => {
    set.update(0, [{ locality: NO_LOCALITY, weight: 0, hosts: list }]);
    lb.refresh();
  };
  update(hosts);
  const choose = (metadataMatch: Record<string, unknown> | null) =>
    lb.choose({ ...ANY_HOST, metadataMatch })?.hostname ?? null;
  return { lb, stats, choose, update };
}

describe('subsets', () => {
  it('hold the hosts whose metadata is what the route asks for', () => {
    const b = bed();
    assert.deepEqual([b.choose({ version: 'v1' }), b.choose({ version: 'v2' })], ['v1', 'v2']);
    assert.deepEqual([b.stats.lb_subsets_selected, b.stats.lb_subsets_active, b.stats.lb_subsets_created], [2, 2, 2]);
  });

  it('give nothing for what they do not have, nor for keys without a selector, when there is no fallback', () => {
    const b = bed();
    assert.deepEqual([b.choose({ version: 'v3' }), b.choose({ stage: 'prod' }), b.choose(null)], [null, null, null]);
  });

  it('fall back to the default subset, or to any host', () => {
    const standard = bed({ fallback: 'DEFAULT_SUBSET' });
    assert.deepEqual([standard.choose({ version: 'v3' }), standard.choose(null)], ['v1', 'v1']);
    assert.equal(standard.stats.lb_subsets_fallback, 2);
    const any = bed({ fallback: 'ANY_ENDPOINT' });
    assert.notEqual(any.choose(null), any.choose(null));
  });

  it('panic into any host when the fallback has none', () => {
    const b = bed({ fallback: 'DEFAULT_SUBSET', defaultSubset: { version: 'v9' }, panicModeAny: true });
    assert.notEqual(b.choose({ version: 'v3' }), null);
    assert.equal(b.stats.lb_subsets_fallback_panic, 1);
  });

  it('follow the fallback of the selector before that of the cluster', () => {
    const b = bed({
      fallback: 'ANY_ENDPOINT',
      selectors: [
        { keys: ['version'], fallback: 'NO_FALLBACK', fallbackKeys: [] },
        { keys: ['stage', 'version'], fallback: 'KEYS_SUBSET', fallbackKeys: ['version'] },
      ],
    });
    assert.equal(b.choose({ version: 'v3' }), null);
    assert.equal(b.choose({ version: 'v2', stage: 'none' }), 'v2');
  });

  it('take each value of a list when told so', () => {
    const selectors = [{ keys: ['stage'], fallback: null, fallbackKeys: [] }];
    assert.equal(bed({ selectors }).choose({ stage: 'test' }), null);
    assert.equal(bed({ selectors, listAsAny: true }).choose({ stage: 'test' }), 'v2');
  });

  it('come and go with their hosts, and the gauge ends at zero', () => {
    const b = bed();
    b.update([HOSTS[0]]);
    assert.deepEqual([b.stats.lb_subsets_active, b.stats.lb_subsets_removed], [1, 1]);
    assert.equal(b.choose({ version: 'v2' }), null);
    b.lb.stop();
    assert.deepEqual([b.stats.lb_subsets_active, b.stats.lb_subsets_removed], [0, 2]);
  });
});
