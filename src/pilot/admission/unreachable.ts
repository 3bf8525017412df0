import { isTree, numberAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';

/** A match by prefix, as far as it is compared with others. */
interface PrefixMatch {
  match: Tree;
  rule: string;
  name: string;
  prefix: string;
  port: number;
  method: string;
  authority: string;
  maps: Record<string, string>[];
}

/** Warns of routes and matches that earlier ones leave nothing to. */
export function warnUnreachable(admission: Admission, routes: readonly Tree[], http: boolean): void {
  const seen = new Map<string, number>();
  const prefixes: PrefixMatch[] = [];
  let withoutMatch = -1;
  const named = (i: number) => label(http ? routes[i] : {}, i);
  const unused = (i: number, reason: string) =>
    admission.warn(routes[i], '', `virtualService rule ${named(i)} not used (${reason})`);
  for (let i = 0; i < routes.length; i++) {
    const matches = treesAt(routes[i], 'match');
    if (matches.length === 0) {
      if (withoutMatch !== -1) unused(i, 'only the last rule can have no matches');
      withoutMatch = i;
      continue;
    }
    let repeated = 0;
    for (const [n, match] of matches.entries()) {
      if (withoutMatch !== -1) {
        unused(i, 'route without matches defined before');
        continue;
      }
      const key = canonical(http ? { ...match, name: undefined } : match);
      const name = label(http ? match : {}, n);
      const before = seen.get(key);
      if (before === undefined) {
        seen.set(key, i);
        if (http) collect(prefixes, match, named(i), name);
        continue;
      }
      repeated++;
      ineffective(admission, match, named(i), name, named(before));
    }
    if (repeated === matches.length) unused(i, 'all matches used by prior rules');
  }
  warnCovered(admission, prefixes);
}

function label(tree: Tree, i: number): string {
  return stringAt(tree, 'name') === '' ? `#${i}` : `"${stringAt(tree, 'name')}"`;
}

function ineffective(admission: Admission, match: Tree, rule: string, name: string, before: string): void {
  const message = `virtualService rule ${rule} match ${name} is not used (duplicate/overlapping match in rule ${before})`;
  admission.warn(match, '', message);
}

/** Text by which two matches are the same, whatever the order of their fields; what is empty says nothing. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isTree(value)) return JSON.stringify(value) ?? 'null';
  const fields = Object.keys(value).filter((f) => !isNothing(value[f]));
  return `{${fields.sort().map((f) => `${JSON.stringify(f)}:${canonical(value[f])}`)}}`;
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0) return true;
  return Array.isArray(value) && value.length === 0;
}

/** `exact:` or `prefix:` and the text; empty for a regular expression. */
function exactOrPrefix(match: Tree | undefined): string {
  const exact = stringAt(match, 'exact');
  if (exact !== '') return `exact:${exact}`;
  const prefix = stringAt(match, 'prefix');
  return prefix === '' ? '' : `prefix:${prefix}`;
}

function mapOf(match: Tree, field: string): Record<string, string> {
  const out: Record<string, string> = {};
  const map = treeAt(match, field) ?? {};
  for (const key of Object.keys(map)) out[key] = exactOrPrefix(treeAt(map, key));
  return out;
}

function collect(out: PrefixMatch[], match: Tree, rule: string, name: string): void {
  const prefix = stringAt(treeAt(match, 'uri'), 'prefix');
  if (prefix === '') return;
  const method = exactOrPrefix(treeAt(match, 'method')) || 'exact:GET';
  const maps = ['headers', 'queryParams', 'withoutHeaders'].map((field) => mapOf(match, field));
  const authority = exactOrPrefix(treeAt(match, 'authority'));
  out.push({ match, rule, name, prefix, port: numberAt(match, 'port') ?? 0, method, authority, maps });
}

function warnCovered(admission: Admission, prefixes: readonly PrefixMatch[]): void {
  for (let i = 0; i < prefixes.length; i++) {
    for (let j = i + 1; j < prefixes.length; j++) {
      const [a, b] = [prefixes[i], prefixes[j]];
      if (a.prefix === b.prefix || !covers(a, b)) continue;
      const before = `${a.name} of prefix ${a.prefix} on ${a.rule}`;
      ineffective(admission, b.match, b.rule, `${b.name} of prefix ${b.prefix}`, before);
    }
  }
}

/** istiod's idea of whether the earlier match `a` leaves nothing to `b`. */
function covers(a: PrefixMatch, b: PrefixMatch): boolean {
  if (!b.prefix.startsWith(a.prefix) || a.port !== b.port) return false;
  if (!a.method.startsWith(b.method) || !a.authority.startsWith(b.authority)) return false;
  return a.maps.every((map, i) => {
    const other = b.maps[i];
    const keys = Object.keys(map);
    if (keys.length !== Object.keys(other).length) return false;
    return keys.every((key) => Object.hasOwn(other, key) && map[key].startsWith(other[key]));
  });
}
