import type { Protocol } from '../protocol.js';
import type { Resource } from '../resource.js';

/** A port of a service, as clients name it. */
export interface ServicePort {
  name: string;
  number: number;
  protocol: Protocol;
  /** Port of a ServiceEntry's servers when it differs; only for resolution NONE it changes the cluster. */
  targetPort: number;
}

/**
 * Where the addresses of a service come from: `endpoints` of the registry, DNS with all or one of its addresses,
 * the `original` destination of the connection, or an `alias` for another service.
 */
export type Resolution = 'endpoints' | 'dns' | 'dns-round-robin' | 'original' | 'alias' | 'dynamic-dns';

/** A host that clients of the mesh can call. */
export interface Service {
  host: string;
  /** The name of the Kubernetes Service, or the host of the ServiceEntry. */
  name: string;
  namespace: string;
  registry: 'kubernetes' | 'external';
  ports: ServicePort[];
  resolution: Resolution;
  /** Virtual addresses and CIDR ranges; none when the service has no address of its own. */
  addresses: string[];
  /** A ServiceEntry with location MESH_EXTERNAL, or an ExternalName Service. */
  external: boolean;
  /** The host that an ExternalName Service stands for; empty for every other. */
  externalName: string;
  /** Names of ExternalName Services that stand for this one. */
  aliases: string[];
  /** Namespaces that may see it: `*`, `.`, `~` or names. Empty: everyone. */
  exportTo: string[];
  /** Subject names that its servers may have, as a ServiceEntry gives them. */
  subjectAltNames: string[];
  created: number;
  endpoints: Endpoint[];
  /** The document it was made from. */
  from: Resource;
}

/** A server of one port of a service. */
export interface Endpoint {
  /** An IP address, or a name for DNS services, or a path for Unix sockets. */
  address: string;
  port: number;
  /** Number of the service's port that it serves. */
  servicePort: number;
  labels: Record<string, string>;
  weight: number;
  /** `region/zone/subzone`, empty when unknown. */
  locality: string;
  /** Identity of the server, such as `spiffe://cluster.local/ns/default/sa/default`; empty when unknown. */
  identity: string;
  /** Whether the server's side speaks the mesh's mutual TLS. */
  mutualTls: boolean;
}

/** A Pod or WorkloadEntry that services may select. */
export interface Workload {
  kind: 'Pod' | 'WorkloadEntry';
  name: string;
  namespace: string;
  address: string;
  labels: Record<string, string>;
  weight: number;
  locality: string;
  identity: string;
  mutualTls: boolean;
  /** Named ports: container ports of a Pod, `ports` of a WorkloadEntry. */
  ports: Record<string, number>;
  from: Resource;
}

export const LABEL_TLS_MODE = 'security.istio.io/tlsMode';

/** The identity of a service account of the mesh. */
export function identityOf(namespace: string, account: string): string {
  return `spiffe://cluster.local/ns/${namespace}/sa/${account || 'default'}`;
}

/** Whether what is exported to `exportTo` by a document of `owner` is seen from `namespace`. */
export function isVisible(exportTo: readonly string[], owner: string, namespace: string): boolean {
  if (exportTo.length === 0) return true;
  for (const to of exportTo) {
    if (to === '*' || to === namespace) return true;
    if (to === '.' && owner === namespace) return true;
  }
  return false;
}
