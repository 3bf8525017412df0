import { parseArgs } from 'node:util';
import type { AgentSettings } from '../admin/agent/settings.js';
import { Dispatcher } from '../base/dispatcher.js';
import { ConfigError } from '../config/error.js';
import { PROFILES } from '../http/config.js';
import { emptyConfiguration, type LoadOptions } from '../server/load.js';
import { Server } from '../server/server.js';
import { FileSource } from '../server/source.js';

const USAGE = `usage: halfopen run [options]

  -c, --config-path FILE      an Envoy v3 bootstrap (.yaml, .yml, .json)
      --config PATH           Istio and Kubernetes documents, or a bootstrap: files or folders; may be repeated
      --config-yaml TEXT      merged over the bootstrap
      --profile NAME          whose rules: envoy-1.40 (default), envoy-1.22, envoy-1.18, envoy-1.17, envoy-1.16,
                              or for Istio documents istio-1.7 ... istio-1.31
      --kubernetes            follow the objects of a cluster instead of files: in a pod by its service account, else by the
                              kubeconfig ($KUBECONFIG, ~/.kube/config)
      --kubeconfig FILE, --context NAME
                              which cluster, as kubectl takes it
      --namespaces A,B        read these namespaces and the mesh's own only (all)
      --workload-namespace NS, --workload-labels K=V,...
                              the workload that the proxy stands beside ($POD_NAMESPACE, the labels of the pod $POD_NAME)
      --capture               take the connections that redirect rules send to 15001 and 15006 (see halfopen redirect), as the
                              proxy of the pod $INSTANCE_IP in $POD_NAMESPACE; $ISTIO_META_INTERCEPTION_MODE TPROXY for
                              transparent sockets. Where it cannot, it says so, and listeners stand on explicit ports
      --listen ADDRESS        address of the listeners made from Istio documents (127.0.0.1)
      --admin HOST:PORT       admin address for Istio documents (127.0.0.1:15000)
  -l, --log-level LEVEL       trace, debug, info, warn, error, critical, off (info)
      --concurrency N         1; there are no workers yet
      --service-cluster NAME, --service-node NAME
      --drain-time-s N        seconds over which connections are wound up (600)
      --drain-strategy S      gradual or immediate (gradual)
      --agent                 run as the sidecar of a pod: merged metrics and probes on 15020, readiness on 15021, metrics on
                              15090, an orderly end; reads Istio's environment variables
      --status-port N         15020: the agent's port
      --mode MODE             serve or validate (serve)
      --base-id N, --disable-hot-restart, --file-flush-interval-msec N, --parent-shutdown-time-s N
                              taken as Envoy's; they ask for nothing here
  -h, --help
`;

const CLUSTER_FLAGS = ['kubeconfig', 'context', 'namespaces', 'workload-namespace', 'workload-labels'] as const;
const LEVELS = ['trace', 'debug', 'info', 'warning', 'warn', 'error', 'critical', 'off'];

class UsageError extends Error {}

function number(value: string | undefined, otherwise: number, name: string): number {
  if (value === undefined) return otherwise;
  const n = Number(value);
  if (!Number.isInteger(n) || n < 0) throw new UsageError(`--${name} takes a whole number, not '${value}'`);
  return n;
}

export async function main(args: string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    if (error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')) {
      process.stderr.write(`halfopen run: ${(error as Error).message}\n\n${USAGE}`);
      return 2;
    }
    if (error instanceof ConfigError) {
      process.stderr.write(`halfopen run: the configuration is refused\n${error.message}\n`);
      return 1;
    }
    process.stderr.write(`halfopen run: ${(error as Error).message}\n`);
    return 1;
  }
}

