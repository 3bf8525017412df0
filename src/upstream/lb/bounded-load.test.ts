import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../base/random.js';
import { makeHost } from '../test-kit.js';
import { boundedTable } from './bounded-load.js';
import { maglevTable } from './maglev.js';
import { MersenneTwister } from './mersenne-twister.js';

describe('MT19937', () => {
  it('gives the sequence of its authors', () => {
    const random = new MersenneTwister(5489);
    let last = 0;
    for (let i = 0; i < 10_000; i++) last = random.u32();
    assert.equal(last, 4123659995);
  });
});

describe('consistent hashing with bounded loads', () => {
  const hosts = Array.from({ length: 7 }, (_, i) => ({
    host: makeHost(`10.0.0.${i}:80`),
    key: `k${i}`,
    share: 1 / 7,
  }));

  it('never loads a host beyond its part of the average, whatever the keys (property)', () => {
    const random = seededRandom(11);
    for (const factor of [100, 125, 200]) {
      const cluster = { upstream_rq_active: 0 };
      const table = boundedTable(maglevTable(hosts, 1009), hosts, factor, cluster);
      for (const { host } of hosts) host.stats.rq_active = 0;
      for (let i = 0; i < 500; i++) {
        // A few keys are asked for far more often than others.
        const host = table.choose(BigInt((random.u32() % 5) * 7919), 0);
        const slots = Math.max(1, Math.ceil(Math.floor(((cluster.upstream_rq_active + 1) * factor + 99) / 100) / 7));
        assert.ok(host.stats.rq_active <= slots, `${host.stats.rq_active} of ${slots}`);
        host.stats.rq_active++;
        cluster.upstream_rq_active++;
      }
    }
  });

  it('sends a key to its own host while that has room', () => {
    for (const { host } of hosts) host.stats.rq_active = 0;
    const inner = maglevTable(hosts, 1009);
    const table = boundedTable(inner, hosts, 150, { upstream_rq_active: 0 });
    for (let i = 0n; i < 200n; i++) assert.equal(table.choose(i, 0), inner.choose(i, 0));
  });

  it('takes the least overloaded when all are full', () => {
    for (const { host } of hosts) host.stats.rq_active = 50;
    hosts[4].host.stats.rq_active = 40;
    const table = boundedTable(maglevTable(hosts, 1009), hosts, 100, { upstream_rq_active: 7 });
    for (let i = 0n; i < 50n; i++) assert.equal(table.choose(i, 0), hosts[4].host);
  });
});
