import type { Carried, CarriedFields, Setting } from './check.js';

/** The reason for certain values of a field. */
function when(values: Readonly<Record<string, string>>): Carried {
  return (value) => (typeof value === 'string' && Object.hasOwn(values, value) ? values[value] : true);
}

const LOCALITY = 'the locality of this proxy is not known, and hosts of all localities are chosen by their weights';
const SECRET = 'secrets are not read; the connections are in plain text';
const NETWORK = 'every address is called directly, whatever its network';
const TARGETS =
  'it is for gateways and waypoints of the Gateway API, and this proxy is neither; the document is left out';
const CAPTURE = when({ NONE: 'connections reach all listeners in the same way' });

function strict(value: unknown, setting: Setting): string | true {
  if (value !== 'STRICT' || setting.certificates) return true;
  return 'this proxy has no certificate of the mesh: it asks its clients for none, and calls servers in plain text';
}

const POOL: CarriedFields = {
  tcp: true,
  http: {
    h2UpgradePolicy: true,
    http1MaxPendingRequests: true,
    http2MaxRequests: true,
    idleTimeout: true,
    maxConcurrentStreams: true,
    maxRequestsPerConnection: true,
    maxRetries: true,
    useClientProtocol: true,
    http2KeepAlive: (_, { profile }) =>
      profile.http2KeepAlive ? true : `${profile.name} has no such field (1.31 has)`,
  },
};

/** What a load balancer says of localities, and the mesh's default for it. */
const LOCALITIES: CarriedFields = {
  enabled: true,
  distribute: LOCALITY,
  failover: LOCALITY,
  failoverPriority: LOCALITY,
};

const POLICY_PARTS: CarriedFields = {
  connectionPool: POOL,
  loadBalancer: {
    simple: true,
    consistentHash: true,
    warmup: true,
    warmupDurationSecs: true,
    localityLbSetting: LOCALITIES,
    zoneAwareLbSetting: LOCALITY,
  },
  outlierDetection: {
    baseEjectionTime: true,
    consecutive5xxErrors: true,
    consecutiveErrors: 'istiod reads consecutive5xxErrors alone',
    consecutiveGatewayErrors: true,
    consecutiveLocalOriginFailures: true,
    interval: true,
    maxEjectionPercent: true,
    minHealthPercent: true,
    outlierDetectionHttpErrorCodes: 'which answers count as errors is fixed: 5xx',
    splitExternalLocalOriginErrors: true,
  },
  tls: {
    caCertificates: true,
    caCrl: true,
    clientCertificate: true,
    credentialName: SECRET,
    insecureSkipVerify: true,
    mode: true,
    privateKey: true,
    sni: true,
    subjectAltNames: true,
  },
};

const POLICY: CarriedFields = {
  ...POLICY_PARTS,
  portLevelSettings: { port: true, ...POLICY_PARTS },
  proxyProtocol: 'no PROXY header is written to servers',
  retryBudget: true,
  tunnel: 'connections go to the servers themselves, without a CONNECT',
};

const ENDPOINT: CarriedFields = {
  address: true,
  labels: true,
  locality: true,
  network: NETWORK,
  ports: true,
  serviceAccount: true,
  weight: true,
};

const HTTP_ONLY = 'without --capture ports that carry other protocols than HTTP have no listener';

const TCP_ROUTE: CarriedFields = {
  match: {
    destinationSubnets: true,
    gateways: true,
    port: true,
    sourceLabels: true,
    sourceNamespace: true,
    sourceSubnet: 'istiod does not tell connections by the address of the client',
  },
  route: true,
};

const VIRTUAL_SERVICE: CarriedFields = {
  exportTo: true,
  gateways: true,
  hosts: true,
  http: {
    corsPolicy: true,
    delegate: true,
    directResponse: true,
    fault: {
      abort: {
        grpcStatus: true,
        http2Error: 'istiod aborts with httpStatus and grpcStatus alone',
        httpStatus: true,
        percentage: true,
      },
      delay: {
        exponentialDelay: 'istiod delays by fixedDelay alone',
        fixedDelay: true,
        percent: true,
        percentage: true,
      },
    },
    headers: true,
    match: true,
    mirror: true,
    mirror_percent: true,
    mirrorPercent: true,
    mirrorPercentage: true,
    mirrors: true,
    name: true,
    redirect: true,
    retries: true,
    rewrite: true,
    route: true,
    timeout: true,
  },
  tcp: (_, { captures }) => (captures ? TCP_ROUTE : HTTP_ONLY),
  tls: (_, { captures }) => captures || HTTP_ONLY,
};

const SIDECAR: CarriedFields = {
  egress: {
    bind: 'listeners stand where they would without it',
    captureMode: CAPTURE,
    hosts: true,
    port: true,
  },
  inboundConnectionPool: POOL,
  ingress: {
    bind: true,
    captureMode: CAPTURE,
    connectionPool: POOL,
    defaultEndpoint: (value) =>
      String(value).startsWith('unix://') ? 'the application is called by address and port alone' : true,
    port: true,
    tls: 'TLS does not end at this proxy',
  },
  outboundTrafficPolicy: true,
  workloadSelector: true,
};

const SERVER_TLS = 'only mode, serverCertificate, privateKey and caCertificates are read';

