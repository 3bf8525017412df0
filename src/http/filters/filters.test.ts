import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { permanentName } from '../../base/header-names.js';
import { ResponseHeaders, Trailers } from '../../base/headers.js';
import { compileFormat } from '../../observe/format.js';
import type { StatStore } from '../../observe/stats.js';
import { table, to } from '../../router/testing.js';
import { decode } from '../../xds/decode.js';
import type { HttpFilter } from '../../xds/types.js';
import { HttpBench, head, limit, texts } from '../test-kit.js';
import { compileFilters } from './compile.js';
import type { FilterDeps } from './deps.js';

const TYPE = 'type.googleapis.com/envoy.';
const KINDS = {
  fault: 'fault.v3.HTTPFault',
  cors: 'cors.v3.Cors',
  local_ratelimit: 'local_ratelimit.v3.LocalRateLimit',
  buffer: 'buffer.v3.Buffer',
  rbac: 'rbac.v3.RBAC',
  header_mutation: 'header_mutation.v3.HeaderMutation',
  health_check: 'health_check.v3.HealthCheck',
};

const nameOf = (kind: string) => `envoy.filters.http.${kind}`;
const any = (type: string, config: object) => ({ '@type': `${TYPE}extensions.filters.http.${type}`, ...config });

function filter(kind: keyof typeof KINDS, config: object = {}, more: object = {}): HttpFilter {
  return decode('HttpFilter', { name: nameOf(kind), typed_config: any(KINDS[kind], config), ...more });
}

/** Settings of one filter on a level of the routes. */
const per = (kind: string, type: string, config: object) => ({
  typed_per_filter_config: { [nameOf(kind)]: any(type, config) },
});

interface Given {
  routes?: object[];
  host?: object;
  manager?: object;
  deps?: Partial<FilterDeps>;
}

/** A connection manager with filters, and the statistics they count into. */
function bench(filters: HttpFilter[], given: Given = {}) {
  const stats: [prefix: string, object: object][] = [];
  const store = {
    register: (prefix: string, object: object) => {
      stats.push([prefix, object]);
      return () => {};
    },
    registerSource: () => () => {},
  } as unknown as StatStore;
  const routes = table({
    name: 'rc',
    virtual_hosts: [
      {
        name: 'v',
        domains: ['*'],
        routes: given.routes ?? [to('c', { prefix: '/' }, { timeout: '0s' })],
        ...given.host,
      },
    ],
  });
  const chain = compileFilters(
    filters,
    routes.config,
    {
      store,
      statPrefix: 'http.test.',
      compileFormat,
      cidr: (ranges) => (ip) => ranges.some((range) => ip.startsWith(range.address_prefix)),
      healthcheckFailed: () => false,
      membership: () => null,
      ...given.deps,
    },
    '',
  );
  const made = new HttpBench({ routes, filters: chain, ...given.manager });
  const counted = (prefix: string): Record<string, number> =>
    Object.assign({}, ...stats.filter(([of]) => of === prefix).map(([, object]) => object));
  return Object.assign(made, { counted });
}

const ALL = { numerator: 100 };
const EVERY = { default_value: ALL };
const delay = (text: string) => ({ delay: { fixed_delay: text, percentage: ALL } });
const abort = (status: number) => ({ abort: { http_status: status, percentage: ALL } });
const BODY = Buffer.from('body');

