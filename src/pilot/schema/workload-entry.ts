import { integer, map, message, TEXT, text } from './types.js';

/** `spec` of a WorkloadEntry, as the custom resource's schema has it. */
export const WORKLOAD_ENTRY_SPEC = message({
  address: text({ max: 256 }),
  labels: map(TEXT),
  locality: text({ max: 2048 }),
  network: text({ max: 2048 }),
  ports: map(integer(1, 65535)),
  serviceAccount: text({ max: 253 }),
  weight: integer(0, 4294967295),
});
