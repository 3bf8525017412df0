import { choice, DURATION, FLAG, integer, list, map, message, TEXT, text } from './types.js';

const EGRESSPORT = message({
  name: TEXT,
  number: integer(0, 4294967295),
  protocol: TEXT,
  targetPort: integer(0, 4294967295),
});

const EGRESS = message(
  {
    bind: TEXT,
    captureMode: choice('DEFAULT', 'IPTABLES', 'NONE'),
    hosts: list(TEXT),
    port: EGRESSPORT,
  },
  { required: ['hosts'] },
);

const HTTP2_KEEP_ALIVE = message({
  interval: DURATION,
  timeout: DURATION,
});

const HTTP = message({
  h2UpgradePolicy: choice('DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE'),
  http1MaxPendingRequests: integer(),
  http2KeepAlive: HTTP2_KEEP_ALIVE,
  http2MaxRequests: integer(),
  idleTimeout: DURATION,
  maxConcurrentStreams: integer(),
  maxRequestsPerConnection: integer(),
  maxRetries: integer(),
  useClientProtocol: FLAG,
});

const TCP_KEEPALIVE = message({
  interval: DURATION,
  probes: integer(0, 4294967295),
  time: DURATION,
});

const TCP = message({
  connectTimeout: DURATION,
  idleTimeout: TEXT,
  maxConnectionDuration: DURATION,
  maxConnections: integer(),
  tcpKeepalive: TCP_KEEPALIVE,
});

const INBOUND_CONNECTION_POOL = message({
  http: HTTP,
  tcp: TCP,
});

const TLS_CERTIFICATES = message({
  caCertificates: TEXT,
  privateKey: TEXT,
  serverCertificate: TEXT,
});

const TLS = message({
  caCertCredentialName: TEXT,
  caCertificates: TEXT,
  caCrl: TEXT,
  cipherSuites: list(TEXT),
  credentialName: TEXT,
  credentialNames: list(TEXT, { min: 1, max: 2 }),
  httpsRedirect: FLAG,
  insecureSkipVerify: FLAG,
  maxProtocolVersion: choice('TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'),
  minProtocolVersion: choice('TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'),
  mode: choice('PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL'),
  privateKey: TEXT,
  serverCertificate: TEXT,
  subjectAltNames: list(TEXT),
  tlsCertificates: list(TLS_CERTIFICATES, { min: 1, max: 2 }),
  verifyCertificateHash: list(TEXT),
  verifyCertificateSpki: list(TEXT),
});

const INGRESS = message(
  {
    bind: TEXT,
    captureMode: choice('DEFAULT', 'IPTABLES', 'NONE'),
    connectionPool: INBOUND_CONNECTION_POOL,
    defaultEndpoint: TEXT,
    port: EGRESSPORT,
    tls: TLS,
  },
  { required: ['port'] },
);

const EGRESS_PROXYPORT = message({
  number: integer(0, 4294967295),
});

const EGRESS_PROXY = message(
  {
    host: TEXT,
    port: EGRESS_PROXYPORT,
    subset: TEXT,
  },
  { required: ['host'] },
);

const OUTBOUND_TRAFFIC_POLICY = message({
  egressProxy: EGRESS_PROXY,
  mode: choice('REGISTRY_ONLY', 'ALLOW_ANY'),
});

const WORKLOAD_SELECTOR = message({
  labels: map(text({ max: 63 })),
});

/** `spec` of a Sidecar, as the custom resource's schema has it. */
export const SIDECAR_SPEC = message({
  egress: list(EGRESS),
  inboundConnectionPool: INBOUND_CONNECTION_POOL,
  ingress: list(INGRESS),
  outboundTrafficPolicy: OUTBOUND_TRAFFIC_POLICY,
  workloadSelector: WORKLOAD_SELECTOR,
});
