import type { RouteEntry } from '../../router/route-entry.js';
import { isType } from '../../xds/type-url.js';
import type { Any, FilterConfig, RouteConfiguration, VirtualHost } from '../../xds/types.js';

/** What the levels of a route say to one filter. */
export interface RouteSettings {
  /** Off or on by the most specific level that says something; null when none does. */
  readonly disabled: boolean | null;
  /** Settings of every level that has some, most specific first: weighted cluster, route, virtual host, route configuration. */
  readonly levels: readonly Any[];
  /** The most specific of `levels`, null when there is none. */
  readonly own: Any | null;
}

interface Level {
  typed_per_filter_config: Record<string, Any>;
}

/** The settings inside a FilterConfig, or those given as they are; null for a FilterConfig that only switches. */
export function unwrap(config: Any): Any | null {
  return isType(config, 'FilterConfig') ? ((config as unknown as FilterConfig).config ?? null) : config;
}

/** Reads the settings of the filter `name` at all levels of a route; of a request without a route there are none. */
export function settingsOf(name: string, route: RouteEntry | null, table: RouteConfiguration): RouteSettings {
  const levels: Any[] = [];
  let disabled: boolean | null = null;
  if (route !== null)
    for (const level of levelsOf(route, table)) {
      const config = level.typed_per_filter_config[name];
      if (config === undefined) continue;
      const off = isType(config, 'FilterConfig') && (config as unknown as FilterConfig).disabled;
      disabled ??= off;
      const inner = unwrap(config);
      if (inner !== null) levels.push(inner);
    }
  return { disabled, levels, own: levels[0] ?? null };
}

function levelsOf(entry: RouteEntry, table: RouteConfiguration): Level[] {
  const { config } = entry;
  if (config === null) return [];
  const levels: Level[] = [];
  const weighted = config.route?.weighted_clusters?.clusters.find((one) => one.name === entry.clusterName);
  if (weighted !== undefined) levels.push(weighted);
  levels.push(config);
  const host = virtualHostOf(entry, table);
  if (host !== null) levels.push(host);
  levels.push(table);
  return levels;
}

export function virtualHostOf(entry: RouteEntry, table: RouteConfiguration): VirtualHost | null {
  for (const host of table.virtual_hosts) if (host.routes.includes(entry.config!)) return host;
  return null;
}
