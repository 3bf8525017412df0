/** What the connection manager does to headers: addresses, protocols, ids, and the x-envoy- family. */
import { family, scenario } from '../harness/scenario.mjs';

family('headers');

const TYPE = 'type.googleapis.com/envoy.extensions.';
const ok = (request) => request.respond(200);
const add = (key, value) => ({ header: { key, value }, keep_empty_value: true });

/** One request after the other on one connection; each row is [path, headers, method]. */
export function rows(name, spec, requests, from = '127.0.0.2') {
  scenario(name, {
    upstream: ok,
    ...spec,
    async run(t) {
      let client = await t.connect({ from });
      for (const [path, headers = [], method = 'GET', body = null] of requests) {
        if (client.end !== 'open') client = await t.connect({ from });
        await client.request({ path, headers: Object.entries(headers), method, body }).done();
      }
    },
  });
}

const who = {
  request_headers_to_add: [
    add('x-who', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%'),
    add('x-who-direct', '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%'),
    add('x-internal', '%REQ(x-envoy-internal)%'),
  ],
};
const xff = (value) => ({ 'x-forwarded-for': value });
const ADDRESSES = [
  ['/none'],
  ['/one', xff('203.0.113.7')],
  ['/comma-last', xff('203.0.113.7,')],
  ['/comma-first', xff(',203.0.113.7')],
  ['/blanks', xff('198.51.100.2 ,  203.0.113.7\t')],
  ['/port', xff('203.0.113.7:80')],
  ['/brackets', xff('[2001:db8::1]')],
  ['/v6', xff('2001:DB8:0:0:0::1')],
  ['/mapped', xff('::ffff:203.0.113.7')],
  ['/zeros', xff('010.1.2.3')],
  ['/short', xff('10.1.2')],
  ['/large', xff('256.1.1.1')],
  ['/garbage', xff('not-an-address')],
  ['/internal', xff('10.1.2.3')],
  ['/internal-two', xff('10.1.2.3, 10.1.2.4')],
  ['/internal-comma', xff('10.1.2.3,')],
  ['/mapped-internal', xff('::ffff:10.1.2.3')],
];
const inside = { internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] } };
const me = {
  internal_address_config: { cidr_ranges: [{ address_prefix: '127.0.0.2', prefix_len: 32 }] },
};

rows('xff-forms', { shows: 'Which texts of x-forwarded-for are an address', hcm: inside, entry: who }, ADDRESSES);
rows(
  'xff-forms-edge',
  { shows: 'The same with use_remote_address', hcm: { ...inside, use_remote_address: true }, entry: who },
  ADDRESSES,
);
rows(
  'xff-forms-trusted-hop',
  {
    shows: 'The same behind one trusted proxy',
    hcm: { ...inside, use_remote_address: true, xff_num_trusted_hops: 1 },
    entry: who,
  },
  ADDRESSES,
);
rows(
  'xff-forms-two-hops',
  {
    shows: 'The same, two places from the right, without use_remote_address',
    hcm: { ...inside, xff_num_trusted_hops: 1 },
    entry: who,
  },
  ADDRESSES,
);
rows(
  'xff-as-mapped-v6',
  {
    shows: 'represent_ipv4_remote_address_as_ipv4_mapped_ipv6',
    hcm: { ...me, use_remote_address: true, represent_ipv4_remote_address_as_ipv4_mapped_ipv6: true },
    entry: who,
  },
  [['/none'], ['/one', xff('203.0.113.7')]],
);

