import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestHeaders } from '../base/headers.js';
import { seededRandom } from '../base/random.js';
import { RouteIndex } from './route-index.js';
import type { RouteTable } from './route-table.js';
import { CONNECTION, request, table, tableOf, to, zero } from './testing.js';
import { UriTemplate } from './uri-template.js';

function hit(routes: RouteTable, headers: RequestHeaders): string {
  return routes.match(headers, zero, CONNECTION)?.name ?? 'none';
}

/** Rows of `[path, name of the route]`. */
function paths(routes: RouteTable, rows: [string, string][]): void {
  for (const [path, name] of rows) assert.equal(hit(routes, request(path)), name, path);
}

const REST = to('rest', { prefix: '/' });

test('a prefix is a plain text prefix of the path without its query', () => {
  paths(tableOf([to('a', { prefix: '/a' }), to('b-slash', { prefix: '/b/' }), to('q', { prefix: '/c?x' }), REST]), [
    ['/a', 'a'],
    ['/ab', 'a'],
    ['/a/b', 'a'],
    ['/A', 'rest'],
    ['/a?x=1', 'a'],
    ['/b', 'rest'],
    ['/b/', 'b-slash'],
    ['/c?x=1', 'rest'],
    ['/%61', 'rest'],
  ]);
});

test('a path is the whole path without its query', () => {
  paths(tableOf([to('exact', { path: '/exact' }), REST]), [
    ['/exact', 'exact'],
    ['/exact?q=1', 'exact'],
    ['/exact?', 'exact'],
    ['/exact/', 'rest'],
    ['/EXACT', 'rest'],
    ['/exac', 'rest'],
    ['/exact;v=1', 'rest'],
  ]);
});

test('a regex must match the whole path without its query', () => {
  const rx = (name: string, regex: string) => to(name, { safe_regex: { regex } });
  paths(tableOf([rx('rx', '/v[0-9]+/x.*'), rx('end', '/end$'), rx('alt', '/(one|two)'), REST]), [
    ['/v1/x', 'rx'],
    ['/v1/xyz?q=1', 'rx'],
    ['/pre/v1/x', 'rest'],
    ['/vv/x', 'rest'],
    ['/end', 'end'],
    ['/end?x=1', 'end'],
    ['/one', 'alt'],
    ['/two/', 'rest'],
  ]);
});

test('a path separated prefix stops at segments', () => {
  paths(tableOf([to('foo', { path_separated_prefix: '/foo' }), REST]), [
    ['/foo', 'foo'],
    ['/foo/', 'foo'],
    ['/foo/bar', 'foo'],
    ['/foobar', 'rest'],
    ['/foo?x=1', 'foo'],
    ['/FOO', 'rest'],
  ]);
});

test('case_sensitive false concerns path, prefix and separated prefix', () => {
  const no = { case_sensitive: false };
  const routes = tableOf([
    to('path', { path: '/Exact', ...no }),
    to('sep', { path_separated_prefix: '/Sep', ...no }),
    to('prefix', { prefix: '/Pre', ...no }),
    to('rx', { safe_regex: { regex: '/Rx' }, ...no }),
    REST,
  ]);
  paths(routes, [
    ['/exact', 'path'],
    ['/EXACT', 'path'],
    ['/SEP/x', 'sep'],
    ['/SEPx', 'rest'],
    ['/PREFIX', 'prefix'],
    ['/rx', 'rest'],
  ]);
});

test('a uri template matches segment by segment', () => {
  const type = 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig';
  const template = (name: string, path_template: string) =>
    to(name, {
      path_match_policy: {
        name: 'envoy.path.match.uri_template.uri_template_matcher',
        typed_config: { '@type': type, path_template },
      },
    });
  paths(tableOf([template('tpl', '/users/{id}/posts/*'), template('deep', '/files/{dir=*}/x.{rest=**}'), REST]), [
    ['/users/7/posts/9', 'tpl'],
    ['/users/7/posts/9?x=1', 'tpl'],
    ['/users/7/posts/', 'rest'],
    ['/users/7/posts', 'rest'],
    ['/users/7/posts/9/10', 'rest'],
    ['/users//posts/9', 'rest'],
    ['/files/a/x.b/c', 'deep'],
    ['/files/a/x.', 'deep'],
    ['/files/a/b/x.c', 'rest'],
  ]);
});

