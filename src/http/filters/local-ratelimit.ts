import { permanentName } from '../../base/header-names.js';
import type { RequestHeaders, ResponseHeaders } from '../../base/headers.js';
import type { Random } from '../../base/random.js';
import { addFlag } from '../../observe/flags.js';
import type { ConnectionInfo } from '../../observe/stream-info.js';
import { HeaderMutation } from '../../router/header-mutation.js';
import { Fraction } from '../../router/route-match.js';
import type { ReplyHeaders } from '../../router/router-callbacks.js';
import { unsupported } from '../../xds/decode.js';
import { type EnumType, typeOf } from '../../xds/schema.js';
import type { Any, HeaderValueOption, LocalRateLimit, TokenBucket as TokenBucketProto } from '../../xds/types.js';
import { type HttpFilterConfig, Step, StreamFilter, type StreamFilterFactory, type StreamFilters } from './chain.js';
import { type FilterDeps, sharedStats } from './deps.js';
import type { RouteSettings } from './route-settings.js';
import { TokenBucket } from './token-bucket.js';

const LIMIT = permanentName('x-ratelimit-limit');
const REMAINING = permanentName('x-ratelimit-remaining');
const RESET = permanentName('x-ratelimit-reset');
const RETRY_AFTER = permanentName('retry-after');
const GRPC_RESOURCE_EXHAUSTED = 8;
const TOO_MANY_REQUESTS = 429;

/** `<stat_prefix>.http_local_rate_limit.` */
export class LocalRateLimitStats {
  enabled = 0;
  enforced = 0;
  rate_limited = 0;
  ok = 0;
}

/** One LocalRateLimit message, compiled; the bucket is shared by all requests it applies to. */
class LimitSettings implements StreamFilterFactory {
  readonly stats: LocalRateLimitStats;
  readonly status: number;
  readonly grpcStatus: number | undefined;
  readonly whenNotEnforced: HeaderMutation | null;
  readonly onReply: HeaderMutation | null;
  readonly tellsLimit: boolean;
  readonly tellsRetryAfter: boolean;
  private readonly enabled: Fraction | null;
  private readonly enforced: Fraction | null;
  private readonly bucketConfig: TokenBucketProto | null;
  private bucket: TokenBucket | null = null;
  private readonly byConnection: WeakMap<ConnectionInfo, TokenBucket> | null;

  constructor(config: LocalRateLimit, deps: FilterDeps) {
    if (config.descriptors.length > 0)
      unsupported(config, 'descriptors', 'local rate limits have one bucket, without descriptors');
    if (config.rate_limits.length > 0)
      unsupported(config, 'rate_limits', 'local rate limits have one bucket, without descriptors');
    if (config.local_cluster_rate_limit !== undefined)
      unsupported(config, 'local_cluster_rate_limit', 'a bucket is not shared among proxies');
    this.stats = sharedStats(deps.store, `${config.stat_prefix}.http_local_rate_limit.`, LocalRateLimitStats);
    const code = (typeOf('StatusCode') as EnumType).numbers.get(config.status?.code ?? '') ?? 0;
    this.status = code < 400 ? TOO_MANY_REQUESTS : code;
    this.grpcStatus = config.rate_limited_as_resource_exhausted ? GRPC_RESOURCE_EXHAUSTED : undefined;
    const headers = (add: readonly HeaderValueOption[]) =>
      HeaderMutation.compile({ add, remove: [], owner: config, removeKey: '' }, deps.compileFormat);
    this.whenNotEnforced = headers(config.request_headers_to_add_when_not_enforced);
    this.onReply = headers(config.response_headers_to_add);
    this.tellsLimit = config.enable_x_ratelimit_headers === 'DRAFT_VERSION_03';
    this.tellsRetryAfter = config.enable_retry_after_header;
    this.enabled = config.filter_enabled === undefined ? null : new Fraction(config.filter_enabled);
    this.enforced = config.filter_enforced === undefined ? null : new Fraction(config.filter_enforced);
    this.bucketConfig = config.token_bucket ?? null;
    this.byConnection = config.local_rate_limit_per_downstream_connection ? new WeakMap() : null;
  }

