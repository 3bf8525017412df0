import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnMetrics } from './own-metrics.js';
import { OUTCOME_LIMIT, RequestMetrics, type RouteLabels } from './request-metrics.js';
import type { TlsInfo } from './stream-info.js';
import { connectionInfo, requestHeaders, responseHeaders, streamInfo } from './testing.js';

const PLAIN: RouteLabels = { virtualHost: 'vh', route: 'r', istio: null };

function setup() {
  const own = new OwnMetrics();
  return { own, metrics: new RequestMetrics(own) };
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('a 504 path and a 408 path are separate series, and so are two reasons for 504', async () => {
  const { own, metrics } = setup();
  const recorder = metrics.recorder(PLAIN);
  for (let i = 0; i < 3; i++) recorder.record(streamInfo());
  recorder.record(streamInfo({ responseCode: 504, flags: ['UT'], details: 'response_timeout' }));
  recorder.record(streamInfo({ responseCode: 504, details: 'max_duration_timeout' }));
  recorder.record(streamInfo({ responseCode: 408, details: 'max_duration_timeout' }));
  recorder.record(streamInfo({ responseCode: 503, flags: ['URX', 'UF'], details: 'x', upstreamCluster: 'other' }));
  const labels = (code: number, flags: string, details: string, cluster = 'up') =>
    `halfopen_requests_total{virtual_host="vh",route="r",cluster="${cluster}",response_code="${code}",response_flags="${flags}",response_code_details="${details}"}`;
  assert.deepEqual(lines(await own.text()), [
    `${labels(200, '-', 'via_upstream')} 3`,
    `${labels(408, '-', 'max_duration_timeout')} 1`,
    `${labels(504, 'UT', 'response_timeout')} 1`,
    `${labels(504, '-', 'max_duration_timeout')} 1`,
    `${labels(503, 'URX,UF', 'x', 'other')} 1`,
  ]);
});

test('without a sidecar there are no istio series', async () => {
  const { own, metrics } = setup();
  metrics.recorder(PLAIN).record(streamInfo());
  assert.doesNotMatch(await own.text(), /istio_/);
});

const OUTBOUND: RouteLabels = {
  virtualHost: 'vh',
  route: 'r',
  istio: {
    reporter: 'source',
    source: { workload: 'client', namespace: 'default', app: 'client', version: 'v1' },
    destination: (cluster) =>
      cluster === 'up'
        ? { service: 'server.default.svc.cluster.local', serviceName: 'server', serviceNamespace: 'default' }
        : {},
  },
};

test('istio_requests_total has the 25 labels in their order, unknown where nothing is known', async () => {
  const { own, metrics } = setup();
  metrics.recorder(OUTBOUND).record(streamInfo({ responseCode: 504, flags: ['UT'], details: 'response_timeout' }));
  const text = await own.text();
  const [line] = text.split('\n').filter((one) => one.startsWith('istio_requests_total{'));
  assert.equal(
    line,
    'istio_requests_total{reporter="source",source_workload="client",source_canonical_service="unknown",' +
      'source_canonical_revision="latest",source_workload_namespace="default",source_principal="unknown",' +
      'source_app="client",source_version="v1",source_cluster="unknown",destination_workload="unknown",' +
      'destination_workload_namespace="unknown",destination_principal="unknown",destination_app="unknown",' +
      'destination_version="unknown",destination_service="server.default.svc.cluster.local",' +
      'destination_canonical_service="unknown",destination_canonical_revision="latest",' +
      'destination_service_name="server",destination_service_namespace="default",destination_cluster="unknown",' +
      'request_protocol="http",response_code="504",grpc_response_status="",response_flags="UT",' +
      'connection_security_policy="unknown"} 1',
  );
  assert.match(text, /^# TYPE istio_requests_total counter$/m);
  assert.match(text, /^# TYPE istio_request_duration_milliseconds histogram$/m);
});

test('outcomes that differ only in details are one istio series, and histograms add up', async () => {
  const { own, metrics } = setup();
  const recorder = metrics.recorder(OUTBOUND);
  recorder.record(streamInfo({ details: 'a' }));
  recorder.record(streamInfo({ details: 'b', end: 4000 }));
  const text = await own.text();
  assert.match(text, /istio_requests_total\{[^}]*\} 2\n/);
  const bucket = (le: string) =>
    Number(new RegExp(`istio_request_duration_milliseconds_bucket\\{[^}]*le="${le}"\\} (\\d+)`).exec(text)![1]);
  assert.deepEqual([bucket('10'), bucket('25'), bucket('2500'), bucket('5000'), bucket('\\+Inf')], [0, 1, 1, 2, 2]);
  assert.match(text, /istio_request_duration_milliseconds_sum\{[^}]*\} 3012\n/);
  assert.match(text, /istio_request_duration_milliseconds_count\{[^}]*\} 2\n/);
  assert.match(text, /istio_request_bytes_sum\{[^}]*\} 184\n/);
  assert.match(text, /istio_response_bytes_sum\{[^}]*\} 212\n/);
});

test('gRPC requests carry their status, inbound ones whether they came by mutual TLS', async () => {
  const { own, metrics } = setup();
  const istio = { ...OUTBOUND.istio!, reporter: 'destination' as const };
  const recorder = metrics.recorder({ ...OUTBOUND, istio });
  const grpc = {
    requestHeaders: requestHeaders({ 'content-type': 'application/grpc' }),
    responseHeaders: responseHeaders(200, { 'grpc-status': '14' }),
  };
  recorder.record(streamInfo(grpc));
  const tlsInfo = { peerUriSans: ['spiffe://c/ns/d/sa/e'] } as unknown as TlsInfo;
  recorder.record(streamInfo({ ...grpc, connection: connectionInfo({ tls: true, tlsInfo }) }));
  const text = await own.text();
  assert.match(
    text,
    /request_protocol="grpc",response_code="200",grpc_response_status="14",response_flags="-",connection_security_policy="none"\} 1\n/,
  );
  assert.match(text, /grpc_response_status="14",response_flags="-",connection_security_policy="mutual_tls"\} 1\n/);
});

test('a route configured anew goes on counting where it was', async () => {
  const { own, metrics } = setup();
  metrics.recorder(PLAIN).record(streamInfo());
  metrics.recorder({ ...PLAIN }).record(streamInfo());
  assert.match(await own.text(), /\} 2\n/);
});

test('details that never repeat end up in one series', async () => {
  const { own, metrics } = setup();
  const recorder = metrics.recorder(PLAIN);
  for (let i = 0; i < OUTCOME_LIMIT + 50; i++) recorder.record(streamInfo({ details: `d${i}` }));
  const all = lines(await own.text());
  assert.equal(all.length, OUTCOME_LIMIT + 1);
  assert.match(all[OUTCOME_LIMIT], /response_code_details="other"\} 50$/);
});

test('a gauge of another part is written beside them, and a name is given once', async () => {
  const { own } = setup();
  const gauge = {
    name: 'halfopen_upstream_cx_send_queue_bytes',
    help: 'h',
    type: 'gauge' as const,
    collect: () => [{ suffix: '', labels: { host: 'a"b' }, value: 5 }],
  };
  own.register(gauge);
  assert.equal(
    await own.text(),
    '# HELP halfopen_upstream_cx_send_queue_bytes h\n# TYPE halfopen_upstream_cx_send_queue_bytes gauge\nhalfopen_upstream_cx_send_queue_bytes{host="a\\"b"} 5\n',
  );
  assert.throws(() => own.register(gauge), /registered twice/);
});
