import { H, type HeaderName } from '../base/header-names.js';
import type { RequestHeaders, ResponseHeaders } from '../base/headers.js';
import type { FieldRef } from '../config/position.js';
import type { RouteRecorder } from '../observe/request-metrics.js';
import type { StreamInfo } from '../observe/stream-info.js';
import { type Cluster, Priority } from '../upstream/types.js';
import type { Any, Route, RouteUpgradeConfig } from '../xds/types.js';
import type { HashPolicy } from './hash-policy.js';
import type { HeaderReader } from './header-matcher.js';
import type { Formatter, HeaderChange, HeaderMutation } from './header-mutation.js';
import { type RedirectTarget, tlsLocation } from './redirect.js';
import type { CompiledRetryPolicy } from './retry-policy.js';
import { type RetrySources, RetryState } from './retry-state.js';
import { type HostRewrite, type PathRewrite, rewriteAuthority } from './rewrite.js';
import type { Fraction, RouteCondition } from './route-match.js';
import type { VirtualHost } from './virtual-host.js';

/** RouteAction.max_stream_duration; ms, null where not written. Its presence alone switches the route timeout off. */
export interface MaxStreamDuration {
  /** 0 is off. */
  readonly max: number | null;
  /** 0 is no limit. */
  readonly grpcHeaderMax: number | null;
  readonly grpcHeaderOffset: number | null;
}

/** A request_mirror_policies entry. */
export interface MirrorPolicy {
  /** '' when `clusterHeader` names it. */
  readonly cluster: string;
  readonly clusterHeader: HeaderReader | null;
  /** Null: every request. */
  readonly fraction: Fraction | null;
  /** `-shadow` goes behind the host name. */
  readonly appendShadowSuffix: boolean;
  /** '' when the host stays. */
  readonly hostRewrite: string;
  /** request_headers_mutations, in their order. */
  readonly headerChanges: readonly HeaderChange[];
}

/** RouteAction.internal_redirect_policy. */
export interface InternalRedirect {
  readonly maxRedirects: number;
  readonly responseCodes: readonly number[];
  readonly allowCrossScheme: boolean;
  /** Each must agree. */
  readonly predicates: readonly InternalRedirectPredicate[];
  readonly headersToCopy: readonly HeaderName[];
}

export type InternalRedirectPredicate =
  | { readonly kind: 'allow_listed_routes'; readonly names: ReadonlySet<string> }
  | { readonly kind: 'previous_routes' }
  | { readonly kind: 'safe_cross_scheme' };

/** RouteAction.UpgradeConfig.connect_config. */
export interface ConnectTermination {
  /** The body of a POST is carried as that of a CONNECT. */
  readonly allowPost: boolean;
}

/** A change of the request before its host and path are rewritten. */
export interface RequestChange {
  apply(headers: RequestHeaders, info: StreamInfo): void;
}

/** host_rewrite_literal of a weighted cluster: nothing keeps the old host. */
export class WeightedHost implements RequestChange {
  constructor(private readonly host: string) {}
  apply(headers: RequestHeaders): void {
    headers.authority = this.host;
  }
}

/** What a redirect or direct_response answers, apart from its headers. */
export interface DirectResponse {
  readonly status: number;
  readonly body: Buffer;
  /** `body` as a byte string. */
  readonly text: string;
  /** body_format: makes the body of each reply; null when it is constant. */
  readonly bodyFormat: Formatter | null;
  /** '' leaves the default. */
  readonly contentType: string;
}

export type RouteActionKind = 'route' | 'redirect' | 'direct_response';

const DEFAULT_REF: FieldRef = { path: '(default)', position: null };
const NO_UPGRADES: ReadonlyMap<string, RouteUpgradeConfig> = new Map();
const NO_FILTERS: ReadonlyMap<string, Any> = new Map();

/** RouteAction.timeout when it is not written, ms. */
const DEFAULT_TIMEOUT = 15_000;

/**
 * One outcome of routing, with everything that is known when the configuration is read; of a route with weighted clusters
 * there is one for each cluster. Made by route-compile.ts, shared by all requests.
 */
