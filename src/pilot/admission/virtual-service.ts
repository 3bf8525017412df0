import { hostCoveredBy, hostsOverlap } from '../names.js';
import { listAt, numberAt, stringsAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';
import { checkHttpRoute } from './http-route.js';
import { domainFault, isAddress } from './names.js';
import { warnUnreachable } from './unreachable.js';

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
  admission.gateways(spec);
  checkHosts(admission, spec, hosts);
  const kinds = ['http', 'tls', 'tcp'];
  if (kinds.every((k) => listAt(spec, k).length === 0)) {
    admission.refuse(admission.resource.body, 'spec', 'http, tcp or tls must be provided in virtual service');
  }
  const http = treesAt(spec, 'http');
  for (const route of http) checkHttpRoute(admission, route, delegate);
  if (!boundToGateway(spec)) for (const route of http) refuseClaims(admission, route);
  for (const route of treesAt(spec, 'tls')) checkTlsRoute(admission, route, spec, hosts);
  for (const route of treesAt(spec, 'tcp')) checkTcpRoute(admission, route);
  admission.exportTo();
  for (const kind of kinds) warnUnreachable(admission, treesAt(spec, kind), kind === 'http');
}

function boundToGateway(spec: Tree): boolean {
  const gateways = stringsAt(spec, 'gateways');
  return gateways.length > 0 && !gateways.includes('mesh');
}

/** Names of the form that gateways between networks use. */
const SNI_NAME = /^outbound_[^_]*\d[^_]*_[^_]*_[^_]*[a-zA-Z]/;

/** Why a host is none; null when it is one. */
function hostFault(host: string, spec: Tree, gateway: boolean): string | null {
  const matches = treesAt(spec, 'tls').flatMap((route) => treesAt(route, 'match'));
  const bySni = matches.some((match) => listAt(match, 'sniHosts').length > 0);
  if (gateway && bySni && host.startsWith('outbound_')) {
    return SNI_NAME.test(host) ? null : `domain name "${host}" invalid, should follow outbound_.<port>_._.<hostname>`;
  }
  return domainFault(host);
}

function checkHosts(admission: Admission, spec: Tree, hosts: readonly string[]): void {
  const list = listAt(spec, 'hosts');
  const gateway = boundToGateway(spec);
  let valid = true;
  for (let i = 0; i < hosts.length; i++) {
    const reason = hostFault(hosts[i], spec, gateway);
    if (reason !== null) {
      if (isAddress(hosts[i])) continue;
      valid = false;
      admission.refuse(list, String(i), reason, 'a DNS name such as shop.example.com or *.example.com');
    } else if (hosts[i] === '*' && !gateway) {
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

/** A claim of a token in the place of a header: `@request.auth.claims.name` or `@request.auth.claims[name]`. */
export function isClaim(name: string): boolean {
  const prefix = '@request.auth.claims';
  if (!name.toLowerCase().startsWith(prefix)) return false;
  const rest = name.slice(prefix.length);
  return /^\../s.test(rest) || /^\[.+\]$/s.test(rest);
}

function refuseClaims(admission: Admission, route: Tree): void {
  for (const match of treesAt(route, 'match')) {
    for (const field of ['headers', 'withoutHeaders']) {
      const map = treeAt(match, field) ?? {};
      for (const name of Object.keys(map)) {
        if (!isClaim(name)) continue;
        admission.refuse(map, name, `JWT claim based routing (key: ${name}) is only supported for gateway`);
      }
    }
  }
}

function checkTlsRoute(admission: Admission, route: Tree, spec: Tree, hosts: readonly string[]): void {
  const matches = treesAt(route, 'match');
  if (matches.length === 0) admission.refuse(route, '', 'TLS route must have at least one match condition');
  for (const match of matches) {
    const names = listAt(match, 'sniHosts');
    if (names.length === 0) admission.refuse(match, '', 'TLS match must have at least one SNI host');
    for (let i = 0; i < names.length; i++) {
      const name = String(names[i]);
      const reason = hostFault(name, spec, boundToGateway(spec));
      if (reason !== null && isAddress(name)) {
        const message = `using an IP address ("${name}") goes against SNI spec and most clients do not support this`;
        admission.warn(names, String(i), message);
      } else if (reason !== null) admission.refuse(names, String(i), reason);
      else if (!hosts.some((h) => hostCoveredBy(name, h))) {
        const message = `SNI host "${name}" is not a compatible subset of any of the virtual service hosts: [${hosts.join(', ')}]`;
        admission.refuse(names, String(i), message);
      }
    }
    checkStreamMatch(admission, match);
  }
  checkStreamRoute(admission, route, 'TLS');
}

function checkTcpRoute(admission: Admission, route: Tree): void {
  admission.withoutWarnings(() => {
    for (const match of treesAt(route, 'match')) checkStreamMatch(admission, match);
  });
  checkStreamRoute(admission, route, 'TCP');
}

function checkStreamMatch(admission: Admission, match: Tree): void {
  admission.subnets(match, 'destinationSubnets');
  const port = numberAt(match, 'port') ?? 0;
  if (port !== 0) admission.port(match, 'port', port);
  admission.workloadLabels(match, 'sourceLabels');
  admission.gateways(match);
}

function checkStreamRoute(admission: Admission, route: Tree, kind: string): void {
  const destinations = treesAt(route, 'route');
  if (destinations.length === 0) admission.refuse(route, '', `${kind} route is required`);
  for (const one of destinations) admission.destination(one, 'destination');
  admission.weights(route, 'route', destinations);
}
