import { H } from '../../base/header-names.js';
import type { HeaderMap, RequestHeaders, ResponseHeaders, Trailers } from '../../base/headers.js';
import { LogLinearHistogram } from '../../observe/histogram.js';
import type { Histogram, StatSource, StatStore, StatVisitor } from '../../observe/stats.js';
import { sanitizeStatName } from '../../observe/store.js';
import type { GrpcMessageCounts } from '../../observe/stream-info.js';
import { isGrpcRequest } from '../../router/grpc.js';
import type { GrpcStatsFilter as GrpcStatsProto } from '../../xds/types.js';
import { type HttpFilterConfig, Step, StreamFilter, type StreamFilterFactory, type StreamFilters } from './chain.js';
import type { FilterDeps } from './deps.js';

/** Names of methods come with traffic: more than this many are not counted apart. */
const METHOD_LIMIT = 2000;

/** `cluster.<name>.grpc.` or `cluster.<name>.grpc.<service>.<method>.`; a counter appears when it is first charged, as Envoy's do. */
class MethodCounts {
  private readonly codes = new Map<string, number>();
  private success = 0;
  private failure = 0;
  private total = 0;
  requestMessages = 0;
  responseMessages = 0;
  private time: Histogram | null = null;

  constructor(private readonly prefix: string) {}

  /** @param code text of grpc-status */
  charge(code: string): void {
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
    if (code === '0') this.success++;
    else this.failure++;
    this.total++;
  }

  recordTime(ms: number): void {
    (this.time ??= new LogLinearHistogram()).record(ms);
  }

  visit(visitor: StatVisitor): void {
    const { prefix } = this;
    const counter = (name: string, value: number) => {
      if (value > 0) visitor.counter(prefix + name, value);
    };
    for (const [code, count] of this.codes) counter(sanitizeStatName(code), count);
    counter('success', this.success);
    counter('failure', this.failure);
    counter('total', this.total);
    counter('request_message_count', this.requestMessages);
    counter('response_message_count', this.responseMessages);
    if (this.time !== null) visitor.histogram(`${prefix}upstream_rq_time`, this.time);
  }
}

/** The counts of all filters of a process. */
class GrpcCounts implements StatSource {
  private readonly byPrefix = new Map<string, MethodCounts>();

  of(cluster: string, method: string): MethodCounts | null {
    const prefix = `cluster.${sanitizeStatName(cluster)}.grpc.${method === '' ? '' : `${sanitizeStatName(method)}.`}`;
    let counts = this.byPrefix.get(prefix);
    if (counts === undefined) {
      if (this.byPrefix.size >= METHOD_LIMIT) return null;
      this.byPrefix.set(prefix, (counts = new MethodCounts(prefix)));
    }
    return counts;
  }

  visit(visitor: StatVisitor): void {
    for (const counts of this.byPrefix.values()) counts.visit(visitor);
  }

  reset(): void {
    this.byPrefix.clear();
  }
}

/** Counts the messages in a body: each begins with a flag and a length of four bytes. */
class MessageCounter {
  /** Bytes of the head that were seen. */
  private head = 0;
  private length = 0;
  /** Bytes that the message still has. */
  private left = 0;

  /** The number of messages that begin in `data`; a message begins with the last byte of its head. */
  add(data: Uint8Array): number {
    let messages = 0;
    for (let i = 0; i < data.length; ) {
      if (this.left > 0) {
        const step = Math.min(this.left, data.length - i);
        this.left -= step;
        i += step;
        continue;
      }
      if (this.head > 0) this.length = this.length * 256 + data[i];
      i++;
      if (++this.head < 5) continue;
      messages++;
      this.left = this.length;
      this.head = this.length = 0;
    }
    return messages;
  }
}

/** `service.method` of `/service/method`; null for another path. */
function methodOf(path: string, replaceDots: boolean): string | null {
  const end = path.indexOf('?');
  const parts = (end < 0 ? path : path.slice(0, end)).split('/');
  if (parts.length !== 3 || parts[0] !== '' || parts[1] === '' || parts[2] === '') return null;
  return `${replaceDots ? parts[1].replaceAll('.', '_') : parts[1]}.${parts[2]}`;
}

