import { answersIn, oldestCall, recoveryTime, span } from './measure.js';
import type { RowRecord } from './row-run.js';
import type { FaultRun, LabReport, PhaseName } from './run.js';
import { compare, disappointments, rangeText, TIMES, timeText } from './verdict.js';

const PHASES: PhaseName[] = ['healthy', 'unplugged', 'replaced', 'restored'];

/** The report as plain text. */
export function textSummary(report: LabReport): string {
  const lines: string[] = ['', `What happened (${report.topology}):`];
  for (const run of report.runs) {
    if (report.runs.length > 1) lines.push('', `=== ${run.fault}: ${run.phases[1].what}`);
    for (const record of run.rows) lines.push('', ...rowLines(report, run, record));
  }
  if (report.runs.length > 1 || report.scenario.faults.length > 1) lines.push('', ...table(report));
  for (const { row, why } of report.skipped) lines.push('', `skipped: ${row}: ${why}`);
  const bad = disappointments(report);
  if (bad.length > 0) lines.push('', 'Not as expected:', ...bad.map((line) => `  ${line}`));
  return lines.join('\n');
}

function rowLines(report: LabReport, run: FaultRun, record: RowRecord): string[] {
  const { row } = record;
  const { scenario } = report;
  const lines = [`${row.name}: ${row.chain}, ${row.profile}, ${row.protocol === 'http2' ? 'HTTP/2' : 'HTTP/1.1'}`];
  for (const name of PHASES) {
    if (span(run, name) === null) continue;
    const counts = answersIn(run, record, name, 'SMALL').map(([answer, n]) => `${n} x ${answer}`);
    const uploads = answersIn(run, record, name, 'UPLOAD').map(([answer]) => answer);
    const size = Math.round((scenario.traffic.upload?.bytes ?? 0) / 1048576);
    const upload = uploads.length === 0 ? '' : `; upload of ${size} MiB: ${uploads.join(', ')}`;
    lines.push(`  ${name.padEnd(10)} ${counts.join(', ') || 'nothing'}${upload}`);
  }
  lines.push(`  ${queueText(run, record)}`);
  const longest = oldestCall(record);
  if (longest > scenario.traffic.deadline * 1.1)
    lines.push(
      `  a call was out for ${(longest / 1000).toFixed(1)} s, with a deadline of ${(scenario.traffic.deadline / 1000).toFixed(1)} s`,
    );
  for (const name of ['replaced', 'restored'] as const) {
    if (span(run, name) === null) continue;
    const ms = recoveryTime(run, record, name);
    const what = name === 'replaced' ? 'with a new server' : 'network restored';
    lines.push(`  ${what}: ${ms === null ? 'no recovery' : `recovered after ${timeText(ms)}`}`);
  }
  if (row.why !== '') lines.push(`  why: ${wrap(row.why, 100, '       ')}`);
  return lines;
}

function queueText(run: FaultRun, record: RowRecord): string {
  const { from, to } = span(run, 'unplugged')!;
  const inside = record.queue.filter((q) => q.at >= from && q.at < to);
  if (inside.length === 0) return 'Send-Q: not readable here (no /proc/net/tcp)';
  const before = record.queue.filter((q) => q.at < from).at(-1)?.sendQueue ?? 0;
  const peak = inside.reduce((top, q) => (q.sendQueue > top.sendQueue ? q : top));
  const last = inside[inside.length - 1];
  const kib = (bytes: number) => `${Math.round(bytes / 1024)} KiB`;
  const seconds = ((peak.at - from) / 1000).toFixed(1);
  return (
    `Send-Q ${kib(before)} before, ${kib(peak.sendQueue)} at most (${seconds} s after), ${kib(last.sendQueue)} at the end; ` +
    `${last.established.length} of ${last.connections} connections ESTABLISHED, retransmissions ${last.retransmits}`
  );
}

/** Faults against rows: measured times, and what was predicted in brackets. */
function table(report: LabReport): string[] {
  const cells = [['fault', 'row', 'given up', 'first failure', 'recovered', '']];
  for (const run of report.runs) {
    for (const record of run.rows) {
      const { measured, predicted, agrees } = compare(report, run, record);
      const times = TIMES.map((name) => {
        const expected = predicted[name] === null ? '' : ` (${rangeText(predicted[name])})`;
        return `${timeText(measured[name])}${expected}`;
      });
      const wrong = TIMES.some((name) => agrees[name] === false);
      cells.push([run.fault, record.row.name, ...times, wrong ? 'not as predicted' : '']);
    }
  }
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  const text = cells.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]))
      .join('  ')
      .trimEnd(),
  );
  return ['Times from the fault, and from the return of the server; predictions in brackets:', ...text];
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
