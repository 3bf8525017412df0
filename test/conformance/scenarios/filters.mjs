/** HTTP filters before the router: what each accepted field does. */
import { family, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('filters');

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.';
const ok = (request) => request.respond(200);
const filter = (name, type, config = {}, more = {}) => ({
  name: `envoy.filters.http.${name}`,
  typed_config: { '@type': `${TYPE}${name}.v3.${type}`, ...config },
  ...more,
});
const per = (name, type, config) => ({
  [`envoy.filters.http.${name}`]: { '@type': `${TYPE}${name}.v3.${type}`, ...config },
});
const ALL = { numerator: 100 };
const EVERY = { default_value: ALL, runtime_key: 'none' };

/** Requests one after the other on one connection: [path, headers, method, body]. */
function rows(name, spec, requests) {
  scenario(name, {
    upstream: ok,
    ...spec,
    async run(t) {
      let client = await t.connect({ from: spec.from ?? '127.0.0.1' });
      for (const [path, headers = {}, method = 'GET', body = null] of requests) {
        if (client.end !== 'open') client = await t.connect();
        await client.request({ path, headers: Object.entries(headers), method, body }).done(1500);
      }
    },
  });
}

// --- fault

const fault = (config) => [filter('fault', 'HTTPFault', config)];
const byHeader = { header_delay: {}, percentage: ALL };
rows(
  'fault-abort-grpc',
  { shows: 'An abort with a gRPC status', filters: fault({ abort: { grpc_status: 14, percentage: ALL } }) },
  [['/grpc', { 'content-type': 'application/grpc' }, 'POST', 'x'], ['/plain']],
);
rows(
  'fault-abort-body',
  {
    shows: 'response_body of an abort',
    filters: fault({ abort: { http_status: 429, percentage: ALL, response_body: 'slow down' } }),
  },
  [['/x']],
);
rows(
  'fault-by-header',
  {
    shows: 'Faults that the request asks for',
    filters: fault({ abort: { header_abort: {}, percentage: ALL }, delay: byHeader }),
  },
  [
    ['/none'],
    ['/abort', { 'x-envoy-fault-abort-request': '503' }],
    ['/abort-0', { 'x-envoy-fault-abort-request': '0' }],
    ['/abort-199', { 'x-envoy-fault-abort-request': '199' }],
    ['/abort-600', { 'x-envoy-fault-abort-request': '600' }],
    ['/abort-word', { 'x-envoy-fault-abort-request': 'x' }],
    ['/percent-0', { 'x-envoy-fault-abort-request': '503', 'x-envoy-fault-abort-request-percentage': '0' }],
    ['/percent-word', { 'x-envoy-fault-abort-request': '503', 'x-envoy-fault-abort-request-percentage': 'x' }],
    ['/grpc', { 'x-envoy-fault-abort-grpc-request': '5' }],
    ['/grpc-grpc', { 'x-envoy-fault-abort-grpc-request': '5', 'content-type': 'application/grpc' }, 'POST', 'x'],
    ['/grpc-99', { 'x-envoy-fault-abort-grpc-request': '99', 'content-type': 'application/grpc' }, 'POST', 'x'],
    ['/both', { 'x-envoy-fault-abort-grpc-request': '5', 'x-envoy-fault-abort-request': '504' }],
    ['/delay', { 'x-envoy-fault-delay-request': '300' }],
    ['/delay-percent-0', { 'x-envoy-fault-delay-request': '300', 'x-envoy-fault-delay-request-percentage': '0' }],
    ['/delay-word', { 'x-envoy-fault-delay-request': 'x' }],
    ['/delay-abort', { 'x-envoy-fault-delay-request': '200', 'x-envoy-fault-abort-request': '501' }],
  ],
);
rows(
  'fault-share-by-header',
  {
    shows: 'A header may lower the share, not raise it',
    filters: fault({ abort: { header_abort: {}, percentage: { numerator: 0 } } }),
  },
  [['/x', { 'x-envoy-fault-abort-request': '503', 'x-envoy-fault-abort-request-percentage': '100' }]],
);
rows(
  'fault-conditions',
  {
    shows: 'upstream_cluster, downstream_nodes and headers choose the requests',
    filters: fault({
      abort: { http_status: 501, percentage: ALL },
      downstream_nodes: ['node-a'],
      headers: [{ name: 'x-hit', string_match: { exact: '1' } }],
    }),
    hcm: {
      use_remote_address: true,
      internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.0', prefix_len: 8 }] },
    },
    from: '127.0.0.2',
  },
  [
    ['/none'],
    ['/header', { 'x-hit': '1' }],
    ['/node', { 'x-envoy-downstream-service-node': 'node-a' }],
    [
      '/both',
      { 'x-hit': '1', 'x-envoy-downstream-service-node': 'node-a', 'x-envoy-downstream-service-cluster': 'caller' },
    ],
    ['/other', { 'x-hit': '1', 'x-envoy-downstream-service-node': 'node-b' }],
  ],
);
rows(
  'fault-per-route',
  {
    shows: "The most specific settings replace the filter's",
    filters: fault({ abort: { http_status: 501, percentage: ALL } }),
    entry: { typed_per_filter_config: per('fault', 'HTTPFault', { abort: { http_status: 502, percentage: ALL } }) },
    vhost: { typed_per_filter_config: per('fault', 'HTTPFault', { abort: { http_status: 503, percentage: ALL } }) },
  },
  [['/x']],
);
rows(
  'fault-max-active-0',
  {
    shows: 'max_active_faults 0 lets everything pass',
    filters: fault({ abort: { http_status: 501, percentage: ALL }, max_active_faults: 0 }),
  },
  [['/x']],
);
scenario('fault-response-rate-limit', {
  shows: 'response_rate_limit: 64 KiB per second',
  upstream: (request) => request.respond(200, { body: Buffer.alloc(40 * 1024, 'x') }),
  filters: fault({ response_rate_limit: { fixed_limit: { limit_kbps: 64 }, percentage: ALL } }),
  run: (t) => t.once('/x'),
});
scenario('fault-response-rate-limit-header', {
  shows: 'The rate in a header',
  upstream: (request) => request.respond(200, { body: Buffer.alloc(20 * 1024, 'x') }),
  filters: fault({ response_rate_limit: { header_limit: {}, percentage: ALL } }),
  async run(t) {
    const client = await t.connect();
    await client.request({ path: '/none' }).done();
    await client.request({ path: '/32', headers: [['x-envoy-fault-throughput-response', '32']] }).done();
    await client.request({ path: '/0', headers: [['x-envoy-fault-throughput-response', '0']] }).done();
    await client
      .request({
        path: '/percent',
        headers: [
          ['x-envoy-fault-throughput-response', '32'],
          ['x-envoy-fault-throughput-response-percentage', '0'],
        ],
      })
      .done();
  },
});

// --- cors

const origins = [
  { exact: 'https://good.test' },
  { prefix: 'https://pre' },
  { safe_regex: { regex: '.*\\.re\\.test' } },
];
const corsPolicy = {
  allow_origin_string_match: origins,
  allow_methods: 'GET,PUT',
  allow_headers: 'x-a,x-b',
  expose_headers: 'x-e',
  max_age: '600',
  allow_credentials: true,
};
const preflight = (origin, more = {}) => [{ origin, 'access-control-request-method': 'PUT', ...more }, 'OPTIONS'];
const CORS = [
  ['/no-origin'],
  ['/good', { origin: 'https://good.test' }],
  ['/bad', { origin: 'https://bad.test' }],
  ['/regex', { origin: 'https://a.re.test' }],
  ['/preflight', ...preflight('https://good.test')],
  ['/preflight-bad', ...preflight('https://bad.test')],
  ['/preflight-private', ...preflight('https://good.test', { 'access-control-request-private-network': 'true' })],
  ['/options-plain', { origin: 'https://good.test' }, 'OPTIONS'],
  ['/empty-origin', { origin: '' }],
];
const cors = (policy, spec = {}) => ({
  filters: [filter('cors', 'Cors')],
  entry: { typed_per_filter_config: per('cors', 'CorsPolicy', policy) },
  ...spec,
});
rows('cors', { shows: 'Preflights are answered, allowed origins are marked', ...cors(corsPolicy) }, CORS);
rows(
  'cors-upstream-headers',
  {
    shows: 'What the upstream says of origins is replaced',
    upstream: (request) =>
      request.respond(200, {
        headers: [
          ['access-control-allow-origin', '*'],
          ['access-control-allow-credentials', 'false'],
          ['access-control-expose-headers', 'x-up'],
        ],
      }),
    ...cors(corsPolicy),
  },
  CORS.slice(0, 3),
);
rows(
  'cors-private-network',
  { shows: 'allow_private_network_access', ...cors({ ...corsPolicy, allow_private_network_access: true }) },
  CORS.slice(4, 7),
);
rows(
  'cors-not-forwarded',
  {
    shows: 'forward_not_matching_preflights: false',
    ...cors({ ...corsPolicy, forward_not_matching_preflights: false }),
  },
  CORS.slice(4, 6),
);
rows(
  'cors-star',
  { shows: "An origin of * is answered with the caller's", ...cors({ allow_origin_string_match: [{ exact: '*' }] }) },
  CORS.slice(1, 5),
);
rows(
  'cors-disabled',
  { shows: 'filter_enabled 0 %', ...cors({ ...corsPolicy, filter_enabled: { default_value: { numerator: 0 } } }) },
  CORS.slice(1, 5),
);
rows(
  'cors-shadow',
  {
    shows: 'shadow_enabled counts and does nothing else',
    ...cors({ ...corsPolicy, filter_enabled: { default_value: { numerator: 0 } }, shadow_enabled: EVERY }),
  },
  CORS.slice(1, 5),
);
rows(
  'cors-without-credentials',
  { shows: 'Only what is set is said', ...cors({ allow_origin_string_match: origins }) },
  CORS.slice(1, 5),
);

// --- local rate limit

const limits = (config, more = {}) => [
  filter(
    'local_ratelimit',
    'LocalRateLimit',
    {
      stat_prefix: 'lim',
      token_bucket: { max_tokens: 2, tokens_per_fill: 1, fill_interval: '60s' },
      filter_enabled: EVERY,
      filter_enforced: EVERY,
      ...config,
    },
    more,
  ),
];
const four = [['/1'], ['/2'], ['/3'], ['/4']];
rows('ratelimit', { shows: 'Requests beyond the bucket are answered 429', filters: limits({}) }, four);
rows(
  'ratelimit-forms',
  {
    shows: 'Status, headers and the rate-limit headers of answers',
    filters: limits({
      status: { code: 'ServiceUnavailable' },
      response_headers_to_add: [{ header: { key: 'x-limited', value: 'yes' } }],
      enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
      rate_limited_as_resource_exhausted: true,
    }),
    unstable: [/x-ratelimit-reset/],
  },
  [['/1'], ['/2'], ['/3'], ['/grpc', { 'content-type': 'application/grpc' }, 'POST', 'x']],
);
rows(
  'ratelimit-status-below-400',
  { shows: 'A status below 400 is 429', filters: limits({ status: { code: 'Accepted' } }) },
  four.slice(0, 3),
);
rows(
  'ratelimit-not-enforced',
  {
    shows: 'Not enforced: the request passes, marked',
    filters: limits({
      filter_enforced: { default_value: { numerator: 0 } },
      request_headers_to_add_when_not_enforced: [{ header: { key: 'x-over', value: '1' } }],
    }),
  },
  four.slice(0, 3),
);
rows(
  'ratelimit-off',
  { shows: 'filter_enabled missing: off', filters: limits({ filter_enabled: null }) },
  four.slice(0, 3),
);
rows(
  'ratelimit-retry-after',
  { shows: 'enable_retry_after_header', filters: limits({ enable_retry_after_header: true }), unstable: [] },
  four.slice(0, 3),
);
rows(
  'ratelimit-descriptors',
  {
    shows: 'Descriptors have their own buckets',
    filters: limits({
      token_bucket: { max_tokens: 3, tokens_per_fill: 1, fill_interval: '60s' },
      descriptors: [
        {
          entries: [{ key: 'who', value: 'a' }],
          token_bucket: { max_tokens: 1, tokens_per_fill: 1, fill_interval: '60s' },
        },
        {
          entries: [
            { key: 'who', value: 'b' },
            { key: 'path', value: '/p' },
          ],
          token_bucket: { max_tokens: 1, tokens_per_fill: 1, fill_interval: '60s' },
        },
        {
          entries: [{ key: 'fixed', value: 'one' }],
          token_bucket: { max_tokens: 2, tokens_per_fill: 1, fill_interval: '60s' },
        },
      ],
      enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
    }),
    route: {
      rate_limits: [
        { actions: [{ request_headers: { header_name: 'x-who', descriptor_key: 'who' } }] },
        {
          actions: [
            { request_headers: { header_name: 'x-who', descriptor_key: 'who' } },
            { request_headers: { header_name: ':path', descriptor_key: 'path' } },
          ],
        },
        { actions: [{ generic_key: { descriptor_key: 'fixed', descriptor_value: 'one' } }] },
      ],
    },
    unstable: [/x-ratelimit-reset/],
  },
  [
    ['/1', { 'x-who': 'a' }],
    ['/2', { 'x-who': 'a' }],
    ['/p', { 'x-who': 'b' }],
    ['/p', { 'x-who': 'b' }],
    ['/5', { 'x-who': 'c' }],
    ['/6'],
  ],
);
rows(
  'ratelimit-per-route',
  {
    shows: 'A route with settings of its own',
    filters: limits({ filter_enabled: null }),
    entry: {
      typed_per_filter_config: per('local_ratelimit', 'LocalRateLimit', {
        stat_prefix: 'route',
        token_bucket: { max_tokens: 1, fill_interval: '60s' },
        filter_enabled: EVERY,
        filter_enforced: EVERY,
        response_headers_to_add: [
          { header: { key: 'x-local', value: 'r' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
        ],
      }),
    },
  },
  four.slice(0, 2),
);
scenario('ratelimit-per-connection', {
  shows: 'A bucket for each connection',
  upstream: ok,
  filters: limits({
    token_bucket: { max_tokens: 1, fill_interval: '60s' },
    local_rate_limit_per_downstream_connection: true,
  }),
  async run(t) {
    await t.once('/1');
    const client = await t.connect();
    await client.request({ path: '/2' }).done();
    await client.request({ path: '/3' }).done();
  },
});

// --- buffer, header mutation, rbac, health check

const buffer = (max_request_bytes) => [filter('buffer', 'Buffer', { max_request_bytes })];
for (const down of ['h1', 'h2'])
  scenario(`buffer-${down}`, {
    shows: 'A request is held until it is complete, and gets a length; too much of it is 413',
    down,
    upstream: async (request) => {
      await request.received();
      request.respond(200);
    },
    filters: buffer(10),
    async run(t) {
      await t.once('/small', { method: 'POST', body: 'hello' });
      await t.once('/exact', { method: 'POST', body: '0123456789' });
      await t.once('/large', { method: 'POST', body: '0123456789a' });
      const client = await t.connect();
      const x = client.request({ method: 'POST', path: '/pieces', body: 'he', end: false });
      await sleep(50);
      x.send('llo', true);
      if (down === 'h1') x.finish?.();
      await x.done(1500);
      await t.once('/get');
    },
  });
rows(
  'buffer-per-route',
  {
    shows: 'Off, and another size, by route',
    filters: buffer(3),
    vhost: {
      routes: [
        {
          match: { prefix: '/off' },
          route: { cluster: 'buffer-per-route-up' },
          typed_per_filter_config: per('buffer', 'BufferPerRoute', { disabled: true }),
        },
        {
          match: { prefix: '/big' },
          route: { cluster: 'buffer-per-route-up' },
          typed_per_filter_config: per('buffer', 'BufferPerRoute', { buffer: { max_request_bytes: 100 } }),
        },
      ],
    },
  },
  [
    ['/off', {}, 'POST', 'hello'],
    ['/big', {}, 'POST', 'hello'],
  ],
);

rows(
  'header-mutation',
  {
    shows: 'Headers and query parameters are changed on the way',
    filters: [
      filter('header_mutation', 'HeaderMutation', {
        mutations: {
          request_mutations: [
            { append: { header: { key: 'x-a', value: '%REQ(x-in)%' }, append_action: 'APPEND_IF_EXISTS_OR_ADD' } },
            { remove: 'x-gone' },
            { remove_on_match: { key_matcher: { prefix: 'x-pre-' } } },
            { append: { header: { key: 'x-b', value: '1' }, append_action: 'ADD_IF_ABSENT' } },
            { append: { header: { key: 'x-c', value: '1' }, append_action: 'OVERWRITE_IF_EXISTS' } },
          ],
          query_parameter_mutations: [
            { append: { record: { key: 'q', value: 'new' }, action: 'OVERWRITE_IF_EXISTS_OR_ADD' } },
            { append: { record: { key: 'only', value: 'x' }, action: 'OVERWRITE_IF_EXISTS' } },
            { append: { record: { key: 'abs', value: '%REQ(x-in)%' }, action: 'ADD_IF_ABSENT' } },
            { append: { record: { key: 'more', value: 'm' }, action: 'APPEND_IF_EXISTS_OR_ADD' } },
            { remove: 'bad' },
          ],
          response_mutations: [
            { append: { header: { key: 'x-resp', value: '%RESPONSE_CODE% %RESP(x-up)%' } } },
            { remove: 'x-up' },
          ],
        },
      }),
    ],
    upstream: (request) => request.respond(200, { headers: [['x-up', 'u']] }),
  },
  [
    ['/a', { 'x-in': 'i', 'x-a': 'o', 'x-gone': '1', 'x-pre-1': '1', 'x-pre-2': '2', 'x-b': 'o', 'x-c': 'o' }],
    ['/b?q=1&bad=2&only=3&more=4&z=%20&q=5'],
    ['/c?', {}],
    ['/none?abs=1&bad'],
  ],
);
rows(
  'header-mutation-levels',
  {
    shows: "Changes of all levels, the filter's first",
    filters: [
      filter('header_mutation', 'HeaderMutation', {
        mutations: { request_mutations: [{ append: { header: { key: 'x-l', value: 'filter' } } }] },
      }),
    ],
    entry: {
      typed_per_filter_config: per('header_mutation', 'HeaderMutationPerRoute', {
        mutations: { request_mutations: [{ append: { header: { key: 'x-l', value: 'route' } } }] },
      }),
    },
    vhost: {
      typed_per_filter_config: per('header_mutation', 'HeaderMutationPerRoute', {
        mutations: { request_mutations: [{ append: { header: { key: 'x-l', value: 'host' } } }] },
      }),
    },
  },
  [['/x']],
);

const any = [{ any: true }];
const rbac = (action, permissions, more = {}) => [
  filter('rbac', 'RBAC', { rules: { action, policies: { 'the policy': { permissions, principals: any } } }, ...more }),
];
const RB = [['/a'], ['/b/c?d'], ['/a', { 'x-h': 'v' }], ['/a', {}, 'POST', 'x']];
rows(
  'rbac-allow-path',
  { shows: 'ALLOW by path', filters: rbac('ALLOW', [{ url_path: { path: { prefix: '/a' } } }]) },
  RB,
);
rows(
  'rbac-deny-header',
  { shows: 'DENY by header', filters: rbac('DENY', [{ header: { name: 'x-h', present_match: true } }]) },
  RB,
);
rows(
  'rbac-log',
  {
    shows: 'LOG lets everything pass',
    filters: rbac('LOG', [{ header: { name: ':method', string_match: { exact: 'POST' } } }]),
  },
  RB,
);
rows(
  'rbac-shadow',
  {
    shows: 'Shadow rules count and tell metadata',
    filters: [
      filter('rbac', 'RBAC', {
        shadow_rules: { action: 'DENY', policies: { p: { permissions: any, principals: any } } },
        shadow_rules_stat_prefix: 'sh_',
      }),
    ],
    lines:
      '%DYNAMIC_METADATA(envoy.filters.http.rbac:sh_shadow_engine_result)% %DYNAMIC_METADATA(envoy.filters.http.rbac:sh_shadow_effective_policy_id)%',
  },
  [['/a']],
);
rows(
  'rbac-principals',
  {
    shows: 'Principals by address and by header',
    filters: [
      filter('rbac', 'RBAC', {
        rules: {
          action: 'ALLOW',
          policies: {
            p: {
              permissions: any,
              principals: [
                {
                  and_ids: {
                    ids: [
                      { direct_remote_ip: { address_prefix: '127.0.0.0', prefix_len: 8 } },
                      { not_id: { header: { name: 'x-bad', present_match: true } } },
                    ],
                  },
                },
              ],
            },
          },
        },
      }),
    ],
  },
  [['/ok'], ['/bad', { 'x-bad': '1' }]],
);
rows(
  'rbac-per-rule-stats',
  {
    shows: 'track_per_rule_stats',
    filters: rbac('ALLOW', [{ url_path: { path: { prefix: '/a' } } }], { track_per_rule_stats: true }),
  },
  RB.slice(0, 2),
);
rows('rbac-grpc', { shows: 'A denied gRPC request', down: 'h2', filters: rbac('DENY', any) }, [
  ['/g', { 'content-type': 'application/grpc' }, 'POST', 'x'],
]);

const health = (config) => [
  filter('health_check', 'HealthCheck', { headers: [{ name: ':path', string_match: { exact: '/hc' } }], ...config }),
];
rows(
  'health-check',
  { shows: 'Health checks are answered, others pass', filters: health({ pass_through_mode: false }) },
  [['/hc'], ['/x'], ['/hc', {}, 'POST', 'x']],
);
rows('health-check-pass', { shows: 'Health checks go to the upstream', filters: health({ pass_through_mode: true }) }, [
  ['/hc'],
  ['/x'],
]);
rows(
  'health-check-cluster',
  {
    shows: 'The answer depends on the hosts of a cluster',
    filters: health({
      pass_through_mode: false,
      cluster_min_healthy_percentages: { 'health-check-cluster-up': { value: 50 } },
    }),
  },
  [['/hc']],
);
rows(
  'health-check-no-cluster',
  {
    shows: 'A cluster that does not exist',
    filters: health({ pass_through_mode: false, cluster_min_healthy_percentages: { nowhere: { value: 50 } } }),
  },
  [['/hc']],
);
rows(
  'health-check-cached',
  {
    shows: 'cache_time: the upstream is asked once',
    upstream: (request) => request.respond(200, { headers: [['x-envoy-upstream-healthchecked-cluster', 'upc']] }),
    filters: health({ pass_through_mode: true, cache_time: '5s' }),
  },
  [['/hc'], ['/hc'], ['/hc']],
);

// --- gRPC

const grpc = { 'content-type': 'application/grpc' };
rows(
  'grpc-stats',
  {
    shows: 'Requests are counted by service and method',
    down: 'h2',
    up: 'h2',
    upstream: async (request) => {
      await request.received();
      request.start(200, [['content-type', 'application/grpc']]);
      request.send('\0\0\0\0\0');
      request.finish([['grpc-status', request.path.includes('Bad') ? '5' : '0']]);
    },
    filters: [filter('grpc_stats', 'FilterConfig', { stats_for_all_methods: true, enable_upstream_stats: true })],
  },
  [
    ['/pkg.Service/Method', grpc, 'POST', '\0\0\0\0\0'],
    ['/pkg.Service/Bad', grpc, 'POST', '\0\0\0\0\0\0\0\0\0\0'],
    ['/odd', grpc, 'POST', '\0\0\0\0\0'],
    ['/pkg.Service/Method', {}, 'POST', 'x'],
  ],
);
rows(
  'grpc-stats-plain',
  {
    shows: 'Without names of methods',
    down: 'h2',
    up: 'h2',
    upstream: async (request) => {
      await request.received();
      request.start(200, [['content-type', 'application/grpc']]);
      request.finish([['grpc-status', '0']]);
    },
    filters: [filter('grpc_stats', 'FilterConfig', {})],
  },
  [['/pkg.Service/Method', grpc, 'POST', '\0\0\0\0\0']],
);
rows(
  'grpc-stats-list',
  {
    shows: 'Methods of a list, dots replaced',
    down: 'h2',
    up: 'h2',
    upstream: async (request) => {
      await request.received();
      request.start(200, [['content-type', 'application/grpc']]);
      request.finish([['grpc-status', '0']]);
    },
    filters: [
      filter('grpc_stats', 'FilterConfig', {
        individual_method_stats_allowlist: { services: [{ name: 'pkg.Service', method_names: ['Method'] }] },
        replace_dots_in_grpc_service_name: true,
      }),
    ],
  },
  [
    ['/pkg.Service/Method', grpc, 'POST', '\0\0\0\0\0'],
    ['/pkg.Service/Other', grpc, 'POST', '\0\0\0\0\0'],
    ['/pkg.Else/Method', grpc, 'POST', '\0\0\0\0\0'],
  ],
);

// --- cookies of hash policies

const hashed = (cookie) => ({
  upstream: { handler: ok, cluster: { lb_policy: 'RING_HASH' } },
  route: { hash_policy: [{ cookie }] },
});
rows(
  'hash-cookie',
  {
    shows: 'A cookie is made when there is a lifetime',
    ...hashed({ name: 'k', ttl: '30s', path: '/p' }),
    unstable: [/k="?[0-9a-f]/],
  },
  [['/has', { cookie: 'a=1; k=mine' }]],
);

rows(
  'grpc-stats-filter-state',
  {
    shows: 'The counts of one request as filter state',
    down: 'h2',
    up: 'h2',
    upstream: async (request) => {
      await request.received();
      request.start(200, [['content-type', 'application/grpc']]);
      request.send('\0\0\0\0\0\0\0\0\0\0');
      request.finish([['grpc-status', '0']]);
    },
    filters: [
      filter('grpc_stats', 'FilterConfig', {
        emit_filter_state: true,
        replace_dots_in_grpc_service_name: true,
        stats_for_all_methods: true,
      }),
    ],
    lines:
      '%FILTER_STATE(envoy.filters.http.grpc_stats:PLAIN)% %FILTER_STATE(envoy.filters.http.grpc_stats:TYPED)% %FILTER_STATE(envoy.filters.http.grpc_stats)% %FILTER_STATE(envoy.filters.http.grpc_stats:FIELD:request_message_count)%',
  },
  [['/pkg.Service/Method', grpc, 'POST', '\0\0\0\0\0'], ['/plain']],
);
const actions = (rate_limits, descriptors, more = {}) => ({
  filters: limits({
    token_bucket: { max_tokens: 100, tokens_per_fill: 1, fill_interval: '60s' },
    enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
    descriptors: descriptors.map((entries, i) => ({
      entries: Object.entries(entries).map(([key, value]) => ({ key, value })),
      token_bucket: { max_tokens: 10 + i, tokens_per_fill: 1, fill_interval: '60s' },
    })),
    ...more,
  }),
  route: { rate_limits },
  unstable: [/x-ratelimit-reset/],
});
rows(
  'ratelimit-actions',
  {
    shows: 'What each kind of action makes an entry of; the limit that is told says which descriptor matched',
    ...actions(
      [
        { actions: [{ generic_key: { descriptor_value: 'g' } }] },
        {
          actions: [
            { remote_address: {} },
            { request_headers: { header_name: 'x-a', descriptor_key: 'a', skip_if_absent: true } },
          ],
        },
        {
          actions: [
            { header_value_match: { descriptor_value: 'hv', headers: [{ name: 'x-h', present_match: true }] } },
          ],
        },
        {
          actions: [
            {
              header_value_match: {
                descriptor_value: 'no',
                descriptor_key: 'k',
                expect_match: false,
                headers: [{ name: 'x-n', present_match: true }],
              },
            },
          ],
        },
        { actions: [{ query_parameters: { query_parameter_name: 'q', descriptor_key: 'qk' } }] },
        {
          actions: [
            {
              query_parameter_value_match: {
                descriptor_value: 'qv',
                query_parameters: [{ name: 'z', string_match: { exact: '1' } }],
              },
            },
          ],
        },
        {
          actions: [
            { masked_remote_address: { v4_prefix_mask_len: 24 } },
            { request_headers: { header_name: 'x-m', descriptor_key: 'm' } },
          ],
        },
        { actions: [{ source_cluster: {} }, { request_headers: { header_name: 'x-s', descriptor_key: 's' } }] },
        { stage: 1, actions: [{ request_headers: { header_name: 'x-stage', descriptor_key: 'stage' } }] },
      ],
      [
        { remote_address: '127.0.0.1', a: '1' },
        { header_match: 'hv' },
        { k: 'no' },
        { qk: 'v' },
        { query_match: 'qv' },
        { masked_remote_address: '127.0.0.0/24', m: '1' },
        { source_cluster: 'conformance', s: '1' },
        { stage: '1' },
      ],
    ),
  },
  [
    ['/a', { 'x-a': '1', 'x-n': '1' }],
    ['/b', { 'x-n': '1' }],
    ['/c', { 'x-h': '1', 'x-n': '1' }],
    ['/d'],
    ['/e?q=v', { 'x-n': '1' }],
    ['/f?z=1', { 'x-n': '1' }],
    ['/g', { 'x-m': '1', 'x-n': '1' }],
    ['/h', { 'x-s': '1', 'x-n': '1' }],
    ['/i', { 'x-stage': '1', 'x-n': '1' }],
  ],
);
rows(
  'ratelimit-filter-actions',
  {
    shows: "rate_limits of the filter replace the route's; the default bucket may be left alone",
    ...actions(
      [{ actions: [{ generic_key: { descriptor_value: 'g' } }] }],
      [{ generic_key: 'g' }, { generic_key: 'f' }],
      {
        rate_limits: [{ actions: [{ generic_key: { descriptor_value: 'f' } }] }],
        always_consume_default_token_bucket: false,
      },
    ),
  },
  [['/a']],
);
for (const vh_rate_limits of ['OVERRIDE', 'INCLUDE', 'IGNORE'])
  rows(
    `ratelimit-host-${vh_rate_limits.toLowerCase()}`,
    {
      shows: 'Rate limits of the virtual host beside those of the route',
      ...actions(
        [{ actions: [{ request_headers: { header_name: 'x-r', descriptor_key: 'r' } }] }],
        [{ r: '1' }, { v: '1' }],
        { vh_rate_limits },
      ),
      vhost: { rate_limits: [{ actions: [{ request_headers: { header_name: 'x-v', descriptor_key: 'v' } }] }] },
    },
    [
      ['/r', { 'x-r': '1' }],
      ['/v', { 'x-v': '1' }],
      ['/both', { 'x-r': '1', 'x-v': '1' }],
    ],
  );
