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

/** Two hex digits of every byte. A table of all 16-bit numbers would be half as many steps, but does not fit the cache. */
const HEX: string[] = [];
for (let i = 0; i < 256; i++) HEX.push(i.toString(16).padStart(2, '0'));

function formatUuid(a: number, b: number, c: number, d: number): string {
  return (
    `${HEX[a >>> 24]}${HEX[(a >>> 16) & 255]}${HEX[(a >>> 8) & 255]}${HEX[a & 255]}-` +
    `${HEX[b >>> 24]}${HEX[(b >>> 16) & 255]}-${HEX[((b >>> 8) & 15) | 64]}${HEX[b & 255]}-` +
    `${HEX[((c >>> 24) & 63) | 128]}${HEX[(c >>> 16) & 255]}-${HEX[(c >>> 8) & 255]}${HEX[c & 255]}` +
    `${HEX[d >>> 24]}${HEX[(d >>> 16) & 255]}${HEX[(d >>> 8) & 255]}${HEX[d & 255]}`
  );
}
