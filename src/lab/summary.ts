import type { FieldReport, Phase } from './field-report.js';
import type { RowRecord } from './run-row.js';

/** What an answer was, in a few words: `504 UT`, `408 duration`, `200`, `no answer`. */
export function answerOf(result: { status: number; body: string }): string {
  const { status, body } = result;
  if (status === 0) return 'no answer';
  if (status === 200) return '200';
  if (body.startsWith('upstream request timeout')) return `${status} UT`;
  if (body.startsWith('downstream duration timeout')) return `${status} duration`;
  if (body.startsWith('stream timeout')) return `${status} SI`;
  const reason = /reset reason: ([^,]*)/.exec(body)?.[1];
  if (reason === 'connection termination') return `${status} UC`;
  if (reason === 'connection timeout') return `${status} UF`;
  return reason === undefined ? String(status) : `${status} ${reason}`;
}

export interface PhaseSummary {
  phase: Phase;
  /** By answer, most frequent first. */
  answers: [answer: string, count: number][];
}

/** Answers of the requests that began in each phase; `kind` null takes all. */
export function summarize(report: FieldReport, record: RowRecord, kind: 'UPLOAD' | 'SMALL'): PhaseSummary[] {
  return report.phases.map((phase, i) => {
    const end = report.phases[i + 1]?.at ?? report.length;
    const counts = new Map<string, number>();
    for (const result of record.results) {
      if (result.at < phase.at || result.at >= end || (result.kind === 'UPLOAD') !== (kind === 'UPLOAD')) continue;
      const answer = answerOf(result);
      counts.set(answer, (counts.get(answer) ?? 0) + 1);
    }
    return { phase, answers: [...counts].sort((a, b) => b[1] - a[1]) };
  });
}

/** Ms from a phase's beginning to the first answer 200 after which no small request of that phase failed; null when there is none. */
export function recoveryTime(report: FieldReport, record: RowRecord, phaseName: string): number | null {
  const at = report.phases.findIndex((phase) => phase.name === phaseName);
  if (at < 0) return null;
  const from = report.phases[at].at;
  const to = report.phases[at + 1]?.at ?? report.length;
  const inside = record.results.filter((r) => r.kind !== 'UPLOAD' && r.doneAt >= from && r.doneAt < to);
  const lastBad = inside.filter((r) => r.status !== 200).reduce((last, r) => Math.max(last, r.doneAt), from);
  const good = inside.filter((r) => r.status === 200 && r.doneAt >= lastBad);
  return good.length === 0 ? null : Math.min(...good.map((r) => r.doneAt)) - from;
}

/** The report as plain text. */
export function textSummary(report: FieldReport): string {
  const lines: string[] = ['', `What happened (${report.kind}):`];
  for (const record of report.rows) {
    lines.push('', `${record.row.name}: ${record.row.title}`);
    const small = summarize(report, record, 'SMALL');
    const uploads = summarize(report, record, 'UPLOAD');
    for (const [i, { phase, answers }] of small.entries()) {
      const upload = uploads[i].answers.map(([answer]) => answer).join(', ');
      const counts = answers.map(([answer, n]) => `${n} x ${answer}`).join(', ');
      lines.push(
        `  ${phase.name.padEnd(10)} ${counts || 'nothing'}${upload === '' ? '' : `; upload of 24 MiB: ${upload}`}`,
      );
    }
    lines.push(`  ${queueText(report, record)}`);
    for (const name of ['replaced', 'restored']) {
      if (!report.phases.some((phase) => phase.name === name)) continue;
      const ms = recoveryTime(report, record, name);
      lines.push(
        `  ${name === 'replaced' ? 'with a new server' : 'network restored'}: ${ms === null ? 'no recovery' : `recovered after ${(ms / 1000).toFixed(2)} s`}`,
      );
    }
    lines.push(`  why: ${wrap(record.row.why, 100, '       ')}`);
  }
  return lines.join('\n');
}

function queueText(report: FieldReport, record: RowRecord): string {
  const unplugged = report.phases.find((phase) => phase.name === 'unplugged');
  const after = report.phases.find((phase) => phase.at > (unplugged?.at ?? 0));
  const inside = record.queue.filter((q) => q.at >= (unplugged?.at ?? 0) && q.at < (after?.at ?? report.length));
  if (inside.length === 0) return 'Send-Q: not readable here (no /proc/net/tcp)';
  const before = record.queue.filter((q) => q.at < (unplugged?.at ?? 0)).at(-1)?.sendQueue ?? 0;
  const peak = inside.reduce((top, q) => (q.sendQueue > top.sendQueue ? q : top));
  const last = inside[inside.length - 1];
  const kib = (bytes: number) => `${Math.round(bytes / 1024)} KiB`;
  const seconds = ((peak.at - (unplugged?.at ?? 0)) / 1000).toFixed(1);
  return (
    `Send-Q ${kib(before)} before, ${kib(peak.sendQueue)} at most (${seconds} s after), ${kib(last.sendQueue)} at the end; ` +
    `${last.established} of ${last.connections} connections ESTABLISHED, retransmissions ${last.retransmits}`
  );
}

function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.length - 1;
    if (lines[last] === '') lines[last] = word;
    else if (lines[last].length + word.length + 1 > width) lines.push(word);
    else lines[last] += ` ${word}`;
  }
  return lines.join(`\n${indent}`);
}
