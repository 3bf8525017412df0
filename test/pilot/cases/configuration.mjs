/**
 * The configuration of the cases, in a form that can be compared: clusters and virtual hosts by name, and what differs from the
 * first case (`nothing`) alone.
 */
import { readKubeDocuments } from '../../../dist/config/kube-documents.js';
import { Findings } from '../../../dist/pilot/finding.js';
import { sidecarResources } from '../../../dist/pilot/istiod.js';
import { profileNamed } from '../../../dist/pilot/profile.js';
import { readWorld } from '../../../dist/pilot/translate.js';
import { BASE, CASES } from './cases.mjs';

/** Labels of the workload whose sidecar is configured. */
export const LABELS = { app: 'client' };

/** Parts that are the control plane's own business, or that only watch. */
const DROPPED = new Set([
  ...[
    'metadata',
    'decorator',
    'tracing',
    'filters',
    'eds_cluster_config',
    'validate_clusters',
    'cleanup_interval',
    'typed_dns_resolver_config',
  ],
  ...['transport_socket', 'transport_socket_matches', 'max_direct_response_body_size_bytes', 'request_id_extension'],
]);

function trim(value) {
  if (Array.isArray(value)) return value.map(trim);
  // 0.3s and 0.300s are one duration.
  if (typeof value === 'string' && /^\d+\.\d+s$/.test(value)) return `${Number(value.slice(0, -1))}s`;
  if (typeof value !== 'object' || value === null) return value;
  const isDefault = (key) =>
    (key === 'lb_policy' && value[key] === 'ROUND_ROBIN') || (Array.isArray(value[key]) && value[key].length === 0);
  const keys = Object.keys(value).filter((key) => !DROPPED.has(key) && value[key] !== undefined && !isDefault(key));
  return Object.fromEntries(keys.sort().map((key) => [key, trim(value[key])]));
}

/** `mode` of the transport: what it is called and with what. */
function transport(cluster) {
  const socket = cluster.transport_socket?.typed_config;
  if (socket === undefined) return cluster.transport_socket_matches === undefined ? 'plain' : 'automatic';
  return `TLS ${socket.sni ?? ''} ${(socket.common_tls_context?.alpn_protocols ?? []).join(',')}`.trim();
}

/** `{cluster NAME: ..., endpoints NAME: ..., host CONFIG NAME: ...}` of routes, clusters and load assignments. */
export function parts(routes, clusters, assignments) {
  const out = {};
  for (const cluster of clusters) {
    if (cluster.name.startsWith('inbound') || cluster.name === 'InboundPassthroughCluster') continue;
    out[`cluster ${cluster.name}`] = { ...trim(cluster), transport: transport(cluster) };
  }
  for (const assignment of assignments) {
    const groups = (assignment.endpoints ?? []).map((group) => ({
      locality: group.locality ?? {},
      priority: group.priority ?? 0,
      hosts: (group.lb_endpoints ?? []).map(({ endpoint }) => endpoint.address.socket_address),
    }));
    out[`endpoints ${assignment.cluster_name}`] = trim(groups);
  }
  for (const { name, virtual_hosts: hosts = [], ...rest } of routes) {
    if (name.startsWith('inbound') || name === 'InboundPassthroughCluster') continue;
    out[`routes ${name}`] = trim({ ...rest, order: hosts.map((host) => host.name) });
    for (const host of hosts) out[`host ${name} ${host.name}`] = trim(host);
  }
  return out;
}

/** What `these` has otherwise than `base`; null for what is missing. */
export function changes(base, these) {
  const out = {};
  for (const key of Object.keys(these)) {
    if (JSON.stringify(these[key]) !== JSON.stringify(base[key])) out[key] = these[key];
  }
  for (const key of Object.keys(base)) if (these[key] === undefined) out[key] = null;
  return out;
}

/** Documents of a case with its base. */
export function textOf(name) {
  return `${BASE}---\n${CASES[name].documents}`;
}

/** The parts that halfopen makes of a case. */
export function ours(name) {
  const { docs, errors } = readKubeDocuments('case.yaml', textOf(name));
  if (errors.length > 0) throw errors[0];
  const findings = new Findings();
  const world = readWorld(docs, profileNamed('istio-current'), { proxyLabels: LABELS }, findings);
  const refused = findings.list.find((f) => f.severity === 'error');
  if (refused !== undefined) throw new Error(`${name}: ${refused.path}: ${refused.message}`);
  const { routes, clusters } = sidecarResources(world, { outbound: true, inbound: false });
  return parts(
    routes,
    clusters.map((c) => c.cluster),
    clusters.flatMap((c) => (c.endpoints === null ? [] : [c.endpoints])),
  );
}
