import { formatDuration } from '../config/duration.js';
import type { Fault } from './decode-scalar.js';
import type { EnumType, Rules } from './schema.js';

/** The first rule that a scalar breaks, null when it keeps all. */
export function brokenRule(rules: Rules, type: string, value: unknown): Fault | null {
  if (typeof value === 'string') return brokenString(rules, type, value);
  if (typeof value === 'number') return brokenNumber(rules, type, value);
  if (rules.mustBeTrue && value !== true) return { reason: 'the value must be true', allowed: 'true' };
  return null;
}

function brokenNumber(rules: Rules, type: string, value: number): Fault | null {
  const { gt, gte, lt, lte } = rules;
  const low = (gt === null || value > gt) && (gte === null || value >= gte);
  const high = (lt === null || value < lt) && (lte === null || value <= lte);
  if (low && high) return null;
  const text = (n: number) => (type === 'duration' ? formatDuration(n) : String(n));
  const bounds: string[] = [];
  if (gt !== null) bounds.push(`more than ${text(gt)}`);
  if (gte !== null) bounds.push(`at least ${text(gte)}`);
  if (lt !== null) bounds.push(`less than ${text(lt)}`);
  if (lte !== null) bounds.push(`at most ${text(lte)}`);
  return { reason: `${text(value)} is too ${low ? 'large' : 'small'}`, allowed: bounds.join(', ') };
}

function brokenString(rules: Rules, type: string, value: string): Fault | null {
  if (value === '' && rules.ignoreEmpty) return null;
  const length = type === 'bytes' ? Buffer.from(value, 'base64').length : [...value].length;
  if (length < rules.minLen) {
    const reason = length === 0 ? 'the text is empty' : 'the text is too short';
    return { reason, allowed: `at least ${rules.minLen} character${rules.minLen === 1 ? '' : 's'}` };
  }
  if (length > rules.maxLen) return { reason: 'the text is too long', allowed: `at most ${rules.maxLen} characters` };
  if (Buffer.byteLength(value) > rules.maxBytes) {
    return { reason: 'the text is too long', allowed: `at most ${rules.maxBytes} bytes` };
  }
  if (rules.in !== null && !rules.in.includes(value)) {
    return { reason: `${JSON.stringify(value)} is not known here`, allowed: rules.in.join(', ') };
  }
  if (rules.pattern !== null && !rules.pattern.test(value)) {
    return { reason: `${JSON.stringify(value)} is not allowed here`, allowed: rules.patternWords };
  }
  if (!value.startsWith(rules.prefix) || !value.endsWith(rules.suffix)) {
    return { reason: `${JSON.stringify(value)} is not allowed here`, allowed: `${rules.prefix}…${rules.suffix}` };
  }
  return null;
}

export function brokenEnum(rules: Rules, type: EnumType, name: string): Fault | null {
  if (rules.notIn === null || !rules.notIn.includes(type.numbers.get(name)!)) return null;
  const usable = [...type.numbers].filter(([, number]) => !rules.notIn!.includes(number)).map(([text]) => text);
  return { reason: `${name} is not allowed here`, allowed: usable.join(', ') };
}

/** Rules of a list or map as a whole. */
export function brokenCount(rules: Rules, values: readonly unknown[]): Fault | null {
  const { minItems, maxItems } = rules;
  const entries = (n: number) => `${n} ${n === 1 ? 'entry' : 'entries'}`;
  if (values.length < minItems)
    return { reason: 'there are too few entries', allowed: `at least ${entries(minItems)}` };
  if (values.length > maxItems)
    return { reason: 'there are too many entries', allowed: `at most ${entries(maxItems)}` };
  if (rules.unique && new Set(values).size < values.length) {
    return { reason: 'an entry is repeated', allowed: 'every entry once' };
  }
  return null;
}
