import { createRequire } from 'node:module';
import type * as Re2js from 're2js';

let loaded: typeof Re2js | null = null;

/** Expressions that were compiled lately: each is compiled when it is checked and when it is put to use, a schema's for every value. */
const compiled = new Map<string, Re2js.RE2JS>();
const KEPT = 256;

/** Compiles a regular expression with the semantics of RE2, as Envoy's. The library is loaded when the first one is met. */
export function compileRegex(text: string): Re2js.RE2JS {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  loaded ??= createRequire(import.meta.url)('re2js') as typeof Re2js;
  const made = loaded.RE2JS.compile(text);
  if (compiled.size >= KEPT) compiled.delete(compiled.keys().next().value as string);
  compiled.set(text, made);
  return made;
}

/** Why RE2 refuses the expression, null when it takes it. */
export function regexFault(text: string): string | null {
  try {
    compileRegex(text);
    return null;
  } catch (error) {
    return (error as Error).message.replace('error parsing regexp: ', '');
  }
}
