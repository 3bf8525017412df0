import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { H } from '../base/header-names.js';
import type { RequestHeaders } from '../base/headers.js';
import { PathNormalizer } from './path.js';
import { HttpBench, head } from './test-kit.js';

/** What the log says of a request, or what the upstream got. */
function outcome(headers: RequestHeaders, config: object = {}) {
  const bench = new HttpBench(config);
  const { response } = bench.send(headers);
  return { log: bench.lastLog, upstream: bench.cluster.attempts[0]?.headers ?? null, response, bench };
}

const without = (field: 'authority' | 'path') => {
  const headers = head('GET', '/');
  headers[field] = undefined;
  return headers;
};

describe('a request is refused', () => {
  const refusals: [name: string, headers: RequestHeaders, log: string][] = [
    ['without a host', without('authority'), '400 - missing_host_header'],
    ['without a path', without('path'), '404 - missing_path_rejected'],
    ['with an empty path', head('GET', ''), '404 - missing_path_rejected'],
    ['with a path that does not begin with a slash', head('OPTIONS', '*'), '404 - absolute_path_rejected'],
    ['that is a QUERY without a content type', head('QUERY', '/'), '400 - query_missing_content_type'],
    [
      'that wants an upgrade which is not enabled',
      head('GET', '/', { connection: 'upgrade', upgrade: 'websocket' }),
      '403 - upgrade_failed',
    ],
  ];
  for (const [name, headers, log] of refusals)
    it(`${name}: ${log}`, () => {
      const { log: said, upstream } = outcome(headers);
      assert.deepEqual([said, upstream], [log, null]);
    });

  it('when its path cannot be normalized', () => {
    const path = new PathNormalizer(true, false, 'REJECT_REQUEST', true);
    const { log, bench } = outcome(head('GET', '/a%2fb'), { path });
    assert.equal(log, '400 - path_normalization_failed');
    assert.equal(bench.config.stats.downstream_rq_failed_path_normalization, 1);
  });

  it('to another path when escaped slashes are to be redirected', () => {
    const path = new PathNormalizer(true, false, 'UNESCAPE_AND_REDIRECT', true);
    const { log, response } = outcome(head('GET', '/a%2Fb'), { path });
    assert.equal(log, '307 - path_normalization_failed');
    assert.equal(response.headers!.get(H.location), '/a/b');
  });

  it('without leave for a route: no route, no cluster', () => {
    assert.equal(outcome(head('CONNECT', undefined)).log, '404 NR route_not_found');
  });
});

describe('a request that passes', () => {
  it('has its path normalized before it is routed', () => {
    const path = new PathNormalizer(true, true, 'KEEP_UNCHANGED', true);
    assert.equal(outcome(head('GET', '/a//./b/../c'), { path }).upstream?.path, '/a/c');
  });

  const hosts: [config: object, host: string, left: string][] = [
    [{ stripMatchingHostPort: true }, 'a.test:80', 'a.test'],
    [{ stripMatchingHostPort: true }, 'a.test:81', 'a.test:81'],
    [{ stripAnyHostPort: true }, 'a.test:81', 'a.test'],
    [{ stripAnyHostPort: true }, '[2001:db8::1]:81', '[2001:db8::1]'],
    [{ stripAnyHostPort: true }, '[2001:db8::1]', '[2001:db8::1]'],
    [{ stripTrailingHostDot: true }, 'a.test.', 'a.test'],
    [{ stripTrailingHostDot: true }, 'a.test.:80', 'a.test:80'],
    [{}, 'a.test.:80', 'a.test.:80'],
  ];
  for (const [config, host, left] of hosts)
    it(`to ${host} goes to ${left} with ${Object.keys(config).join(', ') || 'nothing configured'}`, () => {
      const headers = head('GET', '/');
      headers.authority = host;
      assert.equal(outcome(headers, config).upstream?.authority, left);
    });

  it('and expects 100-continue is told to go on, and the upstream is not asked', () => {
    const { response, upstream } = outcome(head('POST', '/', { expect: '100-Continue' }));
    assert.deepEqual([response.interim, upstream?.has(H.expect)], [[100], false]);
  });

  it('and expects 100-continue is passed on where that is configured', () => {
    const { response, upstream } = outcome(head('POST', '/', { expect: '100-continue' }), { proxy100Continue: true });
    assert.deepEqual([response.interim, upstream?.has(H.expect)], [[], true]);
  });
});
