import { copyTree, numberAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import { copySourced, mergeMessage, mergeTyped } from './merge.js';
import type { Patch, PatchContext, Patches } from './patches.js';

/** The cluster as the CLUSTER patches leave it; null when one removes it. `hosts` are the services of an inbound cluster. */
export function patchCluster(
  patches: Patches,
  context: PatchContext,
  cluster: Tree,
  hosts: readonly string[] = [],
): Tree | null {
  for (const patch of patches.of('CLUSTER', context)) {
    if (!clusterMatches(patch, cluster, hosts)) continue;
    if (patch.operation === 'REMOVE') {
      patch.applied++;
      return null;
    }
    if (patch.operation !== 'MERGE' && patch.operation !== 'MERGE_AND_REPLACE_LIST') continue;
    patch.applied++;
    if (treeAt(patch.value, 'transport_socket') ?? treeAt(patch.value, 'transportSocket')) mergeSocket(cluster, patch);
    else mergeMessage('Cluster', cluster, patch.value, patch.operation === 'MERGE_AND_REPLACE_LIST');
  }
  return cluster;
}

/** Clusters that ADD patches bring. Without a context they are for the outbound side. */
export function addedClusters(patches: Patches, context: PatchContext): Tree[] {
  const out: Tree[] = [];
  for (const patch of patches.of('CLUSTER', context)) {
    if (patch.operation !== 'ADD' || (patch.context === 'ANY' && context === 'SIDECAR_INBOUND')) continue;
    patch.applied++;
    out.push(copySourced(patch.value));
  }
  return out;
}

/** A patch with a transport socket changes that alone: merged into one of the same name, else put in its place. */
function mergeSocket(cluster: Tree, patch: Patch): void {
  const socket = treeAt(patch.value, 'transport_socket') ?? treeAt(patch.value, 'transportSocket') ?? {};
  const name = stringAt(socket, 'name');
  const matches = treesAt(cluster, 'transport_socket_matches');
  let target: Tree | undefined;
  if (matches.length > 0) {
    target = matches.map((m) => treeAt(m, 'transport_socket')).find((s) => stringAt(s, 'name') === name);
    if (target === undefined) return;
  } else if (stringAt(treeAt(cluster, 'transport_socket'), 'name') === name)
    target = treeAt(cluster, 'transport_socket');
  const typed = treeAt(target, 'typed_config');
  const value = treeAt(socket, 'typed_config') ?? treeAt(socket, 'typedConfig');
  if (typed === undefined) cluster['transport_socket'] = copySourced(socket);
  else if (value !== undefined) mergeTyped(typed, copyTree(value));
}

function clusterMatches(patch: Patch, cluster: Tree, hosts: readonly string[]): boolean {
  const match = patch.cluster;
  if (match === undefined) return true;
  const name = stringAt(cluster, 'name');
  if (stringAt(match, 'name') !== '') return stringAt(match, 'name') === name;
  const [direction, port, subset, host] = name.split('|');
  if (host === undefined && direction === name) {
    return stringAt(match, 'subset') === '' && stringAt(match, 'service') === '' && !numberAt(match, 'portNumber');
  }
  if (stringAt(match, 'subset') !== '' && stringAt(match, 'subset') !== subset) return false;
  const service = stringAt(match, 'service');
  if (service !== '' && service !== host && !hosts.includes(service)) return false;
  const number = numberAt(match, 'portNumber') ?? 0;
  return number === 0 || number === Number(port);
}
