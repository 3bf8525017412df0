import { isIPv6 } from 'node:net';
import { parseScrape, type ScrapeTarget } from './metrics.js';
import { type AppProber, parseProbers } from './probers.js';

/** What the injected environment tells the agent. Names and meanings are those of Istio's pilot-agent. */
export interface AgentSettings {
  /** Merged metrics, probes of the application, `/quitquitquit` (annotation status.sidecar.istio.io/port). Default 15020. */
  statusPort: number;
  /** `/healthz/ready` for the kubelet. 15021; Istio has no setting for it. */
  readyPort: number;
  /** The proxy's own series without the application's. 15090; Istio has no setting for it. */
  statsPort: number;
  /** Address on which the ports are bound: all of the pod's family. */
  bindAddress: string;
  /** Where the application is probed: INSTANCE_IP, as the kubelet would, or localhost (REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION). */
  probeDestination: string;
  /**
   * Source address of probes, which the redirect rules leave alone (127.0.0.6, ::6); undefined when nothing is redirected
   * (ISTIO_META_INTERCEPTION_MODE NONE) or there is no pod address.
   */
  probeSource: string | undefined;
  /** ISTIO_KUBE_APP_PROBERS, by path. */
  probers: ReadonlyMap<string, AppProber>;
  /** ISTIO_PROMETHEUS_ANNOTATIONS; empty when the application has no metrics. */
  scrapeTargets: readonly ScrapeTarget[];
  /** TERMINATION_DRAIN_DURATION_SECONDS, default 5 s: from SIGTERM to the end. */
  terminationDrainMs: number;
  /** EXIT_ON_ZERO_ACTIVE_CONNECTIONS, default false: instead end when no connection is left, not before `minimumDrainMs`. */
  exitOnZeroConnections: boolean;
  /** MINIMUM_DRAIN_DURATION, default 5 s. */
  minimumDrainMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

export const READY_PORT = 15021;
export const STATS_PORT = 15090;

/**
 * Reads the environment of the sidecar's container.
 * @throws Error that names the variable and what is wrong with it
 */
export function agentSettings(env: Environment, statusPort: number): AgentSettings {
  const podIp = env.INSTANCE_IP ?? '';
  const v6 = isIPv6(podIp);
  const legacy = boolean(env, 'REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION', false);
  const redirected = podIp !== '' && env.ISTIO_META_INTERCEPTION_MODE !== 'NONE';
  return {
    statusPort,
    readyPort: READY_PORT,
    statsPort: STATS_PORT,
    bindAddress: v6 ? '::' : '0.0.0.0',
    probeDestination: legacy || podIp === '' ? 'localhost' : podIp,
    probeSource: redirected ? (v6 ? '::6' : '127.0.0.6') : undefined,
    probers: parseProbers(env.ISTIO_KUBE_APP_PROBERS ?? ''),
    scrapeTargets: parseScrape(env.ISTIO_PROMETHEUS_ANNOTATIONS ?? '', statusPort),
    terminationDrainMs: seconds(env, 'TERMINATION_DRAIN_DURATION_SECONDS', 5),
    exitOnZeroConnections: boolean(env, 'EXIT_ON_ZERO_ACTIVE_CONNECTIONS', false),
    minimumDrainMs: duration(env, 'MINIMUM_DRAIN_DURATION', 5000),
  };
}

/** As strconv.ParseBool. */
const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

function boolean(env: Environment, name: string, otherwise: boolean): boolean {
  const value = env[name];
  if (value === undefined || value === '') return otherwise;
  if (TRUE.includes(value)) return true;
  if (FALSE.includes(value)) return false;
  throw new Error(`${name}: '${value}' is neither true nor false`);
}

function seconds(env: Environment, name: string, otherwise: number): number {
  const value = env[name];
  if (value === undefined || value === '') return otherwise * 1000;
  if (!/^\d{1,9}$/.test(value)) throw new Error(`${name}: '${value}' is not a number of seconds`);
  return Number(value) * 1000;
}

const UNITS: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Go's durations, `1m30s`, down to milliseconds. */
function duration(env: Environment, name: string, otherwise: number): number {
  const value = env[name];
  if (value === undefined || value === '') return otherwise;
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (parts.length === 0 || parts.map(([text]) => text).join('') !== value)
    throw new Error(`${name}: '${value}' is not a duration such as 5s or 1m30s`);
  return Math.round(parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNITS[unit], 0));
}
