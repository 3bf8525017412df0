import { Memo } from './memo.js';
import { fullHost } from './names.js';
import type { Resource } from './resource.js';
import { byAge } from './resource.js';
import {
  comesFrom,
  copyTree,
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

/** A VirtualService with its names completed and its delegates put in. */
export interface VirtualService {
  from: Resource;
  hosts: string[];
  /** `mesh`, or gateways as `namespace/name`. */
  gateways: string[];
  exportTo: string[];
  http: Tree[];
  tls: Tree[];
  tcp: Tree[];
  /** Routes made from an HTTPRoute match whole path segments and answer 500 for a missing backend. */
  gatewayApi: boolean;
}

export const MESH = 'mesh';

/** Fields of the root's route that a delegate's route has too unless it sets its own. */
const INHERITED = [
  'rewrite',
  'directResponse',
  'timeout',
  'retries',
  'fault',
  'mirror',
  'mirrorPercent',
  'mirrorPercentage',
  'corsPolicy',
  'mirrors',
  'headers',
];

/** A gateway's name in full. */
function fullGateway(name: string, namespace: string): string {
  if (name === MESH) return name;
  if (name.startsWith('./')) return `${namespace}/${name.slice(2)}`;
  if (name.includes('/')) return name;
  const parts = name.split('.');
  return parts.length === 1 ? `${namespace}/${name}` : `${parts[1]}/${parts[0]}`;
}

function completeHost(tree: Tree | undefined, namespace: string): void {
  if (tree !== undefined && typeof tree['host'] === 'string') tree['host'] = fullHost(tree['host'], namespace);
}

/** A copy of a VirtualService's spec with every short name completed. */
function completeNames(resource: Resource): Tree {
  const spec = copyTree(resource.spec);
  const { namespace } = resource;
  for (const kind of ['http', 'tls', 'tcp']) {
    for (const route of treesAt(spec, kind)) {
      for (const match of treesAt(route, 'match')) {
        if (Array.isArray(match['gateways'])) {
          match['gateways'] = stringsAt(match, 'gateways').map((g) => fullGateway(g, namespace));
        }
      }
      for (const weighted of treesAt(route, 'route')) completeHost(treeAt(weighted, 'destination'), namespace);
      completeHost(treeAt(route, 'mirror'), namespace);
      // The proto's own name of the field, which JSON may use too.
      if (has(route, 'mirror_percent') && !has(route, 'mirrorPercent')) {
        route['mirrorPercent'] = route['mirror_percent'];
        comesFrom(route, 'mirrorPercent', route, 'mirror_percent');
      }
      for (const mirror of treesAt(route, 'mirrors')) completeHost(treeAt(mirror, 'destination'), namespace);
    }
  }
  return spec;
}

/** A route's fields that istiod does not find are not there: null means the same as absence. */
function has(tree: Tree, field: string): boolean {
  return tree[field] !== undefined && tree[field] !== null;
}

/**
 * All VirtualServices with hosts, oldest first, delegates merged in; those that say nothing are exported to `defaultExportTo`. A route whose delegate is missing or not visible
 * from the root's namespace is left out; so is a delegate's route that the root's matches do not cover.
 */
export function virtualServicesOf(
  resources: readonly Resource[],
  defaultExportTo: readonly string[] = [],
): VirtualService[] {
  const visible = defaultExportTo.join();
  const all = resources.filter((r) => r.kind === 'VirtualService').sort(byAge);
  const delegates = new Map<string, Delegate>();
  for (const resource of all) {
    if (listAt(resource.spec, 'hosts').length > 0) continue;
    const spec = completed.get(resource, [], () => completeNames(resource));
    delegates.set(`${resource.namespace}/${resource.name}`, { spec, resource });
  }
  const out: VirtualService[] = [];
  for (const resource of all) {
    if (listAt(resource.spec, 'hosts').length === 0) continue;
    const needed = delegatesOf(resource, delegates);
    out.push(made.get(resource, [visible, ...needed], () => virtualServiceOf(resource, delegates, defaultExportTo)));
  }
  return out;
}

const made = new Memo<Resource, VirtualService>();
const completed = new Memo<Resource, Tree>();

/** The documents that a VirtualService delegates to, null for one that is missing. */
function delegatesOf(resource: Resource, delegates: ReadonlyMap<string, Delegate>): (Resource | null)[] {
  const out: (Resource | null)[] = [];
  for (const route of treesAt(resource.spec, 'http')) {
    const delegate = treeAt(route, 'delegate');
    if (delegate !== undefined) out.push(delegates.get(delegateKey(delegate, resource))?.resource ?? null);
  }
  return out;
}

function delegateKey(delegate: Tree, root: Resource): string {
  return `${stringAt(delegate, 'namespace') || root.namespace}/${stringAt(delegate, 'name')}`;
}

interface Delegate {
  spec: Tree;
  resource: Resource;
}

function virtualServiceOf(
  resource: Resource,
  delegates: ReadonlyMap<string, Delegate>,
  defaultExportTo: readonly string[],
): VirtualService {
  const spec = completeNames(resource);
  const http: Tree[] = [];
  for (const route of treesAt(spec, 'http')) {
    const delegate = treeAt(route, 'delegate');
    if (delegate === undefined) {
      http.push(route);
      continue;
    }
    const namespace = stringAt(delegate, 'namespace') || resource.namespace;
    const found = delegates.get(delegateKey(delegate, resource));
    if (found === undefined) continue;
    const exportTo = stringsAt(found.spec, 'exportTo').map((e) => (e === '.' ? namespace : e));
    if (exportTo.length > 0 && !exportTo.includes('*') && !exportTo.includes(resource.namespace)) continue;
    for (const sub of treesAt(copyTree(found.spec), 'http')) {
      const merged = mergeRoutes(route, sub);
      if (merged !== null) http.push(merged);
    }
  }
  const gateways = stringsAt(spec, 'gateways');
  const exportTo = stringsAt(spec, 'exportTo');
  return {
    from: resource,
    hosts: stringsAt(spec, 'hosts').map((h) => fullHost(h, resource.namespace)),
    gateways: gateways.length === 0 ? [MESH] : gateways.map((g) => fullGateway(g, resource.namespace)),
    exportTo: exportTo.length === 0 ? [...defaultExportTo] : exportTo,
    http,
    tls: treesAt(spec, 'tls'),
    tcp: treesAt(spec, 'tcp'),
    gatewayApi: false,
  };
}

function mergeRoutes(root: Tree, delegate: Tree): Tree | null {
  const match = mergeMatches(treesAt(root, 'match'), treesAt(delegate, 'match'));
  if (match === null) return null;
  const out = delegate;
  if (match.length > 0) out['match'] = match;
  const rootName = stringAt(root, 'name');
  const name = stringAt(delegate, 'name');
  if (name === '') inherit(out, root, 'name');
  else if (rootName !== '') out['name'] = `${rootName}-${name}`;
  for (const field of INHERITED) if (!has(out, field)) inherit(out, root, field);
  return out;
}

/** Every match of the delegate with every match of the root that covers it; null when one of them is covered by none. */
function mergeMatches(root: Tree[], delegate: Tree[]): Tree[] | null {
  if (root.length === 0) return delegate;
  if (delegate.length === 0) return root;
  const out: Tree[] = [];
  for (const sub of delegate) {
    const before = out.length;
    for (const above of root) if (!conflicts(above, sub)) out.push(mergeMatch(above, sub));
    if (out.length === before) return null;
  }
  return out;
}

function mergeMatch(root: Tree, delegate: Tree): Tree {
  const out = copyTree(delegate);
  const name = stringAt(delegate, 'name');
  if (name === '') inherit(out, root, 'name');
  else if (stringAt(root, 'name') !== '') out['name'] = `${stringAt(root, 'name')}-${name}`;
  for (const field of ['uri', 'scheme', 'method', 'authority', 'port', 'sourceNamespace', 'gateways', 'statPrefix']) {
    const value = out[field];
    const empty = value === undefined || value === null || value === 0 || value === '';
    if (empty || (Array.isArray(value) && value.length === 0)) inherit(out, root, field);
  }
  for (const field of ['headers', 'withoutHeaders', 'queryParams', 'sourceLabels']) {
    const above = treeAt(root, field);
    if (above === undefined) continue;
    const merged: Tree = copyTree(treeAt(out, field) ?? {});
    for (const key of Object.keys(above)) if (merged[key] === undefined) inherit(merged, above, key);
    out[field] = merged;
  }
  return out;
}

function conflicts(root: Tree, leaf: Tree): boolean {
  for (const field of ['uri', 'scheme', 'method', 'authority']) {
    if (stringMatchConflicts(treeAt(root, field), treeAt(leaf, field))) return true;
  }
  for (const field of ['headers', 'withoutHeaders', 'queryParams']) {
    const above = treeAt(root, field);
    const below = treeAt(leaf, field);
    if (above === undefined || below === undefined) continue;
    for (const key of Object.keys(below)) {
      if (stringMatchConflicts(treeAt(above, key), treeAt(below, key))) return true;
    }
  }
  if ((root['ignoreUriCase'] === true) !== (leaf['ignoreUriCase'] === true)) return true;
  const rootPort = numberAt(root, 'port') ?? 0;
  const leafPort = numberAt(leaf, 'port') ?? 0;
  if (rootPort > 0 && leafPort > 0 && rootPort !== leafPort) return true;
  const namespace = stringAt(root, 'sourceNamespace');
  if (namespace !== '' && stringAt(leaf, 'sourceNamespace') !== namespace) return true;
  const labels = treeAt(root, 'sourceLabels');
  const own = treeAt(leaf, 'sourceLabels');
  if (isTree(labels) && isTree(own)) {
    for (const key of Object.keys(own)) if (labels[key] !== undefined && labels[key] !== own[key]) return true;
  }
  const gateways = stringsAt(root, 'gateways');
  const leafGateways = stringsAt(leaf, 'gateways');
  if (gateways.length > 0 && leafGateways.length > 0) {
    if (gateways.length < leafGateways.length) return true;
    if (leafGateways.some((g) => !gateways.includes(g))) return true;
  }
  return false;
}

/** Whether what the delegate matches is not covered by what the root matches. */
function stringMatchConflicts(root: Tree | undefined, leaf: Tree | undefined): boolean {
  if (root === undefined || leaf === undefined) return false;
  const says = (m: Tree) => stringAt(m, 'regex') !== '' || stringAt(m, 'prefix') !== '' || stringAt(m, 'exact') !== '';
  if (stringAt(root, 'regex') !== '' && says(leaf)) return true;
  if (stringAt(leaf, 'regex') !== '' && says(root)) return true;
  const exact = stringAt(root, 'exact');
  if (exact !== '') return stringAt(leaf, 'prefix') !== '' || stringAt(leaf, 'exact') !== exact;
  const prefix = stringAt(root, 'prefix');
  if (prefix === '') return true;
  if (stringAt(leaf, 'prefix') !== '') return !stringAt(leaf, 'prefix').startsWith(prefix);
  if (stringAt(leaf, 'exact') !== '') return !stringAt(leaf, 'exact').startsWith(prefix);
  return true;
}
