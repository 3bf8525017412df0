import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestHeaders } from '../base/headers.js';
import { CONNECTION, request, streamInfo, tableOf, zero } from './testing.js';

function location(redirect: object, headers: RequestHeaders, match: object = { prefix: '/' }): string | null {
  const entry = tableOf([{ match, redirect }]).match(headers, zero, CONNECTION)!;
  assert.equal(entry.action, 'redirect');
  return entry.directLocation(headers, streamInfo(headers));
}

test('the codes of a redirect', () => {
  const code = (response_code?: string) =>
    tableOf([{ match: { prefix: '/' }, redirect: { host_redirect: 'n', response_code } }]).match(
      request('/'),
      zero,
      CONNECTION,
    )!.directResponse?.status;
  assert.deepEqual(
    ['MOVED_PERMANENTLY', 'FOUND', 'SEE_OTHER', 'TEMPORARY_REDIRECT', 'PERMANENT_REDIRECT'].map(code),
    [301, 302, 303, 307, 308],
  );
});

test('path, prefix and regex of a redirect; the query stays unless the new path has one', () => {
  const rows: [object, object, string, string][] = [
    [{ path_redirect: '/new/path' }, { prefix: '/path' }, '/path/x?key=v', '/new/path?key=v'],
    [{ path_redirect: '/n?fixed=1' }, { prefix: '/q' }, '/q?a=1', '/n?fixed=1'],
    [{ prefix_rewrite: '/new/' }, { prefix: '/pre/' }, '/pre/a/b?x=1', '/new/a/b?x=1'],
    [{ prefix_rewrite: '/' }, { prefix: '/sla' }, '/slash/x', '/sh/x'],
    [
      { regex_rewrite: { pattern: { regex: '^/rx/([^/]+)/(.*)$' }, substitution: '/\\2/of/\\1' } },
      { prefix: '/rx' },
      '/rx/a/b/c?y=2',
      '/b/c/of/a?y=2',
    ],
    [{ prefix_rewrite: '/was-exact' }, { path: '/exact' }, '/exact?z', '/was-exact?z'],
    [{ prefix_rewrite: '/nsep' }, { path_separated_prefix: '/sep' }, '/sep/x', '/nsep/x'],
    [{ host_redirect: 'a.test', strip_query: true }, { prefix: '/s' }, '/s?a=1', '/s'],
    [{ path_redirect: '/x', strip_query: true }, { prefix: '/p' }, '/p?a=1', '/x'],
    [{ prefix_rewrite: '/y', strip_query: true }, { prefix: '/r' }, '/r/z?a=1', '/y/z'],
    [{ path_redirect: 'n' }, { prefix: '/' }, '/a?q', '/n?q'],
    [{ path_redirect: '?x' }, { prefix: '/' }, '/a?q', '/?x'],
    [{ prefix_rewrite: 'n' }, { prefix: '/' }, '/a/b?q', '/na/b?q'],
    [{ regex_rewrite: { pattern: { regex: '.' }, substitution: '' } }, { prefix: '/' }, '/a/b?q', '/a/b?q'],
    [{ path_rewrite: '/n%PATH(NQ)%' }, { prefix: '/' }, '/a/b?q', '/n/a/b?q'],
    [{ path_rewrite: 'n%REQ(:PATH)%' }, { prefix: '/' }, '/a/b?q', '/n/a/b?q'],
    [{ path_rewrite: '%REQ(none)%' }, { prefix: '/' }, '/a/b?q', '/a/b?q'],
    [{ path_rewrite: '/n?x=1', strip_query: true }, { prefix: '/' }, '/a/b?q', '/n?x=1'],
    [{ path_redirect: '/n?fixed=1', strip_query: true }, { prefix: '/q' }, '/q?a=1', '/n?fixed=1'],
  ];
  for (const [redirect, match, path, wanted] of rows)
    assert.equal(location(redirect, request(path), match), `http://a.test${wanted}`);
});

test('a redirect with a rewrite leaves the new path on the request, and the old one beside it', () => {
  const headers = request('/pre/a');
  location({ prefix_rewrite: '/new' }, headers, { prefix: '/pre' });
  assert.equal(headers.path, '/new/a');
  assert.ok(headers.values.includes('/pre/a'));
});

