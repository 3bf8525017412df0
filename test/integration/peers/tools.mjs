import { spawn, spawnSync } from 'node:child_process';

/** Whether a program can be started. */
export function has(program, args = ['--version']) {
  const { error } = spawnSync(program, args, { stdio: 'ignore' });
  return error === undefined;
}

/** The reason to skip tests of a program that is not there, or false. */
export const missing = (program, args) => (has(program, args) ? false : `${program} is not installed`);

/** Runs a program to its end: {status, stdout (Buffer), stderr}. */
export function run(program, args, { cwd, env, input, timeout = 240_000 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env } });
    const out = [];
    let stderr = '';
    child.stdout.on('data', (part) => out.push(part));
    child.stderr.on('data', (part) => {
      stderr += part;
    });
    const limit = setTimeout(() => child.kill('SIGKILL'), timeout);
    child.once('error', reject);
    child.once('close', (status, signal) => {
      clearTimeout(limit);
      resolve({ status: status ?? signal, stdout: Buffer.concat(out), stderr });
    });
    child.stdin.end(input);
  });
}
