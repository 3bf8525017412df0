/**
 * Times in log lines: strftime with Envoy's and abseil's additions (`%E3S`, `%E*f`, `%3f`, `%s`, `%Ez`, …), C locale.
 * The text of a whole second is made once per second and reused; only fractions are written per line.
 */
export type TimeFormatter = (wallMs: number) => string;

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** Calendar fields of one instant in UTC or in the zone of the process. */
interface Fields {
  ms: number;
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  weekday: number;
  /** Day of the year, from 0. */
  yearday: number;
  /** Minutes east of UTC. */
  offset: number;
  zone: string;
}

type Part = string | ((fields: Fields) => string) | { readonly digits: number; readonly seconds: boolean };

export const DEFAULT_TIME = '%Y-%m-%dT%H:%M:%E3SZ';
export const DEFAULT_LOCAL_TIME = '%Y-%m-%dT%H:%M:%E3S%z';

const two = (n: number) => (n < 10 ? `0${n}` : String(n));
const three = (n: number) => (n < 10 ? `00${n}` : n < 100 ? `0${n}` : String(n));
const blank = (n: number) => (n < 10 ? ` ${n}` : String(n));

function offsetText({ offset }: Fields, colon: boolean, seconds = false): string {
  const sign = offset < 0 ? '-' : '+';
  const minutes = Math.abs(offset);
  const between = colon ? ':' : '';
  const text = sign + two(Math.floor(minutes / 60)) + between + two(minutes % 60);
  return seconds ? `${text}:00` : text;
}

/** ISO 8601 week and the year it belongs to. */
function isoWeek(f: Fields): { year: number; week: number } {
  const weekday = f.weekday === 0 ? 7 : f.weekday;
  const week = Math.floor((f.yearday - weekday + 11) / 7);
  if (week < 1) return { year: f.year - 1, week: weeksOf(f.year - 1) };
  if (week > weeksOf(f.year)) return { year: f.year + 1, week: 1 };
  return { year: f.year, week };
}

function weeksOf(year: number): number {
  const jan1 = new Date(Date.UTC(year, 0, 1)).getUTCDay();
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return jan1 === 4 || (leap && jan1 === 3) ? 53 : 52;
}

const twelve = (hour: number) => (hour % 12 === 0 ? 12 : hour % 12);

const SPECS: Record<string, (f: Fields) => string> = {
  a: (f) => DAYS[f.weekday].slice(0, 3),
  A: (f) => DAYS[f.weekday],
  b: (f) => MONTHS[f.month].slice(0, 3),
  B: (f) => MONTHS[f.month],
  c: (f) => `${SPECS.a(f)} ${SPECS.b(f)} ${blank(f.day)} ${SPECS.T(f)} ${f.year}`,
  C: (f) => two(Math.floor(f.year / 100)),
  d: (f) => two(f.day),
  D: (f) => `${two(f.month + 1)}/${two(f.day)}/${two(f.year % 100)}`,
  e: (f) => blank(f.day),
  F: (f) => `${f.year}-${two(f.month + 1)}-${two(f.day)}`,
  g: (f) => two(isoWeek(f).year % 100),
  G: (f) => String(isoWeek(f).year),
  h: (f) => MONTHS[f.month].slice(0, 3),
  H: (f) => two(f.hour),
  I: (f) => two(twelve(f.hour)),
  j: (f) => three(f.yearday + 1),
  k: (f) => blank(f.hour),
  l: (f) => blank(twelve(f.hour)),
  m: (f) => two(f.month + 1),
  M: (f) => two(f.minute),
  p: (f) => (f.hour < 12 ? 'AM' : 'PM'),
  P: (f) => (f.hour < 12 ? 'am' : 'pm'),
  r: (f) => `${two(twelve(f.hour))}:${two(f.minute)}:${two(f.second)} ${SPECS.p(f)}`,
  R: (f) => `${two(f.hour)}:${two(f.minute)}`,
  s: (f) => String(Math.floor(f.ms / 1000)),
  S: (f) => two(f.second),
  t: () => '\t',
  T: (f) => `${two(f.hour)}:${two(f.minute)}:${two(f.second)}`,
  u: (f) => String(f.weekday === 0 ? 7 : f.weekday),
  U: (f) => two(Math.floor((f.yearday + 7 - f.weekday) / 7)),
  V: (f) => two(isoWeek(f).week),
  w: (f) => String(f.weekday),
  W: (f) => two(Math.floor((f.yearday + 7 - ((f.weekday + 6) % 7)) / 7)),
  x: (f) => SPECS.D(f),
  X: (f) => SPECS.T(f),
  y: (f) => two(f.year % 100),
  Y: (f) => String(f.year),
  z: (f) => offsetText(f, false),
  Z: (f) => f.zone,
  '%': () => '%',
};

