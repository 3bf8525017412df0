import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../base/random.js';
import { huffmanDecode, huffmanEncode, huffmanLength } from './huffman.js';

function encode(text: string): string {
  const buf = Buffer.alloc(text.length * 4 + 4);
  return buf.subarray(0, huffmanEncode(text, buf, 0)).toString('hex');
}

function decode(hex: string): string | null {
  const coded = Buffer.from(hex, 'hex');
  const out = Buffer.alloc(coded.length * 2 + 1);
  const n = huffmanDecode(coded, 0, coded.length, out);
  return n < 0 ? null : out.toString('latin1', 0, n);
}

const VECTORS: [string, string][] = [
  ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
  ['no-cache', 'a8eb10649cbf'],
  ['custom-key', '25a849e95ba97d7f'],
  ['custom-value', '25a849e95bb8e8b4bf'],
  ['302', '6402'],
  ['private', 'aec3771a4b'],
  ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
  ['https://www.example.com', '9d29ad171863c78f0b97c8e9ae82ae43d3'],
  ['gzip', '9bd9ab'],
];

test('strings of RFC 7541 appendix C are coded and decoded as it says', () => {
  for (const [text, hex] of VECTORS) {
    assert.equal(encode(text), hex);
    assert.equal(huffmanLength(text), hex.length / 2);
    assert.equal(decode(hex), text);
  }
});

test('every octet survives coding, the ones with 30 bit codes too', () => {
  const all = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('');
  assert.equal(decode(encode(all)), all);
  for (const char of all) assert.equal(decode(encode(char.repeat(7))), char.repeat(7));
});

test('random strings survive coding and take the length that was foretold', () => {
  const random = seededRandom(7);
  for (let i = 0; i < 2000; i++) {
    let text = '';
    for (let n = random.u32() % 60; n > 0; n--) text += String.fromCharCode(random.u32() % 256);
    const hex = encode(text);
    assert.equal(hex.length / 2, huffmanLength(text));
    assert.equal(decode(hex), text);
  }
});

test('padding of more than seven bits, or not of ones, is refused', () => {
  assert.equal(decode('1f'), 'a', 'a is 00011, then three ones');
  assert.equal(decode('1fff'), null, 'eleven ones');
  assert.equal(decode('18'), null, 'zeros');
  assert.equal(decode('1e'), null, 'the last bit');
  assert.equal(decode('ff'), null, 'padding alone, eight bits');
});

test('the end-of-string symbol inside a string is refused', () => {
  assert.equal(decode('3fffffff'), null);
  assert.equal(decode('1fffffffff'), null);
});

test('random octets never throw, and what is accepted codes back to itself', () => {
  const random = seededRandom(8);
  for (let i = 0; i < 5000; i++) {
    const bytes = Buffer.from(Array.from({ length: 1 + (random.u32() % 12) }, () => random.u32() & 255));
    const text = decode(bytes.toString('hex'));
    if (text !== null) assert.equal(encode(text), bytes.toString('hex'));
  }
});
