/**
 * Huffman coding of HPACK strings (RFC 7541 section 5.2 and appendix B).
 *
 * The code is canonical: codes of one length are consecutive and ordered by symbol, so the lengths alone define it.
 */

/** Bits of the code of each octet; the last is the end-of-string symbol. */
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];
const EOS = 256;

const BITS = Uint8Array.from(LENGTHS);
const CODES = new Uint32Array(257);

function assignCodes(): void {
  const order = Array.from(LENGTHS.keys()).sort((a, b) => LENGTHS[a] - LENGTHS[b] || a - b);
  let code = 0;
  let length = 0;
  for (const symbol of order) {
    code *= 2 ** (LENGTHS[symbol] - length);
    length = LENGTHS[symbol];
    CODES[symbol] = code;
    code++;
  }
}
assignCodes();

/*
 * Decoding reads four bits at a time. A state is an inner node of the code tree; no code is shorter than five bits, so a step emits
 * at most one symbol. An entry of STEP is `next state << 9 | symbol + 1`, or -1 where the bits lead to the end-of-string symbol.
 */
const INNER = 256;
const STEP = new Int32Array(INNER * 16);
/** 1 where the input may end: at most seven bits of padding, all ones. */
const MAY_END = new Uint8Array(INNER);

function buildSteps(): void {
  const children: number[][] = [[0, 0]];
  for (let symbol = 0; symbol <= EOS; symbol++) {
    let node = 0;
    for (let bit = LENGTHS[symbol] - 1; bit >= 0; bit--) {
      const side = Math.floor(CODES[symbol] / 2 ** bit) & 1;
      if (bit === 0) children[node][side] = -1 - symbol;
      else {
        if (children[node][side] === 0) {
          children[node][side] = children.length;
          children.push([0, 0]);
        }
        node = children[node][side];
      }
    }
  }
  for (let state = 0; state < children.length; state++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      let node = state;
      let emitted = 0;
      for (let bit = 3; bit >= 0 && node >= 0; bit--) {
        const child = children[node][(nibble >> bit) & 1];
        if (child >= 0) node = child;
        else if (child === -1 - EOS) node = -1;
        else {
          emitted = -child;
          node = 0;
        }
      }
      STEP[state * 16 + nibble] = node < 0 ? -1 : (node << 9) | emitted;
    }
  }
  let node = 0;
  for (let bits = 0; bits < 8; bits++) {
    MAY_END[node] = 1;
    node = children[node][1];
  }
}
buildSteps();

/**
 * Decodes `buf[start..end)` into `out` from position 0. `out` must hold 8/5 of the input.
 * @returns the number of octets, or -1 when the string is not a valid code or badly padded
 */
export function huffmanDecode(buf: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let state = 0;
  let at = 0;
  for (let i = start; i < end; i++) {
    const octet = buf[i];
    let step = STEP[(state << 4) | (octet >> 4)];
    if (step < 0) return -1;
    if ((step & 511) !== 0) out[at++] = (step & 511) - 1;
    step = STEP[((step >> 9) << 4) | (octet & 15)];
    if (step < 0) return -1;
    if ((step & 511) !== 0) out[at++] = (step & 511) - 1;
    state = step >> 9;
  }
  return MAY_END[state] === 1 ? at : -1;
}

/** Octets that the byte string takes when coded. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += BITS[text.charCodeAt(i) & 255];
  return (bits + 7) >> 3;
}

/** Writes the coded byte string at `buf[at]`; the caller has made room. Returns the position after it. */
export function huffmanEncode(text: string, buf: Uint8Array, at: number): number {
  /* Bits not yet written: fewer than eight remain after each symbol, and a code has up to 30, so long codes go in two parts. */
  let pending = 0;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const octet = text.charCodeAt(i) & 255;
    let code = CODES[octet];
    let bits = BITS[octet];
    if (bits > 22) {
      const high = bits - 16;
      pending = (pending << high) | (code >>> 16);
      count += high;
      while (count >= 8) {
        count -= 8;
        buf[at++] = pending >>> count;
      }
      code &= 0xffff;
      bits = 16;
    }
    pending = (pending << bits) | code;
    count += bits;
    while (count >= 8) {
      count -= 8;
      buf[at++] = pending >>> count;
    }
  }
  if (count > 0) buf[at++] = (pending << (8 - count)) | (255 >> count);
  return at;
}
