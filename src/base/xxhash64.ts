/**
 * XXH64 of byte strings, the hash of Envoy's hash policies, hash rings and Maglev tables. 64-bit numbers are kept as two
 * 32-bit halves, several times faster than bigint.
 */

/* The registers: results of the helpers below. */
let hi = 0;
let lo = 0;

const P1 = [0x9e3779b1, 0x85ebca87] as const;
const P2 = [0xc2b2ae3d, 0x27d4eb4f] as const;
const P3 = [0x165667b1, 0x9e3779f9] as const;
const P4 = [0x85ebca77, 0xc2b2ae63] as const;
const P5 = [0x27d4eb2f, 0x165667c5] as const;

/** (hi, lo) *= (bh, bl) */
function multiply(bh: number, bl: number): void {
  const a0 = lo & 0xffff;
  const a1 = lo >>> 16;
  const b0 = bl & 0xffff;
  const b1 = bl >>> 16;
  const low = a0 * b0;
  const mid1 = a1 * b0 + (low >>> 16);
  const mid2 = a0 * b1 + (mid1 & 0xffff);
  const carry = a1 * b1 + (mid1 >>> 16) + (mid2 >>> 16);
  hi = (Math.imul(hi, bl) + Math.imul(lo, bh) + carry) | 0;
  lo = (mid2 << 16) | (low & 0xffff) | 0;
}

/** (hi, lo) += (bh, bl) */
function add(bh: number, bl: number): void {
  const sum = (lo >>> 0) + (bl >>> 0);
  hi = (hi + bh + (sum > 0xffffffff ? 1 : 0)) | 0;
  lo = sum | 0;
}

/** Rotates (hi, lo) left by 1 … 31. */
function rotate(by: number): void {
  const h = hi;
  hi = (h << by) | (lo >>> (32 - by));
  lo = (lo << by) | (h >>> (32 - by));
}

/** (hi, lo) ^= (hi, lo) >>> by, for 1 … 63. */
function xorShift(by: number): void {
  if (by >= 32) {
    lo ^= hi >>> (by - 32);
    return;
  }
  const h = hi;
  lo ^= (lo >>> by) | (h << (32 - by));
  hi ^= h >>> by;
}

function word(text: string, at: number): number {
  return (
    text.charCodeAt(at) |
    (text.charCodeAt(at + 1) << 8) |
    (text.charCodeAt(at + 2) << 16) |
    (text.charCodeAt(at + 3) << 24)
  );
}

/* The four accumulators of inputs of 32 bytes and more. */
const accHi = new Int32Array(4);
const accLo = new Int32Array(4);

/** (hi, lo) = round(0, the eight bytes at `at`) */
function loadRound(text: string, at: number): void {
  lo = word(text, at);
  hi = word(text, at + 4);
  multiply(P2[0], P2[1]);
  rotate(31);
  multiply(P1[0], P1[1]);
}

function stripes(text: string, seedHi: number, seedLo: number): number {
  for (let i = 0; i < 4; i++) {
    hi = seedHi;
    lo = seedLo;
    if (i < 2) add(P2[0], P2[1]);
    if (i === 0) add(P1[0], P1[1]);
    if (i === 3) add(~P1[0], -P1[1]);
    accHi[i] = hi;
    accLo[i] = lo;
  }
  let at = 0;
  for (; at + 32 <= text.length; at += 32) {
    for (let i = 0; i < 4; i++) {
      lo = word(text, at + 8 * i);
      hi = word(text, at + 8 * i + 4);
      multiply(P2[0], P2[1]);
      add(accHi[i], accLo[i]);
      rotate(31);
      multiply(P1[0], P1[1]);
      accHi[i] = hi;
      accLo[i] = lo;
    }
  }
  let sumHi = 0;
  let sumLo = 0;
  for (let i = 0; i < 4; i++) {
    hi = accHi[i];
    lo = accLo[i];
    rotate(ROTATIONS[i]);
    add(sumHi, sumLo);
    sumHi = hi;
    sumLo = lo;
  }
  for (let i = 0; i < 4; i++) {
    lo = accLo[i];
    hi = accHi[i];
    multiply(P2[0], P2[1]);
    rotate(31);
    multiply(P1[0], P1[1]);
    hi ^= sumHi;
    lo ^= sumLo;
    multiply(P1[0], P1[1]);
    add(P4[0], P4[1]);
    sumHi = hi;
    sumLo = lo;
  }
  return at;
}

const ROTATIONS = [1, 7, 12, 18] as const;

/** Hashes into the registers (hi, lo). */
function run(text: string, seedHi: number, seedLo: number): void {
  const { length } = text;
  let at = 0;
  if (length >= 32) at = stripes(text, seedHi, seedLo);
  else {
    hi = seedHi;
    lo = seedLo;
    add(P5[0], P5[1]);
  }
  add(0, length);
  for (; at + 8 <= length; at += 8) {
    const h = hi;
    const l = lo;
    loadRound(text, at);
    hi ^= h;
    lo ^= l;
    rotate(27);
    multiply(P1[0], P1[1]);
    add(P4[0], P4[1]);
  }
  if (at + 4 <= length) {
    const h = hi;
    const l = lo;
    hi = 0;
    lo = word(text, at);
    multiply(P1[0], P1[1]);
    hi ^= h;
    lo ^= l;
    rotate(23);
    multiply(P2[0], P2[1]);
    add(P3[0], P3[1]);
    at += 4;
  }
  for (; at < length; at++) {
    const h = hi;
    const l = lo;
    hi = 0;
    lo = text.charCodeAt(at);
    multiply(P5[0], P5[1]);
    hi ^= h;
    lo ^= l;
    rotate(11);
    multiply(P1[0], P1[1]);
  }
  xorShift(33);
  multiply(P2[0], P2[1]);
  xorShift(29);
  multiply(P3[0], P3[1]);
  xorShift(32);
}

/**
 * XXH64 of the bytes of `text` (one char per byte, 0 … 255).
 * @param seed 64 bits
 */
export function xxHash64(text: string, seed = 0n): bigint {
  run(text, Number(seed >> 32n) | 0, Number(seed & 0xffffffffn) | 0);
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}
