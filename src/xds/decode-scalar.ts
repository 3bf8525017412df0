import { DURATION_FORM, durationFault, milliseconds, parseDuration } from '../config/duration.js';
import { isObject, kindOf, type Plain } from '../config/plain.js';
import type { EnumType } from './schema.js';

/** What is wrong with a value, for the decoder to put into an error with path and position. */
export interface Fault {
  reason: string;
  allowed: string;
}

export class ScalarFault extends Error {
  constructor(
    readonly reason: string,
    readonly allowed: string,
  ) {
    super(reason);
  }
}

function wrong(value: Plain, allowed: string): ScalarFault {
  const quote = allowed.startsWith('a string') && typeof value !== 'object' ? '; quote it' : '';
  return new ScalarFault(`${kindOf(value)} is not allowed here`, allowed + quote);
}

const WHOLE: Record<string, { min: number; max: number; words: string }> = {
  uint32: { min: 0, max: 4294967295, words: 'a whole number from 0 to 4294967295' },
  int32: { min: -2147483648, max: 2147483647, words: 'a whole number from -2147483648 to 2147483647' },
  uint64: { min: 0, max: 2 ** 64 - 1, words: 'a whole number from 0 to 18446744073709551615' },
  int64: { min: -(2 ** 63), max: 2 ** 63 - 1, words: 'a whole number of 64 bits' },
};
const NUMBER = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Decodes one scalar as Envoy's proto3 JSON parser does, the older forms it still takes included. Throws ScalarFault. */
export function decodeScalar(type: string, value: Plain): unknown {
  switch (type) {
    case 'string':
      if (typeof value !== 'string') throw wrong(value, 'a string');
      return value;
    case 'bool':
      if (value === true || value === 'true') return true;
      if (value === false || value === 'false') return false;
      throw wrong(value, 'true or false');
    case 'bytes':
      if (typeof value !== 'string' || !BASE64.test(value) || value.replaceAll('=', '').length % 4 === 1) {
        throw wrong(value, 'a string in base64');
      }
      return Buffer.from(value, 'base64').toString('base64');
    case 'double':
    case 'float':
      return decodeDouble(value);
    case 'duration':
      return decodeDuration(value);
    case 'struct':
      if (!isObject(value)) throw wrong(value, 'a mapping');
      return value;
    case 'value':
      return value;
    default:
      return decodeWhole(type, value);
  }
}

function decodeWhole(type: string, value: Plain): number {
  const { min, max, words } = WHOLE[type];
  const number =
    typeof value === 'number' ? value : typeof value === 'string' && NUMBER.test(value) ? Number(value) : Number.NaN;
  if (!Number.isInteger(number) || number < min || number > max) throw wrong(value, words);
  return number === 0 ? 0 : number;
}

function decodeDouble(value: Plain): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && NUMBER.test(value) && Number.isFinite(Number(value))) return Number(value);
  throw wrong(value, 'a number');
}

function decodeDuration(value: Plain): number {
  let ms: number | null = null;
  if (typeof value === 'string') ms = parseDuration(value);
  else if (isObject(value)) ms = durationOfParts(value);
  if (ms === null) throw wrong(value, DURATION_FORM);
  const fault = durationFault(ms);
  if (fault !== null) throw new ScalarFault(fault, 'from 0s to 9223372035.999999999s');
  return ms;
}

/** `{seconds: 5, nanos: 0}`: Envoy takes the message written out as well. */
function durationOfParts(value: Record<string, Plain>): number | null {
  for (const key of Object.keys(value)) if (key !== 'seconds' && key !== 'nanos') return null;
  const seconds = Number(value.seconds ?? 0);
  const nanos = Number(value.nanos ?? 0);
  if (!Number.isSafeInteger(seconds) || !Number.isInteger(nanos) || Math.abs(nanos) > 999999999) return null;
  return milliseconds(seconds, nanos);
}

/** Name of an enum value, given by name in any case or by number. Throws ScalarFault. */
export function decodeEnum(type: EnumType, value: Plain): string {
  const usable = () => [...type.numbers.keys()].filter((name) => !type.refused.has(name)).join(', ');
  let name: string | undefined;
  if (typeof value === 'string') {
    const upper = value.toUpperCase().replaceAll('-', '_');
    name = type.numbers.has(value) ? value : type.numbers.has(upper) ? upper : undefined;
    if (name === undefined && /^\d+$/.test(value)) name = type.names.get(Number(value));
  } else if (typeof value === 'number') name = type.names.get(value);
  if (name === undefined) throw new ScalarFault(`${kindOf(value)} is no ${type.name}`, usable());
  const refused = type.refused.get(name);
  if (refused !== undefined) throw new ScalarFault(`not supported: ${refused}`, usable());
  return name;
}
