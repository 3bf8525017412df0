import { isIP } from 'node:net';
import { nearest } from '../../config/error.js';
import { kindOf } from '../../config/plain.js';
import { compileRegex } from '../../xds/regex.js';
import type { Findings } from '../finding.js';
import type { Resource } from '../resource.js';
import { isTree, type Tree } from '../tree.js';
import { withDefaults } from './defaults.js';
import { hasSchema, schemaOf, versionsOf } from './kinds.js';
import type { Schema } from './notation.js';

/**
 * Checks a document against the schema of its resource definition, as the API server does with strict field validation:
 * types, limits, required and unknown fields, then its rules. True when nothing is wrong, and for kinds without a schema.
 */
export function checkSchema(resource: Resource, findings: Findings): boolean {
  if (!hasSchema(resource)) return true;
  const schema = schemaOf(resource);
  const checker = new Checker(resource, findings);
  if (schema === undefined) {
    const versions = versionsOf(resource).map((version) => `${resource.group}/${version}`);
    checker.fault(
      resource.body,
      'apiVersion',
      `there is no ${resource.kind} of ${resource.apiVersion}`,
      versions.join(', '),
    );
    return false;
  }
  checker.root(schema, resource.body);
  checker.rules(schema, resource.body);
  return checker.passed;
}

/** Fields of every document, which the server checks by itself. */
const HEAD = ['apiVersion', 'kind', 'metadata'];

class Checker {
  passed = true;
  private wholes = true;

  constructor(
    private readonly resource: Resource,
    private readonly findings: Findings,
  ) {}

  fault(tree: object, field: string, message: string, allowed?: string): void {
    this.passed = false;
    this.findings.error('schema', this.resource, tree, field, message, allowed);
  }

  root(schema: Schema, body: Tree): void {
    for (const key of Object.keys(body)) {
      if (HEAD.includes(key)) continue;
      const child = schema.fields.get(key);
      if (child === undefined) this.unknown(body, key, [...HEAD, ...schema.fields.keys()]);
      else this.value(child, body, key, body[key]);
    }
    for (const name of schema.required) if (!Object.hasOwn(body, name)) this.fault(body, '', `${name} is missing`);
  }

  /** The rules; they see the defaults. Where the structure is wrong only those of single values are looked at. */
  rules(schema: Schema, body: Tree): void {
    this.wholes = this.passed;
    const completed = schema.hasDefaults ? (withDefaults(schema, body) as Tree) : body;
    this.evaluate(schema, body, '', body, completed);
  }

  private evaluate(schema: Schema, tree: object, field: string, written: unknown, value: unknown): void {
    const looked = this.wholes || typeof value !== 'object' ? schema.rules : [];
    for (const rule of looked) if (!rule.test(value)) this.fault(tree, field, rule.message, allowedBy(rule.message));
    if (Array.isArray(value)) {
      const own = Array.isArray(written) ? written : null;
      for (let i = 0; schema.items !== null && i < value.length; i++) {
        this.evaluate(schema.items, own ?? tree, own === null ? field : String(i), own?.[i], value[i]);
      }
    } else if (isTree(value)) {
      const own = isTree(written) ? written : null;
      for (const key of Object.keys(value)) {
        const child = schema.fields.get(key) ?? schema.values;
        if (child == null || value[key] === null) continue;
        this.evaluate(child, own ?? tree, own === null ? field : key, own?.[key], value[key]);
      }
    }
  }

  private unknown(tree: Tree, key: string, known: readonly string[]): void {
    const near = nearest(key, known);
    const allowed = near.length > 0 ? `did you mean ${near.join(' or ')}` : known.join(', ');
    this.fault(tree, key, `unknown field ${JSON.stringify(key)}`, allowed === '' ? 'no field' : allowed);
  }

  /** `tree[field]` is `value`. */
  private value(schema: Schema, tree: object, field: string, value: unknown): void {
    if (value === null) {
      // A null that is not allowed gives way to the default.
      if (!schema.nullable && schema.default === undefined) this.mistyped(schema, tree, field, value);
      return;
    }
    switch (schema.type) {
      case 'string':
        if (typeof value !== 'string') this.mistyped(schema, tree, field, value);
        else this.text(schema, tree, field, value);
        break;
      case 'boolean':
        if (typeof value !== 'boolean') this.mistyped(schema, tree, field, value);
        break;
      case 'integer':
      case 'number':
        this.number(schema, tree, field, value);
        break;
      case 'int-or-string':
        if (typeof value === 'string') this.text(schema, tree, field, value);
        else this.number(schema, tree, field, value);
        break;
      case 'array':
        if (!Array.isArray(value)) this.mistyped(schema, tree, field, value);
        else this.list(schema, tree, field, value);
        break;
      case 'object':
        if (!isTree(value)) this.mistyped(schema, tree, field, value);
        else this.object(schema, tree, field, value);
        break;
    }
    if (schema.choices !== null && !schema.choices.includes(value)) {
      this.fault(tree, field, `unsupported value ${JSON.stringify(value)}`, schema.choices.join(', '));
    }
  }

