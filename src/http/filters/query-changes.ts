import type { RequestHeaders } from '../../base/headers.js';
import type { StreamInfo } from '../../observe/stream-info.js';
import { type CompileFormat, compileText, type Formatter } from '../../router/header-mutation.js';
import { unsupported } from '../../xds/decode.js';
import type { KeyValueAppendAction, KeyValueMutation } from '../../xds/types.js';

interface Change {
  readonly key: string;
  /** null: the parameter is removed. */
  readonly value: string | Formatter | null;
  readonly action: KeyValueAppendAction;
}

function compileChange(mutation: KeyValueMutation, compileFormat: CompileFormat): Change {
  const { append, remove } = mutation;
  if (append === undefined) return { key: remove, value: null, action: 'APPEND_IF_EXISTS_OR_ADD' };
  const text = append.record?.value;
  if (typeof text !== 'string') return unsupported(append, 'record', 'a query parameter whose value is no text');
  return { key: append.record!.key, value: compileText(text, '', compileFormat), action: append.action };
}

/**
 * Changes of query parameters. As Envoy writes them: the parameters of a changed path are sorted by name and no longer percent-encoded.
 */
export class QueryChanges {
  private readonly changes: readonly Change[];

  /** @throws ConfigError */
  constructor(mutations: readonly KeyValueMutation[], compileFormat: CompileFormat) {
    this.changes = mutations.map((mutation) => compileChange(mutation, compileFormat));
  }

  apply(headers: RequestHeaders, info: StreamInfo): void {
    const { path } = headers;
    if (path === undefined) return;
    const start = path.indexOf('?');
    const parameters = parse(start < 0 ? '' : path.slice(start + 1));
    for (const { key, value, action } of this.changes) {
      if (value === null) {
        parameters.delete(key);
        continue;
      }
      const text = typeof value === 'string' ? value : value.format(info);
      const present = parameters.get(key);
      if (action === 'OVERWRITE_IF_EXISTS' && present === undefined) continue;
      if (action === 'ADD_IF_ABSENT' && present !== undefined) continue;
      if (action === 'APPEND_IF_EXISTS_OR_ADD' && present !== undefined) present.push(text);
      else parameters.set(key, [text]);
    }
    const pairs: string[] = [];
    for (const key of [...parameters.keys()].sort())
      for (const value of parameters.get(key)!) pairs.push(`${key}=${value}`);
    const bare = start < 0 ? path : path.slice(0, start);
    headers.path = pairs.length === 0 ? bare : `${bare}?${pairs.join('&')}`;
  }
}

/** The parameters of a query, decoded to byte strings. */
function parse(query: string): Map<string, string[]> {
  const parameters = new Map<string, string[]>();
  for (const part of query.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const key = decode(equals < 0 ? part : part.slice(0, equals));
    const value = equals < 0 ? '' : decode(part.slice(equals + 1));
    const present = parameters.get(key);
    if (present === undefined) parameters.set(key, [value]);
    else present.push(value);
  }
  return parameters;
}

/** Percent-decoding of a byte string; what is no escape stays. */
function decode(text: string): string {
  if (!text.includes('%')) return text;
  return text.replaceAll(/%([0-9a-fA-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
