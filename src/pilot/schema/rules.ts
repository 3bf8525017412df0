import { isIP } from 'node:net';
import { type Node, parseCel } from '../../base/cel-parser.js';
import { compileRegex } from '../../xds/regex.js';
import { parseDuration } from '../duration.js';
import { isTree } from '../tree.js';
import { type GoUrl, parseRequestUri } from './uri.js';

/** A rule of a resource definition. */
export interface Rule {
  message: string;
  /** Whether a value passes; an evaluation that fails does not. */
  test(value: unknown): boolean;
}

type Scope = Map<string, unknown>;
type Evaluate = (scope: Scope) => unknown;

/** An evaluation that cannot be carried out, such as a duration that is none. */
class EvaluationError extends Error {}

/**
 * Compiles a rule in the Common Expression Language, with the functions of Kubernetes (strings, lists, durations, URLs,
 * addresses). Durations are milliseconds. Compiled when it is first used.
 */
export function compileRule(source: string, message: string): Rule {
  let compiled: Evaluate | null = null;
  return {
    message,
    test(value) {
      compiled ??= compile(parseCel(source));
      try {
        return compiled(new Map([['self', value]])) === true;
      } catch (error) {
        if (error instanceof EvaluationError) return false;
        throw error;
      }
    },
  };
}

/** Field names that are reserved words stand between underscores. */
function fieldName(name: string): string {
  return name.startsWith('__') && name.endsWith('__') ? name.slice(2, -2) : name;
}

function compile(node: Node): Evaluate {
  switch (node.t) {
    case 'literal': {
      const { value } = node;
      return () => value;
    }
    case 'name':
      return (scope) => {
        if (!scope.has(node.name)) throw new EvaluationError(`no variable ${node.name}`);
        return scope.get(node.name);
      };
    case 'list': {
      const items = node.items.map(compile);
      return (scope) => items.map((item) => item(scope));
    }
    case 'map': {
      const entries = node.entries.map(([key, value]) => [compile(key), compile(value)] as const);
      return (scope) => Object.fromEntries(entries.map(([key, value]) => [String(key(scope)), value(scope)]));
    }
    case 'select': {
      const of = compile(node.of);
      const field = fieldName(node.field);
      return (scope) => {
        const owner = of(scope);
        if (!isTree(owner) || !Object.hasOwn(owner, field)) throw new EvaluationError(`no such key: ${field}`);
        return owner[field];
      };
    }
    case 'index': {
      const of = compile(node.of);
      const key = compile(node.key);
      return (scope) => element(of(scope), key(scope));
    }
    case 'not': {
      const of = compile(node.of);
      return (scope) => !truth(of(scope));
    }
    case 'minus': {
      const of = compile(node.of);
      return (scope) => -(of(scope) as number);
    }
    case 'choice': {
      const [when, yes, no] = [node.when, node.yes, node.no].map(compile);
      return (scope) => (truth(when(scope)) ? yes(scope) : no(scope));
    }
    case 'binary':
      return binary(node.op, compile(node.left), compile(node.right));
    case 'call':
      return call(node);
  }
}

function truth(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new EvaluationError('no such overload');
  return value;
}

function element(owner: unknown, key: unknown): unknown {
  if (Array.isArray(owner)) {
    const at = key as number;
    if (!Number.isInteger(at) || at < 0 || at >= owner.length) throw new EvaluationError('index out of bounds');
    return owner[at];
  }
  if (!isTree(owner) || !Object.hasOwn(owner, String(key))) throw new EvaluationError(`no such key: ${String(key)}`);
  return owner[String(key)];
}

/** `&&` and `||` absorb an error on one side when the other side decides. */
function logical(decides: boolean, sides: (() => unknown)[]): boolean {
  let failed: EvaluationError | null = null;
  for (const side of sides) {
    try {
      if (truth(side()) === decides) return decides;
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      failed ??= error;
    }
  }
  if (failed !== null) throw failed;
  return !decides;
}

