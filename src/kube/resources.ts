/** A resource of the Kubernetes API that the configuration is made from. */
export interface ResourceType {
  /** API group; '' for the core group. */
  group: string;
  /** Versions that can be read, the best first. */
  versions: readonly string[];
  /** Name in paths, such as `virtualservices`. */
  plural: string;
  kind: string;
  /** Defined by a CustomResourceDefinition: may be missing, and appear later. */
  custom: boolean;
  /** Only the object of this name in the root namespace is read. */
  only?: string;
}

const ISTIO = ['v1', 'v1beta1', 'v1alpha3'];
const core = (plural: string, kind: string): ResourceType => ({
  group: '',
  versions: ['v1'],
  plural,
  kind,
  custom: false,
});
const custom = (group: string, versions: readonly string[], plural: string, kind: string): ResourceType => ({
  group,
  versions,
  plural,
  kind,
  custom: true,
});
const networking = (plural: string, kind: string) => custom('networking.istio.io', ISTIO, plural, kind);

/**
 * Everything that is read. Kinds of Istio that the translation refuses (AuthorizationPolicy, ...) are among them, so that they are
 * named and not passed over.
 */
export const RESOURCES: readonly ResourceType[] = [
  core('services', 'Service'),
  core('pods', 'Pod'),
  { ...core('configmaps', 'ConfigMap'), only: 'istio' },
  { ...core('endpointslices', 'EndpointSlice'), group: 'discovery.k8s.io' },
  networking('virtualservices', 'VirtualService'),
  networking('destinationrules', 'DestinationRule'),
  networking('serviceentries', 'ServiceEntry'),
  networking('workloadentries', 'WorkloadEntry'),
  networking('sidecars', 'Sidecar'),
  networking('gateways', 'Gateway'),
  networking('envoyfilters', 'EnvoyFilter'),
  networking('proxyconfigs', 'ProxyConfig'),
  custom('security.istio.io', ISTIO, 'peerauthentications', 'PeerAuthentication'),
  custom('security.istio.io', ISTIO, 'requestauthentications', 'RequestAuthentication'),
  custom('security.istio.io', ISTIO, 'authorizationpolicies', 'AuthorizationPolicy'),
  custom('extensions.istio.io', ['v1alpha1'], 'wasmplugins', 'WasmPlugin'),
  custom('telemetry.istio.io', ['v1', 'v1alpha1'], 'telemetries', 'Telemetry'),
  custom('gateway.networking.k8s.io', ['v1', 'v1beta1'], 'httproutes', 'HTTPRoute'),
  custom('gateway.networking.k8s.io', ['v1'], 'grpcroutes', 'GRPCRoute'),
];

/** `virtualservices.networking.istio.io`, as kubectl names it. */
export function fullName(type: ResourceType): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`;
}

/** Path of a collection, in one namespace or (null) in all. */
export function collectionPath(type: ResourceType, version: string, namespace: string | null): string {
  const root = type.group === '' ? `/api/${version}` : `/apis/${type.group}/${version}`;
  return namespace === null ? `${root}/${type.plural}` : `${root}/namespaces/${namespace}/${type.plural}`;
}
