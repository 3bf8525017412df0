import { copyTree, listAt, numberAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import { copySourced, mergeMessage } from './merge.js';
import type { Patch, PatchContext, Patches } from './patches.js';

const MERGES = new Set(['MERGE', 'MERGE_AND_REPLACE_LIST']);

/** Applies ROUTE_CONFIGURATION, VIRTUAL_HOST and HTTP_ROUTE patches to a route configuration. */
export function patchRoutes(patches: Patches, context: PatchContext, configuration: Tree): void {
  const here = (applyTo: string) =>
    patches.of(applyTo, context).filter((p) => configurationMatches(p, context, configuration));
  for (const patch of here('ROUTE_CONFIGURATION')) {
    if (!MERGES.has(patch.operation)) continue;
    merge('RouteConfiguration', patch, configuration);
  }
  const hostPatches = here('VIRTUAL_HOST');
  const routePatches = here('HTTP_ROUTE');
  const hosts: Tree[] = [];
  for (const host of treesAt(configuration, 'virtual_hosts')) {
    const kept = patchHost(hostPatches, host);
    if (kept === null) continue;
    patchHostRoutes(routePatches, kept);
    hosts.push(kept);
  }
  for (const patch of hostPatches) {
    if (patch.operation !== 'ADD') continue;
    hosts.push(copySourced(patch.value));
    patch.applied++;
  }
  configuration['virtual_hosts'] = hosts;
}

function merge(name: 'RouteConfiguration' | 'VirtualHost' | 'Route', patch: Patch, tree: Tree): void {
  mergeMessage(name, tree, patch.value, patch.operation === 'MERGE_AND_REPLACE_LIST');
  patch.applied++;
}

/** The virtual host as the patches leave it; null when they remove it. */
function patchHost(patches: readonly Patch[], host: Tree): Tree | null {
  let out = host;
  for (const patch of patches) {
    if (!hostMatches(patch, out)) continue;
    if (patch.operation === 'REMOVE') {
      patch.applied++;
      return null;
    }
    if (MERGES.has(patch.operation)) merge('VirtualHost', patch, out);
    else if (patch.operation === 'REPLACE') {
      out = copySourced(patch.value);
      patch.applied++;
    }
  }
  return out;
}

function patchHostRoutes(patches: readonly Patch[], host: Tree): void {
  const mine = patches.filter((p) => hostMatches(p, host));
  if (mine.length === 0) return;
  let routes: Tree[] = [];
  for (const route of treesAt(host, 'routes')) {
    // Virtual hosts share their routes; a changed one is the host's own.
    let own: Tree | null = null;
    let removed = false;
    for (const patch of mine) {
      if (removed || !routeMatches(patch, own ?? route)) continue;
      if (patch.operation === 'REMOVE') {
        removed = true;
        patch.applied++;
      } else if (MERGES.has(patch.operation)) {
        own ??= copyTree(route);
        merge('Route', patch, own);
      }
    }
    if (!removed) routes.push(own ?? route);
  }
  for (const patch of mine) {
    const named = treeAt(treeAt(patch.routeConfiguration, 'vhost'), 'route') !== undefined;
    const at = named ? routes.findIndex((r) => routeMatches(patch, r)) : 0;
    const made = [copySourced(patch.value)];
    const before = routes;
    if (patch.operation === 'ADD' || (patch.operation === 'INSERT_AFTER' && !named)) routes = [...routes, ...made];
    else if (at === -1) continue;
    else if (patch.operation === 'INSERT_AFTER')
      routes = [...routes.slice(0, at + 1), ...made, ...routes.slice(at + 1)];
    else if (patch.operation === 'INSERT_BEFORE') routes = [...routes.slice(0, at), ...made, ...routes.slice(at)];
    else if (patch.operation === 'INSERT_FIRST') routes = [...made, ...routes];
    if (routes !== before) patch.applied++;
  }
  host['routes'] = routes;
}

function configurationMatches(patch: Patch, context: PatchContext, configuration: Tree): boolean {
  const match = patch.routeConfiguration;
  if (match === undefined) return true;
  const name = stringAt(configuration, 'name');
  if (stringAt(match, 'name') !== '' && stringAt(match, 'name') !== name) return false;
  const port = numberAt(match, 'portNumber') ?? 0;
  if (context === 'GATEWAY') {
    const [, number, portName, gateway] = /^https?\.(\d+)(?:\.([^.]+)\.(.+))?$/.exec(name) ?? [];
    if (stringAt(match, 'portName') !== '' && stringAt(match, 'portName') !== portName) return false;
    const full = gateway?.split('.').reverse().join('/');
    if (stringAt(match, 'gateway') !== '' && stringAt(match, 'gateway') !== full) return false;
    return port === 0 || port === Number(number);
  }
  return port === 0 || port === portOf(name);
}

function portOf(name: string): number {
  if (name.startsWith('inbound|')) return Number(name.split('|')[1]);
  return /^\d+$/.test(name) ? Number(name) : 0;
}

function hostMatches(patch: Patch, host: Tree): boolean {
  const match = treeAt(patch.routeConfiguration, 'vhost');
  if (match === undefined) return true;
  const name = stringAt(match, 'name');
  const domain = stringAt(match, 'domainName');
  if (name !== '' && name !== stringAt(host, 'name')) return false;
  return domain === '' || listAt(host, 'domains').includes(domain);
}

const ACTIONS: Record<string, string> = { ROUTE: 'route', REDIRECT: 'redirect', DIRECT_RESPONSE: 'direct_response' };

function routeMatches(patch: Patch, route: Tree): boolean {
  const match = treeAt(treeAt(patch.routeConfiguration, 'vhost'), 'route');
  if (match === undefined) return true;
  const name = stringAt(match, 'name');
  if (name !== '' && name !== stringAt(route, 'name')) return false;
  const action = ACTIONS[stringAt(match, 'action')];
  if (action === undefined) return true;
  // A route without any action is matched whatever is asked for.
  return route[action] !== undefined || Object.values(ACTIONS).every((a) => route[a] === undefined);
}
