import { ConfigError, gather, nearest } from '../config/error.js';
import { isObject, kindOf, type Plain, type PlainObject, putField } from '../config/plain.js';
import { type Position, pathOf, positionOf, setPath, setPosition } from '../config/position.js';
import { CHECKS, type Report } from './check.js';
import { decodeEnum, decodeScalar, type Fault, ScalarFault } from './decode-scalar.js';
import type { Messages } from './messages.js';
import { brokenCount, brokenEnum, brokenRule } from './rules.js';
import {
  type Field,
  type MessageType,
  messagesOf,
  messageType,
  NO_RULES,
  type Rules,
  shortNameOf,
  typeOf,
} from './schema.js';
import { TYPE_PREFIX } from './type-url.js';

export type MessageName = keyof Messages;

const MAX_ERRORS = 100;
const STRUCTS = ['xds.type.v3.TypedStruct', 'udpa.type.v1.TypedStruct'];

/**
 * Decodes a proto3-JSON value (a document that was read, or an object that code made) into a message of the model.
 *
 * Fields may be named as in the proto or in lowerCamelCase; the rules of the API (required, bounds, oneofs) hold. Positions of the source
 * are carried over: `positionOf(message, field)` and `pathOf(message, field)` work for every message.
 *
 * @param path path of the value itself, for the errors
 * @param warnings receives remarks on deprecated fields
 * @param parts messages that were decoded before, to be taken again
 * @throws ConfigError with every mistake that was found
 */
export function decode<K extends MessageName>(
  name: K,
  value: unknown,
  path = '',
  warnings: ConfigError[] = [],
  parts: DecodedParts | null = null,
): Messages[K] {
  const decoder = new Decoder(warnings, parts);
  const at = typeof value === 'object' && value !== null ? positionOf(value, '') : null;
  const message = decoder.message(messageType(name), value as Plain, path, at, '');
  if (decoder.errors.length > 0) throw gather(decoder.errors);
  return message as Messages[K];
}

/**
 * Refuses a field that the model carries and this part of the proxy cannot honour.
 * @throws ConfigError with the position and the path of `object[field]`
 */
export function unsupported<T extends object>(object: T, field: keyof T & string, why: string): never {
  const position = positionOf(object, field) ?? positionOf(object, '');
  throw new ConfigError(`not supported: ${why}`, pathOf(object, field), position);
}

/**
 * Messages of one type by the value that they were decoded from, for values that code makes and that never change: a part that is
 * the same value as before is the same message as before. Such a message is called by its name in paths, since its place in a list
 * may be another one the next time.
 */
export class DecodedParts {
  private readonly known = new WeakMap<object, { path: string; message: object; warnings: readonly ConfigError[] }>();

  constructor(readonly type: MessageName) {}

  find(value: object, path: string): { message: object; warnings: readonly ConfigError[] } | undefined {
    const found = this.known.get(value);
    return found?.path === path ? found : undefined;
  }

  keep(value: object, path: string, message: object, warnings: readonly ConfigError[]): void {
    this.known.set(value, { path, message, warnings });
  }
}

class Decoder {
  readonly errors: ConfigError[] = [];
  private readonly reportCheck: Report = (object, field, reason, allowed) => {
    const at = positionOf(object, field) ?? positionOf(object, '');
    this.fault(reason, pathOf(object, field), at, allowed);
  };

  constructor(
    private readonly warnings: ConfigError[],
    private readonly parts: DecodedParts | null,
  ) {}

  private fault(reason: string, path: string, at: Position | null, allowed = ''): undefined {
    if (this.errors.length < MAX_ERRORS) this.errors.push(new ConfigError(reason, path, at, allowed));
    return undefined;
  }

  private report(fault: Fault | null, path: string, at: Position | null): void {
    if (fault !== null) this.fault(fault.reason, path, at, fault.allowed);
  }

  /** @param category extension point of the typed_config of a TypedExtensionConfig */
  message(
    type: MessageType,
    value: Plain,
    path: string,
    at: Position | null,
    category: string,
    url = '',
  ): object | undefined {
    if (!isObject(value))
      return this.fault(`${kindOf(value)} is not allowed here`, path, at, `a mapping (${type.name})`);
    const own = positionOf(value, '') ?? at;
    const before = this.errors.length;
    const given = this.fieldsOf(type, value, path, own, url !== '');
    const message: Record<string, unknown> = {};
    if (url !== '') message['@type'] = url;
    setPath(message, path);
    if (own !== null) setPosition(message, '', own);
    let chosen: Map<string, string> | null = null;
    for (const field of type.fields) {
      const key = given.get(field.name);
      if (key === undefined) {
        if (field.refused === '') this.absent(field, message, path, own);
        continue;
      }
      const position = positionOf(value, key) ?? own;
      if (position !== null) setPosition(message, field.name, position);
      if (field.oneof !== '') {
        chosen ??= new Map();
        const other = chosen.get(field.oneof);
        if (other !== undefined) {
          const reason = `${field.name} and ${other} exclude each other`;
          this.fault(reason, join(path, field.name), position, `one of ${members(type, field.oneof)}`);
        }
        chosen.set(field.oneof, field.name);
      }
      this.field(field, value[key], message, join(path, field.name), position, category);
    }
    for (const oneof of type.requiredOneofs) {
      if (chosen?.has(oneof)) continue;
      this.fault(`${oneof.replaceAll('_', ' ')} is missing`, path, own, `one of ${members(type, oneof)}`);
    }
    const check = CHECKS[type.name as MessageName] as ((message: object, report: Report) => void) | undefined;
    if (check !== undefined && this.errors.length === before) check(message, this.reportCheck);
    return message;
  }

