import { type Effective, type EffectiveTimer, retriesConnects, retriesTimeouts } from './effective.js';

/** A kind of stall, and what ends the request then. */
export interface Stall {
  what: string;
  /** In the order in which they would fire; more than one at the head is a tie that chance decides. */
  ends: Ending[];
}

export interface Ending {
  timer: EffectiveTimer;
  /** Milliseconds from the moment in which the request stands still. */
  after: number;
  answer: string;
}

/** Deadlines within one tick of the clock are equal. */
const TICK = 4;

/** Every kind of stall that the request can meet. */
export function stallsOf(found: Effective): Stall[] {
  const { timers: t } = found;
  const timeout = found.profile.gatewayTimeoutWhenComplete ? 504 : 408;
  const reset = 'the response is cut off';
  const duration = (status: number): string =>
    found.grpc ? '200, grpc-status 4 (max_duration_timeout)' : `${status} max_duration_timeout`;
  const idle = (status: number): string => `${status} SI stream_idle_timeout`;
  const route = found.grpc ? '200, grpc-status 14 (UT response_timeout)' : '504 UT response_timeout';
  const tries = (timer: EffectiveTimer, again: boolean): number =>
    timer.ms === 0 ? 0 : again ? timer.ms * (found.retries + 1) + backOffs(found) : timer.ms;
  const perTry = again(found, retriesTimeouts(found));
  const waiting = (): Ending[] => [
    { timer: t.route, after: t.route.ms, answer: route },
    { timer: t.duration, after: t.duration.ms, answer: duration(timeout) },
    { timer: t.idle, after: t.idle.ms, answer: idle(timeout) },
    {
      timer: t.perTry,
      after: tries(t.perTry, retriesTimeouts(found)),
      answer: `504 UT upstream_per_try_timeout${perTry}`,
    },
    {
      timer: t.perTryIdle,
      after: tries(t.perTryIdle, retriesTimeouts(found)),
      answer: '504 UT upstream_per_try_idle_timeout',
    },
    { timer: t.upstreamDuration, after: t.upstreamDuration.ms, answer: `${timeout} UMSDR` },
  ];
  return [
    stall('the server cannot be reached: no connection comes about', [
      {
        timer: t.connect,
        after: tries(t.connect, retriesConnects(found)),
        answer: `503 UF connection timeout${again(found, retriesConnects(found))}`,
      },
      ...waiting().slice(0, 3),
    ]),
    stall('the server has the request and never answers', waiting()),
    stall('the server loses its network: nothing is acknowledged any more', [
      ...waiting(),
      { timer: t.ping, after: t.ping.ms, answer: '503 UC connection_termination, and the connection is given up' },
    ]),
    stall('the client stops in the middle of its body', [
      { timer: t.request, after: t.request.ms, answer: '408 request_overall_timeout' },
      { timer: t.duration, after: t.duration.ms, answer: duration(408) },
      { timer: t.idle, after: t.idle.ms, answer: idle(408) },
    ]),
    stall('the server stops reading a body that fits into no buffer', [
      { timer: t.request, after: t.request.ms, answer: '408 request_overall_timeout' },
      { timer: t.duration, after: t.duration.ms, answer: duration(408) },
      { timer: t.idle, after: t.idle.ms, answer: idle(408) },
      { timer: t.upstreamDuration, after: t.upstreamDuration.ms, answer: '408 UMSDR' },
    ]),
    stall('the server stops in the middle of its answer', [
      { timer: t.route, after: t.route.ms, answer: `${reset} (UT)` },
      { timer: t.duration, after: t.duration.ms, answer: reset },
      { timer: t.idle, after: t.idle.ms, answer: `${reset} (SI)` },
      { timer: t.perTryIdle, after: t.perTryIdle.ms, answer: `${reset} (UT)` },
      { timer: t.upstreamDuration, after: t.upstreamDuration.ms, answer: `${reset} (UMSDR)` },
    ]),
    stall('the client stops in the middle of its headers', [
      { timer: t.headers, after: t.headers.ms, answer: '408 request_header_timeout' },
      { timer: t.request, after: t.request.ms, answer: '408 request_overall_timeout' },
      { timer: t.idle, after: t.idle.ms, answer: idle(408) },
    ]),
  ];
}

function again(found: Effective, retried: boolean): string {
  return retried ? ` after ${found.retries + 1} tries` : '';
}

/** Longest sum of the back-offs: the n-th is up to base x 2^(n-1), at most ten times the base. */
function backOffs(found: Effective): number {
  let sum = 0;
  for (let i = 0; i < found.retries; i++) sum += Math.min(found.backOff * 2 ** i, found.backOff * 10);
  return sum;
}

function stall(what: string, candidates: Ending[]): Stall {
  const ends = candidates.filter((e) => e.after > 0).sort((a, b) => a.after - b.after);
  return { what, ends };
}

/** The endings that may come first: one, or several that chance decides between. */
export function winners(stall: Stall): Ending[] {
  const [first] = stall.ends;
  if (first === undefined) return [];
  const equal = stall.ends.filter((e) => e.after - first.after < TICK);
  // An idle timer may be scaled by Envoy's overload manager, and a scaled timer fires after a plain one.
  const plain = equal.filter((e) => !e.timer.name.includes('idle'));
  return plain.length > 0 ? plain : equal.slice(0, 1);
}
