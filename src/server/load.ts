import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, gather, Unreadable } from '../config/error.js';
import { type KubeDocument, readKubeDocuments } from '../config/kube-documents.js';
import type { Finding } from '../pilot/finding.js';
import { profileNamed } from '../pilot/profile.js';
import { type GeneratedResources, type TranslateOptions, translate } from '../pilot/translate.js';
import type { Tree } from '../pilot/tree.js';
import { type BootstrapSource, loadBootstrap } from '../xds/bootstrap.js';
import type { Bootstrap } from '../xds/types.js';

/** How connections come to a proxy that captures them: by REDIRECT rules, or inbound by transparent sockets too. */
export type CaptureMode = 'redirect' | 'tproxy';

export interface LoadOptions {
  bootstrapPath: string | null;
  bootstrapYaml: string | null;
  /** Files and folders with Istio and Kubernetes documents, or a bootstrap. */
  paths: readonly string[];
  /** `envoy-1.40`, `istio-1.8`, … */
  profile: string;
  listen: string;
  admin: string;
  /** What else the translation of documents is to know, such as the proxy's labels. */
  translate?: Partial<TranslateOptions>;
  /** Absent: the listeners made from documents are called directly. */
  capture?: CaptureMode;
}

export interface Loaded {
  bootstrap: Bootstrap;
  /** Key of `PROFILES`. */
  replyProfile: string;
  warnings: string[];
}

const EXTENSIONS = ['.yaml', '.yml', '.json'];
const ENVOY_PROFILES = ['envoy-1.40', 'envoy-1.22', 'envoy-1.18', 'envoy-1.17', 'envoy-1.16'];

/** The rules of the Envoy that came with an Istio release. @throws ConfigError for a profile that is not known */
function replyProfileOf(profile: string): string {
  if (ENVOY_PROFILES.includes(profile)) return profile;
  const istio = profileNamed(profile);
  if (istio === null) {
    const allowed = `${ENVOY_PROFILES.join(', ')}, istio-1.5 to istio-1.31`;
    throw new ConfigError(`unknown profile '${profile}'`, '--profile', null, allowed);
  }
  const minor = Number(istio.envoy.split('.')[1]);
  if (minor >= 40) return 'envoy-1.40';
  if (minor >= 22) return 'envoy-1.22';
  return minor >= 18 ? 'envoy-1.18' : minor === 17 ? 'envoy-1.17' : 'envoy-1.16';
}

/**
 * Reads the whole configuration, from a bootstrap or from Istio documents.
 * @throws ConfigError with every mistake that was found
 */
export function loadConfiguration(options: LoadOptions): Loaded {
  const replyProfile = replyProfileOf(options.profile);
  const files = options.paths.flatMap(filesOf);
  const kubernetes = files.filter(isKubernetes);
  const bootstraps = files.filter((file) => !kubernetes.includes(file));
  if (kubernetes.length > 0 && (bootstraps.length > 0 || options.bootstrapPath !== null))
    throw new ConfigError(
      'Istio documents and an Envoy bootstrap cannot be run together',
      '',
      { file: bootstraps[0] ?? options.bootstrapPath!, line: 1, col: 1 },
      'one or the other',
    );
  if (kubernetes.length > 0) return { ...fromDocuments(kubernetes, options), replyProfile };
  const sources: BootstrapSource[] = [];
  const paths = options.bootstrapPath === null ? bootstraps : [options.bootstrapPath, ...bootstraps];
  for (const path of paths) sources.push({ path });
  if (options.bootstrapYaml !== null) sources.push({ text: options.bootstrapYaml });
  const warnings: ConfigError[] = [];
  const bootstrap = loadBootstrap(sources, warnings);
  return { bootstrap, replyProfile, warnings: warnings.map((w) => w.message) };
}

/** The files of a path: itself, or those of a folder that may hold documents. @throws Unreadable */
export function filesOf(path: string): string[] {
  return reading(path, () => {
    if (!statSync(path).isDirectory()) return [path];
    const files = readdirSync(path)
      .filter((name) => EXTENSIONS.some((extension) => name.endsWith(extension)) && !name.startsWith('.'))
      .sort()
      .map((name) => join(path, name));
    if (files.length === 0) throw new Unreadable(path, `the folder has no file that ends in ${EXTENSIONS.join(', ')}`);
    return files;
  });
}

/** @throws Unreadable for an error of the file system */
function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new Unreadable(path, `cannot be read: ${(error as Error).message}`);
  }
}

