import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { headerName } from '../../base/header-names.js';
import { RequestHeaders } from '../../base/headers.js';
import { LogLinearHistogram } from '../../observe/histogram.js';
import type { ConnectionInfo } from '../../observe/stream-info.js';
import { ClusterStats } from '../cluster-stats.js';
import { PrioritySet } from '../priority-set.js';
import { TestLoop } from '../test-kit.js';
import type { LbContext } from '../types.js';
import { OriginalDestinations, parseDestination } from './original-dst.js';

function make(settings: { header?: string; port?: number } = {}) {
  const clock = new TestLoop();
  const set = new PrioritySet(140);
  const stats = new ClusterStats(() => new LogLinearHistogram());
  const { header = null, port = null } = settings;
  const made = new OriginalDestinations({ header, port, cleanupInterval: 5000 }, set, stats, clock.dispatcher);
  made.start(() => {});
  const choose = (localAddress: string, restored = true, headers: Record<string, string> = {}) => {
    const requestHeaders = new RequestHeaders();
    for (const [name, value] of Object.entries(headers)) requestHeaders.add(headerName(name), value);
    const connection = { localAddress, localAddressRestored: restored } as ConnectionInfo;
    clock.dispatcher.enter();
    const host = made.choose({ requestHeaders, downstreamConnection: connection } as unknown as LbContext);
    clock.dispatcher.leave();
    return host;
  };
  return { clock, set, stats, made, choose };
}

describe('an ORIGINAL_DST cluster', () => {
  test('goes where a redirected connection wanted to go, and nowhere with any other', () => {
    const { choose } = make();
    assert.equal(choose('10.0.0.1:80')?.address, '10.0.0.1:80');
    assert.equal(choose('[fd00::1]:80')?.address, '[fd00::1]:80');
    assert.equal(choose('10.0.0.1:80', false), null);
  });

  test('has one host for a destination, known to the cluster after the pass', () => {
    const { choose, set } = make();
    const host = choose('10.0.0.1:80');
    assert.equal(choose('10.0.0.1:80'), host);
    assert.deepEqual(set.at(0).hosts, [host]);
  });

  test('a header goes before the connection, when it is looked at; a bad one is counted', () => {
    const { choose, stats } = make({ header: 'x-envoy-original-dst-host' });
    const header = { 'x-envoy-original-dst-host': '10.7.7.7:77' };
    assert.equal(choose('10.0.0.1:80', true, header)?.address, '10.7.7.7:77');
    assert.equal(choose('10.0.0.1:80', true, { 'x-envoy-original-dst-host': 'host:77' })?.address, '10.0.0.1:80');
    assert.equal(stats.original_dst_host_invalid, 1);
    assert.equal(make().choose('10.0.0.1:80', true, header)?.address, '10.0.0.1:80');
  });

  test('a port of the cluster takes the place of the destination’s', () => {
    assert.equal(make({ port: 9 }).choose('10.0.0.1:80')?.address, '10.0.0.1:9');
  });

  test('hosts that nobody uses are dropped at the second cleanup, hosts with connections stay', () => {
    const { choose, set, clock } = make();
    const kept = choose('10.0.0.1:80')!;
    choose('10.0.0.2:80');
    kept.stats.cx_active = 1;
    clock.advance(5000);
    assert.equal(set.at(0).hosts.length, 2);
    clock.advance(5000);
    assert.deepEqual(set.at(0).hosts, [kept]);
  });

  test('addresses are IP and port and nothing else', () => {
    assert.deepEqual(parseDestination('1.2.3.4:0'), { ip: '1.2.3.4', port: 0 });
    for (const text of [
      '',
      '1.2.3.4',
      '1.2.3.4:',
      '1.2.3.4:65536',
      '1.2.3.4:8x',
      'a:1',
      '::1:80',
      '[1.2.3.4]:80',
      '[::1:80',
    ])
      assert.equal(parseDestination(text), null, text);
  });
});
