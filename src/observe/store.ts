import type { Dispatcher } from '../base/dispatcher.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';
import { type BinCounts, DEFAULT_BUCKETS, LogLinearHistogram, mergeBins } from './histogram.js';
import type { Histogram, StatSource, StatStore, StatVisitor } from './stats.js';
import { compileStringMatcher, type StringMatcherConfig, type StringPredicate } from './string-match.js';
import { type Extracted, TagExtractor, type TagSpecifier } from './tags.js';

/** `bootstrap.stats_config`, as far as it is used. */
export interface StatsConfig {
  stats_tags?: readonly TagSpecifier[];
  use_all_default_tags?: boolean;
  stats_matcher?: {
    reject_all?: boolean;
    exclusion_list?: { patterns: readonly StringMatcherConfig[] };
    inclusion_list?: { patterns: readonly StringMatcherConfig[] };
  };
  histogram_bucket_settings?: readonly { match: StringMatcherConfig; buckets: readonly number[] }[];
}

export interface NumberStat {
  readonly name: string;
  value: number;
  readonly gauge: boolean;
  /** Was non-zero at some time, as far as scrapes and flushes saw. */
  used: boolean;
}

export interface HistogramStat {
  readonly name: string;
  interval: BinCounts;
  cumulative: BinCounts;
  readonly buckets: readonly number[];
}

export interface TextStat {
  readonly name: string;
  readonly value: string;
}

/** Everything there is to show, each list sorted by name (bytes). Statistics registered twice under a name are added up. */
export interface StatSnapshot {
  /** Counters and gauges, mixed. */
  readonly numbers: readonly NumberStat[];
  readonly histograms: readonly HistogramStat[];
  readonly texts: readonly TextStat[];
}

interface Registration {
  readonly prefix: string;
  readonly object: Record<string, unknown>;
  readonly gauges: ReadonlySet<string>;
  readonly numbers: readonly string[];
  readonly histograms: readonly string[];
}

const NO_GAUGES: ReadonlySet<string> = new Set();

/** What Envoy does to names: `:` cannot stand in a statistic. */
export function sanitizeStatName(name: string): string {
  return name.includes(':') ? name.replaceAll('://', '_').replaceAll(':/', '_').replaceAll(':', '_') : name;
}

function isHistogram(value: unknown): value is Histogram {
  return typeof value === 'object' && value !== null && typeof (value as Histogram).record === 'function';
}

/**
 * The statistics of the process. Holds references to the objects that count and reads them when asked, so that counting
 * costs an integer addition and nothing else.
 */
export class Store implements StatStore, TimerOwner {
  readonly tags: TagExtractor;
  private readonly registrations = new Set<Registration>();
  private readonly sources = new Set<StatSource>();
  private readonly flushHooks = new Set<() => void>();
  private readonly used = new Set<string>();
  private readonly accepts: StringPredicate | null;
  private readonly bucketRules: readonly { matches: StringPredicate; buckets: readonly number[] }[];
  private readonly accepted = new Map<string, boolean>();
  private readonly timer = new Timer(this, 0);
  private dispatcher: Dispatcher | null = null;
  private intervalMs = 0;

  /** @throws Error when a regex or tag specifier of `config` is invalid */
  constructor(config: StatsConfig = {}) {
    this.tags = new TagExtractor(config.stats_tags ?? [], config.use_all_default_tags ?? true);
    this.accepts = compileStatsMatcher(config);
    this.bucketRules = (config.histogram_bucket_settings ?? []).map((rule) => ({
      matches: compileStringMatcher(rule.match),
      buckets: [...rule.buckets].sort((a, b) => a - b),
    }));
  }

  /** Every own numeric or Histogram field of `object` becomes the statistic `prefix + field`. Returns what unregisters it. */
  register(prefix: string, object: object, gauges: ReadonlySet<string> = NO_GAUGES): () => void {
    const fields = object as Record<string, unknown>;
    const numbers: string[] = [];
    const histograms: string[] = [];
    for (const key of Object.keys(fields)) {
      if (typeof fields[key] === 'number') numbers.push(key);
      else if (isHistogram(fields[key])) histograms.push(key);
    }
    const registration = { prefix: sanitizeStatName(prefix), object: fields, gauges, numbers, histograms };
    this.registrations.add(registration);
    return () => {
      this.registrations.delete(registration);
    };
  }

  registerSource(source: StatSource): () => void {
    this.sources.add(source);
    return () => {
      this.sources.delete(source);
    };
  }

  /** Runs at each flush, before the histograms: for gauges that Envoy updates only then (`server.state`, `server.uptime`). */
  onFlush(hook: () => void): () => void {
    this.flushHooks.add(hook);
    return () => {
      this.flushHooks.delete(hook);
    };
  }

