import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ConfigError } from '../config/error.js';
import { type Access, fromKubeconfig, inCluster } from '../kube/access.js';
import { KubernetesConfig, sourceMetrics } from '../server/kubernetes.js';
import type { LoadOptions } from '../server/load.js';
import type { Server } from '../server/server.js';

export interface ClusterFlags {
  kubeconfig?: string;
  context?: string;
  namespaces?: string;
  'workload-namespace'?: string;
  'workload-labels'?: string;
}

/**
 * The configuration of a cluster, as the flags of `halfopen run --kubernetes` say.
 * @throws ConfigError for a kubeconfig or account that cannot be used
 */
export async function followCluster(
  server: Server,
  load: LoadOptions,
  flags: ClusterFlags,
  say: (text: string) => void,
): Promise<KubernetesConfig> {
  const { env } = process;
  const access = await accessOf(flags, env);
  const namespace = flags['workload-namespace'] ?? env['POD_NAMESPACE'] ?? access.namespace;
  const config = new KubernetesConfig(server.dispatcher, access, {
    load,
    namespaces: namespacesOf(flags.namespaces),
    workload: {
      namespace: namespace === '' ? 'default' : namespace,
      labels: labelsOf(flags['workload-labels']),
      pod: env['POD_NAME'] ?? '',
    },
    say,
  });
  for (const metric of sourceMetrics(config.source, server.dispatcher)) server.registerMetric(metric);
  say(`waiting for the objects of ${access.server.origin}, as ${access.description}`);
  return config;
}

function accessOf(flags: ClusterFlags, env: NodeJS.ProcessEnv): Promise<Access> {
  const { kubeconfig, context = '' } = flags;
  if (kubeconfig !== undefined) return fromKubeconfig(kubeconfig, context);
  if (env['KUBERNETES_SERVICE_HOST'] !== undefined && context === '') return Promise.resolve(inCluster(env));
  const [named] = (env['KUBECONFIG'] ?? '').split(delimiter);
  return fromKubeconfig(named || join(homedir(), '.kube', 'config'), context);
}

function namespacesOf(text: string | undefined): string[] | null {
  if (text === undefined) return null;
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  for (const name of names)
    if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name))
      throw new ConfigError(`'${name}' is no name of a namespace`, '--namespaces', null, 'names, separated by commas');
  if (names.length === 0)
    throw new ConfigError('no namespace is named', '--namespaces', null, 'names, or no such flag');
  return names;
}

function labelsOf(text: string | undefined): Record<string, string> | null {
  if (text === undefined) return null;
  const labels: Record<string, string> = {};
  for (const part of text.split(',').filter((one) => one !== '')) {
    const at = part.indexOf('=');
    if (at < 1) throw new ConfigError(`'${part}' is no label`, '--workload-labels', null, 'KEY=VALUE,...');
    labels[part.slice(0, at).trim()] = part.slice(at + 1).trim();
  }
  return labels;
}
