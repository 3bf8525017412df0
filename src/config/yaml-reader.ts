import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { ConfigError } from './error.js';
import { MAX_DEPTH } from './json-reader.js';
import { type Plain, type PlainObject, putField, putPositioned } from './plain.js';
import { type Position, positionOf, setPosition } from './position.js';
import { type Dialect, resolveScalar } from './scalars.js';

/** One document of a YAML stream. */
export interface YamlDocument {
  /** null for an empty document. */
  value: Plain;
  /** Where its content begins. */
  position: Position;
}

/** Nodes that aliases and merges may multiply a document to. */
const MAX_NODES = 500_000;

let loaded: typeof Yaml | null = null;
/** The library is loaded when the first YAML is read: a process that runs from JSON does not pay for it. */
function yaml(): typeof Yaml {
  return (loaded ??= createRequire(import.meta.url)('yaml') as typeof Yaml);
}

/** Reads every document of a YAML stream. A document with mistakes is left out and its mistakes are in `errors`. */
export function readYaml(
  file: string,
  text: string,
  dialect: Dialect,
): { documents: YamlDocument[]; errors: ConfigError[] } {
  const lib = yaml();
  const lineCounter = new lib.LineCounter();
  const parsed = lib.parseAllDocuments(text, {
    schema: 'failsafe',
    lineCounter,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const documents: YamlDocument[] = [];
  const errors: ConfigError[] = [];
  const at = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line: Math.max(line, 1), col: Math.max(col, 1) };
  };
  for (const document of Array.isArray(parsed) ? parsed : []) {
    if (document.errors.length > 0) {
      // What follows the first mistake of syntax is mostly its consequence.
      const [first] = document.errors;
      errors.push(new ConfigError(first.message, '', at(first.pos[0]), 'well-formed YAML'));
      continue;
    }
    try {
      const value = new YamlWalker(lib, document, dialect, at, text).document();
      documents.push({ value, position: at(document.contents?.range?.[0] ?? document.range[0]) });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      errors.push(error);
    }
  }
  return { documents, errors };
}

class YamlWalker {
  private nodes = 0;
  private depth = 0;
  private readonly open = new Set<unknown>();

  constructor(
    private readonly lib: typeof Yaml,
    private readonly source: Yaml.Document.Parsed,
    private readonly dialect: Dialect,
    private readonly at: (offset: number) => Position,
    private readonly text: string,
  ) {}

  document(): Plain {
    return this.source.contents === null ? null : this.value(this.source.contents);
  }

  private position(node: unknown): Position {
    return this.at((node as Yaml.Node | null)?.range?.[0] ?? 0);
  }

  private value(node: unknown): Plain {
    const { lib } = this;
    if (++this.nodes > MAX_NODES) throw new ConfigError('aliases make the document too large', '', this.position(node));
    if (lib.isScalar(node)) return this.scalar(node);
    if (lib.isAlias(node)) {
      const target = node.resolve(this.source);
      if (target === undefined)
        throw new ConfigError(`no anchor &${node.source} before this alias`, '', this.position(node));
      return this.value(target);
    }
    if (node === null || node === undefined) return null;
    if (this.open.has(node))
      throw new ConfigError('an alias refers to a node that contains it', '', this.position(node));
    if (++this.depth > MAX_DEPTH) {
      throw new ConfigError(`the document is nested deeper than ${MAX_DEPTH} levels`, '', this.position(node));
    }
    this.open.add(node);
    const value = lib.isSeq(node) ? this.list(node) : this.map(node as Yaml.YAMLMap);
    this.open.delete(node);
    this.depth--;
    return value;
  }

  private scalar(node: Yaml.Scalar): Plain {
    const text = String(node.value ?? '');
    const tag = node.tag;
    if (tag !== undefined && !tag.startsWith('tag:yaml.org,2002:') && tag !== '!') {
      throw new ConfigError(`the tag ${tag} is not known`, '', this.position(node));
    }
    if (tag === '!' || tag === 'tag:yaml.org,2002:str') return text;
    if (tag === undefined && node.type !== undefined && node.type !== 'PLAIN') return text;
    return resolveScalar(text, this.dialect);
  }

  private list(node: Yaml.YAMLSeq): Plain {
    const list: Plain[] = [];
    setPosition(list, '', this.position(node));
    for (const item of node.items) {
      setPosition(list, String(list.length), this.position(item));
      list.push(this.endsInColon(item) ?? this.value(item));
    }
    return list;
  }

  /** In a flow list Kubernetes reads `[2001:db8::]` as the address it is, not as a mapping with an empty value. */
  private endsInColon(node: unknown): string | null {
    const { lib } = this;
    if (this.dialect !== 'kubernetes' || !lib.isMap(node) || node.items.length !== 1) return null;
    const [{ key, value }] = node.items;
    if (!lib.isScalar(key) || key.type !== 'PLAIN' || !String(key.value).includes(':')) return null;
    const empty = value === null || (lib.isScalar(value) && value.source === '');
    const [start, end] = node.range ?? [0, 0];
    const written = this.text.slice(start, end).trimEnd();
    return empty && written === `${key.source}:` ? written : null;
  }

  private map(node: Yaml.YAMLMap): Plain {
    const map: PlainObject = {};
    setPosition(map, '', this.position(node));
    const merges: Yaml.Pair[] = [];
    for (const pair of node.items) {
      if (!this.lib.isScalar(pair.key))
        throw new ConfigError('a key must be a scalar', '', this.position(pair.key ?? node));
      if (this.dialect === 'kubernetes' && pair.key.value === '<<' && pair.key.type === 'PLAIN') {
        merges.push(pair);
        continue;
      }
      const key = this.key(pair.key);
      const position = this.position(pair.key);
      if (Object.hasOwn(map, key)) {
        const first = positionOf(map, key)!;
        throw new ConfigError(
          `the key ${JSON.stringify(key)} is repeated; it stands in line ${first.line} already`,
          '',
          position,
          'every key once',
        );
      }
      putPositioned(map, key, this.value(pair.value), position);
    }
    for (const pair of merges) this.merge(map, pair);
    return map;
  }

  /** Envoy takes the text of a key; Kubernetes turns the key into JSON first, so that `on:` is the key `true`. */
  private key(node: Yaml.Scalar): string {
    const text = String(node.value ?? '');
    if (this.dialect === 'envoy' || (node.type !== undefined && node.type !== 'PLAIN')) return text;
    const value = resolveScalar(text, this.dialect);
    return typeof value === 'boolean' || typeof value === 'number' ? String(value) : text;
  }

  /** The `<<` of YAML 1.1: fields of the merged mappings that the mapping does not have itself; earlier ones win. */
  private merge(map: PlainObject, pair: Yaml.Pair): void {
    const value = this.value(pair.value);
    for (const source of Array.isArray(value) ? value : [value]) {
      if (typeof source !== 'object' || source === null || Array.isArray(source)) {
        throw new ConfigError('<< needs a mapping or a list of mappings', '', this.position(pair.key));
      }
      for (const key of Object.keys(source)) {
        if (Object.hasOwn(map, key)) continue;
        putField(map, key, source[key]);
        setPosition(map, key, positionOf(source, key)!);
      }
    }
  }
}
