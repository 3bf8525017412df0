import { listAt, numberAt, stringAt, stringsAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';

const TOPOLOGY = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone'];

/** LocalityLoadBalancerSetting. */
export function checkLocality(admission: Admission, balancer: Tree, locality: Tree, outlier: Tree | undefined): void {
  const distribute = treesAt(locality, 'distribute');
  const failover = treesAt(locality, 'failover');
  if (distribute.length > 0 && failover.length > 0) {
    admission.refuse(locality, 'failover', "can not simultaneously specify 'distribute' and 'failover'");
    return;
  }
  const priorities = stringsAt(locality, 'failoverPriority');
  const label = failover.length === 0 ? undefined : priorities.find((p) => TOPOLOGY.includes(p));
  if (label !== undefined) {
    const message = `can not simultaneously set 'failover' and topology label '${label}' in 'failover_priority'`;
    admission.refuse(locality, 'failoverPriority', message);
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
    const reason = localitiesFault(Object.keys(to));
    if (reason !== null) admission.refuse(one, 'to', reason);
  }
  const reason = localitiesFault(distribute.map((one) => stringAt(one, 'from')));
  if (reason !== null) admission.refuse(locality, 'distribute', reason);
  checkFailover(admission, balancer, 'localityLbSetting', outlier);
}

/** ZoneAwareLoadBalancerSetting: zones are looked after without being asked for. */
export function checkZoneAware(admission: Admission, balancer: Tree, zones: Tree, outlier: Tree | undefined): void {
  const priorities = listAt(zones, 'failoverPriority');
  for (let i = 0; i < priorities.length; i++) {
    if (!TOPOLOGY.includes(String(priorities[i]))) continue;
    const message = `'failover_priority' for zone aware lb must not use topology label '${String(priorities[i])}'`;
    admission.refuse(priorities, String(i), message);
  }
  checkFailover(admission, balancer, 'zoneAwareLbSetting', outlier);
}

function checkFailover(admission: Admission, balancer: Tree, field: string, outlier: Tree | undefined): void {
  const setting = treeAt(balancer, field);
  const failover = treesAt(setting, 'failover');
  if ((failover.length > 0 || listAt(setting, 'failoverPriority').length > 0) && outlier === undefined) {
    admission.warn(balancer, field, 'outlier detection policy must be provided for failover');
  }
  for (const one of failover) {
    const [from, to] = [stringAt(one, 'from'), stringAt(one, 'to')];
    if (from === to) admission.refuse(one, '', 'failover settings must specify different regions');
    if (from.includes('/') || to.includes('/')) admission.refuse(one, '', 'failover only specifies regions');
    if (from.includes('*') || to.includes('*')) {
      admission.refuse(one, '', "failover region should not contain '*' wildcard");
    }
  }
}

/** Why a list of localities (`region/zone/subzone`, `*` at the end) cannot be; null when it can. */
function localitiesFault(localities: readonly string[]): string | null {
  const seen: string[][] = [];
  for (const locality of localities) {
    const stars = locality.split('*').length - 1;
    if (stars > 1 || (stars === 1 && !locality.endsWith('*'))) {
      return `locality ${locality} wildcard '*' number can not exceed 1 and must be in the end`;
    }
    const [region, zone, ...rest] = locality.split('/');
    const parts = [region, zone, rest.join('/')].slice(0, Math.min(3, locality.split('/').length));
    const overlap = `locality ${locality} overlap with previous specified ones`;
    if (seen.some((other) => other[0] === '*')) return overlap;
    if (parts.includes('')) return `locality ${locality} must not contain empty region/zone/subzone info`;
    if (seen.some((other) => overlaps(other, parts))) return overlap;
    seen.push(parts);
  }
  return null;
}

/** Whether `later` is covered by `earlier`, or stands above it. */
function overlaps(earlier: readonly string[], later: readonly string[]): boolean {
  for (let i = 0; i < 3; i++) {
    if (i === later.length) return true;
    if (i === earlier.length || earlier[i] === '*') return true;
    if (earlier[i] !== later[i]) return false;
  }
  return true;
}
