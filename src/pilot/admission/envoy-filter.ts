import { regexFault } from '../../xds/regex.js';
import { isTree, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';
import { patchValueFault } from './patch-value.js';

export function checkEnvoyFilter(admission: Admission): void {
  const { spec, body } = admission.resource;
  admission.warn(
    body,
    'kind',
    'EnvoyFilter exposes internal implementation details that may change at any time. Prefer other APIs if possible, and exercise extreme caution, especially around upgrades.',
  );
  if (!admission.workloadSelector('Envoy filter')) return;
  for (const patch of treesAt(spec, 'configPatches')) checkPatch(admission, patch);
}

const LISTENER_CLASS = ['LISTENER', 'FILTER_CHAIN', 'NETWORK_FILTER', 'HTTP_FILTER'];
const ROUTE_CLASS = ['ROUTE_CONFIGURATION', 'VIRTUAL_HOST', 'HTTP_ROUTE'];

function checkPatch(admission: Admission, patch: Tree): void {
  const match = treeAt(patch, 'match');
  if (stringAt(match, 'context') === 'WAYPOINT') return;
  const applyTo = stringAt(patch, 'applyTo');
  if (applyTo === '' || applyTo === 'INVALID') {
    admission.refuse(patch, '', 'Envoy filter: missing applyTo');
    return;
  }
  const change = treeAt(patch, 'patch');
  if (change === undefined) {
    admission.refuse(patch, '', 'Envoy filter: missing patch');
    return;
  }
  const operation = stringAt(change, 'operation');
  if (operation === '' || operation === 'INVALID') {
    admission.refuse(patch, 'patch', 'Envoy filter: missing patch operation');
    return;
  }
  if (operation !== 'REMOVE' && !isTree(change['value'])) {
    admission.refuse(patch, 'patch', 'Envoy filter: missing patch value for non-remove operation');
    return;
  }
  const version = stringAt(treeAt(match, 'proxy'), 'proxyVersion');
  const fault = version === '' || Buffer.byteLength(version) > 1024 ? null : regexFault(version);
  if (fault !== null) {
    admission.refuse(
      treeAt(match, 'proxy') as Tree,
      'proxyVersion',
      `Envoy filter: invalid regex for proxy version: ${fault}`,
    );
    return;
  }
  if (match !== undefined && !checkMatch(admission, patch, match, applyTo)) return;
  if (!isTree(change['value'])) return;
  const wrong = patchValueFault(applyTo, change, 'value');
  if (wrong !== null) admission.refuse(wrong.tree, wrong.field, `Envoy filter: ${wrong.message}`);
}

/** Whether the match fits what is patched; false when nothing else is looked at. */
function checkMatch(admission: Admission, patch: Tree, match: Tree, applyTo: string): boolean {
  const kinds = ['listener', 'routeConfiguration', 'cluster', 'waypoint'];
  const given = kinds.find((kind) => treeAt(match, kind) !== undefined);
  if (given === undefined) return true;
  if (LISTENER_CLASS.includes(applyTo)) {
    if (given === 'listener') return checkFilterMatch(admission, match, applyTo);
    admission.refuse(patch, 'match', 'Envoy filter: applyTo for listener class objects cannot have non listener match');
    return false;
  }
  if (ROUTE_CLASS.includes(applyTo) && given !== 'routeConfiguration') {
    const message = 'Envoy filter: applyTo for http route class objects cannot have non route configuration match';
    admission.refuse(patch, 'match', message);
  }
  if (applyTo === 'CLUSTER' && given !== 'cluster') {
    admission.refuse(patch, 'match', 'Envoy filter: applyTo for cluster class objects cannot have non cluster match');
  }
  return true;
}

const HTTP_MANAGERS = ['envoy.filters.network.http_connection_manager', 'envoy.http_connection_manager'];

function checkFilterMatch(admission: Admission, match: Tree, applyTo: string): boolean {
  const filter = treeAt(treeAt(treeAt(match, 'listener'), 'filterChain'), 'filter');
  if (filter === undefined) return true;
  if (applyTo === 'LISTENER' || applyTo === 'FILTER_CHAIN') {
    admission.warn(filter, '', `Envoy filter: filter match has no effect when used with ${applyTo}`);
  }
  const name = stringAt(filter, 'name');
  const sub = treeAt(filter, 'subFilter');
  const message =
    name === ''
      ? 'filter match has no name to match on'
      : sub === undefined
        ? null
        : applyTo !== 'HTTP_FILTER'
          ? 'subfilter match can be used with applyTo HTTP_FILTER only'
          : !HTTP_MANAGERS.includes(name)
            ? `subfilter match requires filter match with ${HTTP_MANAGERS[0]}`
            : stringAt(sub, 'name') === ''
              ? 'subfilter match has no name to match on'
              : null;
  if (message !== null) admission.refuse(filter, '', `Envoy filter: ${message}`);
  return message === null;
}
