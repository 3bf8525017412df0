import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteEntry, RouteTable } from './route-table.js';
import { CONNECTION, request, table, tableOf, to, zero } from './testing.js';

function entry(routes: RouteTable): RouteEntry {
  return routes.match(request('/'), zero, CONNECTION)!;
}

const one = (action: object, more: object = {}, host: object = {}) =>
  entry(tableOf([to('up', { prefix: '/' }, action, more)], host));

test('a bare route has the defaults and changes nothing', () => {
  const route = one({});
  assert.equal(route.timeout, 15_000);
  assert.equal(route.timeoutRef.path, '(default)');
  assert.deepEqual(
    [
      route.idleTimeout,
      route.flushTimeout,
      route.maxStreamDuration,
      route.maxGrpcTimeout,
      route.retryPolicy,
      route.hashPolicy,
      route.metadataMatch,
      route.requestBodyBufferLimit,
    ],
    [null, null, null, null, null, null, null, null],
  );
  assert.deepEqual(
    [route.hasRequestMutations, route.hasResponseMutations, route.hedgeOnPerTryTimeout, route.autoHostRewrite],
    [false, false, false, false],
  );
  assert.equal(route.clusterNotFoundResponseCode, 503);
  assert.equal(route.priority, 0);
  assert.equal(route.virtualHostName, 'v');
  assert.equal(route.retryBufferLimit(1000), 1000);
  assert.equal(route.retryBufferLimit(0), Number.POSITIVE_INFINITY);
});

test('durations are milliseconds with the field they came from; 0 is kept', () => {
  const route = one({
    timeout: '1.5s',
    idle_timeout: '0s',
    max_stream_duration: { grpc_timeout_header_max: '0s' },
    max_grpc_timeout: '2s',
    grpc_timeout_offset: '0.1s',
    flush_timeout: '3s',
  });
  assert.deepEqual(
    [route.timeout, route.idleTimeout, route.flushTimeout, route.maxGrpcTimeout, route.grpcTimeoutOffset],
    [1500, 0, 3000, 2000, 100],
  );
  assert.deepEqual(route.maxStreamDuration, { max: null, grpcHeaderMax: 0, grpcHeaderOffset: null });
  assert.equal(route.timeoutRef.path, 'virtual_hosts[0].routes[0].route.timeout');
});

test('a route without a retry or hedge policy has its virtual host’s', () => {
  const host = { retry_policy: { retry_on: '5xx', num_retries: 2 }, hedge_policy: { hedge_on_per_try_timeout: true } };
  assert.equal(one({}, {}, host).retryPolicy?.numRetries, 2);
  assert.equal(one({}, {}, host).hedgeOnPerTryTimeout, true);
  assert.equal(one({ retry_policy: { retry_on: 'reset' }, hedge_policy: {} }, {}, host).retryPolicy?.numRetries, 1);
  assert.equal(one({ hedge_policy: {} }, {}, host).hedgeOnPerTryTimeout, false);
});

test('the buffer limit of a route stands above its virtual host’s', () => {
  const host = { per_request_buffer_limit_bytes: 10 };
  assert.equal(one({}, {}, host).requestBodyBufferLimit, 10);
  assert.equal(one({}, { per_request_buffer_limit_bytes: 0 }, host).retryBufferLimit(1000), 0);
  assert.equal(
    one({}, { request_body_buffer_limit: 5, per_request_buffer_limit_bytes: 6 }, host).requestBodyBufferLimit,
    5,
  );
});

test('the most specific filter configuration is given', () => {
  const cors = (max_age: string) => ({
    'envoy.filters.http.cors': {
      '@type': 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy',
      max_age,
    },
  });
  const config = (host: object, route: object, weighted: object) =>
    entry(
      table({
        typed_per_filter_config: cors('table'),
        virtual_hosts: [
          {
            name: 'v',
            domains: ['*'],
            ...host,
            routes: [
              {
                match: { prefix: '/' },
                ...route,
                route: { weighted_clusters: { clusters: [{ name: 'a', weight: 1, ...weighted }] } },
              },
            ],
          },
        ],
      }),
    ).perFilterConfig('envoy.filters.http.cors') as { max_age?: string } | null;
  const at = (level: string) => ({ typed_per_filter_config: cors(level) });
  assert.equal(config({}, {}, {})?.max_age, 'table');
  assert.equal(config(at('host'), {}, {})?.max_age, 'host');
  assert.equal(config(at('host'), at('route'), {})?.max_age, 'route');
  assert.equal(config(at('host'), at('route'), at('weighted'))?.max_age, 'weighted');
  assert.equal(one({}).perFilterConfig('envoy.filters.http.cors'), null);
});

test('the subset of a weighted cluster is laid over the route’s', () => {
  const lb = (fields: object) => ({ metadata_match: { filter_metadata: { 'envoy.lb': fields } } });
  const route = one({
    ...lb({ a: 1, b: 1 }),
    weighted_clusters: { clusters: [{ name: 'x', weight: 1, ...lb({ b: 2 }) }] },
  });
  assert.deepEqual(route.metadataMatch, { a: 1, b: 2 });
  assert.deepEqual(one(lb({ a: 1 })).metadataMatch, { a: 1 });
});

test('mirrors: a route’s own, else its virtual host’s; with fraction and host', () => {
  const host = { request_mirror_policies: [{ cluster: 'host-mirror' }] };
  assert.equal(one({}, {}, host).requestMirrorPolicies[0].cluster, 'host-mirror');
  const mirror = one(
    {
      request_mirror_policies: [
        {
          cluster: 'm',
          runtime_fraction: { default_value: { numerator: 5 } },
          disable_shadow_host_suffix_append: true,
        },
      ],
    },
    {},
    host,
  ).requestMirrorPolicies[0];
  assert.equal(mirror.cluster, 'm');
  assert.equal(mirror.appendShadowSuffix, false);
  assert.deepEqual([mirror.fraction?.includes(104), mirror.fraction?.includes(105)], [true, false]);
});

test('internal redirects: one redirect of 302 by default, unknown codes left out', () => {
  assert.deepEqual(one({ internal_redirect_policy: {} }).internalRedirectPolicy?.responseCodes, [302]);
  const policy = one({
    internal_redirect_policy: {
      max_internal_redirects: 3,
      redirect_response_codes: [301, 305],
      response_headers_to_copy: ['X-A'],
    },
  }).internalRedirectPolicy!;
  assert.deepEqual([policy.maxRedirects, policy.responseCodes, policy.headersToCopy[0].text], [3, [301], 'x-a']);
  assert.equal(one({}).internalRedirectPolicy, null);
});

test('upgrades of a route by type, enabled unless it says otherwise', () => {
  const route = one({ upgrade_configs: [{ upgrade_type: 'WebSocket' }, { upgrade_type: 'CONNECT', enabled: false }] });
  assert.deepEqual(
    ['websocket', 'connect', 'h2c'].map((type) => route.upgradeEnabled(type)),
    [true, false, null],
  );
});

test('weights that sum to 0, choosing by hash, and an action for servers are refused', () => {
  const weighted = (more: object) => () =>
    one({ weighted_clusters: { clusters: [{ name: 'a', weight: 1 }], ...more } });
  assert.throws(weighted({ clusters: [{ name: 'a', weight: 0 }] }), /weights/);
  assert.throws(weighted({ use_hash_policy: true }), /use_hash_policy/);
  assert.throws(() => tableOf([{ match: { prefix: '/' }, non_forwarding_action: {} }]), /non_forwarding_action/);
});