function readText(file: string): string {
  return reading(file, () => readFileSync(file, 'utf8'));
}

/** A Kubernetes document names its kind; a bootstrap has none. */
function isKubernetes(file: string): boolean {
  const text = readText(file);
  return /^\s*"?apiVersion"?\s*:/m.test(text) && /^\s*"?kind"?\s*:/m.test(text);
}

function fromDocuments(files: readonly string[], options: LoadOptions): { bootstrap: Bootstrap; warnings: string[] } {
  const docs: KubeDocument[] = [];
  const errors: ConfigError[] = [];
  for (const file of files) {
    const read = readKubeDocuments(file, readText(file));
    for (const doc of read.docs) docs.push(doc);
    errors.push(...read.errors);
  }
  const made = translated(docs, options);
  errors.push(...made.errors.map(errorOf));
  if (errors.length > 0) throw gather(errors);
  return { bootstrap: made.bootstrap, warnings: made.warnings };
}

/** Configuration out of documents that were read already; `mistakes` are those of documents that are left out for it. */
export function loadDocuments(docs: readonly KubeDocument[], options: LoadOptions): Loaded & { mistakes: string[] } {
  const { bootstrap, errors, warnings } = translated(docs, options);
  const mistakes = errors.map((finding) => errorOf(finding).message);
  return { bootstrap, replyProfile: replyProfileOf(options.profile), warnings, mistakes };
}

function translated(
  docs: readonly KubeDocument[],
  options: LoadOptions,
): { bootstrap: Bootstrap; errors: Finding[]; warnings: string[] } {
  const profile = options.profile.startsWith('istio') ? options.profile : 'istio-current';
  const result = translate(docs, { listenAddress: options.listen, ...options.translate, profile });
  const frame = runnableBootstrap({ listeners: [], clusters: [], routes: [] }, adminAddress(options.admin));
  const bootstrap = loadBootstrap([{ text: JSON.stringify(frame) }]);
  const { listeners, clusters } = result;
  if (options.capture === 'tproxy')
    for (const listener of listeners) if (listener.name === 'virtualInbound') listener.transparent = true;
  bootstrap.static_resources = { listeners, clusters };
  return { bootstrap, errors: result.errors, warnings: result.warnings.map((finding) => errorOf(finding).message) };
}

/** What runs before the first configuration is known: the admin server and nothing else. */
export function emptyConfiguration(options: LoadOptions): Loaded {
  return { ...translated([], options), replyProfile: replyProfileOf(options.profile), warnings: [] };
}

/** Flags that Istio's own bootstrap sets for every proxy. */
const ISTIO_RUNTIME: Tree = {
  're2.max_program_size.error_level': '32768',
  'envoy.reloadable_features.http_reject_path_with_fragment': false,
};

/**
 * The bootstrap of a proxy that runs generated configuration without a control plane. A connection that was not captured has no
 * original destination: what would pass through finds no host then (503 UH).
 */
export function runnableBootstrap(generated: GeneratedResources, admin: { host: string; port: number } | null): Tree {
  const address = admin === null ? null : { socket_address: { address: admin.host, port_value: admin.port } };
  return {
    node: { id: 'halfopen', cluster: 'halfopen' },
    ...(address === null ? {} : { admin: { address } }),
    layered_runtime: { layers: [{ name: 'istio', static_layer: ISTIO_RUNTIME }] },
    static_resources: {
      listeners: generated.listeners,
      clusters: generated.clusters,
    },
  };
}

/** A finding about a document as a mistake of the configuration. */
export function errorOf(finding: Finding): ConfigError {
  if (finding.kind === '')
    return new ConfigError(finding.message, finding.path, finding.position, finding.allowed ?? '');
  // An object of the Kubernetes API has its name for a position.
  if (finding.position?.line === 0)
    return new ConfigError(finding.message, finding.path, finding.position, finding.allowed ?? '');
  const where = `${finding.kind} ${finding.namespace}/${finding.name}`;
  const path = finding.path === '' ? where : `${where}: ${finding.path}`;
  return new ConfigError(finding.message, path, finding.position, finding.allowed ?? '');
}

/** `HOST:PORT`. @throws ConfigError */
export function adminAddress(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':');
  const port = Number(text.slice(at + 1));
  if (at < 1 || !Number.isInteger(port) || port < 0 || port > 65535)
    throw new ConfigError(`'${text}' is not an address`, '--admin', null, 'HOST:PORT');
  return { host: text.slice(0, at), port };
}
