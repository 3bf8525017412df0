const UNITS: Record<string, number> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ns: 1e-6,
};

/**
 * A duration as Istio's documents write it: a sequence of numbers with units (`1h30m`, `1.5s`, `300ms`), in milliseconds.
 * Null when the text is not one.
 */
export function parseDuration(text: string): number | null {
  let rest = text;
  let sign = 1;
  if (rest[0] === '-' || rest[0] === '+') {
    if (rest[0] === '-') sign = -1;
    rest = rest.slice(1);
  }
  if (rest === '0') return 0;
  if (rest === '') return null;
  let ms = 0;
  while (rest !== '') {
    const part = /^(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|μs|ns|h|m|s)/.exec(rest);
    if (part === null) return null;
    ms += Number(part[1]) * UNITS[part[2]];
    rest = rest.slice(part[0].length);
  }
  // Nine decimals of a second are what a protobuf duration holds; more would be noise of the floating point.
  return sign * (Math.round(ms * 1e6) / 1e6);
}
