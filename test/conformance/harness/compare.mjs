import { compare } from './facts.mjs';
import { readDifferences, readGolden } from './goldens.mjs';
import { runScenarios } from './runner.mjs';

/**
 * Runs scenarios and compares them with their goldens: a Map of name -> {differences, listed}. Those that differ run once
 * more, each in a proxy of its own, and only what differs again counts: a busy machine moves times.
 */
export async function compareAll(kind, scenarios, { keep, perProcess, onResult = () => {} }) {
  const accepted = kind === 'halfopen' ? readDifferences() : {};
  const results = new Map();
  const judge = (name, { facts, error }) => {
    const golden = readGolden(name);
    if (error !== undefined) return { differences: [{ path: '', error }], listed: [] };
    if (golden === null) return { differences: [{ path: '', error: 'no golden is recorded' }], listed: [] };
    const found = compare(golden, facts);
    const paths = (accepted[name]?.paths ?? []).map((text) => new RegExp(text));
    const listed = found.filter(({ path }) => paths.some((expression) => expression.test(path)));
    return { differences: found.filter((each) => !listed.includes(each)), listed };
  };
  const again = [];
  await runScenarios(kind, scenarios, {
    keep,
    perProcess,
    onResult: (name, result) => {
      const judged = judge(name, result);
      results.set(name, judged);
      if (judged.differences.length > 0) again.push(scenarios.find((scenario) => scenario.name === name));
      else onResult(name, judged);
    },
  });
  await runScenarios(kind, again, {
    keep: keep && `${keep}/again`,
    perProcess: 1,
    onResult: (name, result) => {
      const judged = judge(name, result);
      results.set(name, judged);
      onResult(name, judged);
    },
  });
  return results;
}

const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

/** The differences of one scenario as lines for a person. */
export function describe({ differences }) {
  return differences
    .map(({ path, expected, actual, error }) =>
      error !== undefined ? `  ${error}` : `  ${path}\n    Envoy:  ${text(expected)}\n    target: ${text(actual)}`,
    )
    .join('\n');
}