/** Compiles a format. A conversion that strftime does not know is printed as it stands. */
export function compileTime(format: string, local: boolean): TimeFormatter {
  const parts = parse(format);
  let second = Number.NaN;
  let rendered: (string | { readonly digits: number; readonly seconds: boolean; readonly whole: string })[] = [];
  return (wallMs) => {
    const at = Math.floor(wallMs / 1000);
    if (at !== second) {
      second = at;
      rendered = render(parts, fieldsOf(at * 1000, local));
    }
    const ms = Math.floor(wallMs) - at * 1000;
    let out = '';
    for (let i = 0; i < rendered.length; i++) {
      const part = rendered[i];
      if (typeof part === 'string') out += part;
      else out += part.seconds ? part.whole + fraction(ms, part.digits, true) : fraction(ms, part.digits, false);
    }
    return out;
  };
}

/** `digits` of the fraction of a second, cut off; -1 for as many as there are (at least one for a bare `%E*f`). */
function fraction(ms: number, digits: number, dot: boolean): string {
  if (digits === 0) return '';
  const all = `${three(ms)}000000`;
  let text = digits < 0 ? all.replace(/0+$/, '') : all.slice(0, digits);
  if (dot) return text === '' ? '' : `.${text}`;
  if (text === '') text = '0';
  return text;
}

function render(parts: readonly Part[], fields: Fields) {
  const out: (string | { digits: number; seconds: boolean; whole: string })[] = [];
  for (const part of parts) {
    const last = out.length - 1;
    const text = typeof part === 'string' ? part : typeof part === 'function' ? part(fields) : null;
    if (text === null) {
      const { digits, seconds } = part as { digits: number; seconds: boolean };
      out.push({ digits, seconds, whole: two(fields.second) });
    } else if (last >= 0 && typeof out[last] === 'string') out[last] += text;
    else out.push(text);
  }
  return out;
}

function parse(format: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < format.length) {
    const percent = format.indexOf('%', at);
    if (percent < 0) {
      parts.push(format.slice(at));
      break;
    }
    if (percent > at) parts.push(format.slice(at, percent));
    const found = conversion(format, percent);
    parts.push(found.part);
    at = percent + found.length;
  }
  return parts;
}

function conversion(format: string, at: number): { part: Part; length: number } {
  const rest = format.slice(at);
  const digits = /^%([1-9])f/.exec(rest);
  if (digits !== null) return { part: { digits: Number(digits[1]), seconds: false }, length: 3 };
  if (rest.startsWith('%f')) return { part: { digits: 9, seconds: false }, length: 2 };
  const extended = /^%E(\d+|\*)([Sf])/.exec(rest);
  if (extended !== null) {
    const count = extended[1] === '*' ? -1 : Math.min(15, Number(extended[1]));
    return { part: { digits: count, seconds: extended[2] === 'S' }, length: extended[0].length };
  }
  if (rest.startsWith('%E*z')) return { part: (f) => offsetText(f, true, true), length: 4 };
  if (rest.startsWith('%Ez')) return { part: (f) => offsetText(f, true), length: 3 };
  if (rest.startsWith('%:z')) return { part: (f) => offsetText(f, true), length: 3 };
  if (rest.startsWith('%E4Y')) return { part: (f) => String(f.year).padStart(4, '0'), length: 4 };
  if (rest.startsWith('%ET')) return { part: 'T', length: 3 };
  const modified = /^%[EO]([a-zA-Z])/.exec(rest);
  if (modified !== null && Object.hasOwn(SPECS, modified[1])) return { part: SPECS[modified[1]], length: 3 };
  const plain = rest[1];
  if (plain !== undefined && Object.hasOwn(SPECS, plain)) return { part: SPECS[plain], length: 2 };
  return { part: rest.slice(0, 2), length: Math.min(2, rest.length) };
}

function fieldsOf(ms: number, local: boolean): Fields {
  const offset = local ? -new Date(ms).getTimezoneOffset() : 0;
  const date = new Date(ms + offset * 60000);
  const year = date.getUTCFullYear();
  return {
    ms,
    year,
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    weekday: date.getUTCDay(),
    yearday: Math.floor((ms + offset * 60000 - Date.UTC(year, 0, 1)) / 86400000),
    offset,
    zone: local ? zoneName(ms) : 'UTC',
  };
}

function zoneName(ms: number): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(ms);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? 'UTC';
}
