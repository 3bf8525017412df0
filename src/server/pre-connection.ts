import { Timer, type TimerOwner } from '../base/timer-wheel.js';
import { Close } from '../codec/codec.js';
import type { ConnectionFacts } from '../network/chain-match.js';
import type { CloseEvent, Connection, ConnectionEvents } from '../network/connection.js';
import type { ListenerFilter } from './listener-filters.js';
import type { ListenerStats } from './listener-stats.js';

/** The listener, as a connection before its chain sees it. */
export interface PreConnectionOwner {
  readonly stats: ListenerStats;
  readonly filters: readonly ListenerFilter[];
  /** listener_filters_timeout, ms; 0: none. */
  readonly filtersTimeout: number;
  readonly continueOnTimeout: boolean;
  /** The filters are done: `data` is what they have read. */
  onInspected(pre: PreConnection, data: Buffer | null): void;
  /** It ended before it had a chain. */
  onLost(pre: PreConnection): void;
}

/**
 * An accepted connection while the listener filters look at it (Envoy: ActiveTcpSocket). What they read is kept for the chain.
 *
 * Clock: *listener filters* (listener_filters_timeout, 15 s) from the accept, when a filter must wait for bytes; stopped by
 * the last filter; fires: closed, or it goes on when continue_on_listener_filters_timeout says so.
 */
export class PreConnection implements ConnectionEvents, TimerOwner {
  private readonly timer = new Timer(this, 0);
  private at = 0;
  private data: Buffer | null;
  private over = false;

  constructor(
    readonly owner: PreConnectionOwner,
    readonly connection: Connection,
    readonly facts: ConnectionFacts,
    /** A listener that was handed the connection does not hand it on. */
    readonly mayHandOff: boolean,
    readonly acceptedAt: number,
    data: Buffer | null,
  ) {
    this.data = data;
  }

  start(): void {
    const { owner, connection } = this;
    owner.stats.downstream_pre_cx_active++;
    if (this.run()) return;
    connection.setEvents(this);
    const { dispatcher } = connection;
    if (owner.filtersTimeout > 0) dispatcher.timers.arm(this.timer, owner.filtersTimeout, dispatcher.now);
    connection.start();
  }

  /** Asks the filters in turn. False when one of them waits for more. */
  private run(): boolean {
    const { filters } = this.owner;
    for (; this.at < filters.length; this.at++) {
      const filter = filters[this.at];
      if (filter.isDisabled(this.facts)) continue;
      const verdict = filter.look(this.connection, this.facts, this.data ?? NOTHING);
      if (verdict === 'more') return false;
      if (verdict === 'close') {
        this.end();
        this.close('listener_filter');
        this.owner.onLost(this);
        return true;
      }
    }
    this.end();
    this.owner.onInspected(this, this.data);
    return true;
  }

  /** Ends the connection without a chain. Bytes that were looked at count as unread: the kernel would answer with RST. */
  close(reason: string): void {
    this.connection.close(this.data === null ? Close.NO_FLUSH : Close.ABORT, reason);
  }

  private end(): void {
    this.over = true;
    this.connection.dispatcher.timers.cancel(this.timer);
    this.owner.stats.downstream_pre_cx_active--;
  }

  onData(data: Buffer): void {
    // The read buffer is shared: what is kept is copied.
    this.data = this.data === null ? Buffer.from(data) : Buffer.concat([this.data, data]);
    this.run();
  }

  onRemoteEnd(): void {
    if (this.over) return;
    this.end();
    this.owner.stats.downstream_listener_filter_remote_close++;
    this.connection.close(Close.NO_FLUSH, '');
    this.owner.onLost(this);
  }

  onClosed(event: CloseEvent): void {
    if (this.over) return;
    this.end();
    if (!event.local) {
      const { stats } = this.owner;
      if (event.error === null) stats.downstream_listener_filter_remote_close++;
      else stats.downstream_listener_filter_error++;
    }
    this.owner.onLost(this);
  }

  onTimer(): void {
    const { owner } = this;
    owner.stats.downstream_pre_cx_timeout++;
    this.end();
    if (owner.continueOnTimeout) owner.onInspected(this, this.data);
    else {
      this.close('listener_filters_timeout');
      owner.onLost(this);
    }
  }

  onConnected(): void {}
  onAboveHighWatermark(): void {}
  onBelowLowWatermark(): void {}
}

const NOTHING = Buffer.alloc(0);
