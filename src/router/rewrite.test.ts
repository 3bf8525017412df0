import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestHeaders } from '../base/headers.js';
import { CONNECTION, lines, request, streamInfo, tableOf, to, zero } from './testing.js';

/** Sends a request through the first matching route; returns the path and the headers that go upstream. */
function through(routes: object[], headers: RequestHeaders, keepOriginal = true): RequestHeaders {
  const route = tableOf(routes).match(headers, zero, CONNECTION)!;
  if (route.hasRequestMutations) route.finalizeRequest(headers, streamInfo(headers), keepOriginal);
  return headers;
}

test('prefix_rewrite replaces what the route matched and keeps the query', () => {
  const routes = [
    to('r', { prefix: '/a/' }, { prefix_rewrite: '/b/' }),
    to('r', { prefix: '/c' }, { prefix_rewrite: '/' }),
    to('r', { path: '/exact' }, { prefix_rewrite: '/whole' }),
    to('r', { path_separated_prefix: '/sep' }, { prefix_rewrite: '/s2' }),
    to('r', { path_separated_prefix: '/top' }, { prefix_rewrite: '/' }),
    to('r', { safe_regex: { regex: '/rx/.*' } }, { prefix_rewrite: '/rewritten' }),
    to('r', { prefix: '/Case', case_sensitive: false }, { prefix_rewrite: '/low' }),
  ];
  const rows: Record<string, string> = {
    '/a/x?q=1': '/b/x?q=1',
    '/c': '/',
    '/c/x': '//x',
    '/cx': '/x',
    '/exact?z=1': '/whole?z=1',
    '/sep': '/s2',
    '/sep/x?y': '/s2/x?y',
    '/top/x': '//x',
    '/top': '/',
    '/rx/abc?q=2': '/rewritten?q=2',
    '/CASE/x': '/low/x',
  };
  for (const [path, wanted] of Object.entries(rows)) {
    const headers = through(routes, request(path));
    assert.equal(headers.path, wanted);
    assert.deepEqual(lines(headers), [`x-envoy-original-path: ${path}`]);
  }
});

test('regex_rewrite changes the path alone and leaves the query to itself', () => {
  const rewrite = (regex: string, substitution: string) => ({ regex_rewrite: { pattern: { regex }, substitution } });
  const routes = [
    to('r', { prefix: '/s/' }, rewrite('^/s/([^/]+)(/.*)$', '\\2/i/\\1')),
    to('r', { prefix: '/m' }, rewrite('one', 'two')),
    to('r', { prefix: '/e' }, rewrite('^/e$', '/with?added=1')),
  ];
  assert.equal(through(routes, request('/s/foo/v1/api?q=1')).path, '/v1/api/i/foo?q=1');
  assert.equal(through(routes, request('/m/none?one=1')).path, '/m/ntwo?one=1');
  assert.equal(through(routes, request('/e?k=v')).path, '/with?added=1?k=v');
  const nothing = through([to('r', { prefix: '/' }, rewrite('.', ''))], request('/a?q'));
  assert.deepEqual([nothing.path, lines(nothing)], ['/a?q', []]);
});

test('path_rewrite formats a path, the query is kept', () => {
  const routes = [to('r', { prefix: '/' }, { path_rewrite: '/%REQ(x-to)%%PATH(NQ)%' })];
  assert.equal(through(routes, request('/a?q=1', [['x-to', 'new']])).path, '/new/a?q=1');
  assert.equal(through(routes, request('/a?q=1')).path, '//a?q=1');
});

test('a uri template rewrite puts variables into a new path', () => {
  const type = 'type.googleapis.com/envoy.extensions.path';
  const typed = (name: string, kind: string, field: object) => ({
    name,
    typed_config: { '@type': `${type}.${kind}`, ...field },
  });
  const match = (path_template: string) => ({
    path_match_policy: typed(
      'envoy.path.match.uri_template.uri_template_matcher',
      'match.uri_template.v3.UriTemplateMatchConfig',
      { path_template },
    ),
  });
  const action = (path_template_rewrite: string) => ({
    path_rewrite_policy: typed(
      'envoy.path.rewrite.uri_template.uri_template_rewriter',
      'rewrite.uri_template.v3.UriTemplateRewriteConfig',
      { path_template_rewrite },
    ),
  });
  const routes = [to('r', match('/users/{id}/{rest=**}'), action('/{rest}/by/{id}'))];
  assert.equal(through(routes, request('/users/7/a/b?q=1')).path, '/a/b/by/7?q=1');
  assert.throws(
    () => tableOf([to('r', match('/users/{id}'), action('/{nope}'))]),
    /path_rewrite_policy: .*no variable 'nope'/,
  );
  assert.throws(() => tableOf([to('r', { prefix: '/' }, action('/{id}'))]), /needs a path template match/);
  const bad =
    'users /{id /{1x} /{a}/{a} /**/* /**/{y} /{x=**}/{y} /{a}{b} /{a}/{b}/{c}/{d}/{e}/{f} /< /a*b /a/*** /a//b /{x=} /{{a}} /*.{x} /a}';
  for (const text of bad.split(' ')) assert.throws(() => tableOf([to('r', match(text))]), /path_match_policy/, text);
});