async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      'config-path': { type: 'string', short: 'c' },
      config: { type: 'string', multiple: true },
      'config-yaml': { type: 'string' },
      profile: { type: 'string' },
      kubernetes: { type: 'boolean' },
      kubeconfig: { type: 'string' },
      context: { type: 'string' },
      namespaces: { type: 'string' },
      'workload-namespace': { type: 'string' },
      'workload-labels': { type: 'string' },
      capture: { type: 'boolean' },
      listen: { type: 'string' },
      admin: { type: 'string' },
      'log-level': { type: 'string', short: 'l' },
      concurrency: { type: 'string' },
      'service-cluster': { type: 'string' },
      'service-node': { type: 'string' },
      'drain-time-s': { type: 'string' },
      'drain-strategy': { type: 'string' },
      agent: { type: 'boolean' },
      'status-port': { type: 'string' },
      mode: { type: 'string' },
      'base-id': { type: 'string' },
      'disable-hot-restart': { type: 'boolean' },
      'file-flush-interval-msec': { type: 'string' },
      'parent-shutdown-time-s': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const level = values['log-level'] ?? 'info';
  if (!LEVELS.includes(level)) throw new UsageError(`--log-level: '${level}' is none of ${LEVELS.join(', ')}`);
  if (number(values.concurrency, 1, 'concurrency') !== 1)
    throw new UsageError(`--concurrency ${values.concurrency}: there are no workers yet; only 1 is possible`);
  const strategy = values['drain-strategy'] ?? 'gradual';
  if (strategy !== 'gradual' && strategy !== 'immediate')
    throw new UsageError(`--drain-strategy: '${strategy}' is neither gradual nor immediate`);
  const mode = values.mode ?? 'serve';
  if (mode !== 'serve' && mode !== 'validate') throw new UsageError(`--mode: '${mode}' is neither serve nor validate`);
  const load: LoadOptions = {
    bootstrapPath: values['config-path'] ?? null,
    bootstrapYaml: values['config-yaml'] ?? null,
    paths: values.config ?? [],
    profile: values.profile ?? 'envoy-1.40',
    listen: values.listen ?? '127.0.0.1',
    admin: values.admin ?? '127.0.0.1:15000',
  };
  const files = load.bootstrapPath !== null || load.bootstrapYaml !== null || load.paths.length > 0;
  const cluster = values.kubernetes === true;
  if (!files && !cluster)
    throw new UsageError('nothing to run: give -c FILE, --config PATH, --config-yaml TEXT or --kubernetes');
  if (files && cluster) throw new UsageError('--kubernetes takes everything from the cluster: no files beside it');
  if (cluster && mode === 'validate') throw new UsageError('--mode validate reads files, not a cluster');
  for (const name of CLUSTER_FLAGS)
    if (!cluster && values[name] !== undefined) throw new UsageError(`--${name} is for --kubernetes`);
  const say = (text: string) => {
    if (level !== 'off') process.stderr.write(`halfopen: ${text}\n`);
  };
  if (values.capture === true) {
    if (load.bootstrapPath !== null || load.bootstrapYaml !== null)
      throw new UsageError('--capture is for Istio documents: a bootstrap has its own listeners');
    if (mode === 'serve') await (await import('./capture.js')).captureConnections(load, process.env, say);
  }
  const agent = values.agent === true ? await agentOf(number(values['status-port'], 15020, 'status-port')) : null;
  const dispatcher = new Dispatcher();
  const source = cluster ? null : new FileSource(dispatcher, load);
  const loaded = source === null ? emptyConfiguration(load) : source.read();
  const server = new Server(dispatcher, loaded.bootstrap, {
    profile: PROFILES[loaded.replyProfile],
    serviceCluster: values['service-cluster'] ?? '',
    serviceNode: values['service-node'] ?? '',
    drainTimeMs: number(values['drain-time-s'], 600, 'drain-time-s') * 1000,
    strategy,
  });
  if (mode === 'validate') {
    for (const warning of loaded.warnings) say(`warning: ${warning}`);
    server.validate();
    process.stdout.write('configuration OK\n');
    return 0;
  }
  const { runUntilQuit } = await import('../server/run-loop.js');
  if (source !== null) return runUntilQuit(server, source, loaded, agent, say);
  const { followCluster } = await import('./cluster.js');
  return runUntilQuit(server, await followCluster(server, load, values, say), null, agent, say);
}

async function agentOf(statusPort: number): Promise<AgentSettings> {
  const { agentSettings } = await import('../admin/agent/settings.js');
  return agentSettings(process.env, statusPort);
}
