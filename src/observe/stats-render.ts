import { type BinCounts, binLower, binWidth, bucketCounts, QUANTILES, quantile } from './histogram.js';
import { g6, shortest, u64 } from './number-text.js';
import type { HistogramStat, StatSnapshot } from './store.js';
import type { StringPredicate } from './string-match.js';

/** How `/stats` writes: text and JSON, in Envoy's order (text readouts, counters and gauges mixed, histograms). */
export type StatType = 'All' | 'Counters' | 'Gauges' | 'Histograms' | 'TextReadouts';
export type HistogramMode = 'summary' | 'cumulative' | 'disjoint' | 'detailed';

export interface StatsView {
  type: StatType;
  histograms: HistogramMode;
  usedOnly: boolean;
  /** null: everything. */
  filter: StringPredicate | null;
}

/** The part of a snapshot that a request asks for. */
export function select(snapshot: StatSnapshot, view: StatsView): StatSnapshot {
  const { type, filter, usedOnly } = view;
  const wanted = (name: string) => filter === null || filter(name);
  const counters = type === 'All' || type === 'Counters';
  const gauges = type === 'All' || type === 'Gauges';
  return {
    numbers: snapshot.numbers.filter(
      (stat) => (stat.gauge ? gauges : counters) && (!usedOnly || stat.used) && wanted(stat.name),
    ),
    histograms:
      type === 'All' || type === 'Histograms'
        ? snapshot.histograms.filter((stat) => (!usedOnly || stat.cumulative.total > 0) && wanted(stat.name))
        : [],
    texts:
      type === 'All' || type === 'TextReadouts'
        ? snapshot.texts.filter((stat) => (!usedOnly || stat.value !== '') && wanted(stat.name))
        : [],
  };
}

export function renderText(snapshot: StatSnapshot, mode: HistogramMode): string {
  let out = '';
  for (const { name, value } of snapshot.texts) out += `${name}: "${value}"\n`;
  for (const { name, value } of snapshot.numbers) out += `${name}: ${u64(value)}\n`;
  for (const stat of snapshot.histograms) out += histogramText(stat, mode);
  return out;
}

function histogramText(stat: HistogramStat, mode: HistogramMode): string {
  const { name, interval, cumulative, buckets } = stat;
  if (cumulative.total === 0) return `${name}: No recorded values\n`;
  if (mode === 'summary') return `${name}: ${summaryText(stat)}\n`;
  if (mode === 'detailed') {
    return `${name}:\n  totals=${binsText(cumulative)}\n  intervals=${binsText(interval)}\n  summary=${summaryText(stat)}\n`;
  }
  const [i, c] = bucketPair(stat, mode);
  return `${name}: ${buckets.map((bound, at) => `B${g6(bound)}(${i[at]},${c[at]})`).join(' ')}\n`;
}

function summaryText({ interval, cumulative }: HistogramStat): string {
  return QUANTILES.map((q) => {
    return `P${percent(q)}(${plain(quantile(interval, q))},${plain(quantile(cumulative, q))})`;
  }).join(' ');
}

function binsText(view: BinCounts): string {
  return view.bins.map((bin, at) => `${binLower(bin)},${binWidth(bin)}:${view.counts[at]}`).join(', ');
}

function percent(q: number): number {
  return Math.round(q * 1e6) / 1e4;
}

function plain(value: number): string {
  return Number.isNaN(value) ? 'nan' : String(value);
}

function bucketPair(stat: HistogramStat, mode: 'cumulative' | 'disjoint'): [number[], number[]] {
  const interval = bucketCounts(stat.interval, stat.buckets);
  const cumulative = bucketCounts(stat.cumulative, stat.buckets);
  return mode === 'cumulative' ? [interval, cumulative] : [apart(interval), apart(cumulative)];
}

function apart(counts: readonly number[]): number[] {
  return counts.map((count, at) => count - (at === 0 ? 0 : counts[at - 1]));
}

/** Compact JSON, as Envoy streams it; `pretty` is accepted and changes nothing there either. */
export function renderJson(snapshot: StatSnapshot, mode: HistogramMode): string {
  const parts: string[] = [];
  for (const { name, value } of snapshot.texts) parts.push(`{"name":${quoted(name)},"value":${quoted(value)}}`);
  for (const { name, value } of snapshot.numbers) parts.push(`{"name":${quoted(name)},"value":${u64(value)}}`);
  if (snapshot.histograms.length > 0) parts.push(`{"histograms":${histogramsJson(snapshot.histograms, mode)}}`);
  return `{"stats":[${parts.join(',')}]}`;
}

function histogramsJson(histograms: readonly HistogramStat[], mode: HistogramMode): string {
  const percents = QUANTILES.map(percent).join(',');
  if (mode === 'summary') {
    const values = histograms.map((stat) => `{"name":${quoted(stat.name)},"values":[${quantilesJson(stat)}]}`);
    return `{"supported_quantiles":[${percents}],"computed_quantiles":[${values.join(',')}]}`;
  }
  if (mode === 'detailed') {
    const details = histograms.map(
      (stat) =>
        `{"name":${quoted(stat.name)},"totals":[${binsJson(stat.cumulative)}],"intervals":[${binsJson(stat.interval)}],"percentiles":[${quantilesJson(stat)}]}`,
    );
    return `{"supported_percentiles":[${percents}],"details":[${details.join(',')}]}`;
  }
  const all = histograms.map((stat) => {
    const [i, c] = bucketPair(stat, mode);
    const buckets = stat.buckets.map(
      (bound, at) => `{"upper_bound":${shortest(bound)},"interval":${i[at]},"cumulative":${c[at]}}`,
    );
    return `{"name":${quoted(stat.name)},"buckets":[${buckets.join(',')}]}`;
  });
  return `[${all.join(',')}]`;
}

function quantilesJson({ interval, cumulative }: HistogramStat): string {
  return QUANTILES.map(
    (q) => `{"cumulative":${number(quantile(cumulative, q))},"interval":${number(quantile(interval, q))}}`,
  ).join(',');
}

function binsJson(view: BinCounts): string {
  return view.bins
    .map(
      (bin, at) =>
        `{"lower_bound":${shortest(binLower(bin))},"width":${shortest(binWidth(bin))},"count":${view.counts[at]}}`,
    )
    .join(',');
}

function number(value: number): string {
  return Number.isNaN(value) ? 'null' : shortest(value);
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
