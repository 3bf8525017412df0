import assert from 'node:assert/strict';
import { test } from 'node:test';
import { H, permanentName } from '../base/header-names.js';
import { Trailers } from '../base/headers.js';
import { seededRandom } from '../base/random.js';
import { ENVOY_DEFAULT_FORMAT, ISTIO_JSON_FORMAT, ISTIO_TEXT_FORMAT } from './access-log-formats.js';
import { compileFormat, compileJsonFormat, jsonString } from './format.js';
import { OPERATOR_NAMES } from './format-operators.js';
import { compileTime } from './format-time.js';
import type { StreamInfo } from './stream-info.js';
import { connectionInfo, requestHeaders, responseHeaders, streamInfo, upstreamInfo } from './testing.js';

const print = (text: string, info: StreamInfo = streamInfo()) => compileFormat(text).format(info);

/** What Envoy 1.40 printed for such a stream. */
const ANSWERED: [operator: string, text: string][] = [
  ['RESPONSE_CODE', '200'],
  ['RESPONSE_CODE_DETAILS', 'via_upstream'],
  ['RESPONSE_FLAGS', '-'],
  ['RESPONSE_FLAGS_LONG', '-'],
  ['CONNECTION_TERMINATION_DETAILS', '-'],
  ['BYTES_RECEIVED', '0'],
  ['BYTES_SENT', '5'],
  ['PROTOCOL', 'HTTP/1.1'],
  ['UPSTREAM_PROTOCOL', 'HTTP/1.1'],
  ['ROUTE_NAME', 'r'],
  ['UPSTREAM_CLUSTER', 'up'],
  ['UPSTREAM_CLUSTER_RAW', 'up'],
  ['UPSTREAM_HOST', '127.0.0.1:9000'],
  ['UPSTREAM_HOST_NAME', '127.0.0.1:9000'],
  ['UPSTREAM_REMOTE_ADDRESS', '127.0.0.1:9000'],
  ['UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT', '127.0.0.1'],
  ['UPSTREAM_REMOTE_PORT', '9000'],
  ['UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT', '127.0.0.1'],
  ['UPSTREAM_TRANSPORT_FAILURE_REASON', '-'],
  ['UPSTREAM_REQUEST_ATTEMPT_COUNT', '1'],
  ['DOWNSTREAM_REMOTE_ADDRESS', '203.0.113.7:0'],
  ['DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT', '203.0.113.7'],
  ['DOWNSTREAM_REMOTE_PORT', '0'],
  ['DOWNSTREAM_DIRECT_REMOTE_ADDRESS', '127.0.0.2:40000'],
  ['DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT', '127.0.0.2'],
  ['DOWNSTREAM_LOCAL_ADDRESS', '127.0.0.1:10000'],
  ['DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT', '127.0.0.1'],
  ['DOWNSTREAM_LOCAL_PORT', '10000'],
  ['REQUESTED_SERVER_NAME', '-'],
  ['REQUESTED_SERVER_NAME(SNI_FIRST)', 'oracle.test'],
  ['FILTER_CHAIN_NAME', '-'],
  ['VIRTUAL_CLUSTER_NAME', '-'],
  ['LOCAL_REPLY_BODY', ''],
  ['GRPC_STATUS', '-'],
  ['GRPC_STATUS_NUMBER', '-'],
  ['REQ(:METHOD)', 'GET'],
  ['REQ(:PATH)', '/a?x=1'],
  ['REQ(X-NONE)', '-'],
  ['REQ(X-NONE?:METHOD)', 'GET'],
  ['REQ(USER-AGENT):3', 'ora'],
  ['REQ(:AUTHORITY)', 'oracle.test'],
  ['REQ(HOST)', 'oracle.test'],
  ['REQ(:SCHEME)', 'http'],
  ['RESP(X-UP)', 'upv'],
  ['RESP(X-NONE)', '-'],
  ['RESP(:STATUS)', '200'],
  ['TRAILER(X-T)', '-'],
  ['DYNAMIC_METADATA(a:b)', '-'],
  ['FILTER_STATE(x)', '-'],
  ['ENVIRONMENT(HALFOPEN_NOT_SET)', '-'],
  ['QUERY_PARAM(x)', '1'],
  ['QUERY_PARAM(y)', '-'],
  ['QUERY_PARAMS', 'x=1'],
  ['PATH', '/a?x=1'],
  ['PATH(NQ)', '/a'],
  ['PATH(WQ)', '/a?x=1'],
  ['PATH(NQ:ORIG)', '-'],
  ['DOWNSTREAM_TLS_VERSION', '-'],
  ['DOWNSTREAM_PEER_SUBJECT', '-'],
  ['DOWNSTREAM_PEER_CERT_V_START', '-'],
  ['UPSTREAM_TLS_VERSION', '-'],
  ['UPSTREAM_METADATA(a:b)', '-'],
  ['CLUSTER_METADATA(a:b)', '-'],
  ['CUSTOM_FLAGS', ''],
  ['START_TIME', '2026-11-22T18:58:10.650Z'],
  ['START_TIME(%Y)', '2026'],
  ['DOWNSTREAM_WIRE_BYTES_RECEIVED', '92'],
  ['DOWNSTREAM_HEADER_BYTES_SENT', '82'],
  ['UPSTREAM_WIRE_BYTES_SENT', '169'],
  ['UPSTREAM_HEADER_BYTES_RECEIVED', '28'],
  ['DURATION', '12'],
  ['REQUEST_DURATION', '0'],
  ['REQUEST_TX_DURATION', '3'],
  ['RESPONSE_DURATION', '10'],
  ['RESPONSE_TX_DURATION', '1'],
  ['COMMON_DURATION(DS_RX_BEG:DS_RX_END)', '0'],
  ['COMMON_DURATION(DS_RX_BEG:US_RX_BEG:us)', '10500'],
  ['COMMON_DURATION(US_RX_BEG:DS_RX_BEG:ms)', '-'],
  ['UPSTREAM_CONNECTION_POOL_READY_DURATION', '1'],
  ['CONNECTION_ID', '7'],
  ['UPSTREAM_CONNECTION_ID', '9'],
  ['STREAM_ID', '1b4f2326-d46e-454f-b049-64d3951f1899'],
  ['TRACE_ID', '-'],
  ['COALESCE({"operators":[{"command":"REQ","param":"A"},"PROTOCOL"]})', 'HTTP/1.1'],
];
for (const [operator, text] of ANSWERED) {
  test(`%${operator}% of an answered request prints '${text}'`, () => {
    assert.equal(print(`[%${operator}%]`), `[${text}]`);
  });
}

