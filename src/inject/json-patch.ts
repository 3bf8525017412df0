import { isDeepStrictEqual } from 'node:util';

/** One operation of a JSON patch (RFC 6902); `path` has its segments, unescaped. */
export type Operation =
  | { op: 'add' | 'replace'; path: readonly (string | number)[]; value: unknown }
  | { op: 'remove'; path: readonly (string | number)[] };

type Path = readonly (string | number)[];

/**
 * What turns `before` into `after`. Lists whose items have names are changed item by item, so that a patch touches
 * nothing but what differs; other lists that differ are replaced.
 */
export function difference(before: unknown, after: unknown): Operation[] {
  const out: Operation[] = [];
  compare(before, after, [], out);
  return out;
}

function compare(before: unknown, after: unknown, path: Path, out: Operation[]): void {
  if (isDeepStrictEqual(before, after)) return;
  if (Array.isArray(before) && Array.isArray(after) && compareLists(before, after, path, out)) return;
  if (isRecord(before) && isRecord(after)) {
    for (const name of Object.keys(before)) {
      if (after[name] === undefined) out.push({ op: 'remove', path: [...path, name] });
    }
    for (const [name, value] of Object.entries(after)) {
      if (value === undefined) continue;
      if (before[name] === undefined) out.push({ op: 'add', path: [...path, name], value });
      else compare(before[name], value, [...path, name], out);
    }
    return;
  }
  out.push({ op: 'replace', path, value: after });
}

/** False when the items have no names, a name is there twice, or the items that stay have changed places. */
function compareLists(before: readonly unknown[], after: readonly unknown[], path: Path, out: Operation[]): boolean {
  const old = names(before);
  const wanted = names(after);
  if (old === null || wanted === null) return false;
  const stay = old.filter((name) => wanted.includes(name));
  if (
    !isDeepStrictEqual(
      stay,
      wanted.filter((name) => old.includes(name)),
    )
  )
    return false;
  for (let i = old.length - 1; i >= 0; i--) {
    if (!wanted.includes(old[i])) out.push({ op: 'remove', path: [...path, i] });
  }
  // From here on the indices are those of `after`, since every item before an index is in place.
  for (let i = 0; i < wanted.length; i++) {
    const at = old.indexOf(wanted[i]);
    if (at < 0) out.push({ op: 'add', path: [...path, i], value: after[i] });
    else compare(before[at], after[i], [...path, i], out);
  }
  return true;
}

function names(list: readonly unknown[]): string[] | null {
  const found: string[] = [];
  for (const item of list) {
    if (!isRecord(item) || typeof item.name !== 'string' || found.includes(item.name)) return null;
    found.push(item.name);
  }
  return found;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON pointer (RFC 6901). */
export function pointer(path: Path): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
