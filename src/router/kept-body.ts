import type { Trailers } from '../base/headers.js';

/** What has come of a request's body, kept so that it can be sent again. */
export class KeptBody {
  readonly chunks: Buffer[] = [];
  bytes = 0;
  trailers: Trailers | null = null;

  /** Copies. */
  add(data: Uint8Array): void {
    this.chunks.push(Buffer.from(data));
    this.bytes += data.length;
  }
}
