import { milliseconds, parseDuration } from '../config/duration.js';
import { ACCESSLOG } from './schema-accesslog.js';
import { BOOTSTRAP } from './schema-bootstrap.js';
import { CLUSTER } from './schema-cluster.js';
import { CORE } from './schema-core.js';
import { ENDPOINT } from './schema-endpoint.js';
import { EXTENSIONS } from './schema-extensions.js';
import { FILTER } from './schema-filter.js';
import { HCM } from './schema-hcm.js';
import { LB_POLICY } from './schema-lb-policy.js';
import { LISTENER } from './schema-listener.js';
import { MATCHER } from './schema-matcher.js';
import { PROTOCOL } from './schema-protocol.js';
import { RATELIMIT } from './schema-ratelimit.js';
import { RBAC } from './schema-rbac.js';
import { ROUTE } from './schema-route.js';
import { ROUTE_POLICY } from './schema-route-policy.js';
import { TLS } from './schema-tls.js';

/**
 * The tables of messages, enums and extension points: the one place that says which field of Envoy's API is carried. They follow the
 * API of Envoy 1.40, its constraints (protoc-gen-validate) included.
 *
 *     message RouteMatch envoy.config.route.v3.RouteMatch    short name, full name
 *       oneof path_specifier required                        a oneof of which a member must be there
 *       prefix string oneof=path_specifier                   a field that is carried: name, type, rules
 *       - tls_context: reason                                a field that is refused, and what the error says
 *     enum CodecType full.name                               values in the order of their numbers from 0, or NAME=number;
 *       AUTO HTTP1 HTTP2 HTTP3                               values that are refused follow as `- NAME: reason`
 *     category http_filter                                   the messages that an extension point takes
 *       Router Cors
 *
 * A type is a scalar (`bool`, `string`, `bytes`, `uint32`, …, `duration`, `struct`, `value`), a short name, or `any(category)`; `?` marks
 * a wrapper, `[]` a list, `{}` a map from strings. A `TypedExtensionConfig(category)` says what its typed_config may be. Rules:
 * `required`, bounds (`>=1`, `<300s`), `min_len`, `max_len`, `max_bytes`, `min_items`, `max_items`, `in`, `not_in`, `prefix`, `suffix`,
 * `pattern`, `header_name`, `header_value` (with `_loose`: only NUL, CR and LF are excluded), `ignore_empty`, `unique`, `const`, `deprecated`;
 * `each:` and `key:` before a rule apply it to the items of a list, the values or the keys of a map.
 *
 * A table is read when the first message of its kind is decoded.
 */
const TABLES = [
  BOOTSTRAP,
  LISTENER,
  HCM,
  ROUTE,
  ROUTE_POLICY,
  CLUSTER,
  ENDPOINT,
  PROTOCOL,
  CORE,
  MATCHER,
  ACCESSLOG,
  TLS,
].concat([FILTER, LB_POLICY, RBAC, RATELIMIT, EXTENSIONS]);

export interface Rules {
  required: boolean;
  deprecated: boolean;
  unique: boolean;
  mustBeTrue: boolean;
  /** The rules do not hold for an empty text. */
  ignoreEmpty: boolean;
  minLen: number;
  maxLen: number;
  maxBytes: number;
  minItems: number;
  maxItems: number;
  /** Bounds of a number; of a duration in ms. `gt` and `lt` exclude the bound. */
  gt: number | null;
  gte: number | null;
  lt: number | null;
  lte: number | null;
  in: string[] | null;
  notIn: number[] | null;
  pattern: RegExp | null;
  /** What `pattern` asks for, in words. */
  patternWords: string;
  prefix: string;
  suffix: string;
  each: Rules | null;
  key: Rules | null;
}

export interface Field {
  name: string;
  /** lowerCamelCase name, as proto3 JSON also takes it. */
  jsonName: string;
  /** Scalar type, `any`, or the short name of a message or enum. */
  type: string;
  wrapper: boolean;
  shape: 'single' | 'list' | 'map';
  /** Extension point of an `any` or of a TypedExtensionConfig, '' for none. */
  category: string;
  oneof: string;
  /** Why the field is refused; '' for a field that is carried. */
  refused: string;
  rules: Rules;
}

export interface MessageType {
  kind: 'message';
  name: string;
  fullName: string;
  fields: Field[];
  /** Fields by both of their names. */
  byName: Map<string, Field>;
  requiredOneofs: string[];
}

