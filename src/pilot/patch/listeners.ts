import { listAt, numberAt, stringAt, stringsAt, type Tree, treeAt, treesAt } from '../tree.js';
import { copySourced, mergeMessage, mergeTyped } from './merge.js';
import type { Patch, PatchContext, Patches } from './patches.js';

const MANAGER = 'envoy.filters.network.http_connection_manager';
const VIRTUAL = new Set(['virtualInbound', 'virtualOutbound']);

/** Listeners as LISTENER, FILTER_CHAIN, NETWORK_FILTER and HTTP_FILTER patches leave them. */
export function patchListeners(patches: Patches, context: PatchContext, listeners: readonly Tree[]): Tree[] {
  const out = listeners.filter((listener) => patchListener(patches, context, listener));
  for (const patch of patches.of('LISTENER', context)) {
    if (patch.operation !== 'ADD' || (patch.context === 'ANY' && context === 'SIDECAR_INBOUND')) continue;
    patch.applied++;
    out.push(copySourced(patch.value));
  }
  return out;
}

/** Changes a listener in place; false when a patch removes it. */
export function patchListener(patches: Patches, context: PatchContext, listener: Tree): boolean {
  for (const patch of patches.of('LISTENER', context)) {
    if (patch.operation === 'ADD' || !listenerMatches(patch, listener)) continue;
    patch.applied++;
    if (patch.operation === 'REMOVE') return false;
    if (merges(patch)) mergeMessage('Listener', listener, patch.value, patch.operation !== 'MERGE');
  }
  const filters = editList(
    patches.of('LISTENER_FILTER', context),
    listener,
    treesAt(listener, 'listener_filters'),
    (p, f) => {
      const name = stringAt(p.listener, 'listenerFilter');
      return name === '' ? null : name === stringAt(f, 'name');
    },
  );
  if (filters.length > 0 || listener['listener_filters'] !== undefined) listener['listener_filters'] = filters;
  const chains = treesAt(listener, 'filter_chains').filter((c) => patchChain(patches, context, listener, c));
  for (const patch of patches.of('FILTER_CHAIN', context)) {
    if (patch.operation !== 'ADD' || !listenerMatches(patch, listener)) continue;
    patch.applied++;
    chains.push(copySourced(patch.value));
  }
  listener['filter_chains'] = chains;
  const last = treeAt(listener, 'default_filter_chain');
  if (last !== undefined && !patchChain(patches, context, listener, last)) delete listener['default_filter_chain'];
  return true;
}

function merges(patch: Patch): boolean {
  return patch.operation === 'MERGE' || patch.operation === 'MERGE_AND_REPLACE_LIST';
}

function patchChain(patches: Patches, context: PatchContext, listener: Tree, chain: Tree): boolean {
  const here = (applyTo: string) =>
    patches.of(applyTo, context).filter((p) => listenerMatches(p, listener) && chainMatches(p, listener, chain));
  for (const patch of here('FILTER_CHAIN')) {
    if (patch.operation === 'REMOVE') {
      patch.applied++;
      return false;
    }
    if (!merges(patch)) continue;
    patch.applied++;
    mergeMessage('FilterChain', chain, patch.value, patch.operation !== 'MERGE');
  }
  const network = here('NETWORK_FILTER');
  const filters = editList(network, listener, treesAt(chain, 'filters'), filterMatches);
  chain['filters'] = filters;
  const http = here('HTTP_FILTER');
  for (const filter of filters) {
    for (const patch of network) {
      if (patch.operation === 'MERGE' && filterMatches(patch, filter) !== false) mergeFilter(patch, filter);
    }
    const manager = treeAt(filter, 'typed_config');
    if (stringAt(filter, 'name') !== MANAGER || manager === undefined) continue;
    const own = http.filter((p) => filterMatches(p, filter) !== false);
    if (own.length === 0) continue;
    const httpFilters = editList(own, listener, treesAt(manager, 'http_filters'), httpFilterMatches);
    manager['http_filters'] = httpFilters;
    for (const one of httpFilters) {
      for (const patch of own) {
        if (patch.operation === 'MERGE' && httpFilterMatches(patch, one) !== false) mergeFilter(patch, one);
      }
    }
  }
  return true;
}

