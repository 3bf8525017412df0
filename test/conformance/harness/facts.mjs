/**
 * Facts of runs as comparable JSON: merging several runs of Envoy to a golden, and comparing a run with it.
 *
 * A time is {ms} while it is measured and `~420 ms` in a golden. What differed between the runs of a recording is
 * `<unstable>` and not compared. {any_of: [...]} is met by any non-empty subset. A counter that depends on the speed of
 * the machine is `>=1`.
 */
export const UNSTABLE = '<unstable>';
const SOME = '>=1';
const MISSING = '<missing>';

const isTime = (value) => typeof value === 'object' && value !== null && typeof value.ms === 'number';
const isToss = (value) => typeof value === 'object' && value !== null && Array.isArray(value.any_of);
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Two times agree within 120 ms or a quarter, whichever is more: timers are compared, not machines. */
function near(a, b) {
  return Math.abs(a - b) <= Math.max(120, 0.25 * Math.max(a, b));
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** One value out of those of all runs. */
export function mergeRuns(values) {
  const present = values.filter((value) => value !== undefined);
  if (present.length < values.length) return UNSTABLE;
  if (values.every(isTime)) {
    const times = values.map((value) => value.ms);
    if (!near(Math.min(...times), Math.max(...times))) return UNSTABLE;
    return `~${Math.round(median(times) / 10) * 10} ms`;
  }
  if (values.every(isToss)) return { any_of: [...new Set(values.flatMap((value) => value.any_of))].sort() };
  if (values.every(Array.isArray)) {
    if (values.some((value) => value.length !== values[0].length)) return UNSTABLE;
    return values[0].map((_, i) => mergeRuns(values.map((value) => value[i])));
  }
  if (values.every(isObject)) {
    const keys = [...new Set(values.flatMap((value) => Object.keys(value)))];
    return Object.fromEntries(keys.map((key) => [key, mergeRuns(values.map((value) => value[key]))]));
  }
  return values.every((value) => value === values[0]) ? values[0] : UNSTABLE;
}

/** Counters matching `expression` only have to be positive. */
export function coarse(stats, expression) {
  return Object.fromEntries(
    Object.entries(stats).map(([name, value]) => [
      name,
      typeof value === 'number' && expression.test(name) ? SOME : value,
    ]),
  );
}

/** What is masked by a scenario: `unstable` is a list of expressions over paths such as `stats.cluster.up.upstream_cx_total`. */
export function mask(facts, expressions, path = '') {
  if (path !== '' && expressions.some((expression) => expression.test(path))) return UNSTABLE;
  if (Array.isArray(facts)) return facts.map((value, i) => mask(value, expressions, `${path}[${i}]`));
  if (isObject(facts) && !isTime(facts) && !isToss(facts)) {
    return Object.fromEntries(
      Object.entries(facts).map(([key, value]) => [
        key,
        mask(value, expressions, path === '' ? key : `${path}.${key}`),
      ]),
    );
  }
  return facts;
}

/** Differences as {path, expected, actual}. */
export function compare(expected, actual, path = '', out = []) {
  if (expected === UNSTABLE) return out;
  const differ = () => out.push({ path, expected: expected ?? MISSING, actual: shown(actual) });
  if (typeof expected === 'string' && /^~\d+ ms$/.test(expected)) {
    if (!isTime(actual) || !near(Number.parseInt(expected.slice(1), 10), actual.ms)) differ();
  } else if (expected === SOME) {
    if (actual !== SOME && !(actual >= 1)) differ();
  } else if (isToss(expected)) {
    const seen = actual?.any_of ?? [];
    if (seen.length === 0 || seen.some((value) => !expected.any_of.includes(value))) differ();
  } else if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) differ();
    else for (const [i, value] of expected.entries()) compare(value, actual[i], `${path}[${i}]`, out);
  } else if (isObject(expected)) {
    if (!isObject(actual)) differ();
    else {
      for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
        compare(key in expected ? expected[key] : undefined, actual[key], path === '' ? key : `${path}.${key}`, out);
      }
    }
  } else if (expected !== actual) differ();
  return out;
}

function shown(value) {
  if (value === undefined) return MISSING;
  return isTime(value) ? `~${Math.round(value.ms)} ms` : value;
}
