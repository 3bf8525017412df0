import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DnsSettings } from '../cluster-config.js';
import { ClusterStats } from '../cluster-stats.js';
import type { EndpointConfig } from '../endpoint-config.js';
import { NO_LOCALITY } from '../host.js';
import { PrioritySet } from '../priority-set.js';
import { FakeHistogram, TestLoop } from '../test-kit.js';
import type { DnsAnswer, DnsQuery, DnsResolver } from './dns.js';
import { LogicalDnsDiscovery } from './logical-dns.js';
import { StrictDnsDiscovery } from './strict-dns.js';

const SETTINGS: DnsSettings = {
  refreshRate: 5000,
  jitter: 0,
  failure: null,
  respectTtl: false,
  family: 'AUTO',
  servers: [],
};

class FakeDns implements DnsResolver {
  readonly queries: (DnsQuery & { answer: (addresses: DnsAnswer) => void })[] = [];
  resolve(query: DnsQuery, answer: (addresses: DnsAnswer) => void): void {
    this.queries.push({ ...query, answer });
  }
  /** Answers the oldest query. */
  answer(addresses: string[] | null, ttl: number | null = null): void {
    this.queries.shift()!.answer(addresses?.map((address) => ({ address, ttl })) ?? null);
  }
}

function endpoint(name: string): EndpointConfig {
  return {
    address: name,
    port: 80,
    path: undefined,
    hostname: '',
    weight: 1,
    metadata: {},
    healthFlags: 0,
    healthCheck: null,
  };
}

function bed(kind: 'strict' | 'logical', names: string[], settings: Partial<DnsSettings> = {}, keepsHealthy = false) {
  const loop = new TestLoop();
  const dns = new FakeDns();
  const set = new PrioritySet(140);
  const stats = new ClusterStats(() => new FakeHistogram());
  const group = { priority: 0, locality: NO_LOCALITY, weight: 0, endpoints: names.map(endpoint) };
  const all = { ...SETTINGS, ...settings };
  const discovery =
    kind === 'strict'
      ? new StrictDnsDiscovery([group], set, stats, all, loop.dispatcher, dns, keepsHealthy)
      : new LogicalDnsDiscovery(group, set, stats, all, loop.dispatcher, dns);
  let ready = 0;
  discovery.start(() => ready++);
  const addresses = () => set.at(0).hosts.map((host) => host.address);
  return { loop, dns, set, stats, discovery, addresses, ready: () => ready };
}