class GrpcStatsSettings implements StreamFilterFactory {
  private readonly listed = new Set<string>();

  constructor(
    private readonly config: GrpcStatsProto,
    private readonly counts: GrpcCounts,
  ) {
    for (const { name, method_names: methods } of config.individual_method_stats_allowlist?.services ?? [])
      for (const method of methods) this.listed.add(`${name}.${method}`);
  }

  get keepsState(): boolean {
    return this.config.emit_filter_state;
  }

  get measuresTime(): boolean {
    return this.config.enable_upstream_stats;
  }

  create(filters: StreamFilters): StreamFilter {
    return new GrpcStatsFilter(filters, this);
  }

  /** Where a request is counted; null: nowhere. */
  countsOf(path: string, cluster: string): MethodCounts | null {
    if (this.config.stats_for_all_methods === true) {
      const method = methodOf(path, this.config.replace_dots_in_grpc_service_name);
      return method === null ? null : this.counts.of(cluster, method);
    }
    const method = this.listed.size === 0 ? null : methodOf(path, false);
    return this.counts.of(cluster, method !== null && this.listed.has(method) ? method : '');
  }
}

function isGrpcType(headers: ResponseHeaders): boolean {
  const type = headers.get(H.contentType);
  return headers.status === 200 && type !== undefined && /^application\/grpc($|\+)/.test(type);
}

/** Counts gRPC requests, their messages and their outcomes for the cluster that takes them. */
class GrpcStatsFilter extends StreamFilter {
  override readonly watchesBodies = true;
  private counts: MethodCounts | null = null;
  private state: GrpcMessageCounts | null = null;
  private readonly sent = new MessageCounter();
  private readonly received = new MessageCounter();

  constructor(
    filters: StreamFilters,
    private readonly settings: GrpcStatsSettings,
  ) {
    super(filters);
  }

  override decodeHeaders(headers: RequestHeaders): Step {
    const { cluster } = this.stream;
    if (cluster !== undefined && isGrpcRequest(headers))
      this.counts = this.settings.countsOf(headers.path ?? '', cluster.observabilityName);
    return Step.CONTINUE;
  }

  override watchRequest(data: Uint8Array): void {
    if (this.counts === null) return;
    const messages = this.sent.add(data);
    this.counts.requestMessages += messages;
    if (messages > 0 && this.settings.keepsState) this.keepState().request += messages;
  }

  private keepState(): GrpcMessageCounts {
    this.state ??= this.stream.info.grpcMessages = { request: 0, response: 0 };
    return this.state;
  }

  /** The response is gRPC, whatever the request was. */
  private isGrpc = false;

  override encodeHeaders(headers: ResponseHeaders): void {
    this.isGrpc = isGrpcType(headers);
    this.charge(headers);
  }

  override encodeData(data: Uint8Array): boolean {
    if (this.isGrpc) {
      const messages = this.received.add(data);
      if (this.counts !== null) this.counts.responseMessages += messages;
      if (messages > 0 && this.settings.keepsState) this.keepState().response += messages;
    }
    return false;
  }

  override encodeTrailers(trailers: Trailers): boolean {
    this.charge(trailers);
    return false;
  }

  private charge(headers: HeaderMap): void {
    const { counts, stream } = this;
    const status = counts === null ? undefined : headers.get(H.grpcStatus);
    if (status === undefined) return;
    counts!.charge(status);
    const from = stream.info.upstream?.lastTx ?? -1;
    if (this.settings.measuresTime && from >= 0) counts!.recordTime(Math.floor(stream.dispatcher.now - from));
  }
}

const sources = new WeakMap<StatStore, GrpcCounts>();

/** `envoy.filters.http.grpc_stats`. @throws ConfigError for what is not supported */
export function compileGrpcStats(config: GrpcStatsProto, deps: FilterDeps): HttpFilterConfig {
  let counts = sources.get(deps.store);
  if (counts === undefined) {
    sources.set(deps.store, (counts = new GrpcCounts()));
    deps.store.registerSource(counts);
  }
  const settings = new GrpcStatsSettings(config, counts);
  return { checkRoute: () => undefined, forRoute: () => settings };
}
