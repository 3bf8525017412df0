/** Where a field of a configuration document stands. Lines and columns count from 1. */
export interface Position {
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

const positions = new WeakMap<object, Map<string, Position>>();

/** Notes where `object[key]` was read. */
export function setPosition(object: object, key: string, position: Position): void {
  let map = positions.get(object);
  if (map === undefined) positions.set(object, (map = new Map()));
  map.set(key, position);
}

/** Where `object[key]` was read, or null. Key '' is the object itself. */
export function positionOf(object: object, key: string): Position | null {
  return positions.get(object)?.get(key) ?? null;
}

export function formatPosition(position: Position | null): string {
  return position === null ? '(generated)' : `${position.file}:${position.line}:${position.col}`;
}

const paths = new WeakMap<object, string>();

/** Notes the full path of an object of the configuration, such as `static_resources.clusters[0]`. */
export function setPath(object: object, path: string): void {
  paths.set(object, path);
}

/** Full path of `object[key]`; key '' is the object itself. Just the key when the object's own path is not known. */
export function pathOf(object: object, key: string): string {
  const path = paths.get(object) ?? '';
  if (key === '') return path;
  if (Array.isArray(object)) return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}

/** What `explain` shows for `object[key]`: the field and where it was written. */
export function fieldRef(object: object, key: string): FieldRef {
  const position = positionOf(object, key) ?? positionOf(object, '');
  return { path: position?.source ?? pathOf(object, key), position };
}