export class RouteEntry {
  /** Route.name, '' when it has none. */
  readonly name: string;
  readonly virtualHostName: string;
  readonly action: RouteActionKind = 'route';
  readonly clusterName: string = '';
  readonly clusterHeader: HeaderReader | null = null;
  /** Ms from the end of the request to the end of the response; 0 is off. */
  readonly timeout: number = DEFAULT_TIMEOUT;
  readonly timeoutRef: FieldRef = DEFAULT_REF;
  /** Replaces the connection manager's stream_idle_timeout; 0 is off, null leaves it. */
  readonly idleTimeout: number | null = null;
  readonly idleTimeoutRef: FieldRef = DEFAULT_REF;
  /** Replaces stream_flush_timeout; 0 is off, null leaves it. */
  readonly flushTimeout: number | null = null;
  readonly flushTimeoutRef: FieldRef = DEFAULT_REF;
  readonly maxStreamDuration: MaxStreamDuration | null = null;
  readonly maxStreamDurationRef: FieldRef = DEFAULT_REF;
  /** Legacy limit of grpc-timeout: null ignores the header, 0 is no limit. */
  readonly maxGrpcTimeout: number | null = null;
  readonly grpcTimeoutOffset: number | null = null;
  readonly retryPolicy: CompiledRetryPolicy | null = null;
  readonly hedgeOnPerTryTimeout: boolean = false;
  readonly priority: Priority = Priority.DEFAULT;
  /** Bytes of request body that may be kept for retries; null leaves the stream's buffer limit. */
  readonly requestBodyBufferLimit: number | null = null;
  readonly includeAttemptCountInRequest: boolean;
  readonly includeAttemptCountInResponse: boolean;
  readonly includeIsTimeoutRetryHeader: boolean;
  readonly autoHostRewrite: boolean = false;
  readonly appendForwardedHost: boolean = false;
  readonly clusterNotFoundResponseCode: number = 503;
  /** By upgrade type, lower case. */
  readonly upgradeConfigs: ReadonlyMap<string, RouteUpgradeConfig> = NO_UPGRADES;
  /** CONNECT ends here, its bytes go to a TCP connection; null when it is passed on. */
  readonly connectTermination: ConnectTermination | null = null;
  readonly hashPolicy: HashPolicy | null = null;
  /** Subset to choose from (filter metadata `envoy.lb`), null when any host will do. */
  readonly metadataMatch: Readonly<Record<string, unknown>> | null = null;
  readonly requestMirrorPolicies: readonly MirrorPolicy[] = [];
  readonly internalRedirectPolicy: InternalRedirect | null = null;
  /** Extra statistics under `vhost.<virtual host>.route.<stat_prefix>`, '' for none. */
  readonly statPrefix: string = '';
  readonly decorator: { readonly operation: string; readonly propagate: boolean } | null = null;
  /** The answer of a redirect or direct_response. */
  readonly directResponse: DirectResponse | null = null;
  /** Where they point to; null for require_tls. */
  readonly redirect: RedirectTarget | null = null;
  /** In the order in which they apply. */
  readonly requestChanges: readonly RequestChange[] = [];
  readonly responseChanges: readonly HeaderMutation[] = [];
  readonly hostRewrite: HostRewrite | null = null;
  readonly pathRewrite: PathRewrite | null = null;
  /** typed_per_filter_config of all levels, the most specific of each name. */
  readonly filterConfigs: ReadonlyMap<string, Any> = NO_FILTERS;
  /** False when `finalizeRequest` would do nothing. */
  readonly hasRequestMutations: boolean = false;
  /** Counts the requests of this route; set when the first of them ends. */
  recorder: RouteRecorder | null = null;
  /** False when `finalizeResponse` would do nothing. */
  readonly hasResponseMutations: boolean = false;

  /** @param config for what filters read of it (rate limits, CORS); null for the redirect of require_tls */
  constructor(
    readonly virtualHost: VirtualHost,
    readonly condition: RouteCondition,
    readonly config: Route | null,
  ) {
    this.name = config?.name ?? '';
    this.virtualHostName = virtualHost.name;
    this.includeAttemptCountInRequest = virtualHost.includeAttemptCountInRequest;
    this.includeAttemptCountInResponse = virtualHost.includeAttemptCountInResponse;
    this.includeIsTimeoutRetryHeader = virtualHost.includeIsTimeoutRetryHeader;
  }

