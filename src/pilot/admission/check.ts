import { isIP } from 'node:net';
import type { Findings } from '../finding.js';
import { protocolNamed } from '../protocol.js';
import type { Resource } from '../resource.js';
import { isTree, listAt, numberAt, stringAt, stringsAt, type Tree, treeAt, treesAt } from '../tree.js';
import { Admission, domainFault, isLabel } from './common.js';
import { checkConnectionPool, checkTrafficPolicy } from './traffic-policy.js';
import { checkVirtualService } from './virtual-service.js';

/** Checks a document as istiod's admission webhook does. True when it would be taken. */
export function checkAdmission(resource: Resource, findings: Findings): boolean {
  const admission = new Admission(resource, findings);
  const check = resource.group.endsWith('istio.io') ? CHECKS[resource.kind] : undefined;
  check?.(admission);
  return admission.passed;
}

const CHECKS: Readonly<Record<string, (admission: Admission) => void>> = {
  VirtualService: checkVirtualService,
  DestinationRule: checkDestinationRule,
  ServiceEntry: checkServiceEntry,
  WorkloadEntry: (admission) => checkEndpoint(admission, admission.resource.spec, null, true),
  Sidecar: checkSidecar,
  Gateway: checkGateway,
  EnvoyFilter: checkEnvoyFilter,
  PeerAuthentication: checkPeerAuthentication,
};

function checkDestinationRule(admission: Admission): void {
  const { spec } = admission.resource;
  admission.host(spec, 'host', stringAt(spec, 'host'));
  checkTrafficPolicy(admission, spec, 'trafficPolicy');
  const names = new Set<string>();
  for (const subset of treesAt(spec, 'subsets')) {
    const name = stringAt(subset, 'name');
    if (name === '') admission.refuse(subset, 'name', 'subset name cannot be empty');
    else if (!isLabel(name)) admission.refuse(subset, 'name', `subset name is invalid: ${name}`);
    if (names.has(name)) admission.refuse(subset, 'name', `duplicate subset names: ${name}`);
    names.add(name);
    checkTrafficPolicy(admission, subset, 'trafficPolicy');
  }
  admission.exportTo(false);
  const selector = treeAt(spec, 'workloadSelector');
  admission.labels(selector, 'matchLabels');
  const { namespace } = admission.resource;
  if (selector !== undefined && stringsAt(spec, 'exportTo').some((e) => e !== '.' && e !== namespace)) {
    const message = 'destination rule with workload selector cannot have exportTo beyond current namespace';
    admission.refuse(spec, 'exportTo', message, '.');
  }
}

function checkServiceEntry(admission: Admission): void {
  const { spec } = admission.resource;
  const resolution = stringAt(spec, 'resolution') || 'NONE';
  const hosts = stringsAt(spec, 'hosts');
  const endpoints = treesAt(spec, 'endpoints');
  const dns = resolution === 'DNS' || resolution === 'DNS_ROUND_ROBIN';
  if (treeAt(spec, 'workloadSelector') !== undefined && spec['endpoints'] !== undefined) {
    admission.refuse(spec, 'workloadSelector', 'only one of WorkloadSelector or Endpoints is allowed in Service Entry');
  }
  if (hosts.length === 0) admission.refuse(spec, 'hosts', 'service entry must have at least one host');
  for (let i = 0; i < hosts.length; i++) {
    const list = listAt(spec, 'hosts');
    if (hosts[i] === '*') admission.refuse(list, String(i), 'invalid host *');
    else admission.host(list, String(i), hosts[i]);
    if (dns && endpoints.length === 0 && hosts[i].startsWith('*')) {
      const message = `hosts must be FQDN if no endpoints are provided for resolution mode ${resolution}`;
      admission.refuse(list, String(i), message);
    }
  }
  const addresses = listAt(spec, 'addresses');
  for (let i = 0; i < addresses.length; i++) {
    const address = String(addresses[i]);
    if (isIP(address.split('/')[0]) === 0) admission.refuse(addresses, String(i), `${address} is not a valid IP`);
    if (address.includes('/') && resolution !== 'NONE' && resolution !== 'STATIC') {
      admission.refuse(addresses, String(i), 'CIDR addresses are allowed only for NONE/STATIC resolution types');
    }
  }
  const ports = checkServicePorts(admission, spec);
  if (resolution === 'NONE' && endpoints.length > 0) {
    admission.refuse(spec, 'endpoints', 'no endpoints should be provided for resolution type none');
  }
  if (resolution === 'DNS_ROUND_ROBIN' && endpoints.length > 1) {
    admission.refuse(spec, 'endpoints', `there must only be 0 or 1 endpoint for resolution mode ${resolution}`);
  }
  for (const endpoint of resolution === 'NONE' ? [] : endpoints) checkEndpoint(admission, endpoint, ports, dns);
  if (resolution !== 'NONE' && hosts.length > 1) {
    const plain = treesAt(spec, 'ports').find((p) => {
      const protocol = protocolNamed(stringAt(p, 'protocol'));
      return ['tcp', 'udp', 'sniffed', 'mongo', 'redis', 'mysql'].includes(protocol);
    });
    if (plain !== undefined) admission.refuse(plain, '', 'multiple hosts provided with non-HTTP, non-TLS ports');
  }
  admission.exportTo(true);
}

