import { type Subject, titleOf } from './finding.js';
import { isTree, notePaths, stringAt, stringMapAt, type Tree, treeAt } from './tree.js';

/** A Kubernetes document as the translation sees it. */
export interface Resource extends Subject {
  apiVersion: string;
  /** The group of apiVersion, empty for the core group. */
  group: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Seconds since the epoch of `metadata.creationTimestamp`; 0 without one. Of equal ages the name decides. */
  created: number;
  spec: Tree;
}

/** Kinds that belong to no namespace. */
const CLUSTER_KINDS = new Set(['Namespace', 'Node', 'GatewayClass', 'CustomResourceDefinition', 'ClusterRole']);

/** Reads the head of a document; a namespaced one without a namespace is of `default`. */
export function resourceOf(body: Tree): Resource {
  const metadata = treeAt(body, 'metadata') ?? {};
  const kind = stringAt(body, 'kind');
  const apiVersion = stringAt(body, 'apiVersion');
  const slash = apiVersion.indexOf('/');
  const created = Date.parse(stringAt(metadata, 'creationTimestamp'));
  const resource: Resource = {
    kind,
    apiVersion,
    group: slash === -1 ? '' : apiVersion.slice(0, slash),
    namespace: CLUSTER_KINDS.has(kind) ? '' : stringAt(metadata, 'namespace') || 'default',
    name: stringAt(metadata, 'name'),
    labels: stringMapAt(metadata, 'labels'),
    annotations: stringMapAt(metadata, 'annotations'),
    created: Number.isNaN(created) ? 0 : created / 1000,
    spec: isTree(body['spec']) ? body['spec'] : {},
    body,
  };
  notePaths(body, titleOf(resource));
  return resource;
}

/** Oldest first; of the same age by name, then by namespace. */
export function byAge(a: Resource, b: Resource): number {
  if (a.created !== b.created) return a.created - b.created;
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.namespace < b.namespace ? -1 : a.namespace > b.namespace ? 1 : 0;
}

/** Whether `labels` has everything that `selector` asks for. An empty selector selects all. */
export function selects(selector: Record<string, string>, labels: Record<string, string>): boolean {
  for (const key of Object.keys(selector)) if (labels[key] !== selector[key]) return false;
  return true;
}
