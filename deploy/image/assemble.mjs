/**
 * Builds the root of the image inside the build stage: Node, the programs that write redirect rules, the libraries these need, and the
 * program with its dependencies. Nothing else: no shell, no package manager. Also writes the list of what is in it (SBOM, CycloneDX).
 *
 *   node assemble.mjs ROOT
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const [root] = process.argv.slice(2);
const APP = '/app';
const copied = new Set();

const run = (command, ...args) => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

/** Copies a file to the same place, under its own name and that of the link it was asked by. */
function copy(path) {
  const real = realpathSync(path);
  for (const place of [real, path]) {
    if (copied.has(place)) continue;
    copied.add(place);
    mkdirSync(dirname(root + place), { recursive: true });
    cpSync(real, root + place);
  }
  return real;
}

function withLibraries(path) {
  const real = copy(path);
  for (const [library] of run('ldd', real).matchAll(/\/\S+/g)) copy(library);
}

withLibraries(process.execPath);
// A fifth of the published binary are symbols for debuggers.
run('strip', '--strip-unneeded', root + process.execPath);
// iptables in both families are one program with several names, and load an extension for each match.
for (const name of ['iptables', 'iptables-restore', 'iptables-save', 'ip6tables', 'ip6tables-restore', 'ip6tables-save']) {
  const program = realpathSync(`/usr/sbin/${name}`);
  withLibraries(program);
  link(`/usr/sbin/${name}`, basename(program));
}
const extensions = readdirSync('/usr/lib', { recursive: true }).filter((name) => /\/xtables\/lib\w+\.so$/.test(name));
for (const name of extensions) withLibraries(join('/usr/lib', name));

function link(path, target) {
  mkdirSync(dirname(root + path), { recursive: true });
  if (!existsSync(root + path)) symlinkSync(target, root + path);
}

for (const name of readdirSync(APP)) cpSync(join(APP, name), join(root, APP, name), { recursive: true });
// Without env the interpreter is named by its path.
const launcher = join(root, APP, 'bin/halfopen');
writeFileSync(launcher, readFileSync(launcher, 'utf8').replace(/^#!.*/, `#!${process.execPath}`));
chmodSync(launcher, 0o755);
link('/usr/local/bin/halfopen', join(APP, 'bin/halfopen'));

mkdirSync(join(root, 'etc'), { recursive: true });
mkdirSync(join(root, 'run'), { recursive: true });
mkdirSync(join(root, 'tmp'), { recursive: true, mode: 0o1777 });
writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/none\nhalfopen:x:1337:1337:halfopen:/:/none\n');
writeFileSync(join(root, 'etc/group'), 'root:x:0:\nhalfopen:x:1337:\n');
writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n');

/** Debian packages of the files that were copied; the licences travel along, as they demand. */
function packages() {
  const found = new Map();
  for (const path of copied) {
    let owner;
    try {
      owner = run('dpkg-query', '-S', path).split(':')[0];
    } catch {
      // On a merged /usr the database knows some files by the old path, and some not at all (Node).
      try {
        owner = run('dpkg-query', '-S', path.replace(/^\/usr/, '')).split(':')[0];
      } catch {
        continue;
      }
    }
    if (found.has(owner)) continue;
    const version = run('dpkg-query', '-W', '-f', '${Version}', owner);
    found.set(owner, { type: 'library', name: owner, version, purl: `pkg:deb/debian/${owner}@${encodeURIComponent(version)}` });
    const licence = `/usr/share/doc/${owner}/copyright`;
    if (existsSync(licence)) cpSync(realpathSync(licence), root + licence, { recursive: true });
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const sbom = JSON.parse(execFileSync('npm', ['sbom', '--omit=dev', '--package-lock-only', '--sbom-format=cyclonedx'], { cwd: APP, encoding: 'utf8', maxBuffer: 1 << 26 }));
const version = process.versions.node;
sbom.components.push({ type: 'application', name: 'node', version, purl: `pkg:generic/node@${version}` }, ...packages());
writeFileSync(join(root, APP, 'sbom.cdx.json'), `${JSON.stringify(sbom, null, 1)}\n`);
process.stdout.write(`${sbom.components.length} components\n`);
