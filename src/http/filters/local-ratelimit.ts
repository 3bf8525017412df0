import { permanentName } from '../../base/header-names.js';
import type { RequestHeaders, ResponseHeaders } from '../../base/headers.js';
import type { Random } from '../../base/random.js';
import { addFlag } from '../../observe/flags.js';
import type { ConnectionInfo, StreamInfo } from '../../observe/stream-info.js';
import { HeaderMutation } from '../../router/header-mutation.js';
import type { RouteEntry } from '../../router/route-entry.js';
import { Fraction } from '../../router/route-match.js';
import type { ReplyHeaders } from '../../router/router-callbacks.js';
import { unsupported } from '../../xds/decode.js';
import type {
  Any,
  HeaderValueOption,
  LocalRateLimit,
  LocalRateLimitDescriptor,
  RateLimit,
  TokenBucket as TokenBucketProto,
  VhRateLimitsOptions,
  VirtualHost,
} from '../../xds/types.js';
import { statusNumber } from '../status.js';
import { type HttpFilterConfig, Step, StreamFilter, type StreamFilterFactory, type StreamFilters } from './chain.js';
import { type FilterDeps, sharedStats } from './deps.js';
import { DescriptorRule, descriptorKey } from './rate-limit-actions.js';
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

interface RateLimitedRequest {
  readonly headers: RequestHeaders;
  readonly info: StreamInfo;
  readonly ownCluster: string;
  readonly now: number;
}

interface Decision {
  bucket: TokenBucket | null;
  allowed: boolean;
}

const decision: Decision = { bucket: null, allowed: true };

/** The default bucket and those of the descriptors. */
class Buckets {
  readonly fallback: TokenBucket | null;
  readonly byDescriptor = new Map<string, TokenBucket>();

  constructor(fallback: TokenBucketProto | null, descriptors: readonly LocalRateLimitDescriptor[], now: number) {
    this.fallback = fallback === null ? null : new TokenBucket(fallback, now);
    for (const { entries, token_bucket: config } of descriptors) {
      const key = descriptorKey(entries.flatMap((entry) => [entry.key, entry.value]));
      this.byDescriptor.set(key, new TokenBucket(config, now));
    }
  }
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
  readonly ownCluster: string;
  private readonly bucketConfig: TokenBucketProto | null;
  private readonly descriptors: readonly LocalRateLimitDescriptor[];
  /** rate_limits of the filter: they replace those of the route. */
  private readonly ownRules: readonly DescriptorRule[];
  private readonly stage: number;
  private readonly hostRules: VhRateLimitsOptions;
  private readonly alwaysDefault: boolean;
  private buckets: Buckets | null = null;
  private readonly byConnection: WeakMap<ConnectionInfo, Buckets> | null;