test('globs of a uri template', () => {
  const rows: [string, Record<string, boolean>][] = [
    ['/*a', { '/xa': true, '/*a': true, '/a': false }],
    ['/**.m3u8', { '/x/y.m3u8': true, '/.m3u8': true, '/xm3u8': false }],
    ['/**/a', { '/x/a': true, '/x/y/a': true, '//a': true, '/a': false }],
    ['/{x=**}/b', { '/a/c/b': true, '//b': true, '/b': false }],
    ['/a/', { '/a/': true, '/a': false }],
    ['/', { '/': true, '/a': false }],
    ['/*', { '/': false, '/a*b': true, "/a!$&()+,;:@~_.-%41='": true, '/a^b': false }],
    ['/a.b+$()', { '/a.b+$()': true, '/axb+$()': false }],
    ['/{x=*/**}', { '/a/b/c': true, '/a': false }],
    ['/p{x}.s', { '/pa.s': true, '/p.s': false, '/paxs': false }],
  ];
  for (const [template, paths] of rows)
    for (const [path, wanted] of Object.entries(paths))
      assert.equal(new UriTemplate(template).test(path), wanted, `${template} ${path}`);
});

test('ignore_path_parameters_in_path_matching drops the parameters of every segment', () => {
  const routes = tableOf(
    [to('ab', { path: '/a/b' }), to('a', { path: '/a' }), to('rx', { safe_regex: { regex: '/r' } }), REST],
    {},
    { ignore_path_parameters_in_path_matching: true },
  );
  paths(routes, [
    ['/a;x=1', 'a'],
    ['/a;x?y;z', 'a'],
    ['/a;x=1/b', 'ab'],
    ['/a;x/b;y', 'ab'],
    ['/r;z', 'rx'],
  ]);
});

test('the first matching route wins, not the most specific', () => {
  const routes = [
    to('short', { prefix: '/a' }),
    to('long', { prefix: '/a/b' }),
    to('x1', { path: '/x' }),
    to('x2', { path: '/x' }),
  ];
  paths(tableOf(routes), [
    ['/a/b', 'short'],
    ['/x', 'x1'],
    ['/y', 'none'],
  ]);
});

test('CONNECT is matched by connect_matcher alone', () => {
  const routes = tableOf([to('p', { prefix: '/' }), to('any', { prefix: '' }), to('c', { connect_matcher: {} })]);
  assert.equal(hit(routes, request(undefined, [[':method', 'CONNECT']])), 'c');
  assert.equal(hit(routes, request('/x')), 'p');
});

test('a request without x-forwarded-proto, or with an empty one, has no route', () => {
  const routes = tableOf([REST]);
  assert.equal(hit(routes, request('/', [['x-forwarded-proto', '']])), 'none');
  const without = request('/');
  without.removeAt(0);
  assert.equal(hit(routes, without), 'none');
});

test('a fraction of 0 never matches and a full one always does', () => {
  const fraction = (numerator: number, denominator: string) => ({
    prefix: '/',
    runtime_fraction: { default_value: { numerator, denominator } },
  });
  const routes = tableOf([
    to('never', fraction(0, 'HUNDRED')),
    to('half', fraction(50, 'HUNDRED')),
    to('always', fraction(1000000, 'MILLION')),
  ]);
  assert.equal(routes.match(request('/'), () => 49, CONNECTION)?.name, 'half');
  assert.equal(routes.match(request('/'), () => 150, CONNECTION)?.name, 'always');
});

test('one random number of a stream decides about fractions and weights', () => {
  let drawn = 0;
  const draw = () => {
    drawn++;
    return 149;
  };
  const routes = tableOf([
    {
      name: 'w',
      match: { prefix: '/', runtime_fraction: { default_value: { numerator: 50 } } },
      route: {
        weighted_clusters: {
          clusters: [
            { name: 'a', weight: 50 },
            { name: 'b', weight: 50 },
          ],
        },
      },
    },
    REST,
  ]);
  const entry = routes.match(request('/'), draw, CONNECTION);
  assert.equal(entry?.clusterName, 'a');
  assert.equal(drawn, 1);
});