test('the original path is not written when envoy headers are suppressed', () => {
  const headers = through(
    [to('r', { prefix: '/a' }, { prefix_rewrite: '/b', host_rewrite_literal: 'n.test' })],
    request('/a'),
    false,
  );
  assert.deepEqual([headers.path, headers.authority, lines(headers)], ['/b', 'n.test', []]);
});

test('a host rewrite keeps the old host, and appends it to x-forwarded-host when asked', () => {
  const plain = [to('r', { prefix: '/' }, { host_rewrite_literal: 'new.test' })];
  const forwarded = [to('r', { prefix: '/' }, { host_rewrite_literal: 'new.test', append_x_forwarded_host: true })];
  const one = through(plain, request('/', [], 'o.test:8080'));
  assert.deepEqual([one.authority, ...lines(one)], ['new.test', 'x-envoy-original-host: o.test:8080']);
  const two = through(forwarded, request('/', [['x-forwarded-host', 'first.test']]));
  assert.deepEqual(lines(two), ['x-forwarded-host: first.test,a.test', 'x-envoy-original-host: a.test']);
  const list = (value: string) =>
    through(forwarded, request('/', [['x-forwarded-host', value]])).values.find((one) => one.startsWith(value));
  assert.deepEqual(['a.test', 'b,a.test', 'a.test,', 'b, a.test', 'xa.test', 'a.test,b'].map(list), [
    'a.test',
    'b,a.test',
    'a.test,',
    'b, a.test,a.test',
    'xa.test,a.test',
    'a.test,b,a.test',
  ]);
  const same = through(forwarded, request('/', [], 'new.test'));
  assert.deepEqual(lines(same), ['x-envoy-original-host: new.test', 'x-forwarded-host: new.test']);
  assert.deepEqual(lines(through(plain, request('/', [['x-envoy-original-host', 'evil']]))), [
    'x-envoy-original-host: a.test',
  ]);
});

test('a host comes from a header, a regex over the path, or operators', () => {
  const host = (action: object, headers: RequestHeaders) =>
    through([to('r', { prefix: '/' }, action)], headers).authority;
  const header = { host_rewrite_header: 'x-host' };
  assert.equal(host(header, request('/', [['x-host', 'h.test']])), 'h.test');
  assert.equal(
    host(
      header,
      request('/', [
        ['x-host', '1.test'],
        ['x-host', '2.test'],
      ]),
    ),
    '1.test',
  );
  assert.equal(host(header, request('/')), 'a.test');
  assert.equal(host(header, request('/', [['x-host', '']])), 'a.test');
  const regex = { host_rewrite_path_regex: { pattern: { regex: '^/([^/]+)/.*$' }, substitution: '\\1.test' } };
  assert.equal(host(regex, request('/one/x?q=1')), 'one.test');
  assert.equal(host(regex, request('/nomatch')), '/nomatch');
  const text = { host_rewrite: '%REQ(x-a)%.test' };
  assert.equal(host(text, request('/', [['x-a', 'v']])), 'v.test');
  assert.equal(host(text, request('/')), '-.test');
});

test('the host of a weighted cluster leaves no trace of the old one', () => {
  const weighted_clusters = {
    clusters: [{ name: 'b', weight: 7, host_rewrite_literal: 'b.test', request_headers_to_remove: ['x-drop'] }],
  };
  const headers = through(
    [to('r', { prefix: '/' }, { weighted_clusters })],
    request('/', [
      ['x-drop', '1'],
      ['x-keep', '1'],
    ]),
  );
  assert.deepEqual([headers.authority, ...lines(headers)], ['b.test', 'x-keep: 1']);
});

test('host is written before path', () => {
  const headers = through(
    [to('r', { prefix: '/a' }, { prefix_rewrite: '/b', host_rewrite_literal: 'n.test' })],
    request('/a/x'),
  );
  assert.deepEqual(lines(headers), ['x-envoy-original-host: a.test', 'x-envoy-original-path: /a/x']);
});
