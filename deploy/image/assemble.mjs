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

/**
 * Runs the sidecar once, so that Node finds its compiled code at the next start: 0.1 to 0.2 seconds less until it is ready. The user is the
 * sidecar's, since the cache is kept for each user apart.
 */
function warmUp(folder) {
  mkdirSync(folder, { mode: 0o777 });
  chmodSync(folder, 0o777);
  const program = `
    const { flushCompileCache } = await import('node:module');
    const { readdirSync } = await import('node:fs');
    const folders = ['admin', 'base', 'codec', 'config', 'http', 'inject', 'kube', 'network', 'observe', 'pilot', 'router', 'server', 'tcp', 'upstream', 'xds'];
    for (const name of readdirSync('${APP}/dist', { recursive: true }))
      if (name.endsWith('.js') && folders.includes(name.split('/')[0])) await import('${APP}/dist/' + name);
    setTimeout(() => { flushCompileCache(); process.exit(0); }, 3000);
    process.argv.push('run', '--agent', '-c', '${APP}/config/envoy.yaml');
    await import('${APP}/dist/cli/main.js');`;
  execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, NODE_COMPILE_CACHE: folder, ISTIO_META_INTERCEPTION_MODE: 'NONE', INSTANCE_IP: '127.0.0.1' },
    stdio: ['ignore', 2, 2],
    uid: 1337,
    gid: 1337,
  });
}

warmUp(join(APP, '.compile-cache'));

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

/** What npm has installed, as it lies there: optional packages that were left out are not in the image. */
function modules(folder = join(APP, 'node_modules'), found = []) {
  for (const entry of existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue;
    if (entry.name.startsWith('@')) {
      modules(path, found);
      continue;
    }
    const manifest = join(path, 'package.json');
    if (!existsSync(manifest)) continue;
    const { name, version, license } = JSON.parse(readFileSync(manifest, 'utf8'));
    const licenses = typeof license === 'string' ? [{ license: { name: license } }] : [];
    found.push({ type: 'library', name, version, licenses, purl: `pkg:npm/${encodeURIComponent(name)}@${version}` });
    modules(join(path, 'node_modules'), found);
  }
  return found;
}

const version = process.versions.node;
const node = { type: 'application', name: 'node', version, purl: `pkg:generic/node@${version}` };
const own = JSON.parse(readFileSync(join(APP, 'package.json'), 'utf8'));
const sbom = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  version: 1,
  metadata: { component: { type: 'application', name: own.name, version: own.version } },
  components: [node, ...packages(), ...modules()],
};
writeFileSync(join(root, APP, 'sbom.cdx.json'), `${JSON.stringify(sbom, null, 1)}\n`);
process.stdout.write(`${sbom.components.length} components\n`);