const GATEWAY: CarriedFields = {
  selector: true,
  servers: {
    bind: 'listeners stand on --listen',
    defaultEndpoint: 'istiod does not read it',
    hosts: true,
    name: true,
    port: true,
    tls: {
      caCertCredentialName: SERVER_TLS,
      caCertificates: true,
      caCrl: SERVER_TLS,
      cipherSuites: SERVER_TLS,
      credentialName: true,
      credentialNames: SERVER_TLS,
      httpsRedirect: true,
      insecureSkipVerify: SERVER_TLS,
      maxProtocolVersion: SERVER_TLS,
      minProtocolVersion: SERVER_TLS,
      mode: true,
      privateKey: true,
      serverCertificate: true,
      subjectAltNames: SERVER_TLS,
      tlsCertificates: SERVER_TLS,
      verifyCertificateHash: SERVER_TLS,
      verifyCertificateSpki: SERVER_TLS,
    },
  },
};

/** What EnvoyFilters may apply to that is no part of a listener, a route configuration or a cluster. */
const PATCHED = when({
  BOOTSTRAP: 'the bootstrap is not made from documents',
  EXTENSION_CONFIG: 'filters stand in their listener; there is no extension configuration to change',
});

const ENVOY_FILTER: CarriedFields = {
  configPatches: {
    applyTo: PATCHED,
    match: {
      cluster: true,
      context: true,
      listener: true,
      proxy: {
        metadata: 'the metadata of this proxy is not known; the patch is left out',
        proxyVersion: true,
      },
      routeConfiguration: true,
      waypoint: true,
    },
    patch: {
      filterClass: (value) => (value === 'UNSPECIFIED' ? true : 'filters stand in the order of the patches'),
      operation: true,
      value: true,
    },
  },
  priority: true,
  targetRefs: TARGETS,
  workloadSelector: true,
};

const TELEMETRY: CarriedFields = {
  accessLogging: true,
  metrics: 'the metrics are always the same ones, with all of their labels',
  selector: true,
  targetRef: TARGETS,
  targetRefs: TARGETS,
  tracing: 'no spans are reported',
};

const SERVICE_ONLY: CarriedFields = {
  group: true,
  kind: (value) => (value === 'Service' ? true : 'only Services are called; the requests get 503 or 500'),
  name: true,
  namespace: true,
  port: true,
};

const HTTP_ROUTE: CarriedFields = {
  hostnames: 'a route that is bound to a Service takes every host',
  parentRefs: {
    group: true,
    kind: true,
    name: true,
    namespace: true,
    port: true,
    sectionName: 'the port of a Service is chosen by port',
  },
  rules: {
    backendRefs: { ...SERVICE_ONLY, filters: 'filters work for a whole rule', weight: true },
    filters: {
      cors: true,
      extensionRef: true,
      externalAuth: true,
      requestHeaderModifier: true,
      requestMirror: { backendRef: SERVICE_ONLY, fraction: true, percent: true },
      requestRedirect: true,
      responseHeaderModifier: true,
      type: true,
      urlRewrite: true,
    },
    matches: true,
    name: true,
    retry: true,
    sessionPersistence: 'every request may get another host',
    timeouts: true,
  },
  useDefaultGateways: 'only parentRefs to Services are carried out',
};

/**
 * The fields of every kind that is translated, below `spec`: what is read, and why the rest is not. What is in neither is told
 * with a general reason, so that a field of a new release is never passed over.
 */
export const KINDS: Readonly<Record<string, CarriedFields>> = {
  DestinationRule: {
    exportTo: true,
    host: true,
    subsets: { labels: true, name: true, trafficPolicy: POLICY },
    trafficPolicy: POLICY,
    workloadSelector: true,
  },
  EnvoyFilter: ENVOY_FILTER,
  Gateway: GATEWAY,
  HTTPRoute: HTTP_ROUTE,
  PeerAuthentication: {
    mtls: { mode: strict },
    portLevelMtls: { '*': { mode: strict } },
    selector: true,
  },
  ProxyConfig: {
    concurrency: 'one thread serves every connection',
    environmentVariables: 'the environment is that of the process',
    image: 'the image is chosen where the proxy is deployed',
    selector: true,
  },
  Service: {
    '...': true,
    internalTrafficPolicy: when({ Local: 'the node of this proxy is not known; endpoints of all nodes are called' }),
    trafficDistribution: LOCALITY,
  },
  ServiceEntry: {
    addresses: true,
    endpoints: ENDPOINT,
    exportTo: true,
    hosts: true,
    location: true,
    ports: true,
    resolution: when({ DYNAMIC_DNS: 'names are not looked up for each request; the requests get 503' }),
    subjectAltNames: true,
    workloadSelector: true,
  },
  Sidecar: SIDECAR,
  Telemetry: TELEMETRY,
  VirtualService: VIRTUAL_SERVICE,
  WorkloadEntry: ENDPOINT,
};

const EXPORTED = 'DestinationRules that say nothing are exported to every namespace';

/** Fields of MeshConfig that would change traffic. Most others are for istiod and the injector. */
export const MESH_CONFIG: CarriedFields = {
  '...': true,
  defaultConfig: {
    '...': true,
    gatewayTopology: 'the addresses of clients are those of their connections',
    proxyHeaders: 'the headers are those of the standard installation',
    tracing: 'no spans are reported',
  },
  defaultDestinationRuleExportTo: (value) =>
    Array.isArray(value) && value.length > 0 && !value.includes('*') ? EXPORTED : true,
  defaultProviders: {
    accessLogging: true,
    metrics: 'the metrics are always the same ones',
    tracing: 'no spans are reported',
  },
  enableTracing: (value) => (value === true ? 'no spans are reported' : true),
  localityLbSetting: LOCALITIES,
  serviceSettings: 'every service is called in every cluster of the mesh',
  tlsDefaults: 'TLS to servers has the versions and ciphers of the standard installation',
};
