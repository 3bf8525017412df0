import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootstrap } from './boot.mjs';
import { Context } from './context.mjs';
import { coarse, mask } from './facts.mjs';
import { freePort } from './ports.mjs';
import { Target } from './target.mjs';

/** Scenarios that share one proxy process, and how many of them run at a time. */
const PER_PROCESS = 30;
const AT_ONCE = 10;
/** A script that takes longer is stuck. */
const SCRIPT_LIMIT = 15000;

async function oneScenario(context, target) {
  context.start(target);
  let limit;
  const stuck = new Promise((_, reject) => {
    limit = setTimeout(() => reject(new Error(`the script took more than ${SCRIPT_LIMIT} ms`)), SCRIPT_LIMIT);
  });
  try {
    await Promise.race([context.scenario.run(context), stuck]);
  } finally {
    clearTimeout(limit);
  }
  await context.settle();
  const facts = await context.facts();
  facts.stats = coarse(facts.stats, context.scenario.coarse);
  return mask(facts, context.scenario.unstable);
}

/**
 * Runs scenarios in one proxy process. Resolves to a Map of name -> {facts} or {error}; when the process does not come up
 * or dies, every scenario that was not finished has the error.
 */
async function oneProcess(kind, scenarios, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const results = new Map();
  const contexts = [];
  let target = null;
  try {
    const shares = [];
    for (const scenario of scenarios) {
      const logFile = join(folder, `${scenario.name}.log`);
      const context = scenario.makeContext?.(scenario, logFile) ?? new Context(scenario, logFile);
      contexts.push(context);
      shares.push(await context.prepare());
    }
    const adminPort = await freePort();
    const config = join(folder, 'bootstrap.yaml');
    const file = bootstrap(
      adminPort,
      shares.map((share) => share.listener),
      shares.flatMap((share) => share.clusters),
      scenarios[0].alone ? scenarios[0].server : undefined,
    );
    // JSON is YAML; one form for both targets.
    writeFileSync(config, JSON.stringify(file, null, 1));
    target = new Target(kind, config, adminPort, join(folder, 'proxy.out'), scenarios[0].flags);
    await target.ready();
    const queue = [...contexts];
    const lane = async () => {
      for (let context = queue.shift(); context !== undefined; context = queue.shift()) {
        const { name } = context.scenario;
        try {
          results.set(name, { facts: await oneScenario(context, target) });
        } catch (error) {
          const dead =
            target.gone === null ? '' : `\nthe proxy has ended: ${JSON.stringify(target.gone)}\n${target.output}`;
          results.set(name, { error: `${error.stack ?? error}${dead}` });
        }
        context.close();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
  } catch (error) {
    for (const { name } of scenarios) {
      if (!results.has(name)) results.set(name, { error: `${error.message ?? error}` });
    }
  } finally {
    for (const context of contexts) context.close();
    await target?.stop();
  }
  return results;
}

/** Shares of a process: those that ask for it run alone, the others together. */
function batches(scenarios, perProcess) {
  const out = [];
  const together = scenarios.filter((scenario) => !scenario.alone);
  const count = Math.ceil(together.length / perProcess);
  for (let i = 0; i < count; i += 1) out.push(together.filter((_, n) => n % count === i));
  for (const scenario of scenarios) if (scenario.alone) out.push([scenario]);
  return out;
}

/**
 * Runs scenarios against `kind` (`envoy` or `halfopen`). `onResult(name, {facts} | {error})` is called as each is done.
 * `keep` names a folder in which configuration, logs and output stay; `processes` run at a time.
 */
export async function runScenarios(
  kind,
  scenarios,
  { keep = null, processes = 2, perProcess = PER_PROCESS, onResult },
) {
  const folder = keep ?? mkdtempSync(join(tmpdir(), 'conformance-'));
  const queue = batches(scenarios, perProcess).map((batch, i) => ({ batch, path: join(folder, `p${i}`) }));
  const lane = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const results = await oneProcess(kind, next.batch, next.path);
      for (const [name, result] of results) onResult(name, result);
    }
  };
  await Promise.all(Array.from({ length: processes }, lane));
  if (keep === null) rmSync(folder, { recursive: true, force: true });
}
