import { createRequire } from 'node:module';
import type * as Re2js from 're2js';

let loaded: typeof Re2js | null = null;

/** Compiles a regular expression with the semantics of RE2, as Envoy's. The library is loaded when the first one is met. */
export function compileRegex(text: string): Re2js.RE2JS {
  loaded ??= createRequire(import.meta.url)('re2js') as typeof Re2js;
  return loaded.RE2JS.compile(text);
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
