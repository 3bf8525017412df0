import type { Random } from '../base/random.js';
import type { Plain } from './plain.js';

/** Random JSON-like values for property tests. */
export function randomValue(random: Random, depth = 0): Plain {
  const pick = random.u32() % (depth > 4 ? 5 : 7);
  switch (pick) {
    case 0:
      return null;
    case 1:
      return random.u32() % 2 === 0;
    case 2:
      return (random.u32() % 200_000) - 100_000;
    case 3:
      return (random.u32() % 100_000) / 64;
    case 4:
      return randomText(random);
    case 5:
      return Array.from({ length: random.u32() % 4 }, () => randomValue(random, depth + 1));
    default: {
      const object: Record<string, Plain> = {};
      for (let n = random.u32() % 4; n > 0; n--) object[randomText(random) || 'k'] = randomValue(random, depth + 1);
      return object;
    }
  }
}

const PIECES = [
  'a',
  'B',
  '0',
  ' ',
  '-',
  ':',
  '#',
  '"',
  "'",
  '\\',
  '\n',
  '\t',
  'é',
  '😀',
  '{',
  '}',
  '[',
  ']',
  ',',
  '&',
  '*',
  '!',
  '%',
  '@',
  '`',
  'y',
  'on',
  'null',
  '~',
  '<<',
];

export function randomText(random: Random): string {
  let text = '';
  for (let n = random.u32() % 7; n > 0; n--) text += PIECES[random.u32() % PIECES.length];
  return text;
}

/** Breaks a text: drops, doubles or changes a few characters. */
export function mutate(random: Random, text: string, times = 1 + (random.u32() % 3)): string {
  let out = text;
  for (let i = 0; i < times && out.length > 0; i++) {
    const at = random.u32() % out.length;
    const piece = PIECES[random.u32() % PIECES.length];
    const change = random.u32() % 4;
    if (change === 0) out = out.slice(0, at) + out.slice(at + 1);
    else if (change === 1) out = out.slice(0, at) + piece + out.slice(at);
    else if (change === 2) out = out.slice(0, at) + piece + out.slice(at + 1);
    else out = out.slice(0, at) + out.slice(at, at + 20) + out.slice(at);
  }
  return out;
}
