import { type HeaderName, permanentName } from '../base/header-names.js';
import type { RequestHeaders } from '../base/headers.js';
import type { Any, RouteConfiguration } from '../xds/types.js';
import { DomainIndex, sameDomains } from './domain-index.js';
import { HeaderReader } from './header-matcher.js';
import { portStart } from './rewrite.js';
import {
  compileLevel,
  compileMirrors,
  compileRoute,
  merged,
  type RouteTableDeps,
  tlsRedirectEntry,
} from './route-compile.js';
import type { RouteEntry } from './route-entry.js';
import type { MatchConnection, StreamRandom } from './route-match.js';
import { asciiLower } from './string-matcher.js';
import { VirtualHost } from './virtual-host.js';

export type { RouteTableDeps } from './route-compile.js';
export { RouteEntry } from './route-entry.js';
export type { MatchConnection } from './route-match.js';

/** Answers remembered for hosts as they were written; forgotten together when there are too many. */
const CACHE_LIMIT = 4096;

/** A compiled RouteConfiguration. It never changes; a new configuration is a new table. */
export class RouteTable implements StreamRandom {
  private readonly domains: DomainIndex;
  private readonly fallback: VirtualHost | null;
  private readonly onlyFallback: boolean;
  private readonly cache = new Map<string, VirtualHost | null>();
  private readonly ignorePort: boolean;
  private readonly hostReader: HeaderReader | null;
  /** The random number of the request at hand: drawn when first asked for, -1 before. */
  private drawn = -1;
  private source: () => number = () => 0;
  readonly virtualHosts: readonly VirtualHost[];
  /** internal_only_headers: what only internal callers may say. */
  readonly internalOnly: readonly HeaderName[];

  /** What the configuration says for all hosts, as text. */
  private readonly settings: string;

  /**
   * @param previous the table that this one takes the place of: virtual hosts that are the same objects as there are not compiled anew
   * @throws ConfigError
   */
  constructor(
    readonly config: RouteConfiguration,
    deps: RouteTableDeps,
    previous: RouteTable | null = null,
  ) {
    this.settings = JSON.stringify({ ...config, virtual_hosts: [] });
    this.internalOnly = config.internal_only_headers.map(permanentName);
    this.ignorePort = config.ignore_port_in_host_matching;
    this.hostReader = config.vhost_header === '' ? null : new HeaderReader(config.vhost_header);
    const tableMutations = compileLevel(config, deps.compileFormat);
    const tableFilters = merged(new Map<string, Any>(), config.typed_per_filter_config);
    const check = config.validate_clusters ?? true;
    const tableMirrors = compileMirrors(config.request_mirror_policies, deps, check);
    // Hosts that are checked against the clusters depend on more than their configuration.
    const reusable = previous !== null && !check && previous.settings === this.settings;
    const known = new Map(reusable ? previous.virtualHosts.map((host) => [host.config, host]) : []);
    this.virtualHosts = config.virtual_hosts.map((host) => {
      const same = known.get(host);
      if (same !== undefined) return same;
      const virtualHost = new VirtualHost(host, config.ignore_path_parameters_in_path_matching);
      const mirrors = compileMirrors(host.request_mirror_policies, deps, check);
      const scope = {
        table: config,
        config: host,
        virtualHost,
        tableMutations,
        hostMutations: compileLevel(host, deps.compileFormat),
        filterConfigs: merged(tableFilters, host.typed_per_filter_config),
        mirrorPolicies: mirrors.length > 0 ? mirrors : tableMirrors,
        deps,
      };
      const routes = host.routes.map((route) => compileRoute(route, scope));
      virtualHost.setRoutes(routes, host.require_tls === 'NONE' ? null : tlsRedirectEntry(virtualHost));
      return virtualHost;
    });
    this.domains =
      previous !== null && sameDomains(previous.config, config) ? previous.domains : new DomainIndex(config);
    const { fallback } = this.domains;
    this.fallback = fallback < 0 ? null : this.virtualHosts[fallback];
    this.onlyFallback = this.domains.onlyFallback;
  }

  /**
   * The route of a request, or null (404 NR).
   * @param random a number of 0 .. 2^32-1; Envoy draws one per stream for fractions and weights alike, so a caller that asks again
   *   for the same stream should give the same number
   */
  match(headers: RequestHeaders, random: () => number, connection: MatchConnection): RouteEntry | null {
    const host = this.virtualHostOf(headers);
    if (host === null) return null;
    this.drawn = -1;
    this.source = random;
    return host.match(headers, this, connection);
  }

  value(): number {
    if (this.drawn < 0) this.drawn = this.source();
    return this.drawn;
  }

  /** The virtual host of a request: exact domain, longest `*suffix`, longest `prefix*`, `*`; null when there is none. */
  virtualHostOf(headers: RequestHeaders): VirtualHost | null {
    if (this.onlyFallback) return this.fallback;
    const host = this.hostReader === null ? headers.authority : this.hostReader.get(headers);
    if (host === undefined) return null;
    // Most hosts are written as their domain is; the others are remembered, of which there are few.
    if (!this.ignorePort || !host.includes(':')) {
      const exact = this.domains.exact.get(host);
      if (exact !== undefined) return this.virtualHosts[exact];
    }
    const known = this.cache.get(host);
    if (known !== undefined) return known;
    const found = this.search(host);
    if (this.cache.size >= CACHE_LIMIT) this.cache.clear();
    this.cache.set(host, found);
    return found;
  }

  private search(written: string): VirtualHost | null {
    const host = asciiLower(this.ignorePort ? written.slice(0, portStart(written)) : written);
    const place = this.domains.find(host);
    return place < 0 ? null : this.virtualHosts[place];
  }
}

/**
 * Compiles a RouteConfiguration into matchers and actions.
 * @throws ConfigError for what Envoy would refuse, and for what is not supported
 */
export function compileRouteTable(config: RouteConfiguration, deps: RouteTableDeps): RouteTable {
  return new RouteTable(config, deps);
}
