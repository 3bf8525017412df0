#!/usr/bin/env node
/**
 * The soak: `node test/soak/run.mjs [SECONDS] [--seed N]`, 600 s by default. Exit status 1 when something does not add up.
 */
import { parseArgs } from 'node:util';
import { soak } from './soak.mjs';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { seed: { type: 'string' } } });
const say = (text) => process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
const seconds = Number(positionals[0] ?? 600);
const { requests, problems, report } = await soak({ seconds, seed: Number(values.seed ?? 1), say });
say(JSON.stringify(report, null, 1));
for (const problem of problems) say(`PROBLEM: ${problem}`);
say(`${requests} requests in ${seconds} s, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
