/** Internal redirects: the proxy follows the location itself. */
import { family, scenario } from '../harness/scenario.mjs';
import { sleep } from '../peers/watch.mjs';

family('redirects');

const TYPE = 'type.googleapis.com/envoy.extensions.internal_redirect';
const predicate = (name, config = {}) => ({
  name: `envoy.internal_redirect_predicates.${name}`,
  typed_config: { '@type': `${TYPE}.${name}.v3.${config.type}`, ...config.fields },
});
const PREVIOUS = predicate('previous_routes', { type: 'PreviousRoutesConfig' });
const SAFE = predicate('safe_cross_scheme', { type: 'SafeCrossSchemeConfig' });
const allowed = (...allowed_route_names) =>
  predicate('allow_listed_routes', { type: 'AllowListedRoutesConfig', fields: { allowed_route_names } });

const to =
  (location, { status = 302, headers = [], body = '' } = {}) =>
  async (request) => {
    await request.received();
    request.respond(status, { headers: [['location', location], ...headers], body });
  };
const ok = async (request) => {
  await request.received();
  request.respond(200, { body: request.method === 'HEAD' ? '' : 'ok' });
};
/** Redirects for ever. */
const round = (request) =>
  request.respond(302, { headers: [['location', `http://again.test${request.path}x`]], body: '' });

/** A scenario whose route follows redirects. */
function redirected(name, spec) {
  const { policy = {}, route, ...rest } = spec;
  scenario(name, {
    run: (t) => t.once('/x'),
    ...rest,
    route: { internal_redirect_policy: policy, timeout: '0s', ...route },
  });
}

redirected('redirect-followed', {
  shows: 'A 302 is followed: x-envoy-original-url, the host and path of the location; one log line for each hop',
  upstream: [to('http://other.test/y?q=1'), ok],
});

redirected('redirect-followed-h2', {
  shows: 'The same over HTTP/2: the stream of the first hop is reset',
  down: 'h2',
  up: 'h2',
  upstream: [to('http://other.test/y?q=1'), ok],
});

redirected('redirect-followed-h2-without-data', {
  shows: 'A redirect that ends with its headers',
  down: 'h2',
  up: 'h2',
  upstream: [
    (request) =>
      request.sendHeaders(
        [
          [':status', '302'],
          ['location', 'http://other.test/y'],
        ],
        true,
      ),
    ok,
  ],
});

redirected('redirect-with-a-body', {
  shows: 'The body of the request is sent again',
  upstream: [to('http://other.test/y', { status: 307 }), ok],
  policy: { redirect_response_codes: [307] },
  run: (t) => t.once('/x', { method: 'POST', body: 'the body' }),
});

redirected('redirect-303', {
  shows: '303 makes a GET without a body of it',
  upstream: [to('http://other.test/y', { status: 303 }), ok],
  policy: { redirect_response_codes: [303] },
  run: (t) => t.once('/x', { method: 'POST', body: 'the body' }),
});

redirected('redirect-303-of-head', {
  shows: '303 leaves HEAD alone',
  upstream: [to('http://other.test/y', { status: 303 }), ok],
  policy: { redirect_response_codes: [303] },
  run: (t) => t.once('/x', { method: 'HEAD' }),
});

redirected('redirect-code-not-listed', {
  shows: 'A 301 is passed on, when only 302 is followed',
  upstream: to('http://other.test/y', { status: 301 }),
});

redirected('redirect-relative', {
  shows: 'A location without a host is passed on: bad_location',
  upstream: to('/y'),
});

redirected('redirect-without-location', {
  shows: 'A 302 without a location is passed on',
  upstream: (request) => request.respond(302, { body: '' }),
});

redirected('redirect-fragment', {
  shows: 'A fragment is cut off',
  upstream: [to('http://other.test/y#part'), ok],
});

redirected('redirect-without-path', {
  shows: 'A location that ends with its host',
  upstream: [to('http://other.test'), ok],
});

redirected('redirect-query-alone', {
  shows: 'A location whose query follows the host',
  upstream: [to('http://other.test?a=b'), ok],
});

redirected('redirect-too-many', {
  shows: 'The second redirect of the default limit 1 is passed on',
  upstream: round,
});

redirected('redirect-three-times', {
  shows: 'max_internal_redirects 3: the fourth is passed on; each hop closes its HTTP/1 connection',
  upstream: round,
  policy: { max_internal_redirects: 3 },
});

redirected('redirect-zero', {
  shows: 'max_internal_redirects 0',
  upstream: round,
  policy: { max_internal_redirects: 0 },
});

redirected('redirect-cross-scheme', {
  shows: 'A location of another scheme is passed on: unsafe_scheme',
  upstream: to('https://other.test/y'),
});

redirected('redirect-cross-scheme-allowed', {
  shows: 'allow_cross_scheme_redirect',
  upstream: [to('https://other.test/y'), ok],
  policy: { allow_cross_scheme_redirect: true },
});

redirected('redirect-unsafe-cross-scheme', {
  shows: 'safe_cross_scheme: from http to https is not safe',
  upstream: to('https://other.test/y'),
  policy: { allow_cross_scheme_redirect: true, predicates: [SAFE] },
});

redirected('redirect-safe-cross-scheme', {
  shows: 'safe_cross_scheme: without TLS the request counts as http whatever x-forwarded-proto says',
  upstream: [to('http://other.test/y'), ok],
  policy: { allow_cross_scheme_redirect: true, predicates: [SAFE] },
  run: (t) => t.once('/x', { headers: [['x-forwarded-proto', 'https']] }),
});

