/** Where the sidecar takes its configuration from. */
export type Source = { kind: 'kubernetes' } | { kind: 'configmap'; name: string };

/** What holds for every pod, before its annotations. */
export interface InjectOptions {
  /** Image of the sidecar and of the init container. */
  image: string;
  /** '' leaves it to Kubernetes. */
  imagePullPolicy: '' | 'Always' | 'IfNotPresent' | 'Never';
  source: Source;
  /** True: an init container with restartPolicy Always (Kubernetes 1.29 or newer). False: a container beside the others. */
  native: boolean;
  /** The revision of this injector: pods labelled istio.io/rev with another one are left alone. null: takes every pod. */
  revision: string | null;
  /** Injected when neither label nor annotation says so. */
  byDefault: boolean;
  clusterDomain: string;
  clusterId: string;
  trustDomain: string;
  /** traffic.sidecar.istio.io/includeOutboundIPRanges and excludeOutboundIPRanges of pods that do not say. */
  includeOutboundIPRanges: string;
  excludeOutboundIPRanges: string;
  resources: Resources;
}

export interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

export const DEFAULT_OPTIONS: InjectOptions = {
  image: 'localhost/halfopen:0.1.0',
  imagePullPolicy: '',
  source: { kind: 'kubernetes' },
  native: true,
  revision: null,
  byDefault: true,
  clusterDomain: 'cluster.local',
  clusterId: 'Kubernetes',
  trustDomain: 'cluster.local',
  includeOutboundIPRanges: '*',
  excludeOutboundIPRanges: '',
  resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '2000m', memory: '1024Mi' } },
};

export const STATUS_PORT = 15020;
export const PROXY = 'istio-proxy';
export const INIT = 'istio-init';
/** User and group of the proxy, which the redirect rules leave alone. */
export const PROXY_ID = 1337;
