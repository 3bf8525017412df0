#!/usr/bin/env node
/**
 * Conformance scenarios from the command line.
 *
 *   run.mjs --list                 names and what they show
 *   run.mjs --compare [NAME...]    compares with the goldens; the target is Envoy when ENVOY names it, else halfopen
 *   run.mjs --print NAME...        prints the facts of one run
 *   run.mjs --record [NAME...]     runs each scenario three times on Envoy (ENVOY) and writes the goldens
 *   run.mjs --doc                  compares halfopen with all goldens and writes docs/conformance.md
 *
 * NAME is a part of a name, or a family. `--keep FOLDER` keeps configuration, logs and output; `--alone` gives each scenario
 * a proxy of its own; `--halfopen` chooses halfopen although ENVOY is set; `--missing` records only what has no golden.
 */
import { parseArgs } from 'node:util';
import { compareAll, describe } from './harness/compare.mjs';
import { writeDocument } from './harness/document.mjs';
import { mergeRuns } from './harness/facts.mjs';
import { readGolden, writeGolden } from './harness/goldens.mjs';
import { runScenarios } from './harness/runner.mjs';
import { loadScenarios } from './harness/scenario.mjs';

const RUNS = 3;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean' },
    compare: { type: 'boolean' },
    print: { type: 'boolean' },
    record: { type: 'boolean' },
    doc: { type: 'boolean' },
    alone: { type: 'boolean' },
    halfopen: { type: 'boolean' },
    missing: { type: 'boolean' },
    keep: { type: 'string' },
  },
});

const all = await loadScenarios();
const scenarios = all.filter(
  ({ name, group }) => positionals.length === 0 || positionals.some((part) => name.includes(part) || part === group),
);
if (scenarios.length === 0) throw new Error('no scenario has such a name');
const kind = process.env.ENVOY && !options.halfopen ? 'envoy' : 'halfopen';
const perProcess = options.alone ? 1 : undefined;

async function record() {
  const wanted = options.missing ? scenarios.filter(({ name }) => readGolden(name) === null) : scenarios;
  const runs = new Map(wanted.map(({ name }) => [name, []]));
  for (let run = 0; run < RUNS; run += 1) {
    await runScenarios('envoy', wanted, {
      keep: options.keep,
      perProcess,
      onResult: (name, result) => {
        if (result.error) process.stderr.write(`${name}: ${result.error}\n`);
        else runs.get(name).push(result.facts);
      },
    });
  }
  for (const scenario of wanted) {
    const facts = runs.get(scenario.name);
    if (facts.length < RUNS) {
      process.stderr.write(`${scenario.name}: not recorded\n`);
      process.exitCode = 1;
    } else writeGolden(scenario, mergeRuns(facts));
  }
  process.stdout.write(`${wanted.length} scenarios, ${RUNS} runs each\n`);
}

if (options.list) {
  for (const { name, group, shows } of scenarios)
    process.stdout.write(`${group.padEnd(12)} ${name.padEnd(48)} ${shows}\n`);
} else if (options.print) {
  await runScenarios(kind, scenarios, {
    keep: options.keep,
    perProcess,
    onResult: (name, { facts, error }) =>
      process.stdout.write(`${name}\n${error ?? JSON.stringify(mergeRuns([facts]), null, 1)}\n`),
  });
} else if (options.record) {
  await record();
} else if (options.compare || options.doc) {
  const results = await compareAll(options.doc ? 'halfopen' : kind, scenarios, {
    keep: options.keep,
    perProcess,
    onResult: (name, result) => {
      if (result.differences.length > 0) process.stdout.write(`${name}\n${describe(result)}\n`);
    },
  });
  const failed = [...results.values()].filter((result) => result.differences.length > 0).length;
  if (options.doc) writeDocument(scenarios, results);
  process.stdout.write(`${results.size - failed} passed, ${failed} failed (${kind})\n`);
  process.exitCode = failed === 0 ? 0 : 1;
} else {
  process.stderr.write('--list, --compare, --print, --record or --doc\n');
  process.exitCode = 2;
}
