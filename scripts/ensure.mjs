#!/usr/bin/env node
/**
 * Makes a checkout runnable: installs the locked dependencies when `node_modules` lacks one of them, and compiles when a
 * source changed since the last compilation. Needs Node >= 20 and npm alone. Silent and quick when nothing is to do;
 * otherwise it names each step on standard error.
 *
 * Run as `npm run ensure`, or imported: `ensure()` throws an Error that tells what failed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = 20;

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/**
 * True when `node_modules` holds every package of package-lock.json in the locked version. npm leaves
 * `node_modules/.package-lock.json` as the list of what it installed; optional packages of other platforms are not in it.
 */
function dependenciesInstalled() {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages;
  const found = readJson(join(ROOT, 'node_modules/.package-lock.json'))?.packages;
  if (!wanted || !found) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.optional || entry.devOptional) continue;
    if (found[path]?.version !== entry.version) return false;
  }
  return true;
}

function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}

/** A digest of names, sizes and modification times of everything that the compiler reads. */
function fingerprint() {
  const hash = createHash('sha1');
  const inputs = [...walk(join(ROOT, 'src')), join(ROOT, 'tsconfig.json'), join(ROOT, 'package-lock.json')].sort();
  for (const path of inputs) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** Removes compiled files whose source is gone, so that a deleted test does not run on. */
function prune() {
  const dist = join(ROOT, 'dist');
  for (const path of walk(dist)) {
    if (!path.endsWith('.js')) continue;
    const source = join(ROOT, 'src', `${relative(dist, path).slice(0, -3)}.ts`);
    if (!existsSync(source)) rmSync(path);
  }
}

function run(what, command, args) {
  process.stderr.write(`${what}\n`);
  const windows = process.platform === 'win32';
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2], shell: windows });
  if (error) throw new Error(`${what} failed: ${error.message}`);
  if (status !== 0) throw new Error(`${what} failed with exit status ${status}`);
}

export function ensure() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) {
    throw new Error(`Node ${OLDEST_NODE} or later is needed; this is ${process.versions.node}`);
  }
  if (!dependenciesInstalled()) {
    run('installing dependencies (npm ci)', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  }
  const stamp = join(ROOT, 'dist/.built');
  const now = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;
  run('compiling (tsc)', process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json']);
  mkdirSync(dirname(stamp), { recursive: true });
  prune();
  writeFileSync(stamp, now);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    ensure();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