  /** Name of the cluster, '' when a cluster_header is not on the request. The choice among weighted clusters was made by `match`. */
  pickCluster(headers: RequestHeaders): string {
    return this.clusterHeader === null ? this.clusterName : (this.clusterHeader.get(headers) ?? '');
  }

  /** Most specific typed_per_filter_config of a filter: weighted cluster, route, virtual host, route configuration. */
  perFilterConfig(name: string): Any | null {
    return this.filterConfigs.get(name) ?? null;
  }

  /** Whether a route says so for an upgrade type (lower case), null when it says nothing. */
  upgradeEnabled(type: string): boolean | null {
    const config = this.upgradeConfigs.get(type);
    return config === undefined ? null : (config.enabled ?? true);
  }

  /** The body of the request goes to a TCP connection as it is. */
  endsHere(method: string): boolean {
    const { connectTermination } = this;
    return connectTermination !== null && (method === 'CONNECT' || (connectTermination.allowPost && method === 'POST'));
  }

  /** Name of the virtual cluster of a request: `other` when none matches, '' when the virtual host has none. */
  virtualCluster(headers: RequestHeaders): string {
    return this.virtualHost.virtualCluster(headers);
  }

  /** Bytes of a request body that may be kept for a retry. `streamLimit` 0 is no limit. */
  retryBufferLimit(streamLimit: number): number {
    if (this.requestBodyBufferLimit !== null) return this.requestBodyBufferLimit;
    return streamLimit === 0 ? Number.POSITIVE_INFINITY : streamLimit;
  }

  /** Null when neither route nor request wants retries; removes the request headers that ask for them. */
  createRetryState(
    headers: RequestHeaders,
    cluster: Cluster,
    priority: Priority,
    stream: { readonly dispatcher: RetrySources },
  ): RetryState | null {
    return RetryState.create(
      this.retryPolicy,
      headers,
      cluster.stats,
      cluster.retryBreaker(priority),
      stream.dispatcher,
    );
  }

  /**
   * Header changes, then host, then path, of a request that goes upstream.
   * @param keepOriginal write x-envoy-original-host and -path (false under suppress_envoy_headers)
   */
  finalizeRequest(headers: RequestHeaders, info: StreamInfo, keepOriginal = true): void {
    const { requestChanges } = this;
    for (let i = 0; i < requestChanges.length; i++) requestChanges[i].apply(headers, info);
    if (this.hostRewrite !== null) {
      const host = this.hostRewrite.host(headers, info);
      if (host !== '') rewriteAuthority(headers, host, this.appendForwardedHost, keepOriginal);
    }
    if (this.pathRewrite !== null) this.rewritePath(headers, info, keepOriginal);
  }

  finalizeResponse(headers: ResponseHeaders, info: StreamInfo): void {
    const { responseChanges } = this;
    for (let i = 0; i < responseChanges.length; i++) responseChanges[i].apply(headers, info);
  }

  /**
   * Rewrites the path of the request as the redirect says (the log shows it) and returns the value of `location`.
   * For a direct_response this is the URL of the request.
   */
  redirectLocation(headers: RequestHeaders, info: StreamInfo, keepOriginal = true): string {
    if (this.action === 'redirect' && this.pathRewrite !== null) this.rewritePath(headers, info, keepOriginal);
    return this.redirect === null ? tlsLocation(headers) : this.redirect.location(headers, info);
  }

  /** `location` of the reply to a redirect or direct_response: with 201 and 3xx, else null. */
  directLocation(headers: RequestHeaders, info: StreamInfo, keepOriginal = true): string | null {
    const status = this.directResponse?.status ?? 0;
    if (status !== 201 && (status < 300 || status > 399)) return null;
    return headers.path === undefined ? null : this.redirectLocation(headers, info, keepOriginal);
  }

  private rewritePath(headers: RequestHeaders, info: StreamInfo, keepOriginal: boolean): void {
    const path = headers.path;
    if (path === undefined) return;
    const made = this.pathRewrite!.rewrite(path, this.condition.matchedLength(path), info);
    if (made === null) return;
    if (keepOriginal) headers.set(H.xEnvoyOriginalPath, path);
    headers.path = made;
  }
}