describe('STRICT_DNS', () => {
  it('is ready with the first answer and makes a host of every address', () => {
    const b = bed('strict', ['a.test', 'b.test']);
    assert.equal(b.ready(), 0);
    b.dns.answer(['10.0.0.1', '10.0.0.2', '10.0.0.1']);
    assert.equal(b.ready(), 1);
    b.dns.answer(['10.0.1.1']);
    assert.equal(b.ready(), 1);
    assert.deepEqual(b.addresses(), ['10.0.0.1:80', '10.0.0.2:80', '10.0.1.1:80']);
    assert.equal(b.set.at(0).hosts[0].hostname, 'a.test');
  });

  it('is ready with a failed answer too', () => {
    const b = bed('strict', ['a.test']);
    b.dns.answer(null);
    assert.equal(b.ready(), 1);
    assert.equal(b.stats.update_failure, 1);
  });

  it('asks again dns_refresh_rate after an answer and keeps the hosts that stay', () => {
    const b = bed('strict', ['a.test']);
    b.dns.answer(['10.0.0.1', '10.0.0.2']);
    const [, kept] = b.set.at(0).hosts;
    b.loop.advance(4990);
    assert.equal(b.dns.queries.length, 0);
    b.loop.advance(20);
    b.dns.answer(['10.0.0.3', '10.0.0.2']);
    assert.deepEqual(b.addresses(), ['10.0.0.3:80', '10.0.0.2:80']);
    assert.equal(b.set.at(0).hosts[1], kept);
    assert.equal(b.stats.update_attempt, 2);
    assert.equal(b.stats.update_success, 2);
  });

  it('keeps its hosts when an answer fails, and drops them when the name has none', () => {
    const b = bed('strict', ['a.test']);
    b.dns.answer(['10.0.0.1']);
    b.loop.advance(5004);
    b.dns.answer(null);
    assert.deepEqual(b.addresses(), ['10.0.0.1:80']);
    b.loop.advance(5004);
    b.dns.answer([]);
    assert.deepEqual(b.addresses(), []);
  });

  it('changes nothing when the answer is the same', () => {
    const b = bed('strict', ['a.test']);
    b.dns.answer(['10.0.0.1', '10.0.0.2']);
    b.loop.advance(5004);
    b.dns.answer(['10.0.0.2', '10.0.0.1']);
    assert.equal(b.stats.update_no_rebuild, 1);
    assert.deepEqual(b.addresses(), ['10.0.0.1:80', '10.0.0.2:80']);
  });

  it('follows the TTL when told to', () => {
    const b = bed('strict', ['a.test'], { respectTtl: true });
    assert.equal(b.dns.queries[0].ttl, true);
    b.dns.answer(['10.0.0.1'], 300);
    b.loop.advance(304);
    assert.equal(b.dns.queries.length, 1);
    b.dns.answer(['10.0.0.1'], 0);
    b.loop.advance(4000);
    assert.equal(b.dns.queries.length, 0);
  });

  it('backs off after failures', () => {
    const b = bed('strict', ['a.test'], { failure: { base: 100, max: 400 } });
    for (const limit of [100, 200, 400, 400]) {
      b.dns.answer(null);
      b.loop.advance(limit + 8);
      assert.equal(b.dns.queries.length, 1);
    }
  });

  it('adds jitter', () => {
    const waits = new Set<number>();
    for (let seed = 1; seed < 6; seed++) {
      const b = bed('strict', ['a.test'], { refreshRate: 100, jitter: 1000 });
      for (let i = 0; i < seed; i++) b.loop.dispatcher.random.u32();
      b.dns.answer(['10.0.0.1']);
      let waited = 0;
      while (b.dns.queries.length === 0) {
        b.loop.advance(4);
        waited += 4;
      }
      assert.ok(waited >= 100 && waited <= 1108, String(waited));
      waits.add(waited);
    }
    assert.ok(waits.size > 1);
  });

  it('ignores answers and clocks once stopped', () => {
    const b = bed('strict', ['a.test']);
    b.discovery.stop();
    b.dns.answer(['10.0.0.1']);
    assert.deepEqual(b.addresses(), []);
    assert.equal(b.loop.dispatcher.timers.size, 0);
  });
});

describe('LOGICAL_DNS', () => {
  it('has one host at the first address; another list of addresses is another host', () => {
    const b = bed('logical', ['a.test']);
    b.dns.answer(['10.0.0.1', '10.0.0.2']);
    assert.equal(b.ready(), 1);
    const [host] = b.set.at(0).hosts;
    assert.equal(host.address, '10.0.0.1:80');
    b.loop.advance(5004);
    b.dns.answer(['10.0.0.1', '10.0.0.2']);
    assert.equal(b.set.at(0).hosts[0], host);
    assert.equal(b.stats.update_no_rebuild, 1);
    b.loop.advance(5004);
    b.dns.answer(['10.0.0.9']);
    assert.deepEqual(b.addresses(), ['10.0.0.9:80']);
    assert.notEqual(b.set.at(0).hosts[0], host);
  });

  it('stays where it is when an answer is empty or failed', () => {
    const b = bed('logical', ['a.test']);
    b.dns.answer(['10.0.0.1']);
    for (const answer of [[], null]) {
      b.loop.advance(5004);
      b.dns.answer(answer);
      assert.deepEqual(b.addresses(), ['10.0.0.1:80']);
    }
    assert.equal(b.stats.update_failure, 2);
  });
});
