import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (name) => fileURLToPath(new URL(`../goldens/${name}.json`, import.meta.url));

/** The recorded facts of a scenario, or null. */
export function readGolden(name) {
  try {
    return JSON.parse(readFileSync(path(name), 'utf8')).facts;
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

export function writeGolden({ name, shows }, facts) {
  const golden = { scenario: name, shows, recorded: 'Envoy 1.40.0, three runs', facts };
  writeFileSync(path(name), `${JSON.stringify(golden, null, 1)}\n`);
}

/**
 * Accepted differences between halfopen and Envoy: {scenario: {reason, paths: [expression over fact paths]}}. Each stands in
 * docs/conformance.md with its reason.
 */
export function readDifferences() {
  return JSON.parse(readFileSync(fileURLToPath(new URL('../differences.json', import.meta.url)), 'utf8'));
}
