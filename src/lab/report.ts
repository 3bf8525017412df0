import { answerOf, answersIn, oldestCall, span } from './measure.js';
import type { RowRecord } from './row-run.js';
import type { FaultRun, LabReport, PhaseName } from './run.js';
import { compare, disappointments, rangeText, TIME_TEXT, TIMES, timeText } from './verdict.js';

const WIDTH = 860;
const HEIGHT = 150;
const LEFT = 56;
const BUCKET_MS = 250;
const COLORS: Record<string, string> = {
  '200': '#4c9f70',
  '504 UT': '#c0392b',
  '504 duration': '#e67e22',
  '408 duration': '#8e44ad',
  '503 UC': '#2980b9',
  '503 UF': '#16a0c4',
  'no answer': '#555555',
};

function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const PHASES: PhaseName[] = ['healthy', 'unplugged', 'replaced', 'restored'];

/** One HTML page without scripts: the table of rows against faults, and for each of both the answers over time and the send queue. */
export function htmlReport(report: LabReport): string {
  const records = report.runs.flatMap((run) => run.rows);
  const answers = [...new Set(records.flatMap((record) => record.results.map(answerOf)))].sort();
  const legend = answers.map((a) => `<span><i style="background:${colorOf(a)}"></i>${html(a)}</span>`).join(' ');
  const bad = disappointments(report);
  const runs = report.runs.map((run) => runSection(report, run)).join('\n');
  const list = (lines: string[]) => `<ul>${lines.map((line) => `<li>${html(line)}</li>`).join('')}</ul>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>halfopen lab: ${html(report.scenario.title)}</title>
<style>
body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#222}
svg{display:block;margin:.4em 0;background:#fafafa}
table{border-collapse:collapse;margin:.6em 0}td,th{border:1px solid #ccc;padding:.25em .6em;text-align:left;vertical-align:top}
i{display:inline-block;width:.9em;height:.9em;margin-right:.35em;vertical-align:-1px}span{margin-right:1em}
small{color:#666}.no{background:#fbe3e0}.yes small{color:#2c7a4b}
text{font-size:11px;fill:#555}
</style></head><body>
<h1>${html(report.scenario.title)}</h1>
<p>${html(report.scenario.about)}</p>
<p>${html(report.topology)}; ${report.runs.length} ${report.runs.length === 1 ? 'fault' : 'faults'}, ${report.scenario.rows.length} rows.</p>
${table(report)}
<p><small>Times in seconds, predictions in brackets. Green: the measurement agrees within a tenth (or what sampling leaves open).</small></p>
${bad.length === 0 ? '' : `<h2>Not as expected</h2>${list(bad)}`}
${report.skipped.length === 0 ? '' : `<h2>Skipped</h2>${list(report.skipped.map(({ row, why }) => `${row}: ${why}`))}`}
<p>${legend}</p>
${runs}
</body></html>
`;
}

/** Rows against faults: what was answered meanwhile, and the measured times beside the predicted ones. */
function table(report: LabReport): string {
  const head = report.runs.map((run) => `<th>${html(run.fault)}</th>`).join('');
  const rows = report.runs[0].rows.map((first, i) => {
    const cells = report.runs.map((run) => cell(report, run, run.rows[i])).join('');
    return `<tr><th>${html(first.row.name)}</th>${cells}</tr>`;
  });
  return `<table><tr><th></th>${head}</tr>${rows.join('')}</table>`;
}

function cell(report: LabReport, run: FaultRun, record: RowRecord): string {
  const answers = answersIn(run, record, 'unplugged', 'SMALL').map(([answer, n]) => `${n} × ${answer}`);
  const { measured, predicted, agrees } = compare(report, run, record);
  const times = TIMES.map((name) => {
    const brackets = predicted[name] === null ? '' : ` <small>(${html(rangeText(predicted[name]))})</small>`;
    const kind = agrees[name] === null ? '' : agrees[name] ? 'yes' : 'no';
    return `<div class="${kind}"><small>${html(TIME_TEXT[name])}</small> ${html(timeText(measured[name]))}${brackets}</div>`;
  });
  return `<td>${html(answers.join(', ') || 'nothing')}${times.join('')}</td>`;
}