test('a refused connect prints the host it tried, but no connection', () => {
  const info = streamInfo({
    responseCode: 503,
    flags: ['UF'],
    details:
      'upstream_reset_before_response_started{remote_connection_failure|delayed connect error: Connection refused}',
    upstream: upstreamInfo({
      localAddress: '',
      remoteAddress: '',
      protocol: '',
      transportFailureReason: 'delayed connect error: Connection refused',
      firstTx: -1,
      lastTx: -1,
      firstRx: -1,
      lastRx: -1,
      bytes: null,
    }),
  });
  assert.equal(
    print(
      '%RESPONSE_CODE_DETAILS% %UPSTREAM_TRANSPORT_FAILURE_REASON% %UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS%',
      info,
    ),
    'upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused} ' +
      'delayed_connect_error:_Connection_refused 127.0.0.1:9000 -',
  );
  assert.equal(
    print(
      '%REQUEST_TX_DURATION% %RESPONSE_DURATION% %UPSTREAM_PROTOCOL% %UPSTREAM_WIRE_BYTES_SENT% %RESPONSE_FLAGS_LONG%',
      info,
    ),
    '- - - 0 UpstreamConnectionFailure',
  );
  assert.match(print('%RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%', info), /delayed connect error/);
});

test('text is not escaped, and %% is a percent sign', () => {
  const info = streamInfo({ requestHeaders: requestHeaders({ 'x-q': 'a"b\\c\td', 'user-agent': 'x"y' }) });
  assert.equal(print('%REQ(X-Q)%\t"%REQ(USER-AGENT)%"\t%%\n', info), 'a"b\\c\td\t"x"y"\t%\n');
});

test('only the first line of a repeated header is printed', () => {
  const headers = requestHeaders();
  headers.push(permanentName('x-rep'), 'a');
  headers.push(permanentName('x-rep'), 'b');
  assert.equal(print('%REQ(X-REP)%', streamInfo({ requestHeaders: headers })), 'a');
});

