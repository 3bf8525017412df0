const MASK = 2n ** 64n - 1n;
const MUL = 0xc6a4a7935bd1e995n;
/** The seed of libstdc++'s std::hash, which Envoy's MURMUR_HASH_2 follows. */
const SEED = 0xc70f6907n;

/** MurmurHash64A of a byte string. For tables that are built now and then, not for requests. */
export function murmurHash64(text: string): bigint {
  const bytes = Buffer.from(text, 'latin1');
  const whole = bytes.length & ~7;
  let hash = (SEED ^ (BigInt(bytes.length) * MUL)) & MASK;
  for (let i = 0; i < whole; i += 8) {
    const word = mix((bytes.readBigUInt64LE(i) * MUL) & MASK);
    hash = ((hash ^ ((word * MUL) & MASK)) * MUL) & MASK;
  }
  if (whole < bytes.length) {
    let rest = 0n;
    for (let i = bytes.length - 1; i >= whole; i--) rest = (rest << 8n) | BigInt(bytes[i]);
    hash = ((hash ^ rest) * MUL) & MASK;
  }
  return mix((mix(hash) * MUL) & MASK);
}

function mix(value: bigint): bigint {
  return value ^ (value >> 47n);
}
