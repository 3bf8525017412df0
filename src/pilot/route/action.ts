import { parseDuration } from '../duration.js';
import { clusterName } from '../names.js';
import { allFrom, comesFrom, numberAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { VirtualService } from '../virtual-services.js';
import type { World } from '../world.js';
import { shareOfHundred, shareOfMillion } from './filters.js';
import { hashOfDestination, hashPolicy } from './hash.js';
import { appendChanges, type HeaderChanges, headerChanges } from './headers.js';
import type { Place } from './match.js';
import { retryPolicy } from './retry.js';
import { writeTimeout } from './timeout.js';

/** Finds the cluster of a destination for a listener's port. */
export type ClusterOf = (destination: Tree, port: number) => string;

/** What is known of a destination's service where its cluster is named. */
export interface SeenService {
  externalName: string;
  ports: readonly { number: number }[];
}

/**
 * The cluster of a destination: its own port, else the only port of its service, else the port that the request came in by.
 * An ExternalName Service leads to what it stands for. `seen` finds services by host; for the listener of a sidecar they
 * have only the listener's port.
 */
export function clusterOf(seen: (host: string) => SeenService | undefined): ClusterOf {
  return (destination, port) => {
    const host = stringAt(destination, 'host');
    if (host === '') return 'UnknownService';
    const service = seen(host);
    const only = service !== undefined && service.ports.length === 1 ? service.ports[0].number : port;
    const number = numberAt(treeAt(destination, 'port'), 'number') || only;
    return clusterName('outbound', number, stringAt(destination, 'subset'), service?.externalName || host);
  };
}

/** Writes the RouteAction of a route that goes to destinations, and the header changes of a single destination. */
export function writeRouteAction(
  world: World,
  vs: VirtualService,
  http: Tree,
  route: Tree,
  place: Place,
  cluster: ClusterOf,
  authority: HeaderChanges['authority'],
): void {
  const action: Tree = {};
  const timeout = parseDuration(stringAt(http, 'timeout'));
  writeTimeout(action, world.profile, timeout, timeout === null ? null : { tree: http, field: 'timeout' });
  if (vs.gatewayApi) action['cluster_not_found_response_code'] = 'INTERNAL_SERVER_ERROR';
  writeRewrite(vs, http, route, action, authority);
  writeMirrors(world, http, action, place, cluster);
  const destinations = treesAt(http, 'route');
  let hashed = false;
  const hashes: Tree[] = [];
  if (destinations.length === 1) {
    const one = destinations[0];
    action['cluster'] = cluster(treeAt(one, 'destination') ?? {}, place.port);
    comesFrom(action, 'cluster', one, 'destination');
    const changes = headerChanges(treeAt(one, 'headers'));
    appendChanges(route, changes.fields);
    if (changes.authority !== null && action['host_rewrite_literal'] === undefined) {
      action['host_rewrite_literal'] = changes.authority.value;
      comesFrom(action, 'host_rewrite_literal', changes.authority.tree, changes.authority.key);
    }
    const hash = hashOfDestination(world, treeAt(one, 'destination') ?? {});
    hashed = hash !== undefined;
    const policy = hashPolicy(hash);
    if (policy !== undefined) hashes.push(policy);
  } else {
    action['weighted_clusters'] = weightedClusters(world, destinations, place, cluster, hashes);
    comesFrom(action, 'weighted_clusters', http, 'route');
  }
  if (hashes.length > 0) action['hash_policy'] = hashes;
  const own = treeAt(http, 'retries');
  const policy =
    own === undefined
      ? retryPolicy(world.profile, world.mesh.defaultHttpRetryPolicy, world.mesh.tree, 'defaultHttpRetryPolicy', hashed)
      : retryPolicy(world.profile, own, http, 'retries', hashed);
  if (policy !== undefined) action['retry_policy'] = policy;
  route['route'] = action;
  comesFrom(route, 'route', http, 'route');
}

function weightedClusters(
  world: World,
  destinations: readonly Tree[],
  place: Place,
  cluster: ClusterOf,
  hashes: Tree[],
): Tree {
  const clusters: Tree[] = [];
  for (const one of destinations) {
    const weight = numberAt(one, 'weight') ?? 0;
    if (weight === 0) continue;
    const destination = treeAt(one, 'destination') ?? {};
    const made: Tree = { name: cluster(destination, place.port), weight };
    comesFrom(made, 'weight', one, 'weight');
    const changes = headerChanges(treeAt(one, 'headers'));
    Object.assign(made, changes.fields);
    if (changes.authority !== null) made['host_rewrite_literal'] = changes.authority.value;
    const policy = hashPolicy(hashOfDestination(world, destination));
    if (policy !== undefined) hashes.push(policy);
    allFrom(made, one);
    clusters.push(made);
  }
  return { clusters };
}

function writeRewrite(
  vs: VirtualService,
  http: Tree,
  route: Tree,
  action: Tree,
  authority: HeaderChanges['authority'],
): void {
  const rewrite = treeAt(http, 'rewrite');
  if (rewrite !== undefined) {
    const regex = treeAt(rewrite, 'uriRegexRewrite');
    const uri = stringAt(rewrite, 'uri');
    if (regex !== undefined) {
      action['regex_rewrite'] = {
        pattern: { regex: stringAt(regex, 'match') },
        substitution: stringAt(regex, 'rewrite'),
      };
      comesFrom(action, 'regex_rewrite', rewrite, 'uriRegexRewrite');
    } else if (uri === '/' && vs.gatewayApi) {
      const prefix = stringAt(treeAt(route, 'match'), 'path_separated_prefix').replace(/[.+*?()|[\]{}^$\\]/g, '\\$&');
      action['regex_rewrite'] = { pattern: { regex: `^${prefix}(/?)(.*)` }, substitution: '/\\2' };
      comesFrom(action, 'regex_rewrite', rewrite, 'uri');
    } else if (uri !== '') {
      action['prefix_rewrite'] = uri;
      comesFrom(action, 'prefix_rewrite', rewrite, 'uri');
    }
    const host = stringAt(rewrite, 'authority');
    if (host !== '') {
      action['host_rewrite_literal'] = host;
      comesFrom(action, 'host_rewrite_literal', rewrite, 'authority');
      return;
    }
  }
  if (authority === null) return;
  action['host_rewrite_literal'] = authority.value;
  comesFrom(action, 'host_rewrite_literal', authority.tree, authority.key);
}

function writeMirrors(world: World, http: Tree, action: Tree, place: Place, cluster: ClusterOf): void {
  const policies: Tree[] = [];
  const add = (destination: Tree | undefined, share: Tree | null, source: Tree) => {
    if (destination === undefined || share === null) return;
    const policy: Tree = {
      cluster: cluster(destination, place.port),
      runtime_fraction: { default_value: share },
      trace_sampled: false,
    };
    if (!world.profile.shadowSuffix) policy['disable_shadow_host_suffix_append'] = true;
    allFrom(policy, source);
    policies.push(policy);
  };
  const mirror = treeAt(http, 'mirror');
  if (mirror !== undefined) {
    const percentage = treeAt(http, 'mirrorPercentage');
    const percent = numberAt(http, 'mirrorPercent');
    const share =
      percentage !== undefined
        ? shareIfAny(percentage)
        : percent === undefined
          ? shareOfHundred(100)
          : percent > 0
            ? shareOfHundred(percent)
            : null;
    add(mirror, share, mirror);
  }
  for (const one of treesAt(http, 'mirrors')) {
    const percentage = treeAt(one, 'percentage');
    add(treeAt(one, 'destination'), percentage === undefined ? shareOfHundred(100) : shareIfAny(percentage), one);
  }
  if (policies.length > 0) action['request_mirror_policies'] = policies;
}

/** A share of a million; null for 0, which is no mirror at all. */
function shareIfAny(percentage: Tree): Tree | null {
  return (numberAt(percentage, 'value') ?? 0) > 0 ? shareOfMillion(percentage) : null;
}

const REDIRECT_CODES: Record<number, string> = {
  0: '',
  301: '',
  302: 'FOUND',
  303: 'SEE_OTHER',
  307: 'TEMPORARY_REDIRECT',
  308: 'PERMANENT_REDIRECT',
};

/** Writes a redirect. A code that Envoy does not know leaves the route without an action, which Envoy refuses. */
export function writeRedirect(route: Tree, redirect: Tree, place: Place): void {
  const code = REDIRECT_CODES[numberAt(redirect, 'redirectCode') ?? 0];
  if (code === undefined) return;
  const out: Tree = {};
  const set = (name: string, value: string, field: string) => {
    out[name] = value;
    comesFrom(out, name, redirect, field);
  };
  if (stringAt(redirect, 'authority') !== '') set('host_redirect', stringAt(redirect, 'authority'), 'authority');
  if (stringAt(redirect, 'prefixRewrite') !== '') {
    set('prefix_rewrite', stringAt(redirect, 'prefixRewrite'), 'prefixRewrite');
  } else set('path_redirect', stringAt(redirect, 'uri'), 'uri');
  if (stringAt(redirect, 'scheme') !== '') set('scheme_redirect', stringAt(redirect, 'scheme'), 'scheme');
  let port = numberAt(redirect, 'port') ?? 0;
  if (port === 0 && stringAt(redirect, 'derivePort') === 'FROM_REQUEST_PORT') port = place.port;
  const scheme = stringAt(redirect, 'scheme') || (place.tls ? 'https' : 'http');
  if (port !== 0 && !(port === 80 && scheme === 'http') && !(port === 443 && scheme === 'https')) {
    out['port_redirect'] = port;
    comesFrom(out, 'port_redirect', redirect, redirect['port'] === undefined ? 'derivePort' : 'port');
  }
  if (code !== '') set('response_code', code, 'redirectCode');
  route['redirect'] = out;
}

/** Writes an answer that comes from the proxy itself. */
export function writeDirectResponse(route: Tree, direct: Tree): void {
  const out: Tree = { status: numberAt(direct, 'status') ?? 0 };
  comesFrom(out, 'status', direct, 'status');
  const body = treeAt(direct, 'body');
  if (typeof body?.['string'] === 'string') out['body'] = { inline_string: body['string'] };
  else if (typeof body?.['bytes'] === 'string') out['body'] = { inline_bytes: body['bytes'] };
  if (out['body'] !== undefined) comesFrom(out, 'body', direct, 'body');
  route['direct_response'] = out;
}