  /** Flushes every `ms` (`stats_flush_interval`, default 5000) until `stopFlushing`. */
  startFlushing(dispatcher: Dispatcher, ms = 5000): void {
    this.dispatcher = dispatcher;
    this.intervalMs = ms;
    dispatcher.timers.arm(this.timer, ms, dispatcher.now);
  }

  stopFlushing(): void {
    this.dispatcher?.timers.cancel(this.timer);
    this.dispatcher = null;
  }

  onTimer(): void {
    if (this.dispatcher === null) return;
    this.flush();
    this.dispatcher.timers.arm(this.timer, this.intervalMs, this.dispatcher.now);
  }

  /** Makes what the histograms collected visible, and notes which statistics have been used. */
  flush(): void {
    for (const hook of this.flushHooks) hook();
    this.visit({
      counter: () => {},
      gauge: (name, value) => {
        if (value !== 0) this.used.add(name);
      },
      histogram: (_name, histogram) => {
        if (histogram instanceof LogLinearHistogram) histogram.flush();
      },
      text: () => {},
    });
  }

  /** Sets every counter to zero (`/reset_counters`); a source resets those it holds when it has `reset`. */
  resetCounters(): void {
    for (const { prefix, object, gauges, numbers } of this.registrations) {
      for (const key of numbers) {
        if (gauges.has(key)) continue;
        if (object[key] !== 0) this.used.add(prefix + key);
        object[key] = 0;
      }
    }
    for (const source of this.sources) source.reset?.();
  }

  /** Hands every statistic to `visitor`, in no order, without regard to the stats matcher. */
  visit(visitor: StatVisitor): void {
    for (const { prefix, object, gauges, numbers, histograms } of this.registrations) {
      for (const key of numbers) {
        if (gauges.has(key)) visitor.gauge(prefix + key, object[key] as number);
        else visitor.counter(prefix + key, object[key] as number);
      }
      for (const key of histograms) visitor.histogram(prefix + key, object[key] as Histogram);
    }
    for (const source of this.sources) source.visit(visitor);
  }

  collect(): StatSnapshot {
    const numbers = new Map<string, NumberStat>();
    const histograms = new Map<string, HistogramStat>();
    const texts: TextStat[] = [];
    const addNumber = (raw: string, value: number, gauge: boolean) => {
      const name = sanitizeStatName(raw);
      const known = numbers.get(name);
      if (known !== undefined) known.value += value;
      else if (this.isAccepted(name)) numbers.set(name, { name, value, gauge, used: false });
    };
    this.visit({
      counter: (name, value) => addNumber(name, value, false),
      gauge: (name, value) => addNumber(name, value, true),
      histogram: (raw, histogram) => {
        const name = sanitizeStatName(raw);
        if (!(histogram instanceof LogLinearHistogram) || !this.isAccepted(name)) return;
        const known = histograms.get(name);
        if (known === undefined) {
          const { interval, cumulative } = histogram;
          histograms.set(name, { name, interval, cumulative, buckets: this.bucketsFor(name) });
        } else {
          known.interval = mergeBins(known.interval, histogram.interval);
          known.cumulative = mergeBins(known.cumulative, histogram.cumulative);
        }
      },
      text: (raw, value) => {
        const name = sanitizeStatName(raw);
        if (this.isAccepted(name)) texts.push({ name, value });
      },
    });
    for (const stat of numbers.values()) {
      stat.used = stat.value !== 0 || this.used.has(stat.name);
      if (stat.used && stat.gauge) this.used.add(stat.name);
    }
    return {
      numbers: [...numbers.values()].sort(byName),
      histograms: [...histograms.values()].sort(byName),
      texts: texts.sort(byName),
    };
  }

  /** Name without its tags, and the tags. */
  extract(name: string): Extracted {
    return this.tags.extract(name);
  }

  private bucketsFor(name: string): readonly number[] {
    for (const rule of this.bucketRules) if (rule.matches(name)) return rule.buckets;
    return DEFAULT_BUCKETS;
  }

  private isAccepted(name: string): boolean {
    if (this.accepts === null) return true;
    let result = this.accepted.get(name);
    if (result === undefined) this.accepted.set(name, (result = this.accepts(name)));
    return result;
  }
}

export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function compileStatsMatcher(config: StatsConfig): StringPredicate | null {
  const matcher = config.stats_matcher;
  if (matcher === undefined) return null;
  if (matcher.reject_all === true) return () => false;
  const inclusion = matcher.inclusion_list?.patterns.map(compileStringMatcher);
  if (inclusion !== undefined) return (name) => inclusion.some((matches) => matches(name));
  const exclusion = matcher.exclusion_list?.patterns.map(compileStringMatcher);
  if (exclusion !== undefined) return (name) => !exclusion.some((matches) => matches(name));
  return null;
}