export interface EnumType {
  kind: 'enum';
  name: string;
  fullName: string;
  numbers: Map<string, number>;
  names: Map<number, string>;
  refused: Map<string, string>;
}

interface Entry {
  head: string;
  body: string;
}

let index: Map<string, Entry> | null = null;
let shortNames: Map<string, string> | null = null;
const types = new Map<string, MessageType | EnumType>();
const categories = new Map<string, string[]>();

function entries(): Map<string, Entry> {
  if (index !== null) return index;
  index = new Map();
  shortNames = new Map();
  for (const table of TABLES) {
    for (const block of table.split(/\n(?=message |enum |category )/)) {
      const end = block.indexOf('\n');
      if (end <= 0) continue;
      const [head, name, fullName] = block.slice(0, end).split(' ');
      const id = head === 'category' ? `category ${name}` : name;
      index.set(id, { head: block.slice(0, end), body: block.slice(end + 1) });
      if (head === 'message') shortNames.set(fullName, name);
    }
  }
  return index;
}

/** The message or enum of a short name; undefined when the tables have none. */
export function typeOf(name: string): MessageType | EnumType | undefined {
  const known = types.get(name);
  if (known !== undefined) return known;
  const entry = entries().get(name);
  if (entry === undefined) return undefined;
  const type = entry.head.startsWith('enum') ? readEnum(entry) : readMessage(entry);
  types.set(name, type);
  return type;
}

export function messageType(name: string): MessageType {
  const type = typeOf(name);
  if (type === undefined || type.kind !== 'message') throw new Error(`no message ${name} in the tables`);
  return type;
}

/** The short name of a full message name (`envoy.config.route.v3.Route`), undefined when it is not in the tables. */
export function shortNameOf(fullName: string): string | undefined {
  entries();
  return shortNames!.get(fullName);
}

/** Short names of the messages that an extension point takes. */
export function messagesOf(category: string): string[] {
  let list = categories.get(category);
  if (list === undefined) {
    const entry = entries().get(`category ${category}`);
    list = entry === undefined ? [] : entry.body.split(/\s+/).filter(Boolean);
    categories.set(category, list);
  }
  return list;
}

/** Short names of all messages and enums. */
export function allTypes(): string[] {
  return [...entries().keys()].filter((id) => !id.startsWith('category '));
}

function readEnum(entry: Entry): EnumType {
  const [, name, fullName] = entry.head.split(' ');
  const type: EnumType = { kind: 'enum', name, fullName, numbers: new Map(), names: new Map(), refused: new Map() };
  let next = 0;
  for (const line of entry.body.split('\n')) {
    if (line.startsWith('  - ')) {
      const colon = line.indexOf(': ');
      type.refused.set(line.slice(4, colon), line.slice(colon + 2));
      continue;
    }
    for (const item of line.split(' ').filter(Boolean)) {
      const [value, number] = item.split('=');
      const n = number === undefined ? next : Number(number);
      type.numbers.set(value, n);
      if (!type.names.has(n)) type.names.set(n, value);
      next = n + 1;
    }
  }
  return type;
}

function readMessage(entry: Entry): MessageType {
  const [, name, fullName] = entry.head.split(' ');
  const type: MessageType = { kind: 'message', name, fullName, fields: [], byName: new Map(), requiredOneofs: [] };
  for (const line of entry.body.split('\n')) {
    if (line.startsWith('  oneof ')) {
      type.requiredOneofs.push(line.split(' ')[3]);
      continue;
    }
    if (!line.startsWith('  ')) continue;
    const field = line.startsWith('  - ') ? readRefused(line.slice(4)) : readField(line.slice(2));
    type.fields.push(field);
    type.byName.set(field.name, field);
    type.byName.set(field.jsonName, field);
  }
  return type;
}

function camelCase(name: string): string {
  return name.replace(/_(.)/g, (_, c: string) => c.toUpperCase());
}

function readRefused(line: string): Field {
  const colon = line.indexOf(': ');
  const name = line.slice(0, colon);
  const reason = line.slice(colon + 2);
  return makeField(name, 'refused', reason);
}

function makeField(name: string, type: string, refused: string): Field {
  const single = { wrapper: false, shape: 'single' as const, category: '', oneof: '' };
  return { name, jsonName: camelCase(name), type, ...single, refused, rules: NO_RULES };
}