describe('a filter that holds a request', () => {
  it('keeps headers, body and trailers and passes them on in order', () => {
    const at = bench([filter('fault', delay('0.5s'))]);
    const { request, response } = at.send(head('POST', '/'), false);
    at.loop.pass(() => request.decodeData(BODY, false));
    at.loop.pass(() => request.decodeTrailers(new Trailers()));
    assert.equal(at.cluster.attempts.length, 0);
    at.loop.advance(510);
    assert.equal(at.cluster.attempts.length, 1);
    assert.deepEqual([at.cluster.attempts[0].body, at.cluster.attempts[0].ended], ['body', true]);
    assert.equal(response.headers, null);
  });

  it('stops the reading of a body beyond the buffer limit until it lets go', () => {
    const at = bench([filter('fault', delay('0.5s'))]);
    const { request, response } = at.send(head('POST', '/'), false);
    at.loop.pass(() => request.decodeData(Buffer.alloc(1024), false));
    assert.equal(response.readDisables, 0);
    at.loop.pass(() => request.decodeData(BODY, false));
    assert.equal(response.readDisables, 1);
    at.loop.advance(510);
    assert.equal(response.readDisables, 0);
    assert.equal(at.cluster.attempts[0].body.length, 1028);
  });

  it('leaves the clocks of the connection manager running', () => {
    const at = bench([filter('fault', delay('2s'))], { manager: { streamIdle: limit(1000) } });
    at.send(head('GET', '/'));
    at.loop.advance(1010);
    assert.equal(at.lastLog, '504 DI,SI stream_idle_timeout');
    at.loop.advance(2000);
    assert.equal(at.cluster.attempts.length, 0);
    assert.equal(at.counted('http.test.fault.').active_faults, 0);
  });

  it('keeps request_timeout running for headers alone, not for a body', () => {
    const manager = { request: limit(1000) };
    const bare = bench([filter('fault', delay('2s'))], { manager });
    bare.send(head('GET', '/'));
    bare.loop.advance(1010);
    assert.equal(bare.lastLog, '504 DI request_overall_timeout');
    const body = bench([filter('fault', delay('2s'))], { manager });
    const { request } = body.send(head('POST', '/'), false);
    body.loop.pass(() => request.decodeData(BODY, true));
    body.loop.advance(1010);
    assert.equal(body.lastLog, '');
  });

  it('forgets the request when the client leaves', () => {
    const at = bench([filter('fault', delay('0.5s'))]);
    const { request } = at.send(head('GET', '/'));
    at.loop.pass(() => request.onReset('remote reset', 'http2.remote_reset'));
    at.loop.advance(600);
    assert.equal(at.cluster.attempts.length, 0);
    assert.equal(at.counted('http.test.fault.').active_faults, 0);
  });
});

describe('fault', () => {
  it('aborts before a route is looked for upstream, and counts', () => {
    const at = bench([filter('fault', abort(503))]);
    const { response } = at.send(head('GET', '/'));
    assert.equal(response.body, 'fault filter abort');
    assert.equal(at.lastLog, '503 FI fault_filter_abort');
    assert.equal(at.counted('http.test.fault.').aborts_injected, 1);
  });

  it('delays first and aborts then', () => {
    const at = bench([filter('fault', { ...delay('0.5s'), ...abort(500) })]);
    at.send(head('GET', '/'));
    assert.equal(at.lastLog, '');
    at.loop.advance(510);
    assert.equal(at.lastLog, '500 DI,FI fault_filter_abort');
  });

  it('takes delay and status from headers, and their share only downwards', () => {
    const at = bench([filter('fault', { abort: { header_abort: {}, percentage: ALL } })]);
    at.send(head('GET', '/', { 'x-envoy-fault-abort-request': '429' }));
    assert.equal(at.lastLog, '429 FI fault_filter_abort');
    at.send(head('GET', '/', { 'x-envoy-fault-abort-request': '429', 'x-envoy-fault-abort-request-percentage': '0' }));
    assert.equal(at.cluster.attempts.length, 1);
  });

  it('is not active on more streams than max_active_faults', () => {
    const at = bench([filter('fault', { ...delay('0.5s'), max_active_faults: 1 })]);
    at.send(head('GET', '/a'));
    at.send(head('GET', '/b'));
    assert.equal(at.cluster.attempts.length, 1);
    assert.equal(at.counted('http.test.fault.').faults_overflow, 1);
  });

  it('is switched by FilterConfig: off on one route, on where it is disabled', () => {
    const wrap = (config: object) => ({
      typed_per_filter_config: { [nameOf('fault')]: { '@type': `${TYPE}config.route.v3.FilterConfig`, ...config } },
    });
    const off = bench([filter('fault', abort(503))], {
      routes: [to('c', { prefix: '/off' }, {}, wrap({ disabled: true })), to('c', { prefix: '/' })],
    });
    off.send(head('GET', '/off'));
    assert.equal(off.cluster.attempts.length, 1);
    off.send(head('GET', '/on'));
    assert.equal(off.lastLog, '503 FI fault_filter_abort');
    const on = bench([filter('fault', abort(503), { disabled: true })], {
      routes: [
        to('c', { prefix: '/on' }, {}, wrap({ config: any(KINDS.fault, abort(418)) })),
        to('c', { prefix: '/' }),
      ],
    });
    on.send(head('GET', '/off'));
    assert.equal(on.cluster.attempts.length, 1);
    on.send(head('GET', '/on'));
    assert.equal(on.lastLog, '418 FI fault_filter_abort');
  });

  it('gives a response out at a rate: a twentieth of a second at a time, then what was saved up', () => {
    const at = bench([filter('fault', { response_rate_limit: { fixed_limit: { limit_kbps: 1 }, percentage: ALL } })]);
    const { response } = at.send(head('GET', '/'));
    const { decoder } = at.cluster.attempts[0];
    at.loop.pass(() => decoder.decodeHeaders(new ResponseHeaders(200), false));
    at.loop.pass(() => decoder.decodeData(Buffer.alloc(160), true));
    assert.equal(response.body.length, 0);
    at.loop.advance(8);
    assert.deepEqual([response.body.length, response.ended], [51, false]);
    at.loop.advance(56);
    assert.deepEqual([response.body.length, response.ended], [102, false]);
    at.loop.advance(120);
    assert.deepEqual([response.body.length, response.ended], [160, true]);
    assert.equal(at.logged.length, 1);
  });

  it('drops what it keeps of a response when the client leaves', () => {
    const at = bench([filter('fault', { response_rate_limit: { fixed_limit: { limit_kbps: 1 }, percentage: ALL } })]);
    const { request, response } = at.send(head('GET', '/'));
    const { decoder } = at.cluster.attempts[0];
    at.loop.pass(() => decoder.decodeHeaders(new ResponseHeaders(200), false));
    at.loop.pass(() => decoder.decodeData(Buffer.alloc(500), true));
    at.loop.advance(8);
    at.loop.pass(() => request.onReset('remote reset', 'http2.remote_reset'));
    at.loop.advance(1000);
    assert.deepEqual([response.body.length, response.ended, at.logged.length], [51, false, 1]);
  });
});

