import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Dispatcher } from '../base/dispatcher.js';
import { LogLinearHistogram } from './histogram.js';
import { renderPrometheus } from './prometheus.js';
import type { StatVisitor } from './stats.js';
import { type HistogramMode, renderJson, renderText, type StatsView, select } from './stats-render.js';
import { Store } from './store.js';
import { compileQueryRegex } from './string-match.js';

/** Recorded from Envoy 1.40: one running proxy, asked in every way within a second of standing still. */
function golden(name: string): string {
  return readFileSync(new URL(`../../src/observe/goldens/${name}`, import.meta.url), 'utf8');
}

const ALL: StatsView = { type: 'All', histograms: 'summary', usedOnly: false, filter: null };

/** A store that holds what the recorded proxy held. */
function recordedStore(): Store {
  const store = new Store();
  const numbers = (file: string) =>
    golden(file)
      .trimEnd()
      .split('\n')
      .map((line) => {
        const at = line.lastIndexOf(': ');
        const value = BigInt(line.slice(at + 2));
        return [line.slice(0, at), Number(value >= 1n << 63n ? value - (1n << 64n) : value)] as const;
      });
  const counters = numbers('stats-counters.txt');
  const gauges = numbers('stats-gauges.txt');
  const histograms: [string, LogLinearHistogram][] = [];
  let current = '';
  for (const line of golden('stats-histograms-detailed.txt').split('\n')) {
    const none = /^(.*): No recorded values$/.exec(line);
    if (none) histograms.push([none[1], new LogLinearHistogram()]);
    else if (/^\S.*:$/.test(line)) current = line.slice(0, -1);
    else if (line.startsWith('  totals=')) {
      const histogram = new LogLinearHistogram();
      for (const bin of line.slice('  totals='.length).split(', ')) {
        const [, lower, count] = /^([\d.]+),[\d.]+:(\d+)$/.exec(bin)!;
        for (let i = 0; i < Number(count); i++) histogram.record(Number(lower));
      }
      histograms.push([current, histogram]);
    }
  }
  store.registerSource({
    visit(visitor: StatVisitor) {
      for (const [name, value] of counters) visitor.counter(name, value);
      for (const [name, value] of gauges) visitor.gauge(name, value);
      for (const [name, histogram] of histograms) visitor.histogram(name, histogram);
    },
  });
  // Two flushes, so that the last interval is empty, as it was when the goldens were recorded.
  store.flush();
  store.flush();
  return store;
}

test('the Prometheus text of a recorded proxy is the one Envoy wrote', () => {
  const store = recordedStore();
  const text = renderPrometheus(store, select(store.collect(), ALL), 'cumulative', false);
  assert.deepEqual(text.split('\n'), golden('stats-prometheus.txt').split('\n'));
});

test('the text of /stats is the one Envoy wrote', () => {
  const text = renderText(recordedStore().collect(), 'summary');
  assert.deepEqual(text.split('\n'), golden('stats-all.txt').split('\n'));
});

test('the JSON of /stats is the one Envoy wrote, byte for byte', () => {
  assert.equal(renderJson(recordedStore().collect(), 'summary'), golden('stats-all.json'));
});

for (const mode of ['summary', 'cumulative', 'disjoint', 'detailed'] as HistogramMode[]) {
  test(`histograms in mode ${mode} are written as Envoy writes them, as text and as JSON`, () => {
    const snapshot = select(recordedStore().collect(), { ...ALL, type: 'Histograms' });
    assert.deepEqual(renderText(snapshot, mode).split('\n'), golden(`stats-histograms-${mode}.txt`).split('\n'));
    assert.equal(renderJson(snapshot, mode), golden(`stats-histograms-${mode}.json`));
  });
}

test('usedonly keeps what was ever non-zero, also after a counter is reset or a gauge falls back', () => {
  const store = new Store();
  const stats = { hits: 2, misses: 0, active: 1 };
  store.register('a.', stats, new Set(['active']));
  const used = () => select(store.collect(), { ...ALL, usedOnly: true }).numbers.map((stat) => stat.name);
  assert.deepEqual(used(), ['a.active', 'a.hits']);
  stats.active = 0;
  store.resetCounters();
  assert.equal(stats.hits, 0);
  assert.deepEqual(used(), ['a.active', 'a.hits']);
});

test('counters are read when asked, and reset leaves gauges alone', () => {
  const store = new Store();
  const stats = { hits: 0, active: 0 };
  const unregister = store.register('listener.127.0.0.1:80.', stats, new Set(['active']));
  stats.hits++;
  stats.active = 7;
  assert.equal(
    renderText(store.collect(), 'summary'),
    'listener.127.0.0.1_80.active: 7\nlistener.127.0.0.1_80.hits: 1\n',
  );
  store.resetCounters();
  assert.equal(stats.active, 7);
  unregister();
  assert.equal(renderText(store.collect(), 'summary'), '');
});

