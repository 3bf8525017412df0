import { approximateSum, bucketCounts, QUANTILES, quantile } from './histogram.js';
import { g32, u64 } from './number-text.js';
import type { HistogramStat, StatSnapshot, Store } from './store.js';
import { promName, type Tag } from './tags.js';

/**
 * `/stats/prometheus` as Envoy writes it: no HELP, no blank lines, `{}` for no labels, groups sorted by the extracted
 * dotted name, lines of a group by the full name. prom-client cannot write this (it omits `{}`, adds HELP and blank
 * lines); it serves our own series instead.
 */
export type PromHistogramMode = 'cumulative' | 'summary';

interface Line<T> {
  readonly labels: string;
  readonly stat: T;
}

export function renderPrometheus(
  store: Store,
  snapshot: StatSnapshot,
  mode: PromHistogramMode,
  textReadouts: boolean,
): string {
  const out: string[] = [];
  for (const gauge of [false, true]) {
    const numbers = snapshot.numbers.filter((stat) => stat.gauge === gauge);
    for (const [name, lines] of grouped(store, numbers)) {
      out.push(`# TYPE ${name} ${gauge ? 'gauge' : 'counter'}\n`);
      for (const { labels, stat } of lines) out.push(`${name}{${labels}} ${u64(stat.value)}\n`);
    }
  }
  if (textReadouts) {
    for (const [name, lines] of grouped(store, snapshot.texts)) {
      out.push(`# TYPE ${name} gauge\n`);
      for (const { labels, stat } of lines) {
        const value = label('text_value', stat.value);
        out.push(`${name}{${labels === '' ? value : `${labels},${value}`}} 0\n`);
      }
    }
  }
  for (const [name, lines] of grouped(store, snapshot.histograms)) {
    out.push(`# TYPE ${name} ${mode === 'summary' ? 'summary' : 'histogram'}\n`);
    for (const { labels, stat } of lines)
      out.push(mode === 'summary' ? summary(name, labels, stat) : histogram(name, labels, stat));
  }
  return out.join('');
}

function grouped<T extends { readonly name: string }>(store: Store, stats: readonly T[]): [string, Line<T>[]][] {
  const groups = new Map<string, Line<T>[]>();
  for (const stat of stats) {
    const { name, tags } = store.extract(stat.name);
    const line = { labels: labelText(tags), stat };
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [line]);
    else group.push(line);
  }
  return [...groups]
    .sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))
    .map(([name, lines]) => [`envoy_${promName(name)}`, lines]);
}

export function labelText(tags: readonly Tag[]): string {
  return tags.map((tag) => label(promName(tag.name), tag.value)).join(',');
}

export function label(name: string, value: string): string {
  return `${name}="${value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`;
}

function histogram(name: string, labels: string, { cumulative, buckets }: HistogramStat): string {
  const lead = labels === '' ? '' : `${labels},`;
  const counts = bucketCounts(cumulative, buckets);
  let out = '';
  for (let i = 0; i < buckets.length; i++) out += `${name}_bucket{${lead}le="${g32(buckets[i])}"} ${counts[i]}\n`;
  out += `${name}_bucket{${lead}le="+Inf"} ${cumulative.total}\n`;
  out += `${name}_sum{${labels}} ${g32(approximateSum(cumulative))}\n`;
  return `${out}${name}_count{${labels}} ${cumulative.total}\n`;
}

/** Quantiles of the last flush interval. */
function summary(name: string, labels: string, { interval }: HistogramStat): string {
  const lead = labels === '' ? '' : `${labels},`;
  let out = '';
  for (const q of QUANTILES) out += `${name}{${lead}quantile="${q}"} ${g32(quantile(interval, q))}\n`;
  out += `${name}_sum{${labels}} ${g32(approximateSum(interval))}\n`;
  return `${out}${name}_count{${labels}} ${interval.total}\n`;
}