const detect = (kind, config, hcm = {}) => ({
  ...inside,
  ...hcm,
  original_ip_detection_extensions: [
    {
      name: `envoy.http.original_ip_detection.${kind}`,
      typed_config: {
        '@type': `${TYPE}http.original_ip_detection.${kind}.v3.${kind === 'xff' ? 'Xff' : 'CustomHeader'}Config`,
        ...config,
      },
    },
  ],
});
rows(
  'detection-xff',
  { shows: 'The x-forwarded-for extension as it is without fields', hcm: detect('xff', {}), entry: who },
  ADDRESSES,
);
rows(
  'detection-xff-hop-append',
  {
    shows: 'One trusted hop, and the peer is appended',
    hcm: detect('xff', { xff_num_trusted_hops: 1, skip_xff_append: false }),
    entry: who,
  },
  ADDRESSES,
);
const trusted = {
  xff_trusted_cidrs: {
    cidrs: [
      { address_prefix: '127.0.0.0', prefix_len: 8 },
      { address_prefix: '10.0.0.0', prefix_len: 8 },
      { address_prefix: '2001:db8::', prefix_len: 32 },
    ],
  },
};
const CHAINS = [
  ...ADDRESSES,
  ['/behind', xff('203.0.113.7, 10.1.2.3')],
  ['/behind-two', xff('198.51.100.2, 203.0.113.7, 10.1.2.3,10.1.2.4')],
  ['/behind-garbage', xff('203.0.113.7, garbage, 10.1.2.3')],
  ['/behind-empty', xff('203.0.113.7, , 10.1.2.3')],
];
rows(
  'detection-xff-trusted-proxies',
  { shows: 'Trusted proxies are passed from the right', hcm: detect('xff', trusted), entry: who },
  CHAINS,
);
rows(
  'detection-xff-peer-not-trusted',
  {
    shows: 'The header of a peer that is not trusted does not count',
    hcm: detect('xff', {
      xff_trusted_cidrs: { cidrs: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] },
      skip_xff_append: false,
    }),
    entry: who,
  },
  [['/none'], ['/one', xff('203.0.113.7')]],
);
const CUSTOM = [
  ['/none'],
  ['/one', { 'x-client': '203.0.113.7' }],
  ['/internal', { 'x-client': '10.1.2.3' }],
  ['/internal-xff', { 'x-client': '10.1.2.3', 'x-forwarded-for': '10.1.2.9' }],
  ['/blank', { 'x-client': '203.0.113.7 , 1.1.1.1' }],
  ['/garbage', { 'x-client': 'garbage' }],
  ['/v6', { 'x-client': '2001:db8::A' }],
];
rows(
  'detection-custom-header',
  {
    shows: 'The address in a header of its own',
    hcm: detect('custom_header', { header_name: 'x-client' }),
    entry: who,
  },
  CUSTOM,
);
rows(
  'detection-custom-header-trusted-reject',
  {
    shows: 'The address counts for trust; without one the request is refused',
    hcm: detect('custom_header', {
      header_name: 'x-client',
      allow_extension_to_set_address_as_trusted: true,
      reject_with_status: { code: 'Unauthorized' },
    }),
    entry: who,
  },
  CUSTOM,
);
rows(
  'detection-custom-header-reject-ok',
  {
    shows: 'A status below 400 is 403',
    hcm: detect('custom_header', { header_name: 'x-client', reject_with_status: { code: 'OK' } }),
  },
  [['/none'], ['/one', { 'x-client': '203.0.113.7' }]],
);

rows(
  'early-header-mutation',
  {
    shows: 'Headers are changed before the rules of the connection manager see them',
    hcm: {
      ...inside,
      generate_request_id: true,
      early_header_mutation_extensions: [
        {
          name: 'envoy.http.early_header_mutation.header_mutation',
          typed_config: {
            '@type': `${TYPE}http.early_header_mutation.header_mutation.v3.HeaderMutation`,
            mutations: [
              {
                append: {
                  header: {
                    key: 'x-early',
                    value: '%REQ(x-in)%|%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%|%ROUTE_NAME%|%PROTOCOL%',
                  },
                  append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
                },
              },
              {
                append: {
                  header: { key: 'x-forwarded-for', value: '%REQ(x-client)%' },
                  append_action: 'ADD_IF_ABSENT',
                },
              },
              { append: { header: { key: 'x-envoy-internal', value: 'true' } } },
              { append: { header: { key: 'x-keep', value: '2' }, append_action: 'APPEND_IF_EXISTS_OR_ADD' } },
              { remove: 'x-drop' },
            ],
          },
        },
      ],
    },
    entry: who,
  },
  [
    ['/a', { 'x-in': '1', 'x-drop': '1', 'x-client': '10.1.2.3', 'x-keep': '1' }],
    ['/b', { 'x-forwarded-for': '203.0.113.7', 'x-client': '10.1.2.3' }],
  ],
);

