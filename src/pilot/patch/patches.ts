import { compileRegex, regexFault } from '../../xds/regex.js';
import { byAge, type Resource, selects } from '../resource.js';
import { listAt, numberAt, stringAt, stringMapAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { World } from '../world.js';

export type PatchContext = 'SIDECAR_OUTBOUND' | 'SIDECAR_INBOUND' | 'GATEWAY';

/** One patch of an EnvoyFilter that is for this proxy. */
export interface Patch {
  from: Resource;
  /** The entry of `configPatches`, for findings. */
  tree: Tree;
  applyTo: string;
  operation: string;
  context: string;
  /** `match.listener`, `match.routeConfiguration` or `match.cluster`; undefined matches everything. */
  listener: Tree | undefined;
  routeConfiguration: Tree | undefined;
  cluster: Tree | undefined;
  value: Tree;
  /** How often it found something to change. */
  applied: number;
}

/** What is patched nowhere here, and told as such when the document is read. */
const ELSEWHERE = new Set(['BOOTSTRAP', 'EXTENSION_CONFIG']);

/** All patches for a proxy in the order in which they are applied, by what they apply to. */
export class Patches {
  private readonly byKind = new Map<string, Patch[]>();

  constructor(private readonly world: World) {
    for (const filter of filtersFor(world)) {
      for (const tree of treesAt(filter.spec, 'configPatches')) {
        const match = treeAt(tree, 'match');
        if (!proxyMatches(world, treeAt(match, 'proxy'))) continue;
        const patch = treeAt(tree, 'patch');
        const made: Patch = {
          from: filter,
          tree,
          applyTo: stringAt(tree, 'applyTo'),
          operation: stringAt(patch, 'operation'),
          context: stringAt(match, 'context') || 'ANY',
          listener: treeAt(match, 'listener'),
          routeConfiguration: treeAt(match, 'routeConfiguration'),
          cluster: treeAt(match, 'cluster'),
          value: treeAt(patch, 'value') ?? {},
          applied: 0,
        };
        const list = this.byKind.get(made.applyTo);
        if (list === undefined) this.byKind.set(made.applyTo, [made]);
        else list.push(made);
      }
    }
  }

  get empty(): boolean {
    return this.byKind.size === 0;
  }

  /** The patches of a kind for a context. */
  of(applyTo: string, context: PatchContext): Patch[] {
    return (this.byKind.get(applyTo) ?? []).filter((p) => p.context === context || p.context === 'ANY');
  }

  /** Warns of patches for `contexts` that found nothing to change. */
  warnUnused(contexts: readonly PatchContext[]): void {
    for (const patch of [...this.byKind.values()].flat()) {
      if (patch.applied > 0 || ELSEWHERE.has(patch.applyTo)) continue;
      if (patch.context !== 'ANY' && !contexts.includes(patch.context as PatchContext)) continue;
      const message = `the ${patch.applyTo} patch finds nothing to change`;
      this.world.findings.warn('no-effect', patch.from, patch.tree, '', message);
    }
  }
}

/** EnvoyFilters for workloads, of the root namespace and the proxy's own, those of the root first unless `priority` says otherwise. */
function filtersFor(world: World): Resource[] {
  const root = world.mesh.rootNamespace;
  const { namespace, labels } = world.proxy;
  const own = world.resources.filter((r) => {
    if (r.kind !== 'EnvoyFilter' || (r.namespace !== root && r.namespace !== namespace)) return false;
    if (listAt(r.spec, 'targetRefs').length > 0) return false;
    return selects(stringMapAt(treeAt(r.spec, 'workloadSelector'), 'labels'), labels);
  });
  const priority = (r: Resource) => numberAt(r.spec, 'priority') ?? 0;
  const inRoot = (r: Resource) => (r.namespace === root ? 0 : 1);
  return own.sort((a, b) => priority(a) - priority(b) || inRoot(a) - inRoot(b) || byAge(a, b));
}

function proxyMatches(world: World, proxy: Tree | undefined): boolean {
  if (proxy === undefined) return true;
  const pattern = stringAt(proxy, 'proxyVersion');
  if (pattern !== '') {
    if (regexFault(pattern) !== null) return false;
    if (!compileRegex(pattern).matcher(world.profile.version.join('.')).find()) return false;
  }
  return Object.keys(treeAt(proxy, 'metadata') ?? {}).length === 0;
}
