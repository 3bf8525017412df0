import { listAt, stringAt, stringsAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';
import { isAddress, isPrefix } from './names.js';

export function checkAuthorizationPolicy(admission: Admission): void {
  const { spec, body } = admission.resource;
  const action = stringAt(spec, 'action') || 'ALLOW';
  admission.withoutWarnings(() => admission.targets());
  admission.selectorWarning(spec);
  const rules = treesAt(spec, 'rules');
  const provider = treeAt(spec, 'provider');
  const none = !Array.isArray(spec['rules']) || spec['rules'].length === 0;
  const allowed = 'an empty rule {} to have it triggered for every request';
  if (action === 'CUSTOM') {
    if (none)
      admission.refuse(
        body,
        'spec',
        'CUSTOM action without `rules` is meaningless as it will never be triggered',
        allowed,
      );
    else if (stringAt(provider, 'name') === '') admission.refuse(spec, 'provider', '`provider.name` must not be empty');
    for (const rule of rules) checkCustom(admission, rule);
  } else if (provider !== undefined) {
    admission.refuse(spec, 'provider', `\`provider\` must not be with non CUSTOM action, found ${action}`);
  }
  if (action === 'DENY' && none) {
    admission.refuse(body, 'spec', 'DENY action without `rules` is meaningless as it will never be triggered', allowed);
  }
  for (const rule of rules) checkRule(admission, rule, action);
}

/** What an external authorizer is not told. */
const NOT_CUSTOM = [
  'namespaces',
  'notNamespaces',
  'serviceAccounts',
  'notServiceAccounts',
  'trustDomains',
  'notTrustDomains',
  'principals',
  'notPrincipals',
  'requestPrincipals',
  'notRequestPrincipals',
];
const NOT_CUSTOM_KEYS = ['source.namespace', 'source.serviceAccount', 'source.trustDomain', 'source.principal'];

function checkCustom(admission: Admission, rule: Tree): void {
  for (const from of treesAt(rule, 'from')) {
    const source = treeAt(from, 'source');
    for (const field of NOT_CUSTOM) {
      if (source !== undefined && listAt(source, field).length > 0) {
        admission.refuse(source, field, `${field} is currently not supported with CUSTOM action`);
      }
    }
  }
  for (const when of treesAt(rule, 'when')) {
    const key = stringAt(when, 'key');
    if (NOT_CUSTOM_KEYS.includes(key) || key.startsWith('request.auth.')) {
      admission.refuse(when, 'key', `${key} is currently not supported with CUSTOM action`);
    }
  }
}

const ADDRESSES = ['ipBlocks', 'notIpBlocks', 'remoteIpBlocks', 'notRemoteIpBlocks'];
const NAMES = [
  'principals',
  'requestPrincipals',
  'namespaces',
  'notPrincipals',
  'notRequestPrincipals',
  'notNamespaces',
];
const ACCOUNTS = ['serviceAccounts', 'notServiceAccounts'];
const TRUST_DOMAINS = ['trustDomains', 'notTrustDomains'];
/** Attributes that a TCP connection has too. */
const OF_TCP = [
  'notPrincipals',
  'principals',
  'ipBlocks',
  'notIpBlocks',
  'namespaces',
  'notNamespaces',
  'remoteIpBlocks',
  'notRemoteIpBlocks',
  ...ACCOUNTS,
];

function checkRule(admission: Admission, rule: Tree, action: string): void {
  let fromTcp = false;
  let toTcp = false;
  let hasFrom = false;
  let hasTo = false;
  for (const from of treesAt(rule, 'from')) {
    const source = treeAt(from, 'source');
    if (source === undefined) {
      admission.refuse(from, '', '`from.source` must not be nil');
      continue;
    }
    hasFrom = true;
    checkSource(admission, from, source);
    if (OF_TCP.some((field) => listAt(source, field).length > 0)) fromTcp = true;
  }
  for (const to of treesAt(rule, 'to')) {
    const operation = treeAt(to, 'operation');
    if (operation === undefined) {
      admission.refuse(to, '', '`to.operation` must not be nil');
      continue;
    }
    hasTo = true;
    checkOperation(admission, to, operation);
    if (listAt(operation, 'ports').length > 0 || listAt(operation, 'notPorts').length > 0) toTcp = true;
  }
  for (const when of treesAt(rule, 'when')) checkCondition(admission, when);
  if (action === 'DENY' && ((hasFrom && !hasTo && !fromTcp) || (hasTo && !toTcp))) {
    const message =
      'configured AuthorizationPolicy will deny all traffic to TCP ports under its scope due to the use of only HTTP ' +
      'attributes in a DENY rule; it is recommended to explicitly specify the port';
    admission.warn(rule, '', message);
  }
}

function checkSource(admission: Admission, from: Tree, source: Tree): void {
  const some = (fields: string[]) => fields.some((field) => listAt(source, field).length > 0);
  if (some(['principals', 'notPrincipals', 'namespaces', 'notNamespaces']) && some(ACCOUNTS)) {
    admission.refuse(source, 'serviceAccounts', 'cannot set serviceAccounts with namespaces or principals');
  }
  if (!some([...ADDRESSES, ...NAMES, ...ACCOUNTS, ...TRUST_DOMAINS])) {
    admission.refuse(from, 'source', '`from.source` must not be empty');
  }
  for (const field of ADDRESSES) each(admission, source, field, addressFault);
  for (const field of NAMES) each(admission, source, field, emptyFault);
  for (const field of ACCOUNTS) each(admission, source, field, accountFault);
  for (const field of TRUST_DOMAINS) each(admission, source, field, trustDomainFault);
}

const OPERATION = ['ports', 'notPorts', 'methods', 'notMethods', 'paths', 'notPaths', 'hosts', 'notHosts'];

function checkOperation(admission: Admission, to: Tree, operation: Tree): void {
  if (OPERATION.every((field) => listAt(operation, field).length === 0)) {
    admission.refuse(to, 'operation', '`to.operation` must not be empty');
  }
  for (const field of OPERATION) each(admission, operation, field, emptyFault);
  for (const field of ['ports', 'notPorts']) each(admission, operation, field, portFault);
  for (const field of ['paths', 'notPaths']) each(admission, operation, field, pathFault);
}

function each(admission: Admission, tree: Tree, field: string, fault: (value: string) => string | null): void {
  const list = listAt(tree, field);
  for (let i = 0; i < list.length; i++) {
    const reason = fault(String(list[i]));
    if (reason !== null) admission.refuse(list, String(i), reason);
  }
}

function emptyFault(value: string): string | null {
  return value === '' ? 'empty value not allowed' : null;
}

function addressFault(value: string): string | null {
  if (value.includes('/')) return isPrefix(value) ? null : `bad CIDR range (${value})`;
  return isAddress(value) ? null : `bad IP address (${value})`;
}

function portFault(value: string): string | null {
  return /^\d+$/.test(value) && Number(value) <= 65535 ? null : `bad port (${value})`;
}

function accountFault(value: string): string | null {
  const parts = value.split('/');
  if (value.includes('*')) return 'wildcard not allowed';
  if (parts.length > 2 || parts.includes('')) {
    return `expected format 'serviceAccount' or 'namespace/serviceAccount', found "${value}"`;
  }
  return Buffer.byteLength(value) > 320 ? 'value cannot exceed 320 characters' : null;
}

function wildcardFault(value: string): string | null {
  const stars = value.split('*').length - 1;
  if (value === '') return 'empty value not allowed';
  if (stars > 1) return `at most one wildcard is allowed, found in "${value}"`;
  if (stars === 0 || value.startsWith('*') || value.endsWith('*')) return null;
  return `wildcard is only allowed at the start or end, found in "${value}"`;
}

function trustDomainFault(value: string): string | null {
  return (
    wildcardFault(value) ?? (value.includes('/') ? `trust domain must not contain '/', found in "${value}"` : null)
  );
}

const LITERAL = /^[a-zA-Z0-9\-._~%!$&'()+,;:@=]+$/;

/** Path templates: `{*}` is one segment, `{**}` any number at the end. */
function pathFault(path: string): string | null {
  const template = path.includes('{*}') || path.includes('{**}');
  let any = false;
  for (const part of path.replace(/^\/+|\/+$/g, '').split('/')) {
    if (part === '{*}' || part === '{**}') {
      if (any) return `invalid or unsupported path ${path}. {**} is not the last operator`;
      if (part === '{**}') any = true;
      continue;
    }
    if (/[{}]/.test(part))
      return `invalid or unsupported path ${path}. Contains '{' or '}' beyond a supported path template`;
    if (template && !LITERAL.test(part))
      return `invalid or unsupported path ${path}. Contains segment ${part} with invalid string literal`;
  }
  return null;
}

function checkCondition(admission: Admission, when: Tree): void {
  const key = stringAt(when, 'key');
  if (key === '') {
    admission.refuse(when, 'key', '`key` must not be empty');
    return;
  }
  const fields = ['values', 'notValues'];
  if (fields.every((field) => stringsAt(when, field).length === 0)) {
    admission.refuse(when, '', `at least one of \`values\` or \`notValues\` must be set for key ${key}`);
    return;
  }
  for (const field of fields) each(admission, when, field, emptyFault);
  const kind = attributeOf(key);
  if (typeof kind === 'string') admission.refuse(when, 'key', kind);
  else if (kind !== null) for (const field of fields) each(admission, when, field, kind);
  for (const field of key === 'source.serviceAccount' ? fields : []) {
    if (listAt(when, field).length > 16) admission.refuse(when, field, 'may not have more than 16 values');
  }
}

const PLAIN = [
  'source.namespace',
  'source.principal',
  'request.auth.principal',
  'request.auth.audiences',
  'request.auth.presenter',
  'connection.sni',
];
const MAPS = ['request.headers', 'request.auth.claims', 'experimental.envoy.filters.'];

/** What the values of an attribute must be; a text says why there is no such attribute. */
function attributeOf(key: string): ((value: string) => string | null) | string | null {
  if (PLAIN.includes(key)) return null;
  if (['source.ip', 'remote.ip', 'destination.ip'].includes(key)) return addressFault;
  if (key === 'source.serviceAccount') return accountFault;
  if (key === 'source.trustDomain') return wildcardFault;
  if (key === 'destination.port') return portFault;
  if (MAPS.some((prefix) => key.startsWith(prefix))) {
    const open = key.indexOf('[');
    return key.endsWith(']') && open > 0 && open < key.length - 2 ? null : `bad key (${key}): should have format a[b]`;
  }
  return `unknown attribute: ${key}`;
}
