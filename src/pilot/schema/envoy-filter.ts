import { ANYTHING, choice, integer, list, map, message, TEXT, text } from './types.js';

const CLUSTER = message({
  name: TEXT,
  portNumber: integer(0, 4294967295),
  service: TEXT,
  subset: TEXT,
});

const SUB_FILTER = message({
  name: TEXT,
});

const FILTER = message({
  name: TEXT,
  subFilter: SUB_FILTER,
});

const FILTER_CHAIN = message({
  applicationProtocols: TEXT,
  destinationPort: integer(0, 4294967295),
  filter: FILTER,
  name: TEXT,
  sni: TEXT,
  transportProtocol: TEXT,
});

const LISTENER = message({
  filterChain: FILTER_CHAIN,
  listenerFilter: TEXT,
  name: TEXT,
  portName: TEXT,
  portNumber: integer(0, 4294967295),
});

const PROXY = message({
  metadata: map(TEXT),
  proxyVersion: TEXT,
});

const VHOSTROUTE = message({
  action: choice('ANY', 'ROUTE', 'REDIRECT', 'DIRECT_RESPONSE'),
  name: TEXT,
});

const VHOST = message({
  domainName: TEXT,
  name: TEXT,
  route: VHOSTROUTE,
});

const ROUTE_CONFIGURATION = message({
  gateway: TEXT,
  name: TEXT,
  portName: TEXT,
  portNumber: integer(0, 4294967295),
  vhost: VHOST,
});

const WAYPOINT = message({
  filter: FILTER,
  portNumber: integer(1, 65535),
  route: SUB_FILTER,
});

const CONFIG_PATCHESMATCH = message(
  {
    cluster: CLUSTER,
    context: choice('ANY', 'SIDECAR_INBOUND', 'SIDECAR_OUTBOUND', 'GATEWAY', 'WAYPOINT'),
    listener: LISTENER,
    proxy: PROXY,
    routeConfiguration: ROUTE_CONFIGURATION,
    waypoint: WAYPOINT,
  },
  { oneOf: [['listener', 'routeConfiguration', 'cluster', 'waypoint']] },
);

const PATCH = message({
  filterClass: choice('UNSPECIFIED', 'AUTHN', 'AUTHZ', 'STATS'),
  operation: choice(
    'INVALID',
    'MERGE',
    'ADD',
    'REMOVE',
    'INSERT_BEFORE',
    'INSERT_AFTER',
    'INSERT_FIRST',
    'REPLACE',
    'MERGE_AND_REPLACE_LIST',
  ),
  value: ANYTHING,
});

const CONFIG_PATCHES = message({
  applyTo: choice(
    'INVALID',
    'LISTENER',
    'FILTER_CHAIN',
    'NETWORK_FILTER',
    'HTTP_FILTER',
    'ROUTE_CONFIGURATION',
    'VIRTUAL_HOST',
    'HTTP_ROUTE',
    'CLUSTER',
    'EXTENSION_CONFIG',
    'BOOTSTRAP',
    'LISTENER_FILTER',
  ),
  match: CONFIG_PATCHESMATCH,
  patch: PATCH,
});

const TARGET_REFS = message(
  {
    group: text({ max: 253, pattern: /^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/ }),
    kind: text({ min: 1, max: 63, pattern: /^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/ }),
    name: text({ min: 1, max: 253 }),
    namespace: TEXT,
  },
  { required: ['kind', 'name'] },
);

const WORKLOAD_SELECTOR = message({
  labels: map(text({ max: 63 })),
});

/** `spec` of a EnvoyFilter, as the custom resource's schema has it. */
export const ENVOY_FILTER_SPEC = message({
  configPatches: list(CONFIG_PATCHES),
  priority: integer(),
  targetRefs: list(TARGET_REFS, { max: 16 }),
  workloadSelector: WORKLOAD_SELECTOR,
});
