import { compare } from './facts.mjs';
import { readDifferences, readGolden } from './goldens.mjs';
import { runScenarios } from './runner.mjs';

/** How often a scenario that differs runs again, in a proxy of its own: a busy machine moves times. */
const AGAIN = 2;

function judge(name, { facts, error }, accepted) {
  const golden = readGolden(name);
  if (golden === null) return { differences: [{ path: '', error: 'no golden is recorded' }], listed: [] };
  const paths = (accepted[name]?.paths ?? []).map((text) => new RegExp(text));
  const found = error === undefined ? compare(golden, facts) : [{ path: '', error }];
  const listed = found.filter(({ path }) => paths.some((expression) => expression.test(path)));
  return { differences: found.filter((each) => !listed.includes(each)), listed };
}

/**
 * Runs scenarios and compares them with their goldens: a Map of name -> {differences, listed}. Only what differs in every try
 * counts. `onResult(name, result)` is called as each is decided.
 */
export async function compareAll(kind, scenarios, { keep, perProcess, onResult = () => {} }) {
  const accepted = kind === 'halfopen' ? readDifferences() : {};
  const results = new Map();
  let pending = scenarios;
  for (let round = 0; round <= AGAIN && pending.length > 0; round += 1) {
    const differing = [];
    await runScenarios(kind, pending, {
      keep: keep && (round === 0 ? keep : `${keep}/again${round}`),
      perProcess: round === 0 ? perProcess : 1,
      onResult: (name, result) => {
        const judged = judge(name, result, accepted);
        results.set(name, judged);
        if (judged.differences.length > 0 && round < AGAIN) differing.push(name);
        else onResult(name, judged);
      },
    });
    pending = scenarios.filter(({ name }) => differing.includes(name));
  }
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
