import type { Findings, Subject } from '../finding.js';
import type { Profile } from '../profile.js';
import type { Resource } from '../resource.js';
import { isTree, type Tree } from '../tree.js';
import { KINDS, MESH_CONFIG } from './kinds.js';

/** What decides whether a field means anything to this proxy. */
export interface Setting {
  profile: Profile;
  proxyType: 'sidecar' | 'router';
  /** Whether connections are captured, so that there are listeners for every protocol. */
  captures: boolean;
  /** Whether the proxy has a certificate of the mesh. */
  certificates: boolean;
}

/**
 * What the translation does with a field. `true`: it, and all below it, is read. A text: it is not, for this reason. A function says
 * which, by the value and the proxy. An object: the same for each field of it, `*` for every field of a
 * map; of a list every item is looked at. A field that the object does not name is not read; with `...` it is passed over.
 */
export type Carried = Known | ((value: unknown, setting: Setting) => Known);
type Known = true | string | CarriedFields;

export interface CarriedFields {
  readonly [field: string]: Carried;
}

const NOT_READ = 'halfopen does not read it';

/** Warns, by the rule `unsupported`, of every field of an accepted document that the translation does not carry out. */
export function checkCarried(resource: Resource, setting: Setting, findings: Findings): void {
  const carried = KINDS[resource.kind];
  if (carried === undefined || (resource.kind === 'Gateway' && setting.proxyType !== 'router')) return;
  walk(resource.spec, carried, resource, setting, findings);
}

/** The same for the mesh's own configuration. */
export function checkCarriedMesh(mesh: Tree, setting: Setting, findings: Findings): void {
  walk(mesh, MESH_CONFIG, { kind: 'MeshConfig', namespace: '', name: '', body: mesh }, setting, findings);
}

function walk(tree: Tree, carried: CarriedFields, subject: Subject, setting: Setting, findings: Findings): void {
  for (const field of Object.keys(tree)) {
    const value = tree[field];
    if (value === null || value === undefined) continue;
    const said = Object.hasOwn(carried, field) ? carried[field] : carried['*'];
    const known = typeof said === 'function' ? said(value, setting) : said;
    if (known === true) continue;
    if (known === undefined) {
      if (carried['...'] === undefined) tell(tree, field, NOT_READ);
    } else if (typeof known === 'string') {
      tell(tree, field, known);
    } else if (Array.isArray(value)) {
      for (const item of value) if (isTree(item)) walk(item, known, subject, setting, findings);
    } else if (isTree(value)) walk(value, known, subject, setting, findings);
  }

  function tell(at: Tree, field: string, reason: string): void {
    findings.warn('unsupported', subject, at, field, `${field} is not carried out: ${reason}`);
  }
}