function colorOf(answer: string): string {
  return COLORS[answer] ?? '#b0a000';
}

function runSection(report: LabReport, run: FaultRun): string {
  const phases = run.phases.map((p) => `${(p.at / 1000).toFixed(1)} s: ${html(p.what)}`).join('; ');
  const rows = run.rows.map((record) => rowSection(report, run, record)).join('\n');
  return `<h2>${html(run.fault)}</h2><p>${phases}.</p>${rows}`;
}

function rowSection(report: LabReport, run: FaultRun, record: RowRecord): string {
  const { row } = record;
  const lines = PHASES.filter((name) => span(run, name) !== null).map((name) => {
    const small = answersIn(run, record, name, 'SMALL').map(([answer, n]) => `${n} × ${answer}`);
    const large = answersIn(run, record, name, 'UPLOAD').map(([answer]) => answer);
    return `<tr><th>${name}</th><td>${html(small.join(', '))}</td><td>${html(large.join(', '))}</td></tr>`;
  });
  const longest = `the longest call took ${timeText(oldestCall(record))}, the caller's deadline is ${timeText(report.scenario.traffic.deadline)}`;
  return `<h3>${html(row.name)}</h3>
<p>${html(`${row.chain}; ${row.profile}; cure: ${row.cure}; ${longest}.`)} ${html(row.why)}</p>
<table><tr><th>phase</th><th>answers</th><th>large upload</th></tr>${lines.join('')}</table>
${statusPlot(run, record)}
${queuePlot(run, record)}`;
}

function phaseLines(run: FaultRun, x: (ms: number) => number): string {
  return run.phases
    .map(
      (p) =>
        `<line x1="${x(p.at)}" x2="${x(p.at)}" y1="0" y2="${HEIGHT}" stroke="#999" stroke-dasharray="3 3"/><text x="${x(p.at) + 3}" y="11">${html(p.name)}</text>`,
    )
    .join('');
}

function statusPlot(run: FaultRun, record: RowRecord): string {
  const buckets = Math.ceil(run.length / BUCKET_MS);
  const counts: Map<string, number>[] = Array.from({ length: buckets }, () => new Map());
  for (const result of record.results) {
    const bucket = counts[Math.min(buckets - 1, Math.max(0, Math.floor(result.doneAt / BUCKET_MS)))];
    const answer = answerOf(result);
    bucket.set(answer, (bucket.get(answer) ?? 0) + 1);
  }
  const top = Math.max(1, ...counts.map((bucket) => [...bucket.values()].reduce((a, b) => a + b, 0)));
  const x = (ms: number) => LEFT + ((WIDTH - LEFT) * ms) / run.length;
  const width = (WIDTH - LEFT) / buckets;
  let bars = '';
  counts.forEach((bucket, i) => {
    let y = HEIGHT;
    for (const [answer, n] of [...bucket].sort()) {
      const h = ((HEIGHT - 16) * n) / top;
      y -= h;
      bars += `<rect x="${(LEFT + i * width).toFixed(1)}" y="${y.toFixed(1)}" width="${Math.max(1, width - 1).toFixed(1)}" height="${h.toFixed(1)}" fill="${colorOf(answer)}"/>`;
    }
  });
  return `<svg width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="answers over time">${bars}${phaseLines(run, x)}<text x="2" y="${HEIGHT - 4}">answers</text></svg>`;
}

function queuePlot(run: FaultRun, record: RowRecord): string {
  if (record.queue.length === 0) return '<p>Send-Q could not be read on this machine.</p>';
  const top = Math.max(1024, ...record.queue.map((q) => q.sendQueue));
  const x = (ms: number) => LEFT + ((WIDTH - LEFT) * ms) / run.length;
  const y = (bytes: number) => HEIGHT - ((HEIGHT - 16) * bytes) / top;
  const points = record.queue.map((q) => `${x(q.at).toFixed(1)},${y(q.sendQueue).toFixed(1)}`).join(' ');
  return `<svg width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="Send-Q over time"><polyline fill="none" stroke="#c0392b" stroke-width="1.5" points="${points}"/>${phaseLines(run, x)}<text x="2" y="24">${Math.round(top / 1024)} KiB</text><text x="2" y="${HEIGHT - 4}">Send-Q</text></svg>`;
}
