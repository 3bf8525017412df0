import { listAt, numberAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';
import { isAddress, nameFault, socketFault } from './names.js';

export function checkWorkloadEntry(admission: Admission): void {
  checkEndpoint(admission, admission.resource.spec, null, true);
}

/** An endpoint of a ServiceEntry, or a WorkloadEntry of its own (`ports` null). */
export function checkEndpoint(
  admission: Admission,
  endpoint: Tree,
  ports: ReadonlySet<string> | null,
  names: boolean,
): void {
  const address = stringAt(endpoint, 'address');
  const own = treeAt(endpoint, 'ports') ?? {};
  const socket = address.startsWith('unix://');
  if (address === '') {
    const network = stringAt(endpoint, 'network');
    if (network === '') {
      admission.refuse(endpoint, '', 'address is required');
      return;
    }
    admission.warn(endpoint, 'network', `address is unset with network "${network}"`);
  } else if (socket) {
    const reason = socketFault(address.slice('unix://'.length));
    if (reason !== null) admission.refuse(endpoint, 'address', reason);
    if (Object.keys(own).length > 0)
      admission.refuse(endpoint, 'ports', `unix endpoint ${address} must not include ports`);
  } else if (!isAddress(address) && (!names || nameFault(address) !== null)) {
    const what = names ? 'a valid FQDN or an IP address' : 'a valid IP address';
    admission.refuse(endpoint, 'address', `endpoint address "${address}" is not ${what}`);
  }
  for (const name of Object.keys(own)) {
    if (ports !== null && !ports.has(name)) {
      admission.refuse(own, name, `endpoint port ${String(own[name])} is not defined by the service entry`);
    }
    admission.portName(own, name, name);
    admission.port(own, name, numberAt(own, name));
  }
  admission.workloadLabels(endpoint, 'labels');
  if (socket && ports !== null && ports.size !== 1) {
    admission.refuse(endpoint, 'address', 'exactly 1 service port required for unix endpoints');
  }
}

export function checkWorkloadGroup(admission: Admission): void {
  const { spec, body } = admission.resource;
  if (treeAt(spec, 'template') === undefined) {
    admission.refuse(body, 'spec', 'template is required');
    return;
  }
  const metadata = treeAt(spec, 'metadata');
  if (metadata !== undefined) admission.workloadLabels(metadata, 'labels');
  if (admission.passed) checkProbe(admission, spec);
}

function checkProbe(admission: Admission, spec: Tree): void {
  const probe = treeAt(spec, 'probe');
  if (probe === undefined) return;
  for (const field of [
    'periodSeconds',
    'initialDelaySeconds',
    'timeoutSeconds',
    'successThreshold',
    'failureThreshold',
  ]) {
    if ((numberAt(probe, field) ?? 0) < 0) admission.refuse(probe, field, `${field} must be non-negative`);
  }
  const get = treeAt(probe, 'httpGet');
  const socket = treeAt(probe, 'tcpSocket');
  const exec = treeAt(probe, 'exec');
  if (get !== undefined) {
    admission.port(get, 'port', numberAt(get, 'port') ?? 0);
    const scheme = stringAt(get, 'scheme');
    if (!['', 'HTTP', 'HTTPS'].includes(scheme)) {
      admission.refuse(get, 'scheme', 'httpGet.scheme must be one of "HTTPS", "HTTP"', 'HTTP or HTTPS');
    }
    for (const header of treesAt(get, 'httpHeaders')) {
      const name = stringAt(header, 'name');
      if (!/^[-A-Za-z0-9]+$/.test(name))
        admission.refuse(header, 'name', `header name ${name} is not a valid header name`);
    }
  } else if (socket !== undefined) admission.port(socket, 'port', numberAt(socket, 'port') ?? 0);
  else if (exec !== undefined) {
    if (listAt(exec, 'command').length === 0) admission.refuse(exec, 'command', 'exec.command is required');
  } else admission.refuse(spec, 'probe', 'unknown health check method', 'httpGet, tcpSocket or exec');
}
