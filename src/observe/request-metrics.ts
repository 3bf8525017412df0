import { grpcStatus, isGrpcRequest } from './grpc-status.js';
import { DEFAULT_BUCKETS } from './histogram.js';
import type { OwnMetric, OwnMetrics, Sample } from './own-metrics.js';
import type { ConnectionInfo, StreamInfo } from './stream-info.js';

/**
 * Requests per path: `halfopen_requests_total` by route and outcome, details included, so that a 504 path and a 408 path are
 * separate series; and Istio's standard metrics where the proxy is a sidecar. A request costs a few comparisons and
 * additions; label texts are made when scraped.
 */

/** A workload, as Istio's labels name it; '' is unknown. */
export interface WorkloadLabels {
  workload?: string;
  namespace?: string;
  principal?: string;
  app?: string;
  version?: string;
  cluster?: string;
  canonicalService?: string;
  canonicalRevision?: string;
}

export interface DestinationLabels extends WorkloadLabels {
  /** Host of the service, such as `reviews.default.svc.cluster.local`. */
  service?: string;
  /** Short name; `BlackHoleCluster`, `PassthroughCluster`, `InboundPassthroughCluster` where there is no service. */
  serviceName?: string;
  serviceNamespace?: string;
}

export interface IstioLabels {
  reporter: 'source' | 'destination' | 'waypoint';
  source: WorkloadLabels;
  /** Asked once per cluster of a route. */
  destination(cluster: string): DestinationLabels;
}

/** What is constant for the requests of one route. */
export interface RouteLabels {
  virtualHost: string;
  route: string;
  /** null: no `istio_` series (a plain Envoy has none). */
  istio: IstioLabels | null;
}

/** Counts a finished request; made once per route when it is configured. */
export interface RouteRecorder {
  record(info: StreamInfo): void;
}

/** Outcomes per route and cluster that get series of their own; further ones are counted with details `other`. */
export const OUTCOME_LIMIT = 256;

/** Exact sum, counts per bucket of Istio's bounds; the last is +Inf. */
class BucketHistogram {
  readonly counts = new Uint32Array(DEFAULT_BUCKETS.length + 1);
  sum = 0;

  record(value: number): void {
    let i = 0;
    while (i < DEFAULT_BUCKETS.length && value > DEFAULT_BUCKETS[i]) i++;
    this.counts[i]++;
    this.sum += value;
  }
}

class Outcome {
  count = 0;
  readonly duration = new BucketHistogram();
  readonly requestBytes = new BucketHistogram();
  readonly responseBytes = new BucketHistogram();

  constructor(
    readonly code: number,
    readonly flags: readonly string[],
    readonly details: string,
    readonly grpc: boolean,
    /** -1 for none. */
    readonly grpcStatus: number,
    readonly mutualTls: boolean,
  ) {}

  is(info: StreamInfo, grpc: boolean, status: number, mutualTls: boolean): boolean {
    if (this.details !== info.details || this.grpc !== grpc || this.grpcStatus !== status) return false;
    const { flags } = info;
    if (this.mutualTls !== mutualTls || this.flags.length !== flags.length) return false;
    for (let i = 0; i < flags.length; i++) if (this.flags[i] !== flags[i]) return false;
    return true;
  }
}

const NONE: readonly Outcome[] = [];

/** The outcomes of one route with one cluster, indexed by status. */
class ClusterOutcomes {
  readonly byCode: Outcome[][] = [];
  count = 0;

  constructor(
    readonly cluster: string,
    readonly destination: DestinationLabels,
  ) {}

  find(info: StreamInfo, grpc: boolean, status: number, mutualTls: boolean): Outcome {
    const list = this.byCode[info.responseCode] ?? NONE;
    for (let i = 0; i < list.length; i++) if (list[i].is(info, grpc, status, mutualTls)) return list[i];
    return this.add(info, grpc, status, mutualTls);
  }