function readField(line: string): Field {
  const [name, typeText, ...rules] = line.split(' ');
  const form = /^(\w+)(?:\((\w+)\))?(\?)?(\[\]|\{\})?$/.exec(typeText);
  if (form === null) throw new Error(`unreadable type ${typeText} in the tables`);
  const field = makeField(name, form[1], '');
  field.category = form[2] ?? '';
  field.wrapper = form[3] !== undefined;
  field.shape = form[4] === undefined ? 'single' : form[4] === '[]' ? 'list' : 'map';
  if (rules.length > 0) {
    const oneof = rules.find((rule) => rule.startsWith('oneof='));
    if (oneof !== undefined) field.oneof = oneof.slice(6);
    field.rules = readRules(rules.filter((rule) => rule !== oneof));
  }
  return field;
}

function noRules(): Rules {
  return {
    required: false,
    deprecated: false,
    unique: false,
    mustBeTrue: false,
    ignoreEmpty: false,
    minLen: 0,
    maxLen: Number.POSITIVE_INFINITY,
    maxBytes: Number.POSITIVE_INFINITY,
    minItems: 0,
    maxItems: Number.POSITIVE_INFINITY,
    gt: null,
    gte: null,
    lt: null,
    lte: null,
    in: null,
    notIn: null,
    pattern: null,
    patternWords: '',
    prefix: '',
    suffix: '',
    each: null,
    key: null,
  };
}

/** Of a field or an item without rules. */
export const NO_RULES: Rules = noRules();

/* The patterns of protoc-gen-validate for header names and values. */
const HEADER_NAME = /^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it excludes
const HEADER_VALUE = /^[^\x00-\x08\x0a-\x1f\x7f]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it excludes
const HEADER_LOOSE = /^[^\x00\n\r]*$/;

function readRules(words: string[]): Rules {
  const rules = noRules();
  const each: string[] = [];
  const key: string[] = [];
  for (const word of words) {
    if (word.startsWith('each:')) each.push(word.slice(5));
    else if (word.startsWith('key:')) key.push(word.slice(4));
    else readRule(rules, word);
  }
  if (each.length > 0) rules.each = readRules(each);
  if (key.length > 0) rules.key = readRules(key);
  return rules;
}

function bound(text: string): number {
  return text.endsWith('s') ? (parseDuration(text) ?? milliseconds(Number(text.slice(0, -1)), 0)) : Number(text);
}

function readRule(rules: Rules, word: string): void {
  const comparison = /^(>=|<=|>|<)(.+)$/.exec(word);
  if (comparison !== null) {
    const side = { '>': 'gt', '>=': 'gte', '<': 'lt', '<=': 'lte' } as const;
    rules[side[comparison[1] as keyof typeof side]] = bound(comparison[2]);
    return;
  }
  const cut = word.indexOf('=');
  const name = cut < 0 ? word : word.slice(0, cut);
  const value = cut < 0 ? '' : word.slice(cut + 1);
  switch (name) {
    case 'required':
    case 'deprecated':
    case 'unique':
      rules[name] = true;
      return;
    case 'const':
      rules.mustBeTrue = true;
      return;
    case 'ignore_empty':
      rules.ignoreEmpty = true;
      return;
    case 'min_len':
      rules.minLen = Number(value);
      return;
    case 'max_len':
      rules.maxLen = Number(value);
      return;
    case 'max_bytes':
      rules.maxBytes = Number(value);
      return;
    case 'min_items':
      rules.minItems = Number(value);
      return;
    case 'max_items':
      rules.maxItems = Number(value);
      return;
    case 'in':
      rules.in = value.split(',');
      return;
    case 'not_in':
      rules.notIn = value.split(',').map(Number);
      return;
    case 'prefix':
    case 'suffix':
      rules[name] = value;
      return;
    case 'pattern':
      rules.pattern = new RegExp(value);
      rules.patternWords = `text that matches ${value}`;
      return;
    case 'header_name':
      rules.pattern = HEADER_NAME;
      rules.patternWords = "a header name (letters, digits and !#$%&'*+-.^_|~`)";
      return;
    case 'header_value':
      rules.pattern = HEADER_VALUE;
      rules.patternWords = 'text without control characters';
      return;
    case 'header_name_loose':
    case 'header_value_loose':
      rules.pattern = HEADER_LOOSE;
      rules.patternWords = 'text without NUL, CR and LF';
      return;
    default:
      throw new Error(`unknown rule ${word} in the tables`);
  }
}
