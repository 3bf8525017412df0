import type { Dispatcher } from '../base/dispatcher.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';

/**
 * The timers of one stream and their ledger. Every clock that can end a stream is listed in `TIMERS` with what starts it,
 * what stops it and what is answered when it fires; a stream arms them through its `TimerLedger`, which remembers the
 * length, the moment and the configuration field of each, so that logs and `explain` can tell which limit decided.
 */
export const TimerKind = {
  STREAM_IDLE: 0,
  REQUEST: 1,
  REQUEST_HEADERS: 2,
  MAX_STREAM_DURATION: 3,
  ROUTE: 4,
  PER_TRY: 5,
  PER_TRY_IDLE: 6,
  UPSTREAM_MAX_STREAM_DURATION: 7,
  RETRY_BACKOFF: 8,
  FILTER: 9,
} as const;
export type TimerKind = (typeof TimerKind)[keyof typeof TimerKind];

export interface TimerDescription {
  name: string;
  field: string;
  starts: string;
  restarts: string;
  stops: string;
  answer: string;
  details: string;
  flag: string;
}

/** Indexed by `TimerKind`; docs/timeouts.md is this table. */
export const TIMERS: readonly TimerDescription[] = [
  {
    name: 'stream idle',
    field: 'HttpConnectionManager.stream_idle_timeout (5 min), RouteAction.idle_timeout',
    starts: 'stream creation',
    restarts: 'end of the request headers; each request or response chunk, trailers, 1xx',
    stops: 'stream end',
    answer: '504 when the request is complete, else 408, `stream timeout`; a reset once the response has begun',
    details: 'stream_idle_timeout',
    flag: 'SI',
  },
  {
    name: 'request',
    field: 'HttpConnectionManager.request_timeout (off)',
    starts: 'stream creation',
    restarts: 'never',
    stops: 'last byte of the request passed the filters, or the response headers',
    answer: '408 `request timeout` (504 when a filter still holds a complete request)',
    details: 'request_overall_timeout',
    flag: '-',
  },
  {
    name: 'request headers',
    field: 'HttpConnectionManager.request_headers_timeout (off)',
    starts: 'stream creation',
    restarts: 'never',
    stops: 'request headers complete',
    answer: '408 `request header timeout`',
    details: 'request_header_timeout',
    flag: '-',
  },
  {
    name: 'max stream duration',
    field:
      'HttpConnectionManager.common_http_protocol_options.max_stream_duration, RouteAction.max_stream_duration (off)',
    starts: 'stream creation (a route value is counted from there too)',
    restarts: 'never',
    stops: 'stream end',
    answer: '504 when the request is complete, else 408, `downstream duration timeout`; gRPC status 4',
    details: 'max_duration_timeout',
    flag: '-',
  },
  {
    name: 'route timeout',
    field: 'RouteAction.timeout (15 s)',
    starts: 'the router has the whole request and an attempt exists',
    restarts: 'never, not by retries',
    stops: 'upstream response complete',
    answer: '504 `upstream request timeout`; a reset once the response has begun',
    details: 'response_timeout',
    flag: 'UT',
  },
  {
    name: 'per-try timeout',
    field: 'RetryPolicy.per_try_timeout (off)',
    starts: 'the request is complete and the attempt has a connection',
    restarts: 'never; each attempt has its own',
    stops: 'response headers',
    answer: 'retry, else 504 `upstream request timeout`',
    details: 'upstream_per_try_timeout',
    flag: 'UT',
  },
  {
    name: 'per-try idle timeout',
    field: 'RetryPolicy.per_try_idle_timeout (off)',
    starts: 'the request is complete and the attempt has a connection',
    restarts: 'response headers and each chunk',
    stops: 'end of the attempt',
    answer: 'retry, else 504 `upstream request timeout`; a reset once the response has begun',
    details: 'upstream_per_try_idle_timeout',
    flag: 'UT',
  },
  {
    name: 'upstream max stream duration',
    field: 'Cluster common_http_protocol_options.max_stream_duration (off), x-envoy-upstream-stream-duration-ms',
    starts: 'the attempt has a connection',
    restarts: 'never; each attempt has its own',
    stops: 'end of the attempt',
    answer: 'retry, else 504 when the request is complete, else 408, `upstream max stream duration reached`',
    details: 'upstream_max_stream_duration_reached',
    flag: 'UMSDR',
  },
  {
    name: 'retry back-off',
    field: 'RetryPolicy.retry_back_off (25 ms base, 250 ms max)',
    starts: 'an attempt failed and will be retried',
    restarts: 'never',
    stops: 'stream end',
    answer: 'nothing: the next attempt starts',
    details: '',
    flag: '-',
  },
  {
    name: 'filter',
    field: 'the filter that holds the request, such as HTTPFault.delay',
    starts: 'the filter stops the request',
    restarts: 'never',
    stops: 'stream end',
    answer: 'nothing: the request goes on',
    details: '',
    flag: '-',
  },
];

/** A limit and the configuration field that set it. `ms` 0 means off. */
export interface Limit {
  readonly ms: number;
  /** `path` of the field and where it stands; kept per configuration, never made per request. */
  readonly ref: LimitRef;
}

export interface LimitRef {
  readonly path: string;
  readonly position: { file: string; line: number; col: number } | null;
}

export const NO_LIMIT: Limit = { ms: 0, ref: { path: '(off)', position: null } };

/** A stream's timer with its history. Times are monotonic ms, -1 for never. */
export class LedgerTimer extends Timer {
  firstArmedAt = -1;
  rearmed = 0;
  disarmedAt = -1;
  firedAt = -1;
  ref: LimitRef;
  /** The one that its ledger armed after it. */
  later: LedgerTimer | null = null;

  constructor(owner: TimerOwner, kind: number, scaled: boolean, ref: LimitRef) {
    super(owner, kind, scaled);
    this.ref = ref;
  }
}

export class TimerLedger {
  /** A list through the timers: an array would be made, and grown, for every stream. */
  private first: LedgerTimer | null = null;
  private last: LedgerTimer | null = null;

  constructor(private readonly dispatcher: Dispatcher) {}

  /** In the order they were first armed. */
  get entries(): LedgerTimer[] {
    const list: LedgerTimer[] = [];
    for (let timer = this.first; timer !== null; timer = timer.later) list.push(timer);
    return list;
  }

  /** Arms a new timer. `ms` may differ from the configured length (a header, or time already spent). */
  arm(owner: TimerOwner, kind: TimerKind, ms: number, ref: LimitRef): LedgerTimer {
    const timer = new LedgerTimer(owner, kind, kind === TimerKind.STREAM_IDLE, ref);
    const now = this.dispatcher.now;
    timer.firstArmedAt = now;
    this.dispatcher.timers.arm(timer, ms, now);
    if (this.last === null) this.first = timer;
    else this.last.later = timer;
    this.last = timer;
    return timer;
  }

  rearm(timer: LedgerTimer, ms: number): void {
    timer.rearmed++;
    this.dispatcher.timers.arm(timer, ms, this.dispatcher.now);
  }

  disarm(timer: LedgerTimer): void {
    if (!timer.armed) return;
    timer.disarmedAt = this.dispatcher.now;
    this.dispatcher.timers.cancel(timer);
  }

  /** Noted by an owner's `onTimer`. */
  fired(timer: LedgerTimer): void {
    timer.firedAt = this.dispatcher.now;
  }

  disarmAll(): void {
    for (let timer = this.first; timer !== null; timer = timer.later) this.disarm(timer);
  }
}