const ENVOY_HEADERS = Object.fromEntries(
  [
    'upstream-alt-stat-name',
    'force-trace',
    'ip-tags',
    'original-url',
    'decorator-operation',
    'original-path',
    'original-host',
    'expected-rq-timeout-ms',
  ].map((name) => [`x-envoy-${name}`, name.endsWith('ms') ? '77' : 'alt']),
);
rows(
  'internal-caller-headers',
  {
    shows: 'What an internal caller may say stays; the id of a forced trace is told to it',
    hcm: {
      ...me,
      use_remote_address: true,
      generate_request_id: true,
      route_config: { internal_only_headers: ['x-secret', 'X-Secret-2'] },
    },
  },
  [
    ['/internal', { ...ENVOY_HEADERS, 'x-secret': '1', 'x-secret-2': '2' }],
    ['/external', { ...ENVOY_HEADERS, ...xff('10.1.1.1'), 'x-secret': '1', 'x-secret-2': '2' }],
    ['/no-trace', { 'x-envoy-upstream-alt-stat-name': 'a.b c' }],
  ],
);
rows(
  'forced-trace-without-id',
  { shows: 'A forced trace with a request id that the client made', hcm: { ...me, use_remote_address: true } },
  [
    ['/id', { 'x-envoy-force-trace': 'true', 'x-request-id': 'mine' }],
    ['/none', { 'x-envoy-force-trace': 'true' }],
  ],
);
rows(
  'internal-unix-sockets',
  {
    shows: 'unix_sockets concerns callers on unix sockets only',
    hcm: { use_remote_address: true, internal_address_config: { unix_sockets: true } },
    entry: who,
  },
  [['/none'], ['/one', xff('10.1.1.1')]],
);
rows(
  'internal-default',
  { shows: 'Without internal_address_config no address is internal', hcm: { use_remote_address: true }, entry: who },
  [['/none'], ['/one', xff('10.1.1.1')]],
);

