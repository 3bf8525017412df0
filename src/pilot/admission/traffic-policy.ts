import { booleanAt, isTree, listAt, numberAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';

const PARTS = ['outlierDetection', 'connectionPool', 'loadBalancer', 'tls'];
const MORE_PARTS = ['portLevelSettings', 'tunnel', 'proxyProtocol', 'retryBudget'];

/** Checks `owner[field]`, a trafficPolicy. */
export function checkTrafficPolicy(admission: Admission, owner: Tree, field: string): void {
  const policy = treeAt(owner, field);
  if (policy === undefined) return;
  if ([...PARTS, ...MORE_PARTS].every((p) => policy[p] === undefined || policy[p] === null)) {
    admission.refuse(owner, field, 'traffic policy must have at least one field');
  }
  if (treeAt(policy, 'tunnel') !== undefined && treeAt(policy, 'proxyProtocol') !== undefined) {
    admission.refuse(policy, 'tunnel', 'tunnel and proxyProtocol must not be set together');
  }
  checkParts(admission, policy);
  for (const settings of treesAt(policy, 'portLevelSettings')) {
    if (treeAt(settings, 'port') === undefined)
      admission.refuse(settings, '', 'portTrafficPolicy must have valid port');
    if (PARTS.every((p) => settings[p] === undefined || settings[p] === null)) {
      admission.refuse(settings, '', 'port traffic policy must have at least one field');
    }
    checkParts(admission, settings);
  }
}

function checkParts(admission: Admission, policy: Tree): void {
  checkOutlierDetection(admission, treeAt(policy, 'outlierDetection'));
  checkConnectionPool(admission, policy, 'connectionPool');
  checkLoadBalancer(admission, treeAt(policy, 'loadBalancer'), treeAt(policy, 'outlierDetection'));
  checkTls(admission, treeAt(policy, 'tls'));
}

function checkOutlierDetection(admission: Admission, outlier: Tree | undefined): void {
  if (outlier === undefined) return;
  if ((numberAt(outlier, 'consecutiveErrors') ?? 0) !== 0) {
    admission.warn(
      outlier,
      'consecutiveErrors',
      'outlier detection consecutive errors is deprecated, use consecutiveGatewayErrors or consecutive5xxErrors instead',
    );
  }
  const split = booleanAt(outlier, 'splitExternalLocalOriginErrors') === true;
  if (!split && (numberAt(outlier, 'consecutiveLocalOriginFailures') ?? 0) > 0) {
    admission.refuse(
      outlier,
      'consecutiveLocalOriginFailures',
      'outlier detection consecutive local origin failures is specified, but split external local origin errors is set to false',
    );
  }
  for (const field of ['maxEjectionPercent', 'minHealthPercent']) {
    const value = numberAt(outlier, field) ?? 0;
    if (value < 0 || value > 100) admission.refuse(outlier, field, `percentage ${value} is not in range 0..100`);
  }
}

const LIMITS = [
  ['http', 'http1MaxPendingRequests', 'http1 max pending requests'],
  ['http', 'http2MaxRequests', 'http2 max requests'],
  ['http', 'maxRequestsPerConnection', 'max requests per connection'],
  ['http', 'maxRetries', 'max retries'],
  ['http', 'maxConcurrentStreams', 'max concurrent streams'],
  ['tcp', 'maxConnections', 'max connections'],
] as const;

/** Checks `owner[field]`, a connectionPool. */
export function checkConnectionPool(admission: Admission, owner: Tree, field: string): void {
  const pool = treeAt(owner, field);
  if (pool === undefined) return;
  const http = treeAt(pool, 'http');
  if (http === undefined && treeAt(pool, 'tcp') === undefined) {
    admission.refuse(owner, field, 'connection pool must have at least one field');
  }
  for (const [part, name, words] of LIMITS) {
    const settings = treeAt(pool, part);
    if (settings !== undefined && (numberAt(settings, name) ?? 0) < 0) {
      admission.refuse(settings, name, `${words} must be non-negative`);
    }
  }
  if (http === undefined) return;
  if (stringAt(http, 'h2UpgradePolicy') === 'UPGRADE' && booleanAt(http, 'useClientProtocol') === true) {
    admission.refuse(http, 'useClientProtocol', 'use client protocol must not be true when H2UpgradePolicy is UPGRADE');
  }
  const keepAlive = treeAt(http, 'http2KeepAlive');
  for (const part of keepAlive === undefined ? [] : ['interval', 'timeout']) {
    if (stringAt(keepAlive, part) === '')
      admission.refuse(http, 'http2KeepAlive', `http2 keepalive ${part} is required`);
  }
}

function isPrime(n: number): boolean {
  if (n < 4) return n !== 0;
  if (n % 2 === 0) return false;
  for (let factor = 3; factor * factor <= n; factor += 2) if (n % factor === 0) return false;
  return true;
}

function checkLoadBalancer(admission: Admission, balancer: Tree | undefined, outlier: Tree | undefined): void {
  if (balancer === undefined) return;
  const hash = treeAt(balancer, 'consistentHash');
  if (hash !== undefined) checkConsistentHash(admission, hash);
  const locality = treeAt(balancer, 'localityLbSetting');
  if (locality !== undefined) checkLocality(admission, balancer, locality, outlier);
  const warmup = treeAt(balancer, 'warmup');
  if (warmup === undefined) return;
  if (stringAt(warmup, 'duration') === '') admission.refuse(balancer, 'warmup', 'duration is required');
  const least = numberAt(warmup, 'minimumPercent') ?? numberAt(treeAt(warmup, 'minimumPercent'), 'value') ?? 0;
  if (least > 100)
    admission.refuse(warmup, 'minimumPercent', 'minimumPercent value should be less than or equal to 100');
  const aggression = numberAt(warmup, 'aggression') ?? numberAt(treeAt(warmup, 'aggression'), 'value') ?? 1;
  if (aggression <= 0) admission.refuse(warmup, 'aggression', 'aggression should be greater than 0');
}

function checkConsistentHash(admission: Admission, hash: Tree): void {
  const cookie = treeAt(hash, 'httpCookie');
  if (cookie !== undefined) {
    if (stringAt(cookie, 'name') === '') admission.refuse(hash, 'httpCookie', 'name required for HttpCookie');
    const names = new Set<string>();
    for (const attribute of treesAt(cookie, 'attributes')) {
      const name = stringAt(attribute, 'name');
      if (name === '') admission.refuse(attribute, '', 'cookie attribute name cannot be empty');
      else if (names.has(name)) admission.refuse(attribute, 'name', `duplicate cookie attribute name: ${name}`);
      names.add(name);
    }
  }
  const maglev = treeAt(hash, 'maglev');
  if ((numberAt(hash, 'minimumRingSize') ?? 0) !== 0) {
    admission.warn(
      hash,
      'minimumRingSize',
      "consistent hash MinimumRingSize is deprecated, use ConsistentHashLB's RingHash configuration instead",
    );
    if (maglev !== undefined || treeAt(hash, 'ringHash') !== undefined) {
      admission.refuse(hash, 'minimumRingSize', 'only one of MinimumRingSize or Maglev/Ringhash can be specified');
    }
  }
  if (maglev === undefined) return;
  const size = numberAt(maglev, 'tableSize') ?? 0;
  if (size === 0) admission.refuse(hash, 'maglev', 'tableSize must be set for maglev');
  else if (size >= 5000011) admission.refuse(maglev, 'tableSize', 'tableSize must be less than 5000011 for maglev');
  else if (!isPrime(size)) admission.refuse(maglev, 'tableSize', 'tableSize must be a prime number for maglev');
}

function checkLocality(admission: Admission, balancer: Tree, locality: Tree, outlier: Tree | undefined): void {
  const distribute = treesAt(locality, 'distribute');
  const failover = treesAt(locality, 'failover');
  if (distribute.length > 0 && failover.length > 0) {
    admission.refuse(locality, 'failover', "can not simultaneously specify 'distribute' and 'failover'");
    return;
  }
  for (const one of distribute) {
    const to = treeAt(one, 'to') ?? {};
    let total = 0;
    for (const key of Object.keys(to)) {
      const weight = numberAt(to, key) ?? 0;
      if (weight <= 0 || weight > 100) admission.refuse(to, key, 'locality weight must be in range [1, 100]');
      total += weight;
    }
    if (total !== 100) admission.refuse(one, 'to', `total locality weight ${total} != 100`);
  }
  const listed = failover.length > 0 || listAt(locality, 'failoverPriority').length > 0;
  if (listed && outlier === undefined) {
    admission.warn(balancer, 'localityLbSetting', 'outlier detection policy must be provided for failover');
  }
  for (const one of failover) {
    const from = stringAt(one, 'from');
    const to = stringAt(one, 'to');
    if (from === to) admission.refuse(one, '', 'locality lb failover settings must specify different regions');
    if (from.includes('/') || to.includes('/')) admission.refuse(one, '', 'locality lb failover only specify region');
    if (from.includes('*') || to.includes('*')) {
      admission.refuse(one, '', "locality lb failover region should not contain '*' wildcard");
    }
  }
}

function checkTls(admission: Admission, tls: Tree | undefined): void {
  if (!isTree(tls)) return;
  const has = (field: string) => stringAt(tls, field) !== '';
  const mode = stringAt(tls, 'mode');
  const insecure = booleanAt(tls, 'insecureSkipVerify') === true;
  const originates = mode === 'SIMPLE' || mode === 'MUTUAL';
  if (insecure && originates && (has('caCertificates') || listAt(tls, 'subjectAltNames').length > 0)) {
    admission.refuse(
      tls,
      'insecureSkipVerify',
      'cannot specify CaCertificates or SubjectAltNames when InsecureSkipVerify is set true',
    );
  }
  if (originates && has('credentialName')) {
    if (['clientCertificate', 'caCertificates', 'privateKey', 'caCrl'].some(has)) {
      const message = 'cannot specify client certificates or CA certificate or CA CRL If credentialName is set';
      admission.refuse(tls, 'credentialName', message);
    }
    return;
  }
  if (mode !== 'MUTUAL') return;
  if (!has('clientCertificate')) admission.refuse(tls, 'mode', 'client certificate required for mutual tls');
  if (!has('privateKey')) admission.refuse(tls, 'mode', 'private key required for mutual tls');
}
