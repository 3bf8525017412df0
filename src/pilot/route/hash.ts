import { formatDuration } from '../../config/duration.js';
import { parseDuration } from '../duration.js';
import type { Service, ServicePort } from '../registry/service.js';
import { allFrom, numberAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import { serviceNamed, type World } from '../world.js';

function consistentHashOf(policy: Tree | undefined): Tree | undefined {
  return treeAt(treeAt(policy, 'loadBalancer'), 'consistentHash');
}

function ofPort(policy: Tree | undefined, port: number | undefined): Tree | undefined {
  if (port === undefined) return undefined;
  const settings = treesAt(policy, 'portLevelSettings').find((s) => numberAt(treeAt(s, 'port'), 'number') === port);
  return consistentHashOf(settings);
}

/** The consistent hash that a DestinationRule sets for a route's destination: subset before port before the whole. */
export function hashOfDestination(world: World, destination: Tree): Tree | undefined {
  const service = serviceNamed(world, stringAt(destination, 'host'));
  if (service === undefined) return undefined;
  const rule = world.destinationRules.find(service, world.proxy.namespace, world.proxy.labels);
  if (rule === undefined) return undefined;
  const port = numberAt(treeAt(destination, 'port'), 'number');
  const subset = rule.subsets.find((s) => stringAt(s, 'name') === stringAt(destination, 'subset'));
  const own = treeAt(subset, 'trafficPolicy');
  return (
    ofPort(own, port) ??
    consistentHashOf(own) ??
    ofPort(rule.trafficPolicy, port) ??
    consistentHashOf(rule.trafficPolicy)
  );
}

/** The consistent hash of a service that no VirtualService routes to. */
export function hashOfService(world: World, service: Service, port: ServicePort): Tree | undefined {
  const rule = world.destinationRules.find(service, world.proxy.namespace, world.proxy.labels);
  return ofPort(rule?.trafficPolicy, port.number) ?? consistentHashOf(rule?.trafficPolicy);
}

/** Envoy's HashPolicy of a consistentHash; undefined when it names nothing to hash. */
export function hashPolicy(hash: Tree | undefined): Tree | undefined {
  if (hash === undefined) return undefined;
  const cookie = treeAt(hash, 'httpCookie');
  let out: Tree | undefined;
  if (stringAt(hash, 'httpHeaderName') !== '') out = { header: { header_name: stringAt(hash, 'httpHeaderName') } };
  else if (cookie !== undefined) {
    const made: Tree = { name: stringAt(cookie, 'name') };
    const ttl = parseDuration(stringAt(cookie, 'ttl'));
    if (ttl !== null) made['ttl'] = formatDuration(ttl);
    if (stringAt(cookie, 'path') !== '') made['path'] = stringAt(cookie, 'path');
    const attributes = treesAt(cookie, 'attributes').map((a) => ({
      name: stringAt(a, 'name'),
      value: stringAt(a, 'value'),
    }));
    if (attributes.length > 0) made['attributes'] = attributes;
    out = { cookie: made };
  } else if (hash['useSourceIp'] !== undefined) {
    out = { connection_properties: hash['useSourceIp'] === true ? { source_ip: true } : {} };
  } else if (stringAt(hash, 'httpQueryParameterName') !== '') {
    out = { query_parameter: { name: stringAt(hash, 'httpQueryParameterName') } };
  }
  if (out !== undefined) allFrom(out, hash);
  return out;
}
