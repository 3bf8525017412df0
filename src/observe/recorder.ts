import { H } from '../base/header-names.js';
import { flagsText } from './flags.js';
import { renderJson, renderText } from './recorder-render.js';
import type { StreamInfo } from './stream-info.js';
import { TIMERS } from './timer-ledger.js';

/**
 * The last failed requests, with everything needed to say why: which timer ended them and the line of configuration that
 * set it, how far the bytes came, and what was known of the connection. Read by `/explain`.
 */

/** A timer of the stream's ledger (`LedgerTimer` is one). Times are monotonic ms, -1 for never. */
export interface ExplainedTimer {
  readonly kind: number;
  /** Length it was last armed for, ms. */
  readonly length: number;
  readonly firstArmedAt: number;
  /** Last armed. */
  readonly armedAt: number;
  readonly rearmed: number;
  readonly disarmedAt: number;
  readonly firedAt: number;
  readonly ref: {
    readonly path: string;
    readonly position: { readonly file: string; readonly line: number; readonly col: number } | null;
  };
}

/** What is known of the upstream connection when the stream ends. Counts are bytes, -1 when not known. */
export interface TransportFacts {
  /** Name of the stall verdict, such as `dead-peer`; '' when there is none. */
  readonly verdict: string;
  /** The evidence for it, in words. */
  readonly evidence: string;
  /** Bytes of the connection that the codec accepted, that the kernel took, and that the peer acknowledged. */
  readonly accepted: number;
  readonly written: number;
  readonly acknowledged: number;
  /** Bytes in the kernel's send queue. */
  readonly sendQueue: number;
  readonly retransmits: number;
}

/** What the recorder is given: a stream that has ended badly. */
export interface ExplainedStream {
  readonly info: StreamInfo;
  readonly ledger: { readonly entries: readonly ExplainedTimer[] };
  /** Facts of the last attempt's connection; absent or null when it had none. */
  transportFacts?(): TransportFacts | null;
}

export interface RecordedTimer {
  name: string;
  field: string;
  /** `file:line:col`, '' when it was not read from a document. */
  position: string;
  length: number;
  /** Relative to the start of the stream, ms; null for never. */
  firstArmedAt: number;
  armedAt: number;
  rearmed: number;
  disarmedAt: number | null;
  firedAt: number | null;
}

/** One failed request. Times are ms from the start of the stream (a reused connection was made before it), null for never. */
export interface Explanation {
  requestId: string;
  streamId: string;
  /** Wall clock at the start, ms since the epoch. */
  at: number;
  method: string;
  authority: string;
  path: string;
  protocol: string;
  responseCode: number;
  flags: string;
  details: string;
  duration: number;
  bytesReceived: number;
  bytesSent: number;
  downstream: { local: string; remote: string; connectionId: number };
  virtualHost: string;
  route: string;
  cluster: string;
  attempts: number;
  requestEnd: number | null;
  firstDownstreamTx: number | null;
  lastDownstreamTx: number | null;
  upstream: {
    host: string;
    local: string;
    connectionId: number;
    protocol: string;
    failure: string;
    poolStart: number | null;
    poolReady: number | null;
    connectStart: number | null;
    connectEnd: number | null;
    firstTx: number | null;
    lastTx: number | null;
    firstRx: number | null;
    lastRx: number | null;
    wireSent: number;
    wireReceived: number;
  } | null;
  timers: RecordedTimer[];
  transport: TransportFacts | null;
}

export class FailureRecorder {
  private readonly ring: (Recorded | undefined)[];
  private readonly byId = new Map<string, Recorded>();
  private next = 0;

  /** @param capacity requests kept, default 256 */
  constructor(capacity = 256) {
    this.ring = new Array<Recorded | undefined>(capacity).fill(undefined);
  }

  /** Keeps a stream that ended with a timeout, a reset or an error of this proxy or an upstream. */
  onStreamEnd(stream: ExplainedStream): void {
    const recorded = new Recorded(explain(stream));
    const old = this.ring[this.next];
    if (old !== undefined) this.forget(old);
    this.ring[this.next] = recorded;
    this.next = (this.next + 1) % this.ring.length;
    const { requestId, streamId } = recorded.explanation;
    if (streamId !== '') this.byId.set(streamId, recorded);
    if (requestId !== '') this.byId.set(requestId, recorded);
  }

