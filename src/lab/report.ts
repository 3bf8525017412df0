import type { FieldReport } from './field-report.js';
import type { RowRecord } from './run-row.js';
import { answerOf, recoveryTime, summarize } from './summary.js';

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

/** One HTML page without scripts: for each row the answers over time, and the send queue. */
export function htmlReport(report: FieldReport): string {
  const answers = [...new Set(report.rows.flatMap((record) => record.results.map(answerOf)))].sort();
  const legend = answers.map((a) => `<span><i style="background:${colorOf(a)}"></i>${html(a)}</span>`).join(' ');
  const sections = report.rows.map((record) => section(report, record)).join('\n');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>halfopen lab: field report</title>
<style>
body{font:15px/1.45 system-ui,sans-serif;max-width:960px;margin:2em auto;padding:0 1em;color:#222}
svg{display:block;margin:.4em 0;background:#fafafa}
table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.25em .6em;text-align:left}
i{display:inline-block;width:.9em;height:.9em;margin-right:.35em;vertical-align:-1px}span{margin-right:1em}
text{font-size:11px;fill:#555}
</style></head><body>
<h1>A server loses its network behind a proxy</h1>
<p>${html(report.kind)}; ${report.phases.map((p) => `${(p.at / 1000).toFixed(1)} s: ${html(p.what)}`).join('; ')}.</p>
<p>${legend}</p>
${sections}
</body></html>
`;
}

function colorOf(answer: string): string {
  return COLORS[answer] ?? '#b0a000';
}

function section(report: FieldReport, record: RowRecord): string {
  const rows = summarize(report, record, 'SMALL')
    .map(({ phase, answers }, i) => {
      const upload = summarize(report, record, 'UPLOAD')
        [i].answers.map(([a]) => a)
        .join(', ');
      const text = answers.map(([a, n]) => `${n} × ${a}`).join(', ');
      return `<tr><th>${html(phase.name)}</th><td>${html(text)}</td><td>${html(upload)}</td></tr>`;
    })
    .join('');
  const restored = recoveryTime(report, record, 'restored');
  const replaced = recoveryTime(report, record, 'replaced');
  const recovery = [
    replaced === null ? '' : `with a new server after ${(replaced / 1000).toFixed(2)} s`,
    restored === null ? '' : `after the network was back in ${(restored / 1000).toFixed(2)} s`,
  ].filter(Boolean);
  return `<h2>${html(record.row.name)}</h2>
<p>${html(record.row.title)}. ${html(record.row.why)}</p>
<table><tr><th>phase</th><th>answers</th><th>24 MiB upload</th></tr>${rows}</table>
<p>Recovered: ${html(recovery.join(', ') || 'not in this run')}.</p>
${statusPlot(report, record)}
${queuePlot(report, record)}`;
}

function phaseLines(report: FieldReport, x: (ms: number) => number): string {
  return report.phases
    .map(
      (p) =>
        `<line x1="${x(p.at)}" x2="${x(p.at)}" y1="0" y2="${HEIGHT}" stroke="#999" stroke-dasharray="3 3"/><text x="${x(p.at) + 3}" y="11">${html(p.name)}</text>`,
    )
    .join('');
}

function statusPlot(report: FieldReport, record: RowRecord): string {
  const buckets = Math.ceil(report.length / BUCKET_MS);
  const counts: Map<string, number>[] = Array.from({ length: buckets }, () => new Map());
  for (const result of record.results) {
    const bucket = counts[Math.min(buckets - 1, Math.max(0, Math.floor(result.doneAt / BUCKET_MS)))];
    const answer = answerOf(result);
    bucket.set(answer, (bucket.get(answer) ?? 0) + 1);
  }
  const top = Math.max(1, ...counts.map((bucket) => [...bucket.values()].reduce((a, b) => a + b, 0)));
  const x = (ms: number) => LEFT + ((WIDTH - LEFT) * ms) / report.length;
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
  return `<svg width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="answers over time">${bars}${phaseLines(report, x)}<text x="2" y="${HEIGHT - 4}">answers</text></svg>`;
}

function queuePlot(report: FieldReport, record: RowRecord): string {
  if (record.queue.length === 0) return '<p>Send-Q could not be read on this machine.</p>';
  const top = Math.max(1024, ...record.queue.map((q) => q.sendQueue));
  const x = (ms: number) => LEFT + ((WIDTH - LEFT) * ms) / report.length;
  const y = (bytes: number) => HEIGHT - ((HEIGHT - 16) * bytes) / top;
  const points = record.queue.map((q) => `${x(q.at).toFixed(1)},${y(q.sendQueue).toFixed(1)}`).join(' ');
  return `<svg width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="Send-Q over time"><polyline fill="none" stroke="#c0392b" stroke-width="1.5" points="${points}"/>${phaseLines(report, x)}<text x="2" y="24">${Math.round(top / 1024)} KiB</text><text x="2" y="${HEIGHT - 4}">Send-Q</text></svg>`;
}
