import { selects } from '../resource.js';
import { allFrom, comesFrom, isTree, numberAt, stringAt, stringMapAt, stringsAt, type Tree, treeAt } from '../tree.js';
import type { VirtualService } from '../virtual-services.js';

/** Where a route is built for: the port of the listener, and by which names its proxy is a gateway. */
export interface Place {
  port: number;
  /** `mesh` for a sidecar, gateways as `namespace/name` else. */
  gateways: ReadonlySet<string>;
  labels: Record<string, string>;
  namespace: string;
  /** Whether the listener ends TLS. */
  tls: boolean;
}

/** Whether a match can hold at all for this proxy and port; what remains is decided per request. */
export function matchApplies(match: Tree, place: Place): boolean {
  const port = numberAt(match, 'port') ?? 0;
  if (port !== 0 && port !== place.port) return false;
  const gateways = stringsAt(match, 'gateways');
  if (gateways.length > 0) return gateways.some((g) => place.gateways.has(g));
  if (!selects(stringMapAt(match, 'sourceLabels'), place.labels)) return false;
  const namespace = stringAt(match, 'sourceNamespace');
  return namespace === '' || namespace === place.namespace;
}

/** Envoy's StringMatcher of an Istio StringMatch; undefined when it says nothing. */
export function stringMatcher(match: Tree): Tree | undefined {
  for (const kind of ['exact', 'prefix']) {
    if (typeof match[kind] === 'string') return { [kind]: match[kind] };
  }
  return typeof match['regex'] === 'string' ? { safe_regex: { regex: match['regex'] } } : undefined;
}

/** Whether a StringMatch only asks for presence: an empty one, and the historic regex `*`. */
function isPresence(match: unknown): boolean {
  return !isTree(match) || stringMatcher(match) === undefined || match['regex'] === '*';
}

/** Envoy's HeaderMatcher for a header, `:method`, `:authority` or `:scheme`. */
function headerMatcher(name: string, source: Tree, field: string): Tree {
  const match = source[field];
  const out: Tree = { name };
  if (isPresence(match)) out['present_match'] = true;
  else out['string_match'] = stringMatcher(match as Tree);
  allFrom(out, source, field);
  return out;
}

/** Envoy's RouteMatch of an HTTPMatchRequest; of none, the one that matches everything. */
export function routeMatch(vs: VirtualService, match: Tree | undefined): Tree {
  if (match === undefined) return { prefix: '/' };
  const out: Tree = { prefix: '/' };
  const uri = treeAt(match, 'uri');
  if (uri !== undefined) {
    for (const [kind, field] of [
      ['exact', 'path'],
      ['prefix', 'prefix'],
      ['regex', 'safe_regex'],
    ]) {
      const value = uri[kind];
      if (typeof value !== 'string') continue;
      delete out['prefix'];
      if (kind === 'regex') out[field] = { regex: value };
      else if (kind === 'prefix' && vs.gatewayApi && value !== '/') {
        out['path_separated_prefix'] = value.endsWith('/') ? value.slice(0, -1) : value;
      } else out[field] = value;
      comesFrom(out, field, uri, kind);
      break;
    }
  }
  out['case_sensitive'] = match['ignoreUriCase'] !== true;
  const headers: Tree[] = [];
  const metadata: Tree[] = [];
  for (const [field, without] of [
    ['headers', false],
    ['withoutHeaders', true],
  ] as const) {
    const map = treeAt(match, field) ?? {};
    for (const name of Object.keys(map)) {
      const claim = claimMatcher(name, map, without);
      if (claim !== null) {
        metadata.push(claim);
        continue;
      }
      const matcher = headerMatcher(name, map, name);
      if (without) {
        matcher['invert_match'] = true;
        if (!isPresence(map[name])) matcher['treat_missing_header_as_empty'] = true;
      }
      headers.push(matcher);
    }
  }
  headers.sort((a, b) =>
    stringAt(a, 'name') < stringAt(b, 'name') ? -1 : stringAt(a, 'name') > stringAt(b, 'name') ? 1 : 0,
  );
  for (const field of ['method', 'authority', 'scheme']) {
    if (treeAt(match, field) !== undefined) headers.push(headerMatcher(`:${field}`, match, field));
  }
  if (headers.length > 0) out['headers'] = headers;
  const parameters: Tree[] = [];
  const query = treeAt(match, 'queryParams') ?? {};
  for (const name of Object.keys(query).sort()) {
    const value = query[name];
    const matcher: Tree = { name };
    if (isPresence(value)) matcher['present_match'] = true;
    else matcher['string_match'] = stringMatcher(value as Tree);
    allFrom(matcher, query, name);
    parameters.push(matcher);
  }
  if (parameters.length > 0) out['query_parameters'] = parameters;
  if (metadata.length > 0) out['dynamic_metadata'] = metadata;
  allFrom(out, match);
  return out;
}

const CLAIMS = '@request.auth.claims';

/** A matcher of a JWT's claim for headers named `@request.auth.claims.a.b` or `@request.auth.claims[a][b]`; else null. */
function claimMatcher(name: string, map: Tree, without: boolean): Tree | null {
  if (!name.toLowerCase().startsWith(CLAIMS)) return null;
  const rest = name.slice(CLAIMS.length);
  const claims = rest.startsWith('[') ? rest.slice(1, -1).split('][') : rest.slice(1).split('.');
  if (claims.length === 0 || claims[0] === '') return null;
  const value = map[name];
  const text = isTree(value) ? stringMatcher(value) : undefined;
  const one = { string_match: text ?? { safe_regex: { regex: '.+' } } };
  const out: Tree = {
    filter: 'envoy.filters.http.jwt_authn',
    path: ['payload', ...claims].map((key) => ({ key })),
    value: { or_match: { value_matchers: [one, { list_match: { one_of: one } }] } },
  };
  if (without) out['invert'] = true;
  allFrom(out, map, name);
  return out;
}

/** Whether a route takes every request: nothing after it is ever reached. */
export function isCatchAll(route: Tree): boolean {
  const match = treeAt(route, 'match') ?? {};
  for (const field of ['headers', 'query_parameters', 'dynamic_metadata']) if (match[field] !== undefined) return false;
  if (match['prefix'] === '/' || match['path_separated_prefix'] === '/') return true;
  return stringAt(treeAt(match, 'safe_regex'), 'regex') === '.*';
}