test('in header values a missing operator is empty, but flags and environment still print a dash', () => {
  const format = compileFormat('%REQ(X)%|%UPSTREAM_HOST%|%RESPONSE_FLAGS%|%ENVIRONMENT(HALFOPEN_NOT_SET)%', {
    missing: '',
  });
  assert.equal(format.format(streamInfo({ upstream: null })), '||-|-');
});

test('gRPC status: trailers, else headers, else what the HTTP status stands for; only of gRPC requests', () => {
  const grpc = requestHeaders({ 'content-type': 'application/grpc+proto' });
  const all = '%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS(NUMBER)% %GRPC_STATUS_NUMBER%';
  const trailers = new Trailers();
  trailers.add(H.grpcStatus, '4');
  const info = { requestHeaders: grpc, responseHeaders: responseHeaders(200, { 'grpc-status': '12' }) };
  assert.equal(print(all, streamInfo(info)), 'Unimplemented UNIMPLEMENTED 12 12');
  assert.equal(
    print(all, streamInfo({ ...info, responseTrailers: trailers })),
    'DeadlineExceeded DEADLINE_EXCEEDED 4 4',
  );
  assert.equal(
    print(all, streamInfo({ requestHeaders: grpc, responseCode: 503, responseHeaders: responseHeaders(503) })),
    'Unavailable UNAVAILABLE 14 14',
  );
  assert.equal(print(all, streamInfo({ responseHeaders: responseHeaders(200, { 'grpc-status': '12' }) })), '- - - -');
});

test('query parameters are decoded and cut, addresses of IPv6 lose their brackets, paths prefer the original one', () => {
  const headers = requestHeaders({ 'x-envoy-original-path': '/o?a=1%20abc&b&a=2' });
  const connection = connectionInfo({ localAddress: '[::1]:80', requestedServerName: 'sni' });
  const info = streamInfo({ requestHeaders: headers, connection });
  assert.equal(print('%QUERY_PARAM(a):3%|%QUERY_PARAM(b)%|%PATH(NQ)%|%PATH(NQ:PATH)%', info), '1 a||/o|/a');
  assert.equal(
    print('%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_PORT% %REQUESTED_SERVER_NAME%', info),
    '::1 80 sni',
  );
});

test('metadata prints strings as they are and objects as JSON', () => {
  const info = streamInfo({ clusterMetadata: { cm: { k: 'v', o: { p: [1, 2] } } } });
  assert.equal(
    print('%CLUSTER_METADATA(cm:k)% %CLUSTER_METADATA(cm:o)% %METADATA(CLUSTER:cm:k)%', info),
    'v {"p":[1,2]} v',
  );
});

test('the default line of Envoy and the formats of Istio', () => {
  const line =
    '[2026-11-22T18:58:10.650Z] "GET /a?x=1 HTTP/1.1" 200 - 0 5 12 - "-" "oracle" "-" "oracle.test" "127.0.0.1:9000"\n';
  assert.equal(print(ENVOY_DEFAULT_FORMAT), line);
  assert.equal(
    print(ISTIO_TEXT_FORMAT),
    '[2026-11-22T18:58:10.650Z] "GET /a?x=1 HTTP/1.1" 200 - via_upstream - "-" 0 5 12 - "-" "oracle" "-" ' +
      '"oracle.test" "127.0.0.1:9000" up 127.0.0.1:50000 127.0.0.1:10000 203.0.113.7:0 - r\n',
  );
  const object = JSON.parse(compileJsonFormat(ISTIO_JSON_FORMAT).format(streamInfo()));
  assert.equal(object.duration, 12);
  assert.equal(object.upstream_transport_failure_reason, null);
});