/** Merges a filter's configuration; of another message it is left as it is. */
function mergeFilter(patch: Patch, filter: Tree): void {
  const typed = treeAt(filter, 'typed_config');
  const value = treeAt(patch.value, 'typed_config') ?? treeAt(patch.value, 'typedConfig');
  if (typed === undefined) return;
  if (stringAt(patch.value, 'name') !== '') filter['name'] = stringAt(patch.value, 'name');
  if (value === undefined || mergeTyped(typed, value)) patch.applied++;
}

/** Whether a patch names this filter; null when it names none. */
type Names = (patch: Patch, filter: Tree) => boolean | null;

/** Adds, inserts, replaces and removes filters of a list. */
function editList(patches: readonly Patch[], listener: Tree, before: Tree[], names: Names): Tree[] {
  let list = before;
  for (const patch of patches) {
    if (!listenerMatches(patch, listener)) continue;
    const named = names(patch, {}) !== null;
    const at = named ? list.findIndex((f) => names(patch, f) === true) : -1;
    const made = () => copySourced(patch.value);
    const old = list;
    switch (patch.operation) {
      case 'ADD':
        list = [...list, made()];
        break;
      case 'INSERT_FIRST':
        list = [made(), ...list];
        break;
      case 'INSERT_AFTER':
        if (!named) list = [...list, made()];
        else if (at !== -1) list = [...list.slice(0, at + 1), made(), ...list.slice(at + 1)];
        break;
      case 'INSERT_BEFORE':
        if (!named) list = [made(), ...list];
        else if (at !== -1) list = [...list.slice(0, at), made(), ...list.slice(at)];
        break;
      case 'REPLACE':
        if (at !== -1) list = [...list.slice(0, at), made(), ...list.slice(at + 1)];
        break;
      case 'REMOVE':
        if (at !== -1) list = list.filter((f) => names(patch, f) !== true);
        break;
    }
    if (list !== old) patch.applied++;
  }
  return list;
}

function listenerMatches(patch: Patch, listener: Tree): boolean {
  const match = patch.listener;
  if (match === undefined) return true;
  const name = stringAt(listener, 'name');
  if (stringAt(match, 'name') !== '' && stringAt(match, 'name') !== name) return false;
  if (patch.applyTo !== 'LISTENER' && VIRTUAL.has(name)) return true;
  const port = numberAt(match, 'portNumber') ?? 0;
  return port === 0 || port === numberAt(treeAt(treeAt(listener, 'address'), 'socket_address'), 'port_value');
}

function chainMatches(patch: Patch, listener: Tree, chain: Tree): boolean {
  const match = patch.listener;
  if (match === undefined) return true;
  const criteria = treeAt(chain, 'filter_chain_match');
  const destination = numberAt(criteria, 'destination_port') ?? 0;
  const port = numberAt(match, 'portNumber') ?? 0;
  if (VIRTUAL.has(stringAt(listener, 'name')) && port > 0 && destination !== port) return false;
  const own = treeAt(match, 'filterChain');
  if (own === undefined) return true;
  if (stringAt(own, 'name') !== '' && stringAt(own, 'name') !== stringAt(chain, 'name')) return false;
  if (stringAt(own, 'sni') !== '' && !listAt(criteria, 'server_names').includes(stringAt(own, 'sni'))) return false;
  const transport = stringAt(own, 'transportProtocol');
  if (transport !== '' && transport !== stringAt(criteria, 'transport_protocol')) return false;
  const protocols = stringAt(own, 'applicationProtocols');
  const given = stringsAt(criteria, 'application_protocols');
  if (protocols !== '' && !protocols.split(',').every((p) => given.includes(p))) return false;
  const wanted = numberAt(own, 'destinationPort') ?? 0;
  return wanted === 0 || wanted === destination;
}

function filterMatches(patch: Patch, filter: Tree): boolean | null {
  const match = treeAt(treeAt(patch.listener, 'filterChain'), 'filter');
  return match === undefined ? null : stringAt(match, 'name') === stringAt(filter, 'name');
}

function httpFilterMatches(patch: Patch, filter: Tree): boolean | null {
  const match = treeAt(treeAt(treeAt(patch.listener, 'filterChain'), 'filter'), 'subFilter');
  return match === undefined ? null : stringAt(match, 'name') === stringAt(filter, 'name');
}
