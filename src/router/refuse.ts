import { ConfigError } from '../config/error.js';
import { type FieldRef, positionOf } from '../config/position.js';

/** A place in a route configuration: the message that holds the field, and its path. */
export interface Place {
  object: object;
  path: string;
}

/** Reports `place.object[key]`. */
export function refuse(place: Place, key: string, reason: string): never {
  throw new ConfigError(reason, key === '' ? place.path : `${place.path}.${key}`, positionOf(place.object, key));
}

/** Runs `compile` and reports what it throws as a mistake of the field. */
export function reporting<T>(place: Place, key: string, compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    return refuse(place, key, error instanceof Error ? error.message : String(error));
  }
}

/** What `explain` shows as the origin of a value: the field when it was written, else `(default)`. */
export function fieldRef(object: object | undefined, path: string, key: string): FieldRef {
  if (object === undefined || (object as Record<string, unknown>)[key] === undefined)
    return { path: '(default)', position: null };
  return { path: `${path}.${key}`, position: positionOf(object, key) };
}
