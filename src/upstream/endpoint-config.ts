import { isIP } from 'node:net';
import type * as xds from '../xds/types.js';
import { type EndpointHealthCheck, HealthFlag, type Locality, NO_LOCALITY, sameLocality } from './host.js';
import { invalid, unsupported } from './refuse.js';

/** One configured endpoint. For DNS clusters `address` is a name. */
export interface EndpointConfig {
  readonly address: string;
  readonly port: number;
  /** Path of a Unix socket, instead of address and port. */
  readonly path: string | undefined;
  readonly hostname: string;
  readonly weight: number;
  readonly metadata: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** `HealthFlag`s. */
  readonly healthFlags: number;
  readonly healthCheck: EndpointHealthCheck | null;
}

/** The endpoints of one locality and priority. */
export interface EndpointGroup {
  readonly priority: number;
  readonly locality: Locality;
  /** 0 when none is given. */
  readonly weight: number;
  readonly endpoints: readonly EndpointConfig[];
}

export function endpointGroups(cluster: xds.Cluster, discovery: xds.DiscoveryType): EndpointGroup[] {
  const groups: EndpointGroup[] = [];
  for (const group of cluster.load_assignment?.endpoints ?? []) {
    const endpoints = group.lb_endpoints.map((endpoint) => readEndpoint(cluster, endpoint, discovery));
    const locality = readLocality(group.locality);
    const { priority } = group;
    const weight = group.load_balancing_weight ?? 0;
    const at = groups.findIndex((one) => one.priority === priority && sameLocality(one.locality, locality));
    if (at < 0) groups.push({ priority, locality, weight, endpoints });
    // A locality that is named twice is one; the last weight holds.
    else
      groups[at] = {
        ...groups[at],
        weight: weight || groups[at].weight,
        endpoints: [...groups[at].endpoints, ...endpoints],
      };
  }
  if (discovery === 'LOGICAL_DNS' && (groups.length !== 1 || groups[0].endpoints.length !== 1))
    invalid(
      cluster,
      'load_assignment',
      cluster.name,
      'LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint',
    );
  const weights = groups.map((group) => group.weight);
  if (weights.reduce((a, b) => a + b, 0) > 0xffffffff)
    invalid(cluster, 'load_assignment', cluster.name, 'the sum of locality weights exceeds 4294967295');
  return groups;
}

function readLocality(locality: xds.Locality | undefined): Locality {
  return locality === undefined
    ? NO_LOCALITY
    : { region: locality.region, zone: locality.zone, subZone: locality.sub_zone };
}

function readEndpoint(cluster: xds.Cluster, lb: xds.LbEndpoint, discovery: xds.DiscoveryType): EndpointConfig {
  const { name } = cluster;
  const endpoint = lb.endpoint;
  if (endpoint === undefined) return invalid(lb, 'endpoint', name, 'is missing');
  if (endpoint.additional_addresses.length > 0)
    unsupported(endpoint, 'additional_addresses', name, 'more than one address per endpoint');
  const address = endpoint.address;
  const shared = {
    hostname: endpoint.hostname,
    weight: lb.load_balancing_weight ?? 1,
    metadata: (lb.metadata?.filter_metadata ?? {}) as EndpointConfig['metadata'],
    healthFlags: healthFlags(lb.health_status),
    healthCheck: readHealthCheckConfig(endpoint, name),
  };
  if (address?.pipe !== undefined) {
    if (discovery !== 'STATIC') invalid(endpoint, 'address', name, 'a DNS cluster needs a name to resolve');
    return { address: '', port: 0, path: address.pipe.path, ...shared };
  }
  const socket = address?.socket_address;
  if (socket === undefined) return invalid(endpoint, 'address', name, 'is missing');
  if (socket.protocol !== 'TCP') unsupported(socket, 'protocol', name, 'UDP');
  if (socket.named_port !== undefined) unsupported(socket, 'named_port', name, 'a named port');
  if (discovery === 'STATIC' && isIP(socket.address) === 0)
    invalid(
      socket,
      'address',
      name,
      `malformed IP address: ${socket.address}. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'`,
    );
  return { address: socket.address, port: socket.port_value ?? 0, path: undefined, ...shared };
}

function readHealthCheckConfig(endpoint: xds.Endpoint, name: string): EndpointHealthCheck | null {
  const given = endpoint.health_check_config;
  if (given === undefined) return null;
  const { hostname, disable_active_health_check: disabled } = given;
  if (given.address === undefined) return { address: '', port: given.port_value, hostname, disabled };
  const socket = given.address.socket_address;
  if (given.port_value !== 0)
    invalid(given, 'port_value', name, 'at most one of port_value and address can be given for health checks');
  if (socket === undefined || isIP(socket.address) === 0)
    return unsupported(given, 'address', name, 'health checks of anything but an IP address');
  return { address: socket.address, port: socket.port_value ?? 0, hostname, disabled };
}

function healthFlags(status: xds.HealthStatus): number {
  switch (status) {
    case 'UNHEALTHY':
    case 'TIMEOUT':
      return HealthFlag.FAILED_EDS_HEALTH;
    case 'DRAINING':
      return HealthFlag.EDS_STATUS_DRAINING;
    case 'DEGRADED':
      return HealthFlag.DEGRADED_EDS_HEALTH;
    default:
      return 0;
  }
}
