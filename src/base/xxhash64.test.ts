import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from './random.js';
import { xxHash64 } from './xxhash64.js';

test('the published vectors of XXH64', () => {
  assert.equal(xxHash64('').toString(16), 'ef46db3751d8e999');
  assert.equal(xxHash64('a').toString(16), 'd24ec4f1a98c6e5b');
  assert.equal(xxHash64('abc').toString(16), '44bc2cf5ad770999');
  assert.equal(xxHash64('xxhash').toString(16), '32dd38952c4bc720');
  assert.equal(xxHash64('xxhash', 20141025n).toString(16), 'b559b98d844e0635');
  assert.equal(xxHash64('Nobody inspects the spammish repetition').toString(16), 'fbcea83c8a378bf1');
});

const MASK = (1n << 64n) - 1n;
const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

/** The algorithm as its specification writes it, in 64-bit arithmetic. */
function reference(bytes: Buffer, seed: bigint): bigint {
  const rotl = (x: bigint, by: bigint) => ((x << by) | (x >> (64n - by))) & MASK;
  const round = (acc: bigint, lane: bigint) => (rotl((acc + lane * P2) & MASK, 31n) * P1) & MASK;
  let at = 0;
  let acc: bigint;
  if (bytes.length >= 32) {
    const v = [(seed + P1 + P2) & MASK, (seed + P2) & MASK, seed, (seed - P1) & MASK];
    for (; at + 32 <= bytes.length; at += 32)
      for (let i = 0; i < 4; i++) v[i] = round(v[i], bytes.readBigUInt64LE(at + 8 * i));
    acc = (rotl(v[0], 1n) + rotl(v[1], 7n) + rotl(v[2], 12n) + rotl(v[3], 18n)) & MASK;
    for (const lane of v) acc = ((acc ^ round(0n, lane)) * P1 + P4) & MASK;
  } else acc = (seed + P5) & MASK;
  acc = (acc + BigInt(bytes.length)) & MASK;
  for (; at + 8 <= bytes.length; at += 8)
    acc = (rotl(acc ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * P1 + P4) & MASK;
  if (at + 4 <= bytes.length) {
    acc = (rotl(acc ^ ((BigInt(bytes.readUInt32LE(at)) * P1) & MASK), 23n) * P2 + P3) & MASK;
    at += 4;
  }
  for (; at < bytes.length; at++) acc = (rotl(acc ^ ((BigInt(bytes[at]) * P5) & MASK), 11n) * P1) & MASK;
  acc = ((acc ^ (acc >> 33n)) * P2) & MASK;
  acc = ((acc ^ (acc >> 29n)) * P3) & MASK;
  return acc ^ (acc >> 32n);
}

test('every length and seed agrees with 64-bit arithmetic', () => {
  const random = seededRandom(5);
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(Array.from({ length: random.u32() % 100 }, () => random.u32() & 255));
    const seed = round % 2 === 0 ? 0n : (BigInt(random.u32()) << 32n) | BigInt(random.u32());
    assert.equal(xxHash64(bytes.toString('latin1'), seed), reference(bytes, seed), `${bytes.toString('hex')} ${seed}`);
  }
});
