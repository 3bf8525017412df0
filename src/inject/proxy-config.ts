import { parse } from 'yaml';
import { parseDuration } from '../config/duration.js';
import { nearest } from '../config/error.js';
import type { Finding } from './types.js';

/** What `proxy.istio.io/config` (meshconfig.ProxyConfig) says that injection heeds. */
export interface ProxyConfig {
  /** `status_port`. */
  statusPort?: number;
  /** `drain_duration`, seconds over which connections are told to end. */
  drainSeconds?: number;
  /** `termination_drain_duration`, seconds from SIGTERM to the end. */
  terminationDrainSeconds?: number;
  holdApplicationUntilProxyStarts?: boolean;
  interceptionMode?: 'REDIRECT' | 'TPROXY';
  /** Environment variables of the sidecar. */
  proxyMetadata: Record<string, string>;
}

const WITHOUT_EFFECT = [
  ...['configPath', 'binaryPath', 'serviceCluster', 'parentShutdownDuration', 'discoveryAddress', 'zipkinAddress'],
  ...[
    'statsdUdpAddress',
    'proxyAdminPort',
    'controlPlaneAuthPolicy',
    'customConfigFile',
    'statNameLength',
    'concurrency',
  ],
  ...[
    'proxyBootstrapTemplatePath',
    'tracing',
    'sds',
    'envoyAccessLogService',
    'envoyMetricsService',
    'statusPortIsSet',
  ],
  ...['extraStatTags', 'gatewayTopology', 'proxyStatsMatcher', 'caCertificatesPem', 'image', 'privateKeyProvider'],
  ...['proxyHeaders', 'readinessProbe', 'runtimeValues', 'meshId', 'availabilityZone', 'fileFlushInterval'],
  ...['fileFlushMinSizeKb', 'statsCompression', 'statsEvictionInterval'],
];
const HEEDED = [
  ...['statusPort', 'drainDuration', 'terminationDrainDuration', 'holdApplicationUntilProxyStarts', 'interceptionMode'],
  'proxyMetadata',
];

/** Reads the annotation; fields that Istio has and that change nothing here are warnings, others errors. */
export function readProxyConfig(text: string | undefined): {
  config: ProxyConfig;
  errors: Finding[];
  warnings: Finding[];
} {
  const path = ['metadata', 'annotations', 'proxy.istio.io/config'];
  const errors: Finding[] = [];
  const warnings: Finding[] = [];
  const config: ProxyConfig = { proxyMetadata: {} };
  const wrong = (message: string) => errors.push({ path, message });
  if (text === undefined) return { config, errors, warnings };
  let raw: unknown;
  try {
    raw = parse(text, { version: '1.1', schema: 'core' });
  } catch (error) {
    wrong((error as Error).message.split('\n')[0]);
    return { config, errors, warnings };
  }
  if (raw === null) return { config, errors, warnings };
  if (typeof raw !== 'object' || Array.isArray(raw)) {
    wrong('not a mapping');
    return { config, errors, warnings };
  }
  const seconds = (field: string, value: unknown): number | undefined => {
    const ms = typeof value === 'string' ? parseDuration(value) : null;
    if (ms !== null) return Math.ceil(ms / 1000);
    wrong(`${field}: ${JSON.stringify(value)} is not a duration such as 5s`);
    return undefined;
  };
  for (const [field, value] of Object.entries(raw)) {
    if (field === 'statusPort') {
      if (Number.isInteger(value) && (value as number) > 0 && (value as number) < 65536)
        config.statusPort = value as number;
      else wrong(`statusPort: ${JSON.stringify(value)} is not a port`);
    } else if (field === 'drainDuration') config.drainSeconds = seconds(field, value);
    else if (field === 'terminationDrainDuration') config.terminationDrainSeconds = seconds(field, value);
    else if (field === 'holdApplicationUntilProxyStarts') {
      if (typeof value === 'boolean') config.holdApplicationUntilProxyStarts = value;
      else wrong(`${field}: ${JSON.stringify(value)} is neither true nor false`);
    } else if (field === 'interceptionMode') {
      if (value === 'REDIRECT' || value === 'TPROXY') config.interceptionMode = value;
      else wrong(`interceptionMode: ${JSON.stringify(value)} is no interception mode; allowed: REDIRECT, TPROXY`);
    } else if (field === 'proxyMetadata') {
      for (const [name, text] of Object.entries((value ?? {}) as object)) config.proxyMetadata[name] = String(text);
    } else if (WITHOUT_EFFECT.includes(field)) warnings.push({ path, message: `${field} has no effect` });
    else {
      const [guess] = nearest(field, HEEDED);
      wrong(`unknown field ${field}${guess === undefined ? '' : `; did you mean ${guess}?`}`);
    }
  }
  return { config, errors, warnings };
}
