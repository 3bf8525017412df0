import { readFileSync } from 'node:fs';
import { readMapping } from '../config/documents.js';
import { ConfigError } from '../config/error.js';
import { type KubeDocument, type KubeError, readKubeDocuments } from '../config/kube-documents.js';
import type { TranslateOptions } from '../pilot/translate.js';
import { notePaths, type Tree } from '../pilot/tree.js';
import { filesOf } from '../server/load.js';

/** A mistake in the flags: the message goes to standard error with the usage, the exit status is 2. */
export class UsageError extends Error {}

/** Flags of every command that translates documents; see `PROXY_USAGE`. */
export const PROXY_FLAGS = {
  profile: { type: 'string' },
  'proxy-namespace': { type: 'string' },
  'proxy-labels': { type: 'string' },
  'proxy-ip': { type: 'string' },
  'proxy-type': { type: 'string' },
  mesh: { type: 'string' },
  listen: { type: 'string' },
  'port-map': { type: 'string' },
} as const;

export const PROXY_USAGE = `      --profile NAME          istio-1.5 ... istio-1.31, a patch release such as istio-1.9.1, or istio-current (default)
      --proxy-namespace NS    namespace of the proxy's workload (default)
      --proxy-labels K=V,...  labels of the proxy's workload, for sourceLabels and selectors
      --proxy-ip ADDRESS      the Pod or WorkloadEntry that the proxy stands beside; gives namespace and labels too
      --proxy-type TYPE       sidecar (default) or router, the proxy of the Gateways that select its labels
      --mesh FILE             MeshConfig; instead of a ConfigMap istio-system/istio among the documents
`;

export interface ProxyFlags {
  profile?: string | undefined;
  'proxy-namespace'?: string;
  'proxy-labels'?: string;
  'proxy-ip'?: string;
  'proxy-type'?: string;
  mesh?: string;
  listen?: string;
  'port-map'?: string;
}

/** @throws UsageError, and ConfigError for a mesh file with mistakes */
export function translateOptions(flags: ProxyFlags): TranslateOptions {
  const options: TranslateOptions = { profile: flags.profile ?? 'istio-current' };
  if (flags['proxy-namespace'] !== undefined) options.proxyNamespace = flags['proxy-namespace'];
  if (flags['proxy-labels'] !== undefined) options.proxyLabels = pairs('proxy-labels', flags['proxy-labels'], '=');
  if (flags['proxy-ip'] !== undefined) options.proxyIp = flags['proxy-ip'];
  const type = flags['proxy-type'] ?? 'sidecar';
  if (type !== 'sidecar' && type !== 'router')
    throw new UsageError(`--proxy-type: '${type}' is neither sidecar nor router`);
  options.proxyType = type;
  if (flags.mesh !== undefined) options.meshConfig = readMesh(flags.mesh);
  if (flags.listen !== undefined) options.listenAddress = flags.listen;
  if (flags['port-map'] !== undefined) options.portMap = portMap(flags['port-map']);
  return options;
}

function pairs(name: string, text: string, separator: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const pair of text.split(',').filter((p) => p !== '')) {
    const at = pair.indexOf(separator);
    if (at < 1) throw new UsageError(`--${name}: '${pair}' is not of the form KEY${separator}VALUE`);
    out[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return out;
}

function portMap(text: string): Record<number, number> {
  const out: Record<number, number> = {};
  for (const [from, to] of Object.entries(pairs('port-map', text, ':'))) {
    for (const port of [from, to]) {
      if (!/^\d+$/.test(port) || Number(port) > 65535) throw new UsageError(`--port-map: '${port}' is no port`);
    }
    out[Number(from)] = Number(to);
  }
  return out;
}

function readMesh(path: string): Tree {
  const tree = readMapping(path, readText(path)) as Tree;
  notePaths(tree, 'MeshConfig');
  return tree;
}

function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new ConfigError(`cannot be read: ${(error as Error).message}`, '', { file: path, line: 1, col: 1 });
  }
}

/** Documents of files and folders; `-` is standard input. What cannot be read is in `errors`, documents with mistakes too. */
export function readFiles(paths: readonly string[]): { docs: KubeDocument[]; errors: KubeError[] } {
  const docs: KubeDocument[] = [];
  const errors: KubeError[] = [];
  for (const path of paths) {
    try {
      for (const file of path === '-' ? ['-'] : filesOf(path)) {
        const read = readKubeDocuments(file === '-' ? '<stdin>' : file, readText(file));
        docs.push(...read.docs);
        errors.push(...read.errors);
      }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      errors.push(...error.all);
    }
  }
  return { docs, errors };
}

/** Runs a command: what is wrong with the flags ends with status 2 and the usage, what is wrong with files with status 1. */
export async function command(name: string, usage: string, run: () => number | Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')) {
      process.stderr.write(`halfopen ${name}: ${(error as Error).message}\n\n${usage}`);
      return 2;
    }
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}
