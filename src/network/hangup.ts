import type { Dispatcher } from '../base/dispatcher.js';
import { Timer } from '../base/timer-wheel.js';
import { native } from './native.js';

/**
 * A connection whose reading is off does not hear its peer close: Node watches a socket only while it reads. Envoy asks the
 * kernel for EPOLLRDHUP; here the few connections that are paused are polled, and none otherwise. It needs the native calls;
 * without them a paused client's departure is seen when reading resumes or a timer ends the stream.
 */
export interface HangupWatched {
  readonly fd: number;
  /** Reading is off. */
  readonly readDisabled: boolean;
  /** Closed on this side, waiting for the peer, with reading off. */
  readonly waitingForPeer: boolean;
  readonly closed: boolean;
  onHangup(): void;
  onPeerGone(): void;
}

const POLL_MS = 20;

class HangupWatch {
  private readonly watched = new Set<HangupWatched>();
  private readonly timer = new Timer(this, 0);

  constructor(private readonly dispatcher: Dispatcher) {}

  add(connection: HangupWatched): void {
    this.watched.add(connection);
    if (!this.timer.armed) this.dispatcher.timers.arm(this.timer, POLL_MS, this.dispatcher.now);
  }

  onTimer(): void {
    for (const connection of this.watched) {
      if (connection.closed || !(connection.readDisabled || connection.waitingForPeer)) {
        this.watched.delete(connection);
        continue;
      }
      if (!native!.peerHasClosed(connection.fd)) continue;
      this.watched.delete(connection);
      if (connection.waitingForPeer) connection.onPeerGone();
      else connection.onHangup();
    }
    if (this.watched.size > 0) this.dispatcher.timers.arm(this.timer, POLL_MS, this.dispatcher.now);
  }
}

const watches = new WeakMap<Dispatcher, HangupWatch>();

/** Watches until the connection reads again or is closed. */
export function watchForHangup(dispatcher: Dispatcher, connection: HangupWatched): void {
  if (native === null) return;
  let watch = watches.get(dispatcher);
  if (watch === undefined) watches.set(dispatcher, (watch = new HangupWatch(dispatcher)));
  watch.add(connection);
}
