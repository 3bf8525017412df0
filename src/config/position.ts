import { Stamp } from './stamp.js';

/** Where a field of a configuration document stands. Lines and columns count from 1. */
export interface Position {
  /** Path of the file; of an object of the Kubernetes API its name as `namespace/Kind/name`, and line and column are 0. */
  file: string;
  line: number;
  col: number;
  /**
   * For a field that was generated from another document: the field there that caused it, such as
   * `VirtualService default/server spec.http[0].timeout`, which stands at this position.
   */
  source?: string;
}

/** A field of the configuration that armed a timer or set a limit: what `explain` points at. */
export interface FieldRef {
  /** Full path, such as `static_resources.listeners[0]…route.timeout`, or `(default)`. */
  path: string;
  position: Position | null;
}

/** Of an object whose fields have no positions of their own only the object's: a map for each would be most of what it costs. */
type Places = Map<string, Position> | Position | undefined;

/** Notes where `object[key]` was read. */
export function setPosition(object: object, key: string, position: Position): void {
  const known = Stamp.place(object) as Places;
  if (known instanceof Map) known.set(key, position);
  else if (key === '') Stamp.setPlace(object, position);
  else {
    const map = new Map([[key, position]]);
    if (known !== undefined) map.set('', known);
    Stamp.setPlace(object, map);
  }
}

/** Where `object[key]` was read, or null. Key '' is the object itself. */
export function positionOf(object: object, key: string): Position | null {
  const known = Stamp.place(object) as Places;
  if (known === undefined) return null;
  if (known instanceof Map) return known.get(key) ?? null;
  return key === '' ? known : null;
}

/** Notes one position for a value and every mapping and list in it. */
export function placeTree(value: unknown, position: Position): void {
  if (typeof value !== 'object' || value === null) return;
  setPosition(value, '', position);
  for (const one of Object.values(value)) placeTree(one, position);
}

export function formatPosition(position: Position | null): string {
  if (position === null) return '(generated)';
  return position.line === 0 ? position.file : `${position.file}:${position.line}:${position.col}`;
}

/** Notes the full path of an object of the configuration, such as `static_resources.clusters[0]`. */
export function setPath(object: object, path: string): void {
  Stamp.setPath(object, path);
}

/** Full path of `object[key]`; key '' is the object itself. Just the key when the object's own path is not known. */
export function pathOf(object: object, key: string): string {
  const path = Stamp.path(object) ?? '';
  if (key === '') return path;
  if (Array.isArray(object)) return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}

/** What `explain` shows for `object[key]`: the field and where it was written. */
export function fieldRef(object: object, key: string): FieldRef {
  const position = positionOf(object, key) ?? positionOf(object, '');
  return { path: position?.source ?? pathOf(object, key), position };
}
