import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { iptablesCleanup, iptablesText, nftText, type RedirectOptions, redirectTables } from './redirect-rules.js';

const DEFAULTS: RedirectOptions = {
  outboundPort: 15001,
  inboundPort: 15006,
  tunnelPort: 15008,
  uids: ['1337'],
  gids: ['1337'],
  mode: 'REDIRECT',
  includeRanges: ['*'],
  excludeRanges: [],
  inboundPorts: ['*'],
  excludeInboundPorts: ['15090', '15021', '15020'],
  includeOutboundPorts: [],
  excludeOutboundPorts: [],
  virtualInterfaces: [],
  excludeInterfaces: [],
  tproxyMark: 1337,
  tproxyTable: 133,
  dropInvalid: false,
};

const iptables = (options: Partial<RedirectOptions> = {}) => iptablesText(redirectTables({ ...DEFAULTS, ...options }));
const lines = (text: string, start: string) => text.split('\n').filter((line) => line.startsWith(start));

describe('redirect rules', () => {
  test('of the outbound side stand in the order that keeps the proxy from meeting itself', () => {
    assert.deepEqual(lines(iptables(), '-A ISTIO_OUTPUT'), [
      '-A ISTIO_OUTPUT -o lo -s 127.0.0.6/32 -j RETURN',
      '-A ISTIO_OUTPUT -o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT',
      '-A ISTIO_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN',
      '-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN',
      '-A ISTIO_OUTPUT -o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT',
      '-A ISTIO_OUTPUT -o lo -m owner ! --gid-owner 1337 -j RETURN',
      '-A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN',
      '-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN',
      '-A ISTIO_OUTPUT -j ISTIO_REDIRECT',
    ]);
  });

  test('of the inbound side leave excluded ports, or take those that are named', () => {
    assert.deepEqual(lines(iptables(), '-A ISTIO_INBOUND'), [
      '-A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN',
      '-A ISTIO_INBOUND -p tcp -m multiport --dports 15090,15021,15020 -j RETURN',
      '-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT',
    ]);
    assert.deepEqual(lines(iptables({ inboundPorts: ['4000'] }), '-A ISTIO_INBOUND').slice(1), [
      '-A ISTIO_INBOUND -p tcp --dport 4000 -j ISTIO_IN_REDIRECT',
    ]);
    assert.deepEqual(lines(iptables({ inboundPorts: [] }), '-A PREROUTING'), []);
  });

  test('ranges, ports and interfaces of the outbound side', () => {
    const text = iptables({
      includeRanges: ['10.0.0.0/8'],
      excludeRanges: ['10.1.0.0/16'],
      includeOutboundPorts: ['31000'],
      excludeOutboundPorts: ['22', '443'],
      virtualInterfaces: ['eth1'],
      excludeInterfaces: ['eth2'],
    });
    const output = lines(text, '-A ISTIO_OUTPUT');
    assert.equal(output[0], '-A ISTIO_OUTPUT -p tcp -m multiport --dports 22,443 -j RETURN');
    assert.deepEqual(output.slice(-3), [
      '-A ISTIO_OUTPUT -d 10.1.0.0/16 -j RETURN',
      '-A ISTIO_OUTPUT -p tcp --dport 31000 -j ISTIO_REDIRECT',
      '-A ISTIO_OUTPUT -d 10.0.0.0/8 -j ISTIO_REDIRECT',
    ]);
    assert.deepEqual(lines(text, '-I PREROUTING'), [
      '-I PREROUTING 1 -i eth1 -j RETURN',
      '-I PREROUTING 1 -i eth1 -d 10.0.0.0/8 -j ISTIO_REDIRECT',
    ]);
    assert.deepEqual(lines(text, '-A PREROUTING')[0], '-A PREROUTING -i eth2 -j RETURN');
  });

  test('a loopback range among those to capture keeps the application’s calls to itself from passing', () => {
    assert.ok(!iptables({ includeRanges: ['127.1.2.3/32'] }).includes('! --uid-owner'));
  });

  test('more ports than one rule may name are spread over several', () => {
    const ports = Array.from({ length: 31 }, (_, i) => String(1000 + i));
    assert.equal(lines(iptables({ excludeOutboundPorts: ports }), '-A ISTIO_OUTPUT -p tcp').length, 3);
  });

  test('TPROXY marks inbound packets and leaves the outbound side as it is', () => {
    const text = iptables({ mode: 'TPROXY' });
    assert.ok(
      text.includes('-A ISTIO_TPROXY ! -d 127.0.0.1/32 -p tcp -j TPROXY --tproxy-mark 1337/0xffffffff --on-port 15006'),
    );
    assert.ok(text.includes('-A ISTIO_INBOUND -s 127.0.0.6/32') || text.includes('-s 127.0.0.6/32 -p tcp'));
    assert.ok(text.includes('-A ISTIO_OUTPUT -j ISTIO_REDIRECT'));
  });

  test('the cleanup undoes every rule of a built-in chain and removes the others', () => {
    const calls = iptablesCleanup(redirectTables(DEFAULTS)).map((words) => words.join(' '));
    assert.deepEqual(calls.slice(0, 2), [
      '-t nat -D PREROUTING -p tcp -j ISTIO_INBOUND',
      '-t nat -D OUTPUT -p tcp -j ISTIO_OUTPUT',
    ]);
    for (const chain of ['ISTIO_INBOUND', 'ISTIO_REDIRECT', 'ISTIO_IN_REDIRECT', 'ISTIO_OUTPUT'])
      assert.ok(calls.includes(`-t nat -F ${chain}`) && calls.includes(`-t nat -X ${chain}`));
  });

  test('nft gets the same rules as one table that replaces the last', () => {
    const text = nftText(redirectTables({ ...DEFAULTS, virtualInterfaces: ['eth1'] }));
    assert.ok(text.startsWith('table ip halfopen-nat {}\ndelete table ip halfopen-nat\n'));
    assert.ok(
      text.includes('oifname lo ip daddr != 127.0.0.1/32 tcp dport != 15008 meta skuid 1337 jump ISTIO_IN_REDIRECT'),
    );
    // What iptables inserts before the rest comes first here, the last one on top.
    const prerouting = text
      .slice(text.indexOf('hook prerouting'))
      .split('\n')
      .slice(1, 4)
      .map((line) => line.trim());
    assert.deepEqual(prerouting, [
      'iifname eth1 jump ISTIO_REDIRECT',
      'iifname eth1 return',
      'meta l4proto tcp jump ISTIO_INBOUND',
    ]);
  });
});