test('https_redirect drops the port 80 of the host and no other', () => {
  const rows = {
    'x.test': 'x.test',
    'x.test:80': 'x.test',
    'x.test:8080': 'x.test:8080',
    'x.test:443': 'x.test:443',
    '[::1]:80': '[::1]',
    '[::1]': '[::1]',
    '10.0.0.1:80': '10.0.0.1',
  };
  for (const [host, wanted] of Object.entries(rows))
    assert.equal(location({ https_redirect: true }, request('/a?b', [], host)), `https://${wanted}/a?b`);
});

test('scheme_redirect drops the default port of the scheme the request came by', () => {
  const https: [string, string][] = [['x-forwarded-proto', 'https']];
  assert.equal(location({ scheme_redirect: 'http' }, request('/', https, 'x.test:443')), 'http://x.test/');
  assert.equal(location({ scheme_redirect: 'http' }, request('/', [], 'x.test:80')), 'http://x.test:80/');
  assert.equal(
    location({ scheme_redirect: 'ftp', port_redirect: 21 }, request('/', [], 'x.test:80')),
    'ftp://x.test:21/',
  );
  assert.equal(location({ scheme_redirect: 'HTTPS' }, request('/', [], 'x.test:80')), 'HTTPS://x.test/');
});

test('port_redirect is always written, host_redirect drops the port', () => {
  assert.equal(location({ port_redirect: 8443 }, request('/p', [], 'x.test:1')), 'http://x.test:8443/p');
  assert.equal(
    location({ https_redirect: true, port_redirect: 443 }, request('/s', [], 'x.test:80')),
    'https://x.test:443/s',
  );
  assert.equal(location({ port_redirect: 80 }, request('/t', [], 'x.test:9')), 'http://x.test:80/t');
  assert.equal(
    location({ host_redirect: '[::2]', port_redirect: 81 }, request('/', [], 'x.test:9')),
    'http://[::2]:81/',
  );
  assert.equal(location({ host_redirect: 'n.test' }, request('/a', [], 'x.test:8080')), 'http://n.test/a');
});

test('a direct response points to its own URL with 201 and 3xx, and only then', () => {
  const at = (status: number) => {
    const headers = request('/x?y');
    return tableOf([{ match: { prefix: '/' }, direct_response: { status } }])
      .match(headers, zero, CONNECTION)!
      .directLocation(headers, streamInfo(headers));
  };
  assert.deepEqual([200, 201, 304, 308, 404].map(at), [
    null,
    'http://a.test/x?y',
    'http://a.test/x?y',
    'http://a.test/x?y',
    null,
  ]);
});

test('the body of a direct response: text, bytes, environment, format; limited in size', () => {
  const direct = (config: object, table: object = {}) =>
    tableOf([{ match: { prefix: '/' }, direct_response: { status: 200, ...config } }], {}, table).match(
      request('/'),
      zero,
      CONNECTION,
    )!.directResponse!;
  assert.equal(direct({ body: { inline_string: 'é' } }).body.toString('hex'), 'c3a9');
  assert.deepEqual([...direct({ body: { inline_bytes: 'AAECAw==' } }).body], [0, 1, 2, 3]);
  assert.equal(direct({}).body.length, 0);
  process.env['HALFOPEN_TEST_BODY'] = 'from outside';
  assert.equal(direct({ body: { environment_variable: 'HALFOPEN_TEST_BODY' } }).text, 'from outside');
  const formatted = direct({ body_format: { text_format: '%REQ(:PATH)%\n', content_type: 'text/x' } });
  assert.equal(formatted.bodyFormat?.format(streamInfo(request('/p'))), '/p\n');
  assert.equal(formatted.contentType, 'text/x');
  const long = { body: { inline_string: 'x'.repeat(4097) } };
  assert.throws(() => direct(long), /direct_response\.body: response body size is 4097 bytes; maximum is 4096/);
  assert.equal(direct(long, { max_direct_response_body_size_bytes: 5000 }).body.length, 4097);
  assert.throws(
    () => direct({ body: { filename: '/no/such/file' } }),
    /filename: file \/no\/such\/file does not exist/,
  );
  assert.throws(() => direct({ body: { environment_variable: 'HALFOPEN_NOT_SET' } }), /environment_variable/);
});