function binary(op: string, left: Evaluate, right: Evaluate): Evaluate {
  switch (op) {
    case '&&':
    case '||':
      return (scope) => logical(op === '||', [() => left(scope), () => right(scope)]);
    case '==':
      return (scope) => same(left(scope), right(scope));
    case '!=':
      return (scope) => !same(left(scope), right(scope));
    case 'in':
      return (scope) => {
        const [item, owner] = [left(scope), right(scope)];
        if (Array.isArray(owner)) return owner.some((other) => same(item, other));
        return isTree(owner) && Object.hasOwn(owner, String(item));
      };
    case '<':
      return (scope) => compare(left(scope), right(scope)) < 0;
    case '<=':
      return (scope) => compare(left(scope), right(scope)) <= 0;
    case '>':
      return (scope) => compare(left(scope), right(scope)) > 0;
    case '>=':
      return (scope) => compare(left(scope), right(scope)) >= 0;
    case '+':
      return (scope) => (left(scope) as number) + (right(scope) as number);
    default:
      throw new Error(`the operator ${op} is not built`);
  }
}

function compare(a: unknown, b: unknown): number {
  if (typeof a !== typeof b) throw new EvaluationError('no such overload');
  return (a as number) < (b as number) ? -1 : a === b ? 0 : 1;
}

function same(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
}

const MACROS = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

function call(node: Extract<Node, { t: 'call' }>): Evaluate {
  const { name, target, args } = node;
  if (target === null && name === 'has') return presence(args[0]);
  if (target !== null && MACROS.has(name)) return comprehension(name, compile(target), args);
  const values = (target === null ? args : [target, ...args]).map(compile);
  const run = FUNCTIONS[name];
  if (run === undefined) throw new Error(`the function ${name} is not built`);
  return (scope) => run(...values.map((value) => value(scope)));
}

function presence(node: Node): Evaluate {
  if (node.t !== 'select') throw new Error('has() needs a field');
  const of = compile(node.of);
  const field = fieldName(node.field);
  return (scope) => {
    const owner = of(scope);
    return isTree(owner) && Object.hasOwn(owner, field);
  };
}

function comprehension(name: string, target: Evaluate, args: readonly Node[]): Evaluate {
  if (args[0].t !== 'name') throw new Error(`${name}() needs a variable`);
  const variable = args[0].name;
  const body = compile(args[1]);
  return (scope) => {
    const owner = target(scope);
    const items = Array.isArray(owner) ? owner : isTree(owner) ? Object.keys(owner) : null;
    if (items === null) throw new EvaluationError('no such overload');
    const each = (item: unknown) => body(new Map(scope).set(variable, item));
    if (name === 'all' || name === 'exists') {
      return logical(
        name === 'exists',
        items.map((item) => () => each(item)),
      );
    }
    if (name === 'map') return items.map(each);
    const kept = items.filter((item) => truth(each(item)));
    return name === 'filter' ? kept : kept.length === 1;
  };
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new EvaluationError('no such overload');
  return value;
}

function size(value: unknown): number {
  if (typeof value === 'string') return [...value].length;
  if (Array.isArray(value)) return value.length;
  if (isTree(value)) return Object.keys(value).length;
  throw new EvaluationError('no such overload');
}

/** The longest time that Go's duration holds, ms. */
const LONGEST = 9_223_372_036_854;

function duration(value: unknown): number {
  const ms = parseDuration(text(value));
  if (ms === null || Math.abs(ms) > LONGEST) throw new EvaluationError('no duration');
  return ms;
}

function url(value: unknown): GoUrl {
  const parsed = parseRequestUri(text(value));
  if (parsed === null) throw new EvaluationError('no URL');
  return parsed;
}

const FUNCTIONS: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  size,
  startsWith: (of, part) => text(of).startsWith(text(part)),
  endsWith: (of, part) => text(of).endsWith(text(part)),
  contains: (of, part) => text(of).includes(text(part)),
  matches: (of, pattern) => compileRegex(text(pattern)).matcher(text(of)).find(),
  split: (of, by) => text(of).split(text(by)),
  substring: (of, from, to) => substring([...text(of)], from as number, to as number | undefined),
  duration,
  isIP: (of) => isIP(text(of)) !== 0,
  isURL: (of) => parseRequestUri(text(of)) !== null,
  url,
  getScheme: (of) => (of as GoUrl).scheme,
  int(of) {
    if (typeof of === 'number') return Math.trunc(of);
    if (!/^[-+]?\d+$/.test(text(of))) throw new EvaluationError('no integer');
    return Number(of);
  },
};

function substring(of: readonly string[], from: number, to = of.length): string {
  if (from < 0 || to > of.length || from > to) throw new EvaluationError('index out of range');
  return of.slice(from, to).join('');
}
