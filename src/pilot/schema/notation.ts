import { compileRule, type Rule } from './rules.js';

/**
 * The schema of a value of a custom resource, as its resource definition has it (OpenAPI v3 in structural form, with the
 * rules of x-kubernetes-validations).
 */
export interface Schema {
  type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'int-or-string' | 'any';
  /** Named fields of an object. */
  fields: Map<string, Schema>;
  required: string[];
  /** Of every item of an array. */
  items: Schema | null;
  /** Of every value of a map. */
  values: Schema | null;
  /** Fields that are not named are taken. */
  open: boolean;
  nullable: boolean;
  choices: readonly unknown[] | null;
  format: string;
  pattern: string;
  limits: Limits;
  /** Groups of fields of which at most one may be there. */
  oneOf: string[][];
  /** Fields by which items of an array must differ; null when there is no such rule. */
  keys: string[] | null;
  /** Items of an array must differ. */
  set: boolean;
  /** What stands for an absent value; undefined for none. */
  default: unknown;
  /** Whether a default stands here or below. */
  hasDefaults: boolean;
  rules: Rule[];
}

export interface Limits {
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  maxProperties?: number;
}

interface Attributes extends Limits {
  enum?: unknown[];
  format?: string;
  pattern?: string;
  nullable?: boolean;
  open?: boolean;
  set?: boolean;
  keys?: string[];
  oneOf?: string[][];
  default?: unknown;
}

interface Line {
  indent: number;
  text: string;
}

/** The schemas of one group by `Kind/version`. */
export interface Group {
  find(kind: string, version: string): Schema | undefined;
  kinds(): string[];
}

/**
 * Reads the notation of `crds/`: a line is `NAME TYPE {attributes}`, its fields follow with more indent. `NAME!` is required, `-`
 * is every item of an array, `*` every value of a map, `@Type` a type that is written further down, `! message :: rule` a rule
 * in CEL. `kind NAME VERSIONS` and `type NAME` begin a schema. Each is read when it is first asked for.
 */
export function readGroup(text: string): Group {
  const sections = new Map<string, { kind: boolean; versions: string[]; lines: Line[] }>();
  const kinds: { kind: string; versions: string[]; section: string }[] = [];
  let lines: Line[] = [];
  for (const raw of text.split('\n')) {
    if (raw === '') continue;
    const indent = raw.length - raw.trimStart().length;
    const line = raw.trimStart();
    if (indent > 0) {
      lines.push({ indent, text: line });
      continue;
    }
    const [word, name, ...rest] = line.split(' ');
    const isKind = word === 'kind';
    const versions = isKind ? rest[0].split(',') : [];
    const section = isKind ? `${name}/${versions[0]}` : name;
    lines = [{ indent: 0, text: `${name} ${rest.slice(isKind ? 1 : 0).join(' ')}` }];
    sections.set(section, { kind: isKind, versions, lines });
    if (isKind) kinds.push({ kind: name, versions, section });
  }
  const made = new Map<string, Schema>();
  const schemaOf = (section: string): Schema => {
    const known = made.get(section);
    if (known !== undefined) return known;
    const { lines: own } = sections.get(section)!;
    const schema = read(own, { at: 0 }, schemaOf);
    made.set(section, schema);
    return schema;
  };
  return {
    find(kind, version) {
      const found = kinds.find((k) => k.kind === kind && k.versions.includes(version));
      return found === undefined ? undefined : schemaOf(found.section);
    },
    kinds: () => kinds.map((k) => k.kind),
  };
}

/** Reads the line at `place.at` and everything that is indented below it. */
function read(lines: readonly Line[], place: { at: number }, named: (name: string) => Schema): Schema {
  const { indent, text } = lines[place.at++];
  const [, type, json] = /^\S+ (\S+) ?(.*)$/.exec(text)!;
  if (type.startsWith('@')) return named(type.slice(1));
  const a = (json === '' ? {} : JSON.parse(json)) as Attributes;
  const { enum: choices, format, pattern, nullable, open, set, keys, oneOf, default: otherwise, ...limits } = a;
  const schema: Schema = {
    type: type as Schema['type'],
    fields: new Map(),
    required: [],
    items: null,
    values: null,
    open: open ?? false,
    nullable: nullable ?? false,
    choices: choices ?? null,
    format: format ?? '',
    pattern: pattern ?? '',
    limits,
    oneOf: oneOf ?? [],
    keys: keys ?? null,
    set: set ?? false,
    default: otherwise,
    hasDefaults: otherwise !== undefined,
    rules: [],
  };
  while (place.at < lines.length && lines[place.at].indent > indent) {
    const next = lines[place.at].text;
    if (next.startsWith('! ')) {
      const cut = next.indexOf(' :: ');
      schema.rules.push(compileRule(next.slice(cut + 4), next.slice(2, cut)));
      place.at++;
      continue;
    }
    const name = next.slice(0, next.indexOf(' '));
    const child = read(lines, place, named);
    if (child.hasDefaults) schema.hasDefaults = true;
    if (name === '-') schema.items = child;
    else if (name === '*') schema.values = child;
    else {
      const required = name.endsWith('!');
      const field = required ? name.slice(0, -1) : name;
      schema.fields.set(field, child);
      if (required) schema.required.push(field);
    }
  }
  return schema;
}