  /** Not written: never. */
  isEnabled(random: Random): boolean {
    return this.enabled?.includes(random.u32()) === true;
  }

  isEnforced(random: Random): boolean {
    return this.enforced?.includes(random.u32()) === true;
  }

  get inert(): boolean {
    return this.enabled === null;
  }

  /** Null: without a bucket every request is allowed. */
  bucketOf(connection: ConnectionInfo, now: number): TokenBucket | null {
    const { bucketConfig, byConnection } = this;
    if (bucketConfig === null) return null;
    if (byConnection === null) return (this.bucket ??= new TokenBucket(bucketConfig, now));
    let bucket = byConnection.get(connection);
    if (bucket === undefined) byConnection.set(connection, (bucket = new TokenBucket(bucketConfig, now)));
    return bucket;
  }

  create(filters: StreamFilters): StreamFilter {
    return new LocalRateLimitFilter(filters, this);
  }
}

/** Answers requests beyond a rate (LocalRateLimit). */
class LocalRateLimitFilter extends StreamFilter implements ReplyHeaders {
  readonly overloaded = false;
  private bucket: TokenBucket | null = null;
  private limited = false;

  constructor(
    filters: StreamFilters,
    private readonly settings: LimitSettings,
  ) {
    super(filters);
  }

  override decodeHeaders(headers: RequestHeaders): Step {
    const { settings, stream } = this;
    const { random } = stream.dispatcher;
    if (!settings.isEnabled(random)) return Step.CONTINUE;
    const { stats } = settings;
    const { now } = stream.dispatcher;
    stats.enabled++;
    const bucket = (this.bucket = settings.bucketOf(stream.info.connection, now));
    if (bucket === null || bucket.take(now)) {
      stats.ok++;
      return Step.CONTINUE;
    }
    stats.rate_limited++;
    if (!settings.isEnforced(random)) {
      settings.whenNotEnforced?.apply(headers, stream.info);
      return Step.CONTINUE;
    }
    stats.enforced++;
    this.limited = true;
    addFlag(stream.info, 'RL');
    stream.sendLocalReply(settings.status, 'local_rate_limited', 'local_rate_limited', this, settings.grpcStatus);
    return Step.STOP_AND_WATERMARK;
  }

  addReplyHeaders(headers: ResponseHeaders): void {
    this.settings.onReply?.apply(headers, this.stream.info);
  }

  override encodeHeaders(headers: ResponseHeaders): void {
    const { settings, bucket } = this;
    if (bucket === null) return;
    const { now } = this.stream.dispatcher;
    if (settings.tellsLimit) {
      headers.set(LIMIT, String(bucket.maxTokens));
      headers.set(REMAINING, String(bucket.remaining(now)));
      headers.set(RESET, String(Math.ceil(bucket.untilNext(now) / 1000)));
    }
    if (settings.tellsRetryAfter && this.limited)
      headers.set(RETRY_AFTER, String(Math.ceil(bucket.untilNext(now) / 1000)));
  }
}

/** `envoy.filters.http.local_ratelimit`. @throws ConfigError for what is not supported */
export function compileLocalRateLimit(config: LocalRateLimit, deps: FilterDeps): HttpFilterConfig {
  const general = new LimitSettings(config, deps);
  const byMessage = new WeakMap<Any, LimitSettings>();
  const make = (message: Any): LimitSettings => {
    let settings = byMessage.get(message);
    if (settings === undefined) {
      settings = new LimitSettings(message as unknown as LocalRateLimit, deps);
      byMessage.set(message, settings);
    }
    return settings;
  };
  return {
    checkRoute: (own) => void make(own),
    forRoute({ own }: RouteSettings): StreamFilterFactory | null {
      const settings = own === null ? general : make(own);
      return settings.inert ? null : settings;
    },
  };
}