const OPERATORS = [
  '%RESPONSE_CODE%',
  '%RESPONSE_CODE_DETAILS%',
  '%RESPONSE_FLAGS%',
  '%UPSTREAM_HOST%',
  '%UPSTREAM_CLUSTER%',
  '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  '%RESP(content-type)%',
  '%RESP(:status)%',
  '%RESP(location)%',
  '%RESP(server)%',
  '%BYTES_SENT%',
  '%LOCAL_REPLY_BODY%',
  '%ACCESS_LOG_TYPE%',
  '%GRPC_STATUS%',
  '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  '%ROUTE_NAME%',
];
const told = {
  response_headers_to_add: OPERATORS.map((operator, i) => add(`x-${String(i).padStart(2, '0')}`, operator)),
};
const replies = {
  direct: { entry: { route: null, direct_response: { status: 418, body: { inline_string: 'tea' } } } },
  redirect: { entry: { route: null, redirect: { path_redirect: '/new' } } },
  'no-host': { upstream: { kind: 'none' } },
  refused: { upstream: { kind: 'refused' } },
  'refused-retried': {
    upstream: { kind: 'refused' },
    route: { retry_policy: { retry_on: 'connect-failure', num_retries: 1 } },
  },
  'retried-503': {
    upstream: [(request) => request.respond(503), (request) => request.conn.fin()],
    route: { retry_policy: { retry_on: '5xx', num_retries: 1 } },
  },
  timeout: { upstream: () => {}, route: { timeout: '0.3s' } },
  idle: { upstream: () => {}, hcm: { stream_idle_timeout: '0.3s' } },
  cluster: { upstream: ok, route: { cluster: null, cluster_header: 'x-none' } },
  fault: {
    filters: [
      {
        name: 'envoy.filters.http.fault',
        typed_config: {
          '@type': `${TYPE}filters.http.fault.v3.HTTPFault`,
          abort: { http_status: 501, percentage: { numerator: 100 } },
        },
      },
    ],
  },
  upstream: { upstream: ok },
};
for (const [name, spec] of Object.entries(replies)) {
  scenario(`response-operators-${name}`, {
    shows: 'What the operators of response_headers_to_add know of this reply',
    upstream: ok,
    ...spec,
    entry: { ...told, ...spec.entry },
    vhost: { response_headers_to_add: [add('x-host', '%RESPONSE_CODE%')] },
    run: (t) => t.once('/x', { method: 'GET' }),
  });
}
scenario('response-operators-grpc', {
  shows: 'The same on a reply to gRPC',
  down: 'h2',
  upstream: { kind: 'refused' },
  entry: told,
  run: (t) => t.once('/x', { method: 'POST', headers: [['content-type', 'application/grpc']], body: 'x' }),
});
scenario('response-operators-expect', {
  shows: 'The answered Expect is the status until the response has its own',
  upstream: { kind: 'refused' },
  entry: told,
  run: (t) => t.once('/x', { method: 'POST', headers: [['expect', '100-continue']], body: 'x' }),
});

for (const transformation of ['OVERWRITE', 'APPEND_IF_ABSENT', 'PASS_THROUGH']) {
  rows(
    `server-header-${transformation.toLowerCase().replaceAll('_', '-')}`,
    {
      shows: 'The server header of a reply of the proxy itself and of an upstream that says nothing',
      hcm: { server_header_transformation: transformation, server_name: 'me', via: 'v' },
      vhost: {
        routes: [
          { match: { path: '/direct' }, direct_response: { status: 200 } },
          {
            match: { prefix: '/up' },
            route: { cluster: `server-header-${transformation.toLowerCase().replaceAll('_', '-')}-up` },
          },
        ],
      },
    },
    [['/direct', { via: 'w' }], ['/up'], ['/none']],
  );
}

scenario('router-without-dynamic-stats', {
  shows: 'dynamic_stats: false leaves the codes of the cluster uncounted',
  upstream: [(request) => request.respond(503), ok],
  router: { dynamic_stats: false },
  route: { retry_policy: { retry_on: '5xx' } },
  run: (t) => t.once('/x'),
});
scenario('router-quiet-grpc-codes', {
  shows: 'suppress_grpc_request_failure_code_stats leaves the codes of gRPC requests uncounted',
  down: 'h2',
  up: 'h2',
  upstream: [(request) => request.respond(503), ok],
  router: { suppress_grpc_request_failure_code_stats: true },
  route: { retry_policy: { retry_on: '5xx' } },
  async run(t) {
    const client = await t.connect();
    await client
      .request({ path: '/grpc', method: 'POST', headers: [['content-type', 'application/grpc']], body: 'x' })
      .done();
    await client.request({ path: '/plain' }).done();
  },
});
scenario('scheme-of-upstream', {
  shows: 'scheme_header_transformation.match_upstream',
  down: 'h2',
  up: 'h2',
  upstream: ok,
  hcm: { scheme_header_transformation: { match_upstream: true } },
  entry: { request_headers_to_add: [add('x-scheme', '%REQ(:SCHEME)%')] },
  lines: '%REQ(:SCHEME)%',
  run: (t) => t.once('/x', { headers: [['x-forwarded-proto', 'https']] }),
});
rows(
  'forward-proto',
  {
    shows: 'forward_proto_config names ports; others do as without it',
    hcm: {
      use_remote_address: true,
      forward_proto_config: { https_destination_ports: [443], http_destination_ports: [80] },
    },
  },
  [['/none'], ['/https', { 'x-forwarded-proto': 'https' }]],
);