  /** Which keys of the document are which fields; null values count as absent. Unknown and refused fields are reported. */
  private fieldsOf(
    type: MessageType,
    value: PlainObject,
    path: string,
    own: Position | null,
    any: boolean,
  ): Map<string, string> {
    const given = new Map<string, string>();
    for (const key of Object.keys(value)) {
      if (any && key === '@type') continue;
      const field = type.byName.get(key);
      const at = positionOf(value, key) ?? own;
      if (field === undefined) this.unknown(type, key, path, at);
      else if (value[key] === null) continue;
      else if (field.refused !== '') {
        if (!isDefault(value[key])) this.fault(`not supported: ${field.refused}`, join(path, field.name), at);
      } else if (given.has(field.name))
        this.fault(`${key} repeats ${given.get(field.name)}`, join(path, field.name), at);
      else given.set(field.name, key);
      if (field?.rules.deprecated && value[key] !== null) {
        this.warnings.push(new ConfigError('the field is deprecated in Envoy', join(path, field.name), at));
      }
    }
    return given;
  }

  private unknown(type: MessageType, key: string, path: string, at: Position | null): void {
    const names = type.fields.filter((field) => field.refused === '').map((field) => field.name);
    const near = nearest(key, names);
    const allowed =
      near.length > 0 ? `did you mean ${near.join(' or ')}` : names.length > 0 ? names.join(', ') : 'no field';
    this.fault(`${type.name} has no field ${JSON.stringify(key)}`, join(path, key), at, allowed);
  }

  private absent(field: Field, message: Record<string, unknown>, path: string, own: Position | null): void {
    const { rules } = field;
    if (rules.required) {
      this.fault(`${field.name} is missing`, join(path, field.name), own, describe(field));
      return;
    }
    if (field.shape !== 'single') {
      const empty = field.shape === 'list' ? [] : {};
      message[field.name] = empty;
      this.report(brokenCount(rules, []), join(path, field.name), own);
      return;
    }
    if (field.oneof !== '' || field.wrapper) return;
    const value = defaultOf(field);
    if (value === undefined) return;
    message[field.name] = value;
    const fault = brokenRule(rules, field.type, value);
    if (fault !== null) this.fault(`${field.name} is missing`, join(path, field.name), own, fault.allowed);
  }

  private field(
    field: Field,
    value: Plain,
    message: Record<string, unknown>,
    path: string,
    at: Position | null,
    category: string,
  ): void {
    const point = field.category !== '' ? field.category : category;
    if (field.shape === 'single') {
      const inner = field.wrapper ? unwrap(value) : value;
      const decoded = this.value(field.type, field.rules, inner, path, at, point);
      if (decoded !== undefined) message[field.name] = decoded;
    } else if (field.shape === 'list') message[field.name] = this.list(field, value, path, at, point);
    else message[field.name] = this.map(field, value, path, at, point);
  }

  /** A single value in the place of a list is taken for a list of one, as Envoy's parser does. */
  private list(field: Field, value: Plain, path: string, at: Position | null, category: string): unknown[] {
    const source = Array.isArray(value) ? value : [value];
    const each = field.rules.each ?? NO_RULES;
    const list: unknown[] = [];
    setPath(list, path);
    if (at !== null) setPosition(list, '', at);
    for (let i = 0; i < source.length; i++) {
      const position = (source === value ? positionOf(source, String(i)) : null) ?? at;
      if (position !== null) setPosition(list, String(list.length), position);
      const decoded =
        this.parts?.type === field.type && isObject(source[i])
          ? this.part(this.parts, source[i] as PlainObject, path, position)
          : this.value(field.type, each, source[i], `${path}[${i}]`, position, category);
      if (decoded !== undefined) list.push(decoded);
    }
    this.report(brokenCount(field.rules, source), path, at);
    return list;
  }

  private part(parts: DecodedParts, value: PlainObject, list: string, at: Position | null): unknown {
    const path = `${list}[${String(value['name'])}]`;
    const before = parts.find(value, path);
    if (before !== undefined) {
      for (const warning of before.warnings) this.warnings.push(warning);
      return before.message;
    }
    const mistakes = this.errors.length;
    const remarks = this.warnings.length;
    const message = this.message(messageType(parts.type), value, path, at, '');
    if (message !== undefined && this.errors.length === mistakes)
      parts.keep(value, path, message, this.warnings.slice(remarks));
    return message;
  }

