import { isIP } from 'node:net';
import { hostCoveredBy, hostsOverlap } from '../names.js';
import { isTree, listAt, stringAt, stringsAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';
import { checkHttpRoute } from './http-route.js';

export function checkVirtualService(admission: Admission): void {
  const { spec } = admission.resource;
  const hosts = stringsAt(spec, 'hosts');
  const delegate = hosts.length === 0;
  if (delegate) {
    for (const [field, what] of [
      ['gateways', 'gateways'],
      ['tls', 'tls route'],
      ['tcp', 'tcp route'],
    ]) {
      if (listAt(spec, field).length > 0) {
        admission.refuse(spec, field, `delegate virtual service must have no ${what} specified`);
      }
    }
  }
  checkHosts(admission, spec, hosts);
  const kinds = ['http', 'tls', 'tcp'];
  if (kinds.every((k) => listAt(spec, k).length === 0)) {
    admission.refuse(admission.resource.body, 'spec', 'http, tcp or tls must be provided in virtual service');
  }
  const http = treesAt(spec, 'http');
  for (const route of http) checkHttpRoute(admission, route, delegate);
  if (!boundToGateway(spec)) for (const route of http) refuseClaims(admission, route);
  for (const route of treesAt(spec, 'tls')) checkTlsRoute(admission, route, hosts);
  for (const route of treesAt(spec, 'tcp')) checkStreamRoute(admission, route, 'TCP');
  admission.exportTo(false);
  warnUnreachable(admission, http);
}

function boundToGateway(spec: Tree): boolean {
  const gateways = stringsAt(spec, 'gateways');
  return gateways.length > 0 && !gateways.includes('mesh');
}

function checkHosts(admission: Admission, spec: Tree, hosts: readonly string[]): void {
  const list = listAt(spec, 'hosts');
  const toGateway = boundToGateway(spec);
  let valid = true;
  for (let i = 0; i < hosts.length; i++) {
    if (hosts[i].startsWith('outbound_.') && toGateway) continue;
    if (!admission.host(list, String(i), hosts[i], true)) valid = false;
    else if (hosts[i] === '*' && !toGateway) {
      valid = false;
      const message = 'wildcard host * is not allowed for virtual services bound to the mesh gateway';
      admission.refuse(list, String(i), message);
    }
  }
  for (let i = 0; valid && i < hosts.length; i++) {
    for (let j = i + 1; j < hosts.length; j++) {
      if (!hostsOverlap(hosts[i], hosts[j])) continue;
      admission.refuse(list, String(j), `duplicate hosts in virtual service: ${hosts[i]} & ${hosts[j]}`);
    }
  }
}

function refuseClaims(admission: Admission, route: Tree): void {
  for (const match of treesAt(route, 'match')) {
    for (const field of ['headers', 'withoutHeaders']) {
      const map = treeAt(match, field) ?? {};
      for (const name of Object.keys(map)) {
        if (!name.toLowerCase().startsWith('@request.auth.claims')) continue;
        admission.refuse(map, name, `JWT claim based routing (key: ${name}) is only supported for gateway`);
      }
    }
  }
}

function checkTlsRoute(admission: Admission, route: Tree, hosts: readonly string[]): void {
  const matches = treesAt(route, 'match');
  if (matches.length === 0) admission.refuse(route, '', 'TLS route must have at least one match condition');
  for (const match of matches) {
    const names = listAt(match, 'sniHosts');
    if (names.length === 0) admission.refuse(match, '', 'TLS match must have at least one SNI host');
    for (let i = 0; i < names.length; i++) {
      const name = String(names[i]);
      if (isIP(name) !== 0) {
        admission.warn(
          names,
          String(i),
          `using an IP address ("${name}") goes against SNI spec and most clients do not support this`,
        );
      } else if (admission.host(names, String(i), name) && !hosts.some((h) => hostCoveredBy(name, h))) {
        const message = `SNI host "${name}" is not a compatible subset of any of the virtual service hosts: [${hosts.join(', ')}]`;
        admission.refuse(names, String(i), message);
      }
    }
  }
  checkStreamRoute(admission, route, 'TLS');
}

function checkStreamRoute(admission: Admission, route: Tree, kind: string): void {
  const destinations = treesAt(route, 'route');
  if (destinations.length === 0) admission.refuse(route, '', `${kind} route is required`);
  for (const one of destinations) admission.destination(one, 'destination');
  for (const match of treesAt(route, 'match')) {
    const subnets = listAt(match, 'destinationSubnets');
    for (let i = 0; i < subnets.length; i++) {
      const [address, bits] = String(subnets[i]).split('/');
      const version = isIP(address);
      const width = version === 4 ? 32 : 128;
      const good = version !== 0 && (bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= width));
      if (!good) admission.refuse(subnets, String(i), `${subnets[i]} is not a valid CIDR block`);
    }
  }
  admission.weights(route, 'route', destinations);
}

/** Text by which two matches are the same, whatever the order of their fields. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isTree(value)) return JSON.stringify(value) ?? 'null';
  const fields = Object.keys(value).sort();
  return `{${fields.map((f) => `${JSON.stringify(f)}:${canonical(value[f])}`).join(',')}}`;
}

function warnUnreachable(admission: Admission, routes: readonly Tree[]): void {
  const seen = new Map<string, number>();
  let withoutMatch = -1;
  const named = (i: number) => (stringAt(routes[i], 'name') === '' ? `#${i}` : `"${stringAt(routes[i], 'name')}"`);
  const unused = (i: number, reason: string) =>
    admission.warn(routes[i], '', `virtualService rule ${named(i)} not used (${reason})`);
  for (let i = 0; i < routes.length; i++) {
    const matches = treesAt(routes[i], 'match');
    if (matches.length === 0) {
      if (withoutMatch !== -1) unused(i, 'only the last rule can have no matches');
      withoutMatch = i;
      continue;
    }
    let repeated = 0;
    for (const [n, match] of matches.entries()) {
      if (withoutMatch !== -1) {
        unused(i, 'route without matches defined before');
        continue;
      }
      const key = canonical(match);
      const before = seen.get(key);
      if (before === undefined) {
        seen.set(key, i);
        continue;
      }
      repeated++;
      const name = stringAt(match, 'name') === '' ? `#${n}` : `"${stringAt(match, 'name')}"`;
      const message = `virtualService rule ${named(i)} match ${name} is not used (duplicate/overlapping match in rule ${named(before)})`;
      admission.warn(match, '', message);
    }
    if (repeated === matches.length) unused(i, 'all matches used by prior rules');
  }
}