const status = (proxy_status_config, hcm = {}) => ({ hcm: { server_name: 'the-proxy', proxy_status_config, ...hcm } });
const proxyStatus = {
  'no-route': { entry: { match: { prefix: '/only' } } },
  'no-host': { upstream: { kind: 'none' } },
  refused: { upstream: { kind: 'refused' } },
  timeout: { upstream: () => {}, route: { timeout: '0.3s' } },
  closed: { upstream: (request) => request.conn.fin() },
  garbage: { upstream: (request) => request.conn.raw('HELLO\r\n\r\n') },
  idle: { upstream: () => {}, more: { stream_idle_timeout: '0.3s' } },
  duration: { upstream: () => {}, more: { common_http_protocol_options: { max_stream_duration: '0.3s' } } },
  overflow: { upstream: { handler: ok, cluster: { circuit_breakers: { thresholds: [{ max_pending_requests: 0 }] } } } },
  retried: { upstream: { kind: 'refused' }, route: { retry_policy: { retry_on: 'connect-failure', num_retries: 1 } } },
  'upstream-has': { upstream: (request) => request.respond(503, { headers: [['proxy-status', 'before; error=x']] }) },
  cluster: { upstream: ok, route: { cluster: null, cluster_header: 'x-none' } },
  umsdr: { upstream: { handler: () => {}, http: { common_http_protocol_options: { max_stream_duration: '0.3s' } } } },
  fault: {
    filters: [
      {
        name: 'envoy.filters.http.fault',
        typed_config: {
          '@type': `${TYPE}filters.http.fault.v3.HTTPFault`,
          abort: { http_status: 501, percentage: { numerator: 100 } },
        },
      },
    ],
  },
  limited: {
    filters: [
      {
        name: 'envoy.filters.http.local_ratelimit',
        typed_config: {
          '@type': `${TYPE}filters.http.local_ratelimit.v3.LocalRateLimit`,
          stat_prefix: 'l',
          token_bucket: { max_tokens: 1, fill_interval: '100s' },
          filter_enabled: { default_value: { numerator: 100 } },
          filter_enforced: { default_value: { numerator: 100 } },
        },
      },
    ],
    twice: true,
  },
};
for (const [name, { more, twice, ...spec }] of Object.entries(proxyStatus))
  for (const [variant, config] of [
    ['', {}],
    ['-recommended', { set_recommended_response_code: true, remove_details: true }],
  ])
    scenario(`proxy-status-${name}${variant}`, {
      shows: 'The proxy-status header of this reply',
      upstream: ok,
      ...status(config, more),
      ...spec,
      async run(t) {
        if (twice) await t.once('/first');
        await t.once('/x');
      },
    });
const parts = {
  flags: { remove_response_flags: true },
  termination: { remove_connection_termination_details: true },
  'node-id': { use_node_id: true },
  literal: { literal_proxy_name: 'some "name' },
};
for (const [name, config] of Object.entries(parts))
  scenario(`proxy-status-part-${name}`, {
    shows: 'What the header says by configuration',
    upstream: { kind: 'refused' },
    ...status(config),
    run: (t) => t.once('/x'),
  });
scenario('proxy-status-idle-upload', {
  shows: 'A request that is not complete',
  upstream: () => {},
  ...status({}, { stream_idle_timeout: '0.3s' }),
  async run(t) {
    const client = await t.connect();
    client.request({ path: '/x', method: 'POST', body: 'a', end: false });
    await client.ended(1800);
  },
});
scenario('proxy-status-bad-request', {
  shows: 'A request that breaks the protocol',
  upstream: ok,
  ...status({ set_recommended_response_code: true }),
  async run(t) {
    const client = await t.connect();
    client.rawRequest('/x', 'GET /x HTTP/1.1\r\nfoo bar\r\n\r\n');
    await client.ended(1700);
  },
});
