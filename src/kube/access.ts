import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { ConfigError, Unreadable } from '../config/error.js';

/** How the API server is reached, and as whom. */
export interface Access {
  readonly server: URL;
  /** For messages: `the service account of this pod`, or the kubeconfig's context. */
  readonly description: string;
  /** Namespace of the account or of the context; '' when it names none. */
  readonly namespace: string;
  /** TLS and credentials as they are now; tokens are exchanged while the process runs. */
  options(): Promise<RequestOptions>;
}

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The service account of the pod that this process runs in. Token and root certificates are read anew for every request, since the
 * kubelet exchanges them.
 * @throws ConfigError outside of a cluster
 */
export function inCluster(env: NodeJS.ProcessEnv, folder = ACCOUNT): Access {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (host === '')
    throw new ConfigError(
      'KUBERNETES_SERVICE_HOST is not set: this process does not run in a pod',
      '--kubernetes',
      null,
      '--kubeconfig FILE',
    );
  const read = (name: string): string => {
    try {
      return readFileSync(`${folder}/${name}`, 'utf8');
    } catch (error) {
      throw new Unreadable(`${folder}/${name}`, `the service account cannot be read: ${(error as Error).message}`);
    }
  };
  let namespace = '';
  try {
    namespace = read('namespace').trim();
  } catch {
    // A projected volume may leave it out; then the workload's namespace must be said otherwise.
  }
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    description: "the pod's service account",
    namespace,
    options: async () => ({
      ca: read('ca.crt'),
      headers: { authorization: `Bearer ${read('token').trim()}` },
    }),
  };
}

/** What is used of `@kubernetes/client-node`. */
interface KubeConfig {
  loadFromFile(file: string): void;
  setCurrentContext(name: string): void;
  getCurrentContext(): string;
  getContextObject(name: string): { namespace?: string } | null;
  getContexts(): { name: string }[];
  getCurrentCluster(): { server: string; proxyUrl?: string } | null;
  applyToHTTPSOptions(options: RequestOptions): Promise<void>;
}

const CLIENT = '@kubernetes/client-node';

/**
 * A kubeconfig file, with everything that kubectl takes there: certificates, tokens, exec plugins, OIDC. It is read by the client
 * library, which is loaded for this alone: it costs some 70 MiB and most of a second.
 *
 * @param context name of a context; '' for the current one
 * @throws ConfigError, also when the library is not installed
 */
export async function fromKubeconfig(file: string, context: string): Promise<Access> {
  const position = { file, line: 1, col: 1 };
  const config = await emptyKubeConfig();
  try {
    config.loadFromFile(file);
  } catch (error) {
    throw new ConfigError(`the kubeconfig cannot be read: ${(error as Error).message}`, '', position);
  }
  if (context !== '') {
    const names = config.getContexts().map((one) => one.name);
    if (!names.includes(context))
      throw new ConfigError(`there is no context '${context}'`, 'contexts', position, names.join(', '));
    config.setCurrentContext(context);
  }
  const current = config.getCurrentContext();
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw new ConfigError(`the context '${current}' names no cluster of this file`, 'current-context', position);
  return {
    server: new URL(cluster.server),
    description: `context ${current} of ${file}`,
    namespace: config.getContextObject(current)?.namespace ?? '',
    options: async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      // The library makes an agent for every call; only one that goes through a proxy says more than the options do.
      if (cluster.proxyUrl === undefined) delete options.agent;
      return options;
    },
  };
}

async function emptyKubeConfig(): Promise<KubeConfig> {
  try {
    const library = (await import(CLIENT)) as { KubeConfig: new () => KubeConfig };
    return new library.KubeConfig();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new ConfigError(
      `reading a kubeconfig needs the package ${CLIENT}`,
      '--kubeconfig',
      null,
      `npm install ${CLIENT}@1`,
    );
  }
}