  private forget(old: Recorded): void {
    const { requestId, streamId } = old.explanation;
    if (this.byId.get(requestId) === old) this.byId.delete(requestId);
    if (this.byId.get(streamId) === old) this.byId.delete(streamId);
  }

  /** By `x-request-id` or stream id; the newest when several have it. */
  find(id: string): Recorded | undefined {
    return this.byId.get(id);
  }

  /** Newest first. */
  *list(): Generator<ReturnType<Recorded['summary']>> {
    for (let i = 1; i <= this.ring.length; i++) {
      const recorded = this.ring[(this.next - i + this.ring.length) % this.ring.length];
      if (recorded === undefined) return;
      yield recorded.summary();
    }
  }
}

export class Recorded {
  constructor(readonly explanation: Explanation) {}

  toJson(): object {
    return renderJson(this.explanation);
  }

  toText(): string {
    return renderText(this.explanation);
  }

  summary() {
    const it = this.explanation;
    return {
      id: it.requestId === '' ? it.streamId : it.requestId,
      at: it.at,
      method: it.method,
      path: it.path,
      responseCode: it.responseCode,
      flags: it.flags,
      details: it.details,
      durationMs: Math.floor(it.duration),
      upstream: it.upstream?.host ?? '',
      verdict: it.transport?.verdict ?? '',
    };
  }
}

function requestIdOf(info: StreamInfo): string {
  return info.requestHeaders?.get(H.xRequestId) ?? '';
}

export function positionText(position: ExplainedTimer['ref']['position']): string {
  return position === null ? '' : `${position.file}:${position.line}:${position.col}`;
}

/** Copies what matters, so that the stream and its headers can go. */
function explain(stream: ExplainedStream): Explanation {
  const { info, ledger } = stream;
  const { start, requestHeaders: headers, upstream: up } = info;
  const at = (time: number) => (time < 0 ? null : time - start);
  return {
    requestId: requestIdOf(info),
    streamId: info.streamId,
    at: info.startWall,
    method: headers?.method ?? '',
    authority: headers?.authority ?? '',
    path: headers?.path ?? '',
    protocol: info.protocol,
    responseCode: info.responseCode,
    flags: flagsText(info.flags),
    details: info.details,
    duration: info.end < 0 ? 0 : info.end - start,
    bytesReceived: info.bytesReceived,
    bytesSent: info.bytesSent,
    downstream: {
      local: info.connection.localAddress,
      remote: info.downstreamRemoteAddress,
      connectionId: info.connection.id,
    },
    virtualHost: info.virtualHost,
    route: info.routeName,
    cluster: info.upstreamCluster,
    attempts: info.attemptCount,
    requestEnd: at(info.requestEnd),
    firstDownstreamTx: at(info.firstDownstreamTx),
    lastDownstreamTx: at(info.lastDownstreamTx),
    upstream:
      up === null
        ? null
        : {
            host: up.host,
            local: up.localAddress,
            connectionId: up.connectionId,
            protocol: up.protocol,
            failure: up.transportFailureReason,
            poolStart: at(up.poolStart),
            poolReady: at(up.poolReady),
            connectStart: at(up.connectStart),
            connectEnd: at(up.connectEnd),
            firstTx: at(up.firstTx),
            lastTx: at(up.lastTx),
            firstRx: at(up.firstRx),
            lastRx: at(up.lastRx),
            wireSent: up.bytes?.wireSent ?? 0,
            wireReceived: up.bytes?.wireReceived ?? 0,
          },
    timers: ledger.entries.map((timer) => ({
      name: TIMERS[timer.kind]?.name ?? `timer ${timer.kind}`,
      field: timer.ref.path,
      position: positionText(timer.ref.position),
      length: timer.length,
      firstArmedAt: timer.firstArmedAt - start,
      armedAt: timer.armedAt - start,
      rearmed: timer.rearmed,
      disarmedAt: at(timer.disarmedAt),
      firedAt: at(timer.firedAt),
    })),
    transport: stream.transportFacts?.() ?? null,
  };
}
