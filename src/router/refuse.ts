import { ConfigError } from '../config/error.js';
import { type FieldRef, fieldRef, pathOf, positionOf } from '../config/position.js';

/** Reports `object[key]` of a configuration message. */
export function refuse(object: object, key: string, reason: string): never {
  throw new ConfigError(reason, pathOf(object, key), positionOf(object, key) ?? positionOf(object, ''));
}

/** Runs `compile` and reports what it throws as a mistake of `object[key]`. */
export function reporting<T>(object: object, key: string, compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    return refuse(object, key, error instanceof Error ? error.message : String(error));
  }
}

const DEFAULT: FieldRef = { path: '(default)', position: null };

/** What `explain` shows as the origin of `object[key]`: the field when it was written, else `(default)`. */
export function originOf<T extends object>(object: T | undefined, key: keyof T & string): FieldRef {
  return object === undefined || object[key] === undefined ? DEFAULT : fieldRef(object, key);
}
