import { clusterName } from '../names.js';
import type { Service, ServicePort } from '../registry/service.js';
import { allFrom, comesFrom, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { VirtualService } from '../virtual-services.js';
import type { World } from '../world.js';
import { type ClusterOf, writeDirectResponse, writeRedirect, writeRouteAction } from './action.js';
import { CORS, corsOf, FAULT, faultOf } from './filters.js';
import { hashOfService, hashPolicy } from './hash.js';
import { headerChanges } from './headers.js';
import { isCatchAll, matchApplies, type Place, routeMatch } from './match.js';
import { retryPolicy } from './retry.js';
import { writeTimeout } from './timeout.js';

/**
 * Envoy's routes of a VirtualService for one listener, in order. What cannot match at all for this proxy is left out, and
 * nothing follows the first route that takes everything.
 */
export function routesOf(world: World, vs: VirtualService, place: Place, cluster: ClusterOf): Tree[] {
  const out: Tree[] = [];
  for (const http of vs.http) {
    const matches = treesAt(http, 'match');
    if (matches.length === 0) {
      out.push(routeOf(world, vs, http, undefined, place, cluster));
      return out;
    }
    for (const match of matches) {
      if (!matchApplies(match, place)) continue;
      const route = routeOf(world, vs, http, match, place, cluster);
      out.push(route);
      if (isCatchAll(route)) return out;
    }
  }
  return out;
}

function routeOf(
  world: World,
  vs: VirtualService,
  http: Tree,
  match: Tree | undefined,
  place: Place,
  cluster: ClusterOf,
): Tree {
  const route: Tree = {};
  const own = stringAt(match, 'name');
  const name = own === '' ? stringAt(http, 'name') : `${stringAt(http, 'name')}.${own}`;
  if (name !== '') {
    route['name'] = name;
    comesFrom(route, 'name', own === '' || match === undefined ? http : match, 'name');
  }
  route['match'] = routeMatch(vs, match);
  comesFrom(route, 'match', http, 'match');
  if (match !== undefined && stringAt(match, 'statPrefix') !== '') {
    route['stat_prefix'] = stringAt(match, 'statPrefix');
    comesFrom(route, 'stat_prefix', match, 'statPrefix');
  }
  const changes = headerChanges(treeAt(http, 'headers'));
  Object.assign(route, changes.fields);
  const redirect = treeAt(http, 'redirect');
  const direct = treeAt(http, 'directResponse');
  if (redirect !== undefined) writeRedirect(route, redirect, place);
  else if (direct !== undefined) writeDirectResponse(route, direct);
  else writeRouteAction(world, vs, http, route, place, cluster, changes.authority);
  const filters: Tree = {};
  const fault = treeAt(http, 'fault');
  const made = fault === undefined ? undefined : faultOf(fault);
  if (made !== undefined) {
    filters[FAULT] = made;
    comesFrom(filters, FAULT, http, 'fault');
  }
  const cors = treeAt(http, 'corsPolicy');
  if (cors !== undefined) {
    filters[CORS] = corsOf(cors);
    allFrom(filters[CORS], http, 'corsPolicy');
    comesFrom(filters, CORS, http, 'corsPolicy');
  }
  if (Object.keys(filters).length > 0) route['typed_per_filter_config'] = filters;
  allFrom(route, http);
  return route;
}

/** The one route of a service that no VirtualService routes. */
export function defaultRoute(world: World, service: Service, port: ServicePort): Tree {
  const action: Tree = { cluster: clusterName('outbound', port.number, '', service.host) };
  writeTimeout(action, world.profile, null, null);
  const mesh = world.mesh.defaultHttpRetryPolicy;
  const retries = retryPolicy(world.profile, mesh, world.mesh.tree, 'defaultHttpRetryPolicy', false);
  if (retries !== undefined) action['retry_policy'] = retries;
  const hash = hashPolicy(hashOfService(world, service, port));
  if (hash !== undefined) action['hash_policy'] = [hash];
  return { name: 'default', match: { prefix: '/' }, route: action };
}
