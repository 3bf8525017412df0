/** Statistics that a cluster keeps only when it is told to, limits per host, connections opened ahead, names that do not resolve. */
import { family, pairs, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('clusters');

const HEALTH_CHECK = {
  timeout: '1s',
  interval: '0.1s',
  no_traffic_interval: '0.1s',
  unhealthy_threshold: 1,
  healthy_threshold: 1,
  http_health_check: { path: '/hc' },
};

/** Whether the host of health-failure-leaves-requests is; its script says. */
let ill = false;

/** `count` and `sum` of the histograms of a cluster, by their names in Prometheus' form. */
async function histograms(t, filter) {
  const { text } = await t.target.admin(`/stats/prometheus?filter=${filter}`);
  const found = {};
  for (const [, name, kind, value] of text.matchAll(/^envoy_cluster_(\w+)_(count|sum)\{[^}]*-up"\} (\S+)$/gm))
    (found[name] ??= {})[kind] = rounded(name, Number(value));
  return found;
}

/** Percentages hang on the last millisecond: to the nearest half. */
const rounded = (name, value) => (/percent/.test(name) && value > 2 ? Math.round(value / 50) * 50 : value);

const track = { track_cluster_stats: { timeout_budgets: true, request_response_sizes: true } };
const flushed = { stats_flush_interval: '0.1s' };

pairs((down, up, suffix) => {
  scenario(`track-sizes-and-budgets-${suffix}`, {
    shows: 'track_cluster_stats: sizes of requests and responses, and the part of the timeouts that was used',
    alone: true,
    down,
    up,
    server: flushed,
    upstream: {
      handler: [
        (request) => request.respond(503, { body: 'again' }),
        (request) => request.respond(200, { body: '0123456789' }),
      ],
      cluster: track,
    },
    route: { timeout: '4s', retry_policy: { retry_on: '5xx', num_retries: 1, per_try_timeout: '2s' } },
    async run(t) {
      await t.once('/x', { method: 'POST', body: 'x'.repeat(100), headers: [['x-a', 'b']] });
      await sleep(500);
      const all = await histograms(t, 'upstream_r[qs]_');
      for (const name of Object.keys(all)) if (!/size|count|percent/.test(name)) delete all[name];
      t.fact('histograms', all);
    },
  });
});

const budgets = { track_cluster_stats: { timeout_budgets: true } };
const late = async (request) => {
  await sleep(150);
  request.respond(200);
};
for (const [name, shows, handler, route] of [
  ['of-a-timeout', 'A request that times out has used 100 % of its budget', () => {}, { timeout: '0.4s' }],
  [
    'of-a-try',
    'The last attempt times out: 100 % of its own budget, and half of the whole',
    () => {},
    { timeout: '0.8s', retry_policy: { retry_on: 'connect-failure', per_try_timeout: '0.4s' } },
  ],
  [
    'cut-by-the-whole',
    'The route timeout ends an attempt within its own budget',
    () => {},
    { timeout: '0.4s', retry_policy: { retry_on: '5xx', per_try_timeout: '1.6s' } },
  ],
  ['without-tries', 'Without per_try_timeout no budget of a try is used', late, { timeout: '1s' }],
  ['without-limit', 'Without a route timeout none of it is used', late, { timeout: '0s' }],
])
  scenario(`track-budgets-${name}`, {
    shows,
    alone: true,
    server: flushed,
    upstream: { handler, cluster: budgets },
    route,
    async run(t) {
      await t.once('/x');
      await sleep(500);
      t.fact('histograms', await histograms(t, 'percent_used'));
    },
  });

// --- limits and connections

scenario('per-host-max-connections', {
  shows: 'per_host_thresholds: a host has no more connections than that, the next request waits for the one there is',
  upstream: {
    handler: async (request) => {
      await sleep(300);
      request.respond(200);
    },
    cluster: { circuit_breakers: { per_host_thresholds: [{ priority: 'DEFAULT', max_connections: 1 }] } },
  },
  async run(t) {
    const first = await t.connect();
    const a = first.request({ path: '/1' });
    await t.up.arrived(1);
    const second = await t.connect();
    const b = second.request({ path: '/2' });
    await a.done();
    await b.done();
  },
});

const remaining = ['cx', 'pending', 'rq', 'retries'].map((name) => `remaining_${name}`);
scenario('track-remaining', {
  shows: 'track_remaining: what is left of each limit, as gauges',
  upstream: {
    handler: async (request) => {
      await sleep(400);
      request.respond(200);
    },
    cluster: {
      circuit_breakers: {
        thresholds: [
          { max_connections: 5, max_pending_requests: 6, max_requests: 7, max_retries: 8, track_remaining: true },
        ],
      },
    },
  },
  async run(t) {
    const gauges = async () => {
      const all = {};
      for (const name of remaining) all[name] = await t.stat(`cluster.up.circuit_breakers.default.${name}`);
      return all;
    };
    t.fact('before', await gauges());
    const client = await t.connect();
    const exchange = client.request({ path: '/x' });
    await t.up.arrived(1);
    t.fact('while one is open', await gauges());
    await exchange.done();
  },
});

scenario('preconnect-per-upstream', {
  shows: 'per_upstream_preconnect_ratio 2: one request opens two connections',
  upstream: {
    handler: (request) => request.respond(200),
    cluster: { preconnect_policy: { per_upstream_preconnect_ratio: 2 } },
  },
  async run(t) {
    await t.once('/x');
    await t.up.connected(2);
    await t.untilStat('cluster.up.upstream_cx_active', 2);
  },
});

scenario('alt-stat-name', {
  shows: 'alt_stat_name: statistics go by it, the access log by it as well',
  alone: true,
  upstream: { handler: (request) => request.respond(200), cluster: { alt_stat_name: 'other:name' } },
  async run(t) {
    await t.once('/x');
    const { text } = await t.target.admin('/stats?filter=upstream_rq_(200|total)&usedonly');
    t.fact('statistics', text.trim().split('\n'));
  },
});

scenario('health-failure-leaves-requests', {
  shows: 'A host that fails its health check keeps the request in flight; its idle connection is closed',
  upstream: {
    handler: async (request) => {
      if (request.path === '/hc') {
        request.respond(ill ? 503 : 200);
        return;
      }
      await sleep(600);
      request.respond(200);
    },
    cluster: {
      close_connections_on_host_health_failure: true,
      common_lb_config: { update_merge_window: '0s', healthy_panic_threshold: { value: 0 } },
      health_checks: [HEALTH_CHECK],
    },
  },
  unstable: [/^upstream/, /health_check|cx_/],
  async run(t) {
    ill = false;
    await t.untilStat('cluster.up.health_check.success', 1);
    const client = await t.connect();
    const held = client.request({ path: '/held' });
    await sleep(50);
    ill = true;
    await t.untilStat('cluster.up.health_check.failure', 1);
    await sleep(50);
    await t.once('/refused');
    await held.done();
  },
});

// --- names

/** What the name server says now; the script of each scenario begins with its own. */
const said = new Map();
const named =
  (type, more = {}) =>
  (ports) => ({
    type,
    dns_lookup_family: 'V4_ONLY',
    dns_refresh_rate: '0.2s',
    respect_dns_ttl: false,
    typed_dns_resolver_config: {
      name: 'envoy.network.dns_resolver.cares',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
        resolvers: [{ socket_address: { address: '127.0.0.1', port_value: ports.names } }],
      },
    },
    load_assignment: {
      endpoints: [
        {
          lb_endpoints: [{ endpoint: { address: { socket_address: { address: 'svc.test', port_value: ports.up } } } }],
        },
      ],
    },
    ...more,
  });

function naming(name, { shows, type, answers, more }) {
  scenario(name, {
    shows,
    upstream: {
      hosts: ['127.0.0.1', '127.0.0.2', '127.0.0.3'],
      samePort: true,
      assign: () => ({}),
      handler: (request) => request.respond(200, { body: request.conn.socket.localAddress }),
      cluster: named(type, more),
    },
    upstreams: { names: { kind: 'names', proto: 'h1', handler: () => said.get(name) ?? answers[0] } },
    unstable: [/^client/, /^upstream/, /^log/, /^stats/],
    async run(t) {
      const seen = [];
      for (const answer of answers) {
        said.set(name, answer);
        // Two refreshes later whatever there was is known.
        await sleep(700);
        const bodies = new Set();
        for (let i = 0; i < 6; i += 1) {
          const { response } = await t.once(`/${seen.length}-${i}`);
          bodies.add(`${response.startLine} ${response.body.text}`);
        }
        const counters = ['update_failure', 'update_empty'];
        const counted = [];
        for (const counter of counters) if ((await t.stat(`cluster.up.${counter}`)) > 0) counted.push(counter);
        seen.push({
          said: String(answer),
          answers: [...bodies].sort(),
          hosts: await t.stat('cluster.up.membership_total'),
          changes: await t.stat('cluster.up.membership_change'),
          counted,
        });
      }
      t.fact('seen', seen);
      said.delete(name);
    },
  });
}

naming('strict-dns-follows-answers', {
  shows: 'STRICT_DNS: every address is a host, and goes when it is no longer named; a failure changes nothing',
  type: 'STRICT_DNS',
  answers: [['127.0.0.1', '127.0.0.2'], ['127.0.0.2', '127.0.0.3'], 'servfail', ['127.0.0.1']],
});

naming('strict-dns-name-gone', {
  shows: 'STRICT_DNS: a name that does not exist any more',
  type: 'STRICT_DNS',
  answers: [['127.0.0.1'], 'nxdomain', []],
});

naming('logical-dns-follows-answers', {
  shows: 'LOGICAL_DNS: the first address is the host, what is open stays, a failure changes nothing',
  type: 'LOGICAL_DNS',
  answers: [['127.0.0.1', '127.0.0.2'], 'servfail', 'nxdomain', ['127.0.0.3']],
});

naming('logical-dns-name-gone', {
  shows: 'LOGICAL_DNS: an answer without addresses is a failure, and changes nothing',
  type: 'LOGICAL_DNS',
  answers: [['127.0.0.1'], [], 'nxdomain'],
});

naming('logical-dns-other-order', {
  shows: 'LOGICAL_DNS: the same addresses in another order, and fewer of them',
  type: 'LOGICAL_DNS',
  answers: [['127.0.0.1', '127.0.0.2'], ['127.0.0.2', '127.0.0.1'], ['127.0.0.2'], ['127.0.0.2', '127.0.0.3']],
});

naming('strict-dns-keeps-healthy-hosts', {
  shows: 'A host that is no longer named stays while its health check succeeds',
  type: 'STRICT_DNS',
  answers: [['127.0.0.1'], ['127.0.0.2']],
  more: { health_checks: [HEALTH_CHECK] },
});

naming('ignore-health-on-host-removal', {
  shows: 'ignore_health_on_host_removal: it goes at once',
  type: 'STRICT_DNS',
  answers: [['127.0.0.1'], ['127.0.0.2']],
  more: { health_checks: [HEALTH_CHECK], ignore_health_on_host_removal: true },
});
