/**
 * Builds the image of the Dockerfile with whichever tool is there, and writes it as an archive that kind and containerd load.
 *
 *   node scripts/container.mjs NAME:TAG ARCHIVE.tar
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from './ensure.mjs';

const works = (command, ...args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** The first of docker, podman and buildah that answers; null without any. */
export function builder() {
  if (works('docker', 'info')) return 'docker';
  if (works('podman', 'info')) return 'podman';
  return works('buildah', '--version') ? 'buildah' : null;
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `exit status ${status}`}`);
}

/** @throws Error when the image cannot be built; what the tool says goes to standard error */
export function buildImage(tool, name, archive) {
  rmSync(archive, { force: true });
  if (tool === 'docker') {
    run('docker', ['build', '--tag', name, '.']);
    run('docker', ['save', '--output', archive, name]);
    return;
  }
  // A base image that is in the store already is taken from there: it may have been made without a registry. The format of Docker keeps
  // the health check.
  const [, line] = /^ARG NODE=(\S+)/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
  const base = `docker.io/library/node:${line}-bookworm-slim`;
  const pull = works(tool, 'inspect', '--type', 'image', base) ? 'never' : tool === 'buildah' ? 'true' : 'missing';
  const isolation = tool === 'buildah' && process.getuid?.() === 0 ? ['--isolation', 'chroot'] : [];
  run(tool, [
    'build',
    `--pull=${pull}`,
    '--network=host',
    '--format=docker',
    '--layers',
    ...isolation,
    '--tag',
    name,
    '.',
  ]);
  if (tool === 'podman') run('podman', ['save', '--format=docker-archive', '--output', archive, name]);
  else run('buildah', ['push', '--quiet', name, `docker-archive:${archive}:${name}`]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name, archive] = process.argv.slice(2);
  const tool = builder();
  if (archive === undefined || tool === null) {
    process.stderr.write(
      tool === null
        ? 'neither docker nor podman nor buildah works here\n'
        : 'usage: container.mjs NAME:TAG ARCHIVE.tar\n',
    );
    process.exit(2);
  }
  buildImage(tool, name, archive);
}
