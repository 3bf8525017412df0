import { type Position, positionOf, setPosition } from '../config/position.js';

/**
 * A message of Envoy's or Istio's configuration as it stands in JSON: fields by name, durations as text.
 * What the translation reads has the names of the Kubernetes document (lowerCamelCase), what it writes those of Envoy's
 * protos (snake_case).
 */
export interface Tree {
  [field: string]: unknown;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function treeAt(tree: unknown, field: string): Tree | undefined {
  if (!isTree(tree)) return undefined;
  const value = tree[field];
  return isTree(value) ? value : undefined;
}

export function listAt(tree: unknown, field: string): unknown[] {
  if (!isTree(tree)) return [];
  const value = tree[field];
  return Array.isArray(value) ? value : [];
}

export function treesAt(tree: unknown, field: string): Tree[] {
  return listAt(tree, field).filter(isTree);
}

export function stringAt(tree: unknown, field: string): string {
  const value = isTree(tree) ? tree[field] : undefined;
  return typeof value === 'string' ? value : '';
}

export function numberAt(tree: unknown, field: string): number | undefined {
  const value = isTree(tree) ? tree[field] : undefined;
  return typeof value === 'number' ? value : undefined;
}

export function booleanAt(tree: unknown, field: string): boolean | undefined {
  const value = isTree(tree) ? tree[field] : undefined;
  return typeof value === 'boolean' ? value : undefined;
}

/** The texts of a list, whatever else stands in it left out. */
export function stringsAt(tree: unknown, field: string): string[] {
  return listAt(tree, field).filter((v): v is string => typeof v === 'string');
}

/** A map of texts, such as labels. */
export function stringMapAt(tree: unknown, field: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [key, value] of Object.entries(treeAt(tree, field) ?? {})) if (typeof value === 'string') out[key] = value;
  return out;
}

const paths = new WeakMap<object, string>();

/**
 * Notes for every object below `root` where it stands in its document, such as
 * `VirtualService default/server spec.http[0]`. `title` names the document.
 */
export function notePaths(root: Tree, title: string): void {
  const walk = (value: unknown, path: string): void => {
    if (Array.isArray(value)) {
      paths.set(value, path);
      for (let i = 0; i < value.length; i++) walk(value[i], `${path}[${i}]`);
    } else if (isTree(value)) {
      paths.set(value, path);
      const join = path.endsWith(' ') ? path : `${path}.`;
      for (const key of Object.keys(value)) walk(value[key], join + keyInPath(key));
    }
  };
  walk(root, `${title} `);
}

/** A key as it reads in a path: quoted in brackets when it holds a dot or the like. */
function keyInPath(key: string): string {
  return /^[\w-]+$/.test(key) ? key : `["${key}"]`;
}

/** Where `tree[field]` stands, or `tree` itself when `field` is empty. */
export function pathOf(tree: object, field: string): string {
  const path = paths.get(tree) ?? '';
  if (field === '') return path.trimEnd();
  if (Array.isArray(tree)) return `${path}[${field}]`;
  return path === '' || path.endsWith(' ') ? path + keyInPath(field) : `${path}.${keyInPath(field)}`;
}

/** The position of `tree[field]` with its path, or of `tree` when the field was not written. */
export function sourceOf(tree: object, field: string): Position | null {
  const position = positionOf(tree, field) ?? positionOf(tree, '');
  if (position === null || position.source !== undefined) return position;
  return { ...position, source: pathOf(tree, field) };
}

/** Says that `out[field]` comes from `source[sourceField]`, for what explains the configuration later. */
export function comesFrom(out: object, field: string, source: object, sourceField: string): void {
  const position = sourceOf(source, sourceField);
  if (position !== null) setPosition(out, field, position);
}

/** Says that `out` and all below it come from `source[sourceField]`, unless something nearer was said before. */
export function allFrom(out: unknown, source: object, sourceField = ''): void {
  const position = sourceOf(source, sourceField);
  if (position === null) return;
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const item of value) walk(item);
    } else if (isTree(value)) {
      if (positionOf(value, '') === null) setPosition(value, '', position);
      for (const key of Object.keys(value)) {
        if (positionOf(value, key) === null) setPosition(value, key, position);
        walk(value[key]);
      }
    }
  };
  walk(out);
}

/** Sets `out[field]` to what `source[field]` is, and its position with it; nothing when it is not there. */
export function inherit(out: Tree, source: Tree, field: string): void {
  if (source[field] === undefined) return;
  out[field] = source[field];
  comesFrom(out, field, source, field);
}

/** A deep copy that keeps every position and path. */
export function copyTree<T>(value: T): T {
  if (Array.isArray(value)) {
    const list = value.map((v) => copyTree(v));
    const path = paths.get(value);
    if (path !== undefined) paths.set(list, path);
    return list as T;
  }
  if (!isTree(value)) return value;
  const out: Tree = {};
  const path = paths.get(value);
  if (path !== undefined) paths.set(out, path);
  const own = positionOf(value, '');
  if (own !== null) setPosition(out, '', own);
  for (const key of Object.keys(value)) {
    out[key] = copyTree(value[key]);
    const position = positionOf(value, key);
    if (position !== null) setPosition(out, key, position);
  }
  return out as T;
}
