import { type Flag, flagsText } from './flags.js';
import type { OwnMetric, OwnMetrics, Sample } from './own-metrics.js';
import type { DestinationLabels, IstioLabels } from './request-metrics.js';

/** A connection that carries bytes. */
export interface TcpFlow {
  /** '' while none is known. */
  readonly cluster: string;
  /** Bytes sent to the client so far. */
  readonly sent: number;
  /** Bytes received from the client so far. */
  readonly received: number;
}

/** Told of connections that carry bytes. */
export interface TcpRecorder {
  /** Its upstream is connected, or will never be (`flags` say why). */
  opened(flow: TcpFlow, reporter: IstioLabels['reporter'], flags: readonly Flag[]): void;
  closed(flow: TcpFlow, flags: readonly Flag[]): void;
}

interface Series {
  readonly labels: Record<string, string>;
  opened: number;
  closed: number;
  sent: number;
  received: number;
}

/** What of an open connection has been counted. */
interface Open {
  readonly reporter: IstioLabels['reporter'];
  readonly cluster: string;
  readonly series: Series;
  sent: number;
  received: number;
}

/** Istio's standard TCP metrics. Bytes of open connections are counted when they are scraped. */
export class TcpMetrics implements TcpRecorder {
  private readonly series = new Map<string, Series>();
  private readonly open = new Map<TcpFlow, Open>();

  constructor(
    own: OwnMetrics,
    private readonly destinationOf: (cluster: string) => DestinationLabels,
  ) {
    const counter = (name: string, help: string, read: (series: Series) => number): OwnMetric => ({
      name,
      help,
      type: 'counter',
      collect: () => this.collect(read),
    });
    own.register(counter('istio_tcp_connections_opened_total', 'Connections opened.', (s) => s.opened));
    own.register(counter('istio_tcp_connections_closed_total', 'Connections closed.', (s) => s.closed));
    own.register(counter('istio_tcp_sent_bytes_total', 'Bytes sent to clients.', (s) => s.sent));
    own.register(counter('istio_tcp_received_bytes_total', 'Bytes received from clients.', (s) => s.received));
  }

  opened(flow: TcpFlow, reporter: IstioLabels['reporter'], flags: readonly Flag[]): void {
    const series = this.at(reporter, flow.cluster, flags);
    series.opened++;
    this.open.set(flow, { reporter, cluster: flow.cluster, series, sent: 0, received: 0 });
  }

  closed(flow: TcpFlow, flags: readonly Flag[]): void {
    const open = this.open.get(flow);
    if (open === undefined) return;
    this.open.delete(flow);
    const series = this.at(open.reporter, open.cluster, flags);
    series.closed++;
    count(flow, open, series);
  }

  private at(reporter: IstioLabels['reporter'], cluster: string, flags: readonly Flag[]): Series {
    const key = `${reporter}\u0000${cluster}\u0000${flags.join(',')}`;
    let series = this.series.get(key);
    if (series === undefined) {
      const labels = tcpLabels(reporter, this.destinationOf(cluster), flagsText(flags));
      this.series.set(key, (series = { labels, opened: 0, closed: 0, sent: 0, received: 0 }));
    }
    return series;
  }

  private *collect(read: (series: Series) => number): Iterable<Sample> {
    for (const [flow, open] of this.open) count(flow, open, open.series);
    for (const series of this.series.values()) yield { suffix: '', labels: series.labels, value: read(series) };
  }
}

/** Adds what has come since the last time. */
function count(flow: TcpFlow, open: Open, series: Series): void {
  series.sent += flow.sent - open.sent;
  series.received += flow.received - open.received;
  open.sent = flow.sent;
  open.received = flow.received;
}

const known = (text: string | undefined, fallback = 'unknown'): string =>
  text === undefined || text === '' ? fallback : text;

/** The 23 labels of a TCP series, in Istio's order. */
function tcpLabels(reporter: string, to: DestinationLabels, flags: string): Record<string, string> {
  return {
    reporter,
    source_workload: 'unknown',
    source_canonical_service: 'unknown',
    source_canonical_revision: 'latest',
    source_workload_namespace: 'unknown',
    source_principal: 'unknown',
    source_app: 'unknown',
    source_version: 'unknown',
    source_cluster: 'unknown',
    destination_workload: known(to.workload),
    destination_workload_namespace: known(to.namespace),
    destination_principal: known(to.principal),
    destination_app: known(to.app),
    destination_version: known(to.version),
    destination_service: known(to.service),
    destination_canonical_service: known(to.canonicalService),
    destination_canonical_revision: known(to.canonicalRevision, 'latest'),
    destination_service_name: known(to.serviceName),
    destination_service_namespace: known(to.serviceNamespace),
    destination_cluster: known(to.cluster),
    request_protocol: 'tcp',
    response_flags: flags,
    connection_security_policy: reporter === 'destination' ? 'none' : 'unknown',
  };
}
