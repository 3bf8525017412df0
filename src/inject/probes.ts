import { PROXY } from './options.js';
import type { PodSettings } from './settings.js';
import type { Container, Handler, PodSpec, Probe } from './types.js';

const PROBES = [
  ['readinessProbe', 'readyz'],
  ['livenessProbe', 'livez'],
  ['startupProbe', 'startupz'],
] as const;
const HOOKS = [
  ['preStop', 'prestopz'],
  ['postStart', 'poststartz'],
] as const;

/** What the agent must ask in the application's place, by the path under which the kubelet asks the agent. */
export type Probers = Record<string, Handler & { timeoutSeconds?: number }>;

/**
 * Points the probes and the HTTP and TCP hooks of the application at the agent, and returns what they were, with named ports
 * resolved. A probe by exec stays as it is, and so does one whose named port the container does not have, or that was pointed at
 * the agent before.
 */
export function rewriteProbes(spec: PodSpec, settings: PodSettings): Probers {
  const probers: Probers = {};
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    if (container.name === PROXY) continue;
    for (const [field, path] of PROBES) {
      const probe = container[field];
      if (probe === undefined || probe === null) continue;
      const target = `/app-health/${container.name}/${path}`;
      const prober = proberOf(probe, container, settings.statusPort);
      if (prober === null) continue;
      probers[target] =
        probe.timeoutSeconds === undefined ? prober : { ...prober, timeoutSeconds: probe.timeoutSeconds };
      container[field] = toAgent(probe, target, settings.statusPort);
    }
    const { lifecycle } = container;
    if (lifecycle === undefined || lifecycle === null) continue;
    for (const [field, path] of HOOKS) {
      const hook = lifecycle[field];
      if (hook === undefined || hook === null || hook.grpc !== undefined) continue;
      const prober = proberOf(hook, container, settings.statusPort);
      if (prober === null) continue;
      const target = `/app-lifecycle/${container.name}/${path}`;
      probers[target] = prober;
      lifecycle[field] = toAgent(hook, target, settings.statusPort);
    }
  }
  return probers;
}

function proberOf(handler: Handler, container: Container, statusPort: number): Handler | null {
  if (handler.grpc != null) return { grpc: handler.grpc };
  const action = handler.httpGet ?? handler.tcpSocket;
  if (action == null) return null;
  const port = numberOf(action.port, container);
  if (port === null || port === statusPort) return null;
  return handler.httpGet != null
    ? { httpGet: { ...handler.httpGet, port } }
    : { tcpSocket: { ...handler.tcpSocket, port } };
}

function numberOf(port: number | string, container: Container): number | null {
  if (typeof port === 'number') return port;
  if (/^\d+$/.test(port)) return Number(port);
  return container.ports?.find(({ name }) => name === port)?.containerPort ?? null;
}

/** The kubelet speaks HTTP to the agent, whatever the agent speaks to the application. */
function toAgent<T extends Probe>(handler: T, path: string, port: number): T {
  const { httpGet, tcpSocket: _tcp, grpc: _grpc, ...rest } = handler;
  const action = { ...httpGet, path, port, ...(httpGet?.scheme === undefined ? {} : { scheme: 'HTTP' }) };
  return { ...rest, httpGet: action } as unknown as T;
}
