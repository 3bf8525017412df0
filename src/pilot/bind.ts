import { positionOf } from '../config/position.js';
import type { BuiltCluster } from './cluster/clusters.js';
import { type Findings, findingAt } from './finding.js';
import { FindingMemo } from './memo.js';
import { copyTree, isTree, stringAt, type Tree, treeAt, treesAt } from './tree.js';

/** Files of the workload's own identity. */
export interface MeshCertificates {
  certificateChain: string;
  privateKey: string;
  rootCertificates: string;
}

/** Where the system keeps the certificates it trusts. */
const SYSTEM_ROOTS = '/etc/ssl/certs/ca-certificates.crt';

/**
 * A cluster that runs without a control plane: endpoints stand in it (STATIC for EDS), certificates come from files.
 * Without `certificates` servers of the mesh are called in plain text where istiod would choose mutual TLS by itself.
 */
export function runnableCluster(built: BuiltCluster, certificates: MeshCertificates | null, findings: Findings): Tree {
  const of = [built.endpoints, certificates];
  return runnable.get(built.cluster, of, findings, () => makeRunnable(built, certificates, findings));
}

const runnable = new FindingMemo<Tree, Tree>();

function makeRunnable(built: BuiltCluster, certificates: MeshCertificates | null, findings: Findings): Tree {
  const cluster = copyTree(built.cluster);
  if (cluster['type'] === 'EDS') {
    cluster['type'] = 'STATIC';
    cluster['load_assignment'] = built.endpoints ?? { cluster_name: cluster['name'] };
  }
  delete cluster['typed_dns_resolver_config'];
  const matches = cluster['transport_socket_matches'];
  if (Array.isArray(matches) && certificates === null) delete cluster['transport_socket_matches'];
  for (const socket of [cluster, ...treesAt(cluster, 'transport_socket_matches')]) {
    const config = treeAt(treeAt(socket, 'transport_socket'), 'typed_config');
    const common = treeAt(config, 'common_tls_context');
    if (common === undefined || useFiles(common, certificates)) continue;
    const message = `${stringAt(cluster, 'name')} asks for mutual TLS of the mesh, and there is no certificate for it`;
    const allowed = 'mode DISABLE, SIMPLE or MUTUAL, or the option meshCertificates';
    findings.list.push(findingAt(positionOf(socket, 'transport_socket'), 'error', 'unsupported', message, allowed));
    delete socket['transport_socket'];
  }
  return cluster;
}

/**
 * A listener that runs without a control plane: its route configurations stand in it, certificates come from files. Chains
 * that end the mesh's mutual TLS are left out without `certificates`; null when no chain is left.
 */
export function runnableListener(
  source: Tree,
  routes: readonly Tree[],
  certificates: MeshCertificates | null,
  findings: Findings,
): Tree | null {
  const listener = copyTree(source);
  const known = new Map(routes.map((r) => [stringAt(r, 'name'), r]));
  const chains = treesAt(listener, 'filter_chains').filter((chain) => {
    const common = treeAt(treeAt(treeAt(chain, 'transport_socket'), 'typed_config'), 'common_tls_context');
    if (common === undefined) return true;
    const name = stringAt(treesAt(common, 'tls_certificate_sds_secret_configs')[0], 'name');
    if (name.startsWith('kubernetes://')) {
      const message = `${stringAt(listener, 'name')} needs the secret ${name.slice('kubernetes://'.length)}, which is not read`;
      const allowed = 'serverCertificate and privateKey with the paths of files';
      const at = positionOf(chain['transport_socket'] as object, '');
      findings.list.push(findingAt(at, 'error', 'unsupported', message, allowed));
      return false;
    }
    return useFiles(common, certificates);
  });
  listener['filter_chains'] = chains;
  if (chains.length === 0 && listener['default_filter_chain'] === undefined) return null;
  const last = treeAt(listener, 'default_filter_chain');
  for (const chain of last === undefined ? chains : [...chains, last]) {
    for (const filter of treesAt(chain, 'filters')) {
      const manager = treeAt(filter, 'typed_config');
      const wanted = known.get(stringAt(treeAt(manager, 'rds'), 'route_config_name'));
      if (manager === undefined || wanted === undefined) continue;
      delete manager['rds'];
      manager['route_config'] = wanted;
    }
  }
  return listener;
}

/** Replaces named secrets by files; false when they are the mesh's own and there are none. */
function useFiles(common: Tree, certificates: MeshCertificates | null): boolean {
  const named = treesAt(common, 'tls_certificate_sds_secret_configs')[0];
  if (named !== undefined) {
    const name = stringAt(named, 'name');
    delete common['tls_certificate_sds_secret_configs'];
    if (name === 'default') {
      if (certificates === null) return false;
      common['tls_certificates'] = [pair(certificates.certificateChain, certificates.privateKey)];
    } else {
      const [chain, key] = name.replace('file-cert:', '').split('~');
      common['tls_certificates'] = [pair(chain, key)];
    }
  }
  const combined = treeAt(common, 'combined_validation_context');
  if (combined !== undefined) {
    delete common['combined_validation_context'];
    const context = treeAt(combined, 'default_validation_context') ?? {};
    const name = stringAt(treeAt(combined, 'validation_context_sds_secret_config'), 'name');
    const roots = name === 'ROOTCA' ? certificates?.rootCertificates : name.replace('file-root:', '');
    common['validation_context'] = {
      ...context,
      trusted_ca: { filename: roots === 'system' || roots === undefined ? SYSTEM_ROOTS : roots },
    };
    const names = common['validation_context'] as Tree;
    const sans = names['match_subject_alt_names'];
    if (Array.isArray(sans)) {
      delete names['match_subject_alt_names'];
      // Envoy names the kind of each subject name; a SPIFFE identity is a URI.
      names['match_typed_subject_alt_names'] = sans.filter(isTree).map((matcher) => ({
        san_type: stringAt(matcher, 'exact').includes('://') ? 'URI' : 'DNS',
        matcher,
      }));
    }
  }
  return true;
}

function pair(chain: string, key: string): Tree {
  return { certificate_chain: { filename: chain }, private_key: { filename: key } };
}