  constructor(config: LocalRateLimit, deps: FilterDeps, ownCluster: string) {
    this.ownCluster = ownCluster;
    for (const descriptor of config.descriptors) {
      if (descriptor.shadow_mode) unsupported(descriptor, 'shadow_mode', 'a descriptor that only counts');
      for (const entry of descriptor.entries)
        if (entry.value === '') unsupported(entry, 'value', 'a descriptor for every value');
    }
    if (config.max_dynamic_descriptors !== undefined)
      unsupported(config, 'max_dynamic_descriptors', 'a descriptor for every value');
    this.descriptors = config.descriptors;
    this.ownRules = config.rate_limits.map((one) => new DescriptorRule(one, deps));
    this.stage = config.stage;
    this.hostRules = config.vh_rate_limits;
    this.alwaysDefault = config.always_consume_default_token_bucket ?? true;
    if (config.local_cluster_rate_limit !== undefined)
      unsupported(config, 'local_cluster_rate_limit', 'a bucket is not shared among proxies');
    this.stats = sharedStats(deps.store, `${config.stat_prefix}.http_local_rate_limit.`, LocalRateLimitStats);
    const code = config.status === undefined ? 0 : statusNumber(config.status);
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

  private bucketsOf(connection: ConnectionInfo, now: number): Buckets {
    const { byConnection } = this;
    if (byConnection === null) return (this.buckets ??= new Buckets(this.bucketConfig, this.descriptors, now));
    let buckets = byConnection.get(connection);
    if (buckets === undefined)
      byConnection.set(connection, (buckets = new Buckets(this.bucketConfig, this.descriptors, now)));
    return buckets;
  }

  /** The rules that make descriptors on a route, compiled by `forRoute`. */
  rulesOf(
    own: readonly DescriptorRule[],
    host: readonly DescriptorRule[],
    include: boolean,
  ): readonly DescriptorRule[] {
    if (this.descriptors.length === 0) return [];
    const all =
      this.ownRules.length > 0
        ? this.ownRules
        : include || this.hostRules === 'INCLUDE' || (this.hostRules === 'OVERRIDE' && own.length === 0)
          ? [...own, ...host]
          : own;
    return all.filter((rule) => rule.stage === this.stage);
  }

  /**
   * Takes tokens: of each descriptor that the request has, slowest bucket first, then of the default bucket.
   * @param out what was decided: the bucket that is told of, null without one, and whether the request may pass
   */
  take(rules: readonly DescriptorRule[], request: RateLimitedRequest, out: Decision): void {
    const { now } = request;
    const buckets = this.bucketsOf(request.info.connection, now);
    let told: TokenBucket | null = null;
    if (rules.length > 0) {
      const matched: TokenBucket[] = [];
      for (const rule of rules) {
        const key = rule.keyOf(request);
        const bucket = key === null ? undefined : buckets.byDescriptor.get(key);
        if (bucket !== undefined) matched.push(bucket);
      }
      matched.sort((a, b) => a.rate - b.rate);
      for (const bucket of matched)
        if (!bucket.take(now)) {
          out.bucket = bucket;
          out.allowed = false;
          return;
        }
      told = matched[0] ?? null;
    }
    out.bucket = told;
    out.allowed = true;
    const { fallback } = buckets;
    if (fallback === null || (told !== null && !this.alwaysDefault)) return;
    out.allowed = fallback.take(now);
    if (!out.allowed || told === null) out.bucket = fallback;
  }

  withRules(rules: readonly DescriptorRule[]): StreamFilterFactory {
    return { create: (filters) => new LocalRateLimitFilter(filters, this, rules) };
  }

  create(filters: StreamFilters): StreamFilter {
    return new LocalRateLimitFilter(filters, this, []);
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
    private readonly rules: readonly DescriptorRule[],
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
    const { info } = stream;
    settings.take(this.rules, { headers, info, ownCluster: settings.ownCluster, now }, decision);
    this.bucket = decision.bucket;
    if (decision.allowed) {
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
export function compileLocalRateLimit(
  config: LocalRateLimit,
  deps: FilterDeps,
  ownCluster: string,
  hostOf: (route: RouteEntry) => VirtualHost | null,
): HttpFilterConfig {
  const general = new LimitSettings(config, deps, ownCluster);
  const rules = (limits: readonly RateLimit[] = []) => limits.map((one) => new DescriptorRule(one, deps));
  const byMessage = new WeakMap<Any, LimitSettings>();
  const make = (message: Any): LimitSettings => {
    let settings = byMessage.get(message);
    if (settings === undefined) {
      settings = new LimitSettings(message as unknown as LocalRateLimit, deps, ownCluster);
      byMessage.set(message, settings);
    }
    return settings;
  };
  return {
    checkRoute: (own) => void make(own),
    forRoute({ own }: RouteSettings, route: RouteEntry | null): StreamFilterFactory | null {
      const settings = own === null ? general : make(own);
      if (settings.inert) return null;
      const action = route?.config?.route;
      const host = route === null ? null : hostOf(route);
      const ofRoute = settings.rulesOf(
        rules(action?.rate_limits),
        rules(host?.rate_limits),
        action?.include_vh_rate_limits ?? false,
      );
      return ofRoute.length === 0 ? settings : settings.withRules(ofRoute);
    },
  };
}
