import { isHttp, isTls, protocolNamed } from '../protocol.js';
import { booleanAt, listAt, numberAt, stringAt, stringsAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';
import { domainFault, isAddress, isLabel, isPartialWildcard, socketFault } from './names.js';

export function checkGateway(admission: Admission): void {
  const { spec, body, name, annotations } = admission.resource;
  // Gateways that istiod makes of those of the Gateway API.
  const made = annotations['internal.istio.io/gateway-semantics'] === 'gateway';
  if (!made && !isLabel(name)) admission.refuse(body, 'metadata', `invalid gateway name: "${name}"`, 'a DNS label');
  const servers = treesAt(spec, 'servers');
  if (servers.length === 0) admission.refuse(body, 'spec', 'gateway must have at least one server');
  const names = new Set<string>();
  for (const server of servers) {
    checkServer(admission, server, made);
    const port = treeAt(server, 'port');
    if (port === undefined) continue;
    const own = stringAt(port, 'name');
    if (names.has(own)) {
      admission.refuse(port, 'name', `port names in servers must be unique: duplicate name ${own}`);
    }
    names.add(own);
    const redirects = booleanAt(treeAt(server, 'tls'), 'httpsRedirect') === true;
    if (redirects && !isHttp(protocolNamed(stringAt(port, 'protocol')))) {
      admission.warn(server, 'tls', 'tls.httpsRedirect should only be used with http servers');
    }
  }
}

function checkServer(admission: Admission, server: Tree, made: boolean): void {
  const hosts = listAt(server, 'hosts');
  if (hosts.length === 0) admission.refuse(server, '', 'server config must contain at least one host');
  for (let i = 0; i < hosts.length; i++) checkHost(admission, hosts, String(i), String(hosts[i]), made);
  const port = treeAt(server, 'port');
  const bind = stringAt(server, 'bind');
  const socket = bind.startsWith('unix://');
  const before = admission.passed;
  admission.passed = true;
  checkPort(admission, server, port, socket);
  const portPassed = admission.passed;
  admission.passed = portPassed && before;
  if (socket) {
    const reason = socketFault(bind.slice('unix://'.length));
    if (reason !== null) admission.refuse(server, 'bind', reason);
    if (port !== undefined && (numberAt(port, 'number') ?? 0) !== 0) {
      admission.refuse(port, 'number', 'port number must be 0 for unix domain socket');
    }
  } else if (bind !== '' && !isAddress(bind)) admission.refuse(server, 'bind', `${bind} is not a valid IP`);
  const tls = treeAt(server, 'tls');
  if (tls !== undefined) checkServerTls(admission, tls);
  if (port !== undefined && portPassed) checkTlsOfPort(admission, server, stringAt(port, 'protocol'), tls);
}

function checkPort(admission: Admission, server: Tree, port: Tree | undefined, socket: boolean): void {
  if (port === undefined) {
    admission.refuse(server, '', 'port is required');
    return;
  }
  const protocol = stringAt(port, 'protocol');
  if (protocolNamed(protocol) === 'sniffed') {
    const allowed = 'HTTP, HTTPS, HTTP2, GRPC, GRPC-WEB, MONGO, REDIS, MYSQL, TCP, TLS';
    admission.refuse(port, 'protocol', `invalid protocol "${protocol}"`, allowed);
  }
  const number = numberAt(port, 'number') ?? 0;
  if (number > 0 || !socket) admission.port(port, 'number', number);
  if ((numberAt(port, 'targetPort') ?? 0) > 0) {
    admission.refuse(port, 'targetPort', 'targetPort has no impact on Gateways');
  }
  if (stringAt(port, 'name') === '') admission.refuse(server, 'port', 'port name must be set');
}

function isPassthrough(tls: Tree): boolean {
  return ['PASSTHROUGH', 'AUTO_PASSTHROUGH'].includes(modeOf(tls));
}

/** `mode` of a server's TLS; PASSTHROUGH when it is not written. */
function modeOf(tls: Tree): string {
  return stringAt(tls, 'mode') || 'PASSTHROUGH';
}

function checkTlsOfPort(admission: Admission, server: Tree, name: string, tls: Tree | undefined): void {
  const protocol = protocolNamed(name);
  if (isTls(protocol)) {
    if (tls === undefined) admission.refuse(server, '', 'server must have TLS settings for HTTPS/TLS protocols');
    return;
  }
  if (tls === undefined) return;
  if (!isHttp(protocol)) {
    admission.refuse(server, 'tls', 'server cannot have TLS settings for non HTTPS/TLS ports');
    return;
  }
  const files = ['caCertificates', 'privateKey', 'serverCertificate'].some((f) => stringAt(tls, f) !== '');
  if (!isPassthrough(tls) || files) {
    admission.refuse(server, 'tls', 'server cannot have TLS settings for plain text HTTP ports');
  }
}

function checkHost(admission: Admission, tree: object, field: string, host: string, made: boolean): void {
  const slash = host.indexOf('/');
  if (slash === -1) {
    checkHostPart(admission, tree, field, host, true);
    return;
  }
  const [namespace, name] = [host.slice(0, slash), host.slice(slash + 1)];
  if (namespace === '' || name === '') {
    admission.refuse(tree, field, 'config namespace and dnsName in host entry cannot be empty');
  }
  const special = namespace === '*' || namespace === '.' || (made && namespace === '~');
  if (!special && !isLabel(namespace)) {
    admission.refuse(tree, field, `invalid namespace value "${namespace}" in gateway`);
  }
  checkHostPart(admission, tree, field, name, true);
}

/** The name of a host behind `namespace/`; a Gateway may have an address there. */
export function checkHostPart(admission: Admission, tree: object, field: string, name: string, gateway: boolean): void {
  if (name !== '*' && !name.includes('.')) admission.refuse(tree, field, 'short names (non FQDN) are not allowed');
  const reason = domainFault(name);
  if (reason !== null && !(gateway && isAddress(name))) admission.refuse(tree, field, reason);
  if (isPartialWildcard(name)) admission.refuse(tree, field, `partial wildcard "${name}" not allowed`);
}

const CIPHERS = new Set([
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA',
  'AES256-SHA',
  'DES-CBC3-SHA',
]);

/** Fields that name certificates. */
const CERTIFICATES = [
  'serverCertificate',
  'privateKey',
  'caCertificates',
  'tlsCertificates',
  'credentialName',
  'credentialNames',
];

/** ServerTLSSettings. */
export function checkServerTls(admission: Admission, tls: Tree): void {
  const has = (field: string) => stringAt(tls, field) !== '' || listAt(tls, field).length > 0;
  checkCiphers(admission, tls);
  const mode = modeOf(tls);
  if (mode === 'ISTIO_MUTUAL') {
    for (const field of CERTIFICATES.filter(has)) {
      admission.refuse(tls, field, `ISTIO_MUTUAL TLS cannot have associated ${field}`);
    }
    return;
  }
  if (isPassthrough(tls) && [...CERTIFICATES, 'caCrl'].some(has)) {
    admission.warn(tls, 'mode', `${mode} mode does not use certificates, they will be ignored`);
  }
  const sources = [
    has('serverCertificate') && has('privateKey'),
    has('credentialName'),
    has('credentialNames'),
    has('tlsCertificates'),
  ];
  if (sources.filter(Boolean).length > 1) {
    const message =
      'only one of credential_name, credential_names, server_certificate/private_key, tls_certificates should be specified';
    admission.refuse(tls, 'mode', message);
  }
  const ends = ['SIMPLE', 'MUTUAL', 'OPTIONAL_MUTUAL'].includes(mode);
  if (ends && (has('credentialName') || has('credentialNames'))) return;
  if (ends) checkCertificates(admission, tls, mode);
  if (!has('caCrl')) return;
  if (has('credentialName')) admission.refuse(tls, 'caCrl', 'CRL is not supported with credentialName');
  if (mode === 'SIMPLE') admission.refuse(tls, 'caCrl', 'CRL is not supported with SIMPLE TLS');
}

function checkCertificates(admission: Admission, tls: Tree, mode: string): void {
  const prefix = mode === 'SIMPLE' ? 'SIMPLE TLS' : 'MUTUAL TLS';
  if (mode !== 'SIMPLE' && stringAt(tls, 'caCertificates') === '') {
    admission.refuse(tls, 'mode', `${prefix} requires a client CA bundle`);
  }
  const pairs = treesAt(tls, 'tlsCertificates');
  if (pairs.length > 2) admission.warn(tls, 'tlsCertificates', `${prefix} can support up to 2 server certificates`);
  for (const pair of pairs.length > 0 ? pairs : [tls]) {
    if (stringAt(pair, 'serverCertificate') === '') {
      admission.refuse(pair, 'serverCertificate', `${prefix} requires a server certificate`);
    }
    if (stringAt(pair, 'privateKey') === '') admission.refuse(pair, 'privateKey', `${prefix} requires a private key`);
  }
}

function checkCiphers(admission: Admission, tls: Tree): void {
  const suites = stringsAt(tls, 'cipherSuites');
  if (['TLSV1_0', 'TLSV1_1'].includes(stringAt(tls, 'minProtocolVersion')) && suites.length === 0) {
    const message =
      'TLS version below TLSV1_2 require setting compatible ciphers as by default they no longer include compatible ciphers.';
    admission.warn(tls, 'minProtocolVersion', message);
  }
  const valid = (suite: string) =>
    suite === '' || suite === 'ALL' || !/^[\p{L}\p{N}]/u.test(suite) || CIPHERS.has(suite);
  const wrong = suites.filter((suite) => !valid(suite));
  if (wrong.length > 0) admission.warn(tls, 'cipherSuites', `ignoring invalid cipher suites: ${wrong.join(', ')}`);
  const repeated = suites.filter((suite, i) => valid(suite) && suites.indexOf(suite) !== i);
  if (repeated.length > 0)
    admission.warn(tls, 'cipherSuites', `ignoring duplicate cipher suites: ${repeated.join(', ')}`);
}