  private mistyped(schema: Schema, tree: object, field: string, value: unknown): void {
    const allowed = schema.choices === null ? (WORDS[schema.type] ?? '') : schema.choices.join(', ');
    this.fault(tree, field, `${kindOf(value)} is not allowed here`, allowed);
  }

  private object(schema: Schema, tree: object, field: string, value: Tree): void {
    const { minProperties = 0, maxProperties = Number.POSITIVE_INFINITY } = schema.limits;
    const keys = Object.keys(value);
    if (keys.length < minProperties) this.fault(tree, field, `should have at least ${minProperties} entries`);
    if (keys.length > maxProperties) this.fault(tree, field, `should have at most ${maxProperties} entries`);
    const known = [...schema.fields.keys()];
    for (const key of keys) {
      const child = schema.fields.get(key) ?? schema.values;
      if (child != null) this.value(child, value, key, value[key]);
      else if (!schema.open) this.unknown(value, key, known);
    }
    for (const name of schema.required) {
      const given = Object.hasOwn(value, name) || schema.fields.get(name)?.default !== undefined;
      if (!given) this.fault(tree, field, `${name} is missing`);
    }
    for (const group of schema.oneOf) {
      const given = group.filter((name) => Object.hasOwn(value, name));
      if (given.length > 1) this.fault(value, given[1], `${given.join(' and ')} exclude each other`);
    }
  }

  private list(schema: Schema, tree: object, field: string, value: unknown[]): void {
    const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema.limits;
    if (value.length < minItems) this.fault(tree, field, `should have at least ${minItems} items`);
    if (value.length > maxItems) this.fault(tree, field, `should have at most ${maxItems} items`);
    if (schema.items !== null) {
      for (let i = 0; i < value.length; i++) this.value(schema.items, value, String(i), value[i]);
    }
    const { keys } = schema;
    if (keys === null && !schema.set) return;
    const seen = new Set<string>();
    for (let i = 0; i < value.length; i++) {
      const item = value[i];
      const key = JSON.stringify(
        keys === null
          ? item
          : keys.map((k) => (isTree(item) ? (item[k] ?? schema.items?.fields.get(k)?.default) : item)),
      );
      if (seen.has(key))
        this.fault(
          value,
          String(i),
          'the item is repeated',
          keys === null ? 'every item once' : `another ${keys.join(', ')}`,
        );
      seen.add(key);
    }
  }

  private text(schema: Schema, tree: object, field: string, value: string): void {
    const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema.limits;
    const length = maxLength < value.length || minLength > 0 ? [...value].length : 0;
    if (length < minLength) this.fault(tree, field, 'the text is too short', `at least ${minLength} characters`);
    if (length > maxLength) this.fault(tree, field, 'the text is too long', `at most ${maxLength} characters`);
    if (schema.pattern !== '' && !compileRegex(schema.pattern).matcher(value).find()) {
      this.fault(tree, field, `${JSON.stringify(value)} is not allowed here`, `text that matches ${schema.pattern}`);
    }
    const format = FORMATS[schema.format];
    if (format !== undefined && !format(value))
      this.fault(tree, field, `${JSON.stringify(value)} is no ${schema.format}`);
  }

  private number(schema: Schema, tree: object, field: string, value: unknown): void {
    if (typeof value !== 'number' || (schema.type !== 'number' && !Number.isInteger(value))) {
      this.mistyped(schema, tree, field, value);
      return;
    }
    const width = WIDTHS[schema.format];
    const { minimum = width?.[0] ?? Number.NEGATIVE_INFINITY, maximum = width?.[1] ?? Number.POSITIVE_INFINITY } =
      schema.limits;
    if (value >= minimum && value <= maximum) return;
    const bounds = Number.isFinite(maximum) ? `${minimum} to ${maximum}` : `at least ${minimum}`;
    this.fault(tree, field, `${value} is out of range`, bounds);
  }
}

/** What a rule asks for, where its message does not say it. */
function allowedBy(message: string): string | undefined {
  return message.includes('valid duration') ? 'such as 5s, 1.5s, 250ms or 1h30m' : undefined;
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'a string; quote it',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  'int-or-string': 'a whole number or a string',
  array: 'a list',
  object: 'a mapping',
};

const WIDTHS: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-2147483648, 2147483647],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': (text) => /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[-+]\d{2}:\d{2})$/.test(text),
  byte: (text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text),
  ipv4: (text) => isIP(text) === 4,
  ipv6: (text) => isIP(text) === 6,
};
