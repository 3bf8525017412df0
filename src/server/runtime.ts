import type { Bootstrap } from '../xds/types.js';

/** A layer's entries by their full key: `{a: {b: 1}}` is `a.b`. */
export function flat(value: object, prefix = '', out = new Map<string, string>()): Map<string, string> {
  for (const [key, child] of Object.entries(value)) {
    const name = prefix === '' ? key : `${prefix}.${key}`;
    if (typeof child === 'object' && child !== null && !Array.isArray(child)) flat(child, name, out);
    else out.set(name, String(child));
  }
  return out;
}

/** A flag of `layered_runtime` as the static layers have it, the last one that names it; `otherwise` when none does. */
export function runtimeFlag({ layered_runtime }: Bootstrap, key: string, otherwise: boolean): boolean {
  let out = otherwise;
  for (const layer of layered_runtime?.layers ?? []) {
    const text = flat(layer.static_layer ?? {}).get(key);
    if (text === 'true' || text === 'false') out = text === 'true';
  }
  return out;
}
