import { checkAnnotations } from './annotations.js';
import { type InjectOptions, type Resources, STATUS_PORT } from './options.js';
import { type ProxyConfig, readProxyConfig } from './proxy-config.js';
import { type Finding, InjectError, type ObjectMeta } from './types.js';
import { parseBool } from './values.js';

/** What is decided for one pod, by its annotations over the options. */
export interface PodSettings {
  image: string;
  native: boolean;
  interception: 'REDIRECT' | 'TPROXY' | 'NONE';
  /** 0: no agent port, hence no probes and no merged metrics. */
  statusPort: number;
  proxy: ProxyConfig;
  resources: Resources;
  logLevel: string;
  rewriteProbes: boolean;
  mergeMetrics: boolean;
  readiness: { initialDelaySeconds: number; periodSeconds: number; failureThreshold: number };
  capture: Capture;
  userVolumes: [name: string, source: object][];
  userVolumeMounts: [name: string, mount: object][];
}

/** The flags of the redirect rules. */
export interface Capture {
  includeInboundPorts: string;
  excludeInboundPorts: string;
  /** undefined: not said. */
  includeOutboundPorts: string | undefined;
  excludeOutboundPorts: string | undefined;
  includeOutboundIPRanges: string;
  excludeOutboundIPRanges: string;
  kubevirtInterfaces: string | undefined;
  excludeInterfaces: string | undefined;
}

/** @throws InjectError that lists every annotation with a wrong value */
export function settingsOf(
  metadata: ObjectMeta,
  options: InjectOptions,
): { settings: PodSettings; warnings: Finding[] } {
  const annotations = metadata.annotations ?? {};
  const checked = checkAnnotations(metadata);
  const { config, errors, warnings } = readProxyConfig(annotations['proxy.istio.io/config']);
  errors.unshift(...checked.errors);
  if (errors.length > 0) throw new InjectError(errors);
  const flag = (name: string, otherwise: boolean) => parseBool(annotations[name] ?? '') ?? otherwise;
  const number = (name: string, otherwise: number) => Number(annotations[name] ?? otherwise);
  const traffic = (name: string): string | undefined => annotations[`traffic.sidecar.istio.io/${name}`];
  const statusPort = number('status.sidecar.istio.io/port', config.statusPort ?? STATUS_PORT);
  const settings: PodSettings = {
    image: annotations['sidecar.istio.io/proxyImage'] ?? options.image,
    native: flag('sidecar.istio.io/nativeSidecar', options.native),
    interception: (annotations['sidecar.istio.io/interceptionMode'] ??
      config.interceptionMode ??
      'REDIRECT') as PodSettings['interception'],
    statusPort,
    proxy: config,
    resources: resources(annotations, options.resources),
    logLevel: annotations['sidecar.istio.io/logLevel'] ?? 'info',
    rewriteProbes: statusPort !== 0 && flag('sidecar.istio.io/rewriteAppHTTPProbers', true),
    mergeMetrics: statusPort !== 0 && flag('prometheus.istio.io/merge-metrics', true),
    readiness: {
      initialDelaySeconds: number('readiness.status.sidecar.istio.io/initialDelaySeconds', 0),
      periodSeconds: number('readiness.status.sidecar.istio.io/periodSeconds', 15),
      failureThreshold: number('readiness.status.sidecar.istio.io/failureThreshold', 4),
    },
    capture: {
      includeInboundPorts: traffic('includeInboundPorts') ?? '*',
      excludeInboundPorts: traffic('excludeInboundPorts') ?? '',
      includeOutboundPorts: traffic('includeOutboundPorts'),
      excludeOutboundPorts: traffic('excludeOutboundPorts'),
      includeOutboundIPRanges: traffic('includeOutboundIPRanges') ?? options.includeOutboundIPRanges,
      excludeOutboundIPRanges: traffic('excludeOutboundIPRanges') ?? options.excludeOutboundIPRanges,
      kubevirtInterfaces: traffic('kubevirtInterfaces'),
      excludeInterfaces: traffic('excludeInterfaces'),
    },
    userVolumes: objects(annotations['sidecar.istio.io/userVolume']),
    userVolumeMounts: objects(annotations['sidecar.istio.io/userVolumeMount']),
  };
  return { settings, warnings: [...checked.warnings, ...warnings] };
}

/** One annotation about resources displaces all defaults, as in Istio. */
function resources(annotations: Record<string, string>, defaults: Resources): Resources {
  const of = (suffix: string) => {
    const found: Record<string, string> = {};
    for (const [name, resource] of [
      ['proxyCPU', 'cpu'],
      ['proxyMemory', 'memory'],
    ]) {
      const value = annotations[`sidecar.istio.io/${name}${suffix}`];
      if (value !== undefined) found[resource] = value;
    }
    return Object.keys(found).length === 0 ? undefined : found;
  };
  const requests = of('');
  const limits = of('Limit');
  if (requests === undefined && limits === undefined) return defaults;
  return { ...(requests && { requests }), ...(limits && { limits }) };
}

function objects(text: string | undefined): [string, object][] {
  return text === undefined ? [] : Object.entries(JSON.parse(text) as Record<string, object>);
}
