import { isHttp, isTls, protocolNamed } from '../protocol.js';
import { listAt, numberAt, stringAt, stringsAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';
import { isAddress, isPartialWildcard, nameFault } from './names.js';
import { checkEndpoint } from './workload.js';

export function checkServiceEntry(admission: Admission): void {
  const { spec } = admission.resource;
  if (!admission.workloadSelector('service entry')) return;
  const resolution = stringAt(spec, 'resolution') || 'NONE';
  if (treeAt(spec, 'workloadSelector') !== undefined && listAt(spec, 'endpoints').length > 0) {
    admission.refuse(spec, 'workloadSelector', 'only one of WorkloadSelector or Endpoints is allowed in Service Entry');
  }
  checkHosts(admission, spec, resolution);
  admission.subnets(spec, 'addresses');
  const prefix = stringsAt(spec, 'addresses').some((a) => a.includes('/'));
  if (prefix && resolution !== 'NONE' && resolution !== 'STATIC') {
    admission.refuse(spec, 'addresses', 'CIDR addresses are allowed only for NONE/STATIC resolution types');
  }
  const ports = checkPorts(admission, spec, resolution);
  const endpoints = treesAt(spec, 'endpoints');
  switch (resolution) {
    case 'NONE':
      if (endpoints.length > 0) {
        admission.refuse(spec, 'endpoints', 'no endpoints should be provided for resolution type none');
      }
      if (treeAt(spec, 'workloadSelector') !== undefined) {
        admission.warn(spec, 'workloadSelector', 'workloadSelector should not be set when resolution mode is NONE');
      }
      break;
    case 'STATIC':
      for (const endpoint of endpoints) checkEndpoint(admission, endpoint, ports, false);
      break;
    case 'DYNAMIC_DNS':
      checkDynamic(admission, spec);
      break;
    default:
      checkDns(admission, spec, resolution, ports);
  }
  const several = resolution !== 'NONE' && stringsAt(spec, 'hosts').length > 1;
  const plain = treesAt(spec, 'ports').find((p) => {
    const protocol = protocolNamed(stringAt(p, 'protocol'));
    return !isHttp(protocol) && !isTls(protocol);
  });
  if (several && plain !== undefined)
    admission.refuse(plain, '', 'multiple hosts provided with non-HTTP, non-TLS ports');
  admission.exportTo({ nobody: true });
}

function checkHosts(admission: Admission, spec: Tree, resolution: string): void {
  const list = listAt(spec, 'hosts');
  if (list.length === 0) admission.refuse(spec, 'hosts', 'service entry must have at least one host');
  for (let i = 0; i < list.length; i++) {
    const host = String(list[i]);
    if (host === '*') {
      admission.refuse(list, String(i), 'invalid host *');
      continue;
    }
    admission.host(list, String(i), host);
    if (resolution !== 'DYNAMIC_DNS' && isPartialWildcard(host)) {
      admission.warn(list, String(i), `partial wildcard "${host}" not allowed`);
    }
  }
}

/** Whether istiod gives the entry an address of its own. */
function getsAddress(admission: Admission, resolution: string): boolean {
  const { labels, spec } = admission.resource;
  const asked = labels['networking.istio.io/enable-autoallocate-ip'];
  return resolution !== 'NONE' && asked?.toLowerCase() !== 'false' && listAt(spec, 'addresses').length === 0;
}

function checkPorts(admission: Admission, spec: Tree, resolution: string): Set<string> {
  const names = new Set<string>();
  const numbers = new Set<number>();
  const needsAddress = listAt(spec, 'addresses').length === 0 && !getsAddress(admission, resolution);
  for (const port of treesAt(spec, 'ports')) {
    const name = stringAt(port, 'name');
    const number = numberAt(port, 'number') ?? 0;
    if (names.has(name)) admission.refuse(port, 'name', `service entry port name "${name}" already defined`);
    if (numbers.has(number)) admission.refuse(port, 'number', `service entry port ${number} already defined`);
    names.add(name);
    numbers.add(number);
    const target = numberAt(port, 'targetPort') ?? 0;
    if (target !== 0) admission.port(port, 'targetPort', target);
    const protocol = stringAt(port, 'protocol');
    if (needsAddress && (protocol === '' || protocol === 'TCP')) {
      const message =
        'addresses are required for ports serving TCP (or unset) protocol when IP Autoallocation is not enabled';
      admission.warn(port, 'protocol', message);
    }
    admission.portName(port, 'name', name);
    admission.protocol(port, 'protocol');
    admission.port(port, 'number', number);
  }
  return names;
}

function checkDns(admission: Admission, spec: Tree, resolution: string, ports: ReadonlySet<string>): void {
  const endpoints = treesAt(spec, 'endpoints');
  const hosts = listAt(spec, 'hosts');
  for (let i = 0; endpoints.length === 0 && i < hosts.length; i++) {
    if (nameFault(String(hosts[i])) === null) continue;
    const message = `hosts must be FQDN or contain only prefix wildcards if no endpoints are provided for resolution mode ${resolution}`;
    admission.refuse(hosts, String(i), message);
    break;
  }
  if (resolution === 'DNS_ROUND_ROBIN' && endpoints.length > 1) {
    admission.refuse(spec, 'endpoints', `there must only be 0 or 1 endpoint for resolution mode ${resolution}`);
  }
  for (const endpoint of endpoints) {
    const address = stringAt(endpoint, 'address');
    if (!isAddress(address) && nameFault(address) !== null) {
      admission.refuse(endpoint, 'address', `endpoint address "${address}" is not a valid FQDN or an IP address`);
    }
    admission.workloadLabels(endpoint, 'labels');
    const own = treeAt(endpoint, 'ports') ?? {};
    for (const name of Object.keys(own)) {
      if (!ports.has(name)) {
        admission.refuse(own, name, `endpoint port ${String(own[name])} is not defined by the service entry`);
      }
      admission.portName(own, name, name);
      admission.port(own, name, numberAt(own, name));
    }
  }
  const bytes = treesAt(spec, 'ports').find((p) =>
    ['tcp', 'https', 'tls', 'mongo', 'redis', 'mysql'].includes(protocolNamed(stringAt(p, 'protocol'))),
  );
  if (listAt(spec, 'addresses').length > 0 && bytes !== undefined && hosts.length > 1) {
    admission.warn(
      bytes,
      '',
      'service entry can not have more than one host specified simultaneously with address and tcp port',
    );
  }
}

function checkDynamic(admission: Admission, spec: Tree): void {
  const { labels } = admission.resource;
  const hosts = listAt(spec, 'hosts');
  for (let i = 0; i < hosts.length; i++) {
    if (!String(hosts[i]).startsWith('*')) {
      admission.refuse(hosts, String(i), 'host must be wildcarded for resolution mode DYNAMIC_DNS');
    }
  }
  for (const field of ['addresses', 'endpoints']) {
    if (listAt(spec, field).length > 0) {
      admission.refuse(spec, field, `${field} cannot be set for resolution type DYNAMIC_DNS`);
    }
  }
  for (const port of treesAt(spec, 'ports')) {
    if (['http', 'tls', 'grpc', 'http2'].includes(protocolNamed(stringAt(port, 'protocol')))) continue;
    const message = 'only HTTP, TLS, GRPC, and HTTP2 protocols are supported for resolution type DYNAMIC_DNS';
    admission.refuse(port, 'protocol', message, 'HTTP, TLS, GRPC, HTTP2');
  }
  const waypoint = labels['istio.io/use-waypoint'] ?? '';
  if (stringAt(spec, 'location') === 'MESH_INTERNAL' && waypoint !== '' && waypoint.toLowerCase() !== 'none') {
    const message = 'location MESH_INTERNAL with resolution type DYNAMIC_DNS is not supported when using waypoints';
    admission.refuse(spec, 'location', message);
  }
}
