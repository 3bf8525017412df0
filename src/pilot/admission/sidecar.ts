import { isHttp, isTls, protocolNamed } from '../protocol.js';
import { booleanAt, listAt, numberAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';
import { checkHostPart, checkServerTls } from './gateway.js';
import { isAddress, isLabel, nameFault, socketFault } from './names.js';
import { checkConnectionPool } from './traffic-policy.js';

export function checkSidecar(admission: Admission): void {
  const { spec, body } = admission.resource;
  if (!admission.workloadSelector('sidecar')) return;
  const parts = ['egress', 'ingress'].every((f) => listAt(spec, f).length === 0);
  if (
    parts &&
    treeAt(spec, 'outboundTrafficPolicy') === undefined &&
    treeAt(spec, 'inboundConnectionPool') === undefined
  ) {
    admission.refuse(body, 'spec', 'sidecar: empty configuration provided');
    return;
  }
  checkIngress(admission, spec);
  checkConnectionPool(admission, spec, 'inboundConnectionPool');
  checkEgress(admission, spec);
  checkOutboundPolicy(admission, spec);
}

const UNIQUE = 'sidecar: ports on IP bound listeners must be unique';

function checkIngress(admission: Admission, spec: Tree): void {
  const numbers = new Set<number>();
  for (const listener of treesAt(spec, 'ingress')) {
    const port = treeAt(listener, 'port');
    if (port === undefined) {
      admission.refuse(listener, '', 'sidecar: port is required for ingress listeners');
      continue;
    }
    const number = numberAt(port, 'number') ?? 0;
    checkPort(admission, port);
    admission.port(port, 'number', number);
    checkBind(admission, listener);
    if (numbers.has(number)) admission.refuse(port, 'number', UNIQUE);
    numbers.add(number);
    checkDefaultEndpoint(admission, listener);
    checkIngressTls(admission, listener, port);
    checkConnectionPool(admission, listener, 'connectionPool');
    const protocol = stringAt(port, 'protocol');
    if (treeAt(treeAt(listener, 'connectionPool'), 'http') !== undefined && !isHttp(protocolNamed(protocol))) {
      const message = `sidecar: HTTP connection pool settings are configured for port ${number} but its protocol is not HTTP (${protocol}); only TCP settings will apply`;
      admission.warn(listener, 'connectionPool', message);
    }
  }
}

function checkPort(admission: Admission, port: Tree): void {
  if ((numberAt(port, 'targetPort') ?? 0) > 0) {
    admission.refuse(port, 'targetPort', 'targetPort has no impact on Sidecars');
  }
  const name = stringAt(port, 'name');
  if (name !== '') admission.portName(port, 'name', name);
  admission.protocol(port, 'protocol');
}

function checkBind(admission: Admission, listener: Tree): void {
  const bind = stringAt(listener, 'bind');
  if (bind !== '' && !isAddress(bind)) admission.refuse(listener, 'bind', `${bind} is not a valid IP`);
}

function checkDefaultEndpoint(admission: Admission, listener: Tree): void {
  const endpoint = stringAt(listener, 'defaultEndpoint');
  if (endpoint === '') return;
  if (endpoint.startsWith('unix://')) {
    const reason = socketFault(endpoint.slice('unix://'.length));
    if (reason !== null) admission.refuse(listener, 'defaultEndpoint', reason);
    return;
  }
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(endpoint);
  const host = parts?.[1] ?? parts?.[2] ?? 'none';
  const port = /^[-+]?\d+$/.test(parts?.[3] ?? '') ? Number(parts?.[3]) : 0;
  if (['', '127.0.0.1', '0.0.0.0', '::1', '::'].includes(host) && port >= 1 && port <= 65535) return;
  const allowed = '127.0.0.1:<port>, 0.0.0.0:<port>, [::1]:<port>, [::]:<port>, unix://filepath or nothing';
  admission.refuse(listener, 'defaultEndpoint', `sidecar: defaultEndpoint must be of form ${allowed}`, allowed);
}

function checkIngressTls(admission: Admission, listener: Tree, port: Tree): void {
  const tls = treeAt(listener, 'tls');
  if (tls === undefined) return;
  const refuse = (field: string, message: string) => admission.refuse(tls, field, message);
  for (const field of ['subjectAltNames', 'credentialNames', 'tlsCertificates']) {
    if (listAt(tls, field).length > 0) refuse(field, `sidecar: ${field} is not supported in ingress tls`);
  }
  if (booleanAt(tls, 'httpsRedirect') === true) refuse('httpsRedirect', 'sidecar: httpsRedirect is not supported');
  if (stringAt(tls, 'credentialName') !== '')
    refuse('credentialName', 'sidecar: credentialName is not currently supported');
  const mode = stringAt(tls, 'mode');
  if (mode === 'ISTIO_MUTUAL' || mode === 'AUTO_PASSTHROUGH') {
    refuse('mode', `configuration is invalid: cannot set mode to ${mode} in sidecar ingress tls`);
  }
  if (!isTls(protocolNamed(stringAt(port, 'protocol')))) {
    admission.refuse(listener, 'tls', 'server cannot have TLS settings for non HTTPS/TLS ports');
  }
  checkServerTls(admission, tls);
}

function checkEgress(admission: Admission, spec: Tree): void {
  const listeners = treesAt(spec, 'egress');
  const numbers = new Set<number>();
  const sockets = new Set<string>();
  let catchAll = false;
  for (const [i, listener] of listeners.entries()) {
    const port = treeAt(listener, 'port');
    if (port === undefined) {
      if (catchAll) {
        admission.refuse(listener, '', 'sidecar: egress can have only one listener with empty port');
        continue;
      }
      if (i === listeners.length - 1) catchAll = true;
      else {
        const message = 'sidecar: the egress listener with empty port should be the last listener in the list';
        admission.refuse(listener, '', message);
      }
    } else {
      checkPort(admission, port);
      const number = numberAt(port, 'number') ?? 0;
      const bind = stringAt(listener, 'bind');
      if (number === 0) {
        checkSocket(admission, listener, bind);
        if (sockets.has(bind)) {
          admission.refuse(listener, 'bind', 'sidecar: unix domain socket values for listeners must be unique');
        }
        sockets.add(bind);
      } else {
        admission.port(port, 'number', number);
        checkBind(admission, listener);
        if (numbers.has(number)) admission.refuse(port, 'number', UNIQUE);
        numbers.add(number);
      }
    }
    checkHosts(admission, listener);
  }
}

function checkSocket(admission: Admission, listener: Tree, bind: string): void {
  const reason = bind.startsWith('unix://')
    ? socketFault(bind.slice('unix://'.length))
    : 'sidecar: ports with 0 value must have a unix domain socket bind address';
  if (reason !== null) admission.refuse(listener, 'bind', reason, 'unix:///path');
  if (!['', 'DEFAULT', 'NONE'].includes(stringAt(listener, 'captureMode'))) {
    const message = 'sidecar: captureMode must be DEFAULT/NONE for unix domain socket listeners';
    admission.refuse(listener, 'captureMode', message);
  }
}

function checkHosts(admission: Admission, listener: Tree): void {
  const hosts = listAt(listener, 'hosts');
  if (hosts.length === 0) admission.refuse(listener, '', 'sidecar: egress listener must contain at least one host');
  const seen = new Map<string, Set<string>>();
  for (let i = 0; i < hosts.length; i++) {
    const host = String(hosts[i]);
    const slash = host.indexOf('/');
    if (slash === -1) {
      const allowed = './*, istio-system/* or */shop.example';
      admission.refuse(hosts, String(i), 'host must be of form namespace/dnsName', allowed);
      continue;
    }
    const [namespace, name] = [host.slice(0, slash), host.slice(slash + 1)];
    if (!namespace.startsWith('~')) {
      const key = namespace === '.' ? admission.resource.namespace : namespace;
      const known = seen.get(key) ?? new Set<string>();
      seen.set(key, known);
      const repeated = name === '*' ? known.size > 0 : known.has(name) || known.has('*');
      if (repeated) admission.warn(hosts, String(i), `duplicated egress host: ${host}`);
      known.add(name);
    }
    if (namespace === '' || name === '') {
      admission.refuse(hosts, String(i), 'config namespace and dnsName in host entry cannot be empty');
    }
    const plain = namespace.startsWith('~') ? namespace.slice(1) : namespace;
    if (plain !== '' && plain !== '*' && plain !== '.' && !isLabel(plain)) {
      admission.refuse(hosts, String(i), `invalid namespace value "${namespace}" in sidecar`);
    }
    checkHostPart(admission, hosts, String(i), name, false);
  }
  if (seen.get('*')?.has('*') === true && seen.size !== 1) {
    admission.warn(listener, 'hosts', '`*/*` host select all resources, no other hosts can be added');
  }
}

function checkOutboundPolicy(admission: Admission, spec: Tree): void {
  const policy = treeAt(spec, 'outboundTrafficPolicy');
  if (policy === undefined) return;
  const mode = stringAt(policy, 'mode');
  if (mode === 'ALLOW_ANY_DYNAMIC_DNS') {
    const message = 'sidecar: ALLOW_ANY_DYNAMIC_DNS mode is only supported in MeshConfig, not in Sidecar resource';
    admission.refuse(policy, 'mode', message);
    return;
  }
  const proxy = treeAt(policy, 'egressProxy');
  if (proxy === undefined) return;
  if (mode !== 'ALLOW_ANY') {
    const message = 'sidecar: egress_proxy must be set only with ALLOW_ANY outbound_traffic_policy mode';
    admission.refuse(policy, 'egressProxy', message);
    return;
  }
  const reason = nameFault(stringAt(proxy, 'host'));
  if (reason !== null) admission.refuse(proxy, 'host', reason);
  if (treeAt(proxy, 'port') === undefined)
    admission.refuse(policy, 'egressProxy', 'sidecar: egress_proxy port must be non-nil');
  else admission.destination(policy, 'egressProxy');
}
