/**
 * What an unquoted YAML scalar means. There is no one answer: Envoy reads with yaml-cpp and hands the result to proto3 JSON,
 * Kubernetes reads with go-yaml 2; both know the booleans of YAML 1.1 (`y`, `on`, `off`, …), and differ elsewhere.
 */
export type Dialect = 'envoy' | 'kubernetes';

const WORDS = ['y', 'yes', 'true', 'on', 'n', 'no', 'false', 'off'];
const BOOLEANS = new Map<string, boolean>();
for (const [i, word] of WORDS.entries()) {
  const capital = word[0].toUpperCase() + word.slice(1);
  for (const form of [word, capital, word.toUpperCase()]) BOOLEANS.set(form, i < 4);
}
const NULLS = new Set(['', '~', 'null', 'Null', 'NULL']);

const ENVOY_INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;
const GO_INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]*|[1-9][0-9]*)$/;
const GO_FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

export function resolveScalar(text: string, dialect: Dialect): null | boolean | number | string {
  if (NULLS.has(text)) return null;
  const boolean = BOOLEANS.get(text);
  if (boolean !== undefined) return boolean;
  return dialect === 'envoy' ? envoyNumber(text) : goNumber(text);
}

/** yaml-cpp: decimal, octal (leading 0) and hexadecimal integers. Beyond 32 bits, and with a fraction, Envoy passes the text on. */
function envoyNumber(text: string): number | string {
  if (!ENVOY_INTEGER.test(text)) return text;
  const value = integer(text);
  if (value >= -2147483648n && value <= 2147483647n) return Number(value);
  return value >= -(1n << 63n) && value < 1n << 63n ? value.toString() : text;
}

function goNumber(text: string): number | string {
  const plain = text.replaceAll('_', '');
  if (GO_INTEGER.test(plain)) {
    const value = integer(plain);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  }
  if (GO_FLOAT.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : text;
  }
  return text;
}

function integer(text: string): bigint {
  const negative = text[0] === '-';
  let digits = text[0] === '-' || text[0] === '+' ? text.slice(1) : text;
  if (/^0[0-7]+$/.test(digits)) digits = `0o${digits.slice(1)}`;
  const value = BigInt(digits);
  return negative ? -value : value;
}
