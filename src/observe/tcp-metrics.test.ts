import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnMetrics } from './own-metrics.js';
import { TcpMetrics } from './tcp-metrics.js';

function lines(text: string, name: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(`${name}{`));
}

test('bytes of a connection are counted while it is open, and its end under the flags it ended with', async () => {
  const own = new OwnMetrics();
  const metrics = new TcpMetrics(own, (cluster) => ({ serviceName: cluster }));
  const flow = { cluster: 'PassthroughCluster', sent: 0, received: 0 };
  metrics.opened(flow, 'source', []);
  flow.sent = 10;
  flow.received = 3;
  let text = await own.text();
  assert.match(lines(text, 'istio_tcp_sent_bytes_total')[0], /destination_service_name="PassthroughCluster".* 10$/);
  assert.match(lines(text, 'istio_tcp_received_bytes_total')[0], /reporter="source".* 3$/);
  flow.sent = 15;
  metrics.closed(flow, ['UR']);
  text = await own.text();
  const sent = lines(text, 'istio_tcp_sent_bytes_total');
  assert.match(sent[0], /response_flags="-".* 10$/);
  assert.match(sent[1], /response_flags="UR".* 5$/);
  assert.match(lines(text, 'istio_tcp_connections_opened_total')[0], /response_flags="-".* 1$/);
  assert.match(lines(text, 'istio_tcp_connections_closed_total')[1], /response_flags="UR".* 1$/);
  assert.equal(sent[0].match(/="/g)?.length, 23);
});

test('a connection that never got anywhere is opened and closed at once', async () => {
  const own = new OwnMetrics();
  const metrics = new TcpMetrics(own, () => ({}));
  const flow = { cluster: '', sent: 0, received: 0 };
  metrics.opened(flow, 'destination', ['NC']);
  metrics.closed(flow, ['NC']);
  metrics.closed(flow, ['NC']);
  const text = await own.text();
  assert.match(lines(text, 'istio_tcp_connections_opened_total')[0], /response_flags="NC".* 1$/);
  assert.match(lines(text, 'istio_tcp_connections_closed_total')[0], /connection_security_policy="none".* 1$/);
});
