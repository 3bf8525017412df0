import { parseRequestUri } from '../schema/uri.js';
import { isTree, listAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';

export function checkPeerAuthentication(admission: Admission): void {
  const { spec } = admission.resource;
  const selector = treeAt(spec, 'selector');
  admission.selector(spec);
  const ports = treeAt(spec, 'portLevelMtls');
  if (ports === undefined) return;
  if (Object.keys(treeAt(selector, 'matchLabels') ?? {}).length === 0 && Object.keys(ports).length > 0) {
    admission.refuse(spec, 'portLevelMtls', 'mesh/namespace peer authentication cannot have port level mTLS');
  }
  if (Object.keys(ports).length === 0) {
    admission.refuse(spec, 'portLevelMtls', 'port level mTLS, if defined, must have at least one element');
  }
  for (const port of Object.keys(ports)) {
    const number = Number(port);
    if (!Number.isInteger(number) || number < 1 || number > 65535) {
      admission.refuse(ports, port, 'port must be in range 1..65535');
    }
  }
}

export function checkRequestAuthentication(admission: Admission): void {
  const { spec } = admission.resource;
  admission.targets();
  for (const rule of treesAt(spec, 'jwtRules')) checkJwtRule(admission, rule);
}

function checkJwtRule(admission: Admission, rule: Tree): void {
  const uri = stringAt(rule, 'jwksUri') || stringAt(rule, 'jwks_uri');
  if (stringAt(rule, 'issuer') === '' && uri === '') {
    admission.refuse(rule, '', 'issuer or jwksUri must be non-empty string');
  }
  const parsed = uri === '' ? null : parseRequestUri(uri);
  if (uri !== '' && parsed?.scheme !== 'http' && parsed?.scheme !== 'https') {
    admission.refuse(rule, 'jwksUri', `URI scheme "${parsed?.scheme ?? ''}" is not supported`, 'http:// or https://');
  }
  for (const field of ['audiences', 'fromParams', 'fromCookies']) {
    const list = listAt(rule, field);
    for (let i = 0; i < list.length; i++) {
      if (list[i] === '') admission.refuse(list, String(i), `${field} must hold non-empty strings`);
    }
  }
  for (const header of treesAt(rule, 'fromHeaders')) {
    if (stringAt(header, 'name') === '') {
      admission.refuse(header, 'name', 'location header name must be non-empty string');
    }
  }
  for (const output of treesAt(rule, 'outputClaimToHeaders')) {
    const header = stringAt(output, 'header');
    if (header === '' || stringAt(output, 'claim') === '') {
      admission.refuse(output, '', 'outputClaimToHeaders header and claim value must be non-empty string');
    } else if (!/^[-_A-Za-z0-9]+$/.test(header)) {
      admission.refuse(output, 'header', `header name ${header} is not a valid header name`);
    }
  }
  checkKeys(admission, rule);
  admission.duration(rule, 'timeout');
}

/** Members that only private keys have (RFC 7518 6.2.2, 6.3.2, 6.4). */
const PRIVATE = ['d', 'k'];

/** `jwks`: a JSON Web Key Set, or one key. */
function checkKeys(admission: Admission, rule: Tree): void {
  const text = stringAt(rule, 'jwks');
  if (text === '') return;
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch (error) {
    admission.refuse(rule, 'jwks', `jwks parse error: ${(error as Error).message}`, 'a JSON Web Key Set');
    return;
  }
  const keys = isTree(set) && Array.isArray(set['keys']) ? set['keys'] : [set];
  for (const [i, key] of keys.entries()) {
    if (!isTree(key) || !isKey(key)) {
      admission.refuse(rule, 'jwks', `jwks parse error: key ${i} is no key`, 'a JSON Web Key Set');
      return;
    }
    if (PRIVATE.some((member) => typeof key[member] === 'string')) {
      const message = `jwks key at index ${i} contains private key material; only public keys are used for verification`;
      admission.warn(rule, 'jwks', message);
    }
  }
}

/** Members without which a key of each type cannot be read. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  oct: ['k'],
};

function isKey(key: Tree): boolean {
  const members = MEMBERS[stringAt(key, 'kty')];
  return members?.every((member) => stringAt(key, member) !== '') === true;
}