  private add(info: StreamInfo, grpc: boolean, status: number, mutualTls: boolean): Outcome {
    const { responseCode: code } = info;
    const list = (this.byCode[code] ??= []);
    if (this.count < OUTCOME_LIMIT) {
      this.count++;
      const made = new Outcome(code, [...info.flags], info.details, grpc, status, mutualTls);
      list.push(made);
      return made;
    }
    const known = list.find((outcome) => outcome.details === 'other');
    if (known !== undefined) return known;
    const other = new Outcome(code, [], 'other', grpc, status, mutualTls);
    list.push(other);
    return other;
  }

  *[Symbol.iterator](): Generator<Outcome> {
    for (const list of this.byCode) if (list !== undefined) yield* list;
  }
}

function isMutualTls(connection: ConnectionInfo): boolean {
  const tls = connection.tlsInfo;
  return tls !== undefined && tls !== null && tls.peerUriSans.length > 0;
}

class Recorder implements RouteRecorder {
  readonly clusters = new Map<string, ClusterOutcomes>();
  private last: ClusterOutcomes | null = null;
  private readonly byMutualTls: boolean;

  constructor(readonly labels: RouteLabels) {
    this.byMutualTls = labels.istio?.reporter === 'destination';
  }

  record(info: StreamInfo): void {
    let outcomes = this.last;
    if (outcomes === null || outcomes.cluster !== info.upstreamCluster) outcomes = this.use(info.upstreamCluster);
    const grpc = isGrpcRequest(info);
    const status = grpc ? (grpcStatus(info) ?? -1) : -1;
    const outcome = outcomes.find(info, grpc, status, this.byMutualTls && isMutualTls(info.connection));
    outcome.count++;
    if (this.labels.istio === null) return;
    outcome.duration.record(info.end < 0 ? 0 : Math.floor(info.end - info.start));
    const bytes = info.downstreamBytes;
    outcome.requestBytes.record(bytes === null ? info.bytesReceived : bytes.wireReceived);
    outcome.responseBytes.record(bytes === null ? info.bytesSent : bytes.wireSent);
  }

  private use(cluster: string): ClusterOutcomes {
    let outcomes = this.clusters.get(cluster);
    if (outcomes === undefined) {
      outcomes = new ClusterOutcomes(cluster, this.labels.istio?.destination(cluster) ?? {});
      this.clusters.set(cluster, outcomes);
    }
    this.last = outcomes;
    return outcomes;
  }
}

/** All recorders; the source of the series. */
export class RequestMetrics {
  private readonly recorders = new Map<string, Recorder>();

  /** Registers the series with the exposition. */
  constructor(own: OwnMetrics) {
    own.register(this.total());
    own.register(this.istioCounter());
    own.register(this.istioHistogram('istio_request_duration_milliseconds', (outcome) => outcome.duration));
    own.register(this.istioHistogram('istio_request_bytes', (outcome) => outcome.requestBytes));
    own.register(this.istioHistogram('istio_response_bytes', (outcome) => outcome.responseBytes));
  }

  /** The recorder of a route. A route that is configured anew with the same names goes on counting where it was. */
  recorder(labels: RouteLabels): RouteRecorder {
    const key = JSON.stringify([
      labels.virtualHost,
      labels.route,
      labels.istio?.reporter ?? '',
      labels.istio?.source ?? '',
    ]);
    let recorder = this.recorders.get(key);
    if (recorder === undefined) this.recorders.set(key, (recorder = new Recorder(labels)));
    return recorder;
  }

  private *outcomes(): Generator<[Recorder, ClusterOutcomes, Outcome]> {
    for (const recorder of this.recorders.values()) {
      for (const outcomes of recorder.clusters.values()) {
        for (const outcome of outcomes) yield [recorder, outcomes, outcome];
      }
    }
  }

  private total(): OwnMetric {
    return {
      name: 'halfopen_requests_total',
      help: 'Finished requests by route and outcome.',
      type: 'counter',
      collect: () => {
        const sums = new Summed<{ value: number }>();
        for (const [{ labels }, { cluster }, outcome] of this.outcomes()) {
          const at = sums.at(
            {
              virtual_host: labels.virtualHost,
              route: labels.route,
              cluster,
              response_code: String(outcome.code),
              response_flags: flagText(outcome),
              response_code_details: outcome.details,
            },
            () => ({ value: 0 }),
          );
          at.value += outcome.count;
        }
        return sums.samples((sum) => [{ value: sum.value }]);
      },
    };
  }