describe('cors', () => {
  const policy = {
    allow_origin_string_match: [{ exact: 'http://a.test' }],
    allow_methods: 'GET',
    expose_headers: 'x-b',
    allow_credentials: true,
  };
  const routes = [to('c', { prefix: '/' }, {}, per('cors', 'cors.v3.CorsPolicy', policy))];

  it('answers a preflight of an allowed origin', () => {
    const at = bench([filter('cors')], { routes });
    const { response } = at.send(
      head('OPTIONS', '/', { origin: 'http://a.test', 'access-control-request-method': 'GET' }),
    );
    assert.equal(at.lastLog, '200 - cors_response');
    const lines = texts(response.headers!);
    assert.ok(lines.includes('access-control-allow-origin: http://a.test'));
    assert.ok(lines.includes('access-control-allow-methods: GET'));
    assert.ok(lines.includes('access-control-expose-headers: x-b'));
    assert.equal(at.counted('http.test.cors.').origin_valid, 1);
  });

  it('passes on what comes from another origin', () => {
    const at = bench([filter('cors')], { routes });
    at.send(head('OPTIONS', '/', { origin: 'http://b.test', 'access-control-request-method': 'GET' }));
    assert.equal(at.cluster.attempts.length, 1);
    assert.equal(at.counted('http.test.cors.').origin_invalid, 1);
  });

  it('marks local replies of later filters too', () => {
    const at = bench([filter('cors'), filter('fault', abort(503))], { routes });
    const { response } = at.send(head('GET', '/', { origin: 'http://a.test' }));
    assert.ok(texts(response.headers!).includes('access-control-allow-origin: http://a.test'));
  });
});

describe('local_ratelimit', () => {
  const bucket = { max_tokens: 2, tokens_per_fill: 1, fill_interval: '1s' };
  const on = { stat_prefix: 'l', token_bucket: bucket, filter_enabled: EVERY, filter_enforced: EVERY };

  it('answers 429 when the bucket is empty, and fills it evenly', () => {
    const at = bench([filter('local_ratelimit', on)]);
    for (let i = 0; i < 3; i++) at.send(head('GET', '/'));
    assert.equal(at.lastLog, '429 RL local_rate_limited');
    at.loop.advance(500);
    at.send(head('GET', '/'));
    assert.equal(at.cluster.attempts.length, 2);
    at.loop.advance(510);
    at.send(head('GET', '/'));
    assert.equal(at.cluster.attempts.length, 3);
    const { enabled, ok, rate_limited, enforced } = at.counted('l.http_local_rate_limit.');
    assert.deepEqual([enabled, ok, rate_limited, enforced], [5, 3, 2, 2]);
  });

  it('does nothing while filter_enabled is not written', () => {
    const at = bench([filter('local_ratelimit', { stat_prefix: 'l', token_bucket: { ...bucket, max_tokens: 0 } })]);
    at.send(head('GET', '/'));
    assert.equal(at.cluster.attempts.length, 1);
  });
});

