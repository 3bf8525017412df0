import { H } from '../base/header-names.js';
import type { RequestHeaders } from '../base/headers.js';
import type { VirtualHost as VirtualHostConfig } from '../xds/types.js';
import { allMatch, compileHeaderMatcher, type HeaderMatcher } from './header-matcher.js';
import { refuse, reporting } from './refuse.js';
import type { RouteEntry } from './route-entry.js';
import { RouteIndex } from './route-index.js';
import {
  type MatchConnection,
  PathKind,
  type RouteCondition,
  type StreamRandom,
  withoutParameters,
} from './route-match.js';

/** A route and what it leads to. */
export interface CompiledRoute {
  readonly condition: RouteCondition;
  pick(headers: RequestHeaders, random: StreamRandom): RouteEntry;
}

/** Up to so many routes are tried one by one; more are indexed. */
const LINEAR = 6;

/** A compiled `envoy.config.route.v3.VirtualHost`. */
export class VirtualHost {
  readonly name: string;
  readonly includeAttemptCountInRequest: boolean;
  readonly includeAttemptCountInResponse: boolean;
  readonly includeIsTimeoutRetryHeader: boolean;
  private routes: readonly CompiledRoute[] = [];
  private index: RouteIndex<CompiledRoute> | null = null;
  private tlsRedirect: RouteEntry | null = null;
  private readonly tlsForAll: boolean;
  private readonly tlsForExternal: boolean;
  private readonly virtualClusters: readonly { name: string; headers: readonly HeaderMatcher[] }[];

  /** @throws ConfigError for a virtual cluster without headers or a matcher that does not compile */
  constructor(
    readonly config: VirtualHostConfig,
    private readonly ignorePathParameters: boolean,
  ) {
    this.name = config.name;
    this.includeAttemptCountInRequest = config.include_request_attempt_count;
    this.includeAttemptCountInResponse = config.include_attempt_count_in_response;
    this.includeIsTimeoutRetryHeader = config.include_is_timeout_retry_header;
    this.tlsForAll = config.require_tls === 'ALL';
    this.tlsForExternal = config.require_tls === 'EXTERNAL_ONLY';
    this.virtualClusters = config.virtual_clusters.map((one) => {
      if (one.headers.length === 0) refuse(one, 'headers', "virtual clusters must define 'headers'");
      return { name: one.name, headers: reporting(one, 'headers', () => one.headers.map(compileHeaderMatcher)) };
    });
  }

  /**
   * Called once, when the routes (which refer to this object) are compiled.
   * @param tlsRedirect what require_tls answers
   */
  setRoutes(routes: readonly CompiledRoute[], tlsRedirect: RouteEntry | null): void {
    this.routes = routes;
    this.tlsRedirect = tlsRedirect;
    if (routes.length > LINEAR) this.index = new RouteIndex(routes);
  }

  /** The first matching route, or null. A request without x-forwarded-proto, or with an empty one, has none. */
  match(headers: RequestHeaders, random: StreamRandom, connection: MatchConnection): RouteEntry | null {
    const scheme = headers.get(H.xForwardedProto);
    if (scheme === undefined || scheme === '') return null;
    if ((this.tlsForAll || this.tlsForExternal) && scheme !== 'https')
      if (this.tlsForAll || headers.get(H.xEnvoyInternal) !== 'true') return this.tlsRedirect;
    if (headers.path === undefined) return this.matchConnect(headers, random, connection);
    const path = this.ignorePathParameters ? withoutParameters(headers.path) : headers.path;
    if (this.index !== null) return this.matchIndexed(this.index, path, headers, random, connection);
    const { routes } = this;
    for (let i = 0; i < routes.length; i++) {
      const { condition } = routes[i];
      if (matches(condition, path, headers, random, connection)) return routes[i].pick(headers, random);
    }
    return null;
  }

  private matchIndexed(
    index: RouteIndex<CompiledRoute>,
    path: string,
    headers: RequestHeaders,
    random: StreamRandom,
    connection: MatchConnection,
  ): RouteEntry | null {
    index.begin(path);
    for (let route = index.next(); route !== null; route = index.next())
      if (matches(route.condition, path, headers, random, connection)) return route.pick(headers, random);
    return null;
  }

  private matchConnect(headers: RequestHeaders, random: StreamRandom, connection: MatchConnection): RouteEntry | null {
    for (const route of this.routes)
      if (matches(route.condition, '', headers, random, connection)) return route.pick(headers, random);
    return null;
  }

  /** Name of the first virtual cluster whose headers all match: `other` when none does, '' when there are none. */
  virtualCluster(headers: RequestHeaders): string {
    if (this.virtualClusters.length === 0) return '';
    for (const one of this.virtualClusters) if (allMatch(one.headers, headers)) return one.name;
    return 'other';
  }
}

function matches(
  condition: RouteCondition,
  path: string,
  headers: RequestHeaders,
  random: StreamRandom,
  connection: MatchConnection,
): boolean {
  if (condition.kind === PathKind.CONNECT) {
    if (headers.method !== 'CONNECT') return false;
  } else {
    if (headers.path === undefined) return false;
    // Templates look at the path as it came, parameters and all.
    if (!condition.matchesPath(condition.kind === PathKind.TEMPLATE ? headers.path : path)) return false;
  }
  return condition.pathOnly || condition.matchesRest(headers, random, connection);
}
