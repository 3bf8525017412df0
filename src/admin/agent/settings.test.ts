import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptedTypes, parseScrape } from './metrics.js';
import { parseProbers } from './probers.js';
import { isLoopback } from './server.js';
import { agentSettings } from './settings.js';

const probers = (value: unknown) => JSON.stringify(value);

test('an empty environment gives the defaults of Istio', () => {
  const settings = agentSettings({}, 15020);
  assert.equal(settings.readyPort, 15021);
  assert.equal(settings.statsPort, 15090);
  assert.equal(settings.bindAddress, '0.0.0.0');
  assert.equal(settings.terminationDrainMs, 5000);
  assert.equal(settings.exitOnZeroConnections, false);
  assert.equal(settings.minimumDrainMs, 5000);
  assert.equal(settings.probeDestination, 'localhost');
  assert.equal(settings.probeSource, undefined);
  assert.equal(settings.probers.size, 0);
  assert.deepEqual(settings.scrapeTargets, []);
});

test('the application is probed at the address of the pod, from the address that is not redirected', () => {
  const v4 = agentSettings({ INSTANCE_IP: '10.244.0.7' }, 15020);
  assert.deepEqual([v4.probeDestination, v4.probeSource, v4.bindAddress], ['10.244.0.7', '127.0.0.6', '0.0.0.0']);
  const v6 = agentSettings({ INSTANCE_IP: 'fd00::7' }, 15020);
  assert.deepEqual([v6.probeDestination, v6.probeSource, v6.bindAddress], ['fd00::7', '::6', '::']);
  const none = agentSettings({ INSTANCE_IP: '10.244.0.7', ISTIO_META_INTERCEPTION_MODE: 'NONE' }, 15020);
  assert.equal(none.probeSource, undefined);
  const legacy = agentSettings({ INSTANCE_IP: '10.1.1.1', REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION: 'true' }, 15020);
  assert.equal(legacy.probeDestination, 'localhost');
});

test('durations and booleans are read as Go reads them, and a wrong one is named', () => {
  const env = { MINIMUM_DRAIN_DURATION: '1m30s', EXIT_ON_ZERO_ACTIVE_CONNECTIONS: 'T' };
  assert.equal(agentSettings(env, 15020).minimumDrainMs, 90_000);
  assert.equal(agentSettings(env, 15020).exitOnZeroConnections, true);
  assert.equal(agentSettings({ MINIMUM_DRAIN_DURATION: '1.5s' }, 15020).minimumDrainMs, 1500);
  assert.equal(agentSettings({ MINIMUM_DRAIN_DURATION: '250ms' }, 15020).minimumDrainMs, 250);
  assert.equal(agentSettings({ TERMINATION_DRAIN_DURATION_SECONDS: '9' }, 15020).terminationDrainMs, 9000);
  for (const [name, value] of [
    ['MINIMUM_DRAIN_DURATION', '5'],
    ['MINIMUM_DRAIN_DURATION', '5 s'],
    ['EXIT_ON_ZERO_ACTIVE_CONNECTIONS', 'yes'],
    ['TERMINATION_DRAIN_DURATION_SECONDS', '5s'],
  ])
    assert.throws(() => agentSettings({ [name]: value }, 15020), new RegExp(`^Error: ${name}: '${value}'`));
});

test('the probes of injection are read in all three kinds', () => {
  const read = parseProbers(
    probers({
      '/app-health/app/livez': { httpGet: { path: 'live', port: 8080, scheme: 'HTTPS' }, timeoutSeconds: 3 },
      '/app-health/app/readyz': { tcpSocket: { port: 9000 } },
      '/app-health/app/startupz': { grpc: { port: 9001, service: null }, timeoutSeconds: 1 },
      '/app-lifecycle/app/prestopz': { httpGet: { port: 8080 } },
    }),
  );
  assert.deepEqual(read.get('/app-health/app/livez'), {
    timeoutMs: 3000,
    kind: 'httpGet',
    httpGet: { path: '/live', port: 8080, https: true },
  });
  assert.deepEqual(read.get('/app-health/app/readyz'), { timeoutMs: 0, kind: 'tcpSocket', port: 9000 });
  assert.deepEqual(read.get('/app-health/app/startupz'), { timeoutMs: 1000, kind: 'grpc', port: 9001, service: '' });
  assert.equal(read.size, 4);
});

test('a probe that cannot be asked is refused with its path', () => {
  const refused: [unknown, RegExp][] = [
    [{ '/livez': { tcpSocket: { port: 1 } } }, /'\/livez' is no path/],
    [{ '/app-health/a/livez': {} }, /must be one of/],
    [{ '/app-health/a/livez': { tcpSocket: { port: 1 }, grpc: { port: 2 } } }, /must be one of/],
    [{ '/app-health/a/livez': { httpGet: { port: 'http' } } }, /the port "http"/],
    [{ '/app-health/a/livez': { tcpSocket: { port: 70000 } } }, /the port 70000/],
    [{ '/app-health/a/livez': { tcpSocket: { port: 1 }, timeoutSeconds: -1 } }, /timeoutSeconds/],
    [[], /not an object/],
  ];
  for (const [value, message] of refused) assert.throws(() => parseProbers(probers(value)), message);
  assert.throws(() => parseProbers('{'), /ISTIO_KUBE_APP_PROBERS/);
});

test('the page to scrape has the defaults of Prometheus annotations; the ports of the sidecar are refused', () => {
  assert.deepEqual(parseScrape('{"scrape":"true","path":"","port":""}', 15020), [{ port: 80, path: '/metrics' }]);
  assert.deepEqual(parseScrape('{"scrape":"false","port":"8080"}', 15020), []);
  assert.deepEqual(parseScrape('{"port":"1","targets":[{"port":"8080","path":"/a"},{"port":"8081"}]}', 15020), [
    { port: 8080, path: '/a' },
    { port: 8081, path: '/metrics' },
  ]);
  for (const port of ['15020', '015020', '15090', '15021'])
    assert.throws(() => parseScrape(JSON.stringify({ port }), 15020), /no port of the application/);
  assert.throws(() => parseScrape('{"port":"16020"}', 16020), /no port of the application/);
  for (const port of ['0', '65536', 'http', '-1'])
    assert.throws(() => parseScrape(JSON.stringify({ port }), 15020), /not a port/);
});

test('of the formats that Prometheus asks for, those that can be merged are asked of the application', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/vnd.google.protobuf;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
  assert.equal(
    acceptedTypes(prometheus),
    'application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.8',
  );
  assert.equal(acceptedTypes(undefined), 'text/plain;version=0.0.4');
  assert.equal(acceptedTypes('application/json'), 'text/plain;version=0.0.4');
  assert.equal(acceptedTypes('application/*'), 'application/openmetrics-text;version=0.0.1;q=0.9');
});

test('loopback is the whole of 127.0.0.0/8 and ::1, mapped or not', () => {
  for (const yes of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) assert.ok(isLoopback(yes), yes);
  for (const no of ['10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '']) assert.ok(!isLoopback(no), no);
});
