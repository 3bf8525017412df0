import type { Endpoint, Service, ServicePort } from '../registry/service.js';
import { selects } from '../resource.js';
import { comesFrom, type Tree } from '../tree.js';

function localityOf(text: string): Tree {
  const [region = '', zone = '', ...rest] = text.split('/');
  const out: Tree = {};
  if (region !== '') out['region'] = region;
  if (zone !== '') out['zone'] = zone;
  if (rest.length > 0) out['sub_zone'] = rest.join('/');
  return out;
}

/** The endpoints of a service's port that carry all of `labels`. */
export function endpointsOfPort(service: Service, port: ServicePort, labels: Record<string, string>): Endpoint[] {
  return service.endpoints.filter((e) => e.servicePort === port.number && selects(labels, e.labels));
}

/**
 * A ClusterLoadAssignment: endpoints by locality in the order of their names, each locality with the sum of its weights.
 */
export function loadAssignment(name: string, service: Service, endpoints: readonly Endpoint[]): Tree {
  const groups = new Map<string, Endpoint[]>();
  for (const endpoint of endpoints) {
    const group = groups.get(endpoint.locality);
    if (group === undefined) groups.set(endpoint.locality, [endpoint]);
    else group.push(endpoint);
  }
  const localities = [...groups.keys()].sort().map((locality) => {
    const group = groups.get(locality) as Endpoint[];
    return {
      locality: localityOf(locality),
      lb_endpoints: group.map((e) => lbEndpoint(service, e)),
      load_balancing_weight: group.reduce((sum, e) => sum + e.weight, 0),
    };
  });
  return { cluster_name: name, endpoints: localities };
}

function lbEndpoint(service: Service, endpoint: Endpoint): Tree {
  const address: Tree =
    endpoint.port === 0
      ? { pipe: { path: endpoint.address } }
      : { socket_address: { address: endpoint.address, port_value: endpoint.port } };
  comesFrom(address, '', service.from.body, 'spec');
  const out: Tree = { endpoint: { address }, load_balancing_weight: endpoint.weight };
  return out;
}
