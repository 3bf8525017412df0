import { positionOf, setPosition } from '../../config/position.js';
import { type Field, type MessageType, messageType, shortNameOf, typeOf } from '../../xds/schema.js';
import { comesFrom, copyTree, isTree, pathOf, stringAt, type Tree } from '../tree.js';

/** A deep copy of a part of a document, every field of which knows the document's field it was. */
export function copySourced<T>(value: T): T {
  const copy = copyTree(value);
  const walk = (tree: unknown): void => {
    if (typeof tree !== 'object' || tree === null) return;
    for (const key of ['', ...Object.keys(tree)]) {
      const position = positionOf(tree, key);
      if (position !== null && position.source === undefined) {
        setPosition(tree, key, { ...position, source: pathOf(tree, key) });
      }
    }
    for (const child of Object.values(tree)) walk(child);
  };
  walk(copy);
  return copy;
}

/**
 * Merges a patch into a message as istiod does: messages field by field, lists appended (or replaced, for
 * MERGE_AND_REPLACE_LIST), map entries, scalars and durations replaced; a member of a oneof removes the others. A scalar
 * with its default value changes nothing. Fields that are not known are kept for the reader of the model to refuse.
 */
export function mergeInto(type: MessageType, base: Tree, patch: Tree, replaceLists = false): void {
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) continue;
    const field = type.byName.get(key);
    if (field === undefined) {
      put(base, key, patch, key);
      continue;
    }
    if (field.oneof !== '') {
      for (const rival of type.fields) {
        if (rival === field || rival.oneof !== field.oneof) continue;
        delete base[rival.name];
        delete base[rival.jsonName];
      }
    }
    const name = base[field.name] === undefined && base[field.jsonName] !== undefined ? field.jsonName : field.name;
    if (base[name] === undefined || base[name] === null) put(base, name, patch, key);
    else mergeField(field, base, name, patch, key, replaceLists);
  }
}

function mergeField(field: Field, base: Tree, name: string, patch: Tree, key: string, replaceLists: boolean): void {
  const old = base[name];
  const value = patch[key];
  const type = typeOf(field.type);
  if (field.shape === 'list' && !replaceLists) {
    const added = copySourced(Array.isArray(value) ? value : [value]);
    base[name] = [...(Array.isArray(old) ? old : [old]), ...added];
  } else if (field.shape === 'map' && isTree(old) && isTree(value)) {
    for (const entry of Object.keys(value)) put(old, entry, value, entry);
  } else if (field.shape === 'single' && type?.kind === 'message' && isTree(old) && isTree(value)) {
    mergeInto(type, old, value, replaceLists);
  } else if (field.shape !== 'single' || field.type === 'duration' || !isDefault(type, value)) {
    put(base, name, patch, key);
  }
}

function isDefault(type: ReturnType<typeof typeOf>, value: unknown): boolean {
  if (type?.kind === 'enum' && typeof value === 'string') return type.numbers.get(value) === 0;
  return value === false || value === 0 || value === '';
}

function put(base: Tree, name: string, patch: Tree, key: string): void {
  base[name] = copySourced(patch[key]);
  comesFrom(base, name, patch, key);
}

/** Merges a patch into a message by the short name of its type. */
export function mergeMessage(
  name: Parameters<typeof messageType>[0],
  base: Tree,
  patch: Tree,
  replaceLists: boolean,
): void {
  mergeInto(messageType(name), base, patch, replaceLists);
}

/** Merges two `typed_config`s; they must be of the same message. False when they are not. */
export function mergeTyped(base: Tree, patch: Tree): boolean {
  const fullName = (tree: Tree) => stringAt(tree, '@type').slice(stringAt(tree, '@type').lastIndexOf('/') + 1);
  if (fullName(base) !== fullName(patch)) return false;
  const name = shortNameOf(fullName(base));
  if (name === undefined) return false;
  const rest = copyTree(patch);
  delete rest['@type'];
  mergeInto(messageType(name as Parameters<typeof messageType>[0]), base, rest);
  return true;
}
