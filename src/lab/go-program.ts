import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Program } from './scenario.js';

const SOURCES = fileURLToPath(new URL('../../lab/go', import.meta.url));

/**
 * Builds the Go caller and service with the library that `program` names, once; returns the path of the binary.
 * The binary is kept in the user's cache folder under a digest of its sources.
 * @throws Error when there is no Go, or it cannot build (the module proxy is needed the first time)
 */
export function goProgram(program: Exclude<Program, 'node'>): string {
  const mod = program === 'go-2021' ? 'old' : 'go';
  const hash = createHash('sha1');
  for (const file of ['main.go', `${mod}.mod`, `${mod}.sum`]) hash.update(readFileSync(join(SOURCES, file)));
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'halfopen');
  const binary = join(cache, `lab-${program}-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(binary)) return binary;
  mkdirSync(cache, { recursive: true });
  const unfinished = `${binary}.${process.pid}`;
  const { status, error, stderr } = spawnSync('go', ['build', `-modfile=${mod}.mod`, '-o', unfinished, '.'], {
    cwd: SOURCES,
    encoding: 'utf8',
    env: { ...process.env, CGO_ENABLED: '0' },
  });
  if (error) throw new Error(`Go is needed to build it: ${error.message}`);
  if (status !== 0) throw new Error(`go build failed: ${stderr.trim()}`);
  renameSync(unfinished, binary);
  return binary;
}
