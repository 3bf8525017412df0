import { isUtf8 } from 'node:buffer';
import { compileOperator } from './format-operators.js';
import { parseFormat } from './format-parser.js';
import {
  type AccessLogType,
  type FormatDeps,
  type Operator,
  type OperatorOptions,
  systemFormatDeps,
  type Value,
} from './format-types.js';
import type { StreamInfo } from './stream-info.js';

/** Text or JSON made from the facts of a stream; compiled once, used per line. Output is a byte string. */
export interface Format {
  /** `type` is what `%ACCESS_LOG_TYPE%` prints, `NotSet` when absent. */
  format(info: StreamInfo, type?: AccessLogType): string;
}

export interface FormatOptions {
  /** What a missing value prints: `-` (default) in logs, `''` in header values and with `omit_empty_values`. */
  missing?: string;
  /** See `OperatorOptions.localReplyBody`; false by default. */
  localReplyBody?: boolean;
  /** Clock, randomness, host name and environment; the system's by default. */
  deps?: FormatDeps;
}

let systemDeps: FormatDeps | null = null;

function operatorOptions(options: FormatOptions): OperatorOptions {
  return {
    deps: options.deps ?? (systemDeps ??= systemFormatDeps()),
    localReplyBody: options.localReplyBody ?? false,
  };
}

/** UTF-8 text of a configuration as a byte string. */
function bytesOf(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 127) return Buffer.from(text, 'utf8').toString('latin1');
  }
  return text;
}

class TextFormat implements Format {
  constructor(
    private readonly parts: readonly (string | Operator)[],
    private readonly missing: string,
  ) {}

  format(info: StreamInfo, type: AccessLogType = 'NotSet'): string {
    const { parts } = this;
    let out = '';
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i];
      if (typeof part === 'string') out += part;
      else out += this.text(part(info, type));
    }
    return out;
  }

  private text(value: Value): string {
    if (typeof value === 'string') return value;
    if (value === null) return this.missing;
    return typeof value === 'object' ? bytesOf(JSON.stringify(value)) : String(value);
  }
}

function compileParts(text: string, options: OperatorOptions): (string | Operator)[] {
  return parseFormat(text).map((part) => (typeof part === 'string' ? bytesOf(part) : compileOperator(part, options)));
}

/**
 * Compiles text with command operators.
 * @throws Error when an operator is unknown (with the list of those that are known) or has wrong parameters
 */
export function compileFormat(text: string, options: FormatOptions = {}): Format {
  return new TextFormat(compileParts(text, operatorOptions(options)), options.missing ?? '-');
}

export interface JsonFormatOptions extends FormatOptions {
  /** Keys whose value is missing, and objects that are left empty, are dropped. */
  omitEmpty?: boolean;
}

/** Writes one value into a line; returns '' when it is dropped. */
type JsonWriter = (info: StreamInfo, type: AccessLogType) => string;

class JsonFormat implements Format {
  constructor(private readonly writer: JsonWriter) {}

  format(info: StreamInfo, type: AccessLogType = 'NotSet'): string {
    return `${this.writer(info, type) || '{}'}\n`;
  }
}

/**
 * Compiles a JSON format: keys sorted at every level, a value that is one operator keeps its type (`null` when missing),
 * others are text. Each line ends with a newline.
 * @throws Error as `compileFormat`
 */
export function compileJsonFormat(value: unknown, options: JsonFormatOptions = {}): Format {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('a JSON format must be an object');
  }
  const omit = options.omitEmpty ?? false;
  const missing = options.missing ?? (omit ? '' : '-');
  return new JsonFormat(jsonWriter(value, { operators: operatorOptions(options), omit, missing }));
}

interface JsonCompile {
  operators: OperatorOptions;
  omit: boolean;
  missing: string;
}

function jsonWriter(value: unknown, compile: JsonCompile): JsonWriter {
  if (typeof value === 'string') return textWriter(value, compile);
  if (Array.isArray(value)) return listWriter(value.map((item) => jsonWriter(item, compile)));
  if (typeof value === 'object' && value !== null) return objectWriter(value as Record<string, unknown>, compile);
  const constant = value === null && compile.omit ? '' : JSON.stringify(value ?? null);
  return () => constant;
}

function textWriter(text: string, { operators, omit, missing }: JsonCompile): JsonWriter {
  const parts = compileParts(text, operators);
  if (parts.length === 1 && typeof parts[0] !== 'string') {
    const operator = parts[0];
    const none = omit ? '' : 'null';
    return (info, type) => {
      const value = operator(info, type);
      if (typeof value === 'string') return jsonString(value);
      if (value === null) return none;
      return typeof value === 'object' ? bytesOf(JSON.stringify(value)) : String(value);
    };
  }
  const format = new TextFormat(parts, missing);
  if (parts.every((part) => typeof part === 'string')) {
    const constant = jsonString(parts.join(''));
    return () => constant;
  }
  return (info, type) => jsonString(format.format(info, type));
}

function listWriter(items: readonly JsonWriter[]): JsonWriter {
  return (info, type) => {
    let out = '';
    for (let i = 0; i < items.length; i++) {
      const text = items[i](info, type);
      if (text !== '') out += out === '' ? text : `,${text}`;
    }
    return `[${out}]`;
  };
}

function objectWriter(value: Record<string, unknown>, compile: JsonCompile): JsonWriter {
  const entries = Object.keys(value)
    .map((key) => ({ bytes: bytesOf(key), key }))
    .sort((a, b) => (a.bytes < b.bytes ? -1 : a.bytes > b.bytes ? 1 : 0));
  const names = entries.map(({ bytes }) => `${jsonString(bytes)}:`);
  const writers = entries.map(({ key }) => jsonWriter(value[key], compile));
  const empty = compile.omit ? '' : '{}';
  return (info, type) => {
    let out = '';
    for (let i = 0; i < writers.length; i++) {
      const text = writers[i](info, type);
      if (text !== '') out += (out === '' ? '{' : ',') + names[i] + text;
    }
    return out === '' ? empty : `${out}}`;
  };
}

const ESCAPES: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** A JSON string of a byte string. Valid UTF-8 stays as it is; otherwise each odd byte becomes `\u00xx`, as Envoy does. */
export function jsonString(bytes: string): string {
  let plain = true;
  let ascii = true;
  for (let i = 0; i < bytes.length; i++) {
    const code = bytes.charCodeAt(i);
    if (code < 32 || code === 34 || code === 92) plain = false;
    else if (code > 126) ascii = false;
  }
  if (plain && ascii) return `"${bytes}"`;
  const utf8 = ascii || isUtf8(Buffer.from(bytes, 'latin1'));
  let out = '"';
  for (let i = 0; i < bytes.length; i++) {
    const code = bytes.charCodeAt(i);
    if (code >= 32 && code !== 34 && code !== 92 && (utf8 || code < 127)) out += bytes[i];
    else out += (utf8 ? ESCAPES[bytes[i]] : undefined) ?? `\\u${code.toString(16).padStart(4, '0')}`;
  }
  return `${out}"`;
}