function checkServicePorts(admission: Admission, spec: Tree): Set<string> {
  const names = new Set<string>();
  const numbers = new Set<number>();
  for (const port of treesAt(spec, 'ports')) {
    const name = stringAt(port, 'name');
    const number = numberAt(port, 'number') ?? 0;
    if (names.has(name)) admission.refuse(port, 'name', `service entry port name "${name}" already defined`);
    if (numbers.has(number)) admission.refuse(port, 'number', `service entry port ${number} already defined`);
    names.add(name);
    numbers.add(number);
    admission.port(port, 'number', number);
    if (!isLabel(name)) admission.refuse(port, 'name', `invalid port name: ${name}`);
    const protocol = stringAt(port, 'protocol');
    if (protocol !== '' && protocolNamed(protocol) === 'sniffed') {
      admission.refuse(
        port,
        'protocol',
        `unsupported protocol: ${protocol}`,
        'HTTP, HTTPS, GRPC, HTTP2, MONGO, TCP, TLS',
      );
    }
  }
  return names;
}

/** An endpoint of a ServiceEntry, or a WorkloadEntry of its own (`ports` null). */
function checkEndpoint(admission: Admission, endpoint: Tree, ports: Set<string> | null, names: boolean): void {
  const address = stringAt(endpoint, 'address');
  if (address === '') {
    if (stringAt(endpoint, 'network') === '') admission.refuse(endpoint, '', 'address is required');
  } else if (!address.startsWith('unix://') && isIP(address) === 0) {
    if (!names || domainFault(address) !== null || address.startsWith('*')) {
      const message = names
        ? `endpoint address "${address}" is not a valid FQDN or an IP address`
        : `endpoint address "${address}" is not a valid IP address`;
      admission.refuse(endpoint, 'address', message);
    }
  }
  const own = treeAt(endpoint, 'ports') ?? {};
  for (const name of Object.keys(own)) {
    if (ports !== null && !ports.has(name)) {
      admission.refuse(own, name, `endpoint port ${String(own[name])} is not defined by the service entry`);
    }
    admission.port(own, name, numberAt(own, name));
  }
}

function checkSidecar(admission: Admission): void {
  const { spec } = admission.resource;
  const egress = treesAt(spec, 'egress');
  admission.labels(treeAt(spec, 'workloadSelector'), 'labels');
  let catchAll = false;
  for (const listener of egress) {
    const hosts = listAt(listener, 'hosts');
    if (hosts.length === 0) admission.refuse(listener, '', 'sidecar: egress listener must contain at least one host');
    for (let i = 0; i < hosts.length; i++) {
      const host = String(hosts[i]);
      const slash = host.indexOf('/');
      if (slash === -1 || host.indexOf('/', slash + 1) !== -1) {
        admission.refuse(
          hosts,
          String(i),
          'host must be of form namespace/dnsName',
          './*, istio-system/* or */shop.example',
        );
        continue;
      }
      const name = host.slice(slash + 1);
      const reason = name === '*' ? null : domainFault(name);
      if (reason !== null) admission.refuse(hosts, String(i), reason);
    }
    const port = treeAt(listener, 'port');
    if (port !== undefined) {
      const bind = stringAt(listener, 'bind');
      if (!bind.startsWith('unix://')) admission.port(port, 'number', numberAt(port, 'number') ?? 0);
      continue;
    }
    if (catchAll) {
      const message = 'sidecar: empty egress listener port allowed only for the last listener';
      admission.refuse(listener, '', message);
    }
    catchAll = true;
  }
  checkConnectionPool(admission, spec, 'inboundConnectionPool');
  for (const listener of treesAt(spec, 'ingress')) {
    const port = treeAt(listener, 'port');
    if (port === undefined) admission.refuse(listener, '', 'sidecar: port is required for ingress listeners');
    else admission.port(port, 'number', numberAt(port, 'number') ?? 0);
    checkConnectionPool(admission, listener, 'connectionPool');
    const endpoint = stringAt(listener, 'defaultEndpoint');
    if (endpoint === '' || endpoint.startsWith('unix://')) continue;
    const cut = endpoint.lastIndexOf(':');
    const address = endpoint.slice(0, cut).replace(/^\[|\]$/g, '');
    if (!['127.0.0.1', '0.0.0.0', '::1', '::'].includes(address) || !/^\d+$/.test(endpoint.slice(cut + 1))) {
      admission.refuse(
        listener,
        'defaultEndpoint',
        'sidecar: defaultEndpoint must be of form 127.0.0.1:<port>,0.0.0.0:<port>, [::1]:port, [::]:port, unix://filepath or unset',
      );
    }
  }
}