test('weighted clusters are chosen by running sums, or by a number in a header', () => {
  const weighted = (more: object) =>
    tableOf([
      {
        name: 'w',
        match: { prefix: '/' },
        route: {
          weighted_clusters: {
            clusters: [
              { name: 'a', weight: 30 },
              { name: 'z', weight: 0 },
              { name: 'b', weight: 70 },
            ],
            ...more,
          },
        },
      },
    ]);
  const at = (number: number) => weighted({}).match(request('/'), () => number, CONNECTION)?.clusterName;
  assert.deepEqual([0, 29, 30, 99, 100].map(at), ['a', 'a', 'b', 'b', 'a']);
  const named = weighted({ header_name: 'x-pick' });
  const by = (value: string) => named.match(request('/', [['x-pick', value]]), () => 99, CONNECTION)?.clusterName;
  assert.deepEqual(['0', '30', '129', '18446744073709551615', 'soon', '-1'].map(by), ['a', 'b', 'a', 'a', 'b', 'b']);
});

test('a cluster is named by the first value of cluster_header', () => {
  const entry = tableOf([{ match: { prefix: '/' }, route: { cluster_header: 'x-c' } }]).match(
    request('/'),
    zero,
    CONNECTION,
  )!;
  assert.equal(
    entry.pickCluster(
      request('/', [
        ['x-c', 'b'],
        ['x-c', 'up'],
      ]),
    ),
    'b',
  );
  assert.equal(entry.pickCluster(request('/')), '');
});

test('virtual hosts: exact domain, longest suffix, longest prefix, then *', () => {
  const domains = { star: '*', p2: 'api.ex*', p1: 'api.*', s1: '*.test', s2: '*.b.test', exact: 'A.b.Test' };
  const routes = table({
    virtual_hosts: Object.entries(domains).map(([name, domain]) => ({
      name,
      domains: [domain],
      routes: [to(name, { prefix: '/' })],
    })),
  });
  const rows = {
    'a.b.test': 'exact',
    'A.B.TEST': 'exact',
    'x.b.test': 's2',
    'x.c.test': 's1',
    'b.test': 's1',
    'api.example.com': 'p2',
    'api.other': 'p1',
    'api.b.test': 's2',
    none: 'star',
    '.test': 'star',
    'api.': 'star',
    'a.b.test:80': 'star',
  };
  for (let round = 0; round < 2; round++)
    for (const [host, name] of Object.entries(rows)) assert.equal(hit(routes, request('/', [], host)), name, host);
});

test('ignore_port_in_host_matching leaves the port of the host out', () => {
  const host = (name: string, domain: string) => ({ name, domains: [domain], routes: [to(name, { prefix: '/' })] });
  const routes = table({
    ignore_port_in_host_matching: true,
    virtual_hosts: [host('plain', 'a.test'), host('v6', '[::1]'), host('port', 'b.test:8080'), host('star', '*')],
  });
  assert.equal(hit(routes, request('/', [], 'a.test:8080')), 'plain');
  assert.equal(hit(routes, request('/', [], '[::1]:8080')), 'v6');
  assert.equal(hit(routes, request('/', [], '[::1]')), 'v6');
  assert.equal(hit(routes, request('/', [], 'b.test:8080')), 'star');
});

test('a thousand hosts that were never seen do not push out the right answers', () => {
  const routes = table({ virtual_hosts: [{ name: 's', domains: ['*.test'], routes: [to('s', { prefix: '/' })] }] });
  for (let i = 0; i < 10_000; i++) assert.equal(hit(routes, request('/', [], `h${i}.test`)), 's');
  assert.equal(hit(routes, request('/', [], 'h.other')), 'none');
});

test('require_tls sends plain requests to https with the host as it is', () => {
  const all = tableOf([REST], { require_tls: 'ALL' });
  const headers = request('/b?x=1', [], 'a.test:8080');
  const entry = all.match(headers, zero, CONNECTION)!;
  assert.equal(entry.action, 'redirect');
  assert.equal(entry.directResponse?.status, 301);
  assert.equal(entry.directLocation(headers, {} as never), 'https://a.test:8080/b?x=1');
  assert.equal(hit(all, request('/', [['x-forwarded-proto', 'https']])), 'rest');
  const external = tableOf([REST], { require_tls: 'EXTERNAL_ONLY' });
  assert.equal(hit(external, request('/', [['x-envoy-internal', 'true']])), 'rest');
  assert.equal(external.match(request('/'), zero, CONNECTION)?.action, 'redirect');
});