test('two objects under one prefix are one statistic', () => {
  const store = new Store();
  const first = { hits: 1, ms: new LogLinearHistogram() };
  const second = { hits: 2, ms: new LogLinearHistogram() };
  first.ms.record(1);
  second.ms.record(1);
  store.register('x.', first);
  store.register('x.', second);
  store.flush();
  const snapshot = store.collect();
  assert.equal(snapshot.numbers[0].value, 3);
  assert.equal(snapshot.histograms[0].cumulative.total, 2);
});

test('a histogram shows its values after the flush that the timer makes, and an empty interval after the next', () => {
  const clock = { at: 0, monotonic: () => clock.at, wall: () => clock.at };
  const dispatcher = new Dispatcher(clock, undefined, true);
  const store = new Store();
  const stats = { ms: new LogLinearHistogram() };
  store.register('x.', stats);
  store.startFlushing(dispatcher, 1000);
  stats.ms.record(3);
  assert.equal(renderText(store.collect(), 'summary'), 'x.ms: No recorded values\n');
  clock.at = 1004;
  dispatcher.timers.run();
  assert.match(renderText(store.collect(), 'summary'), /^x\.ms: P0\(3\.05,3\.05\)/);
  clock.at = 2012;
  dispatcher.timers.run();
  assert.match(renderText(store.collect(), 'summary'), /^x\.ms: P0\(nan,3\.05\)/);
  store.stopFlushing();
  assert.equal(dispatcher.timers.size, 0);
});

test('a stats matcher leaves out what it does not include', () => {
  const stats = { upstream_rq_total: 1, upstream_cx_total: 2, other: 3 };
  const names = (config: ConstructorParameters<typeof Store>[0]) => {
    const store = new Store(config);
    store.register('cluster.up.', stats);
    return store.collect().numbers.map((stat) => stat.name.slice('cluster.up.'.length));
  };
  assert.deepEqual(names({ stats_matcher: { inclusion_list: { patterns: [{ suffix: 'rq_total' }] } } }), [
    'upstream_rq_total',
  ]);
  assert.deepEqual(
    names({ stats_matcher: { exclusion_list: { patterns: [{ safe_regex: { regex: '.*_total' } }] } } }),
    ['other'],
  );
  assert.deepEqual(names({ stats_matcher: { reject_all: true } }), []);
});

test('own stats tags: a regex cuts its first group and takes the second, a fixed value is on every series', () => {
  const store = new Store({
    stats_tags: [
      { tag_name: 'cluster_name', regex: '^cluster\\.((.+?)(?:;)\\.)' },
      { tag_name: 'zone', fixed_value: 'z1' },
    ],
    use_all_default_tags: false,
  });
  store.register('cluster.outbound|80||x.y;.', { upstream_rq_total: 4 });
  assert.equal(
    renderPrometheus(store, store.collect(), 'cumulative', false),
    '# TYPE envoy_cluster_upstream_rq_total counter\nenvoy_cluster_upstream_rq_total{zone="z1",cluster_name="outbound|80||x.y"} 4\n',
  );
  assert.throws(() => new Store({ stats_tags: [{ tag_name: 'nonsense' }] }), /no default regex for name: 'nonsense'/);
});

test('own histogram buckets replace the default ones for the statistics they match', () => {
  const store = new Store({ histogram_bucket_settings: [{ match: { prefix: 'a.' }, buckets: [10, 2] }] });
  const stats = { ms: new LogLinearHistogram() };
  stats.ms.record(3);
  store.register('a.', stats);
  store.flush();
  assert.equal(renderText(store.collect(), 'cumulative'), 'a.ms: B2(0,0) B10(1,1)\n');
});

test('text readouts come first, quoted, and become gauges of value 0 on request', () => {
  const store = new Store();
  store.registerSource({
    visit(visitor) {
      visitor.counter('a', 1);
      visitor.text('z.version_text', 'v"1');
    },
  });
  assert.equal(renderText(store.collect(), 'summary'), 'z.version_text: "v"1"\na: 1\n');
  assert.match(
    renderPrometheus(store, store.collect(), 'cumulative', true),
    /envoy_z_version_text\{text_value="v\\"1"\} 0/,
  );
});

test('an invalid filter is reported in the words of RE2', () => {
  const reason = (source: string) => {
    const result = compileQueryRegex(source);
    return typeof result === 'function' ? '' : result.error;
  };
  assert.equal(reason('['), 'Invalid re2 regex: missing ]: [');
  assert.equal(reason('a(b'), 'Invalid re2 regex: missing ): a(b');
  assert.equal(reason('*'), 'Invalid re2 regex: no argument for repetition operator: *');
  assert.equal(reason('a\\'), 'Invalid re2 regex: trailing \\');
});
