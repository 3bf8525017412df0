import { isObject, type Plain, type PlainObject, putField } from '../config/plain.js';
import { positionOf, setPosition } from '../config/position.js';
import { type Field, type MessageType, typeOf } from './schema.js';

/**
 * Merges one document over another as Envoy merges `--config-yaml` over the file (protobuf MergeFrom): messages are merged field by
 * field, lists are appended to, map entries and scalars replace, a member of a oneof removes the others, a scalar with its default value
 * changes nothing. Fields that the tables do not know are kept for the decoder to refuse. Neither document is changed.
 */
export function mergeDocuments(type: MessageType, base: PlainObject, over: PlainObject): PlainObject {
  const merged: PlainObject = {};
  setPosition(merged, '', positionOf(base, '') ?? positionOf(over, '') ?? { file: '', line: 1, col: 1 });
  for (const key of Object.keys(base)) copyField(base, key, merged, key);
  for (const key of Object.keys(over)) {
    const field = type.byName.get(key);
    if (field === undefined) {
      copyField(over, key, merged, key);
      continue;
    }
    if (over[key] === null) continue;
    const present = presentKey(merged, field);
    if (field.oneof !== '') {
      for (const other of type.fields) {
        const rival = other.oneof === field.oneof && other !== field ? presentKey(merged, other) : undefined;
        if (rival !== undefined) delete merged[rival];
      }
    }
    if (present === undefined) copyField(over, key, merged, key);
    else mergeField(field, merged, present, over, key);
  }
  return merged;
}

function presentKey(object: PlainObject, field: Field): string | undefined {
  for (const key of [field.name, field.jsonName]) {
    if (Object.hasOwn(object, key) && object[key] !== null) return key;
  }
  return undefined;
}

function copyField(from: PlainObject, key: string, to: PlainObject, name: string): void {
  putField(to, name, from[key]);
  const position = positionOf(from, key);
  if (position !== null) setPosition(to, name, position);
}

function mergeField(field: Field, merged: PlainObject, present: string, over: PlainObject, key: string): void {
  const old = merged[present];
  const value = over[key];
  const type = typeOf(field.type);
  if (field.shape === 'list') putField(merged, present, append(old, value));
  else if (field.shape === 'map' && isObject(old) && isObject(value)) {
    const map: PlainObject = {};
    for (const entry of Object.keys(old)) copyField(old, entry, map, entry);
    for (const entry of Object.keys(value)) copyField(value, entry, map, entry);
    putField(merged, present, map);
  } else if (type?.kind === 'message' && isObject(old) && isObject(value)) {
    putField(merged, present, mergeDocuments(type, old, value));
  } else if (value !== false && value !== 0 && value !== '' && value !== '0s') copyField(over, key, merged, present);
}

function append(old: Plain, value: Plain): Plain[] {
  const list: Plain[] = [];
  for (const source of [old, value]) {
    const items = Array.isArray(source) ? source : [source];
    for (let i = 0; i < items.length; i++) {
      const position = Array.isArray(source) ? positionOf(source, String(i)) : null;
      if (position !== null) setPosition(list, String(list.length), position);
      list.push(items[i]);
    }
  }
  return list;
}
