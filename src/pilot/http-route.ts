import { parseDuration } from './duration.js';
import type { Findings } from './finding.js';
import { serviceHost } from './registry/kubernetes.js';
import { byAge, type Resource } from './resource.js';
import {
  comesFrom,
  inherit,
  isTree,
  listAt,
  numberAt,
  stringAt,
  stringsAt,
  type Tree,
  treeAt,
  treesAt,
} from './tree.js';
import { MESH, type VirtualService } from './virtual-services.js';

/**
 * VirtualServices of the Gateway API's HTTPRoutes that are bound to Services of the mesh, as istiod makes them: rules in
 * the order of precedence that the Gateway API asks for, paths matched by whole segments, 500 for a missing backend.
 */
export function httpRoutesOf(resources: readonly Resource[], findings: Findings): VirtualService[] {
  const out: VirtualService[] = [];
  for (const resource of resources.filter((r) => r.kind === 'HTTPRoute').sort(byAge)) {
    for (const parent of treesAt(resource.spec, 'parentRefs')) {
      const kind = stringAt(parent, 'kind') || 'Gateway';
      if (kind !== 'Service' || stringAt(parent, 'group') !== '') {
        const message = `an HTTPRoute for a ${kind} is not supported`;
        findings.error('unsupported', resource, parent, 'kind', message, 'kind Service with group ""');
        continue;
      }
      const namespace = stringAt(parent, 'namespace') || resource.namespace;
      const routes = treesAt(resource.spec, 'rules').flatMap((rule, i) =>
        routesOfRule(resource, rule, i, parent, findings),
      );
      out.push({
        from: resource,
        hosts: [serviceHost(stringAt(parent, 'name'), namespace)],
        gateways: [MESH],
        exportTo: [],
        http: inOrder(routes),
        tls: [],
        tcp: [],
        gatewayApi: true,
      });
    }
  }
  return out;
}

/** The routes of a rule: one for each of its matches. */
function routesOfRule(resource: Resource, rule: Tree, index: number, parent: Tree, findings: Findings): Tree[] {
  const base: Tree = {};
  comesFrom(base, '', rule, '');
  base['name'] = stringAt(rule, 'name') || `${resource.namespace}.${resource.name}.${index}`;
  for (const filter of treesAt(rule, 'filters')) addFilter(resource, base, filter, findings);
  addRetries(base, rule);
  addTimeouts(base, rule);
  const backends = treesAt(rule, 'backendRefs').filter((b) => weightOf(b) > 0);
  if (backends.length === 0) {
    if (base['redirect'] === undefined) base['directResponse'] = { status: 500 };
  } else base['route'] = backends.map((b) => ({ destination: destinationOf(resource, b), weight: weightOf(b) }));
  comesFrom(base, 'route', rule, 'backendRefs');
  const matches = treesAt(rule, 'matches');
  const port = numberAt(parent, 'port');
  const all = matches.length === 0 ? [undefined] : matches;
  return all.map((match) => {
    const route: Tree = {};
    for (const key of ['', ...Object.keys(base)]) if (key !== '') inherit(route, base, key);
    comesFrom(route, '', match ?? rule, '');
    const made = match === undefined ? {} : matchOf(match);
    if (port !== undefined) made['port'] = port;
    if (Object.keys(made).length > 0) {
      comesFrom(made, '', match ?? rule, '');
      route['match'] = [made];
    }
    return route;
  });
}

function weightOf(backend: Tree): number {
  return numberAt(backend, 'weight') ?? 1;
}

function destinationOf(resource: Resource, backend: Tree): Tree {
  const namespace = stringAt(backend, 'namespace') || resource.namespace;
  const out: Tree = { host: serviceHost(stringAt(backend, 'name'), namespace) };
  const port = numberAt(backend, 'port');
  if (port !== undefined) out['port'] = { number: port };
  return out;
}

function matchOf(match: Tree): Tree {
  const out: Tree = {};
  const path = treeAt(match, 'path');
  if (path !== undefined) {
    const value = stringAt(path, 'value') || '/';
    const type = stringAt(path, 'type') || 'PathPrefix';
    const kind = type === 'Exact' ? 'exact' : type === 'RegularExpression' ? 'regex' : 'prefix';
    out['uri'] = { [kind]: kind === 'prefix' && value !== '/' && value.endsWith('/') ? value.slice(0, -1) : value };
  }
  if (stringAt(match, 'method') !== '') out['method'] = { exact: stringAt(match, 'method') };
  for (const field of ['headers', 'queryParams']) {
    const map: Tree = {};
    for (const one of treesAt(match, field)) {
      const kind = stringAt(one, 'type') === 'RegularExpression' ? 'regex' : 'exact';
      map[stringAt(one, 'name')] ??= { [kind]: stringAt(one, 'value') };
    }
    if (Object.keys(map).length > 0) out[field] = map;
  }
  return out;
}