function checkGateway(admission: Admission): void {
  const { spec } = admission.resource;
  const servers = treesAt(spec, 'servers');
  if (servers.length === 0) admission.refuse(admission.resource.body, 'spec', 'gateway must have at least one server');
  for (const server of servers) {
    const port = treeAt(server, 'port');
    if (port === undefined) admission.refuse(server, '', 'port is required');
    else {
      admission.port(port, 'number', numberAt(port, 'number') ?? 0);
      if (stringAt(port, 'name') === '') admission.refuse(server, 'port', 'port name must be set');
      const protocol = stringAt(port, 'protocol');
      if (protocolNamed(protocol) === 'sniffed') {
        admission.refuse(
          port,
          'protocol',
          `invalid protocol "${protocol}"`,
          'HTTP, HTTPS, HTTP2, GRPC, GRPC-WEB, MONGO, REDIS, MYSQL, TCP, TLS',
        );
      }
    }
    const hosts = listAt(server, 'hosts');
    if (hosts.length === 0) admission.refuse(server, '', 'server config must contain at least one host');
    for (let i = 0; i < hosts.length; i++) {
      const host = String(hosts[i]);
      const name = host.slice(host.indexOf('/') + 1);
      if (name !== '*') admission.host(hosts, String(i), name, true);
    }
  }
}

const OPERATIONS_WITH_VALUE = new Set(['ADD', 'MERGE', 'INSERT_BEFORE', 'INSERT_AFTER', 'INSERT_FIRST', 'REPLACE']);

function checkEnvoyFilter(admission: Admission): void {
  const { spec, body } = admission.resource;
  admission.warn(
    body,
    'kind',
    'EnvoyFilter exposes internal implementation details that may change at any time. Prefer other APIs if possible, and exercise extreme caution, especially around upgrades.',
  );
  admission.labels(treeAt(spec, 'workloadSelector'), 'labels');
  for (const patch of treesAt(spec, 'configPatches')) {
    if (stringAt(patch, 'applyTo') === '') admission.refuse(patch, '', 'Envoy filter: missing applyTo');
    const change = treeAt(patch, 'patch');
    if (change === undefined) {
      admission.refuse(patch, '', 'Envoy filter: missing patch');
      continue;
    }
    const operation = stringAt(change, 'operation');
    if (operation === '' || operation === 'INVALID')
      admission.refuse(patch, 'patch', 'Envoy filter: missing patch operation');
    else if (OPERATIONS_WITH_VALUE.has(operation) && !isTree(change['value'])) {
      admission.refuse(patch, 'patch', 'Envoy filter: missing patch value for non-remove operation');
    } else if (operation === 'REMOVE' && change['value'] !== undefined) {
      admission.warn(change, 'value', 'Envoy filter: value should be empty when operation is REMOVE');
    }
  }
}

function checkPeerAuthentication(admission: Admission): void {
  const { spec } = admission.resource;
  const selector = treeAt(spec, 'selector');
  admission.labels(selector, 'matchLabels');
  const ports = treeAt(spec, 'portLevelMtls');
  if (ports === undefined) return;
  if (Object.keys(treeAt(selector, 'matchLabels') ?? {}).length === 0) {
    admission.refuse(spec, 'portLevelMtls', 'portLevelMtls requires selector');
  }
  for (const port of Object.keys(ports)) {
    const number = Number(port);
    if (!Number.isInteger(number) || number < 1 || number > 65535) {
      admission.refuse(ports, port, 'port must be between 1-65535');
    }
  }
}
