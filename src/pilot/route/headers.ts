import { comesFrom, stringAt, stringsAt, type Tree, treeAt } from '../tree.js';

/** What a `headers` block becomes: changes of headers, and a host when it sets that. */
export interface HeaderChanges {
  fields: Tree;
  /** What `host` or `:authority` is set to; null when it is left. */
  authority: { value: string; tree: Tree; key: string } | null;
}

function isReserved(name: string): boolean {
  return name.startsWith(':') || name.toLowerCase() === 'host';
}

function isAuthority(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === ':authority' || lower === 'host';
}

/** Header changes by name; `set` replaces, `add` appends. Pseudo headers and `host` are no headers here. */
function options(map: Tree | undefined, append: boolean): Tree[] {
  if (map === undefined) return [];
  const out: Tree[] = [];
  for (const key of Object.keys(map).sort()) {
    if (isReserved(key)) continue;
    const header: Tree = { key, value: stringAt(map, key) };
    comesFrom(header, 'value', map, key);
    const option: Tree = { header };
    if (!append) option['append_action'] = 'OVERWRITE_IF_EXISTS_OR_ADD';
    comesFrom(option, '', map, key);
    out.push(option);
  }
  return out;
}

/** Translates `headers` of a route or a destination. */
export function headerChanges(headers: Tree | undefined): HeaderChanges {
  const fields: Tree = {};
  let authority: HeaderChanges['authority'] = null;
  for (const side of ['request', 'response']) {
    const changes = treeAt(headers, side);
    if (changes === undefined) continue;
    const set = treeAt(changes, 'set');
    const add = treeAt(changes, 'add');
    const options_ = [...options(set, false), ...options(add, true)];
    if (options_.length > 0) fields[`${side}_headers_to_add`] = options_;
    const remove = stringsAt(changes, 'remove').filter((name) => !isReserved(name));
    if (remove.length > 0) {
      fields[`${side}_headers_to_remove`] = remove;
      comesFrom(fields, `${side}_headers_to_remove`, changes, 'remove');
    }
    if (side === 'response') continue;
    for (const map of [set, add]) {
      if (map === undefined || authority !== null) continue;
      for (const key of Object.keys(map)) {
        if (isAuthority(key) && stringAt(map, key) !== '') authority = { value: stringAt(map, key), tree: map, key };
      }
    }
  }
  return { fields, authority };
}

/** Adds the changes of one destination to those of its route. */
export function appendChanges(route: Tree, fields: Tree): void {
  for (const key of Object.keys(fields)) {
    const before = route[key];
    route[key] = Array.isArray(before) ? [...before, ...(fields[key] as unknown[])] : fields[key];
    if (before === undefined) comesFrom(route, key, fields, key);
  }
}
