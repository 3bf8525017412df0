import type { TokenBucket as TokenBucketProto } from '../../xds/types.js';

/** A bucket that fills evenly: tokens_per_fill over every fill_interval, at most max_tokens. It starts full. */
export class TokenBucket {
  readonly maxTokens: number;
  /** Tokens per ms. */
  readonly rate: number;
  private level: number;
  private filledAt: number;

  /** @param now monotonic ms */
  constructor(config: TokenBucketProto, now: number) {
    this.maxTokens = config.max_tokens;
    this.rate = (config.tokens_per_fill ?? 1) / config.fill_interval;
    this.level = this.maxTokens;
    this.filledAt = now;
  }

  /** Takes one token; false when there is none. */
  take(now: number): boolean {
    this.fill(now);
    if (this.level < 1) return false;
    this.level--;
    return true;
  }

  /** Whole tokens left. */
  remaining(now: number): number {
    this.fill(now);
    return Math.floor(this.level);
  }

  /** Ms until the next token; 0 when there is one. */
  untilNext(now: number): number {
    this.fill(now);
    return this.level >= 1 ? 0 : (1 - this.level) / this.rate;
  }

  private fill(now: number): void {
    this.level = Math.min(this.maxTokens, this.level + (now - this.filledAt) * this.rate);
    this.filledAt = now;
  }
}
