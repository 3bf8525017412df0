import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { H } from '../base/header-names.js';
import { seededRandom } from '../base/random.js';
import { CONNECTION, response, streamInfo } from '../router/testing.js';
import { hasToken, INTERNAL, ipOf, isUpgrade, mutateRequestHeaders, mutateResponseHeaders } from './header-rules.js';
import { head, managerConfig, texts } from './test-kit.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const isInternal = (ip: string, peer: { remoteIp?: string }) => (ip || peer.remoteIp!).startsWith('10.');

/** What becomes of a request; the peer is 10.0.0.1:1234 unless `connection` says otherwise. */
function through(lines: Record<string, string>, config: object = {}, connection: object = {}) {
  const headers = head('GET', '/', lines);
  const info = streamInfo(headers);
  const peer = { ...CONNECTION, remoteIp: '10.0.0.1', ...connection };
  const settings = managerConfig({ generateRequestId: false, ...config });
  const internal = INTERNAL === mutateRequestHeaders(headers, settings, peer, info, seededRandom(1));
  return { headers, info, internal, lines: texts(headers) };
}

describe('a request at the connection manager', () => {
  it('loses its hop-by-hop headers', () => {
    const { lines } = through({
      connection: 'keep-alive',
      'keep-alive': 'timeout=5',
      'proxy-connection': 'x',
      'transfer-encoding': 'chunked',
      upgrade: 'h3',
      accept: 'x',
    });
    assert.deepEqual(lines, ['accept: x', 'x-forwarded-proto: http']);
  });

  it('keeps connection and upgrade when it is an upgrade', () => {
    const { lines } = through({ connection: 'Upgrade', upgrade: 'websocket' });
    assert.deepEqual(lines.slice(0, 2), ['connection: Upgrade', 'upgrade: websocket']);
  });

  for (const [te, left] of [
    ['trailers', 'trailers'],
    ['gzip, trailers;q=0.5', 'trailers'],
    ['gzip', undefined],
  ] as const)
    it(`with te: ${te} keeps ${left ?? 'none of it'}`, () => {
      assert.equal(through({ te }).headers.get(H.te), left);
    });

  for (const [referer, kept] of [
    ['http://a.test/x', true],
    ['HTTPS://a.test', true],
    ['/relative', true],
    ['ftp://a.test', true],
    ['http://user@a.test/', false],
    ['http://a.test/#part', false],
    ['mailto:a', false],
    ['with blank', false],
  ] as const)
    it(`${kept ? 'keeps' : 'loses'} referer: ${referer}`, () => {
      assert.equal(through({ referer }).headers.has(H.referer), kept);
    });

  it('gets a request id when it has none', () => {
    const { headers } = through({}, { generateRequestId: true });
    assert.match(headers.get(H.xRequestId)!, UUID);
  });

  it('keeps the request id of a caller inside, and loses the one of a caller at the edge', () => {
    const mine = { 'x-request-id': 'mine' };
    const edge = { generateRequestId: true, useRemoteAddress: true };
    assert.equal(through(mine, { generateRequestId: true }).headers.get(H.xRequestId), 'mine');
    assert.match(through(mine, edge).headers.get(H.xRequestId)!, UUID);
    assert.equal(through(mine, { ...edge, preserveExternalRequestId: true }).headers.get(H.xRequestId), 'mine');
    assert.equal(through(mine, { ...edge, isInternal }).headers.get(H.xRequestId), 'mine');
  });

  it('has its client appended to x-forwarded-for at the edge, and its claim about the protocol overwritten', () => {
    const { lines } = through(
      { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' },
      { useRemoteAddress: true },
    );
    assert.deepEqual(lines, [
      'x-forwarded-for: 203.0.113.9,10.0.0.1',
      'x-forwarded-proto: http',
      'x-envoy-external-address: 10.0.0.1',
    ]);
  });

  it('of a client on this machine shows the address of the proxy', () => {
    const config = { useRemoteAddress: true, ownAddress: '192.0.2.7' };
    const peer = { remoteAddress: '127.0.0.1:5', remoteIp: '127.0.0.1' };
    assert.equal(through({}, config, peer).headers.get(H.xForwardedFor), '192.0.2.7');
  });

  it('has no x-forwarded-for appended where that is switched off', () => {
    const { headers } = through({}, { useRemoteAddress: true, skipXffAppend: true });
    assert.equal(headers.has(H.xForwardedFor), false);
  });

  it('is counted back over trusted hops to its client', () => {
    const xff = { 'x-forwarded-for': '203.0.113.9, 198.51.100.7' };
    assert.equal(
      through(xff, { useRemoteAddress: true, xffTrustedHops: 1 }).info.downstreamRemoteAddress,
      '198.51.100.7:0',
    );
    assert.equal(
      through(xff, { useRemoteAddress: true, xffTrustedHops: 2 }).info.downstreamRemoteAddress,
      '203.0.113.9:0',
    );
    assert.equal(through(xff, { xffTrustedHops: 0 }).info.downstreamRemoteAddress, '198.51.100.7:0');
  });

  it('from an internal address may speak to the router; from elsewhere its x-envoy headers are removed', () => {
    const asked = { 'x-envoy-upstream-rq-timeout-ms': '5', 'x-envoy-retry-on': '5xx' };
    const inside = through(asked, { useRemoteAddress: true, isInternal });
    assert.equal(inside.internal, true);
    assert.equal(inside.headers.get(H.xEnvoyInternal), 'true');
    assert.equal(inside.headers.get(H.xEnvoyUpstreamRqTimeoutMs), '5');
    const outside = through(asked, { useRemoteAddress: true });
    assert.equal(outside.internal, false);
    assert.deepEqual(
      outside.lines.filter((line) => line.startsWith('x-envoy')),
      ['x-envoy-external-address: 10.0.0.1'],
    );
  });

  it('cannot claim to be internal', () => {
    const { headers, internal } = through({ 'x-envoy-internal': 'true' }, { useRemoteAddress: true });
    assert.deepEqual([headers.has(H.xEnvoyInternal), internal], [false, false]);
  });

  it('loses what it says of a client certificate', () => {
    assert.equal(through({ 'x-forwarded-client-cert': 'By=me' }).headers.has(H.xForwardedClientCert), false);
  });

  it('has the proxy in via, behind what stands there', () => {
    assert.equal(through({}, { via: 'p' }).headers.get(H.via), 'p');
    assert.equal(through({ via: '1.1 a' }, { via: 'p' }).headers.get(H.via), '1.1 a, p');
  });

  it('has the scheme that the configuration wants', () => {
    const { headers } = through({}, { schemeOverwrite: 'https' });
    assert.deepEqual([headers.scheme, headers.get(H.xForwardedProto)], ['https', 'https']);
  });
});

describe('a response at the connection manager', () => {
  const out = (lines: [string, string][], config: object = {}, tunnel = false) => {
    const headers = response(200, lines);
    mutateResponseHeaders(headers, managerConfig(config), head('GET', '/', { 'x-request-id': 'r' }), tunnel, 'DATE');
    return texts(headers);
  };

  it('gets a date unless it has one, and the name of the server', () => {
    assert.deepEqual(out([]), ['date: DATE', 'server: envoy']);
    assert.deepEqual(
      out([
        ['date', 'own'],
        ['server', 'nginx'],
      ]),
      ['date: own', 'server: envoy'],
    );
  });

  it('keeps the name of its server where the configuration says so', () => {
    const nginx: [string, string][] = [['server', 'nginx']];
    assert.ok(out(nginx, { serverHeader: 'APPEND_IF_ABSENT' }).includes('server: nginx'));
    assert.ok(out([], { serverHeader: 'APPEND_IF_ABSENT' }).includes('server: envoy'));
    assert.ok(out(nginx, { serverHeader: 'PASS_THROUGH' }).includes('server: nginx'));
    assert.deepEqual(out([], { serverHeader: 'PASS_THROUGH' }), ['date: DATE']);
  });

  it('loses its hop-by-hop headers, but for connection and upgrade of a tunnel', () => {
    const lines: [string, string][] = [
      ['connection', 'upgrade'],
      ['upgrade', 'websocket'],
      ['keep-alive', 'x'],
      ['transfer-encoding', 'chunked'],
    ];
    assert.deepEqual(out(lines), ['date: DATE', 'server: envoy']);
    assert.deepEqual(out(lines, {}, true).slice(0, 2), ['connection: upgrade', 'upgrade: websocket']);
  });

  it('shows the request id where that is asked for', () => {
    assert.ok(out([], { alwaysSetRequestIdInResponse: true }).includes('x-request-id: r'));
  });
});

describe('lists of tokens', () => {
  it('are searched without regard to case and blanks', () => {
    assert.equal(hasToken('Keep-Alive , UPGRADE', 'upgrade'), true);
    assert.equal(hasToken('upgraded', 'upgrade'), false);
    assert.equal(hasToken('', 'upgrade'), false);
  });

  it('make an upgrade only with both headers', () => {
    assert.equal(isUpgrade(head('GET', '/', { connection: 'a, upgrade', upgrade: 'websocket' })), true);
    assert.equal(isUpgrade(head('GET', '/', { connection: 'close', upgrade: 'websocket' })), false);
    assert.equal(isUpgrade(head('GET', '/', { connection: 'upgrade' })), false);
  });
});

describe('the address of a peer', () => {
  it('is split from its port', () => {
    assert.equal(ipOf('10.0.0.1:80'), '10.0.0.1');
    assert.equal(ipOf('[2001:db8::1]:80'), '2001:db8::1');
    assert.equal(ipOf(''), '');
  });
});
