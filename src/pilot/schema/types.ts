/** What a field of a custom resource may hold, as its OpenAPI schema says it. */
export type Type =
  | { kind: 'text'; min: number; max: number; pattern: RegExp | null }
  | { kind: 'duration' }
  | { kind: 'flag' }
  | { kind: 'integer' | 'number'; min: number; max: number }
  | { kind: 'choice'; names: readonly string[] }
  | { kind: 'list'; items: Type; min: number; max: number }
  | { kind: 'map'; values: Type }
  | MessageType
  | { kind: 'anything' };

export interface MessageType {
  kind: 'message';
  fields: Readonly<Record<string, Type>>;
  required: readonly string[];
  /** Groups of fields of which at most one may be there. */
  oneOf: readonly (readonly string[])[];
}

export const TEXT: Type = { kind: 'text', min: 0, max: Number.POSITIVE_INFINITY, pattern: null };
/** Go's form of a duration, at least 1 ms. */
export const DURATION: Type = { kind: 'duration' };
export const FLAG: Type = { kind: 'flag' };
export const ANYTHING: Type = { kind: 'anything' };

export function text(rules: { min?: number; max?: number; pattern?: RegExp }): Type {
  const { min = 0, max = Number.POSITIVE_INFINITY, pattern = null } = rules;
  return { kind: 'text', min, max, pattern };
}

export function integer(min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): Type {
  return { kind: 'integer', min, max };
}

export function number(): Type {
  return { kind: 'number', min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
}

export function choice(...names: string[]): Type {
  return { kind: 'choice', names };
}

export function list(items: Type, { min = 0, max = Number.POSITIVE_INFINITY } = {}): Type {
  return { kind: 'list', items, min, max };
}

export function map(values: Type): Type {
  return { kind: 'map', values };
}

export function message(
  fields: Record<string, Type>,
  { required = [], oneOf = [] }: { required?: string[]; oneOf?: string[][] } = {},
): MessageType {
  return { kind: 'message', fields, required, oneOf };
}
