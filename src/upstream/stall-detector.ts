/**
 * What is wrong with a connection on which nothing seems to move. A pure function of facts that were collected from the side; it
 * reports, and changes nothing.
 */
export type StallVerdict =
  | 'healthy'
  /** Nothing comes back from the peer's kernel: unplugged, or its packets are dropped. */
  | 'dead-peer'
  /** The peer's kernel lives and its program does not read: stopped, stuck, or drowned. */
  | 'peer-not-reading'
  /** HTTP/2: the peer reads, and has given no window to send into. */
  | 'window-closed'
  /** Everything was delivered and no answer has come. */
  | 'app-slow'
  /** This process was late itself; what it believes about others is not to be trusted. */
  | 'self-late';

/** Facts of one connection at one moment; rates count from the previous sample. */
export interface StallSignals {
  /** Bytes in the kernel's send queue, written and not acknowledged; -1 when the platform cannot say. */
  readonly sendQueue: number;
  /** Bytes acknowledged since the previous sample; -1 when the platform cannot say. */
  readonly acknowledged: number;
  /** Retransmissions of the oldest unacknowledged segment; -1 when the platform cannot say. */
  readonly retransmits: number;
  /** Zero-window probes that are out; -1 when the platform cannot say. */
  readonly probes: number;
  /** Segments sent and not acknowledged; -1 when the platform cannot say. */
  readonly unacked: number;
  /** Milliseconds since a byte was read, or since the connect when none was. */
  readonly sinceRead: number;
  /** Bytes that the codec and the runtime hold for the peer. */
  readonly queued: number;
  /** Smallest window that a stream with data to send has to send into; null for HTTP/1, or when none has data. */
  readonly peerWindow: number | null;
  /** Milliseconds since the PING that is unanswered was sent; -1 when there is none. */
  readonly pingOutstanding: number;
  /** Streams that wait for an answer or send a request. */
  readonly activeStreams: number;
  /** Largest delay of the event loop since the previous sample, ms. */
  readonly loopLag: number;
}

export interface StallLimits {
  /** Silence shorter than this is nothing unusual; ms. */
  readonly quiet: number;
  /** A loop that was later than this makes no verdicts; ms. */
  readonly lag: number;
}

export const DEFAULT_STALL_LIMITS: StallLimits = { quiet: 1000, lag: 100 };

export interface StallFinding {
  readonly verdict: StallVerdict;
  /** False when the platform lacks the facts that would tell it from its neighbours. */
  readonly certain: boolean;
  /** The facts that decided, in words. */
  readonly because: string;
}

export function judge(s: StallSignals, limits: StallLimits = DEFAULT_STALL_LIMITS): StallFinding {
  if (s.loopLag > limits.lag) return finding('self-late', `the event loop was ${Math.round(s.loopLag)} ms late`);
  const expects = s.activeStreams > 0 || s.queued > 0 || s.sendQueue > 0 || s.pingOutstanding >= 0;
  if (!expects) return finding('healthy', 'nothing is expected of the peer');
  if (s.sinceRead < limits.quiet) return finding('healthy', 'bytes came in lately');
  return s.sendQueue > 0 ? undelivered(s) : delivered(s, limits);
}

/** Bytes wait in the kernel for the peer's. */
function undelivered(s: StallSignals): StallFinding {
  const queue = `${s.sendQueue} B unacknowledged`;
  if (s.retransmits > 0) return finding('dead-peer', `${queue}, retransmitted ${s.retransmits} times`);
  if (s.probes > 0) return finding('peer-not-reading', `${queue}, its window is zero`);
  if (s.acknowledged > 0) return finding('healthy', 'the peer acknowledges');
  if (s.retransmits === 0 && s.unacked === 0) return finding('peer-not-reading', `${queue}, none of it in flight`);
  if (s.retransmits === 0) return finding('healthy', `${queue}, sent just now`);
  return guess(s.queued > 0 ? 'peer-not-reading' : 'dead-peer', `${queue}, and nothing is known of retransmissions`);
}

/** The kernel has nothing left to deliver, or cannot say. */
function delivered(s: StallSignals, limits: StallLimits): StallFinding {
  const known = s.sendQueue === 0;
  if (s.peerWindow !== null && s.peerWindow <= 0 && s.queued > 0 && s.pingOutstanding < limits.quiet)
    return finding('window-closed', `${s.queued} B wait for window`);
  if (s.pingOutstanding >= limits.quiet)
    return known
      ? finding('peer-not-reading', `a PING was acknowledged and not answered for ${Math.round(s.pingOutstanding)} ms`)
      : guess('dead-peer', `a PING was not answered for ${Math.round(s.pingOutstanding)} ms`);
  if (s.queued > 0 && !known) return guess('peer-not-reading', `${s.queued} B are not taken by the kernel`);
  if (s.activeStreams === 0) return finding('healthy', 'no stream is open');
  const silence = `no byte for ${Math.round(s.sinceRead)} ms`;
  return known ? finding('app-slow', `all was delivered, ${silence}`) : guess('app-slow', silence);
}

function finding(verdict: StallVerdict, because: string): StallFinding {
  return { verdict, certain: true, because };
}

function guess(verdict: StallVerdict, because: string): StallFinding {
  return { verdict, certain: false, because };
}
