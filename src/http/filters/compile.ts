import { unsupported } from '../../xds/decode.js';
import { isType } from '../../xds/type-url.js';
import type { Any, HttpFilter, RouteConfiguration } from '../../xds/types.js';
import { compileBuffer } from './buffer.js';
import { type ChainEntry, FilterChain, type HttpFilterConfig } from './chain.js';
import { compileCors } from './cors.js';
import type { FilterDeps } from './deps.js';
import { compileFault } from './fault.js';
import { compileGrpcStats } from './grpc-stats.js';
import { compileHeaderMutation } from './header-mutation.js';
import { compileHealthCheck } from './health-check.js';
import { compileLocalRateLimit } from './local-ratelimit.js';
import { compileRbac } from './rbac.js';
import { settingsOf, unwrap, virtualHostOf } from './route-settings.js';

/**
 * Compiles the filters before the router, and checks what the levels of the routes say to them.
 * @returns null when no filter can ever do anything
 * @throws ConfigError for a filter or a field that is not supported
 */
export function compileFilters(
  filters: readonly HttpFilter[],
  table: RouteConfiguration,
  deps: FilterDeps,
  serviceCluster: string,
): FilterChain | null {
  const entries: ChainEntry[] = [];
  for (const filter of filters) {
    const compiled = compileFilter(filter, table, deps, serviceCluster);
    if (compiled !== null) entries.push({ name: filter.name, disabled: filter.disabled, filter: compiled });
  }
  if (entries.length === 0) return null;
  const levels = levelsOf(table);
  for (const { name, filter } of entries)
    for (const level of levels) {
      const config = level.typed_per_filter_config[name];
      const inner = config === undefined ? null : unwrap(config);
      if (inner !== null) filter.checkRoute(inner);
    }
  return new FilterChain(entries, settingsOf);
}

/** Null for a filter that has nothing to do here. */
function compileFilter(
  filter: HttpFilter,
  table: RouteConfiguration,
  deps: FilterDeps,
  serviceCluster: string,
): HttpFilterConfig | null {
  const config = filter.typed_config;
  if (isType(config, 'HTTPFault')) return compileFault(config, deps);
  if (isType(config, 'Cors')) return compileCors(deps, (route) => virtualHostOf(route, table));
  if (isType(config, 'LocalRateLimit'))
    return compileLocalRateLimit(config, deps, serviceCluster, (route) => virtualHostOf(route, table));
  if (isType(config, 'BufferFilter')) return compileBuffer(config);
  if (isType(config, 'RbacFilter')) return compileRbac(config, deps);
  if (isType(config, 'HeaderMutationFilter')) return compileHeaderMutation(config, deps);
  if (isType(config, 'HealthCheckFilter')) return compileHealthCheck(config, deps, serviceCluster);
  if (isType(config, 'GrpcStatsFilter')) return compileGrpcStats(config, deps);
  if (filter.disabled && config === undefined) return null;
  return unsupported(filter, 'typed_config', `the HTTP filter ${filter.name}`);
}

/** Every message of the routes that may hold settings of filters. */
function levelsOf(table: RouteConfiguration): { typed_per_filter_config: Record<string, Any> }[] {
  const levels: { typed_per_filter_config: Record<string, Any> }[] = [table];
  for (const host of table.virtual_hosts) {
    levels.push(host);
    for (const route of host.routes) {
      levels.push(route);
      for (const weighted of route.route?.weighted_clusters?.clusters ?? []) levels.push(weighted);
    }
  }
  return levels;
}
