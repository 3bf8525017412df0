import type { ResponseDecoder } from '../../codec/codec.js';
import type { PoolCallbacks, PoolHandle } from '../types.js';

/** Told that the router gave up waiting. */
export interface PendingOwner {
  onPendingCancelled(stream: PendingStream): void;
}

/** A request that waits for a connection; a node of the queue it waits in. */
export class PendingStream implements PoolHandle {
  prev: PendingStream | null = null;
  next: PendingStream | null = null;
  /** null when it waits no more. */
  queue: PendingQueue | null = null;

  constructor(
    private readonly owner: PendingOwner,
    readonly decoder: ResponseDecoder,
    readonly callbacks: PoolCallbacks,
  ) {}

  cancel(): void {
    if (this.queue !== null) this.owner.onPendingCancelled(this);
  }
}

/** First in, first out when connections come; a purge takes the youngest first, as Envoy's does. */
export class PendingQueue {
  oldest: PendingStream | null = null;
  youngest: PendingStream | null = null;
  size = 0;

  push(stream: PendingStream): void {
    stream.queue = this;
    stream.prev = this.youngest;
    stream.next = null;
    if (this.youngest !== null) this.youngest.next = stream;
    else this.oldest = stream;
    this.youngest = stream;
    this.size++;
  }

  remove(stream: PendingStream): void {
    if (stream.prev !== null) stream.prev.next = stream.next;
    else this.oldest = stream.next;
    if (stream.next !== null) stream.next.prev = stream.prev;
    else this.youngest = stream.prev;
    stream.prev = stream.next = null;
    stream.queue = null;
    this.size--;
  }

  /** Moves everything into a queue of its own, so that what is queued meanwhile is not part of it. */
  takeAll(): PendingQueue {
    const taken = new PendingQueue();
    taken.oldest = this.oldest;
    taken.youngest = this.youngest;
    taken.size = this.size;
    for (let s = taken.oldest; s !== null; s = s.next) s.queue = taken;
    this.oldest = this.youngest = null;
    this.size = 0;
    return taken;
  }
}
