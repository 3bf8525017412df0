import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.js';
import { compileCel } from './cel.js';
import { connectionInfo, requestHeaders, responseHeaders, streamInfo, upstreamInfo } from './testing.js';

/** The two requests of the recording: one that was answered by a cluster, one that no route took. */
const connection = connectionInfo({ localAddress: '127.0.0.1:19840' });
const ANSWERED = streamInfo({
  connection,
  downstreamRemoteAddress: '127.0.0.2:40000',
  requestHeaders: requestHeaders({ 'x-a': '1', 'user-agent': 'ua', 'x-request-id': 'id' }),
  upstream: upstreamInfo({ host: '127.0.0.1:19801' }),
});
const REFUSED = streamInfo({
  connection,
  downstreamRemoteAddress: '127.0.0.2:40000',
  requestHeaders: requestHeaders({ 'x-request-id': 'id' }),
  ...{ responseCode: 404, flags: ['NR'], details: 'route_not_found', bytesSent: 0, upstream: null },
  ...{ routeName: '', upstreamCluster: '', responseHeaders: responseHeaders(404) },
});
ANSWERED.requestHeaders!.authority = REFUSED.requestHeaders!.authority = 'h.test';
REFUSED.requestHeaders!.path = '/none';

/** Expression, and whether Envoy 1.40 wrote a line for each of the two. */
const RECORDED: [expression: string, answered: boolean, refused: boolean][] = [
  ['response.code >= 400', false, true],
  ['response.code == 200', true, false],
  ['response.code < 500 && response.code >= 400', false, true],
  ['!(response.code == 404)', true, false],
  ["request.method == 'GET' || false", true, true],
  ["request.headers['x-a'] == '1'", true, false],
  ["request.headers['x-none'] == '1'", false, false],
  ["request.path.startsWith('/a')", true, false],
  ["request.path.endsWith('x=1')", true, false],
  ["request.url_path == '/a'", true, false],
  ["request.path.contains('?x')", true, false],
  ["request.path.matches('^/[ab]')", true, false],
  ['response.code in [200, 404]', true, true],
  ["response.code_details == 'via_upstream'", true, false],
  ['connection.mtls', false, false],
  ["request.host == 'h.test'", true, true],
  ["request.scheme == 'http'", true, true],
  ["request.useragent == 'ua'", true, false],
  ["request.protocol == 'HTTP/1.1'", true, true],
  ['request.size == 0', true, true],
  ['request.total_size > 10', true, true],
  ['response.size == 5', true, false],
  ["request.duration > duration('0s')", true, true],
  ['response.grpc_status == 0', false, false],
  ["request.id != ''", true, true],
  ["'x-a' in request.headers", true, false],
  ["upstream.address != ''", true, false],
  ['upstream.port == 19801', true, false],
  ["source.address != ''", true, true],
  ['destination.port == 19840', true, true],
  ['size(request.path) > 3', true, true],
  ["response.headers['x-up'] == 'upv'", true, false],
  ['response.code >= 400 ? true : false', false, true],
  ["connection.requested_server_name == ''", true, true],
  ["xds.route_name == 'r'", true, false],
  ["xds.cluster_name == 'up'", true, false],
  ["request.referer == ''", false, false],
  ['response.code', false, false],
  ["request.query == 'x=1'", true, false],
  ['response.total_size > 0', true, true],
  ['response.code == 200u', true, false],
  ['request.path == "/a?x=1"', true, false],
  ["upstream.transport_failure_reason != ''", false, false],
  ["upstream.transport_failure_reason == ''", true, false],
  ["int(request.headers['x-a']) == 1", true, false],
  ["response.code == 200 && request.headers['x-none'] == '1'", false, false],
  ["response.code == 404 || request.headers['x-none'] == '1'", false, true],
  ["request.headers['x-none'] == '1' || response.code == 404", false, true],
  ['response.code != 200', false, true],
  ['response.code == 200.0', true, false],
  ['-1 < response.code', true, true],
  ["request.headers['X-A'] == '1'", true, false],
  ['source.port > 0', true, true],
];
for (const [expression, answered, refused] of RECORDED) {
  test(`${expression} chooses as Envoy does`, () => {
    const chosen = compileCel(expression);
    assert.deepEqual([chosen(ANSWERED), chosen(REFUSED)], [answered, refused]);
  });
}

test('what is not supported is refused by name', () => {
  const refused: [string, RegExp][] = [
    ['bogus.x == 1', /attribute bogus\.x is not supported; allowed: request\.method/],
    ['x', /attribute x is not supported/],
    ["has(request.headers['x'])", /has\(\) argument must be a field selection/],
    ['string(response.code)', /function string is not supported; allowed: has/],
    ['response.code >', /unexpected end/],
    ['response.code = 4', /unexpected character at 14/],
    ['1 + 1 == 2', /the operator \+ is not supported/],
    ["request.path.matches('[')", /./],
    ["duration('x') > duration('1s')", /duration\(\) needs a text/],
    ['('.repeat(100), /nested too deeply/],
    ['!'.repeat(100), /nested too deeply/],
  ];
  for (const [text, words] of refused) assert.throws(() => compileCel(text), words, text);
});

test('has() asks whether an attribute is there', () => {
  const chosen = compileCel('has(upstream.address) && !has(request.referer)');
  assert.deepEqual([chosen(ANSWERED), chosen(REFUSED)], [true, false]);
});

test('any text is compiled or refused with an error, and never crashes when it is used', () => {
  const random = seededRandom(42);
  const pieces =
    "response.code request.path request.headers ['x-a'] == != < >= && || ! ? : ( ) [ ] , . 200 'a' true in size has -1 1.5 .contains('a')".split(
      ' ',
    );
  let compiled = 0;
  for (let round = 0; round < 20000; round++) {
    let text = '';
    for (let i = 1 + (random.u32() % 7); i > 0; i--) text += `${pieces[random.u32() % pieces.length]} `;
    try {
      const chosen = compileCel(text);
      compiled++;
      for (const info of [ANSWERED, REFUSED]) assert.equal(typeof chosen(info), 'boolean');
    } catch (error) {
      assert.match(String(error), /^Error: CEL: /, text);
    }
  }
  assert.ok(compiled > 200, `${compiled} compiled`);
});
