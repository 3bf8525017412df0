/** Which host a request goes to: weights, priorities, localities, zones, slow start, hashes; and load that is refused before that. */
import { family, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('balancing');

/** Hosts on loopback addresses that share a port; each answers with the last digit of its address. */
const hosts = (count) => Array.from({ length: count }, (_, i) => `127.0.0.${i + 1}`);
const self = (request) => request.conn.socket.localAddress.slice(-1);
const whoAmI = (request) => request.respond(200, { body: self(request) });
const farm = (count, more = {}) => ({ hosts: hosts(count), samePort: true, handler: whoAmI, ...more });

/** Where each single request went is chance; how often a host was hit is not. */
const BY_CHANCE = [/^client/, /^upstream/, /^log/, /cx_/, /^stats\.cluster\.up\.upstream_rq_pending/];

async function body(t, path, request = {}) {
  const client = await t.connect();
  const exchange = client.request({ path, ...request });
  await exchange.done();
  client.destroy();
  return exchange.response;
}

/** Answers of `count` requests, one after the other, as a count per body. */
async function hits(t, count, request = {}) {
  const seen = {};
  for (let i = 0; i < count; i += 1) {
    const response = await body(t, `/${i}`, request);
    const who = response.body.text;
    seen[who] = (seen[who] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(seen).sort());
}

const spread = (name, { requests = 60, request, ...spec }) =>
  scenario(name, {
    unstable: BY_CHANCE,
    ...spec,
    async run(t) {
      t.fact('hits', await hits(t, requests, request));
    },
  });

/** Shares of the first hosts when each single pick is a matter of chance: within bounds that Envoy does not leave either. */
const share = (name, { requests = 200, bounds, ...spec }) =>
  scenario(name, {
    unstable: BY_CHANCE,
    ...spec,
    async run(t) {
      const seen = await hits(t, requests);
      const within = {};
      for (const [who, [low, high]] of Object.entries(bounds)) {
        const part = (seen[who] ?? 0) / requests;
        within[who] = part >= low && part <= high ? `${low} to ${high}` : `${part}, not ${low} to ${high}`;
      }
      t.fact('shares', within);
    },
  });

const weighted = (weights) => (endpoints) => ({
  endpoints: [{ lb_endpoints: endpoints.map((one, i) => ({ ...one, load_balancing_weight: weights[i] })) }],
});
const UNHEALTHY = { health_status: 'UNHEALTHY' };
const group = (lb_endpoints, more = {}) => ({ lb_endpoints, ...more });
const sick = (endpoint) => ({ ...endpoint, ...UNHEALTHY });

// --- load that is refused

const drop = (numerator, denominator = 'HUNDRED') => ({
  assign: (all) => ({
    endpoints: [group(all)],
    policy: { drop_overloads: [{ category: 'test', drop_percentage: { numerator, denominator } }] },
  }),
});

scenario('drop-overload-all', {
  shows: 'drop_overloads of 100 % refuses every request before a host is chosen: 503 UDO',
  upstream: { handler: whoAmI, ...drop(100) },
  entry: { route: { retry_policy: { retry_on: '5xx', num_retries: 2 } } },
  async run(t) {
    await t.once('/x');
  },
});

scenario('drop-overload-some', {
  shows: 'Below 100 % a share of requests is refused: 503 DO',
  upstream: { handler: whoAmI, ...drop(500_000, 'MILLION') },
  unstable: [/^client/, /^upstream/, /^log/, /^stats/],
  async run(t) {
    const answers = [];
    for (let i = 0; i < 40; i += 1) {
      const response = await body(t, `/${i}`);
      const dropped = response.headers.filter(([name]) => name.startsWith('x-envoy-') && name.includes('drop'));
      answers.push(`${response.startLine} ${response.body.text} ${dropped}`);
    }
    t.fact('answers', [...new Set(answers)].sort());
  },
});

// --- weights

spread('balance-weights-round-robin', {
  shows: 'ROUND_ROBIN with weights 1, 2, 3: each host is hit in proportion',
  upstream: farm(3, { assign: weighted([1, 2, 3]), cluster: { lb_policy: 'ROUND_ROBIN' } }),
});

spread('balance-weights-least-request', {
  shows: 'LEAST_REQUEST with weights 1, 2, 3 and no load: as ROUND_ROBIN',
  upstream: farm(3, { assign: weighted([1, 2, 3]), cluster: { lb_policy: 'LEAST_REQUEST' } }),
});

share('balance-weights-random', {
  shows: 'RANDOM pays no heed to weights',
  upstream: farm(2, { assign: weighted([1, 9]), cluster: { lb_policy: 'RANDOM' } }),
  bounds: { 1: [0.35, 0.65], 2: [0.35, 0.65] },
});

const policy = (type, settings = {}) => ({
  load_balancing_policy: {
    policies: [
      {
        typed_extension_config: {
          name: type,
          typed_config: {
            '@type': `type.googleapis.com/envoy.extensions.load_balancing_policies.${type}`,
            ...settings,
          },
        },
      },
    ],
  },
});

scenario('balance-full-scan', {
  shows: 'LEAST_REQUEST with FULL_SCAN always finds the one host that is free',
  upstream: farm(4, {
    handler: async (request) => {
      if (request.path === '/held') await sleep(900);
      request.respond(200, { body: self(request) });
    },
    cluster: policy('least_request.v3.LeastRequest', { selection_method: 'FULL_SCAN' }),
  }),
  unstable: BY_CHANCE,
  async run(t) {
    const held = [];
    for (let i = 1; i <= 3; i += 1) {
      const client = await t.connect();
      held.push(client.request({ path: '/held' }));
      await t.up.arrived(i);
    }
    const free = await hits(t, 8);
    for (const exchange of held) await exchange.done();
    const busy = held.map((exchange) => exchange.response.body.text);
    t.fact('busy hosts', new Set(busy).size);
    t.fact('free hosts', Object.keys(free).length);
    t.fact('free is busy', busy.includes(Object.keys(free)[0]));
  },
});

// --- priorities

spread('priority-first-healthy', {
  shows: 'Everything goes to priority 0 while 72 % of it are healthy (overprovisioning factor 1.4)',
  upstream: farm(6, {
    assign: ([a, b, c, d, e, f]) => ({ endpoints: [group([a, b, c, sick(d)]), group([e, f], { priority: 1 })] }),
    cluster: { lb_policy: 'ROUND_ROBIN' },
  }),
  requests: 30,
});

share('priority-spill-over', {
  shows: 'Half of priority 0 is down: 70 % stay, 30 % go to priority 1',
  upstream: farm(4, {
    assign: ([a, b, c, d]) => ({ endpoints: [group([a, sick(b)]), group([c, d], { priority: 1 })] }),
  }),
  bounds: { 1: [0.55, 0.85], 2: [0, 0], 3: [0.05, 0.3], 4: [0.05, 0.3] },
});

share('priority-overprovisioning-factor', {
  shows: 'overprovisioning_factor 100: half of priority 0 is down, half of the requests go on',
  upstream: farm(3, {
    assign: ([a, b, c]) => ({
      endpoints: [group([a, sick(b)]), group([c], { priority: 1 })],
      policy: { overprovisioning_factor: 100 },
    }),
  }),
  bounds: { 1: [0.35, 0.65], 2: [0, 0], 3: [0.35, 0.65] },
});

share('priority-weighted-health', {
  shows: 'weighted_priority_health: the heavy host of priority 0 is down, so 14 % stay',
  upstream: farm(3, {
    assign: ([a, b, c]) => ({
      endpoints: [
        group([
          { ...a, load_balancing_weight: 1 },
          { ...sick(b), load_balancing_weight: 9 },
        ]),
        group([c], { priority: 1 }),
      ],
      policy: { weighted_priority_health: true },
    }),
  }),
  bounds: { 1: [0.04, 0.26], 2: [0, 0], 3: [0.74, 0.96] },
});

share('priority-degraded-last', {
  shows: 'Degraded hosts take what healthy ones of all priorities cannot',
  upstream: farm(3, {
    assign: ([a, b, c]) => ({
      endpoints: [group([a, { ...b, health_status: 'DEGRADED' }, sick(c)])],
    }),
  }),
  bounds: { 1: [0.36, 0.66], 2: [0.34, 0.64], 3: [0, 0] },
});

share('priority-draining-hosts', {
  shows: 'A host with health_status DRAINING is not picked and counts for no percentage',
  upstream: farm(3, {
    assign: ([a, b, c]) => ({
      endpoints: [group([a, { ...b, health_status: 'DRAINING' }]), group([c], { priority: 1 })],
    }),
  }),
  bounds: { 1: [0.99, 1], 2: [0, 0], 3: [0, 0.01] },
});

share('panic-all-hosts', {
  shows: 'Fewer than half of all hosts are healthy: a panic, and all are used',
  upstream: farm(3, { assign: ([a, b, c]) => ({ endpoints: [group([a, sick(b), sick(c)])] }) }),
  bounds: { 1: [0.2, 0.47], 2: [0.2, 0.47], 3: [0.2, 0.47] },
});

spread('panic-fails-traffic', {
  shows: 'fail_traffic_on_panic: 503 UH instead',
  upstream: farm(3, {
    assign: ([a, b, c]) => ({ endpoints: [group([a, sick(b), sick(c)])] }),
    cluster: { common_lb_config: { zone_aware_lb_config: { fail_traffic_on_panic: true } } },
  }),
  requests: 3,
});

share('panic-of-both-priorities', {
  shows: 'Both priorities panic: load follows the number of hosts',
  upstream: farm(4, {
    assign: ([a, b, c, d]) => ({ endpoints: [group([sick(a)]), group([sick(b), sick(c), sick(d)], { priority: 1 })] }),
  }),
  bounds: { 1: [0.13, 0.37], 2: [0.13, 0.37], 3: [0.13, 0.37], 4: [0.13, 0.37] },
});

// --- localities and zones

const zone = (name) => ({ locality: { region: 'r', zone: name } });

spread('locality-weights', {
  shows: 'locality_weighted_lb_config: localities of weight 1 and 3',
  upstream: farm(3, {
    assign: ([a, b, c]) => ({
      endpoints: [
        group([a, b], { ...zone('a'), load_balancing_weight: 1 }),
        group([c], { ...zone('b'), load_balancing_weight: 3 }),
      ],
    }),
    cluster: { lb_policy: 'ROUND_ROBIN', common_lb_config: { locality_weighted_lb_config: {} } },
  }),
  requests: 80,
});

share('locality-weights-lost-hosts', {
  shows: 'A locality whose hosts are half down has 70 % of its weight',
  upstream: farm(3, {
    assign: ([a, b, c]) => ({
      endpoints: [
        group([a, sick(b)], { ...zone('a'), load_balancing_weight: 50 }),
        group([c], { ...zone('b'), load_balancing_weight: 50 }),
      ],
    }),
    cluster: {
      common_lb_config: { locality_weighted_lb_config: {}, healthy_panic_threshold: { value: 0 } },
    },
  }),
  bounds: { 1: [0.3, 0.52], 2: [0, 0], 3: [0.48, 0.7] },
});

/** A proxy in zone `a` of the cluster `local`, one host of which stands in each zone of `localZones`. */
const inZoneA = (name, localZones) => ({
  alone: true,
  server: {
    node: { locality: { region: 'r', zone: 'a' } },
    cluster_manager: { local_cluster_name: `${name}-local` },
  },
  upstreams: {
    local: {
      proto: 'h1',
      handler: whoAmI,
      hosts: hosts(localZones.length),
      samePort: true,
      assign: (all) => ({ endpoints: all.map((one, i) => group([one], zone(localZones[i]))) }),
    },
  },
});

const zoned = (name, localZones, spec) => {
  const unstable = [...BY_CHANCE, /^stats\.cluster\.local/];
  const counters = ['all_directly', 'cross_zone', 'sampled'];
  const { upstream, bounds, requests = 200, shows } = spec;
  scenario(name, {
    shows,
    unstable,
    ...inZoneA(name, localZones),
    upstream,
    async run(t) {
      const seen = await hits(t, requests);
      const within = {};
      for (const [who, [low, high]] of Object.entries(bounds)) {
        const part = (seen[who] ?? 0) / requests;
        within[who] = part >= low && part <= high ? `${low} to ${high}` : `${part}, not ${low} to ${high}`;
      }
      t.fact('shares', within);
      for (const counter of counters)
        t.fact(counter, (await t.stat(`cluster.up.lb_zone_routing_${counter}`)) > 0 ? 'counted' : 'zero');
      for (const counter of ['lb_zone_cluster_too_small', 'lb_local_cluster_not_ok'])
        t.fact(counter, (await t.stat(`cluster.up.${counter}`)) > 0 ? 'counted' : 'zero');
    },
  });
};
const twoZones = (more = {}) =>
  farm(6, {
    assign: ([a, b, c, d, e, f]) => ({ endpoints: [group([d, e, f], zone('b')), group([a, b, c], zone('a'))] }),
    ...more,
  });

zoned('zone-all-directly', ['a', 'b'], {
  shows: 'Zone aware: half of the proxies and half of the hosts are in zone a, so its load stays there',
  upstream: twoZones(),
  bounds: { 1: [0.2, 0.47], 2: [0.2, 0.47], 3: [0.2, 0.47], 4: [0, 0], 5: [0, 0], 6: [0, 0] },
});

zoned('zone-residual', ['a', 'a', 'b'], {
  shows: 'Zone a has two thirds of the proxies and half of the hosts: 75 % stay',
  upstream: twoZones(),
  bounds: { 1: [0.16, 0.34], 2: [0.16, 0.34], 3: [0.16, 0.34], 4: [0.02, 0.15], 5: [0.02, 0.15], 6: [0.02, 0.15] },
});

zoned('zone-too-small', ['a', 'b'], {
  shows: 'A cluster of fewer than min_cluster_size hosts is not routed by zone',
  upstream: twoZones({ cluster: { common_lb_config: { zone_aware_lb_config: { min_cluster_size: 7 } } } }),
  bounds: { 1: [0.08, 0.27], 4: [0.08, 0.27], 6: [0.08, 0.27] },
});

zoned('zone-no-local-host', ['b', 'c'], {
  shows: 'No proxy of the local cluster is in this zone: the local cluster is not to be trusted',
  upstream: twoZones(),
  bounds: { 1: [0.08, 0.27], 4: [0.08, 0.27], 6: [0.08, 0.27] },
});

// --- slow start

const slow = (slow_start_config) => ({ slow_start_config });

share('slow-start-round-robin', {
  shows: 'Slow start: all hosts are new alike, so they share alike',
  upstream: farm(2, {
    cluster: { lb_policy: 'ROUND_ROBIN', round_robin_lb_config: slow({ slow_start_window: '60s' }) },
  }),
  bounds: { 1: [0.4, 0.6], 2: [0.4, 0.6] },
});

let second = 'ill';
scenario('slow-start-after-health-check', {
  shows: 'Slow start: a host that has just passed its health check begins with 10 % of its weight',
  upstream: farm(2, {
    handler: (request) => {
      if (request.path !== '/hc') whoAmI(request);
      else request.respond(self(request) === '1' || second === 'well' ? 200 : 503);
    },
    cluster: {
      lb_policy: 'ROUND_ROBIN',
      round_robin_lb_config: slow({ slow_start_window: '30s' }),
      common_lb_config: { update_merge_window: '0s' },
      health_checks: [
        {
          timeout: '1s',
          interval: '0.1s',
          no_traffic_interval: '0.1s',
          unhealthy_threshold: 1,
          healthy_threshold: 1,
          http_health_check: { path: '/hc' },
        },
      ],
    },
  }),
  unstable: [...BY_CHANCE, /health_check|upstream_rq/],
  async run(t) {
    second = 'ill';
    await t.untilStat('cluster.up.health_check.failure', 1);
    // Host 1 has been well for longer than a host needs to be told apart from a new one.
    t.fact('before', await hits(t, 10));
    second = 'well';
    await t.untilStat('cluster.up.health_check.healthy', 2);
    await sleep(50);
    const seen = await hits(t, 100);
    t.fact('first hits of the second host', seen['2'] >= 5 && seen['2'] <= 55 ? '5 to 55 of 100' : seen);
  },
});

// --- hashes

const byHeader = { hash_policy: [{ header: { header_name: 'x-key' } }] };
for (const [lb_policy, settings] of [
  ['RING_HASH', { ring_hash_lb_config: { minimum_ring_size: 64 } }],
  ['MAGLEV', { maglev_lb_config: { table_size: 1009 } }],
])
  scenario(`bounded-load-${lb_policy.toLowerCase().replace('_', '-')}`, {
    shows: `${lb_policy} with hash_balance_factor: a key goes on to the same other hosts when its own is full`,
    upstream: farm(4, {
      handler: async (request) => {
        await sleep(700);
        request.respond(200, { body: self(request) });
      },
      assign: (all) => ({
        endpoints: [
          group(
            all.map((one, i) => ({ ...one, metadata: { filter_metadata: { 'envoy.lb': { hash_key: `host-${i}` } } } })),
          ),
        ],
      }),
      cluster: {
        lb_policy,
        ...settings,
        common_lb_config: { consistent_hashing_lb_config: { hash_balance_factor: 125 } },
      },
    }),
    route: byHeader,
    unstable: [/^client/, /^upstream/, /^log/],
    async run(t) {
      const keys = [...'aaaaaaaabbbbccdd'];
      const pending = [];
      for (const [i, key] of keys.entries()) {
        const client = await t.connect();
        pending.push(client.request({ path: `/${i}`, headers: [['x-key', key]] }));
        await t.up.arrived(i + 1);
      }
      const order = [];
      for (const exchange of pending) {
        await exchange.done();
        order.push(exchange.response.body.text);
      }
      t.fact('hosts', order.join(''));
    },
  });
