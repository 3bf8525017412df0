const SIZE = 624;
const SHIFT = 397;

/** MT19937: the sequence that a seed gives is the same everywhere (Matsumoto and Nishimura, 1998). */
export class MersenneTwister {
  private readonly state = new Uint32Array(SIZE);
  private at = SIZE;

  constructor(seed: number) {
    const { state } = this;
    state[0] = seed;
    for (let i = 1; i < SIZE; i++) {
      const last = state[i - 1] ^ (state[i - 1] >>> 30);
      state[i] = Math.imul(1812433253, last) + i;
    }
  }

  /** 32 bits. */
  u32(): number {
    if (this.at === SIZE) this.twist();
    let y = this.state[this.at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /** Uniform in [0, limit). */
  below(limit: number): number {
    const width = Math.floor(2 ** 32 / limit);
    for (;;) {
      const x = Math.floor(this.u32() / width);
      if (x < limit) return x;
    }
  }

  private twist(): void {
    const { state } = this;
    for (let i = 0; i < SIZE; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
      const odd = (y & 1) === 0 ? 0 : 0x9908b0df;
      state[i] = state[(i + SHIFT) % SIZE] ^ (y >>> 1) ^ odd;
    }
    this.at = 0;
  }
}