/** Routes named a (/a), b (/b) and r, each with the policy. */
const routes = (name, policy, more = {}) => ({
  routes: [
    ['a', '/a'],
    ['b', '/b'],
    ['r', '/'],
  ].map(([route, prefix]) => ({
    name: route,
    match: { prefix },
    route: { cluster: `${name}-up`, timeout: '0s', internal_redirect_policy: policy },
    ...more,
  })),
});

scenario('redirect-previous-routes', {
  shows: 'previous_routes: a route is not gone to a second time',
  upstream: [to('http://c.test/a'), to('http://c.test/b'), to('http://c.test/a'), to('http://c.test/a'), ok],
  vhost: routes('redirect-previous-routes', { max_internal_redirects: 9, predicates: [PREVIOUS] }),
  run: (t) => t.once('/x'),
});

scenario('redirect-allow-listed-routes', {
  shows: 'allow_listed_routes: only to the routes that are named',
  upstream: [to('http://c.test/a'), to('http://c.test/b')],
  vhost: routes('redirect-allow-listed-routes', { max_internal_redirects: 9, predicates: [allowed('a', 'r')] }),
  run: (t) => t.once('/x'),
});

redirected('redirect-to-no-route', {
  shows: 'A location that no route matches is passed on: no_route',
  upstream: to('http://other.test/none'),
  entry: { match: { prefix: '/x' } },
});

redirected('redirect-to-direct-response', {
  shows: 'The target may be answered by the proxy itself',
  upstream: to('http://other.test/direct'),
  vhost: {
    routes: [
      { match: { prefix: '/direct' }, direct_response: { status: 200, body: { inline_string: 'direct' } } },
      {
        match: { prefix: '/' },
        route: { cluster: 'redirect-to-direct-response-up', timeout: '0s', internal_redirect_policy: {} },
      },
    ],
  },
});

redirected('redirect-copies-headers', {
  shows: 'response_headers_to_copy: onto the request, or away from it',
  upstream: [
    to('http://other.test/y', {
      headers: [
        ['x-one', 'a'],
        ['x-one', 'b'],
      ],
    }),
    ok,
  ],
  policy: { response_headers_to_copy: ['x-one', 'x-two', 'x-three'] },
  run: (t) =>
    t.once('/x', {
      headers: [
        ['x-one', 'old'],
        ['x-two', 'gone'],
      ],
    }),
});

redirected('redirect-while-uploading', {
  shows: 'A request that is not complete is not redirected',
  upstream: (request) => request.respond(302, { headers: [['location', 'http://other.test/y']], body: '' }),
  async run(t) {
    const client = await t.connect();
    const x = client.request({ method: 'POST', path: '/x', body: 'first', end: false });
    await x.done();
    await client.ended(1500);
  },
});

redirected('redirect-body-over-the-limit', {
  shows: 'A body that was not kept cannot be sent again: the 302 is passed on',
  upstream: to('http://other.test/y'),
  listener: { per_connection_buffer_limit_bytes: 4096 },
  unstable: [/flow_control/],
  run: (t) => t.once('/x', { method: 'POST', body: Buffer.alloc(60_000, 'b') }),
});

redirected('redirect-after-a-retry', {
  shows: 'A retry and then a redirect',
  upstream: [(request) => request.respond(503), to('http://other.test/y'), ok],
  route: { retry_policy: { retry_on: '5xx' } },
  vhost: { include_request_attempt_count: true },
});

redirected('redirect-and-header-changes', {
  shows: 'What the route changes is changed again on the second pass',
  upstream: [to('http://other.test/y'), ok],
  route: { prefix_rewrite: '/p/', host_rewrite_literal: 'route.test' },
  entry: {
    request_headers_to_add: [{ header: { key: 'x-added', value: 'r' } }],
    response_headers_to_add: [{ header: { key: 'x-answered', value: 'r' } }],
  },
});

redirected('redirect-client-closes', {
  shows: 'A client that said connection: close, and a redirect between',
  upstream: [to('http://other.test/y'), ok],
  async run(t) {
    const client = await t.connect();
    await client.request({ path: '/x', headers: [['connection', 'close']] }).done();
    await client.ended(1800);
  },
});

redirected('redirect-second-hop-times-out', {
  shows: 'The second hop has a route timeout of its own',
  upstream: [
    async (request) => {
      await sleep(400);
      request.respond(302, { headers: [['location', 'http://other.test/y']], body: '' });
    },
    () => {},
  ],
  route: { timeout: '0.6s' },
});

redirected('redirect-stream-timers-start-anew', {
  shows: 'The second hop has a stream duration of its own',
  upstream: [
    async (request) => {
      await sleep(400);
      request.respond(302, { headers: [['location', 'http://other.test/y']], body: '' });
    },
    () => {},
  ],
  hcm: { common_http_protocol_options: { max_stream_duration: '0.6s' } },
});

redirected('redirect-large-response', {
  shows: 'The body of the redirect is not waited for',
  upstream: [
    (request) => {
      request.start(302, [
        ['location', 'http://other.test/y'],
        ['content-length', '100'],
      ]);
      request.send('part');
    },
    ok,
  ],
});

redirected('redirect-max-requests', {
  shows: 'A hop counts as a request of its connection',
  upstream: [to('http://other.test/y'), ok],
  hcm: { common_http_protocol_options: { max_requests_per_connection: 2 } },
  async run(t) {
    const client = await t.connect();
    await client.request({ path: '/x' }).done();
    await client.ended(1800);
  },
});
