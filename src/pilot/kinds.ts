import type { Findings } from './finding.js';
import type { Resource } from './resource.js';

/** Kinds that are translated, by API group. */
const TRANSLATED: Record<string, readonly string[]> = {
  'networking.istio.io': [
    'VirtualService',
    'DestinationRule',
    'ServiceEntry',
    'WorkloadEntry',
    'Sidecar',
    'Gateway',
    'EnvoyFilter',
    'ProxyConfig',
  ],
  'security.istio.io': ['PeerAuthentication'],
  'telemetry.istio.io': ['Telemetry'],
  'gateway.networking.k8s.io': ['HTTPRoute'],
  '': ['Service', 'Pod', 'Endpoints', 'ConfigMap', 'Namespace'],
  'discovery.k8s.io': ['EndpointSlice'],
};

/** Groups whose documents change what a proxy does: a kind of them that is not translated is refused. */
const MEANINGFUL = new Set([
  'networking.istio.io',
  'security.istio.io',
  'telemetry.istio.io',
  'extensions.istio.io',
  'gateway.networking.k8s.io',
  'install.istio.io',
]);

/**
 * Whether a document is read here. A kind that would change traffic and is not supported is refused by name; documents
 * that say nothing about traffic (Deployments, ServiceAccounts, …) are passed over.
 */
export function isKnown(resource: Resource, findings: Findings): boolean {
  if (TRANSLATED[resource.group]?.includes(resource.kind) === true) return true;
  if (MEANINGFUL.has(resource.group)) {
    const missing = resource.group === 'security.istio.io' ? 'enforced' : 'carried out';
    const message = `${resource.kind} (${resource.apiVersion}) is not supported: nothing of it would be ${missing}`;
    findings.error('unsupported', resource, resource.body, 'kind', message);
  }
  return false;
}
