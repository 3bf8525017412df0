import { formatDuration } from '../config/duration.js';
import { type Plain, type PlainObject, putField } from '../config/plain.js';
import type { Messages } from './messages.js';
import { type Field, type MessageType, messageType, shortNameOf, typeOf } from './schema.js';

/**
 * The proto3-JSON form of a message of the model, with the field names of the proto: what `decode` reads, what real Envoy reads, and
 * what `/config_dump` prints. Fields with their default value are left out.
 */
export function encode<K extends keyof Messages>(name: K, message: Messages[K]): PlainObject {
  return encodeMessage(messageType(name), message as unknown as Record<string, unknown>);
}

function encodeMessage(type: MessageType, message: Record<string, unknown>): PlainObject {
  const object: PlainObject = {};
  for (const field of type.fields) {
    const value = message[field.name];
    if (value === undefined || field.refused !== '') continue;
    if (field.shape === 'list') {
      const list = value as unknown[];
      if (list.length > 0) object[field.name] = list.map((item) => encodeValue(field, item));
    } else if (field.shape === 'map') {
      const entries = Object.entries(value as object);
      if (entries.length === 0) continue;
      const map: PlainObject = {};
      for (const [key, item] of entries) putField(map, key, encodeValue(field, item));
      object[field.name] = map;
    } else if (!isDefault(field, value)) object[field.name] = encodeValue(field, value);
  }
  return object;
}

/** Plain scalars say nothing when they have their default; wrappers and members of a oneof do. */
function isDefault(field: Field, value: unknown): boolean {
  if (field.wrapper || field.oneof !== '') return false;
  if (value === '' || value === false) return true;
  if (value === 0) return field.type !== 'duration';
  const type = typeOf(field.type);
  return type?.kind === 'enum' && type.numbers.get(value as string) === 0;
}

function encodeValue(field: Field, value: unknown): Plain {
  if (field.type === 'any') return encodeAny(value as Record<string, unknown>);
  if (field.type === 'duration') return formatDuration(value as number);
  const type = typeOf(field.type);
  return type?.kind === 'message' ? encodeMessage(type, value as Record<string, unknown>) : (value as Plain);
}

function encodeAny(any: Record<string, unknown>): Plain {
  const url = any['@type'] as string;
  const name = shortNameOf(url.slice(url.lastIndexOf('/') + 1));
  if (name === undefined) throw new Error(`no message ${url} in the tables`);
  return { '@type': url, ...encodeMessage(messageType(name), any) };
}