  private map(field: Field, value: Plain, path: string, at: Position | null, category: string): object {
    const map = {};
    setPath(map, path);
    if (at !== null) setPosition(map, '', at);
    if (!isObject(value)) {
      this.fault(`${kindOf(value)} is not allowed here`, path, at, 'a mapping');
      return map;
    }
    const keys = Object.keys(value);
    for (const key of keys) {
      const position = positionOf(value, key) ?? at;
      const entry = `${path}[${key}]`;
      if (field.rules.key !== null) this.report(brokenRule(field.rules.key, 'string', key), entry, position);
      const decoded = this.value(field.type, field.rules.each ?? NO_RULES, value[key], entry, position, category);
      if (decoded === undefined) continue;
      putField(map, key, decoded);
      if (position !== null) setPosition(map, key, position);
    }
    this.report(brokenCount(field.rules, keys), path, at);
    return map;
  }

  private value(
    type: string,
    rules: Rules,
    value: Plain,
    path: string,
    at: Position | null,
    category: string,
  ): unknown {
    if (type === 'any') return this.any(value, path, at, category);
    const known = typeOf(type);
    if (known?.kind === 'message') return this.message(known, value, path, at, category);
    try {
      if (known === undefined) {
        const decoded = decodeScalar(type, value);
        this.report(brokenRule(rules, type, decoded), path, at);
        return decoded;
      }
      const name = decodeEnum(known, value);
      this.report(brokenEnum(rules, known, name), path, at);
      return name;
    } catch (error) {
      if (!(error instanceof ScalarFault)) throw error;
      return this.fault(error.reason, path, at, error.allowed);
    }
  }

  private any(value: Plain, path: string, at: Position | null, category: string): unknown {
    const allowed = () =>
      messagesOf(category)
        .map((name) => TYPE_PREFIX + messageType(name).fullName)
        .join(', ') || 'none';
    if (!isObject(value)) return this.fault(`${kindOf(value)} is not allowed here`, path, at, "a mapping with '@type'");
    const given = value['@type'];
    const where = positionOf(value, '@type') ?? positionOf(value, '') ?? at;
    if (typeof given !== 'string' || !given.includes('/')) {
      return this.fault("'@type' is missing or has no prefix", join(path, '@type'), where, allowed());
    }
    const fullName = given.slice(given.lastIndexOf('/') + 1);
    if (STRUCTS.includes(fullName)) return this.typedStruct(value, path, where, category);
    const name = shortNameOf(fullName);
    if (name === undefined || !messagesOf(category).includes(name)) {
      return this.fault(
        `not supported: ${fullName} as ${category.replaceAll('_', ' ')}`,
        join(path, '@type'),
        where,
        allowed(),
      );
    }
    return this.message(messageType(name), value, path, at, '', TYPE_PREFIX + fullName);
  }

  /** A message whose type stands in `type_url` and whose fields stand in `value`. */
  private typedStruct(value: PlainObject, path: string, at: Position | null, category: string): unknown {
    const { type_url, typeUrl = type_url, value: inner = {} } = value;
    if (typeof typeUrl !== 'string' || !isObject(inner)) {
      return this.fault(
        'a TypedStruct needs type_url and value',
        path,
        at,
        'type_url: type.googleapis.com/…, value: a mapping',
      );
    }
    const copy: PlainObject = { '@type': typeUrl.includes('/') ? typeUrl : TYPE_PREFIX + typeUrl };
    if (at !== null) setPosition(copy, '', at);
    for (const key of Object.keys(inner)) {
      putField(copy, key, inner[key]);
      const position = positionOf(inner, key);
      if (position !== null) setPosition(copy, key, position);
    }
    return this.any(copy, `${path}.value`, at, category);
  }
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function members(type: MessageType, oneof: string): string {
  return type.fields
    .filter((field) => field.oneof === oneof)
    .map((field) => field.name)
    .join(', ');
}

/** `{value: 5}`: Envoy takes a wrapper message written out as well. */
function unwrap(value: Plain): Plain {
  if (!isObject(value)) return value;
  const keys = Object.keys(value);
  return keys.length === 1 && keys[0] === 'value' ? value.value : value;
}

/** A refused field may be written with the value it has anyway. */
function isDefault(value: Plain): boolean {
  return value === false || value === 0 || value === '' || (Array.isArray(value) && value.length === 0);
}

function describe(field: Field): string {
  const type = typeOf(field.type);
  if (field.type === 'any') return `a mapping with '@type'`;
  if (type?.kind === 'message') return `a mapping (${type.name})`;
  return field.type === 'duration' ? 'a duration such as 5s' : `a ${field.type}`;
}

/** What a plain scalar or enum is when it is not written; undefined for what stays undefined. */
function defaultOf(field: Field): unknown {
  switch (field.type) {
    case 'string':
    case 'bytes':
      return '';
    case 'bool':
      return false;
    case 'uint32':
    case 'int32':
    case 'uint64':
    case 'int64':
    case 'double':
    case 'float':
      return 0;
    case 'any':
    case 'duration':
    case 'struct':
    case 'value':
      return undefined;
    default: {
      const type = typeOf(field.type);
      return type?.kind === 'enum' ? type.names.get(0) : undefined;
    }
  }
}