  private istioCounter(): OwnMetric {
    return {
      name: 'istio_requests_total',
      help: 'Requests handled, as Istio counts them.',
      type: 'counter',
      collect: () => {
        const sums = new Summed<{ value: number }>();
        for (const [recorder, outcomes, outcome] of this.outcomes()) {
          const labels = istioLabels(recorder, outcomes, outcome);
          if (labels !== null) sums.at(labels, () => ({ value: 0 })).value += outcome.count;
        }
        return sums.samples((sum) => [{ value: sum.value }]);
      },
    };
  }

  private istioHistogram(name: string, read: (outcome: Outcome) => BucketHistogram): OwnMetric {
    return {
      name,
      help: 'As Istio measures it.',
      type: 'histogram',
      collect: () => {
        const sums = new Summed<{ counts: number[]; sum: number }>();
        for (const [recorder, outcomes, outcome] of this.outcomes()) {
          const labels = istioLabels(recorder, outcomes, outcome);
          if (labels === null) continue;
          const histogram = read(outcome);
          const at = sums.at(labels, () => ({ counts: new Array<number>(histogram.counts.length).fill(0), sum: 0 }));
          for (let i = 0; i < histogram.counts.length; i++) at.counts[i] += histogram.counts[i];
          at.sum += histogram.sum;
        }
        return sums.samples(({ counts, sum }) => {
          let below = 0;
          const out: Partial<Sample>[] = counts.map((count, i) => {
            below += count;
            const le = i < DEFAULT_BUCKETS.length ? String(DEFAULT_BUCKETS[i]) : '+Inf';
            return { suffix: '_bucket', extra: { le }, value: below };
          });
          out.push({ suffix: '_sum', value: sum }, { suffix: '_count', value: below });
          return out;
        });
      },
    };
  }
}

/** Values added up by equal labels, in the order the labels first came. */
class Summed<T> {
  private readonly entries = new Map<string, { labels: Record<string, string>; value: T }>();

  at(labels: Record<string, string>, make: () => T): T {
    const key = Object.values(labels).join('\u0000');
    let entry = this.entries.get(key);
    if (entry === undefined) this.entries.set(key, (entry = { labels, value: make() }));
    return entry.value;
  }

  samples(write: (value: T) => Partial<Sample>[]): Sample[] {
    const out: Sample[] = [];
    for (const { labels, value } of this.entries.values()) {
      for (const { suffix = '', extra, value: number = 0 } of write(value)) {
        out.push({ suffix, labels: extra === undefined ? labels : { ...labels, ...extra }, value: number });
      }
    }
    return out;
  }
}

function flagText({ flags }: Outcome): string {
  return flags.length === 0 ? '-' : flags.join(',');
}

const known = (text: string | undefined, fallback = 'unknown'): string =>
  text === undefined || text === '' ? fallback : text;

/** The 25 labels in Istio's order. */
function istioLabels(
  { labels: { istio } }: Recorder,
  { destination: to }: ClusterOutcomes,
  outcome: Outcome,
): Record<string, string> | null {
  if (istio === null) return null;
  const from = istio.source;
  const inbound = istio.reporter === 'destination';
  return {
    reporter: istio.reporter,
    source_workload: known(from.workload),
    source_canonical_service: known(from.canonicalService),
    source_canonical_revision: known(from.canonicalRevision, 'latest'),
    source_workload_namespace: known(from.namespace),
    source_principal: known(from.principal),
    source_app: known(from.app),
    source_version: known(from.version),
    source_cluster: known(from.cluster),
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
    request_protocol: outcome.grpc ? 'grpc' : 'http',
    response_code: String(outcome.code),
    grpc_response_status: outcome.grpcStatus < 0 ? '' : String(outcome.grpcStatus),
    response_flags: flagText(outcome),
    connection_security_policy: inbound ? (outcome.mutualTls ? 'mutual_tls' : 'none') : 'unknown',
  };
}
