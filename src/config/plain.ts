import { type Position, setPosition } from './position.js';

/**
 * What a document is read into: plain objects, arrays and scalars, whose positions `positionOf(container, key)` knows.
 * The position of a field is that of its key, of an item that of the item (key: its index), of a container itself key ''.
 */
export type Plain = null | boolean | number | string | Plain[] | PlainObject;

export interface PlainObject {
  [key: string]: Plain;
}

export function isObject(value: unknown): value is PlainObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a value is, in words for an error message. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'boolean':
      return `the boolean ${value}`;
    case 'number':
      return `the number ${value}`;
    case 'string':
      return `the string ${JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)}`;
    case 'object':
      return 'a mapping';
    default:
      return 'nothing';
  }
}

/** Sets a field, whatever its name is: `__proto__` in a document is a name like any other. */
export function putField(object: object, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else (object as Record<string, unknown>)[key] = value;
}

/** As `putField`, and notes where the field was written. */
export function putPositioned(object: object, key: string, value: unknown, position: Position): void {
  putField(object, key, value);
  setPosition(object, key, position);
}