test('times: every conversion prints what Envoy printed', () => {
  const format =
    '%a_%A_%b_%B_%c_%d_%D_%e_%F_%g_%G_%h_%H_%I_%j_%k_%l_%m_%M_%p_%P_%r_%R_%S_%t_%T_%u_%U_%V_%w_%W_%x_%X_%y_%Y_%z_%Z_%%_%C_' +
    '%Ez_%E*z_%E*S_%E3S_%E*f_%E3f_%E4Y_%ET_%Oy_%f_%2f_%Ey_%:z_%q';
  assert.equal(
    compileTime(format, false)(Date.UTC(2026, 10, 22, 18, 58, 10, 650)),
    'Sun_Sunday_Nov_November_Sun Nov 22 18:58:10 2026_22_11/22/26_22_2026-11-22_26_2026_Nov_18_06_326_18_ 6_11_58_PM_pm_' +
      '06:58:10 PM_18:58_10_\t_18:58:10_7_47_47_0_46_11/22/26_18:58:10_26_2026_+0000_UTC_%_20_+00:00_+00:00:00_' +
      '10.65_10.650_65_650_2026_T_26_650000000_65_26_+00:00_%q',
  );
  assert.equal(compileTime('%s.%3f %s%6f', false)(1795373890650), '1795373890.650 1795373890650000');
});

test('times: a formatter follows the clock from second to second, and ISO weeks at the turn of the year', () => {
  const format = compileTime('%S.%3f', false);
  assert.deepEqual([1001, 1999, 2000, 1500].map(format), ['01.001', '01.999', '02.000', '01.500']);
  const week = compileTime('%G-%V %U %W', false);
  assert.deepEqual(
    [Date.UTC(2021, 0, 3), Date.UTC(2020, 11, 31), Date.UTC(2024, 11, 30), Date.UTC(2023, 0, 1)].map(week),
    ['2020-53 01 00', '2020-53 52 52', '2025-01 52 53', '2022-52 01 00'],
  );
});

test('JSON keys are sorted at every level, numbers stay numbers, missing values are null or a dash within text', () => {
  const format = compileJsonFormat({
    b: '%RESPONSE_CODE%',
    a: '%REQ(X-NONE)%',
    c: { z: '%PROTOCOL%', y: 1 },
    mixed: 'a%REQ(X-NONE)%b',
    code_text: 'c%RESPONSE_CODE%',
    list: ['%REQ(:METHOD)%', 'x', '%RESPONSE_CODE%', '%REQ(X-NONE)%'],
    percent: '100%%',
    bool: true,
    B: null,
    z: {},
  });
  assert.equal(
    format.format(streamInfo()),
    '{"B":null,"a":null,"b":200,"bool":true,"c":{"y":1,"z":"HTTP/1.1"},"code_text":"c200","list":["GET","x",200,null],' +
      '"mixed":"a-b","percent":"100%","z":{}}\n',
  );
});

test('omit_empty_values drops missing values and what they leave empty, but not empty texts and lists', () => {
  const x = '%REQ(X)%';
  const format = compileJsonFormat(
    {
      ...{ a: { x }, b: [x, 'y'], c: '', d: null, e: [x], f: { g: { h: x } }, 'k é': 'é', flags: '%RESPONSE_FLAGS%' },
      ...{ env: '%ENVIRONMENT(HALFOPEN_NOT_SET)%', cf: '%CUSTOM_FLAGS%', mix: x + x, neg: -3, z: {}, l: [] },
      ...{ nest: [{ a: x }, [1, '%PROTOCOL%']], B: 1, _: 2, 'esc"': '\t\u0001\u007f/<' },
    },
    { omitEmpty: true },
  );
  // Recorded from Envoy.
  const line =
    '{"B":1,"_":2,"b":["y"],"c":"","cf":"","e":[],"env":"-","esc\\"":"\\t\\u0001\u007f/<","flags":"NR","k é":"é","l":[],' +
    '"mix":"","neg":-3,"nest":[[1,"HTTP/1.1"]]}\n';
  const text = format.format(streamInfo({ flags: ['NR'] }));
  assert.equal(Buffer.from(text, 'latin1').toString('utf8'), line);
});

test('JSON strings keep valid UTF-8 and escape the bytes of what is not', () => {
  assert.equal(jsonString('\u00c3\u00a9\t"\\'), '"\u00c3\u00a9\\t\\"\\\\"');
  assert.equal(jsonString('\u00ff\u00c3\u00a9\u00e9\t"\\'), '"\\u00ff\\u00c3\\u00a9\\u00e9\\u0009\\u0022\\u005c"');
});

