import { isTree, type Tree } from '../tree.js';
import type { Schema } from './notation.js';

/** A value with the defaults of its schema in the places of what was not written; parts without defaults are shared. */
export function withDefaults(schema: Schema, value: unknown): unknown {
  if (!schema.hasDefaults) return value;
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === null ? value : value.map((item) => withDefaults(items, item));
  }
  if (!isTree(value)) return value;
  const out: Tree = { ...value };
  for (const [name, child] of schema.fields) {
    const absent = !Object.hasOwn(out, name) || (out[name] === null && !child.nullable);
    if (absent && child.default !== undefined) out[name] = child.default;
    if (Object.hasOwn(out, name)) out[name] = withDefaults(child, out[name]);
  }
  const { values } = schema;
  if (values?.hasDefaults === true) {
    for (const key of Object.keys(out)) if (!schema.fields.has(key)) out[key] = withDefaults(values, out[key]);
  }
  return out;
}
