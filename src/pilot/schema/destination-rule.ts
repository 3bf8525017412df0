import { choice, DURATION, FLAG, integer, list, map, message, number, TEXT, text } from './types.js';

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

const CONNECTION_POOL = message({
  http: HTTP,
  tcp: TCP,
});

const ATTRIBUTES = message(
  {
    name: TEXT,
    value: TEXT,
  },
  { required: ['name'] },
);

const HTTP_COOKIE = message(
  {
    attributes: list(ATTRIBUTES),
    name: TEXT,
    path: TEXT,
    ttl: TEXT,
  },
  { required: ['name'] },
);

const MAGLEV = message({
  tableSize: integer(0),
});

const RING_HASH = message({
  minimumRingSize: integer(0),
});

const CONSISTENT_HASH = message(
  {
    httpCookie: HTTP_COOKIE,
    httpHeaderName: TEXT,
    httpQueryParameterName: TEXT,
    maglev: MAGLEV,
    minimumRingSize: integer(0),
    ringHash: RING_HASH,
    useSourceIp: FLAG,
  },
  {
    oneOf: [
      ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'],
      ['ringHash', 'maglev'],
    ],
  },
);

const DISTRIBUTE = message({
  from: TEXT,
  to: map(integer(0, 4294967295)),
});

const FAILOVER = message({
  from: TEXT,
  to: TEXT,
});

const LOCALITY_LB_SETTING = message({
  distribute: list(DISTRIBUTE),
  enabled: FLAG,
  failover: list(FAILOVER),
  failoverPriority: list(TEXT),
});

const WARMUP = message(
  {
    aggression: number(),
    duration: DURATION,
    minimumPercent: number(),
  },
  { required: ['duration'] },
);

const ZONE_AWARE_LB_SETTING = message({
  enabled: FLAG,
  failover: list(FAILOVER),
  failoverPriority: list(TEXT),
  minClusterSize: integer(1, 4294967295),
});

const LOAD_BALANCER = message(
  {
    consistentHash: CONSISTENT_HASH,
    localityLbSetting: LOCALITY_LB_SETTING,
    simple: choice('UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST'),
    warmup: WARMUP,
    warmupDurationSecs: DURATION,
    zoneAwareLbSetting: ZONE_AWARE_LB_SETTING,
  },
  { oneOf: [['simple', 'consistentHash']] },
);

const OUTLIER_DETECTION = message({
  baseEjectionTime: DURATION,
  consecutive5xxErrors: integer(0, 4294967295),
  consecutiveErrors: integer(),
  consecutiveGatewayErrors: integer(0, 4294967295),
  consecutiveLocalOriginFailures: integer(0, 4294967295),
  interval: DURATION,
  maxEjectionPercent: integer(),
  minHealthPercent: integer(),
  outlierDetectionHttpErrorCodes: list(integer(100, 599)),
  splitExternalLocalOriginErrors: FLAG,
});

const PORT_LEVEL_SETTINGSPORT = message({
  number: integer(0, 4294967295),
});

const TLS = message({
  caCertificates: TEXT,
  caCrl: TEXT,
  clientCertificate: TEXT,
  credentialName: TEXT,
  insecureSkipVerify: FLAG,
  mode: choice('DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'),
  privateKey: TEXT,
  sni: TEXT,
  subjectAltNames: list(TEXT),
});

const PORT_LEVEL_SETTINGS = message({
  connectionPool: CONNECTION_POOL,
  loadBalancer: LOAD_BALANCER,
  outlierDetection: OUTLIER_DETECTION,
  port: PORT_LEVEL_SETTINGSPORT,
  tls: TLS,
});

const PROXY_PROTOCOL = message({
  version: choice('V1', 'V2'),
});

const RETRY_BUDGET = message({
  budgetInterval: TEXT,
  minRetryConcurrency: integer(0, 4294967295),
  percent: number(),
});

const TUNNEL = message(
  {
    protocol: TEXT,
    targetHost: TEXT,
    targetPort: integer(0, 4294967295),
  },
  { required: ['targetHost', 'targetPort'] },
);

const TRAFFIC_POLICY = message({
  connectionPool: CONNECTION_POOL,
  loadBalancer: LOAD_BALANCER,
  outlierDetection: OUTLIER_DETECTION,
  portLevelSettings: list(PORT_LEVEL_SETTINGS, { max: 4096 }),
  proxyProtocol: PROXY_PROTOCOL,
  retryBudget: RETRY_BUDGET,
  tls: TLS,
  tunnel: TUNNEL,
});

const SUBSETS = message(
  {
    labels: map(TEXT),
    name: TEXT,
    trafficPolicy: TRAFFIC_POLICY,
  },
  { required: ['name'] },
);

const WORKLOAD_SELECTOR = message({
  matchLabels: map(text({ max: 63 })),
});

/** `spec` of a DestinationRule, as the custom resource's schema has it. */
export const DESTINATION_RULE_SPEC = message(
  {
    exportTo: list(TEXT),
    host: TEXT,
    subsets: list(SUBSETS),
    trafficPolicy: TRAFFIC_POLICY,
    workloadSelector: WORKLOAD_SELECTOR,
  },
  { required: ['host'] },
);
