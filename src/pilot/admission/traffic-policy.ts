import { parseDuration } from '../duration.js';
import { booleanAt, isTree, listAt, numberAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';
import { checkLocality, checkZoneAware } from './locality.js';
import { isAddress, nameFault } from './names.js';

const PARTS = ['outlierDetection', 'connectionPool', 'loadBalancer', 'tls'];
const MORE_PARTS = ['portLevelSettings', 'tunnel', 'proxyProtocol', 'retryBudget'];

/** Checks `owner[field]`, a trafficPolicy. */
export function checkTrafficPolicy(admission: Admission, owner: Tree, field: string): void {
  const policy = treeAt(owner, field);
  if (policy === undefined) return;
  if ([...PARTS, ...MORE_PARTS].every((p) => policy[p] === undefined || policy[p] === null)) {
    admission.refuse(owner, field, 'traffic policy must have at least one field');
    return;
  }
  if (treeAt(policy, 'tunnel') !== undefined && treeAt(policy, 'proxyProtocol') !== undefined) {
    admission.refuse(policy, 'tunnel', 'tunnel and proxyProtocol must not be set together');
    return;
  }
  checkParts(admission, policy);
  admission.durationText(treeAt(policy, 'retryBudget'), 'budgetInterval');
  checkTunnel(admission, treeAt(policy, 'tunnel'));
  admission.withoutWarnings(() => checkPorts(admission, policy));
}

function checkTunnel(admission: Admission, tunnel: Tree | undefined): void {
  if (tunnel === undefined) return;
  if (!['', 'CONNECT', 'POST'].includes(stringAt(tunnel, 'protocol'))) {
    admission.refuse(tunnel, 'protocol', 'tunnel protocol must be "CONNECT" or "POST"', 'CONNECT or POST');
  }
  const host = stringAt(tunnel, 'targetHost');
  if (!isAddress(host) && nameFault(host) !== null) {
    admission.refuse(tunnel, 'targetHost', 'tunnel target host must be valid FQDN or IP address');
  }
  admission.port(tunnel, 'targetPort', numberAt(tunnel, 'targetPort') ?? 0);
}

function checkPorts(admission: Admission, policy: Tree): void {
  for (const settings of treesAt(policy, 'portLevelSettings')) {
    if (treeAt(settings, 'port') === undefined)
      admission.refuse(settings, '', 'portTrafficPolicy must have valid port');
    if (PARTS.every((p) => settings[p] === undefined || settings[p] === null)) {
      admission.refuse(settings, '', 'port traffic policy must have at least one field');
    } else checkParts(admission, settings);
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
  admission.duration(outlier, 'baseEjectionTime');
  admission.duration(outlier, 'interval');
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
  checkTcp(admission, treeAt(pool, 'tcp'));
  for (const [part, name, words] of LIMITS) {
    const settings = treeAt(pool, part);
    if (settings !== undefined && (numberAt(settings, name) ?? 0) < 0) {
      admission.refuse(settings, name, `${words} must be non-negative`);
    }
  }
  if (http === undefined) return;
  admission.duration(http, 'idleTimeout');
  if (stringAt(http, 'h2UpgradePolicy') === 'UPGRADE' && booleanAt(http, 'useClientProtocol') === true) {
    admission.refuse(http, 'useClientProtocol', 'use client protocol must not be true when H2UpgradePolicy is UPGRADE');
  }
  const keepAlive = treeAt(http, 'http2KeepAlive');
  for (const part of keepAlive === undefined ? [] : ['interval', 'timeout']) {
    if (stringAt(keepAlive, part) === '')
      admission.refuse(http, 'http2KeepAlive', `http2 keepalive ${part} is required`);
    admission.duration(keepAlive, part);
  }
}

function checkTcp(admission: Admission, tcp: Tree | undefined): void {
  if (tcp === undefined) return;
  admission.duration(tcp, 'connectTimeout');
  admission.duration(tcp, 'maxConnectionDuration');
  // Less than a millisecond switches it off.
  if (!admission.durationText(tcp, 'idleTimeout')) return;
  if (Math.abs(parseDuration(stringAt(tcp, 'idleTimeout')) ?? 0) >= 1) admission.duration(tcp, 'idleTimeout');
  const keepalive = treeAt(tcp, 'tcpKeepalive');
  admission.duration(keepalive, 'time');
  admission.duration(keepalive, 'interval');
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
  const zones = treeAt(balancer, 'zoneAwareLbSetting');
  if (locality !== undefined && zones !== undefined) {
    const message = 'only one of localityLbSetting and zoneAwareLbSetting can be set';
    admission.refuse(balancer, 'zoneAwareLbSetting', message);
  }
  if (locality !== undefined) checkLocality(admission, balancer, locality, outlier);
  if (zones !== undefined) checkZoneAware(admission, balancer, zones, outlier);
  admission.durationText(balancer, 'warmupDurationSecs');
  const warmup = treeAt(balancer, 'warmup');
  if (warmup === undefined) return;
  if (stringAt(warmup, 'duration') === '') admission.refuse(balancer, 'warmup', 'duration is required');
  admission.duration(warmup, 'duration');
  const least = numberAt(warmup, 'minimumPercent') ?? numberAt(treeAt(warmup, 'minimumPercent'), 'value') ?? 0;
  if (least > 100)
    admission.refuse(warmup, 'minimumPercent', 'minimumPercent value should be less than or equal to 100');
  const aggression = numberAt(warmup, 'aggression') ?? numberAt(treeAt(warmup, 'aggression'), 'value') ?? 1;
  if (aggression <= 0) admission.refuse(warmup, 'aggression', 'aggression should be greater than 0');
}

function checkConsistentHash(admission: Admission, hash: Tree): void {
  const cookie = treeAt(hash, 'httpCookie');
  if (cookie !== undefined) {
    admission.durationText(cookie, 'ttl');
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

function checkTls(admission: Admission, tls: Tree | undefined): void {
  if (!isTree(tls)) return;
  const has = (field: string) => stringAt(tls, field) !== '';
  const mode = stringAt(tls, 'mode');
  const insecure = booleanAt(tls, 'insecureSkipVerify') === true;
  const originates = mode === 'SIMPLE' || mode === 'MUTUAL';
  checkConfigMap(admission, tls);
  const named = has('caCertificates') || listAt(tls, 'subjectAltNames').length > 0;
  if (insecure && ((originates && named) || (mode === 'SIMPLE' && has('credentialName')))) {
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

/** `configmap://name` or `configmap://namespace/name`, of the rule's own namespace. */
function checkConfigMap(admission: Admission, tls: Tree): void {
  const name = stringAt(tls, 'credentialName');
  if (!name.startsWith('configmap://')) return;
  const parts = name.slice('configmap://'.length).split('/');
  const { namespace } = admission.resource;
  const own = parts.length === 1 || parts[0] === namespace;
  if (own && parts.length <= 2 && !parts.includes('')) return;
  admission.refuse(
    tls,
    'credentialName',
    `invalid configmap:// credentialName: ${name}`,
    `configmap://${namespace}/name`,
  );
}