test('virtual clusters are named by the first whose headers all match', () => {
  const routes = tableOf([REST], {
    virtual_clusters: [
      {
        name: 'posts',
        headers: [
          { name: ':method', string_match: { exact: 'POST' } },
          { name: ':path', string_match: { prefix: '/p' } },
        ],
      },
    ],
  });
  const name = (headers: RequestHeaders) => routes.match(headers, zero, CONNECTION)!.virtualCluster(headers);
  assert.equal(name(request('/p', [[':method', 'POST']])), 'posts');
  assert.equal(name(request('/p')), 'other');
  assert.equal(tableOf([REST]).match(request('/'), zero, CONNECTION)!.virtualCluster(request('/')), '');
});

test('clusters that do not exist are refused unless validate_clusters is false', () => {
  const config = (more: object) => ({
    virtual_hosts: [{ name: 'v', domains: ['*'], routes: [to('zip', { prefix: '/' })] }],
    ...more,
  });
  assert.throws(
    () => table(config({}), ['up']),
    /virtual_hosts\[0\]\.routes\[0\]\.route\.cluster: route: unknown cluster 'zip'/,
  );
  assert.doesNotThrow(() => table(config({ validate_clusters: false }), ['up']));
  assert.doesNotThrow(() => table(config({}), ['zip']));
});

test('what cannot be matched is refused by name', () => {
  const match = (more: object) => () => tableOf([to('r', { prefix: '/', ...more })]);
  assert.throws(
    match({ filter_state: [{ key: 'k', string_match: { exact: 'v' } }] }),
    /filter_state: matching filter state/,
  );
  assert.throws(
    match({ dynamic_metadata: [{ filter: 'f', path: [{ key: 'k' }], value: { present_match: true } }] }),
    /dynamic_metadata/,
  );
});

test('the index gives the answer of trying the routes one by one', () => {
  const random = seededRandom(7);
  const letters = ['a', 'b', '/', 'A'];
  const word = () =>
    `/${Array.from({ length: random.u32() % 5 }, () => letters[random.u32() % letters.length]).join('')}`;
  const spec = (): object => {
    const text = word();
    const case_sensitive = random.u32() % 5 !== 0;
    const headers = random.u32() % 4 === 0 ? [{ name: 'x-h', present_match: true }] : [];
    switch (random.u32() % 5) {
      case 0:
        return { path: text, case_sensitive, headers };
      case 1:
        return { safe_regex: { regex: `${text}.?` }, headers };
      case 2:
        return text.endsWith('/')
          ? { prefix: text, headers }
          : { path_separated_prefix: text, case_sensitive, headers };
      default:
        return { prefix: random.u32() % 20 === 0 ? '' : text, case_sensitive, headers };
    }
  };
  for (let round = 0; round < 200; round++) {
    const count = 1 + (random.u32() % 40);
    const routes = Array.from({ length: count }, (_, i) => to(`r${i}`, spec()));
    const whole = tableOf(routes);
    const single = routes.map((route) => tableOf([route]));
    for (let k = 0; k < 40; k++) {
      const path = word() + ['', '?q=/a', '/b'][random.u32() % 3];
      const headers = request(path, random.u32() % 2 === 0 ? [['x-h', '1']] : []);
      const naive = single.map((one) => hit(one, headers)).find((name) => name !== 'none') ?? 'none';
      assert.equal(hit(whole, headers), naive, `round ${round} path ${path}: ${JSON.stringify(routes)}`);
    }
  }
});

test('the index asks few of many routes', () => {
  const routes = Array.from({ length: 20_000 }, (_, i) => ({
    condition: { kind: i % 2 === 0 ? 1 : 2, text: `/service${i}/x`, caseSensitive: true },
  }));
  const index = new RouteIndex(routes as never[]);
  index.begin('/service1234/x/y?z');
  let asked = 0;
  while (index.next() !== null) asked++;
  assert.equal(asked, 1);
});

test('ten thousand virtual hosts and fifty thousand routes compile and answer', () => {
  const hosts = Array.from({ length: 10_000 }, (_, i) => ({
    name: `h${i}`,
    domains: [`svc${i}.ns.svc.cluster.local`],
    routes: Array.from({ length: 5 }, (_, k) => to(`h${i}r${k}`, k < 4 ? { prefix: `/p${k}/` } : { prefix: '/' })),
  }));
  const routes = table({ virtual_hosts: hosts, validate_clusters: false });
  assert.equal(hit(routes, request('/p3/x', [], 'svc9999.ns.svc.cluster.local')), 'h9999r3');
  assert.equal(hit(routes, request('/x', [], 'svc0.ns.svc.cluster.local')), 'h0r4');
});
