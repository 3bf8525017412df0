import { type HeaderName, permanentName } from '../base/header-names.js';
import type { HeaderMap } from '../base/headers.js';
import type { StreamInfo } from '../observe/stream-info.js';
import type { HeaderAppendAction, HeaderMutationRule, HeaderValueOption } from '../xds/types.js';
import { refuse, reporting } from './refuse.js';
import { byteString } from './regex.js';
import { compileStringMatcher, type ValueMatcher } from './string-matcher.js';

/** Text with command operators, compiled (see observe/access-log.ts). */
export interface Formatter {
  format(info: StreamInfo): string;
}

/** Compiles text with command operators; a value that is missing prints as `missing`. */
export type CompileFormat = (text: string, options: { missing: string }) => Formatter;

/** A header to add: its value is constant, or formatted per request. */
class Addition {
  constructor(
    readonly name: HeaderName,
    readonly constant: string,
    readonly formatter: Formatter | null,
    readonly action: HeaderAppendAction,
    readonly keepEmpty: boolean,
  ) {}
}

/** The header changes of one level (route configuration, virtual host, route, weighted cluster) in one direction. */
export interface HeaderChanges {
  add: readonly HeaderValueOption[];
  remove: readonly string[];
  /** The message that holds them, and its field with the removals: for error messages. */
  owner: object;
  removeKey: string;
}

/* Values worked out before any header is changed; kept between calls, so that a request allocates nothing. */
const overwrites: Addition[] = [];
const overwriteValues: string[] = [];
const appends: Addition[] = [];
const appendValues: string[] = [];

/**
 * Header changes of one level. Removals come first; then all values are worked out from the headers as they are; then
 * OVERWRITE entries replace (moving to the end), then the others are appended. Envoy: HeaderParser.
 */
export class HeaderMutation {
  private readonly removals: readonly HeaderName[];
  private readonly additions: readonly Addition[];

  private constructor(removals: HeaderName[], additions: Addition[]) {
    this.removals = removals;
    this.additions = additions;
  }

  /**
   * Null when there is nothing to change.
   * @throws ConfigError for a pseudo-header or Host, and for an unknown operator
   */
  static compile(changes: HeaderChanges, compileFormat: CompileFormat): HeaderMutation | null {
    const removals: HeaderName[] = [];
    for (const name of changes.remove) {
      if (!modifiable(name)) refuse(changes.owner, changes.removeKey, ':-prefixed or host headers may not be removed');
      removals.push(permanentName(name));
    }
    const additions: Addition[] = [];
    for (const option of changes.add) {
      const addition = compileAddition(option, compileFormat);
      if (addition !== null) additions.push(addition);
    }
    return removals.length === 0 && additions.length === 0 ? null : new HeaderMutation(removals, additions);
  }

  apply(headers: HeaderMap, info: StreamInfo): void {
    const { removals, additions } = this;
    for (let i = 0; i < removals.length; i++) headers.remove(removals[i]);
    if (additions.length === 0) return;
    let toOverwrite = 0;
    let toAppend = 0;
    for (let i = 0; i < additions.length; i++) {
      const one = additions[i];
      const value = one.formatter === null ? one.constant : one.formatter.format(info);
      if (value === '' && !one.keepEmpty) continue;
      switch (one.action) {
        case 'ADD_IF_ABSENT':
          if (headers.has(one.name)) continue;
          break;
        case 'OVERWRITE_IF_EXISTS':
          if (!headers.has(one.name)) continue;
          overwrites[toOverwrite] = one;
          overwriteValues[toOverwrite++] = value;
          continue;
        case 'OVERWRITE_IF_EXISTS_OR_ADD':
          overwrites[toOverwrite] = one;
          overwriteValues[toOverwrite++] = value;
          continue;
      }
      appends[toAppend] = one;
      appendValues[toAppend++] = value;
    }
    for (let i = 0; i < toOverwrite; i++) {
      headers.remove(overwrites[i].name);
      headers.push(overwrites[i].name, overwriteValues[i]);
    }
    for (let i = 0; i < toAppend; i++) headers.add(appends[i].name, appendValues[i]);
  }
}

function compileAddition(option: HeaderValueOption, compileFormat: CompileFormat): Addition | null {
  const { key, value, raw_value: raw } = option.header;
  if (!modifiable(key)) refuse(option.header, 'key', ':-prefixed or host headers may not be modified');
  const action = option.append === false ? 'OVERWRITE_IF_EXISTS_OR_ADD' : option.append_action;
  if (raw !== '' && value === '')
    return new Addition(
      permanentName(key),
      Buffer.from(raw, 'base64').toString('latin1'),
      null,
      action,
      option.keep_empty_value,
    );
  const formatter = reporting(option.header, 'value', () => compileText(value, '', compileFormat));
  if (typeof formatter !== 'string')
    return new Addition(permanentName(key), '', formatter, action, option.keep_empty_value);
  if (formatter === '' && !option.keep_empty_value) return null;
  return new Addition(permanentName(key), formatter, null, action, option.keep_empty_value);
}

/** Text without operators as the constant it stands for (`%%` is a percent sign), other text as a formatter. */
export function compileText(text: string, missing: string, compileFormat: CompileFormat): string | Formatter {
  if (!text.replaceAll('%%', '').includes('%')) return byteString(text.replaceAll('%%', '%'));
  return compileFormat(text, { missing });
}

function modifiable(name: string): boolean {
  return !name.startsWith(':') && name.toLowerCase() !== 'host';
}

/** One change of a header map. */
export interface HeaderChange {
  apply(headers: HeaderMap, info: StreamInfo): void;
}

class Remove implements HeaderChange {
  private readonly name: HeaderName;
  constructor(name: string) {
    this.name = permanentName(name);
  }
  apply(headers: HeaderMap): void {
    headers.remove(this.name);
  }
}

class RemoveMatching implements HeaderChange {
  constructor(private readonly matcher: ValueMatcher) {}
  apply(headers: HeaderMap): void {
    for (let i = headers.size - 1; i >= 0; i--) if (this.matcher.matches(headers.names[i].text)) headers.removeAt(i);
  }
}

/** Header mutation rules (config.common.mutation_rules), in their order. */
export function compileHeaderRules(rules: readonly HeaderMutationRule[], compileFormat: CompileFormat): HeaderChange[] {
  const changes: HeaderChange[] = [];
  for (const rule of rules) {
    if (rule.remove !== undefined) changes.push(new Remove(rule.remove));
    else if (rule.remove_on_match !== undefined)
      changes.push(new RemoveMatching(compileStringMatcher(rule.remove_on_match.key_matcher)));
    else if (rule.append !== undefined) {
      const change = HeaderMutation.compile(
        { add: [rule.append], remove: [], owner: rule, removeKey: 'remove' },
        compileFormat,
      );
      if (change !== null) changes.push(change);
    }
  }
  return changes;
}