describe('buffer', () => {
  it('waits for the whole request and tells its length', () => {
    const at = bench([filter('buffer', { max_request_bytes: 10 })]);
    const { request } = at.send(head('POST', '/'), false);
    at.loop.pass(() => request.decodeData(BODY, false));
    assert.equal(at.cluster.attempts.length, 0);
    at.loop.pass(() => request.decodeData(BODY, true));
    assert.equal(at.cluster.attempts[0].body, 'bodybody');
    assert.equal(at.cluster.attempts[0].headers!.get(permanentName('content-length')), '8');
  });

  it('answers 413 to a body that grows beyond max_request_bytes', () => {
    const at = bench([filter('buffer', { max_request_bytes: 6 })]);
    const { request, response } = at.send(head('POST', '/'), false);
    at.loop.pass(() => request.decodeData(BODY, false));
    at.loop.pass(() => request.decodeData(BODY, false));
    assert.equal(at.lastLog, '413 - request_payload_too_large');
    assert.equal(response.body, 'Payload Too Large');
    assert.equal(at.config.stats.downstream_rq_too_large, 1);
  });
});

describe('rbac', () => {
  const admins = {
    permissions: [{ url_path: { path: { prefix: '/admin' } } }],
    principals: [{ not_id: { direct_remote_ip: { address_prefix: '10.9.0.0' } } }],
  };

  it('answers 403 with the policy that denies', () => {
    const at = bench([filter('rbac', { rules: { action: 'DENY', policies: { 'no admins': admins } } })]);
    const { response } = at.send(head('GET', '/admin?x'));
    assert.equal(at.lastLog, '403 - rbac_access_denied_matched_policy[no_admins]');
    assert.equal(response.body, 'RBAC: access denied');
    at.send(head('GET', '/'));
    assert.equal(at.cluster.attempts.length, 1);
    const { allowed, denied } = at.counted('http.test.rbac.');
    assert.deepEqual([allowed, denied], [1, 1]);
  });

  it('denies what no policy allows', () => {
    const at = bench([filter('rbac', { rules: {} })]);
    at.send(head('GET', '/'));
    assert.equal(at.lastLog, '403 - rbac_access_denied_matched_policy[none]');
  });

  it('lets shadow rules count and nothing more', () => {
    const at = bench([filter('rbac', { shadow_rules: {}, shadow_rules_stat_prefix: 's' })]);
    at.send(head('GET', '/'));
    assert.equal(at.cluster.attempts.length, 1);
    assert.equal(at.counted('http.test.rbac.s.').shadow_denied, 1);
  });
});

describe('header_mutation', () => {
  const mutations = (value: string) => ({
    mutations: {
      request_mutations: [
        { append: { header: { key: 'x-l', value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' } },
        { remove: 'x-gone' },
      ],
      response_mutations: [{ append: { header: { key: 'x-r', value: '%RESPONSE_CODE%' } } }],
    },
  });

  for (const [wins, value] of [
    [false, 'host'],
    [true, 'route'],
  ] as const)
    it(`applies the ${value}'s change last when most_specific_header_mutations_wins is ${wins}`, () => {
      const type = 'header_mutation.v3.HeaderMutationPerRoute';
      const at = bench(
        [filter('header_mutation', { ...mutations('filter'), most_specific_header_mutations_wins: wins })],
        {
          routes: [to('c', { prefix: '/' }, {}, per('header_mutation', type, mutations('route')))],
          host: per('header_mutation', type, mutations('host')),
        },
      );
      at.send(head('GET', '/', { 'x-gone': '1' }));
      const { headers } = at.cluster.attempts[0];
      assert.equal(headers!.get(permanentName('x-l')), value);
      assert.equal(headers!.has(permanentName('x-gone')), false);
    });
});

describe('health_check', () => {
  const config = {
    pass_through_mode: false,
    headers: [{ name: ':path', string_match: { exact: '/hc' } }],
  };

  it('answers, and such requests are not counted', () => {
    const at = bench([filter('health_check', config)]);
    at.send(head('GET', '/hc'));
    assert.equal(at.lastLog, '200 - health_check_ok');
    assert.equal(at.config.stats.downstream_rq_completed, 0);
    at.send(head('GET', '/'));
    assert.equal(at.cluster.attempts.length, 1);
  });

  it('answers 503 after /healthcheck/fail and says so on every response', () => {
    const at = bench([filter('health_check', config)], { deps: { healthcheckFailed: () => true } });
    const { response } = at.send(head('GET', '/hc'));
    assert.equal(at.lastLog, '503 LH health_check_failed');
    assert.ok(texts(response.headers!).includes('x-envoy-immediate-health-check-fail: true'));
  });
});