test('mistakes are refused in the words of Envoy', () => {
  const refused: [string, RegExp][] = [
    ['%BOGUS%', /^Error: Not supported field in StreamInfo: BOGUS; allowed: .*RESPONSE_CODE/],
    ['%REQ%', /REQ requires parameters/],
    ['%REQ()%', /REQ requires parameters/],
    ['%REQ(A?B?C)%', /More than 1 alternative header specified in token: A\?B\?C/],
    ['a%REQ(A):x%', /Incorrect configuration: a%REQ\(A\):x%. Couldn't find valid command at position 1/],
    ['%REQ(A', /Couldn't find valid command at position 0/],
    ['a % b', /Couldn't find valid command at position 2/],
    ['%req(a)%', /Couldn't find valid command/],
    ['%REQ(a)b)%', /invalid characters/],
    ['%REQ(a b)%', /invalid characters/],
    ['%DURATION:3%', /DURATION does not take any parameters or length/],
    ['%PROTOCOL(x)%', /PROTOCOL does not take any parameters or length/],
    ['%START_TIME(%E3S):3%', /START_TIME does not allow length to be specified\./],
    ['%START_TIME(a\n)%', /valid command|newline/],
    ['%COMMON_DURATION(DS_RX_BEG:DS_RX_END:s)%', /Invalid common duration precision: s/],
    ['%COMMON_DURATION(X:DS_RX_END)%', /unknown time point X/],
    ['%PATH(X)%', /Invalid PATH option: 'X'/],
    ['%GRPC_STATUS(X)%', /only supports CAMEL_STRING, SNAKE_STRING or NUMBER. Got: X/],
    ['%METADATA(BOGUS:a)%', /BOGUS is not supported type of metadata/],
    ['%FILTER_STATE(x:BOGUS)%', /only support PLAIN\/TYPED\/FIELD/],
    ['%COALESCE({})%', /must contain 'operators' array/],
    ['%COALESCE({"operators":["NOPE"]})%', /COALESCE: failed to parse operator at index 0: Not supported field/],
    ['%REQUESTED_SERVER_NAME(X)%', /Invalid REQUESTED_SERVER_NAME option: 'X'/],
  ];
  for (const [text, words] of refused) assert.throws(() => compileFormat(text), words, text);
});

test('a format either compiles and prints text, or is refused with an error that says so; it never crashes', () => {
  const random = seededRandom(20261122);
  const pieces = [
    '%',
    '%%',
    '(',
    ')',
    ':',
    '3',
    '?',
    ' ',
    '"',
    'é',
    '\n',
    '{"operators":["DURATION"]}',
    'REQ',
    ...OPERATOR_NAMES,
  ];
  const pick = () => pieces[random.u32() % pieces.length];
  const infos = [streamInfo(), streamInfo({ upstream: null, requestHeaders: null, responseHeaders: null, end: -1 })];
  let compiled = 0;
  for (let round = 0; round < 20000; round++) {
    let text = '';
    if (round % 2 === 0) for (let i = random.u32() % 8; i >= 0; i--) text += pick();
    else {
      const name = OPERATOR_NAMES[random.u32() % OPERATOR_NAMES.length];
      const param = random.u32() % 2 === 0 ? '' : `(${pick()}${random.u32() % 3 === 0 ? `:${pick()}` : ''})`;
      text = `${pick()}%${name}${param}${random.u32() % 4 === 0 ? ':2' : ''}%`;
    }
    try {
      const format = compileFormat(text);
      compiled++;
      for (const info of infos) assert.equal(typeof format.format(info, 'DownstreamEnd'), 'string');
      const json = compileJsonFormat({ k: text });
      for (const info of infos) JSON.parse(Buffer.from(json.format(info), 'latin1').toString('utf8'));
    } catch (error) {
      assert.ok(error instanceof Error && error.message.length > 5, `${text}: ${error}`);
      assert.ok(!/undefined|not a function|Cannot read/.test(error.message), `${text}: ${error.message}`);
    }
  }
  assert.ok(compiled > 1000, `${compiled} formats compiled`);
});

test('a text without operators is printed as it is, whatever it holds', () => {
  const random = seededRandom(5);
  for (let round = 0; round < 500; round++) {
    let text = '';
    for (let i = random.u32() % 20; i > 0; i--) text += String.fromCodePoint(32 + (random.u32() % 700));
    const printed = print(text.replaceAll('%', '%%'));
    assert.equal(Buffer.from(printed, 'latin1').toString('utf8'), text);
  }
});
