/** Numbers as Envoy's writers print them. */

/** C's `%.32g`: Prometheus values and bounds. */
export function g32(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value);
  const text = value.toPrecision(32);
  return text.includes('e') ? text : text.replace(/\.?0+$/, '');
}

/** C's `%g`: six significant digits. */
export function g6(value: number): string {
  if (value === 0) return '0';
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -4 && exponent < 6) return String(Number(value.toPrecision(6)));
  const [mantissa, power] = Number(value.toPrecision(6)).toExponential().split('e');
  return `${mantissa}e${cPower(power)}`;
}

/** C++ `to_chars`: the shortest text that reads back as the same number, plain when it is not longer. */
export function shortest(value: number): string {
  const plain = String(value);
  const [mantissa, power] = value.toExponential().split('e');
  const scientific = `${mantissa}e${cPower(power)}`;
  return scientific.length < plain.length ? scientific : plain;
}

function cPower(power: string): string {
  const sign = power.startsWith('-') ? '-' : '+';
  const digits = power.replace(/^[+-]/, '');
  return sign + (digits.length < 2 ? `0${digits}` : digits);
}

/** An unsigned 64-bit statistic. A negative number is one that wrapped (`remaining_cx_pools`). */
export function u64(value: number): string {
  if (value >= 0) return Number.isInteger(value) ? String(value) : String(Math.floor(value));
  return BigInt.asUintN(64, BigInt(Math.trunc(value))).toString();
}
