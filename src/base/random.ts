import { randomBytes } from 'node:crypto';

/** A source of randomness; passed in, so that a test or the lab can repeat a run from a seed. */
export interface Random {
  /** Uniform in 0 .. 2^32-1. */
  u32(): number;
  /** A random version 4 UUID, lower case. */
  uuid(): string;
}

/** xoshiro128** from a 32-bit seed: fast, well spread, repeatable; not for secrets. */
export function seededRandom(seed: number): Random {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let mix = seed >>> 0;
  const splitmix = () => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  a = splitmix();
  b = splitmix();
  c = splitmix();
  d = splitmix();
  const u32 = () => {
    const r = Math.imul(b, 5);
    const out = Math.imul((r << 7) | (r >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return out;
  };
  return { u32, uuid: () => formatUuid(u32(), u32(), u32(), u32()) };
}

/** Seeded from the system. */
export function systemRandom(): Random {
  return seededRandom(randomBytes(4).readUInt32LE(0));
}

/** The two hex digits of every byte as they lie in memory, the first in the low octet. */
const HEX = new Uint16Array(256);
for (let i = 0; i < 256; i++) {
  const digits = i.toString(16).padStart(2, '0');
  HEX[i] = digits.charCodeAt(0) | (digits.charCodeAt(1) << 8);
}

/** Node has it and its types do not: the string of a range without the checks of `toString`. */
type Sliceable = Buffer & { latin1Slice(start: number, end: number): string };

const text = Buffer.from('00000000-0000-0000-0000-000000000000') as Sliceable;

function put(at: number, byte: number): void {
  const digits = HEX[byte];
  text[at] = digits & 255;
  text[at + 1] = digits >>> 8;
}

/** By way of octets: a concatenation is a tree of strings, which whoever writes it out must flatten first. */
function formatUuid(a: number, b: number, c: number, d: number): string {
  put(0, a >>> 24);
  put(2, (a >>> 16) & 255);
  put(4, (a >>> 8) & 255);
  put(6, a & 255);
  put(9, b >>> 24);
  put(11, (b >>> 16) & 255);
  put(14, ((b >>> 8) & 15) | 64);
  put(16, b & 255);
  put(19, ((c >>> 24) & 63) | 128);
  put(21, (c >>> 16) & 255);
  put(24, (c >>> 8) & 255);
  put(26, c & 255);
  put(28, d >>> 24);
  put(30, (d >>> 16) & 255);
  put(32, (d >>> 8) & 255);
  put(34, d & 255);
  return text.latin1Slice(0, 36);
}
