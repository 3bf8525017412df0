import { choice, integer, list, map, message, TEXT, text } from './types.js';

const ENDPOINTS = message({
  address: text({ max: 256 }),
  labels: map(TEXT),
  locality: text({ max: 2048 }),
  network: text({ max: 2048 }),
  ports: map(integer(1, 65535)),
  serviceAccount: text({ max: 253 }),
  weight: integer(0, 4294967295),
});

const PORTS = message(
  {
    name: text({ max: 256 }),
    number: integer(1, 65535),
    protocol: text({ max: 256 }),
    targetPort: integer(1, 65535),
  },
  { required: ['number', 'name'] },
);

const WORKLOAD_SELECTOR = message({
  labels: map(text({ max: 63 })),
});

/** `spec` of a ServiceEntry, as the custom resource's schema has it. */
export const SERVICE_ENTRY_SPEC = message(
  {
    addresses: list(text({ max: 64 }), { max: 256 }),
    endpoints: list(ENDPOINTS, { max: 4096 }),
    exportTo: list(TEXT),
    hosts: list(TEXT, { min: 1, max: 256 }),
    location: choice('MESH_EXTERNAL', 'MESH_INTERNAL'),
    ports: list(PORTS, { max: 256 }),
    resolution: choice('NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS'),
    subjectAltNames: list(TEXT),
    workloadSelector: WORKLOAD_SELECTOR,
  },
  { required: ['hosts'] },
);
