import { renderPrometheus } from '../observe/prometheus.js';
import {
  type HistogramMode,
  renderJson,
  renderText,
  type StatsView,
  type StatType,
  select,
} from '../observe/stats-render.js';
import { compileQueryRegex, type StringPredicate } from '../observe/string-match.js';
import type { AdminHost } from './host.js';
import { type AdminHandler, type AdminReply, HTML, JSON_TYPE, ok, type Query, text } from './reply.js';

const TYPES: Record<string, StatType> = {
  All: 'All',
  Counters: 'Counters',
  Gauges: 'Gauges',
  Histograms: 'Histograms',
  TextReadouts: 'TextReadouts',
};
const MODES: Record<string, HistogramMode | 'prometheusnative'> = {
  cumulative: 'cumulative',
  disjoint: 'disjoint',
  detailed: 'detailed',
  summary: 'summary',
  none: 'summary',
  prometheusnative: 'prometheusnative',
};

interface Parsed {
  view: StatsView;
  native: boolean;
  /** `histogram_buckets` as given; undefined when absent. */
  mode: string | undefined;
}

/** Parameters common to /stats and /stats/prometheus, or the answer that refuses them. */
function parse(query: Query): Parsed | AdminReply {
  const mode = query.get('histogram_buckets');
  if (mode !== undefined && !Object.hasOwn(MODES, mode)) {
    return text(400, 'usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary|prometheusnative)\n');
  }
  const type = query.get('type');
  if (type !== undefined && !Object.hasOwn(TYPES, type)) return text(400, 'invalid &type= param');
  const hidden = query.get('hidden');
  if (hidden !== undefined && !['include', 'only', 'exclude'].includes(hidden)) {
    return text(400, 'usage: /stats?hidden=(include|only|exclude)\n\n');
  }
  let filter: StringPredicate | null = null;
  const source = query.get('filter');
  if (source !== undefined) {
    const compiled = compileQueryRegex(source);
    if (typeof compiled !== 'function') return text(400, compiled.error);
    filter = query.has('invert_filter') ? (name) => !compiled(name) : compiled;
  }
  // No statistic is hidden here.
  if (hidden === 'only') filter = () => false;
  const chosen = MODES[mode ?? 'summary'];
  return {
    view: {
      type: TYPES[type ?? 'All'],
      histograms: chosen === 'prometheusnative' ? 'summary' : chosen,
      usedOnly: query.has('usedonly'),
      filter,
    },
    native: chosen === 'prometheusnative',
    mode,
  };
}

function stats(query: Query, host: AdminHost): AdminReply {
  const format = query.get('format');
  if (format === 'prometheus') return prometheus(query, host);
  if (format !== undefined && !['html', 'active-html', 'json', 'text'].includes(format)) {
    return text(400, 'usage: /stats?format=(html|active-html|json|prometheus|text)\n\n');
  }
  const parsed = parse(query);
  if ('status' in parsed) return parsed;
  if (parsed.native) return text(400, 'Invalid histogram_buckets type for non prometheus stats type');
  const snapshot = select(host.store.collect(), parsed.view);
  if (format === 'json') {
    return { status: 200, body: renderJson(snapshot, parsed.view.histograms), contentType: JSON_TYPE };
  }
  const plain = renderText(snapshot, parsed.view.histograms);
  if (format === undefined || format === 'text') return ok(plain);
  return { status: 200, body: statsPage(plain, format === 'active-html'), contentType: HTML };
}

function statsPage(plain: string, active: boolean): string {
  const escaped = plain.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
  const refresh = active ? '<meta http-equiv="refresh" content="2">' : '';
  return `<!DOCTYPE html>\n<html lang='en'>\n<head><title>Statistics</title>${refresh}</head>\n<body>\n<pre>\n${escaped}</pre>\n</body>\n</html>\n`;
}

function prometheus(query: Query, host: AdminHost): AdminReply {
  const parsed = parse(query);
  if ('status' in parsed) return parsed;
  if (parsed.native) {
    return text(400, 'unsupported prometheusnative histogram type when not using protobuf exposition format');
  }
  const { mode } = parsed;
  if (mode === 'disjoint' || mode === 'detailed') return text(400, 'unsupported prometheus histogram bucket mode');
  const snapshot = select(host.store.collect(), parsed.view);
  const buckets = mode === 'summary' || mode === 'none' ? 'summary' : 'cumulative';
  return ok(renderPrometheus(host.store, snapshot, buckets, query.has('text_readouts')));
}

const USED_ONLY = { id: 'usedonly', description: 'Only include stats that have been written by system since restart' };
const FILTER = { id: 'filter', description: 'Regular expression (Google re2) for filtering stats' };
const INVERT = { id: 'invert_filter', description: 'Invert the filter regex' };

export const statsHandlers: readonly AdminHandler[] = [
  {
    path: '/stats',
    help: 'print server stats',
    mutates: false,
    params: [
      USED_ONLY,
      FILTER,
      INVERT,
      { id: 'format', description: 'Format to use; One of (html, active-html, text, json)' },
      { id: 'type', description: 'Stat types to include.; One of (All, Counters, Histograms, Gauges, TextReadouts)' },
      {
        id: 'histogram_buckets',
        description: 'Histogram bucket display mode; One of (cumulative, disjoint, detailed, summary)',
      },
    ],
    run: ({ query }, host) => stats(query, host),
  },
  {
    path: '/stats/prometheus',
    help: 'print server stats in prometheus format',
    mutates: false,
    params: [
      USED_ONLY,
      {
        id: 'text_readouts',
        description: 'Render text_readouts as new gaugues with value 0 (increases Prometheus data size)',
      },
      FILTER,
      INVERT,
      { id: 'histogram_buckets', description: 'Histogram bucket display mode; One of (cumulative, summary)' },
    ],
    run: ({ query }, host) => prometheus(query, host),
  },
  {
    path: '/metrics',
    help: 'Prometheus text of everything: the statistics of /stats/prometheus, istio_ and halfopen_ series',
    mutates: false,
    params: [USED_ONLY, FILTER, INVERT],
    async run({ query }, host) {
      const reply = prometheus(query, host);
      if (reply.status !== 200) return reply;
      return {
        status: 200,
        body: reply.body + (await host.ownMetrics()),
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
      };
    },
  },
  {
    path: '/reset_counters',
    help: 'reset all counters to zero',
    mutates: true,
    params: [],
    run(_request, host) {
      host.store.resetCounters();
      return ok();
    },
  },
];
