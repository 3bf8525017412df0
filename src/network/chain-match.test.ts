import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../base/random.js';
import { addressBits, ChainIndex, type ChainMatch, type ConnectionFacts } from './chain-match.js';

const ANY: ChainMatch = {
  prefix_ranges: [],
  server_names: [],
  transport_protocol: '',
  application_protocols: [],
  direct_source_prefix_ranges: [],
  source_type: 'ANY',
  source_prefix_ranges: [],
  source_ports: [],
};

const FACTS: ConnectionFacts = {
  localIp: '10.0.0.1',
  localPort: 80,
  directRemoteIp: '10.9.9.9',
  remoteIp: '10.9.9.9',
  remotePort: 40000,
  serverName: '',
  transportProtocol: 'raw_buffer',
  applicationProtocols: [],
};

function index(chains: Record<string, Partial<ChainMatch>>): (facts: Partial<ConnectionFacts>) => string | null {
  const made = new ChainIndex<string>();
  for (const [name, match] of Object.entries(chains)) assert.ok(made.add({ ...ANY, ...match }, name));
  return (facts) => made.find({ ...FACTS, ...facts });
}

const range = (text: string) => {
  const [address_prefix, bits] = text.split('/');
  return { address_prefix, prefix_len: Number(bits) };
};

describe('which filter chain takes a connection', () => {
  test('a chain for the port hides those without one, also when nothing in it matches', () => {
    const find = index({ any: {}, port: { destination_port: 80, transport_protocol: 'tls' } });
    assert.equal(find({}), null);
    assert.equal(find({ transportProtocol: 'tls' }), 'port');
    assert.equal(find({ localPort: 81 }), 'any');
  });

  test('the longest prefix of the destination wins, and IPv4 and IPv6 are apart', () => {
    const find = index({
      any: {},
      wide: { prefix_ranges: [range('10.0.0.0/8'), range('fd00::/8')] },
      narrow: { prefix_ranges: [range('10.0.0.0/28')] },
      exact: { prefix_ranges: [range('fd00::1/128')] },
    });
    assert.equal(find({}), 'narrow');
    assert.equal(find({ localIp: '10.0.0.16' }), 'wide');
    assert.equal(find({ localIp: '11.0.0.1' }), 'any');
    assert.equal(find({ localIp: 'fd00::1' }), 'exact');
    assert.equal(find({ localIp: 'fd00:0:0::2' }), 'wide');
    assert.equal(find({ localIp: 'fe80::1' }), 'any');
  });

  test('server names: exact, then the longest wildcard, then none; case does not count', () => {
    const find = index({
      none: {},
      exact: { server_names: ['A.example.com'] },
      wild: { server_names: ['*.example.com'] },
      wide: { server_names: ['*.com'] },
    });
    assert.equal(find({ serverName: 'a.example.com' }), 'exact');
    assert.equal(find({ serverName: 'b.a.example.com' }), 'wild');
    assert.equal(find({ serverName: 'example.com' }), 'wide');
    assert.equal(find({ serverName: 'com' }), 'none');
    assert.equal(find({ serverName: '' }), 'none');
  });

  test('a more specific step that leads nowhere is not given up for a less specific one', () => {
    const find = index({ any: {}, named: { server_names: ['a.b'], application_protocols: ['h2'] } });
    assert.equal(find({ serverName: 'a.b' }), null);
    assert.equal(find({ serverName: 'a.b', applicationProtocols: ['x', 'h2'] }), 'named');
  });

  test('application protocols are looked for in the order of the client', () => {
    const find = index({ one: { application_protocols: ['one'] }, two: { application_protocols: ['two'] } });
    assert.equal(find({ applicationProtocols: ['two', 'one'] }), 'two');
    assert.equal(find({ applicationProtocols: ['none', 'one'] }), 'one');
    assert.equal(find({}), null);
  });

  test('sources: type, prefix and port; only 127.0.0.1 and the own address count as local', () => {
    const find = index({
      any: {},
      local: { source_type: 'SAME_IP_OR_LOOPBACK' },
      from: { source_prefix_ranges: [range('10.9.0.0/16')], source_ports: [7] },
    });
    assert.equal(find({ remoteIp: '127.0.0.1' }), 'local');
    assert.equal(find({ remoteIp: '10.0.0.1' }), 'local');
    assert.equal(find({ remoteIp: '127.0.0.2' }), 'any');
    assert.equal(find({ remotePort: 7 }), 'from');
    assert.equal(find({ remotePort: 8 }), null);
  });

  test('two chains that match the same are told', () => {
    const made = new ChainIndex<string>();
    assert.ok(made.add({ ...ANY, server_names: ['a', 'b'] }, 'first'));
    assert.ok(!made.add({ ...ANY, server_names: ['b'] }, 'second'));
  });

  test('a prefix is found as counting bits finds it', () => {
    const random = seededRandom(7);
    const ip = () => Array.from({ length: 4 }, () => random.u32() % 4).join('.');
    const bits = (text: string) => text.split('.').reduce((n, part) => n * 256 + Number(part), 0);
    for (let round = 0; round < 300; round++) {
      const ranges = Array.from({ length: 5 }, () => `${ip()}/${random.u32() % 33}`);
      const made = new ChainIndex<string>();
      for (const text of ranges) made.add({ ...ANY, prefix_ranges: [range(text)] }, text);
      const localIp = ip();
      const best = ranges
        .map((text) => ({ length: Number(text.split('/')[1]), of: bits(text.split('/')[0]) }))
        .filter(({ length, of }) => length === 0 || of >>> (32 - length) === bits(localIp) >>> (32 - length))
        .reduce((max, { length }) => Math.max(max, length), -1);
      const found = made.find({ ...FACTS, localIp });
      assert.equal(found === null ? -1 : Number(found.split('/')[1]), best, `${localIp} in ${ranges}`);
    }
  });

  test('addresses that are none have no bits', () => {
    assert.equal(addressBits('nowhere'), null);
    assert.deepEqual([...addressBits('::ffff:1.2.3.4')!.bytes.subarray(10)], [255, 255, 1, 2, 3, 4]);
    assert.deepEqual([...addressBits('1::2')!.bytes], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
  });
});
