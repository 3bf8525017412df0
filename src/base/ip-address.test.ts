import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import { describe, it } from 'node:test';
import { canonicalIp, ipv4Number, withPort } from './ip-address.js';
import { seededRandom } from './random.js';

describe('IP addresses', () => {
  it('IPv4 is four octets in decimal without leading zeros', () => {
    assert.equal(ipv4Number('0.0.0.0'), 0);
    assert.equal(ipv4Number('10.1.2.3'), 0x0a010203);
    assert.equal(ipv4Number('255.255.255.255'), 0xffffffff);
    for (const text of ['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1..2.3', '1.2.3.', ' 1.2.3.4', '1.2.3.4:5'])
      assert.equal(ipv4Number(text), -1, text);
  });

  it('agrees with the system about every text made of digits and dots', () => {
    const random = seededRandom(7);
    for (let i = 0; i < 20_000; i++) {
      let text = '';
      for (let n = random.u32() % 5; n >= 0; n--)
        text += `${random.u32() % (random.u32() % 2 === 0 ? 10 : 300)}${random.u32() % 9 === 0 ? '' : '.'}`;
      if (random.u32() % 3 > 0 && text.endsWith('.')) text = text.slice(0, -1);
      assert.equal(ipv4Number(text) >= 0, isIPv4(text), text);
    }
  });

  it('IPv6 is spelled in one way', () => {
    assert.equal(canonicalIp('2001:DB8:0:0:0:0:0:1'), '2001:db8::1');
    assert.equal(canonicalIp('::ffff:1.2.3.4'), '::ffff:1.2.3.4');
    for (const text of ['[::1]', '::1%lo', '1:2', 'a', '']) assert.equal(canonicalIp(text), null, text);
    assert.equal(withPort('::1', 80), '[::1]:80');
    assert.equal(withPort('10.0.0.1', 80), '10.0.0.1:80');
  });
});
