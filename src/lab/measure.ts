import type { ClientResult } from './peer-client.js';
import type { RowRecord } from './row-run.js';
import type { FaultRun, Phase, PhaseName } from './run.js';

/** First retransmission timeout on a link without delay: Linux's TCP_RTO_MIN. */
export const FIRST_RTO = 200;

/** What an answer was, in a few words: `504 UT`, `408 duration`, `200`, `no answer`. */
export function answerOf(result: { status: number; body: string }): string {
  const { status, body } = result;
  if (status === 0) return 'no answer';
  if (status === 200) return '200';
  if (body.startsWith('upstream request timeout')) return `${status} UT`;
  if (body.startsWith('downstream duration timeout')) return `${status} duration`;
  if (body.startsWith('stream timeout')) return `${status} SI`;
  if (body.startsWith('no healthy upstream')) return `${status} UH`;
  if (body.startsWith('service: ')) return `${status} by the service`;
  const reason = /reset reason: ([^,]*)/.exec(body)?.[1];
  if (reason === 'connection termination') return `${status} UC`;
  if (
    reason === 'connection timeout' ||
    reason === 'remote connection failure' ||
    reason === 'local connection failure'
  )
    return `${status} UF`;
  return reason === undefined ? String(status) : `${status} ${reason}`;
}

/** The phase of that name with its end, ms since the start; null when the run had none. */
export function span(run: FaultRun, name: PhaseName): { from: number; to: number; phase: Phase } | null {
  const i = run.phases.findIndex((phase) => phase.name === name);
  if (i < 0) return null;
  return { from: run.phases[i].at, to: run.phases[i + 1]?.at ?? run.length, phase: run.phases[i] };
}

export type Kind = 'UPLOAD' | 'SMALL';

const isKind = (result: ClientResult, kind: Kind) => (result.kind === 'UPLOAD') === (kind === 'UPLOAD');

/** Answers to the requests that began in a phase, with their numbers, most frequent first. */
export function answersIn(run: FaultRun, record: RowRecord, name: PhaseName, kind: Kind): [string, number][] {
  const phase = span(run, name);
  const counts = new Map<string, number>();
  if (phase === null) return [];
  for (const result of record.results) {
    if (result.at < phase.from || result.at >= phase.to || !isKind(result, kind)) continue;
    const answer = answerOf(result);
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** Ms from a phase's beginning to the first success after which no request begun in that phase failed; null: there is none. */
export function recoveryTime(run: FaultRun, record: RowRecord, name: PhaseName): number | null {
  const phase = span(run, name);
  if (phase === null) return null;
  const small = record.results.filter((result) => isKind(result, 'SMALL'));
  const begun = small.filter((r) => r.at >= phase.from && r.at < phase.to);
  const lastBad = begun
    .filter((r) => r.status !== 200)
    .reduce((last, r) => Math.max(last, r.at), Number.NEGATIVE_INFINITY);
  const good = small.filter((r) => r.status === 200 && r.at > lastBad && r.doneAt >= phase.from && r.doneAt < phase.to);
  return good.length === 0 ? null : Math.min(...good.map((r) => r.doneAt)) - phase.from;
}

/** Ms from the fault to the first answer that was no success; null: there is none. */
export function firstFailure(run: FaultRun, record: RowRecord): number | null {
  const { from } = span(run, 'unplugged')!;
  const failed = record.results.filter((r) => isKind(r, 'SMALL') && r.status !== 200 && r.doneAt >= from);
  return failed.length === 0 ? null : Math.min(...failed.map((r) => r.doneAt)) - from;
}

const lastSample = (record: RowRecord, before: number) => record.queue.filter((sample) => sample.at < before).at(-1);

/**
 * Ms from the fault until none of the connections that were established then is so any more; `kept` when one still was at the
 * end of the run, null where the kernel does not tell.
 */
export function givenUp(run: FaultRun, record: RowRecord): number | 'kept' | null {
  const { from } = span(run, 'unplugged')!;
  const before = lastSample(record, from);
  if (before === undefined || before.established.length === 0) return null;
  for (const sample of record.queue) {
    if (sample.at < from) continue;
    if (!sample.established.some((port) => before.established.includes(port))) return sample.at - from;
  }
  return 'kept';
}

/** How many connections were established when the server was lost. */
export function connectionsAtFault(run: FaultRun, record: RowRecord): number {
  const { from } = span(run, 'unplugged')!;
  return lastSample(record, from)?.established.length ?? 0;
}

/**
 * When the kernel would send again on a dead connection, ms after the server came back; null: no such timer ran. Linux's timer wheel
 * rounds a timer up by as much as an eighth of its length, and the length doubles with each retransmission.
 */
export function retransmitAtRestore(run: FaultRun, record: RowRecord): { from: number; to: number } | null {
  const { from } = span(run, 'restored')!;
  const last = lastSample(record, from);
  if (last === undefined || last.retransmitIn === null) return null;
  const rest = Math.max(0, last.retransmitIn - (from - last.at));
  return { from: rest, to: rest + (FIRST_RTO * 2 ** last.retransmits) / 8 };
}

/** The age of the oldest call that was out, over the whole run, ms. */
export function oldestCall(record: RowRecord): number {
  const done = record.results.reduce((most, r) => Math.max(most, r.doneAt - r.at), 0);
  return record.outstanding.reduce((most, sample) => Math.max(most, sample.oldest), done);
}