function addFilter(resource: Resource, route: Tree, filter: Tree, findings: Findings): void {
  const type = stringAt(filter, 'type');
  const headers = (side: string, changes: Tree | undefined) => {
    const all = (route['headers'] ??= {}) as Tree;
    const map = (field: string) =>
      Object.fromEntries(treesAt(changes, field).map((h) => [stringAt(h, 'name'), stringAt(h, 'value')]));
    all[side] = { set: map('set'), add: map('add'), remove: stringsAt(changes, 'remove') };
  };
  switch (type) {
    case 'RequestHeaderModifier':
      headers('request', treeAt(filter, 'requestHeaderModifier'));
      return;
    case 'ResponseHeaderModifier':
      headers('response', treeAt(filter, 'responseHeaderModifier'));
      return;
    case 'RequestRedirect':
      route['redirect'] = redirectOf(treeAt(filter, 'requestRedirect') ?? {});
      return;
    case 'URLRewrite': {
      const rewrite = rewriteOf(treeAt(filter, 'urlRewrite') ?? {});
      if (Object.keys(rewrite).length > 0) route['rewrite'] = rewrite;
      return;
    }
    case 'RequestMirror': {
      const mirror = treeAt(filter, 'requestMirror') ?? {};
      const made: Tree = { destination: destinationOf(resource, treeAt(mirror, 'backendRef') ?? {}) };
      const fraction = treeAt(mirror, 'fraction');
      const percent = numberAt(mirror, 'percent');
      if (fraction !== undefined) {
        const value = (100 * (numberAt(fraction, 'numerator') ?? 0)) / (numberAt(fraction, 'denominator') ?? 100);
        made['percentage'] = { value };
      } else if (percent !== undefined) made['percentage'] = { value: percent };
      route['mirrors'] = [...listAt(route, 'mirrors'), made];
      return;
    }
    default:
      findings.error(
        'unsupported',
        resource,
        filter,
        'type',
        `the HTTPRoute filter ${type} is not supported`,
        'RequestHeaderModifier, ResponseHeaderModifier, RequestRedirect, URLRewrite, RequestMirror',
      );
  }
}

function redirectOf(filter: Tree): Tree {
  const out: Tree = {};
  const scheme = stringAt(filter, 'scheme');
  if (numberAt(filter, 'statusCode') !== undefined) out['redirectCode'] = numberAt(filter, 'statusCode');
  else out['redirectCode'] = 302;
  if (stringAt(filter, 'hostname') !== '') out['authority'] = stringAt(filter, 'hostname');
  if (scheme !== '') out['scheme'] = scheme;
  const port = numberAt(filter, 'port');
  if (port !== undefined) out['port'] = port;
  else out['derivePort'] = scheme === '' ? 'FROM_REQUEST_PORT' : 'FROM_PROTOCOL_DEFAULT';
  const path = treeAt(filter, 'path');
  if (stringAt(path, 'type') === 'ReplaceFullPath') out['uri'] = stringAt(path, 'replaceFullPath');
  else if (stringAt(path, 'type') === 'ReplacePrefixMatch') out['prefixRewrite'] = stringAt(path, 'replacePrefixMatch');
  return out;
}

function rewriteOf(filter: Tree): Tree {
  const out: Tree = {};
  const path = treeAt(filter, 'path');
  if (stringAt(path, 'type') === 'ReplacePrefixMatch') {
    out['uri'] = stringAt(path, 'replacePrefixMatch').replace(/\/$/, '') || '/';
  } else if (stringAt(path, 'type') === 'ReplaceFullPath') {
    out['uriRegexRewrite'] = { match: '/.*', rewrite: stringAt(path, 'replaceFullPath') };
  }
  if (stringAt(filter, 'hostname') !== '') out['authority'] = stringAt(filter, 'hostname');
  return out;
}

function addRetries(route: Tree, rule: Tree): void {
  const retry = treeAt(rule, 'retry');
  if (retry === undefined) return;
  const attempts = numberAt(retry, 'attempts') ?? 2;
  const words = [
    'connect-failure',
    'refused-stream',
    'unavailable',
    'cancelled',
    ...listAt(retry, 'codes').map(String),
  ];
  const out: Tree = { attempts };
  if (attempts > 0) out['retryOn'] = words.join(',');
  if (stringAt(retry, 'backoff') !== '') inherit(out, retry, 'backoff');
  comesFrom(out, 'attempts', retry, 'attempts');
  comesFrom(out, 'retryOn', retry, 'codes');
  route['retries'] = out;
  comesFrom(route, 'retries', rule, 'retry');
}

/** `request` bounds the whole request; `backendRequest` each try, or, without retries, the one there is. */
function addTimeouts(route: Tree, rule: Tree): void {
  const timeouts = treeAt(rule, 'timeouts');
  if (timeouts === undefined) return;
  const set = (out: Tree, name: string, field: string) => {
    if ((parseDuration(stringAt(timeouts, field)) ?? 0) === 0) return;
    out[name] = timeouts[field];
    comesFrom(out, name, timeouts, field);
  };
  set(route, 'timeout', 'request');
  const retries = route['retries'];
  if (isTree(retries)) set(retries, 'perTryTimeout', 'backendRequest');
  else set(route, 'timeout', 'backendRequest');
}

const RANKS: readonly [string, number][] = [
  ['exact', 3],
  ['prefix', 2],
  ['regex', 1],
];

/** Rules by precedence: exact paths, longer prefixes, a method, more headers, more query parameters; else as written. */
function inOrder(routes: Tree[]): Tree[] {
  const weigh = (route: Tree): number[] => {
    const match = treesAt(route, 'match')[0];
    if (match === undefined) return [];
    const uri = treeAt(match, 'uri');
    const [kind, rank] = RANKS.find(([k]) => uri?.[k] !== undefined) ?? ['', -1];
    return [
      rank,
      stringAt(uri, kind).length,
      match['method'] === undefined ? 0 : 1,
      Object.keys(treeAt(match, 'headers') ?? {}).length,
      Object.keys(treeAt(match, 'queryParams') ?? {}).length,
    ];
  };
  const weighed = routes.map((route) => ({ route, weight: weigh(route) }));
  weighed.sort((a, b) => {
    if (a.weight.length === 0 || b.weight.length === 0) return b.weight.length - a.weight.length;
    for (let i = 0; i < a.weight.length; i++) if (a.weight[i] !== b.weight[i]) return b.weight[i] - a.weight[i];
    return 0;
  });
  return weighed.map((w) => w.route);
}
