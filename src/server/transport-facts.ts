import type { Dispatcher } from '../base/dispatcher.js';
import { native } from '../network/native.js';
import type { OwnMetric } from '../observe/own-metrics.js';
import type { TransportFacts } from '../observe/recorder.js';
import type { ClusterManagerImpl } from '../upstream/cluster-manager.js';
import type { TrackedClient } from '../upstream/cluster-stats.js';
import { ActiveClient } from '../upstream/pool/active-client.js';
import { DEFAULT_STALL_LIMITS, judge, type StallSignals } from '../upstream/stall-detector.js';
import type { UpstreamConnectionInfo } from '../upstream/types.js';

/** What an HTTP/2 codec tells of itself; HTTP/1 has none of it. */
interface Http2Facts {
  readonly pingOutstandingSince?: number;
  readonly queuedBytes?: number;
  readonly peerWindow?: number;
}

/** Signals of one upstream connection at this moment. */
export function signalsOf(client: TrackedClient, dispatcher: Dispatcher): StallSignals {
  const { connection } = client;
  const now = dispatcher.now;
  const info = native?.tcpInfo(connection.fd) ?? null;
  const facts: Http2Facts = client.codec ?? {};
  const since = facts.pingOutstandingSince ?? -1;
  const queuedInCodec = facts.queuedBytes ?? 0;
  return {
    sendQueue: native?.sendQueue(connection.fd) ?? -1,
    acknowledged: -1,
    retransmits: info?.retransmits ?? -1,
    probes: info?.probes ?? -1,
    unacked: info?.unacked ?? -1,
    sinceRead: now - client.lastRead,
    queued: connection.unsentBytes() + queuedInCodec,
    peerWindow: queuedInCodec > 0 ? (facts.peerWindow ?? null) : null,
    pingOutstanding: since < 0 ? -1 : now - since,
    activeStreams: client.activeStreams,
    loopLag: 0,
  };
}

/** For `explain`: what is known of the connection of an attempt that is given up after `waited` ms. */
export function transportFacts(
  connection: UpstreamConnectionInfo,
  waited: number,
  dispatcher: Dispatcher,
): TransportFacts | null {
  if (!(connection instanceof ActiveClient)) return null;
  const signals = signalsOf(connection, dispatcher);
  // Silence for half of what the request waited is silence, however short its timeout is.
  const quiet = Math.min(DEFAULT_STALL_LIMITS.quiet, waited / 2);
  const found = judge(signals, { ...DEFAULT_STALL_LIMITS, quiet });
  const written = connection.connection.txBytes;
  return {
    verdict: found.verdict,
    evidence: found.because,
    accepted: written + connection.connection.unsentBytes(),
    written,
    acknowledged: signals.sendQueue < 0 ? -1 : written - signals.sendQueue,
    sendQueue: signals.sendQueue,
    retransmits: signals.retransmits,
  };
}

/** Gauges of upstream connections that no proxy statistic shows: kernel queue, retransmissions, silence, verdict. */
export function connectionMetrics(clusters: ClusterManagerImpl, dispatcher: Dispatcher): OwnMetric[] {
  const labels = (client: TrackedClient) => ({
    cluster: client.clusterName,
    host: client.host.address,
    connection: String(client.id),
  });
  const gauge = (name: string, help: string, read: (signals: StallSignals) => number): OwnMetric => ({
    name,
    help,
    type: 'gauge',
    *collect() {
      for (const client of clusters.connections()) {
        const value = read(signalsOf(client, dispatcher));
        if (value >= 0) yield { suffix: '', labels: labels(client), value };
      }
    },
  });
  return [
    gauge('halfopen_upstream_cx_send_queue_bytes', 'Bytes written and not acknowledged (Send-Q).', (s) => s.sendQueue),
    gauge('halfopen_upstream_cx_queued_bytes', 'Bytes held for the peer outside the kernel.', (s) => s.queued),
    gauge(
      'halfopen_upstream_cx_retransmits',
      'Retransmissions of the oldest unacknowledged segment.',
      (s) => s.retransmits,
    ),
    gauge('halfopen_upstream_cx_silence_seconds', 'Time since a byte was read.', (s) => s.sinceRead / 1000),
    {
      name: 'halfopen_upstream_cx_verdict',
      help: 'Stall verdict of the connection: 1 for the verdict that holds.',
      type: 'gauge',
      *collect() {
        for (const client of clusters.connections()) {
          const { verdict } = judge(signalsOf(client, dispatcher));
          yield { suffix: '', labels: { ...labels(client), verdict }, value: 1 };
        }
      },
    },
  ];
}
