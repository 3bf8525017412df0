#!/usr/bin/env node
/**
 * `npm test`: the unit tests that lie beside the sources, the rules of the house (test/house.test.mjs), the integration
 * tests and the conformance tests against recorded goldens. Needs no Envoy, no root, and no network but loopback.
 *
 * `npm test -- NAME...` runs only the test files whose path contains one of the names.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from './ensure.mjs';

function testFiles(folder, suffix) {
  const path = join(ROOT, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith(suffix) && !name.includes('node_modules'))
    .sort()
    .map((name) => relative(ROOT, join(path, name)));
}

const wanted = process.argv.slice(2);
// Conformance comes last: it measures time, and must not share the processor with the others.
const files = [...testFiles('dist', '.test.js'), ...testFiles('test', '.test.mjs')]
  .filter((file) => wanted.length === 0 || wanted.some((name) => file.includes(name)))
  .sort((a, b) => Number(a.includes('conformance')) - Number(b.includes('conformance')));
if (files.length === 0) {
  process.stderr.write(`no test file matches ${wanted.join(', ')}\n`);
  process.exit(1);
}

const { status, signal, error } = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-concurrency=1',
    '--test-timeout=600000',
    '--test-reporter=./scripts/reporter.mjs',
    '--test-reporter-destination=stdout',
    ...files,
  ],
  { cwd: ROOT, stdio: 'inherit' },
);
if (error) process.stderr.write(`${error.message}\n`);
if (signal) process.stderr.write(`the test runner was ended by ${signal}\n`);
process.exitCode = status ?? 1;
